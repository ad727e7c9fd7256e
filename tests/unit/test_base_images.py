"""dev.images without root and network. The tests on the cluster build and run the real images."""

import dataclasses
import gzip
import hashlib
import http.server
import io
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator

import pytest

from dev.cluster import packages
from dev.images import __main__ as command
from dev.images import layers, oci, recipes

LOW = recipes.Layer(name="low", packages=("a",))
HIGH = recipes.Layer(name="high", packages=("b",), below=LOW, trim=("var/cache/*", "etc/*-"))
IMAGE = recipes.Image(
    repository="base/thing",
    tag="1",
    layer=HIGH,
    config={"Cmd": ["thing"], "StopSignal": "SIGINT"},
    environment={"PATH": "/bin"},
    labels={"org.opencontainers.image.title": "Thing"},
)


def test_key_is_stable_and_depends_on_every_input(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "script"
    file.write_text("one")
    layer = dataclasses.replace(HIGH, files={"bin/script": (file, 0o755)})
    keys = {layer.compute_key(), HIGH.compute_key(), dataclasses.replace(HIGH, after="true").compute_key()}
    keys.add(dataclasses.replace(HIGH, below=dataclasses.replace(LOW, packages=("c",))).compute_key())
    file.write_text("two")
    keys.add(layer.compute_key())
    assert len(keys) == 5
    assert HIGH.compute_key() == dataclasses.replace(HIGH).compute_key()


def apt(folder: pathlib.Path, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a fake apt-get on PATH that prints a text."""
    (folder / "apt-get").write_text(f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\n")
    (folder / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_mirror_is_that_of_apt(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        "Other|Debian|main|http://other.example.com/",
        "Debian|Debian|contrib|http://contrib.example.com/",
        "Debian|Debian|main|http://mirror.example.com/debian/",
        "Debian|Debian-Security|main|http://mirror.example.com/security/",
    ]
    apt(tmp_path, "\n".join(lines), monkeypatch)
    assert layers.find_mirrors() == ("http://mirror.example.com/debian/", "http://mirror.example.com/security/")
    apt(tmp_path, "Ubuntu|Ubuntu|main|http://ubuntu.example.com/", monkeypatch)
    with pytest.raises(layers.CannotMakeError, match="apt has no Debian mirror; run `apt-get update`"):
        layers.find_mirrors()


def test_building_requires_root(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(layers.CannotMakeError, match="requires root; use sudo"):
        layers.ensure_layer(LOW, print)
    assert list((tmp_path / "seaway" / "images").glob("*/")) == []


def test_unsigned_packages_are_refused(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a keyring, debootstrap itself would only warn."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(layers.shutil, "which", lambda program: program)
    monkeypatch.setattr(packages, "DEBIAN_KEYRING", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(layers.CannotMakeError, match="signatures cannot be checked"):
        layers.ensure_layer(LOW, print)


LEFT = ("usr", "usr/bin", "usr/bin/a", "var", "var/cache")


def plant(root: pathlib.Path, names: list[str]) -> None:
    """Write the same small tree in an order."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


def pack_tree(root: pathlib.Path, target: pathlib.Path, *, whole: bool) -> list[str]:
    """Pack a tree, and return the names in the layer in order."""
    target.touch()
    with (root.parent / "log").open("wb") as log:
        layers.pack_layer(root, target, HIGH, log, whole=whole)
    with tarfile.open(target) as tar:
        assert {member.mtime for member in tar.getmembers()} <= {0}
        return [member.name for member in tar.getmembers()]


@pytest.fixture
def without_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run commands without namespaces, so that they do not need root."""
    monkeypatch.setattr(layers, "run_isolated", lambda command, _: subprocess.run(command, check=True))


@pytest.mark.usefixtures("without_namespaces")
def test_equal_trees_give_equal_trimmed_layers(tmp_path: pathlib.Path) -> None:
    names = ["usr/bin/a", "etc/b", "etc/passwd-", "var/cache/c", "etc/with space"]
    digests: set[str] = set()
    for number, order in enumerate((names, names[::-1])):
        root = tmp_path / str(number) / "root"
        plant(root, order)
        os.utime(root / "etc/b", (number, number))
        listed = pack_tree(root, root.parent / "layer.tar.gz", whole=True)
        assert listed == [
            "./etc",
            "./etc/b",
            "./etc/with space",
            "./usr",
            "./usr/bin",
            "./usr/bin/a",
            "./var",
            "./var/cache",
        ]
        digests.add(hashlib.sha256((root.parent / "layer.tar.gz").read_bytes()).hexdigest())
    assert len(digests) == 1


@pytest.mark.usefixtures("without_namespaces")
def test_upper_layer_has_only_newer_files(tmp_path: pathlib.Path) -> None:
    root, target = tmp_path / "root", tmp_path / "layer.tar.gz"
    plant(root, ["usr/old", "usr/changed"])
    target.touch()
    # A file with the time of the marker counts as unchanged. A real package is written much later.
    while (root / "usr/changed").stat().st_ctime_ns <= target.stat().st_ctime_ns:
        plant(root, ["usr/changed", "opt/new"])
    with (tmp_path / "log").open("wb") as log:
        layers.pack_layer(root, target, HIGH, log, whole=False)
    with tarfile.open(target) as tar:
        files = [member.name for member in tar.getmembers() if member.isfile()]
    assert files == ["./opt/new", "./usr/changed"]


def test_layout_names_blobs_by_their_digest(tmp_path: pathlib.Path) -> None:
    status = "Package: a\nVersion: 9\n\nPackage: b\nEssential: yes\nVersion: 1:2.0-1+deb12\n"
    plain = tmp_path / "layer.tar"
    with tarfile.open(plain, "w") as tar:
        member = tarfile.TarInfo(layers.STATUS_FILE)
        member.size = len(status)
        tar.addfile(member, io.BytesIO(status.encode()))
    file = tmp_path / "layer.tar.gz"
    file.write_bytes(gzip.compress(plain.read_bytes()))
    digest = f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
    diff_id = f"sha256:{hashlib.sha256(plain.read_bytes()).hexdigest()}"
    layer = layers.BuiltLayer(file=file, digest=digest, diff_id=diff_id)
    written = oci.write_layout(IMAGE, [layer], tmp_path / "layout")
    blobs = {blob.name: blob.read_bytes() for blob in (tmp_path / "layout/blobs/sha256").iterdir()}
    assert len(blobs) == 3
    assert all(hashlib.sha256(content).hexdigest() == name for name, content in blobs.items())
    manifest = json.loads(blobs[written.removeprefix("sha256:")])
    assert manifest["layers"][0]["digest"] == digest
    config = json.loads(blobs[manifest["config"]["digest"].removeprefix("sha256:")])
    assert config["rootfs"]["diff_ids"] == [layer.diff_id]
    assert config["config"]["StopSignal"] == "SIGINT"
    labels = {"org.opencontainers.image.title": "Thing", oci.CONTENT_LABEL: "b 1:2.0-1+deb12"}
    assert config["config"]["Labels"] == labels
    # pip has its own authorities, and must use those of the machine.
    assert "PIP_CERT=/etc/ssl/certs/ca-certificates.crt" in config["config"]["Env"]
    assert json.loads((tmp_path / "layout/index.json").read_text())["manifests"][0]["digest"] == written


@pytest.fixture
def registry() -> Iterator[tuple[str, dict[str, tuple[int, object]]]]:
    """The address of a registry, and its responses: path -> status and JSON."""
    answers: dict[str, tuple[int, object]] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content = answers.get(self.path, (404, {}))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Log nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}", answers
    server.shutdown()
    server.server_close()


def test_image_in_the_registry_has_the_same_recipe(registry: tuple[str, dict[str, tuple[int, object]]]) -> None:
    address, answers = registry
    path = "/v2/base/thing/manifests/1"
    assert not oci.is_in_registry(IMAGE, address)
    answers[path] = (200, {"annotations": {oci.RECIPE_ANNOTATION: "of an older recipe"}})
    assert not oci.is_in_registry(IMAGE, address)
    answers[path] = (200, {"annotations": {oci.RECIPE_ANNOTATION: oci.compute_recipe_id(IMAGE)}})
    assert oci.is_in_registry(IMAGE, address)
    answers[path] = (500, {})
    with pytest.raises(layers.CannotMakeError, match=f"registry {address}: .* returns 500"):
        oci.is_in_registry(IMAGE, address)


def test_unreachable_registry_is_reported() -> None:
    with pytest.raises(layers.CannotMakeError, match=r"registry 127\.0\.0\.1:1: no response .*check that the cluster"):
        oci.is_in_registry(IMAGE, "127.0.0.1:1")


def entrypoint(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the entrypoint of the PostgreSQL image on this machine."""
    environment = {"PATH": os.environ["PATH"], **variables}
    command = ["sh", str(recipes.ENTRYPOINT), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_entrypoint(tmp_path: pathlib.Path) -> None:
    """It runs other commands unchanged, and rejects two sources of a setting and a folder with other files."""
    assert entrypoint("echo", "-p", "two words").stdout == "-p two words\n"
    result = entrypoint(POSTGRES_PASSWORD="a", POSTGRES_PASSWORD_FILE="/b", PGDATA=str(tmp_path))
    message = "entrypoint: POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE are both set; keep one\n"
    assert (result.returncode, result.stderr) == (1, message)
    (tmp_path / "precious").write_text("x")
    result = entrypoint(PGDATA=str(tmp_path), POSTGRES_PASSWORD="a")
    assert result.returncode == 1
    assert ("refuses to run as root" if os.geteuid() == 0 else "but no database; empty it") in result.stderr
    assert (tmp_path / "precious").read_text() == "x"


def test_labels_state_the_origin_of_images() -> None:
    for image in recipes.IMAGES:
        assert "standing in for" in image.labels["org.opencontainers.image.title"]
        assert "not the official image" in image.labels["org.opencontainers.image.description"]
    assert recipes.POSTGRES.config["User"] == "999:999"
    assert recipes.POSTGRES.layer.below == recipes.PYTHON.layer.below


def test_ctrl_c_ends_it_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "ensure_images", interrupt)
    monkeypatch.setattr(sys, "argv", ["dev.images", "ensure", "--registry", "127.0.0.1:1"])
    assert command.main() == 130
