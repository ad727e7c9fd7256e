"""Strict YAML: what a value is taken for, where it stands, and what is refused."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seaway.syntax import diagnosis, nodes

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(st.characters(codec="ascii", categories=["L", "N"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdef", min_size=1), inner, max_size=4),
    max_leaves=20,
)


def wrong(text: str | bytes) -> str:
    with pytest.raises(diagnosis.InvalidInput) as raised:
        nodes.parse(text, "a.yaml")
    return str(raised.value)


@pytest.mark.parametrize(
    "text", ["no", "Yes", "on", "22:22", "0755", "2026-11-23", "1_000", "0b11", "'8'", '"true"', "=", "<<"]
)
def test_what_yaml_1_1_would_have_changed_stays_text(text: str) -> None:
    node = nodes.parse(f"a: {text}", "a.yaml")
    assert nodes.to_plain(node) == {"a": text.strip("'\"")}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("true", True), ("FALSE", False), ("~", None), ("Null", None), ("", None)],
        *[("0", 0), ("-12", -12), ("+7", 7), ("0o17", 15), ("0xff", 255), ("1.10", 1.1), ("1e3", 1000.0), (".5", 0.5)],
    ],
)
def test_core_schema(text: str, value: object) -> None:
    assert nodes.to_plain(nodes.parse(f"a: {text}", "a.yaml")) == {"a": value}


def test_a_number_keeps_its_text() -> None:
    node = nodes.parse("a: 1.10", "a.yaml")
    assert isinstance(node, nodes.MappingNode)
    assert node.pairs["a"].node == nodes.ScalarNode(diagnosis.SourceLocation("a.yaml", 1, 4), "1.10", "float")


def test_places_count_from_one() -> None:
    node = nodes.parse("a:\n  - é: x\n    b: y\n", "a.yaml")
    assert isinstance(node, nodes.MappingNode)
    listing = node.pairs["a"].node
    assert isinstance(listing, nodes.SequenceNode)
    assert isinstance(listing.items[0], nodes.MappingNode)
    assert listing.items[0].pairs["b"].location == diagnosis.SourceLocation("a.yaml", 3, 5)
    assert listing.items[0].pairs["b"].node.location == diagnosis.SourceLocation("a.yaml", 3, 8)


CORE = "remove it; quote a value to make it text"
LOOK = "check the indentation, the brackets and the quotes here and in the line before"
QUOTE = "indent with spaces, and quote a value that begins with a special character"
OPEN = "is no valid YAML: while scanning a quoted scalar found unexpected end of stream"
TAB = "is no valid YAML: while scanning for the next token found character that cannot start any token"
BIG = "has 1000001 characters; keep it under 1000000; long texts belong in files of their own"
KEY = "a list or mapping is no key; write a name; put quotes round it if it has brackets"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3", 'a.yaml:3:1: the key "a" was written before, in line 1; keep one of the two'),
        ("a: !!str 5", f"a.yaml:1:4: the tag tag:yaml.org,2002:str has no meaning here; {CORE}"),
        ("a: 1\n---\nb: 2", "a.yaml:2:1: begins a second document; keep one document a file; remove `---`"),
        ("a: *b", "a.yaml:1:4: *b names nothing; define &b above it, or quote the value"),
        ("a: &b [*b]", "a.yaml:1:8: *b contains itself; write the value out"),
        ("? [a]\n: b", f"a.yaml:1:3: {KEY}"),
        ('"": b', 'a.yaml:1:1: "" is no key; write a name before the colon'),
        (b"a: \xff", "a.yaml:1:1: is no UTF-8 text (byte 3); save it as UTF-8"),
        ("[" * 41, "a.yaml:1:41: is nested more than 40 deep; flatten it"),
        ("a: 'b", f"a.yaml:1:6: {OPEN}; {LOOK}"),
        ("a:\n\t- b", f"a.yaml:2:1: {TAB}; {QUOTE}"),
        ("a: \0", "a.yaml:1:1: is no valid YAML: control characters are not allowed; remove the control characters"),
        ("#" * 1_000_001, f"a.yaml:1:1: {BIG}"),
    ],
)
def test_refused_with_a_place_and_a_remedy(text: str | bytes, said: str) -> None:
    assert wrong(text) == said


def test_an_alias_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    began = time.process_time()
    told = wrong("\n".join(lines))
    assert told.endswith(": has more than 100000 values; split it; an alias counts as all that it names")
    assert time.process_time() - began < 1


def test_an_anchor_may_be_used_again() -> None:
    node = nodes.parse("a: &a {x: 1}\nb: *a", "a.yaml")
    assert nodes.to_plain(node) == {"a": {"x": 1}, "b": {"x": 1}}


@settings(max_examples=100)
@given(st.text(max_size=200) | st.binary(max_size=200) | st.text("[]{}:,-&*!|>'\"#%@` ab\n\t?~", max_size=200))
def test_no_input_ends_in_anything_but_a_node_or_problems(text: str | bytes) -> None:
    try:
        node = nodes.parse(text, "a.yaml")
    except diagnosis.InvalidInput as error:
        assert error.diagnostics
    else:
        nodes.to_plain(node)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "? " * 100_000, "a:\n" * 20_000, "&a " * 9]
)
def test_deep_nests_end_soon(text: str) -> None:
    began = time.process_time()  # what others do on the machine does not count
    assert wrong(text)
    assert time.process_time() - began < 2


@given(JSON)
def test_json_is_yaml_and_plain_values_make_the_same_nodes(value: object) -> None:
    assert nodes.to_plain(nodes.parse(json.dumps(value), "a.yaml")) == value
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
    assert nodes.to_plain(nodes.merge(nodes.parse(base, "a"), nodes.parse(overlay, "b"))) == merged


def test_a_merged_value_keeps_its_place() -> None:
    merged = nodes.merge(nodes.parse("a: {x: 1, y: 2}", "base"), nodes.parse("\na: {y: 3}", "over"))
    assert isinstance(merged, nodes.MappingNode)
    inner = merged.pairs["a"].node
    assert isinstance(inner, nodes.MappingNode)
    assert str(inner.pairs["x"].location) == "base:1:5"
    assert str(inner.pairs["y"].location) == "over:2:5"
