"""The wait for a wave of workloads: told as it goes, over within a second of being done, failed with the report."""

import threading
import time
from collections.abc import Callable

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from plugin import values
from seaway.kubernetes.cluster import snapshot
from tests.support import apiserver
from tests.unit.plugin import engine, workloads

HANG = 300
"""Seconds that only what hangs takes: no test says how fast a machine is."""
URN = "urn:pulumi:dev::shop::seaway:index:Application$seaway:index:Rollout::services"


def inputs(*names: str, kind: str = "Deployment", deadline: int = 3600) -> dict[str, object]:
    """Owner and object have one name; a job's object carries a hash behind it.

    No test waits for the deadline of an hour: what ends, ends for another reason.
    """
    listed = [
        {"kind": kind, "name": name, "owner": name.partition("-")[0], "deadline": deadline, "version": f"v-{name}"}
        for name in names
    ]
    return {"namespace": workloads.NAMESPACE, "workloads": listed}


def begin(plugin: engine.Plugin, given: dict[str, object]) -> grpc.Future:
    """Create, without waiting for its end."""
    return plugin.stub.Create.future(provider_pb2.CreateRequest(urn=URN, properties=values.encode(given)))


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + HANG
    while not holds():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def watched(api: apiserver.ApiServer) -> None:
    until(lambda: len(api.list_requested_collections(watch=True)) >= 7)


def failure(waiting: grpc.Future) -> str:
    error = waiting.exception(timeout=HANG)
    assert isinstance(error, grpc.RpcError)
    return error.details()  # type: ignore[attr-defined]


@pytest.mark.parametrize("namespace", ["shop-dev", values.UNKNOWN])
def test_a_preview_touches_nothing(plugin: engine.Plugin, api: apiserver.ApiServer, namespace: object) -> None:
    given = {**inputs("web"), "namespace": namespace}
    given["workloads"][0]["version"] = values.UNKNOWN  # type: ignore[index]
    asked = len(api.requests)
    assert engine.create(plugin, URN, preview=True, **given) == given
    assert engine.update(plugin, URN, inputs("api"), preview=True, **given) == given
    assert engine.diff(plugin, URN, inputs("web"), **given) == ["workloads"]
    assert len(api.requests) == asked


def test_it_ends_when_all_are_complete(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display
) -> None:
    workloads.deployment(api, "web", ready=1)
    workloads.deployment(api, "api", ready=2)
    waiting = begin(plugin, inputs("web", "api"))
    until(lambda: "web 1/2 ready · 1 of 2 complete" in display.list_texts(ephemeral=True) or waiting.done())
    assert not waiting.done()
    workloads.deployment(api, "web", ready=2)
    assert values.decode(waiting.result(timeout=HANG).properties) == inputs("web", "api")
    ended = [text.partition(", after ")[0] for text in display.list_texts(ephemeral=True) if ", after " in text]
    assert ended == ["web 2/2 ready"], "what was complete from the first is no news"
    assert display.list_texts(ephemeral=False) == [], "below a run that fails elsewhere, its error must be the last"
    assert {(line.urn, line.severity) for line in display.lines} == {(URN, "INFO")}


def test_complete_from_the_start_is_told_at_once(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    workloads.deployment(api, "web", ready=2)
    engine.create(plugin, URN, **inputs("web"))


def test_nothing_to_wait_for(plugin: engine.Plugin) -> None:
    assert engine.create(plugin, URN, **inputs()) == inputs()


def test_fifty_workloads(plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display) -> None:
    names = [f"svc{number}" for number in range(50)]
    for name in names:
        workloads.deployment(api, name, ready=0)
    waiting = begin(plugin, inputs(*names))
    watched(api)
    for name in names:
        workloads.deployment(api, name, ready=2)
    waiting.result(timeout=HANG)
    assert len([text for text in display.list_texts(ephemeral=True) if ", after " in text]) == 50
    assert "svc0 0/2 ready · svc1 0/2 ready · svc2 0/2 ready · svc3 0/2 ready · 46 more" in display.list_texts(
        ephemeral=True
    )
    assert len(api.list_requested_collections(watch=False)) == 1 + len(snapshot.WATCHED_KINDS), (
        "kube-system, and one list a kind"
    )


def test_it_fails_with_the_report_of_all_that_failed(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display
) -> None:
    """One fails a moment after the other, one goes on: all failures are told, and nobody waits for the third."""
    workloads.job(api, "migrate-1a", "Failed", reason="BackoffLimitExceeded", message="it failed")
    workloads.job(api, "seed-2b")
    workloads.job(api, "index-3c")
    begun = time.monotonic()
    waiting = begin(plugin, inputs("migrate-1a", "seed-2b", "index-3c", kind="Job"))
    watched(api)
    time.sleep(0.3)
    workloads.job(api, "seed-2b", "Failed", reason="BackoffLimitExceeded", message="it failed too")
    text = failure(waiting)
    assert time.monotonic() - begun > 3
    assert "migrate" in text
    assert "seed" in text
    assert "still rolling out: index 0/1 succeeded" in text
    assert "\n" in text
    assert "docs/runbook.md#job-failed" in text


def test_a_failure_that_heals_in_time_is_none(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    workloads.job(api, "migrate-1a", "Failed", reason="BackoffLimitExceeded", message="it failed")
    workloads.job(api, "seed-2b")
    waiting = begin(plugin, inputs("migrate-1a", "seed-2b", kind="Job"))
    watched(api)
    workloads.job(api, "migrate-1a", "Complete")
    time.sleep(3.5)
    assert not waiting.done()
    workloads.job(api, "seed-2b", "Complete")
    waiting.result(timeout=HANG)


@pytest.mark.parametrize("running", [False, True])
def test_the_last_lines_of_the_log_are_in_the_report(
    plugin: engine.Plugin, api: apiserver.ApiServer, running: bool
) -> None:
    """Of the run that ended: while the program runs once more, that is the previous one."""
    workloads.deployment(api, "web", ready=0)
    workloads.crashing(api, "web", "web-5d4f-0", restarts=3, running=running)
    api.logs[("web-5d4f-0", "web", running)] = "listening\nKeyError: 'DATABASE_URL'\n"
    text = failure(begin(plugin, inputs("web", deadline=1)))
    assert "\n    KeyError: 'DATABASE_URL'\n" in text
    assert "web-5d4f-0" in text
    (asked,) = [path for path, _ in api.requests if "/log?" in path]
    assert asked == "/api/v1/namespaces/shop-dev/pods/web-5d4f-0/log?container=web&tailLines=20&limitBytes=65536" + (
        "&previous=true" if running else ""
    )


def test_a_log_that_cannot_be_read_is_left_out(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    workloads.deployment(api, "web", ready=0)
    workloads.crashing(api, "web", "web-5d4f-0", restarts=3)
    text = failure(begin(plugin, inputs("web")))
    assert "web ended: exit code 3" in text


def test_what_may_heal_is_told_once_and_fails_at_the_deadline(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display
) -> None:
    workloads.deployment(api, "web", ready=0)
    workloads.unschedulable(api, "web", "web-5d4f-0")
    workloads.unschedulable(api, "web", "web-5d4f-1")
    begun = time.monotonic()
    text = failure(begin(plugin, inputs("web", deadline=2)))
    assert time.monotonic() - begun >= 2, "nothing changes, and yet the deadline is seen"
    assert "docs/runbook.md#unschedulable" in text
    (line,) = [line for line in display.lines if not line.ephemeral]
    assert (line.severity, line.urn) == ("WARNING", URN)
    told, remedy, link = line.text.splitlines()
    assert told.startswith("web: ")
    assert "Insufficient cpu" in told
    assert told.endswith(" (pod web-5d4f-0)")
    assert "services.web.resources" in remedy
    assert link == "  see docs/runbook.md#unschedulable"
    assert display.list_texts(ephemeral=True)[0].startswith("web 0/2 ready: ")


def test_an_update_begins_the_deadline_anew(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    workloads.deployment(api, "web", ready=1)
    given = inputs("web", deadline=1)
    failure(begin(plugin, given))
    threading.Timer(0.5, workloads.deployment, [api, "web"], {"ready": 2}).start()
    assert engine.update(plugin, URN, given, **given) == given


def test_cancel_ends_the_wait_at_once(own_plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    workloads.deployment(api, "web", ready=1)
    waiting = begin(own_plugin, inputs("web"))
    watched(api)
    own_plugin.stub.Cancel(empty_pb2.Empty())
    assert failure(waiting) == "interrupted"


def test_an_api_server_that_goes_away_and_comes_back(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display
) -> None:
    workloads.deployment(api, "web", ready=1)
    waiting = begin(plugin, inputs("web", deadline=3))
    watched(api)
    api.stop()
    time.sleep(4)
    assert not waiting.done(), "time without an API server does not count"
    workloads.deployment(api, "web", ready=2)
    api.start()
    waiting.result(timeout=HANG)
    assert "the cluster does not answer, waiting for it" in display.list_texts(ephemeral=True)
    warnings = [line.text for line in display.lines if line.severity == "WARNING"]
    assert len(warnings) == 1
    assert warnings[0].startswith('waiting for the cluster: cannot reach the cluster of context "seaway-dev"')


def test_what_may_not_be_listed_is_told(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    api.forbidden = {"/api/v1/namespaces/shop-dev/events"}
    text = failure(begin(plugin, inputs("web")))
    assert "403 Forbidden: reading /api/v1/namespaces/shop-dev/events is not allowed" in text


def test_without_a_display_it_goes_on(
    own_plugin: engine.Plugin, api: apiserver.ApiServer, own_display: engine.Display
) -> None:
    own_display.gone()
    workloads.deployment(api, "web", ready=1)
    waiting = begin(own_plugin, inputs("web"))
    watched(api)
    workloads.deployment(api, "web", ready=2)
    waiting.result(timeout=HANG)


def test_a_diff_of_what_is_well_asks_for_the_workloads_only(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display
) -> None:
    """Three waves, as in every preview: a list of each kind, and nothing twice."""
    workloads.deployment(api, "web", ready=2)
    workloads.job(api, "migrate-1a", "Complete")
    status = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}
    api.put("apps/v1", "StatefulSet", workloads.NAMESPACE, "db", spec={"replicas": 1}, status=status)
    for given in (inputs("db", kind="StatefulSet"), inputs("migrate-1a", kind="Job"), inputs("web")):
        assert engine.diff(plugin, URN, given, **given) is None
    lists = [path.rpartition("/")[2] for path in api.list_requested_collections(watch=False)]
    assert lists == ["kube-system", "statefulsets", "jobs", "deployments"]
    assert display.lines == []


def test_a_diff_says_what_is_not_well(plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display) -> None:
    workloads.deployment(api, "api", ready=2)
    workloads.deployment(api, "web", ready=1)
    workloads.crashing(api, "web", "web-5d4f-1", restarts=7)
    given = inputs("api", "web")
    assert engine.diff(plugin, URN, given, **given) == ["workloads"]
    ready = "web is not healthy now: 1/2 ready: web ended: exit code 3"
    assert display.lines == [engine.Line("INFO", ready, URN, ephemeral=False)]


def test_a_diff_of_what_is_gone(plugin: engine.Plugin, display: engine.Display) -> None:
    given = inputs("web")
    assert engine.diff(plugin, URN, given, **given) == ["workloads"]
    assert display.list_texts(ephemeral=False) == ["web is not healthy now: 0/1 ready"]


def test_other_inputs_are_a_change_without_a_look(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    asked = len(api.requests)
    assert engine.diff(plugin, URN, inputs("web"), **inputs("web", "api")) == ["workloads"]
    assert len(api.requests) == asked
