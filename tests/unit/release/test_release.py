"""Releases as files, and what a stack deploys that pins one."""

import dataclasses
import datetime
import json
import re
from pathlib import Path

import pytest

from seaway.checks import registry
from seaway.manifests import inputs
from seaway.model import application, settings
from seaway.model.defaults import resolve
from seaway.project import environments, release, release_lock, stack_file
from seaway.release import hold, record
from seaway.syntax import diagnosis, encode, yaml_writer
from tests import golden

STACK = settings.Settings(stack="dev", context="work", registry="registry.example.com/team")
DIGEST = "sha256:" + "a" * 64
PROD = """config:
  seaway:context: prod
  seaway:build: false
"""
OVERLAY = "  seaway:overlay: {services: {web: {scale: 3, env: {TITLE: Prod}}}}\n"


def base() -> application.Application:
    """The example as it is written."""
    values = stack_file.parse_config(
        {"context": "work", "registry": "registry.example.com/team", "app": "examples/shop/app.yaml"}
    )
    return environments.read_environment(values, folder=golden.ROOT, stack="dev", check_ids=()).base


def made() -> release.Release:
    app = base()
    images = {
        name: release.ReleaseImage(
            content=f"ctx-{name}", repository=f"registry.example.com/team/shop/{name}", digest=DIGEST
        )
        for name in ("web", "api", "worker")
    }
    told = release.Provenance(revision="abc", dirty=True, checks={"IMG-01": "passed"})
    return release.Release(application=app, images=images, provenance=told, recorded="2026-01-01T00:00:00Z")


def stack(folder: Path, text: str = PROD, name: str = "prod") -> environments.Environment:
    (folder / f"Pulumi.{name}.yaml").write_text(text)
    return environments.load_environment(folder, name, check_ids=registry.IDS)


def told(folder: Path, text: str = PROD) -> str:
    with pytest.raises(diagnosis.InvalidInput) as caught:
        stack(folder, text)
    return str(caught.value)


def test_it_is_read_as_it_was_saved(tmp_path: Path) -> None:
    one = made()
    path = release.save_release(tmp_path, one)
    assert path == tmp_path / "releases" / f"{one.id}.yaml"
    again = release.read(tmp_path, one.id)
    assert (again.id, encode.to_plain(again)) == (one.id, encode.to_plain(one))
    assert release.list_ids(tmp_path) == [one.id]
    assert path.read_text().startswith(f"# Release {one.id} of shop. Written by Seaway, once; commit it.\n")


def test_its_id_is_of_the_application_and_the_content_of_its_images() -> None:
    one = made()
    app = one.application
    slower = dataclasses.replace(app, services=(dataclasses.replace(app.services[0], user=4711), *app.services[1:]))
    rebuilt = {**one.images, "web": dataclasses.replace(one.images["web"], content="ctx-2")}
    moved = {name: dataclasses.replace(each, repository="other/shop/x") for name, each in one.images.items()}
    assert dataclasses.replace(one, application=slower).id != one.id
    assert dataclasses.replace(one, images=rebuilt).id != one.id
    assert dataclasses.replace(one, images=moved, provenance=release.Provenance(), recorded=None).id == one.id


def test_the_record_of_an_environment_has_the_id_of_the_release() -> None:
    app = base()
    images, secrets = golden.make_inputs(resolve.resolve_application(app))
    here = record.ReleaseRecord.create(resolve.resolve_application(app), STACK, images, secrets, base=app)
    bigger = dataclasses.replace(app.services[0], user=4711)
    there = record.ReleaseRecord.create(
        dataclasses.replace(app, services=(bigger, *app.services[1:])), STACK, images, secrets, base=app
    )
    assert here.id != there.id
    assert here.release_id == there.release_id == here.id.partition("-")[0]
    one = there.build_release(release.Provenance(), "2026-01-01T00:00:00Z")
    assert one.application == app
    assert one.id == there.release_id
    again = record.ReleaseRecord.decode(encode.to_node(there.to_plain(), diagnosis.SourceLocation("record")))
    assert encode.to_plain(again.base) == encode.to_plain(app)
    assert again.app.services[0].user == 4711


def test_a_saved_release_never_changes(tmp_path: Path) -> None:
    one = made()
    path = release.save_release(tmp_path, one)
    before = path.read_text()
    release.save_release(tmp_path, dataclasses.replace(one, provenance=release.Provenance(revision="later")))
    assert path.read_text() == before
    other = {**one.images, "web": dataclasses.replace(one.images["web"], digest="sha256:" + "b" * 64)}
    with pytest.raises(diagnosis.InvalidInput) as caught:
        release.save_release(tmp_path, dataclasses.replace(one, images=other))
    assert str(caught.value) == (
        f"releases/{one.id}.yaml: release {one.id} has another image of web here than where it runs;"
        " a release never changes: promote the one in the file, or remove it if it was never deployed"
    )


def test_another_repository_is_another_image_unless_a_lock_file_vouches(tmp_path: Path) -> None:
    """A stack with a registry of its own has it elsewhere, and pins the file as it is."""
    one = made()
    path = release.save_release(tmp_path, one)
    moved = {name: dataclasses.replace(image, repository=f"other/{name}") for name, image in one.images.items()}
    other = dataclasses.replace(one, images=moved)
    with pytest.raises(diagnosis.InvalidInput, match="has another image of "):
        release.save_release(tmp_path, other)
    assert release.save_release(tmp_path, other, release_lock.hash_bytes(path.read_bytes())) == path
    with pytest.raises(diagnosis.InvalidInput, match="was changed after it was pinned"):
        release.save_release(tmp_path, one, "0" * 64)


HOSTILE = ("../../Pulumi.prod", "/etc/passwd", "a/b", "..", "", "A", "x" * 300, "a-b-c", "a\nb")


@pytest.mark.parametrize("id_", HOSTILE)
def test_an_id_is_no_path(tmp_path: Path, id_: str) -> None:
    """A branch writes lock files: what they name must not lead out of releases/."""
    with pytest.raises(diagnosis.InvalidInput, match="is not the id of a release"):
        release_lock.get_release_path(tmp_path, id_)
    file = release_lock.get_path(tmp_path, "dev")
    file.parent.mkdir()
    quoted = json.dumps(id_)
    hold = f"{{release: {quoted}, held: a, because: b, since: c}}"
    held = f"{{{quoted}: {{because: b, since: c}}}}"
    texts = [f"instead: {hold}", f"instead: {{release: a, held: {quoted}, because: b, since: c}}", f"held: {held}"]
    for text in [*texts, *([f"release: {quoted}"] if id_ else [])]:
        file.write_text(f"{text}\n")
        with pytest.raises(diagnosis.InvalidInput):
            release_lock.read(tmp_path, "dev")


def test_a_hold_of_a_branch_deletes_no_file(tmp_path: Path) -> None:
    victim = tmp_path / "Pulumi.prod.yaml"
    victim.write_text("config: {}\n")
    (tmp_path / "releases").mkdir()
    file = release_lock.get_path(tmp_path, "dev")
    file.parent.mkdir()
    file.write_text("instead: {release: ../Pulumi.prod, held: a, because: b, since: c}\n")
    with pytest.raises(diagnosis.InvalidInput, match="is not the id of a release"):
        hold.remove_fallback(tmp_path, "dev")
    assert victim.exists()


def test_a_lock_whose_release_is_missing_stays_readable(tmp_path: Path) -> None:
    file = release_lock.get_path(tmp_path, "prod")
    file.parent.mkdir()
    file.write_text("release: 0123456789ab\nheld: {abcdef: {because: b, since: c}}\n")
    said = release_lock.read(tmp_path, "prod")
    release_lock.write(tmp_path, "prod", said)
    assert release_lock.read(tmp_path, "prod") == said


def test_a_file_that_was_changed_by_hand_is_found_out(tmp_path: Path) -> None:
    one = made()
    path = release.save_release(tmp_path, one)
    path.write_text(path.read_text().replace("ctx-web", "ctx-bad"))
    with pytest.raises(diagnosis.InvalidInput) as caught:
        release.read(tmp_path, one.id)
    assert "its content is that of release " in str(caught.value)
    assert "it was changed by hand: take it from git, or seaway release save --stack <stack>" in str(caught.value)
    with pytest.raises(diagnosis.InvalidInput) as caught:
        release.read(tmp_path, "0" * 12)
    assert str(caught.value) == (
        "releases/000000000000.yaml: cannot be read (No such file or directory); take it from git, or from where it"
        " runs: seaway release save --stack <stack>"
    )


def test_a_pinned_stack_deploys_the_release_and_not_the_working_tree(tmp_path: Path) -> None:
    one = made()
    release.save_release(tmp_path, one)
    release_lock.write(tmp_path, "prod", release_lock.Lock(release=one.id))
    found = stack(tmp_path, PROD + OVERLAY)  # there is no app/ at all
    assert found.release
    assert found.release.id == one.id
    assert encode.to_plain(found.base) == encode.to_plain(one.application)
    web = found.app.services[0]
    assert (web.name, web.scale.min, web.env["TITLE"]) == ("web", 3, "Prod")
    assert (
        inputs.resolve_release_images(found.release, None)["web"].reference
        == f"registry.example.com/team/shop/web@{DIGEST}"
    )
    assert (
        inputs.resolve_release_images(found.release, "other:5000")["web"].reference == f"other:5000/shop/web@{DIGEST}"
    )
    assert [job.name for job in found.app.jobs] == ["migrate"]


def test_after_a_rollback_the_jobs_before_the_rollout_are_left_out(tmp_path: Path) -> None:
    one = made()
    release.save_release(tmp_path, one)
    release_lock.write(tmp_path, "prod", release_lock.Lock(release=one.id, is_rollback=True))
    found = stack(tmp_path)
    assert found.app.jobs == ()
    assert encode.to_plain(found.base) == encode.to_plain(one.application)


def test_a_secret_may_be_there_before_the_release_that_needs_it(tmp_path: Path) -> None:
    one = made()
    release.save_release(tmp_path, one)
    release_lock.write(tmp_path, "prod", release_lock.Lock(release=one.id))
    assert stack(tmp_path, PROD + "  seaway:secrets: {LATER: {secure: v1:x}}\n").release


def test_after_a_rollback_what_is_newer_is_not_in_the_way(tmp_path: Path) -> None:
    """What today's file says of a service that the older release does not have is left out, and a waiver may be old."""
    one = made()
    release.save_release(tmp_path, one)
    overlay = "  seaway:overlay: {services: {newer: {scale: 3}, web: {scale: 4}}}\n"
    waivers = "  seaway:waivers: {IMG-01: {workloads: [newer], reason: r, owner: o, until: 2020-01-01}}\n"
    (tmp_path / "Pulumi.prod.yaml").write_text(PROD + overlay + waivers)
    values = stack_file.read_config(tmp_path / "Pulumi.prod.yaml")
    today = datetime.date(2026, 1, 1)
    release_lock.write(tmp_path, "prod", release_lock.Lock(release=one.id, is_rollback=True))
    found = environments.read_environment(values, folder=tmp_path, stack="prod", today=today, check_ids=registry.IDS)
    assert next((each.name, each.scale.min) for each in found.app.services) == ("web", 4)
    release_lock.write(tmp_path, "prod", release_lock.Lock(release=one.id))
    with pytest.raises(diagnosis.InvalidInput) as caught:
        environments.read_environment(values, folder=tmp_path, stack="prod", today=today, check_ids=registry.IDS)
    assert [each.path for each in caught.value.diagnostics] == [
        "seaway:overlay.services.newer",
        "seaway:waivers.IMG-01.workloads",
        "seaway:waivers.IMG-01.until",
    ]


def test_what_would_be_pinned_is_read_before_it_is_written(tmp_path: Path) -> None:
    one = made()
    values = stack_file.parse_config({"context": "prod", "build": "false"}, "Pulumi.prod.yaml")
    planned = environments.ProposedPin(stack_lock=release_lock.Lock(release=one.id), release=one)
    found = environments.read_environment(
        values, folder=tmp_path, stack="prod", proposed_pin=planned, check_ids=registry.IDS
    )
    assert (found.release, found.lock) == (one, planned.stack_lock)
    assert list(tmp_path.iterdir()) == []
    more = "config:\n  seaway:context: prod\n  seaway:build: false\n  seaway:overlay: {services: {web: {port: no}}}\n"
    (tmp_path / "Pulumi.prod.yaml").write_text(more)
    values = stack_file.read_config(tmp_path / "Pulumi.prod.yaml")
    with pytest.raises(diagnosis.InvalidInput, match=r"Pulumi.prod.yaml:4:37: services.web.port: "):
        environments.read_environment(
            values, folder=tmp_path, stack="prod", proposed_pin=planned, check_ids=registry.IDS
        )


def test_what_is_wrong_with_a_pinned_stack(tmp_path: Path) -> None:
    assert told(tmp_path) == (
        "environments/prod.lock.yaml: release: stack prod builds nothing (seaway:build is false) and no release is"
        " pinned for it; give it one: seaway release promote <from> prod"
    )
    one = made()
    release.save_release(tmp_path, one)
    release_lock.write(tmp_path, "prod", release_lock.Lock(release=one.id))
    assert told(tmp_path, PROD + "  seaway:overlay: {services: {shop: {scale: 3}}}\n") == (
        "Pulumi.prod.yaml:4:31: seaway:overlay.services.shop: the application has no such service;"
        " there are: web, api, worker"
    )
    files = "  seaway:overlay: {services: {web: {files: {/etc/a: ./a}}}}\n"
    assert told(tmp_path, PROD + files) == (
        'Pulumi.prod.yaml:4:45: services.web.files./etc/a: "./a" is a file of the working tree, and this stack deploys'
        " a release; write its text here: {content: ...}"
    )


def test_lock_files_are_strict(tmp_path: Path) -> None:
    assert release_lock.read(tmp_path, "prod") == release_lock.Lock()
    path = release_lock.get_path(tmp_path, "prod")
    path.parent.mkdir()
    path.write_text("release: 1\nheld: {2: {because: x}}\n")
    with pytest.raises(diagnosis.InvalidInput) as caught:
        release_lock.read(tmp_path, "prod")
    assert str(caught.value) == (
        "environments/prod.lock.yaml:2:11: held.2.since: is missing; add `since:`, RFC 3339, in UTC"
    )
    release_lock.write(tmp_path, "prod", release_lock.Lock())
    assert not path.exists()


def test_ids_may_look_like_numbers(tmp_path: Path) -> None:
    for id_ in ("123456789012", "12345678e012", "000000000000"):
        said = release_lock.Lock(
            release=id_, sha256="0" * 64, held=(release_lock.HeldRelease(id_, because="x", since="y"),)
        )
        release_lock.write(tmp_path, "prod", said)
        assert release_lock.read(tmp_path, "prod") == said, yaml_writer.format_yaml(encode.to_plain(said))


def test_the_examples_of_the_documentation_are_files(tmp_path: Path) -> None:
    text = (golden.ROOT / "docs" / "environments.md").read_text()
    prod, *_, said = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "Pulumi.prod.yaml").write_text(prod)
    decoded = stack_file.decode_settings(stack_file.read_config(tmp_path / "Pulumi.prod.yaml"), "prod")
    assert (decoded.build, decoded.promotes_from) == (False, "staging")
    path = release_lock.get_path(tmp_path, "prod")
    path.parent.mkdir()
    path.write_text(said)
    found = release_lock.read(tmp_path, "prod")
    assert (found.is_rollback, [one.release for one in found.held]) == (True, ["1f0c5e6a7b42"])
    release_lock.write(tmp_path, "prod", found)
    assert release_lock.read(tmp_path, "prod") == found


def pinned_file(folder: Path) -> Path:
    """The file of a release that prod pins."""
    (folder / "Pulumi.prod.yaml").write_text(PROD)
    one = made()
    release_lock.write(folder, "prod", release_lock.Lock(release=release.save_release(folder, one).stem))
    return release.get_path(folder, one.id)


@pytest.mark.parametrize(
    ("old", "new"),
    [("sha256:a", "sha256:b"), ("registry.example.com", "evil.example.com"), ("revision: ", "revision: x")],
)
def test_a_changed_release_file_is_found_out(tmp_path: Path, old: str, new: str) -> None:
    """Neither digest nor repository nor provenance is part of its id."""
    path = pinned_file(tmp_path)
    assert environments.load_environment(tmp_path, "prod", check_ids=registry.IDS).release
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(diagnosis.InvalidInput) as caught:
        environments.load_environment(tmp_path, "prod", check_ids=registry.IDS)
    assert str(caught.value).startswith(f"releases/{path.name}: was changed after it was pinned: its SHA-256 is ")
    assert "take it from git" in str(caught.value)


def test_files_of_the_first_format_are_read(tmp_path: Path) -> None:
    """They have no number, and the lock file no checksum; what is written again has both."""
    path = pinned_file(tmp_path)
    path.write_text(path.read_text().replace("format: 2\n", ""))
    file = release_lock.get_path(tmp_path, "prod")
    file.write_text(f"release: {path.stem}\n")
    one = environments.load_environment(tmp_path, "prod", check_ids=registry.IDS)
    assert one.release
    assert one.release.id == path.stem
    release_lock.write(tmp_path, "prod", release_lock.read(tmp_path, "prod"))
    assert file.read_text().splitlines()[1:] == [
        "format: 2",
        f"release: {path.stem}",
        f"sha256: {release_lock.hash_bytes(path.read_bytes())}",
    ]


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("3", "format 3 is newer than this version of Seaway; upgrade Seaway; this version reads formats 0 to 2"),
        ("x", "format x does not exist; take the file from git again"),
        ("9" * 5000, f"format {'9' * 20} does not exist; take the file from git again"),
    ],
)
def test_a_format_that_is_not_known(tmp_path: Path, number: str, told: str) -> None:
    file = release_lock.get_path(tmp_path, "prod")
    file.parent.mkdir()
    file.write_text(f"format: {number}\nwhat: ever\n")
    with pytest.raises(diagnosis.InvalidInput) as caught:
        release_lock.read(tmp_path, "prod")
    assert str(caught.value) == f"environments/prod.lock.yaml:1:1: format: {told}"


def test_a_lock_file_without_its_checksum(tmp_path: Path) -> None:
    pinned_file(tmp_path)
    file = release_lock.get_path(tmp_path, "prod")
    file.write_text("\n".join(line for line in file.read_text().splitlines() if "sha256" not in line) + "\n")
    with pytest.raises(
        diagnosis.InvalidInput, match="sha256: is missing; take it from git again, or pin the release again"
    ):
        environments.load_environment(tmp_path, "prod", check_ids=registry.IDS)
