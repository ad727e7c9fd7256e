"""Health and status of DaemonSets, sidecars and CronJobs."""

import pytest

from seaway.kubernetes.cluster import snapshot
from seaway.rollout import owned_pods, status, target
from tests.support import live_objects
from tests.support.live_objects import Object, assess, condition, container_status, cron_job, daemon_set, ended, run

QUOTA = 'pods "agent-x" is forbidden: exceeded quota: full, requested: pods=1, used: pods=4, limited: pods=4'
AGENT = target.Target(kind="DaemonSet", name="agent", owner="agent", deadline=300)
FAILED = condition("Failed", reason="BackoffLimitExceeded", message="Job has reached the limit")
COMPLETE = condition("Complete")


def test_a_daemon_set_with_a_new_pod_on_every_node_is_complete() -> None:
    health = assess(AGENT, daemon_set(updatedNumberScheduled=2))
    assert (health.state, health.ready, health.desired) == ("complete", 2, 2)


def test_numbers_of_the_previous_version_do_not_count() -> None:
    assert assess(AGENT, daemon_set(updatedNumberScheduled=2, observedGeneration=1)).state == "progressing"


def test_a_node_whose_new_pod_crashes() -> None:
    agent = daemon_set()
    broken = container_status("agent", restarts=3, last=ended(3), waiting={"reason": "CrashLoopBackOff"})
    health = assess(
        AGENT,
        agent,
        live_objects.ready_pod(agent, "agent-old", labels={owned_pods.GENERATION_LABEL: "1"}),
        live_objects.starting_pod(agent, "agent-new", broken, labels={owned_pods.GENERATION_LABEL: "2"}),
    )
    assert (health.state, health.updated, health.ready) == ("failed", 1, 0)
    assert [finding.cause for finding in health.findings] == ["crash-loop"]


def test_rejected_pods_of_a_daemon_set() -> None:
    agent = daemon_set(desiredNumberScheduled=1, updatedNumberScheduled=0, numberAvailable=0)
    rejected = live_objects.event(agent, "FailedCreate", QUOTA)
    assert assess(AGENT, agent, rejected).findings[0].cause == "quota"


def add_sidecar(pod: Object, status: Object) -> None:
    pod["spec"]["initContainers"] = [{"name": "proxy", "image": "envoy:9", "restartPolicy": "Always"}]
    pod["status"]["initContainerStatuses"] = [status]


def test_the_hint_about_a_sidecar_has_its_path() -> None:
    web, newest, pod = live_objects.rollout(live_objects.waiting("PodInitializing"))
    add_sidecar(pod, container_status("proxy", waiting={"reason": "InvalidImageName"}))
    (finding,) = assess(live_objects.WEB, web, newest, pod).findings
    assert "services.web.sidecars.proxy.image" in finding.hint


def test_a_sidecar_that_is_stopped_after_its_job_is_not_a_failure() -> None:
    migrate = live_objects.job()
    done = container_status("migrate", terminated=ended(0, "Completed"))
    pod = live_objects.starting_pod(migrate, "migrate-x", done, phase="Running")
    add_sidecar(pod, container_status("proxy", terminated=ended(143)))
    assert assess(live_objects.MIGRATE, migrate, pod).findings == ()


def get_status(*runs: Object, job: Object | None = None) -> tuple[status.WorkloadStatus, str]:
    live = snapshot.Snapshot({"CronJob": [job or cron_job()], "Job": list(runs)})
    (workload,) = status.list_workloads(live, app_name="shop", stack="dev", now=live_objects.NOW)
    assert workload.job_runs
    return workload, workload.job_runs.state


def test_a_job_before_its_first_run() -> None:
    workload, state = get_status()
    assert workload.job_runs
    assert (workload.kind, workload.name, workload.image, workload.is_healthy) == ("job", "report", "report:2", True)
    assert (state, workload.job_runs.last, workload.job_runs.schedule_text) == ("none", None, "0 3 * * * Etc/UTC")


def test_the_newest_run_counts() -> None:
    workload, state = get_status(run("report-2", 1, FAILED), run("report-1", 25, COMPLETE))
    assert (workload.is_healthy, state) == (False, "failed")
    assert workload.health.findings[0].message == "Job has reached the limit"
    assert get_status(run("report-2", 1, COMPLETE), run("report-1", 25, FAILED))[0].is_healthy
    workload, state = get_status(run("report-2", 1))
    assert (workload.is_healthy, state) == (True, "running")


def test_a_run_of_the_previous_version_does_not_count() -> None:
    workload, state = get_status(run("report-1", 1, FAILED, image="report:1"))
    assert (workload.is_healthy, state) == (True, "failed")


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (cron_job("0 0 31 2 *", suspend=True), ("started by hand", False)),
        (cron_job(suspend=True), ("0 3 * * * Etc/UTC, suspended", True)),
    ],
)
def test_a_job_without_a_running_schedule(job: Object, expected: tuple[str, bool]) -> None:
    workload, _ = get_status(job=job)
    assert workload.job_runs
    assert (workload.job_runs.schedule_text, workload.job_runs.suspended) == expected
