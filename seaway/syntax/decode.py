"""Nodes to dataclasses, driven by the type hints of the fields. All errors are collected.

The types that a field may have, and how they are written:

- ``int``, ``bool``, ``Literal``: as in YAML 1.2; a quoted number is text. An ``int`` with the annotation
  ``field_help.Duration`` may have units: ``1m30s``.
- ``str``: text. A number is taken as its text (``PORT: 8000``, ``1.10``); ``true`` and ``null`` must be quoted,
  because their text is ambiguous.
- ``tuple[str, ...]``, ``Mapping[str, str]``, ``X | None`` (``null`` is None), and a union of text and a list of texts.
- a dataclass: a mapping of its fields, in camelCase; or its ``shorthand``, a single value.
- a tuple of dataclasses that have a name (their first field): a mapping from name to body, or a list of names.
"""

import collections.abc
import dataclasses
import difflib
import functools
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, TypeVar, cast

from seaway.syntax import diagnosis, field_help, foreign_keys, former_keys, nodes, scalars

T = TypeVar("T")

MAX_LISTED_KEYS = 8
"""A hint lists the keys of a mapping that has no more."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Decoded(typing.Generic[T]):
    """A partial result. ``value`` is None where nothing could be decoded."""

    value: T | None
    locations: diagnosis.SourceLocations
    diagnostics: tuple[diagnosis.Diagnostic, ...]


def decode_node(cls: type[T], node: nodes.Node, *, path: str = "") -> T:
    """An instance of ``cls``. Raises diagnosis.InvalidInput with all errors."""
    decoded = decode_partial(cls, node, path=path)
    if decoded.diagnostics or decoded.value is None:
        raise diagnosis.InvalidInput(decoded.diagnostics)
    return decoded.value


def decode_partial(
    cls: type[T], node: nodes.Node, *, path: str = "", fallbacks: Mapping[str, Any] | None = None
) -> Decoded[T]:
    """Decodes as much as possible and reports the rest.

    ``fallbacks`` holds values for fields of ``cls`` itself that cannot be decoded: the others are still checked.
    """
    decoder = _Decoder()
    value = decoder.decode_dataclass(cls, node, path, fallbacks=fallbacks or {})
    locations = diagnosis.SourceLocations(node.location, decoder.locations, frozenset(decoder.undecoded))
    return Decoded(
        value=None if value is _UNDECODED else value, locations=locations, diagnostics=tuple(decoder.diagnostics)
    )


def to_camel_case(field: str) -> str:
    """A field's name as it is written in YAML."""
    first, *rest = field.split("_")
    return first + "".join(word.capitalize() for word in rest)


def get_name_field(cls: type) -> str | None:
    """The field that names an instance of ``cls``: the one that may be passed by position."""
    return next((field.name for field in dataclasses.fields(cls) if not field.kw_only), None)


def find_closest(word: str, known: Iterable[str]) -> str | None:
    """The known name that is most similar to ``word``. None: no name is similar."""
    return next(iter(difflib.get_close_matches(word[:80], list(known), n=1)), None)


def suggest_name(word: str, known: Iterable[str]) -> str:
    """A hint for an unknown name."""
    known = list(known)
    closest = find_closest(word, known)
    if closest:
        return f"did you mean {closest}?"
    return f"known names: {', '.join(known)}" if known else "none is defined"


@functools.cache
def get_type_hints(cls: type) -> Mapping[str, Any]:
    """The type hints of a dataclass, with their annotations."""
    return typing.get_type_hints(cls, include_extras=True)


_UNDECODED: Any = object()
_MAX_SUGGESTIONS = 100
"""Errors after which an unknown key is only named: a search for similar names takes a millisecond."""


class _Decoder:
    def __init__(self) -> None:
        self.diagnostics: list[diagnosis.Diagnostic] = []
        self.locations: dict[str, diagnosis.SourceLocation] = {}
        self.undecoded: set[str] = set()

    def report(self, path: str, node: nodes.Node, code: str, message: str, hint: str) -> Any:
        location = self.locations.get(path, node.location)
        self.diagnostics.append(diagnosis.Diagnostic(location, path, message, hint, code))
        self.undecoded.add(path)
        return _UNDECODED

    def decode_value(self, hint: Any, node: nodes.Node, path: str) -> Any:  # noqa: PLR0911 - one return a type
        annotations: list[Any] = []
        if typing.get_origin(hint) is typing.Annotated:
            hint, *annotations = typing.get_args(hint)
        if isinstance(node, nodes.EncryptedNode):
            return self.report(
                path, node, "encrypted-value", "is encrypted, but is not a secret", "set it again without --secret"
            )
        origin, args = typing.get_origin(hint), typing.get_args(hint)
        if origin in (typing.Union, types.UnionType):
            is_none = types.NoneType in args and _is_null(node)
            return None if is_none else self.decode_value(_choose_member(args, node), node, path)
        if origin is tuple:
            decode = self._decode_named if dataclasses.is_dataclass(args[0]) else self._decode_texts
            return decode(cast(type, args[0]), node, path)
        if origin is collections.abc.Mapping:
            return self._decode_mapping(args[1], node, path)
        if origin is Literal:
            return self._decode_literal(args, node, path)
        if dataclasses.is_dataclass(hint):
            return self.decode_dataclass(cast(type, hint), node, path)
        if hint is Any:
            return self._decode_any(node, path)
        is_duration = field_help.Duration() in annotations
        return self._convert(scalars.to_seconds if is_duration else scalars.CONVERTERS[hint], node, path)

    def decode_dataclass(
        self,
        cls: type,
        node: nodes.Node,
        path: str,
        *,
        name: str | None = None,
        fallbacks: Mapping[str, Any] = types.MappingProxyType({}),
    ) -> Any:
        """An instance of a dataclass; ``name`` is the key of its body.

        A field that cannot be decoded gets its default, so that the rules still check the others.
        """
        name_argument = {} if name is None else {cast(str, get_name_field(cls)): name}
        if name is not None and _is_null(node):
            node = nodes.MappingNode(node.location)
        if not isinstance(node, nodes.MappingNode):
            return self._decode_shorthand(cls, node, path, name_argument)
        fields = {
            to_camel_case(field.name): field for field in dataclasses.fields(cls) if field.name not in name_argument
        }
        self._add_locations(node, path)
        for key, pair in node.pairs.items():
            if key not in fields:
                self._report_unknown_key(cls, key, pair.node, path, fields)
        values: dict[str, Any] = dict(name_argument)
        for key, field in fields.items():
            field_path = nodes.join_path(path, key)
            if key in node.pairs:
                value = self.decode_value(get_type_hints(cls)[field.name], node.pairs[key].node, field_path)
            elif _is_required(field):
                hint = f"add `{key}:`, {_describe_field(cls, field.name)}"
                value = self.report(field_path, node, "missing-value", "is missing", hint)
            else:
                continue
            if value is _UNDECODED and field.name in fallbacks:
                value = fallbacks[field.name]
            if value is not _UNDECODED or _is_required(field):
                values[field.name] = value
        if any(value is _UNDECODED for value in values.values()):
            self.undecoded.add(path)
            return _UNDECODED
        return cls(**values)

    def _report_unknown_key(self, cls: type, key: str, node: nodes.Node, path: str, fields: Mapping[str, Any]) -> None:
        """Reports the key, and marks the keys that were probably meant: no rule may judge their defaults."""
        message = f"is not a key of {_format_class_name(cls)}"
        if len(self.diagnostics) >= _MAX_SUGGESTIONS:
            self.report(nodes.join_path(path, key), node, "unknown-key", message, "remove it")
            return
        former, closest = former_keys.find_replacement(key, fields), find_closest(key, fields)
        meanings = [former] if former else foreign_keys.find_meanings(key, fields) or ([closest] if closest else [])
        if former:
            hint = f"did you mean {former_keys.format_replacement(key, node)}?"
        elif key in foreign_keys.NEEDLESS:
            hint = f"remove it: {foreign_keys.NEEDLESS[key]}"
        elif meanings:
            hint = f"did you mean {' or '.join(meanings)}?"
        elif parents := list(_find_parents(cls, node)):
            hint = f"indent it further, below {' or '.join(parents)}"
        else:
            listed = f"for its keys: {diagnosis.format_help('reference')}"
            hint = suggest_name(key, fields) if len(fields) <= MAX_LISTED_KEYS else listed
        self.report(nodes.join_path(path, key), node, "unknown-key", message, hint)
        self.undecoded.update(nodes.join_path(path, meaning) for meaning in meanings)

    def _decode_shorthand(self, cls: type, node: nodes.Node, path: str, name_argument: Mapping[str, str]) -> Any:
        shorthand = getattr(cls, "shorthand", None)
        if shorthand is None:
            keys = [to_camel_case(field.name) for field in dataclasses.fields(cls) if field.name not in name_argument]
            message = f"{nodes.describe_node(node)} is not a mapping"
            hint = f"write keys below it: {', '.join(keys)}"
            if not set(name_argument.values()).isdisjoint(keys):
                (key,) = name_argument.values()
                hint = f"indent it further: {key} is a key of {_format_class_name(cls)}, not its name"
            return self.report(path, node, "invalid-type", message, hint)
        parameters = typing.get_type_hints(shorthand)
        hint = [parameters[name] for name in parameters if name != "return"][-1]
        value = self.decode_value(hint, node, path)
        return _UNDECODED if value is _UNDECODED else shorthand(*name_argument.values(), value)

    def _decode_named(self, cls: type, node: nodes.Node, path: str) -> Any:
        bodies: dict[str, nodes.Node] = {}
        match node:
            case nodes.MappingNode(pairs=pairs):
                self._add_locations(node, path)
                bodies = {name: pair.node for name, pair in pairs.items()}
            case nodes.SequenceNode(items=names):
                for name in names:
                    self._add_name(name, path, bodies)
            case _:
                message = f"{nodes.describe_node(node)} is neither a mapping nor a list"
                hint = f"write a mapping from name to {cls.__name__.lower()}, or a list of names"
                return self.report(path, node, "invalid-type", message, hint)
        instances = [
            self.decode_dataclass(cls, body, nodes.join_path(path, name), name=name) for name, body in bodies.items()
        ]
        return tuple(instance for instance in instances if instance is not _UNDECODED)

    def _add_name(self, node: nodes.Node, path: str, bodies: dict[str, nodes.Node]) -> None:
        description = nodes.describe_node(node)
        if not isinstance(node, nodes.ScalarNode) or node.kind in ("bool", "null"):
            hint = "write only names, or make it a mapping from name to body"
            error = diagnosis.Diagnostic(node.location, path, f"{description} is not a name", hint, "invalid-name")
            self.diagnostics.append(error)
        elif node.text in bodies:
            message = f"{description} is in the list twice"
            error = diagnosis.Diagnostic(node.location, path, message, "remove one of the two", "duplicate-name")
            self.diagnostics.append(error)
        else:
            self.locations[nodes.join_path(path, node.text)] = node.location
            bodies[node.text] = nodes.parse_scalar("", node.location)

    def _decode_texts(self, _: type, node: nodes.Node, path: str) -> Any:
        if not isinstance(node, nodes.SequenceNode):
            words = node.text.split() if isinstance(node, nodes.ScalarNode) and 0 < len(node.text) <= 60 else ["a", "b"]
            hint = f"write [{', '.join(map(diagnosis.quote, words))}], or one value per line after `- `"
            return self.report(path, node, "invalid-type", f"{nodes.describe_node(node)} is not a list", hint)
        self._add_locations(node, path)
        texts = [
            self._convert(scalars.to_text, text, nodes.join_path(path, str(number)))
            for number, text in enumerate(node.items)
        ]
        return _UNDECODED if any(text is _UNDECODED for text in texts) else tuple(texts)

    def _decode_mapping(self, hint: Any, node: nodes.Node, path: str) -> Any:
        if not isinstance(node, nodes.MappingNode):
            message = f"{nodes.describe_node(node)} is not a mapping"
            return self.report(path, node, "invalid-type", message, "write `NAME: value` below it, one per line")
        self._add_locations(node, path)
        values = {
            key: self.decode_value(hint, pair.node, nodes.join_path(path, key)) for key, pair in node.pairs.items()
        }
        return _UNDECODED if any(value is _UNDECODED for value in values.values()) else values

    def _decode_literal(self, choices: tuple[Any, ...], node: nodes.Node, path: str) -> Any:
        if isinstance(node, nodes.ScalarNode) and node.text in choices:
            return node.text
        message = f"{nodes.describe_node(node)} is not an allowed value"
        return self.report(path, node, "invalid-value", message, f"write {' or '.join(choices)}")

    def _convert(self, converter: Callable[[nodes.Node], Any], node: nodes.Node, path: str) -> Any:
        value = converter(node)
        return self.report(path, node, *value) if isinstance(value, scalars.Mismatch) else value

    def _decode_any(self, node: nodes.Node, path: str) -> Any:
        self.locations.update(nodes.list_locations(node, path))
        return nodes.to_plain(node)

    def _add_locations(self, node: nodes.Node, path: str) -> None:
        """Remembers the locations of the keys of a mapping, or of the elements of a list."""
        self.locations.update((part_path, location) for part_path, location, _ in nodes.list_parts(node, path))


def _find_parents(cls: type, node: nodes.Node) -> Iterator[str]:
    """The keys of ``cls`` that have named instances with the keys of ``node``: the parents that it was written for."""
    keys = node.pairs.keys() if isinstance(node, nodes.MappingNode) else set[str]()
    for field, hint in typing.get_type_hints(cls).items():
        args = typing.get_args(hint)
        if keys and typing.get_origin(hint) is tuple and dataclasses.is_dataclass(args[0]):
            known = {to_camel_case(part.name) for part in dataclasses.fields(args[0])}
            if keys <= known:
                yield to_camel_case(field)


def _is_null(node: nodes.Node) -> bool:
    return isinstance(node, nodes.ScalarNode) and node.kind == "null"


def _choose_member(args: tuple[Any, ...], node: nodes.Node) -> Any:
    """The member of a union that has the shape of the value."""
    members = [arg for arg in args if arg is not types.NoneType]
    is_list = isinstance(node, nodes.SequenceNode)
    return next((member for member in members if (typing.get_origin(member) is tuple) == is_list), members[0])


def _is_required(field: "dataclasses.Field[Any]") -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _format_class_name(cls: type) -> str:
    name = cls.__name__.lower()
    return name if name in ("settings", "health", "resources") else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _describe_field(cls: type, field: str) -> str:
    """The meaning of a field, for the hint of a missing one."""
    annotations = typing.get_args(get_type_hints(cls)[field])[1:]
    return next((note.text for note in annotations if isinstance(note, field_help.Help)), "as the reference shows")
