"""The core stands without Pulumi: checking and rendering must not pay for it, nor need it. Imports go one way."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev import project

HEAVY = {"pulumi", "pulumi_kubernetes", "pulumi_docker", "pulumi_docker_build", "grpc", "google.protobuf"}
IMPORT_ALL = """
import importlib, json, pkgutil, sys
loaded = {}
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    found = [module.name for module in pkgutil.walk_packages(package.__path__, name + ".")]
    assert found, "the package has no modules"
    for each in found:
        importlib.import_module(each)
    loaded[name] = list(sys.modules)
print()
print(json.dumps(loaded))
"""


PACKAGES = (
    "syntax",
    "files",
    "kubernetes",
    "model",
    "compose",
    "project",
    "images",
    "manifests",
    "checks",
    "rollout",
    "release",
    "review",
    "explain",
    "cli",
)


def test_the_core_imports_no_pulumi() -> None:
    """One process for all packages: what one of them brings is there after it, and is told with its name."""
    packages = [f"seaway.{name}" for name in PACKAGES]
    run = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, *packages], capture_output=True, text=True, check=True, cwd=project.ROOT
    )
    loaded = json.loads(run.stdout.splitlines()[-1])
    assert list(loaded) == packages
    for package, modules in loaded.items():
        assert package in modules
        assert not HEAVY.intersection(modules), package


FORBIDDEN = {
    "seaway/project": ("seaway.manifests", "seaway.images", "seaway.cli"),
    "seaway/model": ("seaway.manifests", "seaway.checks", "seaway.images", "seaway.cli"),
    "seaway/compose": ("seaway.manifests", "seaway.checks", "seaway.images", "seaway.release", "seaway.cli"),
    "seaway/manifests": ("seaway.checks", "seaway.release", "seaway.cli"),
    "seaway/checks": ("seaway.release", "seaway.cli"),
    "seaway/explain": ("seaway.kubernetes.cluster", "seaway.rollout", "seaway.cli"),
    "seaway": ("components", "plugin", "dev", "tests"),
    "components": ("plugin", "dev", "tests"),
    "plugin": ("components", "dev", "tests"),
    "dev": ("components", "tests"),
}
"""For each folder, what nothing in it may import."""
WITH_PULUMI = ("components/", "plugin/", "__main__.py", "dev/bench/plain/")
"""Where Pulumi may be imported; everything else must be usable without it."""


def sources() -> list[str]:
    """Our own Python files, relative to the checkout; those of tests and applications are not ours here."""
    folders = sorted({folder.partition("/")[0] for folder in FORBIDDEN})
    found = [file for folder in folders for file in (project.ROOT / folder).rglob("*.py")]
    return sorted(file.relative_to(project.ROOT).as_posix() for file in [*found, project.ROOT / "__main__.py"])


def imported(source: str, file: str) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that the import statements name, inside functions too."""
    package = Path(file).parent.parts
    for node in ast.walk(ast.parse(source, file)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            # One dot is the file's own package, each further one its parent.
            above = package[: len(package) - node.level + 1] if node.level else ()
            for alias in node.names:
                yield node.lineno, ".".join([*above, *filter(None, [node.module]), alias.name])


def within(name: str, package: str) -> bool:
    """Whether a full name is the package or stands below it."""
    return f"{name}.".startswith(f"{package}.")


def wrong_ways(source: str, file: str) -> list[str]:
    """The imports that go against the order, as `file:line: imports name`."""
    return [
        f"{file}:{line}: imports {name}"
        for line, name in imported(source, file)
        for folder, packages in FORBIDDEN.items()
        if file.startswith(f"{folder}/") and any(within(name, package) for package in packages)
    ]


def pulumi_where_none_may_be(source: str, file: str) -> list[str]:
    """The imports of Pulumi or one of its SDKs in a file that must do without."""
    if file.startswith(WITH_PULUMI):
        return []
    return [
        f"{file}:{line}: imports {name}"
        for line, name in imported(source, file)
        if name.partition(".")[0] == "pulumi" or name.startswith("pulumi_")
    ]


def test_every_folder_of_the_order_is_read() -> None:
    for folder in FORBIDDEN:
        assert any(file.startswith(f"{folder}/") for file in sources()), folder


def test_imports_go_one_way() -> None:
    wrong: set[str] = set()
    for file in sources():
        source = (project.ROOT / file).read_text()
        wrong.update(wrong_ways(source, file), pulumi_where_none_may_be(source, file))
    assert sorted(wrong) == []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("seaway/project/load.py", "from seaway.manifests import objects"),
        ("seaway/project/load.py", "from seaway import images"),
        ("seaway/project/load.py", "from ..manifests import objects"),
        ("seaway/project/load.py", "from .. import cli"),
        ("seaway/manifests/pod.py", "def late():\n    import components.settings"),
        ("components/image.py", "import plugin"),
        ("plugin/server.py", "from dev import project"),
        ("plugin/server.py", "from components import settings"),
    ],
)
def test_a_wrong_way_is_seen(file: str, source: str) -> None:
    assert wrong_ways(source, file)


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("seaway/manifests/pod.py", "from seaway.model import application"),
        ("seaway/project/load.py", "from . import decode"),
        ("seaway/project/load.py", "import devtools"),
        ("plugin/server.py", "from plugin import client"),
    ],
)
def test_the_right_way_is_allowed(file: str, source: str) -> None:
    assert wrong_ways(source, file) == []


def test_pulumi_is_seen_where_none_may_be() -> None:
    for source in ("import pulumi", "from pulumi.runtime import config", "import pulumi_kubernetes as k8s"):
        assert pulumi_where_none_may_be(source, "seaway/project/load.py")
        assert pulumi_where_none_may_be(source, "dev/stack.py")
        assert not pulumi_where_none_may_be(source, "components/image.py")
        assert not pulumi_where_none_may_be(source, "dev/bench/plain/__main__.py")
