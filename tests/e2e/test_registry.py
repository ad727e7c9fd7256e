"""Reads from registries and copies between them: the cluster's registry, a second, and one with a password."""

import base64
import errno
import hashlib
import json
import shutil
import subprocess
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev import environment, prober, project
from dev import kubectl as dev_kubectl
from dev.cluster import node
from seaway.images import registry
from tests.support import registry as registries

pytestmark = pytest.mark.cluster

NAMESPACE = "registry-e2e"
OWN = "registry.localhost:5000"
PYTHON, POSTGRES = f"{OWN}/base/python:3.11-bookworm", f"{OWN}/base/postgres:15-bookworm"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
HASHED = "someone:$2b$04$FpZzrtfdCkxojz1CAVym8u5whePSZvG0nAz7/OPwdJipw5ka0G28u\n"
"""The htpasswd line of the password open-sesame."""


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry with a password."""
    folder = tmp_path_factory.mktemp("closed")
    (folder / "htpasswd").write_text(HASHED)
    auth = {"htpasswd": {"realm": "closed", "path": str(folder / "htpasswd")}}
    with registries.serve_registry(folder, auth=auth) as address:
        yield address


@pytest.fixture(params=["skopeo", pytest.param("crane", marks=pytest.mark.optional)])
def tool(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The only program on PATH."""
    path = shutil.which(request.param)
    if path is None and request.param == "crane":
        pytest.skip("crane is not installed; take it from https://github.com/google/go-containerregistry/releases")
    assert path, "make toolchain installs skopeo"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / request.param).symlink_to(path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv(registry.ADDRESSES_VARIABLE, environment.format_variables()[registry.ADDRESSES_VARIABLE])
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)
    return request.param


def manifest(reference: str, kind: str = MANIFEST, *, put: bytes | None = None) -> bytes:
    """Return the manifest of a tag, or replace it with ``put``."""
    name, tag = registry.resolve_address(reference).rsplit(":", 1)
    host, _, repository = name.partition("/")
    headers = {"Accept": kind} if put is None else {"Content-Type": kind}
    url = f"http://{host}/v2/{repository}/manifests/{tag}"
    request = urllib.request.Request(url, put, headers, method="GET" if put is None else "PUT")
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        return answer.read()


def test_copy_has_the_same_digest_and_is_made_once(tool: str, second_registry: str) -> None:
    digest = registry.resolve_digest(PYTHON)
    target = f"{second_registry}/{tool}/python:1"
    assert not registry.has_image(target)
    assert registry.copy_image(f"{PYTHON}@{digest}", target), "a tag beside the digest says nothing"
    assert registry.resolve_digest(target) == digest
    assert registry.has_image(f"{second_registry}/{tool}/python@{digest}")
    assert not registry.copy_image(f"{PYTHON}@{digest}", target)


def test_image_index_is_copied_with_all_platforms(tool: str, second_registry: str) -> None:
    """Including a platform that is not this machine's."""
    listed: list[dict[str, object]] = []
    several = f"{OWN}/e2e/several"
    for image, architecture in ((PYTHON, "amd64"), (POSTGRES, "s390x")):
        digest = registry.resolve_digest(image)
        registry.copy_image(f"{image}@{digest}", f"{several}:{architecture}")
        size = len(manifest(f"{several}:{architecture}"))
        platform = {"os": "linux", "architecture": architecture}
        listed.append({"mediaType": MANIFEST, "digest": digest, "size": size, "platform": platform})
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}).encode()
    manifest(f"{several}:1", INDEX, put=index)
    digest = registry.resolve_digest(f"{several}:1")
    assert digest == f"sha256:{hashlib.sha256(index).hexdigest()}"
    target = f"{second_registry}/{tool}/several"
    assert registry.copy_image(f"{several}@{digest}", f"{target}:1")
    assert registry.resolve_digest(f"{target}:1") == digest
    assert all(registry.has_image(f"{target}@{one['digest']}") for one in listed)


def test_credentials_are_those_of_docker_login(
    tool: str, closed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    digest = registry.resolve_digest(PYTHON)
    target = f"{closed}/{tool}/python:1"
    with pytest.raises(registry.Unavailable) as caught:
        registry.copy_image(f"{PYTHON}@{digest}", target)
    assert (
        str(caught.value) == f"{target}: the image does not exist, or you have no access to it; docker login {closed}"
    )
    auth = base64.b64encode(b"someone:open-sesame").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {closed: {"auth": auth}}}))
    assert registry.copy_image(f"{PYTHON}@{digest}", target)
    assert registry.resolve_digest(target) == digest


def test_the_node_pulls_from_the_second_registry(second_registry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.format_variables().items():
        monkeypatch.setenv(name, value)
    digest = registry.resolve_digest(PYTHON)
    registry.copy_image(f"{PYTHON}@{digest}", f"{second_registry}/pulled/python:1")
    image = f"{second_registry}/pulled/python@{digest}"
    kubectl("create", "namespace", NAMESPACE)
    try:
        run = ("run", "pulled", "-n", NAMESPACE, "--restart=Never", f"--image={image}", "--command", "--", "python3")
        prober.wait_until(
            lambda: kubectl(*run, "-c", "pass"), seconds=120
        )  # its service account is created a moment later
        result = "--for=jsonpath={.status.phase}=Succeeded"
        assert kubectl("wait", "-n", NAMESPACE, "pod/pulled", result, "--timeout=60s")
    finally:
        kubectl("delete", "namespace", NAMESPACE)


UPLOAD = """
import sys, urllib.error, urllib.request
try:
    print(urllib.request.urlopen(urllib.request.Request(sys.argv[1], b"", method="POST"), timeout=10).status)
except urllib.error.URLError as error:
    print(type(error.reason).__name__)
"""


def test_only_root_of_the_host_may_push(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other user and no pod: a base image of theirs would run in all that is built on it."""
    for name, value in environment.format_variables().items():
        monkeypatch.setenv(name, value)
    url = f"http://{registry.resolve_address(PYTHON).partition('/')[0]}/v2/base/python/blobs/uploads/"

    def upload(user: int) -> tuple[int, str]:
        line = ["curl", "--silent", "--noproxy", "*", "--output", "/dev/null", "--write-out", "%{http_code}"]
        result = subprocess.run(
            [*line, "--request", "POST", url], user=user, group=user, capture_output=True, text=True, check=False
        )
        return result.returncode, result.stdout

    connection_refused = 7
    assert upload(0) == (0, "202")
    assert upload(65534) == (connection_refused, "000")
    prober.wait_until(lambda: kubectl("create", "namespace", NAMESPACE), seconds=60)
    try:
        run = ("run", "pusher", "-n", NAMESPACE, "--restart=Never", f"--image={PYTHON}", "--command", "--", "python3")
        prober.wait_until(lambda: kubectl(*run, "-c", UPLOAD, url), seconds=120)
        result = "--for=jsonpath={.status.phase}=Succeeded"
        assert kubectl("wait", "-n", NAMESPACE, "pod/pusher", result, "--timeout=60s")
        assert dev_kubectl.run("logs", "pusher", "-n", NAMESPACE) == "ConnectionRefusedError\n"
    finally:
        kubectl("delete", "namespace", NAMESPACE)


def test_a_step_of_a_build_cannot_push(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It could replace the base image of all other builds."""
    for name, value in environment.format_variables().items():
        monkeypatch.setenv(name, value)
    host, _, port = registry.resolve_address(PYTHON).partition("/")[0].partition(":")
    checkout = project.Project.create(
        tmp_path, application=project.ROOT / "examples" / "smallest", stack=NAMESPACE, app="app/app.yaml"
    )
    step = f"import socket, sys; sys.exit(socket.socket().connect_ex(('{host}', {port})) != {errno.ECONNREFUSED})"
    file = checkout.folder / "app" / "web" / "Dockerfile"
    once = f"# {uuid.uuid4()}"  # a step that BuildKit has in its cache does not run
    file.write_text(f'{file.read_text()}RUN python3 -c "{step} {once}"\n')
    try:
        checkout.up()
    finally:
        kubectl("delete", "namespace", f"smallest-{NAMESPACE}")


def test_nothing_has_an_ipv6_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules for the registry, and network policies, are for IPv4: a link-local address would pass them."""
    for name, value in environment.format_variables().items():
        monkeypatch.setenv(name, value)
    command = ["cat", "/proc/net/if_inet6"]
    line = node.format_exec_command(node.find_layout(environment.ROOT), command)
    assert subprocess.run(line, capture_output=True, check=True).stdout == b""
    prober.wait_until(lambda: kubectl("create", "namespace", NAMESPACE), seconds=60)
    try:
        run = ("run", "reader", "-n", NAMESPACE, "--restart=Never", f"--image={PYTHON}", "--command", "--", *command)
        prober.wait_until(lambda: kubectl(*run), seconds=120)
        result = "--for=jsonpath={.status.phase}=Succeeded"
        assert kubectl("wait", "-n", NAMESPACE, "pod/reader", result, "--timeout=60s")
        addresses = dev_kubectl.run("logs", "reader", "-n", NAMESPACE)
        assert {line.split()[-1] for line in addresses.splitlines()} <= {"lo"}
    finally:
        kubectl("delete", "namespace", NAMESPACE)


def kubectl(*words: str) -> bool:
    """Return whether kubectl succeeded."""
    line = ["kubectl", "--context", "seaway-dev", *words]
    return subprocess.run(line, capture_output=True, check=False).returncode == 0
