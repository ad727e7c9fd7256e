"""Stacks that commit 24bb12e deployed, put back into a cluster as they were: state, objects and records.

``24bb12e/`` holds what that version wrote: for each project its files, and for each of its stacks the state and the
Secrets and release records of its namespace. A version that plans anything but a new record over it has renamed
something that clusters and states already have.

Two things are of one machine and are replaced by what this one has: the UID of the cluster, and the digests of images.
"""

import base64
import gzip
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from dev import kubectl, project
from seaway.project import migration

FIXTURE = Path(__file__).parent / "24bb12e"
IMAGE = "docker-build:index:Image"


def create_project(folder: Path, name: str) -> project.Project:
    """The project's files with today's program, and a stack that only builds its images.

    Args:
        name: `sample` or `shop`.
    """
    one = project.Project.create(folder, application=FIXTURE / name / "app", stack="images")
    if name == "shop":
        one.set_secret("SESSION_KEY", "of another stack")
    for each in (FIXTURE / name).iterdir():
        if each.name.startswith("Pulumi.") or each.name in ("environments", "releases"):
            target = folder / each.name
            (shutil.copytree if each.is_dir() else shutil.copy2)(each, target)
    migrate_files(folder)
    return one


def migrate_files(folder: Path) -> None:
    """Rewrite the application and the stacks' files in today's words. What Seaway wrote stays as it is."""
    for file in (folder / "app" / "app.yaml", *folder.glob("Pulumi.*.yaml")):
        migrate = migration.migrate_application if file.name == "app.yaml" else migration.migrate_stack
        result = migrate(file.read_text(), file.name)
        assert not result.undecided
        file.write_text(result.text)


def build_images(one: project.Project) -> dict[str, str]:
    """Build and push the images of the project as they are; digest by name."""
    wanted = ("Application::**", "pulumi:providers:**", "Cluster::cluster", "Registry::**", "Image::**")
    one.up(*(f"--target=**{each}" for each in wanted))
    found = json.loads(one.pulumi("stack", "export", "--stack", one.stack, check=True).stdout)
    return _digests(found)


def replace_digests(one: project.Project, name: str, digests: Mapping[str, str]) -> None:
    """Give the files of releases the digests that the images have on this machine; see ``restore_stack``."""
    state = json.loads((FIXTURE / name / "state.kept-dev.json").read_text())
    replaced = {old: digests[image] for image, old in _digests(state).items()}
    for file in (one.folder / "releases").glob("*.yaml"):
        file.write_text(_replace(file.read_text(), replaced))


def restore_stack(one: project.Project, name: str, digests: Mapping[str, str]) -> None:
    """Put a stack back: its objects and records into the cluster, and its state into the backend.

    Args:
        name: of the project, `sample` or `shop`.
        digests: those of its images on this machine, by name.
    """
    text = (FIXTURE / name / f"state.{one.stack}.json").read_text()
    state = json.loads(text)
    uid = kubectl.run("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")
    replaced = {_uid(state): uid}
    reference = state if _digests(state) else json.loads((FIXTURE / name / "state.kept-dev.json").read_text())
    replaced |= {old: digests[image] for image, old in _digests(reference).items()}
    state = json.loads(_replace(text, replaced))
    cluster = json.loads(_replace((FIXTURE / name / f"cluster.{one.stack}.json").read_text(), replaced))
    live = {(each["kind"], each["metadata"]["name"]): each for each in cluster["items"]}
    for each in state["deployment"]["resources"]:
        if each["type"].startswith("kubernetes:"):
            manager, manifest = each["outputs"]["__fieldManager"], each["inputs"]
            # The values of Secrets are encrypted in the state.
            apply(live.get((manifest["kind"], manifest["metadata"]["name"]), manifest), manager)
    for (kind, _), each in live.items():
        if kind == "ConfigMap":
            apply(_with_digests(each, replaced), "seaway")
    file = one.folder / "state.json"
    file.write_text(json.dumps(state))
    one.pulumi("stack", "select", "--create", one.stack, check=True)
    one.pulumi("stack", "import", "--stack", one.stack, "--file", str(file), "--force", check=True)


def apply(manifest: Mapping[str, Any], manager: str) -> None:
    """Make an object as its field manager did."""
    words = ("apply", "--server-side", "--force-conflicts", f"--field-manager={manager}", "-f", "-")
    kubectl.run(*words, stdin=manifest)


def _uid(state: Mapping[str, Any]) -> str:
    (one,) = (
        each for each in state["deployment"]["resources"] if each["urn"].endswith("seaway:index:Cluster::cluster")
    )
    return one["outputs"]["uid"]


def _digests(state: Mapping[str, Any]) -> dict[str, str]:
    images = (each for each in state["deployment"]["resources"] if each["type"] == IMAGE)
    return {each["urn"].rpartition("::")[2]: each["outputs"]["digest"] for each in images}


def _replace(text: str, replaced: Mapping[str, str]) -> str:
    for old, new in replaced.items():
        text = text.replace(old, new)
    return text


def _with_digests(manifest: Mapping[str, Any], replaced: Mapping[str, str]) -> dict[str, Any]:
    """Also in what is compressed."""
    packed = cast(dict[str, str], manifest.get("binaryData") or {})
    again = {
        key: base64.b64encode(
            gzip.compress(_replace(gzip.decompress(base64.b64decode(value)).decode(), replaced).encode(), mtime=0)
        ).decode()
        for key, value in packed.items()
    }
    return {**manifest, "binaryData": again}
