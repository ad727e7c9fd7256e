"""Registries: which program is asked, and what its answers mean. tests/e2e/test_registry.py asks real ones."""

import hashlib
from pathlib import Path

import pytest

from seaway.images import registry
from seaway.syntax import diagnosis

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


def program(bin_: Path, name: str, *, says: str = "", fails: str = "") -> Path:
    """A program that answers always the same; the file that has its words, and the proxies it was not to use."""
    log = bin_.parent / f"{name}.log"
    script = f"#!/bin/sh\necho \"$NO_PROXY|$*\" >>'{log}'\nprintf '%s' '{says}'\n"
    if fails:
        script += f"printf '%s\\n' '{fails}' >&2\nexit 1\n"
    (bin_ / name).write_text(script)
    (bin_ / name).chmod(0o755)
    return log


def test_without_a_program_the_way_out_is_told(bin_: Path) -> None:
    with pytest.raises(diagnosis.InvalidInput) as caught:
        registry.resolve_digest("python:3.12")
    assert str(caught.value) == (
        "PATH: there is neither skopeo nor crane, and registries are asked with one of them; apt-get install skopeo, "
        "or take crane from https://github.com/google/go-containerregistry/releases"
    )


def test_a_digest_is_that_of_the_manifest(bin_: Path) -> None:
    manifest = '{"schemaVersion": 2}'
    log = program(bin_, "skopeo", says=manifest)
    program(bin_, "crane", fails="not asked")
    assert registry.resolve_digest("python:3.12") == f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    assert log.read_text() == "|inspect --raw docker://python:3.12\n"


def test_crane_is_asked_where_skopeo_is_not(bin_: Path) -> None:
    log = program(bin_, "crane", says=f"{ONE}\n")
    assert registry.resolve_digest(f"localhost:5000/web:1@{ONE}") == ONE
    assert log.read_text() == f"|digest --insecure localhost:5000/web@{ONE}\n"


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


def test_a_registry_that_only_the_cluster_knows_is_asked_at_its_address(
    bin_: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = program(bin_, "skopeo")
    monkeypatch.setenv(registry.ADDRESSES_VARIABLE, "registry.localhost:5000=10.0.0.2:5000, other=10.0.0.3")
    monkeypatch.setenv("NO_PROXY", "example.com")
    registry.resolve_digest("registry.localhost:5000/web:1")
    registry.resolve_digest("registry.localhost:5001/web:1")
    assert log.read_text().splitlines() == [
        "10.0.0.2:5000,10.0.0.3,example.com|inspect --raw --tls-verify=false docker://10.0.0.2:5000/web:1",
        "10.0.0.2:5000,10.0.0.3,example.com|inspect --raw --tls-verify=false docker://registry.localhost:5001/web:1",
    ]


def test_an_address_that_is_none_is_told(bin_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bin_, "skopeo")
    monkeypatch.setenv(registry.ADDRESSES_VARIABLE, "registry.localhost:5000")
    with pytest.raises(diagnosis.InvalidInput) as caught:
        registry.resolve_digest("python:3.12")
    assert str(caught.value) == (
        'SEAWAY_REGISTRY_ADDRESSES: "registry.localhost:5000" is not of the form name=address; '
        "write host:port=host:port, and a comma before the next"
    )


def test_credentials_are_looked_for_where_docker_has_them(
    bin_: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = program(bin_, "skopeo")
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
    ("said", "kind", "told"),
    [
        (
            SKOPEO.format("reading manifest 1 in x/a: manifest unknown: manifest unknown"),
            registry.ImageNotFound,
            "there is no such image in x.example; push it, or correct the name",
        ),
        (
            SKOPEO.format("reading manifest 1 in x/a: unauthorized: authentication required"),
            registry.Unavailable,
            "there is no such image, or it is not for you; docker login x.example",
        ),
        (
            SKOPEO.format("reading manifest 1 in x/a: denied: requested access to the resource is denied"),
            registry.Unavailable,
            "there is no such image, or it is not for you; docker login x.example",
        ),
        (
            SKOPEO.format('pinging container registry x: Get \\"https://x/v2/\\": dial tcp: lookup x: no such host'),
            registry.Unavailable,
            "dial tcp: lookup x: no such host; check the name, and the way to x.example",
        ),
        (
            SKOPEO.format("getting username and password: open /root/config.json: permission denied"),
            registry.Unavailable,
            "getting username and password: open /root/config.json: permission denied; "
            "check the name, and the way to x.example",
        ),
        (
            CRANE.format("GET https://x/v2/a/manifests/1: MANIFEST_UNKNOWN: manifest unknown; map[Tag:1]"),
            registry.ImageNotFound,
            "there is no such image in x.example; push it, or correct the name",
        ),
        (
            CRANE.format("GET https://x/v2/a/manifests/1: UNAUTHORIZED: authentication required; [map[Action:pull]]"),
            registry.Unavailable,
            "there is no such image, or it is not for you; docker login x.example",
        ),
        (
            CRANE.format('Get "https://x/v2/": dial tcp 10.0.0.1:443: connect: connection refused'),
            registry.Unavailable,
            "dial tcp 10.0.0.1:443: connect: connection refused; check the name, and the way to x.example",
        ),
    ],
)
def test_what_goes_wrong_is_one_line_with_the_way_out(
    bin_: Path, said: str, kind: type[registry.Unavailable], told: str
) -> None:
    program(bin_, "skopeo", fails=said)
    with pytest.raises(registry.Unavailable) as caught:
        registry.resolve_digest("x.example/a:1")
    assert type(caught.value) is kind
    assert str(caught.value) == f"x.example/a:1: {told}"
    if kind is registry.ImageNotFound:
        assert not registry.has_image("x.example/a:1")
    else:
        with pytest.raises(registry.Unavailable):
            registry.has_image("x.example/a:1")


def test_a_copy_that_names_two_registries_names_both_logins(bin_: Path) -> None:
    said = "unauthorized: authentication required"
    (bin_ / "crane").write_text(
        f'#!/bin/sh\ncase $1 in digest) echo "Error: manifest unknown";; *) echo "{said}";; esac >&2\nexit 1\n'
    )
    (bin_ / "crane").chmod(0o755)
    with pytest.raises(registry.Unavailable) as caught:
        registry.copy_image(f"x.example/a@{ONE}", "y.example/a:1")
    assert str(caught.value) == (
        f"x.example/a@{ONE} -> y.example/a:1: there is no such image, or it is not for you; "
        "docker login x.example or docker login y.example"
    )


def test_what_is_there_is_not_copied_again(bin_: Path) -> None:
    log = program(bin_, "crane", says=f"{ONE}\n")
    assert not registry.copy_image(f"x.example/a@{ONE}", "y.example/a:1")
    assert log.read_text() == "|digest y.example/a:1\n"


def test_a_registry_that_kept_something_else_is_told(bin_: Path) -> None:
    program(bin_, "crane", says=f"{TWO}\n")
    with pytest.raises(registry.Unavailable) as caught:
        registry.copy_image(f"x.example/a:1@{ONE}", "y.example/a:1")
    assert str(caught.value) == (
        f"y.example/a:1: the registry has {TWO} after x.example/a:1@{ONE} was copied to it; copy it again"
    )


def test_a_copy_without_a_digest_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="has no digest"):
        registry.copy_image("x.example/a:1", "y.example/a:1")
