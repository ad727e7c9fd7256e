"""docs/kompose.md: what becomes of each project of the corpus with us, and with kompose."""

import contextlib
import dataclasses
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx

from dev import project
from dev.cluster import toolchain
from tests.compose import deployed, projects, silent, tools
from tests.e2e import test_compose
from tests.support import strict

LEVELS = ("restricted", "baseline", "privileged")

HEAD = """\
# Beside kompose

Each project of the corpus ({count}), all profiles asked for, converted by us and by kompose {version}. Written by
`make compose-table`: do not edit.

- **crashed**, **refused**: no objects. We refuse what takes the walls between pods and nodes down, and what cannot be
  had in a cluster; the reason and the way out are told, and the rest of the row is with those keys waived
  (`x-seaway: {{waive: ...}}`).
- **silent**: keys of services of which nobody can see a trace, of all that were judged. Each key is taken out, then
  changed to another value that Docker Compose accepts; if neither the objects, nor the images, nor the warnings are
  other ones, and no warning names it or a key above it, it was dropped without a word. What is told as kept counts as
  no warning. Extensions (`x-`) are not judged.
- **rejected**: objects that the API server refuses in a dry run with strict validation (Kubernetes {kubernetes}).
- **level**: the strictest level of Pod Security whose admission lets every pod in without a warning.
- **runs**: what the end-to-end tests deploy too: applied, with no demands on security in the namespace; every workload
  is ready within {ready} seconds, and of each service that publishes TCP ports one answers at a Service. Images are
  the cluster's own.
- **seconds**: median of {times} runs of the command.
"""
TIMES = 3

MEANT: Mapping[str, str] = {
    **dict.fromkeys(("command", "entrypoint", "deploy"), "says nothing: null, or an empty mapping"),
    **dict.fromkeys(("cap_add", "cap_drop", "security_opt"), "every pod at the level `restricted` has it"),
    **dict.fromkeys(("environment.*", "labels.*", "ports"), "a second file takes its place"),
    **dict.fromkeys(("env_file.path", "env_file.required"), "says that a file may be missing, and it is, or is there"),
    **dict.fromkeys(("userns_mode", "cgroup"), "a pod has no other"),
    "depends_on.*.condition": "stores and jobs come first, whatever it says",
    "gpus.capabilities": "a GPU of a cluster comes with all of them",
    "networks": "nobody else is on it",
    "ports.app_protocol": "ports beside the main one are TCP",
    "profiles": "all are asked for here",
    "volumes": "the whole file system of this container may be written to",
}
"""Why a key may be without a trace with us: by key. One that is not here is a mistake, and ends the run."""


@dataclasses.dataclass(slots=True, kw_only=True)
class Row:
    """A project with one tool."""

    project: str
    tool: str
    outcome: str = "converted"
    told: str = ""
    judged: int = 0
    dropped: Sequence[silent.Path_] = ()
    objects: int = 0
    rejected: Sequence[str] = ()
    level: str = ""
    seconds: float = 0
    runs: str = ""
    """Whether it runs; nothing where nobody tried."""


def row(name: str, tool: str, files: Sequence[Path], server: httpx.Client | None) -> Row:
    """What becomes of a project. Raises layout.CannotRunError: a program is not compiled."""
    one = Row(project=name, tool=tool)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / name
        shutil.copytree(files[0].parent, folder)
        mine = [folder / file.name for file in files]
        made = tools.run(tool, mine)
        one.seconds = _seconds(tool, mine)
        if made.crashed or made.refused:
            one.outcome, one.told = ("crashed", made.crashed) if made.crashed else ("refused", made.refused)
        if tool == "seaway" and made.refused:
            waived = folder / "docker-compose.waived.yml"
            waived.write_text(tools.waivers(made.refused))
            (folder / "Dockerfile").touch()  # what the way out of an inline one says
            mine.append(waived)
            made = tools.run(tool, mine)
        if made.objects:
            one.objects = len(made.objects)
            one.judged, one.dropped = silent.silent(tool, mine)
            if server is not None:
                one.rejected, one.level = _judged(server, made)
    return one


def _seconds(tool: str, files: Sequence[Path]) -> float:
    names = [file.name for file in files]
    if tool == "kompose":
        words = [str(toolchain.binary("kompose")), "convert", "--stdout", *(w for n in names for w in ("-f", n))]
    else:
        words = [sys.executable, "-m", "seaway.cli.main", "import", *names, "--out", "-"]
    found: list[float] = []
    for _ in range(TIMES):
        start = time.monotonic()
        subprocess.run(
            words, cwd=files[0].parent, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(project.ROOT)},
            capture_output=True, check=False,
        )  # fmt: skip
        found.append(time.monotonic() - start)
    return statistics.median(found)


def _judged(server: httpx.Client, made: tools.Made) -> tuple[list[str], str]:
    own = [one for one in made.objects if one["kind"] != "Namespace"]
    rejected = [line for one in own for line in list(strict.said(server, one, home("privileged")))[:1]]
    pods = list(strict.pods(own))
    for level in LEVELS:
        if not any(list(strict.said(server, pod, home(level))) for pod in pods):
            return rejected, level
    return rejected, "none"


def home(level: str) -> str:
    """The namespace of a level of Pod Security."""
    return f"kompose-{level}"


@contextlib.contextmanager
def server() -> Iterator[httpx.Client]:
    """The API server of the checkout's cluster, with a namespace for each level of Pod Security."""
    label = "pod-security.kubernetes.io/"
    with strict.server() as client:
        for level in LEVELS:
            labels = {f"{label}enforce": level, f"{label}warn": level}
            body = {"metadata": {"name": home(level), "labels": labels}}
            client.post("/api/v1/namespaces", json=body).raise_for_status()
        try:
            for level in LEVELS:
                account = f"/api/v1/namespaces/{home(level)}/serviceaccounts/default"
                while client.get(account).status_code != httpx.codes.OK:
                    time.sleep(0.1)
            yield client
        finally:
            for level in LEVELS:
                client.delete(f"/api/v1/namespaces/{home(level)}")


def rows(server: httpx.Client | None, only: Sequence[str] = ()) -> list[Row]:
    """Of all projects or of these, a line of each on stderr."""
    done: list[Row] = []
    for name, files in projects.list_projects().items():
        if only and name not in only:
            continue
        for tool in tools.NAMES:
            one = row(name, tool, files, server)
            done.append(one)
            counts = f"{len(one.dropped)}/{one.judged} silent, {len(one.rejected)}/{one.objects} rejected"
            print(f"{name}: {tool}: {one.outcome}, {counts} {one.level}", file=sys.stderr)
    return done


def run(done: Sequence[Row], server: httpx.Client) -> None:
    """Deploys what the end-to-end tests deploy too."""
    files = projects.list_projects()
    for one in done:
        if one.project in test_compose.APPLIED:
            one.runs = deployed.outcome(server, one.project, one.tool, files[one.project])
            print(f"{one.project}: {one.tool}: runs: {one.runs}", file=sys.stderr)


def kept(done: Sequence[Row], file: Path) -> None:
    """Written, for `read`."""
    file.write_text(json.dumps([dataclasses.asdict(one) for one in done]))


def read(file: Path) -> list[Row]:
    """What was kept."""
    return [Row(**one) for one in json.loads(file.read_text())]


def page(done: Sequence[Row], kubernetes: str) -> str:
    """The whole page."""
    count = len({one.project for one in done})
    head = HEAD.format(
        count=count,
        version=tools.KOMPOSE.version,
        kubernetes=kubernetes or "not asked",
        times=TIMES,
        ready=deployed.SECONDS,
    )
    return "\n".join((head, *_summary(done), "", *_projects(done), "", *_silent(done), "", *_told(done), ""))


def _of(done: Sequence[Row]) -> Mapping[str, Sequence[Row]]:
    return {tool: [one for one in done if one.tool == tool] for tool in tools.NAMES}


def _summary(done: Sequence[Row]) -> Iterator[str]:
    yield f"| | {' | '.join(tools.NAMES)} |"
    yield "|---|---|---|"
    of = _of(done)

    def line(what: str, *said: str) -> str:
        return f"| {what} | {' | '.join(said)} |"

    for outcome in ("converted", "refused", "crashed"):
        yield line(outcome, *(str(sum(one.outcome == outcome for one in mine)) for mine in of.values()))
    yield line(
        "keys dropped silently",
        *(f"{sum(len(one.dropped) for one in mine)} of {sum(one.judged for one in mine)}" for mine in of.values()),
    )
    yield line(
        "objects rejected",
        *(f"{sum(len(one.rejected) for one in mine)} of {sum(one.objects for one in mine)}" for mine in of.values()),
    )
    for level in LEVELS:
        yield line(f"Pod Security: {level}", *(str(sum(one.level == level for one in mine)) for mine in of.values()))
    tried = [[one.runs for one in mine if one.runs] for mine in of.values()]
    if all(tried):
        yield line("deployed and answering", *(f"{mine.count('yes')} of {len(mine)}" for mine in tried))
    yield line("seconds", *(f"{statistics.median(one.seconds for one in mine):.2f}" for mine in of.values()))


def _projects(done: Sequence[Row]) -> Iterator[str]:
    yield "## Each project"
    yield ""
    heads = ("", "silent", "rejected", "level", "runs", "s")
    yield f"| project | {' | '.join(f'{tool} {head}'.strip() for tool in tools.NAMES for head in heads)} |"
    yield f"|---{'|---' * len(heads) * len(tools.NAMES)}|"
    for first, second in zip(*_of(done).values(), strict=True):
        cells = [cell for one in (first, second) for cell in _cells(one)]
        yield f"| {first.project} | {' | '.join(cells)} |"


def _cells(one: Row) -> list[str]:
    if not one.objects:
        return [one.outcome, "-", "-", "-", "-", f"{one.seconds:.2f}"]
    rejected = f"{len(one.rejected)}/{one.objects}" if one.level else "-"
    runs = "-" if not one.runs else "yes" if one.runs == "yes" else "no"
    return [one.outcome, f"{len(one.dropped)}/{one.judged}", rejected, one.level or "-", runs, f"{one.seconds:.2f}"]


def _silent(done: Sequence[Row]) -> Iterator[str]:
    yield "## Keys that are dropped silently"
    yield ""
    yield f"| key of a service | {' | '.join(tools.NAMES)} | with us |"
    yield "|---" * (2 + len(tools.NAMES)) + "|"
    of = {tool: Counter(_key(path) for one in mine for path in one.dropped) for tool, mine in _of(done).items()}
    for key in sorted({key for counts in of.values() for key in counts}):
        why = MEANT[key] if of["seaway"][key] else ""
        yield f"| {key} | {' | '.join(str(counts[key] or '') for counts in of.values())} | {why} |"


_NAMED = ("environment", "labels", "annotations", "depends_on", "networks", "args", "options", "sysctls", "ulimits")


def _key(path: silent.Path_) -> str:
    """As the specification has it: without the names that are the project's own."""
    said = [str(part) for part in path[2:] if not isinstance(part, int)]
    return ".".join("*" if number and said[number - 1] in _NAMED else part for number, part in enumerate(said))


def _told(done: Sequence[Row]) -> Iterator[str]:
    yield "## Refused, crashed, rejected"
    yield ""
    yield "| project | tool | what | why |"
    yield "|---|---|---|---|"
    for one in done:
        if one.told:
            yield f"| {one.project} | {one.tool} | {one.outcome} | {_short(one.told)} |"
        for line in one.rejected:
            yield f"| {one.project} | {one.tool} | rejected | {_short(line)} |"
        if one.runs not in ("", "yes"):
            yield f"| {one.project} | {one.tool} | does not run | {_short(one.runs)} |"


def _short(text: str) -> str:
    flat = " ".join(text.split()).replace("|", "\\|")
    return flat if len(flat) <= 300 else f"{flat[:300]}..."
