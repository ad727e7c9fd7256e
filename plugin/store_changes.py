"""Refuses changes of a store that nothing can make in place, with the commands that make them.

The claim templates of a StatefulSet are fixed: a preview of another template fails in its dry run, and without the
preview the store would be stopped for a claim that stays as it was. ``disk_growth`` makes disks larger.
"""

from collections.abc import Mapping
from typing import Any

from seaway.kubernetes.api import kinds, quantity, unstructured
from seaway.kubernetes.cluster import client
from seaway.review import disks
from seaway.rollout import claims
from seaway.syntax import diagnosis

from . import disk_growth, engine

Sets = Mapping[str, Mapping[str, Any]]
"""The declared shapes of the StatefulSets, by identity."""


async def refuse(cluster: client.KubeClient, sets: Sets, log: engine.Log) -> None:
    """Refuse changes of fixed fields, and sizes that the storage cannot give.

    Raises:
        engine.ResourceError: a StatefulSet that exists has other values in fields that cannot be changed.
    """
    lines: list[str] = []
    for identity, declared in sets.items():
        namespace, name = identity.split("/")[-2:]
        live = await cluster.find(kinds.build_path("StatefulSet", namespace, name))
        blocked = await _find_blocked_sizes(cluster, namespace, name, live, declared, log)
        changed = disks.find_fixed_changes(live, declared) if live else []
        if blocked or changed:
            fields = ", ".join(changed or [disks.CLAIM_TEMPLATES_PATH])
            lines.append(f"  StatefulSet {name}: {fields} cannot be changed in place")
        lines += blocked or (_list_commands(live, declared) if live and changed else [])
    if lines:
        heading = "a store cannot be changed as declared; nothing was changed"
        help_line = f"More: {diagnosis.format_help('store-change')}"
        raise engine.ResourceError("\n".join([heading, *lines, help_line]), code="store-change")


async def find_existing(cluster: client.KubeClient, sets: Sets) -> list[str]:
    """The identities of the StatefulSets whose claim templates need no change, except larger sizes."""
    live = await cluster.gather(
        cluster.find(kinds.build_path("StatefulSet", *identity.split("/")[-2:])) for identity in sets
    )
    return [
        identity
        for (identity, declared), manifest in zip(sets.items(), live, strict=True)
        if manifest and disks.CLAIM_TEMPLATES_PATH not in disks.find_fixed_changes(manifest, declared)
    ]


async def _find_blocked_sizes(  # noqa: PLR0917 - private
    cluster: client.KubeClient,
    namespace: str,
    name: str,
    live: unstructured.Object | None,
    declared: Mapping[str, Any],
    log: engine.Log,
) -> list[str]:
    """Why existing claims cannot get the declared sizes; a warning for those whose declared size does not change."""
    sizes = claims.read_sizes(declared.get(disks.CLAIM_TEMPLATES_PATH) or ())
    live_sizes = claims.read_sizes(unstructured.get_list(live or {}, "spec", "volumeClaimTemplates"))
    live_claims = (await cluster.get(kinds.build_path("PersistentVolumeClaim", namespace)))["items"] if sizes else []
    expandable: set[str] | None = None
    blocked: list[str] = []
    for claim in claims.match_claims(name, sizes, int(declared.get("spec.replicas", 1)), live_claims):
        label = f"    the disk {claim.name} has {claim.size}"
        before = live_sizes.get(claim.template)
        unchanged = before is not None and quantity.parse(before) == quantity.parse(claim.declared)
        if claim.is_larger and before is not None and not unchanged:
            blocked.append(f"{label}, and a disk cannot shrink: declare at least {claim.requested}, or a new store")
        if not claim.is_smaller:
            continue
        if expandable is None:
            expandable = await disk_growth.find_expandable_classes(cluster)
        if claim.storage_class not in expandable:
            class_name = claim.storage_class or "none"
            problem = f"{label}, and its storage class ({class_name}) cannot expand it (allowVolumeExpansion)"
            if unchanged:
                await log.warning(f"{problem.strip()}, but {claim.declared} is declared")
                continue
            blocked.append(f"{problem}: declare {claim.size}, or a new store, and copy the data")
            if claim.storage_class:
                blocked += [
                    "    If the documentation of its provisioner says that it expands volumes, run this command, then"
                    " the same command again:",
                    f"    kubectl patch storageclass/{class_name} --patch '{{\"allowVolumeExpansion\": true}}'",
                ]
        elif claim.capacity is None and not unchanged:
            blocked.append(f"{label}, and cannot grow before a pod uses it: wait until its pod runs")
    return blocked


def _list_commands(live: unstructured.Object, declared: Mapping[str, Any]) -> list[str]:
    """The commands that make the change. The volumes stay."""
    namespace, name = live["metadata"]["namespace"], unstructured.get_name(live)
    commands = [f"    kubectl delete -n {namespace} statefulset/{name} --cascade=orphan"]
    effect = "stop no pod"
    if _list_names(live["spec"].get("volumeClaimTemplates")) != _list_names(declared.get(disks.CLAIM_TEMPLATES_PATH)):
        # A pod gets no other volumes: the new StatefulSet would wait for it without end.
        effect = "stop the store"
        pods = [f"pod/{name}-{ordinal}" for ordinal in range(live["spec"].get("replicas", 1))]
        commands.append(f"    kubectl delete -n {namespace} {' '.join(pods)}")
    return [f"  Run these commands, which keep the volumes and {effect}, then the same command again:", *commands]


def _list_names(templates: list[unstructured.Object] | None) -> list[str]:
    return sorted(map(unstructured.get_name, templates or ()))
