"""What the machine has already: the CLI, its Python host, and plugins in the versions that the SDKs ask for."""

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
    """Programs of a part, by name, and a line for the person where something is there that is not used."""

    programs: Mapping[str, Path]
    hints: tuple[str, ...] = ()


NOT_INSTALLED = Installed(programs={})


@functools.cache
def find_installed(part: parts.Part) -> Installed:
    """What the machine has of a part, the toolchain's own cache left aside."""
    if part.kind == "pulumi":
        return find_pulumi()
    if part.kind == "host":
        return Installed(programs=find_pulumi().programs)  # never another one: the two must fit
    if part.kind == "plugin":
        return find_plugin(part)
    return NOT_INSTALLED


def find_on_path(name: str) -> Path | None:
    """A program on PATH that is not ours: PATH may have the cache in front, set by .seaway/env."""
    folders = [place for place in os.get_exec_path() if place and not is_in_cache(Path(place))]
    found = shutil.which(name, path=os.pathsep.join(folders))
    return Path(found) if found and not is_in_cache(Path(found)) else None


def is_in_cache(path: Path) -> bool:
    """Whether a path, or what it links to, is in the toolchain's cache."""
    return path.resolve().is_relative_to(compiler.cache_folder().resolve())


@functools.cache
def find_pulumi() -> Installed:
    """The CLI on PATH with its Python host, if it is new enough and has one."""
    program = find_on_path("pulumi")
    if program is None:
        return NOT_INSTALLED
    with tempfile.TemporaryDirectory() as home:  # every run of the CLI writes a log to its home
        environment = {**os.environ, "PULUMI_HOME": home, "PULUMI_SKIP_UPDATE_CHECK": "true"}
        said = subprocess.run([program, "version"], env=environment, capture_output=True, text=True, check=False)
    version = re.match(r"v?(\d+)\.(\d+)\.", said.stdout)
    wanted = ".".join(map(str, MINIMUM_PULUMI))
    if version is None or (int(version[1]), int(version[2])) < MINIMUM_PULUMI:
        reason = f"is {said.stdout.strip() or 'of no version that it tells'}, older than {wanted}"
        return Installed(programs={}, hints=(f"{program} {reason}: not used; upgrade it to save its compilation",))
    for folder in (program.parent, program.resolve().parent):
        programs = {name: folder / name for name in parts.find_part("pulumi-language-python").programs}
        if all(path.is_file() for path in programs.values()):
            return Installed(programs={"pulumi": program, **programs})
    return Installed(
        programs={}, hints=(f"{program} has no Python host beside it: not used; install Pulumi completely",)
    )


def find_plugin(part: parts.Part) -> Installed:
    """A plugin in exactly the version that its SDK asks for, or one on PATH, which Pulumi prefers to every other."""
    ambient = find_on_path(part.name)
    if ambient is not None:
        hint = f"{ambient} is on PATH, so Pulumi uses it whatever its version is ({part.version} is wanted)"
        return Installed(programs={part.name: ambient}, hints=(hint,))
    for home in dict.fromkeys((os.environ.get("PULUMI_HOME"), Path.home() / ".pulumi")):
        if home is None:
            continue
        folder = Path(home) / "plugins" / format_plugin_folder(part)
        complete = not folder.with_name(f"{folder.name}.partial").exists()
        if complete and (folder / part.name).is_file() and not is_in_cache(folder / part.name):
            return Installed(programs={part.name: folder / part.name})
    return NOT_INSTALLED


def format_plugin_folder(part: parts.Part) -> str:
    """The folder name by which Pulumi knows a plugin and its version."""
    return f"resource-{part.name.removeprefix('pulumi-resource-')}-v{part.version}"
