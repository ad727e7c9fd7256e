"""What the workloads of one application are doing now: from a snapshot and its judgement to rows. Pure: no clock."""

import dataclasses
import datetime
import re
from collections.abc import Iterable, Mapping
from typing import Literal

from seaway.kubernetes.api import kinds
from seaway.kubernetes.cluster import snapshot
from seaway.manifests import names
from seaway.rollout import evidence, health, runs, target, workload_health
from seaway.syntax import diagnosis

EVENT_WINDOW = datetime.timedelta(hours=1)
"""How long a warning counts: Kubernetes itself keeps events for an hour."""

DEFAULT_DEADLINE = 300
"""Seconds, for a workload whose object names no deadline of its own."""

MAX_NAMED_WORKLOADS = 3
"""Workloads that are named where one line tells what is wrong."""

WorkloadKind = Literal["service", "store", "job"]
WORKLOAD_KINDS: Mapping[target.Kind, WorkloadKind] = {
    "Deployment": "service",
    "DaemonSet": "service",
    "StatefulSet": "store",
    "Job": "job",
    "CronJob": "job",
}
"""The application's words for the kinds of Kubernetes, in the order of the table."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WarningEvent:
    """A warning that Kubernetes recorded about a workload or something of its."""

    reason: str
    message: str
    """In one line."""
    involved_object: str
    """The object, as ``Pod/web-5d9c-x2x4z``."""
    time: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadStatus:
    """One service, store or job."""

    kind: WorkloadKind
    ready: int
    """Pods that are ready, of whatever version: what serves now. Of a job, pods that succeeded."""
    image: str
    """Of the newest version, in full."""
    since: datetime.datetime
    """When the newest version began: its oldest pod, or where it has none the object that makes its pods."""
    restarts: int
    """Of all containers of all pods that are there."""
    last_warning: WarningEvent | None
    """The newest warning of the last hour."""
    scale: tuple[int, int] | None = None
    """The fewest and the most pods, where an autoscaler chooses; None: there are as many as are declared."""
    urls: tuple[str, ...] = ()
    """Where a person finds it, if an Ingress leads to it."""
    job_runs: runs.JobRuns | None = None
    """Of a job that runs by the clock, or when somebody starts it; such a one is well unless its newest run failed."""
    health: workload_health.WorkloadHealth

    @property
    def name(self) -> str:
        """In the application: the name that a person knows."""
        return self.health.target.owner

    @property
    def is_healthy(self) -> bool:
        """Every pod is there, of the newest version, and ready; or the job has succeeded."""
        return self.health.state == "complete"


def list_workloads(
    live_objects: snapshot.Snapshot, *, app_name: str, stack: str, now: datetime.datetime
) -> list[WorkloadStatus]:
    """The workloads with the labels of this application in this environment: services, stores, jobs, each by name."""
    return [
        _build_status(_Workload(live_objects, kind, each), now)
        for kind, each in _find_workloads(live_objects, app_name, stack)
    ]


def list_owners(live_objects: snapshot.Snapshot, *, app_name: str, stack: str) -> list[str]:
    """The names of the application's services, stores and jobs that are there."""
    return sorted({get_owner(each) for _, each in _find_workloads(live_objects, app_name, stack)})


def _find_workloads(
    live_objects: snapshot.Snapshot, app_name: str, stack: str
) -> list[tuple[target.Kind, snapshot.Object]]:
    """One an owner: of a job that is being replaced, the newer."""
    found: list[tuple[target.Kind, snapshot.Object]] = []
    kind: target.Kind
    for kind in WORKLOAD_KINDS:
        ours = [
            each
            for each in live_objects.list_objects(kind)
            if belongs_to_application(each, app_name, stack) and not runs.is_started_by_cron_job(each)
        ]
        newest = {get_owner(each): each for each in sorted(ours, key=_get_creation_time)}
        found.extend((kind, newest[name]) for name in sorted(newest))
    return found


def belongs_to_application(manifest: snapshot.Object, app_name: str, stack: str) -> bool:
    """Whether an object carries the labels of this application in this environment."""
    part_of, where = (
        evidence.get_label(manifest, "app.kubernetes.io/part-of"),
        evidence.get_label(manifest, names.STACK_LABEL),
    )
    return (part_of, where) == (names.shorten_name(app_name), names.shorten_name(stack))


def find_unhealthy(found: Iterable[WorkloadStatus]) -> list[WorkloadStatus]:
    """Those that keep all from being well: what failed, or where nothing has, what has not come so far."""
    listed = list(found)
    failed = [row for row in listed if row.health.state == "failed"]
    return failed or [row for row in listed if row.health.state == "progressing"]


def summarize_causes(found: Iterable[WorkloadStatus]) -> str | None:
    """What is wrong, in one line: ``web: image ... does not exist; api: ...``. None: nobody can tell."""
    told = [f"{row.name}: {row.health.findings[0].line}" for row in find_unhealthy(found) if row.health.findings]
    more = f" and {len(told) - MAX_NAMED_WORKLOADS} more" if len(told) > MAX_NAMED_WORKLOADS else ""
    return diagnosis.escape_text("; ".join(told[:MAX_NAMED_WORKLOADS]) + more) if told else None


_INTERMEDIATE_KINDS: Mapping[target.Kind, str] = {"Deployment": "ReplicaSet", "CronJob": "Job"}
"""What stands between a workload and its pods."""

_READY_FIELDS: Mapping[target.Kind, str] = {"Job": "succeeded", "DaemonSet": "numberReady"}


class _Workload:
    """A workload and what was made for it."""

    def __init__(self, seen: snapshot.Snapshot, kind: target.Kind, each: snapshot.Object) -> None:
        self.live_objects = seen
        self.kind: target.Kind = kind
        self.manifest = each
        found = evidence.ObjectIndex(seen)
        # What owns the pods: a Deployment's ReplicaSets, a CronJob's Jobs, or the workload itself.
        between = _INTERMEDIATE_KINDS.get(kind)
        self.pod_owners = found.find_owned(between, each) if between else [each]
        self.newest_owner = health.find_newest_replica_set(each, found) if kind == "Deployment" else each
        if kind == "CronJob":
            self.newest_owner = runs.find_newest(self.pod_owners)
        # Those on their way out are no longer part of the picture.
        self.pods = [
            pod
            for maker in self.pod_owners
            for pod in found.find_owned("Pod", maker)
            if not evidence.is_terminating(pod)
        ]
        self.newest_pods = found.find_owned("Pod", self.newest_owner) if self.newest_owner else []
        if kind == "StatefulSet":
            revision = evidence.get_mapping(each, "status").get("updateRevision")
            self.newest_pods = [
                pod for pod in self.pods if evidence.get_label(pod, "controller-revision-hash") == revision
            ]

    @property
    def since(self) -> datetime.datetime:
        """A version that is deployed once more has its old ReplicaSet: so the pods are asked first."""
        return min(map(_get_creation_time, self.newest_pods or [self.newest_owner or self.manifest]))

    def find_last_warning(self, now: datetime.datetime) -> WarningEvent | None:
        """The newest warning about the workload, or about what was made for it, even if that is gone by now."""
        mine = re.escape(evidence.get_name(self.manifest))
        patterns = [f"{self.kind}/{mine}"]
        for maker in map(re.escape, map(evidence.get_name, self.pod_owners)):
            patterns += [
                f"{_INTERMEDIATE_KINDS.get(self.kind, self.kind)}/{maker}",
                rf"Pod/{maker}-\d+" if self.kind == "StatefulSet" else rf"Pod/{maker}-\w+",
            ]
        for claim in self.manifest["spec"].get("volumeClaimTemplates") or ():
            patterns.append(rf"PersistentVolumeClaim/{re.escape(evidence.get_name(claim))}-{mine}-\d+")
        about = re.compile("|".join(patterns))
        found = [
            WarningEvent(
                reason=event.get("reason") or "",
                message=" ".join((event.get("message") or "").split()),
                involved_object=_get_involved_object(event),
                time=evidence.get_event_time(event),
            )
            for event in self.live_objects.list_objects("Event")
            if event.get("type") == "Warning" and about.fullmatch(_get_involved_object(event))
        ]
        return max((one for one in found if now - one.time <= EVENT_WINDOW), key=lambda one: one.time, default=None)


def _build_status(workload: _Workload, now: datetime.datetime) -> WorkloadStatus:
    each, since = workload.manifest, workload.since
    spec = each["spec"]
    one = target.Target(
        kind=workload.kind,
        name=evidence.get_name(each),
        owner=get_owner(each),
        deadline=spec.get("progressDeadlineSeconds") or spec.get("activeDeadlineSeconds") or DEFAULT_DEADLINE,
    )
    status = evidence.get_mapping(each, "status")
    return WorkloadStatus(
        kind=WORKLOAD_KINDS[workload.kind],
        ready=evidence.get_count(status, _READY_FIELDS.get(workload.kind, "readyReplicas")),
        image=(kinds.find_pod_template(each, workload.kind) or {})["spec"]["containers"][0]["image"],
        since=since,
        restarts=sum(map(_count_restarts, workload.pods)),
        last_warning=workload.find_last_warning(now),
        scale=_parse_scale(evidence.get_annotation(each, names.SCALE_ANNOTATION)),
        urls=tuple((evidence.get_annotation(each, names.URLS_ANNOTATION) or "").split()),
        job_runs=runs.summarize_runs(each, workload.pod_owners) if workload.kind == "CronJob" else None,
        health=health.assess_workload(one, workload.live_objects, elapsed=(now - since).total_seconds(), started=since),
    )


def _parse_scale(annotation: str | None) -> tuple[int, int] | None:
    """As ``2-10`` says it; what somebody else wrote there is no scale."""
    found = re.fullmatch(r"(\d+)-(\d+)", annotation or "")
    return (int(found[1]), int(found[2])) if found else None


def shorten_image(image: str) -> str:
    """An image for a table: ``registry.example.com/shop/web@sha256:d547149797bac…`` is ``shop/web@d547149797ba``."""
    name, _, digest = image.partition("@")
    host, slash, path = name.partition("/")
    if slash and ("." in host or ":" in host or host == "localhost"):
        name = path
    name = name.removeprefix("library/")
    return f"{name}@{digest.rpartition(':')[2][:12]}" if digest else name


def format_age(seconds: float) -> str:
    """As kubectl shows it, in one unit: ``42s``, ``90m``, ``5h``, ``12d``."""
    for unit, length, most in (("s", 1, 120), ("m", 60, 120), ("h", 3600, 48)):
        if seconds < most * length:
            return f"{max(0, int(seconds)) // length}{unit}"
    return f"{int(seconds) // 86400}d"


def get_owner(manifest: snapshot.Object) -> str:
    """The service, store or job that an object belongs to."""
    return evidence.get_label(manifest, "app.kubernetes.io/name") or evidence.get_name(manifest)


def _count_restarts(pod: snapshot.Object) -> int:
    return sum(evidence.get_count(each, "restartCount") for each in evidence.list_container_statuses(pod))


def _get_creation_time(manifest: snapshot.Object) -> datetime.datetime:
    return evidence.parse_time(manifest["metadata"]["creationTimestamp"])


def _get_involved_object(event: snapshot.Object) -> str:
    thing = event["involvedObject"]
    return f"{thing.get('kind')}/{thing.get('name')}"
