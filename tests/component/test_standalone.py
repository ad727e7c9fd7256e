"""Image, Registry and Workload in a program without an application."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

import components
import seaway as sw
from plugin import values
from tests.component import programs, recorder
from tests.support.diagnostics import catch, summarize


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "Dockerfile").write_text("FROM scratch\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Database(pulumi.CustomResource):
    """A resource of another provider."""

    host: pulumi.Output[str]
    password: pulumi.Output[str]

    def __init__(self) -> None:
        super().__init__("test:index:Database", "db", {"host": None, "password": None})


def record(build: Callable[[], Any], *, preview: bool = False, **settings: str) -> recorder.Recording:
    config = {"context": "work", "fingerprintKey": programs.CONFIG["fingerprintKey"], **settings}
    return recorder.record(lambda: build() and None, config=config, preview=preview)


def build_image(*, username: str | None = "robot") -> components.Image:
    database = Database()
    args = components.RegistryArgs(address=database.host, username=username, password=username and database.password)
    registry = components.Registry("team", args)
    own = pulumi.ResourceOptions(depends_on=[database], replacement_trigger="1")
    image = components.Image("web", components.ImageArgs(build="web", registry=registry, repository="shop/web"), own)
    pulumi.export("image", [image.ref, image.tag])
    return image


@pytest.mark.parametrize("engine", ["docker-build", "docker"])
def test_an_image_is_pushed_with_the_credentials_of_its_registry(engine: str) -> None:
    recording = record(build_image, engine=engine)
    component, image = recording.list_resources("Image")
    assert (component.parent.rpartition("::")[2], image.parent) == ("seaway-dev", component.urn)
    credentials = image.inputs["registries"][0] if engine == "docker-build" else image.inputs["registry"]
    address = credentials.get("address", credentials.get("server"))
    assert (address, credentials["username"]) == ("10.0.0.1", "robot")
    assert credentials["password"] == values.Secret("hunter2")
    triggers = [resource.request.HasField("replacement_trigger") for resource in (component, image)]
    assert triggers == [False, True], "only what is built is replaced"
    assert [urn.rpartition("::")[2] for urn in image.request.dependencies] == ["db"]


def test_a_preview_knows_the_tag() -> None:
    known, planned = (record(lambda: build_image(username=None), preview=preview) for preview in (False, True))
    ref, tag = known.stack["image"]
    assert ref == f"10.0.0.1/shop/web@{recorder.DIGEST}"
    assert tag.startswith("10.0.0.1/shop/web:ctx-")
    assert "registries" not in known.list_resources("Image")[1].inputs
    assert planned.stack["image"] == [values.UNKNOWN, values.UNKNOWN], "the address of its registry is unknown"

    def build() -> None:
        registry = components.Registry("team", components.RegistryArgs(address="registry.example.com"))
        pulumi.export("tag", components.Image("web", components.ImageArgs(build="web", registry=registry)).tag)

    assert record(build, preview=True).stack["tag"] == f"registry.example.com/web:{tag.partition(':')[2]}"


def build_workload(**keys: Any) -> components.Workload:
    database = Database()
    parent = pulumi.ComponentResource("test:index:Parent", "parent")
    cluster = pulumi.ProviderResource("kubernetes", "own", {})
    service = keys.pop("service", None) or sw.Service(
        "api", port=80, secrets={"PASSWORD": {"env": True}, "KEY": {"generate": 32}}
    )
    args = components.WorkloadArgs(
        service=service,
        namespace=database.host,
        **{"image": "a.b/c", "secrets": {"PASSWORD": database.password}, **keys},
    )
    own = pulumi.ResourceOptions(parent=parent, providers=[cluster], depends_on=[database])
    workload = components.Workload("web", args, own)
    pulumi.export("address", workload.address)
    return workload


def test_a_workload_of_its_own() -> None:
    recording = record(lambda: build_workload(image=build_image().ref, env={"HOST": "x"}))
    resources = {resource.title: resource for resource in recording.resources}
    objects = [resource for resource in recording.resources if resource.type.startswith("kubernetes:")]
    assert {resource.inputs["metadata"]["namespace"] for resource in objects} == {"10.0.0.1"}
    assert {resource.name.partition("-")[0] for resource in objects} == {"web"}
    assert {resource.request.provider.rpartition("::")[0].rpartition("::")[2] for resource in objects} == {"own"}
    db = resources["test:index:Database db"].urn
    assert all(db in resource.request.dependencies for resource in objects)
    guard = resources["seaway:index:Objects web-objects"]
    assert all(guard.urn in resource.request.dependencies for resource in objects)
    names = [
        f"{one.inputs['apiVersion']}/{one.inputs['kind']}/10.0.0.1/{one.inputs['metadata']['name']}" for one in objects
    ]
    assert guard.inputs["objects"] == sorted(names)
    assert {*guard.inputs["fixed"]} == {"apps/v1/Deployment/10.0.0.1/api"}
    first, last = recording.list_resources("Cluster")
    assert first.urn in guard.request.dependencies
    assert resources["seaway:index:Rollout web"].urn in last.request.dependencies
    deployment, rollout = resources["kubernetes:apps/v1:Deployment web-api"], resources["seaway:index:Rollout web"]
    (container,) = deployment.inputs["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"10.0.0.1/shop/web@{recorder.DIGEST}"
    assert container["env"][0]["valueFrom"]["secretKeyRef"] == {"name": "api-program-values", "key": "HOST"}
    secret = resources["kubernetes:core/v1:Secret web-api-program-values"].inputs["data"]
    assert secret.keys() == {"HOST", "PASSWORD"}
    assert resources["seaway:index:GeneratedSecret web-KEY"].inputs["length"] == 32
    assert deployment.urn in rollout.request.dependencies
    assert recording.stack["address"] == "api.10.0.0.1:80"
    policy = next(resource for resource in objects if "NetworkPolicy" in resource.type).inputs["spec"]
    everyone = [{"podSelector": {}}]
    assert everyone in [rule["from"] for rule in policy["ingress"]]
    assert everyone in [rule["to"] for rule in policy["egress"]]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"image": None}, "services.api: missing-image"),
        ({"secrets": {}}, "services.api.secrets.PASSWORD: secret-not-set"),
        ({"secrets": {"PASSWORD": "x", "OTHER": "y"}}, "seaway:applications.web.programSecrets: unused-secret"),
        ({"env": {"PASSWORD": "x"}}, "env.api.PASSWORD: conflicting-sources"),
        ({"service": sw.Service("api", build="web")}, "services.api.build: unsupported-key"),
        ({"service": sw.Service("api", calls=["db"]), "secrets": {}}, "services.api.calls.0: unknown-workload"),
    ],
)
def test_errors_of_a_workload(keys: dict[str, Any], expected: str) -> None:
    diagnostics = summarize(catch(lambda: record(lambda: build_workload(**keys))))
    assert [line.partition(": ")[2] for line in diagnostics] == [expected]


def test_checks_of_a_workload() -> None:
    """Those of an application, except that all pods of its namespace may connect: nothing says who calls it."""
    (warning,) = record(build_workload).messages
    assert warning.startswith("web: ")
    assert "IMG-02" in warning
    assert "NET-09" not in warning
    errors = catch(lambda: record(build_workload, checkSeverity='{"IMG-02": "error"}'))
    assert {(error.code, str(error.location)) for error in errors} == {("IMG-02", "__main__.py")}


def test_a_preview_may_not_know_the_namespace() -> None:
    (guard,) = record(build_workload, preview=True).list_resources("Objects")
    assert (guard.inputs["objects"], guard.inputs["fixed"]) == (values.UNKNOWN, values.UNKNOWN)


def test_a_hint_of_a_secret_without_a_value_works() -> None:
    """`pulumi config set --secret --path seaway:applications.web.secrets.PASSWORD`."""
    (error,) = catch(lambda: record(lambda: build_workload(secrets={})))
    assert "seaway:applications.web.secrets.PASSWORD" in error.hint
    recording = record(lambda: build_workload(secrets={}), applications='{"web": {"secrets": {"PASSWORD": "hunter2"}}}')
    data = [key for secret in recording.list_resources("Secret") for key in secret.inputs["data"]]
    assert sorted(data) == ["KEY", "PASSWORD"]
