"""The results of the faults, and the page that is written from them: docs/failures.md."""

import dataclasses
import json
from collections.abc import Mapping, Sequence

from dev import project
from dev.faults import catalogue, fault, watched_run
from seaway.files import private

PAGE = project.ROOT / "docs" / "failures.md"
RESULTS = watched_run.OUTPUTS / "results.json"
"""The cells of the last result of each fault, by section and fault."""

HEADERS: Mapping[str, Sequence[str]] = {
    "faults": (
        *("cause", "fault", "reported after", "ended after", "exit code", "failed requests"),
        *("message", "hint", "cure"),
    ),
    "builds": (
        *("cause", "fault", "reported after", "exit code", "message"),
        *("cause in the message", "fix, then `pulumi up`"),
    ),
    "interruptions": ("during a rollout", "ended after", "exit code", "failed requests", "result"),
}

TEXT = """# Measured failures

`python -m dev.faults` writes this page. Each fault was injected into `examples/shop` on the one-node cluster (two
cores), with `pulumi up`, under a load of 10 requests per second from outside. "Reported" and "ended" count from the
line that reports the changed workload. A fault that can heal is reported immediately, and fails at the deadline:
{deadline} s here, 120 s for a workload whose `startPeriod` is 60 s, and 300 s by default. Then the hint of the message
was carried out as it is written, with the key, the line and the value that it names: "cured" means that `pulumi up`
succeeded, and that the next `pulumi preview` showed no changes.

{faults}
Reported later than 15 s after the first failed probe:

{late}
Not injected, because this cluster cannot have it, or nothing is deployed:

{others}
## Builds

Each fault was injected into `examples/smallest`, with `pulumi up` as in CI (no terminal), then with `seaway up` on a
terminal. "Reported after" counts from the failed step to the end of the message. After that, the fix that the message
suggests was carried out, and `pulumi up` built and deployed the image.

The builder is BuildKit, and the engine `docker-build`. With `seaway:engine: docker`, the causes are recognised in the
same way, but tested with recorded output only; the output of the step is then shown by Pulumi and not repeated.

{builds}
## Interruptions

{interruptions}"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table."""

    section: str
    name: str
    """Of the fault or interruption: the same in each run."""
    cells: tuple[str, ...]
    problems: tuple[str, ...]
    """Differences from the expected behaviour."""


def record(row: Row) -> None:
    """Store the cells of a row in place of those of an earlier run."""
    private.make_folder(watched_run.OUTPUTS)
    results = _read_results()
    results.setdefault(row.section, {})[row.name] = list(row.cells)
    RESULTS.write_text(json.dumps(results, indent=1))


def write_page(names: Mapping[str, Sequence[str]], late: Mapping[str, str]) -> list[str]:
    """Write the page. Returns the names of rows that have no result yet; the page is then unchanged.

    ``names``: of the rows of each section, in their order; ``late``: the faults that are reported late, and why.
    """
    results = _read_results()
    missing = [name for section in names for name in names[section] if name not in results.get(section, {})]
    if not missing:
        tables = {
            section: _format_table(HEADERS[section], [results[section][name] for name in names[section]])
            for section in names
        }
        others = {f"[{cause}](runbook.md#{cause})": why for cause, why in catalogue.NOT_INJECTED.items()}
        lists = {"late": _format_list(late), "others": _format_list(others)}
        PAGE.write_text(TEXT.format(deadline=fault.DEADLINE, **lists, **tables))
    return missing


def _read_results() -> dict[str, dict[str, list[str]]]:
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def _format_list(reasons: Mapping[str, str]) -> str:
    return "".join(f"- {name}: {why}\n" for name, why in reasons.items())


def _format_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |\n" for cells in lines)
