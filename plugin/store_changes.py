"""Refuses changes of a store that nothing can make in place, with the commands that make them.

The claim templates of a StatefulSet are fixed: a preview of another template fails in its dry run, and without the
preview the store would be stopped for a claim that stays as it was. ``disk_growth`` makes disks larger.
"""

from collections.abc import Collection, Mapping
from typing import Any

from seaway.kubernetes.api import kinds, quantity, unstructured
from seaway.kubernetes.cluster import client
from seaway.review import disks
from seaway.rollout import claims
from seaway.syntax import diagnosis

from . import disk_growth, engine

Sets = Mapping[str, Mapping[str, Any]]
"""The declared shapes of the StatefulSets, by identity."""

MAX_PODS = 100
"""Pods that a command names: who may scale a store may write any number."""


async def keep_larger_disks(cluster: client.KubeClient, sets: Sets) -> dict[str, Mapping[str, Any]]:
    """The shapes in which a rollback leaves disks as they are that have grown since its release."""
    kept = dict(sets)
    for identity, declared in sets.items():
        live = await _find(cluster, identity) if declared.get(disks.IS_ROLLBACK) else None
        if live:
            kept[identity] = disks.keep_larger_disks(live, declared)
    return kept


async def refuse(cluster: client.KubeClient, sets: Sets, log: engine.Log) -> None:
    """Refuse changes of fixed fields, and sizes that the storage cannot give.

    Raises:
        engine.ResourceError: a StatefulSet that exists has other values in fields that cannot be changed.
    """
    lines: list[str] = []
    expandable: set[str] | None = None
    for identity, declared in sets.items():
        live = await _find(cluster, identity)
        live_sizes = claims.read_sizes(unstructured.get_list(live or {}, "spec", "volumeClaimTemplates"))
        blocked: list[str] = []
        for claim in await _list_claims(cluster, identity, declared):
            if claim.is_smaller and expandable is None:
                expandable = await disk_growth.find_expandable_classes(cluster)
            reasons = _explain_size(claim, expandable or set())
            before = live_sizes.get(claim.template)
            if before is None or quantity.parse(before) != quantity.parse(claim.declared):
                blocked += reasons if claim.is_smaller or before is not None else []
            elif reasons and claim.is_smaller:
                await log.warning(f"{reasons[0].strip()}; an update changes nothing of it")
        changed = disks.find_fixed_changes(live, declared) if live else []
        if blocked or changed:
            fields = ", ".join(changed or [disks.CLAIM_TEMPLATES_PATH])
            lines.append(f"  StatefulSet {identity.rpartition('/')[2]}: {fields} cannot be changed in place")
        lines += dict.fromkeys(blocked) or (_list_commands(live, declared) if live and changed else [])
    if lines:
        heading = "a store cannot be changed as declared; nothing was changed"
        help_line = f"More: {diagnosis.format_help('store-change')}"
        raise engine.ResourceError("\n".join([heading, *lines, help_line]), code="store-change")


async def find_existing(cluster: client.KubeClient, sets: Sets) -> dict[str, dict[str, str]]:
    """The live sizes in the StatefulSets whose claim templates need no change, except larger sizes; by identity."""
    live = await cluster.gather(_find(cluster, identity) for identity in sets)
    kept = await keep_larger_disks(cluster, sets)
    return {
        identity: claims.read_sizes(unstructured.get_list(manifest, "spec", "volumeClaimTemplates"))
        for (identity, declared), manifest in zip(kept.items(), live, strict=True)
        if manifest and disks.CLAIM_TEMPLATES_PATH not in disks.find_fixed_changes(manifest, declared)
    }


async def _find(cluster: client.KubeClient, identity: str) -> unstructured.Object | None:
    return await cluster.find(kinds.build_path("StatefulSet", *identity.split("/")[-2:]))


async def _list_claims(cluster: client.KubeClient, identity: str, declared: Mapping[str, Any]) -> list[claims.Claim]:
    namespace, name = identity.split("/")[-2:]
    sizes = claims.read_sizes(declared.get(disks.CLAIM_TEMPLATES_PATH) or ())
    live_claims = (await cluster.get(kinds.build_path("PersistentVolumeClaim", namespace)))["items"]
    return list(claims.match_claims(name, sizes, int(declared.get("spec.replicas", 1)), live_claims))


def _explain_size(claim: claims.Claim, expandable: Collection[str]) -> list[str]:
    """Why a claim cannot get the declared size; empty: it can."""
    label = f"    the disk {claim.name} has {claim.size}"
    class_name = claim.storage_class
    if claim.is_larger:
        return [f"{label}, and a disk cannot shrink: declare at least {claim.requested}, or a new store"]
    if claim.is_smaller and class_name not in expandable:
        problem = f"{label}, and its storage class ({class_name or 'none'}) cannot expand it (allowVolumeExpansion)"
        hints = [
            "    If the documentation of its provisioner says that it expands volumes, run this command, then the same"
            " command again:",
            f"    kubectl patch storageclass/{class_name} --patch '{{\"allowVolumeExpansion\": true}}'",
        ]
        return [f"{problem}: declare {claim.size}, or a new store, and copy the data", *(hints if class_name else [])]
    if claim.is_smaller and claim.capacity is None:
        return [f"{label}, and cannot grow before a pod uses it: wait until its pod runs"]
    return []


def _list_commands(live: unstructured.Object, declared: Mapping[str, Any]) -> list[str]:
    """The commands that make the change. The volumes stay."""
    namespace, name = live["metadata"]["namespace"], unstructured.get_name(live)
    commands = [f"    kubectl delete -n {namespace} statefulset/{name} --cascade=orphan"]
    effect = "stop no pod"
    if _list_names(live["spec"].get("volumeClaimTemplates")) != _list_names(declared.get(disks.CLAIM_TEMPLATES_PATH)):
        # A pod gets no other volumes: the new StatefulSet would wait for it without end.
        effect = "stop the store"
        pods = [f"pod/{name}-{ordinal}" for ordinal in range(min(live["spec"].get("replicas", 1), MAX_PODS))]
        commands.append(f"    kubectl delete -n {namespace} {' '.join(pods)}")
    return [f"  Run these commands, which keep the volumes and {effect}, then the same command again:", *commands]


def _list_names(templates: list[unstructured.Object] | None) -> list[str]:
    return sorted(map(unstructured.get_name, templates or ()))
