"""`seaway status` against a stand-in for a cluster: table, JSON, exit codes, watching, drift."""

import datetime
import json
import os
import re
import subprocess
import sys
import unittest.mock
from pathlib import Path

import pytest

from seaway.cli import main
from seaway.kubernetes.api import fields
from seaway.release import drift, record_store
from tests.support import apiserver, live_objects, running
from tests.unit.cli import conftest

pytestmark = pytest.mark.usefixtures("checkout")
Captured = pytest.CaptureFixture[str]


def release(api: apiserver.ApiServer) -> None:
    api.put(
        "v1", "ConfigMap", "shop-dev", record_store.CURRENT_NAME, data={"id": "0a1b2c", "since": "2026-01-01T00:00:00Z"}
    )


def broken() -> dict[str, list[live_objects.Object]]:
    """One of two pods of web cannot be made."""
    objects = live_objects.healthy()
    waiting = {"waiting": {"reason": "InvalidImageName", "message": "couldn't parse image name"}}
    status = live_objects.container("web") | {"state": waiting}
    objects["Deployment"] = [live_objects.deployment(ready=1)]
    objects["Pod"][0] = live_objects.pod("web-5d9c-aaaaa", by="web-5d9c", ready=False, containers=[status])
    return objects


def test_a_healthy_application_is_a_table_and_exit_code_0(api: apiserver.ApiServer, seaway: conftest.Seaway) -> None:
    conftest.put_all(api, live_objects.healthy())
    release(api)
    out = seaway("status").out
    head, columns, *rows = out.splitlines()
    assert re.fullmatch(r"shop · stack dev · context work · release 0a1b2c since \d+d", head)
    assert columns.split("  ")[0] == "SERVICE"
    assert " ".join(columns.split()) == "SERVICE KIND ADDRESS READY UPDATED AGE RESTARTS IMAGE LAST EVENT"
    cells = [row.split() for row in rows]
    assert [[*row[:5], row[7]] for row in cells] == [
        ["web", "service", "-", "2/2", "2", "shop/web@d547149797ba"],
        ["db", "store", "-", "1/1", "1", "postgres:17"],
        ["migrate", "job", "-", "1/1", "1", "shop/web@d547149797ba"],
    ]
    assert "\x1b" not in out
    assert out == "".join(f"{line.rstrip()}\n" for line in out.splitlines())


def test_an_external_store_has_a_line_with_its_address(api: apiserver.ApiServer, seaway: conftest.Seaway) -> None:
    conftest.put_all(api, live_objects.with_external_store())
    assert "db is external, at db.example.com:5432\n" in seaway("status").out
    external = [{"name": "db", "address": "db.example.com:5432"}]
    assert json.loads(seaway("status", "--json").out)["external"] == external


@pytest.mark.parametrize("since", ["\x1b[2Jsoon", "2026-01-01T00:00:00"])
def test_text_from_the_cluster_is_escaped(api: apiserver.ApiServer, seaway: conftest.Seaway, since: str) -> None:
    """Whoever may write a ConfigMap or an event writes what is printed here."""
    objects = broken()
    objects["Pod"][0]["status"]["containerStatuses"][0]["state"]["waiting"]["message"] = "a\x1b]0;b\x07\u202ec"
    objects["Event"] = [
        live_objects.event("Pod/web-5d9c-aaaaa", "Failed", "a\x1b[2Jb\x9bc", seen=live_objects.ago(minutes=1))
    ]
    conftest.put_all(api, objects)
    api.put("v1", "ConfigMap", "shop-dev", record_store.CURRENT_NAME, data={"id": "0a1b2c", "since": since})
    out = seaway("status", code=1).out
    assert "release 0a1b2c" in out.splitlines()[0]
    assert [line for line in out.splitlines() if not line.isprintable()] == []


def test_a_job_by_the_clock_tells_its_last_run(api: apiserver.ApiServer, seaway: conftest.Seaway) -> None:
    objects = live_objects.healthy()
    objects["CronJob"] = [live_objects.cron_job()]
    conftest.put_all(api, objects)
    row = seaway("status").out.splitlines()[-1]
    assert row.split()[:5] == ["report", "job", "-", "-", "-"]
    assert row.endswith("0 3 * * * Etc/UTC")
    objects["Job"].append(live_objects.run("report-1", 1, {"type": "Complete", "status": "True"}))
    conftest.put_all(api, objects)
    lines = json.loads(seaway("status", "--json").out)["workloads"]
    assert [workload["name"] for workload in lines] == ["web", "db", "migrate", "report"], (
        "its runs are no jobs of their own"
    )
    assert lines[-1]["runs"] == {
        "schedule": "0 3 * * *",
        "zone": "Etc/UTC",
        "suspended": False,
        "state": "done",
        "last": live_objects.ago(hours=1),
    }


def test_the_limits_of_an_autoscaler_are_printed(api: apiserver.ApiServer, seaway: conftest.Seaway) -> None:
    objects = live_objects.healthy()
    objects["Deployment"][0]["metadata"]["annotations"]["seaway/scale"] = "2-10"
    conftest.put_all(api, objects)
    assert seaway("status").out.splitlines()[2].split()[:5] == ["web", "service", "-", "2/2", "(2-10)"]
    web, db, _ = json.loads(seaway("status", "--json").out)["workloads"]
    assert (web["desired"], web["scale"], db["scale"]) == (2, {"min": 2, "max": 10}, None)


def put_service(api: apiserver.ApiServer) -> None:
    """A Service of web with a node port, and the node."""
    labels = live_objects.deployment()["metadata"]["labels"]
    spec = {"type": "NodePort", "ports": [{"name": "main", "port": 8000, "nodePort": 30080}]}
    api.put("v1", "Service", "shop-dev", "web", labels=labels, spec=spec)
    api.put("v1", "Node", "", "one", status={"addresses": [{"type": "InternalIP", "address": "10.0.0.7"}]})


def test_the_address_of_a_service_is_printed(
    api: apiserver.ApiServer, seaway: conftest.Seaway, monkeypatch: pytest.MonkeyPatch
) -> None:
    conftest.put_all(api, live_objects.healthy())
    put_service(api)
    assert seaway("status").out.splitlines()[2].split()[:3] == ["web", "service", "http://10.0.0.7:30080"]
    web, db, _ = json.loads(seaway("status", "--json").out)["workloads"]
    assert (web["addresses"], db["addresses"]) == (["http://10.0.0.7:30080"], [])
    monkeypatch.setenv("COLUMNS", "60")
    assert "  ADDRESS http://10.0.0.7:30080" in seaway("status").out.splitlines()


def test_without_access_to_nodes_a_pod_knows_the_address(api: apiserver.ApiServer, seaway: conftest.Seaway) -> None:
    """And no kind is listed twice."""
    objects = live_objects.healthy()
    objects["Pod"][0]["status"]["hostIP"] = "10.0.0.9"
    conftest.put_all(api, objects)
    put_service(api)
    api.forbidden.add("/api/v1/nodes")
    assert seaway("status").out.splitlines()[2].split()[:3] == ["web", "service", "http://10.0.0.9:30080"]
    requested = api.list_requested_collections(watch=False)
    assert sorted(set(requested)) == sorted(requested)


@pytest.mark.parametrize(
    ("declared", "line"),
    [("", ""), ("services: {web: {\n  image: a:1, secrets: [SESSION_KEY]}}\n", ":3"), ("services: 7\n", "")],
)
def test_findings_are_below_the_table_with_a_fix(
    api: apiserver.ApiServer, checkout: Path, seaway: conftest.Seaway, declared: str, line: str
) -> None:
    """The fix has the line of the key, if the application's file is valid and has it."""
    (checkout / "app" / "app.yaml").write_text(f"name: shop\n{declared}")
    conftest.put_all(api, broken())
    lines = seaway("status", code=1).out.partition("\n\n")[2].splitlines()
    assert lines[0].startswith("web: ")
    assert lines[1] == "  pod web-5d9c-aaaaa, container web"
    assert lines[2].startswith(f"  correct services.web.image (app/app.yaml{line})")
    assert lines[3] == "  seaway help image-name-invalid"


def test_without_a_release_the_head_says_so(api: apiserver.ApiServer, seaway: conftest.Seaway) -> None:
    conftest.put_all(api, live_objects.healthy())
    assert seaway("status").out.startswith("shop · stack dev · context work · no release recorded\n")
    document = json.loads(seaway("status", "--json").out)
    assert (document["release"], document["healthy"]) == (None, True)


def test_nothing_deployed_is_not_healthy(capsys: Captured) -> None:
    assert main.main(["status"]) == 1
    message = "shop has no workloads in namespace shop-dev; deploy them: pulumi up --refresh --stack dev"
    assert capsys.readouterr().out.splitlines()[1] == message


@pytest.mark.parametrize(
    ("kinds", "expected"), [(["Job", "ConfigMap", "Job"], ["migrate", "seed"]), (["Job", "Deployment"], []), ([], [])]
)
def test_jobs_that_have_ended_and_are_deleted(  # noqa: PLR0917 - fixtures and a table
    api: apiserver.ApiServer,
    seaway: conftest.Seaway,
    monkeypatch: pytest.MonkeyPatch,
    wording: list[str],
    kinds: list[str],
    expected: list[str],
) -> None:
    release(api)
    job_names = iter(["migrate", "seed"])
    manifests = [{"kind": kind, "metadata": {"name": next(job_names) if kind == "Job" else "x"}} for kind in kinds]
    monkeypatch.setattr(record_store, "read_manifests", unittest.mock.AsyncMock(return_value=manifests))
    document = json.loads(seaway("status", "--json", code=int(not expected)).out)
    assert (document["finished"], document["healthy"]) == (expected, bool(expected))
    assert [" ".join(seaway("status", code=int(not expected)).out.splitlines()[1:])] == wording


def test_a_cluster_that_does_not_answer_is_exit_code_2(api: apiserver.ApiServer, seaway: conftest.Seaway) -> None:
    api.stop()
    output = seaway("status", code=2)
    assert output.out == ""
    assert re.fullmatch(
        r'seaway: cannot reach the cluster of context "work" \(http://\S+: connection refused\); .*\n', output.err
    )


def test_json_is_one_object_of_the_documented_shape(api: apiserver.ApiServer, seaway: conftest.Seaway) -> None:
    objects = broken()
    conftest.put_all(api, objects)
    release(api)
    document = json.loads(seaway("status", "--json", code=1).out)
    web, *others = document.pop("workloads")
    assert document == {
        "application": "shop",
        "stack": "dev",
        "context": "work",
        "namespace": "shop-dev",
        "release": {"id": "0a1b2c", "since": "2026-01-01T00:00:00Z"},
        "healthy": False,
        "finished": [],
        "external": [],
    }
    [finding] = web.pop("findings")
    assert web == {
        "name": "web",
        "kind": "service",
        "object": {"kind": "Deployment", "name": "web"},
        "state": "failed",
        "ready": 1,
        "desired": 2,
        "scale": None,
        "runs": None,
        "updated": 2,
        "addresses": [],
        "image": live_objects.IMAGE,
        "since": live_objects.ago(hours=2),
        "restarts": 0,
        "disks": [],
        "event": None,
    }
    assert finding.pop("message")
    assert finding.pop("hint")
    assert finding == {
        "cause": "image-name-invalid",
        "pod": "web-5d9c-aaaaa",
        "container": "web",
        "fatal": True,
        "more": 0,
        "runbook": "seaway help image-name-invalid",
    }
    assert [workload["state"] for workload in others] == ["complete", "complete"]


COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def plain(line: str) -> str:
    """A line of a terminal without its colours."""
    return COLOUR.sub("", line)


@pytest.mark.parametrize("width", [140, 80, 70])
def test_a_terminal_gets_colours_and_lines_of_its_width(
    api: apiserver.ApiServer, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """Long columns become lines of their own. A message with brackets stays what it is."""
    objects = live_objects.healthy()
    now = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
    objects["Event"] = [live_objects.event("Deployment/web", "Bad", f"[b]probe failed {'x' * 200}", seen=now)]
    conftest.put_all(api, objects)
    code, lines = conftest.run_at_terminal(monkeypatch, "status", width=width)
    assert code == 0
    assert any("migrate" in line for line in lines)
    assert any("\x1b[32m2/2" in line for line in lines), "green where all is well"
    lines = [plain(line).rstrip() for line in lines]
    assert max(map(len, lines)) <= width
    web = next(line for line in lines if line.startswith("web"))
    assert (" shop/web@d547149797ba" in web) == (width > 70)
    assert ("  IMAGE shop/web@d547149797ba" in lines) == (width == 70)
    text = "".join(line.strip() for line in lines)
    assert re.search(r"LAST EVENT \ds: Bad: \[b\]probe failedx{200}", text)


def test_no_color_disables_colours(api: apiserver.ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    conftest.put_all(api, live_objects.healthy())
    _, lines = conftest.run_at_terminal(monkeypatch, "status")
    assert any("migrate" in line for line in lines)
    assert not any("[32m" in line for line in lines)


def test_a_pipe_gets_whole_lines(api: apiserver.ApiServer, seaway: conftest.Seaway) -> None:
    objects = live_objects.healthy()
    now = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
    objects["Event"] = [live_objects.event("Deployment/web", "Unhealthy", "x" * 300 + " end", seen=now)]
    conftest.put_all(api, objects)
    assert seaway("status").out.splitlines()[2].endswith("xxx end")


def test_no_pulumi_no_state_no_passphrase(api: apiserver.ApiServer) -> None:
    """The fixture's PATH is empty and its Pulumi home too: all the same, each verb works, and starts no program."""
    program = """
import os, sys
started = []
programs = {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.fork"}
sys.addaudithook(lambda event, of: started.append(of) if event in programs else None)
class Environment(dict):
    def __getitem__(self, name):
        read.append(name)
        return super().__getitem__(name)
    def get(self, name, default=None):
        read.append(name)
        return super().get(name, default)
read = []
from seaway.cli import main
os.environ = Environment(os.environ)
for words in (["status"], ["status", "--json"], ["logs", "web"]):
    code = main.main(words)
    print("END", flush=True)
    print([name for name in read if name.startswith("PULUMI")], started, code, file=sys.stderr)
    read.clear()
"""
    conftest.put_all(api, live_objects.healthy())
    for pod in ("aaaaa", "bbbbb"):
        api.logs[f"web-5d9c-{pod}", "web", False] = "2026-03-01T10:00:00Z hello\n"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment()
    )
    *output, rest = done.stdout.split("END\n")
    assert ["web" in workload for workload in output] == [True] * 3
    assert rest == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    for line in lines:
        assert re.fullmatch(r"\[('(PULUMI_STACK|PULUMI_HOME|PULUMI_BACKEND_URL)'(, )?)+\] \[\] 0", line), line


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(running.ROOT)}


def test_only_the_named_command_is_imported() -> None:
    program = """
import contextlib, sys
from seaway.cli import main
for words in (["--help"], ["release", "--help"], ["nothing"]):
    with contextlib.suppress(SystemExit):
        main.main(words)
assert main.COMMANDS
print("LOADED", *(name for name in sys.modules if name.partition(".")[0] in {"httpx", "httpx2", "rich"}))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment()
    )
    assert done.stdout.splitlines()[-1] == "LOADED"


def worse(api: apiserver.ApiServer) -> None:
    """One of the two pods of web is not ready any more."""
    conftest.put_objects(api, "Pod", live_objects.pod("web-5d9c-aaaaa", by="web-5d9c", ready=False))
    conftest.put_objects(api, "Deployment", live_objects.deployment(ready=1))


def test_watch_on_a_pipe_prints_a_line_a_change_and_ends_with_ctrl_c(api: apiserver.ApiServer) -> None:
    conftest.put_all(api, live_objects.healthy())
    with running.run_seaway("status", "--watch") as status:
        first = status.stdout.wait_until(lambda seen: len(seen) == 3)
        assert [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in first] == [
            "web 2/2 ready",
            "db 1/1 ready",
            "migrate 1/1 succeeded",
        ]
        worse(api)
        status.stdout.wait_for_text("web 1/2 ready")
        api.remove("apps/v1", "StatefulSet", "shop-dev", "db")
        status.stdout.wait_for_text("db was deleted")
        lines = len(status.stdout.lines)
        assert len(status.stdout.read_for(1)) == lines, "nothing changed, nothing is said"
        assert status.interrupt() == 130
        assert status.stderr.read_for(0.1) == []


def test_watch_outlives_an_api_server_that_is_away(api: apiserver.ApiServer) -> None:
    conftest.put_all(api, live_objects.healthy())
    with running.run_seaway("status", "--watch") as status:
        status.stdout.wait_for_text("migrate")
        api.stop()
        away = status.stderr.wait_for_text("cannot reach the cluster")
        assert re.fullmatch(r"seaway: \d\d:\d\d:\d\d cannot reach .*; waiting for it", away[0])
        api.start()
        status.stderr.wait_for_text("connected again")
        worse(api)
        status.stdout.wait_for_text("web 1/2 ready")
        assert len(status.stderr.lines) == 2
        assert len(status.stdout.lines) == 4, "what did not change is not said again"
        assert status.interrupt() == 130


def test_watch_may_begin_while_the_api_server_is_away(api: apiserver.ApiServer) -> None:
    conftest.put_all(api, live_objects.healthy())
    api.stop()
    with running.run_seaway("status", "--watch") as status:
        status.stderr.wait_for_text("cannot reach the cluster")
        assert status.stdout.lines == []
        api.start()
        status.stdout.wait_for_text("web 2/2 ready")


def test_watch_as_json_is_an_object_a_line(api: apiserver.ApiServer) -> None:
    conftest.put_all(api, live_objects.healthy())
    with running.run_seaway("status", "--watch", "--json") as status:
        status.stdout.wait_until(lambda seen: len(seen) == 1)
        worse(api)
        first, second = map(json.loads, status.stdout.wait_until(lambda seen: len(seen) == 2))
        assert (first["healthy"], second["healthy"]) == (True, False)
        assert second["workloads"][0]["ready"] == 1
        assert status.interrupt() == 130


def test_watch_on_a_terminal_redraws_the_table(api: apiserver.ApiServer) -> None:
    conftest.put_all(api, live_objects.healthy())
    with running.run_seaway("status", "--watch", terminal=True) as status:
        status.stdout.wait_for_text("migrate")
        worse(api)
        drawn = status.stdout.wait_for_text("1/2")
        assert sum("SERVICE" in line for line in drawn) >= 2
        api.stop()
        status.stdout.wait_for_text("waiting for it")
        assert status.interrupt() == 130
        assert status.stderr.read_for(0.1) == []


def test_a_reader_that_ends_early_stops_the_watch(api: apiserver.ApiServer) -> None:
    conftest.put_all(api, live_objects.healthy())
    with running.run_with_head("status", "--watch") as status:
        assert status.stdout.wait_for_text("web 2/2")
        worse(api)
        assert status.process.wait(timeout=300) == 0
        assert status.stderr.read_for(0.1) == []


CHANGES = [
    drift.Difference(
        kind="Deployment",
        name="web",
        change=fields.Change(
            ("spec", "template", "spec", "containers", fields.ListStep("web", {"name": "web"}), "image"),
            "web:1",
            "web:2",
        ),
        set_by="kubectl-edit at 2026-03-01T10:00:00Z",
    ),
    drift.Difference(kind="Service", name="web", change=fields.Change((), "(object)", None)),
    drift.Difference(
        kind="ConfigMap", name="mine", change=fields.Change(("data",), None, {"a": "b" * 90}), set_by="kubectl"
    ),
]


def drifted(monkeypatch: pytest.MonkeyPatch, changes: list[drift.Difference]) -> None:
    async def of(_: object, namespace: str, state: object) -> tuple[str, list[drift.Difference]]:
        assert namespace == "shop-dev"
        return "0a1b2c", changes

    monkeypatch.setattr(drift, "detect", of)


def test_drift_is_a_table_and_exit_code_4(monkeypatch: pytest.MonkeyPatch, seaway: conftest.Seaway) -> None:
    drifted(monkeypatch, CHANGES)
    head, columns, *rows = seaway("status", "--drift", code=4).out.splitlines()
    assert head == "shop · stack dev · context work · release 0a1b2c · 3 differences, 1 of them harmless additions"
    assert columns.split() == ["KIND/NAME", "FIELD", "DECLARED", "LIVE", "BY"]
    assert [re.split("  +", row) for row in rows] == [
        [
            "Deployment/web",
            "spec.template.spec.containers[web].image",
            "web:1",
            "web:2",
            "kubectl-edit at 2026-03-01T10:00:00Z",
        ],
        ["Service/web", "-", "(object)", "-", "-"],
        ["ConfigMap/mine", "data", "-", '{"a": "' + "b" * 90 + '"}', "kubectl"],
    ]


def test_no_drift_is_exit_code_0(monkeypatch: pytest.MonkeyPatch, seaway: conftest.Seaway) -> None:
    drifted(monkeypatch, [])
    assert seaway("status", "--drift").out == "shop · stack dev · context work · release 0a1b2c · no drift\n"
    assert json.loads(seaway("status", "--drift", "--json").out)["drift"] == []


def test_drift_as_json(monkeypatch: pytest.MonkeyPatch, seaway: conftest.Seaway) -> None:
    drifted(monkeypatch, CHANGES[:2])
    assert json.loads(seaway("status", "--drift", "--json", code=4).out) == {
        "application": "shop",
        "stack": "dev",
        "context": "work",
        "namespace": "shop-dev",
        "release": "0a1b2c",
        "drift": [
            {
                "object": {"kind": "Deployment", "name": "web"},
                "field": "spec.template.spec.containers[web].image",
                "how": "edited",
                "declared": "web:1",
                "live": "web:2",
                "by": "kubectl-edit at 2026-03-01T10:00:00Z",
                "harmless": False,
            },
            {
                "object": {"kind": "Service", "name": "web"},
                "field": "",
                "how": "deleted",
                "declared": "(object)",
                "live": None,
                "by": None,
                "harmless": False,
            },
        ],
    }
    drifted(monkeypatch, CHANGES[2:])
    (difference,) = json.loads(seaway("status", "--drift", "--json").out)["drift"]
    assert (difference["how"], difference["harmless"]) == ("added", True)


def test_drift_without_a_release_is_exit_code_2(seaway: conftest.Seaway) -> None:
    unvouched, missing = seaway("status", "--drift", code=2).err.splitlines()
    assert unvouched.startswith(
        "seaway: the record in the cluster cannot be verified: the state of stack dev cannot be"
    )
    assert missing.startswith("seaway: no release is recorded in namespace shop-dev: ")


def test_drift_is_not_watched(capsys: Captured) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(["status", "--drift", "--watch"])
    assert ended.value.code == 2
    assert "not allowed with argument" in capsys.readouterr().err
