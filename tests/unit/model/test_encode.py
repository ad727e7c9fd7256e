"""Encoding: what is written is read again as the same."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from seaway.model import application
from seaway.project import load
from seaway.syntax import decode, diagnosis, encode, nodes, yaml_writer
from tests import golden

ROOT = Path(__file__).parents[3]
PLACE = diagnosis.SourceLocation("record.yaml")
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
NAME = TEXT.filter(bool)
INT = st.integers(-(10**9), 10**9)
# What JSON has, without null: in the words of an application null takes a key away.
ANY = st.recursive(
    TEXT | INT | st.booleans() | st.floats(-1e6, 1e6, allow_nan=False),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAME, inner, max_size=2),
    max_leaves=4,
)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {str: TEXT, int: INT, Any: ANY}


def again(app: application.Application) -> application.Application:
    return decode.decode_node(application.Application, encode.to_node(encode.to_plain(app), PLACE))


def unsourced(value: Any) -> Any:
    """The application without the places that its files came from."""
    match value:
        case application.File(content=str()):
            return dataclasses.replace(value, source=None)
        case tuple():
            return tuple(map(unsourced, value))
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            names = [field.name for field in dataclasses.fields(value)]
            return dataclasses.replace(value, **{name: unsourced(getattr(value, name)) for name in names})
        case _:
            return value


@pytest.mark.parametrize("file", ["docs/reference.yaml", *(f"examples/{name}/app.yaml" for name in golden.EXAMPLES)])
def test_an_application_comes_back(file: str) -> None:
    app = load.load_application(ROOT / file)
    assert again(app) == unsourced(app)


def test_it_reads_as_if_written_by_hand() -> None:
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


def any_of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of the types that a field may have."""
    if typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    args = typing.get_args(hint)
    if isinstance(hint, types.UnionType):
        return st.one_of(*map(any_of, args))
    if typing.get_origin(hint) is tuple:
        several = st.lists(any_of(args[0]), max_size=2, unique_by=lambda one: getattr(one, name(args[0]) or "", one))
        return several.map(tuple)
    if typing.get_origin(hint) is Mapping or getattr(hint, "__origin__", None) is Mapping:
        return st.dictionaries(NAME, any_of(args[1]), max_size=2)
    if dataclasses.is_dataclass(hint):
        fields = [field.name for field in dataclasses.fields(hint)]
        given = {field: NAME if field == name(hint) else any_of(decode.get_type_hints(hint)[field]) for field in fields}
        return st.builds(hint, **given)
    return PLAIN[hint] if hint in PLAIN else st.from_type(hint)


def name(cls: Any) -> str | None:
    return decode.get_name_field(cls) if dataclasses.is_dataclass(cls) else None


# Without shrinking: an application is big, and takes minutes to become small.
@settings(max_examples=12, deadline=None, phases=[Phase.generate])
@given(any_of(application.Application))
def test_any_application_comes_back_through_values_and_through_text(app: application.Application) -> None:
    assert again(app) == unsourced(app)
    text = yaml_writer.format_yaml(encode.to_plain(app))
    assert decode.decode_node(application.Application, nodes.parse(text, "record.yaml")) == unsourced(app)
