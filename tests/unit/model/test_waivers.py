# ruff: noqa: E501 - a message stands in one line, as it is printed
"""Waivers in a stack's file: what is wrong with them is told with its line, when the stack is loaded."""

import datetime
from pathlib import Path

import pytest

from seaway.model import settings
from seaway.model.validate import waivers
from seaway.project import environments, stack_file
from seaway.syntax import diagnosis

APP = "name: shop\nservices:\n  web: {image: nginx, port: 80}\nstores:\n  db: {image: db, port: 1, volume: {path: /d, size: 1Gi}}\n"
HEAD = "config:\n  seaway:context: c\n  seaway:waivers:\n"
TODAY = datetime.date(2026, 6, 30)
CHECKS = ("IMG-01", "IMG-02", "SEC-01")


def body(**said: str) -> str:
    given = {"of": "[db]", "reason": "because", "owner": "ann", "until": "2026-12-31"} | said
    return "".join(f"      {key}: {value}\n" for key, value in given.items())


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.yaml").write_text(APP)
    return tmp_path


def read(folder: Path, text: str, today: datetime.date | None = TODAY) -> environments.Environment:
    file = folder / "Pulumi.dev.yaml"
    file.write_text(text)
    return environments.read_environment(
        stack_file.read_config(file), folder=folder, stack="dev", check_ids=CHECKS, today=today
    )


def wrong(folder: Path, text: str, today: datetime.date | None = TODAY) -> list[str]:
    with pytest.raises(diagnosis.InvalidInput) as caught:
        read(folder, text, today)
    return str(caught.value).splitlines()


@pytest.mark.parametrize("until", ["2026-06-30", "2026-12-31", "2028-02-29"])
def test_a_waiver(stack: Path, until: str) -> None:
    (one,) = read(stack, f"{HEAD}    IMG-02:\n{body(until=until)}").settings.waivers
    assert (one.check, one.workloads, one.reason, one.owner, one.until) == ("IMG-02", ("db",), "because", "ann", until)


WRONG = {
    "id": (f"{HEAD}    IMG-20:\n{body()}", 'Pulumi.dev.yaml:4:5: seaway:waivers.IMG-20: there is no check "IMG-20"; did you mean IMG-02?'),
    "small letters": (f"{HEAD}    img-01:\n{body()}", 'Pulumi.dev.yaml:4:5: seaway:waivers.img-01: there is no check "img-01"; did you mean IMG-01?'),
    "no id at all": (f"{HEAD}    latest:\n{body()}", 'Pulumi.dev.yaml:4:5: seaway:waivers.latest: there is no check "latest"; docs/checks.md has all of them'),
    "owner": (f"{HEAD}    IMG-02:\n{body(workloads='[dbs]')}", 'Pulumi.dev.yaml:5:7: seaway:waivers.IMG-02.workloads: there is no service, store or job "dbs"; did you mean db?'),
    "no reason": (f"{HEAD}    IMG-02:\n{body(reason=chr(34) * 2)}", "Pulumi.dev.yaml:6:7: seaway:waivers.IMG-02.reason: is empty; write it for who reads it in a year"),
    "nobody": (f"{HEAD}    IMG-02:\n{body(owner=chr(34) + ' ' + chr(34))}", "Pulumi.dev.yaml:7:7: seaway:waivers.IMG-02.owner: is empty; write it for who reads it in a year"),
    "day": (f"{HEAD}    IMG-02:\n{body(until='31.12.2026')}", 'Pulumi.dev.yaml:8:7: seaway:waivers.IMG-02.until: "31.12.2026" is no day; write the last day as 2026-12-31'),
    "no such day": (f"{HEAD}    IMG-02:\n{body(until='2026-02-29')}", 'Pulumi.dev.yaml:8:7: seaway:waivers.IMG-02.until: "2026-02-29" is no day; write the last day as 2026-12-31'),
    "a week": (f"{HEAD}    IMG-02:\n{body(until='2026-W53-1')}", 'Pulumi.dev.yaml:8:7: seaway:waivers.IMG-02.until: "2026-W53-1" is no day; write the last day as 2026-12-31'),
    "ended": (f"{HEAD}    IMG-02:\n{body(until='2026-06-29')}", "Pulumi.dev.yaml:8:7: seaway:waivers.IMG-02.until: the waiver ended on 2026-06-29 (ann answers for it); mend what it is for and pulumi config rm --path 'seaway:waivers.IMG-02', or agree on another last day"),
    "no day": (f"{HEAD}    IMG-02: {{reason: a, owner: b}}\n", "Pulumi.dev.yaml:4:13: seaway:waivers.IMG-02.until: is not set; pulumi config set seaway:waivers.IMG-02.until <value>"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong(stack: Path, case: str) -> None:
    text, line = WRONG[case]
    assert wrong(stack, text) == [line]


def test_without_a_day_none_has_ended(stack: Path) -> None:
    """A rollback is not refused because of a date."""
    text = f"{HEAD}    IMG-02:\n{body(until='2026-06-29')}"
    assert read(stack, text, today=None).settings.waivers[0].until == "2026-06-29"


def test_all_that_is_wrong_comes_together(stack: Path) -> None:
    found = wrong(stack, f"{HEAD}    IMG-20:\n{body(until='soon', workloads='[bd, web]')}  seaway:engine: x\n")
    assert len(found) == 1, "settings that cannot be read have no waivers"
    found = wrong(
        stack, f"{HEAD}    IMG-20:\n{body(until='soon', workloads='[bd, web]')}  seaway:secrets: {{A: {{secure: x}}}}\n"
    )
    assert [line.split(": ")[1] for line in found] == [
        "seaway:waivers.IMG-20",
        "seaway:waivers.IMG-20.workloads",
        "seaway:waivers.IMG-20.until",
        "seaway:secrets.A",
    ]


def test_what_cannot_be_read_is_not_missed(stack: Path) -> None:
    (stack / "app" / "app.yaml").write_text(APP.replace("  db: {", "  db: {prot: 1, "))
    found = wrong(stack, f"{HEAD}    IMG-02:\n{body()}")
    assert [line for line in found if "waivers" in line] == []


def test_days() -> None:
    assert waivers.parse_date("2026-06-30") == TODAY
    assert waivers.parse_date("20260630") is None


def test_a_change_that_takes_a_store_away_is_waived_by_its_name(stack: Path) -> None:
    file = stack / "Pulumi.dev.yaml"
    file.write_text(f"{HEAD}    DATA-LOSS:\n{body(workloads='[cache]')}")
    one = environments.read_environment(
        stack_file.read_config(file), folder=stack, stack="dev", check_ids=settings.POLICY_IDS, today=TODAY
    )
    assert one.settings.waivers[0].workloads == ("cache",)
