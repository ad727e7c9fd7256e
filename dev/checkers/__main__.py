"""Run the public checkers on every example: ``python -m dev.checkers`` writes docs/checkers.md.

``--tools NAME ...`` runs only these checkers, and writes no page.

Exit codes: 0, success; 1, a failure without a waiver, an unused waiver, or a checker did not run; 2, a requirement is
missing.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dev import environment
from dev.checkers import examples, outcome, page, tools, waivers
from dev.cluster import layout

PAGE = environment.ROOT / "docs" / "checkers.md"


def run_checkers(names: Sequence[str]) -> list[outcome.Outcome]:
    """Run these checkers on every example."""
    outcomes: list[outcome.Outcome] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, file in examples.list_examples().items():
            rendered = Path(folder) / f"{name}.yaml"
            rendered.write_text(examples.render_example(file))
            for tool in names:
                outcomes += tools.run_checker(tool, rendered, name, Path(folder))
    return outcomes


def main() -> int:
    """Run the checkers, print the failures and write the page."""
    parser = argparse.ArgumentParser(prog="python -m dev.checkers", description=__doc__)
    all_names = tuple(tools.VERSIONS)
    text = f"run only these checkers (of {', '.join(all_names)})"
    parser.add_argument("--tools", nargs="+", default=all_names, choices=all_names, metavar="NAME", help=text)
    names: Sequence[str] = parser.parse_args().tools
    try:
        tools.ensure_checkers(names)
        used = [waiver for waiver in waivers.WAIVERS if waiver.tool in names]
        report = outcome.apply_waivers(run_checkers(names), used)
    except layout.CannotRunError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except layout.FailedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for failure in report.failed:
        print(
            f"{failure.tool} {failure.check}: {failure.example}: {failure.object}: {failure.message}", file=sys.stderr
        )
    for waiver in report.unused:
        print(f"{waiver.tool} {waiver.check}: unused waiver for {', '.join(waiver.objects)}", file=sys.stderr)
    if set(names) == set(all_names):
        PAGE.write_text(page.format_page(report, tools.VERSIONS, list(examples.list_examples())))
    for tool in names:
        counts = report.count_outcomes(tool)
        print(f"{tool}: {', '.join(f'{counts[key]} {key}' for key in ('checks', 'passed', 'waived', 'failed'))}")
    return 0 if report.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
