"""The first process in the cluster's namespaces: starts the components, restarts them, and runs commands on them.

When it ends, the kernel ends every process and removes every mount in the namespaces.
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
STABLE_AFTER = 30.0  # seconds after which a restart begins with the first back-off again
STOP_GRACE_PERIOD = 5.0  # seconds between SIGTERM and SIGKILL


@dataclasses.dataclass(kw_only=True, slots=True)
class Child:
    """A component and its state. `pid` is the id in the namespace, not on the host. `since` is Unix time."""

    component: components.Component
    state: str = "waiting"
    pid: int | None = None
    since: float = dataclasses.field(default_factory=time.time)
    restarts: int = 0
    wanted: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    was_ready: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    ended: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    def set_state(self, state: str) -> None:
        """Set the state and its time."""
        self.state, self.since = state, time.time()


class Supervisor:
    """Keeps the components running."""

    def __init__(self, layout: layouts.Layout, host_network: int) -> None:
        self.layout = layout
        self.host_network = host_network
        self.children = {component.name: Child(component=component) for component in components.list_components(layout)}

    async def run(self) -> None:
        """Run until the process ends."""
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
            start = time.monotonic()
            ready = asyncio.create_task(self._wait_until_ready(child))
            await child.ended.wait()
            ready.cancel()
            if not child.wanted.is_set():
                continue
            child.restarts += 1
            child.set_state("restarting")
            back_off = FIRST_BACK_OFF if time.monotonic() - start > STABLE_AFTER else back_off
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
        """Collect every ended process: the first process of a namespace inherits all orphans."""
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for child in self.children.values():
                if child.pid == pid:
                    child.pid = None  # immediately: the kernel may now give the id to another process
                    child.ended.set()

    async def _handle_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = json.loads(await reader.readline())
            response = await self._run_command(request["verb"], request.get("name"))
        except (ValueError, KeyError) as error:
            response = {"error": f"not a valid request: {error!r}"}
        writer.write(json.dumps(response).encode() + b"\n")
        writer.close()

    async def _run_command(self, verb: str, name: str | None) -> dict[str, Any]:
        if verb == "status":
            return {"components": await asyncio.gather(*(self._describe(child) for child in self.children.values()))}
        child = self.children.get(name or "")
        if child is None:
            return {"error": f"{name}: unknown component; known components: {', '.join(self.children)}"}
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
        """Send a signal. An ended process keeps its id until it is collected, so no other process can have it."""
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
        """Return the current state: a component that was ready may hang."""
        state = child.state
        if state == "ready" and not await asyncio.to_thread(
            client.is_answering, self.layout, child.component.ready_check
        ):
            state = "not responding" if child.state == "ready" else child.state
        return {
            "name": child.component.name,
            "state": state,
            "pid": child.pid,
            "since": child.since,
            "restarts": child.restarts,
            "address": child.component.address,
        }


def main() -> None:
    """Run with the arguments: the checkout's folder, the address number, a file descriptor of the host's network."""
    layout = layouts.Layout(root=Path(sys.argv[1]), number=int(sys.argv[2]))
    # The starter first records this process and links its network. If it dies before, its end of the pipe closes.
    if sys.stdin.readline() != "go\n":
        return
    # The tests start the cluster with a low priority; the components must not inherit it.
    os.setpriority(os.PRIO_PROCESS, 0, 0)
    namespace.prepare(layout)
    asyncio.run(Supervisor(layout, int(sys.argv[3])).run())


if __name__ == "__main__":
    main()
