"""The application of a compose document as a file that a person goes on with: app.yaml, or a program in Python."""

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from seaway.compose import report
from seaway.model import application
from seaway.syntax import decode, diagnosis, encode, nodes

WIDTH = 110
"""Columns of a line, comments too."""

_PLAIN = re.compile(r"[A-Za-z0-9_./$][A-Za-z0-9_./@+=$:()-]*( [A-Za-z0-9_./@+=$()-]+)*")
_OTHER = re.compile(r"(?i)y|yes|n|no|on|off|[-+]?[0-9][0-9_:.,]*|[0-9]{4}-[0-9]{2}-[0-9]{2}.*|=|<<")
"""What YAML 1.1 takes for something else than text."""


def yaml(app: nodes.Table, losses: Iterable[report.Loss], *, source: str = "", header: Iterable[str] = ()) -> str:
    """The document, with a comment where something was decided. It decodes to the same application.

    ``header``: its first lines, instead of those about the ``source``.
    """
    comments = _comments(losses)
    first = tuple(header) or (f"Imported from {source}. docs/reference.yaml explains every key.",)
    lines = [*(f"# {line}" for line in first), ""]
    for key, entry in app.entries.items():
        if isinstance(entry.node, nodes.Scalar):
            lines += [*_said(comments, key, ""), f"{key}: {_scalar(entry.node)}"]
            continue
        lines += ["", f"{key}:"]
        for number, (name, each) in enumerate(nodes.inside(app, key).items()):
            path = f"{key}.{name}"
            lines += [""] if number else []
            lines += [*_said(comments, path, "  "), *_entry(name, each.node, path, "  ", comments)]
    return "\n".join(lines) + "\n"


def _comments(losses: Iterable[report.Loss]) -> dict[str, list[str]]:
    """What was decided, by the path that it went into. What is the same for several keys is one comment."""
    alike: dict[tuple[str, str], list[str]] = {}
    for one in losses:
        if one.kind not in ("added", "approximated", "dropped") or not one.into:
            continue
        key = one.path.split(".", 2)[2] if one.path.count(".") > 1 else ""
        said = f"left out: {one.how}" if one.kind == "dropped" else one.how
        alike.setdefault((one.into, said), []).append(key)
    found: dict[str, list[str]] = {}
    for (into, said), keys in alike.items():
        names = ", ".join(filter(None, keys))
        found.setdefault(into, []).append(f"{names}: {said}" if names else said)
    return found


def _said(comments: Mapping[str, list[str]], path: str, indent: str) -> Iterator[str]:
    for text in comments.get(path, ()):
        yield from _wrapped(" ".join(text.split()), indent)


def _wrapped(text: str, indent: str) -> Iterator[str]:
    line = f"{indent}#"
    for word in text.split(" "):
        if len(line) + len(word) >= WIDTH and not line.endswith("#"):
            yield line
            line = f"{indent}#  "
        line += f" {word}"
    yield line


def _entry(key: str, node: nodes.Node, path: str, indent: str, comments: Mapping[str, list[str]]) -> Iterator[str]:
    name = _text(key, flow=False)
    match node:
        case nodes.Scalar(kind="null"):
            yield f"{indent}{name}: null" if name == "user" else f"{indent}{name}:"
        case nodes.Scalar():
            yield from _value(f"{indent}{name}:", node, indent)
        case nodes.Table(entries=entries) if not entries:
            yield f"{indent}{name}: {{}}"
        case nodes.Table(entries=entries):
            yield f"{indent}{name}:"
            for inner, entry in entries.items():
                at = f"{path}.{inner}"
                yield from _said(comments, at, f"{indent}  ")
                yield from _entry(inner, entry.node, at, f"{indent}  ", comments)
        case nodes.Items():
            yield from _list(name, node, path, indent, comments)
        case _:
            yield f"{indent}{name}:"


def _list(name: str, node: nodes.Items, path: str, indent: str, comments: Mapping[str, list[str]]) -> Iterator[str]:
    scalars = [item for item in node.items if isinstance(item, nodes.Scalar)]
    if len(scalars) == len(node.items):
        line = f"{indent}{name}: [{', '.join(_scalar(item, flow=True) for item in scalars)}]"
        if len(line) <= WIDTH:
            yield line
            return
    yield f"{indent}{name}:"
    for number, item in enumerate(node.items):
        inner = list(_entry("-", item, f"{path}.{number}", f"{indent}  ", comments))
        if isinstance(item, nodes.Scalar):
            yield f"{indent}  - {_scalar(item)}"
        else:
            first = inner[1].strip() if len(inner) > 1 else "{}"
            yield f"{indent}  - {first}"
            yield from inner[2:]


def _value(before: str, node: nodes.Scalar, indent: str) -> Iterator[str]:
    """A text of several lines as a block, where a block says exactly that."""
    text = node.text
    lines = text.split("\n")
    printable = all(character.isprintable() for line in lines for character in line)
    if len(lines) > 1 and printable and lines[0][:1] not in (" ", "") and lines[-2:] != ["", ""]:
        yield f"{before} |" if lines[-1] == "" else f"{before} |-"
        yield from (f"{indent}  {line}" if line else "" for line in (lines[:-1] if lines[-1] == "" else lines))
    else:
        yield f"{before} {_scalar(node)}"


def _scalar(node: nodes.Scalar, *, flow: bool = False) -> str:
    return _text(node.text, flow=flow) if node.kind == "text" else node.text or "null"


def _text(text: str, *, flow: bool) -> str:
    """Plain where every reader of YAML takes it for this text; else in quotes."""
    plain = _PLAIN.fullmatch(text) and not text.endswith(":") and not _OTHER.fullmatch(text)
    if plain and nodes.scalar(text, _NOWHERE).kind == "text" and not (flow and ":" in text):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


_NOWHERE = diagnosis.Place("")


def python(app: nodes.Table, *, source: str) -> str:
    """The same as a program: `application = Application(...)`.

    Raises:
        problems.Invalid: it is no application.
    """
    made = decode.decode(application.Application, app)
    used: set[str] = set()
    body = _call(made, "", used)
    names = "".join(f"    {name},\n" for name in sorted(used))
    return (
        f'"""Imported from {source}. docs/reference.yaml explains every word."""\n\n'
        f"from seaway.model.application import (\n{names})\n\napplication = {body}\n"
    )


def _call(value: Any, indent: str, used: set[str]) -> str:
    """A value as Python writes it, on one line where it fits."""
    further = f"{indent}    "
    match value:
        case Mapping():
            items = cast("Mapping[str, Any]", value).items()
            parts = [f"{json.dumps(key)}: {_call(inner, further, used)}" for key, inner in items]
            return _joined("{", parts, "}", indent)
        case tuple() | list():
            parts = [_call(inner, further, used) for inner in cast("tuple[Any, ...]", value)]
            opened, closed = ("(", ")") if isinstance(value, tuple) else ("[", "]")
            if isinstance(value, tuple) and len(parts) == 1:
                return _joined("(", [f"{parts[0]},"], ")", indent, comma=False)
            return _joined(opened, parts, closed, indent)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            cls = type(value)
            used.add(cls.__name__)
            name = decode.named_by(cls)
            parts = [_call(getattr(value, name), further, used)] if name else []
            parts += [
                f"{field.name}={_call(getattr(value, field.name), further, used)}"
                for field in dataclasses.fields(value)
                if field.name != name and getattr(value, field.name) != encode.default(field)
            ]
            return _joined(f"{cls.__name__}(", parts, ")", indent)
        case str():
            return json.dumps(value, ensure_ascii=not value.isprintable())
        case _:
            return repr(value)


def _joined(opened: str, parts: list[str], closed: str, indent: str, *, comma: bool = True) -> str:
    line = f"{opened}{', '.join(parts)}{closed}"
    if "\n" not in line and len(indent) + len(line) <= WIDTH - 10:
        return line
    end = "," if comma else ""
    return f"{opened}\n" + "".join(f"{indent}    {part}{end}\n" for part in parts) + f"{indent}{closed}"
