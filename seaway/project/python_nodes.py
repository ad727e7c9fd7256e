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
from collections.abc import Iterable, Iterator, Mapping, Sequence
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

    def at(self, expression: ast.expr | None, line: int | None = None) -> "_Source":
        """A part of the expression."""
        if expression is None:
            return _Source(self.location)
        return _Source(dataclasses.replace(self.location, line=line or expression.lineno), expression)


def convert_application(app: declarations.Declaration, program: Path, display_path: str) -> nodes.Node:
    """The nodes of ``sw.Application(...)`` of a program, which is called ``display_path`` in messages.

    Raises diagnosis.InvalidInput with all values that have no node.
    """
    converter = _Converter(program.resolve(), display_path)
    node = converter.convert(app, app.model_class, "", _Source(diagnosis.SourceLocation(display_path)))
    if converter.diagnostics:
        raise diagnosis.InvalidInput(converter.diagnostics)
    return node


class _Converter:
    def __init__(self, program: Path, display_path: str) -> None:
        self.diagnostics: list[diagnosis.Diagnostic] = []
        self.program = program
        self.display_path = display_path
        self.calls: dict[Path, Mapping[tuple[int | None, int | None], ast.Call]] = {}
        """The calls in each file, by the line and the column of their end."""

    def report(self, path: str, source: _Source, code: str, message: str, hint: str) -> nodes.Node:
        self.diagnostics.append(diagnosis.Diagnostic(source.location, path, message, hint, code))
        return nodes.ScalarNode(source.location, "", "null")

    def convert(self, value: Any, hint: Any, path: str, source: _Source) -> nodes.Node:  # noqa: PLR0911
        """The nodes of a value. ``hint``: the type of its field in the model; None: it has none."""
        hint = _choose_structure(hint)
        value = value.value if isinstance(value, enum.Enum) else value
        sources = [source]
        if isinstance(value, declarations.Keys):
            sources = list(self._find_calls(value)) or sources
            source = sources[0]
            if value.model_class is not hint:
                message = f"{type(value).__name__}(...) does not belong here"
                return self.report(path, source, "invalid-type", message, _suggest_value(hint))
        match value:
            case _ if _is_output(value):
                message = "is an Output of Pulumi, whose value is unknown before its resource exists"
                hint = "write a plain value here; the Pulumi program gives Outputs to the component Application"
                return self.report(path, source, "pulumi-output", message, hint)
            case Mapping():
                return self._convert_mapping(cast("Mapping[Any, Any]", value), hint, path, sources)
            case list() | tuple():
                return self._convert_list(cast("Sequence[Any]", value), hint, path, source)
            case str() if any("\ud800" <= character <= "\udfff" for character in value):
                return self.report(path, source, "invalid-encoding", "is not UTF-8 text", "decode its bytes as UTF-8")
            case None | bool() | int() | float() | str():
                return nodes.from_plain(value, source.location)
            case _:
                message = f"{_describe_type(value)} is not a value of an application"
                is_model = type(value) in declarations.list_model_classes().values()
                words = f"sw.{type(value).__name__}(...)" if is_model else "text, a number, True, a list or a dict"
                return self.report(path, source, "invalid-type", message, f"write {words}")

    def _convert_mapping(
        self, mapping: Mapping[Any, Any], hint: Any, path: str, sources: Sequence[_Source]
    ) -> nodes.Node:
        source = sources[0]
        written = _list_keys(sources)
        is_dataclass = dataclasses.is_dataclass(hint)
        hints: Mapping[str, Any] = decode.get_type_hints(hint) if is_dataclass else {}
        if isinstance(mapping, declarations.Declaration):
            mapping = {decode.get_name_field(mapping.model_class): mapping.name, **mapping}
        pairs: dict[str, nodes.Pair] = {}
        for name, value in mapping.items():
            inner_source = written.get(name, _Source(source.location))
            key = self._convert_name(name, path, inner_source)
            if key is None:
                continue
            inner_hint = hints.get(key, _get_element_hint(hint))
            key = decode.to_camel_case(key) if key in hints else key
            inner_path = nodes.join_path(path, key)
            if isinstance(value, declarations.Declaration) and value.model_class is inner_hint:
                message = f"{type(value).__name__}(...) has a name of its own"
                node = self.report(inner_path, inner_source, "invalid-type", message, _suggest_value(hint))
            else:
                node = self.convert(value, inner_hint, inner_path, inner_source)
            pairs[key] = nodes.Pair(inner_source.location, node)
        return nodes.MappingNode(source.location, pairs)

    def _convert_list(self, values: Sequence[Any], hint: Any, path: str, source: _Source) -> nodes.Node:
        element_hint = _get_element_hint(hint)
        expressions: Iterable[ast.expr | None] = itertools.repeat(None)
        if isinstance(source.expression, ast.List | ast.Tuple) and len(source.expression.elts) == len(values):
            expressions = source.expression.elts
        sources = [source.at(expression) for expression in itertools.islice(expressions, len(values))]
        if any(isinstance(value, declarations.Declaration) for value in values):
            return self._convert_named(values, sources, element_hint, path, source)
        elements = (
            self.convert(value, element_hint, nodes.join_path(path, str(number)), inner_source)
            for number, (value, inner_source) in enumerate(zip(values, sources, strict=True))
        )
        return nodes.SequenceNode(source.location, tuple(elements))

    def _convert_named(
        self, values: Sequence[Any], sources: Sequence[_Source], hint: Any, path: str, source: _Source
    ) -> nodes.Node:
        """A list of declarations and names, as the mapping from name to body."""
        pairs: dict[str, nodes.Pair] = {}
        for value, inner_source in zip(values, sources, strict=True):
            is_declaration = isinstance(value, declarations.Declaration)
            call = next(self._find_calls(value), inner_source) if is_declaration else inner_source
            location = call.location
            name = self._convert_name(value.name if is_declaration else value, path, call)
            if name is None:
                continue
            inner_path = nodes.join_path(path, name)
            if name in pairs:
                message = f"the name is in line {pairs[name].location.line} too"
                self.report(inner_path, call, "duplicate-name", message, "rename or remove one of the two")
            body = self.convert(value if is_declaration else None, hint, inner_path, inner_source)
            name_field = decode.get_name_field(value.model_class) if is_declaration else None
            pairs[name] = nodes.Pair(location, nodes.remove_key(body, name_field or ""))
        return nodes.MappingNode(source.location, pairs)

    def _convert_name(self, name: Any, path: str, source: _Source) -> str | None:
        """A key or a name: text or, as in YAML, a number. None: it is reported."""
        reported = len(self.diagnostics)
        node = self.convert(name, None, path, source)
        if isinstance(node, nodes.ScalarNode) and node.kind in ("text", "int"):
            return node.text
        if len(self.diagnostics) == reported:
            self.report(path, source, "invalid-name", f"{_describe_type(name)} is not a name", "write text")
        return None

    def _find_calls(self, keys: declarations.Keys) -> Iterator[_Source]:
        """The calls in the program that made the keys, the innermost first: further ones are of its functions."""
        for code, instruction in keys.calls:
            file = Path(code.co_filename).resolve()
            if not file.is_relative_to(self.program.parent) or not file.is_file():
                continue
            if file not in self.calls:
                tree = ast.walk(ast.parse(file.read_bytes()))
                calls = (node for node in tree if isinstance(node, ast.Call))
                self.calls[file] = {(call.end_lineno, call.end_col_offset): call for call in calls}
            line, end_line, _, end_column = next(itertools.islice(code.co_positions(), instruction, None))
            display_path = Path(self.display_path).parent / file.relative_to(self.program.parent)
            name = self.display_path if file == self.program else str(display_path)
            yield _Source(diagnosis.SourceLocation(name, line), self.calls[file].get((end_line, end_column)))


def _is_output(value: Any) -> bool:
    """Whether it is an Output of Pulumi, or a text with one, without an import of Pulumi."""
    return OUTPUT_TEXT in value if isinstance(value, str) else callable(getattr(value, "apply", None))


def _choose_structure(hint: Any) -> Any:
    """The dataclass, tuple or mapping of a type hint, or its only type."""
    if typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return hint
    members = [member for member in typing.get_args(hint) if member is not types.NoneType]
    return next((member for member in members if member is not str), members[0])


def _get_element_hint(hint: Any) -> Any:
    """The type of the elements of a list, or of the bodies of a mapping. None: unknown."""
    is_mapping = typing.get_origin(hint) is collections.abc.Mapping
    return next(iter(typing.get_args(hint)[is_mapping:]), None)


def _list_keys(sources: Sequence[_Source]) -> Mapping[Any, _Source]:
    """Where a dict or its calls write each key. An argument that a function only passes on is that of its caller."""
    written: dict[Any, _Source] = {}
    for source in reversed(sources):
        for key, inner_source in _list_parts(source):
            if key not in written or not isinstance(inner_source.expression, ast.Name):
                written[key] = inner_source
    return written


def _list_parts(source: _Source) -> Iterator[tuple[Any, _Source]]:
    match source.expression:
        case ast.Call(keywords=keywords):
            yield from ((keyword.arg, source.at(keyword.value, keyword.lineno)) for keyword in keywords)
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if isinstance(key, ast.Constant):
                    yield key.value, source.at(value, key.lineno)
        case _:
            pass


def _describe_type(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def _suggest_value(hint: Any) -> str:
    """What to write where a class of the model is wrong."""
    element = _get_element_hint(hint)
    if dataclasses.is_dataclass(element):
        return f"write [{cast(type, element).__name__}(...)]"
    return f"write {cast(type, hint).__name__}(...)" if dataclasses.is_dataclass(hint) else f"see {decode.REFERENCE}"
