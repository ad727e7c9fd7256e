"""The rows of `seaway status`: whose they are, what they count, which warning is the last."""

import pytest

from seaway.rollout import status
from tests.unit.rollout import made


def rows(objects: dict[str, list[made.Object]]) -> dict[str, status.WorkloadStatus]:
    found = status.list_workloads(made.seen(**objects), app_name="shop", stack="dev", now=made.NOW)
    return {row.name: row for row in found}


def test_a_healthy_application() -> None:
    found = rows(made.healthy())
    assert [(row.name, row.kind) for row in found.values()] == [("web", "service"), ("db", "store"), ("migrate", "job")]
    assert all(row.is_healthy for row in found.values())
    web = found["web"]
    assert (web.ready, web.health.desired, web.health.updated, web.restarts) == (2, 2, 2, 0)
    assert web.image == made.IMAGE
    assert web.last_warning is None
    assert (found["db"].ready, found["migrate"].ready) == (1, 1)


def test_only_what_carries_our_labels() -> None:
    objects = made.healthy()
    for label, value in (("app.kubernetes.io/part-of", "bakery"), ("seaway/stack", "prod")):
        foreign = made.deployment(f"foreign-{value}")
        foreign["metadata"]["labels"][label] = value
        objects["Deployment"].append(foreign)
    bare = made.deployment("bare")
    del bare["metadata"]["labels"]
    objects["Deployment"].append(bare)
    assert list(rows(objects)) == ["web", "db", "migrate"]


def test_the_name_is_the_one_in_the_application() -> None:
    objects = made.healthy()
    objects["StatefulSet"][0]["metadata"]["labels"]["app.kubernetes.io/name"] = "database"
    assert "database" in rows(objects)


def test_of_a_job_that_is_replaced_the_newer_counts() -> None:
    objects = made.healthy()
    objects["Job"].append(made.job("migrate-ffff", made=made.ago(minutes=1), done=False))
    found = rows(objects)
    assert [name for name in found if name == "migrate"] == ["migrate"]
    assert found["migrate"].health.target.name == "migrate-ffff"
    assert not found["migrate"].is_healthy
    assert found["migrate"].ready == 0


def test_ready_counts_what_serves_and_updated_the_newest_version() -> None:
    """A rollout that cannot come up: the old pods serve, and the row says both."""
    objects = made.healthy()
    objects["Deployment"] = [made.deployment(ready=2, updated=1, revision=2)]
    objects["Deployment"][0]["status"]["replicas"] = 3
    objects["ReplicaSet"].append(made.replica_set("web-77ff", of="web", made=made.ago(minutes=4), revision=2))
    new = made.pod("web-77ff-zzzzz", by="web-77ff", made=made.ago(minutes=4), ready=False)
    objects["Pod"].append(new)
    web = rows(objects)["web"]
    assert (web.ready, web.health.desired, web.health.updated, web.health.ready) == (2, 2, 1, 0)
    assert web.health.state == "progressing"
    assert status.format_age((made.NOW - web.since).total_seconds()) == "4m"
    # The deadline counts from when the version began.
    new["metadata"]["creationTimestamp"] = made.ago(minutes=6)
    assert rows(objects)["web"].health.state == "failed"


def test_the_age_is_that_of_the_oldest_pod_of_the_newest_version() -> None:
    """A version that is deployed once more has its old ReplicaSet: that one's age says nothing."""
    assert rows(made.healthy())["web"].since == made.NOW.replace(hour=10)
    alone = made.healthy()
    alone["Pod"] = []
    assert status.format_age((made.NOW - rows(alone)["web"].since).total_seconds()) == "3d"
    alone["ReplicaSet"] = []
    assert status.format_age((made.NOW - rows(alone)["web"].since).total_seconds()) == "9d"


def test_a_stores_age_is_that_of_the_pod_with_the_newest_revision() -> None:
    objects = made.healthy()
    objects["Pod"].append(
        made.pod("db-1", by="db", owner="db", made=made.ago(days=8), labels={"controller-revision-hash": "one"})
    )
    assert status.format_age((made.NOW - rows(objects)["db"].since).total_seconds()) == "2d"


def test_restarts_are_summed_over_pods_and_containers_but_not_of_pods_that_go() -> None:
    objects = made.healthy()
    objects["Pod"] += [
        made.pod(
            "web-5d9c-ddddd",
            by="web-5d9c",
            containers=[made.container("web", run="r", restarts=2), made.container("proxy", run="r", restarts=1)],
            init=[made.container("init", run="r", restarts=4, code=0)],
        ),
        made.pod(
            "web-5d9c-eeeee",
            by="web-5d9c",
            containers=[made.container("web", run="r", restarts=50)],
            deletionTimestamp=made.ago(seconds=1),
        ),
    ]
    assert rows(objects)["web"].restarts == 7


@pytest.mark.parametrize(
    "about",
    ["Deployment/web", "ReplicaSet/web-5d9c", "Pod/web-5d9c-aaaaa", "Pod/web-5d9c-gone1"],
)
def test_the_last_warning_about_it_or_what_was_made_for_it(about: str) -> None:
    objects = made.healthy()
    objects["Event"] = [
        made.event(about, "Older", "no", seen=made.ago(minutes=10)),
        made.event(about, "Unhealthy", "Readiness probe\n  failed", seen=made.ago(minutes=5)),
        made.event(about, "Scheduled", "assigned", seen=made.ago(minutes=1), type="Normal"),
        made.event("Pod/web-backup-5d9c-aaaaa", "Foreign", "no", seen=made.ago(minutes=1)),
        made.event("Pod/webhook", "Foreign", "no", seen=made.ago(minutes=1)),
    ]
    warned = rows(objects)["web"].last_warning
    assert warned
    assert (warned.reason, warned.message, warned.involved_object) == ("Unhealthy", "Readiness probe failed", about)
    assert warned.time == made.NOW.replace(hour=11, minute=55)


def test_a_stores_warning_may_be_about_its_claim() -> None:
    objects = made.healthy()
    objects["Event"] = [
        made.event("PersistentVolumeClaim/data-db-0", "ProvisioningFailed", "no disk", seen=made.ago(minutes=1)),
        made.event("PersistentVolumeClaim/data-other-0", "Foreign", "no", seen=made.ago(seconds=1)),
        made.event("Pod/db-copy", "Foreign", "no", seen=made.ago(seconds=1)),
    ]
    warned = rows(objects)["db"].last_warning
    assert warned
    assert warned.reason == "ProvisioningFailed"


def test_a_warning_of_long_ago_is_none() -> None:
    objects = made.healthy()
    objects["Event"] = [made.event("Deployment/web", "Old", "no", seen=made.ago(minutes=61))]
    assert rows(objects)["web"].last_warning is None


def test_what_is_wrong_comes_from_the_judgement() -> None:
    objects = made.healthy()
    waiting = {"waiting": {"reason": "InvalidImageName", "message": "couldn't parse image name"}}
    broken = made.pod(
        "web-5d9c-aaaaa", by="web-5d9c", ready=False, containers=[made.container("web") | {"state": waiting}]
    )
    objects["Deployment"] = [made.deployment(ready=1)]
    objects["Pod"][0] = broken
    web = rows(objects)["web"]
    assert not web.is_healthy
    assert [finding.cause for finding in web.health.findings] == ["image-name-invalid"]


@pytest.mark.parametrize(
    ("image", "short"),
    [
        (made.IMAGE, "shop/web@d547149797ba"),
        ("docker.io/library/nginx:1.27", "nginx:1.27"),
        ("nginx", "nginx"),
        ("registry.localhost:5000/base/postgres:15-bookworm", "base/postgres:15-bookworm"),
        ("localhost/web:1", "web:1"),
        ("team/web:1", "team/web:1"),
        ("ghcr.io/team/web:1@sha256:" + "ab" * 32, "team/web:1@abababababab"),
    ],
)
def test_images_are_short(image: str, short: str) -> None:
    assert status.shorten_image(image) == short


@pytest.mark.parametrize(
    ("seconds", "age"),
    [
        (-3, "0s"),
        (0.7, "0s"),
        (119, "119s"),
        (120, "2m"),
        (7199, "119m"),
        (7200, "2h"),
        (172799, "47h"),
        (172800, "2d"),
    ],
)
def test_ages_are_in_one_unit(seconds: float, age: str) -> None:
    assert status.format_age(seconds) == age
