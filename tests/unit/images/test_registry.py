"""Registries: which program runs, and what its output means. tests/e2e/test_registry.py has real registries."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from seaway.images import registry
from tests.support import diagnostics

ONE, TWO = f"sha256:{1:064}", f"sha256:{2:064}"


@pytest.fixture
def bin_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    for name in (registry.ADDRESSES_VARIABLE, "DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    return folder


def install(bin_: Path, name: str, *, stdout: str = "", stderr: str = "") -> Path:
    """Install a program with a fixed output; return the log of its arguments and of $NO_PROXY."""
    log = bin_.parent / f"{name}.log"
    script = f"#!/bin/sh\necho \"$NO_PROXY|$*\" >>'{log}'\nprintf '%s' '{stdout}'\n"
    if stderr:
        script += f"printf '%s\\n' '{stderr}' >&2\nexit 1\n"
    (bin_ / name).write_text(script)
    (bin_ / name).chmod(0o755)
    return log


def test_a_missing_program_is_reported(bin_: Path) -> None:
    errors = diagnostics.catch(lambda: registry.resolve_digest("python:3.12"))
    assert diagnostics.summarize(errors) == ["PATH: : program-not-found"]


def test_a_digest_is_the_hash_of_the_manifest(bin_: Path) -> None:
    manifest = '{"schemaVersion": 2}'
    log = install(bin_, "skopeo", stdout=manifest)
    install(bin_, "crane", stderr="not used")
    assert registry.resolve_digest("python:3.12") == f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    assert log.read_text() == "|inspect --raw docker://python:3.12\n"


def test_crane_runs_where_skopeo_is_missing(bin_: Path) -> None:
    log = install(bin_, "crane", stdout=f"{ONE}\n")
    assert registry.resolve_digest(f"localhost:5000/web:1@{ONE}") == ONE
    assert log.read_text() == f"|digest --insecure -- localhost:5000/web@{ONE}\n"


@pytest.mark.parametrize(
    ("reference", "plain"),
    [
        ("localhost/web", True),
        ("localhost:5000/web", True),
        ("127.0.0.1:5000/web", True),
        ("registry.localhost:5000/web", True),
        ("[::1]:5000/web", True),
        ("registry.example.com/web", False),
        ("10.0.0.2:5000/web", False),
        ("notlocalhost:5000/web", False),
        ("127.0.0.1.example.com/web", False),
        ("localhost.example.com/web", False),
        ("web", False),
    ],
)
def test_plain_http_is_for_this_machine_only(reference: str, plain: bool) -> None:
    assert registry.uses_plain_http(reference) is plain


def test_a_name_of_the_cluster_has_an_address(bin_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = install(bin_, "skopeo")
    monkeypatch.setenv(registry.ADDRESSES_VARIABLE, "registry.localhost:5000=10.0.0.2:5000, other=10.0.0.3")
    monkeypatch.setenv("NO_PROXY", "example.com")
    registry.resolve_digest("registry.localhost:5000/web:1")
    registry.resolve_digest("registry.localhost:5001/web:1")
    assert log.read_text().splitlines() == [
        "10.0.0.2:5000,10.0.0.3,example.com|inspect --raw --tls-verify=false docker://10.0.0.2:5000/web:1",
        "10.0.0.2:5000,10.0.0.3,example.com|inspect --raw --tls-verify=false docker://registry.localhost:5001/web:1",
    ]


def test_an_invalid_address_is_reported(bin_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(bin_, "skopeo")
    monkeypatch.setenv(registry.ADDRESSES_VARIABLE, "registry.localhost:5000")
    errors = diagnostics.catch(lambda: registry.resolve_digest("python:3.12"))
    assert diagnostics.summarize(errors) == ["SEAWAY_REGISTRY_ADDRESSES: : invalid-value"]


def test_credentials_are_those_of_docker(bin_: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = install(bin_, "skopeo")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    registry.resolve_digest("a")
    (tmp_path / "config.json").write_text("{}")
    registry.resolve_digest("b")
    monkeypatch.setenv("REGISTRY_AUTH_FILE", "/elsewhere")
    registry.resolve_digest("c")
    words = [line.partition("|")[2] for line in log.read_text().splitlines()]
    assert words == [
        "inspect --raw docker://a",
        f"inspect --raw --authfile={tmp_path}/config.json docker://b",
        "inspect --raw docker://c",
    ]


SKOPEO = 'time="2026-03-01T10:00:00Z" level=fatal msg="Error parsing image name \\"docker://x/a:1\\": {}"'
CRANE = "2026/03/01 10:00:00 HEAD request failed, falling back on GET: unexpected status code 404 Not Found\nError: {}"


@pytest.mark.parametrize(
    ("stderr", "kind"),
    [
        (SKOPEO.format("reading manifest 1 in x/a: manifest unknown: manifest unknown"), registry.ImageNotFound),
        (SKOPEO.format("reading manifest 1 in x/a: unauthorized: authentication required"), registry.Unavailable),
        (SKOPEO.format("reading manifest 1 in x/a: denied: requested access is denied"), registry.Unavailable),
        (SKOPEO.format('pinging x: Get \\"https://x/v2/\\": dial tcp: lookup x: no such host'), registry.Unavailable),
        (SKOPEO.format("getting username: open /root/config.json: permission denied"), registry.Unavailable),
        (CRANE.format("GET https://x/v2/a/manifests/1: MANIFEST_UNKNOWN: manifest unknown"), registry.ImageNotFound),
        (CRANE.format("GET https://x/v2/a/manifests/1: UNAUTHORIZED: authentication required"), registry.Unavailable),
        (CRANE.format('Get "https://x/v2/": dial tcp 10.0.0.1:443: connection refused'), registry.Unavailable),
    ],
)
def test_an_error_is_one_line(bin_: Path, stderr: str, kind: type[registry.Unavailable], wording: Any) -> None:
    install(bin_, "skopeo", stderr=stderr)
    with pytest.raises(registry.Unavailable) as raised:
        registry.resolve_digest("x.example/a:1")
    assert type(raised.value) is kind
    assert [str(raised.value)] == wording
    if kind is registry.ImageNotFound:
        assert not registry.has_image("x.example/a:1")
    else:
        with pytest.raises(registry.Unavailable):
            registry.has_image("x.example/a:1")


def test_a_refused_copy_names_both_logins(bin_: Path, wording: Any) -> None:
    stderr = "unauthorized: authentication required"
    (bin_ / "crane").write_text(
        f'#!/bin/sh\ncase $1 in digest) echo "Error: manifest unknown";; *) echo "{stderr}";; esac >&2\nexit 1\n'
    )
    (bin_ / "crane").chmod(0o755)
    with pytest.raises(registry.Unavailable, match=r"docker login x\.example or docker login y\.example") as raised:
        registry.copy_image(f"x.example/a@{ONE}", "y.example/a:1")
    assert [str(raised.value)] == wording


def test_an_existing_image_is_not_copied_again(bin_: Path) -> None:
    log = install(bin_, "crane", stdout=f"{ONE}\n")
    assert not registry.copy_image(f"x.example/a@{ONE}", "y.example/a:1")
    assert log.read_text() == "|digest -- y.example/a:1\n"


def test_another_digest_after_a_copy_is_an_error(bin_: Path) -> None:
    install(bin_, "crane", stdout=f"{TWO}\n")
    with pytest.raises(registry.Unavailable, match=f"the registry has {TWO} after "):
        registry.copy_image(f"x.example/a:1@{ONE}", "y.example/a:1")


@pytest.mark.parametrize(
    ("source", "target", "refused"),
    [
        ("registry.localhost:5000/a", "registry.example.com/prod/a", True),
        ("registry.example.com/a", "localhost:5000/a", True),
        ("registry.example.com/a", "other.example.com/a", False),
        ("registry.localhost:5000/a", "localhost:5001/a", False),
    ],
)
def test_crane_never_turns_off_tls_for_a_remote_registry(bin_: Path, source: str, target: str, refused: bool) -> None:
    log = bin_ / "log"
    (bin_ / "crane").write_text(
        f'#!/bin/sh\necho "$*" >>{log}\ncase $1 in copy) ;; *) [ -e {log}.2 ] && echo {ONE} || '
        f'{{ touch {log}.2; echo "manifest unknown" >&2; exit 1; }};; esac\n'
    )
    (bin_ / "crane").chmod(0o755)
    (bin_ / "touch").symlink_to("/usr/bin/touch")
    if refused:
        with pytest.raises(registry.Unavailable, match="install skopeo"):
            registry.copy_image(f"{source}@{ONE}", f"{target}:1")
    else:
        assert registry.copy_image(f"{source}@{ONE}", f"{target}:1")
    lines = log.read_text().splitlines()
    assert any(line.startswith("copy") for line in lines) is not refused
    assert not [line for line in lines if "--insecure" in line and "example.com" in line]


def test_a_copy_requires_a_digest() -> None:
    with pytest.raises(ValueError, match="has no digest"):
        registry.copy_image("x.example/a:1", "y.example/a:1")
