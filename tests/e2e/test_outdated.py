"""A base image changes under its tag: nothing changes until the lock file is updated, and then the reason is shown.

The tests share a stack and run in the order of the file.
"""

import dataclasses
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev import kubectl, project
from seaway.images import registry

pytestmark = pytest.mark.cluster

NAMESPACE = "smallest-outdated"
PYTHON = "registry.localhost:5000/base/python:3.11-bookworm"
BASE = "registry.localhost:5000/e2e-outdated/python:3"
PROGRAM = "import http.server, signal; signal.signal(15, lambda *_: exit()); http.server.test(port=8000)"
PROXY = f"""
  proxy:
    image: {BASE}
    command: [python3, -c, {json.dumps(PROGRAM)}]
    port: 8000
    scale: 1
    user: 10001
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Smallest:
    """examples/smallest, and a service with an `image:` that is the base image of the other."""

    project: project.Project

    @property
    def lock(self) -> Path:
        return self.project.folder / "app" / "images.lock"

    def run_outdated(self, *words: str) -> project.CommandResult:
        line = (str(self.project.folder / ".venv/bin/seaway"), "images", "outdated", *words)
        # The table is folded to this width.
        return project.run_command(*line, cwd=self.project.folder, env=self.project.env | {"COLUMNS": "250"})

    def pin(self) -> project.CommandResult:
        line = (str(self.project.folder / ".venv/bin/seaway"), "images", "lock")
        return project.run_command(*line, cwd=self.project.folder, env=self.project.env)

    def image(self, service: str) -> str:
        deployment = self.project.get_objects("deployment", service, "-n", NAMESPACE)
        return deployment["spec"]["template"]["spec"]["containers"][0]["image"]


@pytest.fixture(scope="module")
def smallest(tmp_path_factory: pytest.TempPathFactory, one_node_cluster: None) -> Iterator[Smallest]:
    example = project.ROOT / "examples" / "smallest"
    folder = tmp_path_factory.mktemp("smallest")
    checkout = project.Project.create(folder, application=example, stack="outdated", imageOverrides=None)
    dockerfile, app = folder / "app" / "web" / "Dockerfile", folder / "app" / "app.yaml"
    dockerfile.write_text(dockerfile.read_text().replace("python:3.12-slim", BASE))
    assert BASE in dockerfile.read_text()
    app.write_text(app.read_text() + PROXY)
    yield Smallest(checkout)
    kubectl.delete_namespaces(NAMESPACE)


@pytest.fixture(scope="module")
def base_digests(smallest: Smallest) -> tuple[str, str]:
    """Two different images with the same content: the second is the first in Docker's format."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(registry.ADDRESSES_VARIABLE, smallest.project.env[registry.ADDRESSES_VARIABLE])
        first = registry.resolve_digest(PYTHON)
        other = f"{BASE}-other"
        ends = [f"docker://{registry.resolve_address(image)}" for image in (PYTHON, other)]
        options = ("--quiet", "--format=v2s2", "--src-tls-verify=false", "--dest-tls-verify=false")
        subprocess.run(["skopeo", "copy", *options, *ends], check=True)
        second = registry.resolve_digest(other)
    assert first != second
    return first, second


def push(smallest: Smallest, digest: str) -> None:
    """Move the tag of the base image, as its publisher does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(registry.ADDRESSES_VARIABLE, smallest.project.env[registry.ADDRESSES_VARIABLE])
        repository = BASE.rpartition(":")[0]
        source = f"{repository}@{digest}" if registry.has_image(f"{repository}@{digest}") else f"{PYTHON}@{digest}"
        registry.copy_image(source, BASE)


def test_image_is_pinned_and_deployed_by_its_digest(smallest: Smallest, base_digests: tuple[str, str]) -> None:
    first, _ = base_digests
    push(smallest, first)
    before = smallest.run_outdated()
    assert before.exit_code == 0, before.output
    assert "not pinned" in before.stdout
    written = smallest.pin()
    assert written.exit_code == 0, written.output
    assert f"+{BASE}: {first}" in written.stdout
    smallest.project.up()
    assert smallest.image("proxy") == f"{BASE}@{first}"
    built = smallest.project.folder / ".seaway" / "context" / "web.built.json"
    assert json.loads(built.read_bytes())["bases"] == {BASE: first}


def test_new_base_image_is_reported_and_nothing_changes(smallest: Smallest, base_digests: tuple[str, str]) -> None:
    first, second = base_digests
    push(smallest, second)
    result = smallest.run_outdated()
    assert result.exit_code == 1, result.output
    assert re.search(rf"{BASE} +outdated +{first[:19]} +{second[:19]} +web/Dockerfile:2, services.proxy", result.stdout)
    smallest.project.preview("--expect-no-changes")


def test_updated_lock_is_an_update_with_its_reason(smallest: Smallest, base_digests: tuple[str, str]) -> None:
    first, second = base_digests
    before = smallest.image("web")
    written = smallest.pin()
    assert written.exit_code == 0, written.output
    assert f"-{BASE}: {first}\n+{BASE}: {second}" in written.stdout
    assert smallest.run_outdated().exit_code == 0
    preview = smallest.project.preview("--diff")
    assert f"web: rebuild, base image {BASE} renewed" in preview.output
    smallest.project.up()
    assert smallest.image("proxy") == f"{BASE}@{second}"
    # The same layers give the same image, with any manifest of the base.
    assert smallest.image("web").partition("@")[0] == before.partition("@")[0]
    smallest.project.preview("--expect-no-changes")
