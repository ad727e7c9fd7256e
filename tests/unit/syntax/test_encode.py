"""Encoding: decoding the result gives an equal object."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from seaway.compose.importer import write
from seaway.model import application
from seaway.project import load, python_nodes
from seaway.syntax import decode, diagnosis, encode, nodes, yaml_parser, yaml_writer
from tests import golden

ROOT = Path(__file__).parents[3]
LOCATION = diagnosis.SourceLocation("record.yaml")
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
NAME = TEXT.filter(bool)
INT = st.integers(-(10**9), 10**9)
# The values of JSON without null: null removes a key of an application.
ANY = st.recursive(
    TEXT | INT | st.booleans() | st.floats(-1e6, 1e6, allow_nan=False),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAME, inner, max_size=2),
    max_leaves=4,
)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {str: TEXT, int: INT, Any: ANY}


def encode_and_decode(app: application.Application) -> application.Application:
    return decode.decode_node(application.Application, encode.to_node(encode.to_plain(app), LOCATION))


def normalize(value: Any) -> Any:
    """The application without the sources of its files."""
    match value:
        case application.File():
            return value.normalize()
        case tuple():
            return tuple(map(normalize, value))
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            names = [field.name for field in dataclasses.fields(value)]
            return dataclasses.replace(value, **{name: normalize(getattr(value, name)) for name in names})
        case _:
            return value


@pytest.mark.parametrize("file", ["docs/reference.yaml", *(f"examples/{name}/app.yaml" for name in golden.EXAMPLES)])
def test_an_example_is_decoded_as_an_equal_object(file: str) -> None:
    app = load.load_application(ROOT / file)
    assert encode_and_decode(app) == normalize(app)


def test_the_result_looks_as_if_written_by_hand() -> None:
    service = application.Service(
        "web",
        image="nginx",
        health=application.Health(start_period=5),
        env={"DEBUG": "false"},
        command=("run", "0755"),
        secrets=(application.Secret("KEY"), application.Secret("MADE", generate=32)),
        files=(application.File("/etc/a", source="./a", content="text\n"),),
    )
    assert encode.to_plain(application.Application("shop", services=(service,))) == {
        "name": "shop",
        "services": {
            "web": {
                "image": "nginx",
                "command": ["run", "0755"],
                "env": {"DEBUG": "false"},
                "secrets": {"KEY": {}, "MADE": {"generate": 32}},
                "files": {"/etc/a": {"content": "text\n"}},
                "health": {"startPeriod": 5},
            }
        },
    }


def build_strategy(hint: Any) -> st.SearchStrategy[Any]:
    """Values of any type that a field may have."""
    if typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    args = typing.get_args(hint)
    if isinstance(hint, types.UnionType):
        return st.one_of(*map(build_strategy, args))
    if typing.get_origin(hint) is tuple:
        elements = st.lists(
            build_strategy(args[0]),
            max_size=2,
            unique_by=lambda value: getattr(value, get_name_field(args[0]) or "", value),
        )
        return elements.map(tuple)
    if typing.get_origin(hint) is Mapping or getattr(hint, "__origin__", None) is Mapping:
        return st.dictionaries(NAME, build_strategy(args[1]), max_size=2)
    if dataclasses.is_dataclass(hint):
        fields = [field.name for field in dataclasses.fields(hint)]
        values = {
            field: NAME if field == get_name_field(hint) else build_strategy(decode.get_type_hints(hint)[field])
            for field in fields
        }
        return st.builds(cast(type, hint), **values)
    return PLAIN[hint] if hint in PLAIN else st.from_type(hint)


def get_name_field(cls: Any) -> str | None:
    return decode.get_name_field(cast(type, cls)) if dataclasses.is_dataclass(cls) else None


# Without shrinking: it takes minutes for an application.
@settings(max_examples=12, deadline=None, phases=[Phase.generate])
@given(build_strategy(application.Application))
def test_any_application_is_decoded_as_an_equal_object(app: application.Application) -> None:
    assert encode_and_decode(app) == normalize(app)
    text = yaml_writer.format_yaml(encode.to_plain(app))
    assert decode.decode_node(application.Application, yaml_parser.parse(text, "record.yaml")) == normalize(app)
    node = encode.to_node(encode.to_plain(app), LOCATION)
    program: dict[str, Any] = {}
    exec(write.format_python(cast(nodes.MappingNode, node), source="record.yaml"), program)
    node = python_nodes.convert_application(program["application"], Path("app.py"), "app.py")
    assert decode.decode_node(application.Application, node) == normalize(app)
