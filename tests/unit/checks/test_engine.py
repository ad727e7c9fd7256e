"""Severity, waivers, and the formats of results."""

import dataclasses
import json
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.pages import checks as page
from dev.pages import public_checkers
from seaway.checks import all_checks, engine
from seaway.model import application, settings
from seaway.syntax import diagnosis
from tests import golden
from tests.support import diagnostics
from tests.unit.checks import checked_app

TAGGED = {"image": "cellar:17"}
BASELINE = {"security": "baseline"}
LOCATION = diagnosis.SourceLocation("app/app.yaml")


def waiver(check: str = "IMG-02", *workloads: str, until: str = "2026-12-31") -> settings.Waiver:
    return settings.Waiver(
        check, workloads=workloads, reason="a mirror that never moves a tag", owner="ann", until=until
    )


def waive(*waivers: settings.Waiver, stack: settings.Settings = checked_app.STACK) -> settings.Settings:
    return dataclasses.replace(stack, waivers=waivers)


def list_states(results: list[engine.Result], id_: str = "IMG-02") -> list[tuple[str, str, str, bool]]:
    """Owner, state, outcome, and whether it is refused, of one check."""
    return [
        ((result.finding and result.finding.owner) or "-", result.state, result.outcome, result.is_refused)
        for result in results
        if result.check.id == id_
    ]


def test_the_severity_depends_on_the_environment() -> None:
    app = checked_app.build_app(db={"image": "cellar:latest"})
    for stack, severity in ((checked_app.STACK, "warning"), (checked_app.PINNED, "error")):
        results = checked_app.run_checks(app, stack)
        assert list_states(results, "IMG-01") == [("db", "failed", severity, severity == "error")]
        assert list_states(results, "IMG-02") == [("db", "failed", "warning", False)]


def test_an_environment_can_change_the_severity() -> None:
    app = checked_app.build_app(web={"scale": application.Scale(min=1)})
    raised = dataclasses.replace(checked_app.PINNED, check_severity={"AVL-01": "error"})
    assert list_states(checked_app.run_checks(app, checked_app.PINNED), "AVL-01") == [
        ("web", "failed", "warning", False)
    ]
    assert list_states(checked_app.run_checks(app, raised), "AVL-01") == [("web", "failed", "error", True)]
    lowered = dataclasses.replace(checked_app.STACK, check_severity={"NET-03": "warning"})
    edited = checked_app.edit_object("Service/web", {"spec selector": {"app": "web"}})
    results = checked_app.run_checks(checked_app.build_app(), lowered, edited)
    assert list_states(results, "NET-03") == [("web", "failed", "warning", False)]


@pytest.mark.parametrize("workloads", [(), ("db",), ("web", "db")])
@pytest.mark.parametrize("until", ["2026-12-31", "2026-06-30"])
def test_a_waiver_covers_its_workloads_until_its_last_day(workloads: tuple[str, ...], until: str) -> None:
    app = checked_app.build_app(db=TAGGED)
    results = checked_app.run_checks(app, waive(waiver("IMG-02", *workloads, until=until)))
    assert list_states(results) == [("db", "waived", f"waived until {until}", False)]
    assert all(result.state == "passed" for result in results if result.check.id != "IMG-02")


def test_an_expired_waiver_is_an_error(wording: Any) -> None:
    results = checked_app.run_checks(checked_app.build_app(db=TAGGED), waive(waiver(until="2026-06-29")))
    assert list_states(results) == [("db", "expired", "waiver ended 2026-06-29", True)]
    refused = [engine.make_diagnostic(result, LOCATION) for result in results if result.is_refused]
    assert diagnostics.summarize(refused) == [
        "app/app.yaml: StatefulSet/db spec.template.spec.containers[db].image: IMG-02"
    ]
    assert [str(diagnostic) for diagnostic in refused] == wording


def test_an_unused_waiver_is_a_warning(wording: Any) -> None:
    results = checked_app.run_checks(checked_app.build_app(), waive(waiver(until="2026-06-29")))
    assert list_states(results) == [("-", "passed", "passed", False), ("-", "unused", "warning", False)]
    other = waive(waiver("IMG-01", "web"), stack=checked_app.PINNED)
    other_results = checked_app.run_checks(checked_app.build_app(db={"image": "cellar"}), other)
    assert list_states(other_results, "IMG-01") == [("db", "failed", "error", True), ("-", "unused", "warning", False)]
    unused = [result.finding for result in (*results, *other_results) if result.state == "unused"]
    assert [checked_app.format_finding(finding) for finding in unused if finding] == wording


@hypothesis.settings(max_examples=15)
@given(
    workloads=st.lists(st.sampled_from(["web", "db", "migrate"]), unique=True),
    until=st.dates().map(lambda day: day.isoformat()),
)
def test_a_waiver_hides_no_finding(workloads: list[str], until: str) -> None:
    app = checked_app.build_app(web=BASELINE, db=BASELINE)
    unwaived = checked_app.run_checks(app, checked_app.PINNED)
    stack = waive(waiver("SEC-01", *workloads, until=until), stack=checked_app.PINNED)
    results = [result for result in checked_app.run_checks(app, stack) if result.state != "unused"]
    assert [(result.check.id, result.finding) for result in results] == [
        (result.check.id, result.finding) for result in unwaived
    ]
    for result in results:
        if result.check.id == "SEC-01" and result.finding:
            is_covered = not workloads or result.finding.owner in workloads
            is_over = until < checked_app.TODAY.isoformat()
            assert result.state == ("failed" if not is_covered else "expired" if is_over else "waived")
            assert result.is_refused == (not is_covered or is_over)


def test_the_summary_counts_checks_by_result() -> None:
    count = len(all_checks.CHECKS)
    passing = checked_app.run_checks(checked_app.build_app())
    assert engine.format_summary(passing) == f"{count} checks: {count} passed"
    app = checked_app.build_app(web=BASELINE, db={"image": "cellar"})
    failing = checked_app.run_checks(app)
    assert engine.format_summary(failing) == f"{count} checks: {count - 5} passed, 5 warnings"
    pinned = checked_app.run_checks(app, waive(waiver("SEC-01"), stack=checked_app.PINNED))
    assert engine.format_summary(pinned) == f"{count} checks: {count - 5} passed, 3 errors, 1 warning, 1 waived"


def test_a_line_has_the_first_finding_and_the_other_workloads() -> None:
    results = checked_app.run_checks(checked_app.build_app(web=BASELINE), waive(waiver("SEC-01", "migrate", "report")))
    lines = engine.format_lines(result for result in results if result.check.id in ("SEC-01", "SEC-02", "SEC-03"))
    assert [line.partition(" spec.")[0].partition("Job/migrate-")[0] for line in lines] == [
        "SEC-01 waived until 2026-12-31: ",
        "SEC-01 warning: Deployment/web",
        "SEC-02 passed",
        "SEC-03 warning: ",
    ]
    assert [line.partition(" (and ")[2] for line in lines] == ["report)", "", "", "report, web)"]


def test_the_record_has_the_owners_by_outcome() -> None:
    app = checked_app.build_app(web=BASELINE, db=TAGGED)
    results = checked_app.run_checks(app, waive(waiver("SEC-01", "web"), waiver("SEC-15")))
    summary = engine.summarize_for_record(results)
    assert summary["IMG-01"] == "passed"
    assert summary["IMG-02"] == "warning: db"
    assert summary["SEC-01"] == "warning: migrate, report; waived until 2026-12-31: web"
    assert summary["SEC-06"] == "warning: migrate, report, web"
    assert summary["SEC-15"] == "passed"
    assert list(summary) == [check.id for check in all_checks.CHECKS]


def test_results_as_json() -> None:
    results = checked_app.run_checks(checked_app.build_app(db=TAGGED), waive(waiver()))
    assert results[0].to_json() == {
        "check": "IMG-01",
        "title": "An image has a version",
        "severity": "warning",
        "state": "passed",
        "finding": None,
        "waiver": None,
    }
    waived = json.loads(json.dumps(results[1].to_json()))
    assert {key: waived[key] for key in ("check", "severity", "state")} == {
        "check": "IMG-02",
        "severity": "warning",
        "state": "waived",
    }
    assert waived["finding"].keys() == {"owner", "object", "path", "message", "hint"}
    assert waived["waiver"] == {"reason": "a mirror that never moves a tag", "owner": "ann", "until": "2026-12-31"}


def test_a_result_without_a_finding_has_no_diagnostic() -> None:
    (result, *_) = checked_app.run_checks(checked_app.build_app())
    with pytest.raises(ValueError, match=f"{result.check.id} has no finding"):
        engine.make_diagnostic(result, LOCATION)


def test_the_page_of_checks_is_generated() -> None:
    file = golden.ROOT / "docs" / "checks.md"
    assert file.read_text() == page.format_page(), "python -m dev.pages.checks > docs/checks.md"
    ids = [line.split(" | ")[0].removeprefix("| ") for line in file.read_text().splitlines() if line.startswith("| ")]
    assert ids == [
        "id",
        *(check.id for check in all_checks.CHECKS),
        "id",
        *(declined.id for declined in public_checkers.DECLINED),
    ]
