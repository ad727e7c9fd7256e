"""A stand-in for an API server: it keeps objects, lists them and lets them be watched, over real connections."""

import contextlib
import http.server
import json
import re
import socket
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any

from seaway.cluster import paths

Object = dict[str, Any]
COLLECTION = re.compile(
    r"(?P<collection>/apis?/(?:[^/]+/)?v\d+(?:/namespaces/[^/]+)?/(?!namespaces/)[a-z]+)(?:/(?P<name>[^/]+))?"
)
NAMESPACES = re.compile(r"(?P<collection>/api/v1/namespaces)(?:/(?P<name>[^/]+))?")


class ApiServer:
    """Answers as Kubernetes does, or with ``status``, or not at all while ``silent`` waits."""

    def __init__(self) -> None:
        self.uid = "uid-1"
        """Of the namespace kube-system, which is there from the start."""
        self.status = 200
        self.forbidden: set[str] = set()
        """Collections that may not be read."""
        self.silent: threading.Event | None = None
        self.asked: list[tuple[str, str | None]] = []
        """Path with query, and the Authorization header, of every request."""
        self.logs: dict[tuple[str, str, bool], str] = {}
        """Of (pod, container, previous)."""
        self.port = 0
        self._objects: dict[str, dict[str, Object]] = {}
        self._events: list[tuple[int, str, Object]] = []
        """(resource version, collection, watch event)."""
        self._oldest = 0
        self._version = 0
        self._news = threading.Condition()
        self._server: http.server.ThreadingHTTPServer | None = None
        self._connections: set[socket.socket] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Serve, at the port of the last time."""
        self._server = _Server(("127.0.0.1", self.port), _handler(self))
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Be gone, as after a kill: nobody listens, open connections break."""
        server, self._server = self._server, None
        if server is None:
            return
        server.shutdown()
        server.server_close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        with self._news:
            self._news.notify_all()

    def put(self, version: str, kind: str, namespace: str, name: str, **fields: Any) -> Object:
        """Make or change an object; its labels stand in ``labels``, its metadata is made."""
        collection = paths.path(version, kind, namespace)
        with self._news:
            known = self._objects.setdefault(collection, {}).get(name)
            self._version += 1
            metadata = {
                "creationTimestamp": "2026-01-01T00:00:00Z",
                **(known["metadata"] if known else {"uid": f"uid-of-{name}-{self._version}", "generation": 1}),
                **fields.pop("metadata", {}),
                "name": name,
                "resourceVersion": str(self._version),
            }
            if namespace:
                metadata["namespace"] = namespace
            if "labels" in fields:
                metadata["labels"] = fields.pop("labels")
            kept = known or {"apiVersion": version, "kind": kind}
            made = {**kept, "metadata": metadata, **fields}
            self._objects[collection][name] = made
            self._tell(collection, "MODIFIED" if known else "ADDED", made)
        return made

    def remove(self, version: str, kind: str, namespace: str, name: str) -> None:
        collection = paths.path(version, kind, namespace)
        with self._news:
            gone = self._objects[collection].pop(name)
            self._version += 1
            gone = {**gone, "metadata": {**gone["metadata"], "resourceVersion": str(self._version)}}
            self._tell(collection, "DELETED", gone)

    def forget(self) -> None:
        """Compact: watches from before are answered 410 Gone, the running ones by an event that says so."""
        with self._news:
            self._version += 1
            self._oldest = self._version
            gone = {"kind": "Status", "status": "Failure", "code": 410, "message": "too old resource version"}
            for collection in [*self._objects, *(collection for _, collection, _ in self._events)]:
                self._events.append((self._version, collection, {"type": "ERROR", "object": gone}))
            self._news.notify_all()

    def asked_for(self, *, watch: bool) -> list[str]:
        """Collections that were listed, or watched."""
        parsed = [urllib.parse.urlsplit(path) for path, _ in self.asked]
        return [url.path for url in parsed if ("watch=true" in url.query) == watch]

    def _tell(self, collection: str, happened: str, found: Object) -> None:
        self._events.append((self._version, collection, {"type": happened, "object": found}))
        self._news.notify_all()

    # What the handler asks.

    def answer(self, path: str) -> tuple[int, Any]:
        """Status and body of a GET that is no watch."""
        if path == "/api/v1/namespaces/kube-system":
            return self.status, {"metadata": {"name": "kube-system", "uid": self.uid}}
        matched = COLLECTION.fullmatch(path) or NAMESPACES.fullmatch(path)
        if matched is None:
            return 404, {"kind": "Status", "code": 404, "message": f"no such path: {path}"}
        collection, name = matched["collection"], matched["name"]
        if collection in self.forbidden:
            return 403, {"kind": "Status", "code": 403}
        with self._news:
            found = self._objects.get(collection, {})
            if name is None:
                return self.status, {
                    "metadata": {"resourceVersion": str(self._version)},
                    "items": list(found.values()),
                }
            return (self.status, found[name]) if name in found else (404, {"kind": "Status", "code": 404})

    def log(self, pod: str, query: dict[str, str]) -> tuple[int, str]:
        text = self.logs.get((pod, query.get("container", ""), query.get("previous") == "true"))
        return (200, text) if text is not None else (400, "previous terminated container not found")

    def events(self, collection: str, version: int, seconds: float) -> Iterator[Object]:
        """What happens to a collection after a version, until the server is stopped."""
        if version < self._oldest:
            gone = {"kind": "Status", "code": 410, "message": "too old resource version"}
            yield {"type": "ERROR", "object": gone}
            return
        position, server = 0, self._server
        over = threading.Event()
        timer = threading.Timer(seconds, lambda: (over.set(), self._wake()))
        timer.daemon = True
        timer.start()
        while not over.is_set() and server is self._server:
            with self._news:
                if position == len(self._events):
                    self._news.wait(1)
                fresh, position = self._events[position:], len(self._events)
            for happened, where, event in fresh:
                if where == collection and happened > version:
                    yield event
        timer.cancel()

    def _wake(self) -> None:
        with self._news:
            self._news.notify_all()

    def connected(self, connection: socket.socket) -> None:
        self._connections.add(connection)

    def disconnected(self, connection: socket.socket) -> None:
        self._connections.discard(connection)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no news."""


def _handler(state: ApiServer) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            state.connected(self.request)
            super().setup()

        def finish(self) -> None:
            state.disconnected(self.request)
            with contextlib.suppress(OSError):
                super().finish()

        def do_GET(self) -> None:
            state.asked.append((self.path, self.headers.get("Authorization")))
            if state.silent:
                state.silent.wait(30)
            url = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(url.query))
            if url.path.endswith("/log"):
                status, text = state.log(url.path.split("/")[-2], query)
                self.send(status, text.encode())
            elif query.get("watch") == "true" and state.status == 200:
                self.watch(url.path, query)
            else:
                status, body = state.answer(url.path)
                self.send(status, json.dumps(body, ensure_ascii=False).encode())

        def send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def watch(self, collection: str, query: dict[str, str]) -> None:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.flush()
            for event in state.events(collection, int(query["resourceVersion"]), float(query["timeoutSeconds"])):
                line = json.dumps(event, ensure_ascii=False).encode() + b"\n"
                self.wfile.write(b"%x\r\n%b\r\n" % (len(line), line))
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *args: object) -> None:
            pass

    return Handler


@contextlib.contextmanager
def serving() -> Iterator[ApiServer]:
    """One that serves."""
    server = ApiServer()
    server.start()
    yield server
    if server.silent:
        server.silent.set()
    server.stop()
