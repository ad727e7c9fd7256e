"""`seaway release list` and `seaway release save`: what there is, in files and in clusters."""

import json
from pathlib import Path

import pytest

from seaway.cli import main
from seaway.project import release, release_lock
from seaway.release import record
from tests.support import apiserver
from tests.unit.cli import conftest, environments, program

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def shop(checkout: Path) -> Path:
    return environments.prepare_shop(checkout)


@pytest.fixture
def first(shop: Path, api: apiserver.ApiServer) -> record.ReleaseRecord:
    """Runs in dev."""
    return environments.deploy_record(
        api, environments.build_record(shop, "dev"), provenance=environments.build_dirty_provenance()
    )


def listed(capfd: Captured, *words: str) -> tuple[list[list[str]], list[str]]:
    """The rows of the table as words, and what stands on stderr."""
    capfd.readouterr()
    assert main.main(["release", "list", *words]) == 0
    output = capfd.readouterr()
    return [row.split() for row in output.out.splitlines()], output.err.splitlines()


def test_releases_of_files_and_clusters(shop: Path, api: apiserver.ApiServer, capfd: Captured) -> None:
    first_record = environments.deploy_record(
        api, environments.build_record(shop, "dev"), provenance=environments.build_dirty_provenance()
    )
    assert main.main(["release", "promote", "dev", "staging"]) == 0
    environments.deploy_record(api, environments.build_record(shop, "staging"))
    environments.replace_in_app(shop, "env: {TITLE: Shop}", "env: {TITLE: New}")
    new = environments.build_record(shop, "dev", version="2")
    environments.deploy_record(api, new, before=first_record, time="2026-02-02T00:00:00Z")
    held = release_lock.HeldRelease("0123456789ab", because="web: no such image", since=environments.TIME)
    release_lock.write(shop, "prod", release_lock.Lock(release=first_record.release_id, held=(held,)))
    rows, err = listed(capfd)
    assert err == []
    assert rows == [
        ["RELEASE", "WHEN", "SOURCE", "FILE", "PINNED", "BY", "RUNS", "IN", "HELD"],
        f"{new.release_id} 2026-02-02T00:00:00Z 4b825dc642cb - - dev -".split(),
        f"{first_record.release_id} {environments.TIME} 4b825dc642cb (dirty) yes prod, staging staging -".split(),
        ["0123456789ab", "-", "-", "-", "-", "-", "prod:", "web:", "no", "such", "image"],
    ]
    assert main.main(["release", "list", "--json", "--stack", "dev"]) == 0
    printed = json.loads(capfd.readouterr().out)
    assert printed["unknown"] == {}
    assert printed["releases"][1] == {
        "id": first_record.release_id,
        "recorded": environments.TIME,
        "revision": environments.CLEAN.revision,
        "dirty": True,
        "file": True,
        "pinned": ["prod", "staging"],
        "runs": [],
        "healthy": ["dev"],
        "held": {},
    }
    assert printed["releases"][2]["held"] == {"prod": "web: no such image"}


def test_a_cluster_that_is_away(
    shop: Path, first: record.ReleaseRecord, api: apiserver.ApiServer, capfd: Captured
) -> None:
    """The files tell what they can."""
    assert main.main(["release", "save", "--stack", "dev"]) == 0
    api.stop()
    rows, err = listed(capfd, "--stack", "dev")
    assert rows[1:] == [[first.release_id, environments.TIME, "4b825dc642cb", "(dirty)", "yes", "-", "-", "-"]]
    (line,) = err
    assert line.startswith("seaway: stack dev: ")
    _, err = listed(capfd)
    assert [line.split(": ")[1] for line in err] == ["stack dev", "stack prod", "stack staging"]


def test_no_release_yet(shop: Path, capfd: Captured, wording: list[str]) -> None:
    rows, _ = listed(capfd, "--stack", "dev")
    assert [" ".join(rows[0])] == wording


def test_no_such_stack(shop: Path, seaway: conftest.Seaway, wording: list[str]) -> None:
    assert seaway("release", "list", "--stack", "nowhere", code=2).err.splitlines() == wording


def test_the_deployed_release_is_saved_once(shop: Path, first: record.ReleaseRecord, seaway: conftest.Seaway) -> None:
    assert (
        seaway("release", "save", "--stack", "dev").out == f"releases/{first.release_id}.yaml is written; commit it\n"
    )
    saved = release.read(shop, first.release_id)
    assert (saved.provenance, saved.recorded) == (environments.build_dirty_provenance(), environments.TIME)
    text = release.get_path(shop, first.release_id).read_text()
    assert (
        seaway("release", "save", "--stack", "dev").out == f"releases/{first.release_id}.yaml exists: nothing to do\n"
    )
    assert release.get_path(shop, first.release_id).read_text() == text


def test_nothing_runs_that_could_be_saved(shop: Path, seaway: conftest.Seaway, wording: list[str]) -> None:
    program.install_pulumi(Path.cwd())
    assert seaway("release", "save", "--stack", "dev", code=1).err.splitlines() == wording


@pytest.mark.parametrize(("size", "revision"), [(1000, "4b825dc"), (200_000, "-")])
def test_a_big_origin_of_a_forged_record_is_not_decoded(
    shop: Path, api: apiserver.ApiServer, capfd: Captured, size: int, revision: str
) -> None:
    """Decoding 900 kB took half a minute, for each record that somebody wrote into the namespace."""
    deployed = environments.build_record(shop, "dev")
    origin = release.Provenance(revision="4b825dc", checks={"SEC-01": "x" * size})
    environments.store_record(api, deployed, provenance=origin)
    assert [row[2] for row in listed(capfd)[0][1:]] == [revision]
