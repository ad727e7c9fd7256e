"""The two converters, ours and kompose: what each makes of a compose project, and what it tells."""

import dataclasses
import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from dev.cluster import parts, toolchain
from seaway.compose import project, report
from seaway.files import roots
from seaway.images import build_inputs
from seaway.manifests import preview
from seaway.model import settings
from seaway.project import environments, load
from seaway.syntax import diagnosis

KOMPOSE = parts.named("kompose")
NAMES = ("seaway", "kompose")
STACK = settings.Settings(stack="test", context="test", registry="registry.example.com", publish="nodePort")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a tool made of a project."""

    objects: Sequence[Mapping[str, Any]] = ()
    told: frozenset[str] = frozenset()
    """Its warnings, and how it builds images; what is converted without a loss is no warning."""
    named: frozenset[str] = frozenset()
    """The keys that its warnings name by their paths: what is said of one is said of all below it."""
    refused: str = ""
    crashed: str = ""

    @property
    def trace(self) -> str:
        """All that somebody could notice."""
        found = [sorted(json.dumps(one, sort_keys=True) for one in self.objects), sorted(self.told)]
        return json.dumps([found, self.refused, self.crashed])


def run(tool: str, files: Sequence[Path]) -> Made:
    """What a tool makes of them, all profiles asked for. Raises layout.CannotRunError: kompose is not compiled."""
    return _seaway(files) if tool == "seaway" else _kompose(files)


def _seaway(files: Sequence[Path]) -> Made:
    """What is refused is waived, as its message says, so that the rest of the project can be looked at."""
    path = files[0].with_name(",".join(file.name for file in files))
    try:
        found = project.convert_files(path, within=roots.Root(files[0].parent), profiles=["*"])
        named = frozenset(one.path for one in found.outcomes if one.kind != "kept")
        refused = report.list_refusals(found.outcomes)
        told = frozenset(f"{one.path} {one.kind} {one.message}" for one in found.outcomes if one.kind != "kept")
        if refused:
            return Made(told=told, named=named, refused="; ".join(f"{one.path}: {one.message}" for one in refused))
        app = load.load_application(path, root=roots.Root(files[0].parent), profiles=["*"])
        told |= {f"builds {name}: {build}" for name, build in build_inputs.list_builds(app)}
        return Made(objects=[one.manifest for one in preview.render_objects(environments.Environment.create(app, STACK))], told=told, named=named)
    except diagnosis.InvalidInput as wrong:
        return Made(refused="; ".join(f"{one.path}: {one.message}" for one in wrong.diagnostics))
    except Exception as error:  # a crash is what is counted
        return Made(crashed=f"{type(error).__name__}: {error}")


def _kompose(files: Sequence[Path]) -> Made:
    options = [word for file in files for word in ("--file", file.name)]
    done = subprocess.run(
        [str(toolchain.binary("kompose")), "convert", *options, "--profile", "*", "--stdout"],
        cwd=files[0].parent,
        env={"HOME": "/home/of-nobody", "PATH": "/usr/bin:/bin", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = [re.sub(r'^time="[^"]*" ?|\x1b\[[0-9;]*m', "", line) for line in done.stderr.splitlines()]
    if "goroutine " in done.stderr or done.returncode < 0:
        return Made(crashed=next((line for line in lines if line.startswith("panic")), "ended by a signal"))
    if done.returncode:
        return Made(refused=" ".join(lines[-1:]))
    objects = [one for one in yaml.safe_load_all(done.stdout) if one]
    listed = [item for one in objects for item in (one["items"] if one["kind"] == "List" else [one])]
    named = frozenset(
        f"services.*.{found[1]}" for line in lines if (found := re.search(r"Unsupported (\S+) key", line))
    )
    return Made(objects=listed, told=frozenset(lines), named=named)


def waivers(refused: str) -> str:
    """A compose file that waives what was refused: `services.web.privileged: ...; ...`."""
    waive: dict[str, dict[str, Any]] = {}
    for path in re.findall(r"(?:^|; )(services\.[^:]+):", refused):
        _, service, word, *_ = path.split(".")
        waive.setdefault(service, {"x-seaway": {"waive": {}}})["x-seaway"]["waive"][word] = "for a comparison"
    return json.dumps({"services": waive})
