"""The wait for a phase of workloads: progress, success, and the report of a failure."""

import threading
import time
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from plugin import values
from seaway.kubernetes.cluster import snapshot
from tests.support import apiserver, live_objects
from tests.unit.plugin import engine

HANG = 300
"""Seconds until a wait counts as hanging: no test depends on the speed of the machine."""
URN = "urn:pulumi:dev::shop::seaway:index:Application$seaway:index:Rollout::services"


def inputs(*names: str, kind: str = "Deployment", deadline: int = 3600) -> dict[str, object]:
    """Owner and object have the same name; a job's object has a hash after it.

    No test waits for the default deadline.
    """
    targets = [
        {"kind": kind, "name": name, "owner": name.partition("-")[0], "deadline": deadline, "version": f"v-{name}"}
        for name in names
    ]
    return {"namespace": live_objects.NAMESPACE, "workloads": targets, "sources": {"": "app/app.yaml"}, "sizes": {}}


def put_deployment(api: apiserver.ApiServer, name: str, *, ready: int, replicas: int = 2) -> None:
    """A Deployment and the pods of its newest version, so many of them ready."""
    newest = live_objects.replica_set(f"{name}-5d4f", of=name)
    pods = [
        live_objects.starting_pod(newest, f"{name}-5d4f-{number}", ready=number < ready, phase="Running")
        for number in range(replicas)
    ]
    live_objects.put(api, live_objects.deployment(name, ready=ready, replicas=replicas), newest, *pods)


def put_pod(api: apiserver.ApiServer, name: str, *statuses: live_objects.Object, **status: object) -> None:
    """A pod of the newest version of web."""
    pod = live_objects.starting_pod(live_objects.replica_set("web-5d4f"), name, *statuses, phase="Running")
    pod["status"] |= status
    live_objects.put(api, pod)


def put_unschedulable(api: apiserver.ApiServer, name: str) -> None:
    message = "0/1 nodes are available: 1 Insufficient cpu."
    put_pod(api, name, conditions=[live_objects.condition("PodScheduled", "False", message=message)])


def put_crashing(api: apiserver.ApiServer, name: str, *, restarts: int, running: bool = False) -> None:
    """A pod whose program has ended with exit code 3 so many times, and waits, or runs again."""
    last = live_objects.ended(3) | {"finishedAt": "2099-01-01T00:00:00Z"}
    state = (
        {"running": {"startedAt": "2099-01-01T00:00:01Z"}} if running else {"waiting": {"reason": "CrashLoopBackOff"}}
    )
    put_pod(api, name, live_objects.container_status("web", restarts=restarts, last=last, **state))


def put_job(api: apiserver.ApiServer, name: str, condition: str = "") -> None:
    conditions = [live_objects.condition(condition, reason="BackoffLimitExceeded")] if condition else []
    live_objects.put(api, live_objects.job(name, *conditions, owner=name.partition("-")[0]))


def start(plugin: engine.Plugin, properties: dict[str, object]) -> grpc.Future:
    """Create, without waiting for the end."""
    return plugin.stub.Create.future(provider_pb2.CreateRequest(urn=URN, properties=values.encode(properties)))


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + HANG
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def wait_for_watches(api: apiserver.ApiServer) -> None:
    wait_until(lambda: len(api.list_requested_collections(watch=True)) >= 7)


def get_error(waiting: grpc.Future) -> str:
    error = waiting.exception(timeout=HANG)
    assert isinstance(error, grpc.RpcError)
    return error.details()  # type: ignore[attr-defined]


@pytest.mark.parametrize("namespace", ["shop-dev", values.UNKNOWN])
def test_a_preview_sends_no_request(plugin: engine.Plugin, api: apiserver.ApiServer, namespace: object) -> None:
    properties = {**inputs("web"), "namespace": namespace}
    properties["workloads"][0]["version"] = values.UNKNOWN  # type: ignore[index]
    requests = len(api.requests)
    assert engine.create(plugin, URN, preview=True, **properties) == properties
    assert engine.update(plugin, URN, inputs("api"), preview=True, **properties) == properties
    assert engine.diff(plugin, URN, inputs("web"), **properties) == ["workloads"]
    assert len(api.requests) == requests


def test_it_ends_when_all_are_complete(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display
) -> None:
    put_deployment(api, "web", ready=1)
    put_deployment(api, "api", ready=2)
    waiting = start(plugin, inputs("web", "api"))
    wait_until(lambda: "web 1/2 ready · 1 of 2 complete" in display.list_texts(ephemeral=True) or waiting.done())
    assert not waiting.done()
    put_deployment(api, "web", ready=2)
    assert values.decode(waiting.result(timeout=HANG).properties) == inputs("web", "api")
    completed = [text.partition(", after ")[0] for text in display.list_texts(ephemeral=True) if ", after " in text]
    assert completed == ["web 2/2 ready"], "a workload that is complete from the start is not reported"
    assert display.list_texts(ephemeral=False) == [], "the error of a run must be its last line"
    assert {(line.urn, line.severity) for line in display.lines} == {(URN, "INFO")}


def test_without_workloads_it_ends(plugin: engine.Plugin) -> None:
    assert engine.create(plugin, URN, **inputs()) == inputs()


def test_fifty_workloads(plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display) -> None:
    names = [f"svc{number}" for number in range(50)]
    for name in names:
        put_deployment(api, name, ready=0)
    waiting = start(plugin, inputs(*names))
    wait_for_watches(api)
    for name in names:
        put_deployment(api, name, ready=2)
    waiting.result(timeout=HANG)
    assert len([text for text in display.list_texts(ephemeral=True) if ", after " in text]) == 50
    assert "svc0 0/2 ready · svc1 0/2 ready · svc2 0/2 ready · svc3 0/2 ready · 46 more" in display.list_texts(
        ephemeral=True
    )
    assert len(api.list_requested_collections(watch=False)) == 1 + len(snapshot.WATCHED_KINDS), (
        "kube-system, and one list per kind"
    )


def test_it_fails_with_the_report_of_all_that_failed(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display
) -> None:
    """One fails a moment after the other, a third progresses: both failures are reported, without the third."""
    put_job(api, "migrate-1a", "Failed")
    put_job(api, "seed-2b")
    put_job(api, "index-3c")
    started = time.monotonic()
    waiting = start(plugin, inputs("migrate-1a", "seed-2b", "index-3c", kind="Job"))
    wait_for_watches(api)
    time.sleep(0.3)
    put_job(api, "seed-2b", "Failed")
    text = get_error(waiting)
    assert time.monotonic() - started > 3
    assert "migrate" in text
    assert "seed" in text
    assert "still rolling out: index 0/1 succeeded" in text
    assert "\n" in text
    assert "seaway help job-failed" in text


def test_a_workload_that_recovers_in_time_has_not_failed(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    put_job(api, "migrate-1a", "Failed")
    put_job(api, "seed-2b")
    waiting = start(plugin, inputs("migrate-1a", "seed-2b", kind="Job"))
    wait_for_watches(api)
    put_job(api, "migrate-1a", "Complete")
    time.sleep(3.5)
    assert not waiting.done()
    put_job(api, "seed-2b", "Complete")
    waiting.result(timeout=HANG)


def test_a_finished_job_may_be_gone(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    """The state has what has succeeded, in which version. In the run itself a TTL may delete one job before another."""
    before: dict[str, Any] = inputs("migrate-1a", kind="Job")
    now: dict[str, Any] = inputs("migrate-1a", "seed-2b", "index-3c", kind="Job")
    assert engine.diff(plugin, URN, before, **before) is None
    deleted = live_objects.job("index-3c", live_objects.condition("Complete"), owner="index")
    deleted["metadata"]["deletionTimestamp"] = live_objects.at(1)
    live_objects.put(api, deleted)
    put_job(api, "seed-2b", "Complete")
    engine.update(plugin, URN, before, **now)
    replaced = {**before, "workloads": [{**before["workloads"][0], "version": "older"}]}
    with pytest.raises(grpc.RpcError) as raised:
        engine.update(plugin, URN, replaced, **before)
    assert "there is no Job migrate-1a" in str(raised.value)


@pytest.mark.parametrize("running", [False, True])
def test_the_last_lines_of_the_log_are_in_the_report(
    plugin: engine.Plugin, api: apiserver.ApiServer, running: bool
) -> None:
    """Of the run that ended: while the program runs again, that is the previous run."""
    put_deployment(api, "web", ready=0)
    put_crashing(api, "web-5d4f-0", restarts=3, running=running)
    api.logs[("web-5d4f-0", "web", running)] = "listening\nKeyError: 'DATABASE_URL'\n"
    text = get_error(start(plugin, inputs("web", deadline=1)))
    assert "\n    KeyError: 'DATABASE_URL'\n" in text
    assert "web-5d4f-0" in text
    (request,) = {path for path, _ in api.requests if "/log?" in path}
    assert request == "/api/v1/namespaces/shop-dev/pods/web-5d4f-0/log?container=web&tailLines=200&limitBytes=65536" + (
        "&previous=true" if running else ""
    )


def put_starting(api: apiserver.ApiServer, failure: str) -> None:
    """A pod whose program runs, and whose probe has failed since it started."""
    put_deployment(api, "web", ready=0, replicas=1)
    running = live_objects.container_status("web", running={"startedAt": live_objects.at(0)})
    pod = live_objects.starting_pod(live_objects.replica_set("web-5d4f"), "web-5d4f-0", running, phase="Running")
    pod["spec"]["containers"][0]["startupProbe"] = {"tcpSocket": {"port": 8000}}
    event = live_objects.event(pod, "Unhealthy", f"Startup probe failed: {failure}", seconds=20, of="web")
    live_objects.put(api, pod, {"kind": "Event", **event})


def test_the_log_explains_a_refused_connection_while_the_rollout_waits(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display
) -> None:
    """The hint has the address from the log, and the line that the inputs have."""
    put_starting(api, "dial tcp 10.42.0.7:8000: connect: connection refused")
    api.logs["web-5d4f-0", "web", False] = "INFO: Uvicorn running on http://0.0.0.0:5000\n"
    properties = inputs("web", deadline=4) | {"sources": {"services.web.port": "app/app.yaml:17"}}
    text = get_error(start(plugin, properties))
    lines = "\n".join(line.text for line in display.lines if not line.ephemeral)
    for output in (lines, text):
        assert "its log says: INFO: Uvicorn running on http://0.0.0.0:5000" in output
        assert "set the port in services.web.port (app/app.yaml:17) to 5000" in output


def test_a_crash_that_follows_a_failing_probe_is_the_only_cause(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display
) -> None:
    """gunicorn resets the connection of the probe, and ends a moment after its worker."""
    put_starting(api, "read tcp 10.42.0.1:40122->10.42.0.7:8000: read: connection reset by peer")
    waiting = start(plugin, inputs("web"))
    wait_until(lambda: "web 0/1 ready" in display.list_texts(ephemeral=True))
    put_crashing(api, "web-5d4f-0", restarts=3)
    assert "web ended: exit code 3" in get_error(waiting)
    assert "reset by peer" not in "".join(line.text for line in display.lines)


def test_a_moved_line_is_no_change(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    """An old state has no lines."""
    put_deployment(api, "web", ready=2)
    moved = inputs("web") | {"sources": {"services.web": "app/app.yaml:18"}}
    old = {name: value for name, value in inputs("web").items() if name != "sources"}
    for state in (inputs("web"), old):
        assert engine.diff(plugin, URN, state, **moved) is None


def test_a_log_that_cannot_be_read_is_left_out(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    put_deployment(api, "web", ready=0)
    put_crashing(api, "web-5d4f-0", restarts=3)
    text = get_error(start(plugin, inputs("web")))
    assert "web ended: exit code 3" in text


def test_a_transient_problem_is_reported_once_and_fails_at_the_deadline(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display
) -> None:
    put_deployment(api, "web", ready=0)
    put_unschedulable(api, "web-5d4f-0")
    put_unschedulable(api, "web-5d4f-1")
    for number, (phase, node) in enumerate([*[("Running", "node")] * 5, ("Succeeded", "node"), ("Pending", "")]):
        spec = {"nodeName": node, "containers": [{"name": "x", "resources": {"requests": {"cpu": f"{number + 1}00m"}}}]}
        metadata = {"namespace": f"team-{number}"}
        api.put("v1", "Pod", "", f"x-{number}", metadata=metadata, spec=spec, status={"phase": phase})
    started = time.monotonic()
    text = get_error(start(plugin, inputs("web", deadline=2)))
    assert time.monotonic() - started >= 2, "the deadline passes without a change"
    assert "seaway help unschedulable" in text
    warning, fix = [line for line in display.lines if not line.ephemeral]
    assert [(line.severity, line.urn) for line in (warning, fix)] == [("WARNING", URN), ("INFO", URN)]
    message, (hint, link) = warning.text, fix.text.splitlines()
    assert message.startswith("web: ")
    requests = "team-4 500m, team-3 400m, team-2 300m, others 300m"
    assert f"1 Insufficient cpu; cpu requested in the cluster: {requests}" in message
    assert message.endswith(" (pod web-5d4f-0)")
    assert "services.web.resources" in hint
    assert link == "  more: seaway help unschedulable"
    assert display.list_texts(ephemeral=True)[0].startswith("web 0/2 ready: ")


def test_an_update_starts_the_deadline_again(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    put_deployment(api, "web", ready=1)
    properties = inputs("web", deadline=1)
    get_error(start(plugin, properties))
    threading.Timer(0.5, put_deployment, [api, "web"], {"ready": 2}).start()
    assert engine.update(plugin, URN, properties, **properties) == properties


def test_cancel_ends_the_wait_at_once(own_plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    put_deployment(api, "web", ready=1)
    waiting = start(own_plugin, inputs("web"))
    wait_for_watches(api)
    own_plugin.stub.Cancel(empty_pb2.Empty())
    assert get_error(waiting) == "interrupted"


def test_an_api_server_that_restarts(plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display) -> None:
    put_deployment(api, "web", ready=1)
    waiting = start(plugin, inputs("web", deadline=3))
    wait_for_watches(api)
    api.stop()
    time.sleep(4)
    assert not waiting.done(), "time without an API server does not count"
    put_deployment(api, "web", ready=2)
    api.start()
    waiting.result(timeout=HANG)
    assert "the cluster does not answer, waiting for it" in display.list_texts(ephemeral=True)
    warnings = [line.text for line in display.lines if line.severity == "WARNING"]
    assert len(warnings) == 1
    assert warnings[0].startswith('waiting for the cluster: cannot reach the cluster of context "seaway-dev"')


def test_without_a_display_it_continues(
    own_plugin: engine.Plugin, api: apiserver.ApiServer, own_display: engine.Display
) -> None:
    own_display.gone()
    put_deployment(api, "web", ready=1)
    waiting = start(own_plugin, inputs("web"))
    wait_for_watches(api)
    put_deployment(api, "web", ready=2)
    waiting.result(timeout=HANG)


def test_a_diff_of_healthy_workloads_reads_only_them(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display
) -> None:
    """Three phases, as in every preview: each kind is listed once."""
    put_deployment(api, "web", ready=2)
    put_job(api, "migrate-1a", "Complete")
    live_objects.put(api, live_objects.stateful_set())
    for properties in (inputs("db", kind="StatefulSet"), inputs("migrate-1a", kind="Job"), inputs("web")):
        assert engine.diff(plugin, URN, properties, **properties) is None
    lists = [path.rpartition("/")[2] for path in api.list_requested_collections(watch=False)]
    assert lists == ["kube-system", "statefulsets", "jobs", "deployments"]
    assert display.lines == []


def test_a_diff_reports_unhealthy_workloads(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display
) -> None:
    put_deployment(api, "api", ready=2)
    put_deployment(api, "web", ready=1)
    put_crashing(api, "web-5d4f-1", restarts=7)
    properties = inputs("api", "web")
    assert engine.diff(plugin, URN, properties, **properties) == ["workloads"]
    text = "web is not healthy now: 1/2 ready: web ended: exit code 3"
    assert display.lines == [engine.Line("INFO", text, URN, ephemeral=False)]


def test_a_diff_of_a_deleted_workload(plugin: engine.Plugin, display: engine.Display) -> None:
    properties = inputs("web")
    assert engine.diff(plugin, URN, properties, **properties) == ["workloads"]
    assert display.list_texts(ephemeral=False) == ["web is not healthy now: 0/1 ready"]


def test_other_inputs_are_a_change_without_a_request(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    requests = len(api.requests)
    assert engine.diff(plugin, URN, inputs("web"), **inputs("web", "api")) == ["workloads"]
    assert len(api.requests) == requests
