"""Replaces the last section of docs/test.md with the results in files of `seaway test --json`.

.venv/bin/python -m dev.pages.acceptance "The sample" quiet.json disturbed.json
"""

import json
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import seaway
from dev import environment
from dev.cluster import parts

PAGE = environment.ROOT / "docs" / "test.md"
HEADING = "## The last run"


def build_section(title: str, reports: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The lines of the section: one row for each failure and measurement, and one for what passed of a workload."""
    yield HEADING
    yield ""
    yield (
        f"{title}, tested {reports[0]['tested']} by Seaway {seaway.__version__} on the one-node cluster (Kubernetes"
        f" {parts.find_part('kubernetes').version}); {os.cpu_count()} cores, {platform.system()} {platform.release()}."
    )
    yield ""
    yield "| row | workload | outcome | what was seen |"
    yield "|---|---|---|---|"
    for report in reports:
        yield from _build_rows(report["results"])


def _build_rows(results: Iterable[dict[str, Any]]) -> Iterator[str]:
    grouped: dict[tuple[str, ...], list[str]] = {}
    for result in results:
        row, workload, code, outcome = (result[name] for name in ("row", "workload", "code", "outcome"))
        if outcome == "passed" and not result["figures"]:
            subject = f"`{code}` {result['subject']}" if row == "communication" else f"`{code}`"
            grouped.setdefault((row, workload, outcome), []).append(subject)
        else:
            grouped.setdefault((row, workload, outcome), []).append(f"`{code}`: {result['message']}")
    for key, texts in sorted(grouped.items()):
        separator = ", " if key[2] == "passed" else "<br>"
        yield f"| {' | '.join(key)} | {separator.join(dict.fromkeys(texts)).replace('|', '/')} |"


def main(words: Sequence[str]) -> int:
    reports = [json.loads(Path(file).read_text(encoding="utf-8")) for file in words[1:]]
    kept = PAGE.read_text(encoding="utf-8").partition(f"\n{HEADING}\n")[0].rstrip()
    section = "\n".join(build_section(words[0], reports))
    PAGE.write_text(f"{kept}\n\n{section}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
