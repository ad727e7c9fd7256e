"""The API server accepts the rendered objects of every imported Compose file, and the pods of their controllers.

Keys that break the isolation of the cluster are refused first. The rest of such a file is accepted too.
"""

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from dev import dry_run, project
from seaway.cli import main

pytestmark = pytest.mark.cluster

PROJECTS = (project.ROOT / "tests" / "compose" / "corpus", project.ROOT / "examples" / "compose")
CASES = {folder.name: folder for projects in PROJECTS for folder in sorted(projects.iterdir())}
REFUSED: Mapping[str, frozenset[str]] = {
    "models": frozenset({"services.listed.use_api_socket"}),
    "privileged": frozenset(
        f"services.agent.{key}"
        for key in (
            *("privileged", "pid", "ipc", "network_mode"),
            *("devices", "device_cgroup_rules", "volumes.0", "volumes.1"),
        )
    ),
}
"""The refused keys by case. No other key is refused."""


@pytest.fixture(scope="module")
def server() -> Iterator[httpx.Client]:
    with dry_run.open_namespaces("corpus", ("restricted", "baseline")) as client:
        yield client


def import_project(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """Run `seaway import` of a project with its override file. Returns the exit code and the report."""
    compose_files = [folder / f"docker-compose{middle}.yml" for middle in ("", ".override", ".waived")]
    files = [str(file) for file in compose_files if file.exists()]
    with contextlib.chdir(folder):  # without a project, files are read below the working directory
        code = main.main(["import", *files, "--profile", "*", "--out", str(folder / "app.yaml"), "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("case", CASES)
def test_api_server_accepts_converted_objects(
    case: str, server: httpx.Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / case
    shutil.copytree(CASES[case], folder)
    code, report_ = import_project(folder, capsys)
    refused = {outcome["key"] for outcome in report_["keys"] if outcome["kind"] == "refused"}
    assert refused == REFUSED.get(case, frozenset())
    if refused:
        assert code == 1
        assert not (folder / "app.yaml").exists()
        waive: dict[str, Any] = {}
        for key in refused:
            _, service, first, *_ = key.split(".")
            waive.setdefault(service, {"x-seaway": {"waive": {}}})["x-seaway"]["waive"][first] = "a test"
        (folder / "docker-compose.waived.yml").write_text(yaml.safe_dump({"services": waive}))
        code, report_ = import_project(folder, capsys)
    assert code == 0, report_
    level, manifests = dry_run.render_application(folder / "app.yaml", folder)
    checked = [*manifests, *dry_run.list_pods(manifests)]
    assert len(checked) > len(manifests), "a file without pods shows nothing"
    assert [line for resource in checked for line in dry_run.list_problems(server, resource, f"corpus-{level}")] == []
