"""Writes docs/kompose.md: the conversion of each project of the corpus by Seaway and by kompose."""

import dataclasses
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from dev import dry_run, project
from dev.cluster import toolchain
from dev.compose_comparison import deployment, projects, silent_losses, tools

HEAD = """\
# Comparison with kompose

Seaway and kompose {version} convert each project of the corpus ({count}) with all profiles. Do not edit this page:
`make compose-table` writes it.

- **crashed**, **refused**: no objects. Seaway refuses keys that break the isolation of pods and nodes, and keys that a
  cluster cannot support. It reports the reason and a fix. The rest of the row has these keys waived
  (`x-seaway: {{waive: ...}}`).
- **silent**: keys of services without any effect, of all tested keys. The test removes each key, and then changes it to
  another value that Docker Compose accepts. A key is silent if objects, images and warnings stay the same, and no
  warning names the key or a key above it. A reported lossless conversion is not a warning. Extensions (`x-`) are not
  tested.
- **rejected**: objects that the API server rejects in a dry run with strict validation (Kubernetes {kubernetes}).
- **level**: the strictest level of Pod Security that admits every pod without a warning.
- **runs**: projects that the end-to-end tests deploy, in a namespace without security requirements. Every workload is
  ready within {ready} seconds, and a Service answers on a TCP port of each service that publishes one. The images are
  those of the cluster.
- **seconds**: median of {times} runs of the command.
"""
TIMES = 3

NAMESPACES = "kompose"
"""The prefix of the namespaces, one for each level of Pod Security."""

SILENT_REASONS: Mapping[str, str] = {
    **dict.fromkeys(("command", "entrypoint", "deploy"), "no effect: null, or an empty mapping"),
    **dict.fromkeys(("cap_add", "cap_drop", "security_opt"), "every pod at the level `restricted` has it"),
    **dict.fromkeys(("environment.*", "labels.*", "ports"), "a second file overrides it"),
    **dict.fromkeys(("env_file.path", "env_file.required"), "an optional file that is missing, or that exists"),
    **dict.fromkeys(("userns_mode", "cgroup"), "a pod has no other"),
    "depends_on.*.condition": "stores and jobs always start first",
    "gpus.capabilities": "a GPU of a cluster has all capabilities",
    "networks": "no other service uses it",
    "ports.app_protocol": "ports other than the main port are TCP",
    "profiles": "all profiles are active here",
    "volumes": "the whole file system of this container is writable",
}
"""Reasons for silent keys with Seaway. A silent key without a reason is an error, and ends the run."""


@dataclasses.dataclass(slots=True, kw_only=True)
class Row:
    """The conversion of a project by a tool."""

    project: str
    tool: str
    outcome: str = "converted"
    error: str = ""
    tested: int = 0
    silent: Sequence[silent_losses.KeyPath] = ()
    objects: int = 0
    rejected: Sequence[str] = ()
    level: str = ""
    seconds: float = 0
    runs: str = ""
    """"yes", or the reason why it does not run; empty if it was not deployed."""


def make_row(name: str, tool: str, files: Sequence[Path], client: httpx.Client | None) -> Row:
    """Convert a project, and test the result. Raises layout.CannotRunError: a program is not compiled."""
    row = Row(project=name, tool=tool)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / name
        shutil.copytree(files[0].parent, folder)
        copies = [folder / file.name for file in files]
        conversion = tools.convert(tool, copies)
        row.seconds = _measure_seconds(tool, copies)
        if conversion.crash:
            row.outcome, row.error = "crashed", conversion.crash
        elif conversion.rejection:
            row.outcome, row.error = "refused", conversion.rejection
        if tool == "seaway" and conversion.rejection:
            waivers = folder / "docker-compose.waived.yml"
            waivers.write_text(tools.format_waivers(conversion.rejection))
            (folder / "Dockerfile").touch()  # the fix of an inline Dockerfile
            copies.append(waivers)
            conversion = tools.convert(tool, copies)
        if conversion.objects:
            row.objects = len(conversion.objects)
            row.tested, row.silent = silent_losses.find_silent_losses(tool, copies)
            if client is not None:
                row.rejected, row.level = _validate(client, conversion)
    return row


def _measure_seconds(tool: str, files: Sequence[Path]) -> float:
    names = [file.name for file in files]
    if tool == "kompose":
        words = [str(toolchain.find_program("kompose")), "convert", "--stdout", *(w for n in names for w in ("-f", n))]
    else:
        words = [sys.executable, "-m", "seaway.cli.main", "import", *names, "--out", "-"]
    seconds: list[float] = []
    for _ in range(TIMES):
        start = time.monotonic()
        subprocess.run(
            words, cwd=files[0].parent, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(project.ROOT)},
            capture_output=True, check=False,
        )  # fmt: skip
        seconds.append(time.monotonic() - start)
    return statistics.median(seconds)


def _validate(client: httpx.Client, conversion: tools.Conversion) -> tuple[list[str], str]:
    """Return the rejected objects, and the strictest level that admits all pods."""

    def find_problems(manifest: Mapping[str, Any], level: str) -> list[str]:
        return list(dry_run.list_problems(client, manifest, f"{NAMESPACES}-{level}"))

    manifests = [manifest for manifest in conversion.objects if manifest["kind"] != "Namespace"]
    rejected = [line for manifest in manifests for line in find_problems(manifest, "privileged")[:1]]
    pods = list(dry_run.list_pods(manifests))
    for level in dry_run.LEVELS:
        if not any(find_problems(pod, level) for pod in pods):
            return rejected, level
    return rejected, "none"


def make_rows(client: httpx.Client | None, only: Sequence[str] = ()) -> list[Row]:
    """Convert all projects, or only these, and print a line for each to stderr."""
    rows: list[Row] = []
    for name, files in projects.list_projects().items():
        if only and name not in only:
            continue
        for tool in tools.NAMES:
            row = make_row(name, tool, files, client)
            rows.append(row)
            counts = f"{len(row.silent)}/{row.tested} silent, {len(row.rejected)}/{row.objects} rejected"
            print(f"{name}: {tool}: {row.outcome}, {counts} {row.level}", file=sys.stderr)
    return rows


def deploy_rows(rows: Sequence[Row], client: httpx.Client) -> None:
    """Deploy the projects that the end-to-end tests deploy too."""
    files = projects.list_projects()
    for row in rows:
        if row.project in projects.DEPLOYED:
            row.runs = deployment.deploy_project(client, row.project, row.tool, files[row.project])
            print(f"{row.project}: {row.tool}: runs: {row.runs}", file=sys.stderr)


def write_rows(rows: Sequence[Row], file: Path) -> None:
    """Write rows for `read_rows`."""
    file.write_text(json.dumps([dataclasses.asdict(row) for row in rows]))


def read_rows(file: Path) -> list[Row]:
    """Read the rows of an earlier run."""
    return [Row(**fields) for fields in json.loads(file.read_text())]


def format_page(rows: Sequence[Row], kubernetes: str) -> str:
    """Return the whole page."""
    count = len({row.project for row in rows})
    head = HEAD.format(
        count=count,
        version=tools.KOMPOSE.version,
        kubernetes=kubernetes or "not used",
        times=TIMES,
        ready=deployment.READY_TIMEOUT,
    )
    sections = (_format_summary(rows), _format_projects(rows), _format_silent(rows), _format_errors(rows))
    return "\n".join((head, *(line for section in sections for line in (*section, ""))))


def _group_by_tool(rows: Sequence[Row]) -> Mapping[str, Sequence[Row]]:
    return {tool: [row for row in rows if row.tool == tool] for tool in tools.NAMES}


def _format_summary(rows: Sequence[Row]) -> Iterator[str]:
    yield f"| | {' | '.join(tools.NAMES)} |"
    yield "|---|---|---|"
    groups = _group_by_tool(rows).values()

    def format_line(title: str, *cells: str) -> str:
        return f"| {title} | {' | '.join(cells)} |"

    def count_all(title: str, part: Callable[[Row], int], total: Callable[[Row], int]) -> str:
        return format_line(title, *(f"{sum(map(part, group))} of {sum(map(total, group))}" for group in groups))

    for outcome in ("converted", "refused", "crashed"):
        yield format_line(outcome, *(str(sum(row.outcome == outcome for row in group)) for group in groups))
    yield count_all("keys dropped silently", lambda row: len(row.silent), lambda row: row.tested)
    yield count_all("objects rejected", lambda row: len(row.rejected), lambda row: row.objects)
    for level in dry_run.LEVELS:
        yield format_line(
            f"Pod Security: {level}", *(str(sum(row.level == level for row in group)) for group in groups)
        )
    deployed = [[row.runs for row in group if row.runs] for group in groups]
    if all(deployed):
        yield format_line("deployed and answering", *(f"{runs.count('yes')} of {len(runs)}" for runs in deployed))
    yield format_line("seconds", *(f"{statistics.median(row.seconds for row in group):.2f}" for group in groups))


def _format_projects(rows: Sequence[Row]) -> Iterator[str]:
    yield "## Projects"
    yield ""
    columns = ("", "silent", "rejected", "level", "runs", "s")
    yield f"| project | {' | '.join(f'{tool} {column}'.strip() for tool in tools.NAMES for column in columns)} |"
    yield f"|---{'|---' * len(columns) * len(tools.NAMES)}|"
    for pair in zip(*_group_by_tool(rows).values(), strict=True):
        cells = [cell for row in pair for cell in _format_cells(row)]
        yield f"| {pair[0].project} | {' | '.join(cells)} |"


def _format_cells(row: Row) -> list[str]:
    if not row.objects:
        return [row.outcome, "-", "-", "-", "-", f"{row.seconds:.2f}"]
    rejected = f"{len(row.rejected)}/{row.objects}" if row.level else "-"
    runs = "-" if not row.runs else "yes" if row.runs == "yes" else "no"
    return [row.outcome, f"{len(row.silent)}/{row.tested}", rejected, row.level or "-", runs, f"{row.seconds:.2f}"]


def _format_silent(rows: Sequence[Row]) -> Iterator[str]:
    yield "## Silently dropped keys"
    yield ""
    yield f"| key of a service | {' | '.join(tools.NAMES)} | reason in Seaway |"
    yield "|---" * (2 + len(tools.NAMES)) + "|"
    counters = {
        tool: Counter(_format_key(path) for row in group for path in row.silent)
        for tool, group in _group_by_tool(rows).items()
    }
    for key in sorted({key for counter in counters.values() for key in counter}):
        reason = SILENT_REASONS[key] if counters["seaway"][key] else ""
        yield f"| {key} | {' | '.join(str(counter[key] or '') for counter in counters.values())} | {reason} |"


_FREE_KEYS = ("environment", "labels", "annotations", "depends_on", "networks", "args", "options", "sysctls", "ulimits")


def _format_key(path: silent_losses.KeyPath) -> str:
    """Format a key as in the specification, with * for names that the project chooses."""
    parts = [str(part) for part in path[2:] if not isinstance(part, int)]
    return ".".join("*" if number and parts[number - 1] in _FREE_KEYS else part for number, part in enumerate(parts))


def _format_errors(rows: Sequence[Row]) -> Iterator[str]:
    yield "## Refused, crashed, rejected"
    yield ""
    yield "| project | tool | outcome | reason |"
    yield "|---|---|---|---|"
    for row in rows:
        if row.error:
            yield f"| {row.project} | {row.tool} | {row.outcome} | {_shorten(row.error)} |"
        for line in row.rejected:
            yield f"| {row.project} | {row.tool} | rejected | {_shorten(line)} |"
        if row.runs not in ("", "yes"):
            yield f"| {row.project} | {row.tool} | does not run | {_shorten(row.runs)} |"


def _shorten(text: str) -> str:
    flat = " ".join(text.split()).replace("|", "\\|")
    return flat if len(flat) <= 300 else f"{flat[:300]}..."
