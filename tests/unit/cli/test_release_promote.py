# ruff: noqa: E501 - a message stands in one line, as it is printed
"""`seaway release promote`: each refusal with its text, and what is written where nothing is refused."""

import dataclasses
from pathlib import Path

import pytest

from seaway.cli import main
from seaway.images import registry
from seaway.project import passphrase, release, release_lock
from seaway.release import record, record_store, stored_record
from tests.support import apiserver, secret_salts
from tests.unit.cli import environments, program

Captured = pytest.CaptureFixture[str]
OLD = "0123456789ab"
HELD = release_lock.HeldRelease(OLD, because="web: no such image", since="2026-01-02T03:04:05Z")


@pytest.fixture
def shop(checkout: Path) -> Path:
    return environments.prepare_shop(checkout)


@pytest.fixture
def dev(shop: Path, api: apiserver.ApiServer) -> record.ReleaseRecord:
    """What runs, healthy, in dev."""
    return environments.deploy_record(api, environments.build_record(shop, "dev"))


def promote(*words: str) -> int:
    return main.main(["release", "promote", *words])


def refused(capfd: Captured, *words: str, code: int = 1) -> list[str]:
    """What a refused promotion says. It writes nothing."""
    assert promote(*words) == code
    assert not Path("releases").exists()
    output = capfd.readouterr()
    assert output.out == ""
    return output.err.splitlines()


def staged(shop: Path, api: apiserver.ApiServer, dev: record.ReleaseRecord, capfd: Captured) -> record.ReleaseRecord:
    """What dev runs, running in staging too; the files are gone again."""
    assert promote("dev", "staging") == 0
    deployed = environments.deploy_record(api, environments.build_record(shop, "staging"))
    capfd.readouterr()
    assert deployed.release_id == dev.release_id
    return deployed


def test_the_release_is_pinned_and_the_next_steps_are_printed(
    shop: Path, dev: record.ReleaseRecord, capfd: Captured
) -> None:
    assert promote("dev", "staging") == 0
    assert environments.read_lock(shop, "staging") == release_lock.Lock(release=dev.release_id)
    saved = release.read(shop, dev.release_id)
    assert saved.provenance == environments.CLEAN
    assert saved.recorded == environments.TIME
    assert saved.images["web"].build_reference(None) == dev.images["web"].reference
    output = capfd.readouterr()
    assert output.err == ""
    table, *_, pinned, next_ = output.out.splitlines()
    assert table.split() == ["PART", "FIELD", "BEFORE", "AFTER"]
    assert pinned == f"release {dev.release_id} is pinned for staging; nothing is committed or deployed."
    assert (
        next_
        == f"Next: commit environments/staging.lock.yaml and releases/{dev.release_id}.yaml; preview the changes: seaway preview --stack staging; deploy: seaway up --stack staging --rollback-on-failure"
    )
    assert not (shop / "calls.json").exists()


def test_the_table_lists_the_changes(
    shop: Path, dev: record.ReleaseRecord, api: apiserver.ApiServer, capfd: Captured
) -> None:
    assert promote("dev", "staging") == 0
    environments.replace_in_app(shop, "env: {TITLE: Shop}", "env: {TITLE: New}")
    second = environments.deploy_record(api, environments.build_record(shop, "dev", version="2"), before=dev)
    capfd.readouterr()
    assert promote("dev", "staging") == 0
    rows = [line.split()[:4] for line in capfd.readouterr().out.splitlines()]
    assert ["release", "id", dev.release_id, second.release_id] in rows
    assert ["services.web", "image", "ctx-1", "ctx-2"] in rows
    assert ["services.web", "env.TITLE", "Shop", "New"] in rows


def test_an_already_pinned_release_changes_nothing(shop: Path, dev: record.ReleaseRecord, capfd: Captured) -> None:
    assert promote("dev", "staging") == 0
    text = release_lock.get_path(shop, "staging").read_text()
    capfd.readouterr()
    assert promote("dev", "staging") == 0
    assert capfd.readouterr().out == f"release {dev.release_id} is already pinned for staging: nothing to do\n"
    failed = release_lock.Fallback(
        release="a-b", sha256="0" * 64, held=dev.id, because="web: no", since=environments.TIME
    )
    release_lock.write(shop, "staging", release_lock.Lock(release=dev.release_id, fallback=failed))
    assert promote("dev", "staging") == 0
    assert (
        capfd.readouterr().out
        == f"release {dev.release_id} is already pinned for staging: it failed there (web: no), try again: seaway up --retry\n"
    )
    assert text.startswith("# What stack staging runs.")


def test_images_are_copied_to_the_registry_of_the_target(
    shop: Path, dev: record.ReleaseRecord, monkeypatch: pytest.MonkeyPatch, capfd: Captured
) -> None:
    seen = environments.record_copies(monkeypatch)
    environments.write_stack(shop, "staging", registry="other.example.com:5000/staging")
    assert promote("dev", "staging") == 0
    wanted = [
        (dev.images[name].reference, f"other.example.com:5000/staging/shop/{name}:ctx-1") for name in environments.NAMES
    ]
    assert sorted(seen) == sorted(wanted)
    out = capfd.readouterr().out
    assert (
        f"web: registry.example.com/team/shop/web@sha256:{'1' * 64} -> other.example.com:5000/staging/shop/web:ctx-1 ..."
        in out
    )
    assert f"web: copied, sha256:{'1' * 64}" in out
    assert release_lock.read(shop, "staging").release == dev.release_id


def test_a_copy_that_fails_leaves_the_pin_as_it_was(
    shop: Path, dev: record.ReleaseRecord, monkeypatch: pytest.MonkeyPatch, capfd: Captured
) -> None:
    def copy(source: str, target: str) -> bool:
        raise registry.Unavailable(f"{source} -> {target}: no route to host; check the name")

    monkeypatch.setattr(registry, "copy_image", copy)
    environments.write_stack(shop, "staging", registry="other.example.com")
    assert promote("dev", "staging") == 1
    assert "no route to host" in capfd.readouterr().err
    assert release_lock.read(shop, "staging") == release_lock.Lock()


def test_a_working_tree_with_changes_is_a_warning(
    shop: Path, api: apiserver.ApiServer, capfd: Captured, wording: list[str]
) -> None:
    deployed = environments.deploy_record(
        api, environments.build_record(shop, "dev"), provenance=environments.build_dirty_provenance()
    )
    assert promote("dev", "staging") == 0
    assert environments.hide_ids(capfd.readouterr().err) == wording
    assert release.read(shop, deployed.release_id).provenance.dirty


def test_the_deployed_release_is_promoted_not_the_working_tree(shop: Path, dev: record.ReleaseRecord) -> None:
    (shop / "app" / "app.yaml").write_text("name: shop\nservices: {web: {port: no number}}\n")
    assert promote("dev", "staging") == 0
    assert release.read(shop, dev.release_id).application.services[0].port == 8000


def test_a_promotion_ends_a_fallback(shop: Path, dev: record.ReleaseRecord) -> None:
    """`seaway up --rollback-on-failure` of the release before has left its words in the lock."""
    file = release.get_path(shop, f"{OLD}-abcdef")
    file.parent.mkdir()
    file.write_text("x")
    failed = release_lock.Fallback(release=f"{OLD}-abcdef", held="other", because="web: no", since=environments.TIME)
    release_lock.write(
        shop,
        "staging",
        release_lock.Lock(release=OLD, sha256="0" * 64, is_rollback=True, held=(HELD,), fallback=failed),
    )
    assert promote("dev", "staging") == 0
    assert environments.read_lock(shop, "staging") == release_lock.Lock(release=dev.release_id, held=(HELD,))
    assert not file.exists()


# Refusals.


def test_to_itself(shop: Path, capfd: Captured, wording: list[str]) -> None:
    assert environments.hide_ids(refused(capfd, "dev", "dev", code=2)) == wording


@pytest.mark.parametrize("words", [("nowhere", "staging"), ("dev", "nowhere")])
def test_no_such_stack(shop: Path, words: tuple[str, str], capfd: Captured, wording: list[str]) -> None:
    assert environments.hide_ids(refused(capfd, *words, code=2)) == wording


def test_a_stack_that_builds_is_refused_as_target(shop: Path, capfd: Captured, wording: list[str]) -> None:
    assert environments.hide_ids(refused(capfd, "prod", "dev", code=2)) == wording
    environments.write_stack(shop, "prod", build="true")
    assert environments.hide_ids(refused(capfd, "prod", "dev", code=2)) == wording


def test_nothing_was_ever_deployed(shop: Path, capfd: Captured, wording: list[str]) -> None:
    program.install_pulumi(shop)
    assert environments.hide_ids(refused(capfd, "dev", "staging")) == wording


def test_the_state_cannot_be_read(shop: Path, dev: record.ReleaseRecord, capfd: Captured) -> None:
    (shop / "nothing" / "pulumi").unlink()
    (line,) = refused(capfd, "dev", "staging")
    assert line.startswith("seaway: the state of stack dev cannot be read (")


def test_a_forged_record_is_not_promoted(
    shop: Path, dev: record.ReleaseRecord, api: apiserver.ApiServer, capfd: Captured
) -> None:
    evil = dataclasses.replace(
        dev,
        images={
            name: dataclasses.replace(image, reference=f"evil.example.com/{name}@sha256:{'6' * 64}")
            for name, image in dev.images.items()
        },
    )
    (config_map,) = record_store.build_config_maps(
        evil, dev.id, stored_record.StoredRecord.create(evil, environments.CLEAN)
    )
    api.put_manifest(config_map)
    (line,) = refused(capfd, "dev", "staging")
    assert line.startswith(f"seaway: the record of release {dev.id} in namespace shop-dev was changed: ")


def test_the_cluster_and_the_state_disagree(
    shop: Path, dev: record.ReleaseRecord, api: apiserver.ApiServer, capfd: Captured
) -> None:
    environments.replace_in_app(shop, "env: {TITLE: Shop}", "env: {TITLE: New}")
    other = environments.build_record(shop, "dev", version="2")
    environments.store_record(api, other)
    api.put_manifest(
        record_store.build_current(
            other, record_store.CurrentRelease(id=other.id, previous=dev.id, since=environments.TIME)
        ),
    )
    messages = refused(capfd, "dev", "staging")
    assert f" record {other.id}, " in messages[0]
    assert f" {dev.id} was deployed last; " in messages[0]


def test_the_cluster_is_away(shop: Path, dev: record.ReleaseRecord, api: apiserver.ApiServer, capfd: Captured) -> None:
    api.stop()
    (line,) = refused(capfd, "dev", "staging")
    assert line.startswith("seaway: ")


def test_not_healthy(
    shop: Path, dev: record.ReleaseRecord, api: apiserver.ApiServer, capfd: Captured, wording: list[str]
) -> None:
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1)
    api.put("apps/v1", "Deployment", "shop-dev", "web", status={"observedGeneration": 1, **counts})
    assert environments.hide_ids(refused(capfd, "dev", "staging")) == wording
    for name in ("api", "worker", "db"):
        kind = "StatefulSet" if name == "db" else "Deployment"
        api.put("apps/v1", kind, "shop-dev", name, status={"observedGeneration": 1, **counts, "updatedReplicas": 0})
    (line,) = refused(capfd, "dev", "staging")
    assert " and 1 more); " in line


def test_drifted(
    shop: Path, dev: record.ReleaseRecord, api: apiserver.ApiServer, capfd: Captured, wording: list[str]
) -> None:
    api.remove("v1", "Service", "shop-dev", "web")
    assert environments.hide_ids(refused(capfd, "dev", "staging")) == wording
    api.remove("v1", "Service", "shop-dev", "api")
    assert "2 differences" in refused(capfd, "dev", "staging")[0]


def test_a_pod_with_another_image(
    shop: Path, dev: record.ReleaseRecord, api: apiserver.ApiServer, capfd: Captured, wording: list[str]
) -> None:
    api.put_manifest(environments.build_pod("web", dev.images["web"].reference))
    assert promote("dev", "staging") == 0
    capfd.readouterr()
    api.put_manifest(environments.build_pod("web", "evil:1"))
    assert promote("dev", "prod") == 1
    lines = capfd.readouterr().err.splitlines()
    assert environments.hide_ids(lines) == wording


def test_the_source_runs_another_release_than_it_pins(
    shop: Path, dev: record.ReleaseRecord, api: apiserver.ApiServer, capfd: Captured, wording: list[str]
) -> None:
    staged(shop, api, dev, capfd)
    environments.replace_in_app(shop, "env: {TITLE: Shop}", "env: {TITLE: New}")
    environments.deploy_record(api, environments.build_record(shop, "dev", version="2"), before=dev)
    assert promote("dev", "staging") == 0
    capfd.readouterr()
    assert promote("staging", "prod") == 1
    assert environments.hide_ids(capfd.readouterr().err) == wording
    assert release_lock.read(shop, "prod") == release_lock.Lock()


def test_never_healthy_where_it_must_have_been(
    shop: Path, dev: record.ReleaseRecord, api: apiserver.ApiServer, capfd: Captured, wording: list[str]
) -> None:
    assert promote("dev", "staging") == 0  # pinned, and not deployed yet
    capfd.readouterr()
    assert promote("dev", "prod") == 1
    assert environments.hide_ids(capfd.readouterr().err) == wording
    # What the cluster says is no evidence of it: whoever may write ConfigMaps there can say so.
    environments.store_record(api, environments.build_record(shop, "staging"))
    assert promote("dev", "prod") == 1
    environments.deploy_record(api, environments.build_record(shop, "staging"))
    assert promote("dev", "prod") == 0


def test_held(shop: Path, dev: record.ReleaseRecord, capfd: Captured, wording: list[str]) -> None:
    held = release_lock.HeldRelease(dev.release_id, because="web: it ended with code 1", since="2026-01-02T03:04:05Z")
    release_lock.write(shop, "staging", release_lock.Lock(held=(held, HELD)))
    assert environments.hide_ids(refused(capfd, "dev", "staging")) == wording
    assert refused(capfd, "dev", "staging", "--unhold", OLD)[0].startswith(f"seaway: release {dev.release_id} is held")
    assert promote("dev", "staging", "--unhold", dev.release_id) == 0
    assert environments.read_lock(shop, "staging") == release_lock.Lock(release=dev.release_id, held=(HELD,))


def test_a_release_without_a_hold_cannot_be_released(
    shop: Path, dev: record.ReleaseRecord, capfd: Captured, wording: list[str]
) -> None:
    assert environments.hide_ids(refused(capfd, "dev", "staging", "--unhold", "ffffffffffff")) == wording
    release_lock.write(shop, "staging", release_lock.Lock(held=(HELD,)))
    assert environments.hide_ids(refused(capfd, "dev", "staging", "--unhold", "ffffffffffff")) == wording


WAIVER = "seaway:waivers: {IMG-01: {reason: late, owner: ann, until: 2026-01-01}}"


@pytest.mark.parametrize("stack", ["dev", "staging"])
def test_a_waiver_has_ended(shop: Path, dev: record.ReleaseRecord, stack: str, capfd: Captured) -> None:
    environments.write_stack(shop, stack, WAIVER)
    lines = refused(capfd, "dev", "staging", code=2)
    assert len(lines) == 1
    assert lines[0].startswith(f"Pulumi.{stack}.yaml:")
    assert ": seaway:waivers.IMG-01.until: " in lines[0]
    assert lines[0].endswith(" [waiver-expired]")


def test_all_errors_of_the_target_are_reported(shop: Path, api: apiserver.ApiServer, capfd: Captured) -> None:
    """What today's file of the stack has wrong with the release, and all the rest, at once."""
    environments.replace_in_app(shop, "env: {TITLE: Shop}", "env: {TITLE: Shop}\n    secrets: [TOKEN]")
    environments.write_stack(shop, "dev", "seaway:secrets: {TOKEN: {secure: v1:x}}")
    deployed = environments.deploy_record(api, environments.build_record(shop, "dev"))
    api.remove(
        "v1",
        "Secret",
        "shop-dev",
        next(release_object.name for release_object in deployed.render_objects() if release_object.kind == "Secret"),
    )
    environments.write_stack(shop, "staging", "seaway:overlay: {services: {wbe: {scale: 3}}}")
    lines = refused(capfd, "dev", "staging")
    assert lines[0].startswith(f"seaway: stack dev has drifted from release {deployed.release_id}: ")
    assert [(line.split(": ")[1], line.rpartition(" ")[2]) for line in lines[1:]] == [
        ("seaway:overlay.services.wbe", "[unknown-workload]"),
        ("services.web.secrets.TOKEN", "[secret-not-set]"),
    ]
    assert lines[2].startswith(f"releases/{deployed.release_id}.yaml:")


def test_the_same_content_with_other_images(
    shop: Path, dev: record.ReleaseRecord, api: apiserver.ApiServer, capfd: Captured
) -> None:
    """An image was built again and is not the same: the file stays what it is."""
    assert promote("dev", "staging") == 0
    capfd.readouterr()
    text = release.get_path(shop, dev.release_id).read_text()
    file = release.get_path(shop, dev.release_id)
    file.write_text(text.replace("1" * 64, "9" * 64))
    release_lock.write(shop, "staging", release_lock.Lock())
    assert promote("dev", "staging") == 2
    assert capfd.readouterr().err.startswith(f"releases/{dev.release_id}.yaml: the images of ")
    assert release_lock.read(shop, "staging") == release_lock.Lock()


def test_missing_permissions_are_reported(
    shop: Path, dev: record.ReleaseRecord, api: apiserver.ApiServer, capfd: Captured
) -> None:
    api.forbidden.add("/api/v1/namespaces/shop-dev/configmaps")
    (line,) = refused(capfd, "dev", "staging")
    assert line.startswith("seaway: ")


def set_salt(shop: Path, passphrase: str) -> None:
    file = shop / "Pulumi.staging.yaml"
    file.write_text(f"{file.read_text()}encryptionsalt: {secret_salts.encrypt(passphrase)}\n")


def test_a_stack_with_the_public_passphrase_is_refused(shop: Path, dev: record.ReleaseRecord, capfd: Captured) -> None:
    """`pulumi stack init staging` after `. .seaway/env`, which sets the passphrase of dev."""
    set_salt(shop, passphrase.PUBLIC_PASSPHRASE)
    (line,) = refused(capfd, "dev", "staging", code=2)
    assert line.endswith("[insecure-passphrase]")
    assert "pulumi stack change-secrets-provider passphrase --stack staging" in line
    assert not release_lock.get_path(shop, "staging").exists()


def test_the_passphrase_in_the_environment_decides_nothing(
    shop: Path, dev: record.ReleaseRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A promotion from dev runs with the passphrase of dev."""
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", passphrase.PUBLIC_PASSPHRASE)
    set_salt(shop, "their own")
    assert promote("dev", "staging") == 0
