"""The real plugin process, spoken to as the engine does, and a stand-in for an API server."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2_grpc

from tests.unit.cluster import apiserver
from tests.unit.plugin import engine


@pytest.fixture
def api() -> Iterator[apiserver.ApiServer]:
    with apiserver.serving() as server:
        yield server


@pytest.fixture
def display() -> Iterator[engine.Display]:
    shown = engine.Display()
    server = grpc.server(futures.ThreadPoolExecutor(4))
    engine_pb2_grpc.add_EngineServicer_to_server(shown, server)
    shown.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    shown.gone = lambda: server.stop(None).wait()
    yield shown
    shown.gone()


@pytest.fixture
def kubeconfig(tmp_path: Path) -> engine.Kubeconfig:
    """Write a kubeconfig with the contexts ``seaway-dev`` and ``work`` for one server."""

    def write(server: str, user: dict[str, object] | None = None) -> Path:
        path = tmp_path / "kubeconfig"
        contexts = [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in ("seaway-dev", "work")]
        clusters = [{"name": "c", "cluster": {"server": server}}]
        users = [{"name": "u", "user": user or {"token": "t"}}]
        path.write_text(json.dumps({"clusters": clusters, "contexts": contexts, "users": users}))
        return path

    return write


@pytest.fixture
def start(display: engine.Display) -> Iterator[Callable[[Path], engine.Plugin]]:
    started: list[subprocess.Popen[str]] = []
    channels: list[grpc.Channel] = []

    def run(kubeconfig: Path) -> engine.Plugin:
        process = subprocess.Popen(
            [engine.EXECUTABLE, display.address],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "KUBECONFIG": str(kubeconfig)},
            cwd="/",
        )
        started.append(process)
        assert process.stdout
        port = int(process.stdout.readline())
        # As much as the engine takes: an error's text travels as metadata.
        large = [(f"grpc.{kind}max_metadata_size", 16 << 20) for kind in ("", "absolute_")]
        channels.append(grpc.insecure_channel(f"127.0.0.1:{port}", large))
        return engine.Plugin(process, provider_pb2_grpc.ResourceProviderStub(channels[-1]))

    yield run
    for channel in channels:
        channel.close()
    for process in started:
        process.terminate()
        rest, _ = process.communicate(timeout=10)
        assert rest == "", "stdout carries the port and nothing else"


@pytest.fixture
def plugin(start: engine.Start, api: apiserver.ApiServer, kubeconfig: engine.Kubeconfig) -> engine.Plugin:
    """Started and configured against a cluster that answers."""
    running = start(kubeconfig(api.url))
    engine.configure(running, context="seaway-dev")
    return running
