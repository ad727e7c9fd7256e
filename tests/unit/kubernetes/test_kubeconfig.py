"""The server and credentials of a context."""

import asyncio
import http.server
import json
import threading
from pathlib import Path

import pytest

from seaway import errors
from seaway.kubernetes.cluster import client, credentials, kubeconfig

ONE = """
clusters: [{name: c, cluster: {server: "https://one"}}, {name: d}]
contexts: [{name: work, context: {cluster: c, user: u}}]
users: [{name: u}]
"""
TWO = """
clusters: [{name: c, cluster: {server: "https://two"}}]
contexts:
- {name: home, context: {cluster: c, user: v}}
- {name: unknown-user, context: {cluster: c, user: x}}
- {name: unknown-cluster, context: {cluster: x}}
- {name: empty-cluster, context: {cluster: d}}
- {name: empty}
users: [{name: v, user: {exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: login}}}]
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "one").write_text(ONE)
    (tmp_path / "two").write_text(TWO)
    return {"KUBECONFIG": f"{tmp_path}/one:{tmp_path}/absent:{tmp_path}/two"}


def test_files_are_merged_and_the_first_of_a_name_wins(environ: dict[str, str]) -> None:
    connection = kubeconfig.select_context("home", environ)
    assert connection.server == "https://one"
    assert isinstance(connection.auth, credentials.CredentialProgram)
    assert connection.auth._config["command"] == "login", "found on PATH, not beside the file"


def test_paths_are_relative_to_their_file(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the path of the file is relative."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one").write_text(ONE.replace("server:", "certificate-authority: pki/ca.crt, server:"))
    for files in (environ["KUBECONFIG"], "one:two"):
        with pytest.raises(errors.Unavailable, match=f"certificate-authority {tmp_path}/pki/ca.crt cannot be read"):
            kubeconfig.select_context("work", {"KUBECONFIG": files})


def test_a_cluster_without_a_verified_certificate_is_warned_about_once(
    environ: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kubeconfig._warn_unverified.cache_clear()
    kubeconfig.select_context("work", environ)
    assert capsys.readouterr().err == ""
    (tmp_path / "one").write_text(ONE.replace("server:", "insecure-skip-tls-verify: true, server:"))
    for _ in range(2):
        kubeconfig.select_context("work", environ)
    output = capsys.readouterr()
    assert (output.out, output.err.count("insecure-skip-tls-verify")) == ("", 1)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(errors.Unavailable) as caught:
        kubeconfig.select_context("work", {"KUBECONFIG": f"{tmp_path}/none"})
    assert str(caught.value) == f'no kubeconfig at {tmp_path}/none for context "work"; set KUBECONFIG'


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("unknown-user", 'there is no user "x"'),
        ("unknown-cluster", 'there is no cluster "x"'),
        ("empty-cluster", "its cluster has no server"),
        ("empty", 'there is no cluster ""'),
    ],
)
def test_an_incomplete_context(environ: dict[str, str], name: str, fault: str) -> None:
    with pytest.raises(errors.Unavailable, match=f'context "{name}" of .* cannot be used: {fault}; choose another'):
        kubeconfig.select_context(name, environ)


def connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: object, user: object) -> None:
    """Read the identity of a cluster with these fields in the kubeconfig."""
    contexts = [{"name": "work", "context": {"cluster": "c", "user": "u"}}]
    content = {
        "contexts": contexts,
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
    }
    (tmp_path / "config").write_text(json.dumps(content))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    asyncio.run(client.KubeClient(context="work", timeout=5).get_cluster_uid())


IMPERSONATED = {"as": "jane", "as-uid": "7", "as-groups": ["a", "b"], "as-user-extra": {"Ex/1": ["x", "y"]}}
HEADERS = [("user", "jane"), ("uid", "7"), ("group", "a"), ("group", "b"), ("extra-ex%2f1", "x"), ("extra-ex%2f1", "y")]


@pytest.mark.parametrize("proxied", [False, True])
def test_impersonation_and_a_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxied: bool) -> None:
    received: list[tuple[str, list[tuple[str, str]]]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            prefix = "impersonate-"
            headers = [(name.lower(), text) for name, text in self.headers.items()]
            own = [(name.removeprefix(prefix), text) for name, text in headers if name.startswith(prefix)]
            received.append((self.path, own))
            body = b'{"metadata": {"uid": "1"}}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        cluster = {"server": "http://kube.invalid", "proxy-url": url} if proxied else {"server": url}
        connect(tmp_path, monkeypatch, cluster, IMPERSONATED)
        server.shutdown()
    path = "/api/v1/namespaces/kube-system"
    assert received == [(f"http://kube.invalid{path}" if proxied else path, HEADERS)]


@pytest.mark.parametrize("content", ["clusters: [", "- a", "clusters: [{cluster: {}}]", "contexts: 3", b"\xff\xfe\x00"])
def test_a_broken_file_is_named(tmp_path: Path, content: str | bytes) -> None:
    path = tmp_path / "broken"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(errors.Unavailable) as caught:
        kubeconfig.select_context("work", {"KUBECONFIG": str(path)})
    text = str(caught.value)
    assert text.startswith(f"{path} is not a readable kubeconfig: ")
    assert "\n" not in text
