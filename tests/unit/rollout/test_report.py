"""What a person reads when a rollout has failed."""

import datetime
import re
from collections.abc import Iterable

from dev import project
from seaway.kubernetes.cluster import snapshot
from seaway.rollout import causes, report, workload_health
from tests.unit.rollout import objects
from tests.unit.rollout.objects import DB, MIGRATE, WEB

BACKOFF = "Back-off restarting failed container web in pod web-new-a_shop-dev(f9a491c8-470c-42f5-b4d6-aadf8d61b183)"
NOW = objects.STARTED + datetime.timedelta(seconds=40)


def crashing() -> tuple[snapshot.Snapshot, list[workload_health.WorkloadHealth]]:
    """web crashes in both of its new pods, its old ones serve; db is still coming."""
    web = objects.deployment(updated=2, total=4)
    new, old = objects.replica_set(web, "web-new", "2", ready=1), objects.replica_set(web, "web-old", "1", ready=2)
    last = objects.ended(3, message="cannot read /etc/web.toml\n")
    status = objects.waiting("CrashLoopBackOff", "back-off 40s", restarts=3, last=last)
    pods = [objects.pod(new, f"web-new-{each}", status, phase="Running") for each in "ab"]
    told = [
        objects.event(pods[0], "Pulled", "Container image already present", seconds=1, kind="Normal"),
        objects.event(pods[0], "Unhealthy", "Startup probe failed:\n connection refused", seconds=2, of="web"),
        objects.event(pods[0], "Failed", "Error: ErrImagePull", seconds=3, of="web"),
        objects.event(pods[0], "BackOff", BACKOFF, seconds=28, count=4, of="web"),
        objects.event(pods[1], "BackOff", "of the other pod", seconds=29, of="web"),
    ]
    seen = objects.seen(web, new, old, *pods, *told, objects.stateful_set())
    verdicts = [objects.health.assess_workload(of, seen, elapsed=40, started=objects.STARTED) for of in (DB, WEB)]
    return seen, verdicts


def test_the_whole_text() -> None:
    seen, verdicts = crashing()
    logs = {("web-new-a", "web"): "\x1b[31mstarting\x1b[0m\ncannot read /etc/web.toml\n"}
    assert report.format_report(verdicts, seen, logs, now=NOW) == (
        """\
web failed: web ended: exit code 3: cannot read /etc/web.toml
  Deployment web, pod web-new-a and 1 more, container web
  events:
      38s  Unhealthy: Startup probe failed: connection refused
      12s  BackOff (x4): Back-off restarting failed container web
  last lines of web:
    starting
    cannot read /etc/web.toml
  what to do: read its log: kubectl logs web-new-a -c web -n shop-dev --previous
  see docs/runbook.md#crash-loop
  the version before still serves: 2 pods are ready
still rolling out: db 0/1 ready"""
    )


def test_without_a_log_or_a_clock() -> None:
    seen, verdicts = crashing()
    text = report.format_report(verdicts, seen, {})
    assert "last lines" not in text
    assert "  1s  BackOff (x4)" in text


def test_no_failure_no_text() -> None:
    seen, (db, _) = crashing()
    assert report.format_report([db], seen, {}) == ""
    assert report.list_log_requests([db], seen) == []


def wanted(status: objects.Object, events: Iterable[objects.Object] = ()) -> list[report.LogRequest]:
    seen = objects.seen(*objects.rollout(status, phase="Running"), *events)
    verdicts = [objects.health.assess_workload(WEB, seen, elapsed=300, started=objects.STARTED)]
    assert verdicts[0].state == "failed"
    return report.list_log_requests(verdicts, seen)


def test_the_log_is_that_of_the_run_that_tells() -> None:
    now = report.LogRequest(pod="web-new-a", container="web", previous=False)
    before = report.LogRequest(pod="web-new-a", container="web", previous=True)
    # Between two runs, the newest log is that of the one that ended.
    assert wanted(objects.waiting("CrashLoopBackOff", last=objects.ended(3))) == [now]
    assert wanted(objects.container(terminated=objects.ended(3))) == [now]
    running = {"startedAt": objects.at(1)}
    assert wanted(objects.container(last=objects.ended(3), running=running)) == [before]
    assert wanted(objects.container(running=running)) == [now]
    # It crashed early, and what is wrong now is something else.
    seen = [
        objects.event(
            objects.meta("Pod", "web-new-a"), "Unhealthy", "Readiness probe failed: 404", seconds=90, of="web"
        )
    ]
    assert wanted(objects.container(last=objects.ended(3), running=running), seen) == [now]
    assert wanted(objects.waiting("ErrImagePull", "not found")) == []


def test_a_refused_pod_has_no_log() -> None:
    text = 'pods "web-a" is forbidden: exceeded quota: full, requested: pods=1, used: pods=4, limited: pods=4'
    web = objects.deployment()
    failure = objects.condition("ReplicaFailure", message=text)
    seen = objects.seen(web, objects.replica_set(web, "web-new", "2", conditions=[failure]))
    verdicts = [objects.health.assess_workload(WEB, seen, elapsed=1, started=objects.STARTED)]
    assert report.list_log_requests(verdicts, seen) == []
    assert report.format_report(verdicts, seen, {}) == (
        """\
web failed: the quota full is full: pods=1 more asked, pods=4 of pods=4 used
  Deployment web
  what to do: see it with kubectl describe quota -n shop-dev; raise it, or lower services.web.resources or the scale
  see docs/runbook.md#quota"""
    )


def test_events_that_say_the_same_are_one() -> None:
    """The refused pod has another name each time."""
    web = objects.deployment()
    made_by = objects.replica_set(web, "web-new", "2")
    said = 'Error creating: pods "web-new-{}" is forbidden: exceeded quota: full, requested: pods=1'
    tried = [objects.event(made_by, "FailedCreate", said.format(each), seconds=each) for each in range(1, 9)]
    other = objects.event(web, "ReplicaSetCreateError", "something else", seconds=3)
    seen = objects.seen(web, made_by, *tried, other)
    verdicts = [objects.health.assess_workload(WEB, seen, elapsed=300, started=objects.STARTED)]
    assert report.format_report(verdicts, seen, {}).splitlines()[2:5] == [
        "  events:",
        "       5s  ReplicaSetCreateError: something else",
        "       0s  FailedCreate (x8): Error creating: pods is forbidden: exceeded quota: full, requested: pods=1",
    ]


def test_a_job_tells_its_own_events_too() -> None:
    job = objects.job(objects.condition("Failed", reason="BackoffLimitExceeded", message="Job has reached the limit"))
    pod = objects.pod(job, "migrate-1a2b-x", objects.container(terminated=objects.ended(1)), phase="Failed")
    told = objects.event(job, "BackoffLimitExceeded", "Job has reached the specified backoff limit", seconds=40)
    seen = objects.seen(job, pod, told)
    verdicts = [objects.health.assess_workload(MIGRATE, seen, elapsed=41, started=objects.STARTED)]
    assert report.format_report(verdicts, seen, {}).splitlines()[:4] == [
        "migrate failed: web ended: exit code 1",
        "  Job migrate-1a2b, pod migrate-1a2b-x, container web",
        "  events:",
        "       0s  BackoffLimitExceeded: Job has reached the specified backoff limit",
    ]


def many(count: int) -> tuple[list[workload_health.WorkloadHealth], snapshot.Snapshot, dict[tuple[str, str], str]]:
    """So many failed workloads, each with events and a long log."""
    found: list[objects.Object] = []
    verdicts: list[workload_health.WorkloadHealth] = []
    for index in range(count):
        pod = objects.meta("Pod", f"web-{index}")
        found += [pod, *(objects.event(pod, "BackOff", f"try {each}") for each in range(9))]
        reason = workload_health.Finding(
            cause="crash-loop",
            line="it ends",
            hint="read",
            pod=f"web-{index}",
            container="web",
            fatal=index == count - 1,
        )
        of = objects.target.Target(kind="Deployment", name=f"w{index}", owner=f"w{index}", deadline=300)
        verdicts.append(
            workload_health.WorkloadHealth(
                target=of, state="failed", desired=1, updated=0, ready=0, findings=(reason, reason)
            )
        )
    logs = {(f"web-{index}", "web"): "\n".join("x" * 999 for _ in range(99)) for index in range(count)}
    return [*verdicts, *(each for each in crashing()[1] if each.state == "progressing")], objects.seen(*found), logs


def test_many_failures_share_the_lines() -> None:
    sizes: list[int] = []
    for count in (1, 2, 3, 5, 8, 40):
        text = report.format_report(*many(count))
        lines = text.splitlines()
        sizes.append(len(lines))
        assert len(lines) <= report.MAX_LINES
        assert max(map(len, lines)) <= 250
        # What cannot heal comes first; nobody is left out.
        assert lines[0] == f"w{count - 1} failed: it ends"
        assert all(re.search(rf"\bw{index}\b", text) for index in range(count))
        assert lines[-1] == "still rolling out: db 0/1 ready"
    assert sizes[0] == 1 + 1 + 6 + 11 + 1 + 2 + 1


def test_every_cause_has_its_section_in_the_runbook() -> None:
    text = (project.ROOT / "docs" / "runbook.md").read_text()
    # GitHub makes anchors of headings: only small letters, digits and dashes stay as they are.
    sections = re.findall(r"^#+ ([a-z0-9-]+)$", text, re.MULTILINE)
    assert len(sections) == len(set(sections))
    guards = {"data-loss", "foreign-objects"}
    missing = {
        *causes.CAUSES,
        *guards,
        "rollback-without-pulumi",
        "lost-passphrase",
        "interrupted",
        "unreachable-cluster",
    }
    assert missing - set(sections) == set()
    # No section for what can no longer happen.
    assert set(sections) - missing == set()
    assert causes.format_runbook_link("image-not-found") == "docs/runbook.md#image-not-found"
