"""A checkout of examples/shop with the stacks dev, staging and prod, and what their namespaces hold."""

import copy
import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

from seaway.manifests import inputs
from seaway.release import lock, project, record, record_store, release, stack_state, stored_record
from tests import golden
from tests.unit.cli import program
from tests.unit.cluster import apiserver

DEV = "seaway:context: work\n  seaway:registry: registry.example.com/team"
PINNED = f"{DEV}\n  seaway:build: false"
STACKS = {
    "dev": DEV,
    "staging": f"{PINNED}\n  seaway:promotesFrom: dev",
    "prod": f"{PINNED}\n  seaway:promotesFrom: staging",
}
TIME = "2026-01-01T00:00:00Z"
NAMES = ("web", "api", "worker")
CLEAN = release.Provenance(revision="4b825dc642cb6eb9a060e54bf8d69288fbee4904")


def shop(checkout: Path) -> Path:
    """The checkout with the three stacks instead of its own."""
    shutil.rmtree(checkout / "app")
    shutil.copytree(golden.ROOT / "examples" / "shop", checkout / "app")
    for name in STACKS:
        say(checkout, name)
    return checkout


def say(folder: Path, stack: str, *lines: str, **changed: str) -> None:
    """Write a stack's file: ``lines`` are added, values of ``changed`` replace those of a key."""
    said = dict(line.strip().removeprefix("seaway:").split(": ", 1) for line in STACKS[stack].splitlines()) | changed
    told = [f"seaway:{key}: {value}" for key, value in said.items() if value]
    (folder / f"Pulumi.{stack}.yaml").write_text("\n  ".join(["config:", *told, *lines]) + "\n")


def write(folder: Path, old: str, new: str) -> None:
    """Change the application's file."""
    file = folder / "app" / "app.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))


def made(folder: Path, stack: str, *, version: str = "1") -> record.Record:
    """What a stack would deploy now. ``version`` is that of the images where it builds them."""
    one = project.of(folder, stack)
    images = one.release.given(one.settings.registry) if one.release else _images(one.settings.registry or "", version)
    secrets = {name: inputs.SecretValue(fingerprint=f"of {name}", value="") for name in ("POSTGRES_PASSWORD", "TOKEN")}
    return record.Record.of(one.stated, one.settings, images, secrets, base=one.base)


def _images(registry: str, version: str) -> dict[str, inputs.Image]:
    return {
        name: inputs.Image(
            reference=f"{registry}/shop/{name}@sha256:{version * 64}", content=f"{registry}/shop/{name}:ctx-{version}"
        )
        for name in NAMES
    }


def deployed(
    api: apiserver.ApiServer,
    one: record.Record,
    *,
    provenance: release.Provenance = CLEAN,
    before: record.Record | None = None,
    time: str = TIME,
) -> record.Record:
    """A release in the cluster and in the state: its record, its healthy objects, and that it is the current one."""
    sha256 = remembered(api, one, provenance=provenance, time=time)
    folder = Path.cwd()
    if not (folder / "nothing" / "pulumi").exists():
        program.install(folder)
    known = {each.release: each for each in history(folder, one.settings["stack"])}
    first = known[one.id].recorded if one.id in known else time
    entry = stack_state.Recorded(release=one.id, sha256=sha256, recorded=first)
    others = [each for each in known.values() if each.release != one.id]
    program.write_state(folder, one, history=[entry, *others], provenance=provenance, since=time)
    put(api, record_store.pointer(one, record_store.Pointer(id=one.id, previous=before and before.id, since=time)))
    for each in before.objects() if before else ():
        meta = each.manifest["metadata"]
        api.remove(each.manifest["apiVersion"], each.kind, meta.get("namespace", ""), meta["name"])
    for each in one.objects():
        put(api, {**each.manifest, **_status(each.manifest)})
    return one


def remembered(
    api: apiserver.ApiServer,
    one: record.Record,
    *,
    provenance: release.Provenance = CLEAN,
    time: str = TIME,
) -> str:
    """Only its record; its SHA-256."""
    saved = stored_record.StoredRecord.of(one, provenance)
    for kept in record_store.config_maps(one, one.id, saved):
        put(api, {**kept, "metadata": {**kept["metadata"], "creationTimestamp": time}})
    return saved.sha256


def history(folder: Path, stack: str) -> tuple[stack_state.Recorded, ...]:
    """What the state of a stack vouches for."""
    file = folder / f"state.{stack}.json"
    if not file.exists():
        return ()
    (one,) = json.loads(file.read_text())["deployment"]["resources"]
    return stack_state.history(one["outputs"])


def pinned(folder: Path, stack: str) -> lock.Lock:
    """What the lock file of a stack says, without the checksum of the release's file."""
    return dataclasses.replace(lock.read(folder, stack), sha256=None)


def put(api: apiserver.ApiServer, manifest: dict[str, Any]) -> None:
    fields = copy.deepcopy(manifest)
    meta = fields["metadata"]
    api.put(fields.pop("apiVersion"), fields.pop("kind"), meta.get("namespace", ""), meta["name"], **fields)


def _status(manifest: dict[str, Any]) -> dict[str, Any]:
    many = manifest.get("spec", {}).get("replicas", 1)
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    match manifest["kind"]:
        case "Deployment" | "StatefulSet":
            return {"status": {"observedGeneration": 1, **dict.fromkeys(counts, many)}}
        case "Job":
            return {"status": {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}}
        case _:
            return {}


def pod(owner: str, image: str, stack: str = "dev") -> dict[str, Any]:
    """One that runs."""
    labels = {
        "app.kubernetes.io/name": owner,
        "app.kubernetes.io/part-of": "shop",
        "seaway/stack": stack,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"{owner}-1", "namespace": f"shop-{stack}", "labels": labels, "ownerReferences": [{}]},
        "spec": {"containers": [{"name": owner, "image": image}]},
        "status": {"phase": "Running"},
    }


def copied(monkeypatch: Any) -> list[tuple[str, str]]:
    """What goes from one registry to another, instead of being copied."""
    from seaway.images import registry  # noqa: PLC0415 - as the verb does

    seen: list[tuple[str, str]] = []

    def copy_(source: str, target: str) -> bool:
        seen.append((source, target))
        return True

    monkeypatch.setattr(registry, "copy", copy_)
    return seen


def dirty() -> release.Provenance:
    return dataclasses.replace(CLEAN, dirty=True)
