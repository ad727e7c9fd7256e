"""Objects of others, and a namespace that was deleted without Pulumi: the printed commands are carried out."""

import shlex
from collections.abc import Iterator

import pytest
import yaml

from dev import kubectl, project

pytestmark = pytest.mark.cluster

NAMESPACE = "smallest-taken"
IMAGE = "registry.localhost:5000/base/python:3.11-bookworm"
LATER = "replicasets,pods"
NO_FINALIZERS = '{"metadata": {"finalizers": null}}'
STORE = {
    "image": "postgres:17",
    "port": 5432,
    "volume": {"path": "/var/lib/postgresql/data", "size": "1Gi"},
    "secrets": {"POSTGRES_PASSWORD": {"generate": 32}},
}


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory, one_node_cluster: None) -> Iterator[project.Project]:
    example = project.ROOT / "examples" / "smallest"
    checkout = project.Project.create(tmp_path_factory.mktemp("taken"), application=example, stack="taken")
    file = checkout.folder / "app" / "app.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "stores": {"db": STORE}}))
    yield checkout
    checkout.kubectl("patch", "configmap", "stay", "-n", NAMESPACE, "--patch", NO_FINALIZERS, check=False)
    kubectl.delete_namespaces(NAMESPACE)


def put_foreign_workloads() -> None:
    kubectl.run("create", "namespace", NAMESPACE)
    container = {"name": "sleep", "image": IMAGE, "command": ["sleep", "infinity"]}
    for kind, name in (("Deployment", "web"), ("StatefulSet", "db")):
        template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
        spec = {"selector": {"matchLabels": {"app": name}}, "template": template}
        metadata = {"name": name, "namespace": NAMESPACE}
        manifest = {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}
        kubectl.run("create", "-f", "-", stdin=manifest)
        kubectl.run("rollout", "status", f"{kind.lower()}/{name}", "-n", NAMESPACE, "--timeout=60s")


def list_commands(output: str) -> list[list[str]]:
    return [
        shlex.split(line) for line in dict.fromkeys(map(str.strip, output.splitlines())) if line.startswith("kubectl")
    ]


def count_refusals(result: project.CommandResult) -> int:
    """The progress before the diagnostics has each error too."""
    return result.output.partition("Diagnostics:")[2].count("error: namespace ")


def test_workloads_with_another_selector_are_taken_over(taken: project.Project) -> None:
    put_foreign_workloads()
    refused = taken.preview(check=False)
    assert "[existing-objects]" in refused.output
    commands = list_commands(refused.output)
    assert sorted(command[1] for command in commands) == ["delete", "delete", "delete", "label"]
    for command in commands:
        if LATER not in command:
            taken.kubectl(*command[1:])
    taken.up()
    old_pods = ("pods", "-n", NAMESPACE, "-l", "app=web")
    assert len(taken.get_objects(*old_pods)["items"]) == 1, "it served until now"
    for command in commands:
        if LATER in command:
            taken.kubectl(*command[1:], "--wait")
    assert not taken.get_objects(*old_pods)["items"]
    assert taken.seaway("status", "--stack", "taken").exit_code == 0
    taken.preview("--expect-no-changes")


def test_a_namespace_that_was_deleted_is_told_once_and_created_again(taken: project.Project) -> None:
    finalizers = '{"metadata": {"finalizers": ["example.com/stay"]}}'
    kubectl.run("create", "configmap", "stay", "-n", NAMESPACE)
    kubectl.run("patch", "configmap", "stay", "-n", NAMESPACE, "--patch", finalizers)
    kubectl.empty_namespace(NAMESPACE)
    kubectl.run("delete", "namespace", NAMESPACE, "--wait=false")
    for result in (taken.preview(check=False), taken.up(check=False), taken.up("--refresh", check=False)):
        assert result.exit_code != 0
        assert count_refusals(result) == 1, result.output
        assert "unable to create new content" not in result.output
    (waiting,) = list_commands(result.output)
    kubectl.run("patch", "configmap", "stay", "-n", NAMESPACE, "--patch", NO_FINALIZERS)
    taken.kubectl(*waiting[1:])
    for result in (taken.preview(check=False), taken.up(check=False)):
        assert count_refusals(result) == 1, result.output
        assert "not found" not in result.output
    assert f"pulumi up --refresh --stack {taken.stack}" in result.output
    assert "pulumi up --refresh --stack" in " ".join(taken.seaway("status", "--stack", "taken").output.split())
    taken.up("--refresh")
    assert taken.seaway("status", "--stack", "taken").exit_code == 0
    taken.preview("--expect-no-changes")
