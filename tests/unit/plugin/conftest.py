"""The real plugin process with the engine's protocol, and a stand-in for an API server."""

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
    display = engine.Display()
    server = grpc.server(futures.ThreadPoolExecutor(4))
    engine_pb2_grpc.add_EngineServicer_to_server(display, server)
    display.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    display.gone = lambda: server.stop(None).wait()
    yield display
    display.gone()


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
    """For a test that stops it."""
    with displaying() as display:
        yield display


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
    """For a test that stops it: configured for a cluster that answers."""
    started = start(kubeconfig(api.url))
    engine.configure(started, context="seaway-dev")
    return started


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engine.Shared]:
    """One process for all tests that do not change it: starting one takes longer than most tests."""
    path = tmp_path_factory.mktemp("plugin") / "kubeconfig"
    with displaying() as display, running(display.address, path) as plugin:
        yield engine.Shared(plugin, display, path)


@pytest.fixture
def display(shared: engine.Shared) -> engine.Display:
    """The lines of the shared plugin in this test."""
    shared.display.lines.clear()
    return shared.display


@pytest.fixture
def reads(shared: engine.Shared) -> engine.Start:
    """Give the shared plugin this kubeconfig."""

    def configure(path: Path) -> engine.Plugin:
        path.replace(shared.kubeconfig)
        return shared.plugin

    return configure


@pytest.fixture
def plugin(
    reads: engine.Start, display: engine.Display, api: apiserver.ApiServer, kubeconfig: engine.Kubeconfig
) -> engine.Plugin:
    """Configured for a cluster that answers."""
    started = reads(kubeconfig(api.url))
    engine.configure(started, context="seaway-dev")
    return started
