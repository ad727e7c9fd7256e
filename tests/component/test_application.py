"""The resources that the program registers for the examples."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plugin import values
from seaway.kubernetes.api import kinds
from seaway.manifests import objects
from seaway.syntax import diagnosis
from tests.component import programs, recorder

GOLDEN = Path(__file__).with_name("names.txt")


def leaves(value: Any) -> Iterator[Any]:
    """All leaves of a value, including secrets and unknowns."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


def shape(recording: recorder.Recording) -> list[tuple[str, str]]:
    return sorted((resource.urn, resource.parent) for resource in recording.resources)


@pytest.mark.parametrize("example", programs.EXAMPLES)
@pytest.mark.parametrize("preview", [True, False])
def test_every_resource_has_a_parent_and_a_unique_name(registered: programs.Run, example: str, preview: bool) -> None:
    recording = registered(example, preview=preview)
    urns = [resource.urn for resource in recording.resources]
    assert len(urns) == len(set(urns))
    (top,) = recording.list_resources("Application")
    assert "pulumi:pulumi:Stack" in top.parent
    for resource in recording.resources:
        if resource is not top:
            assert resource.parent in urns, f"{resource.title} has a foreign parent"
            assert resource.parent.split("::")[2].startswith("seaway:index:Application")


@pytest.mark.parametrize("example", programs.EXAMPLES)
def test_every_component_ends_with_its_outputs(registered: programs.Run, example: str) -> None:
    recording = registered(example)
    components = [resource.urn for resource in recording.resources if not resource.request.custom]
    assert set(components) <= set(recording.outputs)


@pytest.mark.parametrize("example", programs.EXAMPLES)
def test_two_runs_are_equal_and_a_preview_has_the_same_graph(
    run: programs.Run, registered: programs.Run, example: str
) -> None:
    first, second, preview = registered(example), run(example), registered(example, preview=True)
    assert [(resource.urn, resource.inputs) for resource in sorted(first.resources, key=lambda one: one.urn)] == [
        (resource.urn, resource.inputs) for resource in sorted(second.resources, key=lambda one: one.urn)
    ]
    assert shape(preview) == shape(first)


@pytest.mark.parametrize("example", programs.EXAMPLES)
def test_a_preview_shows_fields(registered: programs.Run, example: str) -> None:
    """Only image references and generated values may be unknown, and only the data of a Secret may be secret."""
    for resource in registered(example, preview=True).resources:
        found = list(leaves(resource.inputs))
        assert not any(isinstance(leaf, str) and "__str__" in leaf for leaf in found)
        if resource.type != "kubernetes:core/v1:Secret":
            assert not any(isinstance(leaf, values.Secret) for leaf in found), resource.title
        template = kinds.find_pod_template(resource.inputs) if resource.type.startswith("kubernetes:") else None
        if template is not None:
            pod = template["spec"]
            images = [one["image"] for one in (*pod.get("initContainers", ()), *pod["containers"])]
            unknown = [leaf for leaf in found if leaf is values.UNKNOWN]
            assert unknown == [image for image in images if image is values.UNKNOWN], resource.title


@pytest.mark.parametrize("example", programs.EXAMPLES)
def test_the_registered_objects_are_those_of_objects(rendered: programs.Rendered, example: str) -> None:
    recording, expected = rendered(example)
    registered = {
        resource.title: resource.inputs for resource in recording.resources if resource.type.startswith("kubernetes:")
    }
    versions = {one.key: one.manifest["apiVersion"] for one in expected}
    groups = {key: version if "/" in version else f"core/{version}" for key, version in versions.items()}
    assert registered == {f"kubernetes:{groups[one.key]}:{one.kind} {one.name}": one.manifest for one in expected}
    assert len(registered) == len(expected)


def test_no_resource_is_renamed(registered: programs.Run) -> None:
    """A renamed resource is deleted and created again: it needs an alias. Then: SEAWAY_WRITE_NAMES=1 pytest."""
    hashed = re.compile(r"-[0-9a-f]{10}$")
    names = "".join(
        f"{example}: {hashed.sub('-<hash>', resource.urn.partition('::seaway::')[2])}\n"
        for example in programs.EXAMPLES
        for resource in sorted(registered(example).resources, key=lambda one: one.urn)
    )
    if os.environ.get("SEAWAY_WRITE_NAMES"):
        GOLDEN.write_text(names)
    assert names == GOLDEN.read_text()


def test_objects_are_registered_as_the_sdk_would(run: programs.Run) -> None:
    """The same type, inputs, version and secret outputs as pulumi_kubernetes' own classes, kind by kind."""
    from pulumi_kubernetes import apps, autoscaling, batch, core, networking, policy, rbac  # noqa: PLC0415 - 0.9 s, for this test only

    classes: dict[str, Any] = {
        "Namespace": core.v1.Namespace,
        "ServiceAccount": core.v1.ServiceAccount,
        "ConfigMap": core.v1.ConfigMap,
        "Secret": core.v1.Secret,
        "Service": core.v1.Service,
        "NetworkPolicy": networking.v1.NetworkPolicy,
        "PodDisruptionBudget": policy.v1.PodDisruptionBudget,
        "Deployment": apps.v1.Deployment,
        "DaemonSet": apps.v1.DaemonSet,
        "StatefulSet": apps.v1.StatefulSet,
        "Job": batch.v1.Job,
        "CronJob": batch.v1.CronJob,
        "HorizontalPodAutoscaler": autoscaling.v2.HorizontalPodAutoscaler,
        "Ingress": networking.v1.Ingress,
        "Role": rbac.v1.Role,
        "RoleBinding": rbac.v1.RoleBinding,
    }
    config = {"publish": "ingress", "ingress": json.dumps({"hosts": {"board": ["board.example.com"]}})}
    snake = {"automountServiceAccountToken": "automount_service_account_token", "roleRef": "role_ref"}
    found = run("everything", config=config).resources
    ours = {resource.title: resource for resource in found if resource.type.startswith("kubernetes:")}
    assert {resource.type.rpartition(":")[2] for resource in ours.values()} == set(classes)

    def build() -> None:
        for resource in ours.values():
            given = {
                snake.get(key, key): value
                for key, value in resource.inputs.items()
                if key not in {"apiVersion", "kind"}
            }
            if resource.type.endswith(":Secret"):
                given["data"] = {key: value.value for key, value in given["data"].items()}
            classes[resource.type.rpartition(":")[2]](resource.name, **given)

    theirs = {resource.title: resource for resource in recorder.record(build, config={}).resources}
    assert theirs.keys() == ours.keys()
    for title, their in theirs.items():
        our = ours[title]
        inputs = dict(their.inputs)
        if our.type.endswith(":Secret"):
            inputs["data"] = {key: values.Secret(value) for key, value in inputs["data"].value.items()}
        assert our.inputs == inputs, title
        assert our.request.version == their.request.version
        assert sorted(our.request.additionalSecretOutputs) == sorted(their.request.additionalSecretOutputs)


def test_pods_start_after_all_links_are_open(registered: programs.Run) -> None:
    """A link has two ends, and each is in the policy of one of two workloads."""
    found = registered("shop").resources
    policies = {resource.urn: resource for resource in found if resource.type.endswith(":NetworkPolicy")}
    (closed,) = (resource for resource in policies.values() if resource.name == "default-deny")
    assert set(closed.request.dependencies) >= policies.keys() - {closed.urn}
    kinds = ("Deployment", "StatefulSet", "Job")
    pods = [resource for resource in found if resource.type.startswith("kubernetes:") and resource.type.endswith(kinds)]
    assert len(pods) == 5
    for resource in pods:
        assert closed.urn in resource.request.dependencies, resource.title


def test_only_published_services_have_an_address(run: programs.Run) -> None:
    hosts = json.dumps({"hosts": {"web": ["shop.example.com"]}, "issuer": "letsencrypt"})
    recording = run("shop", config={"publish": "ingress", "ingress": hosts})
    assert "address" in recording.stack["services"]["web"]
    assert "address" not in recording.stack["services"]["api"]
    (ingress,) = recording.list_resources("Ingress")
    assert ingress.inputs["spec"]["rules"][0]["host"] == "shop.example.com"
    (written,) = recording.list_resources("Release")
    assert "shop.example.com" in str(written.inputs)


def test_objects_with_a_hash_in_the_name_are_retained(registered: programs.Run) -> None:
    """A revert must find the ConfigMap of the running pods."""
    hashed = {"kubernetes:core/v1:ConfigMap", "kubernetes:core/v1:Secret", "docker-build:index:Image"}
    for resource in registered("shop").resources:
        assert resource.request.retainOnDelete == (resource.type in hashed), resource.title
        if resource.type.startswith("kubernetes:"):
            assert resource.name == resource.inputs["metadata"]["name"]


@pytest.mark.parametrize(
    ("example", "config", "protected"),
    [
        ("shop", {}, {"objects", "destroy-guard"}),
        ("shop", {"policy": '{"dataLoss": "allow"}'}, set()),
        ("smallest", {}, set()),
    ],
)
def test_a_stack_with_volumes_is_protected(
    run: programs.Run, example: str, config: dict[str, str], protected: set[str]
) -> None:
    """Its guards are protected, and no update replaces them: nothing else stops the preview of a destroy."""
    recording = run(example, config=config)
    assert {resource.name for resource in recording.resources if resource.request.protect} == protected


def test_the_providers_are_explicit(run: programs.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """They contain nothing of the machine: the path of a kubeconfig would be a change on the next machine."""
    monkeypatch.setitem(os.environ, "KUBECONFIG", "/somewhere/kubeconfig")
    monkeypatch.setitem(os.environ, "PULUMI_K8S_DELETE_UNREACHABLE", "true")
    recording = run("shop")
    (kubernetes,) = recording.list_resources("kubernetes")
    assert kubernetes.inputs == {
        "context": "work",
        "clusterIdentifier": "shop-dev",
        "enableServerSideApply": "true",
        "deleteUnreachable": "false",
    }
    assert kubernetes.request.version
    (ours,) = recording.list_resources("seaway")
    assert ours.inputs == {"context": "work", "namespaces": "shop-dev", "dataLoss": "[]"}
    for resource in recording.resources:
        wanted = {"kubernetes": kubernetes.urn, "seaway": ours.urn}.get(resource.type.partition(":")[0])
        if resource.request.custom and wanted:
            assert resource.request.provider.startswith(f"{wanted}::"), resource.title


def test_the_outputs_describe_each_service(registered: programs.Run) -> None:
    outputs = registered("shop").stack
    assert outputs["namespace"] == "shop-dev"
    assert outputs["services"]["web"] == {
        "image": f"registry.example.com/team/shop/web@{recorder.DIGEST}",
        "replicas": 2,
        "clusterAddress": "web.shop-dev:8000",
        "address": "http://10.0.0.7:30080",
    }
    assert outputs["services"]["worker"].keys() == {"image", "replicas"}
    assert "stores" not in outputs


def test_an_address_that_the_cluster_has_not_assigned_is_pending(run: programs.Run) -> None:
    config = {"publish": "loadBalancer", "overlay": json.dumps({"stores": {"db": {"publish": True}}})}
    assert run("shop", config=config).stack["stores"]["db"] == {"address": "pending"}


def test_errors_are_reported_before_any_resource_is_registered(tmp_path: Path) -> None:
    """All errors of a stage are reported at once: of the configuration and the application, then of the builds."""
    reported: list[diagnosis.Diagnostic] = []

    def build() -> None:
        try:
            programs.deploy(tmp_path)
        except diagnosis.InvalidInput as error:
            reported.extend(error.diagnostics)

    programs.copy_example("shop", tmp_path)
    (tmp_path / "app" / "worker" / "Dockerfile").unlink()
    with pytest.raises(AssertionError, match="the program registered nothing"):
        recorder.record(build, config={**programs.CONFIG, "engin": "docker", "publish": "open"})
    assert [diagnostic.path for diagnostic in reported] == ["seaway:engin", "seaway:publish", "services.worker.build"]
    reported.clear()
    for name in ("web", "api", "worker"):
        (tmp_path / "app" / name / "Dockerfile").write_text("FROM python:3.12-slim\n")
    overrides = json.dumps({"python:3.12-slim": "mirror.example.com/p:1"})
    with pytest.raises(AssertionError, match="the program registered nothing"):
        recorder.record(build, config={**programs.CONFIG, "imageOverrides": overrides})
    assert [Path(diagnostic.location.file).parent.name for diagnostic in reported] == ["api", "web", "worker"]
    assert len({diagnostic.code for diagnostic in reported}) == 1


def test_errors_of_settings_secrets_services_builds_and_checks_come_in_one_run(tmp_path: Path) -> None:
    reported: list[diagnosis.Diagnostic] = []

    def build() -> None:
        try:
            programs.deploy(tmp_path)
        except diagnosis.InvalidInput as error:
            reported.extend(error.diagnostics)

    def find_codes(**config: str) -> set[str]:
        reported.clear()
        with pytest.raises(AssertionError, match="the program registered nothing"):
            recorder.record(build, config={**programs.CONFIG, **config})
        return {diagnostic.code for diagnostic in reported}

    programs.copy_example("shop", tmp_path)
    (tmp_path / "app" / "api" / "Dockerfile").write_text("FROM python:3.12-slim\n")
    overrides = json.dumps({"python:3.12-slim": "mirror.example.com/p:1"})
    invalid = json.dumps({"services": {"web": {"port": 70000, "secrets": ["KEY"]}}})
    expected = {"unknown-key", "invalid-port", "secret-not-set", "fixed-base-image"}
    assert find_codes(engin="docker", imageOverrides=overrides, overlay=invalid) == expected
    refused = json.dumps({"stores": {"db": {"image": "postgres"}}})
    severity = json.dumps({"IMG-01": "error"})
    assert find_codes(imageOverrides=overrides, overlay=refused, checkSeverity=severity) == {
        "fixed-base-image",
        "IMG-01",
    }


def test_objects_are_rendered_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The id, the checks and the registration use the same list."""
    calls: list[str] = []
    render = objects.objects
    monkeypatch.setattr(objects, "objects", lambda *arguments: calls.append("render") or render(*arguments))
    programs.copy_example("shop", tmp_path)
    assert programs.run_program(tmp_path).resources
    assert calls == ["render"]
