"""What the workloads of one application are doing now: from a snapshot and its judgement to rows. Pure: no clock."""

import dataclasses
import datetime
import re
from collections.abc import Iterable, Mapping
from typing import Literal

from seaway.kubernetes.cluster import snapshot
from seaway.manifests import names, workloads
from seaway.rollout import evidence, health, runs, target, workload_health
from seaway.syntax import diagnosis

RECENT = datetime.timedelta(hours=1)
"""How long a warning counts: Kubernetes itself keeps events for an hour."""

DEADLINE = 300
"""Seconds, for a workload whose object names no deadline of its own."""

TOLD = 3
"""Workloads that are named where one line tells what is wrong."""

Kind = Literal["service", "store", "job"]
KINDS: Mapping[target.Kind, Kind] = {
    "Deployment": "service",
    "DaemonSet": "service",
    "StatefulSet": "store",
    "Job": "job",
    "CronJob": "job",
}
"""The application's words for the kinds of Kubernetes, in the order of the table."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """A warning that Kubernetes recorded about a workload or something of its."""

    reason: str
    message: str
    """In one line."""
    about: str
    """The object, as ``Pod/web-5d9c-x2x4z``."""
    time: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One service, store or job."""

    kind: Kind
    ready: int
    """Pods that are ready, of whatever version: what serves now. Of a job, pods that succeeded."""
    image: str
    """Of the newest version, in full."""
    since: datetime.datetime
    """When the newest version began: its oldest pod, or where it has none the object that makes its pods."""
    restarts: int
    """Of all containers of all pods that are there."""
    warned: Warned | None
    """The newest warning of the last hour."""
    scale: tuple[int, int] | None = None
    """The fewest and the most pods, where an autoscaler chooses; None: there are as many as are declared."""
    urls: tuple[str, ...] = ()
    """Where a person finds it, if an Ingress leads to it."""
    ran: runs.Runs | None = None
    """Of a job that runs by the clock, or when somebody starts it; such a one is well unless its newest run failed."""
    verdict: workload_health.Verdict

    @property
    def name(self) -> str:
        """In the application: the name that a person knows."""
        return self.verdict.target.owner

    @property
    def healthy(self) -> bool:
        """Every pod is there, of the newest version, and ready; or the job has succeeded."""
        return self.verdict.state == "complete"


def rows(seen: snapshot.Snapshot, *, application: str, stack: str, now: datetime.datetime) -> list[Row]:
    """The workloads with the labels of this application in this environment: services, stores, jobs, each by name."""
    return [_row(_Workload(seen, kind, each), now) for kind, each in _ours(seen, application, stack)]


def owners(seen: snapshot.Snapshot, *, application: str, stack: str) -> list[str]:
    """The names of the application's services, stores and jobs that are there."""
    return sorted({owner(each) for _, each in _ours(seen, application, stack)})


def _ours(seen: snapshot.Snapshot, application: str, stack: str) -> list[tuple[target.Kind, snapshot.Object]]:
    """One an owner: of a job that is being replaced, the newer."""
    found: list[tuple[target.Kind, snapshot.Object]] = []
    kind: target.Kind
    for kind in KINDS:
        ours = [each for each in seen.of(kind) if belongs(each, application, stack) and not runs.started(each)]
        newest = {owner(each): each for each in sorted(ours, key=_created)}
        found.extend((kind, newest[name]) for name in sorted(newest))
    return found


def belongs(each: snapshot.Object, application: str, stack: str) -> bool:
    """Whether an object carries the labels of this application in this environment."""
    part_of, where = evidence.label(each, "app.kubernetes.io/part-of"), evidence.label(each, names.STACK_LABEL)
    return (part_of, where) == (names.cut(application), names.cut(stack))


def unwell(found: Iterable[Row]) -> list[Row]:
    """Those that keep all from being well: what failed, or where nothing has, what has not come so far."""
    listed = list(found)
    failed = [row for row in listed if row.verdict.state == "failed"]
    return failed or [row for row in listed if row.verdict.state == "progressing"]


def causes(found: Iterable[Row]) -> str | None:
    """What is wrong, in one line: ``web: image ... does not exist; api: ...``. None: nobody can tell."""
    told = [f"{row.name}: {row.verdict.findings[0].line}" for row in unwell(found) if row.verdict.findings]
    more = f" and {len(told) - TOLD} more" if len(told) > TOLD else ""
    return diagnosis.visible("; ".join(told[:TOLD]) + more) if told else None


_BETWEEN: Mapping[target.Kind, str] = {"Deployment": "ReplicaSet", "CronJob": "Job"}
"""What stands between a workload and its pods."""

_READY: Mapping[target.Kind, str] = {"Job": "succeeded", "DaemonSet": "numberReady"}


class _Workload:
    """A workload and what was made for it."""

    def __init__(self, seen: snapshot.Snapshot, kind: target.Kind, each: snapshot.Object) -> None:
        self.seen = seen
        self.kind: target.Kind = kind
        self.object = each
        found = evidence.Seen(seen)
        # What owns the pods: a Deployment's ReplicaSets, a CronJob's Jobs, or the workload itself.
        between = _BETWEEN.get(kind)
        self.makers = found.owned(between, each) if between else [each]
        self.maker = health.newest(each, found) if kind == "Deployment" else each
        if kind == "CronJob":
            self.maker = runs.newest(self.makers)
        # Those on their way out are no longer part of the picture.
        self.pods = [pod for maker in self.makers for pod in found.owned("Pod", maker) if not evidence.going(pod)]
        self.newest = found.owned("Pod", self.maker) if self.maker else []
        if kind == "StatefulSet":
            revision = evidence.part(each, "status").get("updateRevision")
            self.newest = [pod for pod in self.pods if evidence.label(pod, "controller-revision-hash") == revision]

    @property
    def since(self) -> datetime.datetime:
        """A version that is deployed once more has its old ReplicaSet: so the pods are asked first."""
        return min(map(_created, self.newest or [self.maker or self.object]))

    def warned(self, now: datetime.datetime) -> Warned | None:
        """The newest warning about the workload, or about what was made for it, even if that is gone by now."""
        mine = re.escape(evidence.named(self.object))
        patterns = [f"{self.kind}/{mine}"]
        for maker in map(re.escape, map(evidence.named, self.makers)):
            patterns += [
                f"{_BETWEEN.get(self.kind, self.kind)}/{maker}",
                rf"Pod/{maker}-\d+" if self.kind == "StatefulSet" else rf"Pod/{maker}-\w+",
            ]
        for claim in self.object["spec"].get("volumeClaimTemplates") or ():
            patterns.append(rf"PersistentVolumeClaim/{re.escape(evidence.named(claim))}-{mine}-\d+")
        about = re.compile("|".join(patterns))
        found = [
            Warned(
                reason=event.get("reason") or "",
                message=" ".join((event.get("message") or "").split()),
                about=_about(event),
                time=evidence.time(event),
            )
            for event in self.seen.of("Event")
            if event.get("type") == "Warning" and about.fullmatch(_about(event))
        ]
        return max((one for one in found if now - one.time <= RECENT), key=lambda one: one.time, default=None)


def _row(workload: _Workload, now: datetime.datetime) -> Row:
    each, since = workload.object, workload.since
    spec = each["spec"]
    one = target.Target(
        kind=workload.kind,
        name=evidence.named(each),
        owner=owner(each),
        deadline=spec.get("progressDeadlineSeconds") or spec.get("activeDeadlineSeconds") or DEADLINE,
    )
    status = evidence.part(each, "status")
    return Row(
        kind=KINDS[workload.kind],
        ready=evidence.number(status, _READY.get(workload.kind, "readyReplicas")),
        image=(workloads.template(each) or {})["spec"]["containers"][0]["image"],
        since=since,
        restarts=sum(map(_restarts, workload.pods)),
        warned=workload.warned(now),
        scale=_scale(evidence.annotation(each, names.SCALE)),
        urls=tuple((evidence.annotation(each, names.URLS) or "").split()),
        ran=runs.of(each, workload.makers) if workload.kind == "CronJob" else None,
        verdict=health.judge(one, workload.seen, elapsed=(now - since).total_seconds(), started=since),
    )


def _scale(said: str | None) -> tuple[int, int] | None:
    """As ``2-10`` says it; what somebody else wrote there is no scale."""
    found = re.fullmatch(r"(\d+)-(\d+)", said or "")
    return (int(found[1]), int(found[2])) if found else None


def short(image: str) -> str:
    """An image for a table: ``registry.example.com/shop/web@sha256:d547149797bac…`` is ``shop/web@d547149797ba``."""
    name, _, digest = image.partition("@")
    host, slash, path = name.partition("/")
    if slash and ("." in host or ":" in host or host == "localhost"):
        name = path
    name = name.removeprefix("library/")
    return f"{name}@{digest.rpartition(':')[2][:12]}" if digest else name


def age(seconds: float) -> str:
    """As kubectl shows it, in one unit: ``42s``, ``90m``, ``5h``, ``12d``."""
    for unit, length, most in (("s", 1, 120), ("m", 60, 120), ("h", 3600, 48)):
        if seconds < most * length:
            return f"{max(0, int(seconds)) // length}{unit}"
    return f"{int(seconds) // 86400}d"


def owner(each: snapshot.Object) -> str:
    """The service, store or job that an object belongs to."""
    return evidence.label(each, "app.kubernetes.io/name") or evidence.named(each)


def _restarts(pod: snapshot.Object) -> int:
    return sum(evidence.number(each, "restartCount") for each in evidence.statuses(pod))


def _created(each: snapshot.Object) -> datetime.datetime:
    return evidence.moment(each["metadata"]["creationTimestamp"])


def _about(event: snapshot.Object) -> str:
    thing = event["involvedObject"]
    return f"{thing.get('kind')}/{thing.get('name')}"
