"""The impact of a changed job, schedule or retention, from rendered objects. The snapshot has the reasons."""

import dataclasses
from typing import Any

from seaway.manifests import preview
from seaway.model import application, settings
from seaway.project import environments
from seaway.review import change, impact

STACK = settings.Settings(stack="test", context="test")
REPORT = application.Job("report", image="example.com/report:1", schedule="0 3 * * *")
BY_HAND = dataclasses.replace(REPORT, schedule=None, run="on-demand")
DB = application.Store("db", image="example.com/db:1", port=1, volume=application.Volume(path="/data", size="1Gi"))
Workload = application.Job | application.Store


def render(kind: str, workload: Workload | None) -> dict[str, Any] | None:
    if workload is None:
        return None
    fields: Any = {"stores" if isinstance(workload, application.Store) else "jobs": (workload,)}
    environment = environments.Environment.create(application.Application("shop", **fields), STACK)
    return next(each.manifest for each in preview.render_objects(environment) if each.kind == kind)


def assess(kind: str, before: Workload | None, after: Workload | None) -> str:
    old, new = render(kind, before), render(kind, after)
    paths = impact.find_immutable_changes(old, new) if old and new else None
    level, reason = impact.assess_change(change.ObjectDiff(kind=kind, name="x", old=old, new=new, replace_paths=paths))
    return f"{level.label}: {reason}"


def test_a_changed_schedule_is_harmless(wording: Any) -> None:
    changes = (
        dataclasses.replace(REPORT, schedule="0 4 * * *"),
        dataclasses.replace(REPORT, time_zone="Europe/Berlin"),
        dataclasses.replace(REPORT, image="example.com/report:2"),
        BY_HAND,
        None,
    )
    lines = [assess("CronJob", REPORT, changed) for changed in changes]
    lines.append(assess("CronJob", BY_HAND, REPORT))
    assert all(line.startswith("none: ") for line in lines)
    assert lines == wording


def test_a_job_of_a_release_runs_at_its_time(wording: Any) -> None:
    migrate = application.Job("migrate", image="example.com/m:1")
    jobs = (migrate, dataclasses.replace(migrate, run="after-rollout"))
    assert [assess("Job", None, job) for job in jobs] == wording


def test_another_volume_replaces_a_store_and_keeps_the_first_volume(wording: Any) -> None:
    more = dataclasses.replace(DB, volumes={"wal": application.Volume(path="/wal", size="1Gi")})
    line = assess("StatefulSet", DB, more)
    assert line.startswith("outage: ")
    assert [line] == wording


def test_retention_decides_when_a_store_is_removed(wording: Any) -> None:
    retained, deleted = (dataclasses.replace(DB, retain=retain) for retain in (True, False))
    lines = [
        assess("StatefulSet", before, after)
        for before, after in ((retained, deleted), (deleted, retained), (deleted, None))
    ]
    assert [line.partition(":")[0] for line in lines] == ["none", "none", "data loss"]
    assert lines == wording
