"""What an API server sees of a context, through real TLS, and what kubectl refuses too."""

import asyncio
import base64
import contextlib
import dataclasses
import http.server
import json
import os
import re
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from seaway import errors
from seaway.kubernetes.cluster import client, credentials, kubeconfig

NAMES = "DNS:kube.internal,IP:127.0.0.1"
V1, BETA = credentials.API_VERSIONS
PROGRAM = """#!/usr/bin/env python3
import json, os, pathlib, sys
info = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
folder = pathlib.Path(__file__).parent
with (folder / "runs").open("a") as file:
    print(sys.argv[1], file=file)
count = len((folder / "runs").read_text().splitlines())
cluster = info["spec"].get("cluster")
token = {"info": json.dumps(info["spec"]), "env": os.environ.get("LOGIN"), "stale": "expired" if count == 1 else "new"}
def certificate(name):
    data = {key: (folder / f"{name}.{end}").read_text() for key, end in (("Certificate", "crt"), ("Key", "key"))}
    return {f"client{key}Data": text for key, text in data.items()}
status = {
    "certificate": certificate("alice"),
    "certificates": certificate("stale" if count == 1 else "bob"),
    "broken": {"clientCertificateData": "x", "clientKeyData": "y"},
    "half": {"clientKeyData": "x"},
    "none": {},
    "old": {"token": f"t{count}", "expirationTimestamp": "2020-01-01T00:00:00Z"},
    "later": {"token": f"t{count}", "expirationTimestamp": "2999-01-01T00:00:00Z"},
}.get(sys.argv[1], {"token": token.get(sys.argv[1], "fresh")})
if sys.argv[1] == "fail":
    print("first reason\\nsecond reason", file=sys.stderr)
    sys.exit(3)
print("text" if sys.argv[1] == "text" else json.dumps({
    "apiVersion": "other/v1" if sys.argv[1] == "version" else info["apiVersion"], "kind": info["kind"], "status": status
}))
"""


@dataclasses.dataclass
class Server:
    """An HTTPS server that asks for a client certificate, and a proxy for it."""

    folder: Path
    port: int = 0
    requests: list[dict[str, str | None]] = dataclasses.field(default_factory=list[dict[str, str | None]])

    def write(self, cluster: Mapping[str, object], user: Mapping[str, object] | None) -> Path:
        """Write a kubeconfig. `{port}`, `{folder}` and `{ca}` in a text are replaced."""
        own = {"server": "https://127.0.0.1:{port}", "certificate-authority": "ca.crt", **cluster}
        content = {
            "contexts": [{"name": "work", "context": {"cluster": "c", **({} if user is None else {"user": "u"})}}],
            "clusters": [{"name": "c", "cluster": {key: value for key, value in own.items() if value is not None}}],
            "users": [] if user is None else [{"name": "u", "user": user}],
        }
        text = json.dumps({"apiVersion": "v1", "kind": "Config", **content})
        for name, data in (("ca", "ca.crt"), ("alice", "alice.crt"), ("key", "alice.key")):
            encoded = base64.encodebytes((self.folder / data).read_bytes()).decode()  # in lines, as YAML may have it
            text = text.replace(f"{{{name}}}", json.dumps(encoded)[1:-1])
        file = self.folder / "config"
        file.write_text(text.replace("{port}", str(self.port)).replace("{folder}", str(self.folder)))
        (self.folder / "runs").write_text("")
        self.requests.clear()
        return file

    @property
    def runs(self) -> list[str]:
        return (self.folder / "runs").read_text().splitlines()


def create_certificate(folder: Path, name: str, *extensions: str) -> None:
    words = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={name}".split()
    words += ["-keyout", f"{name}.key", "-out", f"{name}.crt"]
    words += [word for extension in extensions for word in ("-addext", extension)]
    subprocess.run(words, cwd=folder, check=True, capture_output=True)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as the API server does, and tunnels for itself."""

    protocol_version = "HTTP/1.1"
    state: Server
    tls: ssl.SSLContext
    server_name: str | None = None

    def do_CONNECT(self) -> None:
        self.state.requests.append({"tunnel": self.path})
        self.send_response(200)
        self.end_headers()
        self.start_tls()

    def start_tls(self) -> None:
        try:
            self.request = self.tls.wrap_socket(self.request, server_side=True)
        except OSError:
            self.close_connection = True
            return
        self.connection = self.request
        super().setup()
        with self.request:
            self.handle()

    def do_GET(self) -> None:
        certificate: Any = self.request.getpeercert() if isinstance(self.request, ssl.SSLSocket) else None
        authorization = self.headers["Authorization"]
        self.state.requests.append(
            {
                "authorization": authorization,
                "certificate": certificate and certificate["subject"][0][0][1],
                "user": self.headers["Impersonate-User"],
            }
        )
        body = json.dumps({"metadata": {"uid": "1"}}).encode()
        is_refused = authorization == "Bearer expired" or self.state.requests[-1]["certificate"] == "stale"
        self.send_response(401 if is_refused else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


class SecureHandler(Handler):
    """Speaks TLS from the start."""

    def handle(self) -> None:
        if isinstance(self.request, ssl.SSLSocket):
            super().handle()
        else:
            self.start_tls()


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("kubeconfig")
    create_certificate(folder, "ca", f"subjectAltName={NAMES}")
    for name in ("alice", "bob", "stale"):
        create_certificate(folder, name, "extendedKeyUsage=clientAuth")
    create_certificate(folder, "other", "subjectAltName=DNS:kube.internal")
    (folder / "login").write_text(PROGRAM)
    (folder / "login").chmod(0o755)
    (folder / "token").write_text("from-file\n")
    state = Server(folder)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "ca.crt", folder / "ca.key")
    for name in ("alice", "bob", "stale"):
        tls.load_verify_locations(folder / f"{name}.crt")
    tls.verify_mode = ssl.CERT_OPTIONAL
    for handler in (Handler, SecureHandler):
        handler.state, handler.tls = state, tls
    secure = http.server.ThreadingHTTPServer(("127.0.0.1", 0), SecureHandler)
    plain = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = secure.server_port
    (folder / "proxy").write_text(str(plain.server_port))
    for server in (secure, plain):
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield state
    for server in (secure, plain):
        server.shutdown()
        server.server_close()


def login(*args: str, version: str = V1, **fields: object) -> dict[str, object]:
    mode = {"interactiveMode": "Never"} if version == V1 else {}
    return {"exec": {"apiVersion": version, "command": "./login", "args": args, **mode, **fields}}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


BASIC = "Basic " + base64.b64encode(b"ann:secret").decode()
ALICE = {"client-certificate": "alice.crt", "client-key": "alice.key"}

ACCEPTED: Mapping[str, tuple[dict[str, object], dict[str, object] | None, dict[str, str]]] = {
    "no-user": ({}, None, {}),
    "token": ({}, {"token": "t"}, bearer("t")),
    "token-file": ({}, {"tokenFile": "token"}, bearer("from-file")),
    "token-and-file": ({}, {"token": "t", "tokenFile": "token"}, bearer("from-file")),
    "token-and-missing-file": ({}, {"token": "t", "tokenFile": "nowhere"}, bearer("t")),
    "token-before-exec": ({}, {"token": "t", **login("token")}, bearer("t")),
    "password": ({}, {"username": "ann", "password": "secret"}, {"authorization": BASIC}),
    "certificate": ({}, ALICE, {"certificate": "alice"}),
    "certificate-data": (
        {},
        {"client-certificate-data": "{alice}", "client-key-data": "{key}"},
        {"certificate": "alice"},
    ),
    "certificate-and-token": ({}, {**ALICE, "token": "t"}, {"certificate": "alice", **bearer("t")}),
    "certificate-before-exec": ({}, {**ALICE, **login("token")}, {"certificate": "alice"}),
    "authority-data": (
        {"certificate-authority": None, "certificate-authority-data": "{ca}"},
        {"token": "t"},
        bearer("t"),
    ),
    "unverified": ({"certificate-authority": None, "insecure-skip-tls-verify": True}, {"token": "t"}, bearer("t")),
    "exec": ({}, login("token"), bearer("fresh")),
    "exec-beta": ({}, login("token", version=BETA), bearer("fresh")),
    "exec-env": ({}, login("env", env=[{"name": "LOGIN", "value": "a=b"}]), bearer("a=b")),
    "exec-certificate": ({}, login("certificate"), {"certificate": "alice"}),
    "exec-info": ({}, login("info"), bearer('{"interactive": false}')),
    "exec-if-available": ({}, login("info", interactiveMode="IfAvailable"), bearer('{"interactive": false}')),
    "as": ({}, {"token": "t", "as": "jane"}, {"user": "jane", **bearer("t")}),
    "plain": (
        {"server": "http://127.0.0.1:{proxy}", "certificate-authority": None},
        {"as": "jane", **login("token")},
        {"user": "jane"},
    ),
    "no-scheme": ({"server": "127.0.0.1:{proxy}", "certificate-authority": None}, {"token": "t"}, {}),
    "server-name": ({"tls-server-name": "kube.internal"}, {"token": "t"}, bearer("t")),
    "auth-provider-is-empty": ({}, {"token": "t", "auth-provider": None, "exec": None}, bearer("t")),
}


def connect(state: Server, monkeypatch: pytest.MonkeyPatch, cluster: dict[str, object], user: Any) -> None:
    proxy = (state.folder / "proxy").read_text()
    text = json.loads(json.dumps(cluster).replace("{proxy}", proxy))
    monkeypatch.setenv("KUBECONFIG", str(state.write(text, user)))
    with use_client() as (cluster_client, runner):
        runner.run(cluster_client.get_cluster_uid())


@contextlib.contextmanager
def use_client() -> Iterator[tuple[client.KubeClient, asyncio.Runner]]:
    with asyncio.Runner() as runner:
        cluster = client.KubeClient(context="work", timeout=10)
        try:
            yield cluster, runner
        finally:
            runner.run(cluster.close())


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_the_server_sees(state: Server, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    cluster, user, expected = ACCEPTED[name]
    connect(state, monkeypatch, cluster, user)
    seen = {key: value for key, value in state.requests[-1].items() if value is not None}
    assert seen == expected
    assert len(state.requests) == 1


def test_the_cluster_that_a_program_gets_to_know(state: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x"}}
    cluster = {"tls-server-name": "kube.internal", "extensions": [extension, {"name": "other", "extension": 1}]}
    connect(state, monkeypatch, cluster, login("info", provideClusterInfo=True))
    known = json.loads(str(state.requests[0]["authorization"]).removeprefix("Bearer "))
    authority = base64.b64encode((state.folder / "ca.crt").read_bytes()).decode()
    assert known == {
        "interactive": False,
        "cluster": {
            "server": f"https://127.0.0.1:{state.port}",
            "tls-server-name": "kube.internal",
            "certificate-authority-data": authority,
            "config": {"audience": "x"},
        },
    }


@pytest.mark.parametrize(("argument", "runs"), [("token", 1), ("later", 1), ("certificate", 1), ("stale", 2)])
def test_many_requests_at_once_are_one_run(
    state: Server, monkeypatch: pytest.MonkeyPatch, argument: str, runs: int
) -> None:
    """It may ask the user."""
    monkeypatch.setenv("KUBECONFIG", str(state.write({}, login(argument))))
    with use_client() as (cluster, runner):

        async def read() -> None:
            await asyncio.gather(*(cluster.get_cluster_uid() for _ in range(5)))

        runner.run(read())
    assert len(state.runs) == runs


@pytest.mark.parametrize(
    ("argument", "key", "expected"),
    [
        ("stale", "authorization", ["Bearer expired", "Bearer new", "Bearer new"]),
        ("certificates", "certificate", ["stale", "bob", "bob"]),
        ("old", "authorization", ["Bearer t2", "Bearer t4"]),
        ("later", "authorization", ["Bearer t1", "Bearer t1"]),
    ],
)
def test_an_answer_that_expired_or_is_refused_is_renewed(
    state: Server, monkeypatch: pytest.MonkeyPatch, argument: str, key: str, expected: list[str]
) -> None:
    """A new certificate has a new connection."""
    monkeypatch.setenv("KUBECONFIG", str(state.write({}, login(argument))))
    with use_client() as (cluster, runner):
        for _ in range(2):
            runner.run(cluster.get_cluster_uid())
    assert [request[key] for request in state.requests] == expected


def test_a_changed_token_file_is_read_again(state: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    file = state.folder / "rotated"
    file.write_text("one")
    monkeypatch.setenv("KUBECONFIG", str(state.write({}, {"tokenFile": "rotated"})))
    with use_client() as (cluster, runner):
        runner.run(cluster.get_cluster_uid())
        for change in (lambda: file.write_text("two"), file.unlink):
            change()
            runner.run(cluster.get_cluster_uid())
    assert [request["authorization"] for request in state.requests] == ["Bearer one", "Bearer two", "Bearer two"]


@pytest.mark.parametrize("source", ["kubeconfig", "HTTPS_PROXY"])
def test_a_proxy_keeps_the_name_of_the_server(state: Server, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    cluster = {"server": "https://kube.invalid:6443", "tls-server-name": "kube.internal"}
    if source == "kubeconfig":
        cluster["proxy-url"] = "http://127.0.0.1:{proxy}"
    else:
        monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{(state.folder / 'proxy').read_text()}")
    connect(state, monkeypatch, cluster, {"token": "t"})
    assert state.requests[0] == {"tunnel": "kube.invalid:6443"}
    assert state.requests[1]["authorization"] == "Bearer t"


@pytest.mark.parametrize(
    ("host", "excluded", "proxied"),
    [
        ("10.1.2.3", "", True),
        ("10.1.2.3", "10.0.0.0/8", False),
        ("10.1.2.3", "192.168.0.0/16, 10.1.2.3:6443", False),
        ("10.1.2.3", "10.1.2.3:443", True),
        ("kube.example.com", "example.com", False),
        ("kube.example.com", ".example.com,x", False),
        ("example.com", ".example.com", True),
        ("kube.example.com", "*.example.com", False),
        ("notexample.com", "example.com", True),
        ("kube.example.com", "*", False),
        ("localhost", "", False),
        ("127.0.0.1", "", False),
        ("[::1]", "", False),
        ("[fd00::1]", "fd00::/8", False),
        ("[fd00::1]", "10.0.0.0/8", True),
    ],
)
def test_servers_without_the_proxy_of_the_environment(
    state: Server, monkeypatch: pytest.MonkeyPatch, host: str, excluded: str, proxied: bool
) -> None:
    """The rules of Go, also for networks. https://pkg.go.dev/golang.org/x/net/http/httpproxy"""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    monkeypatch.setenv("NO_PROXY", excluded)
    monkeypatch.setenv("KUBECONFIG", str(state.write({"server": f"https://{host}:6443"}, {"token": "t"})))
    assert kubeconfig.select_context("work", os.environ).proxy == ("http://proxy.example.com:3128" if proxied else None)


HINT = {"installHint": "Install it:\n  apt install login"}

REFUSED: Mapping[str, tuple[dict[str, object], dict[str, object]]] = {
    "program-fails": ({}, login("fail", **HINT)),
    "program-is-missing": (
        {},
        {"exec": {**HINT, "apiVersion": V1, "command": "no-such-login", "interactiveMode": "Never"}},
    ),
    "program-prints-text": ({}, login("text")),
    "program-prints-nothing-of-use": ({}, login("none")),
    "program-prints-a-key-alone": ({}, login("half")),
    "program-prints-a-broken-certificate": ({}, login("broken")),
    "program-has-another-version": ({}, login("version")),
    "program-needs-a-terminal": ({}, login("token", interactiveMode="Always")),
    "program-without-a-mode": ({}, login("token", interactiveMode=None)),
    "program-with-an-unknown-mode": ({}, login("token", version=BETA, interactiveMode="Sometimes")),
    "program-of-an-old-version": ({}, login("token", version="client.authentication.k8s.io/v1alpha1")),
    "program-without-a-command": ({}, login("token", command="")),
    "auth-provider": ({}, {"auth-provider": {"name": "gcp"}}),
    "auth-provider-and-exec": ({}, {"auth-provider": {"name": "oidc"}, **login("token")}),
    "token-and-password": ({}, {"token": "t", "username": "ann"}),
    "token-file-is-missing": ({}, {"tokenFile": "nowhere"}),
    "certificate-without-a-key": ({}, {"client-certificate": "alice.crt"}),
    "certificate-is-missing": ({}, {**ALICE, "client-certificate": "nowhere.crt"}),
    "certificate-twice": ({}, {**ALICE, "client-certificate-data": "{alice}"}),
    "certificate-of-another-key": ({}, {**ALICE, "client-key": "ca.key"}),
    "certificate-is-not-base64": ({}, {"client-certificate-data": "%", "client-key-data": "{key}"}),
    "authority-twice": ({"certificate-authority-data": "{ca}"}, {"token": "t"}),
    "authority-and-unverified": ({"insecure-skip-tls-verify": True}, {"token": "t"}),
    "authority-is-missing": ({"certificate-authority": "nowhere"}, {"token": "t"}),
    "authority-is-broken": ({"certificate-authority": "token"}, {"token": "t"}),
    "user-is-of-another-type": ({}, {"exec": "login", "as-user-extra": ["a"]}),
    "authority-is-another": ({"certificate-authority": "other.crt"}, {"token": "t"}),
    "server-is-empty": ({"server": ""}, {"token": "t"}),
    "server-name-is-another": ({"tls-server-name": "example.com"}, {"token": "t"}),
    "server-does-not-resolve": ({"server": "https://kube.invalid"}, {"token": "t"}),
    "proxy-is-of-another-kind": ({"proxy-url": "ftp://proxy"}, {"token": "t"}),
    "groups-without-a-user": ({}, {"as-groups": ["a"]}),
}


def test_what_is_refused(state: Server, monkeypatch: pytest.MonkeyPatch, wording: list[str]) -> None:
    messages: list[str] = []
    for cluster, user in REFUSED.values():
        with pytest.raises(errors.Unavailable) as caught:
            connect(state, monkeypatch, cluster, user)
        assert not isinstance(caught.value, errors.Forbidden), "it is no missing permission"
        message = str(caught.value).replace(str(state.folder), "FOLDER").replace(str(state.port), "PORT")
        messages.append(re.sub(r"(not trusted): [^)]*", r"\1: ...", message))  # in the words of OpenSSL
    assert [f"{name}: {message}" for name, message in zip(REFUSED, messages, strict=True)] == wording
