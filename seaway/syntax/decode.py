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
    places: diagnosis.Places
    problems: tuple[diagnosis.Problem, ...]


def decode(cls: type[T], node: nodes.Node, *, path: str = "") -> T:
    """An instance of ``cls``. Raises problems.Invalid with everything that is wrong."""
    decoded = partly(cls, node, path=path)
    if decoded.problems or decoded.value is None:
        raise diagnosis.Invalid(decoded.problems)
    return decoded.value


def partly(cls: type[T], node: nodes.Node, *, path: str = "", instead: Mapping[str, Any] | None = None) -> Decoded[T]:
    """As much as can be decoded, with the problems of the rest.

    ``instead`` holds values for fields of ``cls`` itself that may be wrong while the rest is still worth a look.
    """
    reader = _Reader()
    value = reader.record(cls, node, path, instead=instead or {})
    places = diagnosis.Places(node.place, reader.places, frozenset(reader.broken))
    return Decoded(value=None if value is _NOTHING else value, places=places, problems=tuple(reader.problems))


def camel(field: str) -> str:
    """A field's name as it is written in YAML."""
    first, *rest = field.split("_")
    return first + "".join(word.capitalize() for word in rest)


def named_by(cls: type) -> str | None:
    """The field that names an instance of ``cls``: the one that may be given by position."""
    return next((field.name for field in dataclasses.fields(cls) if not field.kw_only), None)


def closest(word: str, known: Iterable[str]) -> str | None:
    """The name that somebody meant who wrote ``word``, if one is near."""
    return next(iter(difflib.get_close_matches(word[:80], list(known), n=1)), None)


def nearest(word: str, known: Iterable[str]) -> str:
    """A remedy for an unknown name."""
    known = list(known)
    close = closest(word, known)
    if close:
        return f"did you mean {close}?"
    return f"there are: {', '.join(known)}" if known else "there are none"


@functools.cache
def hints(cls: type) -> Mapping[str, Any]:
    """The type hints of a dataclass, with their annotations."""
    return typing.get_type_hints(cls, include_extras=True)


_NOTHING: Any = object()


class _Reader:
    def __init__(self) -> None:
        self.problems: list[diagnosis.Problem] = []
        self.places: dict[str, diagnosis.Place] = {}
        self.broken: set[str] = set()

    def wrong(self, path: str, node: nodes.Node, wrong: str, remedy: str) -> Any:
        self.problems.append(diagnosis.Problem(self.places.get(path, node.place), path, wrong, remedy))
        self.broken.add(path)
        return _NOTHING

    def value(self, hint: Any, node: nodes.Node, path: str) -> Any:  # noqa: PLR0911 - one return a type
        if typing.get_origin(hint) is typing.Annotated:
            hint = typing.get_args(hint)[0]
        if isinstance(node, nodes.Secure):
            return self.wrong(path, node, "is encrypted, and is no secret", "set it again without --secret")
        origin, args = typing.get_origin(hint), typing.get_args(hint)
        if origin in (typing.Union, types.UnionType):
            return self.value(self._choose(args, node), node, path) if not _is_none(args, node) else None
        if origin is tuple:
            one = cast(type, args[0])
            return self._named(one, node, path) if dataclasses.is_dataclass(one) else self._texts(node, path)
        if origin is collections.abc.Mapping:
            return self._mapping(args[1], node, path)
        if origin is Literal:
            return self._literal(args, node, path)
        if dataclasses.is_dataclass(hint):
            return self.record(cast(type, hint), node, path)
        return self._SCALARS[hint](self, node, path)

    def record(
        self,
        cls: type,
        node: nodes.Node,
        path: str,
        *,
        name: str | None = None,
        instead: Mapping[str, Any] = types.MappingProxyType({}),
    ) -> Any:
        """An instance of a dataclass; ``name`` comes from outside, as the key of its body.

        A field that is wrong has its default, so that the rules may still look at the others.
        """
        given = {} if name is None else {cast(str, named_by(cls)): name}
        if name is not None and _is_null(node):
            node = nodes.Table(node.place)
        if not isinstance(node, nodes.Table):
            return self._shorthand(cls, node, path, given)
        fields = {camel(field.name): field for field in dataclasses.fields(cls) if field.name not in given}
        for key, entry in node.entries.items():
            at = _join(path, key)
            self.places[at] = entry.place
            if key not in fields:
                what = f"is no key of {_a(cls)}"
                self.problems.append(diagnosis.Problem(entry.place, at, what, nearest(key, fields)))
                self.broken.add(_join(path, closest(key, fields) or key))  # what it was meant for is not known
        values: dict[str, Any] = dict(given)
        for key, field in fields.items():
            at = _join(path, key)
            if key in node.entries:
                value = self.value(hints(cls)[field.name], node.entries[key].node, at)
            elif _required(field):
                value = self.wrong(at, node, "is missing", f"add `{key}:`, {_said(cls, field.name)}")
            else:
                continue
            if value is not _NOTHING:
                values[field.name] = value
            elif field.name in instead:
                values[field.name] = instead[field.name]
            elif _required(field):
                values[field.name] = _NOTHING
        if any(value is _NOTHING for value in values.values()):
            self.broken.add(path)
            return _NOTHING
        return cls(**values)

    def _shorthand(self, cls: type, node: nodes.Node, path: str, given: Mapping[str, str]) -> Any:
        short = getattr(cls, "shorthand", None)
        if short is None:
            keys = ", ".join(camel(field.name) for field in dataclasses.fields(cls) if field.name not in given)
            return self.wrong(path, node, f"{nodes.shown(node)} is no mapping", f"write keys below it: {keys}")
        said = typing.get_type_hints(short)
        hint = [said[name] for name in said if name != "return"][-1]
        value = self.value(hint, node, path)
        return _NOTHING if value is _NOTHING else short(*given.values(), value)

    def _named(self, cls: type, node: nodes.Node, path: str) -> Any:
        bodies: list[tuple[str, nodes.Node]] = []
        match node:
            case nodes.Table():
                for key, entry in node.entries.items():
                    self.places[_join(path, key)] = entry.place
                    bodies.append((key, entry.node))
            case nodes.Items():
                for item in node.items:
                    self._name(item, path, bodies)
            case _:
                remedy = f"write a mapping from name to {cls.__name__.lower()}, or a list of names"
                return self.wrong(path, node, f"{nodes.shown(node)} is neither a mapping nor a list", remedy)
        found = [self.record(cls, body, _join(path, name), name=name) for name, body in bodies]
        return tuple(one for one in found if one is not _NOTHING)

    def _name(self, item: nodes.Node, path: str, bodies: list[tuple[str, nodes.Node]]) -> None:
        if not isinstance(item, nodes.Scalar) or item.kind in ("bool", "null"):
            remedy = "write names only, or make it a mapping from name to body"
            self.problems.append(diagnosis.Problem(item.place, path, f"{nodes.shown(item)} is no name", remedy))
        elif item.text in dict(bodies):
            wrong = f"{nodes.shown(item)} is in the list twice"
            self.problems.append(diagnosis.Problem(item.place, path, wrong, "remove one of the two"))
        else:
            self.places[_join(path, item.text)] = item.place
            bodies.append((item.text, nodes.scalar("", item.place)))

    def _choose(self, args: tuple[Any, ...], node: nodes.Node) -> Any:
        """The member of a union that a value is meant for, by its shape."""
        members = [arg for arg in args if arg is not types.NoneType]
        listing = isinstance(node, nodes.Items)
        return next((arg for arg in members if (typing.get_origin(arg) is tuple) == listing), members[0])

    def _texts(self, node: nodes.Node, path: str) -> Any:
        if not isinstance(node, nodes.Items):
            words = node.text.split() if isinstance(node, nodes.Scalar) and 0 < len(node.text) <= 60 else ["a", "b"]
            remedy = f"write [{', '.join(words)}], or one a line after `- `"
            return self.wrong(path, node, f"{nodes.shown(node)} is no list", remedy)
        for number, item in enumerate(node.items):
            self.places[_join(path, str(number))] = item.place
        found = [self._text(item, _join(path, str(number))) for number, item in enumerate(node.items)]
        return _NOTHING if any(text is _NOTHING for text in found) else tuple(found)

    def _mapping(self, hint: Any, node: nodes.Node, path: str) -> Any:
        if not isinstance(node, nodes.Table):
            return self.wrong(
                path, node, f"{nodes.shown(node)} is no mapping", "write `NAME: value`, one a line, below it"
            )
        for key, entry in node.entries.items():
            self.places[_join(path, key)] = entry.place
        found = {key: self.value(hint, entry.node, _join(path, key)) for key, entry in node.entries.items()}
        return _NOTHING if any(value is _NOTHING for value in found.values()) else found

    def _literal(self, args: tuple[Any, ...], node: nodes.Node, path: str) -> Any:
        if isinstance(node, nodes.Scalar) and node.text in args:
            return node.text
        return self.wrong(path, node, f"{nodes.shown(node)} is not one of its values", f"write {' or '.join(args)}")

    def _text(self, node: nodes.Node, path: str) -> Any:
        match node:
            case nodes.Scalar(kind="bool"):
                return self.wrong(path, node, f"{node.text} is a boolean and not text", f'quote it: "{node.text}"')
            case nodes.Scalar(kind="null"):
                wrong = f"{nodes.shown(node)} is not text"
                return self.wrong(
                    path, node, wrong, f'quote it: "{node.text}"' if node.text else 'write "" for empty text'
                )
            case nodes.Scalar():
                return node.text
            case _:
                return self.wrong(
                    path, node, f"{nodes.shown(node)} is not text", "write one value; quote it if it has brackets"
                )

    def _int(self, node: nodes.Node, path: str) -> Any:
        if isinstance(node, nodes.Scalar) and node.kind == "int":
            return nodes.whole(node)
        digits = isinstance(node, nodes.Scalar) and node.kind == "text" and node.text.isdecimal()
        remedy = "write it without quotes and without a leading zero" if digits else "write digits, as 8000"
        return self.wrong(path, node, f"{nodes.shown(node)} is no whole number", remedy)

    def _bool(self, node: nodes.Node, path: str) -> Any:
        if isinstance(node, nodes.Scalar) and node.kind == "bool":
            return node.text.lower() == "true"
        return self.wrong(path, node, f"{nodes.shown(node)} is neither true nor false", "write true or false, unquoted")

    def _any(self, node: nodes.Node, path: str) -> Any:
        self._remember(node, path)
        return nodes.plain(node)

    def _remember(self, node: nodes.Node, path: str) -> None:
        """Where the parts of a value stand that is read as it is."""
        if isinstance(node, nodes.Table):
            for key, entry in node.entries.items():
                self.places[_join(path, key)] = entry.place
                self._remember(entry.node, _join(path, key))
        elif isinstance(node, nodes.Items):
            for number, item in enumerate(node.items):
                self.places[_join(path, str(number))] = item.place
                self._remember(item, _join(path, str(number)))

    _SCALARS: typing.ClassVar[Mapping[Any, Any]] = {str: _text, int: _int, bool: _bool, Any: _any}


def _is_null(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Scalar) and node.kind == "null"


def _is_none(args: tuple[Any, ...], node: nodes.Node) -> bool:
    return types.NoneType in args and _is_null(node)


def _required(field: "dataclasses.Field[Any]") -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _join(path: str, key: str) -> str:
    return f"{path}{key}" if not path or path.endswith(":") else f"{path}.{key}"


def _a(cls: type) -> str:
    name = cls.__name__.lower()
    return name if name in ("settings", "health", "resources") else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _said(cls: type, field: str) -> str:
    """What a field means, for the remedy of a missing one."""
    notes = typing.get_args(hints(cls)[field])[1:]
    return next((note.text for note in notes if isinstance(note, field_help.Doc)), "as the reference shows")
