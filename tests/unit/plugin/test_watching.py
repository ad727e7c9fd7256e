"""What a watch does where the real waits would be too long for a test, and its status row."""

import asyncio
import time

import pytest

from plugin import engine as display
from plugin import resource, rollout_watch
from seaway import errors
from seaway.kubernetes.cluster import client
from seaway.rollout import target, workload_health
from tests.support import apiserver
from tests.unit.plugin import engine, workloads


def goal(name: str, deadline: int = 60) -> target.Target:
    return target.Target(kind="Deployment", name=name, owner=name, deadline=deadline)


def test_an_api_server_that_stays_away_is_given_up(
    api: apiserver.ApiServer, kubeconfig: engine.Kubeconfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollout_watch, "DISCONNECT_GRACE", 1)
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(api.url)))
    api.stop()

    async def watch() -> None:
        cluster = client.KubeClient(context="work", timeout=1)
        log = display.Log(display.Engine("127.0.0.1:1"), "urn")
        try:
            await rollout_watch.RolloutWatch(cluster, workloads.NAMESPACE, [goal("web", deadline=1)], log).wait()
        finally:
            await cluster.close()

    begun = time.monotonic()
    with pytest.raises(errors.Unavailable, match="connection refused"):
        asyncio.run(watch())
    assert time.monotonic() - begun > 2, "the deadline and the grace"


def test_when_all_have_failed_it_ends_at_once(
    api: apiserver.ApiServer, kubeconfig: engine.Kubeconfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the wait for other failures, which would be an hour here."""
    monkeypatch.setattr(rollout_watch, "FAILURE_SETTLE", 3600)
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(api.url)))
    workloads.job(api, "migrate-1a", "Failed", reason="BackoffLimitExceeded", message="it failed")
    job = target.Target(kind="Job", name="migrate-1a", owner="migrate", deadline=3600)

    async def watch() -> None:
        cluster = client.KubeClient(context="work", timeout=60)
        log = display.Log(display.Engine("127.0.0.1:1"), "urn")
        try:
            await rollout_watch.RolloutWatch(cluster, workloads.NAMESPACE, [job], log).wait()
        finally:
            await cluster.close()

    with pytest.raises(resource.ResourceError, match="migrate"):
        asyncio.run(watch())


def test_the_row_shows_the_first_of_very_many() -> None:
    def one(name: str, state: workload_health.State) -> workload_health.WorkloadHealth:
        return workload_health.WorkloadHealth(
            target=goal(name), state=state, desired=2, updated=2, ready=1, findings=()
        )

    assert rollout_watch.format_status_row([one("web", "progressing")]) == "web 1/2 ready"
    assert (
        rollout_watch.format_status_row([one("api", "complete"), one("web", "failed")])
        == "web 1/2 ready · 1 of 2 complete"
    )
    many = [one("api", "complete"), *(one(f"web{number}", "progressing") for number in range(9))]
    assert rollout_watch.format_status_row(many) == (
        "web0 1/2 ready · web1 1/2 ready · web2 1/2 ready · web3 1/2 ready · 5 more · 1 of 10 complete"
    )
