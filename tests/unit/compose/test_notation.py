"""Order, quotes and anchors of a compose file do not change what it becomes."""

import copy
import json
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import yaml
from hypothesis import strategies as st

from seaway.compose.importer import convert
from seaway.compose.loader import loader
from seaway.files import roots
from seaway.syntax import nodes

NAMES = st.sampled_from(["web", "api", "db", "my_job", "one"])
WORDS = st.text("ab 0:#&*!-'\"\n", min_size=1, max_size=8)
PORT = st.integers(1, 65535).map(str)
SERVICE = st.fixed_dictionaries(
    {"image": st.sampled_from(["nginx:1", "postgres:17", "a/b", "python:3-alpine"])},
    optional={
        "command": st.lists(WORDS, min_size=1, max_size=2),
        "ports": st.lists(st.builds("{}:{}".format, PORT, PORT), max_size=2, unique=True),
        "volumes": st.lists(st.sampled_from(["data:/data", "other:/other/it", "/cache"]), max_size=2, unique=True),
        "depends_on": st.just({"base": {"condition": "service_started"}}),
        "networks": st.lists(st.sampled_from(["front", "back"]), max_size=2, unique=True),
        "healthcheck": st.just({"test": ["CMD", "true"], "interval": "5s"}),
        "deploy": st.fixed_dictionaries({"replicas": st.integers(0, 3)}),
    },
)
ENVIRONMENT = st.dictionaries(st.sampled_from(["A", "B", "C_D"]), WORDS, min_size=1, max_size=2)


def import_text(text: str, folder: Path) -> Any:
    """The application, and the outcomes."""
    (folder / "docker-compose.yml").write_text(text)
    project = loader.load([folder / "docker-compose.yml"], within=roots.Root(folder))
    conversion = convert.convert_document(project.root, folder=folder, outcomes=project.outcomes)
    outcomes = sorted((outcome.path, outcome.kind, outcome.message) for outcome in conversion.outcomes)
    return nodes.to_plain(conversion.app), outcomes


def reverse(node: Any) -> Any:
    """Each mapping in reverse order."""
    if isinstance(node, dict):
        return {name: reverse(child) for name, child in reversed(node.items())}
    return [reverse(child) for child in node] if isinstance(node, list) else node


@hypothesis.settings(max_examples=20, deadline=None, derandomize=True)
@hypothesis.given(services=st.dictionaries(NAMES, SERVICE, min_size=1, max_size=3), environment=ENVIRONMENT)
def test_order_quotes_and_anchors_do_not_matter(
    services: dict[str, Any], environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any", numbered=True)
    document: dict[str, Any] = {
        "x-environment": environment,
        # The same object each time: PyYAML writes it once, with an anchor, and an alias everywhere else.
        "services": {name: service | {"environment": environment} for name, service in services.items()},
        "volumes": {"data": None, "other": None},
        "networks": {"front": None, "back": {"internal": True}},
    }
    document["services"]["base"] = {"image": "redis:7"}
    anchored = yaml.safe_dump(document, sort_keys=False)
    assert "&id001" in anchored
    plain = yaml.safe_dump(json.loads(json.dumps(document)), sort_keys=False)
    assert "&id001" not in plain
    first = import_text(plain, folder)
    assert import_text(plain, folder) == first
    assert import_text(anchored, folder) == first
    assert import_text(json.dumps(reverse(copy.deepcopy(document))), folder) == first
