"""Workloads: when one is complete, when it has failed, and what it is told for meanwhile."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.rollout import causes
from tests.unit.rollout import objects
from tests.unit.rollout.objects import DB, MIGRATE, WEB, judged

NOT_FOUND = "rpc error: code = NotFound desc = not found"


def test_a_deployment_is_complete_as_kubectl_says_it() -> None:
    web = objects.deployment(updated=2, total=2)
    made_by = objects.replica_set(web, "web-new", "2")
    pods = [objects.healthy(made_by, f"web-new-{each}") for each in "ab"]
    verdict = judged(WEB, web, made_by, *pods, elapsed=1000)
    assert (verdict.state, verdict.summary, verdict.findings) == ("complete", "web 2/2 ready", ())


def test_what_is_left_of_the_way_there_is_not_told() -> None:
    web = objects.deployment(updated=2, total=2)
    made_by = objects.replica_set(web, "web-new", "2")
    pods = [objects.healthy(made_by, f"web-new-{each}") for each in "ab"]
    evicted = objects.pod(made_by, "web-new-c", phase="Failed")
    evicted["status"] |= {"reason": "Evicted", "message": "The node was low on resource: memory."}
    assert judged(WEB, web, made_by, *pods, evicted).findings == ()
    assert judged(WEB, objects.deployment(updated=1), made_by, *pods, evicted).findings


def test_a_pod_on_its_way_out_is_not_counted() -> None:
    web = objects.deployment(updated=1, total=3)
    made_by = objects.replica_set(web, "web-new", "2")
    pods = [
        objects.healthy(made_by, "web-new-a"),
        objects.healthy(made_by, "web-new-b", deletionTimestamp=objects.at(1)),
    ]
    assert judged(WEB, web, made_by, *pods).summary == "web 1/2 ready"


@pytest.mark.parametrize(
    "status",
    [
        {"updated": 1, "total": 2},
        {"updated": 2, "total": 3},
        {"updated": 2, "total": 2, "available": 1},
        {"updated": 2, "total": 2, "observedGeneration": 1},
    ],
)
def test_a_deployment_in_the_middle_is_progressing(status: objects.Object) -> None:
    verdict = judged(WEB, objects.deployment(**status))
    assert (verdict.state, verdict.findings) == ("progressing", ())


def broken(of: objects.Object, name: str = "web-new-a") -> tuple[objects.Object, objects.Object]:
    """A pod whose image does not exist, and the kubelet's event of it."""
    pod = objects.pod(of, name, objects.waiting("ErrImagePull", NOT_FOUND))
    return pod, objects.pull(pod, NOT_FOUND)


def test_only_the_pods_of_the_newest_version_are_judged() -> None:
    web = objects.deployment(updated=1, total=3)
    old, new = objects.replica_set(web, "web-old", "1"), objects.replica_set(web, "web-new", "2")
    of_old = judged(WEB, web, old, new, *broken(old, "web-old-a"), objects.healthy(new, "web-new-a"))
    assert (of_old.state, of_old.ready, of_old.findings) == ("progressing", 1, ())
    assert judged(WEB, web, old, new, *broken(new)).state == "failed"


def test_a_change_that_no_controller_has_seen_yet_is_not_judged_by_the_pods_of_before() -> None:
    web = objects.deployment(updated=1, total=3, observedGeneration=1)
    new = objects.replica_set(web, "web-new", "2")
    assert judged(WEB, web, new, *broken(new)).state == "progressing"


def test_a_revert_takes_up_the_old_replica_set() -> None:
    """Its number moves; the youngest is then the one that was given up."""
    web = objects.deployment(updated=2, total=2, revision="3")
    good = objects.replica_set(web, "web-good", "3")
    bad = objects.replica_set(web, "web-bad", "2")
    pods = [objects.healthy(good, f"web-good-{each}") for each in "ab"]
    assert judged(WEB, web, good, bad, *pods, *broken(bad, "web-bad-a")).state == "complete"
    # The Deployment is ahead of its ReplicaSets in the watch: nobody is the newest yet.
    lagging = objects.deployment(updated=1, total=3, revision="4")
    assert judged(WEB, lagging, good, bad, *broken(bad, "web-bad-a")).state == "progressing"


def test_a_workload_that_is_being_deleted_is_not_there() -> None:
    """A job that is replaced has the name of the one before."""
    old = objects.job(objects.condition("Failed"))
    old["metadata"]["deletionTimestamp"] = objects.at(0)
    assert judged(MIGRATE, old, elapsed=5).state == "progressing"
    new = objects.job(objects.condition("Complete"), succeeded=1)
    assert judged(MIGRATE, old, new, elapsed=5).state == "complete"


def test_a_missing_workload_is_told_after_some_seconds() -> None:
    assert judged(WEB, elapsed=9).findings == ()
    verdict = judged(WEB, elapsed=11)
    assert (verdict.state, verdict.summary) == ("progressing", "web 0/1 ready: there is no Deployment web")
    assert judged(WEB, elapsed=300).state == "failed"


def refused(text: str, since: float = 1) -> tuple[objects.Object, objects.Object]:
    web = objects.deployment(updated=0, total=2)
    failure = objects.condition("ReplicaFailure", reason="FailedCreate", message=text, since=since)
    return web, objects.replica_set(web, "web-new", "2", conditions=[failure])


QUOTA = 'pods "web-a" is forbidden: exceeded quota: full, requested: pods=1, used: pods=4, limited: pods=4'
SECURITY = 'pods "web-a" is forbidden: violates PodSecurity "restricted:latest": host namespaces'


@pytest.mark.parametrize(("text", "cause"), [(QUOTA, "quota"), (SECURITY, "pod-security")])
def test_a_refused_pod_fails_a_deployment_at_once(text: str, cause: str) -> None:
    verdict = judged(WEB, *refused(text), elapsed=1)
    assert (verdict.state, verdict.findings[0].cause, verdict.findings[0].pod) == ("failed", cause, None)


def test_a_refusal_that_may_pass_is_told() -> None:
    text = 'pods "web-a" is forbidden: error looking up service account shop-dev/web: serviceaccount "web" not found'
    verdict = judged(WEB, *refused(text))
    assert (verdict.state, verdict.findings[0].cause) == ("progressing", "service-account")


def test_a_refusal_from_before_a_repair_fails_only_when_it_comes_again() -> None:
    web, made_by = refused(QUOTA, since=-60)
    verdict = judged(WEB, web, made_by)
    assert (verdict.state, verdict.findings[0].cause) == ("progressing", "quota")
    again = objects.event(made_by, "FailedCreate", f"Error creating: {QUOTA}")
    assert judged(WEB, web, made_by, again).state == "failed"


def test_a_replica_set_that_is_refused() -> None:
    text = 'admission webhook "rules.example.com" denied the request: no'
    web = objects.deployment(
        conditions=[objects.condition("Progressing", "False", reason="ReplicaSetCreateError", message=text)]
    )
    verdict = judged(WEB, web)
    assert (verdict.state, verdict.findings[0].cause) == ("failed", "refused")


def test_a_stateful_set_is_complete_when_all_its_pods_are_of_the_newest_version_and_ready() -> None:
    done = objects.stateful_set(readyReplicas=1, currentRevision="db-2")
    assert judged(DB, done).state == "complete"
    assert judged(DB, objects.stateful_set(readyReplicas=1, observedGeneration=1)).state == "progressing"
    assert judged(DB, objects.stateful_set(readyReplicas=0)).state == "progressing"


def test_a_reverted_stateful_set_is_not_complete_with_a_pod_of_the_version_that_was_given_up() -> None:
    """There `kubectl rollout status` says that it is."""
    reverted = objects.stateful_set(readyReplicas=1, updatedReplicas=0, currentRevision="db-1", updateRevision="db-1")
    assert judged(DB, reverted).state == "progressing"


def test_a_stateful_set_is_judged_by_its_newest_pods() -> None:
    db = objects.stateful_set()
    pod = objects.pod(
        db,
        "db-0",
        objects.waiting("ErrImagePull", NOT_FOUND),
        labels={"controller-revision-hash": "db-2"},
    )
    verdict = judged(DB, db, pod, objects.pull(pod, NOT_FOUND))
    assert (verdict.state, verdict.findings[0].cause) == ("failed", "image-not-found")


def stuck(*statuses: objects.Object, **more: objects.Object) -> tuple[objects.Object, objects.Object]:
    db = objects.stateful_set(updatedReplicas=0)
    return db, objects.pod(db, "db-0", *statuses, labels={"controller-revision-hash": "db-1"}, **more)


def test_a_broken_pod_of_the_version_before_holds_up_a_store() -> None:
    db, pod = stuck(objects.waiting("ErrImagePull", NOT_FOUND))
    verdict = judged(DB, db, pod, objects.pull(pod, NOT_FOUND))
    (finding,) = verdict.findings
    assert (verdict.state, finding.cause) == ("failed", "stuck-store")
    assert finding.line == (
        "pod db-0 of the version before is not healthy, and the new version waits for it:"
        f" image {objects.IMAGE} does not exist: not found"
    )
    assert finding.hint == "kubectl delete pod db-0 -n shop-dev (its volume stays), then pulumi up"


def test_a_pod_of_the_version_before_may_take_a_moment() -> None:
    db, pod = stuck(objects.waiting("ErrImagePull", NOT_FOUND))
    assert judged(DB, db, pod, objects.pull(pod, NOT_FOUND), elapsed=9).findings == ()
    starting = objects.container(running={"startedAt": objects.at(1)})
    assert judged(DB, *stuck(starting)).state == "progressing"
    healthy = objects.healthy(objects.stateful_set(), "db-0", labels={"controller-revision-hash": "db-1"})
    assert judged(DB, objects.stateful_set(updatedReplicas=0), healthy).findings == ()
    db, going = stuck(starting, deletionTimestamp=objects.at(1))
    assert judged(DB, db, going).findings == ()


@pytest.mark.parametrize(
    ("of", "owner", "text"),
    [
        (DB, objects.stateful_set(replicas=0, updatedReplicas=0), "create Pod db-0 in StatefulSet db failed error: "),
        (MIGRATE, objects.job(), "Error creating: "),
    ],
)
def test_stores_and_jobs_tell_a_refusal_in_events_only(of: object, owner: objects.Object, text: str) -> None:
    def told(*events: objects.Object) -> tuple[str, list[str]]:
        verdict = judged(of, owner, *events)
        return verdict.state, [one.cause for one in verdict.findings]

    fresh = objects.event(owner, "FailedCreate", text + QUOTA)
    assert told(fresh) == ("failed", ["quota"])
    assert told(objects.event(owner, "FailedCreate", text + QUOTA, seconds=-60)) == ("progressing", ["quota"])
    later = objects.event(owner, "SuccessfulCreate", "create Pod", seconds=6, kind="Normal")
    assert told(fresh, later) == ("progressing", [])
    pod = objects.healthy(owner, "db-0", labels={"controller-revision-hash": "db-2"})
    assert told(fresh, pod) == ("progressing", [])
    foreign = objects.event(objects.meta("StatefulSet", "other"), "FailedCreate", text + QUOTA)
    assert told(foreign) == ("progressing", [])


@pytest.mark.parametrize("kind", ["Complete", "SuccessCriteriaMet"])
def test_a_job_is_complete_when_kubernetes_says_so(kind: str) -> None:
    verdict = judged(MIGRATE, objects.job(objects.condition(kind), succeeded=1))
    assert (verdict.state, verdict.summary) == ("complete", "migrate 1/1 succeeded")


def tried(owner: objects.Object, code: int = 1, reason: str = "Error", message: str = "") -> objects.Object:
    status = objects.container(terminated=objects.ended(code, reason, message=message))
    return objects.pod(owner, "migrate-1a2b-x", status, phase="Failed")


LIMIT = "Job has reached the specified backoff limit"
BACKOFF = objects.condition("Failed", reason="BackoffLimitExceeded", message=LIMIT)


@pytest.mark.parametrize(
    ("pod", "cause", "line"),
    [
        ((1, "Error"), "job-failed", "web ended: exit code 1"),
        ((137, "OOMKilled"), "out-of-memory", "web was killed: it took more memory than its limit of 128Mi"),
        (None, "job-failed", LIMIT),
    ],
)
def test_a_job_that_failed(pod: tuple[int, str] | None, cause: str, line: str) -> None:
    job = objects.job(BACKOFF)
    verdict = judged(MIGRATE, job, *([tried(job, *pod)] if pod else []), elapsed=2)
    (finding,) = verdict.findings
    assert (verdict.state, finding.fatal, finding.cause, finding.line) == ("failed", True, cause, line)


def test_the_first_failed_try_of_a_job_is_told() -> None:
    job = objects.job()
    verdict = judged(MIGRATE, job, tried(job, message="no database\n"))
    assert (verdict.state, verdict.summary) == (
        "progressing",
        "migrate 0/1 succeeded: web ended: exit code 1: no database",
    )
    assert [one.cause for one in verdict.findings] == ["job-failed"]


def test_a_job_that_has_just_done_its_work_is_nothing_to_tell() -> None:
    """Its container has ended; that the pod has succeeded, and the job is complete, stands there a moment later."""
    job = objects.job()
    status = objects.container(terminated=objects.ended(0, "Completed"))
    verdict = judged(MIGRATE, job, objects.pod(job, "migrate-1a2b-x", status, phase="Running"))
    assert (verdict.state, verdict.findings) == ("progressing", ())


def test_the_second_try_of_a_job_is_refused() -> None:
    job = objects.job()
    refusal = objects.event(job, "FailedCreate", f"Error creating: {QUOTA}", seconds=9)
    first = objects.event(job, "SuccessfulCreate", "Created pod: migrate-1a2b-x", seconds=1, kind="Normal")
    verdict = judged(MIGRATE, job, tried(job), first, refusal)
    assert (verdict.state, [one.cause for one in verdict.findings]) == ("failed", ["quota", "job-failed"])


def test_a_job_that_takes_too_long() -> None:
    ended = objects.job(objects.condition("Failed", reason="DeadlineExceeded", message="Job was active longer"))
    verdict = judged(MIGRATE, ended)
    assert [(one.cause, one.line, one.fatal) for one in verdict.findings] == [
        ("job-too-slow", "it was ended, as it took longer than it may", True)
    ]
    verdict = judged(MIGRATE, objects.job(), elapsed=300)
    assert (verdict.state, verdict.findings[0].line) == ("failed", "it has not ended within 300 s")


def test_at_the_deadline_what_could_heal_has_failed() -> None:
    web, made_by, pod = objects.rollout()
    pod["status"]["conditions"] = [
        objects.condition("PodScheduled", "False", message="0/1 nodes are available: 1 Insufficient cpu.")
    ]
    before = judged(WEB, web, made_by, pod, elapsed=299)
    assert (before.state, before.summary) == (
        "progressing",
        "web 0/2 ready: 0/1 nodes are available: 1 Insufficient cpu",
    )
    after = judged(WEB, web, made_by, pod, elapsed=300)
    assert (after.state, after.findings) == ("failed", before.findings)


def test_at_the_deadline_without_any_sign() -> None:
    web, made_by, pod = objects.rollout(objects.container(running={"startedAt": objects.at(1)}))
    verdict = judged(WEB, web, made_by, pod, elapsed=300)
    (finding,) = verdict.findings
    assert (finding.cause, finding.line) == ("not-ready", "0 of 2 pods are ready after 300 s")
    assert (finding.pod, finding.container) == ("web-new-a", "web")
    nothing = judged(WEB, objects.deployment(), elapsed=300)
    assert [(one.cause, one.line) for one in nothing.findings] == [("not-created", "no new pod was made within 300 s")]
    leaving = objects.deployment(updated=2, total=3, available=3)
    pods = [objects.healthy(made_by, f"web-new-{each}") for each in "ab"]
    assert judged(WEB, leaving, made_by, *pods, elapsed=300).findings[0].line == (
        "2 of 2 pods are ready after 300 s, but 1 of the version before are still there"
    )


def test_what_several_pods_show_is_told_once_and_the_worst_first() -> None:
    web = objects.deployment(replicas=4, updated=4, total=4)
    made_by = objects.replica_set(web, "web-new", "2")
    crashed = [
        objects.pod(made_by, f"web-new-{each}", objects.waiting("CrashLoopBackOff", last=objects.ended(3)))
        for each in "abc"
    ]
    pod, pull = broken(made_by, "web-new-z")
    verdict = judged(WEB, web, made_by, *crashed, pod, pull)
    assert [(one.cause, one.pod, one.more, one.fatal) for one in verdict.findings] == [
        ("image-not-found", "web-new-z", 0, True),
        ("crash-loop", "web-new-a", 2, False),
    ]
    # The one explains more; the other one is certain.
    loop = objects.waiting("CrashLoopBackOff", restarts=3, last=objects.ended(3))
    pull = objects.pull(pod, NOT_FOUND, count=1)
    verdict = judged(WEB, web, made_by, objects.pod(made_by, "web-new-d", loop), pod, pull)
    assert [(one.cause, one.fatal) for one in verdict.findings] == [("crash-loop", True), ("image-not-found", False)]


EARLY = [
    objects.waiting("ContainerCreating"),
    objects.container(running={"startedAt": objects.at(1)}),
    objects.waiting("CrashLoopBackOff", "back-off 10s", restarts=1, last=objects.ended(1)),
    objects.container(running={"startedAt": objects.at(20)}, restarts=1, last=objects.ended(1)),
    objects.container(running={"startedAt": objects.at(60)}, restarts=3, last=objects.ended(1)),
    objects.container(restarts=1, terminated=objects.ended(1)),
    objects.waiting("ErrImagePull", "dial tcp 10.0.0.1:443: i/o timeout"),
    objects.waiting("ErrImagePull", NOT_FOUND),
    objects.waiting("ImagePullBackOff", f'Back-off pulling image "x": ErrImagePull: {NOT_FOUND}'),
    objects.waiting("CreateContainerConfigError", "failed to sync secret cache: timed out waiting for the condition"),
    objects.waiting("CreateContainerError", "context deadline exceeded"),
]
PENDING = objects.condition("PodScheduled", "False", message="0/1 nodes are available: 1 Insufficient memory.")
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
def test_a_healthy_rollout_is_never_failed_before_its_deadline(
    statuses: list[objects.Object | None],
    noise: list[tuple[tuple[str, str], int, int]],
    elapsed: float,
    running: int,
) -> None:
    """One early crash, a pending pod, a hiccup of the registry or of the node: whatever comes together."""
    web = objects.deployment(replicas=5, updated=len(statuses) + running, total=5)
    made_by = objects.replica_set(web, "web-new", "2")
    pods = [
        objects.pod(made_by, f"web-new-{index}", *([status] if status else [])) for index, status in enumerate(statuses)
    ]
    for pod, status in zip(pods, statuses, strict=True):
        if status is None:
            pod["status"]["conditions"] = [PENDING]
    events = [
        objects.event(pod, *said, seconds=seconds, count=count, of="web")
        for pod, (said, seconds, count) in zip(itertools.cycle(pods), noise, strict=False)
    ]
    first = [objects.pull(pod, NOT_FOUND, count=1) for pod in pods]
    old = [objects.pull(pod, NOT_FOUND, count=9, seconds=-30) for pod in pods]
    serving = [objects.healthy(made_by, f"web-new-ok{each}") for each in range(running)]
    for pulls in (first, old):
        verdict = judged(WEB, web, made_by, *pods, *serving, *events, *pulls, elapsed=elapsed)
        assert verdict.state == "progressing", verdict.findings
        assert verdict.ready == running
    verdict = judged(WEB, web, made_by, *pods, *serving, *events, elapsed=300)
    assert verdict.state == "failed"
    assert verdict.findings


def test_every_remedy_names_its_place() -> None:
    for of in (WEB, DB, MIGRATE):
        place = causes.Location(target=of, namespace="shop-dev", pod="web-a", container="web")
        for cause in causes.CAUSES:
            remedy = causes.create_finding(cause, "", place, fatal=True).hint
            assert "{" not in remedy
            assert "\n" not in remedy
    place = causes.Location(target=DB, namespace="shop-dev", pod="db-0", container="db")
    assert causes.create_finding("out-of-memory", "", place, fatal=True).hint == (
        "raise stores.db.resources.memory in app.yaml, or let the program take less"
    )
