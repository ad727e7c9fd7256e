"""The workloads of `seaway status`: selection, counts, ages, and the last warning."""

import pytest

from seaway.kubernetes.cluster import snapshot
from seaway.rollout import evidence, status
from tests.support import live_objects


def list_by_name(objects: dict[str, list[live_objects.Object]]) -> dict[str, status.WorkloadStatus]:
    live = snapshot.Snapshot(objects)
    workloads = status.list_workloads(live, app_name="shop", stack="dev", now=live_objects.NOW)
    return {workload.name: workload for workload in workloads}


def test_only_objects_with_the_labels_count() -> None:
    objects = live_objects.healthy()
    for label, value in (("app.kubernetes.io/part-of", "bakery"), ("seaway/stack", "prod")):
        foreign = live_objects.deployment(f"foreign-{value}")
        foreign["metadata"]["labels"][label] = value
        objects["Deployment"].append(foreign)
    bare = live_objects.deployment("bare")
    del bare["metadata"]["labels"]
    objects["Deployment"].append(bare)
    assert list(list_by_name(objects)) == ["web", "db", "migrate"]


def test_the_name_is_that_of_the_label() -> None:
    objects = live_objects.healthy()
    objects["StatefulSet"][0]["metadata"]["labels"]["app.kubernetes.io/name"] = "database"
    assert "database" in list_by_name(objects)


def test_the_newer_of_two_jobs_counts() -> None:
    objects = live_objects.healthy()
    objects["Job"].append(live_objects.job("migrate-ffff", made=live_objects.ago(minutes=1), done=False))
    workloads = list_by_name(objects)
    assert [name for name in workloads if name == "migrate"] == ["migrate"]
    assert workloads["migrate"].health.target.name == "migrate-ffff"
    assert not workloads["migrate"].is_healthy
    assert workloads["migrate"].ready == 0


def test_ready_counts_all_pods_and_updated_those_of_the_newest_version() -> None:
    """In a stuck rollout the old pods still serve."""
    objects = live_objects.healthy()
    objects["Deployment"] = [live_objects.deployment(ready=2, updated=1, revision=2)]
    objects["Deployment"][0]["status"]["replicas"] = 3
    objects["ReplicaSet"].append(live_objects.replica_set("web-77ff", made=live_objects.ago(minutes=4), revision=2))
    new = live_objects.pod("web-77ff-zzzzz", by="web-77ff", made=live_objects.ago(minutes=4), ready=False)
    objects["Pod"].append(new)
    web = list_by_name(objects)["web"]
    assert (web.ready, web.health.desired, web.health.updated, web.health.ready) == (2, 2, 1, 0)
    assert web.health.state == "progressing"
    assert status.format_age((live_objects.NOW - web.since).total_seconds()) == "4m"
    # The deadline starts with the version.
    new["metadata"]["creationTimestamp"] = live_objects.ago(minutes=6)
    assert list_by_name(objects)["web"].health.state == "failed"


def test_the_age_is_that_of_the_newest_versions_oldest_pod() -> None:
    """A version that is deployed again has its old ReplicaSet, whose age is not that of the version."""
    assert list_by_name(live_objects.healthy())["web"].since == live_objects.NOW.replace(hour=10)
    alone = live_objects.healthy()
    alone["Pod"] = []
    assert status.format_age((live_objects.NOW - list_by_name(alone)["web"].since).total_seconds()) == "3d"
    alone["ReplicaSet"] = []
    assert status.format_age((live_objects.NOW - list_by_name(alone)["web"].since).total_seconds()) == "9d"


def test_the_age_of_a_store_is_that_of_its_newest_revision() -> None:
    objects = live_objects.healthy()
    objects["Pod"].append(
        live_objects.pod(
            "db-1", by="db", owner="db", made=live_objects.ago(days=8), labels={"controller-revision-hash": "db-1"}
        )
    )
    assert status.format_age((live_objects.NOW - list_by_name(objects)["db"].since).total_seconds()) == "2d"


def test_restarts_are_summed_without_pods_that_are_being_deleted() -> None:
    objects = live_objects.healthy()
    objects["Pod"] += [
        live_objects.pod(
            "web-5d9c-ddddd",
            by="web-5d9c",
            containers=[
                live_objects.container("web", run="r", restarts=2),
                live_objects.container("proxy", run="r", restarts=1),
            ],
            init=[live_objects.container("init", run="r", restarts=4, code=0)],
        ),
        live_objects.pod(
            "web-5d9c-eeeee",
            by="web-5d9c",
            containers=[live_objects.container("web", run="r", restarts=50)],
            deletionTimestamp=live_objects.ago(seconds=1),
        ),
    ]
    assert list_by_name(objects)["web"].restarts == 7


@pytest.mark.parametrize("about", ["Deployment/web", "ReplicaSet/web-5d9c", "Pod/web-5d9c-aaaaa"])
def test_the_last_warning_about_a_workload_or_its_objects(about: str) -> None:
    objects = live_objects.healthy()
    objects["Event"] = [
        live_objects.event(about, "Older", "no", seen=live_objects.ago(minutes=10)),
        live_objects.event(about, "Unhealthy", "Readiness probe\n  failed", seen=live_objects.ago(minutes=5)),
        live_objects.event(about, "Scheduled", "assigned", seen=live_objects.ago(minutes=1), type="Normal"),
        live_objects.event("Pod/web-backup-5d9c-aaaaa", "Foreign", "no", seen=live_objects.ago(minutes=1)),
        live_objects.event("Pod/webhook", "Foreign", "no", seen=live_objects.ago(minutes=1)),
        live_objects.event("Pod/web-5d9c-gone1", "BackOff", "its pod is gone", seen=live_objects.ago(minutes=1)),
    ]
    warned = list_by_name(objects)["web"].last_warning
    assert warned
    shown = (warned.reason, warned.message, f"{warned.kind}/{warned.name}")
    assert shown == ("Unhealthy", "Readiness probe failed", about)
    assert warned.time == live_objects.NOW.replace(hour=11, minute=55)


def test_a_warning_about_an_earlier_pod_of_the_same_name_does_not_count() -> None:
    objects = live_objects.healthy()
    event = live_objects.event("Pod/db-0", "Unhealthy", "no", seen=live_objects.ago(minutes=1))
    event["involvedObject"]["uid"] = "of-the-earlier-pod"
    objects["Event"] = [event]
    assert list_by_name(objects)["db"].last_warning is None


@pytest.mark.parametrize(
    ("reason", "message", "is_over"),
    [
        ("Unhealthy", "Startup probe failed: refused", True),
        ("FailedScheduling", "0/1 nodes are available: 1 Insufficient cpu.", True),
        ("FailedMount", "timed out waiting for the condition", True),
        ("Failed", "Failed to pull image", True),
        ("BackOff", "Back-off pulling image", True),
        ("BackOff", "Back-off restarting failed container", False),
        ("Unhealthy", "Readiness probe failed: refused", False),
        ("Evicted", "The node was low on resource", False),
    ],
)
def test_a_warning_about_the_start_of_a_pod_that_is_ready_is_over(reason: str, message: str, *, is_over: bool) -> None:
    objects = live_objects.healthy()
    objects["Event"] = [live_objects.event("Pod/db-0", reason, message, seen=live_objects.ago(seconds=9))]
    assert (list_by_name(objects)["db"].last_warning is None) == is_over


@pytest.mark.parametrize("phase", ["Pending", "Bound"])
def test_a_warning_about_the_claim_of_a_store(phase: str) -> None:
    objects = live_objects.healthy()
    objects["PersistentVolumeClaim"] = [
        {"metadata": {"name": name, "uid": f"uid-{name}"}, "status": {"phase": phase}}
        for name in ("data-db-0", "data-other-0")
    ]
    objects["Event"] = [
        live_objects.event(
            "PersistentVolumeClaim/data-db-0", "ProvisioningFailed", "no disk", seen=live_objects.ago(minutes=1)
        ),
        live_objects.event("PersistentVolumeClaim/data-other-0", "Foreign", "no", seen=live_objects.ago(seconds=1)),
        live_objects.event("Pod/db-copy", "Foreign", "no", seen=live_objects.ago(seconds=1)),
    ]
    warned = list_by_name(objects)["db"].last_warning
    assert (warned and warned.reason) == ("ProvisioningFailed" if phase == "Pending" else None)


@pytest.mark.parametrize(
    ("requested", "capacity", "lines"),
    [
        ("2Gi", "2Gi", ()),
        ("2Gi", "10Gi", ()),
        ("2Gi", "1Gi", ("the disk data-db-0 has 1Gi, declared 2Gi",)),
        ("3Gi", "3Gi", ("the disk data-db-0 has 3Gi, declared 2Gi",)),
    ],
)
def test_a_disk_of_another_size_than_declared(requested: str, capacity: str, lines: tuple[str, ...]) -> None:
    objects = live_objects.healthy()
    (template,) = objects["StatefulSet"][0]["spec"]["volumeClaimTemplates"]
    template["spec"] = {"resources": {"requests": {"storage": "2Gi"}}}
    spec = {"resources": {"requests": {"storage": requested}}}
    status = {"capacity": {"storage": capacity}}
    objects["PersistentVolumeClaim"] = [
        {"metadata": {"name": "data-db-0", "uid": "uid-c"}, "spec": spec, "status": status}
    ]
    assert list_by_name(objects)["db"].disks == lines


def test_an_old_warning_does_not_count() -> None:
    objects = live_objects.healthy()
    objects["Event"] = [live_objects.event("Deployment/web", "Old", "no", seen=live_objects.ago(minutes=61))]
    assert list_by_name(objects)["web"].last_warning is None


@pytest.mark.parametrize(
    ("image", "short"),
    [
        (live_objects.IMAGE, "shop/web@d547149797ba"),
        ("docker.io/library/nginx:1.27", "nginx:1.27"),
        ("nginx", "nginx"),
        ("registry.localhost:5000/base/postgres:15-bookworm", "base/postgres:15-bookworm"),
        ("localhost/web:1", "web:1"),
        ("team/web:1", "team/web:1"),
        ("ghcr.io/team/web:1@sha256:" + "ab" * 32, "team/web:1@abababababab"),
    ],
)
def test_images_are_shortened(image: str, short: str) -> None:
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


def test_numbers_that_an_editor_wrote(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may scale a store or write an annotation must not stop the status: millions of claims, a long number."""
    objects = live_objects.healthy()
    store = objects["StatefulSet"][0]
    store["spec"]["replicas"] = 3_000_000
    store["metadata"]["annotations"] = {"seaway/scale": f"{'9' * 5000}-2"}
    searched: list[str] = []
    monkeypatch.setattr(evidence.ObjectIndex, "find", lambda _, kind, name: searched.append(name))
    assert list_by_name(objects)["db"].scale is None
    assert len(searched) <= 100
