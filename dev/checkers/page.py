"""Formats docs/checkers.md from the outcomes of the checkers."""

from collections.abc import Iterator, Mapping, Sequence

from dev.checkers import outcome

DESCRIPTIONS: Mapping[str, str] = {
    "kube-score": "all checks, including the optional ones",
    "kubeconform": "strict, against the Kubernetes API of the toolchain's version",
    "checkov": "all checks of its framework `kubernetes`",
}

HEAD = """\
# Results of public checkers

Three public checkers test every example, rendered as in production. Each check either passes for every object, or has a
waiver with a reason. An unused waiver is an error too. Do not edit this page: `make checkers` writes it. For Seaway's
own checks and the ids of equivalent public checks, see [checks.md](checks.md).
"""


def format_page(report: outcome.Report, versions: Mapping[str, str], examples: Sequence[str]) -> str:
    """Return the whole page."""
    names = f"Examples: {', '.join(examples)}.\n"
    summary, waived = _format_summary(report, versions), _format_waived(report)
    return "\n".join((HEAD, names, *summary, "", "## Waivers", "", *waived, ""))


def _format_summary(report: outcome.Report, versions: Mapping[str, str]) -> Iterator[str]:
    yield "| checker | scope | checks | objects | passed | waived | failed |"
    yield "|---|---|---|---|---|---|---|"
    for tool, version in versions.items():
        counts = report.count_outcomes(tool)
        numbers = " | ".join(str(counts[key]) for key in ("checks", "objects", "passed", "waived", "failed"))
        yield f"| {tool} {version} | {DESCRIPTIONS[tool]} | {numbers} |"


def _format_waived(report: outcome.Report) -> Iterator[str]:
    yield "| checker | check | objects | reason |"
    yield "|---|---|---|---|"
    for waiver, outcomes in report.waived:
        title = outcomes[0].title.replace("|", "\\|")
        objects = ", ".join(_group_by_example(outcomes))
        yield f"| {waiver.tool} | {waiver.check}: {title} | {objects} | {waiver.reason} |"


def _group_by_example(outcomes: Sequence[outcome.Outcome]) -> list[str]:
    """Return a text for each example: ``shop: Deployment/web Job/migrate-*``."""
    by_example: dict[str, list[str]] = {}
    for failure in outcomes:
        by_example.setdefault(failure.example, []).append(failure.object)
    return [f"{example}: {' '.join(dict.fromkeys(objects))}" for example, objects in by_example.items()]
