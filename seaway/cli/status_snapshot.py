"""What ``seaway status`` knows at one moment, and its JSON. Pure."""

import dataclasses
import datetime
from collections.abc import Sequence
from typing import Any

from seaway.cli import stack
from seaway.release import record_store
from seaway.rollout import runs, status, workload_health


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One environment at one moment."""

    where: stack.Stack
    release: record_store.Pointer | None
    """What was deployed last as a whole; none before the first success."""
    rows: Sequence[status.Row]
    now: datetime.datetime

    @property
    def healthy(self) -> bool:
        """There is something, and all of it is complete."""
        return bool(self.rows) and all(row.healthy for row in self.rows)


def plain(taken: Picture) -> dict[str, Any]:
    """As ``seaway status --json`` prints it; the fields are described in ``seaway.cli.status``."""
    release = taken.release
    return place(taken.where) | {
        "release": release and {"id": release.id, "since": release.since},
        "healthy": taken.healthy,
        "workloads": list(map(_workload, taken.rows)),
    }


def place(where: stack.Stack) -> dict[str, Any]:
    """What every answer begins with."""
    return {
        "application": where.app,
        "stack": where.name,
        "context": where.context,
        "namespace": where.namespace,
    }


def _workload(row: status.Row) -> dict[str, Any]:
    found, event = row.verdict, row.warned
    return {
        "name": row.name,
        "kind": row.kind,
        "object": {"kind": found.target.kind, "name": found.target.name},
        "state": found.state,
        "ready": row.ready,
        "desired": found.desired,
        "scale": row.scale and {"min": row.scale[0], "max": row.scale[1]},
        "updated": found.updated,
        "runs": row.ran and _runs(row.ran),
        "urls": list(row.urls),
        "image": row.image,
        "since": moment(row.since),
        "restarts": row.restarts,
        "event": event
        and {"time": moment(event.time), "object": event.about, "reason": event.reason, "message": event.message},
        "findings": [_finding(each) for each in found.findings],
    }


def _runs(found: runs.Runs) -> dict[str, Any]:
    return dataclasses.asdict(found) | {"last": found.last and moment(found.last)}


def _finding(found: workload_health.Finding) -> dict[str, Any]:
    return dataclasses.asdict(found) | {"runbook": runbook(found)}


def runbook(found: workload_health.Finding) -> str:
    """Where the cause is written up."""
    return f"docs/runbook.md#{found.cause}"


def moment(time: datetime.datetime) -> str:
    """A time as Kubernetes writes it."""
    return f"{time.astimezone(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
