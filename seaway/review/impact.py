"""What a change of a Kubernetes object does: nothing, a rollout, an outage, or a loss of data; and why, in words.

It says what Kubernetes and Pulumi's provider do with what is declared. Whether a program bears it is another question.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seaway.review import change, jobs

Impact = change.Impact
at = change.get_field

IMMUTABLE_FIELDS: Mapping[str, Sequence[str]] = {
    "DaemonSet": ("spec.selector",),
    "Deployment": ("spec.selector",),
    "Job": ("spec.completions", "spec.parallelism", "spec.selector", "spec.template"),
    "PersistentVolumeClaim": ("spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName"),
    "Secret": ("type",),
    "Service": ("spec.clusterIP",),
    "StatefulSet": (
        "spec.podManagementPolicy",
        "spec.revisionHistoryLimit",
        "spec.selector",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
    ),
}
"""Fields that Pulumi's provider changes by deleting the object first.
https://github.com/pulumi/pulumi-kubernetes/blob/v4.25.0/provider/pkg/provider/diff.go"""

HARMLESS_KINDS = frozenset(
    {
        "ConfigMap",
        "CronJob",
        "HorizontalPodAutoscaler",
        "Job",
        "LimitRange",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "ResourceQuota",
        "Role",
        "RoleBinding",
        "Secret",
        "ServiceAccount",
    }
)
"""Kinds whose objects may go or be made anew: what runs goes on running."""

Assessment = tuple[Impact, str]


def assess_change(object_diff: change.ObjectDiff) -> Assessment:
    """The worst that the change does, and the reasons for that."""
    found = list(_list_assessments(object_diff))
    worst = max((level for level, _ in found), default=Impact.NONE)
    return worst, "; ".join(dict.fromkeys(reason for level, reason in found if level is worst and reason))


def find_immutable_changes(old: change.Manifest, new: change.Manifest) -> list[str] | None:
    """The fields that force a replacement; None: it is changed in place."""
    kind = str(new.get("kind"))
    wanted = [*IMMUTABLE_FIELDS.get(kind, ()), "metadata.namespace"]
    if kind in ("ConfigMap", "Secret") and old.get("immutable"):
        wanted += ["data", "binaryData"]
    return [path for path in wanted if at(old, path) != at(new, path)] or None


def _list_assessments(pair: change.ObjectDiff) -> Iterator[Assessment]:
    old, new = pair.old or {}, pair.new or {}
    match pair.op:
        case "added":
            if pair.kind == "Job":
                yield Impact.NONE, jobs.describe_run(new)
            elif pair.kind == "NetworkPolicy" and not at(new, "spec.podSelector"):
                yield Impact.NONE, "closes whatever no link, no egress and no expose opens"
        case "removed":
            yield _assess_removal(pair, old)
        case "replaced":
            yield _assess_replacement(pair, old, new)
        case "changed":
            yield from _assess_update(pair, old, new)


def _assess_removal(pair: change.ObjectDiff, old: change.Manifest) -> Assessment:  # noqa: PLR0911 - one return a kind
    if pair.is_retained:
        return Impact.NONE, "it stays in the cluster, for the pods that still need it"
    match pair.kind:
        case "Namespace":
            return Impact.DATA_LOSS, "everything in the namespace is deleted, the volumes of stores too"
        case "PersistentVolumeClaim":
            return Impact.DATA_LOSS, "the claim is deleted, and its data with it"
        case "StatefulSet":
            level, claims = _assess_claims(pair, old)
            return level, f"{pair.name} runs no more; {claims}"
        case "Deployment" | "DaemonSet":
            return Impact.OUTAGE, f"{pair.name} runs no more"
        case "Service":
            return Impact.OUTAGE, f"nothing answers under the name {pair.name} any more"
        case "Ingress":
            return (
                Impact.OUTAGE,
                f"not reachable from outside any more: {', '.join(_list_addresses(old)) or 'any host'}",
            )
        case "GeneratedSecret":
            return Impact.NONE, "its value is forgotten: made again, it is another one"
        case "CronJob":
            return Impact.NONE, "started no more, and what of it runs is ended"
        case kind if kind in HARMLESS_KINDS:
            return Impact.NONE, ""
        case _:
            return Impact.OUTAGE, "Seaway does not know what depends on it"


def _assess_replacement(  # noqa: PLR0911 - one return a kind
    pair: change.ObjectDiff, old: change.Manifest, new: change.Manifest
) -> Assessment:
    moved = at(old, "metadata.namespace") != at(new, "metadata.namespace")
    # Pulumi's own reason for a move is another provider, which tells nobody anything.
    paths = ["metadata.namespace"] if moved else [path for path in pair.replace_paths or () if path != "provider"]
    because = f" ({', '.join(paths)} cannot be changed)" if paths else ""
    again = f"deleted first, then made anew{because}"
    match pair.kind:
        case "Namespace":
            return Impact.DATA_LOSS, f"{again}: everything in it is deleted, the volumes of stores too"
        case "PersistentVolumeClaim":
            return Impact.DATA_LOSS, f"{again}: its data is deleted with it"
        case "StatefulSet":
            level, claims = _assess_claims(pair, old)
            unused = [one for one in _list_claims(pair, old) if moved or one not in _list_claims(pair, new)]
            if level < Impact.DATA_LOSS and unused:
                return Impact.DATA_LOSS, f"{again}, with an empty volume: no pod has {', '.join(unused)} any more"
            return level, f"{again}: no pod answers in between; {claims}"
        case "Deployment" | "DaemonSet":
            return Impact.OUTAGE, f"{again}: no pod answers in between"
        case "Service":
            return Impact.OUTAGE, f"{again}: no requests come in in between, and its address is another one"
        case "GeneratedSecret":
            return Impact.OUTAGE, "it gets another value: a store that was set up with the old one keeps that"
        case kind if kind in HARMLESS_KINDS:
            return Impact.NONE, again
        case _:
            return Impact.OUTAGE, again


def _assess_update(pair: change.ObjectDiff, old: change.Manifest, new: change.Manifest) -> Iterator[Assessment]:
    match pair.kind:
        case "Deployment" | "StatefulSet" | "DaemonSet":
            yield from _assess_scaling(pair, old, new)
            yield from _assess_retention(old, new)
            if at(old, "spec.template") != at(new, "spec.template") or any(
                path.startswith("spec.template") for path in pair.drifted_paths
            ):
                yield _assess_rollout(pair, new)
        case "Service":
            yield from _assess_service(pair.name, old, new)
        case "Ingress":
            yield from _assess_ingress(old, new)
        case "NetworkPolicy":
            yield Impact.NONE, "what it opens is open before the pods change, what it closes only after"
        case "Job":
            yield Impact.NONE, jobs.describe_run(new)
        case "CronJob":
            yield from ((Impact.NONE, reason) for reason in jobs.describe_schedule_change(old, new))
        case "ConfigMap" | "Secret" if pair.has_content_name:
            yield Impact.NONE, "another content is another object: the pods that use it are replaced"
        case _:
            pass


def _assess_retention(old: change.Manifest, new: change.Manifest) -> Iterator[Assessment]:
    """What will become of a store's claims when it goes."""
    policy = "spec.persistentVolumeClaimRetentionPolicy.whenDeleted"
    before, after = at(old, policy), at(new, policy)
    if before != after and "Delete" in (before, after):
        yield Impact.NONE, f"from now on its volumes {'go with it' if after == 'Delete' else 'stay when it goes'}"


def _assess_scaling(pair: change.ObjectDiff, old: change.Manifest, new: change.Manifest) -> Iterator[Assessment]:
    chosen, chooses = change.get_scale(old), change.get_scale(new)
    if chosen != chooses:
        yield Impact.NONE, _describe_autoscaling(chosen, chooses, new)
        return
    if pair.kind == "DaemonSet" or chooses is not None or at(old, "spec.replicas") == at(new, "spec.replicas"):
        return
    before, after = _get_replicas(old), _get_replicas(new)
    if after == 0:
        yield Impact.OUTAGE, f"scaled to 0: {pair.name} runs no more"
    else:
        yield Impact.NONE, f"{after} {'pod' if after == 1 else 'pods'} instead of {before}"
    if after < before and at(old, "spec.persistentVolumeClaimRetentionPolicy.whenScaled") == "Delete":
        yield Impact.DATA_LOSS, "the claims of the pods that go are deleted (whenScaled: Delete)"


def _describe_autoscaling(chosen: str | None, chooses: str | None, new: change.Manifest) -> str:
    """What becomes of the number of pods when an autoscaler comes, goes, or gets other bounds."""
    if chooses is None:
        number = _get_replicas(new)
        return f"{number} {'pod' if number == 1 else 'pods'} from now on, however many the autoscaler runs now"
    least, most = chooses.split("-")
    if chosen is None:
        return f"an autoscaler begins with the pods that run now, and keeps to {least} to {most}"
    return f"the autoscaler keeps to {least} to {most} pods instead of {' to '.join(chosen.split('-'))}"


def _assess_rollout(pair: change.ObjectDiff, new: change.Manifest) -> Assessment:  # noqa: PLR0911 - one return a way
    """What a new pod template does.

    https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#strategy
    https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#update-strategies
    """
    pods = _get_replicas(new)
    if pods == 0:
        return Impact.NONE, "no pod runs"
    if pair.kind == "DaemonSet":
        return Impact.ROLLING, "pods are replaced node by node"
    if pair.kind == "StatefulSet":
        if at(new, "spec.updateStrategy.type") == "OnDelete":
            return Impact.NONE, "pods change when somebody deletes them (OnDelete)"
        if pods == 1:
            return Impact.OUTAGE, f"{pair.name} has one pod, which stops before the new one starts"
        return Impact.ROLLING, "pods are replaced one after the other"
    if at(new, "spec.strategy.type") == "Recreate":
        return Impact.OUTAGE, "all pods stop before new ones start (Recreate)"
    away = _parse_amount(at(new, "spec.strategy.rollingUpdate.maxUnavailable"), pods, math.floor)
    more = _parse_amount(at(new, "spec.strategy.rollingUpdate.maxSurge"), pods, math.ceil)
    if more == 0:  # Kubernetes lets one go then, or nothing would ever happen
        away = max(away, 1)
    if away >= pods:
        return Impact.OUTAGE, f"all {pods} pods may be away at a time (maxUnavailable)"
    if away:
        return Impact.ROLLING, f"pods are replaced, {away} of {pods} may be away at a time"
    return Impact.ROLLING, "old pods go when new ones are ready"


def _assess_service(name: str, old: change.Manifest, new: change.Manifest) -> Iterator[Assessment]:
    if at(old, "spec.selector") != at(new, "spec.selector"):
        yield Impact.OUTAGE, f"{name} has no pods behind it until some have the new labels"
    opened = ("NodePort", "LoadBalancer")
    if at(old, "spec.type") in opened and at(new, "spec.type") != at(old, "spec.type"):
        yield Impact.OUTAGE, f"{name} is not reachable from outside any more as it was ({at(old, 'spec.type')})"
    there = {one.get("port"): one for one in at(new, "spec.ports") or ()}
    for one in at(old, "spec.ports") or ():
        port = one.get("port")
        if port not in there:
            yield Impact.OUTAGE, f"port {port} of {name} answers no more, and callers use it until they are replaced"
        elif there[port].get("targetPort", port) != one.get("targetPort", port):
            yield Impact.OUTAGE, f"port {port} of {name} goes to one that the running pods do not listen on"
        elif there[port].get("nodePort", one.get("nodePort")) != one.get("nodePort"):
            yield Impact.OUTAGE, f"port {port} of {name} has another node port"


def _assess_claims(pair: change.ObjectDiff, old: change.Manifest) -> Assessment:
    """What becomes of the claims when the set goes: the policy of the one that is there counts.

    https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention
    """
    names = _list_claims(pair, old)
    if not names:
        return Impact.OUTAGE, "it has no volume"
    kept = ", ".join(names)
    if at(old, "spec.persistentVolumeClaimRetentionPolicy.whenDeleted") == "Delete":
        return Impact.DATA_LOSS, f"{kept} is deleted with it (whenDeleted: Delete)"
    return Impact.OUTAGE, f"{kept} is kept as it is"


def _list_claims(pair: change.ObjectDiff, manifest: change.Manifest) -> list[str]:
    """The claims of its first pod; those of the others differ in the number."""
    return [f"{one['metadata']['name']}-{pair.name}-0" for one in at(manifest, "spec.volumeClaimTemplates") or ()]


def _get_replicas(manifest: change.Manifest) -> int:
    """Pods that it asks for; one where it does not say."""
    stated = at(manifest, "spec.replicas")
    return 1 if stated is None else int(stated)


def _parse_amount(stated: Any, pods: int, rounded: Any) -> int:
    """A number of pods, given as one or in percent; 25% where it does not say."""
    said = "25%" if stated is None else str(stated)
    share = re.fullmatch(r"(\d+)%", said)
    return rounded(pods * int(share[1]) / 100) if share else int(said)


def _assess_ingress(old: change.Manifest, new: change.Manifest) -> Iterator[Assessment]:
    there = _list_addresses(new)
    if gone := [one for one in _list_addresses(old) if not any(_covers(other, one) for other in there)]:
        yield Impact.OUTAGE, f"not reachable from outside any more: {', '.join(gone)}"
    bare = [
        one
        for one in _list_tls_hosts(old)
        if one not in _list_tls_hosts(new) and any(_covers(other, one) for other in there)
    ]
    if bare:
        yield Impact.OUTAGE, f"answers without TLS only, and addresses with https:// no more: {', '.join(bare)}"
    before, after = at(old, "spec.ingressClassName"), at(new, "spec.ingressClassName")
    if before != after:
        called = [name or "the cluster's default" for name in (before, after)]
        yield Impact.OUTAGE, f"led by another controller ({called[0]} -> {called[1]}), which has another address"


def _list_addresses(manifest: change.Manifest) -> list[str]:
    """What an Ingress answers: hosts, with what their paths begin with where it is not all of them."""
    found: list[str] = []
    for one in at(manifest, "spec.rules") or ():
        paths: Sequence[change.Manifest] = at(one, "http.paths") or [{"path": "/"}]
        if one.get("host"):
            found += [f"{one['host']}{path.get('path', '/').rstrip('/')}" for path in paths]
    return found


def _list_tls_hosts(manifest: change.Manifest) -> list[str]:
    return [host for one in at(manifest, "spec.tls") or () for host in one.get("hosts") or ()]


def _covers(wide: str, narrow: str) -> bool:
    return f"{narrow}/".startswith(f"{wide}/")
