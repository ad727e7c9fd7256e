"""A program of a user: two applications, values of other resources, and the rollout of a plain Deployment."""

import json
import shutil
from collections.abc import Iterator

import pytest

from dev import kubectl, project

pytestmark = pytest.mark.cluster

MAIN, BLOG = "smallest-parts", "blog-parts"
PROGRAM = """
import secrets
import pulumi
from pulumi import dynamic
from components import Application, ApplicationArgs


class _Provider(dynamic.ResourceProvider):
    def create(self, props):
        return dynamic.CreateResult("database", {**props, "password": secrets.token_hex(8)})

    def diff(self, id_, old, new):
        return dynamic.DiffResult(changes=old["host"] != new["host"], replaces=["host"], delete_before_replace=True)


class Database(dynamic.Resource):
    host: pulumi.Output[str]
    password: pulumi.Output[str]

    def __init__(self, name, host):
        own = pulumi.ResourceOptions(additional_secret_outputs=["password"])
        super().__init__(_Provider(), name, {"host": host, "password": None}, own)


database = Database("database", "first.example.com")
args = ApplicationArgs(env={"web": {"DB_HOST": database.host}}, secrets={"DB_PASSWORD": database.password})
main = Application.from_stack(args)
blog = Application("blog")
pulumi.export("web", main.services["web"].address)
pulumi.export("blog", blog.namespace)
"""
CACHE = """
import pulumi_kubernetes as k8s
from components import SKIP_AWAIT, Rollout, RolloutArgs

cluster = pulumi.ResourceOptions(provider=k8s.Provider("plain", context="seaway-dev"))
containers = [{"name": "cache", "image": "registry.localhost:5000/no:1"}]
pods = {"metadata": {"labels": {"app": "cache"}}, "spec": {"containers": containers}}
spec = {"selector": {"match_labels": {"app": "cache"}}, "template": pods}
metadata = {"name": "cache", "namespace": "default", "annotations": SKIP_AWAIT}
cache = k8s.apps.v1.Deployment("cache", metadata=metadata, spec=spec, opts=cluster)
Rollout("cache", RolloutArgs(workloads=[cache], timeout=120))
"""
APP = """\
name: smallest
services:
  web: {build: ./web, port: 8000, secrets: {DB_PASSWORD: {env: true}}, scale: 1}
  api: {build: ./web, port: 8000, scale: 1}
"""


@pytest.fixture
def checkout(tmp_path_factory: pytest.TempPathFactory, one_node_cluster: None) -> Iterator[project.Project]:
    result = project.Project.create(
        tmp_path_factory.mktemp("parts"),
        application=project.ROOT / "examples" / "smallest",
        stack="parts",
        applications={"blog": {"app": "blog/app.yaml"}},
        programSecrets=["DB_PASSWORD"],
        fingerprintKey=None,
        secrets=None,
    )
    shutil.copytree(result.folder / "app", result.folder / "blog")
    (result.folder / "app" / "app.yaml").write_text(APP)
    (result.folder / "blog" / "app.yaml").write_text(
        "name: blog\nservices: {web: {build: ./web, port: 8000, scale: 1}}\n"
    )
    (result.folder / "__main__.py").write_text(PROGRAM)
    key = ("--secret", "seaway:fingerprintKey", "0123456789abcdef" * 4)
    result.pulumi("config", "set", "--stack", "parts", *key, check=True)
    yield result
    kubectl.delete_namespaces(MAIN, BLOG)


def list_pods(checkout: project.Project) -> dict[str, str]:
    """The UIDs of the pods that are not being deleted, by namespace and service."""
    pods = [
        pod["metadata"]
        for namespace in (MAIN, BLOG)
        for pod in checkout.get_objects("pods", "-n", namespace)["items"]
        if "deletionTimestamp" not in pod["metadata"]
    ]
    return {f"{pod['namespace']}/{pod['labels']['app.kubernetes.io/name']}": pod["uid"] for pod in pods}


def read_env(checkout: project.Project, name: str) -> str:
    return checkout.kubectl("exec", "-n", MAIN, "deployment/web", "--", "printenv", name).stdout.strip()


def test_a_program_with_two_applications_and_other_resources(checkout: project.Project) -> None:
    checkout.up()
    outputs = checkout.read_outputs()
    assert outputs == {"web": f"web.{MAIN}:8000", "blog": BLOG}
    before, password = list_pods(checkout), read_env(checkout, "DB_PASSWORD")
    assert before.keys() == {f"{MAIN}/web", f"{MAIN}/api", f"{BLOG}/web"}
    assert (read_env(checkout, "DB_HOST"), len(password)) == ("first.example.com", 16)
    state = checkout.pulumi("stack", "export", "--stack", "parts", check=True).stdout
    assert password not in state
    checkout.replace_text("__main__.py", "Application.from_stack(args)", 'Application("smallest", args)')
    checkout.preview("--expect-no-changes")
    assert checkout.seaway("status", "--application", "blog").exit_code == 0
    assert checkout.seaway("status", "--drift").exit_code == 0

    checkout.replace_text("__main__.py", "first.example.com", "second.example.com")
    steps = json.loads(checkout.preview("--json").stdout)["steps"]
    fields = [
        field
        for step in steps
        if "Deployment" in step["urn"]
        for field in (step.get("detailedDiff") or {"": ""})
        if step["op"] != "same"
    ]
    assert len(fields) == 1, steps
    assert "seaway/program-values" in fields[0]
    checkout.up()
    after = list_pods(checkout)
    assert {name for name, uid in after.items() if before[name] != uid} == {f"{MAIN}/web"}
    assert (read_env(checkout, "DB_HOST"), read_env(checkout, "DB_PASSWORD") == password) == (
        "second.example.com",
        False,
    )

    (checkout.folder / "__main__.py").write_text((checkout.folder / "__main__.py").read_text() + CACHE)
    failed = checkout.up(check=False).output
    assert "cache failed:" in failed, failed
    assert "correct image (Deployment cache)" in failed, failed
    checkout.destroy()
    assert not checkout.kubectl("get", "namespace", MAIN, BLOG, check=False).stdout
