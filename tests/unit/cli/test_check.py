"""``seaway check``: from files only, no Docker, no cluster, no Pulumi, no secret's value."""

import json
import os
from pathlib import Path

import pytest

from seaway.checks import all_checks
from seaway.cli import main
from seaway.model import application
from seaway.project import release, release_lock
from tests.support import apiserver, secret_salts
from tests.unit.checks.preflight import answers
from tests.unit.cli import conftest, environments

STACK = """\
config:
  seaway:context: nowhere
  seaway:registry: registry.example.com/team
"""
WAIVER = """\
  seaway:waivers:
    IMG-02:
      workloads: [db]
      reason: our mirror never moves a tag
      owner: ann
      until: {until}
"""
APP = "name: shop\nservices:\n  web: {image: 'example.com/web:1.27', port: 8000}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the example shop and the stack dev."""
    return environments.prepare_project(tmp_path, monkeypatch, dev=STACK)


def check(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main.main(["check", "--stack", "dev", *words])
    output = capsys.readouterr()
    return code, output.out, output.err


def plain(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, list[str]]]:
    """Exit code, and the states of each check that did not pass."""
    code, out, _ = check(capsys, "--json")
    states: dict[str, list[str]] = {}
    for result in json.loads(out)["checks"]:
        if result["state"] != "passed":
            states.setdefault(result["check"], []).append(result["state"])
    return code, states


def test_findings_are_shown_with_their_fix(
    folder: Path, capsys: pytest.CaptureFixture[str], wording: list[str]
) -> None:
    (folder / "app" / "app.yaml").write_text(APP)
    code, out, err = check(capsys)
    head, *rows = out.splitlines()
    assert (code, err) == (0, "")
    many = len(all_checks.CHECKS)
    assert head == f"shop · stack dev · {many} checks: {many - 1} passed, 1 warning"
    assert [" ".join(row.split()) for row in rows] == wording


def test_a_program_reads_all_of_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "app" / "app.yaml").write_text(APP)
    code, out, _ = check(capsys, "--json")
    output = json.loads(out)
    assert (code, output["application"], output["stack"], output["refused"]) == (0, "shop", "dev", False)
    assert output["checks"][0] == {
        "check": "IMG-01",
        "title": "An image has a version",
        "severity": "warning",
        "state": "passed",
        "finding": None,
        "waiver": None,
    }


@pytest.mark.parametrize(
    ("until", "code", "outcome", "count", "state"),
    [
        ("2999-12-31", 0, "waived until 2999-12-31", "1 waived", "waived"),
        ("2020-12-31", 1, "waiver ended 2020-12-31", "1 error", "expired"),
    ],
)
def test_a_waiver_has_a_last_day(  # noqa: PLR0917 - a row
    folder: Path, capsys: pytest.CaptureFixture[str], until: str, code: int, outcome: str, count: str, state: str
) -> None:
    (folder / "Pulumi.dev.yaml").write_text(STACK + WAIVER.format(until=until))
    exit_code, out, _ = check(capsys)
    assert exit_code == code
    assert f"IMG-02  {outcome}  db" in out
    assert count in out.splitlines()[0]
    assert plain(capsys)[1]["IMG-02"] == [state]


def test_an_error_that_a_building_stack_may_try(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "app" / "app.yaml").write_text(APP.replace("8000", "8000, secrets: [A], env: {DB_PASSWORD: hunter2}"))
    (folder / "Pulumi.dev.yaml").write_text(STACK + "  seaway:secrets: {A: {secure: v1:x}}\n")
    code, states = plain(capsys)
    assert (code, states["CFG-01"]) == (0, ["failed"]), "where it builds one may try"
    assert "hunter2" not in "".join(check(capsys)[1:])


def test_the_pinned_release_is_checked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the working tree says by now is no matter."""
    image = release.ReleaseImage(
        content="ctx-1", repository="registry.example.com/team/shop/web", digest=f"sha256:{'d' * 64}"
    )
    service = application.Service(
        "web", build=application.Build(context="./web"), port=8000, env={"API_TOKEN": "hunter2"}
    )
    result = release.Release(application=application.Application("shop", services=(service,)), images={"web": image})
    release.save_release(folder, result)
    release_lock.write(folder, "dev", release_lock.Lock(release=result.id))
    (folder / "Pulumi.dev.yaml").write_text(STACK + "  seaway:build: false\n")
    (folder / "app" / "app.yaml").write_text("name: shop\nservices: broken by now\n")
    code, states = plain(capsys)
    assert code == 1
    assert states == {"CFG-01": ["failed"]}


def test_invalid_files(folder: Path, capsys: pytest.CaptureFixture[str], wording: list[str]) -> None:
    (folder / "Pulumi.dev.yaml").write_text(STACK + WAIVER.format(until="2999-12-31").replace("IMG-02", "IMG-2"))
    code, out, err = check(capsys)
    assert (code, out) == (2, "")
    assert err.splitlines() == wording


LOGIN = {"apiVersion": "client.authentication.k8s.io/v1beta1", "installHint": "apt install login"}


def test_missing_requirements(
    checkout: Path, api: apiserver.ApiServer, capsys: pytest.CaptureFixture[str], wording: list[str]
) -> None:
    """Read with the kubeconfig alone; one thing that is lacking is exit code 1."""
    (checkout / "app" / "app.yaml").write_text(APP)
    (checkout / "Pulumi.dev.yaml").write_text("config:\n  seaway:context: work\n")
    code, out, err = check(capsys, "--cluster")
    assert (code, err) == (1, "")
    needs = out[out.index("context work") :].splitlines()
    assert needs[0] == "context work · 8 requirements: 2 present, 3 missing, 2 warning, 1 unknown"
    assert [" ".join(row.split()) for row in needs[1:4]] == wording
    assert not [path for path, _ in api.requests if "/secrets" in path]


@pytest.mark.parametrize(
    ("user", "status", "message"),
    [
        ({"exec": {**LOGIN, "command": "no-such-login"}}, 200, "cannot be run: no such file or directory"),
        ({"exec": {**LOGIN, "command": "/bin/false"}}, 200, "failed with exit code 1"),
        ({"token": "t"}, 401, "refused the credentials of the kubeconfig: 401 Unauthorized"),
    ],
)
def test_credentials_that_do_not_work_are_told_once(  # noqa: PLR0917 - a table and fixtures
    checkout: Path,
    api: apiserver.ApiServer,
    capsys: pytest.CaptureFixture[str],
    user: dict[str, object],
    status: int,
    message: str,
) -> None:
    """They are no missing permission."""
    (checkout / "app" / "app.yaml").write_text(APP)
    (checkout / "Pulumi.dev.yaml").write_text("config:\n  seaway:context: work\n")
    server = api.url if status == 401 else "https://127.0.0.1:1"
    Path(os.environ["KUBECONFIG"]).write_text(apiserver.kubeconfig(server, user=user))
    api.status = status
    code, out, err = check(capsys, "--cluster")
    assert (code, out.count("permission"), err.count(message)) == (1, 0, 1), err
    assert ("apt install login" in err) == ("exec" in user)


def test_a_cluster_that_has_it_all(
    checkout: Path, api: apiserver.ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "app" / "app.yaml").write_text(APP)
    (checkout / "Pulumi.dev.yaml").write_text("config:\n  seaway:context: work\n")
    for name in ("one", "two"):
        fields = answers.build_node(name)
        api.put("v1", "Node", "", name, **{key: fields[key] for key in ("metadata", "spec", "status")})
    api.put("v1", "Service", "kube-system", "kube-dns", spec={"selector": {"k8s-app": "kube-dns"}})
    api.put("apps/v1", "DaemonSet", "", "cilium")
    code, out, _ = check(capsys, "--cluster", "--json")
    needs = json.loads(out)["requirements"]
    assert code == 0
    assert {result["state"] for result in needs} == {"present"}
    assert needs[1] == {
        "code": "network-policies",
        "title": "network policies",
        "workloads": [],
        "state": "present",
        "message": "by Cilium",
        "hint": "",
    }


def test_a_cluster_that_is_away(checkout: Path, api: apiserver.ApiServer, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "app" / "app.yaml").write_text(APP)
    (checkout / "Pulumi.dev.yaml").write_text("config:\n  seaway:context: work\n")
    api.stop()
    code, out, err = check(capsys, "--cluster")
    assert (code, out) == (1, "")
    assert err.startswith('seaway: cannot reach the cluster of context "work"')


def test_a_known_passphrase_is_reported(folder: Path, seaway: conftest.Seaway) -> None:
    (folder / "Pulumi.staging.yaml").write_text(f"{STACK}encryptionsalt: {secret_salts.encrypt('')}\n")
    (error,) = json.loads(seaway("check", "--stack", "staging", "--json", code=2).out)["errors"]
    assert (error["file"], error["line"], error["code"]) == ("Pulumi.staging.yaml", 4, "insecure-passphrase")
    (folder / "app" / "app.yaml").write_text(APP.replace("8000", "70000"))
    codes = [
        error["code"] for error in json.loads(seaway("check", "--stack", "staging", "--json", code=2).out)["errors"]
    ]
    assert codes == ["insecure-passphrase", "invalid-port"]


COMPOSE = """\
name: shop
services:
  web:
    build: ./web
    environment: {API_URL: "http://api:9000", CACHE_URL: "redis://cache"}
  api: {image: "example.com/api:1"}
  stated: {image: "example.com/stated:1", ports: ["8080:80"]}
  overlaid: {image: "nginx:1.27"}
  cache: {image: "redis:7"}
"""


def test_the_sources_of_inferred_ports(folder: Path, capsys: pytest.CaptureFixture[str], wording: list[str]) -> None:
    (folder / "app" / "compose.yaml").write_text(COMPOSE)
    (folder / "app" / "web" / "Dockerfile").write_text("FROM example.com/base:1\nEXPOSE $PORT\nEXPOSE 3000\n")
    overlay = "  seaway:app: app/compose.yaml\n  seaway:overlay: {services: {overlaid: {port: 81}}}\n"
    (folder / "Pulumi.dev.yaml").write_text(STACK + overlay)
    _, _, err = check(capsys)
    assert [line.split(": ")[3] for line in err.splitlines()] == ["services.web", "services.api", "services.cache"]
    assert err.splitlines() == wording


def test_variables_of_a_compose_file_that_nothing_sets(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "name: shop\nservices:\n  db: {image: 'postgres:17', environment: {POSTGRES_PASSWORD: '${PW}'}}\n"
    (folder / "app" / "compose.yaml").write_text(text)
    (folder / "Pulumi.dev.yaml").write_text(STACK + "  seaway:app: app/compose.yaml\n")
    assert "app/compose.yaml:3:63: ${PW}: is not set" in check(capsys)[2]
    (folder / "app" / ".env").write_text("PW=x\n")
    assert "is not set" not in check(capsys)[2]


def test_a_file_in_a_build_context_that_looks_like_a_secret_is_reported(
    folder: Path, capsys: pytest.CaptureFixture[str], wording: list[str]
) -> None:
    (folder / "app" / "web" / ".env").write_text("PASSWORD=x\n")
    _, _, err = check(capsys)
    assert [line.removeprefix(f"seaway: {folder}/") for line in err.splitlines()] == wording
    assert len(json.loads(check(capsys, "--json")[1])["warnings"]) == 1
