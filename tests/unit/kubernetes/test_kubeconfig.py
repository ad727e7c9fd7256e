"""The server and credentials of a context."""

from pathlib import Path

import pytest

from seaway import errors
from seaway.kubernetes.cluster import kubeconfig

ONE = """
clusters: [{name: c, cluster: {server: "https://one", certificate-authority: pki/ca.crt}}]
contexts: [{name: work, context: {cluster: c, user: u}}]
users: [{name: u, user: {client-certificate: /abs/u.crt, client-key: u.key}}]
"""
TWO = """
clusters: [{name: c, cluster: {server: "https://two"}}]
contexts: [{name: home, context: {cluster: c, user: v}}, {name: incomplete, context: {cluster: c}}]
users: [{name: v, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: login}}}]
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "one").write_text(ONE)
    (tmp_path / "two").write_text(TWO)
    return {"KUBECONFIG": f"{tmp_path}/one:{tmp_path}/absent:{tmp_path}/two"}


def test_paths_are_relative_to_their_file(environ: dict[str, str], tmp_path: Path) -> None:
    config = kubeconfig.select_context("work", environ)
    assert config.cluster.certificate_auth == str(tmp_path / "pki/ca.crt")
    assert config.user
    assert (config.user.client_cert, config.user.client_key) == ("/abs/u.crt", str(tmp_path / "u.key"))


def test_files_are_merged_and_the_first_of_a_name_wins(environ: dict[str, str]) -> None:
    config = kubeconfig.select_context("home", environ)
    assert config.cluster.server == "https://one"
    assert config.user
    assert config.user.exec
    assert config.user.exec.command == "login", "found on PATH, not beside the file"


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


def test_a_context_without_a_user(environ: dict[str, str]) -> None:
    with pytest.raises(errors.Unavailable, match=r'context "incomplete" of .* has no user; choose another'):
        kubeconfig.select_context("incomplete", environ)


@pytest.mark.parametrize("content", ["clusters: [", "- a", "clusters: [{name: x}]", "contexts: 3", b"\xff\xfe\x00"])
def test_a_broken_file_is_named(tmp_path: Path, content: str | bytes) -> None:
    path = tmp_path / "broken"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(errors.Unavailable) as caught:
        kubeconfig.select_context("work", {"KUBECONFIG": str(path)})
    text = str(caught.value)
    assert text.startswith(f"{path} is not a readable kubeconfig: ")
    assert "\n" not in text
