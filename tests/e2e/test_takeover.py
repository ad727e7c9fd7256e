"""Objects of others, a namespace that was deleted without Pulumi, and a lost state: the objects are as declared."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from dev import kubectl, project

pytestmark = pytest.mark.cluster

NAMESPACE = "smallest-taken"
IMAGE = "registry.localhost:5000/base/python:3.11-bookworm"
LATER = "replicasets,pods"
OWN = "deployments,statefulsets,services,configmaps,secrets,networkpolicies,poddisruptionbudgets,serviceaccounts"
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


def change_application(project_: project.Project, **web: object) -> None:
    """Write the web service with these keys; without a second service, unless they have `extra`."""
    file = project_.folder / "app" / "app.yaml"
    content = yaml.safe_load(file.read_text())
    content["services"] = {"web": {"build": "./web", "port": 8000, **web}}
    if extra := content["services"]["web"].pop("extra", None):
        content["services"]["extra"] = extra
    file.write_text(yaml.safe_dump(content))


def list_managers(project_: project.Project) -> dict[str, list[str]]:
    """Return Pulumi's managers of each object of the stack, and of its namespace."""
    objects = project_.get_objects(OWN, "-n", NAMESPACE, "-l", "seaway/stack=taken", "--show-managed-fields")["items"]
    objects.append(project_.get_objects("namespace", NAMESPACE, "--show-managed-fields"))
    return {
        f"{manifest['kind']}/{manifest['metadata']['name']}": [
            manager["manager"]
            for manager in manifest["metadata"]["managedFields"]
            if manager["manager"].startswith("pulumi-kubernetes")
        ]
        for manifest in objects
    }


def get_container(project_: project.Project) -> dict[str, Any]:
    web = project_.get_objects("deployment", "web", "-n", NAMESPACE)
    (container,) = web["spec"]["template"]["spec"]["containers"]
    return container


def add_earlier_manager(project_: project.Project) -> None:
    """Leave the Deployment as a version of Seaway did that took no fields over from the lost state."""
    metadata = project_.get_objects("deployment", "web", "-n", NAMESPACE, "--show-managed-fields")["metadata"]
    managers = metadata["managedFields"]
    own = next(manager for manager in managers if manager["manager"].startswith("pulumi-kubernetes-"))
    earlier = {**own, "manager": "pulumi-kubernetes-00000000", "time": "2026-01-01T00:00:00Z"}
    patch = {"metadata": {"managedFields": [*managers, earlier]}}
    project_.kubectl("patch", "deployment", "web", "-n", NAMESPACE, "--type=merge", f"--patch={json.dumps(patch)}")


def test_a_lost_state_keeps_no_field(taken: project.Project) -> None:
    extra = {"build": "./web", "port": 8000}
    change_application(taken, extra=extra, health="/", env={"KEPT": "1", "GONE": "1", "LATER": "1"})
    taken.up()
    policy = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": NAMESPACE, "labels": {"example.com/team": "shop"}},
    }
    kubectl.run("apply", "--server-side", "--field-manager=pulumi-kubernetes-0ther", "-f", "-", stdin=policy)

    taken.lose_state()
    change_application(taken, extra=extra, health="/", env={"KEPT": "1", "LATER": "1"})
    result = taken.up()
    assert "objects of this stack exist already" in result.output
    managers = list_managers(taken)
    assert "pulumi-kubernetes-0ther" in managers["Namespace/" + NAMESPACE]
    managers["Namespace/" + NAMESPACE].remove("pulumi-kubernetes-0ther")
    assert {name: names for name, names in managers.items() if len(names) > 1} == {}
    assert {variable["name"] for variable in get_container(taken)["env"]} >= {"KEPT", "LATER"}
    assert "GONE" not in {variable["name"] for variable in get_container(taken)["env"]}

    add_earlier_manager(taken)
    command = ["python3", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000')"]
    change_application(taken, health={"readiness": command, "liveness": command}, env={"KEPT": "1"})
    result = taken.up()
    assert "an earlier state of this stack owns fields of Deployment web" in " ".join(result.output.split())
    container = get_container(taken)
    for probe in ("readinessProbe", "livenessProbe"):
        assert container[probe]["exec"] == {"command": command}
        assert "httpGet" not in container[probe]
    assert "LATER" not in {variable["name"] for variable in container["env"]}
    assert len(list_managers(taken)["Deployment/web"]) == 1
    assert not [name for name in list_managers(taken) if "extra" in name]
    drift = taken.seaway("status", "--stack", "taken", "--drift")
    assert drift.exit_code == 0, drift.output
    taken.preview("--expect-no-changes")
    labels = taken.get_objects("namespace", NAMESPACE)["metadata"]["labels"]
    assert labels["example.com/team"] == "shop"
