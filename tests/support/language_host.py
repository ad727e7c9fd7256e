"""A fake of Pulumi's current Python language host, which interrupts the program of a failed run.

The toolchain has the last host with its own Go module, 3.79.0, which does not interrupt the program. This fake behaves
like `pulumi-language-python` 3.259: on `Cancel`, which the engine sends after Ctrl-C and at the end of every run, and
when the engine drops the call, it sends SIGINT to the program, and SIGKILL 5 s later.

``install(folder, pulumi)`` installs it in place of Pulumi's host.
"""

# ruff: noqa: N802 - the protocol defines the names of the methods

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import grpc.aio
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

NAME = "pulumi-language-python"
REPORTED = 32
"""Exit code of a program that has reported its error."""
WAIT = 5.0
"""Seconds from SIGINT to SIGKILL."""


def install(folder: Path, pulumi: Path) -> Path:
    """Create a folder with a copy of Pulumi and the host, for the start of PATH.

    Pulumi warns about a host that is not beside its executable, and follows links to the executable, so it is copied.
    """
    folder.mkdir(parents=True)
    shutil.copy2(pulumi, folder / "pulumi")
    host = folder / NAME
    # -P: import nothing from this folder or from the project, which may have a package of the same name.
    command = shlex.join([sys.executable, "-P", __file__])
    host.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    host.chmod(0o755)
    return folder


class Host(language_pb2_grpc.LanguageRuntimeServicer):
    """The methods that the engine calls in `pulumi preview` and `pulumi up`."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._cancelled = asyncio.Event()

    async def GetRequiredPackages(self, request: Any, _context: Any) -> language_pb2.GetRequiredPackagesResponse:
        return language_pb2.GetRequiredPackagesResponse()

    async def GetPluginInfo(self, request: Any, _context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version="3.259.0")

    async def Cancel(self, request: Any, _context: Any) -> empty_pb2.Empty:
        self._cancelled.set()
        return empty_pb2.Empty()

    async def Run(self, request: Any, _context: Any) -> language_pb2.RunResponse:
        if self._cancelled.is_set():
            return language_pb2.RunResponse(error=_NOT_RUN)
        program = await asyncio.create_subprocess_exec(*self._command(request), env=_variables(request))
        ended = asyncio.create_task(program.wait())
        cancelled = asyncio.create_task(self._cancelled.wait())
        try:
            await asyncio.wait([ended, cancelled], return_when=asyncio.FIRST_COMPLETED)
        finally:  # also when the engine drops the call
            interrupted = not ended.done()
            if interrupted:
                await asyncio.shield(_interrupt(program))
        return _response(await ended, interrupted=interrupted)

    def _command(self, request: Any) -> list[str]:
        info = request.info
        options = {
            "monitor": request.monitor_address,
            "engine": self._engine,
            "project": request.project,
            "root_directory": info.root_directory,
            "stack": request.stack,
            "pwd": request.pwd,
            "dry_run": "true" if request.dryRun else "false",
            "parallel": str(request.parallel),
            "organization": request.organization,
        }
        words = [word for name, value in options.items() if value for word in (f"--{name}", value)]
        python = Path(info.root_directory, info.options["virtualenv"], "bin", "python")
        # The script that runs a program has the version of the CLI, and is beside the real host.
        script = shutil.which(f"{NAME}-exec")
        assert script
        return [str(python), script, *words, info.entry_point, *request.args]


_NOT_RUN = "problem executing program (could not run language executor): context canceled"


def _variables(request: Any) -> dict[str, str]:
    secrets = json.dumps(list(request.configSecretKeys))
    return {**os.environ, "PULUMI_CONFIG": json.dumps(dict(request.config)), "PULUMI_CONFIG_SECRET_KEYS": secrets}


async def _interrupt(program: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        program.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(program.wait(), WAIT)
    except TimeoutError:
        program.kill()


def _response(code: int, *, interrupted: bool) -> language_pb2.RunResponse:
    if code == REPORTED:
        return language_pb2.RunResponse(bail=True)
    if code == 0:
        return language_pb2.RunResponse(error=_NOT_RUN if interrupted else "")
    return language_pb2.RunResponse(error=f"program exited with non-zero exit code: {max(code, -1)}")


async def serve(engine: str) -> None:
    """Serve until Pulumi ends the process. The first line on stdout is the port."""
    server = grpc.aio.server()
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(Host(engine), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    parent = os.getppid()
    while os.getppid() == parent and not stopped.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), 1)
    await server.stop(grace=0.2)


if __name__ == "__main__":
    asyncio.run(serve(next(word for word in sys.argv[1:] if not word.startswith("-"))))
