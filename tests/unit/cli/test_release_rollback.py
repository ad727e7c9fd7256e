# ruff: noqa: E501 - a message stands in one line, as it is printed
"""`seaway release rollback`: what is pinned and held, what is said, and when it is refused."""

import dataclasses
import json
import re
from pathlib import Path

import pytest

from seaway.cli import main
from seaway.project import release, release_lock
from seaway.release import hold, record, record_store, stored_record
from tests import golden
from tests.support import apiserver
from tests.unit.cli import environments, program

Captured = pytest.CaptureFixture[str]
Records = tuple[record.ReleaseRecord, record.ReleaseRecord]
UP = ["up", "--yes", "--skip-preview", "--stack", "prod"]


@pytest.fixture
def shop(checkout: Path) -> Path:
    return environments.prepare_shop(checkout)


@pytest.fixture
def pulumi(shop: Path) -> program.FakePulumi:
    return program.FakePulumi(shop)


@pytest.fixture
def prod(shop: Path, api: apiserver.ApiServer) -> tuple[record.ReleaseRecord, record.ReleaseRecord]:
    """Two releases of prod, both deployed; the second one runs, healthy. The first has no file any more."""
    first = environments.deploy_record(api, pinned(shop, "1"))
    environments.replace_in_app(shop, "env: {TITLE: Shop}", "env: {TITLE: New}")
    second = environments.deploy_record(api, pinned(shop, "2"), before=first, time="2026-01-02T00:00:00Z")
    release.get_path(shop, first.release_id).unlink()
    return first, second


def pinned(shop: Path, version: str) -> record.ReleaseRecord:
    """What dev would deploy, as prod has it."""
    pinned_release = environments.build_record(shop, "dev", version=version).build_release(
        environments.CLEAN, environments.TIME
    )
    release.save_release(shop, pinned_release)
    release_lock.write(shop, "prod", release_lock.Lock(release=pinned_release.id))
    return environments.build_record(shop, "prod")


def rollback(*words: str) -> int:
    return main.main(["release", "rollback", *words])


def refused(shop: Path, capfd: Captured, *words: str, code: int = 1) -> str:
    """What it says where it does nothing."""
    before = release_lock.get_path(shop, "prod").read_text() if release_lock.get_path(shop, "prod").exists() else None
    assert rollback(*words) == code
    assert (release_lock.get_path(shop, "prod").read_text() if before else None) == before
    assert not (shop / "calls.json").exists()
    output = capfd.readouterr()
    assert output.out == ""
    (line,) = output.err.splitlines()
    return line


def test_the_release_before_is_pinned_and_deployed(
    pulumi: program.FakePulumi, shop: Path, prod: Records, capfd: Captured
) -> None:
    first, second = prod
    pulumi.set_steps("print('Updating', flush=True)")
    assert rollback("prod", "--", "--suppress-progress") == 0
    assert pulumi.calls == [[*UP, "--suppress-progress"]]
    lock = environments.read_lock(shop, "prod")
    (held,) = lock.held
    assert lock == release_lock.Lock(release=first.release_id, is_rollback=True, held=(held,))
    assert (held.release, held.because) == (second.release_id, "rolled back by hand")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", held.since)
    # Its file was taken from the cluster's record.
    assert release.read(shop, first.release_id).images["web"].digest == f"sha256:{'1' * 64}"
    output = capfd.readouterr()
    lines = output.out.splitlines()
    assert lines[:3] == [
        f"release {first.release_id} is pinned for prod; release {second.release_id} is held (rolled back by hand): promotions refuse it until --unhold names it",
        f"The jobs of {first.release_id} before and after the rollout do not run again (migrate); the effects of the jobs of {second.release_id} remain.",
        "Updating",
    ]
    assert (
        lines[-1]
        == f"release {first.release_id} is deployed; commit environments/prod.lock.yaml and releases/{first.release_id}.yaml, or the next checkout deploys {second.release_id} again"
    )


def test_the_reason_of_the_hold_is_the_current_error(
    pulumi: program.FakePulumi, shop: Path, prod: Records, api: apiserver.ApiServer
) -> None:
    api.put("apps/v1", "Deployment", "shop-prod", "web", status={"observedGeneration": 1, "replicas": 2})
    pulumi.set_steps("")
    assert rollback("prod") == 0
    assert release_lock.read(shop, "prod").held[0].because == "web: not-created"


def test_a_release_that_never_became_healthy(
    pulumi: program.FakePulumi, shop: Path, prod: Records, capfd: Captured
) -> None:
    """Its rollout failed half way: the last good one is still the current one, and it is gone back to that."""
    _, second = prod
    environments.replace_in_app(shop, "env: {TITLE: New}", "env: {TITLE: Broken}")
    third = pinned(shop, "3")
    failed = release_lock.Fallback(release=second.id, held=third.id, because="web: no", since=environments.TIME)
    hold.write_fallback(shop, "prod", failed, second, second.render_objects())
    pulumi.set_steps("")
    assert rollback("prod") == 0
    lock = release_lock.read(shop, "prod")
    assert (lock.release, lock.fallback) == (second.release_id, None)
    assert [pinned_release.release for pinned_release in lock.held] == [third.release_id]
    assert release.list_ids(shop) == sorted([second.release_id, third.release_id])
    assert not release.get_path(shop, second.id).exists()


def test_back_and_back_again_never_goes_forward(  # noqa: PLR0917 - fixtures
    pulumi: program.FakePulumi, shop: Path, prod: Records, api: apiserver.ApiServer, capfd: Captured, wording: list[str]
) -> None:
    first, second = prod
    environments.replace_in_app(shop, "env: {TITLE: New}", "env: {TITLE: Newer}")
    third = environments.deploy_record(api, pinned(shop, "3"), before=second, time="2026-01-03T00:00:00Z")
    pulumi.set_steps("", "")
    assert rollback("prod", "--to", first.release_id) == 0
    environments.deploy_record(api, environments.build_record(shop, "prod"), before=third)
    capfd.readouterr()
    # The second one was never given up, but it is newer.
    assert rollback("prod") == 1
    assert environments.hide_ids(capfd.readouterr().err) == wording
    assert rollback("prod", "--to", second.release_id, "--pin-only") == 0
    assert [pinned_release.release for pinned_release in release_lock.read(shop, "prod").held] == [
        first.release_id,
        third.release_id,
    ]


def test_without_a_deployment(shop: Path, prod: Records, capfd: Captured) -> None:
    first, _ = prod
    assert rollback("prod", "--pin-only") == 0
    assert (
        capfd.readouterr().out.splitlines()[-1]
        == f"Deploy it: seaway up --stack prod; and commit environments/prod.lock.yaml and releases/{first.release_id}.yaml"
    )
    assert not (shop / "calls.json").exists()


def test_a_deployment_that_fails_leaves_it_pinned(
    pulumi: program.FakePulumi, shop: Path, prod: Records, capfd: Captured, wording: list[str]
) -> None:
    first, _ = prod
    pulumi.set_steps("sys.exit(255)")
    assert rollback("prod") == 1
    assert release_lock.read(shop, "prod").release == first.release_id
    assert environments.hide_ids(capfd.readouterr().err) == wording


def test_a_record_that_the_state_does_not_vouch_for(
    shop: Path, prod: Records, api: apiserver.ApiServer, capfd: Captured
) -> None:
    """Forged in place, with a SHA-256 that fits; and one that the stack never deployed."""
    first, second = prod
    evil = golden.change_record(first, stack="staging")
    (config_map,) = record_store.build_config_maps(
        evil, first.id, stored_record.StoredRecord.create(evil, environments.CLEAN)
    )
    api.put_manifest(
        {**config_map, "metadata": {**config_map["metadata"], "namespace": "shop-prod", "creationTimestamp": "x"}}
    )
    message = refused(shop, capfd, "prod")
    assert message.startswith(f"seaway: the record of release {first.id} in namespace shop-prod was changed: ")
    environments.replace_in_app(shop, "env: {TITLE: New}", "env: {TITLE: Evil}")
    never = environments.build_record(shop, "dev", version="9").build_release(environments.CLEAN, environments.TIME)
    planted_environment = dataclasses.replace(second.environment, base=never.application)
    planted = dataclasses.replace(second, environment=planted_environment)
    environments.store_record(api, planted)
    message = refused(shop, capfd, "prod", "--to", planted.release_id)
    assert f"release {planted.release_id} is neither in releases/ nor in the state of stack prod" in message


def test_a_file_with_another_digest_than_was_deployed(shop: Path, prod: Records, capfd: Captured) -> None:
    """Nothing pins it, but the state vouches for the record of that release."""
    first, _ = prod
    pinned_release = environments.build_record(shop, "dev", version="1").build_release(
        environments.CLEAN, environments.TIME
    )
    true = dataclasses.replace(pinned_release, application=first.environment.base)
    assert true.id == first.release_id
    path = release.save_release(shop, true)
    path.write_text(path.read_text().replace("1" * 64, "6" * 64))
    message = refused(shop, capfd, "prod", code=2)
    assert message.startswith(
        f"releases/{path.name}: images: has other images than the release {first.release_id} that was"
    )


# Refusals.


@pytest.mark.parametrize("stack", ["dev", "nowhere", "prod"], ids=["builds", "unknown", "pins nothing"])
def test_a_stack_without_a_pin(shop: Path, stack: str, capfd: Captured, wording: list[str]) -> None:
    assert environments.hide_ids(refused(shop, capfd, stack, code=2)) == wording


def test_nothing_ran_before(shop: Path, api: apiserver.ApiServer, capfd: Captured, wording: list[str]) -> None:
    environments.deploy_record(api, pinned(shop, "1"))
    assert environments.hide_ids(refused(shop, capfd, "prod")) == wording


@pytest.mark.parametrize("has_history", [False, True])
def test_a_forged_record_of_a_release_that_never_ran_here(
    shop: Path, api: apiserver.ApiServer, capfd: Captured, *, has_history: bool
) -> None:
    """The release has a file, because another stack runs it. Everyone with `edit` can write that it ran here too."""
    first = pinned(shop, "1")
    environments.replace_in_app(shop, "env: {TITLE: Shop}", "env: {TITLE: New}")
    second = pinned(shop, "2")
    if has_history:
        environments.deploy_record(api, second)
    else:
        program.install_pulumi(shop)
    environments.store_record(api, first)
    assert "has no release before" in refused(shop, capfd, "prod")


def test_a_release_of_another_application(shop: Path, prod: Records, capfd: Captured) -> None:
    other = release.read(shop, prod[1].release_id)
    other = dataclasses.replace(other, application=dataclasses.replace(other.application, name="billing"))
    release.save_release(shop, other)
    assert refused(shop, capfd, "prod", "--to", other.id).endswith(f"{other.id} is a release of billing, not of shop")


def test_an_already_pinned_release(shop: Path, prod: Records, capfd: Captured, wording: list[str]) -> None:
    _, second = prod
    assert environments.hide_ids(refused(shop, capfd, "prod", "--to", second.release_id)) == wording


def test_a_held_release(shop: Path, prod: Records, capfd: Captured, wording: list[str]) -> None:
    first, second = prod
    held = release_lock.HeldRelease(first.release_id, because="slow", since=environments.TIME)
    release_lock.write(shop, "prod", release_lock.Lock(release=second.release_id, held=(held,)))
    assert environments.hide_ids(refused(shop, capfd, "prod", "--to", first.release_id)) == wording


def test_an_unknown_release(shop: Path, prod: Records, capfd: Captured, wording: list[str]) -> None:
    _first, _ = prod
    assert environments.hide_ids(refused(shop, capfd, "prod", "--to", "ffffffffffff")) == wording


def test_a_secret_that_the_older_release_needs(shop: Path, api: apiserver.ApiServer, capfd: Captured) -> None:
    environments.replace_in_app(shop, "env: {TITLE: Shop}", "env: {TITLE: Shop}\n    secrets: [TOKEN]")
    secrets = "seaway:secrets: {TOKEN: {secure: v1:x}}"
    environments.write_stack(shop, "dev", secrets)
    environments.write_stack(shop, "prod", secrets)
    first = environments.deploy_record(api, pinned(shop, "1"))
    environments.replace_in_app(shop, "\n    secrets: [TOKEN]", "")
    environments.write_stack(shop, "dev")
    environments.deploy_record(api, pinned(shop, "2"), before=first)
    environments.write_stack(shop, "prod")
    message = refused(shop, capfd, "prod", code=2)
    assert ": services.web.secrets.TOKEN: " in message
    assert message.endswith(" [secret-not-set]")


# `seaway up --rollback-on-failure` where a release is pinned.


def test_a_pinned_release_that_fails_goes_back_by_itself(
    pulumi: program.FakePulumi, shop: Path, prod: Records, api: apiserver.ApiServer, capfd: Captured
) -> None:
    _, second = prod
    environments.replace_in_app(shop, "env: {TITLE: New}", "env: {TITLE: Broken}")
    third = pinned(shop, "3")
    path = f"{api.url}/api/v1/namespaces/shop-prod/services/web"

    def note(described: str, deployed: str) -> str:
        lock = json.dumps({"described": described, "deployed": deployed})
        file = f"pathlib.Path({str(shop)!r}, '.seaway', 'release.prod.json')"
        return f"note('', ''); {file}.write_text({lock!r}); "

    pulumi.set_steps(f"{note(third.id, third.id)}delete({path!r}); sys.exit(255)", note(third.id, second.id), "")
    assert main.main(["up", "--stack", "prod", "--rollback-on-failure"]) == 3
    lock = release_lock.read(shop, "prod")
    assert lock.fallback
    assert (lock.release, lock.fallback.held, lock.fallback.release) == (third.release_id, third.id, second.id)
    assert f"release {second.id} is restored; state and cluster agree." in capfd.readouterr().err
