"""Runs the two converters, Seaway and kompose, on a compose project."""

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

KOMPOSE = parts.find_part("kompose")
NAMES = ("seaway", "kompose")
STACK = settings.Settings(stack="test", context="test", registry="registry.example.com", publish="nodePort")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """The result of a tool for a project."""

    objects: Sequence[Mapping[str, Any]] = ()
    warnings: frozenset[str] = frozenset()
    """Its warnings, and how it builds images. Lossless conversions are not warnings."""
    warned_keys: frozenset[str] = frozenset()
    """Paths of the keys in its warnings. A warning covers all keys below."""
    rejection: str = ""
    crash: str = ""

    @property
    def visible_output(self) -> str:
        """All output that a user can see."""
        objects = sorted(json.dumps(manifest, sort_keys=True) for manifest in self.objects)
        return json.dumps([objects, sorted(self.warnings), self.rejection, self.crash])


def convert(tool: str, files: Sequence[Path]) -> Conversion:
    """Convert a project with all profiles. Raises layout.CannotRunError: kompose is not compiled."""
    return _convert_with_seaway(files) if tool == "seaway" else _convert_with_kompose(files)


def _convert_with_seaway(files: Sequence[Path]) -> Conversion:
    path = files[0].with_name(",".join(file.name for file in files))
    try:
        _, conversion = project.convert_files(files, within=roots.Root(files[0].parent), profiles=["*"])
        outcomes = conversion.outcomes
        losses = [outcome for outcome in outcomes if outcome.kind != "kept"]
        warned_keys = frozenset(loss.path for loss in losses)
        warnings = frozenset(f"{loss.path} {loss.kind} {loss.message}" for loss in losses)
        if refusals := report.list_refusals(outcomes):
            rejection = "; ".join(f"{refusal.path}: {refusal.message}" for refusal in refusals)
            return Conversion(warnings=warnings, warned_keys=warned_keys, rejection=rejection)
        app = load.load_application(path, root=roots.Root(files[0].parent), profiles=["*"])
        warnings |= {f"builds {name}: {build}" for name, build in build_inputs.list_builds(app)}
        objects = [
            resource.manifest for resource in preview.render_objects(environments.Environment.create(app, STACK))
        ]
        return Conversion(objects=objects, warnings=warnings, warned_keys=warned_keys)
    except diagnosis.InvalidInput as error:
        messages = (f"{diagnostic.path}: {diagnostic.message}" for diagnostic in error.diagnostics)
        return Conversion(rejection="; ".join(messages))
    except Exception as error:  # the comparison counts crashes
        return Conversion(crash=f"{type(error).__name__}: {error}")


def _convert_with_kompose(files: Sequence[Path]) -> Conversion:
    options = [word for file in files for word in ("--file", file.name)]
    result = subprocess.run(
        [str(toolchain.find_program("kompose")), "convert", *options, "--profile", "*", "--stdout"],
        cwd=files[0].parent,
        env={"HOME": "/home/of-nobody", "PATH": "/usr/bin:/bin", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = [re.sub(r'^time="[^"]*" ?|\x1b\[[0-9;]*m', "", line) for line in result.stderr.splitlines()]
    if "goroutine " in result.stderr or result.returncode < 0:
        return Conversion(crash=next((line for line in lines if line.startswith("panic")), "ended by a signal"))
    if result.returncode:
        return Conversion(rejection=" ".join(lines[-1:]))
    documents = [document for document in yaml.safe_load_all(result.stdout) if document]
    objects = [
        manifest
        for document in documents
        for manifest in (document["items"] if document["kind"] == "List" else [document])
    ]
    matches = (re.search(r"Unsupported (\S+) key", line) for line in lines)
    warned_keys = frozenset(f"services.*.{match[1]}" for match in matches if match)
    return Conversion(objects=objects, warnings=frozenset(lines), warned_keys=warned_keys)


def format_waivers(rejection: str) -> str:
    """Return a compose file that waives the rejected keys: `services.web.privileged: ...; ...`."""
    waive: dict[str, dict[str, Any]] = {}
    for path in re.findall(r"(?:^|; )(services\.[^:]+):", rejection):
        _, service, key, *_ = path.split(".")
        waive.setdefault(service, {"x-seaway": {"waive": {}}})["x-seaway"]["waive"][key] = "for a comparison"
    return json.dumps({"services": waive})
