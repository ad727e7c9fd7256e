"""Strict YAML: kinds of values, locations, errors and limits."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seaway.syntax import diagnosis, nodes, yaml_parser
from tests.support import diagnostics

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(st.characters(codec="ascii", categories=["L", "N"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdef", min_size=1), inner, max_size=4),
    max_leaves=20,
)


def parse_invalid(text: str | bytes) -> tuple[diagnosis.Diagnostic, ...]:
    return diagnostics.catch(lambda: yaml_parser.parse(text, "a.yaml"))


@pytest.mark.parametrize(
    "text", ["no", "Yes", "on", "22:22", "0755", "2026-11-23", "1_000", "0b11", "'8'", '"true"', "=", "<<"]
)
def test_values_that_yaml_1_1_changes_stay_text(text: str) -> None:
    node = yaml_parser.parse(f"a: {text}", "a.yaml")
    assert nodes.to_plain(node) == {"a": text.strip("'\"")}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("true", True), ("FALSE", False), ("~", None), ("Null", None), ("", None)],
        *[("0", 0), ("-12", -12), ("+7", 7), ("0o17", 15), ("0xff", 255), ("1.10", 1.1), ("1e3", 1000.0), (".5", 0.5)],
    ],
)
def test_core_schema(text: str, value: object) -> None:
    assert nodes.to_plain(yaml_parser.parse(f"a: {text}", "a.yaml")) == {"a": value}


def test_a_number_keeps_its_text() -> None:
    node = yaml_parser.parse("a: 1.10", "a.yaml")
    assert isinstance(node, nodes.MappingNode)
    assert node.pairs["a"].node == nodes.ScalarNode(diagnosis.SourceLocation("a.yaml", 1, 4), "1.10", "float")


def test_locations_count_from_one() -> None:
    node = yaml_parser.parse("a:\n  - é: x\n    b: y\n", "a.yaml")
    assert isinstance(node, nodes.MappingNode)
    listing = node.pairs["a"].node
    assert isinstance(listing, nodes.SequenceNode)
    assert isinstance(listing.items[0], nodes.MappingNode)
    assert listing.items[0].pairs["b"].location == diagnosis.SourceLocation("a.yaml", 3, 5)
    assert listing.items[0].pairs["b"].node.location == diagnosis.SourceLocation("a.yaml", 3, 8)


ERRORS: dict[str, tuple[str | bytes, str]] = {
    "duplicate key": ("a: 1\nb: 2\na: 3", "3:1: duplicate-key"),
    "tag": ("a: !!str 5", "1:4: unsupported-tag"),
    "tag of compose": ("a: !reset 5", "1:4: unsupported-tag"),
    "second document": ("a: 1\n---\nb: 2", "2:1: invalid-yaml"),
    "unknown anchor": ("a: *b", "1:4: unknown-anchor"),
    "anchor in itself": ("a: &b [*b]", "1:8: invalid-yaml"),
    "list as key": ("? [a]\n: b", "1:3: invalid-yaml"),
    "empty key": ('"": b', "1:1: invalid-yaml"),
    "encoding": (b"a: \xff", "1:1: invalid-encoding"),
    "depth": ("[" * 41, "1:41: file-too-large"),
    "open quote": ("a: 'b", "1:6: invalid-yaml"),
    "tab": ("a:\n\t- b", "2:1: invalid-yaml"),
    "control character": ("a: \0", "1:1: invalid-yaml"),
    "size": ("#" * 1_000_001, "1:1: file-too-large"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case: str, wording: list[str]) -> None:
    text, expected = ERRORS[case]
    found = parse_invalid(text)
    assert [f"{each.location}: {each.code}" for each in found] == [f"a.yaml:{expected}"]
    assert list(map(str, found)) == wording


def test_an_alias_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    started = time.process_time()
    (found,) = parse_invalid("\n".join(lines))
    assert found.code == "file-too-large"
    assert time.process_time() - started < 1


def test_an_anchor_may_be_used_again() -> None:
    node = yaml_parser.parse("a: &a {x: 1}\nb: *a", "a.yaml")
    assert nodes.to_plain(node) == {"a": {"x": 1}, "b": {"x": 1}}


@settings(max_examples=100)
@given(st.text(max_size=200) | st.binary(max_size=200) | st.text("[]{}:,-&*!|>'\"#%@` ab\n\t?~", max_size=200))
def test_any_input_gives_a_node_or_diagnostics(text: str | bytes) -> None:
    try:
        node = yaml_parser.parse(text, "a.yaml")
    except diagnosis.InvalidInput as error:
        assert error.diagnostics
    else:
        nodes.to_plain(node)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "? " * 100_000, "a:\n" * 20_000, "&a " * 9]
)
def test_deep_nesting_is_refused_at_once(text: str) -> None:
    started = time.process_time()  # other processes of the machine do not count
    assert parse_invalid(text)
    assert time.process_time() - started < 2


@given(JSON)
def test_json_is_yaml(value: object) -> None:
    assert nodes.to_plain(yaml_parser.parse(json.dumps(value), "a.yaml")) == value
    assert nodes.to_plain(nodes.from_plain(value, "a.yaml")) == value


MERGES = [
    ("{a: 1, b: 2}", "{b: 3, c: 4}", {"a": 1, "b": 3, "c": 4}),
    ("{a: {x: 1, y: 2}}", "{a: {y: 3}}", {"a": {"x": 1, "y": 3}}),
    ("{a: {x: 1}}", "{a: null}", {}),
    ("{a: 1}", "{b: null}", {"a": 1, "b": None}),
    ("{a: [1, 2]}", "{a: [3]}", {"a": [3]}),
    ("{a: 1}", "{a: {b: 2}}", {"a": {"b": 2}}),
    ("{a: {b: 2}}", "{a: 1}", {"a": 1}),
    ("{a: [x, y]}", "{a: {x: null, z: {g: 1}}}", {"a": {"y": None, "z": {"g": 1}}}),
]


@pytest.mark.parametrize(("base", "overlay", "merged"), MERGES)
def test_merge(base: str, overlay: str, merged: object) -> None:
    assert nodes.to_plain(nodes.merge(yaml_parser.parse(base, "a"), yaml_parser.parse(overlay, "b"))) == merged


def test_a_merged_value_keeps_its_location() -> None:
    merged = nodes.merge(yaml_parser.parse("a: {x: 1, y: 2}", "base"), yaml_parser.parse("\na: {y: 3}", "over"))
    assert isinstance(merged, nodes.MappingNode)
    inner = merged.pairs["a"].node
    assert isinstance(inner, nodes.MappingNode)
    assert str(inner.pairs["x"].location) == "base:1:5"
    assert str(inner.pairs["y"].location) == "over:2:5"
