"""Nodes to dataclasses, driven by the type hints of their fields. Every problem is collected.

The types that a field may have, and how they are written:

- ``int``, ``bool``, ``Literal``: as in YAML 1.2; a quoted number is text.
- ``str``: text. A number is taken as its text (``PORT: 8000``, ``1.10``); ``true`` and ``null`` must be quoted,
  because it is not plain which text they stand for.
- ``tuple[str, ...]``, ``Mapping[str, str]``, ``X | None`` (``null`` is None), and a union of text and a list of texts.
- a dataclass: a mapping of its fields, in camelCase; or its ``shorthand``, one value.
- a tuple of dataclasses that have a name (their first field): a mapping from name to body, or a list of names.
"""

import collections.abc
import dataclasses
import difflib
import functools
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeVar, cast

from seaway.syntax import diagnosis, field_help, nodes

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Decoded(typing.Generic[T]):
    """What could be decoded. ``value`` is None where nothing could."""

    value: T | None
    locations: diagnosis.SourceLocations
    diagnostics: tuple[diagnosis.Diagnostic, ...]


def decode_node(cls: type[T], node: nodes.Node, *, path: str = "") -> T:
    """An instance of ``cls``. Raises diagnosis.InvalidInput with everything that is wrong."""
    decoded = decode_partial(cls, node, path=path)
    if decoded.diagnostics or decoded.value is None:
        raise diagnosis.InvalidInput(decoded.diagnostics)
    return decoded.value


def decode_partial(
    cls: type[T], node: nodes.Node, *, path: str = "", fallbacks: Mapping[str, Any] | None = None
) -> Decoded[T]:
    """As much as can be decoded, with the problems of the rest.

    ``instead`` holds values for fields of ``cls`` itself that may be wrong while the rest is still worth a look.
    """
    reader = _Decoder()
    value = reader.decode_dataclass(cls, node, path, fallbacks=fallbacks or {})
    places = diagnosis.SourceLocations(node.location, reader.locations, frozenset(reader.undecoded))
    return Decoded(
        value=None if value is _UNDECODED else value, locations=places, diagnostics=tuple(reader.diagnostics)
    )


def to_camel_case(field: str) -> str:
    """A field's name as it is written in YAML."""
    first, *rest = field.split("_")
    return first + "".join(word.capitalize() for word in rest)


def get_name_field(cls: type) -> str | None:
    """The field that names an instance of ``cls``: the one that may be given by position."""
    return next((field.name for field in dataclasses.fields(cls) if not field.kw_only), None)


def find_closest(word: str, known: Iterable[str]) -> str | None:
    """The name that somebody meant who wrote ``word``, if one is near."""
    return next(iter(difflib.get_close_matches(word[:80], list(known), n=1)), None)


def suggest_name(word: str, known: Iterable[str]) -> str:
    """A remedy for an unknown name."""
    known = list(known)
    close = find_closest(word, known)
    if close:
        return f"did you mean {close}?"
    return f"there are: {', '.join(known)}" if known else "there are none"


@functools.cache
def get_type_hints(cls: type) -> Mapping[str, Any]:
    """The type hints of a dataclass, with their annotations."""
    return typing.get_type_hints(cls, include_extras=True)


_UNDECODED: Any = object()


class _Decoder:
    def __init__(self) -> None:
        self.diagnostics: list[diagnosis.Diagnostic] = []
        self.locations: dict[str, diagnosis.SourceLocation] = {}
        self.undecoded: set[str] = set()

    def report(self, path: str, node: nodes.Node, message: str, hint: str) -> Any:
        self.diagnostics.append(diagnosis.Diagnostic(self.locations.get(path, node.location), path, message, hint))
        self.undecoded.add(path)
        return _UNDECODED

    def decode_value(self, hint: Any, node: nodes.Node, path: str) -> Any:  # noqa: PLR0911 - one return a type
        if typing.get_origin(hint) is typing.Annotated:
            hint = typing.get_args(hint)[0]
        if isinstance(node, nodes.EncryptedNode):
            return self.report(path, node, "is encrypted, and is no secret", "set it again without --secret")
        origin, args = typing.get_origin(hint), typing.get_args(hint)
        if origin in (typing.Union, types.UnionType):
            return self.decode_value(self._choose_member(args, node), node, path) if not _is_none(args, node) else None
        if origin is tuple:
            one = cast(type, args[0])
            return (
                self._decode_named(one, node, path) if dataclasses.is_dataclass(one) else self._decode_texts(node, path)
            )
        if origin is collections.abc.Mapping:
            return self._decode_mapping(args[1], node, path)
        if origin is Literal:
            return self._decode_literal(args, node, path)
        if dataclasses.is_dataclass(hint):
            return self.decode_dataclass(cast(type, hint), node, path)
        return self._SCALARS[hint](self, node, path)

    def decode_dataclass(
        self,
        cls: type,
        node: nodes.Node,
        path: str,
        *,
        name: str | None = None,
        fallbacks: Mapping[str, Any] = types.MappingProxyType({}),
    ) -> Any:
        """An instance of a dataclass; ``name`` comes from outside, as the key of its body.

        A field that is wrong has its default, so that the rules may still look at the others.
        """
        given = {} if name is None else {cast(str, get_name_field(cls)): name}
        if name is not None and _is_null(node):
            node = nodes.MappingNode(node.location)
        if not isinstance(node, nodes.MappingNode):
            return self._decode_shorthand(cls, node, path, given)
        fields = {to_camel_case(field.name): field for field in dataclasses.fields(cls) if field.name not in given}
        for key, entry in node.pairs.items():
            at = _join_path(path, key)
            self.locations[at] = entry.location
            if key not in fields:
                what = f"is no key of {_format_class_name(cls)}"
                self.diagnostics.append(diagnosis.Diagnostic(entry.location, at, what, suggest_name(key, fields)))
                self.undecoded.add(
                    _join_path(path, find_closest(key, fields) or key)
                )  # what it was meant for is not known
        values: dict[str, Any] = dict(given)
        for key, field in fields.items():
            at = _join_path(path, key)
            if key in node.pairs:
                value = self.decode_value(get_type_hints(cls)[field.name], node.pairs[key].node, at)
            elif _is_required(field):
                value = self.report(at, node, "is missing", f"add `{key}:`, {_describe_field(cls, field.name)}")
            else:
                continue
            if value is not _UNDECODED:
                values[field.name] = value
            elif field.name in fallbacks:
                values[field.name] = fallbacks[field.name]
            elif _is_required(field):
                values[field.name] = _UNDECODED
        if any(value is _UNDECODED for value in values.values()):
            self.undecoded.add(path)
            return _UNDECODED
        return cls(**values)

    def _decode_shorthand(self, cls: type, node: nodes.Node, path: str, name_argument: Mapping[str, str]) -> Any:
        short = getattr(cls, "shorthand", None)
        if short is None:
            keys = ", ".join(
                to_camel_case(field.name) for field in dataclasses.fields(cls) if field.name not in name_argument
            )
            return self.report(path, node, f"{nodes.describe_node(node)} is no mapping", f"write keys below it: {keys}")
        said = typing.get_type_hints(short)
        hint = [said[name] for name in said if name != "return"][-1]
        value = self.decode_value(hint, node, path)
        return _UNDECODED if value is _UNDECODED else short(*name_argument.values(), value)

    def _decode_named(self, cls: type, node: nodes.Node, path: str) -> Any:
        bodies: list[tuple[str, nodes.Node]] = []
        match node:
            case nodes.MappingNode():
                for key, entry in node.pairs.items():
                    self.locations[_join_path(path, key)] = entry.location
                    bodies.append((key, entry.node))
            case nodes.SequenceNode():
                for item in node.items:
                    self._add_name(item, path, bodies)
            case _:
                remedy = f"write a mapping from name to {cls.__name__.lower()}, or a list of names"
                return self.report(path, node, f"{nodes.describe_node(node)} is neither a mapping nor a list", remedy)
        found = [self.decode_dataclass(cls, body, _join_path(path, name), name=name) for name, body in bodies]
        return tuple(one for one in found if one is not _UNDECODED)

    def _add_name(self, element: nodes.Node, path: str, bodies: list[tuple[str, nodes.Node]]) -> None:
        if not isinstance(element, nodes.ScalarNode) or element.kind in ("bool", "null"):
            remedy = "write names only, or make it a mapping from name to body"
            self.diagnostics.append(
                diagnosis.Diagnostic(element.location, path, f"{nodes.describe_node(element)} is no name", remedy)
            )
        elif element.text in dict(bodies):
            wrong = f"{nodes.describe_node(element)} is in the list twice"
            self.diagnostics.append(diagnosis.Diagnostic(element.location, path, wrong, "remove one of the two"))
        else:
            self.locations[_join_path(path, element.text)] = element.location
            bodies.append((element.text, nodes.parse_scalar("", element.location)))

    def _choose_member(self, args: tuple[Any, ...], node: nodes.Node) -> Any:
        """The member of a union that a value is meant for, by its shape."""
        members = [arg for arg in args if arg is not types.NoneType]
        listing = isinstance(node, nodes.SequenceNode)
        return next((arg for arg in members if (typing.get_origin(arg) is tuple) == listing), members[0])

    def _decode_texts(self, node: nodes.Node, path: str) -> Any:
        if not isinstance(node, nodes.SequenceNode):
            words = node.text.split() if isinstance(node, nodes.ScalarNode) and 0 < len(node.text) <= 60 else ["a", "b"]
            remedy = f"write [{', '.join(words)}], or one a line after `- `"
            return self.report(path, node, f"{nodes.describe_node(node)} is no list", remedy)
        for number, item in enumerate(node.items):
            self.locations[_join_path(path, str(number))] = item.location
        found = [self._decode_text(item, _join_path(path, str(number))) for number, item in enumerate(node.items)]
        return _UNDECODED if any(text is _UNDECODED for text in found) else tuple(found)

    def _decode_mapping(self, hint: Any, node: nodes.Node, path: str) -> Any:
        if not isinstance(node, nodes.MappingNode):
            return self.report(
                path, node, f"{nodes.describe_node(node)} is no mapping", "write `NAME: value`, one a line, below it"
            )
        for key, entry in node.pairs.items():
            self.locations[_join_path(path, key)] = entry.location
        found = {key: self.decode_value(hint, entry.node, _join_path(path, key)) for key, entry in node.pairs.items()}
        return _UNDECODED if any(value is _UNDECODED for value in found.values()) else found

    def _decode_literal(self, args: tuple[Any, ...], node: nodes.Node, path: str) -> Any:
        if isinstance(node, nodes.ScalarNode) and node.text in args:
            return node.text
        return self.report(
            path, node, f"{nodes.describe_node(node)} is not one of its values", f"write {' or '.join(args)}"
        )

    def _decode_text(self, node: nodes.Node, path: str) -> Any:
        match node:
            case nodes.ScalarNode(kind="bool"):
                return self.report(path, node, f"{node.text} is a boolean and not text", f'quote it: "{node.text}"')
            case nodes.ScalarNode(kind="null"):
                wrong = f"{nodes.describe_node(node)} is not text"
                return self.report(
                    path, node, wrong, f'quote it: "{node.text}"' if node.text else 'write "" for empty text'
                )
            case nodes.ScalarNode():
                return node.text
            case _:
                return self.report(
                    path,
                    node,
                    f"{nodes.describe_node(node)} is not text",
                    "write one value; quote it if it has brackets",
                )

    def _decode_int(self, node: nodes.Node, path: str) -> Any:
        if isinstance(node, nodes.ScalarNode) and node.kind == "int":
            return nodes.to_int(node)
        digits = isinstance(node, nodes.ScalarNode) and node.kind == "text" and node.text.isdecimal()
        remedy = "write it without quotes and without a leading zero" if digits else "write digits, as 8000"
        return self.report(path, node, f"{nodes.describe_node(node)} is no whole number", remedy)

    def _decode_bool(self, node: nodes.Node, path: str) -> Any:
        if isinstance(node, nodes.ScalarNode) and node.kind == "bool":
            return node.text.lower() == "true"
        return self.report(
            path, node, f"{nodes.describe_node(node)} is neither true nor false", "write true or false, unquoted"
        )

    def _decode_any(self, node: nodes.Node, path: str) -> Any:
        self._record_locations(node, path)
        return nodes.to_plain(node)

    def _record_locations(self, node: nodes.Node, path: str) -> None:
        """Where the parts of a value stand that is read as it is."""
        if isinstance(node, nodes.MappingNode):
            for key, entry in node.pairs.items():
                self.locations[_join_path(path, key)] = entry.location
                self._record_locations(entry.node, _join_path(path, key))
        elif isinstance(node, nodes.SequenceNode):
            for number, item in enumerate(node.items):
                self.locations[_join_path(path, str(number))] = item.location
                self._record_locations(item, _join_path(path, str(number)))

    _SCALARS: typing.ClassVar[Mapping[Any, Any]] = {
        str: _decode_text,
        int: _decode_int,
        bool: _decode_bool,
        Any: _decode_any,
    }


def _is_null(node: nodes.Node) -> bool:
    return isinstance(node, nodes.ScalarNode) and node.kind == "null"


def _is_none(args: tuple[Any, ...], node: nodes.Node) -> bool:
    return types.NoneType in args and _is_null(node)


def _is_required(field: "dataclasses.Field[Any]") -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _join_path(path: str, key: str) -> str:
    return f"{path}{key}" if not path or path.endswith(":") else f"{path}.{key}"


def _format_class_name(cls: type) -> str:
    name = cls.__name__.lower()
    return name if name in ("settings", "health", "resources") else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _describe_field(cls: type, field: str) -> str:
    """What a field means, for the remedy of a missing one."""
    notes = typing.get_args(get_type_hints(cls)[field])[1:]
    return next((note.text for note in notes if isinstance(note, field_help.Help)), "as the reference shows")
