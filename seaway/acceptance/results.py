"""The results of `seaway test`: one for each thing that was tried, with a stable code."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, get_args
from xml.etree import ElementTree

Row = Literal["communication", "availability", "security", "performance"]
ROWS: tuple[Row, ...] = get_args(Row)
DISTURBING_ROWS: tuple[Row, ...] = ("availability", "performance")
"""The rows that delete pods or send load."""
QUIET_ROWS: tuple[Row, ...] = ("communication", "security")
"""The rows that disturb nothing."""

Outcome = Literal["passed", "failed", "declared", "skipped"]
"""``declared``: the application itself permits what was found. ``skipped``: nothing was tried."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One thing that was tried."""

    row: Row
    workload: str
    """Name of the service, store or job."""
    code: str
    """Stable: ``closed-link``."""
    subject: str = ""
    """What was tried: ``db:5432``."""
    outcome: Outcome
    message: str = ""
    hint: str = ""
    figures: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    """What was measured."""


def fail(row: Row, workload: str, code: str, message: str, hint: str = "") -> Result:
    """A result of a workload that could not be tried."""
    return Result(row=row, workload=workload, code=code, outcome="failed", message=message, hint=hint)


def skip(row: Row, workload: str, code: str, message: str) -> Result:
    """A result of a workload that need not be tried."""
    return Result(row=row, workload=workload, code=code, outcome="skipped", message=message)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The results of one run for one release."""

    release: str
    """The id of the record that the cluster had when the run began."""
    sha256: str
    """Of that record."""
    tested: str
    """When the run began: RFC 3339, in UTC."""
    rows: Sequence[Row]
    """The rows that were run."""
    results: Sequence[Result]

    @property
    def passed(self) -> bool:
        """Whether something was tried, and nothing failed."""
        return any(result.outcome == "passed" for result in self.results) and not self.find("failed")

    def find(self, outcome: Outcome, row: Row | None = None) -> list[Result]:
        """The results with an outcome, of one row or of all."""
        return [result for result in self.results if result.outcome == outcome and row in (None, result.row)]

    def to_json(self) -> dict[str, Any]:
        """The output of ``seaway test --json``, without the stack."""
        return {
            "release": self.release,
            "sha256": self.sha256,
            "tested": self.tested,
            "passed": self.passed,
            "rows": [{"row": row, "passed": not self.find("failed", row)} for row in self.rows],
            "results": [dataclasses.asdict(result) for result in self.results],
        }


def format_junit(report: Report, name: str) -> str:
    """The report as JUnit XML: one suite for each row. https://github.com/testmoapp/junitxml"""
    root = ElementTree.Element("testsuites", name=f"seaway test {name}", timestamp=report.tested)
    for row in report.rows:
        results = [result for result in report.results if result.row == row]
        suite = ElementTree.SubElement(root, "testsuite", name=row, tests=str(len(results)))
        suite.set("failures", str(len(report.find("failed", row))))
        suite.set("skipped", str(len(report.find("skipped", row))))
        for result in results:
            case_name = " ".join(filter(None, (result.code, result.subject)))
            case = ElementTree.SubElement(suite, "testcase", classname=f"{row}.{result.workload}", name=case_name)
            if result.outcome in ("failed", "skipped"):
                tag = "failure" if result.outcome == "failed" else "skipped"
                text = "; ".join(filter(None, (result.message, result.hint)))
                ElementTree.SubElement(case, tag, message=_remove_control_characters(text))
    ElementTree.indent(root)
    return f"{ElementTree.tostring(root, encoding='unicode')}\n"


def _remove_control_characters(text: str) -> str:
    """XML 1.0 has no form for them."""
    return "".join(character if character.isprintable() else " " for character in text)


def count_outcomes(results: Iterable[Result]) -> dict[Outcome, int]:
    """The number of results by outcome, without outcomes that do not occur."""
    outcomes = [result.outcome for result in results]
    return {outcome: outcomes.count(outcome) for outcome in get_args(Outcome) if outcome in outcomes}
