"""The status of a stack at one moment, and its JSON."""

import dataclasses
import datetime
from collections.abc import Sequence
from typing import Any

from seaway.cli import command, stack
from seaway.release import record_store
from seaway.rollout import causes, status


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """A stack at one moment."""

    target: stack.TargetStack
    release: record_store.CurrentRelease | None
    """The last release that was deployed completely; None before the first success."""
    rows: Sequence[status.WorkloadStatus]
    now: datetime.datetime

    @property
    def healthy(self) -> bool:
        """Whether there are workloads and all are complete."""
        return bool(self.rows) and all(row.is_healthy for row in self.rows)


def to_json(report: StatusReport) -> dict[str, Any]:
    """The output of ``seaway status --json``; ``seaway.cli.status`` documents the fields."""
    release = report.release
    return target_to_json(report.target) | {
        "release": release and {"id": release.id, "since": release.since},
        "healthy": report.healthy,
        "workloads": list(map(_workload_to_json, report.rows)),
    }


def target_to_json(target: stack.TargetStack) -> dict[str, Any]:
    """The fields at the beginning of every JSON about a stack in a cluster."""
    return {
        "application": target.app,
        "stack": target.name,
        "context": target.context,
        "namespace": target.namespace,
    }


def _workload_to_json(row: status.WorkloadStatus) -> dict[str, Any]:
    health, event, runs = row.health, row.last_warning, row.job_runs
    return {
        "name": row.name,
        "kind": row.kind,
        "object": {"kind": health.target.kind, "name": health.target.name},
        "state": health.state,
        "ready": row.ready,
        "desired": health.desired,
        "scale": row.scale and {"min": row.scale[0], "max": row.scale[1]},
        "updated": health.updated,
        "runs": runs and dataclasses.asdict(runs) | {"last": runs.last and command.format_time(runs.last)},
        "urls": list(row.urls),
        "image": row.image,
        "since": command.format_time(row.since),
        "restarts": row.restarts,
        "event": event
        and {
            "time": command.format_time(event.time),
            "object": event.involved_object,
            "reason": event.reason,
            "message": event.message,
        },
        "findings": [
            dataclasses.asdict(finding) | {"runbook": causes.format_runbook_link(finding.cause)}
            for finding in health.findings
        ],
    }
