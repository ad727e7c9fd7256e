"""DaemonSets, sidecars and what CronJobs start: how they are judged, and what `seaway status` says of them."""

from typing import Any

from seaway.rollout import health, status, target
from tests.unit.rollout import made
from tests.unit.rollout import objects as k8s

QUOTA = 'pods "agent-x" is forbidden: exceeded quota: full, requested: pods=1, used: pods=4, limited: pods=4'
AGENT = target.Target(kind="DaemonSet", name="agent", owner="agent", deadline=300)
REPORT = target.Target(kind="CronJob", name="report", owner="report", deadline=300)


def daemon_set(**status: int) -> k8s.Object:
    counts = {"observedGeneration": 2, "desiredNumberScheduled": 2, "updatedNumberScheduled": 1, "numberAvailable": 2}
    own = k8s.meta("DaemonSet", "agent", generation=2, annotations={health.GENERATION_ANNOTATION: "2"})
    return {**own, "spec": {}, "status": counts | status}


def numbered(number: int) -> dict[str, Any]:
    return {"labels": {health.GENERATION_LABEL: str(number)}}


def test_a_pod_on_every_node_is_complete() -> None:
    found = k8s.judged(AGENT, daemon_set(updatedNumberScheduled=2))
    assert (found.state, found.ready, found.desired) == ("complete", 2, 2)


def test_the_numbers_of_the_version_before_count_for_nothing() -> None:
    assert k8s.judged(AGENT, daemon_set(updatedNumberScheduled=2, observedGeneration=1)).state == "progressing"


def test_a_node_whose_new_pod_crashes() -> None:
    agent = daemon_set()
    broken = k8s.container("agent", restarts=3, last=k8s.ended(3), waiting={"reason": "CrashLoopBackOff"})
    found = k8s.judged(
        AGENT,
        agent,
        k8s.healthy(agent, "agent-old", **numbered(1)),
        k8s.pod(agent, "agent-new", broken, **numbered(2)),
    )
    assert (found.state, found.updated, found.ready) == ("failed", 1, 0)
    assert [one.line for one in found.findings] == ["agent ended: exit code 3"]


def test_pods_that_may_not_be_made() -> None:
    agent = daemon_set(desiredNumberScheduled=1, updatedNumberScheduled=0, numberAvailable=0)
    refused = k8s.event(agent, "FailedCreate", QUOTA)
    assert k8s.judged(AGENT, agent, refused).findings[0].cause == "quota"


def test_what_is_wrong_with_a_sidecar_is_told_where_it_is_written() -> None:
    web, made_by, pod = k8s.rollout(k8s.container(ready=False, waiting={"reason": "PodInitializing"}))
    pod["spec"]["initContainers"] = [{"name": "proxy", "image": "envoy:9", "restartPolicy": "Always"}]
    broken = k8s.container("proxy", waiting={"reason": "InvalidImageName"})
    pod["status"]["initContainerStatuses"] = [broken]
    (one,) = k8s.judged(k8s.WEB, web, made_by, pod).findings
    assert "services.web.sidecars.proxy.image" in one.hint


def test_a_sidecar_that_is_ended_after_its_job_is_no_failure() -> None:
    migrate = k8s.job()
    done = k8s.container("migrate", terminated=k8s.ended(0, "Completed"))
    pod = k8s.pod(migrate, "migrate-x", done, phase="Running")
    pod["spec"]["initContainers"] = [{"name": "proxy", "image": "envoy:9", "restartPolicy": "Always"}]
    pod["status"]["initContainerStatuses"] = [k8s.container("proxy", terminated=k8s.ended(143))]
    assert k8s.judged(k8s.MIGRATE, migrate, pod).findings == ()


def row(each: k8s.Object, *runs: k8s.Object) -> status.WorkloadStatus:
    seen = made.seen(CronJob=[each], Job=list(runs))
    (found,) = status.list_workloads(seen, app_name="shop", stack="dev", now=made.NOW)
    return found


def test_a_schedule_that_has_not_come_yet() -> None:
    found = row(made.cron_job())
    assert found.job_runs
    assert (found.kind, found.name, found.image, found.is_healthy) == ("job", "report", "report:2", True)
    assert (found.job_runs.state, found.job_runs.last, found.job_runs.schedule_text) == (
        "none",
        None,
        "0 3 * * * Etc/UTC",
    )


def test_the_newest_run_counts() -> None:
    failed = k8s.condition("Failed", reason="BackoffLimitExceeded", message="Job has reached the limit")
    found = row(made.cron_job(), made.run("report-2", 1, failed), made.run("report-1", 25, k8s.condition("Complete")))
    assert found.job_runs
    assert (found.is_healthy, found.job_runs.state) == (False, "failed")
    assert found.health.findings[0].line == "Job has reached the limit"
    done = k8s.condition("Complete")
    assert row(made.cron_job(), made.run("report-2", 1, done), made.run("report-1", 25, failed)).is_healthy
    assert row(made.cron_job(), made.run("report-2", 1)).is_healthy, "it runs"


def test_a_run_of_the_version_before_says_nothing_of_this_one() -> None:
    failed = k8s.condition("Failed", reason="BackoffLimitExceeded")
    found = row(made.cron_job(), made.run("report-1", 1, failed, image="report:1"))
    assert found.job_runs
    assert (found.is_healthy, found.job_runs.state) == (True, "failed")


def test_by_hand_and_suspended() -> None:
    never, stopped = row(made.cron_job("0 0 31 2 *", suspend=True)).job_runs, row(made.cron_job(suspend=True)).job_runs
    assert never
    assert stopped
    assert (never.schedule_text, never.suspended) == ("when started by hand", False)
    assert stopped.schedule_text == "0 3 * * * Etc/UTC, suspended"
