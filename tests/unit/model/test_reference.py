"""The reference is a valid application with all fields, and Pulumi.yaml lists all keys of a stack."""

import dataclasses
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seaway.model import application, settings
from seaway.project import load
from seaway.syntax import decode, nodes, yaml_parser

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "docs" / "reference.yaml"


def test_the_reference_mentions_every_field() -> None:
    load.load_application(REFERENCE)
    node = yaml_parser.parse(REFERENCE.read_bytes(), "reference.yaml")
    assert list_fields() - set(_list_written_fields(application.Application, node)) == set()


def test_every_line_of_the_reference_fits() -> None:
    assert [line for line in REFERENCE.read_text().splitlines() if len(line) > 120] == []


def test_the_project_file_lists_every_key_of_a_stack() -> None:
    listed = re.findall(r"^#   (\w+) +\S", (ROOT / "Pulumi.yaml").read_text(), re.MULTILINE)
    known = {decode.to_camel_case(field.name) for field in dataclasses.fields(settings.Settings)} - {"stack"}
    assert len(listed) == len(set(listed))
    assert set(listed) == known | {"secrets", "fingerprintKey", "applications"}


def list_fields() -> set[tuple[str, str]]:
    """All fields of the model except names, with the class that declares them."""
    classes = [cls for cls in vars(application).values() if isinstance(cls, type) and dataclasses.is_dataclass(cls)]
    assert len(classes) > 10
    return {
        (find_owner(cls, field.name), field.name)
        for cls in classes
        for field in dataclasses.fields(cls)
        if field.kw_only
    }


def find_owner(cls: type, field: str) -> str:
    """The class that declares a field: the reference shows a common field in one workload only."""
    return [base for base in cls.__mro__ if field in getattr(base, "__dataclass_fields__", {})][-1].__name__


def _list_written_fields(cls: type, node: nodes.Node) -> Iterator[tuple[str, str]]:
    """The fields that a node sets, each with the class that declares it."""
    if not isinstance(node, nodes.MappingNode):
        return
    for field in dataclasses.fields(cls):
        key = decode.to_camel_case(field.name)
        if key not in node.pairs:
            continue
        yield find_owner(cls, field.name), field.name
        hint = decode.get_type_hints(cls)[field.name]
        for inner in _list_classes(hint):
            by_name = decode.get_name_field(inner) is not None or "Mapping" in str(hint)
            bodies = [pair.node for pair in nodes.get_pairs(node, key).values()] if by_name else []
            for body in bodies or [node.pairs[key].node]:
                yield from _list_written_fields(inner, body)


def _list_classes(hint: Any) -> Iterator[type]:
    """The dataclasses in a type hint."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        yield hint
    for part in typing.get_args(hint):
        yield from _list_classes(part)
