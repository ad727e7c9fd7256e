"""The impact of a changed Kubernetes object: none, a rollout, an outage or data loss; and the reason.

It follows from what Kubernetes and Pulumi's provider do with the manifest, not from what the program tolerates.
"""

from collections.abc import Iterator, Mapping, Sequence

from seaway.manifests import workloads
from seaway.review import change, route_impact, workload_impact

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
"""Kinds whose objects may be removed or replaced while the pods run."""

Assessment = workload_impact.Assessment
_Impact = change.Impact
_get = change.get_field


def assess_change(object_diff: change.ObjectDiff) -> Assessment:
    """The worst impact of the change, and the reasons for it."""
    assessments = list(_list_assessments(object_diff))
    worst = max((level for level, _ in assessments), default=_Impact.NONE)
    return worst, "; ".join(dict.fromkeys(reason for level, reason in assessments if level is worst and reason))


def find_immutable_changes(old: change.Manifest, new: change.Manifest) -> list[str] | None:
    """The changed fields that force a replacement; None: it is changed in place."""
    kind = str(new.get("kind"))
    paths = [*IMMUTABLE_FIELDS.get(kind, ()), "metadata.namespace"]
    if kind in ("ConfigMap", "Secret") and old.get("immutable"):
        paths += ["data", "binaryData"]
    changed = [path for path in paths if _get(old, path) != _get(new, path)]
    if workload_impact.list_grown_claims(old, new) is not None:
        changed.remove(workload_impact.CLAIM_TEMPLATES)
    return changed or None


def _list_assessments(object_diff: change.ObjectDiff) -> Iterator[Assessment]:
    old, new = object_diff.old or {}, object_diff.new or {}
    match object_diff.op:
        case "added":
            if object_diff.kind == "Job":
                yield _Impact.NONE, _describe_run(new)
            elif object_diff.kind == "NetworkPolicy" and not _get(new, "spec.podSelector"):
                yield _Impact.NONE, "denies all connections that no link, egress rule or published port allows"
        case "removed":
            yield _assess_removal(object_diff, old)
        case "replaced":
            yield _assess_replacement(object_diff, old, new)
        case "changed":
            yield from _assess_update(object_diff, old, new)


def _assess_removal(object_diff: change.ObjectDiff, old: change.Manifest) -> Assessment:  # noqa: PLR0911 - by kind
    name = object_diff.name
    if object_diff.is_retained:
        return _Impact.NONE, "it stays in the cluster for the pods that still need it"
    match object_diff.kind:
        case "Namespace":
            return _Impact.DATA_LOSS, "everything in the namespace is deleted, including the volumes of stores"
        case "PersistentVolumeClaim":
            return _Impact.DATA_LOSS, "the claim is deleted with its data"
        case "StatefulSet":
            level, claims = workload_impact.assess_claims(object_diff, old)
            return level, f"{name} is stopped; {claims}"
        case "Deployment" | "DaemonSet":
            return _Impact.OUTAGE, f"{name} is stopped"
        case "Service":
            return _Impact.OUTAGE, f"the name {name} no longer answers"
        case "Ingress":
            addresses = ", ".join(_list_addresses(old)) or "any host"
            return _Impact.OUTAGE, f"no longer reachable from outside: {addresses}"
        case "Gateway" | "GRPCRoute" | "HTTPRoute":
            return route_impact.assess_removal(object_diff.kind, old)
        case "GeneratedSecret":
            return _Impact.NONE, "its value is deleted: if it is generated again, it is another value"
        case "CronJob":
            return _Impact.NONE, "it no longer starts, and its current runs are stopped"
        case kind if kind in HARMLESS_KINDS:
            return _Impact.NONE, ""
        case _:
            return _Impact.OUTAGE, "Seaway does not know what depends on it"


def _assess_replacement(  # noqa: PLR0911 - by kind
    object_diff: change.ObjectDiff, old: change.Manifest, new: change.Manifest
) -> Assessment:
    moved = _get(old, "metadata.namespace") != _get(new, "metadata.namespace")
    # For a move, Pulumi's own reason is another provider, which means nothing to a reader.
    forced = [path for path in object_diff.replace_paths or () if path != "provider"]
    paths = ["metadata.namespace"] if moved else forced
    replaced = "deleted, then created again" + (f" ({', '.join(paths)} cannot be changed)" if paths else "")
    match object_diff.kind:
        case "Namespace":
            return _Impact.DATA_LOSS, f"{replaced}: everything in it is deleted, including the volumes of stores"
        case "PersistentVolumeClaim":
            return _Impact.DATA_LOSS, f"{replaced}: its data is deleted with it"
        case "StatefulSet":
            if smaller := workload_impact.list_shrunk_claims(old, new):
                return _Impact.DATA_LOSS, f"refused: {', '.join(smaller)} cannot shrink; declare the former size"
            level, claims = workload_impact.assess_claims(object_diff, old)
            new_claims = [] if moved else workload_impact.list_claims(object_diff, new)
            unused = [claim for claim in workload_impact.list_claims(object_diff, old) if claim not in new_claims]
            if level < _Impact.DATA_LOSS and unused:
                return (
                    _Impact.DATA_LOSS,
                    f"{replaced}, with an empty volume: no pod mounts {', '.join(unused)} any more",
                )
            return level, f"{replaced}: no pod answers meanwhile; {claims}"
        case "Deployment" | "DaemonSet":
            return _Impact.OUTAGE, f"{replaced}: no pod answers meanwhile"
        case "Service":
            return _Impact.OUTAGE, f"{replaced}: no requests arrive meanwhile, and its address changes"
        case "GeneratedSecret":
            return _Impact.OUTAGE, "its value changes: a store that was initialized with the old value keeps it"
        case kind if kind in HARMLESS_KINDS:
            return _Impact.NONE, replaced
        case _:
            return _Impact.OUTAGE, replaced


def _assess_update(object_diff: change.ObjectDiff, old: change.Manifest, new: change.Manifest) -> Iterator[Assessment]:
    match object_diff.kind:
        case "Deployment" | "StatefulSet" | "DaemonSet":
            yield from workload_impact.assess_update(object_diff, old, new)
        case "Service":
            yield from _assess_service(object_diff.name, old, new)
        case "Ingress":
            yield from _assess_ingress(old, new)
        case "Gateway" | "GRPCRoute" | "HTTPRoute":
            yield from route_impact.assess_update(object_diff.kind, old, new)
        case "NetworkPolicy":
            yield _Impact.NONE, "new connections are allowed before the pods change, removed ones denied only after"
        case "PersistentVolumeClaim":
            yield _Impact.NONE, "the disk grows, and no pod stops"
        case "Job":
            yield _Impact.NONE, _describe_run(new)
        case "CronJob":
            yield from ((_Impact.NONE, reason) for reason in _describe_schedule_change(old, new))
        case "ConfigMap" | "Secret" if object_diff.has_content_name:
            yield _Impact.NONE, "changed content is another object: the pods that use it are replaced"
        case _:
            pass


def _describe_run(job: change.Manifest) -> str:
    """When a job of a release runs. Runs that have started continue unchanged."""
    annotations: change.Manifest = _get(job, "metadata.annotations") or {}
    after = annotations.get(workloads.RUN_ANNOTATION) == workloads.AFTER_ROLLOUT
    return f"runs once, {'when all services are healthy' if after else 'before the services change'}"


def _describe_schedule_change(old: change.Manifest, new: change.Manifest) -> Iterator[str]:
    """The changes of a job that runs by a schedule or by hand.

    https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#modifying-a-cron-job
    """
    before, after = (f"{_get(manifest, 'spec.schedule')} {_get(manifest, 'spec.timeZone')}" for manifest in (old, new))
    suspended = _get(new, "spec.suspend")
    if suspended != _get(old, "spec.suspend"):
        yield "runs only by hand" if suspended else f"runs at {after}"
    elif before != after:
        yield f"runs at {after} instead of {before}"
    if _get(old, "spec.jobTemplate") != _get(new, "spec.jobTemplate"):
        yield "its next run uses the new template"


def _assess_service(name: str, old: change.Manifest, new: change.Manifest) -> Iterator[Assessment]:
    if _get(old, "spec.selector") != _get(new, "spec.selector"):
        yield _Impact.OUTAGE, f"{name} has no pods until pods have the new labels"
    old_type = _get(old, "spec.type")
    if old_type in ("NodePort", "LoadBalancer") and _get(new, "spec.type") != old_type:
        yield _Impact.OUTAGE, f"{name} is no longer reachable from outside through its {old_type}"
    # UDP and TCP may share a number. https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/
    new_ports = {(port.get("port"), port.get("protocol", "TCP")): port for port in _get(new, "spec.ports") or ()}
    for old_port in _get(old, "spec.ports") or ():
        number = old_port.get("port")
        new_port = new_ports.get((number, old_port.get("protocol", "TCP")))
        if new_port is None:
            yield (
                _Impact.OUTAGE,
                f"port {number} of {name} no longer answers, and callers use it until they are replaced",
            )
        elif new_port.get("targetPort", number) != old_port.get("targetPort", number):
            yield _Impact.OUTAGE, f"port {number} of {name} targets a port that the running pods do not listen on"
        elif new_port.get("nodePort", old_port.get("nodePort")) != old_port.get("nodePort"):
            yield _Impact.OUTAGE, f"port {number} of {name} has another node port"


def _assess_ingress(old: change.Manifest, new: change.Manifest) -> Iterator[Assessment]:
    addresses = _list_addresses(new)

    def is_served(address: str) -> bool:
        return any(f"{address}/".startswith(f"{served}/") for served in addresses)

    if removed := [address for address in _list_addresses(old) if not is_served(address)]:
        yield _Impact.OUTAGE, f"no longer reachable from outside: {', '.join(removed)}"
    tls_hosts = _list_tls_hosts(new)
    if plain := [host for host in _list_tls_hosts(old) if host not in tls_hosts and is_served(host)]:
        yield _Impact.OUTAGE, f"answers only without TLS, and https:// addresses fail: {', '.join(plain)}"
    before, after = (_get(manifest, "spec.ingressClassName") for manifest in (old, new))
    if before != after:
        classes = " -> ".join(name or "the cluster's default" for name in (before, after))
        yield _Impact.OUTAGE, f"served by another ingress controller ({classes}), which has another address"


def _list_addresses(manifest: change.Manifest) -> list[str]:
    """The addresses of an Ingress: hosts, with path prefixes except the root."""
    addresses: list[str] = []
    for rule in _get(manifest, "spec.rules") or ():
        paths: Sequence[change.Manifest] = _get(rule, "http.paths") or [{"path": "/"}]
        if rule.get("host"):
            addresses += [f"{rule['host']}{path.get('path', '/').rstrip('/')}" for path in paths]
    return addresses


def _list_tls_hosts(manifest: change.Manifest) -> list[str]:
    return [host for tls in _get(manifest, "spec.tls") or () for host in tls.get("hosts") or ()]
