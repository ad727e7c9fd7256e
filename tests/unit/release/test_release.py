"""Release files, lock files, and the environment of a stack that pins a release."""

import dataclasses
import datetime
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from seaway.checks import all_checks
from seaway.manifests import inputs
from seaway.model import application, settings
from seaway.model.defaults import resolve
from seaway.project import environments, migration, release, release_lock, stack_file
from seaway.release import hold, record
from seaway.syntax import diagnosis, encode, yaml_writer
from tests import golden
from tests.support import diagnostics

STACK = settings.Settings(stack="dev", context="work", registry="registry.example.com/team")
DIGEST = "sha256:" + "a" * 64
PROD = """config:
  seaway:context: prod
  seaway:build: false
"""
OVERLAY = "  seaway:overlay: {services: {web: {scale: 3, env: {TITLE: Prod}}}}\n"


def load_base() -> application.Application:
    """The declared example."""
    config = stack_file.parse_config(
        {"context": "work", "registry": "registry.example.com/team", "app": "examples/shop/app.yaml"}
    )
    return environments.read_environment(config, folder=golden.ROOT, stack="dev", check_ids=()).base


def create_release() -> release.Release:
    images = {
        name: release.ReleaseImage(
            content=f"ctx-{name}", repository=f"registry.example.com/team/shop/{name}", digest=DIGEST
        )
        for name in ("web", "api", "worker")
    }
    provenance = release.Provenance(revision="abc", dirty=True, checks={"IMG-01": "passed"})
    recorded = "2026-01-01T00:00:00Z"
    return release.Release(application=load_base(), images=images, provenance=provenance, recorded=recorded)


def load_prod(folder: Path, text: str = PROD) -> environments.Environment:
    (folder / "Pulumi.prod.yaml").write_text(text)
    return environments.load_environment(folder, "prod", check_ids=all_checks.IDS)


def pin_release(folder: Path, **fields: Any) -> release.Release:
    """Save a release, and pin it for prod."""
    pinned = create_release()
    release.save_release(folder, pinned)
    release_lock.write(folder, "prod", release_lock.Lock(release=pinned.id, **fields))
    return pinned


def write_lock(folder: Path, text: str) -> Path:
    file = release_lock.get_path(folder, "prod")
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file


def test_a_release_is_read_as_it_was_saved(tmp_path: Path) -> None:
    saved = create_release()
    path = release.save_release(tmp_path, saved)
    assert path == tmp_path / "releases" / f"{saved.id}.yaml"
    loaded = release.read(tmp_path, saved.id)
    assert (loaded.id, encode.to_plain(loaded)) == (saved.id, encode.to_plain(saved))
    assert release.list_ids(tmp_path) == [saved.id]
    assert path.read_text().startswith(f"# Release {saved.id} of shop. Written by Seaway, once; commit it.\n")


def test_the_id_covers_the_application_and_the_content_of_images() -> None:
    original = create_release()
    app, images = original.application, original.images
    other_app = dataclasses.replace(app, services=(dataclasses.replace(app.services[0], user=4711), *app.services[1:]))
    rebuilt = {**images, "web": dataclasses.replace(images["web"], content="ctx-2")}
    moved = {name: dataclasses.replace(image, repository="other/shop/x") for name, image in images.items()}
    assert dataclasses.replace(original, application=other_app).id != original.id
    assert dataclasses.replace(original, images=rebuilt).id != original.id
    same = dataclasses.replace(original, images=moved, provenance=release.Provenance(), recorded=None)
    assert same.id == original.id


def create_environment(declared: application.Application, base: application.Application) -> environments.Environment:
    resolved = environments.Environment.create(resolve.resolve_application(declared), STACK)
    return dataclasses.replace(resolved, declared=declared, base=base)


def test_the_record_of_an_environment_has_the_id_of_the_release() -> None:
    app = load_base()
    images, secrets = golden.make_inputs(resolve.resolve_application(app))
    here = record.ReleaseRecord.create(create_environment(resolve.resolve_application(app), app), images, secrets)
    with_user = dataclasses.replace(app.services[0], user=4711)
    overlaid = dataclasses.replace(app, services=(with_user, *app.services[1:]))
    there = record.ReleaseRecord.create(create_environment(overlaid, app), images, secrets)
    assert here.id != there.id
    assert here.release_id == there.release_id == here.id.partition("-")[0]
    built = there.build_release(release.Provenance(), "2026-01-01T00:00:00Z")
    assert (built.application, built.id) == (app, there.release_id)
    decoded = record.ReleaseRecord.decode(encode.to_node(there.to_plain(), diagnosis.SourceLocation("record")))
    assert encode.to_plain(decoded.environment.base) == encode.to_plain(app)
    assert decoded.environment.declared.services[0].user == 4711


def test_a_saved_release_never_changes(tmp_path: Path, wording: Any) -> None:
    saved = create_release()
    path = release.save_release(tmp_path, saved)
    before = path.read_text()
    release.save_release(tmp_path, dataclasses.replace(saved, provenance=release.Provenance(revision="later")))
    assert path.read_text() == before
    images = {**saved.images, "web": dataclasses.replace(saved.images["web"], digest="sha256:" + "b" * 64)}
    other = dataclasses.replace(saved, images=images)
    errors = diagnostics.catch(lambda: release.save_release(tmp_path, other))
    assert diagnostics.summarize(errors) == [f"releases/{saved.id}.yaml: : release-changed"]
    assert [str(error).replace(saved.id, "ID") for error in errors] == wording


def test_another_repository_is_another_image_unless_a_lock_file_vouches(tmp_path: Path) -> None:
    """A stack with a registry of its own has the image there, and pins the same file."""
    saved = create_release()
    path = release.save_release(tmp_path, saved)
    moved = {name: dataclasses.replace(image, repository=f"other/{name}") for name, image in saved.images.items()}
    other = dataclasses.replace(saved, images=moved)
    (error,) = diagnostics.catch(lambda: release.save_release(tmp_path, other))
    assert error.code == "release-changed"
    assert release.save_release(tmp_path, other, hashlib.sha256(path.read_bytes()).hexdigest()) == path
    (error,) = diagnostics.catch(lambda: release.save_release(tmp_path, saved, "0" * 64))
    assert error.code == "checksum-mismatch"


HOSTILE = ("../../Pulumi.prod", "/etc/passwd", "a/b", "..", "", "A", "x" * 300, "a-b-c", "a\nb")


@pytest.mark.parametrize("release_id", HOSTILE)
def test_an_id_is_not_a_path(tmp_path: Path, release_id: str) -> None:
    """A branch writes lock files: their ids must not lead out of releases/."""
    (error,) = diagnostics.catch(lambda: release.get_path(tmp_path, release_id))
    assert error.code == "invalid-release-id"
    quoted = json.dumps(release_id)
    texts = [
        f"instead: {{release: {quoted}, held: a, because: b, since: c}}",
        f"instead: {{release: a, held: {quoted}, because: b, since: c}}",
        f"fallback: {{release: {quoted}, held: a, because: b, since: c}}",
        f"held: {{{quoted}: {{because: b, since: c}}}}",
    ]
    for text in [*texts, *([f"release: {quoted}"] if release_id else [])]:
        write_lock(tmp_path, f"{text}\n")
        assert diagnostics.catch(lambda: release_lock.read(tmp_path, "prod"))


def test_the_fallback_of_a_branch_deletes_no_other_file(tmp_path: Path) -> None:
    victim = tmp_path / "Pulumi.prod.yaml"
    victim.write_text("config: {}\n")
    (tmp_path / "releases").mkdir()
    write_lock(tmp_path, "instead: {release: ../Pulumi.prod, held: a, because: b, since: c}\n")
    errors = diagnostics.catch(lambda: hold.remove_fallback(tmp_path, "prod"))
    assert [error.code for error in errors] == ["invalid-release-id"]
    assert victim.exists()


def test_a_lock_whose_release_is_missing_stays_readable(tmp_path: Path) -> None:
    write_lock(tmp_path, "release: 0123456789ab\nheld: {abcdef: {because: b, since: c}}\n")
    lock = release_lock.read(tmp_path, "prod")
    release_lock.write(tmp_path, "prod", lock)
    assert release_lock.read(tmp_path, "prod") == lock


def test_a_change_by_hand_is_detected(tmp_path: Path, wording: Any) -> None:
    saved = create_release()
    path = release.save_release(tmp_path, saved)
    path.write_text(path.read_text().replace("ctx-web", "ctx-bad"))
    changed = diagnostics.catch(lambda: release.read(tmp_path, saved.id))
    assert [error.code for error in changed] == ["release-changed"]
    missing = diagnostics.catch(lambda: release.read(tmp_path, "0" * 12))
    assert [re.sub("[0-9a-f]{12}", "ID", str(error)) for error in (*changed, *missing)] == wording


def test_a_pinned_stack_deploys_the_release_and_not_the_working_tree(tmp_path: Path) -> None:
    pinned = pin_release(tmp_path)
    environment = load_prod(tmp_path, PROD + OVERLAY)  # There is no folder app/.
    assert environment.release
    assert environment.release.id == pinned.id
    assert encode.to_plain(environment.base) == encode.to_plain(pinned.application)
    web = environment.app.services[0]
    assert (web.name, web.scale.min, web.env["TITLE"]) == ("web", 3, "Prod")
    for registry_, repository in ((None, "registry.example.com/team"), ("other:5000", "other:5000")):
        images = inputs.resolve_release_images(environment.release, registry_)
        assert images["web"].reference == f"{repository}/shop/web@{DIGEST}"
    assert [job.name for job in environment.app.jobs] == ["migrate"]


def test_after_a_rollback_the_jobs_of_the_release_are_left_out(tmp_path: Path) -> None:
    pinned = pin_release(tmp_path, is_rollback=True)
    environment = load_prod(tmp_path)
    assert environment.app.jobs == ()
    assert encode.to_plain(environment.base) == encode.to_plain(pinned.application)


def test_a_secret_may_be_set_before_the_release_that_needs_it(tmp_path: Path) -> None:
    pin_release(tmp_path)
    environment = load_prod(tmp_path, PROD + "  seaway:secrets: {LATER: {secure: v1:x}}\n")
    assert environment.secret_names == {"LATER"}


def test_after_a_rollback_newer_configuration_is_ignored(tmp_path: Path) -> None:
    """The overlay may change services that the older release does not have, and waivers may have expired."""
    pinned = pin_release(tmp_path, is_rollback=True)
    overlay = "  seaway:overlay: {services: {newer: {scale: 3}, web: {scale: 4}}}\n"
    waivers = "  seaway:waivers: {IMG-01: {workloads: [newer], reason: r, owner: o, until: 2020-01-01}}\n"
    (tmp_path / "Pulumi.prod.yaml").write_text(PROD + overlay + waivers)
    config = stack_file.read_config(tmp_path / "Pulumi.prod.yaml")
    arguments: dict[str, Any] = {"folder": tmp_path, "stack": "prod", "check_ids": all_checks.IDS}
    arguments["today"] = datetime.date(2026, 1, 1)
    web = environments.read_environment(config, **arguments).app.services[0]
    assert (web.name, web.scale.min) == ("web", 4)
    release_lock.write(tmp_path, "prod", release_lock.Lock(release=pinned.id))
    errors = diagnostics.catch(lambda: environments.read_environment(config, **arguments))
    assert [error.path for error in errors] == [
        "seaway:overlay.services.newer",
        "seaway:waivers.IMG-01.workloads",
        "seaway:waivers.IMG-01.until",
    ]


def test_a_proposed_pin_is_read_before_it_is_written(tmp_path: Path) -> None:
    pinned = create_release()
    proposed = environments.ProposedPin(stack_lock=release_lock.Lock(release=pinned.id), release=pinned)
    arguments: dict[str, Any] = {"folder": tmp_path, "stack": "prod", "check_ids": (), "proposed_pin": proposed}
    config = stack_file.parse_config({"context": "prod", "build": "false"}, "Pulumi.prod.yaml")
    environment = environments.read_environment(config, **arguments)
    assert (environment.release, environment.lock) == (pinned, proposed.stack_lock)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "Pulumi.prod.yaml").write_text(PROD + "  seaway:overlay: {services: {web: {port: no}}}\n")
    config = stack_file.read_config(tmp_path / "Pulumi.prod.yaml")
    (error,) = diagnostics.catch(lambda: environments.read_environment(config, **arguments))
    assert (str(error.location), error.path) == ("Pulumi.prod.yaml:4:37", "services.web.port")


def test_errors_of_a_pinned_stack(tmp_path: Path, wording: Any) -> None:
    errors = diagnostics.catch(lambda: load_prod(tmp_path))
    pin_release(tmp_path)
    for overlay in ("{services: {shop: {scale: 3}}}", "{services: {web: {files: {/etc/a: ./a}}}}", "{web: {}}"):
        text = f"{PROD}  seaway:overlay: {overlay}\n"
        errors += diagnostics.catch(lambda text=text: load_prod(tmp_path, text))
    assert [f"{error.location}: {error.path}" for error in errors] == [
        "environments/prod.lock.yaml: release",
        "Pulumi.prod.yaml:4:31: seaway:overlay.services.shop",
        "Pulumi.prod.yaml:4:45: services.web.files./etc/a",
        "Pulumi.prod.yaml:4:20: seaway:overlay.web",
    ]
    assert [error.code for error in errors if error.code != errors[2].code] == [
        "no-release-pinned",
        "unknown-workload",
        "unknown-key",
    ]
    assert list(map(str, errors)) == wording


def test_lock_files_are_strict(tmp_path: Path) -> None:
    assert release_lock.read(tmp_path, "prod") == release_lock.Lock()
    path = write_lock(tmp_path, "release: 1\nheld: {2: {because: x}}\n")
    (error,) = diagnostics.catch(lambda: release_lock.read(tmp_path, "prod"))
    assert (str(error.location), error.path) == ("environments/prod.lock.yaml:2:11", "held.2.since")
    release_lock.write(tmp_path, "prod", release_lock.Lock())
    assert not path.exists()


def test_ids_may_look_like_numbers(tmp_path: Path) -> None:
    for release_id in ("123456789012", "12345678e012", "000000000000"):
        held = (release_lock.HeldRelease(release_id, because="x", since="y"),)
        lock = release_lock.Lock(release=release_id, sha256="0" * 64, held=held)
        release_lock.write(tmp_path, "prod", lock)
        assert release_lock.read(tmp_path, "prod") == lock, yaml_writer.format_yaml(encode.to_plain(lock))


def test_the_examples_in_the_documentation_are_valid(tmp_path: Path) -> None:
    text = (golden.ROOT / "docs" / "environments.md").read_text()
    prod, *_, lock_text = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "Pulumi.prod.yaml").write_text(prod)
    decoded = stack_file.decode_settings(stack_file.read_config(tmp_path / "Pulumi.prod.yaml"), "prod")
    assert decoded.promotion
    assert (decoded.build, decoded.promotion.from_) == (False, "staging")
    write_lock(tmp_path, lock_text)
    lock = release_lock.read(tmp_path, "prod")
    assert (lock.is_rollback, [held.release for held in lock.held]) == (True, ["1f0c5e6a7b42"])
    release_lock.write(tmp_path, "prod", lock)
    assert release_lock.read(tmp_path, "prod") == lock


@pytest.mark.parametrize(
    ("old", "new"),
    [("sha256:a", "sha256:b"), ("registry.example.com", "evil.example.com"), ("revision: ", "revision: x")],
)
def test_a_changed_release_file_is_detected(tmp_path: Path, old: str, new: str) -> None:
    """Digest, repository and provenance are not part of the id, but of the checksum."""
    path = release.get_path(tmp_path, pin_release(tmp_path).id)
    assert load_prod(tmp_path).release
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    errors = diagnostics.catch(lambda: load_prod(tmp_path))
    assert diagnostics.summarize(errors) == [f"releases/{path.name}: : checksum-mismatch"]


def test_format_0_is_read_and_written_again_in_format_2(tmp_path: Path) -> None:
    """Format 0 has no number, and its lock file no checksum."""
    path = release.get_path(tmp_path, pin_release(tmp_path).id)
    former = migration.restore_former_keys(yaml.safe_load(path.read_text().replace("format: 2\n", "")))
    path.write_text(yaml_writer.format_yaml(former))
    file = write_lock(tmp_path, f"release: {path.stem}\n")
    environment = load_prod(tmp_path)
    assert environment.release
    assert environment.release.id == path.stem
    release_lock.write(tmp_path, "prod", release_lock.read(tmp_path, "prod"))
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    assert file.read_text().splitlines()[1:] == ["format: 2", f"release: {path.stem}", f"sha256: {checksum}"]


@pytest.mark.parametrize("number", ["3", "x", "9" * 5000])
def test_an_unknown_format(tmp_path: Path, number: str, wording: Any) -> None:
    write_lock(tmp_path, f"format: {number}\nwhat: ever\n")
    errors = diagnostics.catch(lambda: release_lock.read(tmp_path, "prod"))
    assert diagnostics.summarize(errors) == ["environments/prod.lock.yaml:1:1: format: unsupported-format"]
    assert list(map(str, errors)) == wording


def test_a_lock_file_needs_its_checksum(tmp_path: Path, wording: Any) -> None:
    pin_release(tmp_path)
    file = release_lock.get_path(tmp_path, "prod")
    write_lock(tmp_path, "".join(line for line in file.read_text().splitlines(keepends=True) if "sha256" not in line))
    errors = diagnostics.catch(lambda: load_prod(tmp_path))
    assert [(error.path, error.code) for error in errors] == [("sha256", "missing-value")]
    assert list(map(str, errors)) == wording
