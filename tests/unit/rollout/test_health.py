"""Workloads: when they are complete, when they have failed, and what is reported meanwhile."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.rollout import causes, owned_pods, symptoms, target
from tests.support import live_objects
from tests.support.live_objects import (
    DB,
    MIGRATE,
    WEB,
    Object,
    assess,
    at,
    condition,
    container_status,
    deployment,
    ended,
    event,
    job,
    ready_pod,
    replica_set,
    starting_pod,
    stateful_set,
    waiting,
)

NOT_FOUND = "rpc error: code = NotFound desc = not found"
NEW = replica_set("web-new", revision=2)
OLD = replica_set("web-old", revision=1)
READY = [ready_pod(NEW, f"web-new-{letter}") for letter in "ab"]


def rolling(**fields: object) -> Object:
    """The Deployment web during a rollout."""
    return deployment(**{"revision": 2, "updated": 1, "total": 3, **fields})


def list_causes(of: target.Target, *manifests: Object, **more: float) -> tuple[str, list[str]]:
    health = assess(of, *manifests, **more)
    return health.state, [finding.cause for finding in health.findings]


def test_a_deployment_is_complete_as_in_kubectl() -> None:
    health = assess(WEB, deployment(revision=2), NEW, *READY, elapsed=1000)
    assert (health.state, health.summary, health.findings) == ("complete", "web 2/2 ready", ())


def test_a_complete_workload_has_no_findings() -> None:
    evicted = starting_pod(NEW, "web-new-c", phase="Failed")
    evicted["status"] |= {"reason": "Evicted", "message": "The node was low on resource: memory."}
    assert assess(WEB, deployment(revision=2), NEW, *READY, evicted).findings == ()
    assert assess(WEB, rolling(), NEW, *READY, evicted).findings


def test_a_pod_that_is_being_deleted_is_not_counted() -> None:
    deleted = ready_pod(NEW, "web-new-b", deletionTimestamp=at(1))
    assert assess(WEB, rolling(), NEW, READY[0], deleted).summary == "web 1/2 ready"


@pytest.mark.parametrize(
    "status",
    [
        {"updated": 1, "total": 2},
        {"updated": 2, "total": 3},
        {"updated": 2, "total": 2, "availableReplicas": 1},
    ],
)
def test_a_deployment_during_a_rollout_is_progressing(status: Object) -> None:
    assert list_causes(WEB, rolling(**status)) == ("progressing", [])


@pytest.mark.parametrize(("of", "live"), [(WEB, rolling(observedGeneration=1)), (MIGRATE, job() | {"status": {}})])
def test_controllers_that_do_nothing_are_reported_while_the_rollout_waits(of: target.Target, live: Object) -> None:
    assert list_causes(of, live, elapsed=symptoms.SETTLE_SECONDS - 1) == ("progressing", [])
    assert list_causes(of, live) == ("progressing", ["not-created"])


def broken(owner: Object = NEW, name: str = "web-new-a") -> tuple[Object, Object]:
    """A pod whose image does not exist, and the kubelet's event of it."""
    pod = starting_pod(owner, name, waiting("ErrImagePull", NOT_FOUND))
    return pod, live_objects.pull(pod, NOT_FOUND)


def test_only_pods_of_the_newest_version_count() -> None:
    health = assess(WEB, rolling(), OLD, NEW, *broken(OLD, "web-old-a"), READY[0])
    assert (health.state, health.ready, health.findings) == ("progressing", 1, ())
    assert assess(WEB, rolling(), OLD, NEW, *broken()).state == "failed"


def test_pods_of_before_a_change_that_the_controller_has_not_seen_do_not_count() -> None:
    assert assess(WEB, rolling(observedGeneration=1), NEW, *broken()).state == "progressing"


def test_a_rollback_reuses_the_old_replica_set() -> None:
    """Its revision changes; the youngest ReplicaSet is the abandoned one."""
    good, bad = replica_set("web-good", revision=3), replica_set("web-bad", revision=2)
    pods = [ready_pod(good, f"web-good-{letter}") for letter in "ab"]
    abandoned = broken(bad, "web-bad-a")
    assert assess(WEB, deployment(revision=3), good, bad, *pods, *abandoned).state == "complete"
    # The watch has the new Deployment before its ReplicaSets: none is the newest yet.
    assert assess(WEB, rolling(revision=4), good, bad, *abandoned).state == "progressing"


def test_a_workload_that_is_being_deleted_does_not_count() -> None:
    """A replaced job has the same name."""
    old = job("migrate-1a2b", condition("Failed"))
    old["metadata"]["deletionTimestamp"] = at(0)
    assert assess(MIGRATE, old, elapsed=5).state == "progressing"
    new = job("migrate-1a2b", condition("Complete"), succeeded=1)
    assert assess(MIGRATE, old, new, elapsed=5).state == "complete"


def test_a_missing_workload_is_reported_after_some_seconds() -> None:
    assert assess(WEB, elapsed=9).findings == ()
    health = assess(WEB, elapsed=11)
    assert (health.state, health.summary) == ("failed", "web 0/1 ready: there is no Deployment web")


def test_a_finished_job_may_be_gone() -> None:
    assert assess(MIGRATE, elapsed=11, finished={"migrate-1a2b"}).state == "complete"
    assert assess(MIGRATE, elapsed=11, finished={"web", "migrate"}).state == "failed"
    assert assess(WEB, elapsed=11, finished={"web"}).state == "failed"
    assert assess(WEB, elapsed=300).state == "failed"


def reject(text: str, since: float = 1) -> tuple[Object, Object]:
    failure = condition("ReplicaFailure", reason="FailedCreate", message=text, since=since)
    return rolling(updated=0, total=2), replica_set("web-new", revision=2, conditions=[failure])


FORBIDDEN = 'pods "web-a" is forbidden: '
QUOTA = f"{FORBIDDEN}exceeded quota: full, requested: pods=1, used: pods=4, limited: pods=4"
SECURITY = f'{FORBIDDEN}violates PodSecurity "restricted:latest": host namespaces'
ACCOUNT = f'{FORBIDDEN}error looking up service account shop-dev/web: serviceaccount "web" not found'
DEFAULT_ACCOUNT = f'{FORBIDDEN}error looking up service account shop-dev/default: serviceaccount "default" not found'


@pytest.mark.parametrize(
    ("text", "cause"), [(QUOTA, "quota"), (SECURITY, "pod-security"), (ACCOUNT, "service-account")]
)
def test_a_rejected_pod_fails_a_deployment_at_once(text: str, cause: str) -> None:
    health = assess(WEB, *reject(text), elapsed=1)
    assert (health.state, health.findings[0].cause, health.findings[0].pod) == ("failed", cause, None)


def test_a_transient_rejection_is_not_fatal() -> None:
    """A new namespace gets its default account a moment later."""
    assert list_causes(WEB, *reject(DEFAULT_ACCOUNT)) == ("progressing", ["service-account"])


def test_a_rejection_before_a_repair_is_fatal_only_if_it_occurs_again() -> None:
    web, newest = reject(QUOTA, since=-60)
    assert list_causes(WEB, web, newest) == ("progressing", ["quota"])
    again = event(newest, "FailedCreate", f"Error creating: {QUOTA}")
    assert assess(WEB, web, newest, again).state == "failed"


def test_a_rejected_replica_set() -> None:
    text = 'admission webhook "rules.example.com" denied the request: no'
    failure = condition("Progressing", "False", reason="ReplicaSetCreateError", message=text)
    assert list_causes(WEB, rolling(conditions=[failure])) == ("failed", ["refused"])


def test_a_stateful_set_is_complete_if_all_pods_are_of_the_newest_version_and_ready() -> None:
    assert assess(DB, stateful_set()).state == "complete"
    assert assess(DB, stateful_set(observedGeneration=1)).state == "progressing"
    assert assess(DB, stateful_set(ready=0)).state == "progressing"


def test_a_reverted_stateful_set_is_not_complete_with_a_pod_of_the_abandoned_version() -> None:
    """`kubectl rollout status` reports that it is complete."""
    reverted = stateful_set(updatedReplicas=0, currentRevision="db-1", updateRevision="db-1")
    assert assess(DB, reverted).state == "progressing"


def db_pod(revision: str, *statuses: Object, **more: Object) -> Object:
    return starting_pod(stateful_set(), "db-0", *statuses, labels={owned_pods.REVISION_LABEL: revision}, **more)


PULL_ERROR = waiting("ErrImagePull", NOT_FOUND)
STARTING = container_status(running={"startedAt": at(1)})
OLD_DB = stateful_set(ready=0, updatedReplicas=0)


def test_a_stateful_set_counts_its_newest_pods() -> None:
    pod = db_pod("db-2", PULL_ERROR)
    assert list_causes(DB, stateful_set(ready=0), pod, live_objects.pull(pod, NOT_FOUND)) == (
        "failed",
        ["image-not-found"],
    )


def test_a_broken_pod_of_the_previous_version_blocks_a_store(wording: object) -> None:
    pod = db_pod("db-1", PULL_ERROR)
    manifests = OLD_DB, pod, live_objects.pull(pod, NOT_FOUND)
    assert list_causes(DB, *manifests) == ("failed", ["stuck-store"])
    assert assess(DB, *manifests, elapsed=9).findings == ()
    (finding,) = assess(DB, *manifests).findings
    assert [finding.message, finding.hint] == wording


def test_a_pod_of_the_previous_version_may_take_a_moment() -> None:
    assert assess(DB, OLD_DB, db_pod("db-1", STARTING)).state == "progressing"
    healthy = ready_pod(stateful_set(), "db-0", labels={owned_pods.REVISION_LABEL: "db-1"})
    assert assess(DB, OLD_DB, healthy).findings == ()
    assert assess(DB, OLD_DB, db_pod("db-1", STARTING, deletionTimestamp=at(1))).findings == ()


@pytest.mark.parametrize(
    ("of", "owner", "prefix"),
    [
        (DB, stateful_set(ready=0, replicas=0, updatedReplicas=0), "create Pod db-0 in StatefulSet db failed error: "),
        (MIGRATE, job(), "Error creating: "),
    ],
)
def test_stores_and_jobs_report_a_rejection_only_in_events(of: target.Target, owner: Object, prefix: str) -> None:
    rejected = event(owner, "FailedCreate", prefix + QUOTA)
    assert list_causes(of, owner, rejected) == ("failed", ["quota"])
    earlier = event(owner, "FailedCreate", prefix + QUOTA, seconds=-60)
    assert list_causes(of, owner, earlier) == ("progressing", ["quota"])
    later = event(owner, "SuccessfulCreate", "create Pod", seconds=6, type="Normal")
    assert list_causes(of, owner, rejected, later) == ("progressing", [])
    pod = ready_pod(owner, "db-0", labels={owned_pods.REVISION_LABEL: "db-2"})
    assert list_causes(of, owner, rejected, pod) == ("progressing", [])
    foreign = event("StatefulSet/other", "FailedCreate", prefix + QUOTA)
    assert list_causes(of, owner, foreign) == ("progressing", [])


@pytest.mark.parametrize("kind", ["Complete", "SuccessCriteriaMet"])
def test_a_job_is_complete_by_its_conditions(kind: str) -> None:
    health = assess(MIGRATE, job("migrate-1a2b", condition(kind), succeeded=1))
    assert (health.state, health.summary) == ("complete", "migrate 1/1 succeeded")


def attempt(code: int = 1, reason: str = "Error", message: str = "") -> Object:
    status = container_status(terminated=ended(code, reason, message=message))
    return starting_pod(job(), "migrate-1a2b-x", status, phase="Failed")


BACKOFF = condition("Failed", reason="BackoffLimitExceeded", message="Job has reached the specified backoff limit")
DEADLINE = condition("Failed", reason="DeadlineExceeded", message="Job was active longer")
FAILED_JOBS = {
    "error": (BACKOFF, [attempt()], "job-failed"),
    "memory": (BACKOFF, [attempt(137, "OOMKilled")], "out-of-memory"),
    "no pod": (BACKOFF, [], "job-failed"),
    "deadline": (DEADLINE, [], "job-too-slow"),
    "deadline, and the pod still ends": (DEADLINE | {"type": "FailureTarget"}, [], "job-too-slow"),
    "deadline with pod": (DEADLINE, [attempt()], "job-too-slow"),
}


@pytest.mark.parametrize("case", FAILED_JOBS)
def test_a_failed_job(case: str, wording: object) -> None:
    failure, pods, cause = FAILED_JOBS[case]
    health = assess(MIGRATE, job("migrate-1a2b", failure), *pods, elapsed=2)
    (finding,) = health.findings
    assert (health.state, finding.fatal, finding.cause) == ("failed", True, cause)
    assert [finding.message] == wording


def test_the_first_failed_attempt_of_a_job_is_reported() -> None:
    health = assess(MIGRATE, job(), attempt(message="no database\n"))
    assert health.summary == "migrate 0/1 succeeded: web ended: exit code 1: no database"
    assert list_causes(MIGRATE, job(), attempt()) == ("progressing", ["job-failed"])


def test_the_exception_of_a_job_has_its_own_hint() -> None:
    output = "Traceback (most recent call last):\nModuleNotFoundError: No module named 'psycopg'\n"
    (finding,) = assess(MIGRATE, job(), attempt(message=output)).findings
    assert finding.cause == "job-failed"
    assert finding.message.endswith(": ModuleNotFoundError: No module named 'psycopg'")
    assert finding.hint.startswith("install psycopg in the image")


def test_a_job_that_has_just_finished_has_no_findings() -> None:
    """Its container has ended. Pod and job report success a moment later."""
    pod = starting_pod(job(), "migrate-1a2b-x", container_status(terminated=ended(0, "Completed")), phase="Running")
    assert list_causes(MIGRATE, job(), pod) == ("progressing", [])


def test_the_second_attempt_of_a_job_is_rejected() -> None:
    rejected = event(job(), "FailedCreate", f"Error creating: {QUOTA}", seconds=9)
    first = event(job(), "SuccessfulCreate", "Created pod: migrate-1a2b-x", seconds=1, type="Normal")
    assert list_causes(MIGRATE, job(), attempt(), first, rejected) == ("failed", ["quota", "job-failed"])


def test_at_the_deadline_a_transient_problem_fails_the_rollout() -> None:
    web, newest, pod = live_objects.rollout()
    message = "0/1 nodes are available: 1 Insufficient cpu."
    pod["status"]["conditions"] = [condition("PodScheduled", "False", message=message)]
    before = assess(WEB, web, newest, pod, elapsed=299)
    assert (before.state, before.summary) == ("progressing", f"web 0/2 ready: {message.rstrip('.')}")
    after = assess(WEB, web, newest, pod, elapsed=300)
    assert (after.state, after.findings) == ("failed", before.findings)


def test_at_the_deadline_without_another_finding(wording: object) -> None:
    manifests = [
        (WEB, [*live_objects.rollout(STARTING)]),
        (WEB, [rolling(updated=0, total=2)]),
        (WEB, [rolling(updated=2, ready=3), NEW, *READY]),
        (MIGRATE, [job()]),
    ]
    healths = [assess(of, *live, elapsed=300) for of, live in manifests]
    findings = [health.findings[0] for health in healths]
    assert {health.state for health in healths} == {"failed"}
    assert [finding.cause for finding in findings] == ["not-ready", "not-created", "not-ready", "job-too-slow"]
    assert (findings[0].pod, findings[0].container) == ("web-new-a", "web")
    assert [finding.message for finding in findings] == wording


def test_findings_of_several_pods_are_merged_and_the_worst_is_first() -> None:
    web = deployment(replicas=4, updated=4, revision=2)
    last = ended(3)
    crashed = [starting_pod(NEW, f"web-new-{letter}", waiting("CrashLoopBackOff", last=last)) for letter in "abc"]
    pod, pull = broken(name="web-new-z")
    health = assess(WEB, web, NEW, *crashed, pod, pull)
    assert [(finding.cause, finding.pod, finding.more, finding.fatal) for finding in health.findings] == [
        ("image-not-found", "web-new-z", 0, True),
        ("crash-loop", "web-new-a", 2, False),
    ]
    # The missing image explains more, but the crash loop is certain.
    loop = starting_pod(NEW, "web-new-d", waiting("CrashLoopBackOff", restarts=3, last=last))
    health = assess(WEB, web, NEW, loop, pod, live_objects.pull(pod, NOT_FOUND, count=1))
    assert [(finding.cause, finding.fatal) for finding in health.findings] == [
        ("crash-loop", True),
        ("image-not-found", False),
    ]


EARLY = [
    waiting("ContainerCreating"),
    STARTING,
    waiting("CrashLoopBackOff", "back-off 10s", restarts=1, last=ended(1)),
    container_status(running={"startedAt": at(20)}, restarts=1, last=ended(1)),
    container_status(running={"startedAt": at(60)}, restarts=3, last=ended(1)),
    container_status(restarts=1, terminated=ended(1)),
    waiting("ErrImagePull", "dial tcp 10.0.0.1:443: i/o timeout"),
    PULL_ERROR,
    waiting("ImagePullBackOff", f'Back-off pulling image "x": ErrImagePull: {NOT_FOUND}'),
    waiting("CreateContainerConfigError", "failed to sync secret cache: timed out waiting for the condition"),
    waiting("CreateContainerError", "context deadline exceeded"),
]
PENDING = condition("PodScheduled", "False", message="0/1 nodes are available: 1 Insufficient memory.")
NOISE = [
    ("Unhealthy", "Startup probe failed: connection refused"),
    ("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"),
    ("BackOff", "Back-off restarting failed container web in pod web-new-a"),
    ("FailedScheduling", "0/1 nodes are available"),
    ("FailedCreatePodSandBox", "Failed to create pod sandbox: network is not ready"),
    ("FailedMount", 'MountVolume.SetUp failed for volume "x" : configmap "kube-root-ca.crt" not found'),
]


@given(
    statuses=st.lists(st.sampled_from([*EARLY, None]), max_size=3),
    noise=st.lists(st.tuples(st.sampled_from(NOISE), st.integers(0, 299), st.integers(1, 40)), max_size=5),
    elapsed=st.floats(0, 299.9),
    running=st.integers(0, 2),
)
def test_a_healthy_rollout_never_fails_before_its_deadline(
    statuses: list[Object | None], noise: list[tuple[tuple[str, str], int, int]], elapsed: float, running: int
) -> None:
    """With any combination of an early crash, a pending pod, and short problems of the registry or the node."""
    web = deployment(replicas=5, updated=len(statuses) + running, revision=2)
    pods = [
        starting_pod(NEW, f"web-new-{number}", *([status] if status else [])) for number, status in enumerate(statuses)
    ]
    for pod, status in zip(pods, statuses, strict=True):
        if status is None:
            pod["status"]["conditions"] = [PENDING]
    events = [
        event(pod, reason, message, seconds=seconds, count=count, of="web")
        for pod, ((reason, message), seconds, count) in zip(itertools.cycle(pods), noise, strict=False)
    ]
    manifests = [web, NEW, *pods, *(ready_pod(NEW, f"web-new-ok{number}") for number in range(running)), *events]
    first = [live_objects.pull(pod, NOT_FOUND, count=1) for pod in pods]
    old = [live_objects.pull(pod, NOT_FOUND, count=9, seconds=-30) for pod in pods]
    for pulls in (first, old):
        health = assess(WEB, *manifests, *pulls, elapsed=elapsed)
        assert health.state == "progressing", health.findings
        assert health.ready == running
    health = assess(WEB, *manifests, elapsed=300)
    assert health.state == "failed"
    assert health.findings


def test_hints(wording: object) -> None:
    hints: list[str] = []
    for of, pod in ((WEB, "web-a"), (DB, "db-0"), (MIGRATE, "migrate-a")):
        location = causes.Location(target=of, namespace="shop-dev", stack="dev", pod=pod, container=of.owner)
        values = {"folder": "/x", "port": "8000"}
        findings = (causes.create_finding(cause, "", location, values=values) for cause in causes.CAUSES)
        hints += [f"{finding.cause}: {finding.hint}" for finding in findings]
    assert not any(re.search(r"[{<\n]", hint) for hint in hints)
    assert hints[: len(causes.CAUSES)] == wording
    assert next(hint for hint in hints if "stores.db.resources.memory" in hint)
