"""The toolchain: says what is there, what will be installed and what will be compiled; then does it.

`python3 -m dev.cluster.toolchain plan|build|path`, with the system's Python (3.11 or newer) and nothing else.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

from dev.cluster import compiler, installed, layout, packages, parts, progress

COLOURS = {"found": "32", "built": "32", "compile": "33"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One part in the plan: used as found, there already from an earlier build, or to be compiled."""

    part: str
    version: str
    state: Literal["found", "built", "compile"]
    where: str
    minutes: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What will be done; `problems` says what stands in the way."""

    rows: tuple[Row, ...]
    packages: tuple[str, ...]
    hints: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def minutes(self) -> float:
        """All that is to be compiled, at most: what Go has in its own cache goes faster."""
        return sum(row.minutes for row in self.rows)


def estimate_minutes(part: parts.Part) -> float:
    """Minutes that a part takes here. Compiling spreads over the cores, linking does not."""
    return part.minutes * max(2 / (os.cpu_count() or 2), 0.3)


def inspect_part(part: parts.Part) -> Row:
    """Where a part stands on this machine."""
    programs = installed.find_installed(part).programs
    if programs:
        place = str(next(iter(programs.values())))
        return Row(part=part.name, version=part.version, state="found", where=place, minutes=0)
    try:
        place, there = str(compiler.build_folder(part)), compiler.is_built(part)
    except layout.CannotRunError:  # no Go: told once, in the plan's problems
        place, there = str(compiler.parts_folder()), False
    state, minutes = ("built", 0.0) if there else ("compile", estimate_minutes(part))
    return Row(part=part.name, version=part.version, state=state, where=place, minutes=minutes)


def make_plan(wanted: tuple[parts.Part, ...] = parts.REQUIRED) -> Plan:
    """What is here and what is to do. Takes about 2 seconds, 5 at most; changes nothing."""
    rows = tuple(inspect_part(part) for part in wanted)
    lacking = packages.list_missing()
    hints = [hint for part in wanted for hint in installed.find_installed(part).hints]
    problems: list[str] = []
    if sys.platform != "linux":
        problems.append(f"the one-node cluster needs Linux, this is {sys.platform}: use any other cluster (README)")
    if any(one.state == "compile" for one in rows):
        hints += find_space_hints()
        try:
            compiler.find_go()
        except layout.CannotRunError as problem:
            problems.append(str(problem))
    try:
        packages.check_installable(lacking)
    except layout.CannotRunError as problem:
        problems.append(str(problem))
    names = tuple(package.name for package in lacking)
    return Plan(rows=rows, packages=names, hints=tuple(hints), problems=tuple(problems))


def find_space_hints() -> list[str]:
    """Hints where memory or disk look short for compiling."""
    hints: list[str] = []
    memory = Path("/proc/meminfo").read_text() if Path("/proc/meminfo").exists() else ""
    free = [int(line.split()[1]) / 2**20 for line in memory.splitlines() if line.startswith("MemAvailable")]
    if free and free[0] < parts.LINKER_MEMORY + 0.5:
        hints.append(f"{free[0]:.1f} GiB of memory are free; one linker wants about {parts.LINKER_MEMORY}")
    disk = shutil.disk_usage(Path.home()).free / 2**30
    if disk < 12:
        hints.append(f"{disk:.0f} GiB of disk are free in {Path.home()}; sources and compiled packages want about 12")
    return hints


def print_plan(plan: Plan, out: TextIO) -> None:
    """The plan as a table, coloured on a terminal."""
    coloured = out.isatty() and "NO_COLOR" not in os.environ
    wide = max(len(one.part) for one in plan.rows)
    for one in plan.rows:
        state = f"\x1b[{COLOURS[one.state]}m{one.state:<8}\x1b[0m" if coloured else f"{one.state:<8}"
        detail = f"about {format_minutes(one.minutes)}" if one.state == "compile" else one.where
        out.write(f"  {one.part:<{wide}}  {one.version:<8}  {state}  {detail}\n")
    if plan.packages:
        out.write(
            f"Debian packages to install: {' '.join(plan.packages)} (nothing is removed, no service is started)\n"
        )
    out.writelines(f"hint: {hint}\n" for hint in plan.hints)
    waiting = sum(one.state == "compile" for one in plan.rows)
    if waiting:
        out.write(f"To compile, once: {waiting} of {len(plan.rows)} parts, at most {format_minutes(plan.minutes)}, ")
        out.write(f"into {compiler.parts_folder()}\n")
    elif not plan.packages:
        out.write("Everything is there.\n")
    out.flush()


def format_minutes(number: float) -> str:
    """Minutes in words."""
    return f"{number:.0f} min" if number >= 2 else f"{number * 60:.0f} s"


def ensure_parts(out: TextIO, wanted: tuple[parts.Part, ...] = parts.REQUIRED) -> None:
    """Install and compile what is missing, after saying so. Raises CannotRunError or FailedError."""
    intended = make_plan(wanted)
    if intended.packages or any(one.state == "compile" for one in intended.rows):
        print_plan(intended, out)
    if intended.problems:
        raise layout.CannotRunError("\n".join(intended.problems))
    if intended.packages:
        packages.install_packages(packages.list_missing(), compiler.cache_folder() / "logs" / "packages.log")
        out.write(f"Debian packages installed: {' '.join(intended.packages)}\n")
    compile_parts(tuple(parts.find_part(one.part) for one in intended.rows if one.state == "compile"), out)


def compile_parts(missing: tuple[parts.Part, ...], out: TextIO) -> None:
    """Compile parts one after the other: together, their linkers want more memory than a laptop has."""
    shown = progress.Progress(len(missing), out=out)
    following = [*(part.name for part in missing[1:]), None]
    for part, after in zip(missing, following, strict=False):
        shown.start(f"{part.name} {part.version}", estimate_minutes(part) * 60, after)
        did = compiler.build_part(part, tick=shown.tick, note=shown.note)
        shown.finish("compiled" if did else "compiled by another checkout, waited")


def is_available(part: parts.Part) -> bool:
    """Whether a part is compiled already. What is optional is used only then."""
    try:
        return compiler.is_built(part)
    except layout.CannotRunError:  # no Go, so nobody can tell
        return False


def find_program(name: str) -> Path:
    """A program of the toolchain, wherever it is. Raises CannotRunError when missing, KeyError when no part has it."""
    part = parts.find_part_of_program(name)
    program = installed.find_installed(part).programs.get(name)
    if program is not None:
        return program
    if not compiler.is_built(part):
        only = f" {part.name}" if part.optional else ""
        raise layout.CannotRunError(f"{name} is not compiled yet: type `python3 -m dev.cluster.toolchain build{only}`")
    return compiler.build_folder(part) / "bin" / name


def make_view(wanted: tuple[parts.Part, ...] = parts.REQUIRED) -> Path:
    """Make a folder in the cache with a link to each of these parts, and with nothing else. See `compiler.VIEW`.

    The link of a part that is not compiled leads nowhere until the part is compiled. Without Go the view is empty.
    """
    try:
        names = [compiler.build_folder(part).name for part in wanted]
    except layout.CannotRunError:
        names = []
    view = compiler.cache_folder() / f"view-{hashlib.sha256(' '.join(names).encode()).hexdigest()[:16]}"
    if not view.is_dir():
        compiler.cache_folder().mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".making-", dir=compiler.cache_folder()))
        fresh.chmod(0o755)
        for name in names:
            (fresh / name).symlink_to(Path("..") / name)
        try:
            fresh.rename(view)
        except OSError:  # another process was faster, and made the same
            shutil.rmtree(fresh)
    return view


def list_bin_folders() -> list[Path]:
    """The folders to put on PATH, after the virtual environment's: the CLI and its host, kubectl, buildctl.

    Only ours; what was found on PATH is there already. The plugins are not in them, see `link_plugins`.
    """
    ours = (part for part in parts.PARTS if part.on_path and not installed.find_installed(part).programs)
    return [compiler.build_folder(part) / "bin" for part in ours if not part.optional or is_available(part)]


def link_plugins(pulumi_home: Path) -> list[Path]:
    """Give a PULUMI_HOME the plugins, as links under the names that Pulumi looks for. Returns the links."""
    links: list[Path] = []
    for part in parts.PARTS:
        if part.kind != "plugin":
            continue
        target, folder = find_program(part.name), pulumi_home / "plugins" / installed.format_plugin_folder(part)
        folder.mkdir(parents=True, exist_ok=True)
        link, fresh = folder / part.name, folder / f".{part.name}.{os.getpid()}"
        fresh.symlink_to(target)
        fresh.replace(link)
        links.append(link)
    return links


def find_parts(names: list[str]) -> tuple[parts.Part, ...]:
    """Parts by name. Raises KeyError for a name that does not exist."""
    return tuple(parts.find_part(name) for name in names)


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python3 -m dev.cluster.toolchain", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    planned = commands.add_parser("plan", help="say what is there, what will be installed and compiled")
    planned.add_argument("--json", action="store_true", help="for programs")
    planned.add_argument("--all", action="store_true", help="the optional parts too")
    built = commands.add_parser("build", help="install and compile what is missing")
    built.add_argument("parts", nargs="*", help="only these parts (default: all that are needed, and the packages)")
    built.add_argument("--all", action="store_true", help="the optional parts too")
    path = commands.add_parser("path", help="where a program is, or the folders for PATH")
    path.add_argument("program", nargs="?")
    return parser


def run_command(options: argparse.Namespace) -> int:
    """Do what the command line says; the exit code."""
    if options.command == "plan":
        what = make_plan(parts.PARTS if options.all else parts.REQUIRED)
        if options.json:
            print(json.dumps({**dataclasses.asdict(what), "minutes": what.minutes}, indent=2))
        else:
            print_plan(what, sys.stdout)
        if what.problems:
            raise layout.CannotRunError("\n".join(what.problems))
    elif options.command == "build" and options.parts:
        waiting = [part for part in find_parts(options.parts) if inspect_part(part).state == "compile"]
        compile_parts(tuple(waiting), sys.stdout)
    elif options.command == "build":
        ensure_parts(sys.stdout, parts.PARTS if options.all else parts.REQUIRED)
    else:
        print(find_program(options.program) if options.program else os.pathsep.join(map(str, list_bin_folders())))
    return 0


def exit_on_signal(number: int, _frame: object) -> None:
    """Turn SIGTERM into an exception, so that a build ends as it does on Ctrl-C."""
    sys.exit(128 + number)


def main() -> int:
    """0 done, 1 failed, 2 cannot here or wrong usage, 130 interrupted."""
    signal.signal(signal.SIGTERM, exit_on_signal)
    try:
        return run_command(build_parser().parse_args())
    except layout.CannotRunError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    except KeyError as problem:
        print(f"error: {problem.args[0]}", file=sys.stderr)
        return 2
    except layout.FailedError as problem:
        print(f"\nerror: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; what is finished stays, nothing is half-made", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
