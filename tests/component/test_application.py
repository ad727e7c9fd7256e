"""What the program registers for the examples: the same invariants for each, then the point of each part."""

import base64
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components import application, settings
from plugin import values
from seaway.kubernetes.api import kinds
from seaway.syntax import diagnosis
from tests.component import programs, recorder

GOLDEN = Path(__file__).with_name("names.txt")


def leaves(value: Any) -> Iterator[Any]:
    """All values inside of a value, secrets and unknowns as they are."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


def shape(recording: recorder.Recording) -> list[tuple[str, str]]:
    return sorted((each.urn, each.parent) for each in recording.resources)


@pytest.mark.parametrize("example", programs.EXAMPLES)
@pytest.mark.parametrize("preview", [True, False])
def test_every_resource_has_its_parent_and_a_name_of_its_own(
    registered: programs.Run, example: str, preview: bool
) -> None:
    recording = registered(example, preview=preview)
    urns = [each.urn for each in recording.resources]
    assert len(urns) == len(set(urns))
    (top,) = recording.list_resources("Application")
    assert "pulumi:pulumi:Stack" in top.parent
    for each in recording.resources:
        if each is not top:
            assert each.parent in urns, f"{each.title} has no parent of ours"
            assert each.parent.split("::")[2].startswith("seaway:index:Application")


@pytest.mark.parametrize("example", programs.EXAMPLES)
def test_every_component_ends_with_its_outputs(registered: programs.Run, example: str) -> None:
    recording = registered(example)
    components = [each.urn for each in recording.resources if not each.request.custom]
    assert set(components) <= set(recording.outputs)


@pytest.mark.parametrize("example", programs.EXAMPLES)
def test_two_runs_are_equal_and_a_preview_has_the_same_graph(
    run: programs.Run, registered: programs.Run, example: str
) -> None:
    first, second, preview = registered(example), run(example), registered(example, preview=True)
    assert [(each.urn, each.inputs) for each in sorted(first.resources, key=lambda one: one.urn)] == [
        (each.urn, each.inputs) for each in sorted(second.resources, key=lambda one: one.urn)
    ]
    assert shape(preview) == shape(first)


@pytest.mark.parametrize("example", programs.EXAMPLES)
def test_a_preview_shows_fields(registered: programs.Run, example: str) -> None:
    """Only the image reference and generated values may be unknown, and only a Secret's data may be secret."""
    for each in registered(example, preview=True).resources:
        found = list(leaves(each.inputs))
        assert not any(isinstance(leaf, str) and "__str__" in leaf for leaf in found)
        if each.type != "kubernetes:core/v1:Secret":
            assert not any(isinstance(leaf, values.Secret) for leaf in found), each.title
        template = kinds.find_pod_template(each.inputs) if each.type.startswith("kubernetes:") else None
        if template is not None:
            pod = template["spec"]
            images = [one["image"] for one in (*pod.get("initContainers", ()), *pod["containers"])]
            unknown = [leaf for leaf in found if leaf is values.UNKNOWN]
            assert unknown == [image for image in images if image is values.UNKNOWN], each.title


@pytest.mark.parametrize("example", programs.EXAMPLES)
def test_secrets_are_flagged(registered: programs.Run, example: str) -> None:
    recording = registered(example)
    assert "generated" not in [leaf for each in recording.resources for leaf in leaves(each.inputs)]
    for each in recording.list_resources("Secret"):
        assert each.inputs["data"]
        assert all(isinstance(value, values.Secret) for value in each.inputs["data"].values())
        assert list(each.request.additionalSecretOutputs) == ["data", "stringData"]
    for each in recording.list_resources("GeneratedSecret"):
        assert list(each.request.additionalSecretOutputs) == ["value"]


@pytest.mark.parametrize("example", programs.EXAMPLES)
def test_what_is_registered_is_what_objects_returns(made: programs.Made, example: str) -> None:
    recording, expected = made(example)
    registered = {each.title: each.inputs for each in recording.resources if each.type.startswith("kubernetes:")}
    assert registered == {
        f"kubernetes:{'' if '/' in each.manifest['apiVersion'] else 'core/'}{each.manifest['apiVersion']}:{each.kind} "
        f"{each.name}": each.manifest
        for each in expected
    }
    assert len(registered) == len(expected)


def test_names_of_resources(registered: programs.Run) -> None:
    """A renamed resource is deleted and made again, so a rename needs an alias. Then: SEAWAY_WRITE_NAMES=1 pytest."""
    hashed = re.compile(r"-[0-9a-f]{10}$")
    names = "".join(
        f"{example}: {hashed.sub('-<hash>', each.urn.partition('::seaway::')[2])}\n"
        for example in programs.EXAMPLES
        for each in sorted(registered(example).resources, key=lambda one: one.urn)
    )
    if os.environ.get("SEAWAY_WRITE_NAMES"):
        GOLDEN.write_text(names)
    assert names == GOLDEN.read_text()


def test_objects_are_registered_as_the_sdk_would(run: programs.Run) -> None:
    """The same type, inputs, version and secret outputs as pulumi_kubernetes' own classes, kind by kind."""
    from pulumi_kubernetes import apps, autoscaling, batch, core, networking, policy, rbac  # noqa: PLC0415 - 0.9 s, wanted here only

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
    led = {"publish": "ingress", "ingress": json.dumps({"hosts": {"board": ["board.example.com"]}})}
    snake = {"automountServiceAccountToken": "automount_service_account_token", "roleRef": "role_ref"}
    found = run("everything", config=led).resources
    ours = {each.title: each for each in found if each.type.startswith("kubernetes:")}
    assert {each.type.rpartition(":")[2] for each in ours.values()} == set(classes)

    def build() -> None:
        for each in ours.values():
            given = {
                snake.get(key, key): value for key, value in each.inputs.items() if key not in {"apiVersion", "kind"}
            }
            if each.type.endswith(":Secret"):
                given["data"] = {key: value.value for key, value in given["data"].items()}
            classes[each.type.rpartition(":")[2]](each.name, **given)

    theirs = {each.title: each for each in recorder.record(build, config={}).resources}
    assert theirs.keys() == ours.keys()
    for title, their in theirs.items():
        our = ours[title]
        inputs = dict(their.inputs)
        if our.type.endswith(":Secret"):
            inputs["data"] = {key: values.Secret(value) for key, value in inputs["data"].value.items()}
        assert our.inputs == inputs, title
        assert our.request.version == their.request.version
        assert sorted(our.request.additionalSecretOutputs) == sorted(their.request.additionalSecretOutputs)


def test_pods_start_when_all_links_are_open(registered: programs.Run) -> None:
    """A link has two ends, and each is in the policy of one of two workloads."""
    found = registered("shop").resources
    policies = {each.urn: each for each in found if each.type.endswith(":NetworkPolicy")}
    (closed,) = (each for each in policies.values() if each.name == "default-deny")
    assert set(closed.request.dependencies) >= policies.keys() - {closed.urn}
    kinds = ("Deployment", "StatefulSet", "Job")
    pods = [each for each in found if each.type.startswith("kubernetes:") and each.type.endswith(kinds)]
    assert len(pods) == 5
    for each in pods:
        assert closed.urn in each.request.dependencies, each.title


def test_a_host_is_told(run: programs.Run) -> None:
    hosts = json.dumps({"hosts": {"web": ["shop.example.com"]}, "issuer": "letsencrypt"})
    recording = run("shop", config={"publish": "ingress", "ingress": hosts})
    assert recording.stack["services"]["web"]["urls"] == ["https://shop.example.com/"]
    assert "urls" not in recording.stack["services"]["api"]
    (ingress,) = recording.list_resources("Ingress")
    assert ingress.inputs["spec"]["rules"][0]["host"] == "shop.example.com"
    (written,) = recording.list_resources("Release")
    assert "shop.example.com" in str(written.inputs)


def test_hashed_objects_stay_and_their_names_carry_the_hash(registered: programs.Run) -> None:
    """A revert must find the ConfigMap that still runs."""
    hashed = {"kubernetes:core/v1:ConfigMap", "kubernetes:core/v1:Secret", "docker-build:index:Image"}
    for each in registered("shop").resources:
        assert each.request.retainOnDelete == (each.type in hashed), each.title
        if each.type.startswith("kubernetes:"):
            assert each.name == each.inputs["metadata"]["name"]


@pytest.mark.parametrize(
    ("example", "config", "protected"),
    [
        ("shop", {}, {"objects", "destroy-guard"}),
        ("shop", {"policy": '{"dataLoss": "allow"}'}, set()),
        ("smallest", {}, set()),
    ],
)
def test_a_stack_with_disks_is_protected(
    run: programs.Run, example: str, config: dict[str, str], protected: set[str]
) -> None:
    """By its guards, which no update replaces: nothing else stops the preview of a destroy."""
    recording = run(example, config=config)
    assert {each.name for each in recording.resources if each.request.protect} == protected


def test_the_providers_are_explicit(run: programs.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """And hold nothing of the machine: the path of a kubeconfig would be a difference on the next one."""
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
    for each in recording.resources:
        wanted = {"kubernetes": kubernetes.urn, "seaway": ours.urn}.get(each.type.partition(":")[0])
        if each.request.custom and wanted:
            assert each.request.provider.startswith(f"{wanted}::"), each.title


def test_an_image_is_the_same_text_on_every_machine(run: programs.Run) -> None:
    recording = run(
        "shop", config={"builder": "seaway", "imageOverrides": '{"python:3.12-slim": "mirror.example.com/p:1"}'}
    )
    web = next(each for each in recording.resources if each.type == "docker-build:index:Image" and each.name == "web")
    tag = web.inputs.pop("tags")[0]
    assert tag.startswith("registry.example.com/team/shop/web:ctx-")
    assert len(tag.rpartition("-")[2]) == 12
    assert web.inputs == {
        "context": {"location": ".seaway/context/web"},
        "dockerfile": {"location": ".seaway/context/web/Dockerfile"},
        "buildArgs": {"BASE_IMAGE": "mirror.example.com/p:1", "SOURCE_DATE_EPOCH": "0"},
        "platforms": ["linux/amd64"],
        "exports": [{"raw": "type=registry,rewrite-timestamp=true"}],
        "builder": {"name": "seaway"},
        "buildOnPreview": False,
        "network": "default",
        "push": False,
    }
    (container,) = next(one for one in recording.list_resources("Deployment") if one.name == "web").inputs["spec"][
        "template"
    ]["spec"]["containers"]
    assert container["image"] == f"registry.example.com/team/shop/web@{recorder.DIGEST}"


def test_the_other_engine(run: programs.Run) -> None:
    recording = run("shop", config={"engine": "docker"})
    assert not [each for each in recording.resources if each.type.startswith("docker-build:")]
    web = next(
        each for each in recording.list_resources("Image") if each.type.startswith("docker:") and each.name == "web"
    )
    tag = web.inputs.pop("imageName")
    assert tag.startswith("registry.example.com/team/shop/web:ctx-")
    assert web.inputs == {
        "build": {
            "context": ".seaway/context/web",
            "dockerfile": ".seaway/context/web/Dockerfile",
            "args": {"SOURCE_DATE_EPOCH": "0"},
            "platform": "linux/amd64",
            "builderVersion": "BuilderBuildKit",
        },
        "buildOnPreview": False,
        "skipPush": False,
    }
    assert web.request.retainOnDelete
    (container,) = next(one for one in recording.list_resources("Deployment") if one.name == "web").inputs["spec"][
        "template"
    ]["spec"]["containers"]
    assert container["image"] == f"registry.example.com/x@{recorder.DIGEST}"


def test_it_says_why_it_rebuilds(run: programs.Run, tmp_path: Path) -> None:
    def said(recording: recorder.Recording) -> list[str]:
        return [message for message in recording.messages if " checks: " not in message]

    assert said(run("shop")) == []
    assert said(run("shop")) == []
    server = tmp_path / "app" / "web" / "server.py"
    original = server.read_text()
    server.write_text(original + "\n# changed\n")
    assert said(programs.run_program(tmp_path, preview=True)) == ["web: rebuild, server.py changed"]
    assert said(programs.run_program(tmp_path)) == ["web: rebuild, server.py changed"]
    assert said(programs.run_program(tmp_path)) == [], "a preview keeps no record, an update does"


def test_outputs(registered: programs.Run) -> None:
    outputs = registered("shop").stack
    assert outputs["namespace"] == "shop-dev"
    assert outputs["services"]["web"] == {
        "image": f"registry.example.com/team/shop/web@{recorder.DIGEST}",
        "replicas": 2,
        "address": "web.shop-dev:8000",
        "nodePort": None,
    }
    assert outputs["services"]["worker"].keys() == {"image", "replicas"}


def test_a_given_secret_wins_over_a_generated_one(run: programs.Run) -> None:
    recording = run("shop", config={"secrets": json.dumps({"POSTGRES_PASSWORD": "hunter2"})})
    assert not recording.list_resources("GeneratedSecret")
    for each in recording.list_resources("Secret"):
        assert each.inputs["data"] == {"POSTGRES_PASSWORD": values.Secret(base64.b64encode(b"hunter2").decode())}
    other = run("shop", config={"secrets": json.dumps({"POSTGRES_PASSWORD": "hunter3"})})
    assert {each.name for each in other.list_resources("Secret")}.isdisjoint(
        each.name for each in recording.list_resources("Secret")
    )


PULL = {
    "imagePullCredentials": json.dumps({"user": "puller", "secret": "TOKEN"}),
    "secrets": json.dumps({"TOKEN": "hunter2"}),
}


@pytest.mark.parametrize("preview", [True, False])
def test_nodes_pull_with_an_account_whose_password_is_nowhere_else(run: programs.Run, preview: bool) -> None:
    recording = run("smallest", config=PULL, preview=preview)
    (login,) = recording.list_resources("Secret")
    value = login.inputs["data"][".dockerconfigjson"]
    assert isinstance(value, values.Secret)
    assert json.loads(base64.b64decode(str(value.value))) == {
        "auths": {
            "registry.example.com": {
                "username": "puller",
                "password": "hunter2",
                "auth": base64.b64encode(b"puller:hunter2").decode(),
            }
        }
    }
    (account,) = recording.list_resources("ServiceAccount")
    assert account.inputs["imagePullSecrets"] == [{"name": login.name}]
    (web,) = recording.list_resources("Deployment")
    assert login.urn in web.request.dependencies, "no pod starts before there is something to pull with"
    for each in recording.resources:
        told = json.dumps(each.inputs, default=repr)
        assert "hunter2" not in told, each.title
        assert each is login or base64.b64encode(b"hunter2").decode() not in told, each.title
        assert each is login or not any(isinstance(leaf, values.Secret) for leaf in leaves(each.inputs)), each.title
    assert not any("hunter2" in message for message in recording.messages)


def test_another_password_of_the_registry_changes_one_secret_and_makes_no_release(run: programs.Run) -> None:
    def found(password: str) -> dict[str, Any]:
        recording = run("smallest", config=PULL | {"secrets": json.dumps({"TOKEN": password})})
        (login,) = recording.list_resources("Secret")
        data = login.inputs["data"][".dockerconfigjson"]
        assert isinstance(data, values.Secret)
        told = {each.urn: each.inputs for each in recording.resources if each is not login}
        return told | {login.urn: base64.b64decode(str(data.value))}

    first, second = found("one"), found("two")
    assert [urn.rpartition("::")[2] for urn in first if first[urn] != second[urn]] == ["seaway-registry"]


def test_the_login_of_dockers_own_registry() -> None:
    (host,) = json.loads(settings._build_registry_login("docker.io/team", "me", "x"))["auths"]  # pyright: ignore[reportPrivateUsage]
    assert host == "https://index.docker.io/v1/"


def test_problems_come_before_any_resource(tmp_path: Path) -> None:
    """All of them at once: of the stack's configuration, of the application, and then of the build contexts."""
    told: list[str] = []

    def build() -> None:
        try:
            application.Application(settings.read_inputs(tmp_path))
        except diagnosis.InvalidInput as error:
            told.extend(map(str, error.diagnostics))

    programs.copy_example("shop", tmp_path)
    (tmp_path / "app" / "worker" / "Dockerfile").unlink()
    with pytest.raises(AssertionError, match="the program registered nothing"):
        recorder.record(build, config={**programs.CONFIG, "engin": "docker", "publish": "open"})
    assert [line.split(": ")[1] for line in told] == [
        "seaway:engin",
        "seaway:publish",
        "services.worker.build",
    ]
    told.clear()
    for name in ("web", "api", "worker"):
        (tmp_path / "app" / name / "Dockerfile").write_text("FROM python:3.12-slim\n")
    substitutes = json.dumps({"python:3.12-slim": "mirror.example.com/p:1"})
    with pytest.raises(AssertionError, match="the program registered nothing"):
        recorder.record(build, config={**programs.CONFIG, "imageOverrides": substitutes})
    assert [Path(line.split(":")[0]).parent.name for line in told] == ["api", "web", "worker"]
    assert all("this environment has a substitute for python:3.12-slim" in line for line in told)


def test_the_public_passphrase_is_for_dev_only(
    run: programs.Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(os.environ, "PULUMI_CONFIG_PASSPHRASE", settings.PUBLIC_PASSPHRASE)
    assert run("smallest").resources
    file = tmp_path / "Pulumi.staging.yaml"
    file.write_text("encryptionsalt: v1:abc\n")
    with pytest.raises(diagnosis.InvalidInput) as caught:
        run("smallest", stack="staging")
    assert str(caught.value) == (
        "Pulumi.staging.yaml: the secrets of stack staging are encrypted with the passphrase that is public on"
        " purpose; choose who may decrypt them: pulumi stack change-secrets-provider awskms://... (or gcpkms,"
        " azurekeyvault, hashivault), or set PULUMI_CONFIG_PASSPHRASE to one of your own before pulumi stack init"
    )
    file.write_text("secretsprovider: awskms://alias/example\nencryptedkey: abc\n")
    assert run("smallest", stack="staging").resources


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"PULUMI_CONFIG_PASSPHRASE": ""}, "an empty passphrase"),
        ({"PULUMI_CONFIG_PASSPHRASE_FILE": settings.PUBLIC_PASSPHRASE}, "public on purpose"),
        ({"PULUMI_CONFIG_PASSPHRASE": "of their own"}, None),
    ],
)
def test_a_passphrase_must_be_ones_own(
    run: programs.Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environment: dict[str, str], told: str | None
) -> None:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    for name, value in environment.items():
        if name.endswith("_FILE"):
            (tmp_path / "passphrase").write_text(f"{value}\n")
            monkeypatch.setitem(os.environ, name, str(tmp_path / "passphrase"))
        else:
            monkeypatch.setitem(os.environ, name, value)
    (tmp_path / "Pulumi.staging.yaml").write_text("encryptionsalt: v1:abc\nsecretsprovider: passphrase\n")
    if told is None:
        assert run("smallest", stack="staging").resources
        return
    with pytest.raises(diagnosis.InvalidInput, match=told):
        run("smallest", stack="staging")


def test_another_cluster_gets_its_images_anew(registered: programs.Run) -> None:
    """The registry may have gone with the old cluster; docker-build cannot see that over http."""
    for each in registered("shop").resources:
        trigger = each.request.replacement_trigger.string_value
        assert trigger == ("uid-1" if each.type == "docker-build:index:Image" else ""), each.title


def test_what_a_build_of_a_compose_file_gets(tmp_path: Path) -> None:
    """Other folders, secrets, agents and caches; a secret's value is a secret, and in no tag."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "a.txt").write_text("a")
    (tmp_path / "docker-compose.yml").write_text(COMPOSE)

    def built(token: str) -> dict[str, Any]:
        config = {"app": "docker-compose.yml", "secrets": json.dumps({"token": token})}
        (image,) = [
            one for one in programs.run_program(tmp_path, config=config).list_resources("Image") if one.request.custom
        ]
        return image.inputs

    found, again = built("hunter2"), built("other")
    assert found["tags"] == again["tags"]
    assert found["secrets"] == values.Secret({"npm": "hunter2"})
    assert {key: found[key] for key in ("context", "dockerfile", "ssh", "cacheFrom", "cacheTo")} == {
        "context": {
            "location": ".seaway/context/web",
            "named": {
                "shared": {"location": ".seaway/context/web+shared"},
                "base": {"location": "docker-image://alpine:3.20"},
            },
        },
        "dockerfile": {"inline": "FROM alpine\nCOPY --from=shared a.txt /\n"},
        "ssh": [{"id": "default"}],
        "cacheFrom": [{"raw": "type=registry,ref=example.com/cache"}],
        "cacheTo": [{"raw": "type=inline"}],
    }
    (tmp_path / "shared" / "a.txt").write_text("b")
    assert built("other")["tags"] != again["tags"]


COMPOSE = """\
name: shop
services:
  web:
    user: "1000"
    ports: ["80:80"]
    build:
      dockerfile_inline: |
        FROM alpine
        COPY --from=shared a.txt /
      additional_contexts: {shared: ./shared, base: "docker-image://alpine:3.20"}
      secrets: [{source: token, target: npm}]
      ssh: [default]
      cache_from: ["type=registry,ref=example.com/cache"]
      cache_to: [type=inline]
secrets: {token: {file: ./token.txt}}
"""
