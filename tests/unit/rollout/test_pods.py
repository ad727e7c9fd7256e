"""Each cause that a pod can show: when it is told, when it fails the rollout, and when it does not."""

from collections.abc import Callable

import pytest

from seaway.rollout import workload_health
from tests.unit.rollout import objects
from tests.unit.rollout.objects import WEB, at, container, ended, event, judged, waiting

NOT_FOUND = "rpc error: code = NotFound desc = not found"
DENIED = "unexpected status from HEAD request to https://x/v2/web: 401 Unauthorized"

Events = Callable[[objects.Object], list[objects.Object]]


def found(
    status: objects.Object, events: Events = lambda _: [], **more: objects.Object
) -> list[workload_health.Finding]:
    """What a pod with this container is told for, half a minute into the rollout."""
    web, made_by, pod = objects.rollout(status, **more)
    return list(judged(WEB, web, made_by, pod, *events(pod)).findings)


def one(status: objects.Object, events: Events = lambda _: [], **more: objects.Object) -> tuple[str, str, bool]:
    """Cause, line and whether it is fatal, of the only finding."""
    (finding,) = found(status, events, **more)
    assert (finding.pod, finding.container) == ("web-new-a", "web")
    return finding.cause, finding.line, finding.fatal


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff"])
@pytest.mark.parametrize(
    ("why", "cause", "line"),
    [
        (NOT_FOUND, "image-not-found", f"image {objects.IMAGE} does not exist: not found"),
        (DENIED, "image-not-authorised", f"image {objects.IMAGE} may not be pulled: {DENIED}"),
    ],
)
def test_an_image_that_is_not_to_be_had_fails_with_its_second_pull(
    reason: str, why: str, cause: str, line: str
) -> None:
    first = waiting(reason, why)
    assert one(first, lambda pod: [objects.pull(pod, why, count=1)]) == (cause, line, False)
    assert one(first, lambda pod: [objects.pull(pod, why, count=2)]) == (cause, line, True)
    twice = [1, 14]
    assert one(first, lambda pod: [objects.pull(pod, why, count=1, seconds=each) for each in twice])[2]


def test_a_pull_from_before_the_rollout_is_told_only() -> None:
    """Somebody pushes the image and runs `pulumi up` again: the kubelet tries again within five minutes."""
    status = waiting("ImagePullBackOff", NOT_FOUND)
    assert not one(status, lambda pod: [objects.pull(pod, NOT_FOUND, count=7, seconds=-20)])[2]
    assert one(status, lambda pod: [objects.pull(pod, NOT_FOUND, count=8, seconds=20)])[2]


def test_a_kubelet_before_1_32_says_why_in_the_event_only() -> None:
    status = waiting("ImagePullBackOff", f'Back-off pulling image "{objects.IMAGE}"')
    assert one(status, lambda pod: [objects.pull(pod, NOT_FOUND)])[0] == "image-not-found"
    assert one(status)[0] == "image-pull"


def test_pulls_are_counted_by_container() -> None:
    def other(pod: objects.Object) -> list[objects.Object]:
        pull = objects.pull(pod, NOT_FOUND)
        pull["involvedObject"]["fieldPath"] = "spec.containers{other}"
        return [pull]

    assert not one(waiting("ErrImagePull", NOT_FOUND), other)[2]


def test_events_of_the_newer_api() -> None:
    """Their count and time stand in a series; the fields of core/v1 are empty."""

    def series(pod: objects.Object) -> list[objects.Object]:
        pull = objects.pull(pod, NOT_FOUND) | {"count": None, "lastTimestamp": None, "eventTime": at(1)}
        return [pull | {"series": {"count": 2, "lastObservedTime": at(14)}}]

    assert one(waiting("ErrImagePull", NOT_FOUND), series)[2]


def test_a_registry_that_cannot_be_reached_may_come_back() -> None:
    why = 'Head "https://registry.example.com/v2/": dial tcp: lookup registry.example.com: no such host'
    cause, _, fatal = one(waiting("ErrImagePull", why), lambda pod: [objects.pull(pod, why, count=9)])
    assert (cause, fatal) == ("registry-unreachable", False)


def test_an_image_for_another_processor_fails_with_its_first_pull() -> None:
    why = "no match for platform in manifest: not found"
    status = waiting("ErrImagePull", why)
    assert one(status, lambda pod: [objects.pull(pod, why, count=1)])[::2] == ("wrong-architecture", True)


@pytest.mark.parametrize(
    ("reason", "message", "cause", "line"),
    [
        ("InvalidImageName", "", "image-name-invalid", f"'{objects.IMAGE}' is no image name"),
        (
            "ErrImageNeverPull",
            "",
            "image-not-found",
            f"image {objects.IMAGE} is not on the node, and its pull policy is Never",
        ),
    ],
)
def test_what_a_pod_asks_for_can_never_be(reason: str, message: str, cause: str, line: str) -> None:
    assert one(waiting(reason, message)) == (cause, line, True)


@pytest.mark.parametrize(
    ("message", "cause", "line"),
    [
        ('secret "web-1a2b" not found', "config-missing", "the Secret web-1a2b does not exist"),
        (
            "container has runAsNonRoot and image will run as root",
            "runs-as-root",
            "root is forbidden: image will run as root",
        ),
    ],
)
def test_a_container_that_cannot_be_configured(message: str, cause: str, line: str) -> None:
    status = waiting("CreateContainerConfigError", message)
    tried = [event(objects.meta("Pod", "web-new-a"), "Failed", f"Error: {message}", of="web")]
    assert one(status, lambda _: tried) == (cause, line, True)
    # The Secret was made again, and the kubelet has not tried since.
    before = [event(objects.meta("Pod", "web-new-a"), "Failed", f"Error: {message}", of="web", seconds=-5)]
    assert one(status, lambda _: before) == (cause, line, False)


def test_a_pod_of_this_rollout_counts_from_its_beginning() -> None:
    """The watch begins when the last object of a wave is there; the first pods have been tried by then."""
    message = 'secret "web-1a2b" not found'
    status = waiting("CreateContainerConfigError", message)
    tried = [event(objects.meta("Pod", "web-new-a"), "Failed", f"Error: {message}", of="web", seconds=-2)]
    assert one(status, lambda _: tried, creationTimestamp=at(-4))[2]
    assert not one(status, lambda _: tried, creationTimestamp=at(-6))[2]


def test_a_busy_node_takes_a_moment() -> None:
    message = "failed to sync secret cache: timed out waiting for the condition"
    tried = [event(objects.meta("Pod", "web-new-a"), "Failed", f"Error: {message}", of="web", count=5)]
    assert one(waiting("CreateContainerConfigError", message), lambda _: tried)[::2] == ("container-not-created", False)


MOUNT = 'MountVolume.SetUp failed for volume "config" : configmap "web-1a2b" not found'
CREATING = waiting("ContainerCreating")


def test_a_volume_of_a_config_map_that_is_not_there() -> None:
    (finding,) = found(CREATING, lambda pod: [event(pod, "FailedMount", MOUNT, count=3)])
    assert (finding.cause, finding.line, finding.fatal) == (
        "config-missing",
        "the ConfigMap web-1a2b does not exist",
        True,
    )
    assert not found(CREATING, lambda pod: [event(pod, "FailedMount", MOUNT, count=2)])[0].fatal
    assert not found(CREATING, lambda pod: [event(pod, "FailedMount", MOUNT, count=9, seconds=-5)])[0].fatal
    # It was mounted after all; the image takes its time.
    went_on = found(
        CREATING,
        lambda pod: [
            event(pod, "FailedMount", MOUNT, count=9),
            event(pod, "Pulling", "Pulling image", seconds=6, kind="Normal"),
        ],
    )
    assert went_on == []


@pytest.mark.parametrize(
    ("reason", "message", "cause"),
    [
        ("FailedAttachVolume", 'Multi-Attach error for volume "pvc-1" Volume is already used', "volume-not-mounted"),
        ("FailedMount", "Unable to attach or mount volumes: timed out", "volume-not-mounted"),
        ("FailedCreatePodSandBox", "Failed to create pod sandbox: plugin type=cni failed", "sandbox-failed"),
    ],
)
def test_what_holds_a_pod_up_before_its_first_container(reason: str, message: str, cause: str) -> None:
    (finding,) = found(CREATING, lambda pod: [event(pod, reason, message, count=9)])
    assert (finding.cause, finding.line, finding.fatal) == (cause, message, False)


def unscheduled(message: str, *others: objects.Object) -> workload_health.Finding:
    web, made_by, pod = objects.rollout()
    pod["status"]["conditions"] = [objects.condition("PodScheduled", "False", message=message)]
    pod["spec"]["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": "data-db-0"}}]
    (finding,) = judged(WEB, web, made_by, pod, *others).findings
    assert finding.fatal is False
    return finding


def test_a_pod_without_a_node() -> None:
    finding = unscheduled("0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s).")
    assert (finding.cause, finding.line) == (
        "unschedulable",
        "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s)",
    )
    pod = objects.meta("Pod", "web-new-a")
    grows = event(pod, "TriggeredScaleUp", "pod triggered scale-up: [{pool 1->2 (max: 4)}]", kind="Normal")
    assert unscheduled("0/1 nodes are available: 1 Insufficient cpu.", grows).line == (
        "0/1 nodes are available: 1 Insufficient cpu (a new node is on its way)"
    )


UNBOUND = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/1 nodes."


def test_a_volume_that_nobody_provides() -> None:
    claim = {**objects.meta("PersistentVolumeClaim", "data-db-0"), "status": {"phase": "Pending"}}
    said = "no persistent volumes available for this claim and no storage class is set"
    finding = unscheduled(UNBOUND, claim, event(claim, "FailedBinding", said, kind="Normal"))
    assert (finding.cause, finding.line) == ("volume-unbound", f"the volume claim data-db-0 is not bound: {said}")
    assert unscheduled(UNBOUND, claim).line == "the volume claim data-db-0 is not bound: nobody provides it"
    assert unscheduled(UNBOUND).line == "the volume claim data-db-0 does not exist"
    bound = {**objects.meta("PersistentVolumeClaim", "data-db-0"), "status": {"phase": "Bound"}}
    away = "0/1 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity."
    assert unscheduled(away, bound).cause == "unschedulable"


def crash_loop(last: objects.Object, restarts: int) -> objects.Object:
    return waiting("CrashLoopBackOff", "back-off 40s restarting failed container=web", restarts=restarts, last=last)


LINE = "web ended: exit code 3: cannot read /etc/web.toml"


def test_a_crash_loop_fails_after_three_restarts() -> None:
    last = ended(3, message="starting\ncannot read /etc/web.toml\n")
    assert one(crash_loop(last, 2)) == ("crash-loop", LINE, False)
    assert one(crash_loop(last, 3)) == ("crash-loop", LINE, True)
    assert one(container(restarts=3, terminated=last)) == ("crash-loop", LINE, True)


def test_a_program_that_runs_once_more_is_waited_for() -> None:
    last = ended(3, message="cannot read /etc/web.toml")
    again = container(restarts=3, last=last, running={"startedAt": at(21)})
    assert one(again) == ("crash-loop", LINE, False)
    up = container(ready=True, restarts=3, last=last, running={"startedAt": at(21)})
    assert found(up) == []


def test_crashes_from_before_a_repair_fail_only_when_they_go_on() -> None:
    assert one(crash_loop(ended(3, finished=-30), 9))[::2] == ("crash-loop", False)
    assert one(crash_loop(ended(3, finished=30), 10))[::2] == ("crash-loop", True)


def test_an_init_container() -> None:
    init = container("wait", restarts=3, waiting={"reason": "CrashLoopBackOff"}, last=ended(1))
    (finding,) = found(init, init=True)
    assert (finding.container, finding.fatal) == ("wait", True)
    done = container("wait", ready=True, restarts=3, terminated=ended(0, "Completed"), last=ended(1))
    assert found(done, init=True) == []


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (0, "web ended: exit code 0, but it is to run for ever"),
        (1, "web ended: exit code 1"),
        (139, "web ended: exit code 139 (SIGSEGV)"),
        (255, "web ended: exit code 255"),
    ],
)
def test_exit_codes(code: int, line: str) -> None:
    assert one(crash_loop(ended(code), 1)) == ("crash-loop", line, False)


@pytest.mark.parametrize(
    ("message", "cause", "remedy"),
    [
        (
            "OSError: [Errno 30] Read-only file system: '/srv/cache/a.bin'",
            "not-writable",
            "add writable: [/srv/cache] to services.web in app.yaml (it is empty at each start), or let it write to"
            " /tmp; an image that is made for a user of its own wants services.web.user",
        ),
        (
            "chown: /data: Operation not permitted",
            "needs-rights",
            "set services.web.user in app.yaml to the id of the image's own user: most then ask no more; what still"
            " does needs security: baseline, or another image",
        ),
        (
            "listen tcp :80: bind: permission denied",
            "low-port",
            "say it in services.web.port in app.yaml: below 1024 only ports that are said are open to everybody; or"
            " let the program listen on the one that is said",
        ),
    ],
)
def test_a_program_that_was_closed_in_names_the_field(message: str, cause: str, remedy: str) -> None:
    last = ended(1, message=f"starting\n{message}\n")
    assert one(crash_loop(last, 2)) == (cause, f"web ended: exit code 1: {message}", False)
    (finding,) = found(crash_loop(last, 3))
    assert (finding.cause, finding.hint, finding.fatal) == (cause, remedy, True)


def test_a_program_that_took_too_much_memory() -> None:
    line = "web was killed: it took more memory than its limit of 128Mi"
    assert one(crash_loop(ended(137, "OOMKilled"), 1)) == ("out-of-memory", line, False)
    assert one(crash_loop(ended(137, "OOMKilled"), 3)) == ("out-of-memory", line, True)


def test_a_program_for_another_processor() -> None:
    line = f"the program of image {objects.IMAGE} is for another processor (exec format error)"
    last = ended(255, message="exec /program: exec format error\n")
    assert one(crash_loop(last, 0)) == ("wrong-architecture", line, True)


def test_a_program_that_is_not_there() -> None:
    message = 'failed to create containerd task: exec: "pythn": executable file not found in $PATH: unknown'
    line = "the program pythn cannot be started: executable file not found in $PATH"
    assert one(crash_loop(ended(128, "StartError", message=message), 1)) == ("command-not-found", line, False)
    assert one(crash_loop(ended(128, "StartError", message=message), 3)) == ("command-not-found", line, True)
    assert one(waiting("RunContainerError", message))[0] == "command-not-found"


@pytest.mark.parametrize(
    ("probe", "cause", "said"),
    [
        ("startup", "startup-failed", "Startup probe failed: HTTP probe failed with statuscode: 404"),
        ("liveness", "liveness-failed", "Liveness probe failed: HTTP probe failed with statuscode: 404"),
    ],
)
def test_a_program_that_was_killed_for_a_probe(probe: str, cause: str, said: str) -> None:
    def events(pod: objects.Object, killed: float = 18) -> list[objects.Object]:
        why = f"Container web failed {probe} probe, will be restarted"
        return [
            event(pod, "Unhealthy", said, seconds=17, of="web"),
            event(pod, "Killing", why, seconds=killed, of="web", kind="Normal"),
        ]

    line = f"web was killed, as its {probe} probe failed: HTTP probe failed with statuscode: 404"
    assert one(crash_loop(ended(143), 1), events) == (cause, line, False)
    assert one(crash_loop(ended(143), 3), events) == (cause, line, True)
    # It was killed in an earlier run; the last one ended by itself.
    assert one(crash_loop(ended(1), 3), lambda pod: events(pod, killed=10))[0] == "crash-loop"


def test_a_probe_that_goes_on_to_fail_is_told() -> None:
    runs = container(running={"startedAt": at(1)})
    said = "Readiness probe failed: HTTP probe failed with statuscode: 404"
    line = f"web runs, but is not ready: {said}"
    assert found(runs, lambda pod: [event(pod, "Unhealthy", said, seconds=10, of="web")]) == []
    late = one(runs, lambda pod: [event(pod, "Unhealthy", said, seconds=12, of="web", count=6)])
    assert late == ("not-ready", line, False)


def test_one_that_crashed_and_is_not_ready_is_told_for_what_it_does_now() -> None:
    again = container(restarts=1, last=ended(1), running={"startedAt": at(10)})
    said = "Readiness probe failed: HTTP probe failed with statuscode: 404"
    assert one(again, lambda pod: [event(pod, "Unhealthy", said, seconds=25, of="web")])[0] == "not-ready"
    startup = "Startup probe failed: HTTP probe failed with statuscode: 404"
    assert one(again, lambda pod: [event(pod, "Unhealthy", startup, seconds=25, of="web")])[0] == "crash-loop"


def test_a_container_that_the_runtime_does_not_make() -> None:
    assert one(waiting("CreateContainerError", "context deadline exceeded")) == (
        "container-not-created",
        "the container cannot be made (CreateContainerError): context deadline exceeded",
        False,
    )


def test_a_pod_that_was_thrown_out() -> None:
    web, made_by, pod = objects.rollout(container(terminated=ended(137)), phase="Failed")
    message = "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. "
    pod["status"] |= {"reason": "Evicted", "message": message}
    (finding,) = judged(WEB, web, made_by, pod).findings
    assert (finding.cause, finding.fatal) == ("evicted", False)
    assert finding.line == f"the node ended the pod (Evicted): {message.strip()}"


def test_a_pod_that_is_being_deleted_shows_nothing() -> None:
    assert found(crash_loop(ended(3), 9), deletionTimestamp=at(5)) == []
