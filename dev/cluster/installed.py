"""Finds installed programs: the Pulumi CLI, its Python host, and plugins in the versions that the SDKs require."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dev.cluster import compiler, parts

MINIMUM_PULUMI = (3, 259)


@dataclass(frozen=True, kw_only=True, slots=True)
class Installed:
    """Installed programs of a part by name, and hints about installed programs that are not used."""

    programs: Mapping[str, Path]
    hints: tuple[str, ...] = ()


NOT_INSTALLED = Installed(programs={})


@functools.cache
def find_installed(part: parts.Part) -> Installed:
    """Find the installed programs of a part outside the toolchain's cache."""
    if part.kind == "pulumi":
        return find_pulumi()
    if part.kind == "host":
        return Installed(programs=find_pulumi().programs)  # the host must have the version of the CLI
    if part.kind == "plugin":
        return find_plugin(part)
    return NOT_INSTALLED


def find_on_path(name: str) -> Path | None:
    """Find a program on PATH outside the cache: .seaway/env puts the cache first on PATH."""
    folders = [folder for folder in os.get_exec_path() if folder and not is_in_cache(Path(folder))]
    program = shutil.which(name, path=os.pathsep.join(folders))
    return Path(program) if program and not is_in_cache(Path(program)) else None


def is_in_cache(path: Path) -> bool:
    """Return whether a path, or the target of its link, is in the toolchain's cache."""
    return path.resolve().is_relative_to(compiler.cache_folder().resolve())


@functools.cache
def find_pulumi() -> Installed:
    """Find the CLI on PATH and its Python host, if the CLI is new enough and has a host."""
    program = find_on_path("pulumi")
    if program is None:
        return NOT_INSTALLED
    with tempfile.TemporaryDirectory() as home:  # the CLI writes a log to its home in each run
        environment = {**os.environ, "PULUMI_HOME": home, "PULUMI_SKIP_UPDATE_CHECK": "true"}
        result = subprocess.run([program, "version"], env=environment, capture_output=True, text=True, check=False)
    version = re.match(r"v?(\d+)\.(\d+)\.", result.stdout)
    minimum = ".".join(map(str, MINIMUM_PULUMI))
    if version is None or (int(version[1]), int(version[2])) < MINIMUM_PULUMI:
        reason = f"has version {result.stdout.strip() or 'unknown'}, older than {minimum}"
        return Installed(programs={}, hints=(f"{program} {reason}: not used; upgrade it to avoid compiling it",))
    for folder in (program.parent, program.resolve().parent):
        programs = {name: folder / name for name in parts.find_part("pulumi-language-python").programs}
        if all(path.is_file() for path in programs.values()):
            return Installed(programs={"pulumi": program, **programs})
    hint = f"{program} has no Python host in its folder: not used; install the complete Pulumi release"
    return Installed(programs={}, hints=(hint,))


def find_plugin(part: parts.Part) -> Installed:
    """Find a plugin in the version that its SDK requires, or any version on PATH: Pulumi prefers that one."""
    program = find_on_path(part.name)
    if program is not None:
        hint = f"{program} is on PATH, so Pulumi uses it with any version ({part.version} is required)"
        return Installed(programs={part.name: program}, hints=(hint,))
    for home in dict.fromkeys((os.environ.get("PULUMI_HOME"), Path.home() / ".pulumi")):
        if home is None:
            continue
        folder = Path(home) / "plugins" / format_plugin_folder(part)
        complete = not folder.with_name(f"{folder.name}.partial").exists()
        if complete and (folder / part.name).is_file() and not is_in_cache(folder / part.name):
            return Installed(programs={part.name: folder / part.name})
    return NOT_INSTALLED


def format_plugin_folder(part: parts.Part) -> str:
    """Return the name of the folder in which Pulumi looks for a plugin."""
    return f"resource-{part.name.removeprefix('pulumi-resource-')}-v{part.version}"
