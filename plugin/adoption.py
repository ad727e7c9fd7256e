"""Other people's objects in a namespace that existed before the stack: it is never deleted together with them."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from seaway.kubernetes.api import fields, kinds
from seaway.kubernetes.cluster import client
from seaway.manifests import names
from seaway.release import drift
from seaway.review import change

MAX_CONCURRENT_REQUESTS = 20
"""Questions to the API server at a time."""

VIRTUAL_GROUPS = ("metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io")
"""Groups whose objects are computed, not stored."""

OWN_MANAGERS = ("pulumi-kubernetes", names.MANAGER)
"""What the field managers of the stack begin with."""

IGNORED_KINDS = frozenset({"Endpoints", "EndpointSlice", "Event", "Lease"})
"""Kinds that Kubernetes and the programs in the namespace write on their own."""


def is_adopted(namespace: change.Manifest) -> bool:
    """Whether another tool created the namespace, by its managed fields. Labels that were added later do not count.

    https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
    """
    created = namespace["metadata"].get("creationTimestamp")
    return any(
        entry.get("time") == created
        or entry.get("operation") == "Apply"
        or "f:kubernetes.io/metadata.name" in (change.get_field(entry, "fieldsV1.f:metadata.f:labels") or {})
        for entry in fields.list_managers(namespace)
        if not str(entry.get("manager", "")).startswith(OWN_MANAGERS)
    )


async def find_foreign_objects(cluster: client.KubeClient, namespace: change.Manifest) -> list[str]:
    """The objects in the namespace that are not of the stack whose labels it has: ``v1/ConfigMap/shop-prod/notes``.

    Raises:
        errors.Unavailable: a kind cannot be listed.
    """
    space = namespace["metadata"]["name"]
    labels: Mapping[str, str] = namespace["metadata"].get("labels") or {}
    ours = {key: labels.get(key) for key in (names.PART_OF_LABEL, names.STACK_LABEL)}
    turn = asyncio.Semaphore(MAX_CONCURRENT_REQUESTS)

    async def list_kind(version: str, kind: str, plural: str) -> list[str]:
        async with turn:
            listed = await cluster.get(kinds.join_path(version, plural, space))
        items: Sequence[dict[str, Any]] = listed.get("items") or ()
        return [
            f"{version}/{kind}/{space}/{item['metadata']['name']}"
            for item in items
            if not _belongs_to_stack(kind, item, ours)
        ]

    found = await asyncio.gather(*(list_kind(*one) for one in await _list_kinds(cluster)))
    return sorted({text for texts in found for text in texts})


def format_refusal(foreign: Sequence[str]) -> str:
    """All of them at once, with what to do."""
    head = "a namespace that was adopted would be deleted with other people's objects; nothing was changed"
    lines = [
        f"  {version_kind.rpartition('/')[2]} {space}/{name}"
        for version_kind, space, name in (text.rsplit("/", 2) for text in foreign)
    ]
    return "\n".join(
        [
            head,
            *lines,
            "Move them to another namespace, or delete them if they are yours: no option accepts this.",
            "See docs/runbook.md#foreign-objects",
        ]
    )


async def _list_kinds(cluster: client.KubeClient) -> list[tuple[str, str, str]]:
    """Version, kind and plural of all that a namespace can hold and that can be listed."""
    groups = (await cluster.get("/apis"))["groups"]
    versions = ["v1", *(one["preferredVersion"]["groupVersion"] for one in groups if one["name"] not in VIRTUAL_GROUPS)]
    answers = await asyncio.gather(*(cluster.get(f"/api/{one}" if one == "v1" else f"/apis/{one}") for one in versions))
    return [
        (version, kind["kind"], kind["name"])
        for version, answer in zip(versions, answers, strict=True)
        for kind in answer.get("resources") or ()
        if kind["namespaced"]
        and "list" in kind["verbs"]
        and "/" not in kind["name"]
        and kind["kind"] not in IGNORED_KINDS
    ]


def _belongs_to_stack(kind: str, manifest: change.Manifest, stack_labels: Mapping[str, str | None]) -> bool:
    """Whether an object belongs to the stack, to its owner or to the cluster itself."""
    meta = manifest["metadata"]
    labels: Mapping[str, str] = meta.get("labels") or {}
    managers = [str(entry.get("manager", "")) for entry in fields.list_managers(manifest)]
    return bool(
        meta.get("ownerReferences")
        or stack_labels.items() <= labels.items()
        # The controller gives claims the labels of the set's selector, and no more.
        or (kind == "PersistentVolumeClaim" and labels.get(names.PART_OF_LABEL) == stack_labels[names.PART_OF_LABEL])
        or (kind, meta["name"]) in drift.DEFAULT_OBJECTS
        or "cert-manager.io/certificate-name" in (meta.get("annotations") or {})
        or (managers and fields.CONTROLLERS.issuperset(managers))
    )
