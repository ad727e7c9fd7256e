"""The report of a failed rollout."""

import datetime
import re
from collections.abc import Iterable

from dev import project
from seaway.rollout import causes, evidence, health, report, target, workload_health
from tests.support import live_objects
from tests.support.live_objects import DB, MIGRATE, STARTED, WEB, Object, at, condition, container_status, ended, event

BACKOFF = "Back-off restarting failed container web in pod web-new-a_shop-dev(f9a491c8-470c-42f5-b4d6-aadf8d61b183)"
NOW = STARTED + datetime.timedelta(seconds=40)
Assessed = tuple[evidence.ObjectIndex, list[workload_health.WorkloadHealth]]


def assess(targets: Iterable[target.Target], *manifests: Object, elapsed: float = 40) -> Assessed:
    index = live_objects.index_objects(*manifests)
    return index, [health.assess_workload(of, index, elapsed=elapsed, started=STARTED) for of in targets]


def crashing() -> Assessed:
    """Both new pods of web crash, its old pods serve, and db is still progressing."""
    new = live_objects.replica_set("web-new", revision=2, ready=1)
    old = live_objects.replica_set("web-old", revision=1, ready=2)
    last = ended(3, message="cannot read /etc/web.toml\n")
    status = live_objects.waiting("CrashLoopBackOff", "back-off 40s", restarts=3, last=last)
    pods = [live_objects.starting_pod(new, f"web-new-{letter}", status, phase="Running") for letter in "ab"]
    events = [
        event(pods[0], "Pulled", "Container image already present", seconds=1, type="Normal"),
        event(pods[0], "Unhealthy", "Startup probe failed:\n connection refused", seconds=2, of="web"),
        event(pods[0], "Failed", "Error: ErrImagePull", seconds=3, of="web"),
        event(pods[0], "BackOff", BACKOFF, seconds=28, count=4, of="web"),
        event(pods[1], "BackOff", "of the other pod", seconds=29, of="web"),
    ]
    web = live_objects.deployment(total=4, revision=2)
    return assess((DB, WEB), web, new, old, *pods, *events, live_objects.stateful_set(ready=0))


def test_the_whole_report(wording: object) -> None:
    index, workloads = crashing()
    index.logs = {("web-new-a", "web"): "\x1b[31mstarting\x1b[0m\ncannot read /etc/web.toml\n"}
    text = report.format_report(workloads, index, now=NOW)
    assert "\x1b" not in text
    assert [text] == wording


def test_without_a_log_and_a_clock() -> None:
    index, workloads = crashing()
    text = report.format_report(workloads, index)
    assert "last lines" not in text
    assert "  1s  BackOff (x4)" in text


def test_without_a_failure_there_is_no_report() -> None:
    index, (db, _) = crashing()
    assert report.format_report([db], index) == ""
    assert report.list_log_requests(db.findings, index) == []


def list_log_requests(status: Object, events: Iterable[Object] = ()) -> list[report.LogRequest]:
    index, workloads = assess([WEB], *live_objects.rollout(status, phase="Running"), *events, elapsed=300)
    assert workloads[0].state == "failed"
    return report.list_log_requests(workloads[0].findings, index)


def test_the_log_is_that_of_the_run_with_the_problem() -> None:
    current = report.LogRequest(pod="web-new-a", container="web", previous=False)
    previous = report.LogRequest(pod="web-new-a", container="web", previous=True)
    # Between two runs, the current log is that of the run that ended.
    assert list_log_requests(live_objects.waiting("CrashLoopBackOff", last=ended(3))) == [current]
    assert list_log_requests(container_status(terminated=ended(3))) == [current]
    running = {"startedAt": at(1)}
    assert list_log_requests(container_status(last=ended(3), running=running)) == [previous]
    assert list_log_requests(container_status(running=running)) == [current]
    # It crashed early, and has another problem now.
    unhealthy = event("Pod/web-new-a", "Unhealthy", "Readiness probe failed: 404", seconds=90, of="web")
    assert list_log_requests(container_status(last=ended(3), running=running), [unhealthy]) == [current]
    assert list_log_requests(live_objects.waiting("ErrImagePull", "not found")) == []


def test_a_rejected_pod_has_no_log(wording: object) -> None:
    text = 'pods "web-a" is forbidden: exceeded quota: full, requested: pods=1, used: pods=4, limited: pods=4'
    newest = live_objects.replica_set("web-new", revision=2, conditions=[condition("ReplicaFailure", message=text)])
    index, workloads = assess([WEB], live_objects.deployment(updated=0, revision=2), newest, elapsed=1)
    assert report.list_log_requests(workloads[0].findings, index) == []
    assert [report.format_report(workloads, index)] == wording


def test_repeated_events_are_merged() -> None:
    """The rejected pod has another name each time."""
    web, newest = live_objects.deployment(updated=0, revision=2), live_objects.replica_set("web-new", revision=2)
    message = 'Error creating: pods "web-new-{}" is forbidden: exceeded quota: full, requested: pods=1'
    rejections = [event(newest, "FailedCreate", message.format(second), seconds=second) for second in range(1, 9)]
    other = event(web, "ReplicaSetCreateError", "something else", seconds=3)
    index, workloads = assess([WEB], web, newest, *rejections, other, elapsed=300)
    assert report.format_report(workloads, index).splitlines()[2:5] == [
        "  events:",
        "       5s  ReplicaSetCreateError: something else",
        "       0s  FailedCreate (x8): Error creating: pods is forbidden: exceeded quota: full, requested: pods=1",
    ]


def test_the_events_of_a_job_are_reported() -> None:
    failure = condition("Failed", reason="BackoffLimitExceeded", message="Job has reached the limit")
    job = live_objects.job("migrate-1a2b", failure)
    pod = live_objects.starting_pod(job, "migrate-1a2b-x", container_status(terminated=ended(1)), phase="Failed")
    limit = event(job, "BackoffLimitExceeded", "Job has reached the specified backoff limit", seconds=40)
    index, workloads = assess([MIGRATE], job, pod, limit, elapsed=41)
    assert report.format_report(workloads, index).splitlines()[:4] == [
        "migrate failed: web ended: exit code 1",
        "  Job migrate-1a2b, pod migrate-1a2b-x, container web",
        "  events:",
        "       0s  BackoffLimitExceeded: Job has reached the specified backoff limit",
    ]


def format_many(count: int) -> str:
    """The report of so many failed workloads, each with events and a long log."""
    manifests: list[Object] = []
    workloads: list[workload_health.WorkloadHealth] = []
    for number in range(count):
        pod = live_objects.manifest("Pod", f"web-{number}")
        manifests += [pod, *(event(pod, "BackOff", f"attempt {attempt}") for attempt in range(9))]
        finding = workload_health.Finding(
            cause="crash-loop",
            message="it ends",
            hint="read",
            pod=f"web-{number}",
            container="web",
            fatal=number == count - 1,
        )
        of = target.Target(kind="Deployment", name=f"w{number}", owner=f"w{number}", deadline=300)
        workloads.append(
            workload_health.WorkloadHealth(
                target=of, state="failed", desired=1, updated=0, ready=0, findings=(finding, finding)
            )
        )
    index = live_objects.index_objects(*manifests)
    index.logs = {(f"web-{number}", "web"): "\n".join("x" * 999 for _ in range(99)) for number in range(count)}
    rolling = [workload for workload in crashing()[1] if workload.state == "progressing"]
    return report.format_report([*workloads, *rolling], index)


def test_many_failures_share_the_lines() -> None:
    sizes: list[int] = []
    for count in (1, 2, 3, 5, 8, 40):
        text = format_many(count)
        lines = text.splitlines()
        sizes.append(len(lines))
        assert len(lines) <= report.MAX_LINES
        assert max(map(len, lines)) <= 250
        # Fatal failures come first, and every workload is named.
        assert lines[0] == f"w{count - 1} failed: it ends"
        assert all(re.search(rf"\bw{number}\b", text) for number in range(count))
        assert lines[-1] == "still rolling out: db 0/1 ready"
    assert sizes[0] == 1 + 1 + 6 + 11 + 1 + 2 + 1


def test_every_cause_has_a_section_in_the_runbook() -> None:
    text = (project.ROOT / "docs" / "runbook.md").read_text()
    # GitHub makes anchors of headings: only lowercase letters, digits and hyphens stay unchanged.
    sections = re.findall(r"^#+ (?!build-)([a-z0-9-]+)$", text, re.MULTILINE)
    others = {
        "data-loss",
        "existing-objects",
        "foreign-objects",
        "gateway-api-missing",
        "namespace-deleted",
        "rollback-without-pulumi",
        "lost-passphrase",
        "not-signed",
        "store-change",
        "interrupted",
        "unreachable-cluster",
    }
    assert sorted(sections) == sorted({*causes.CAUSES, *others})
