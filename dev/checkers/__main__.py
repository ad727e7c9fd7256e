"""Run the public checkers over every example: ``python -m dev.checkers`` writes docs/checkers.md.

``--tools NAME ...`` runs these checkers only, and writes no page.

Exit codes: 0, nothing failed that has no reason; 1, something did, or a checker did not run; 2, it cannot run here.
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
    """Of these checkers over every example."""
    found: list[outcome.Outcome] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, file in examples.list_examples().items():
            rendered = Path(folder) / f"{name}.yaml"
            rendered.write_text(examples.render_example(file))
            for tool in names:
                found += tools.run_checker(tool, rendered, name, Path(folder))
    return found


def main() -> int:
    """Run, tell, write."""
    parser = argparse.ArgumentParser(prog="python -m dev.checkers", description=__doc__)
    every = tuple(tools.VERSIONS)
    parser.add_argument("--tools", nargs="+", default=every, choices=every, metavar="NAME", help=f"of {every} [all]")
    names: Sequence[str] = parser.parse_args().tools
    try:
        tools.ensure_checkers(names)
        meant = [waiver for waiver in waivers.WAIVERS if waiver.tool in names]
        judged = outcome.apply_waivers(run_checkers(names), meant)
    except layout.CannotRunError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    except layout.FailedError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    for one in judged.failed:
        print(f"{one.tool} {one.check}: {one.example}: {one.object}: {one.message}", file=sys.stderr)
    for waiver in judged.unused:
        print(
            f"{waiver.tool} {waiver.check}: the waiver for {', '.join(waiver.objects)} waives nothing", file=sys.stderr
        )
    if set(names) == set(every):
        PAGE.write_text(page.format_page(judged, tools.VERSIONS, list(examples.list_examples())))
    for tool in names:
        counts = judged.count_outcomes(tool)
        told = ", ".join(f"{counts[key]} {key}" for key in ("checks", "passed", "waived", "failed"))
        print(f"{tool}: {told}")
    return 0 if judged.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
