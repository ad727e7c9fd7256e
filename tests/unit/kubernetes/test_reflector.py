"""The local copy of a namespace stays correct, whatever the API server does to its watches."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import pytest

from seaway import errors
from seaway.kubernetes.api import kinds
from seaway.kubernetes.cluster import client, reflector, snapshot
from tests.support import apiserver

NAMESPACE = "shop-dev"
Answer = TypeVar("Answer")


def pod(api: apiserver.ApiServer, name: str, **fields: object) -> None:
    api.put("v1", "Pod", NAMESPACE, name, **fields)


def list_pods(live: reflector.Reflector) -> Sequence[snapshot.Object]:
    return live.take_snapshot().list_objects("Pod")


def list_names(live: reflector.Reflector, kind: str = "Pod") -> list[str]:
    return sorted(manifest["metadata"]["name"] for manifest in live.take_snapshot().list_objects(kind))


async def wait_until(live: reflector.Reflector, condition: Callable[[], bool]) -> None:
    """As the users of a reflector wait."""
    async with asyncio.timeout(300):
        while not condition():
            await live.wait_for_change(1)


def run(cluster: client.KubeClient, test: Callable[[reflector.Reflector], Awaitable[None]]) -> None:
    async def enter() -> None:
        async with reflector.Reflector(cluster, NAMESPACE) as live:
            await test(live)

    await_and_close(cluster, enter())


def await_and_close(cluster: client.KubeClient, request: Coroutine[Any, Any, Answer]) -> Answer:
    async def close() -> Answer:
        try:
            return await request
        finally:
            await cluster.close()

    return asyncio.run(close())


def test_it_lists_and_then_watches(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    pod(api, "a")
    api.put("v1", "Pod", "another", "foreign")

    async def test(live: reflector.Reflector) -> None:
        assert list_names(live) == ["a"]
        assert live.disconnected_reason is None
        pod(api, "b")
        api.put("apps/v1", "Deployment", NAMESPACE, "web", spec={"replicas": 1})
        await wait_until(live, lambda: list_names(live) == ["a", "b"] and list_names(live, "Deployment") == ["web"])
        pod(api, "b", status={"phase": "Running"})
        await wait_until(live, lambda: any(manifest.get("status") for manifest in list_pods(live)))
        api.remove("v1", "Pod", NAMESPACE, "a")
        await wait_until(live, lambda: list_names(live) == ["b"])

    run(cluster, test)
    assert sorted(api.list_requested_collections(watch=False)) == sorted(
        kinds.build_path(kind, NAMESPACE) for kind in snapshot.WATCHED_KINDS
    ), "each kind is listed once"


def test_a_wait_ends_with_a_change_or_after_the_timeout(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    async def test(live: reflector.Reflector) -> None:
        await live.wait_for_change(1)  # the lists
        started = time.monotonic()
        await live.wait_for_change(0.2)
        assert time.monotonic() - started >= 0.2
        asyncio.get_running_loop().call_later(0.1, pod, api, "a")
        await asyncio.wait_for(live.wait_for_change(3600), timeout=300)

    run(cluster, test)


def test_an_object_is_replaced(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    pod(api, "a")

    async def test(live: reflector.Reflector) -> None:
        old = list_pods(live)[0]["metadata"]["uid"]
        api.remove("v1", "Pod", NAMESPACE, "a")
        pod(api, "a")
        await wait_until(live, lambda: [manifest["metadata"]["uid"] for manifest in list_pods(live)] not in ([old], []))
        assert list_names(live) == ["a"]

    run(cluster, test)


def test_a_deleted_job_is_in_one_more_snapshot(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    """A short TTL deletes it before anybody has seen its end, which is in the event of its deletion."""
    api.put("batch/v1", "Job", NAMESPACE, "migrate")

    async def test(live: reflector.Reflector) -> None:
        assert list_names(live, "Job") == ["migrate"]
        pod(api, "a")
        api.remove("batch/v1", "Job", NAMESPACE, "migrate")
        await wait_until(live, lambda: bool(live._deleted_jobs))
        assert [list_names(live, "Job"), list_names(live, "Job")] == [["migrate"], []]

    run(cluster, test)


def test_a_watch_that_the_server_ends_is_continued(
    api: apiserver.ApiServer, cluster: client.KubeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reflector, "WATCH_SECONDS", 1)

    async def test(live: reflector.Reflector) -> None:
        await wait_until(live, lambda: len(api.list_requested_collections(watch=True)) > len(snapshot.WATCHED_KINDS))
        pod(api, "late")
        await wait_until(live, lambda: list_names(live) == ["late"])
        assert live.disconnected_reason is None

    run(cluster, test)
    assert len(api.list_requested_collections(watch=False)) == len(snapshot.WATCHED_KINDS), (
        "it continues from the last version"
    )
    assert len(api.list_requested_collections(watch=True)) > len(snapshot.WATCHED_KINDS)


def test_after_410_gone_the_kind_is_listed_again(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    pod(api, "a")

    async def test(live: reflector.Reflector) -> None:
        api.compact_history()
        pod(api, "b")
        await wait_until(live, lambda: list_names(live) == ["a", "b"])
        assert live.disconnected_reason is None

    run(cluster, test)
    assert api.list_requested_collections(watch=False).count(f"/api/v1/namespaces/{NAMESPACE}/pods") == 2


def test_a_restarting_server_is_waited_for(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    pod(api, "a")

    async def test(live: reflector.Reflector) -> None:
        api.stop()
        await wait_until(live, lambda: live.disconnected_reason is not None)
        assert f"({api.url}: connection refused)" in str(live.disconnected_reason)
        assert list_names(live) == ["a"], "the last objects stay"
        api.remove("v1", "Pod", NAMESPACE, "a")
        pod(api, "b")
        await asyncio.sleep(1)
        api.start()
        await wait_until(live, lambda: live.disconnected_reason is None)
        assert list_names(live) == ["b"], "then all objects are listed again"

    run(cluster, test)


def test_a_server_that_starts_later(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    api.stop()

    async def test(live: reflector.Reflector) -> None:
        assert live.disconnected_reason is not None
        pod(api, "a")
        api.start()
        await wait_until(live, lambda: live.disconnected_reason is None)
        assert list_names(live) == ["a"]

    run(cluster, test)


def test_a_kind_without_permission_fails_on_entering(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    api.forbidden = {f"/api/v1/namespaces/{NAMESPACE}/events"}

    async def test(live: reflector.Reflector) -> None:
        raise AssertionError("not entered")

    with pytest.raises(errors.Forbidden, match=rf"403 Forbidden: reading /api/v1/namespaces/{NAMESPACE}/events"):
        run(cluster, test)


def test_credentials_that_do_not_work_fail_on_entering(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    api.status = 401

    async def test(live: reflector.Reflector) -> None:
        raise AssertionError("not entered")

    with pytest.raises(errors.Unauthenticated, match="401 Unauthorized"):
        run(cluster, test)


def test_a_kind_that_cannot_be_watched_is_listed_every_second(
    api: apiserver.ApiServer, cluster: client.KubeClient
) -> None:
    api.watchable = False

    async def test(live: reflector.Reflector) -> None:
        await asyncio.sleep(3)
        pod(api, "a")
        await wait_until(live, lambda: list_names(live) == ["a"])
        assert live.disconnected_reason is None

    started = time.monotonic()
    run(cluster, test)
    lists = api.list_requested_collections(watch=False).count(f"/api/v1/namespaces/{NAMESPACE}/pods")
    assert 2 <= lists <= 4 * (time.monotonic() - started), "with a pause in between"


def test_lines_end_at_line_feeds_only(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    async def test(live: reflector.Reflector) -> None:
        pod(api, "a", status={"message": "caf\u00e9\u0085\u2028next"})
        await wait_until(live, lambda: list_names(live) == ["a"])
        assert list_pods(live)[0]["status"]["message"] == "caf\u00e9\u0085\u2028next"

    run(cluster, test)
    assert len(api.list_requested_collections(watch=False)) == len(snapshot.WATCHED_KINDS), "no kind was listed again"


def test_an_error_of_the_block_is_not_wrapped(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    async def test(_: reflector.Reflector) -> None:
        raise BrokenPipeError("the reader has gone")

    with pytest.raises(BrokenPipeError, match="the reader has gone"):
        run(cluster, test)


def test_a_snapshot_lists_each_kind_once(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    pod(api, "a")
    live = await_and_close(cluster, reflector.read_snapshot(cluster, NAMESPACE))
    assert [manifest["metadata"]["name"] for manifest in live.list_objects("Pod")] == ["a"]
    assert live.list_objects("Job") == []
    assert len(api.list_requested_collections(watch=False)) == len(snapshot.WATCHED_KINDS)
    assert api.list_requested_collections(watch=True) == []


def test_a_snapshot_of_some_kinds(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    assert await_and_close(cluster, reflector.read_snapshot(cluster, NAMESPACE, ["Job"])).list_objects("Pod") == ()
    assert api.list_requested_collections(watch=False) == [f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"]


def test_a_snapshot_of_an_unreachable_server(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    api.stop()
    with pytest.raises(errors.Unavailable, match="connection refused"):
        await_and_close(cluster, reflector.read_snapshot(cluster, NAMESPACE))
