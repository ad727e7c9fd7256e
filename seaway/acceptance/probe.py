"""A probe: an ephemeral container in a pod of a workload. It runs scripts, and ends with the connection.

It has the identity, the network and the policies of the pod, and /proc/1 is the workload's own process.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Hashable, Iterable, Mapping
from typing import Self, TypeVar

from seaway import errors
from seaway.kubernetes.api import unstructured
from seaway.kubernetes.cluster import client, ephemeral, snapshot, streams
from seaway.manifests import debug_container, names

Key = TypeVar("Key", bound=Hashable)

RUN_SECONDS = 120
"""Maximum seconds of one script."""

_HOLD_SCRIPT = "while read -r line; do :; done"
"""Ends with the connection."""

END_LINE = "end"
"""The last line of a script's input: an API server before Kubernetes 1.30 cannot pass on the end of stdin."""


class ScriptFailedError(errors.Unavailable):
    """A script of a probe ended with another exit code than 0."""


class Probe:
    """A shell beside a container."""

    def __init__(self, place: streams.Place) -> None:
        self._place = place

    @classmethod
    @contextlib.asynccontextmanager
    async def attach(
        cls, cluster: client.KubeClient, pod: snapshot.Object, container: str, image: str
    ) -> AsyncGenerator[Self]:
        """Start the ephemeral container; it ends with the block."""
        name = f"test-{secrets.token_hex(3)}"
        place = streams.Place(
            cluster=cluster,
            namespace=pod["metadata"]["namespace"],
            pod=unstructured.get_name(pod),
            container=name,
        )
        words = ("sh", "-c", _HOLD_SCRIPT)
        patch = debug_container.build_patch(
            pod, container, name=name, image=image, command=words, has_environment=False
        )
        await ephemeral.start(place, patch, field_manager=names.MANAGER)
        async with place.open_command(()):
            yield cls(place)

    async def run(self, script: str, lines: Iterable[str] = ()) -> list[str]:
        """The lines that a shell script prints; ``lines``: its input, before ``END_LINE``.

        Raises:
            errors.Unavailable: it did not run to its end.
        """
        async with self.start(script, lines) as running:
            return await running.finish(RUN_SECONDS, END_LINE)

    @contextlib.asynccontextmanager
    async def start(self, script: str, lines: Iterable[str] = ()) -> AsyncGenerator["RunningScript"]:
        """A script that runs until it ends, or until the block ends."""
        async with self._place.open_command(("sh", "-c", script)) as stream:
            running = RunningScript(stream, self._place.pod)
            for line in lines:
                await running.send(line)
            reader = asyncio.create_task(running.read())
            try:
                yield running
            finally:
                reader.cancel()


class RunningScript:
    """A script that a probe runs."""

    def __init__(self, stream: streams.Stream, pod: str) -> None:
        self._stream = stream
        self._pod = pod
        self._output = b""
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def send(self, line: str) -> None:
        """Send a line of its input."""
        await self._stream.send(streams.STDIN, f"{line}\n".encode())

    async def read(self) -> None:
        """Collect its output until it ends."""
        lost: errors.Unavailable = errors.Unavailable(f"the connection to the probe in pod {self._pod} was lost")
        try:
            async for channel, content in self._stream.receive():
                if channel == streams.STATUS:
                    self._ended.set_result(streams.parse_status(content))
                    return
                if channel == streams.STDOUT:
                    self._output += content
        except errors.Unavailable as error:
            lost = error
        self._ended.set_exception(lost)

    async def finish(self, seconds: float, line: str = "") -> list[str]:
        """The lines that it prints until it ends. ``line``: its last input; ``seconds``: the most that it may take.

        Raises:
            errors.Unavailable: it did not run to its end.
        """
        if line:
            await self.send(line)
        try:
            code = await asyncio.wait_for(self._ended, seconds)
        except TimeoutError:
            raise errors.Unavailable(f"the probe in pod {self._pod} did not end within {seconds:g} s") from None
        if code:
            raise ScriptFailedError(f"the probe in pod {self._pod} ended with exit code {code}")
        return self._output.decode(errors="replace").splitlines()


@contextlib.asynccontextmanager
async def open_all(
    cluster: client.KubeClient, containers: Mapping[Key, tuple[snapshot.Object, str]], image: str
) -> AsyncGenerator[dict[Key, Probe | errors.Unavailable]]:
    """A probe beside each container of a pod, or the reason why it does not run."""
    done, loop = asyncio.Event(), asyncio.get_running_loop()
    starts: dict[Key, asyncio.Future[Probe | errors.Unavailable]] = {key: loop.create_future() for key in containers}

    async def hold(key: Key, pod: snapshot.Object, container: str) -> None:
        # A probe is opened and closed by the same task, as its connection requires.
        try:
            async with Probe.attach(cluster, pod, container, image) as probe:
                starts[key].set_result(probe)
                await done.wait()
        except errors.Unavailable as error:
            if not starts[key].done():  # a connection that is lost later is reported by the next script
                starts[key].set_result(error)

    tasks = {key: asyncio.create_task(hold(key, pod, container)) for key, (pod, container) in containers.items()}
    try:
        yield {key: await start for key, start in starts.items()}
    finally:
        done.set()
        for key, task in tasks.items():
            if not starts[key].done():
                task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
