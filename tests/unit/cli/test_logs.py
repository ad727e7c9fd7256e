"""`seaway logs` against a stand-in for a cluster: whose lines, in which order, and following through everything."""

import argparse
import re

import pytest

from seaway.cli import follow, logs, main
from tests.support import apiserver, live_objects, running
from tests.unit.cli import conftest

pytestmark = pytest.mark.usefixtures("checkout")
Captured = pytest.CaptureFixture[str]


def list_queries(api: apiserver.ApiServer) -> list[str]:
    """Queries of logs."""
    return [path.partition("/log?")[2] for path, _ in api.requests if "/log?" in path]


def print_something(api: apiserver.ApiServer) -> None:
    """Two pods of web and a store have printed."""
    conftest.put_all(api, live_objects.healthy())
    api.logs["web-5d9c-aaaaa", "web", False] = "2026-03-01T10:00:01.5Z one\n2026-03-01T10:00:03Z three\n"
    api.logs["web-5d9c-bbbbb", "web", False] = "2026-03-01T10:00:02.25Z two\n2026-03-01T10:00:04Z \n"
    api.logs["db-0", "db", False] = "2026-03-01T10:00:02Z ready\n"


def test_lines_of_all_pods_are_sorted_by_time(api: apiserver.ApiServer, seaway: conftest.Seaway) -> None:
    print_something(api)
    output = seaway("logs", "web")
    assert output.out == "web-aaaaa: one\nweb-bbbbb: two\nweb-aaaaa: three\nweb-bbbbb: \n"
    assert output.err == ""
    assert list_queries(api) == ["timestamps=true&container=web", "timestamps=true&container=web"]


def test_all_of_the_application_with_times(api: apiserver.ApiServer, seaway: conftest.Seaway) -> None:
    print_something(api)
    api.logs["migrate-0a1b-ccccc", "migrate", False] = ""
    assert seaway("logs", "--all", "--timestamps").out.splitlines()[:3] == [
        "web-aaaaa: 2026-03-01T10:00:01.500Z one",
        "db-0: 2026-03-01T10:00:02.000Z ready",
        "web-bbbbb: 2026-03-01T10:00:02.250Z two",
    ]


def test_all_containers_of_a_pod(api: apiserver.ApiServer, seaway: conftest.Seaway) -> None:
    both = [live_objects.container("web", run="r1"), live_objects.container("proxy", run="r2")]
    pod = live_objects.pod(
        "web-5d9c-aaaaa", by="web-5d9c", containers=both, init=[live_objects.container("prepare", run="r0", code=0)]
    )
    conftest.put_objects(api, "Pod", pod)
    for second, name in enumerate(["prepare", "proxy", "web"]):
        api.logs["web-5d9c-aaaaa", name, False] = f"2026-03-01T10:00:0{second}Z I am {name}\n"
    assert seaway("logs", "web").out.splitlines() == [
        "web-aaaaa/prepare: I am prepare",
        "web-aaaaa/proxy: I am proxy",
        "web-aaaaa: I am web",
    ]


def test_options_become_a_query(api: apiserver.ApiServer, capsys: Captured) -> None:
    print_something(api)
    assert main.main(["logs", "db", "--tail", "5", "--since", "1h30m"]) == 0
    assert list_queries(api) == ["tailLines=5&sinceSeconds=5400&timestamps=true&container=db"]


def test_the_run_before(api: apiserver.ApiServer, seaway: conftest.Seaway) -> None:
    again = live_objects.container("web", run="r2", restarts=1, before=3)
    conftest.put_objects(api, "Pod", live_objects.pod("web-5d9c-aaaaa", by="web-5d9c", containers=[again]))
    conftest.put_objects(api, "Pod", live_objects.pod("web-5d9c-bbbbb", by="web-5d9c"))
    api.logs["web-5d9c-aaaaa", "web", True] = "2026-03-01T10:00:00Z last words\n"
    output = seaway("logs", "web", "--previous")
    assert (output.out, output.err) == ("web-aaaaa: last words\n", "")


def test_the_run_that_failed_before_it_is_restarted(api: apiserver.ApiServer, seaway: conftest.Seaway) -> None:
    """The API has its log as the current one."""
    crashed = live_objects.container("web", run="r1", code=3)
    conftest.put_objects(api, "Pod", live_objects.pod("web-5d9c-aaaaa", by="web-5d9c", containers=[crashed]))
    api.logs["web-5d9c-aaaaa", "web", False] = "2026-03-01T10:00:00Z last words\n"
    output = seaway("logs", "web", "--previous")
    assert (output.out, output.err) == ("web-aaaaa: last words\n", "")


def test_no_previous_run(api: apiserver.ApiServer, seaway: conftest.Seaway, wording: list[str]) -> None:
    print_something(api)
    assert seaway("logs", "web", "--previous").err.splitlines() == wording


def test_a_pod_without_logs_is_not_an_error(
    api: apiserver.ApiServer, seaway: conftest.Seaway, wording: list[str]
) -> None:
    conftest.put_objects(
        api, "Pod", live_objects.pod("web-5d9c-aaaaa", by="web-5d9c", containers=[live_objects.container("web")])
    )
    assert seaway("logs", "web").err.splitlines() == wording
    print_something(api)
    conftest.put_objects(
        api, "Pod", live_objects.pod("web-5d9c-zzzzz", by="web-5d9c", containers=[live_objects.container("web")])
    )
    output = seaway("logs", "web")
    assert len(output.out.splitlines()) == 4
    assert output.err == ""


def test_a_refused_log_does_not_hide_the_others(api: apiserver.ApiServer, seaway: conftest.Seaway) -> None:
    print_something(api)
    del api.logs["web-5d9c-aaaaa", "web", False]
    output = seaway("logs", "web")
    assert output.out == "web-bbbbb: two\nweb-bbbbb: \n"
    assert re.fullmatch(r"seaway: web-aaaaa: .*it answered 400 Bad Request.*\n", output.err)
    # None at all is one.
    del api.logs["web-5d9c-bbbbb", "web", False]
    assert main.main(["logs", "web"]) == 1


@pytest.mark.parametrize("more", [[], ["--follow"]])
def test_an_unknown_service_is_reported_with_the_known_ones(
    api: apiserver.ApiServer, seaway: conftest.Seaway, more: list[str], wording: list[str]
) -> None:
    print_something(api)
    assert seaway("logs", "wbe", *more, code=2).err.splitlines() == wording


def test_a_service_that_is_not_deployed(seaway: conftest.Seaway, wording: list[str]) -> None:
    assert seaway("logs", "web", code=2).err.splitlines() == wording


def test_too_many_containers_are_reported(
    api: apiserver.ApiServer, seaway: conftest.Seaway, monkeypatch: pytest.MonkeyPatch, wording: list[str]
) -> None:
    print_something(api)
    monkeypatch.setattr(follow, "MAX_CONTAINERS", 1)
    output = seaway("logs", "web")
    assert output.out.splitlines() == ["web-aaaaa: one", "web-aaaaa: three"]
    assert output.err.splitlines() == wording


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["logs"], "one of the arguments SERVICE --all is required"),
        (["logs", "web", "--all"], "argument --all: not allowed with argument SERVICE"),
        (["logs", "web", "-f", "--previous"], "argument --previous: not allowed with argument -f/--follow"),
        (
            ["logs", "web", "--since", "10x"],
            "argument --since: '10x' is not a duration; write for example 30s, 10m, 1h30m or 2d",
        ),
        (["logs", "web", "--tail", "all"], "argument --tail: 'all' is not a number of lines; write for example 100"),
    ],
)
def test_invalid_options(words: list[str], expected: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(words)
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"seaway logs: error: {expected}"


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("10m", 600), ("1h30m", 5400), ("2d", 172800), ("0s", 1)])
def test_durations(text: str, seconds: int) -> None:
    assert logs.parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "-5m", "1.5h", "10m "])
def test_invalid_durations(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        logs.parse_duration(text)


def test_a_colour_a_pod_on_a_terminal(api: apiserver.ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    print_something(api)
    code, lines = conftest.run_at_terminal(monkeypatch, "logs", "web")
    assert (code, len(lines)) == (0, 4)
    colours = [re.fullmatch(r"\x1b\[(\d+)mweb-\w+:\x1b\[0m .*", line) for line in lines]
    assert all(colours), lines
    [first, second, third, fourth] = [colour[1] for colour in colours if colour]
    assert (first, second) == (third, fourth)
    assert first != second


# Following.


def start(api: apiserver.ApiServer, pod: str, *, run: str = "", **more: object) -> None:
    """A pod of web whose container runs."""
    containers = [live_objects.container("web", run=run or f"run-of-{pod}", **more)]  # type: ignore[arg-type]
    conftest.put_objects(api, "Pod", live_objects.pod(f"web-5d9c-{pod}", by="web-5d9c", containers=containers))


def say(api: apiserver.ApiServer, pod: str, *lines: str, over: bool = False) -> None:
    """Lines as ``03.5 text``: seconds and text."""
    stamped = [f"2026-03-01T10:00:{line.replace(' ', 'Z ', 1)}" for line in lines]
    api.print_lines(f"web-5d9c-{pod}", "web", *stamped, ended=over)


def test_following_starts_with_the_last_lines_and_adds_new_pods(api: apiserver.ApiServer) -> None:
    conftest.put_objects(api, "Deployment", live_objects.deployment())
    start(api, "aaaaa")
    say(api, "aaaaa", *(f"{number:02} old {number}" for number in range(15)))
    with running.run_seaway("logs", "web", "-f") as printed:
        seen = printed.stdout.wait_for_text("old 14")
        assert seen == [f"web-aaaaa: old {number}" for number in range(5, 15)]
        # A new pod: seen first before its container has begun, then from its first line.
        conftest.put_objects(
            api, "Pod", live_objects.pod("web-5d9c-bbbbb", by="web-5d9c", containers=[live_objects.container("web")])
        )
        say(api, "bbbbb", *(f"{number:02} new {number}" for number in range(20, 35)))
        start(api, "bbbbb")
        seen = printed.stdout.wait_for_text("new 34")
        assert seen[10:] == [f"web-bbbbb: new {number}" for number in range(20, 35)]
        say(api, "aaaaa", "40 both go on")
        say(api, "bbbbb", "41 indeed")
        printed.stdout.wait_for_text("web-bbbbb: indeed")
        printed.stdout.wait_for_text("web-aaaaa: both go on")
        assert printed.interrupt() == 130
        assert printed.stderr.read_for(0.1) == []


def test_following_says_how_a_container_ended_and_goes_on_with_its_next_run(api: apiserver.ApiServer) -> None:
    conftest.put_objects(api, "Deployment", live_objects.deployment())
    start(api, "aaaaa", run="r1")
    say(api, "aaaaa", "01 first run")
    with running.run_seaway("logs", "web", "-f") as printed:
        printed.stdout.wait_for_text("first run")
        say(api, "aaaaa", "02 dying", over=True)
        start(api, "aaaaa", run="r1", code=3)
        assert printed.stderr.wait_for_text("ended") == ["seaway: web-aaaaa: ended: exit code 3 (Error)"]
        say(api, "aaaaa", "03 second run")
        start(api, "aaaaa", run="r2", restarts=1)
        assert printed.stderr.wait_for_text("restarted")[1:] == ["seaway: web-aaaaa: restarted (restart 1)"]
        seen = printed.stdout.wait_for_text("second run")
        assert seen == ["web-aaaaa: first run", "web-aaaaa: dying", "web-aaaaa: second run"]
        api.remove("v1", "Pod", "shop-dev", "web-5d9c-aaaaa")
        say(api, "aaaaa", over=True)
        assert printed.stderr.wait_until(lambda seen: len(seen) == 3)[2] == "seaway: web-aaaaa: ended"
        assert printed.process.poll() is None, "others may come"


def test_following_resumes_after_a_broken_connection_with_no_line_lost_or_twice(api: apiserver.ApiServer) -> None:
    conftest.put_objects(api, "Deployment", live_objects.deployment())
    start(api, "aaaaa")
    say(api, "aaaaa", "01.1 a", "01.2 b", "01.2 b")
    with running.run_seaway("logs", "web", "-f") as printed:
        printed.stdout.wait_until(lambda seen: len(seen) == 3)
        for number in range(1, 4):
            api.break_connections()
            # In the second of the last line, which is asked for once more, and after it.
            say(api, "aaaaa", f"0{number}.5 meanwhile {number}", f"0{number + 1}.0 later {number}")
            printed.stdout.wait_for_text(f"later {number}")
        message = [line.removeprefix("web-aaaaa: ") for line in printed.stdout.read_for(1)]
        expected = [f"{what} {number}" for number in range(1, 4) for what in ("meanwhile", "later")]
        assert message == ["a", "b", "b", *expected]
        assert len(list_queries(api)) == 4, "it was begun anew each time"
        assert printed.stderr.lines == []


def test_following_waits_for_an_api_server_that_is_away(api: apiserver.ApiServer) -> None:
    """Meanwhile the container ends and begins again: what its first run still said is not lost."""
    conftest.put_objects(api, "Deployment", live_objects.deployment())
    start(api, "aaaaa", run="r1")
    say(api, "aaaaa", "01 one")
    with running.run_seaway("logs", "web", "-f") as printed:
        printed.stdout.wait_for_text("one")
        api.stop()
        printed.stderr.wait_for_text("waiting for it")
        say(api, "aaaaa", "02 last words", over=True)
        say(api, "aaaaa", "03 again")
        again = live_objects.container("web", run="r2", restarts=1, before=1)
        again["lastState"]["terminated"]["containerID"] = "r1"
        conftest.put_objects(api, "Pod", live_objects.pod("web-5d9c-aaaaa", by="web-5d9c", containers=[again]))
        api.start()
        seen = printed.stdout.wait_for_text("again")
        assert seen == ["web-aaaaa: one", "web-aaaaa: last words", "web-aaaaa: again"]
        message = [
            re.sub(r"\d\d:\d\d:\d\d cannot .*;", "... cannot", line)
            for line in printed.stderr.wait_for_text("restart 1")
        ]
        assert [re.sub(r"\d\d:\d\d:\d\d", "...", line) for line in message] == [
            "seaway: ... cannot waiting for it",
            "seaway: ... connected again",
            "seaway: web-aaaaa: ended: exit code 1 (Error)",
            "seaway: web-aaaaa: restarted (restart 1)",
        ]
        assert printed.interrupt() == 130


def test_following_all_workloads_with_a_tail(api: apiserver.ApiServer) -> None:
    conftest.put_all(api, live_objects.healthy())
    for pod, container in (("db-0", "db"), ("web-5d9c-aaaaa", "web"), ("web-5d9c-bbbbb", "web")):
        api.print_lines(pod, container, "2026-03-01T10:00:00Z x", "2026-03-01T10:00:01Z y")
    with running.run_seaway("logs", "--all", "-f", "--tail", "1") as printed:
        seen = printed.stdout.wait_until(lambda seen: len(seen) == 3)
        assert sorted(seen) == ["db-0: y", "web-aaaaa: y", "web-bbbbb: y"]
        # The job's pod has no log to be had: after some attempts that is told.
        printed.stderr.wait_for_text("seaway: migrate-ccccc: no log: ")


def test_a_reader_that_ends_early_stops_following(api: apiserver.ApiServer) -> None:
    conftest.put_objects(api, "Deployment", live_objects.deployment())
    start(api, "aaaaa")
    say(api, "aaaaa", "01 one")
    with running.run_with_head("logs", "web", "-f") as printed:
        printed.stdout.wait_for_text("one")
        # The reader may take a moment to go.
        for second in range(2, 60):
            say(api, "aaaaa", f"{second:02} more")
            if printed.process.poll() is not None:
                break
            printed.stderr.read_for(0.1)
        assert printed.process.returncode == 0
        assert printed.stderr.read_for(0.1) == []


def test_following_without_permission(api: apiserver.ApiServer) -> None:
    conftest.put_objects(api, "Deployment", live_objects.deployment())
    start(api, "aaaaa")
    api.forbidden_logs = True
    with running.run_seaway("logs", "web", "-f") as printed:
        assert printed.process.wait(timeout=300) == 1
        printed.stderr.wait_for_text(
            "403 Forbidden: reading /api/v1/namespaces/shop-dev/pods/web-5d9c-aaaaa/log is not allowed"
        )
