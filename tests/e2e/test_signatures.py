"""Releases are signed and verified with cosign and syft, in two registries, and nothing else is contacted."""

import dataclasses
import gzip
import hashlib
import io
import json
import os
import socket
import subprocess
import tarfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from dev import kubectl, project
from dev.cluster import toolchain
from seaway.images import registry
from seaway.model import application, settings
from seaway.project import release
from seaway.release import signatures
from tests.support import registry as registries

pytestmark = pytest.mark.optional

TYPES = "application/vnd.oci.image"


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Two registries of this machine."""
    first, second = (tmp_path_factory.mktemp(name) for name in ("first", "second"))
    with registries.serve_registry(first) as one, registries.serve_registry(second) as other:
        yield one, other


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """The requests to a proxy: every connection of a program that is not to this machine."""
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def record() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    seen.append(connection.recv(200))

        threading.Thread(target=record, daemon=True).start()
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{server.getsockname()[1]}")
        yield seen


def add_programs(env: Mapping[str, str]) -> dict[str, str]:
    """The variables with cosign and syft on the PATH, and the password of the keys."""
    programs = [str(toolchain.find_program(name).parent) for name in ("cosign", "syft")]
    return {"PATH": os.pathsep.join([*programs, env["PATH"]]), "COSIGN_PASSWORD": "of the tests"}


def generate_keys(folder: Path, env: Mapping[str, str]) -> None:
    for name in ("own", "other"):
        command = ["cosign", "generate-key-pair", f"--output-key-prefix={name}"]
        subprocess.run(command, cwd=folder, env=env, check=True)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two key pairs, and programs that have never run for this user."""
    for name, variable in add_programs(os.environ).items():
        monkeypatch.setenv(name, variable)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    generate_keys(tmp_path, os.environ)
    return tmp_path


def push_image(folder: Path, repository: str, text: str) -> str:
    """Push an image of one file, and return its reference with the digest."""
    content, layer = io.BytesIO(), text.encode()
    with tarfile.open(fileobj=content, mode="w") as archive:
        member = tarfile.TarInfo("etc/os-release")
        member.size = len(layer)
        archive.addfile(member, io.BytesIO(layer))
    blobs = folder / "image" / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def store(kind: str, blob: bytes) -> dict[str, object]:
        digest = hashlib.sha256(blob).hexdigest()
        (blobs / digest).write_bytes(blob)
        return {"mediaType": f"{TYPES}.{kind}", "digest": f"sha256:{digest}", "size": len(blob)}

    diff = f"sha256:{hashlib.sha256(content.getvalue()).hexdigest()}"
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [diff]}, "config": {}}
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{TYPES}.manifest.v1+json",
        "config": store("config.v1+json", json.dumps(config).encode()),
        "layers": [store("layer.v1.tar+gzip", gzip.compress(content.getvalue(), mtime=0))],
    }
    index = {"schemaVersion": 2, "manifests": [store("manifest.v1+json", json.dumps(manifest).encode())]}
    (folder / "image" / "index.json").write_text(json.dumps(index))
    (folder / "image" / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    target = f"docker://{repository}:1"
    subprocess.run(["skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{folder}/image", target], check=True)
    return f"{repository}@{registry.resolve_digest(f'{repository}:1')}"


def find_unsigned(
    folder: Path, signed: release.Release, key: str, repository: str | None = None, **changed: str
) -> list[str]:
    """The paths of what no key has signed."""
    images = {name: image.build_reference(repository) for name, image in signed.images.items()} | changed
    trust = settings.Trust(keys=(key,))
    diagnostics = signatures.find_unsigned(folder, signed.id, signed.application, images, trust)
    return [f"{diagnostic.path} {diagnostic.code}" for diagnostic in diagnostics]


def test_a_release_is_signed_and_verified_without_the_network(
    folder: Path, addresses: tuple[str, str], connections: list[bytes]
) -> None:
    reference = push_image(folder, f"{addresses[0]}/shop/web", 'ID=debian\nVERSION_ID="12"\n')
    image = release.ReleaseImage.parse(reference, "ctx-1")
    signed = release.Release(application=application.Application("shop"), images={"web": image})
    file = release.save_release(folder, signed)
    assert find_unsigned(folder, signed, "own.pub") == [" not-signed"]
    key = str(folder / "own.key")
    signatures.sign_release(folder, signed.id, key, transparency_log=False)
    assert find_unsigned(folder, signed, "own.pub") == ["images.web not-signed"]
    signatures.sign_image(reference, key, transparency_log=False)
    signatures.attest_packages(reference, key, transparency_log=False)
    assert registry.resolve_digest(f"{addresses[0]}/shop/web:1") == image.digest
    assert find_unsigned(folder, signed, "own.pub") == []
    assert find_unsigned(folder, signed, (folder / "own.pub").read_text()) == []
    assert find_unsigned(folder, signed, "other.pub") == [" not-signed"]
    # In another registry, the signatures are copied with the image.
    copied = image.build_reference(addresses[1])
    registry.copy_image(reference, f"{addresses[1]}/shop/web:ctx-1")
    assert find_unsigned(folder, signed, "own.pub", addresses[1]) == ["images.web not-signed"]
    signatures.copy_image_signatures(reference, copied)
    assert find_unsigned(folder, signed, "own.pub", addresses[1]) == []
    attested = ["verify-attestation", "--key=own.pub", "--type=spdxjson", "--insecure-ignore-tlog=true", copied]
    variables = {**os.environ, "SIGSTORE_CT_LOG_PUBLIC_KEY_FILE": os.devnull}
    subprocess.run(["cosign", *attested], cwd=folder, env=variables, check=True, stdout=subprocess.DEVNULL)
    # Another image under the signed name, and another text under the signature.
    other = f"{addresses[0]}/shop/web@sha256:{'0' * 64}"
    assert find_unsigned(folder, signed, "own.pub", web=other) == [" not-signed"]
    file.write_text(file.read_text() + "# changed\n")
    assert find_unsigned(folder, signed, "own.pub") == [" not-signed"]
    assert connections == []


def test_the_transparency_log_is_contacted_where_it_is_required(folder: Path, connections: list[bytes]) -> None:
    """The recorder sees such connections."""
    signed = release.Release(application=application.Application("shop"))
    release.save_release(folder, signed)
    signatures.sign_release(folder, signed.id, str(folder / "own.key"), transparency_log=False)
    trust = dataclasses.replace(settings.Trust(keys=("own.pub",)), transparency_log=True)
    (diagnostic,) = signatures.find_unsigned(folder, signed.id, signed.application, {}, trust)
    assert diagnostic.code == "not-signed"
    assert any(b"sigstore.dev" in request for request in connections)


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[project.Project]:
    """A stack that has deployed a release."""
    application = project.ROOT / "examples" / "smallest"
    checkout = project.Project.create(tmp_path / "signed", application=application, stack="dev")
    for name, variable in add_programs(checkout.env).items():
        monkeypatch.setenv(name, variable)
        checkout.env[name] = variable
    generate_keys(checkout.folder, checkout.env)
    checkout.replace_text("app/app.yaml", "name: smallest", "name: signed")
    checkout.up()
    yield checkout
    kubectl.delete_namespaces("signed-dev", "signed-staging")


@pytest.mark.cluster
def test_a_stack_with_trust_deploys_only_what_is_signed(dev: project.Project) -> None:
    config = yaml.safe_load(dev.stack_file.read_text())["config"]
    config |= {"seaway:build": False, "seaway:promotion": {"from": "dev"}}
    staging = dataclasses.replace(dev, stack="staging")

    def set_trust(*keys: str) -> None:
        trust = {"seaway:trust": {"keys": [*keys]}} if keys else {}
        staging.stack_file.write_text(yaml.safe_dump({"config": config | trust}))

    def promote() -> project.CommandResult:
        return dev.seaway("release", "promote", "dev", "staging")

    def sign(*words: str) -> None:
        signed = dev.seaway("release", "sign", "--stack", "dev", *words)
        assert signed.exit_code == 0, signed.output

    def is_refused(result: project.CommandResult, path: str = "") -> bool:
        return result.exit_code != 0 and "[not-signed]" in result.output and path in result.output

    set_trust("own.pub")
    staging.pulumi("stack", "init", "staging", check=True)
    assert is_refused(promote())
    sign("--key", "other.key")
    assert is_refused(promote()), "another key has signed it"
    (file,) = (dev.folder / "releases").glob("*.yaml")
    signatures.sign_release(dev.folder, file.stem, str(dev.folder / "own.key"), transparency_log=False)
    assert is_refused(promote(), "images.web"), "the key has signed the file, and not the image"
    set_trust()
    assert promote().exit_code == 0
    set_trust("own.pub")
    staging.preview()
    assert is_refused(staging.up(check=False), "images.web"), "an update verifies the image"
    sign("--key", "own.key", "--sbom")
    set_trust("other.pub")
    assert is_refused(staging.preview(check=False))
    signature = signatures.get_path(dev.folder, file.stem)
    content = signature.read_text()
    signature.unlink()
    set_trust("own.pub")
    assert is_refused(staging.up(check=False))
    found = kubectl.run("get", "namespace", "signed-staging", "--output", "name", "--ignore-not-found")
    assert found == "", "a refused release changes nothing"
    signature.write_text(content)
    assert promote().exit_code == 0
    staging.up()
    assert kubectl.run("get", "deployment", "web", "--namespace", "signed-staging", "--output", "name")
    staging.preview("--expect-no-changes")
