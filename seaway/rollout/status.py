"""The status of the workloads of one application, from a snapshot. Pure functions, without a clock."""

import dataclasses
import datetime
import re
import types
from collections.abc import Iterable, Mapping

from seaway.kubernetes.api import kinds, unstructured
from seaway.kubernetes.cluster import snapshot
from seaway.manifests import names
from seaway.rollout import claims, evidence, health, hints, owned_pods, runs, target, workload_health
from seaway.syntax import diagnosis, redaction

NAME_LABEL = "app.kubernetes.io/name"

EVENT_WINDOW = datetime.timedelta(hours=1)
"""How long a warning counts. Kubernetes itself keeps events for an hour."""

DEFAULT_DEADLINE = 300
"""Seconds, for a workload whose object has no deadline."""

MAX_NAMED_WORKLOADS = 3
"""Workloads that are named in one line about the application."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadStatus:
    """One service, store or job."""

    kind: target.WorkloadType
    ready: int
    """Ready pods of any version: what serves now. Of a job, the pods that succeeded."""
    image: str
    """Of the newest version, with its registry and digest."""
    since: datetime.datetime
    """Start of the newest version: creation of its oldest pod, or if it has none of the object that owns its pods."""
    restarts: int
    """Of all containers of all pods."""
    last_warning: evidence.Event | None
    """The newest warning of the last hour."""
    scale: tuple[int, int] | None = None
    """Minimum and maximum number of pods of an autoscaler; None without one."""
    addresses: tuple[str, ...] = ()
    """Where it is reachable from outside the cluster."""
    external: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])
    """The external stores that it calls, with their addresses."""
    disks: tuple[str, ...] = ()
    """Lines about its disks that have another size than declared."""
    job_runs: runs.JobRuns | None = None
    """Of a job with a schedule, or that is started by hand. It is healthy unless its newest run failed."""
    health: workload_health.WorkloadHealth

    @property
    def name(self) -> str:
        """Name of the service, store or job."""
        return self.health.target.owner

    @property
    def is_healthy(self) -> bool:
        """All pods are ready and of the newest version, or the job has succeeded."""
        return self.health.state == "complete"


def list_workloads(
    live_objects: snapshot.Snapshot,
    *,
    app_name: str,
    stack: str,
    now: datetime.datetime,
    addresses: Mapping[str, tuple[str, ...]] = types.MappingProxyType({}),
    sources: Mapping[str, str] = types.MappingProxyType({"": hints.DEFAULT_FILE}),
) -> list[WorkloadStatus]:
    """The workloads with the labels of this application and stack: services, stores, jobs, each by name.

    ``addresses``: of the published workloads, see ``rollout.addresses``. ``sources``: see ``target.Target``.
    """
    index = evidence.ObjectIndex(live_objects)
    return [
        _build_status(kind, manifest, index, now, addresses=addresses.get(get_owner(manifest), ()), sources=sources)
        for kind, manifest in _find_workloads(live_objects, app_name, stack)
    ]


def list_owners(live_objects: snapshot.Snapshot, *, app_name: str, stack: str) -> list[str]:
    """The names of the application's services, stores and jobs that exist."""
    return sorted({get_owner(manifest) for _, manifest in _find_workloads(live_objects, app_name, stack)})


def _find_workloads(
    live_objects: snapshot.Snapshot, app_name: str, stack: str
) -> list[tuple[target.Kind, snapshot.Object]]:
    """One per owner: of a job that is being replaced, the newer."""
    workloads: list[tuple[target.Kind, snapshot.Object]] = []
    for kind in target.WORKLOAD_TYPES:
        manifests = [
            manifest
            for manifest in live_objects.list_objects(kind)
            if belongs_to_application(manifest, app_name, stack) and not runs.is_started_by_cron_job(manifest)
        ]
        newest = {get_owner(manifest): manifest for manifest in sorted(manifests, key=unstructured.get_creation_time)}
        workloads.extend((kind, newest[name]) for name in sorted(newest))
    return workloads


def belongs_to_application(manifest: snapshot.Object, app_name: str, stack: str) -> bool:
    """Whether an object has the labels of this application and stack."""
    labels = tuple(unstructured.get_label(manifest, key) for key in (names.PART_OF_LABEL, names.STACK_LABEL))
    return labels == (names.shorten_name(app_name), names.shorten_name(stack))


def find_unhealthy(workloads: Iterable[WorkloadStatus]) -> list[WorkloadStatus]:
    """The workloads that failed; if none failed, those that are still progressing."""
    workloads = list(workloads)
    failed = [workload for workload in workloads if workload.health.state == "failed"]
    return failed or [workload for workload in workloads if workload.health.state == "progressing"]


def summarize_causes(workloads: Iterable[WorkloadStatus]) -> str | None:
    """All problems in one line: ``web: image ... does not exist; api: ...``. None if there is no finding."""
    summary = _join_causes(
        (workload.name, workload.health.findings[0].message) for workload in _find_failing(workloads)
    )
    return summary and redaction.redact_passwords(summary)


def summarize_cause_ids(workloads: Iterable[WorkloadStatus]) -> str | None:
    """The same for a file that is committed, ``web: crash-loop``: a message may have the last words of a program."""
    return _join_causes((workload.name, workload.health.findings[0].cause) for workload in _find_failing(workloads))


def _find_failing(workloads: Iterable[WorkloadStatus]) -> list[WorkloadStatus]:
    return [workload for workload in find_unhealthy(workloads) if workload.health.findings]


def _join_causes(causes: Iterable[tuple[str, str]]) -> str | None:
    texts = [f"{name}: {cause}" for name, cause in causes]
    more = f" and {len(texts) - MAX_NAMED_WORKLOADS} more" if len(texts) > MAX_NAMED_WORKLOADS else ""
    return diagnosis.escape_text("; ".join(texts[:MAX_NAMED_WORKLOADS]) + more) if texts else None


_START_WARNINGS = re.compile(
    r"Failed(?:Mount|MapVolume|AttachVolume|CreatePodSandBox): |NetworkNotReady: |Failed: |BackOff: .*pull"
    r"|Unhealthy: Startup probe"
)
"""Failures before a pod is ready for the first time: its volumes, its network, its images, its startup probe."""

_READY_FIELDS = {"Job": "succeeded", "DaemonSet": "numberReady"}


def _build_status(
    kind: target.Kind,
    manifest: snapshot.Object,
    index: evidence.ObjectIndex,
    now: datetime.datetime,
    *,
    addresses: tuple[str, ...],
    sources: Mapping[str, str],
) -> WorkloadStatus:
    owned = owned_pods.select_pods(kind, manifest, index)
    spec = manifest["spec"]
    rollout_target = target.Target(
        kind=kind,
        name=unstructured.get_name(manifest),
        owner=get_owner(manifest),
        deadline=spec.get("progressDeadlineSeconds") or spec.get("activeDeadlineSeconds") or DEFAULT_DEADLINE,
        sources=sources,
    )
    # A version that is deployed again has its old ReplicaSet, so the age of its pods comes first.
    newest = [pod for pod in owned.newest if not unstructured.is_terminating(pod)]
    since = min(map(unstructured.get_creation_time, newest or [owned.newest_owner or manifest]))
    status = unstructured.get_mapping(manifest, "status")
    return WorkloadStatus(
        kind=target.WORKLOAD_TYPES[kind],
        ready=unstructured.get_count(status, _READY_FIELDS.get(kind, "readyReplicas")),
        image=(kinds.find_pod_template(manifest, kind) or {})["spec"]["containers"][0]["image"],
        since=since,
        restarts=sum(_count_restarts(pod) for pod in owned.pods if not unstructured.is_terminating(pod)),
        last_warning=_find_last_warning(manifest, owned, index, now),
        scale=_parse_scale(unstructured.get_annotation(manifest, names.SCALE_ANNOTATION)),
        addresses=addresses,
        external=parse_external_addresses(unstructured.get_annotation(manifest, names.EXTERNAL_ANNOTATION)),
        disks=tuple(
            f"the disk {claim.name} has {claim.size}, declared {claim.declared}"
            for claim in _list_claims(manifest, index)
            if claim.is_smaller or claim.is_larger
        ),
        job_runs=runs.summarize_runs(manifest, owned.newest_owner) if kind == "CronJob" else None,
        health=health.assess_pods(
            rollout_target, manifest, owned, index, elapsed=(now - since).total_seconds(), started=since
        ),
    )


def _list_claims(manifest: snapshot.Object, index: evidence.ObjectIndex) -> list[claims.Claim]:
    """The claims of a StatefulSet's pods; empty for other kinds."""
    sizes = claims.read_sizes(unstructured.get_list(manifest, "spec", "volumeClaimTemplates"))
    replicas = manifest["spec"].get("replicas", 1) if sizes else 0
    live_claims = index.live_objects.list_objects("PersistentVolumeClaim")
    return list(claims.match_claims(unstructured.get_name(manifest), sizes, replicas, live_claims))


def _find_last_warning(
    manifest: snapshot.Object, owned: owned_pods.OwnedPods, index: evidence.ObjectIndex, now: datetime.datetime
) -> evidence.Event | None:
    """The newest warning, in one line, about the workload or an object that it owns and that still exists.

    A warning that the present state of its object contradicts does not count.
    """
    own_claims = [claim.manifest for claim in _list_claims(manifest, index)]
    events = index.list_events(manifest, *owned.owners, *owned.pods, *own_claims)
    scheduled, ready = (
        {unstructured.get_name(pod) for pod in owned.pods if unstructured.is_condition_true(pod, condition)}
        for condition in ("PodScheduled", "Ready")
    )
    bound = {
        unstructured.get_name(claim)
        for claim in own_claims
        if unstructured.get_mapping(claim, "status").get("phase") == "Bound"
    }
    recent = [
        event
        for event in events
        if event.is_warning
        and now - event.time <= EVENT_WINDOW
        and not (event.name in scheduled | ready and event.reason == "FailedScheduling")
        and not (event.name in ready and _START_WARNINGS.match(f"{event.reason}: {event.message}"))
        and not (event.name in bound and event.reason == "ProvisioningFailed")
    ]
    return dataclasses.replace(recent[-1], message=" ".join(recent[-1].message.split())) if recent else None


def _parse_scale(annotation: str | None) -> tuple[int, int] | None:
    """From ``2-10``. Any other text was not written by Seaway."""
    match = re.fullmatch(r"(\d{1,9})-(\d{1,9})", annotation or "")
    return (int(match[1]), int(match[2])) if match else None


def parse_external_addresses(annotation: str | None) -> dict[str, str]:
    """From ``db=db.example.com:5432``, separated by spaces."""
    pairs = (text.partition("=") for text in (annotation or "").split())
    return {name: diagnosis.escape_text(address) for name, _, address in pairs}


def shorten_image(image: str) -> str:
    """An image for a table: ``example.com/shop/web@sha256:d547149797bac…`` becomes ``shop/web@d547149797ba``."""
    name, _, digest = image.partition("@")
    host, slash, path = name.partition("/")
    if slash and ("." in host or ":" in host or host == "localhost"):
        name = path
    name = name.removeprefix("library/")
    return f"{name}@{digest.rpartition(':')[2][:12]}" if digest else name


def format_age(seconds: float) -> str:
    """As kubectl formats it, in one unit: ``42s``, ``90m``, ``5h``, ``12d``."""
    for unit, length, limit in (("s", 1, 120), ("m", 60, 120), ("h", 3600, 48)):
        if seconds < limit * length:
            return f"{max(0, int(seconds)) // length}{unit}"
    return f"{int(seconds) // 86400}d"


def get_owner(manifest: snapshot.Object) -> str:
    """Name of the service, store or job that an object belongs to."""
    return unstructured.get_label(manifest, NAME_LABEL) or unstructured.get_name(manifest)


def _count_restarts(pod: snapshot.Object) -> int:
    return sum(unstructured.get_count(status, "restartCount") for status in unstructured.list_container_statuses(pod))
