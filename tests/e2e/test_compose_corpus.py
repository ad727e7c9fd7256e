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

from dev import dry_run, kubectl, project
from seaway.cli import main
from seaway.files import roots
from seaway.manifests import preview
from seaway.model import application, settings
from seaway.project import environments, load

pytestmark = pytest.mark.cluster

PROJECTS = (project.ROOT / "tests" / "compose" / "corpus", project.ROOT / "examples" / "compose")
CASES = {folder.name: folder for projects in PROJECTS for folder in sorted(projects.iterdir())}
STACK = settings.Settings(
    stack="test", context="test", registry="registry.example.com", publish="ingress", ingress=settings.Ingress()
)
LEVELS: tuple[application.Security, ...] = ("restricted", "baseline")
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


def namespace_of(level: str) -> str:
    return f"corpus-{level}"


@pytest.fixture(scope="module")
def server() -> Iterator[httpx.Client]:
    """A namespace for each level of Pod Security in the corpus. A dry run creates nothing in it."""
    label = "pod-security.kubernetes.io/"
    manifests = [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": namespace_of(level), "labels": {f"{label}enforce": level, f"{label}warn": level}},
        }
        for level in LEVELS
    ]
    kubectl.run("create", "--filename", "-", stdin={"apiVersion": "v1", "kind": "List", "items": manifests})
    try:
        for level in LEVELS:
            wait = ("wait", "--for=create", "serviceaccount/default", "--timeout=30s")
            kubectl.run(*wait, "--namespace", namespace_of(level))
        with dry_run.open_client() as client:
            yield client
    finally:
        kubectl.run("delete", "namespace", *map(namespace_of, LEVELS), "--wait=false")


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
    app = load.load_application(folder / "app.yaml", root=roots.Root(folder))
    namespace, *manifests = [
        resource.manifest for resource in preview.render_objects(environments.Environment.create(app, STACK))
    ]
    level = namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    checked = [*manifests, *dry_run.list_pods(manifests)]
    assert len(checked) > len(manifests), "a file without pods shows nothing"
    assert [line for resource in checked for line in dry_run.list_problems(server, resource, namespace_of(level))] == []
