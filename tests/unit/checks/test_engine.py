"""Waivers, weights, and how results are told."""

import dataclasses
import json

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.checks import docs, engine, registry
from seaway.model import application, settings
from seaway.syntax import diagnosis
from tests import golden
from tests.unit.checks import checked_app

TAGGED = {"image": "cellar:17"}


def waiver(check: str = "IMG-02", *of: str, until: str = "2026-12-31") -> settings.Waiver:
    return settings.Waiver(check, workloads=of, reason="a mirror that never moves a tag", owner="ann", until=until)


def waived(*waivers: settings.Waiver, stack: settings.Settings = checked_app.STACK) -> settings.Settings:
    return dataclasses.replace(stack, waivers=waivers)


def states(results: list[engine.Result], check: str = "IMG-02") -> list[tuple[str, str, str, bool]]:
    """Owner, state, weight as it is told, and whether it is refused."""
    return [
        ((one.finding and one.finding.owner) or "-", one.state, one.outcome, one.is_refused)
        for one in results
        if one.check.id == check
    ]


def test_the_weight_is_that_of_the_environment() -> None:
    app = checked_app.build_app(db={"image": "cellar:latest"})
    assert states(checked_app.run_checks(app), "IMG-01") == [("db", "failed", "warning", False)]
    assert states(checked_app.run_checks(app, checked_app.PINNED), "IMG-01") == [("db", "failed", "error", True)]
    for stack in (checked_app.STACK, checked_app.PINNED):
        assert states(checked_app.run_checks(app, stack), "IMG-02") == [("db", "failed", "warning", False)]


def test_an_environment_may_say_what_a_check_weighs() -> None:
    app = checked_app.build_app(web={"scale": application.Scale(min=1)})
    heavier = dataclasses.replace(checked_app.PINNED, check_severity={"AVL-01": "error"})
    assert states(checked_app.run_checks(app, checked_app.PINNED), "AVL-01") == [("web", "failed", "warning", False)]
    assert states(checked_app.run_checks(app, heavier), "AVL-01") == [("web", "failed", "error", True)]
    lighter = dataclasses.replace(checked_app.STACK, check_severity={"NET-03": "warning"})
    found = checked_app.edit_object("Service/web", lambda one: one["spec"].update(selector={"app": "web"}))
    assert states(checked_app.run_checks(checked_app.build_app(), lighter, found), "NET-03") == [("web", "failed", "warning", False)]


@pytest.mark.parametrize("of", [(), ("db",), ("web", "db")])
def test_a_waiver_waives_what_it_names_until_its_last_day(of: tuple[str, ...]) -> None:
    app = checked_app.build_app(db=TAGGED)
    for until in ("2026-12-31", "2026-06-30"):
        found = checked_app.run_checks(app, waived(waiver("IMG-02", *of, until=until)))
        assert states(found) == [("db", "waived", f"waived until {until}", False)]
        assert all(one.state == "passed" for one in found if one.check.id != "IMG-02")


def test_a_waiver_that_has_ended_is_an_error_whatever_it_was_for() -> None:
    found = checked_app.run_checks(checked_app.build_app(db=TAGGED), waived(waiver(until="2026-06-29")))
    assert states(found) == [("db", "expired", "waiver ended 2026-06-29", True)]
    (one,) = (one for one in found if one.is_refused)
    assert str(engine.make_diagnostic(one, diagnosis.SourceLocation("app/app.yaml"))) == (
        "app/app.yaml: IMG-02 StatefulSet/db spec.template.spec.containers[db].image: cellar:17 is a tag, and a tag"
        " can be moved, and its waiver ended 2026-06-29; pin it in images.lock: seaway release outdated --write"
        " (an exception: docs/checks.md)"
    )


def test_a_waiver_that_waives_nothing_is_a_warning() -> None:
    found = checked_app.run_checks(checked_app.build_app(), waived(waiver(until="2026-06-29")))
    assert states(found) == [("-", "passed", "passed", False), ("-", "idle", "warning", False)]
    assert checked_app.list_findings(found) == [
        (
            "IMG-02",
            "None: Pulumi.test.yaml seaway:waivers.IMG-02: waives nothing: there is no such finding;"
            " pulumi config rm --path 'seaway:waivers.IMG-02'",
        )
    ]


def test_a_waiver_for_somebody_else_waives_nothing_and_the_finding_counts() -> None:
    found = checked_app.run_checks(checked_app.build_app(db={"image": "cellar"}), waived(waiver("IMG-01", "web"), stack=checked_app.PINNED))
    assert states(found, "IMG-01") == [("db", "failed", "error", True), ("-", "idle", "warning", False)]
    assert "waives nothing: there is no such finding of web; pulumi config rm" in checked_app.list_findings(found)[1][1]


@hypothesis.settings(max_examples=15)
@given(
    workloads=st.lists(st.sampled_from(["web", "db", "migrate"]), unique=True),
    until=st.dates().map(lambda day: day.isoformat()),
)
def test_every_finding_stays_with_and_without_a_waiver(of: list[str], until: str) -> None:
    """A waiver changes what a finding weighs, and hides none."""
    app = checked_app.build_app(web={"security": "baseline"}, db={"security": "baseline"})
    plain = checked_app.run_checks(app, checked_app.PINNED)
    found = checked_app.run_checks(app, waived(waiver("SEC-01", *of, until=until), stack=checked_app.PINNED))
    kept = [(one.check.id, one.finding) for one in found if one.state != "idle"]
    assert kept == [(one.check.id, one.finding) for one in plain]
    for one in found:
        if one.check.id == "SEC-01" and one.finding and one.state != "idle":
            mine = not of or one.finding.owner in of
            over = until < checked_app.TODAY.isoformat()
            assert one.state == ("failed" if not mine else "expired" if over else "waived")
            assert one.is_refused == (not mine or over)


def test_one_line_says_how_many() -> None:
    app = checked_app.build_app(web={"security": "baseline"}, db={"image": "cellar"})
    many = len(registry.CHECKS)
    assert engine.format_summary(checked_app.run_checks(checked_app.build_app())) == f"{many} checks: {many} passed"
    assert engine.format_summary(checked_app.run_checks(app)) == f"{many} checks: {many - 5} passed, 5 warnings"
    pinned = waived(waiver("SEC-01"), stack=checked_app.PINNED)
    assert (
        engine.format_summary(checked_app.run_checks(app, pinned))
        == f"{many} checks: {many - 5} passed, 3 errors, 1 warning, 1 waived"
    )


def test_findings_of_one_check_share_a_line() -> None:
    results = checked_app.run_checks(checked_app.build_app(web={"security": "baseline"}), waived(waiver("SEC-01", "migrate", "report")))
    lines = engine.format_lines(one for one in results if one.check.id in ("SEC-01", "SEC-02", "SEC-03"))
    text = "is not true; remove `security: baseline` from"
    name = "spec.template.spec.containers"
    assert [line.replace(_job(results), "Job/migrate-*") for line in lines] == [
        f"SEC-01 waived until 2026-12-31: Job/migrate-* {name}[migrate].securityContext.runAsNonRoot: {text}"
        " jobs.migrate, or waive this check for it (and report)",
        f"SEC-01 warning: Deployment/web {name}[web].securityContext.runAsNonRoot: {text} services.web,"
        " or waive this check for it",
        "SEC-02 passed",
        f"SEC-03 warning: Job/migrate-* {name}[migrate].securityContext.allowPrivilegeEscalation: is not false; remove"
        " `security: baseline` from jobs.migrate, or waive this check for it (and report, web)",
    ]


def _job(results: list[engine.Result]) -> str:
    return next(one.finding.object for one in results if one.finding and one.finding.owner == "migrate")


def test_what_a_record_keeps() -> None:
    app = checked_app.build_app(web={"security": "baseline"}, db=TAGGED)
    kept = engine.summarize_for_record(checked_app.run_checks(app, waived(waiver("SEC-01", "web"), waiver("SEC-15"))))
    assert kept["IMG-01"] == "passed"
    assert kept["IMG-02"] == "warning: db"
    assert kept["SEC-01"] == "warning: migrate, report; waived until 2026-12-31: web"
    assert kept["SEC-06"] == "warning: migrate, report, web"
    assert kept["SEC-15"] == "passed"
    assert list(kept) == [each.id for each in registry.CHECKS]


def test_results_as_json() -> None:
    results = checked_app.run_checks(checked_app.build_app(db=TAGGED), waived(waiver()))
    assert results[0].to_json() == {
        "check": "IMG-01",
        "title": "An image has a version",
        "severity": "warning",
        "state": "passed",
        "finding": None,
        "waiver": None,
    }
    assert json.loads(json.dumps(results[1].to_json())) == {
        "check": "IMG-02",
        "title": "An image is pinned by its digest",
        "severity": "warning",
        "state": "waived",
        "finding": {
            "owner": "db",
            "object": "StatefulSet/db",
            "path": "spec.template.spec.containers[db].image",
            "wrong": "cellar:17 is a tag, and a tag can be moved",
            "remedy": "pin it in images.lock: seaway release outdated --write",
        },
        "waiver": {"reason": "a mirror that never moves a tag", "owner": "ann", "until": "2026-12-31"},
    }
    with pytest.raises(ValueError, match="IMG-01 has found nothing"):
        engine.make_diagnostic(results[0], diagnosis.SourceLocation("app.yaml"))


def test_the_page_of_checks_is_that_of_the_table() -> None:
    file = golden.ROOT / "docs" / "checks.md"
    assert file.read_text() == docs.format_page(), "python -m seaway.checks > docs/checks.md"
    assert [
        line.split(" | ")[0] for line in docs.format_page().splitlines() if line.startswith(("| IMG-01", "| AVL-06"))
    ] == [
        "| IMG-01",
        "| AVL-06",
    ]
