"""Where the requests of the rows availability and performance come from, and what was measured.

A published service is measured at its address, from this machine, as its users reach it. Another service is measured
from a pod that calls it, with the network policies of both, and needs Python in the image of the probe.
"""

import asyncio
import contextlib
import dataclasses
import inspect
import json
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib import parse

from seaway import errors
from seaway.acceptance import deployment, load, probe
from seaway.model import application
from seaway.rollout import addresses

STOP_SECONDS = 30
"""Maximum seconds until a run that was stopped prints its figures."""

_SCRIPT = (
    "command -v python3 >/dev/null || exit 127; exec python3 -c 'import json, sys;"
    " source, options = json.loads(sys.stdin.readline()); sys.argv[1:] = [options]; exec(source)'"
)

Figures = dict[str, Any]
Finish = Callable[..., Awaitable[Figures]]
"""Ends a run, or waits for its end with ``stop=False``; returns the figures."""


class NotMeasurableError(errors.Unavailable):
    """Nothing can send requests to a service. The text is for the user."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the requests come from, and where they go."""

    description: str
    options: Mapping[str, Any]
    caller: probe.Probe | None
    """None: this machine."""

    @contextlib.asynccontextmanager
    async def start(self, **options: Any) -> AsyncGenerator[Finish]:
        """Send requests inside the block; see ``load.Options``."""
        complete = json.dumps({**self.options, **options})
        if self.caller is None:
            async with _run_here(complete) as finish:
                yield finish
            return
        async with self.caller.start(_SCRIPT, [json.dumps([inspect.getsource(load), complete])]) as script:

            async def finish_script(seconds: float = STOP_SECONDS, *, stop: bool = True) -> Figures:
                try:
                    lines = await script.finish(seconds, "stop" if stop else "")
                except probe.ScriptFailedError as error:
                    raise NotMeasurableError(
                        f"{error}: its image has no python3; set one that has: pulumi config set seaway:debugImage"
                        " python:3.12-slim"
                    ) from None
                return json.loads(lines[-1])

            yield finish_script


@contextlib.asynccontextmanager
async def open_source(
    tested: deployment.Deployment,
    service: application.Service,
    published: Sequence[str],
    image: str,
) -> AsyncGenerator[Source]:
    """The source for a service. ``published``: its addresses.

    Raises:
        NotMeasurableError: it is not published, and no pod that calls it runs.
    """
    path = service.health.readiness if isinstance(service.health.readiness, str) else None
    options: dict[str, Any] = {"http": service.protocol == "http"}
    if path and path.startswith("/"):
        options["path"] = path
    for address in published:
        url = parse.urlsplit(address)
        if address != addresses.PENDING and url.hostname and url.scheme in ("http", "https"):
            tls = url.scheme == "https"
            target = {"host": url.hostname, "port": url.port or (443 if tls else 80), "tls": tls}
            prefix = url.path.rstrip("/")
            options |= target | {"host_header": url.netloc, "path": f"{prefix}{options.get('path', '/')}"}
            yield Source(description=f"from this machine, at {address}", options=options, caller=None)
            return
    workloads = tested.workloads
    caller = next((name for name in tested.pods if service.name in workloads[name].calls and name != service.name), "")
    if not caller:
        raise NotMeasurableError(
            f"{service.name} is neither published nor called by a service or store with a ready pod; publish it in this"
            " stack: seaway:publish"
        )
    async with probe.Probe.attach(tested.cluster, tested.pods[caller], caller, image) as own_probe:
        options |= {"host": service.name, "port": service.port}
        yield Source(description=f"from a pod of {caller}", options=options, caller=own_probe)


@contextlib.asynccontextmanager
async def _run_here(options: str) -> AsyncGenerator[Finish]:
    """The program as a process of its own: requests do not wait for this one."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", str(load.__file__), options, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )

    async def finish(seconds: float = STOP_SECONDS, *, stop: bool = True) -> Figures:
        if process.stdin and process.stdout:
            if stop:
                process.stdin.write(b"stop\n")
            with contextlib.suppress(TimeoutError):
                output = await asyncio.wait_for(process.stdout.read(), seconds)
                if await process.wait() == 0:
                    return json.loads(output)
        raise errors.Unavailable("the program that sends requests failed")

    try:
        yield finish
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
