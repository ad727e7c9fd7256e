"""A registry that requires a login from the nodes: `seaway:imagePullCredentials`."""

import base64
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev import environment, kubectl, project
from dev.cluster import node, processes
from seaway.images import registry
from tests.support import registry as registries

pytestmark = pytest.mark.cluster

NAMESPACE = "closed-pull"
HASHED = "someone:$2b$04$FpZzrtfdCkxojz1CAVym8u5whePSZvG0nAz7/OPwdJipw5ka0G28u\n"
PASSWORD = "open-sesame"
"""The password of the hash above."""
APP = """\
name: closed
services:
  web:
    image: {image}
    command: [python3, -m, http.server, "8000"]
    port: 8000
    scale: 1
    preStopDelay: 0 # the program is killed in the end: it knows no SIGTERM
    stopGracePeriod: 1
"""


@pytest.fixture(scope="module")
def closed(one_node_cluster: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry with a password and an image."""
    folder = tmp_path_factory.mktemp("closed")
    (folder / "htpasswd").write_text(HASHED)
    auth = {"htpasswd": {"realm": "closed", "path": str(folder / "htpasswd")}}
    inside = processes.load(node.find_layout(environment.ROOT))["init"].pid
    cluster = ("nsenter", f"--target={inside}", "--net", "--")
    with registries.serve_registry(folder, networks=(registries.HERE, cluster), auth=auth) as address:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(registry.ADDRESSES_VARIABLE, environment.format_variables()[registry.ADDRESSES_VARIABLE])
            source = registry.resolve_address("registry.localhost:5000/base/python:3.11-bookworm")
        plain = ("--src-tls-verify=false", "--dest-tls-verify=false", f"--dest-creds=someone:{PASSWORD}")
        command = ("skopeo", "copy", "--quiet", *plain, f"docker://{source}", f"docker://{address}/python:1")
        subprocess.run(command, check=True, capture_output=True)
        yield address


@pytest.fixture(scope="module")
def web(closed: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[project.Project]:
    folder = tmp_path_factory.mktemp("app")
    (folder / "app.yaml").write_text(APP.format(image=f"{closed}/python:1"))
    pull = {"user": "someone", "secret": "REGISTRY_PASSWORD"}
    checkout = project.Project.create(
        tmp_path_factory.mktemp("pull"),
        application=folder,
        stack="pull",
        registry=closed,
        imagePullCredentials=pull,
        imageOverrides=None,
    )
    yield checkout
    kubectl.delete_namespaces(NAMESPACE)


def test_wrong_password_is_reported_with_the_field(web: project.Project) -> None:
    web.set_secret("REGISTRY_PASSWORD", "a-guess")
    result = web.up(check=False)
    assert result.exit_code != 0
    assert "may not be pulled" in result.output
    assert "seaway:imagePullCredentials or seaway:imagePullSecrets in the stack's file" in result.output


def test_with_the_right_password_pods_start_and_it_is_not_printed(web: project.Project) -> None:
    web.set_secret("REGISTRY_PASSWORD", PASSWORD)
    result = web.up()
    (pod,) = web.get_objects("pods", "-n", NAMESPACE, "--field-selector=status.phase=Running")["items"]
    (login,) = pod["spec"]["imagePullSecrets"]
    assert login["name"] == "seaway-registry"
    written = {"up": result.output.encode(), "preview": web.preview("--diff").output.encode()}
    written |= {str(file): file.read_bytes() for file in _files(web.folder / ".seaway" / "state")}
    data = web.get_objects("secret", login["name"], "-n", NAMESPACE)["data"][".dockerconfigjson"]
    spellings = [data.encode(), base64.b64decode(data), PASSWORD.encode()]
    spellings += [base64.b64encode(f"{who}{PASSWORD}".encode()) for who in ("", "someone:")]
    assert [name for name, content in written.items() if any(spelling in content for spelling in spellings)] == []


def _files(folder: Path) -> list[Path]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert files, "the state was read"
    return files
