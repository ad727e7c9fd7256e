"""A release that is held back, and the one that is deployed instead."""

import base64
import copy
import dataclasses
import functools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from plugin import values
from seaway.manifests import objects
from seaway.project import release
from seaway.release import hold, record
from tests import golden
from tests.component import programs, recorder
from tests.support import diagnostics

TITLE, BROKEN_TITLE = "env: {TITLE: Shop}", "env: {TITLE: Broken}"


@pytest.fixture
def again(tmp_path: Path) -> programs.Run:
    """Run the program of the folder as it is now."""
    return functools.partial(programs.run_program, tmp_path)


@pytest.fixture
def good(registered: programs.Run, tmp_path: Path) -> record.ReleaseRecord:
    """The record of the shop, whose files are in the folder."""
    programs.copy_example("shop", tmp_path)
    return programs.decode_record(registered("shop"))


def hold_broken_release(
    again: programs.Run, folder: Path, good: record.ReleaseRecord, *release_objects: objects.ReleaseObject
) -> str:
    """Break the source, and deploy a recorded release instead; the id of the broken one."""
    programs.edit_app(folder, TITLE, BROKEN_TITLE)
    failed = programs.get_release_id(again())
    programs.hold_release(folder, failed, good, release_objects)
    return failed


def list_codes(again: programs.Run) -> set[str]:
    """The codes of the errors of a refused run."""
    return {error.code for error in diagnostics.catch(again)}


def test_a_release_that_is_held_back_is_not_deployed(
    registered: programs.Run, again: programs.Run, good: record.ReleaseRecord, tmp_path: Path
) -> None:
    before = registered("shop")
    (tmp_path / "app" / "web" / "web.py").write_text("broken")
    failed = hold_broken_release(again, tmp_path, good)
    assert failed != good.id
    for preview in (False, True):
        fallback = again(preview=preview)
        assert fallback.list_resources("Release")[0].inputs == before.list_resources("Release")[0].inputs
        # Its image is known by digest and is not built. An image with the same content stays registered.
        assert programs.get_image(fallback, "web") == programs.get_image(before, "web")
        assert {image.name for image in fallback.list_resources("Image")} == {"api", "worker"}
        assert any(message.startswith(f"release {failed} of app/app.yaml failed at") for message in fallback.messages)
    assert hold.read_run_result(tmp_path, "dev") == hold.RunResult(described=failed, deployed=good.id)
    # The sources of hints have the Dockerfiles of what is built, and the shapes say that disks keep their size. The
    # provider compares neither.
    built = [one for one in before.resources if one.name != "web" or one.type.rpartition(":")[2] != "Image"]
    assert list_inputs(again().resources) == list_inputs(built)


def list_inputs(resources: Iterable[recorder.Resource]) -> list[tuple[str, dict[str, Any]]]:
    return sorted(
        (resource.urn, {name: text for name, text in resource.inputs.items() if name not in ("sources", "sets")})
        for resource in resources
    )


def test_a_recorded_release_is_not_rendered_again(
    registered: programs.Run, again: programs.Run, good: record.ReleaseRecord, tmp_path: Path
) -> None:
    """Another version of Seaway may render other objects; the recorded ones were healthy."""
    before = registered("shop")
    recorded = [copy.deepcopy(one) for one in good.render_objects()]
    (web,) = (one for one in recorded if one.key == "Deployment/web")
    web.manifest["spec"]["minReadySeconds"] = 77
    hold_broken_release(again, tmp_path, good, *recorded)
    fallback = again()
    for kind in ("Deployment", "StatefulSet", "ConfigMap", "Service", "Secret", "NetworkPolicy", "Job"):
        expected = {one.name: copy.deepcopy(one.inputs) for one in before.list_resources(kind)}
        if kind == "Deployment":
            expected["web"]["spec"]["minReadySeconds"] = 77
        assert {one.name: one.inputs for one in fallback.list_resources(kind)} == expected
    (resource,) = fallback.list_resources("Release")
    assert (resource.inputs["release"], resource.inputs["record"]) == (good.id, good.to_plain())


@pytest.mark.parametrize("forgery", ["stack", "application"])
def test_a_record_of_another_stack_or_application_is_refused(
    again: programs.Run, good: record.ReleaseRecord, tmp_path: Path, forgery: str
) -> None:
    if forgery == "stack":
        evil = golden.change_record(good, stack="prod")
    else:
        evil = golden.change_record(good, dataclasses.replace(good.environment.app, name="other"))
    hold_broken_release(again, tmp_path, evil, *good.render_objects())
    assert list_codes(again) == {"other-target"}


FORGERIES: dict[str, tuple[str, dict[str, Any]]] = {
    "another namespace": ("Deployment/web", {"metadata": {"name": "web", "namespace": "kube-system"}}),
    "a cluster-scoped kind": ("Deployment/web", {"kind": "ClusterRole"}),
    "another group": ("Deployment/web", {"apiVersion": "iam.aws.upbound.io/v1beta1"}),
    "another name of the namespace": ("Namespace/shop-dev", {"metadata": {"name": "other"}}),
    "a second namespace": ("Namespace/shop-dev", {}),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_record_with_an_object_outside_of_its_namespace_is_refused(
    again: programs.Run, good: record.ReleaseRecord, tmp_path: Path, forgery: str
) -> None:
    key, fields = FORGERIES[forgery]
    recorded = {one.key: one for one in good.render_objects()}
    evil = dataclasses.replace(recorded[key], manifest={**recorded[key].manifest, **fields})
    hold_broken_release(again, tmp_path, good, *recorded.values(), evil)
    assert list_codes(again) == {"other-target"}


def test_a_record_without_a_namespace_is_refused(
    again: programs.Run, good: record.ReleaseRecord, tmp_path: Path
) -> None:
    others = [one for one in good.render_objects() if one.kind != "Namespace"]
    hold_broken_release(again, tmp_path, good, *others)
    assert list_codes(again) == {"other-target"}


@pytest.mark.parametrize(
    ("check", "pod_fields", "container_fields"),
    [
        ("SEC-08", {"hostPID": True}, {}),
        ("SEC-10", {"volumes": [{"name": "node", "hostPath": {"path": "/"}}]}, {}),
        ("SEC-04", {}, {"securityContext": {"privileged": True}}),
    ],
)
def test_a_rollback_gives_no_access_to_the_node(
    again: programs.Run,
    good: record.ReleaseRecord,
    tmp_path: Path,
    check: str,
    *,
    pod_fields: dict[str, Any],
    container_fields: dict[str, Any],
) -> None:
    recorded = [copy.deepcopy(one) for one in good.render_objects()]
    (worker,) = (one for one in recorded if one.key == "Deployment/worker")
    pod = worker.manifest["spec"]["template"]["spec"]
    pod |= pod_fields
    pod["containers"][0] |= container_fields
    hold_broken_release(again, tmp_path, good, *recorded)
    errors = diagnostics.catch(again)
    assert check in {error.code for error in errors}
    assert {error.location.file for error in errors} == {"environments/dev.lock.yaml"}


def test_a_changed_file_of_a_recorded_release_is_refused(
    again: programs.Run, good: record.ReleaseRecord, tmp_path: Path
) -> None:
    hold_broken_release(again, tmp_path, good)
    file = release.get_path(tmp_path, good.id)
    file.write_text(file.read_text().replace("replicas: 2", "replicas: 3"))
    assert list_codes(again) == {"checksum-mismatch"}


def test_a_fixed_source_is_deployed(again: programs.Run, good: record.ReleaseRecord, tmp_path: Path) -> None:
    programs.hold_release(tmp_path, "f" * 12, good)
    programs.edit_app(tmp_path, TITLE, "env: {TITLE: Fixed}")
    fixed = again()
    assert programs.get_release_id(fixed) != good.id
    assert {image.name for image in fixed.list_resources("Image")} == {"web", "api", "worker"}
    assert not any("failed at" in message for message in fixed.messages)


def test_a_secret_with_another_value_now_stays_as_it_is_in_the_cluster(
    run: programs.Run, again: programs.Run, tmp_path: Path
) -> None:
    def build_config(value: str) -> dict[str, str]:
        return {"secrets": json.dumps({"POSTGRES_PASSWORD": value})}

    def get_secret_name(recording: recorder.Recording) -> str:
        (api,) = (deployment for deployment in recording.list_resources("Deployment") if deployment.name == "api")
        volumes = api.inputs["spec"]["template"]["spec"]["volumes"]
        (volume,) = (volume for volume in volumes if volume["name"] == "secrets")
        return volume["projected"]["sources"][0]["secret"]["name"]

    before = run("shop", config=build_config("old"))
    good = programs.decode_record(before)
    failed = programs.get_release_id(again(config=build_config("new")))
    assert failed != good.id
    programs.hold_release(tmp_path, failed, good)
    fallback = again(config=build_config("new"))
    assert get_secret_name(fallback) == get_secret_name(before)
    assert not fallback.list_resources("Secret")
    assert fallback.list_resources("Release")[0].inputs == before.list_resources("Release")[0].inputs


def test_an_older_release_is_pulled_with_the_current_password(
    run: programs.Run, again: programs.Run, tmp_path: Path
) -> None:
    def build_config(password: str) -> dict[str, str]:
        return {
            "imagePullCredentials": '{"user": "puller", "secret": "TOKEN"}',
            "secrets": json.dumps({"TOKEN": password, "POSTGRES_PASSWORD": "same"}),
        }

    good = programs.decode_record(run("shop", config=build_config("old")))
    assert programs.get_release_id(again(config=build_config("new"))) == good.id, "credentials are not in a release"
    programs.edit_app(tmp_path, TITLE, BROKEN_TITLE)
    programs.hold_release(tmp_path, programs.get_release_id(again(config=build_config("new"))), good)
    fallback = again(config=build_config("new"))
    assert programs.get_release_id(fallback) == good.id
    (secret,) = (secret for secret in fallback.list_resources("Secret") if secret.name == "seaway-registry")
    login = secret.inputs["data"][".dockerconfigjson"]
    assert isinstance(login, values.Secret)
    assert json.loads(base64.b64decode(str(login.value)))["auths"]["registry.example.com"]["password"] == "new"
