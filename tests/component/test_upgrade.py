"""What commit 24bb12e registered, under the same names and with the same inputs: clusters and states have them.

No selector, label, annotation, type token, logical name, object name or field manager is ever renamed.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from plugin import values
from seaway.project import migration
from seaway.release import stack_state
from seaway.syntax import nodes
from tests.component import programs
from tests.upgrade import restore

SECRET = "(secret)"
NOT_COMPARED = ("pulumi:pulumi:Stack", "pulumi:providers:docker-build", "docker-build:index:Image")
"""What the engine adds; and what has a path of this machine."""
NEW_INPUTS = {
    "seaway:index:Release": ("format",),
    "seaway:index:Objects": ("sets", "fixed", "applications"),
    "seaway:index:Rollout": ("sources", "sizes"),
    "pulumi:providers:seaway": ("namespaces", "dataLoss"),
}
"""Of our own plugin, since then; its diff ignores those of the others, so that only `Release` is updated."""
ENGINES = ("__internal", "version")
"""Inputs of a provider that the engine adds."""


def plain(value: Any) -> Any:
    """Without what is secret, and without digests: they are of one machine."""
    match value:
        case values.Secret():
            return SECRET
        case dict() if "4dabf18193072939515e22adb298388d" in value:
            return SECRET
        case dict():
            inner = cast(dict[str, Any], value)
            return {
                key: plain(resource) for key, resource in inner.items() if resource is not None and key not in ENGINES
            }
        case list():
            return [plain(resource) for resource in cast(list[Any], value)]
        case str():
            return re.sub("@sha256:[0-9a-f]{64}", "@sha256:", value)
        case _:
            return value


def masked(inputs: dict[str, Any]) -> dict[str, Any]:
    found = plain(inputs)
    # A mock has each value of a Secret as a secret, the engine all of them as one.
    return {key: SECRET if key == "data" and SECRET in str(value) else value for key, value in found.items()}


def inside(urn: str) -> str:
    """Without stack and project."""
    return "::".join(urn.split("::")[2:]).replace("pulumi:pulumi:Stack$", "")


@pytest.mark.parametrize(
    ("project", "stack"), [("sample", "kept"), ("shop", "kept-dev"), ("shop", "kept-staging"), ("shop", "kept-prod")]
)
def test_nothing_is_renamed(project: str, stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / project
    shutil.copytree(restore.FIXTURE / project, folder)
    restore.migrate_files(folder)
    state = json.loads((folder / f"state.{stack}.json").read_text())["deployment"]["resources"]
    # The configured secret has no key: it keeps the name that the state knows.
    monkeypatch.setattr(stack_state, "export_resources", lambda *_: state)
    written = yaml.safe_load((folder / f"Pulumi.{stack}.yaml").read_text())["config"]
    config = {
        key.removeprefix("seaway:"): value if isinstance(value, str) else json.dumps(value)
        for key, value in written.items()
        if key.startswith("seaway:")
    }
    if "secrets" in config:
        config["secrets"] = json.dumps({"SESSION_KEY": "Sommer2024!"})
    monkeypatch.setattr(programs, "CONFIG", {})
    recording = programs.run_program(folder, config=config, stack=stack)

    then = {inside(resource["urn"]): resource for resource in state if resource["type"] not in NOT_COMPARED}
    now = {inside(resource.urn): resource for resource in recording.resources if resource.type not in NOT_COMPARED}
    assert now.keys() == then.keys()
    for urn, resource in then.items():
        before, after = masked(resource.get("inputs") or {}), masked(now[urn].inputs)
        for name in NEW_INPUTS.get(resource["type"], ()):
            assert name not in before
            after.pop(name)
        if resource["type"] == "seaway:index:Release":
            for inputs in (before, after):
                inputs.pop("provenance")
            record = nodes.from_plain(before["record"], "state")
            before["record"] = nodes.to_plain(migration.translate_stored(record))
        assert after == before, urn
        assert inside(now[urn].parent) == inside(resource["parent"]), urn
