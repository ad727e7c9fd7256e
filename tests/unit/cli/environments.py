"""A checkout of examples/shop with the stacks dev, staging and prod, and what their namespaces hold."""

import dataclasses
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from seaway.checks import all_checks
from seaway.images import registry as image_registry
from seaway.manifests import inputs
from seaway.project import environments, release, release_lock
from seaway.release import record, record_store, stack_state, stored_record
from tests import golden
from tests.support import apiserver
from tests.unit.cli import program

DEV = "seaway:context: work\n  seaway:registry: registry.example.com/team"
PINNED = f"{DEV}\n  seaway:build: false"
STACKS = {
    "dev": DEV,
    "staging": f"{PINNED}\n  seaway:promotion: {{from: dev}}",
    "prod": f"{PINNED}\n  seaway:promotion: {{from: staging}}",
}
TIME = "2026-01-01T00:00:00Z"
NAMES = ("web", "api", "worker")
CLEAN = release.Provenance(revision="4b825dc642cb6eb9a060e54bf8d69288fbee4904")


def prepare_shop(checkout: Path) -> Path:
    """The checkout with the three stacks instead of its own."""
    shutil.rmtree(checkout / "app")
    shutil.copytree(golden.ROOT / "examples" / "shop", checkout / "app")
    for name in STACKS:
        write_stack(checkout, name)
    return checkout


def prepare_project(folder: Path, monkeypatch: pytest.MonkeyPatch, example: str = "shop", **stacks: str) -> Path:
    """A project with an example and the files of stacks, where nothing but files can be had."""
    (folder / "Pulumi.yaml").write_text("name: seaway\nruntime: python\n")
    shutil.copytree(golden.ROOT / "examples" / example, folder / "app")
    for stack, text in stacks.items():
        (folder / f"Pulumi.{stack}.yaml").write_text(text)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("KUBECONFIG", str(folder / "none"))
    monkeypatch.delenv("PULUMI_STACK", raising=False)
    return folder


def write_stack(folder: Path, stack: str, *lines: str, **changed: str) -> None:
    """Write a stack's file: ``lines`` are added, values of ``changed`` replace those of a key."""
    config = dict(line.strip().removeprefix("seaway:").split(": ", 1) for line in STACKS[stack].splitlines()) | changed
    config_lines = [f"seaway:{key}: {value}" for key, value in config.items() if value]
    (folder / f"Pulumi.{stack}.yaml").write_text("\n  ".join(["config:", *config_lines, *lines]) + "\n")


def replace_in_app(folder: Path, old: str, new: str) -> None:
    """Change the application's file."""
    file = folder / "app" / "app.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))


def build_record(folder: Path, stack: str, *, version: str = "1") -> record.ReleaseRecord:
    """What a stack would deploy now. ``version`` is that of the images where it builds them."""
    environment = environments.load_environment(folder, stack, check_ids=all_checks.IDS)
    images = (
        inputs.resolve_release_images(environment.release, environment.settings.registry)
        if environment.release
        else _images(environment.settings.registry or "", version)
    )
    secrets = {name: inputs.SecretValue(fingerprint=f"of {name}", value="") for name in ("POSTGRES_PASSWORD", "TOKEN")}
    return record.ReleaseRecord.create(environment, images, secrets)


def _images(registry: str, version: str) -> dict[str, inputs.Image]:
    return {
        name: inputs.Image(
            reference=f"{registry}/shop/{name}@sha256:{version * 64}", content=f"{registry}/shop/{name}:ctx-{version}"
        )
        for name in NAMES
    }


def deploy_record(
    api: apiserver.ApiServer,
    release_record: record.ReleaseRecord,
    *,
    provenance: release.Provenance = CLEAN,
    before: record.ReleaseRecord | None = None,
    time: str = TIME,
) -> record.ReleaseRecord:
    """A release in the cluster and in the state: its record, its healthy objects, and that it is the current one."""
    sha256 = store_record(api, release_record, provenance=provenance, time=time)
    folder = Path.cwd()
    if not (folder / "nothing" / "pulumi").exists():
        program.install_pulumi(folder)
    known = {summary.id: summary for summary in read_history(folder, release_record.environment.settings.stack)}
    first = known[release_record.id].recorded if release_record.id in known else time
    entry = record.RecordSummary(id=release_record.id, sha256=sha256, recorded=first)
    others = [summary for summary in known.values() if summary.id != release_record.id]
    program.write_state(folder, release_record, history=[entry, *others], provenance=provenance, since=time)
    api.put_manifest(
        record_store.build_current(
            release_record, record_store.CurrentRelease(id=release_record.id, previous=before and before.id, since=time)
        )
    )
    for release_object in before.render_objects() if before else ():
        meta = release_object.manifest["metadata"]
        api.remove(release_object.manifest["apiVersion"], release_object.kind, meta.get("namespace", ""), meta["name"])
    for release_object in release_record.render_objects():
        api.put_manifest({**release_object.manifest, **_build_status(release_object.manifest)})
    return release_record


def store_record(
    api: apiserver.ApiServer,
    release_record: record.ReleaseRecord,
    *,
    provenance: release.Provenance = CLEAN,
    time: str = TIME,
) -> str:
    """Only its record; its SHA-256."""
    saved = stored_record.StoredRecord.create(release_record, provenance)
    for config_map in record_store.build_config_maps(release_record, release_record.id, saved):
        api.put_manifest({**config_map, "metadata": {**config_map["metadata"], "creationTimestamp": time}})
    return saved.sha256


def read_history(folder: Path, stack: str) -> tuple[record.RecordSummary, ...]:
    """What the state of a stack vouches for."""
    file = folder / f"state.{stack}.json"
    if not file.exists():
        return ()
    (resource,) = json.loads(file.read_text())["deployment"]["resources"]
    return stack_state.parse_history(resource["outputs"])


def read_lock(folder: Path, stack: str) -> release_lock.Lock:
    """What the lock file of a stack says, without the checksum of the release's file."""
    return dataclasses.replace(release_lock.read(folder, stack), sha256=None)


def _build_status(manifest: dict[str, Any]) -> dict[str, Any]:
    many = manifest.get("spec", {}).get("replicas", 1)
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    match manifest["kind"]:
        case "Deployment" | "StatefulSet":
            return {"status": {"observedGeneration": 1, **dict.fromkeys(counts, many)}}
        case "Job":
            return {"status": {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}}
        case _:
            return {}


def build_pod(owner: str, image: str, stack: str = "dev") -> dict[str, Any]:
    """One that runs."""
    labels = {"app.kubernetes.io/name": owner, "app.kubernetes.io/part-of": "shop", "seaway/stack": stack}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"{owner}-1", "namespace": f"shop-{stack}", "labels": labels, "ownerReferences": [{}]},
        "spec": {"containers": [{"name": owner, "image": image}]},
        "status": {"phase": "Running"},
    }


def record_copies(monkeypatch: Any) -> list[tuple[str, str]]:
    """What goes from one registry to another, instead of being copied."""
    seen: list[tuple[str, str]] = []

    def copy_(source: str, target: str) -> bool:
        seen.append((source, target))
        return True

    monkeypatch.setattr(image_registry, "copy_image", copy_)
    return seen


def hide_ids(message: str | list[str]) -> list[str]:
    """The lines of a message without ids of releases, for a comparison of the wording."""
    lines = message.splitlines() if isinstance(message, str) else message
    return [re.sub(r"\b[0-9a-f]{12}(-[0-9a-f]{6,10})?\b", "ID", line) for line in lines]


def build_dirty_provenance() -> release.Provenance:
    return dataclasses.replace(CLEAN, dirty=True)
