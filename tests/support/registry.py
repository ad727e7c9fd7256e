"""Registries in addition to the cluster's registry, for tests of copying."""

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
"""The network of this machine, as the prefix of a command."""


@pytest.fixture(scope="session")
def second_registry(one_node_cluster: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``localhost:<port>``: the same registry for the cluster's node, its builder and this machine.

    Two processes serve one folder, each on the loopback of a different network namespace: containerd, buildkit, skopeo
    and crane use plain http for localhost without configuration.
    """
    pid = processes.load(node.find_layout(environment.ROOT))["init"].pid
    cluster = ("nsenter", f"--target={pid}", "--net", "--")
    with serve_registry(tmp_path_factory.mktemp("registry"), networks=(HERE, cluster)) as address:
        yield address


@contextlib.contextmanager
def serve_registry(
    folder: Path, *, networks: Sequence[Sequence[str]] = (HERE,), auth: Mapping[str, Any] | None = None
) -> Generator[str]:
    """Serve a registry with its data in a folder, and return its address on the loopback of these networks.

    ``auth`` is the section of its configuration. https://distribution.github.io/distribution/about/configuration/
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
            running.enter_context(_run_process([*network, "docker-registry", "serve", str(config)]))
            prober.wait_until(lambda network=network: _is_listening(network, port), seconds=300, interval=0.1)
        yield f"localhost:{port}"


@contextlib.contextmanager
def _run_process(command: Sequence[str]) -> Generator[None]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def _is_listening(network: Sequence[str], port: int) -> bool:
    script = f"import socket; socket.create_connection(('127.0.0.1', {port}))"
    return subprocess.run([*network, sys.executable, "-c", script], capture_output=True, check=False).returncode == 0
