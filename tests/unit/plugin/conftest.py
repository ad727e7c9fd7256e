"""The real plugin process, spoken to as the engine does, and a stand-in for an API server."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2_grpc

from tests.support import apiserver
from tests.unit.plugin import engine


@pytest.fixture
def api() -> Iterator[apiserver.ApiServer]:
    with apiserver.serve() as server:
        yield server


@contextlib.contextmanager
def displaying() -> Iterator[engine.Display]:
    shown = engine.Display()
    server = grpc.server(futures.ThreadPoolExecutor(4))
    engine_pb2_grpc.add_EngineServicer_to_server(shown, server)
    shown.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    shown.gone = lambda: server.stop(None).wait()
    yield shown
    shown.gone()


@contextlib.contextmanager
def connected(port: int) -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    # As much as the engine takes: an error's text travels as metadata.
    large = [(f"grpc.{kind}max_metadata_size", 16 << 20) for kind in ("", "absolute_")]
    with grpc.insecure_channel(f"127.0.0.1:{port}", large) as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)


@contextlib.contextmanager
def running(address: str, kubeconfig: Path) -> Iterator[engine.Plugin]:
    process = subprocess.Popen(
        [engine.EXECUTABLE, address],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "KUBECONFIG": str(kubeconfig)},
        cwd="/",
    )
    assert process.stdout
    port = int(process.stdout.readline())
    with connected(port) as stub:
        yield engine.Plugin(process, stub)
    process.terminate()
    rest, _ = process.communicate(timeout=300)
    assert rest == "", "stdout carries the port and nothing else"


@pytest.fixture
def own_display() -> Iterator[engine.Display]:
    """For a test that ends it."""
    with displaying() as shown:
        yield shown


@pytest.fixture
def kubeconfig(tmp_path: Path) -> engine.Kubeconfig:
    """Write a kubeconfig with the contexts ``seaway-dev`` and ``work`` for one server."""

    def write(server: str, user: dict[str, object] | None = None) -> Path:
        path = tmp_path / "kubeconfig"
        path.write_text(apiserver.kubeconfig(server, contexts=("seaway-dev", "work"), user=user))
        return path

    return write


@pytest.fixture
def start(own_display: engine.Display) -> Iterator[engine.Start]:
    """Start a plugin of the test's own."""
    with contextlib.ExitStack() as started:
        yield lambda path: started.enter_context(running(own_display.address, path))


@pytest.fixture
def own_plugin(start: engine.Start, api: apiserver.ApiServer, kubeconfig: engine.Kubeconfig) -> engine.Plugin:
    """For a test that ends it: started and configured against a cluster that answers."""
    started = start(kubeconfig(api.url))
    engine.configure(started, context="seaway-dev")
    return started


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engine.Shared]:
    """One process for all tests that leave it as it is: starting one takes longer than most of them."""
    path = tmp_path_factory.mktemp("plugin") / "kubeconfig"
    with displaying() as shown, running(shown.address, path) as plugin:
        yield engine.Shared(plugin, shown, path)


@pytest.fixture
def display(shared: engine.Shared) -> engine.Display:
    """What the shared plugin says in this test."""
    shared.display.lines.clear()
    return shared.display


@pytest.fixture
def reads(shared: engine.Shared) -> engine.Start:
    """The shared plugin, that is configured from this kubeconfig next."""

    def given(path: Path) -> engine.Plugin:
        path.replace(shared.kubeconfig)
        return shared.plugin

    return given


@pytest.fixture
def plugin(
    reads: engine.Start, display: engine.Display, api: apiserver.ApiServer, kubeconfig: engine.Kubeconfig
) -> engine.Plugin:
    """Configured against a cluster that answers."""
    started = reads(kubeconfig(api.url))
    engine.configure(started, context="seaway-dev")
    return started
