"""`seaway diff`: two stacks of a checkout, from their files alone."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import pytest

from seaway.checks import all_checks
from seaway.cli import main
from seaway.project import environments, release, release_lock
from tests import golden
from tests.unit.cli import conftest
from tests.unit.cli import environments as fakes

DEV = "seaway:context: work\n  seaway:registry: registry.example.com/team\n  seaway:secrets: {KEY: {secure: v1:x}}"
PROD = f"""{DEV.replace("work", "production")}
  seaway:publish: loadBalancer
  seaway:overlay: {{services: {{web: {{scale: 4, env: {{TITLE: '[Prod]'}}}}}}}}
"""


@pytest.fixture
def shop(checkout: Path) -> Path:
    """A checkout of examples/shop with the stacks dev and prod, where nothing but files can be had."""
    shutil.rmtree(checkout / "app")
    shutil.copytree(golden.ROOT / "examples" / "shop", checkout / "app")
    file = checkout / "app" / "app.yaml"
    file.write_text(file.read_text().replace("  worker:\n", "  worker:\n    secrets: [KEY]\n", 1))
    (checkout / "Pulumi.dev.yaml").write_text(f"config:\n  {DEV}\n")
    (checkout / "Pulumi.prod.yaml").write_text(f"config:\n  {PROD}")
    (checkout / "kubeconfig").unlink()
    return checkout


def table(capsys: pytest.CaptureFixture[str]) -> tuple[str, list[list[str]]]:
    """The line above the table that was printed, and its rows as words."""
    heading, *rows = capsys.readouterr().out.splitlines()
    return heading, [row.split() for row in rows]


def differences(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str, object, object]]:
    """What ``--json`` printed."""
    rows = json.loads(capsys.readouterr().out)["differences"]
    return [(row["part"], row["field"], row["left"], row["right"]) for row in rows]


def pinned(shop: Path, stack: str) -> release.Release:
    """What dev would deploy, pinned for another stack."""
    base = environments.load_environment(shop, "dev", check_ids=all_checks.IDS).base
    images = {
        name: release.ReleaseImage.parse(f"registry.example.com/shop/{name}@sha256:{'1' * 64}", f"ctx-{name}")
        for name in ("web", "api", "worker")
    }
    came = release.Provenance(revision="4b825dc", dirty=True)
    pinned_release = release.Release(application=base, images=images, provenance=came)
    release.save_release(shop, pinned_release)
    held = release_lock.HeldRelease("0123456789ab", because="web: no such image", since="2026-01-02T03:04:05Z")
    release_lock.write(shop, stack, release_lock.Lock(release=pinned_release.id, held=(held,)))
    file = shop / f"Pulumi.{stack}.yaml"
    file.write_text(file.read_text() + "\n  seaway:build: false\n  seaway:promotion: {from: dev}\n")
    return pinned_release


def test_a_table_of_differences(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["diff", "dev", "prod", "--exit-code"]) == 1
    heading, rows = table(capsys)
    assert re.fullmatch(r"shop · stack dev and stack prod · 4 differences, \d+ fields equal", heading)
    assert rows == [
        ["PART", "FIELD", "dev", "prod"],
        ["services.web", "env.TITLE", "Shop", "[Prod]"],
        ["services.web", "scale.min", "2", "4"],
        ["settings", "context", "work", "production"],
        ["settings", "publish", "none", "loadBalancer"],
    ]


def test_nothing_differs(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["diff", "dev", "dev", "--exit-code"]) == 0
    heading, rows = table(capsys)
    assert re.fullmatch(r"shop · stack dev and stack dev · no differences, \d+ fields equal", heading)
    assert rows == []


def test_json_has_values_and_not_texts(shop: Path, seaway: conftest.Seaway) -> None:
    document = json.loads(seaway("diff", "prod", "dev", "--json").out)
    assert list(document) == ["app", "left", "right", "differences", "equal"]
    assert (document["app"], document["left"], document["right"]) == ("shop", "prod", "dev")
    assert {"part": "services.web", "field": "scale.min", "left": 4, "right": 2} in document["differences"]


def test_secret_values_are_neither_needed_nor_printed(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = shop / "Pulumi.prod.yaml"
    file.write_text(file.read_text() + "\n  seaway:secrets: {KEY: {secure: v1:y}, POSTGRES_PASSWORD: {secure: v1:z}}\n")
    file.write_text(file.read_text().replace("  seaway:secrets: {KEY: {secure: v1:x}}\n", "", 1))
    assert main.main(["diff", "dev", "prod", "--json"]) == 0
    secrets = [row for row in differences(capsys) if "secrets" in row[1]]
    assert secrets == [
        (part, "secrets.POSTGRES_PASSWORD", "generated, 32 characters", "set")
        for part in ("services.api", "stores.db", "jobs.migrate")
    ]


def test_a_pinned_stack_is_compared_by_its_release(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pinned_release = pinned(shop, "prod")
    assert main.main(["diff", "dev", "prod", "--json"]) == 0
    rows = differences(capsys)
    (id_, source, held) = [row for row in rows if row[0] == "release"]
    assert id_[3] == pinned_release.id != id_[2]
    assert source[2:] == ("the working tree", "commit 4b825dc, with uncommitted changes")
    assert held == ("release", "held.0123456789ab", None, "web: no such image")
    ((_, _, tag, recorded),) = [row for row in rows if row[:2] == ("services.web", "image")]
    assert tag.startswith("ctx-")
    assert recorded == "ctx-web"
    assert ("settings", "promotion.from", None, "dev") in rows


def test_rollback_and_fallback_of_a_lock_file(
    shop: Path, capsys: pytest.CaptureFixture[str], wording: list[str]
) -> None:
    pinned_release = pinned(shop, "prod")
    hold = release_lock.Fallback(
        release=f"{pinned_release.id}-111111",
        sha256="0" * 64,
        held=f"{pinned_release.id}-222222",
        because="web: no room",
        since="2026-01-02",
    )
    release_lock.write(shop, "prod", release_lock.Lock(release=pinned_release.id, is_rollback=True, fallback=hold))
    assert main.main(["diff", "dev", "prod", "--json"]) == 0
    rows = [": ".join(map(str, row)) for row in differences(capsys) if row[0] == "release"]
    assert fakes.hide_ids(rows) == wording


def test_a_release_without_a_commit(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pinned_release = pinned(shop, "prod")
    release.get_path(shop, pinned_release.id).unlink()
    release.save_release(shop, dataclasses.replace(pinned_release, provenance=release.Provenance()))
    release_lock.write(shop, "prod", release_lock.Lock(release=pinned_release.id))
    assert main.main(["diff", "dev", "prod", "--json"]) == 0
    assert ("release", "source", "the working tree", None) in differences(capsys)


def test_two_stacks_with_the_same_release(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(shop / "Pulumi.prod.yaml", shop / "Pulumi.staging.yaml")
    pinned(shop, "staging")
    pinned(shop, "prod")
    # The working tree is not looked at.
    shutil.rmtree(shop / "app")
    assert main.main(["diff", "staging", "prod"]) == 0
    heading, _ = table(capsys)
    assert "no differences" in heading


def test_a_single_difference_is_singular(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(shop / "Pulumi.dev.yaml", shop / "Pulumi.next.yaml")
    file = shop / "Pulumi.next.yaml"
    file.write_text(file.read_text().replace("context: work", "context: next"))
    assert main.main(["diff", "dev", "next"]) == 0
    heading, _ = table(capsys)
    assert "· 1 difference, " in heading


def test_an_unknown_stack_lists_the_known_stacks(shop: Path, seaway: conftest.Seaway, wording: list[str]) -> None:
    assert seaway("diff", "dev", "pord", code=2).err.splitlines() == wording


def test_the_errors_of_both_stacks_are_reported_together(shop: Path, seaway: conftest.Seaway) -> None:
    file = shop / "Pulumi.prod.yaml"
    file.write_text(file.read_text().replace("loadBalancer", "everywhere"))
    first, second = seaway("diff", "staging", "prod", code=2).err.splitlines()
    assert 'seaway:publish: "everywhere"' in first
    assert second.startswith("Pulumi.staging.yaml: ")


def test_an_error_of_both_stacks_is_reported_once(shop: Path, seaway: conftest.Seaway) -> None:
    (shop / "app" / "web" / "Dockerfile").unlink()
    (line,) = seaway("diff", "dev", "prod", code=2).err.splitlines()
    assert "Dockerfile" in line
