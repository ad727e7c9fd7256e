"""A Compose file without `name:`, from dev to staging: the release keeps the name of dev's folder."""

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from dev import kubectl, project

pytestmark = pytest.mark.cluster

COMPOSE = """\
services:
  web:
    build: ./app/web
    ports: ["8000:8000"]
    user: "10001"
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
"""
FOLDER = "unnamed"


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[project.Project]:
    folder = tmp_path_factory.mktemp("compose") / FOLDER
    application = project.ROOT / "examples" / "smallest"
    checkout = project.Project.create(folder, application=application, stack="dev", app="docker-compose.yml")
    (folder / "docker-compose.yml").write_text(COMPOSE)
    yield checkout
    kubectl.delete_namespaces(f"{FOLDER}-dev", f"{FOLDER}-staging")


def create_staging(dev: project.Project) -> project.Project:
    config = yaml.safe_load(dev.stack_file.read_text())["config"]
    config |= {"seaway:build": False, "seaway:promotion": {"from": "dev"}}
    staging = dataclasses.replace(dev, stack="staging")
    staging.stack_file.write_text(yaml.safe_dump({"config": config}))
    staging.pulumi("stack", "init", "staging", check=True)
    return staging


def test_release_keeps_the_name_of_the_folder(dev: project.Project, tmp_path: Path) -> None:
    dev.up()
    staging = create_staging(dev)
    promoted = dev.seaway("release", "promote", "dev", "staging")
    assert promoted.exit_code == 0, promoted.output
    # As in CI: a clone in a folder of another name, with the same state.
    clone = dataclasses.replace(staging, folder=tmp_path / "another-name")
    shutil.copytree(dev.folder, clone.folder, symlinks=True, ignore=shutil.ignore_patterns(".seaway"))
    clone.up()
    assert httpx.get(clone.read_address(f"{FOLDER}-staging"), timeout=10).status_code == 200
    status = clone.seaway("status", "--stack", "staging")
    assert (status.exit_code, "1/1" in status.stdout) == (0, True), status.output
    clone.preview("--expect-no-changes")
