"""A program of a user: two applications, values of other resources, and components without an application."""

import dataclasses
import json
import shutil
from collections.abc import Iterator

import pytest
import yaml

from dev import kubectl, project

pytestmark = pytest.mark.cluster

MAIN, BLOG, ALONE = "smallest-parts", "blog-parts", "alone-parts"
PROMOTED = "parts-prod"
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


host = "prod.example.com" if pulumi.get_stack() == "parts-prod" else "first.example.com"
database = Database("database", host)
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
STANDALONE = """
import pulumi
import pulumi_kubernetes as k8s
import seaway as sw
from components import (
    SKIP_AWAIT, Image, ImageArgs, Registry, RegistryArgs, Rollout, RolloutArgs, Workload, WorkloadArgs
)

cluster = pulumi.ResourceOptions(provider=k8s.Provider("plain", context="seaway-dev"))
namespace = k8s.core.v1.Namespace("alone", metadata={"name": "alone-parts"}, opts=cluster).metadata.name
registry = Registry("dev", RegistryArgs(address=pulumi.Config("seaway").require("registry")))
image = Image("page", ImageArgs(build="app/web", registry=registry, repository="alone/page"))
service = sw.Service("page", port=8000, scale=1)
page = Workload("page", WorkloadArgs(service=service, namespace=namespace, image=image, env={"OF": namespace}))
pods = {
    "metadata": {"labels": {"app": "plain"}},
    "spec": {"containers": [{"name": "plain", "image": image.ref}], "terminationGracePeriodSeconds": 1},
}
spec = {"selector": {"match_labels": {"app": "plain"}}, "template": pods}
metadata = {"name": "plain", "namespace": namespace, "annotations": SKIP_AWAIT}
plain = k8s.apps.v1.Deployment("plain", metadata=metadata, spec=spec, opts=cluster)
Rollout("plain", RolloutArgs(workloads=[plain], timeout=120))
pulumi.export("address", page.address)
pulumi.export("image", image.ref)
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
    kubectl.delete_namespaces(MAIN, BLOG, ALONE, f"smallest-{PROMOTED}", f"blog-{PROMOTED}")


def list_pods(checkout: project.Project) -> dict[str, str]:
    """The UIDs of the pods that are not being deleted, by namespace and service."""
    pods = [
        pod["metadata"]
        for namespace in (MAIN, BLOG)
        for pod in checkout.get_objects("pods", "-n", namespace)["items"]
        if "deletionTimestamp" not in pod["metadata"]
    ]
    return {f"{pod['namespace']}/{pod['labels']['app.kubernetes.io/name']}": pod["uid"] for pod in pods}


def read_env(checkout: project.Project, name: str, namespace: str = MAIN) -> str:
    return checkout.kubectl("exec", "-n", namespace, "deployment/web", "--", "printenv", name).stdout.strip()


def promote(checkout: project.Project) -> None:
    """Promote both applications to a second stack, whose program has values of its own."""
    config = yaml.safe_load(checkout.stack_file.read_text())["config"]
    config |= {"seaway:build": False, "seaway:promotion": {"from": "parts"}, "seaway:fingerprintKey": None}
    promoted = dataclasses.replace(checkout, stack=PROMOTED)
    own = {key: setting for key, setting in config.items() if setting is not None}
    promoted.stack_file.write_text(yaml.safe_dump({"config": own}))
    promoted.pulumi("stack", "init", PROMOTED, check=True)
    key = ("--secret", "seaway:fingerprintKey", "fedcba9876543210" * 4)
    promoted.pulumi("config", "set", "--stack", PROMOTED, *key, check=True)
    for application in ((), ("--application", "blog")):
        result = promoted.seaway("release", "promote", "parts", PROMOTED, *application)
        assert result.exit_code == 0, result.output
    promoted.up()
    namespace = f"smallest-{PROMOTED}"
    assert read_env(promoted, "DB_HOST", namespace) == "prod.example.com"
    assert read_env(promoted, "DB_PASSWORD", namespace) != read_env(checkout, "DB_PASSWORD")
    releases = [
        checkout.get_objects("configmap", "release-current", "-n", name)["data"]["id"].partition("-")[0]
        for name in (MAIN, namespace)
    ]
    assert len({*releases}) == 1, releases
    promoted.destroy()


def test_components_without_an_application(checkout: project.Project) -> None:
    (checkout.folder / "__main__.py").write_text(STANDALONE)
    checkout.up()
    outputs = checkout.read_outputs()
    assert outputs["address"] == f"page.{ALONE}:8000"
    (container,) = checkout.get_objects("deployment", "page", "-n", ALONE)["spec"]["template"]["spec"]["containers"]
    assert container["image"] == outputs["image"]
    fetch = f"import urllib.request as r; print(r.urlopen('http://{outputs['address']}').status)"
    assert checkout.kubectl("exec", "-n", ALONE, "deployment/plain", "--", "python3", "-c", fetch).stdout == "200\n"
    assert "AVL-01" in checkout.preview("--expect-no-changes").output
    foreign = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "taken", "namespace": ALONE}}
    kubectl.run("create", "--filename", "-", stdin={**foreign, "spec": {"ports": [{"port": 80}]}})
    checkout.replace_text("__main__.py", 'sw.Service("page"', 'sw.Service("taken"')
    refused = checkout.preview(check=False).output
    assert "Service alone-parts/taken" in refused, refused
    assert "[existing-objects]" in refused, refused
    checkout.replace_text("__main__.py", 'sw.Service("taken"', 'sw.Service("page"')
    checkout.replace_text("__main__.py", "port=8000,", 'port=8000, command=["python3", "no-such-file.py"],')
    failed = checkout.up(check=False).output
    assert "page failed:" in failed, failed
    assert "(__main__.py:" in failed, failed
    checkout.destroy()
    assert not checkout.kubectl("get", "namespace", ALONE, check=False).stdout


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

    promote(checkout)
    (checkout.folder / "__main__.py").write_text((checkout.folder / "__main__.py").read_text() + CACHE)
    failed = checkout.up(check=False).output
    assert "cache failed:" in failed, failed
    assert "correct image (Deployment cache)" in failed, failed
    checkout.destroy()
    assert not checkout.kubectl("get", "namespace", MAIN, BLOG, check=False).stdout
