"""What Seaway writes is read alike by PyYAML (YAML 1.1), by Seaway itself, and by kubectl, as values and as keys."""

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.cluster import layout, toolchain
from seaway.syntax import nodes, yaml_parser, yaml_writer

AMBIGUOUS = [
    *("y", "Y", "n", "No", "on", "true", "NULL", "~", "=", "<<", "72225e2", "1e3", "12e45", "0o17", "0X1F", "6_8e1"),
    *("0128", "1_000", "-_1", "+1", "2001-1-1", "2001-01-01T00:00:00Z", "22:22", "190:20:30.15", ".5", ".inf", "-.INF"),
    *(".nan", "1.", "0b1", "-0b1", "1E400", "9" * 30, "a\tb", "\ta\nb", "a\n\n", "a \nb", "\n", "a\r\nb", " a", "a "),
    *("# a", "a: b", "- a", "?", "!x", "&x", "*x", "%x", "@x", "`x", "|", ">", "a #b", "\ufeffa", "é", "\x7f", "\x85a"),
    *("'", '"', "\\n", "a\\\nb", "  a\n b\n", "---", "...", "--- a", "... a\nb", "0x_1", "1__2", "+.5e3", "a:", "[a"),
]
TEXTS = st.text(st.sampled_from("019_+-.:eExXoObBaAyYnN~ \t\n#'\"\\|>&*!%@`?=<{}[],é\u2028")) | st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cn"])
)


def check_round_trip(texts: list[str]) -> None:
    manifests = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data}
        for data in ({f"k{number}": text for number, text in enumerate(texts)}, {text: "" for text in texts if text})
    ]
    for manifest in manifests:
        written = yaml_writer.format_documents([manifest])
        assert yaml.safe_load(written) == manifest
        assert nodes.to_plain(yaml_parser.parse(written.encode(), "a.yaml")) == manifest
        if kubectl := find_kubectl():
            command = [str(kubectl), "label", "--local", "--filename", "-", "a=b", "--output", "json"]
            answer = subprocess.run(command, input=written.encode(), capture_output=True, check=False)
            assert answer.returncode == 0, answer.stderr
            assert json.loads(answer.stdout).get("data", {}) == manifest["data"]


def find_kubectl() -> Path | None:
    """None: it is not compiled. A unit test needs no toolchain."""
    try:
        return toolchain.find_program("kubectl")
    except layout.CannotRunError:
        return None


def test_ambiguous_texts() -> None:
    check_round_trip(AMBIGUOUS)


@given(st.lists(TEXTS, min_size=50, max_size=200))
@settings(max_examples=10, deadline=None)
def test_any_text(texts: list[str]) -> None:
    check_round_trip(texts)


ASCII = st.sampled_from(
    [*(text for text in AMBIGUOUS if text.isascii()), "", "web", "a " * 90, "x" * 130, "1...", "a b...", "...\n"]
) | st.text(st.sampled_from("ab1 :#'\"\n-{[/.@$()"), max_size=130)
SCALARS = ASCII | st.booleans() | st.integers() | st.none() | st.floats(allow_nan=False)
TREES = st.recursive(SCALARS, lambda tree: st.lists(tree, max_size=3) | st.dictionaries(ASCII, tree, max_size=3))


@given(st.dictionaries(ASCII, TREES, max_size=4))
@settings(max_examples=300, deadline=None)
def test_documents_are_the_text_of_pyyaml(document: dict[str, Any]) -> None:
    expected = f"---\n{yaml_writer.format_yaml(document)}".replace("---\n{}", "--- {}")
    assert yaml_writer.format_documents([document]) == re.sub(r"^\.\.\.\n\Z", "", expected, flags=re.MULTILINE)


@pytest.mark.parametrize("text", ["10.0.0.0/8", "1Gi", "500m", "sha256:0a", "1.2.3", "v1", "e3", "0.8-alpine", "80%"])
def test_other_texts_are_not_quoted(text: str) -> None:
    assert yaml_writer.format_yaml([text]) == f"- {text}\n"


def test_a_long_number_takes_no_time() -> None:
    """The time was the square of the length."""
    start = time.process_time()
    assert yaml_writer.format_yaml("1_" * 50_000 + "x")
    assert time.process_time() - start < 2
