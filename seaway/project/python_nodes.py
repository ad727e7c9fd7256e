"""The nodes of an application that a Python program declares: those of the same text in YAML.

``sw.Service("web", port=80)`` knows its place in the program, and the syntax tree has the lines of its arguments. A
value that the program computes elsewhere has the line of its argument.
"""

import ast
import collections.abc
import dataclasses
import enum
import itertools
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from seaway.model import declarations
from seaway.syntax import decode, diagnosis, nodes

OUTPUT_TEXT = "Calling __str__ on an Output"
"""The start of the text that Pulumi puts into an f-string instead of an Output."""


class _Source(NamedTuple):
    """Where a value is written, and its expression if it is known."""

    location: diagnosis.SourceLocation
    expression: ast.expr | None = None


class _File(NamedTuple):
    """A file of the program. Without a name: another file that runs."""

    name: str = ""
    calls: Mapping[tuple[int | None, int | None], ast.Call] = types.MappingProxyType({})
    """By the line and the column of their end."""


def convert_application(app: declarations.Declaration, program: Path, display_path: str) -> nodes.Node:
    """The nodes of ``sw.Application(...)`` of a program, which is called ``display_path`` in messages.

    Raises diagnosis.InvalidInput with all values that have no node.
    """
    converter = _Converter(program.resolve(), display_path)
    node = converter.convert(app, app.model_class, "", _Source(diagnosis.SourceLocation(display_path)))
    name = converter.convert(app.name, None, "name", _Source(node.location))
    if converter.diagnostics:
        raise diagnosis.InvalidInput(converter.diagnostics)
    return nodes.merge(nodes.MappingNode(node.location, {"name": nodes.Pair(node.location, name)}), node)


class _Converter:
    def __init__(self, program: Path, display_path: str) -> None:
        self.diagnostics: list[diagnosis.Diagnostic] = []
        self.program = program
        self.display_path = display_path
        self.files: dict[str, _File] = {}

    def report(self, path: str, source: _Source, code: str, message: str, hint: str) -> nodes.Node:
        self.diagnostics.append(diagnosis.Diagnostic(source.location, path, message, hint, code))
        return nodes.ScalarNode(source.location, "", "null")

    def convert(self, value: Any, hint: Any, path: str, source: _Source) -> nodes.Node:  # noqa: PLR0911
        """The nodes of a value. ``hint``: the type of its field in the model; None: it has none."""
        hint = _choose_structure(hint)
        sources = [source]
        if isinstance(value, declarations.Keys):
            sources = [*self._find_calls(value), source]
            if value.model_class is not hint:
                message = f"{type(value).__name__}(...) does not belong here"
                return self.report(
                    path, sources[0], "invalid-type", message, "write it in a list, or below another key"
                )
        match value.value if isinstance(value, enum.Enum) else value:
            case _ if _is_output(value):
                message = "is an Output of Pulumi, whose value is unknown before its resource exists"
                outputs = "ApplicationArgs in __main__.py takes Outputs (env, secrets, external_hosts)"
                hint = f"write a plain value; {outputs}"
                return self.report(path, source, "pulumi-output", message, hint)
            case Mapping():
                return self._convert_mapping(cast("Mapping[Any, Any]", value), hint, path, sources)
            case list() | tuple():
                return self._convert_list(cast("Sequence[Any]", value), _get_element_hint(hint), path, source)
            case str() as text if any("\ud800" <= character <= "\udfff" for character in text):
                return self.report(path, source, "invalid-encoding", "is not UTF-8 text", "decode its bytes as UTF-8")
            case None | bool() | int() | float() | str() as scalar:
                return nodes.from_plain(scalar, source.location)
            case _:
                message = f"an object of the class {type(value).__name__} has no form in an application"
                hint = "write text, a number, True, a list, a dict or a class of seaway"
                return self.report(path, source, "invalid-type", message, hint)

    def _convert_mapping(
        self, mapping: Mapping[Any, Any], hint: Any, path: str, sources: Sequence[_Source]
    ) -> nodes.Node:
        is_dataclass = dataclasses.is_dataclass(hint)
        hints: Mapping[str, Any] = decode.get_type_hints(hint) if is_dataclass else {}
        key_sources = _find_keys(*sources)
        pairs: dict[str, nodes.Pair] = {}
        for name, value in mapping.items():
            source = key_sources.get(name, _Source(sources[0].location))
            key = self._convert_name(name, path, source)
            # A part with a name of its own belongs into a list.
            inner_hint = None if isinstance(value, declarations.Declaration) else _get_element_hint(hint)
            inner_hint = hints.get(key, inner_hint)
            key = decode.to_camel_case(key) if key in hints else key
            pairs[key] = nodes.Pair(
                source.location, self.convert(value, inner_hint, nodes.join_path(path, key), source)
            )
        return nodes.MappingNode(sources[0].location, pairs)

    def _convert_list(self, values: Sequence[Any], hint: Any, path: str, source: _Source) -> nodes.Node:
        """A list; with declarations the mapping from name to body."""
        element_sources = _find_keys(source)
        sources = [element_sources.get(number, _Source(source.location)) for number in range(len(values))]
        if not any(isinstance(value, declarations.Declaration) for value in values):
            paths = (nodes.join_path(path, str(number)) for number in range(len(values)))
            elements = map(self.convert, values, itertools.repeat(hint), paths, sources)
            return nodes.SequenceNode(source.location, tuple(elements))
        pairs: dict[str, nodes.Pair] = {}
        for value, inner_source in zip(values, sources, strict=True):
            name, body = (value.name, value) if isinstance(value, declarations.Declaration) else (value, None)
            call = next(self._find_calls(value), inner_source)
            key = self._convert_name(name, path, call)
            inner_path = nodes.join_path(path, key)
            if key and key in pairs:
                message = f"the name is in line {pairs[key].location.line} too"
                self.report(inner_path, call, "duplicate-name", message, "rename or remove one of the two")
            pairs[key] = nodes.Pair(call.location, self.convert(body, hint, inner_path, call))
        return nodes.MappingNode(source.location, pairs)

    def _convert_name(self, name: Any, path: str, source: _Source) -> str:
        """A key or a name: text or, as in YAML, a number. Empty: it is reported."""
        node = self.convert(name, None, path, source)
        if not isinstance(node, nodes.ScalarNode) or name in (None, ""):
            self.report(path, source, "invalid-name", f"{nodes.describe_node(node)} is not a name", "write text")
            return ""
        return node.text

    def _find_calls(self, value: Any) -> Iterator[_Source]:
        """The calls in the program that made a value, the innermost first: the others call its functions."""
        for code, instruction in value.calls if isinstance(value, declarations.Keys) else ():
            if code.co_filename not in self.files:
                self.files[code.co_filename] = self._read_file(Path(code.co_filename).resolve())
            name, calls = self.files[code.co_filename]
            if name:
                line, end_line, _, end_column = next(itertools.islice(code.co_positions(), instruction, None))
                yield _Source(diagnosis.SourceLocation(name, line), calls.get((end_line, end_column)))
            if name == self.display_path and code.co_name == "<module>":
                return  # what runs the program may be in the same folder

    def _read_file(self, file: Path) -> _File:
        if not file.is_relative_to(self.program.parent) or not file.is_file():
            return _File()
        display_path = Path(self.display_path).parent / file.relative_to(self.program.parent)
        calls = [node for node in ast.walk(ast.parse(file.read_bytes())) if isinstance(node, ast.Call)]
        return _File(
            self.display_path if file == self.program else str(display_path),
            {(call.end_lineno, call.end_col_offset): call for call in calls},
        )


def _is_output(value: Any) -> bool:
    """Whether it is an Output of Pulumi, or a text with one. Pulumi is not imported."""
    return OUTPUT_TEXT in value if isinstance(value, str) else callable(getattr(value, "apply", None))


def _choose_structure(hint: Any) -> Any:
    """The dataclass, tuple or mapping of a type hint. None: it has none."""
    match typing.get_origin(hint):
        case typing.Annotated:
            return _choose_structure(typing.get_args(hint)[0])
        case typing.Union | types.UnionType:
            structures = [_choose_structure(member) for member in typing.get_args(hint)]
            return next((structure for structure in structures if structure), None)
        case origin:
            return hint if origin in (tuple, collections.abc.Mapping) or dataclasses.is_dataclass(hint) else None


def _get_element_hint(structure: Any) -> Any:
    """The type of the elements of a tuple, or of the bodies of a mapping. None: unknown."""
    is_mapping = typing.get_origin(structure) is collections.abc.Mapping
    return next(iter(typing.get_args(structure)[is_mapping:]), None)


def _find_keys(*sources: _Source) -> Mapping[Any, _Source]:
    """Where a list, a dict or its calls write each key. An argument that a function only passes on is its caller's."""
    written: dict[Any, _Source] = {}
    for location, expression in reversed(sources):
        for key, line, part in _list_parts(expression):
            if key not in written or not isinstance(part, ast.Name):
                written[key] = _Source(dataclasses.replace(location, line=line), part)
    return written


def _list_parts(expression: ast.expr | None) -> Iterator[tuple[Any, int, ast.expr]]:
    match expression:
        case ast.Call(keywords=keywords):
            yield from ((keyword.arg, keyword.lineno, keyword.value) for keyword in keywords)
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            yield from ((key.value, key.lineno, value) for key, value in pairs if isinstance(key, ast.Constant))
        case ast.List(elts=parts) | ast.Tuple(elts=parts) if not any(isinstance(part, ast.Starred) for part in parts):
            yield from ((number, part.lineno, part) for number, part in enumerate(parts))
        case _:
            pass
