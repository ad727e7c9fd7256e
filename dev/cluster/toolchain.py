"""The toolchain: plans which parts to install and compile, and does so.

`python3 -m dev.cluster.toolchain plan|build|path`. Requires only the system's Python (3.11 or later).
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

COLOURS = {"installed": "32", "built": "32", "compile": "33"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A part in the plan: installed on the machine, built earlier, or to be compiled."""

    part: str
    version: str
    state: Literal["installed", "built", "compile"]
    where: str
    minutes: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The parts and packages, and the problems that prevent the installation."""

    rows: tuple[Row, ...]
    packages: tuple[str, ...]
    hints: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def minutes(self) -> float:
        """Upper bound of the compilation time: parts in Go's cache compile faster."""
        return sum(row.minutes for row in self.rows)


def estimate_minutes(part: parts.Part) -> float:
    """Estimate the minutes to compile a part on this machine. Compiling uses all cores, linking does not."""
    return part.minutes * max(2 / (os.cpu_count() or 2), 0.3)


def inspect_part(part: parts.Part) -> Row:
    """Return the state of a part on this machine."""
    programs = installed.find_installed(part).programs
    if programs:
        location = str(next(iter(programs.values())))
        return Row(part=part.name, version=part.version, state="installed", where=location, minutes=0)
    try:
        location, is_built = str(compiler.build_folder(part)), compiler.is_built(part)
    except layout.CannotRunError:  # Go is missing: the plan reports this once
        location, is_built = str(compiler.parts_folder()), False
    state, minutes = ("built", 0.0) if is_built else ("compile", estimate_minutes(part))
    return Row(part=part.name, version=part.version, state=state, where=location, minutes=minutes)


def make_plan(required: tuple[parts.Part, ...] = parts.REQUIRED) -> Plan:
    """Plan the installation without changing anything. Takes 2 to 5 seconds."""
    rows = tuple(inspect_part(part) for part in required)
    missing = packages.list_missing()
    hints = [hint for part in required for hint in installed.find_installed(part).hints]
    problems: list[str] = []
    if sys.platform != "linux":
        problems.append(f"{sys.platform}: the one-node cluster requires Linux; use another cluster (README)")
    if any(row.state == "compile" for row in rows):
        hints += find_space_hints()
        try:
            compiler.find_go()
        except layout.CannotRunError as problem:
            problems.append(str(problem))
    try:
        packages.check_installable(missing)
    except layout.CannotRunError as problem:
        problems.append(str(problem))
    names = tuple(package.name for package in missing)
    return Plan(rows=rows, packages=names, hints=tuple(hints), problems=tuple(problems))


def find_space_hints() -> list[str]:
    """Return hints if memory or disk space may be too small for compiling."""
    hints: list[str] = []
    memory = Path("/proc/meminfo").read_text() if Path("/proc/meminfo").exists() else ""
    free = [int(line.split()[1]) / 2**20 for line in memory.splitlines() if line.startswith("MemAvailable")]
    if free and free[0] < parts.LINKER_MEMORY + 0.5:
        hints.append(f"{free[0]:.1f} GiB of memory is free; a linker needs about {parts.LINKER_MEMORY} GiB")
    disk = shutil.disk_usage(Path.home()).free / 2**30
    if disk < 12:
        hints.append(f"{disk:.0f} GiB of disk is free in {Path.home()}; sources and packages need about 12 GiB")
    return hints


def print_plan(plan: Plan, out: TextIO) -> None:
    """Print the plan as a table, with colours on a terminal."""
    coloured = out.isatty() and "NO_COLOR" not in os.environ
    width = max(len(row.part) for row in plan.rows)
    for row in plan.rows:
        state = f"\x1b[{COLOURS[row.state]}m{row.state:<9}\x1b[0m" if coloured else f"{row.state:<9}"
        detail = f"about {format_minutes(row.minutes)}" if row.state == "compile" else row.where
        out.write(f"  {row.part:<{width}}  {row.version:<8}  {state}  {detail}\n")
    if plan.packages:
        out.write(f"Debian packages to install: {' '.join(plan.packages)} (removes no package, starts no service)\n")
    out.writelines(f"hint: {hint}\n" for hint in plan.hints)
    missing = sum(row.state == "compile" for row in plan.rows)
    if missing:
        out.write(f"To compile once: {missing} of {len(plan.rows)} parts, at most {format_minutes(plan.minutes)}, ")
        out.write(f"into {compiler.parts_folder()}\n")
    elif not plan.packages:
        out.write("All parts are available.\n")
    out.flush()


def format_minutes(number: float) -> str:
    """Format minutes, or seconds below two minutes."""
    return f"{number:.0f} min" if number >= 2 else f"{number * 60:.0f} s"


def ensure_parts(out: TextIO, required: tuple[parts.Part, ...] = parts.REQUIRED) -> None:
    """Print the plan, then install and compile missing parts. Raises CannotRunError or FailedError."""
    plan = make_plan(required)
    if plan.packages or any(row.state == "compile" for row in plan.rows):
        print_plan(plan, out)
    if plan.problems:
        raise layout.CannotRunError("\n".join(plan.problems))
    if plan.packages:
        packages.install_packages(packages.list_missing(), compiler.cache_folder() / "logs" / "packages.log")
        out.write(f"Debian packages installed: {' '.join(plan.packages)}\n")
    compile_parts(tuple(parts.find_part(row.part) for row in plan.rows if row.state == "compile"), out)


def compile_parts(missing: tuple[parts.Part, ...], out: TextIO) -> None:
    """Compile parts one after the other: together, their linkers need more memory than a laptop has."""
    printer = progress.Progress(len(missing), out=out)
    next_names = [*(part.name for part in missing[1:]), None]
    for part, next_name in zip(missing, next_names, strict=False):
        printer.start(f"{part.name} {part.version}", estimate_minutes(part) * 60, next_name)
        compiled = compiler.build_part(part, tick=printer.tick, note=printer.note)
        printer.finish("compiled" if compiled else "compiled by another checkout")


def is_available(part: parts.Part) -> bool:
    """Return whether a part is compiled. An optional part is used only then."""
    try:
        return compiler.is_built(part)
    except layout.CannotRunError:  # the key of a build requires Go
        return False


def find_program(name: str) -> Path:
    """Return the path of a program of the toolchain. Raises CannotRunError: it is missing; KeyError: it is unknown."""
    part = parts.find_part_of_program(name)
    program = installed.find_installed(part).programs.get(name)
    if program is not None:
        return program
    if not compiler.is_built(part):
        only = f" {part.name}" if part.optional else ""
        raise layout.CannotRunError(f"{name} is not compiled: run `python3 -m dev.cluster.toolchain build{only}`")
    return compiler.build_folder(part) / "bin" / name


def make_view(required: tuple[parts.Part, ...] = parts.REQUIRED) -> Path:
    """Create a folder in the cache with a link to each of these parts only. See `compiler.VIEW`.

    The link of a part dangles until the part is compiled. Without Go, the view is empty.
    """
    try:
        names = [compiler.build_folder(part).name for part in required]
    except layout.CannotRunError:
        names = []
    view = compiler.cache_folder() / f"view-{hashlib.sha256(' '.join(names).encode()).hexdigest()[:16]}"
    if not view.is_dir():
        compiler.cache_folder().mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".making-", dir=compiler.cache_folder()))
        temporary.chmod(0o755)
        for name in names:
            (temporary / name).symlink_to(Path("..") / name)
        try:
            temporary.rename(view)
        except OSError:  # another process has just created the same view
            shutil.rmtree(temporary)
    return view


def list_bin_folders() -> list[Path]:
    """List the folders for PATH, after the virtual environment's: the CLI and its host, kubectl, buildctl.

    Without programs that are installed on PATH, and without plugins (see `link_plugins`).
    """
    compiled = (part for part in parts.PARTS if part.on_path and not installed.find_installed(part).programs)
    return [compiler.build_folder(part) / "bin" for part in compiled if not part.optional or is_available(part)]


def link_plugins(pulumi_home: Path) -> list[Path]:
    """Link the plugins into a PULUMI_HOME under the names that Pulumi expects. Returns the links."""
    links: list[Path] = []
    for part in parts.PARTS:
        if part.kind != "plugin":
            continue
        target, folder = find_program(part.name), pulumi_home / "plugins" / installed.format_plugin_folder(part)
        folder.mkdir(parents=True, exist_ok=True)
        link, temporary = folder / part.name, folder / f".{part.name}.{os.getpid()}"
        temporary.symlink_to(target)
        temporary.replace(link)
        links.append(link)
    return links


def find_parts(names: list[str]) -> tuple[parts.Part, ...]:
    """Return parts by name. Raises KeyError: a name is unknown."""
    return tuple(parts.find_part(name) for name in names)


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    parser = argparse.ArgumentParser(prog="python3 -m dev.cluster.toolchain", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    plan_parser = commands.add_parser("plan", help="show available parts, and parts to install and compile")
    plan_parser.add_argument("--json", action="store_true", help="print JSON")
    plan_parser.add_argument("--all", action="store_true", help="include the optional parts")
    build_command = commands.add_parser("build", help="install and compile missing parts")
    build_command.add_argument(
        "parts", nargs="*", help="compile only these parts (default: all required, and packages)"
    )
    build_command.add_argument("--all", action="store_true", help="include the optional parts")
    path_parser = commands.add_parser("path", help="print the path of a program, or the folders for PATH")
    path_parser.add_argument("program", nargs="?")
    return parser


def run_command(options: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    if options.command == "plan":
        plan = make_plan(parts.PARTS if options.all else parts.REQUIRED)
        if options.json:
            print(json.dumps({**dataclasses.asdict(plan), "minutes": plan.minutes}, indent=2))
        else:
            print_plan(plan, sys.stdout)
        if plan.problems:
            raise layout.CannotRunError("\n".join(plan.problems))
    elif options.command == "build" and options.parts:
        missing = [part for part in find_parts(options.parts) if inspect_part(part).state == "compile"]
        compile_parts(tuple(missing), sys.stdout)
    elif options.command == "build":
        ensure_parts(sys.stdout, parts.PARTS if options.all else parts.REQUIRED)
    else:
        print(find_program(options.program) if options.program else os.pathsep.join(map(str, list_bin_folders())))
    return 0


def exit_on_signal(number: int, _frame: object) -> None:
    """Turn SIGTERM into an exception, so that it ends a build as Ctrl-C does."""
    sys.exit(128 + number)


def main() -> int:
    """Return 0: success, 1: failure, 2: not possible on this machine or wrong usage, 130: interrupted."""
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
        print("\ninterrupted; finished parts are kept, an unfinished part is removed", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
