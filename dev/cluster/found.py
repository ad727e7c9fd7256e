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

OLDEST_PULUMI = (3, 259)


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Programs of a part, by name, and a line for the person where something is there that is not used."""

    programs: Mapping[str, Path]
    hints: tuple[str, ...] = ()


NOTHING = Found(programs={})


@functools.cache
def search(part: parts.Part) -> Found:
    """What the machine has of a part, the toolchain's own cache left aside."""
    if part.kind == "pulumi":
        return pulumi()
    if part.kind == "host":
        return Found(programs=pulumi().programs)  # never another one: the two must fit
    if part.kind == "plugin":
        return plugin(part)
    return NOTHING


def on_path(name: str) -> Path | None:
    """A program on PATH that is not ours: PATH may have the cache in front, set by .seaway/env."""
    folders = [place for place in os.get_exec_path() if place and not ours(Path(place))]
    found = shutil.which(name, path=os.pathsep.join(folders))
    return Path(found) if found and not ours(Path(found)) else None


def ours(path: Path) -> bool:
    """Whether a path, or what it links to, is in the toolchain's cache."""
    return path.resolve().is_relative_to(compiler.cache().resolve())


@functools.cache
def pulumi() -> Found:
    """The CLI on PATH with its Python host, if it is new enough and has one."""
    program = on_path("pulumi")
    if program is None:
        return NOTHING
    with tempfile.TemporaryDirectory() as home:  # every run of the CLI writes a log to its home
        environment = {**os.environ, "PULUMI_HOME": home, "PULUMI_SKIP_UPDATE_CHECK": "true"}
        said = subprocess.run([program, "version"], env=environment, capture_output=True, text=True, check=False)
    version = re.match(r"v?(\d+)\.(\d+)\.", said.stdout)
    wanted = ".".join(map(str, OLDEST_PULUMI))
    if version is None or (int(version[1]), int(version[2])) < OLDEST_PULUMI:
        reason = f"is {said.stdout.strip() or 'of no version that it tells'}, older than {wanted}"
        return Found(programs={}, hints=(f"{program} {reason}: not used; upgrade it to save its compilation",))
    for folder in (program.parent, program.resolve().parent):
        programs = {name: folder / name for name in parts.named("pulumi-language-python").programs}
        if all(path.is_file() for path in programs.values()):
            return Found(programs={"pulumi": program, **programs})
    return Found(programs={}, hints=(f"{program} has no Python host beside it: not used; install Pulumi completely",))


def plugin(part: parts.Part) -> Found:
    """A plugin in exactly the version that its SDK asks for, or one on PATH, which Pulumi prefers to every other."""
    ambient = on_path(part.name)
    if ambient is not None:
        hint = f"{ambient} is on PATH, so Pulumi uses it whatever its version is ({part.version} is wanted)"
        return Found(programs={part.name: ambient}, hints=(hint,))
    for home in dict.fromkeys((os.environ.get("PULUMI_HOME"), Path.home() / ".pulumi")):
        if home is None:
            continue
        folder = Path(home) / "plugins" / plugin_folder(part)
        complete = not folder.with_name(f"{folder.name}.partial").exists()
        if complete and (folder / part.name).is_file() and not ours(folder / part.name):
            return Found(programs={part.name: folder / part.name})
    return NOTHING


def plugin_folder(part: parts.Part) -> str:
    """The folder name by which Pulumi knows a plugin and its version."""
    return f"resource-{part.name.removeprefix('pulumi-resource-')}-v{part.version}"
