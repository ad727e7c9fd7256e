"""Whatever Compose file: how it is spelled changes nothing of what it becomes."""

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


def imported(text: str, folder: Path) -> Any:
    """The application, and what is told of each key."""
    (folder / "docker-compose.yml").write_text(text)
    done = loader.load([folder / "docker-compose.yml"], within=roots.Root(folder))
    found = convert.convert_document(done.root, folder=folder, outcomes=done.outcomes)
    return nodes.to_plain(found.app), sorted((one.path, one.kind, one.message) for one in found.outcomes)


def turned(value: Any) -> Any:
    """Each mapping from its end."""
    if isinstance(value, dict):
        return {name: turned(inner) for name, inner in reversed(value.items())}
    return [turned(one) for one in value] if isinstance(value, list) else value


@hypothesis.settings(max_examples=20, deadline=None, derandomize=True)
@hypothesis.given(services=st.dictionaries(NAMES, SERVICE, min_size=1, max_size=3), environment=ENVIRONMENT)
def test_order_quotes_and_anchors_change_nothing_and_twice_is_the_same(
    services: dict[str, Any], environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any", numbered=True)
    given: dict[str, Any] = {
        "x-environment": environment,
        # The same value each time: PyYAML writes it once, with an anchor, and an alias everywhere else.
        "services": {name: one | {"environment": environment} for name, one in services.items()},
        "volumes": {"data": None, "other": None},
        "networks": {"front": None, "back": {"internal": True}},
    }
    given["services"]["base"] = {"image": "redis:7"}
    anchored = yaml.safe_dump(given, sort_keys=False)
    assert "&id001" in anchored
    plain = yaml.safe_dump(json.loads(json.dumps(given)), sort_keys=False)
    assert "&id001" not in plain
    first = imported(plain, folder)
    assert imported(plain, folder) == first
    assert imported(anchored, folder) == first
    assert imported(json.dumps(turned(copy.deepcopy(given))), folder) == first
