"""The first process in the cluster's namespaces: starts the components, restarts those that die, obeys by name.

Its death ends every process and mount in the namespaces: the kernel does the cleaning up.
"""

import asyncio
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from dev.cluster import client, components, namespace
from dev.cluster import layout as layouts

FIRST_BACK_OFF = 0.2  # seconds before the first restart; doubles each time
LONGEST_BACK_OFF = 10.0
STABLE_AFTER = 30.0  # seconds after which a component that dies is no longer one that cannot start
STOP_GRACE_PERIOD = 5.0  # seconds between SIGTERM and SIGKILL


@dataclasses.dataclass(kw_only=True, slots=True)
class Child:
    """A component and what became of it. `pid` is the number in here; the host's differs. `since` is Unix time."""

    component: components.Component
    state: str = "waiting"
    pid: int | None = None
    since: float = dataclasses.field(default_factory=time.time)
    restarts: int = 0
    wanted: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    was_ready: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    ended: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    def set_state(self, state: str) -> None:
        """Note a change of state and its time."""
        self.state, self.since = state, time.time()


class Supervisor:
    """Keeps the table's components running."""

    def __init__(self, layout: layouts.Layout, host_network: int) -> None:
        self.layout = layout
        self.host_network = host_network
        self.children = {entry.name: Child(component=entry) for entry in components.list_components(layout)}

    async def run(self) -> None:
        """Serve for ever."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._collect_ended)
        server = await asyncio.start_unix_server(self._handle_connection, self.layout.control)
        for child in self.children.values():
            child.wanted.set()
        async with server, asyncio.TaskGroup() as group:
            for child in self.children.values():
                group.create_task(self._keep_running(child))

    async def _keep_running(self, child: Child) -> None:
        back_off = FIRST_BACK_OFF
        for name in child.component.depends_on:
            await self.children[name].was_ready.wait()
        while True:
            if not child.wanted.is_set():
                child.set_state("stopped")
                back_off = FIRST_BACK_OFF
                await child.wanted.wait()
            self._start(child)
            began = time.monotonic()
            ready = asyncio.create_task(self._wait_until_ready(child))
            await child.ended.wait()
            ready.cancel()
            if not child.wanted.is_set():
                continue
            child.restarts += 1
            child.set_state("restarting")
            back_off = FIRST_BACK_OFF if time.monotonic() - began > STABLE_AFTER else back_off
            await asyncio.sleep(back_off)
            back_off = min(back_off * 2, LONGEST_BACK_OFF)

    def _start(self, child: Child) -> None:
        command = list(child.component.command)
        if child.component.on_host:
            command = ["nsenter", f"--net=/proc/self/fd/{self.host_network}", *command]
        child.ended.clear()
        with (self.layout.logs / f"{child.component.name}.log").open("ab") as log:
            try:
                process = subprocess.Popen(
                    command,
                    cwd=self.layout.root,
                    env={**os.environ, "PATH": components.PATH},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    pass_fds=(self.host_network,) if child.component.on_host else (),
                )
            except OSError as error:
                log.write(f"{command[0]}: {error.strerror}\n".encode())
                child.ended.set()
                return
        child.pid = process.pid
        process.returncode = 0  # `_reap` collects it; without this the object would wait for the process itself
        child.set_state("starting")

    async def _wait_until_ready(self, child: Child) -> None:
        while not await asyncio.to_thread(client.is_answering, self.layout, child.component.ready_check):
            await asyncio.sleep(0.1)
        child.set_state("ready")
        child.was_ready.set()

    def _collect_ended(self) -> None:
        """Collect every dead process: the first of a namespace inherits the orphans of all the others."""
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for child in self.children.values():
                if child.pid == pid:
                    child.pid = None  # at once: the kernel may give the number to another now
                    child.ended.set()

    async def _handle_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = json.loads(await reader.readline())
            answer = await self._run_command(request["verb"], request.get("name"))
        except (ValueError, KeyError) as error:
            answer = {"error": f"not a request: {error!r}"}
        writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()

    async def _run_command(self, verb: str, name: str | None) -> dict[str, Any]:
        if verb == "status":
            return {"components": await asyncio.gather(*(self._describe(child) for child in self.children.values()))}
        child = self.children.get(name or "")
        if child is None:
            return {"error": f"{name}: no such component; there are {', '.join(self.children)}"}
        if verb == "start":
            child.wanted.set()
            while child.state != "ready":
                await asyncio.sleep(0.05)
        elif verb == "stop":
            child.wanted.clear()
            await self._stop(child)
        elif verb == "kill":
            self._send_signal(child, signal.SIGKILL)
            await child.ended.wait()
        return await self._describe(child)

    def _send_signal(self, child: Child, number: signal.Signals) -> None:
        """A process that is not collected yet keeps its id, so this never reaches another."""
        if child.pid is not None:
            os.kill(child.pid, number)

    async def _stop(self, child: Child) -> None:
        if child.pid is None:
            return
        self._send_signal(child, signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_GRACE_PERIOD):
                await child.ended.wait()
        except TimeoutError:
            self._send_signal(child, signal.SIGKILL)
            await child.ended.wait()

    async def _describe(self, child: Child) -> dict[str, Any]:
        """The state as it is now: what was ready once may hang."""
        state = child.state
        if state == "ready" and not await asyncio.to_thread(
            client.is_answering, self.layout, child.component.ready_check
        ):
            state = "not answering" if child.state == "ready" else child.state
        return {
            "name": child.component.name,
            "state": state,
            "pid": child.pid,
            "since": child.since,
            "restarts": child.restarts,
            "address": child.component.address,
        }


def main() -> None:
    """Arguments: the checkout's folder, the address number, the file descriptor of the host's network namespace."""
    layout = layouts.Layout(root=Path(sys.argv[1]), number=int(sys.argv[2]))
    # Our starter records us and links the network first. If it dies before it said so, its end of the pipe closes.
    if sys.stdin.readline() != "go\n":
        return
    # Whoever starts the cluster may do so with little priority, as the tests do; a node's own parts have theirs.
    os.setpriority(os.PRIO_PROCESS, 0, 0)
    namespace.prepare(layout)
    asyncio.run(Supervisor(layout, int(sys.argv[3])).run())


if __name__ == "__main__":
    main()
