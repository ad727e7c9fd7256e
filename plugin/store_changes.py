"""Refuses changes of a store that Kubernetes cannot make in place, with the commands that make them.

The claim templates of a StatefulSet are for new claims only, and are fixed: a preview of another size fails in its dry
run, and without the preview the store would be stopped for a claim that stays as it was.
https://kubernetes.io/docs/concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from seaway.kubernetes.api import kinds, quantity, unstructured
from seaway.kubernetes.cluster import client
from seaway.review import disks
from seaway.syntax import diagnosis

from . import engine

MAX_PODS = 100
"""Pods that a command names: who may scale a store may write any number."""


async def refuse(cluster: client.KubeClient, sets: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse changes of fixed fields. ``sets``: the declared shapes of the StatefulSets, by identity.

    Raises:
        engine.ResourceError: a StatefulSet that exists has other values in fields that cannot be changed.
    """
    lines: list[str] = []
    for identity, declared in sets.items():
        namespace, name = identity.split("/")[-2:]
        live = await cluster.find(kinds.build_path("StatefulSet", namespace, name))
        if live and (changed := disks.find_fixed_changes(live, declared)):
            lines.append(f"  StatefulSet {name}: {', '.join(changed)} cannot be changed in place")
            lines += await _list_steps(cluster, live, declared)
    if lines:
        heading = "a store cannot be changed as declared; nothing was changed"
        help_line = f"More: {diagnosis.format_help('store-change')}"
        raise engine.ResourceError("\n".join([heading, *lines, help_line]), code="store-change")


async def _list_steps(cluster: client.KubeClient, live: unstructured.Object, declared: Mapping[str, Any]) -> list[str]:
    """The commands that make the change, or the reason why there are none. The volumes stay."""
    namespace, name = live["metadata"]["namespace"], unstructured.get_name(live)
    claims = (await cluster.get(kinds.build_path("PersistentVolumeClaim", namespace)))["items"]
    classes = (await cluster.get(kinds.build_path("StorageClass")))["items"]
    expandable = {unstructured.get_name(storage) for storage in classes if storage.get("allowVolumeExpansion")}
    blocked: list[str] = []
    commands: list[str] = []
    for claim, size in _match_claims(name, claims, declared):
        claim_name, spec = unstructured.get_name(claim), claim["spec"]
        requested, class_name = spec["resources"]["requests"]["storage"], spec.get("storageClassName")
        label = f"    the disk {claim_name} has {requested}"
        growth = quantity.parse(size) - quantity.parse(requested)
        if growth < 0:
            blocked.append(f"{label}, and a disk cannot shrink: declare at least {requested}, or a new store")
        elif growth > 0 and class_name not in expandable:
            blocked.append(
                f"{label}, and its storage class ({class_name or 'none'}) cannot expand it (allowVolumeExpansion):"
                f" declare {requested}, or a new store, and copy the data"
            )
        elif growth > 0:
            patch = json.dumps({"spec": {"resources": {"requests": {"storage": size}}}})
            commands += [
                f"    kubectl patch -n {namespace} pvc/{claim_name} --patch '{patch}'",
                f"    kubectl wait -n {namespace} pvc/{claim_name} --timeout 10m"
                f" --for jsonpath='{{.status.capacity.storage}}'={size}",
            ]
    if blocked:
        return blocked
    commands.append(f"    kubectl delete -n {namespace} statefulset/{name} --cascade=orphan")
    effect = "stop no pod"
    if _list_names(live["spec"].get("volumeClaimTemplates")) != _list_names(declared.get(disks.CLAIM_TEMPLATES_PATH)):
        # A pod gets no other volumes: the new StatefulSet would wait for it without end.
        effect = "stop the store"
        pods = [f"pod/{name}-{ordinal}" for ordinal in range(min(live["spec"].get("replicas", 1), MAX_PODS))]
        commands.append(f"    kubectl delete -n {namespace} {' '.join(pods)}")
    return [f"  Run these commands, which keep the volumes and {effect}, then the same command again:", *commands]


def _list_names(templates: list[unstructured.Object] | None) -> list[str]:
    return sorted(map(unstructured.get_name, templates or ()))


def _match_claims(
    name: str, claims: list[unstructured.Object], declared: Mapping[str, Any]
) -> Iterator[tuple[unstructured.Object, str]]:
    """The claims of a StatefulSet, with their declared sizes."""
    for template in declared.get(disks.CLAIM_TEMPLATES_PATH) or ():
        pattern = re.compile(rf"{re.escape(template['metadata']['name'])}-{re.escape(name)}-\d+")
        size = template["spec"]["resources"]["requests"]["storage"]
        yield from ((claim, size) for claim in claims if pattern.fullmatch(unstructured.get_name(claim)))
