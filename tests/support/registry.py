"""A registry beside the cluster's own, for what is copied from one to the other."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence

import pytest
import yaml

from dev import environment
from dev.cluster import node, processes
from tests.support import prober


@pytest.fixture(scope="session")
def second_registry(one_node_cluster: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``localhost:<port>``: the same registry for the cluster's node, for its builder and for this machine.

    Two processes serve one folder, each on the loopback of a network of its own: containerd, buildkit, skopeo and
    crane all speak plain http with a host of that name, so nothing has to be configured anywhere.
    """
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    config = folder / "config.yaml"
    storage = {"filesystem": {"rootdirectory": str(folder / "data")}}
    http = {"addr": f"127.0.0.1:{port}"}
    config.write_text(yaml.safe_dump({"version": 0.1, "log": {"level": "warn"}, "storage": storage, "http": http}))
    inside = processes.load(node.find(environment.ROOT))["init"].pid
    with contextlib.ExitStack() as running:
        for network in ((), ("nsenter", f"--target={inside}", "--net", "--")):
            running.enter_context(_serving([*network, "docker-registry", "serve", str(config)]))
            prober.until(lambda network=network: _answers(network, port), seconds=10)
        yield f"localhost:{port}"


@contextlib.contextmanager
def _serving(command: Sequence[str]) -> Iterator[None]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def _answers(network: Sequence[str], port: int) -> bool:
    script = f"import urllib.request as r; r.build_opener(r.ProxyHandler({{}})).open('http://localhost:{port}/v2/')"
    return subprocess.run([*network, sys.executable, "-c", script], capture_output=True, check=False).returncode == 0
