"""Registries beside the cluster's own, for what is copied from one to the other."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev import environment, prober
from dev.cluster import node, processes

HERE: Sequence[str] = ()
"""The network of this machine, as a prefix of a command line."""


@pytest.fixture(scope="session")
def second_registry(one_node_cluster: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``localhost:<port>``: the same registry for the cluster's node, for its builder and for this machine.

    Two processes serve one folder, each on the loopback of a network of its own: containerd, buildkit, skopeo and
    crane all speak plain http with a host of that name, so nothing has to be configured anywhere.
    """
    inside = processes.load(node.find_layout(environment.ROOT))["init"].pid
    cluster = ("nsenter", f"--target={inside}", "--net", "--")
    with serving(tmp_path_factory.mktemp("registry"), networks=(HERE, cluster)) as address:
        yield address


@contextlib.contextmanager
def serving(
    folder: Path, *, networks: Sequence[Sequence[str]] = (HERE,), auth: Mapping[str, Any] | None = None
) -> Generator[str]:
    """A registry with its data in a folder; its address on the loopback of these networks.

    ``auth`` is that part of its configuration. https://distribution.github.io/distribution/about/configuration/
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    config_content: dict[str, Any] = {
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(config_content | ({"auth": auth} if auth else {})))
    with contextlib.ExitStack() as running:
        for network in networks:
            running.enter_context(_running([*network, "docker-registry", "serve", str(config)]))
            prober.wait_until(lambda network=network: _listens(network, port), seconds=300, interval=0.1)
        yield f"localhost:{port}"


@contextlib.contextmanager
def _running(command: Sequence[str]) -> Generator[None]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def _listens(network: Sequence[str], port: int) -> bool:
    script = f"import socket; socket.create_connection(('127.0.0.1', {port}))"
    return subprocess.run([*network, sys.executable, "-c", script], capture_output=True, check=False).returncode == 0
