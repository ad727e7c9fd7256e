"""Grows the disks of stores while their pods run.

The size in a claim template is for new claims only, and is fixed. So the claims are patched, and the StatefulSet is
deleted without its pods and created again with the new size: it adopts the pods.
https://kubernetes.io/docs/concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims
"""

import asyncio
import dataclasses
import time
from collections.abc import Mapping, Sequence

from seaway.kubernetes.api import kinds, quantity, unstructured
from seaway.kubernetes.cluster import client
from seaway.release import record_store
from seaway.review import disks
from seaway.rollout import claims
from seaway.syntax import diagnosis

from . import engine

INTERVAL = 0.5
"""Seconds between two looks at the claims."""
TIMEOUT = 600.0
"""Seconds until a volume must have grown. Storage of a cloud needs minutes."""
RESTART_TIMEOUT = 150.0
"""Seconds until the file system of a running pod must have grown. The kubelet looks at each pod every 60 to 90 s."""
PROVIDER_MANAGER = "pulumi-kubernetes"
"""The Kubernetes provider takes over the fields of this manager."""

Sizes = Mapping[str, Mapping[str, str]]
"""The declared sizes, by names of the StatefulSet and of its claim templates."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StoreGrowth:
    """A StatefulSet whose disks have to grow."""

    live: unstructured.Object
    sizes: Mapping[str, str]
    claims: Sequence[claims.Claim]
    """Those with less than is declared."""

    @property
    def namespace(self) -> str:
        return self.live["metadata"]["namespace"]

    @property
    def changes_templates(self) -> bool:
        live_sizes = _read_live_sizes(self.live)
        return any(quantity.parse(size) < quantity.parse(self.sizes[name]) for name, size in live_sizes.items())

    def format_lines(self) -> list[str]:
        owner = unstructured.get_label(self.live, disks.OWNER_LABEL)
        return [
            disks.format_growth(f"{self.namespace}/{claim.name}", owner, claim.size, claim.declared)
            for claim in self.claims
        ]


async def find_growth(cluster: client.KubeClient, namespace: str, sizes: Sizes) -> list[StoreGrowth]:
    """The stores whose disks have to grow, and can."""
    if not sizes:
        return []
    live_claims = (await cluster.get(kinds.build_path("PersistentVolumeClaim", namespace)))["items"]
    answer = await cluster.get(kinds.build_path("StatefulSet", namespace))
    growths: list[StoreGrowth] = []
    for live in answer["items"]:
        name = unstructured.get_name(live)
        if name not in sizes or _read_live_sizes(live).keys() != sizes[name].keys():
            continue
        matches = claims.match_claims(name, sizes[name], unstructured.get_count(live["spec"], "replicas"), live_claims)
        smaller = [claim for claim in matches if claim.capacity and claim.is_smaller]
        if smaller:
            expandable = await find_expandable_classes(cluster)
            smaller = [claim for claim in smaller if claim.storage_class in expandable]
        growth = StoreGrowth(live=live, sizes=sizes[name], claims=smaller)
        if growth.claims or growth.changes_templates:
            growths.append(growth)
    return growths


async def find_expandable_classes(cluster: client.KubeClient) -> set[str]:
    """The storage classes that expand volumes."""
    return claims.list_expandable_classes((await cluster.get(kinds.build_path("StorageClass")))["items"])


async def grow(cluster: client.KubeClient, growths: Sequence[StoreGrowth], log: engine.Log) -> None:
    """Grow the disks, and return when the volumes have the declared sizes.

    Raises:
        engine.ResourceError: a volume did not grow. What is running is not affected.
    """
    for growth in growths:
        for claim in growth.claims:
            patch = {"spec": {"resources": {"requests": {"storage": claim.declared}}}}
            path = kinds.build_path("PersistentVolumeClaim", growth.namespace, claim.name)
            await cluster.merge_patch(path, patch, field_manager=record_store.FIELD_MANAGER)
        if growth.changes_templates:
            # A cancelled run must not leave the pods without their StatefulSet.
            await asyncio.shield(asyncio.ensure_future(_recreate(cluster, growth)))
    await asyncio.gather(*(_wait(cluster, growth, claim, log) for growth in growths for claim in growth.claims))


async def _recreate(cluster: client.KubeClient, growth: StoreGrowth) -> None:
    """Create the StatefulSet again, with its managers of fields, around its pods."""
    live = growth.live
    path = kinds.build_path("StatefulSet", growth.namespace, unstructured.get_name(live))
    metadata = live["metadata"]
    kept = {key: metadata[key] for key in ("name", "namespace", "labels", "annotations") if key in metadata}
    new = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": kept,
        "spec": {
            **live["spec"],
            "volumeClaimTemplates": claims.set_sizes(live["spec"]["volumeClaimTemplates"], growth.sizes),
        },
    }
    await cluster.delete(path, propagationPolicy="Orphan")
    while await cluster.find(path):
        await asyncio.sleep(INTERVAL / 5)
    await cluster.create(kinds.build_path("StatefulSet", growth.namespace), new, fieldManager=PROVIDER_MANAGER)
    managers = [fields for fields in metadata.get("managedFields") or () if "subresource" not in fields]
    await cluster.merge_patch(path, {"metadata": {"managedFields": managers}}, field_manager=PROVIDER_MANAGER)


async def _wait(cluster: client.KubeClient, growth: StoreGrowth, claim: claims.Claim, log: engine.Log) -> None:
    start, pending_since = time.monotonic(), None
    path = kinds.build_path("PersistentVolumeClaim", growth.namespace, claim.name)
    while True:
        claim = dataclasses.replace(claim, manifest=await cluster.get(path))
        if not claim.is_smaller:
            await log.info(f"the disk {claim.name} has {claim.capacity}")
            return
        now = time.monotonic()
        conditions = unstructured.get_list(claim.manifest, "status", "conditions")
        reasons = [str(condition.get("message") or condition["type"]) for condition in conditions]
        reason = "; ".join(reasons) or "the size is requested"
        await log.status(f"the disk {claim.name} has {claim.size} of {claim.declared}: {reason}")
        is_pending = unstructured.is_condition_true(claim.manifest, "FileSystemResizePending")
        pending_since = (pending_since or now) if is_pending else None
        if pending_since and now - pending_since > RESTART_TIMEOUT:
            pod = claim.name.removeprefix(f"{claim.template}-")
            raise _build_error(
                claim,
                reason,
                "The storage cannot do this while a pod uses the disk. Run this command, which stops the store while"
                " its pod starts again, then the same command again:",
                f"kubectl delete -n {growth.namespace} pod/{pod}",
            )
        if now - start > TIMEOUT:
            hint = "The storage has not expanded it; the last events have the reason:"
            raise _build_error(claim, reason, hint, f"kubectl describe -n {growth.namespace} pvc/{claim.name}")
        await asyncio.sleep(INTERVAL)


def _build_error(claim: claims.Claim, reason: str, hint: str, command: str) -> engine.ResourceError:
    lines = [
        f"the disk {claim.name} has {claim.size} of {claim.declared}: {reason}; its store runs",
        f"  {hint}",
        f"    {command}",
        f"More: {diagnosis.format_help('store-change')}",
    ]
    return engine.ResourceError("\n".join(lines), code="store-change")


def _read_live_sizes(live: unstructured.Object) -> dict[str, str]:
    return claims.read_sizes(unstructured.get_list(live, "spec", "volumeClaimTemplates"))
