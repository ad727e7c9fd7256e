"""A namespace as it is now, through everything that an API server does to its watchers."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
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


def names(seen: reflector.Reflector, kind: str = "Pod") -> list[str]:
    return sorted(found["metadata"]["name"] for found in seen.take_snapshot().list_objects(kind))


async def until(seen: reflector.Reflector, holds: Callable[[], bool]) -> None:
    """Wait for it as the mirror's users do."""
    async with asyncio.timeout(300):
        while not holds():
            await seen.wait_for_change(1)


def run(cluster: client.KubeClient, test: Callable[[reflector.Reflector], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with reflector.Reflector(cluster, NAMESPACE) as seen:
            await test(seen)

    ask(cluster, inside())


def ask(cluster: client.KubeClient, question: Coroutine[Any, Any, Answer]) -> Answer:
    async def closing() -> Answer:
        try:
            return await question
        finally:
            await cluster.close()

    return asyncio.run(closing())


def test_it_begins_with_what_there_is_and_follows(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    pod(api, "a")
    api.put("v1", "Pod", "another", "foreign")

    async def test(seen: reflector.Reflector) -> None:
        assert names(seen) == ["a"]
        assert seen.disconnected_reason is None
        pod(api, "b")
        api.put("apps/v1", "Deployment", NAMESPACE, "web", spec={"replicas": 1})
        await until(seen, lambda: names(seen) == ["a", "b"] and names(seen, "Deployment") == ["web"])
        pod(api, "b", status={"phase": "Running"})
        await until(seen, lambda: any(found.get("status") for found in seen.take_snapshot().list_objects("Pod")))
        api.remove("v1", "Pod", NAMESPACE, "a")
        await until(seen, lambda: names(seen) == ["b"])

    run(cluster, test)
    assert sorted(api.list_requested_collections(watch=False)) == sorted(
        kinds.build_path(kind, NAMESPACE) for kind in snapshot.WATCHED_KINDS
    ), "each kind is listed once"


def test_a_change_wakes_at_once_and_nothing_wakes_in_time(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    async def test(seen: reflector.Reflector) -> None:
        await seen.wait_for_change(1)  # the lists
        begun = time.monotonic()
        await seen.wait_for_change(0.2)
        assert time.monotonic() - begun >= 0.2
        asyncio.get_running_loop().call_later(0.1, pod, api, "a")
        await asyncio.wait_for(seen.wait_for_change(3600), timeout=300)

    run(cluster, test)


def test_a_replaced_object_is_the_new_one(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    pod(api, "a")

    async def test(seen: reflector.Reflector) -> None:
        old = seen.take_snapshot().list_objects("Pod")[0]["metadata"]["uid"]
        api.remove("v1", "Pod", NAMESPACE, "a")
        pod(api, "a")
        await until(
            seen,
            lambda: [found["metadata"]["uid"] for found in seen.take_snapshot().list_objects("Pod")] not in ([old], []),
        )
        assert names(seen) == ["a"]

    run(cluster, test)


def test_a_watch_that_the_server_ends_goes_on(
    api: apiserver.ApiServer, cluster: client.KubeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reflector, "WATCH_SECONDS", 1)

    async def test(seen: reflector.Reflector) -> None:
        await until(seen, lambda: len(api.list_requested_collections(watch=True)) > len(snapshot.WATCHED_KINDS))
        pod(api, "late")
        await until(seen, lambda: names(seen) == ["late"])
        assert seen.disconnected_reason is None

    run(cluster, test)
    assert len(api.list_requested_collections(watch=False)) == len(snapshot.WATCHED_KINDS), (
        "it goes on from where it was"
    )
    assert len(api.list_requested_collections(watch=True)) > len(snapshot.WATCHED_KINDS)


def test_after_410_gone_everything_is_listed_anew(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    pod(api, "a")

    async def test(seen: reflector.Reflector) -> None:
        api.compact_history()
        pod(api, "b")
        await until(seen, lambda: names(seen) == ["a", "b"])
        assert seen.disconnected_reason is None

    run(cluster, test)
    assert api.list_requested_collections(watch=False).count(f"/api/v1/namespaces/{NAMESPACE}/pods") == 2


def test_a_server_that_goes_away_is_waited_for(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    pod(api, "a")

    async def test(seen: reflector.Reflector) -> None:
        api.stop()
        await until(seen, lambda: seen.disconnected_reason is not None)
        assert f"({api.url}: connection refused)" in str(seen.disconnected_reason)
        assert names(seen) == ["a"], "what was seen last stays"
        api.remove("v1", "Pod", NAMESPACE, "a")
        pod(api, "b")
        await asyncio.sleep(1)
        api.start()
        await until(seen, lambda: seen.disconnected_reason is None)
        assert names(seen) == ["b"], "when it is back, all of it is new"

    run(cluster, test)


def test_a_server_that_is_away_from_the_start(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    api.stop()

    async def test(seen: reflector.Reflector) -> None:
        assert seen.disconnected_reason is not None
        pod(api, "a")
        api.start()
        await until(seen, lambda: seen.disconnected_reason is None)
        assert names(seen) == ["a"]

    run(cluster, test)


def test_what_may_not_be_listed_is_told_on_entering(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    api.forbidden = {f"/api/v1/namespaces/{NAMESPACE}/events"}

    async def test(seen: reflector.Reflector) -> None:
        raise AssertionError("not entered")

    with pytest.raises(errors.Forbidden, match=rf"403 Forbidden: reading /api/v1/namespaces/{NAMESPACE}/events"):
        run(cluster, test)


def test_what_may_be_listed_but_not_watched_is_listed_every_second(
    api: apiserver.ApiServer, cluster: client.KubeClient
) -> None:
    api.watchable = False

    async def test(seen: reflector.Reflector) -> None:
        await asyncio.sleep(3)
        pod(api, "a")
        await until(seen, lambda: names(seen) == ["a"])
        assert seen.disconnected_reason is None

    begun = time.monotonic()
    run(cluster, test)
    asked = api.list_requested_collections(watch=False).count(f"/api/v1/namespaces/{NAMESPACE}/pods")
    assert 2 <= asked <= 4 * (time.monotonic() - begun), "and not without a pause"


def test_lines_end_at_line_feeds_only(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    async def test(seen: reflector.Reflector) -> None:
        pod(api, "a", status={"message": "caf\u00e9\u0085\u2028next"})
        await until(seen, lambda: names(seen) == ["a"])
        assert seen.take_snapshot().list_objects("Pod")[0]["status"]["message"] == "caf\u00e9\u0085\u2028next"

    run(cluster, test)
    assert len(api.list_requested_collections(watch=False)) == len(snapshot.WATCHED_KINDS), "nothing was listed anew"


def test_an_error_of_the_block_leaves_it_as_it_is(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    async def test(_: reflector.Reflector) -> None:
        raise BrokenPipeError("the reader has gone")

    with pytest.raises(BrokenPipeError, match="the reader has gone"):
        run(cluster, test)


def test_read_lists_once_and_watches_nothing(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    pod(api, "a")
    seen = ask(cluster, reflector.read_snapshot(cluster, NAMESPACE))
    assert [found["metadata"]["name"] for found in seen.list_objects("Pod")] == ["a"]
    assert seen.list_objects("Job") == []
    assert len(api.list_requested_collections(watch=False)) == len(snapshot.WATCHED_KINDS)
    assert api.list_requested_collections(watch=True) == []


def test_read_of_some_kinds(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    assert ask(cluster, reflector.read_snapshot(cluster, NAMESPACE, ["Job"])).list_objects("Pod") == ()
    assert api.list_requested_collections(watch=False) == [f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"]


def test_an_unreachable_server_is_told_by_read(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    api.stop()
    with pytest.raises(errors.Unavailable, match="connection refused"):
        ask(cluster, reflector.read_snapshot(cluster, NAMESPACE))
