"""A Docker engine for the tests in its own network namespace, because an engine changes the firewall of its network."""

import contextlib
import dataclasses
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from dev import project
from dev.cluster import layout as layouts
from dev.cluster import namespace, network, node, toolchain

START_SCRIPT = """\
read -r begin
ip link set lo up
ip address add "$1/30" dev eth0
ip link set eth0 up
ip route add default via "$2"
mount --bind "$3" /etc/resolv.conf
mount -t tmpfs seaway /etc/docker
shift 3
exec dockerd "$@"
"""
"""Starts when a line on stdin announces eth0. The engine writes its own key to /etc/docker."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A running engine. ``pid`` is the id of a process in its network namespace."""

    socket: Path
    pid: int

    def compose(self, *words: str, cwd: Path) -> str:
        """Run `docker compose ...` and return its output. A failure shows all output."""
        env = {**os.environ, "DOCKER_HOST": f"unix://{self.socket}", "DOCKER_CONFIG": str(self.socket.parent)}
        result = project.run_command(str(toolchain.find_program("docker-compose")), *words, cwd=cwd, env=env)
        assert result.exit_code == 0, f"docker compose {' '.join(words)}: exit {result.exit_code}\n{result.output}"
        return result.stdout

    def copy_image(self, image: str, *names: str) -> None:
        """Copy an image of the cluster's registry into the engine under these names."""
        host, _, path = image.partition("/")
        assert host == layouts.REGISTRY
        source = f"docker://{node.find_layout(project.ROOT).address}:5000/{path}"
        for name in names:
            line = ["skopeo", "copy", "--quiet", "--src-tls-verify=false", f"--dest-daemon-host=unix://{self.socket}"]
            subprocess.run([*line, source, f"docker-daemon:{name}"], check=True)

    def curl(self, url: str, *words: str) -> str:
        """Return the response of a published port in the engine's network namespace."""
        line = ["nsenter", f"--target={self.pid}", "--net", "--", "curl", "--silent", "--show-error", "--fail", *words]
        return subprocess.run([*line, "--max-time", "10", url], check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def run_engine(folder: Path) -> Generator[Engine]:
    """Run an engine with its data in a folder, and delete the data at the end. Skips if dockerd is not installed."""
    if shutil.which("dockerd") is None:
        pytest.skip("dockerd is not installed; install it: apt-get install docker.io")
    layout = layouts.Layout(root=folder)
    run = Path("/run") / f"docker-{layout.digest}"
    run.mkdir()
    resolvers = folder / "resolv.conf"
    resolvers.write_text(namespace.format_resolv_conf())
    line = [f"--host=unix://{run}/docker.sock", f"--exec-root={run}/exec", f"--pidfile={run}/pid"]
    line += [f"--data-root={folder}/data", "--log-level=error"]
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder / "data", ignore_errors=True)
        stack.callback(shutil.rmtree, run, ignore_errors=True)
        with network.lock_network():
            layout = dataclasses.replace(layout, number=network.choose_number(layout))
            unshare = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
            addresses = [layout.address, layout.host_address, str(resolvers)]
            log = stack.enter_context((folder / "dockerd.log").open("w"))
            process = stack.enter_context(
                subprocess.Popen(
                    [*unshare, "sh", "-eu", "-c", START_SCRIPT, "sh", *addresses, *line],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                )
            )
            stack.callback(process.kill)  # ends all processes in its namespaces too
            _wait_until(lambda: _read_network(process.pid) != _read_network(os.getpid()), process, folder)
            stack.callback(network.disconnect, layout)
            network.connect(layout, process.pid)
        assert process.stdin
        process.stdin.write(b"begin\n")
        process.stdin.close()
        _wait_until((run / "docker.sock").exists, process, folder)
        yield Engine(socket=run / "docker.sock", pid=process.pid)


def _read_network(pid: int) -> Path:
    return Path(f"/proc/{pid}/ns/net").readlink()


def _wait_until(condition: Callable[[], bool], process: "subprocess.Popen[bytes]", folder: Path) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert process.poll() is None, (folder / "dockerd.log").read_text()
        assert time.monotonic() < end, (folder / "dockerd.log").read_text()
        time.sleep(0.05)
