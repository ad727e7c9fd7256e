"""Containers, for their logs."""

from seaway.kubernetes.cluster import snapshot
from seaway.rollout import containers
from tests.support import live_objects


def find(owner: str | None, *pods: live_objects.Object) -> list[containers.Container]:
    return containers.find_containers(snapshot.Snapshot({"Pod": list(pods)}), app_name="shop", stack="dev", owner=owner)


def test_short_names_are_unique() -> None:
    both = [live_objects.container("web", run="r1"), live_objects.container("proxy", run="r2")]
    pod = live_objects.pod(
        "web-5d9c7f-x2x4z", by="web-5d9c7f", containers=both, init=[live_objects.container("init", run="r0", code=0)]
    )
    store = live_objects.pod("db-0", by="db", owner="db")
    assert [container.short_name for container in find(None, pod, store)] == [
        "db-0",
        "web-x2x4z",
        "web-x2x4z/init",
        "web-x2x4z/proxy",
    ]
    assert [container.name for container in find("web", pod, store)] == ["web", "init", "proxy"]
    assert find("cache", pod, store) == []


def test_only_pods_of_this_environment() -> None:
    foreign = live_objects.pod("web-5d9c-aaaaa", by="web-5d9c", labels={"seaway/stack": "prod"})
    bare = live_objects.pod("web-5d9c-bbbbb", by="web-5d9c")
    del bare["metadata"]["labels"]
    assert find(None, foreign, bare) == []


def test_a_container_that_has_not_started_has_no_run() -> None:
    [waiting] = find(
        "web", live_objects.pod("web-5d9c-aaaaa", by="web-5d9c", containers=[live_objects.container("web")])
    )
    assert (waiting.run_id, waiting.has_failed_run, waiting.terminations) == ("", False, {})
    # The node has not reported a status yet.
    assert find("web", live_objects.pod("web-5d9c-aaaaa", by="web-5d9c", containers=[])) == []


def test_how_runs_ended() -> None:
    restarted = live_objects.container("web", run="new", restarts=1, code=0, before=3)
    [container] = find("web", live_objects.pod("web-5d9c-aaaaa", by="web-5d9c", containers=[restarted]))
    assert container.terminations == {"new": "exit code 0 (Completed)", "new-before": "exit code 3 (Error)"}
    assert (container.run_id, container.restarts, container.has_failed_run) == ("new", 1, True)
    plain = live_objects.container("web", run="r", code=9)
    del plain["state"]["terminated"]["reason"]
    [container] = find("web", live_objects.pod("web-5d9c-aaaaa", by="web-5d9c", containers=[plain]))
    assert container.terminations == {"r": "exit code 9"}
    assert (container.has_failed_run, container.is_between_runs) == (True, True)
    done = live_objects.container("init", run="r", code=0)
    [container] = find("web", live_objects.pod("web-5d9c-aaaaa", by="web-5d9c", containers=[done]))
    assert not container.has_failed_run


def test_owners_include_workloads_without_pods() -> None:
    objects = live_objects.healthy()
    objects["Pod"] = [live_objects.pod("cron-1-a", by="cron-1", owner="cron")]
    names = containers.list_owners(snapshot.Snapshot(objects), app_name="shop", stack="dev")
    assert names == ["cron", "db", "migrate", "web"]
