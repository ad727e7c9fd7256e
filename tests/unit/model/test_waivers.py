"""Waivers in a stack file."""

import datetime
from pathlib import Path

import pytest

from seaway.model import settings
from seaway.model.validate import waivers
from seaway.project import environments, stack_file
from seaway.syntax import diagnosis
from tests.support import diagnostics

APP = (
    "name: shop\nservices:\n  web: {image: nginx, port: 80}\n"
    "stores:\n  db: {image: db, port: 1, volume: {path: /d, size: 1Gi}}\n"
)
HEAD = "config:\n  seaway:context: c\n  seaway:waivers:\n"
TODAY = datetime.date(2026, 6, 30)
CHECKS = ("IMG-01", "IMG-02", "SEC-01")


def write_waiver(id_: str = "IMG-02", **changes: str) -> str:
    keys = {"workloads": "[db]", "reason": "because", "owner": "ann", "until": "2026-12-31"} | changes
    return f"{HEAD}    {id_}:\n" + "".join(f"      {key}: {text}\n" for key, text in keys.items())


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.yaml").write_text(APP)
    return tmp_path


def read_settings(
    folder: Path, text: str, today: datetime.date | None = TODAY, checks: tuple[str, ...] = CHECKS
) -> settings.Settings:
    file = folder / "Pulumi.dev.yaml"
    file.write_text(text)
    config = stack_file.read_config(file)
    return environments.read_environment(config, folder=folder, stack="dev", check_ids=checks, today=today).settings


def find_errors(folder: Path, text: str) -> tuple[diagnosis.Diagnostic, ...]:
    return diagnostics.catch(lambda: read_settings(folder, text))


@pytest.mark.parametrize("until", ["2026-06-30", "2026-12-31", "2028-02-29"])
def test_a_valid_waiver_is_read(stack: Path, until: str) -> None:
    assert read_settings(stack, write_waiver(until=until)).waivers == (
        settings.Waiver("IMG-02", workloads=("db",), reason="because", owner="ann", until=until),
    )


INVALID = {
    "unknown check": (write_waiver("IMG-20"), "4:5: seaway:waivers.IMG-20: unknown-check"),
    "lower case": (write_waiver("img-01"), "4:5: seaway:waivers.img-01: unknown-check"),
    "no similar id": (write_waiver("latest"), "4:5: seaway:waivers.latest: unknown-check"),
    "unknown workload": (write_waiver(workloads="[dbs]"), "5:7: seaway:waivers.IMG-02.workloads: unknown-workload"),
    "empty reason": (write_waiver(reason='""'), "6:7: seaway:waivers.IMG-02.reason: missing-value"),
    "empty owner": (write_waiver(owner='" "'), "7:7: seaway:waivers.IMG-02.owner: missing-value"),
    "invalid date": (write_waiver(until="31.12.2026"), "8:7: seaway:waivers.IMG-02.until: invalid-date"),
    "impossible date": (write_waiver(until="2026-02-29"), "8:7: seaway:waivers.IMG-02.until: invalid-date"),
    "week date": (write_waiver(until="2026-W53-1"), "8:7: seaway:waivers.IMG-02.until: invalid-date"),
    "expired": (write_waiver(until="2026-06-29"), "8:7: seaway:waivers.IMG-02.until: waiver-expired"),
    "no last day": (f"{HEAD}    IMG-02: {{reason: a, owner: b}}\n", "4:13: seaway:waivers.IMG-02.until: missing-value"),
}


@pytest.mark.parametrize("case", INVALID)
def test_an_invalid_waiver_is_reported(stack: Path, wording: object, case: str) -> None:
    text, row = INVALID[case]
    errors = find_errors(stack, text)
    assert diagnostics.summarize(errors) == [f"Pulumi.dev.yaml:{row}"]
    assert [f"{error.message}; {error.hint}" for error in errors] == wording


def test_a_rollback_accepts_expired_waivers(stack: Path) -> None:
    assert read_settings(stack, write_waiver(until="2026-06-29"), today=None).waivers[0].until == "2026-06-29"


def test_all_errors_are_reported_together(stack: Path) -> None:
    text = write_waiver("IMG-20", until="soon", workloads="[bd, web]")
    paths = ["seaway:waivers.IMG-20", "seaway:waivers.IMG-20.workloads", "seaway:waivers.IMG-20.until"]
    engine = find_errors(stack, f"{text}  seaway:engine: x\n")
    assert sorted(error.path for error in engine) == sorted([*paths, "seaway:engine"]), "other settings are checked too"
    secrets = find_errors(stack, f"{text}  seaway:secrets: {{A: {{secure: x}}}}\n")
    assert [error.path for error in secrets] == [*paths, "seaway:secrets.A"]


def test_a_workload_that_cannot_be_decoded_is_not_unknown(stack: Path) -> None:
    (stack / "app" / "app.yaml").write_text(APP.replace("  db: {", "  db: {prot: 1, "))
    assert [error.path for error in find_errors(stack, write_waiver())] == ["stores.db.prot"]


def test_dates_have_one_form() -> None:
    assert waivers.parse_date("2026-06-30") == TODAY
    assert waivers.parse_date("20260630") is None


def test_a_policy_waiver_may_name_a_removed_store(stack: Path) -> None:
    text = write_waiver("DATA-LOSS", workloads="[cache]")
    assert read_settings(stack, text, checks=settings.POLICY_IDS).waivers[0].workloads == ("cache",)
