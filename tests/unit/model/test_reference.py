"""The reference is executable, and nothing is missing from it; nor from the list of a stack's keys."""

import dataclasses
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seaway.model import application, settings
from seaway.project import load
from seaway.syntax import decode, nodes

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "docs" / "reference.yaml"


def test_the_reference_mentions_every_field() -> None:
    load.load_application(REFERENCE)
    written = set(_keys(application.Application, nodes.parse(REFERENCE.read_bytes(), "reference.yaml")))
    model = [one for one in vars(application).values() if dataclasses.is_dataclass(one) and isinstance(one, type)]
    assert len(model) > 10
    fields = {
        (owner(cls, field.name), field.name) for cls in model for field in dataclasses.fields(cls) if field.kw_only
    }
    assert fields - written == set()


def test_every_line_of_the_reference_fits() -> None:
    assert [line for line in REFERENCE.read_text().splitlines() if len(line) > 120] == []


def test_the_project_lists_every_key_of_a_stack() -> None:
    listed = re.findall(r"^#   (\w+) +\S", (ROOT / "Pulumi.yaml").read_text(), re.MULTILINE)
    known = {decode.to_camel_case(field.name) for field in dataclasses.fields(settings.Settings)} - {"stack"}
    assert len(listed) == len(set(listed))
    assert set(listed) == known | {"secrets", "fingerprintKey"}


def fields() -> set[tuple[str, str]]:
    """Every field of the model, but for names, by the class that declares it."""
    model = [one for one in vars(application).values() if dataclasses.is_dataclass(one) and isinstance(one, type)]
    assert len(model) > 10
    return {(owner(cls, one.name), one.name) for cls in model for one in dataclasses.fields(cls) if one.kw_only}


def written(file: Path) -> set[tuple[str, str]]:
    return set(_keys(application.Application, nodes.parse(file.read_bytes(), file.name)))


def owner(cls: type, field: str) -> str:
    """The class that a field is declared in: what all containers have is written for one of them."""
    having = [base for base in cls.__mro__ if field in getattr(base, "__dataclass_fields__", {})]
    return having[-1].__name__


def _keys(cls: type, node: nodes.Node) -> Iterator[tuple[str, str]]:
    """Which fields of which classes a node writes."""
    if not isinstance(node, nodes.MappingNode):
        return
    for field in dataclasses.fields(cls):
        entry = node.pairs.get(decode.to_camel_case(field.name))
        if entry is None:
            continue
        yield owner(cls, field.name), field.name
        hint = decode.get_type_hints(cls)[field.name]
        for inner in _classes(hint):
            by_name = decode.get_name_field(inner) is not None or "Mapping" in str(hint)
            bodies = (
                [one.node for one in nodes.get_pairs(node, decode.to_camel_case(field.name)).values()]
                if by_name
                else []
            )
            for body in bodies or [entry.node]:
                yield from _keys(inner, body)


def _classes(hint: Any) -> Iterator[type]:
    """The dataclasses that a type is made of."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        yield hint
    for part in typing.get_args(hint):
        yield from _classes(part)
