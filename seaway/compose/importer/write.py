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


def format_yaml(
    app: nodes.MappingNode, outcomes: Iterable[report.KeyOutcome], *, source: str = "", header: Iterable[str] = ()
) -> str:
    """The document, with a comment where something was decided. It decodes to the same application.

    ``header``: its first lines, instead of those about the ``source``.
    """
    comments = _collect_comments(outcomes)
    first = tuple(header) or (f"Imported from {source}. docs/reference.yaml explains every key.",)
    lines = [*(f"# {line}" for line in first), ""]
    for key, entry in app.pairs.items():
        if isinstance(entry.node, nodes.ScalarNode):
            lines += [*_format_comments(comments, key, ""), f"{key}: {_format_scalar(entry.node)}"]
            continue
        lines += ["", f"{key}:"]
        for number, (name, each) in enumerate(nodes.get_pairs(app, key).items()):
            path = f"{key}.{name}"
            lines += [""] if number else []
            lines += [*_format_comments(comments, path, "  "), *_format_pair(name, each.node, path, "  ", comments)]
    return "\n".join(lines) + "\n"


def _collect_comments(outcomes: Iterable[report.KeyOutcome]) -> dict[str, list[str]]:
    """What was decided, by the path that it went into. What is the same for several keys is one comment."""
    alike: dict[tuple[str, str], list[str]] = {}
    for one in outcomes:
        if one.kind not in ("added", "approximated", "dropped") or not one.into:
            continue
        key = one.path.split(".", 2)[2] if one.path.count(".") > 1 else ""
        said = f"left out: {one.message}" if one.kind == "dropped" else one.message
        alike.setdefault((one.into, said), []).append(key)
    found: dict[str, list[str]] = {}
    for (into, said), keys in alike.items():
        names = ", ".join(filter(None, keys))
        found.setdefault(into, []).append(f"{names}: {said}" if names else said)
    return found


def _format_comments(comments: Mapping[str, list[str]], path: str, indent: str) -> Iterator[str]:
    for text in comments.get(path, ()):
        yield from _wrap(" ".join(text.split()), indent)


def _wrap(text: str, indent: str) -> Iterator[str]:
    line = f"{indent}#"
    for word in text.split(" "):
        if len(line) + len(word) >= WIDTH and not line.endswith("#"):
            yield line
            line = f"{indent}#  "
        line += f" {word}"
    yield line


def _format_pair(
    key: str, node: nodes.Node, path: str, indent: str, comments: Mapping[str, list[str]]
) -> Iterator[str]:
    name = _format_text(key, flow=False)
    match node:
        case nodes.ScalarNode(kind="null"):
            yield f"{indent}{name}: null" if name == "user" else f"{indent}{name}:"
        case nodes.ScalarNode():
            yield from _format_text_key(f"{indent}{name}:", node, indent)
        case nodes.MappingNode(pairs=entries) if not entries:
            yield f"{indent}{name}: {{}}"
        case nodes.MappingNode(pairs=entries):
            yield f"{indent}{name}:"
            for inner, entry in entries.items():
                at = f"{path}.{inner}"
                yield from _format_comments(comments, at, f"{indent}  ")
                yield from _format_pair(inner, entry.node, at, f"{indent}  ", comments)
        case nodes.SequenceNode():
            yield from _format_sequence(name, node, path, indent, comments)
        case _:
            yield f"{indent}{name}:"


def _format_sequence(
    name: str, node: nodes.SequenceNode, path: str, indent: str, comments: Mapping[str, list[str]]
) -> Iterator[str]:
    scalars = [item for item in node.items if isinstance(item, nodes.ScalarNode)]
    if len(scalars) == len(node.items):
        line = f"{indent}{name}: [{', '.join(_format_scalar(item, flow=True) for item in scalars)}]"
        if len(line) <= WIDTH:
            yield line
            return
    yield f"{indent}{name}:"
    for number, item in enumerate(node.items):
        inner = list(_format_pair("-", item, f"{path}.{number}", f"{indent}  ", comments))
        if isinstance(item, nodes.ScalarNode):
            yield f"{indent}  - {_format_scalar(item)}"
        else:
            first = inner[1].strip() if len(inner) > 1 else "{}"
            yield f"{indent}  - {first}"
            yield from inner[2:]


def _format_text_key(before: str, node: nodes.ScalarNode, indent: str) -> Iterator[str]:
    """A text of several lines as a block, where a block says exactly that."""
    text = node.text
    lines = text.split("\n")
    printable = all(character.isprintable() for line in lines for character in line)
    if len(lines) > 1 and printable and lines[0][:1] not in (" ", "") and lines[-2:] != ["", ""]:
        yield f"{before} |" if lines[-1] == "" else f"{before} |-"
        yield from (f"{indent}  {line}" if line else "" for line in (lines[:-1] if lines[-1] == "" else lines))
    else:
        yield f"{before} {_format_scalar(node)}"


def _format_scalar(node: nodes.ScalarNode, *, flow: bool = False) -> str:
    return _format_text(node.text, flow=flow) if node.kind == "text" else node.text or "null"


def _format_text(text: str, *, flow: bool) -> str:
    """Plain where every reader of YAML takes it for this text; else in quotes."""
    plain = _PLAIN.fullmatch(text) and not text.endswith(":") and not _OTHER.fullmatch(text)
    if plain and nodes.parse_scalar(text, _NOWHERE).kind == "text" and not (flow and ":" in text):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


_NOWHERE = diagnosis.SourceLocation("")


def format_python(app: nodes.MappingNode, *, source: str) -> str:
    """The same as a program: `application = Application(...)`.

    Raises:
        diagnosis.InvalidInput: it is no application.
    """
    made = decode.decode_node(application.Application, app)
    used: set[str] = set()
    body = _format_expression(made, "", used)
    names = "".join(f"    {name},\n" for name in sorted(used))
    return (
        f'"""Imported from {source}. docs/reference.yaml explains every word."""\n\n'
        f"from seaway.model.application import (\n{names})\n\napplication = {body}\n"
    )


def _format_expression(value: Any, indent: str, used: set[str]) -> str:
    """A value as Python writes it, on one line where it fits."""
    further = f"{indent}    "
    match value:
        case Mapping():
            items = cast("Mapping[str, Any]", value).items()
            parts = [f"{json.dumps(key)}: {_format_expression(inner, further, used)}" for key, inner in items]
            return _join_parts("{", parts, "}", indent)
        case tuple() | list():
            parts = [_format_expression(inner, further, used) for inner in cast("tuple[Any, ...]", value)]
            opened, closed = ("(", ")") if isinstance(value, tuple) else ("[", "]")
            if isinstance(value, tuple) and len(parts) == 1:
                return _join_parts("(", [f"{parts[0]},"], ")", indent, comma=False)
            return _join_parts(opened, parts, closed, indent)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            cls = type(value)
            used.add(cls.__name__)
            name = decode.get_name_field(cls)
            parts = [_format_expression(getattr(value, name), further, used)] if name else []
            parts += [
                f"{field.name}={_format_expression(getattr(value, field.name), further, used)}"
                for field in dataclasses.fields(value)
                if field.name != name and getattr(value, field.name) != encode.get_default(field)
            ]
            return _join_parts(f"{cls.__name__}(", parts, ")", indent)
        case str():
            return json.dumps(value, ensure_ascii=not value.isprintable())
        case _:
            return repr(value)


def _join_parts(opened: str, parts: list[str], closed: str, indent: str, *, comma: bool = True) -> str:
    line = f"{opened}{', '.join(parts)}{closed}"
    if "\n" not in line and len(indent) + len(line) <= WIDTH - 10:
        return line
    end = "," if comma else ""
    return f"{opened}\n" + "".join(f"{indent}    {part}{end}\n" for part in parts) + f"{indent}{closed}"
