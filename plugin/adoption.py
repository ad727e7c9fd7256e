"""Finds other people's objects in a namespace that existed before the stack. It is never deleted with them."""

from collections.abc import Mapping, Sequence
from typing import Any

from seaway.kubernetes.api import fields, kinds, unstructured
from seaway.kubernetes.cluster import client
from seaway.manifests import names
from seaway.release import drift
from seaway.syntax import diagnosis

VIRTUAL_GROUPS = ("metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io")
"""API groups whose objects are computed, not stored."""

OWN_MANAGERS = ("pulumi-kubernetes", names.MANAGER)
"""Prefixes of the stack's field managers."""

IGNORED_KINDS = frozenset({"Endpoints", "EndpointSlice", "Event", "Lease"})
"""Kinds that Kubernetes and the programs in the namespace write by themselves."""


def is_adopted(namespace: unstructured.Object) -> bool:
    """Whether another tool created the namespace, by its managed fields. Labels that were added later do not count.

    https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
    """
    created = namespace["metadata"].get("creationTimestamp")
    return any(
        manager.get("time") == created
        or manager.get("operation") == "Apply"
        or "f:kubernetes.io/metadata.name" in unstructured.get_mapping(manager, "fieldsV1", "f:metadata", "f:labels")
        for manager in fields.list_managers(namespace)
        if not str(manager.get("manager", "")).startswith(OWN_MANAGERS)
    )


async def find_foreign_objects(cluster: client.KubeClient, namespace: unstructured.Object) -> list[str]:
    """The objects in the namespace that do not belong to the stack in its labels: ``v1/ConfigMap/shop-prod/notes``."""
    name = unstructured.get_name(namespace)
    stack_labels = {key: unstructured.get_label(namespace, key) for key in (names.PART_OF_LABEL, names.STACK_LABEL)}

    async def list_kind(version: str, kind: str, plural: str) -> list[str]:
        answer = await cluster.get(kinds.join_path(version, plural, name))
        return [
            f"{version}/{kind}/{name}/{unstructured.get_name(manifest)}"
            for manifest in answer.get("items") or ()
            if not _belongs_to_stack(kind, manifest, stack_labels)
        ]

    foreign = await cluster.gather(list_kind(*kind) for kind in await _list_kinds(cluster))
    return sorted({identity for identities in foreign for identity in identities})


def format_refusal(foreign: Sequence[str]) -> str:
    """All foreign objects, and what to do."""
    lines = ["an adopted namespace would be deleted with objects of others; nothing was changed"]
    for identity in foreign:
        version_kind, namespace, name = identity.rsplit("/", 2)
        lines.append(f"  {version_kind.rpartition('/')[2]} {namespace}/{name}")
    lines += [
        "Move them to another namespace, or delete them if they are yours: there is no option to accept this.",
        f"More: {diagnosis.format_help('foreign-objects')}",
    ]
    return "\n".join(lines)


async def _list_kinds(cluster: client.KubeClient) -> list[tuple[str, str, str]]:
    """Version, kind and plural of all kinds that are namespaced and can be listed."""
    groups: Sequence[Any] = (await cluster.get("/apis"))["groups"]
    versions = [group["preferredVersion"]["groupVersion"] for group in groups if group["name"] not in VIRTUAL_GROUPS]
    paths = {"v1": "/api/v1"} | {version: f"/apis/{version}" for version in versions}
    answers = await cluster.gather(map(cluster.get, paths.values()))
    return [
        (version, kind["kind"], kind["name"])
        for version, answer in zip(paths, answers, strict=True)
        for kind in answer.get("resources") or ()
        if kind["namespaced"]
        and "list" in kind["verbs"]
        and "/" not in kind["name"]
        and kind["kind"] not in IGNORED_KINDS
    ]


def _belongs_to_stack(kind: str, manifest: unstructured.Object, stack_labels: Mapping[str, str | None]) -> bool:
    """Whether an object belongs to the stack, to its owner or to the cluster itself."""
    meta = manifest["metadata"]
    labels = unstructured.get_mapping(meta, "labels")
    managers = [str(manager.get("manager", "")) for manager in fields.list_managers(manifest)]
    return bool(
        meta.get("ownerReferences")
        or stack_labels.items() <= labels.items()
        # The controller gives claims only the labels of the set's selector.
        or (kind == "PersistentVolumeClaim" and labels.get(names.PART_OF_LABEL) == stack_labels[names.PART_OF_LABEL])
        or (kind, meta["name"]) in drift.DEFAULT_OBJECTS
        or "cert-manager.io/certificate-name" in unstructured.get_mapping(meta, "annotations")
        or (managers and fields.CONTROLLERS.issuperset(managers))
    )
