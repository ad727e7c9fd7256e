"""The impact of a changed Deployment, StatefulSet or DaemonSet: on its pods, and on the claims of a StatefulSet."""

import math
import re
from collections.abc import Iterator
from typing import Any

from seaway.kubernetes.api import quantity
from seaway.model.defaults import data_versions
from seaway.review import change
from seaway.rollout import claims

Assessment = tuple[change.Impact, str]
"""An impact, and the reason for it."""

CLAIM_TEMPLATES = "spec.volumeClaimTemplates"
_RETENTION = "spec.persistentVolumeClaimRetentionPolicy"
_Impact = change.Impact
_get = change.get_field


def assess_update(object_diff: change.ObjectDiff, old: change.Manifest, new: change.Manifest) -> Iterator[Assessment]:
    """The impact of a change in place."""
    yield from _assess_scaling(object_diff, old, new)
    before, after = (_get(manifest, f"{_RETENTION}.whenDeleted") for manifest in (old, new))
    if before != after and "Delete" in (before, after):
        effect = "deletes its volumes" if after == "Delete" else "keeps its volumes"
        yield _Impact.NONE, f"from now on, deleting it {effect}"
    if grown := list_grown_claims(old, new):
        # Only the cluster knows its storage class.
        condition = "if its storage class has ALLOWVOLUMEEXPANSION (kubectl get storageclass); otherwise it is refused"
        yield _Impact.NONE, f"the disk grows ({', '.join(grown)}) and no pod stops, {condition}"
    elif kept := list_shrunk_claims(old, new):
        yield _Impact.NONE, f"the rollback keeps the larger disk: {', '.join(kept)} is not applied"
    edited = any(path.startswith("spec.template") for path in object_diff.drifted_paths)
    if edited or _get(old, "spec.template") != _get(new, "spec.template"):
        yield _assess_rollout(object_diff, new)
    if _get(new, "spec.volumeClaimTemplates"):
        yield from _assess_data(old, new)


def _assess_data(old: change.Manifest, new: change.Manifest) -> Iterator[Assessment]:
    """The risk for data on the same volume that another version of the server has written."""
    before, after = (
        {container["name"]: container["image"] for container in _get(manifest, "spec.template.spec.containers") or ()}
        for manifest in (old, new)
    )
    for name in before.keys() & after.keys():
        if risk := data_versions.find_risk(str(before[name]), str(after[name])):
            yield _Impact.DATA_LOSS, f"{risk}: {data_versions.HINT}"


def assess_claims(object_diff: change.ObjectDiff, old: change.Manifest) -> Assessment:
    """The fate of the claims when a StatefulSet is deleted. The policy of the existing object decides.

    https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention
    """
    claims = ", ".join(list_claims(object_diff, old))
    if not claims:
        return _Impact.OUTAGE, "it has no volume"
    if _get(old, f"{_RETENTION}.whenDeleted") == "Delete":
        return _Impact.DATA_LOSS, f"{claims} is deleted with it (whenDeleted: Delete)"
    return _Impact.OUTAGE, f"{claims} is kept"


def list_claims(object_diff: change.ObjectDiff, manifest: change.Manifest) -> list[str]:
    """The claims of the first pod of a StatefulSet; those of the others differ in the number."""
    templates = _get(manifest, CLAIM_TEMPLATES) or ()
    return [f"{template['metadata']['name']}-{object_diff.name}-0" for template in templates]


def list_shrunk_claims(old: change.Manifest, new: change.Manifest) -> list[str]:
    """The claim templates whose size gets smaller, which no volume does."""
    before, after = _read_sizes(old), _read_sizes(new)
    return [
        f"{name} ({size} -> {after[name]})"
        for name, size in before.items()
        if name in after and quantity.parse(after[name]) < quantity.parse(size)
    ]


def list_grown_claims(old: change.Manifest, new: change.Manifest) -> list[str] | None:
    """The claim templates that change only by a larger size; None: others change, or none does."""
    before, after = (_get(manifest, CLAIM_TEMPLATES) or () for manifest in (old, new))
    old_sizes, new_sizes = _read_sizes(old), _read_sizes(new)
    if old_sizes == new_sizes or list_shrunk_claims(old, new):
        return None
    if claims.set_sizes(before, new_sizes) != claims.set_sizes(after, new_sizes):
        return None
    return [f"{name} {old_sizes[name]} -> {size}" for name, size in new_sizes.items() if old_sizes[name] != size]


def _read_sizes(manifest: change.Manifest) -> dict[str, str]:
    return claims.read_sizes(_get(manifest, CLAIM_TEMPLATES) or ())


def _assess_scaling(object_diff: change.ObjectDiff, old: change.Manifest, new: change.Manifest) -> Iterator[Assessment]:
    old_scale, new_scale = change.get_scale(old), change.get_scale(new)
    if old_scale != new_scale:
        yield _Impact.NONE, _describe_autoscaling(old_scale, new_scale, new)
        return
    unchanged = _get(old, "spec.replicas") == _get(new, "spec.replicas")
    if object_diff.kind == "DaemonSet" or new_scale is not None or unchanged:
        return
    before, after = _get_replicas(old), _get_replicas(new)
    if after == 0:
        yield _Impact.OUTAGE, f"scaled to 0: {object_diff.name} is stopped"
    else:
        yield _Impact.NONE, f"{_format_pods(after)} instead of {before}"
    if after < before and _get(old, f"{_RETENTION}.whenScaled") == "Delete":
        yield _Impact.DATA_LOSS, "the claims of the removed pods are deleted (whenScaled: Delete)"


def _describe_autoscaling(old_scale: str | None, new_scale: str | None, new: change.Manifest) -> str:
    """The number of pods when an autoscaler is added, removed, or gets other bounds."""
    if new_scale is None:
        return f"{_format_pods(_get_replicas(new))} from now on, instead of the number of the autoscaler"
    bounds = new_scale.replace("-", " to ")
    if old_scale is None:
        return f"an autoscaler starts with the current pods, and keeps {bounds} pods"
    return f"the autoscaler keeps {bounds} pods instead of {old_scale.replace('-', ' to ')}"


def _assess_rollout(object_diff: change.ObjectDiff, new: change.Manifest) -> Assessment:  # noqa: PLR0911 - by strategy
    """The impact of a changed pod template.

    https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#strategy
    https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#update-strategies
    """
    pods = _get_replicas(new)
    if pods == 0:
        return _Impact.NONE, "no pod runs"
    if object_diff.kind == "DaemonSet":
        return _Impact.ROLLING, "pods are replaced node by node"
    if object_diff.kind == "StatefulSet":
        if _get(new, "spec.updateStrategy.type") == "OnDelete":
            return _Impact.NONE, "pods change when they are deleted (OnDelete)"
        if pods == 1:
            return _Impact.OUTAGE, f"{object_diff.name} has one pod, which stops before the new pod starts"
        return _Impact.ROLLING, "pods are replaced one after the other"
    if _get(new, "spec.strategy.type") == "Recreate":
        return _Impact.OUTAGE, "all pods stop before new pods start (Recreate)"
    unavailable = _parse_amount(_get(new, "spec.strategy.rollingUpdate.maxUnavailable"), pods, math.floor)
    surge = _parse_amount(_get(new, "spec.strategy.rollingUpdate.maxSurge"), pods, math.ceil)
    if surge == 0:  # Then Kubernetes stops one pod, or the rollout could never start.
        unavailable = max(unavailable, 1)
    if unavailable >= pods:
        return _Impact.OUTAGE, f"all {pods} pods may be unavailable at a time (maxUnavailable)"
    if unavailable:
        return _Impact.ROLLING, f"pods are replaced, {unavailable} of {pods} may be unavailable at a time"
    return _Impact.ROLLING, "old pods stop when new pods are ready"


def _format_pods(number: int) -> str:
    return f"{number} {'pod' if number == 1 else 'pods'}"


def _get_replicas(manifest: change.Manifest) -> int:
    """The declared number of pods; the default is one."""
    replicas = _get(manifest, "spec.replicas")
    return 1 if replicas is None else int(replicas)


def _parse_amount(declared: Any, pods: int, round_share: Any) -> int:
    """A number of pods, declared as a number or in percent; the default is 25%."""
    text = "25%" if declared is None else str(declared)
    share = re.fullmatch(r"(\d+)%", text)
    return round_share(pods * int(share[1]) / 100) if share else int(text)
