"""Our Compose files on a real API server: each is imported, rendered, and taken to the letter, with every pod that its
controllers would make. What a cluster must not have is refused first, and what is left of such a file is taken too."""

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

CORPUS = project.ROOT / "tests" / "compose" / "corpus"
CASES = sorted(folder.name for folder in CORPUS.iterdir())
STACK = settings.Settings(
    stack="test", context="test", registry="registry.example.com", publish="ingress", ingress=settings.Ingress()
)
LEVELS: tuple[application.Security, ...] = ("restricted", "baseline")
REFUSED: Mapping[str, Mapping[str, str]] = {
    "models": {"services.listed.use_api_socket": "makes root of whoever writes to it"},
    "privileged": {
        "services.agent.privileged": "root on the node",
        **{f"services.agent.{key}": "takes the walls down" for key in ("pid", "ipc", "network_mode")},
        "services.agent.devices": "is one machine's, and whoever has it is root there",
        "services.agent.device_cgroup_rules": "a device is one machine's",
        "services.agent.volumes.0": "makes root on its node of whoever writes to it",
        "services.agent.volumes.1": "/etc is a folder of one machine",
    },
}
"""Case -> what is refused, and a part of the reason. Nothing else is, in any file."""


def home(level: str) -> str:
    return f"corpus-{level}"


@pytest.fixture(scope="module")
def server() -> Iterator[httpx.Client]:
    """A namespace for each level of Pod Security that the corpus needs; a dry run leaves nothing in them."""
    label = "pod-security.kubernetes.io/"
    manifests = [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": home(level), "labels": {f"{label}enforce": level, f"{label}warn": level}},
        }
        for level in LEVELS
    ]
    kubectl.run("create", "--filename", "-", stdin={"apiVersion": "v1", "kind": "List", "items": manifests})
    try:
        for level in LEVELS:
            wait = ("wait", "--for=create", "serviceaccount/default", "--timeout=30s")
            kubectl.run(*wait, "--namespace", home(level))
        with dry_run.open_client() as client:
            yield client
    finally:
        kubectl.run("delete", "namespace", *map(home, LEVELS), "--wait=false")


def imported(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """`seaway import` of a project, with the file that is laid over it: how it ended, and what it told."""
    compose_files = [folder / f"docker-compose{middle}.yml" for middle in ("", ".override", ".waived")]
    files = [str(file) for file in compose_files if file.exists()]
    with contextlib.chdir(folder):  # where there is no project, files are read below the working directory
        code = main.main(["import", *files, "--profile", "*", "--out", str(folder / "app.yaml"), "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("case", CASES)
def test_the_api_server_takes_what_a_file_becomes(
    case: str, server: httpx.Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / case
    shutil.copytree(CORPUS / case, folder)
    code, report_ = imported(folder, capsys)
    refused = {outcome["key"]: outcome["message"] for outcome in report_["keys"] if outcome["kind"] == "refused"}
    assert refused.keys() == REFUSED.get(case, {}).keys()
    for key, reason in refused.items():
        assert REFUSED[case][key] in reason
    if refused:
        assert code == 1
        assert not (folder / "app.yaml").exists()
        waive: dict[str, Any] = {}
        for key in refused:
            _, service, first, *_ = key.split(".")
            waive.setdefault(service, {"x-seaway": {"waive": {}}})["x-seaway"]["waive"][first] = "a test"
        (folder / "docker-compose.waived.yml").write_text(yaml.safe_dump({"services": waive}))
        code, report_ = imported(folder, capsys)
    assert code == 0, report_
    app = load.load_application(folder / "app.yaml", root=roots.Root(folder))
    namespace, *manifests = [
        resource.manifest for resource in preview.render_objects(environments.Environment.create(app, STACK))
    ]
    level = namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    checked = [*manifests, *dry_run.list_pods(manifests)]
    assert len(checked) > len(manifests), "a file without pods shows nothing"
    assert [line for resource in checked for line in dry_run.list_problems(server, resource, home(level))] == []
