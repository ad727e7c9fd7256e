"""A Docker engine of the tests' own: a running one changes the firewall of its network, so it has one of its own."""

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

BEGIN = """\
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
"""It begins as soon as it is told that eth0 is there. The engine writes a key of its own to /etc/docker."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A running engine; ``pid`` is of a process in its network."""

    socket: Path
    pid: int

    def compose(self, *words: str, cwd: Path) -> str:
        """What `docker compose ...` prints; a failure shows everything."""
        env = {**os.environ, "DOCKER_HOST": f"unix://{self.socket}", "DOCKER_CONFIG": str(self.socket.parent)}
        done = project.run_command(str(toolchain.find_program("docker-compose")), *words, cwd=cwd, env=env)
        assert done.exit_code == 0, f"docker compose {' '.join(words)}: exit {done.exit_code}\n{done.output}"
        return done.stdout

    def take(self, image: str, *names: str) -> None:
        """An image of the cluster's registry, under names that it has in the engine."""
        host, _, path = image.partition("/")
        assert host == layouts.REGISTRY
        source = f"docker://{node.find_layout(project.ROOT).address}:5000/{path}"
        for name in names:
            line = ["skopeo", "copy", "--quiet", "--src-tls-verify=false", f"--dest-daemon-host=unix://{self.socket}"]
            subprocess.run([*line, source, f"docker-daemon:{name}"], check=True)

    def curl(self, url: str, *words: str) -> str:
        """What a published port answers on the engine's machine."""
        line = ["nsenter", f"--target={self.pid}", "--net", "--", "curl", "--silent", "--show-error", "--fail", *words]
        return subprocess.run([*line, "--max-time", "10", url], check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def engine(folder: Path) -> Generator[Engine]:
    """It keeps its data in a folder, which is empty again at the end. Skips where dockerd is not installed."""
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
            own = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
            addresses = [layout.address, layout.host_address, str(resolvers)]
            log = stack.enter_context((folder / "dockerd.log").open("w"))
            process = stack.enter_context(
                subprocess.Popen(
                    [*own, "sh", "-eu", "-c", BEGIN, "sh", *addresses, *line],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                )
            )
            stack.callback(process.kill)  # and with it all that runs in its namespaces
            _until(lambda: _network(process.pid) != _network(os.getpid()), process, folder)
            stack.callback(network.disconnect, layout)
            network.connect(layout, process.pid)
        assert process.stdin
        process.stdin.write(b"begin\n")
        process.stdin.close()
        _until((run / "docker.sock").exists, process, folder)
        yield Engine(socket=run / "docker.sock", pid=process.pid)


def _network(pid: int) -> Path:
    return Path(f"/proc/{pid}/ns/net").readlink()


def _until(holds: Callable[[], bool], process: "subprocess.Popen[bytes]", folder: Path) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert process.poll() is None, (folder / "dockerd.log").read_text()
        assert time.monotonic() < end, (folder / "dockerd.log").read_text()
        time.sleep(0.05)
