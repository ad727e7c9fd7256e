"""Containers as their logs are asked for."""

from seaway.rollout import containers
from tests.unit.rollout import made


def of(owner: str | None, *pods: made.Object) -> list[containers.Container]:
    return containers.find_containers(made.seen(Pod=list(pods)), app_name="shop", stack="dev", owner=owner)


def test_labels_tell_pods_and_containers_apart() -> None:
    both = [made.container("web", run="r1"), made.container("proxy", run="r2")]
    pod = made.pod(
        "web-5d9c7f-x2x4z", by="web-5d9c7f", containers=both, init=[made.container("init", run="r0", code=0)]
    )
    store = made.pod("db-0", by="db", owner="db")
    assert [each.short_name for each in of(None, pod, store)] == [
        "db-0",
        "web-x2x4z",
        "web-x2x4z/init",
        "web-x2x4z/proxy",
    ]
    assert [each.name for each in of("web", pod, store)] == ["web", "init", "proxy"]
    assert of("cache", pod, store) == []


def test_only_pods_of_this_environment() -> None:
    foreign = made.pod("web-5d9c-aaaaa", by="web-5d9c", labels={"seaway/stack": "prod"})
    bare = made.pod("web-5d9c-bbbbb", by="web-5d9c")
    del bare["metadata"]["labels"]
    assert of(None, foreign, bare) == []


def test_one_that_has_not_begun_has_no_run() -> None:
    [waiting] = of("web", made.pod("web-5d9c-aaaaa", by="web-5d9c", containers=[made.container("web")]))
    assert (waiting.run_id, waiting.has_previous_log, waiting.terminations) == ("", False, {})
    # Nor has a pod whose node has not said anything yet.
    assert of("web", made.pod("web-5d9c-aaaaa", by="web-5d9c", containers=[])) == []


def test_how_runs_ended() -> None:
    again = made.container("web", run="new", restarts=1, code=0, before=3)
    [found] = of("web", made.pod("web-5d9c-aaaaa", by="web-5d9c", containers=[again]))
    assert found.terminations == {"new": "exit code 0 (Completed)", "new-before": "exit code 3 (Error)"}
    assert (found.run_id, found.restarts, found.has_previous_log) == ("new", 1, True)
    plain = made.container("web", run="r", code=9)
    del plain["state"]["terminated"]["reason"]
    [found] = of("web", made.pod("web-5d9c-aaaaa", by="web-5d9c", containers=[plain]))
    assert found.terminations == {"r": "exit code 9"}


def test_names_that_may_be_asked_for() -> None:
    """Also of what should have pods and has none."""
    objects = made.healthy()
    objects["Pod"] = [made.pod("cron-1-a", by="cron-1", owner="cron")]
    names = containers.list_owners(made.seen(**objects), app_name="shop", stack="dev")
    assert names == ["cron", "db", "migrate", "web"]
