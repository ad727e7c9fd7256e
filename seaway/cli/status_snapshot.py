"""What ``seaway status`` knows at one moment, and its JSON. Pure."""

import dataclasses
import datetime
from collections.abc import Sequence
from typing import Any

from seaway.cli import stack
from seaway.release import record_store
from seaway.rollout import runs, status, workload_health


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """One environment at one moment."""

    target: stack.TargetStack
    release: record_store.CurrentRelease | None
    """What was deployed last as a whole; none before the first success."""
    rows: Sequence[status.WorkloadStatus]
    now: datetime.datetime

    @property
    def healthy(self) -> bool:
        """There is something, and all of it is complete."""
        return bool(self.rows) and all(row.is_healthy for row in self.rows)


def to_json(report: StatusReport) -> dict[str, Any]:
    """As ``seaway status --json`` prints it; the fields are described in ``seaway.cli.status``."""
    release = report.release
    return target_to_json(report.target) | {
        "release": release and {"id": release.id, "since": release.since},
        "healthy": report.healthy,
        "workloads": list(map(_workload_to_json, report.rows)),
    }


def target_to_json(target: stack.TargetStack) -> dict[str, Any]:
    """What every answer begins with."""
    return {
        "application": target.app,
        "stack": target.name,
        "context": target.context,
        "namespace": target.namespace,
    }


def _workload_to_json(row: status.WorkloadStatus) -> dict[str, Any]:
    found, event = row.health, row.last_warning
    return {
        "name": row.name,
        "kind": row.kind,
        "object": {"kind": found.target.kind, "name": found.target.name},
        "state": found.state,
        "ready": row.ready,
        "desired": found.desired,
        "scale": row.scale and {"min": row.scale[0], "max": row.scale[1]},
        "updated": found.updated,
        "runs": row.job_runs and _runs_to_json(row.job_runs),
        "urls": list(row.urls),
        "image": row.image,
        "since": format_time(row.since),
        "restarts": row.restarts,
        "event": event
        and {
            "time": format_time(event.time),
            "object": event.involved_object,
            "reason": event.reason,
            "message": event.message,
        },
        "findings": [_finding_to_json(each) for each in found.findings],
    }


def _runs_to_json(job_runs: runs.JobRuns) -> dict[str, Any]:
    return dataclasses.asdict(job_runs) | {"last": job_runs.last and format_time(job_runs.last)}


def _finding_to_json(finding: workload_health.Finding) -> dict[str, Any]:
    return dataclasses.asdict(finding) | {"runbook": format_runbook_link(finding)}


def format_runbook_link(finding: workload_health.Finding) -> str:
    """Where the cause is written up."""
    return f"docs/runbook.md#{finding.cause}"


def format_time(time: datetime.datetime) -> str:
    """A time as Kubernetes writes it."""
    return f"{time.astimezone(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
