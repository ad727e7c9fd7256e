"""The record of a release, and a release that is held back."""

import base64
import copy
import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

import pytest

from plugin import values
from seaway.manifests import objects
from seaway.project import release, release_lock
from seaway.release import hold, record
from seaway.syntax import diagnosis, encode
from tests.component import programs, recorder

PLACE = diagnosis.SourceLocation("recorded")
WHY = {"because": "web: image not found", "since": "2026-01-01T00:00:00Z"}


def recorded(recording: recorder.Recording) -> record.ReleaseRecord:
    (one,) = recording.list_resources("Release")
    return record.ReleaseRecord.decode(encode.to_node(one.inputs["record"], PLACE))


def image(recording: recorder.Recording, name: str) -> Any:
    (one,) = (each for each in recording.list_resources("Deployment") if each.name == name)
    return one.inputs["spec"]["template"]["spec"]["containers"][0]["image"]


def change(folder: Path, old: str, new: str) -> None:
    file = folder / "app" / "app.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def shape(recording: recorder.Recording) -> list[tuple[str, dict[str, Any]]]:
    return sorted((each.urn, each.inputs) for each in recording.resources)


@pytest.mark.parametrize("example", programs.EXAMPLES)
def test_the_record_says_what_was_deployed(made: programs.Made, example: str) -> None:
    recording, expected = made(example)
    (one,) = recording.list_resources("Release")
    assert one.inputs["namespace"] == f"{example}-dev"
    again = recorded(recording)
    assert again.id == one.inputs["release"]
    secretless = [each.manifest for each in expected if each.kind != "Secret"]
    assert [each.manifest for each in again.render_objects() if each.kind != "Secret"] == secretless


def test_it_comes_after_all_rollouts_and_before_the_guard(registered: programs.Run) -> None:
    recording = registered("shop")
    (one,) = recording.list_resources("Release")
    assert {each.urn for each in recording.list_resources("Rollout")} <= set(one.request.dependencies)
    (guard,) = (each for each in recording.list_resources("Cluster") if each.name == "destroy-guard")
    assert one.urn in guard.request.dependencies


def test_a_preview_knows_all_but_the_digests(run: programs.Run) -> None:
    done, preview = (run("shop", preview=preview).list_resources("Release")[0].inputs for preview in (False, True))
    assert preview["release"] == done["release"]
    for one in preview["record"]["images"].values():
        assert one.pop("reference") is values.UNKNOWN
    for one in done["record"]["images"].values():
        assert one.pop("reference").endswith(recorder.DIGEST)
    assert preview == done


def test_no_secret_is_in_it(registered: programs.Run) -> None:
    (one,) = registered("shop").list_resources("Release")
    assert one.inputs["record"]["secrets"] == {"POSTGRES_PASSWORD": "generated-32"}


def test_the_program_notes_what_it_deploys_and_a_preview_does_not(run: programs.Run, tmp_path: Path) -> None:
    run("smallest", preview=True)
    assert hold.read_run_result(tmp_path, "dev") is None
    (one,) = run("smallest").list_resources("Release")
    id_ = one.inputs["release"]
    assert hold.read_run_result(tmp_path, "dev") == hold.RunResult(described=id_, deployed=id_)


@pytest.fixture
def again(tmp_path: Path) -> programs.Run:
    """Run the program of the folder as it is now."""
    return functools.partial(programs.run_program, tmp_path)


def test_a_release_that_is_held_back_is_not_deployed(
    registered: programs.Run, again: programs.Run, tmp_path: Path
) -> None:
    programs.copy_example("shop", tmp_path)
    before = registered("shop")
    good = recorded(before)
    (tmp_path / "app" / "web" / "web.py").write_text("broken")
    change(tmp_path, "env: {TITLE: Shop}", "env: {TITLE: Broken}")
    broken = again()
    failed = broken.list_resources("Release")[0].inputs["release"]
    assert failed != good.id
    hold.write_fallback(
        tmp_path, "dev", release_lock.Fallback(release=good.id, held=failed, **WHY), good, good.render_objects()
    )

    for preview in (False, True):
        pinned = again(preview=preview)
        assert pinned.list_resources("Release")[0].inputs == before.list_resources("Release")[0].inputs
        # Its own image is known by digest, and is not built; what the source still has stays registered.
        assert image(pinned, "web") == image(before, "web")
        assert {each.name for each in pinned.list_resources("Image")} == {"api", "worker"}
        told = (
            f"release {failed} that app/app.yaml describes failed at 2026-01-01T00:00:00Z (web: image not found);"
            f" running the last good one, {good.id}. Change the source, or try it again: seaway up --retry"
        )
        assert told in pinned.messages
    assert hold.read_run_result(tmp_path, "dev") == hold.RunResult(described=failed, deployed=good.id)
    unbuilt = [each for each in before.resources if each.name != "web" or each.type.rpartition(":")[2] != "Image"]
    assert shape(again()) == shape(dataclasses.replace(before, resources=unbuilt))


def held_back(
    again: programs.Run, tmp_path: Path, good: record.ReleaseRecord, found: list[objects.ReleaseObject]
) -> str:
    """The source is broken, and a recorded release runs instead; the id of the failed one."""
    change(tmp_path, "env: {TITLE: Shop}", "env: {TITLE: Broken}")
    failed = again().list_resources("Release")[0].inputs["release"]
    hold.write_fallback(tmp_path, "dev", release_lock.Fallback(release=good.id, held=failed, **WHY), good, found)
    return failed


def test_a_recorded_release_is_not_rendered_again(
    registered: programs.Run, again: programs.Run, tmp_path: Path
) -> None:
    """Another version of Seaway made other objects of the same application. What was healthy is what was recorded."""
    programs.copy_example("shop", tmp_path)
    before = registered("shop")
    good = recorded(before)
    found = [copy.deepcopy(one) for one in good.render_objects()]
    (web,) = (one for one in found if one.key == "Deployment/web")
    web.manifest["spec"]["minReadySeconds"] = 77
    held_back(again, tmp_path, good, found)
    pinned = again()
    for kind in ("Deployment", "StatefulSet", "ConfigMap", "Service", "Secret", "NetworkPolicy", "Job"):
        wanted = {one.name: copy.deepcopy(one.inputs) for one in before.list_resources(kind)}
        if kind == "Deployment":
            wanted["web"]["spec"]["minReadySeconds"] = 77
        assert {one.name: one.inputs for one in pinned.list_resources(kind)} == wanted
    (one,) = pinned.list_resources("Release")
    assert (one.inputs["release"], one.inputs["record"]) == (good.id, good.to_plain())


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"stack": "prod"}, "is a release of shop in stack prod, not of shop in dev"),
        ({"name": "other"}, "is a release of other in stack dev, not of shop in dev"),
    ],
)
def test_a_record_chooses_neither_stack_nor_application(
    registered: programs.Run, again: programs.Run, tmp_path: Path, changed: dict[str, str], told: str
) -> None:
    programs.copy_example("shop", tmp_path)
    good = recorded(registered("shop"))
    if "stack" in changed:
        evil = dataclasses.replace(good, settings={**good.settings, "stack": "prod"})
    else:
        renamed = dataclasses.replace(good.app, name="other")
        evil = dataclasses.replace(good, app=renamed, base=renamed)
    held_back(again, tmp_path, evil, good.render_objects())
    with pytest.raises(diagnosis.InvalidInput, match=told):
        again()


def manifest_with(one: objects.ReleaseObject, **changed: Any) -> objects.ReleaseObject:
    return dataclasses.replace(one, manifest={**one.manifest, **changed})


@pytest.mark.parametrize(
    "forgery", ["another namespace", "the cluster's own kind", "a namespace of another name", "another group"]
)
def test_a_record_has_no_object_outside_of_its_namespace(
    registered: programs.Run, again: programs.Run, tmp_path: Path, forgery: str
) -> None:
    programs.copy_example("shop", tmp_path)
    good = recorded(registered("shop"))
    found = {one.key: one for one in good.render_objects()}
    web = found["Deployment/web"]
    home = next(one for one in found.values() if one.kind == "Namespace")
    evil = {
        "another namespace": manifest_with(web, metadata={**web.manifest["metadata"], "namespace": "kube-system"}),
        "the cluster's own kind": manifest_with(web, kind="ClusterRole"),
        "another group": manifest_with(web, apiVersion="iam.aws.upbound.io/v1beta1"),
        "a namespace of another name": manifest_with(home, metadata={**home.manifest["metadata"], "name": "other"}),
    }[forgery]
    held_back(again, tmp_path, good, [*good.render_objects(), evil])
    with pytest.raises(diagnosis.InvalidInput, match="has an object outside of namespace shop-dev: "):
        again()


@pytest.mark.parametrize("twice", [True, False])
def test_a_record_has_one_namespace(
    registered: programs.Run, again: programs.Run, tmp_path: Path, *, twice: bool
) -> None:
    programs.copy_example("shop", tmp_path)
    good = recorded(registered("shop"))
    homes = [one for one in good.render_objects() if one.kind == "Namespace"]
    others = [one for one in good.render_objects() if one.kind != "Namespace"]
    held_back(again, tmp_path, good, [*homes, *homes, *others] if twice else others)
    with pytest.raises(diagnosis.InvalidInput, match="has not exactly one Namespace"):
        again()


@pytest.mark.parametrize(
    ("check", "changed"),
    [
        ("SEC-08", {"hostPID": True}),
        ("SEC-10", {"volumes": [{"name": "node", "hostPath": {"path": "/"}}]}),
        ("SEC-04", {"securityContext": {"privileged": True}}),
    ],
)
def test_a_rollback_does_not_open_the_node(
    registered: programs.Run, again: programs.Run, tmp_path: Path, check: str, changed: dict[str, Any]
) -> None:
    programs.copy_example("shop", tmp_path)
    good = recorded(registered("shop"))
    found = {one.key: one for one in good.render_objects()}
    worker = copy.deepcopy(found["Deployment/worker"])
    pod = worker.manifest["spec"]["template"]["spec"]
    if check == "SEC-04":
        pod["containers"][0] |= changed
    else:
        pod["volumes"] = [*pod.get("volumes", []), *changed.pop("volumes", [])]
        pod |= changed
    held_back(again, tmp_path, good, [*(one for one in found.values() if one.key != worker.key), worker])
    with pytest.raises(diagnosis.InvalidInput, match=rf"environments/dev.lock.yaml: {check} "):
        again()


def test_a_changed_file_of_a_recorded_release_is_found_out(
    registered: programs.Run, again: programs.Run, tmp_path: Path
) -> None:
    programs.copy_example("shop", tmp_path)
    good = recorded(registered("shop"))
    held_back(again, tmp_path, good, good.render_objects())
    file = release.get_path(tmp_path, good.id)
    file.write_text(file.read_text().replace("replicas: 2", "replicas: 3"))
    with pytest.raises(
        diagnosis.InvalidInput, match=r"releases/[\w-]+\.yaml: was changed after it was pinned: its SHA-256 is"
    ):
        again()


def test_a_mended_source_is_deployed(registered: programs.Run, again: programs.Run, tmp_path: Path) -> None:
    programs.copy_example("shop", tmp_path)
    good = recorded(registered("shop"))
    hold.write_fallback(
        tmp_path, "dev", release_lock.Fallback(release=good.id, held="f" * 12, **WHY), good, good.render_objects()
    )
    change(tmp_path, "env: {TITLE: Shop}", "env: {TITLE: Mended}")
    mended = again()
    assert mended.list_resources("Release")[0].inputs["release"] != good.id
    assert {each.name for each in mended.list_resources("Image")} == {"web", "api", "worker"}
    assert not any("failed at" in message for message in mended.messages)


def test_a_secret_with_another_value_by_now_is_used_as_it_is_in_the_cluster(
    run: programs.Run, again: programs.Run, tmp_path: Path
) -> None:
    def config(value: str) -> dict[str, str]:
        return {"secrets": f'{{"POSTGRES_PASSWORD": "{value}"}}'}

    def reference(recording: recorder.Recording) -> str:
        (one,) = (each for each in recording.list_resources("Deployment") if each.name == "api")
        (volume,) = (each for each in one.inputs["spec"]["template"]["spec"]["volumes"] if each["name"] == "secrets")
        return volume["projected"]["sources"][0]["secret"]["name"]

    before = run("shop", config=config("old"))
    good = recorded(before)
    failed = again(config=config("new")).list_resources("Release")[0].inputs["release"]
    assert failed != good.id
    hold.write_fallback(
        tmp_path, "dev", release_lock.Fallback(release=good.id, held=failed, **WHY), good, good.render_objects()
    )
    pinned = again(config=config("new"))
    assert reference(pinned) == reference(before)
    assert not pinned.list_resources("Secret")
    assert pinned.list_resources("Release")[0].inputs == before.list_resources("Release")[0].inputs


def test_an_older_release_is_pulled_with_todays_password(
    run: programs.Run, again: programs.Run, tmp_path: Path
) -> None:
    def config(password: str) -> dict[str, str]:
        return {
            "imagePullCredentials": '{"user": "puller", "secret": "TOKEN"}',
            "secrets": f'{{"TOKEN": "{password}", "POSTGRES_PASSWORD": "same"}}',
        }

    good = recorded(run("shop", config=config("old")))
    failed = again(config=config("new")).list_resources("Release")[0].inputs["release"]
    assert failed == good.id, "an account of the nodes makes no release"
    change(tmp_path, "env: {TITLE: Shop}", "env: {TITLE: Broken}")
    failed = again(config=config("new")).list_resources("Release")[0].inputs["release"]
    hold.write_fallback(
        tmp_path, "dev", release_lock.Fallback(release=good.id, held=failed, **WHY), good, good.render_objects()
    )
    pinned = again(config=config("new"))
    assert pinned.list_resources("Release")[0].inputs["release"] == good.id
    (login,) = (one for one in pinned.list_resources("Secret") if one.name == "seaway-registry")
    value = login.inputs["data"][".dockerconfigjson"]
    assert isinstance(value, values.Secret)
    assert json.loads(base64.b64decode(str(value.value)))["auths"]["registry.example.com"]["password"] == "new"


PROD = {
    "build": "false",
    "registry": "other.example.com",
    "publish": "none",
    "overlay": '{"services": {"web": {"scale": 5, "env": {"TITLE": "Prod"}}}}',
}


@pytest.fixture
def given(registered: programs.Run, tmp_path: Path) -> release.Release:
    """What dev runs, pinned for prod; the working tree is broken by now."""
    programs.copy_example("shop", tmp_path)
    one = recorded(registered("shop")).build_release(release.Provenance(revision="4b825dc"), "2026-01-01T00:00:00Z")
    release.save_release(tmp_path, one)
    release_lock.write(tmp_path, "prod", release_lock.Lock(release=one.id))
    (tmp_path / "app" / "app.yaml").write_text("name: else\nservices: {web: {port: none}}\n")
    (tmp_path / "app" / "web" / "Dockerfile").unlink()
    return one


def test_a_pinned_release_is_deployed_by_digest_with_todays_overlay(
    given: release.Release, again: programs.Run
) -> None:
    for preview in (False, True):
        made = again(config=PROD, stack="prod", preview=preview)
        assert not made.list_resources("Image")
        assert not made.list_resources("Registry")
        assert image(made, "web") == f"other.example.com/shop/web@{recorder.DIGEST}"
        (web,) = (each for each in made.list_resources("Deployment") if each.name == "web")
        assert web.inputs["spec"]["replicas"] == 5
        assert web.inputs["metadata"]["namespace"] == "shop-prod"
        env = web.inputs["spec"]["template"]["spec"]["containers"][0]["env"]
        assert {"name": "TITLE", "value": "Prod"} in env
        assert made.list_resources("Job")
        (one,) = made.list_resources("Release")
        assert one.inputs["release"].startswith(f"{given.id}-")
        assert one.inputs["provenance"] == {"revision": "4b825dc"}
        assert recorded(made).build_release(given.provenance, given.recorded or "").id == given.id


def test_another_overlay_is_another_record_of_the_same_release(given: release.Release, again: programs.Run) -> None:
    one, other = (
        again(config=PROD | more, stack="prod").list_resources("Release")[0].inputs["release"]
        for more in ({}, {"overlay": "{}"})
    )
    assert one != other
    assert record.parse_release_id(one) == record.parse_release_id(other) == given.id


def test_after_a_rollback_the_jobs_are_left_out_and_that_is_said(
    given: release.Release, again: programs.Run, tmp_path: Path
) -> None:
    forward = again(config=PROD, stack="prod")
    release_lock.write(tmp_path, "prod", release_lock.Lock(release=given.id, is_rollback=True))
    made = again(config=PROD, stack="prod")
    assert (bool(forward.list_resources("Job")), bool(made.list_resources("Job"))) == (True, False)
    told = (
        f"release {given.id} was rolled back to: its jobs before and after the rollout do not run again (migrate), and"
        " what those of the newer release did stays done"
    )
    assert told in made.messages
    assert told not in forward.messages
    # Nothing else is different.
    found, wanted = ({each.name: each.inputs for each in one.list_resources("Deployment")} for one in (made, forward))
    assert found == wanted
    assert recorded(made).build_release(given.provenance, given.recorded or "").id == given.id


def test_a_pinned_release_that_failed_is_not_deployed(
    given: release.Release, again: programs.Run, tmp_path: Path
) -> None:
    """What `seaway up --rollback-on-failure` wrote: the one before runs instead, until another one is pinned."""
    before = again(config=PROD, stack="prod")
    good = recorded(before)
    worse = dataclasses.replace(
        given, images={name: dataclasses.replace(one, content=f"{one.content}0") for name, one in given.images.items()}
    )
    release.save_release(tmp_path, worse)
    release_lock.write(tmp_path, "prod", release_lock.Lock(release=worse.id))
    failed = again(config=PROD, stack="prod").list_resources("Release")[0].inputs["release"]
    assert record.parse_release_id(failed) == worse.id
    hold.write_fallback(
        tmp_path, "prod", release_lock.Fallback(release=good.id, held=failed, **WHY), good, good.render_objects()
    )
    pinned = again(config=PROD, stack="prod")
    assert pinned.list_resources("Release")[0].inputs["record"] == before.list_resources("Release")[0].inputs["record"]
    told = (
        f"release {failed} that environments/prod.lock.yaml describes failed at 2026-01-01T00:00:00Z (web: image not"
        f" found); running the last good one, {good.id}. Change the source, or try it again: seaway up --retry"
    )
    assert told in pinned.messages
    assert hold.read_run_result(tmp_path, "prod") == hold.RunResult(described=failed, deployed=good.id)


def test_nothing_is_pinned(given: release.Release, again: programs.Run, tmp_path: Path) -> None:
    release_lock.write(tmp_path, "prod", release_lock.Lock())
    with pytest.raises(diagnosis.InvalidInput, match="and no release is pinned for it"):
        again(config=PROD, stack="prod")
