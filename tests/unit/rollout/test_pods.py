"""Each cause that a pod can show: when it is reported, and when it fails the rollout."""

import dataclasses
from collections.abc import Callable

import pytest

from seaway.rollout import health, workload_health
from tests.support import live_objects
from tests.support.live_objects import WEB, Object, assess, at, container_status, ended, event, waiting

NOT_FOUND = "rpc error: code = NotFound desc = not found"
DENIED = "unexpected status from HEAD request to https://x/v2/web: 401 Unauthorized"
CREATING = waiting("ContainerCreating")

Events = Callable[[Object], list[Object]]


def no_events(_pod: Object) -> list[Object]:
    return []


def list_findings(status: Object, events: Events = no_events, **more: Object) -> list[workload_health.Finding]:
    """The findings about a pod with this container, half a minute into the rollout."""
    web, newest, pod = live_objects.rollout(status, **more)
    return list(assess(WEB, web, newest, pod, *events(pod)).findings)


def find(status: Object, events: Events = no_events, **more: Object) -> workload_health.Finding:
    (finding,) = list_findings(status, events, **more)
    assert (finding.pod, finding.container) == ("web-new-a", "web")
    return finding


def check(status: Object, events: Events = no_events, **more: Object) -> tuple[str, bool]:
    """Cause of the only finding, and whether it is fatal."""
    finding = find(status, events, **more)
    return finding.cause, finding.fatal


def unhealthy(message: str, seconds: float, **more: int) -> Events:
    return lambda pod: [event(pod, "Unhealthy", message, seconds=seconds, of="web", **more)]


def failed(message: str, **more: float) -> Events:
    return lambda pod: [event(pod, "Failed", f"Error: {message}", of="web", **more)]


def pulls(error: str, *attempts: tuple[int, float]) -> Events:
    """Events with count and time."""
    return lambda pod: [live_objects.pull(pod, error, count=count, seconds=seconds) for count, seconds in attempts]


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff"])
@pytest.mark.parametrize(("error", "cause"), [(NOT_FOUND, "image-not-found"), (DENIED, "image-not-authorised")])
def test_an_image_that_cannot_be_pulled_fails_with_its_second_pull(reason: str, error: str, cause: str) -> None:
    status = waiting(reason, error)
    assert check(status, pulls(error, (1, 15))) == (cause, False)
    assert check(status, pulls(error, (2, 15))) == (cause, True)
    assert check(status, pulls(error, (1, 1), (1, 14))) == (cause, True)


def pull_of_another_container(pod: Object) -> list[Object]:
    pull = live_objects.pull(pod, NOT_FOUND)
    pull["involvedObject"]["fieldPath"] = "spec.containers{other}"
    return [pull]


def pulls_in_a_series(pod: Object) -> list[Object]:
    """Events of the newer API have count and time in a series; the fields of core/v1 are empty."""
    pull = live_objects.pull(pod, NOT_FOUND) | {"count": None, "lastTimestamp": None, "eventTime": at(1)}
    return [pull | {"series": {"count": 2, "lastObservedTime": at(14)}}]


def crash_loop(last: Object, restarts: int) -> Object:
    return waiting("CrashLoopBackOff", "back-off 40s restarting failed container=web", restarts=restarts, last=last)


PULLING = waiting("ErrImagePull", NOT_FOUND)
WITHOUT_REASON = waiting("ImagePullBackOff", f'Back-off pulling image "{live_objects.IMAGE}"')
NO_HOST = 'Head "https://registry.example.com/v2/": dial tcp: lookup registry.example.com: no such host'
REFUSED = 'Head "https://registry.example.com/v2/": dial tcp 10.0.0.1:443: connect: connection refused'
NO_PLATFORM = "no match for platform in manifest: not found"
NO_SECRET, AS_ROOT = 'secret "web-1a2b" not found', "container has runAsNonRoot and image will run as root"
BUSY = "failed to sync secret cache: timed out waiting for the condition"
NO_PROGRAM = 'failed to create containerd task: exec: "pythn": executable file not found in $PATH: unknown'
WRONG_FORMAT = ended(255, message="exec /program: exec format error\n")
AGAIN = {"startedAt": at(21)}


def misconfigured(message: str) -> Object:
    return waiting("CreateContainerConfigError", message)


CASES: dict[str, tuple[Object, Events, dict[str, str], tuple[str, bool]]] = {
    # After a push of the image and another `pulumi up`, the kubelet retries within five minutes.
    "pulls before the rollout": (PULLING, pulls(NOT_FOUND, (7, -20)), {}, ("image-not-found", False)),
    "pulls since": (PULLING, pulls(NOT_FOUND, (8, 20)), {}, ("image-not-found", True)),
    "kubelets before 1.32": (WITHOUT_REASON, pulls(NOT_FOUND, (2, 15)), {}, ("image-not-found", True)),
    "no reason at all": (WITHOUT_REASON, no_events, {}, ("image-pull", False)),
    "pull of another container": (PULLING, pull_of_another_container, {}, ("image-not-found", False)),
    "newer API of events": (PULLING, pulls_in_a_series, {}, ("image-not-found", True)),
    "refused": (waiting("ErrImagePull", REFUSED), pulls(REFUSED, (9, 15)), {}, ("registry-unreachable", False)),
    "no host, twice": (waiting("ErrImagePull", NO_HOST), pulls(NO_HOST, (2, 15)), {}, ("registry-unreachable", False)),
    "no host": (waiting("ErrImagePull", NO_HOST), pulls(NO_HOST, (3, 15)), {}, ("registry-unreachable", True)),
    "no host before": (waiting("ErrImagePull", NO_HOST), pulls(NO_HOST, (9, -6)), {}, ("registry-unreachable", False)),
    "architecture": (
        waiting("ErrImagePull", NO_PLATFORM),
        pulls(NO_PLATFORM, (1, 15)),
        {},
        ("wrong-architecture", True),
    ),
    "no secret": (misconfigured(NO_SECRET), failed(NO_SECRET), {}, ("config-missing", True)),
    # The Secret was created again, and the kubelet has not retried since.
    "no secret before": (misconfigured(NO_SECRET), failed(NO_SECRET, seconds=-5), {}, ("config-missing", False)),
    "root": (misconfigured(AS_ROOT), failed(AS_ROOT), {}, ("runs-as-root", True)),
    "root before": (misconfigured(AS_ROOT), failed(AS_ROOT, seconds=-5), {}, ("runs-as-root", False)),
    # The watch starts with the last object of a phase. The kubelet may have tried the first pods by then.
    "pod of this rollout": (
        misconfigured(NO_SECRET),
        failed(NO_SECRET, seconds=-2),
        {"creationTimestamp": at(-4)},
        ("config-missing", True),
    ),
    "pod of before": (
        misconfigured(NO_SECRET),
        failed(NO_SECRET, seconds=-2),
        {"creationTimestamp": at(-6)},
        ("config-missing", False),
    ),
    "busy node": (misconfigured(BUSY), failed(BUSY, count=5), {}, ("container-not-created", False)),
    "runs again": (container_status(restarts=3, last=ended(3), running=AGAIN), no_events, {}, ("crash-loop", False)),
    "crashes before a repair": (crash_loop(ended(3, finished=-30), 9), no_events, {}, ("crash-loop", False)),
    "crashes since": (crash_loop(ended(3, finished=30), 10), no_events, {}, ("crash-loop", True)),
    "format": (crash_loop(WRONG_FORMAT, 0), no_events, {}, ("wrong-architecture", True)),
    "never started": (waiting("RunContainerError", NO_PROGRAM), no_events, {}, ("command-not-found", False)),
}


@pytest.mark.parametrize("case", CASES)
def test_cause(case: str) -> None:
    status, events, more, expected = CASES[case]
    assert check(status, events, **more) == expected


def test_impossible_images_are_fatal(wording: object) -> None:
    findings = [find(waiting(reason)) for reason in ("InvalidImageName", "ErrImageNeverPull")]
    assert [(finding.cause, finding.fatal) for finding in findings] == [
        ("image-name-invalid", True),
        ("image-not-found", True),
    ]
    assert [finding.message for finding in findings] == wording


MOUNT = 'MountVolume.SetUp failed for volume "config" : configmap "web-1a2b" not found'


def test_a_volume_of_a_missing_config_map() -> None:
    def mounts(count: int, seconds: float = 5) -> list[workload_health.Finding]:
        return list_findings(CREATING, lambda pod: [event(pod, "FailedMount", MOUNT, count=count, seconds=seconds)])

    assert [(finding.cause, finding.fatal) for finding in mounts(3)] == [("config-missing", True)]
    assert not mounts(2)[0].fatal
    assert not mounts(9, seconds=-5)[0].fatal


def test_progress_after_a_failed_mount_clears_it() -> None:
    def events(pod: Object) -> list[Object]:
        return [event(pod, "FailedMount", MOUNT, count=9), event(pod, "Pulling", "", seconds=6, type="Normal")]

    assert list_findings(CREATING, events) == []


@pytest.mark.parametrize(
    ("reason", "message", "cause"),
    [
        ("FailedAttachVolume", 'Multi-Attach error for volume "pvc-1" Volume is already used', "volume-not-mounted"),
        ("FailedMount", "Unable to attach or mount volumes: timed out", "volume-not-mounted"),
        ("FailedCreatePodSandBox", "Failed to create pod sandbox: plugin type=cni failed", "sandbox-failed"),
    ],
)
def test_a_pod_that_is_blocked_before_its_first_container(reason: str, message: str, cause: str) -> None:
    (finding,) = list_findings(CREATING, lambda pod: [event(pod, reason, message, count=9)])
    assert (finding.cause, finding.message, finding.fatal) == (cause, message, False)


def find_unscheduled(message: str, *others: Object) -> workload_health.Finding:
    web, newest, pod = live_objects.rollout()
    pod["status"]["conditions"] = [live_objects.condition("PodScheduled", "False", message=message)]
    pod["spec"]["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": "data-db-0"}}]
    (finding,) = assess(WEB, web, newest, pod, *others).findings
    assert finding.fatal is False
    return finding


UNBOUND = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/1 nodes."
AFFINITY = "0/1 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity."


def test_a_pod_without_a_node(wording: object) -> None:
    pod = live_objects.manifest("Pod", "web-new-a")
    scale_up = event(pod, "TriggeredScaleUp", "pod triggered scale-up: [{pool 1->2 (max: 4)}]", type="Normal")
    claim = {**live_objects.manifest("PersistentVolumeClaim", "data-db-0"), "status": {"phase": "Pending"}}
    bound = claim | {"status": {"phase": "Bound"}}
    reason = "no persistent volumes available for this claim and no storage class is set"
    findings = [
        find_unscheduled("0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s)."),
        find_unscheduled("0/1 nodes are available: 1 Insufficient cpu.", scale_up),
        find_unscheduled(AFFINITY, bound),
        find_unscheduled(UNBOUND, claim, event(claim, "FailedBinding", reason, type="Normal")),
        find_unscheduled(UNBOUND, claim),
        find_unscheduled(UNBOUND),
    ]
    assert [finding.cause for finding in findings] == ["unschedulable"] * 3 + ["volume-unbound"] * 3
    assert [finding.message for finding in findings] == wording


def test_a_crash_loop_fails_after_three_restarts(wording: object) -> None:
    last = ended(3, message="starting\ncannot read /etc/web.toml\n")
    assert check(crash_loop(last, 2)) == ("crash-loop", False)
    assert check(crash_loop(last, 3)) == ("crash-loop", True)
    assert check(container_status(restarts=3, terminated=last)) == ("crash-loop", True)
    codes = [find(crash_loop(ended(code), 1)) for code in (0, 1, 139, 255)]
    assert [finding.message for finding in (find(crash_loop(last, 2)), *codes)] == wording


def test_a_ready_container_has_no_findings() -> None:
    assert list_findings(container_status(ready=True, restarts=3, last=ended(3), running=AGAIN)) == []


def test_an_init_container() -> None:
    init = container_status("wait", restarts=3, waiting={"reason": "CrashLoopBackOff"}, last=ended(1))
    (finding,) = list_findings(init, init=True)
    assert (finding.container, finding.fatal) == ("wait", True)
    done = container_status("wait", ready=True, restarts=3, terminated=ended(0, "Completed"), last=ended(1))
    assert list_findings(done, init=True) == []


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("OSError: [Errno 30] Read-only file system: '/srv/cache/a.bin'", "not-writable"),
        ("chown: /data: Operation not permitted", "needs-rights"),
        ("listen tcp :80: bind: permission denied", "low-port"),
    ],
)
def test_a_permission_error_names_the_field(message: str, cause: str, wording: object) -> None:
    last = ended(1, message=f"starting\n{message}\n")
    assert check(crash_loop(last, 2)) == (cause, False)
    finding = find(crash_loop(last, 3))
    assert (finding.cause, finding.fatal) == (cause, True)
    assert [finding.message, finding.hint] == wording


def test_a_missing_variable_of_a_link_names_the_call() -> None:
    trace = "File \"<frozen os>\", line 679\nKeyError: 'CACHE_HOST'\n"
    web, newest, pod = live_objects.rollout(crash_loop(ended(1, message=trace), 3))
    index = live_objects.index_objects(web, newest, pod)
    declared = dataclasses.replace(WEB, sources={"": "app.yaml", "services.web": "app.yaml:3", "stores.cache": ""})
    (finding,) = health.assess_workload(declared, index, elapsed=30, started=live_objects.STARTED).findings
    assert finding.hint.startswith("add cache to services.web.calls (app.yaml:3)")


RESET = "Startup probe failed: Get :8000/: read: connection reset by peer"
GUNICORN = """[7] [ERROR] Exception in worker process
Traceback (most recent call last):
  File "/usr/local/lib/python3.12/site-packages/gunicorn/arbiter.py", line 608, in spawn_worker
    worker.init_process()
  File "/app/app.py", line 4, in <module>
    start()
{}
[7] [INFO] Worker exiting (pid: 7)
"""
LOGS = {
    "no error": ("not-ready", "[1] [INFO] Booting worker with pid: 7"),
    "a known error": ("not-ready", GUNICORN.format("ModuleNotFoundError: No module named 'redis'")),
    "a permission": ("not-writable", GUNICORN.format("OSError: [Errno 30] Read-only file system: 'visits.log'")),
    "another error": ("not-ready", GUNICORN.format("MyOwnError: no route")),
    "handled before": ("not-ready", GUNICORN.format("ValueError") + "[1] [INFO] GET /\n" * 20),
}


@pytest.mark.parametrize("case", LOGS)
def test_a_program_that_outlives_its_worker_is_explained_by_its_log(case: str, wording: object) -> None:
    cause, log = LOGS[case]
    web, newest, pod = live_objects.rollout(container_status(running={"startedAt": at(1)}))
    index = live_objects.index_objects(web, newest, pod, *unhealthy(RESET, 12)(pod))
    index.logs = {("web-new-a", "web"): log}
    (finding,) = health.assess_workload(WEB, index, elapsed=30, started=live_objects.STARTED).findings
    assert (finding.cause, finding.fatal) == (cause, False)
    assert [finding.message, finding.hint] == wording


@pytest.mark.parametrize(("log", "headline"), [("", "created by main"), ("panic: nil map\n", "panic: nil map")])
def test_a_traceback_that_kubernetes_cut_is_in_the_log(log: str, headline: str) -> None:
    """Kubernetes keeps the last 2048 bytes."""
    trace = "".join(f"goroutine {number} [select]:\nmain.main()\ncreated by main\n" for number in range(100))
    web, newest, pod = live_objects.rollout(crash_loop(ended(2, message=trace[-2048:]), 3))
    index = live_objects.index_objects(web, newest, pod)
    index.logs = {("web-new-a", "web"): log + trace} if log else {}
    (finding,) = health.assess_workload(WEB, index, elapsed=30, started=live_objects.STARTED).findings
    assert finding.message.endswith(headline)


@pytest.mark.parametrize(
    ("last", "cause"),
    [(ended(137, "OOMKilled"), "out-of-memory"), (ended(128, "StartError", message=NO_PROGRAM), "command-not-found")],
)
def test_other_crashes_fail_after_three_restarts(last: Object, cause: str, wording: object) -> None:
    assert check(crash_loop(last, 1)) == (cause, False)
    assert check(crash_loop(last, 3)) == (cause, True)
    assert [find(crash_loop(last, 1)).message] == wording


@pytest.mark.parametrize(("probe", "cause"), [("Startup", "startup-failed"), ("Liveness", "liveness-failed")])
def test_a_program_that_was_killed_because_of_a_probe(probe: str, cause: str, wording: object) -> None:
    def events(pod: Object, killed: float = 18) -> list[Object]:
        message = f"Container web failed {probe.lower()} probe, will be restarted"
        return [
            *unhealthy(f"{probe} probe failed: HTTP probe failed with statuscode: 404", 17)(pod),
            event(pod, "Killing", message, seconds=killed, of="web", type="Normal"),
        ]

    assert check(crash_loop(ended(143), 1), events) == (cause, False)
    assert check(crash_loop(ended(143), 3), events) == (cause, True)
    # The probe ended an earlier run; the last run ended by itself.
    assert find(crash_loop(ended(1), 3), lambda pod: events(pod, killed=10)).cause == "crash-loop"
    assert [find(crash_loop(ended(143), 1), events).message] == wording


READINESS = "Readiness probe failed: HTTP probe failed with statuscode: 404"


def test_a_probe_that_keeps_failing_is_reported(wording: object) -> None:
    running = container_status(running={"startedAt": at(1)})
    assert list_findings(running, unhealthy(READINESS, 10)) == []
    finding = find(running, unhealthy(READINESS, 12, count=6))
    assert (finding.cause, finding.fatal) == ("not-ready", False)
    assert [finding.message] == wording


def test_a_startup_probe_that_gets_no_answer_is_a_slow_start(wording: object) -> None:
    slow = 'Startup probe failed: Get "http://10.42.0.7:8000/healthz": context deadline exceeded'
    finding = find(container_status(running={"startedAt": at(1)}), unhealthy(slow, 12))
    assert (finding.cause, finding.fatal) == ("not-ready", False)
    combined = unhealthy(f"(combined from similar events): {slow}", 12)
    assert find(container_status(running={"startedAt": at(1)}), combined) == finding
    assert [finding.message, finding.hint] == wording


def test_a_container_that_crashed_and_is_not_ready_is_reported_for_its_current_state() -> None:
    running = container_status(restarts=1, last=ended(1), running={"startedAt": at(10)})
    assert find(running, unhealthy(READINESS, 25)).cause == "not-ready"
    assert find(running, unhealthy("Startup probe failed: statuscode: 404", 25)).cause == "crash-loop"


def test_a_container_that_the_runtime_cannot_create(wording: object) -> None:
    finding = find(waiting("CreateContainerError", "context deadline exceeded"))
    assert (finding.cause, finding.fatal) == ("container-not-created", False)
    assert [finding.message] == wording


EVICTIONS = {
    "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ": "<resources.disk>",
    'Container web exceeded its local ephemeral storage limit "1Gi". ': "<resources.disk>",
    'Usage of EmptyDir volume "tmp" exceeds the limit "256Mi". ': "write less to this folder",
    "The node was low on resource: ephemeral-storage. Threshold quantity: 1Gi, available: 1Ki.": "add capacity",
}


def test_an_evicted_pod(wording: object) -> None:
    findings: list[workload_health.Finding] = []
    for message, hint in EVICTIONS.items():
        web, newest, pod = live_objects.rollout(container_status(terminated=ended(137)), phase="Failed")
        pod["status"] |= {"reason": "Evicted", "message": message}
        findings += assess(WEB, web, newest, pod).findings
        assert hint.strip("<>") in findings[-1].hint
    assert {(finding.cause, finding.fatal) for finding in findings} == {("evicted", False)}
    assert [finding.message for finding in findings] == wording
