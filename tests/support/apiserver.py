"""A stand-in for an API server: it stores, lists and watches objects over real connections."""

import contextlib
import copy
import dataclasses
import http.server
import json
import re
import socket
import threading
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from seaway.kubernetes.api import kinds

Object = dict[str, Any]


def build_collection_path(version: str, kind: str, namespace: str) -> str:
    """The path of a kind's list, also of a kind that Seaway does not know."""
    plural = kinds.KINDS[kind].plural if kind in kinds.KINDS else f"{kind.lower()}s"
    return kinds.join_path(version, plural, namespace)


COLLECTION = re.compile(
    r"(?P<collection>/apis?/(?:[^/]+/)?v\d+(?:/namespaces/[^/]+)?/(?!namespaces/)[a-z]+)(?:/(?P<name>[^/]+))?"
)
NAMESPACES = re.compile(r"(?P<collection>/api/v1/namespaces)(?:/(?P<name>[^/]+))?")


@dataclasses.dataclass
class Run:
    """What a container prints from its start to its end; lines begin with their time, as 2026-01-01T00:00:00Z."""

    lines: list[str] = dataclasses.field(default_factory=list)
    ended: bool = False


def kubeconfig(server: str, *, contexts: Iterable[str] = ("work",), user: Mapping[str, object] | None = None) -> str:
    """A kubeconfig with these contexts, all for one server and one user.

    Without TLS nothing is to be verified, and each client would read all of the CAs otherwise.
    """
    tls = {"insecure-skip-tls-verify": True} if server.startswith("http:") else {}
    return json.dumps(
        {
            "contexts": [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in contexts],
            "clusters": [{"name": "c", "cluster": {"server": server, **tls}}],
            "users": [{"name": "u", "user": user or {"token": "t"}}],
        }
    )


class ApiServer:
    """Answers as Kubernetes does, or with ``status``, or not until ``blocked_until`` is set."""

    def __init__(self) -> None:
        self.uid = "uid-1"
        """Of the namespace kube-system, which is there from the start."""
        self.status = 200
        self.forbidden: set[str] = set()
        """Collections that may not be read."""
        self.watchable = True
        """Whether the credentials may watch what they may read."""
        self.blocked_until: threading.Event | None = None
        self.requests: list[tuple[str, str | None]] = []
        """Path with query, and the Authorization header, of every request."""
        self.logs: dict[tuple[str, str, bool], str] = {}
        """Of (pod, container, previous); asked for once."""
        self.runs: dict[tuple[str, str], list[Run]] = {}
        """Of (pod, container), the newest last; followed."""
        self.forbidden_logs = False
        self.created: Callable[[Object], None] = lambda _: None
        """Called with each object that a POST created."""
        self.discovery: dict[str, Object] = {"/version": {"major": "1", "minor": "34+", "gitVersion": "v1.34.4"}}
        """Answers about the server itself, by path: its version and its kinds."""
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
        """Stop as after a kill: the port is closed, and open connections break."""
        server, self._server = self._server, None
        if server is None:
            return
        server.shutdown()
        server.server_close()
        self.break_connections()
        with self._news:
            self._news.notify_all()

    def put(self, version: str, kind: str, namespace: str, name: str, **fields: Any) -> Object:
        """Create or change an object. ``labels`` are its labels; its other metadata is generated."""
        collection = build_collection_path(version, kind, namespace)
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
            stored = {**(known or {"apiVersion": version, "kind": kind}), "metadata": metadata, **fields}
            self._objects[collection][name] = stored
            self._notify(collection, "MODIFIED" if known else "ADDED", stored)
        return stored

    def put_manifest(self, manifest: dict[str, Any]) -> Object:
        """Put an object as it is declared."""
        fields = copy.deepcopy(manifest)
        meta = fields["metadata"]
        return self.put(fields.pop("apiVersion"), fields.pop("kind"), meta.get("namespace", ""), meta["name"], **fields)

    def remove(self, version: str, kind: str, namespace: str, name: str) -> None:
        collection = build_collection_path(version, kind, namespace)
        with self._news:
            gone = self._objects[collection].pop(name)
            self._version += 1
            gone = {**gone, "metadata": {**gone["metadata"], "resourceVersion": str(self._version)}}
            self._notify(collection, "DELETED", gone)

    def compact_history(self) -> None:
        """Compact the history: earlier watches get 410 Gone, running ones an error event."""
        with self._news:
            self._version += 1
            self._oldest = self._version
            gone = {"kind": "Status", "status": "Failure", "code": 410, "message": "too old resource version"}
            for collection in [*self._objects, *(collection for _, collection, _ in self._events)]:
                self._events.append((self._version, collection, {"type": "ERROR", "object": gone}))
            self._news.notify_all()

    def list_requested_collections(self, *, watch: bool) -> list[str]:
        """Collections that were listed, or watched."""
        parsed = [urllib.parse.urlsplit(path) for path, _ in self.requests]
        return [url.path for url in parsed if ("watch=true" in url.query) == watch]

    def _notify(self, collection: str, change: str, manifest: Object) -> None:
        self._events.append((self._version, collection, {"type": change, "object": manifest}))
        self._news.notify_all()

    def answer(self, path: str, label: str = "") -> tuple[int, Any]:
        """Status and body of a GET that is no watch; ``label`` is one that listed objects must have."""
        if path == "/api/v1/namespaces/kube-system":
            return self.status, {"metadata": {"name": "kube-system", "uid": self.uid}}
        if path in self.discovery:
            return self.status, self.discovery[path]
        matched = COLLECTION.fullmatch(path) or NAMESPACES.fullmatch(path)
        if matched is None:
            return 404, {"kind": "Status", "code": 404, "message": f"no such path: {path}"}
        collection, name = matched["collection"], matched["name"]
        if collection in self.forbidden:
            return 403, {"kind": "Status", "code": 403}
        with self._news:
            stored = self._objects.get(collection, {})
            if name is None:
                return self.status, {
                    "metadata": {"resourceVersion": str(self._version)},
                    "items": [manifest for manifest in stored.values() if not label or _has_label(manifest, label)],
                }
            return (self.status, stored[name]) if name in stored else (404, {"kind": "Status", "code": 404})

    def write(self, path: str, body: Object | None) -> tuple[int, Any]:
        """Status and answer of a server-side apply, of a merge of some fields, or without a body of a DELETE."""
        matched = COLLECTION.fullmatch(path) or NAMESPACES.fullmatch(path)
        if matched is None or matched["collection"] in self.forbidden:
            return 404 if matched is None else 403, {"kind": "Status"}
        namespace = path.split("/namespaces/")[1].split("/", maxsplit=1)[0] if matched.re is COLLECTION else ""
        known = self._objects.get(matched["collection"], {}).get(matched["name"])
        if body is None:
            if known is None:
                return 404, {"kind": "Status", "code": 404}
            self.remove(known["apiVersion"], known["kind"], namespace, matched["name"])
            return 200, {"kind": "Status"}
        if "apiVersion" not in body:
            if known is None:
                return 404, {"kind": "Status", "code": 404}
            body = merge_patch(known, body)
        fields = {key: value for key, value in body.items() if key not in ("apiVersion", "kind")}
        if (
            known
            and known.get("immutable")
            and any(known.get(key) != fields.get(key) for key in ("data", "binaryData"))
        ):
            return 422, {"kind": "Status", "code": 422}
        return 200, self.put(body["apiVersion"], body["kind"], namespace, matched["name"], **fields)

    def read_log(self, pod: str, query: dict[str, str]) -> tuple[int, str]:
        text = self.logs.get((pod, query.get("container", ""), query.get("previous") == "true"))
        return (200, text) if text is not None else (400, "previous terminated container not found")

    def print_lines(self, pod: str, container: str, *lines: str, ended: bool = False) -> None:
        """A container prints lines, and with ``over`` ends; the next line is of its next run."""
        with self._news:
            runs = self.runs.setdefault((pod, container), [Run()])
            if runs[-1].ended:
                runs.append(Run())
            runs[-1].lines += lines
            runs[-1].ended = ended
            self._news.notify_all()

    def break_connections(self) -> None:
        """Break every connection; new ones are taken."""
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def follow_log(self, pod: str, query: dict[str, str]) -> Iterator[str] | None:
        """The lines of a run as they come; None: there is no such run."""
        runs = self.runs.get((pod, query["container"]), [])
        back = 2 if query.get("previous") == "true" else 1
        return self._lines(runs[-back], query) if len(runs) >= back else None

    def _lines(self, run: Run, query: dict[str, str]) -> Iterator[str]:
        position, server = max(0, len(run.lines) - int(query.get("tailLines", len(run.lines)))), self._server
        while server is self._server:
            with self._news:
                if position == len(run.lines) and not run.ended:
                    self._news.wait(1)
                fresh, over = run.lines[position:], run.ended
            position += len(fresh)
            # To the second, as the real one.
            yield from (line for line in fresh if line[:19] >= query.get("sinceTime", "")[:19])
            if over:
                return
        raise ConnectionAbortedError

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


def _has_label(manifest: Object, selector: str) -> bool:
    """Whether an object has all labels of a selector: ``key``, or ``key=value``, separated by commas."""
    labels = manifest["metadata"].get("labels", {})
    parts = [part.partition("=") for part in selector.split(",")]
    return all(key in labels and (not equals or labels[key] == value) for key, equals, value in parts)


def merge_patch(value: Any, part: Any) -> Any:
    """A value with some of its fields set. https://datatracker.ietf.org/doc/html/rfc7386"""
    if not isinstance(part, dict) or not isinstance(value, dict):
        return part
    return value | {key: merge_patch(value.get(key), inner) for key, inner in part.items()}


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that closes the connection is not an error."""


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
            state.requests.append((self.path, self.headers.get("Authorization")))
            if state.blocked_until:
                state.blocked_until.wait(30)
            url = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(url.query))
            if url.path.endswith("/log") and state.forbidden_logs:
                self.send(403, b"")
            elif url.path.endswith("/log") and query.get("follow") == "true":
                self.follow(state.follow_log(url.path.split("/")[-2], query))
            elif url.path.endswith("/log"):
                status, text = state.read_log(url.path.split("/")[-2], query)
                self.send(status, text.encode())
            elif query.get("watch") == "true" and state.status == 200:
                self.watch(url.path, query)
            else:
                status, body = state.answer(url.path, query.get("labelSelector", ""))
                self.send(status, json.dumps(body, ensure_ascii=False).encode())

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            stored = state.put_manifest(body)
            state.created(stored)
            self.send(201, json.dumps(stored).encode())

        def do_PATCH(self) -> None:
            state.requests.append((self.path, self.headers.get("Authorization")))
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = state.write(urllib.parse.urlsplit(self.path).path, body)
            self.send(status, json.dumps(answer).encode())

        def do_DELETE(self) -> None:
            state.requests.append((self.path, self.headers.get("Authorization")))
            status, answer = state.write(urllib.parse.urlsplit(self.path).path, None)
            self.send(status, json.dumps(answer).encode())

        def send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def watch(self, collection: str, query: dict[str, str]) -> None:
            if not state.watchable:
                self.send(403, b"{}")
                return
            events = state.events(collection, int(query["resourceVersion"]), float(query["timeoutSeconds"]))
            self.stream(json.dumps(event, ensure_ascii=False) for event in events)

        def follow(self, lines: Iterator[str] | None) -> None:
            if lines is None:
                self.send(400, b"the container has not begun")
            else:
                self.stream(lines)

        def stream(self, lines: Iterator[str]) -> None:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.flush()
            for line in lines:
                encoded = line.encode(errors="surrogateescape") + b"\n"
                self.wfile.write(b"%x\r\n%b\r\n" % (len(encoded), encoded))
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *args: object) -> None:
            pass

    return Handler


@contextlib.contextmanager
def serve() -> Iterator[ApiServer]:
    """A running server."""
    server = ApiServer()
    server.start()
    yield server
    if server.blocked_until:
        server.blocked_until.set()
    server.stop()
