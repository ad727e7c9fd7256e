"""Restores stacks that commit 24bb12e deployed: state, objects and records.

``24bb12e/`` contains the files of each project, and the state, Secrets and release records of each stack. If a later
version plans more than a new record, it has renamed something that clusters and states already have.

The UID of the cluster and the digests of images depend on the machine, and are replaced.
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
    """Create the project with the current program, and a stack that only builds its images.

    Args:
        name: `sample` or `shop`.
    """
    checkout = project.Project.create(folder, application=FIXTURE / name / "app", stack="images")
    if name == "shop":
        checkout.set_secret("SESSION_KEY", "of another stack")
    for path in (FIXTURE / name).iterdir():
        if path.name.startswith("Pulumi.") or path.name in ("environments", "releases"):
            target = folder / path.name
            (shutil.copytree if path.is_dir() else shutil.copy2)(path, target)
    migrate_files(folder)
    return checkout


def migrate_files(folder: Path) -> None:
    """Migrate the application and the stacks' files to the current keys. Files that Seaway wrote stay unchanged."""
    for file in (folder / "app" / "app.yaml", *folder.glob("Pulumi.*.yaml")):
        shape = migration.APPLICATION if file.name == "app.yaml" else migration.STACK_FILE
        result = migration.migrate(file.read_text(), file.name, shape)
        assert not result.undecided
        file.write_text(result.text)


def build_images(checkout: project.Project) -> dict[str, str]:
    """Build and push the images of the project, and return their digests by name."""
    targets = ("Application::**", "pulumi:providers:**", "Cluster::cluster", "Registry::**", "Image::**")
    checkout.up(*(f"--target=**{target}" for target in targets))
    state = json.loads(checkout.pulumi("stack", "export", "--stack", checkout.stack, check=True).stdout)
    return _digests(state)


def replace_digests(checkout: project.Project, name: str, digests: Mapping[str, str]) -> None:
    """Replace the digests in release files by those of this machine; see ``restore_stack``."""
    state = json.loads((FIXTURE / name / "state.kept-dev.json").read_text())
    replacements = {old: digests[image] for image, old in _digests(state).items()}
    for file in (checkout.folder / "releases").glob("*.yaml"):
        file.write_text(_replace(file.read_text(), replacements))


def restore_stack(checkout: project.Project, name: str, digests: Mapping[str, str]) -> None:
    """Restore a stack: its objects and records in the cluster, and its state in the backend.

    Args:
        name: name of the project, `sample` or `shop`.
        digests: digests of its images on this machine by name.
    """
    text = (FIXTURE / name / f"state.{checkout.stack}.json").read_text()
    state = json.loads(text)
    uid = kubectl.run("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")
    replacements = {_uid(state): uid}
    reference = state if _digests(state) else json.loads((FIXTURE / name / "state.kept-dev.json").read_text())
    replacements |= {old: digests[image] for image, old in _digests(reference).items()}
    state = json.loads(_replace(text, replacements))
    cluster = json.loads(_replace((FIXTURE / name / f"cluster.{checkout.stack}.json").read_text(), replacements))
    live = {(resource["kind"], resource["metadata"]["name"]): resource for resource in cluster["items"]}
    for resource in state["deployment"]["resources"]:
        if resource["type"].startswith("kubernetes:"):
            manager, manifest = resource["outputs"]["__fieldManager"], resource["inputs"]
            # The state contains encrypted values of Secrets.
            apply(live.get((manifest["kind"], manifest["metadata"]["name"]), manifest), manager)
    for (kind, _), resource in live.items():
        if kind == "ConfigMap":
            apply(_with_digests(resource, replacements), "seaway")
    file = checkout.folder / "state.json"
    file.write_text(json.dumps(state))
    checkout.pulumi("stack", "select", "--create", checkout.stack, check=True)
    checkout.pulumi("stack", "import", "--stack", checkout.stack, "--file", str(file), "--force", check=True)


def apply(manifest: Mapping[str, Any], manager: str) -> None:
    """Apply an object with its field manager."""
    words = ("apply", "--server-side", "--force-conflicts", f"--field-manager={manager}", "-f", "-")
    kubectl.run(*words, stdin=manifest)


def _uid(state: Mapping[str, Any]) -> str:
    (cluster,) = (
        resource
        for resource in state["deployment"]["resources"]
        if resource["urn"].endswith("seaway:index:Cluster::cluster")
    )
    return cluster["outputs"]["uid"]


def _digests(state: Mapping[str, Any]) -> dict[str, str]:
    images = (image for image in state["deployment"]["resources"] if image["type"] == IMAGE)
    return {image["urn"].rpartition("::")[2]: image["outputs"]["digest"] for image in images}


def _replace(text: str, replacements: Mapping[str, str]) -> str:
    for old, new in replacements.items():
        text = text.replace(old, new)
    return text


def _with_digests(manifest: Mapping[str, Any], replacements: Mapping[str, str]) -> dict[str, Any]:
    """Replace digests also in compressed content."""
    compressed = cast(dict[str, str], manifest.get("binaryData") or {})
    result = {
        key: base64.b64encode(
            gzip.compress(_replace(gzip.decompress(base64.b64decode(content)).decode(), replacements).encode(), mtime=0)
        ).decode()
        for key, content in compressed.items()
    }
    return {**manifest, "binaryData": result}
