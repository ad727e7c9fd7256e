"""The real plugin process, spoken to as the engine does, and a stand-in for an API server."""

import http.server
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2_grpc

from tests.unit.plugin import engine


@pytest.fixture
def api() -> Iterator[engine.ApiServer]:
    state = engine.ApiServer()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append((self.path, self.headers.get("Authorization")))
            if state.silent:
                state.silent.wait(30)
            body = json.dumps({"metadata": {"name": "kube-system", "uid": state.uid}}).encode()
            self.send_response(state.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield state
    if state.silent:
        state.silent.set()
    server.shutdown()
    server.server_close()


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
def start() -> Iterator[Callable[[Path], engine.Plugin]]:
    started: list[subprocess.Popen[str]] = []
    channels: list[grpc.Channel] = []

    def run(kubeconfig: Path) -> engine.Plugin:
        process = subprocess.Popen(
            [engine.EXECUTABLE, "127.0.0.1:1"],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "KUBECONFIG": str(kubeconfig)},
            cwd="/",
        )
        started.append(process)
        assert process.stdout
        port = int(process.stdout.readline())
        channels.append(grpc.insecure_channel(f"127.0.0.1:{port}"))
        return engine.Plugin(process, provider_pb2_grpc.ResourceProviderStub(channels[-1]))

    yield run
    for channel in channels:
        channel.close()
    for process in started:
        process.terminate()
        rest, _ = process.communicate(timeout=10)
        assert rest == "", "stdout carries the port and nothing else"
