"""The watch of a rollout, with shorter waits than in reality, and its status row."""

import asyncio
import time

import pytest

from plugin import engine as display
from plugin import rollout_watch
from seaway import errors
from seaway.kubernetes.cluster import client
from seaway.rollout import target, workload_health
from tests.support import apiserver, live_objects
from tests.unit.plugin import engine


def watch(*targets: target.Target) -> None:
    async def wait() -> None:
        cluster = client.KubeClient(context="work", timeout=10)
        log = display.Log(display.Engine("127.0.0.1:1"), "urn")
        try:
            await rollout_watch.RolloutWatch(cluster, live_objects.NAMESPACE, targets, log).wait()
        finally:
            await cluster.close()

    asyncio.run(wait())


def build_target(name: str, deadline: int = 60) -> target.Target:
    return target.Target(kind="Deployment", name=name, owner=name, deadline=deadline)


def test_an_api_server_that_does_not_come_back(
    api: apiserver.ApiServer, kubeconfig: engine.Kubeconfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollout_watch, "DISCONNECT_GRACE", 1)
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(api.url)))
    api.stop()
    started = time.monotonic()
    with pytest.raises(errors.Unavailable, match="connection refused"):
        watch(build_target("web", deadline=1))
    assert time.monotonic() - started > 2, "the deadline and the grace"


def test_when_all_have_failed_it_ends_at_once(
    api: apiserver.ApiServer, kubeconfig: engine.Kubeconfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the wait for other failures, which would be an hour here."""
    monkeypatch.setattr(rollout_watch, "FAILURE_SETTLE", 3600)
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(api.url)))
    failure = live_objects.condition("Failed", reason="BackoffLimitExceeded", message="it failed")
    live_objects.put(api, live_objects.job("migrate-1a", failure))
    with pytest.raises(rollout_watch.engine.ResourceError, match="migrate"):
        watch(target.Target(kind="Job", name="migrate-1a", owner="migrate", deadline=3600))


def test_the_status_row_shows_the_first_workloads() -> None:
    def build(name: str, state: workload_health.State) -> workload_health.WorkloadHealth:
        return workload_health.WorkloadHealth(
            target=build_target(name), state=state, desired=2, updated=2, ready=1, findings=()
        )

    complete = build("api", "complete")
    many = [complete, *(build(f"web{number}", "progressing") for number in range(9))]
    rows = [[build("web", "progressing")], [complete, build("web", "failed")], many]
    assert [*map(rollout_watch.format_status_row, rows)] == [
        "web 1/2 ready",
        "web 1/2 ready · 1 of 2 complete",
        "web0 1/2 ready · web1 1/2 ready · web2 1/2 ready · web3 1/2 ready · 5 more · 1 of 10 complete",
    ]
