"""docs/checkers.md, made of what the checkers said."""

from collections.abc import Iterator, Mapping, Sequence

from dev.checkers import outcome

DESCRIPTIONS: Mapping[str, str] = {
    "kube-score": "every check, the optional ones too",
    "kubeconform": "strict, against the API of Kubernetes that the toolchain pins",
    "checkov": "every check of its framework `kubernetes`",
}

HEAD = """\
# What public checkers say

Every example, as production would have it, before three checkers that are not ours. Each of their checks either passes
for every object, or is waived here with the reason; a waiver that waives nothing is an error too. Written by
`make checkers`: do not edit. What our own checks ask for, and their ids for the same: [checks.md](checks.md).
"""


def format_page(report: outcome.Report, versions: Mapping[str, str], examples: Sequence[str]) -> str:
    """The whole page."""
    said = f"Examples: {', '.join(examples)}.\n"
    return "\n".join((HEAD, said, *_format_summary(report, versions), "", "## Waived", "", *_format_waived(report), ""))


def _format_summary(report: outcome.Report, versions: Mapping[str, str]) -> Iterator[str]:
    yield "| checker | what it runs | checks | objects | passed | waived | failed |"
    yield "|---|---|---|---|---|---|---|"
    for tool, version in versions.items():
        counts = report.count_outcomes(tool)
        numbers = " | ".join(str(counts[key]) for key in ("checks", "objects", "passed", "waived", "failed"))
        yield f"| {tool} {version} | {DESCRIPTIONS[tool]} | {numbers} |"


def _format_waived(report: outcome.Report) -> Iterator[str]:
    yield "| checker | check | where | why |"
    yield "|---|---|---|---|"
    for waiver, ones in report.waived:
        title = ones[0].title.replace("|", "\\|")
        yield f"| {waiver.tool} | {waiver.check}: {title} | {', '.join(_group_by_example(ones))} | {waiver.reason} |"


def _group_by_example(outcomes: Sequence[outcome.Outcome]) -> list[str]:
    """By example: ``shop: Deployment/web Job/migrate-*``."""
    by_example: dict[str, list[str]] = {}
    for one in outcomes:
        by_example.setdefault(one.example, []).append(one.object)
    return [f"{example}: {' '.join(dict.fromkeys(objects))}" for example, objects in by_example.items()]
