# ruff: noqa: E501 - a message stands in one line, as it is printed
"""`seaway release promote`: each refusal with its text, and what is written where nothing is refused."""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import pytest

from seaway.images import registry
from seaway.project import passphrase, recorded_test, release, release_lock
from seaway.release import record, record_store, stored_record
from tests.support import apiserver, secret_salts
from tests.unit.cli import conftest, environments, program

OLD = "0123456789ab"
HELD = release_lock.HeldRelease(OLD, because="web: no such image", since="2026-01-02T03:04:05Z")


class Shop:
    """The three stacks, and their cluster."""

    def __init__(self, folder: Path, api: apiserver.ApiServer, seaway: conftest.Seaway) -> None:
        self.folder, self.api, self._seaway = environments.prepare_shop(folder), api, seaway

    @functools.cached_property
    def dev(self) -> record.ReleaseRecord:
        """What runs, healthy, in dev."""
        return environments.deploy_record(self.api, environments.build_record(self.folder, "dev"))

    def run(self, *words: str, code: int = 0) -> Any:
        return self._seaway(*words, code=code)

    def promote(self, *words: str, code: int = 0) -> Any:
        return self.run("release", "promote", *words, code=code)

    def refuse(self, *words: str, code: int = 1) -> list[str]:
        """What a refused promotion says. It writes nothing."""
        output = self.promote(*words, code=code)
        assert (Path("releases").exists(), output.out) == (False, "")
        return output.err.splitlines()


@pytest.fixture
def empty(checkout: Path, api: apiserver.ApiServer, seaway: conftest.Seaway) -> Shop:
    """Nothing is deployed yet."""
    return Shop(checkout, api, seaway)


@pytest.fixture
def shop(empty: Shop) -> Shop:
    assert empty.dev
    return empty


def test_the_release_is_pinned_and_the_next_steps_are_printed(shop: Shop) -> None:
    output = shop.promote("dev", "staging")
    assert environments.read_lock(shop.folder, "staging") == release_lock.Lock(release=shop.dev.release_id)
    saved = release.read(shop.folder, shop.dev.release_id)
    assert saved.provenance == environments.CLEAN
    assert saved.recorded == environments.TIME
    assert saved.images["web"].build_reference(None) == shop.dev.images["web"].reference
    assert output.err == ""
    table, *_, pinned, next_ = output.out.splitlines()
    assert table.split() == ["PART", "FIELD", "BEFORE", "AFTER"]
    assert pinned == f"release {shop.dev.release_id} is pinned for staging; nothing is committed or deployed."
    assert (
        next_
        == f"Next: commit environments/staging.lock.yaml and releases/{shop.dev.release_id}.yaml; preview the changes: seaway preview --stack staging; deploy: seaway up --stack staging --rollback-on-failure"
    )
    assert not (shop.folder / "calls.json").exists()


def test_the_table_lists_the_changes(shop: Shop) -> None:
    first = [line.split() for line in shop.promote("dev", "staging").out.splitlines()]
    assert ["images.web", "digest", "-", f"sha256:{'1' * 64}"] in first
    assert ["images.web", "repository", "-", "registry.example.com/team/shop/web"] in first
    assert ["services.web", "env.TITLE", "-", "Shop"] in first
    environments.replace_in_app(shop.folder, "env: {TITLE: Shop}", "env: {TITLE: New}")
    second = environments.deploy_record(
        shop.api, environments.build_record(shop.folder, "dev", version="2"), before=shop.dev
    )
    rows = [line.split()[:4] for line in shop.promote("dev", "staging").out.splitlines()]
    assert ["release", "id", shop.dev.release_id, second.release_id] in rows
    assert ["services.web", "image", "ctx-1", "ctx-2"] in rows
    assert ["services.web", "env.TITLE", "Shop", "New"] in rows


def test_an_already_pinned_release_changes_nothing(shop: Shop) -> None:
    shop.promote("dev", "staging")
    text = release_lock.get_path(shop.folder, "staging").read_text()
    assert (
        shop.promote("dev", "staging").out
        == f"release {shop.dev.release_id} is already pinned for staging: nothing to do\n"
    )
    failed = release_lock.Fallback(
        release="a-b", sha256="0" * 64, held=shop.dev.id, because="web: no", since=environments.TIME
    )
    release_lock.write(shop.folder, "staging", release_lock.Lock(release=shop.dev.release_id, fallback=failed))
    assert (
        shop.promote("dev", "staging").out
        == f"release {shop.dev.release_id} is already pinned for staging: it failed there (web: no), try again: seaway up --retry\n"
    )
    assert text.startswith("# What stack staging runs.")


def test_images_are_copied_to_the_registry_of_the_target(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = environments.record_copies(monkeypatch)
    environments.write_stack(shop.folder, "staging", registry="other.example.com:5000/staging")
    out = shop.promote("dev", "staging").out
    wanted = [
        (shop.dev.images[name].reference, f"other.example.com:5000/staging/shop/{name}:ctx-1")
        for name in environments.NAMES
    ]
    assert sorted(seen) == sorted(wanted)
    assert (
        f"web: registry.example.com/team/shop/web@sha256:{'1' * 64} -> other.example.com:5000/staging/shop/web:ctx-1 ..."
        in out
    )
    assert f"web: copied, sha256:{'1' * 64}" in out
    assert release_lock.read(shop.folder, "staging").release == shop.dev.release_id


def test_a_copy_that_fails_leaves_the_pin_as_it_was(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def copy(source: str, target: str) -> bool:
        raise registry.Unavailable(f"{source} -> {target}: no route to host; check the name")

    monkeypatch.setattr(registry, "copy_image", copy)
    environments.write_stack(shop.folder, "staging", registry="other.example.com")
    assert "no route to host" in shop.promote("dev", "staging", code=1).err
    assert release_lock.read(shop.folder, "staging") == release_lock.Lock()


def test_a_working_tree_with_changes_is_a_warning(empty: Shop, wording: list[str]) -> None:
    deployed = environments.deploy_record(
        empty.api, environments.build_record(empty.folder, "dev"), provenance=environments.build_dirty_provenance()
    )
    assert environments.hide_ids(empty.promote("dev", "staging").err) == wording
    assert release.read(empty.folder, deployed.release_id).provenance.dirty


DB, PYTHON = ('"postgres:17": db.example.com/pg:15', '"python:3.12-slim": registry.example.com/py:3.11')


def test_images_that_only_the_source_replaces_are_warnings(
    shop: Shop, seaway: conftest.Seaway, wording: list[str]
) -> None:
    environments.write_stack(shop.folder, "dev", imageOverrides=f"{{{DB}, {PYTHON}}}")
    promoted = shop.promote("dev", "staging").err.splitlines()
    assert seaway("check", "--stack", "staging").err.splitlines() == promoted
    assert promoted == wording
    environments.write_stack(shop.folder, "staging", imageOverrides=f"{{{DB}}}")
    assert shop.promote("dev", "staging").err.splitlines() == promoted[1:]
    (shop.folder / "app" / "web" / "Dockerfile").unlink()  # the working tree is of a later release
    assert shop.promote("dev", "staging").err == ""


def test_the_deployed_release_is_promoted_not_the_working_tree(shop: Shop) -> None:
    (shop.folder / "app" / "app.yaml").write_text("name: shop\nservices: {web: {port: no number}}\n")
    shop.promote("dev", "staging")
    assert release.read(shop.folder, shop.dev.release_id).application.services[0].port == 8000


def test_a_promotion_ends_a_fallback(shop: Shop) -> None:
    """`seaway up --rollback-on-failure` of the release before has left its words in the lock."""
    file = release.get_path(shop.folder, f"{OLD}-abcdef")
    file.parent.mkdir()
    file.write_text("x")
    failed = release_lock.Fallback(release=f"{OLD}-abcdef", held="other", because="web: no", since=environments.TIME)
    release_lock.write(
        shop.folder,
        "staging",
        release_lock.Lock(release=OLD, sha256="0" * 64, is_rollback=True, held=(HELD,), fallback=failed),
    )
    shop.promote("dev", "staging")
    assert environments.read_lock(shop.folder, "staging") == release_lock.Lock(
        release=shop.dev.release_id, held=(HELD,)
    )
    assert not file.exists()


# Refusals.


def test_to_itself(empty: Shop, wording: list[str]) -> None:
    assert environments.hide_ids(empty.refuse("dev", "dev", code=2)) == wording


@pytest.mark.parametrize("words", [("nowhere", "staging"), ("dev", "nowhere")])
def test_no_such_stack(empty: Shop, words: tuple[str, str], wording: list[str]) -> None:
    assert environments.hide_ids(empty.refuse(*words, code=2)) == wording


def test_a_stack_that_builds_is_refused_as_target(empty: Shop, wording: list[str]) -> None:
    assert environments.hide_ids(empty.refuse("prod", "dev", code=2)) == wording
    environments.write_stack(empty.folder, "prod", build="true")
    assert environments.hide_ids(empty.refuse("prod", "dev", code=2)) == wording


def test_nothing_was_ever_deployed(empty: Shop, wording: list[str]) -> None:
    program.install_pulumi(empty.folder)
    assert environments.hide_ids(empty.refuse("dev", "staging")) == wording


def test_the_state_cannot_be_read(shop: Shop) -> None:
    (shop.folder / "nothing" / "pulumi").unlink()
    (line,) = shop.refuse("dev", "staging")
    assert line.startswith("seaway: the state of stack dev cannot be read (")


def test_a_forged_record_is_not_promoted(shop: Shop) -> None:
    evil = dataclasses.replace(
        shop.dev,
        images={
            name: dataclasses.replace(image, reference=f"evil.example.com/{name}@sha256:{'6' * 64}")
            for name, image in shop.dev.images.items()
        },
    )
    (config_map,) = record_store.build_config_maps(
        evil, shop.dev.id, stored_record.StoredRecord.create(evil, environments.CLEAN)
    )
    shop.api.put_manifest(config_map)
    (line,) = shop.refuse("dev", "staging")
    assert line.startswith(f"seaway: the record of release {shop.dev.id} in namespace shop-dev was changed: ")


def test_the_cluster_and_the_state_disagree(shop: Shop) -> None:
    environments.replace_in_app(shop.folder, "env: {TITLE: Shop}", "env: {TITLE: New}")
    other = environments.build_record(shop.folder, "dev", version="2")
    environments.store_record(shop.api, other)
    shop.api.put_manifest(
        record_store.build_current(
            other, record_store.CurrentRelease(id=other.id, previous=shop.dev.id, since=environments.TIME)
        )
    )
    messages = shop.refuse("dev", "staging")
    assert f" record {other.id}, " in messages[0]
    assert f" {shop.dev.id} was deployed last; " in messages[0]


def test_the_cluster_is_away(shop: Shop) -> None:
    shop.api.stop()
    (line,) = shop.refuse("dev", "staging")
    assert line.startswith("seaway: ")


def test_not_healthy(shop: Shop, wording: list[str]) -> None:
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1)
    shop.api.put("apps/v1", "Deployment", "shop-dev", "web", status={"observedGeneration": 1, **counts})
    assert environments.hide_ids(shop.refuse("dev", "staging")) == wording
    for name in ("api", "worker", "db"):
        kind = "StatefulSet" if name == "db" else "Deployment"
        shop.api.put(
            "apps/v1", kind, "shop-dev", name, status={"observedGeneration": 1, **counts, "updatedReplicas": 0}
        )
    (line,) = shop.refuse("dev", "staging")
    assert " and 1 more); " in line


def test_drifted(shop: Shop, wording: list[str]) -> None:
    shop.api.remove("v1", "Service", "shop-dev", "web")
    assert environments.hide_ids(shop.refuse("dev", "staging")) == wording
    shop.api.remove("v1", "Service", "shop-dev", "api")
    assert "2 differences" in shop.refuse("dev", "staging")[0]


def test_additions_of_others_block_nothing(shop: Shop) -> None:
    shop.api.put("v1", "ConfigMap", "shop-dev", "istio-ca-root-cert", data={})
    shop.promote("dev", "staging")


def test_a_pod_with_another_image(shop: Shop, wording: list[str]) -> None:
    shop.api.put_manifest(environments.build_pod("web", shop.dev.images["web"].reference))
    shop.promote("dev", "staging")
    shop.api.put_manifest(environments.build_pod("web", "evil:1"))
    lines = shop.promote("dev", "prod", code=1).err.splitlines()
    assert environments.hide_ids(lines) == wording


def test_the_source_runs_another_release_than_it_pins(shop: Shop, wording: list[str]) -> None:
    shop.promote("dev", "staging")
    environments.deploy_record(shop.api, environments.build_record(shop.folder, "staging"))
    environments.replace_in_app(shop.folder, "env: {TITLE: Shop}", "env: {TITLE: New}")
    environments.deploy_record(shop.api, environments.build_record(shop.folder, "dev", version="2"), before=shop.dev)
    shop.promote("dev", "staging")
    assert environments.hide_ids(shop.promote("staging", "prod", code=1).err) == wording
    assert release_lock.read(shop.folder, "prod") == release_lock.Lock()


def test_never_healthy_where_it_must_have_been(shop: Shop, wording: list[str]) -> None:
    shop.promote("dev", "staging")  # pinned, and not deployed yet
    assert environments.hide_ids(shop.promote("dev", "prod", code=1).err) == wording
    # What the cluster says is no evidence of it: whoever may write ConfigMaps there can say so.
    environments.store_record(shop.api, environments.build_record(shop.folder, "staging"))
    shop.promote("dev", "prod", code=1)
    environments.deploy_record(shop.api, environments.build_record(shop.folder, "staging"))
    shop.promote("dev", "prod")


def test_held(shop: Shop, wording: list[str]) -> None:
    held = release_lock.HeldRelease(
        shop.dev.release_id, because="web: it ended with code 1", since="2026-01-02T03:04:05Z"
    )
    release_lock.write(shop.folder, "staging", release_lock.Lock(held=(held, HELD)))
    assert environments.hide_ids(shop.refuse("dev", "staging")) == wording
    assert shop.refuse("dev", "staging", "--unhold", OLD)[0].startswith(
        f"seaway: release {shop.dev.release_id} is held"
    )
    shop.promote("dev", "staging", "--unhold", shop.dev.release_id)
    assert environments.read_lock(shop.folder, "staging") == release_lock.Lock(
        release=shop.dev.release_id, held=(HELD,)
    )


def test_a_release_without_a_hold_cannot_be_released(shop: Shop, wording: list[str]) -> None:
    assert environments.hide_ids(shop.refuse("dev", "staging", "--unhold", "ffffffffffff")) == wording
    release_lock.write(shop.folder, "staging", release_lock.Lock(held=(HELD,)))
    assert environments.hide_ids(shop.refuse("dev", "staging", "--unhold", "ffffffffffff")) == wording


WAIVER = "seaway:waivers: {IMG-01: {reason: late, owner: ann, until: 2026-01-01}}"


@pytest.mark.parametrize("stack", ["dev", "staging"])
def test_a_waiver_has_ended(shop: Shop, stack: str) -> None:
    environments.write_stack(shop.folder, stack, WAIVER)
    lines = shop.refuse("dev", "staging", code=2)
    assert len(lines) == 1
    assert lines[0].startswith(f"Pulumi.{stack}.yaml:")
    assert ": seaway:waivers.IMG-01.until: " in lines[0]
    assert lines[0].endswith(" [waiver-expired]")


def test_all_errors_of_the_target_are_reported(empty: Shop) -> None:
    """What today's file of the stack has wrong with the release, and all the rest, at once."""
    environments.replace_in_app(empty.folder, "env: {TITLE: Shop}", "env: {TITLE: Shop}\n    secrets: [TOKEN]")
    environments.write_stack(empty.folder, "dev", "seaway:secrets: {TOKEN: {secure: v1:x}}")
    deployed = environments.deploy_record(empty.api, environments.build_record(empty.folder, "dev"))
    empty.api.remove(
        "v1",
        "Secret",
        "shop-dev",
        next(release_object.name for release_object in deployed.render_objects() if release_object.kind == "Secret"),
    )
    environments.write_stack(empty.folder, "staging", "seaway:overlay: {services: {wbe: {scale: 3}}}")
    lines = empty.refuse("dev", "staging")
    assert lines[0].startswith(f"seaway: stack dev has drifted from release {deployed.release_id}: ")
    assert [(line.split(": ")[1], line.rpartition(" ")[2]) for line in lines[1:]] == [
        ("seaway:overlay.services.wbe", "[unknown-workload]"),
        ("services.web.secrets.TOKEN", "[secret-not-set]"),
    ]
    assert lines[2].startswith(f"releases/{deployed.release_id}.yaml:")


def test_the_same_content_with_other_images(shop: Shop) -> None:
    """An image was built again and is not the same: the file stays what it is."""
    shop.promote("dev", "staging")
    text = release.get_path(shop.folder, shop.dev.release_id).read_text()
    file = release.get_path(shop.folder, shop.dev.release_id)
    file.write_text(text.replace("1" * 64, "9" * 64))
    release_lock.write(shop.folder, "staging", release_lock.Lock())
    assert shop.promote("dev", "staging", code=2).err.startswith(f"releases/{shop.dev.release_id}.yaml: the images of ")
    assert release_lock.read(shop.folder, "staging") == release_lock.Lock()


def test_missing_permissions_are_reported(shop: Shop) -> None:
    shop.api.forbidden.add("/api/v1/namespaces/shop-dev/configmaps")
    (line,) = shop.refuse("dev", "staging")
    assert line.startswith("seaway: ")


def set_salt(folder: Path, passphrase: str) -> None:
    file = folder / "Pulumi.staging.yaml"
    file.write_text(f"{file.read_text()}encryptionsalt: {secret_salts.encrypt(passphrase)}\n")


def test_a_stack_with_the_public_passphrase_is_refused(shop: Shop) -> None:
    """`pulumi stack init staging` after `. .seaway/env`, which sets the passphrase of shop.dev."""
    set_salt(shop.folder, passphrase.PUBLIC_PASSPHRASE)
    (line,) = shop.refuse("dev", "staging", code=2)
    assert line.endswith("[insecure-passphrase]")
    assert "pulumi stack change-secrets-provider passphrase --stack staging" in line
    assert not release_lock.get_path(shop.folder, "staging").exists()


def test_the_passphrase_in_the_environment_decides_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A promotion from dev runs with the passphrase of shop.dev."""
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", passphrase.PUBLIC_PASSPHRASE)
    set_salt(shop.folder, "their own")
    shop.promote("dev", "staging")


def test_a_promotion_that_requires_a_test(shop: Shop, wording: object) -> None:
    file, dev = shop.folder / recorded_test.format_path("dev"), shop.dev
    environments.write_stack(shop.folder, "staging", promotion="{from: dev, requires: [test]}")
    messages = shop.refuse("dev", "staging")
    shop.run("test", "--stack", "dev", "--record", code=1)  # no pod runs in this cluster
    failed = recorded_test.read(shop.folder, "dev")
    assert failed
    assert (failed.release, failed.failed) == (dev.id, recorded_test.REQUIRED_ROWS)
    messages += shop.refuse("dev", "staging")
    passed = dataclasses.replace(failed, failed=(), passed=recorded_test.REQUIRED_ROWS)
    for change in ({"sha256": "0" * 64}, {"release": f"{OLD}-1"}, {"passed": ("security",)}):
        recorded_test.write(shop.folder, "dev", dataclasses.replace(passed, **change))
        messages += shop.refuse("dev", "staging")
    assert [message.replace(dev.release_id, "RELEASE") for message in messages] == wording
    recorded_test.write(shop.folder, "dev", passed)
    assert "commit" in file.read_text(encoding="utf-8").lower()
    shop.promote("dev", "staging")
    assert environments.read_lock(shop.folder, "staging").release == dev.release_id
