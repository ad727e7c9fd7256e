"""What a change of a job, of a schedule or of a store's policy does, from the objects that the manifests make."""

import dataclasses
from typing import Any

from seaway.manifests import preview
from seaway.model import application, settings
from seaway.project import environments
from seaway.review import change, impact

STACK = settings.Settings(stack="test", context="test")
REPORT = application.Job("report", image="example.com/report:1", schedule="0 3 * * *")
DB = application.Store("db", image="example.com/db:1", port=1, volume=application.Volume(path="/data", size="1Gi"))


def objects(kind: str, *jobs: application.Job, stores: tuple[application.Store, ...] = ()) -> dict[str, Any] | None:
    app = application.Application("shop", jobs=jobs, stores=stores)
    return next(
        (
            one.manifest
            for one in preview.render_objects(environments.Environment.create(app, STACK))
            if one.kind == kind
        ),
        None,
    )


def told(kind: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> tuple[str, str]:
    replaced = impact.find_immutable_changes(old, new) if old and new else None
    level, reason = impact.assess_change(
        change.ObjectDiff(kind=kind, name="x", old=old, new=new, replace_paths=replaced)
    )
    return level.label, reason


def scheduled(**changes: Any) -> tuple[str, str]:
    return told("CronJob", objects("CronJob", REPORT), objects("CronJob", dataclasses.replace(REPORT, **changes)))


def test_another_time() -> None:
    assert scheduled(schedule="0 4 * * *") == ("none", "runs at 0 4 * * * Etc/UTC instead of 0 3 * * * Etc/UTC")
    assert scheduled(time_zone="Europe/Berlin")[1] == "runs at 0 3 * * * Europe/Berlin instead of 0 3 * * * Etc/UTC"


def test_another_program() -> None:
    assert scheduled(image="example.com/report:2") == ("none", "its next run is the new one")


def test_from_the_clock_to_the_hand_and_back() -> None:
    assert scheduled(schedule=None, run="on-demand") == ("none", "runs by hand only")
    by_hand = dataclasses.replace(REPORT, schedule=None, run="on-demand")
    assert told("CronJob", objects("CronJob", by_hand), objects("CronJob", REPORT)) == (
        "none",
        "runs at 0 3 * * * Etc/UTC",
    )


def test_no_more() -> None:
    old = objects("CronJob", REPORT)
    assert told("CronJob", old, None) == ("none", "started no more, and what of it runs is ended")


def test_when_a_job_of_a_release_runs() -> None:
    migrate = application.Job("migrate", image="example.com/m:1")
    late = dataclasses.replace(migrate, run="after-rollout")
    assert told("Job", None, objects("Job", migrate)) == ("none", "runs once, before the services change")
    assert told("Job", None, objects("Job", late)) == ("none", "runs once, when all services are healthy")


def test_another_disk_makes_a_store_anew_and_keeps_the_first() -> None:
    more = dataclasses.replace(DB, volumes={"wal": application.Volume(path="/wal", size="1Gi")})
    level, reason = told("StatefulSet", objects("StatefulSet", stores=(DB,)), objects("StatefulSet", stores=(more,)))
    again = "deleted first, then made anew (spec.volumeClaimTemplates cannot be changed)"
    assert (level, reason) == ("outage", f"{again}: no pod answers in between; data-x-0 is kept as it is")


def test_disks_that_go_with_their_store() -> None:
    kept, goes = (objects("StatefulSet", stores=(dataclasses.replace(DB, retain=keep),)) for keep in (True, False))
    assert told("StatefulSet", kept, goes) == ("none", "from now on its volumes go with it")
    assert told("StatefulSet", goes, kept) == ("none", "from now on its volumes stay when it goes")
    assert told("StatefulSet", goes, None)[0] == "data loss"
