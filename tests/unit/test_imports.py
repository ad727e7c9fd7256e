"""Checks of imports that import-linter cannot express. Its contracts stand in pyproject.toml."""

import json
import subprocess
import sys
import tomllib

from dev import project

PULUMI = {"pulumi", "pulumi_kubernetes", "pulumi_docker", "pulumi_docker_build", "grpc", "google.protobuf"}
IMPORT_ALL = """
import importlib, json, pkgutil, sys
import seaway
for module in pkgutil.walk_packages(seaway.__path__, "seaway."):
    importlib.import_module(module.name)
print()
print(json.dumps(list(sys.modules)))
"""


def test_core_loads_no_pulumi() -> None:
    """In a new process, so that a dependency that imports Pulumi is found too."""
    run = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=True, cwd=project.ROOT
    )
    loaded = set(json.loads(run.stdout.splitlines()[-1]))
    assert {"seaway.model.application", "seaway.cli.main"} <= loaded
    assert loaded & PULUMI == set()


def test_each_package_of_the_core_has_a_layer() -> None:
    """import-linter ignores a package that its contract does not name."""
    config = tomllib.loads((project.ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(contract["layers"] for contract in config["contracts"] if contract["name"] == "Layers of the core")
    core = project.ROOT / "seaway"
    files = [
        file.relative_to(project.ROOT)
        for file in core.rglob("*.py")
        if {"__init__.py", "template"}.isdisjoint(file.parts)
    ]
    modules = [".".join(file.with_suffix("").parts) for file in files]
    assert [name for name in modules if not f"{name}.".startswith(tuple(f"{layer}." for layer in layers))] == []
