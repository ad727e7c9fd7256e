"""Writes an application to a file for further editing: app.yaml, or a Python program."""

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from seaway.compose import report
from seaway.model import application
from seaway.syntax import decode, diagnosis, encode, nodes

WIDTH = 110
"""Columns of a line, with its indent."""

_PLAIN = re.compile(r"[A-Za-z0-9_./$][A-Za-z0-9_./@+=$:()-]*( [A-Za-z0-9_./@+=$()-]+)*")
_NOT_TEXT = re.compile(r"(?i)y|yes|n|no|on|off|[-+]?[0-9][0-9_:.,]*|[0-9]{4}-[0-9]{2}-[0-9]{2}.*|=|<<")
"""Scalars that YAML 1.1 does not read as text."""

_NO_LOCATION = diagnosis.SourceLocation("")


def format_yaml(
    app: nodes.MappingNode, outcomes: Iterable[report.KeyOutcome], *, source: str = "", header: Iterable[str] = ()
) -> str:
    """The document, with the outcomes as comments. It decodes to the same application.

    ``header``: replaces the first line, which names the ``source``.
    """
    writer = _YamlWriter(_collect_comments(outcomes))
    header = tuple(header) or (_format_origin(source),)
    lines = [*(f"# {line}" for line in header), ""]
    for key, pair in app.pairs.items():
        if isinstance(pair.node, nodes.ScalarNode):
            lines += [*writer.format_comments(key, ""), f"{key}: {_format_scalar(pair.node)}"]
            continue
        lines += ["", f"{key}:"]
        for number, (name, member) in enumerate(nodes.get_pairs(app, key).items()):
            lines += [""] if number else []
            lines += writer.format_pair(name, member.node, f"{key}.{name}", "  ")
    return "\n".join(lines) + "\n"


def _collect_comments(outcomes: Iterable[report.KeyOutcome]) -> dict[str, list[str]]:
    """Comments by the path of the result. Equal messages of several keys are one comment."""
    keys_by_message: dict[tuple[str, str], list[str]] = {}
    for outcome in outcomes:
        if outcome.kind in ("added", "approximated", "dropped") and outcome.into:
            key = outcome.path.split(".", 2)[2] if outcome.path.count(".") > 1 else ""
            message = f"dropped: {outcome.message}" if outcome.kind == "dropped" else outcome.message
            keys_by_message.setdefault((outcome.into, message), []).append(key)
    comments: dict[str, list[str]] = {}
    for (into, message), keys in keys_by_message.items():
        names = ", ".join(filter(None, keys))
        comments.setdefault(into, []).append(f"{names}: {message}" if names else message)
    return comments


@dataclasses.dataclass(frozen=True, slots=True)
class _YamlWriter:
    """``comments``: by path."""

    comments: Mapping[str, list[str]]

    def format_comments(self, path: str, indent: str) -> Iterator[str]:
        for text in self.comments.get(path, ()):
            line = f"{indent}#"
            for word in text.split():
                if len(line) + len(word) >= WIDTH and not line.endswith("#"):
                    yield line
                    line = f"{indent}#  "
                line += f" {word}"
            yield line

    def format_pair(self, key: str, node: nodes.Node, path: str, indent: str) -> Iterator[str]:
        yield from self.format_comments(path, indent)
        name = _format_text(key, flow=False)
        match node:
            case nodes.ScalarNode(kind="null"):
                yield f"{indent}{name}: null" if name == "user" else f"{indent}{name}:"
            case nodes.ScalarNode():
                yield from _format_scalar_pair(f"{indent}{name}:", node, indent)
            case nodes.MappingNode(pairs=pairs):
                yield f"{indent}{name}:" if pairs else f"{indent}{name}: {{}}"
                for child, pair in pairs.items():
                    yield from self.format_pair(child, pair.node, f"{path}.{child}", f"{indent}  ")
            case nodes.SequenceNode():
                yield from self._format_sequence(name, node, path, indent)
            case _:
                yield f"{indent}{name}:"

    def _format_sequence(self, name: str, node: nodes.SequenceNode, path: str, indent: str) -> Iterator[str]:
        scalars = [child for child in node.items if isinstance(child, nodes.ScalarNode)]
        line = f"{indent}{name}: [{', '.join(_format_scalar(child, flow=True) for child in scalars)}]"
        if len(scalars) == len(node.items) and len(line) <= WIDTH:
            yield line
            return
        yield f"{indent}{name}:"
        for number, child in enumerate(node.items):
            if isinstance(child, nodes.ScalarNode):
                yield from _format_scalar_pair(f"{indent}  -", child, f"{indent}  ")
            else:
                # The first key of a mapping is on the line of the dash.
                lines = list(self.format_pair("-", child, f"{path}.{number}", f"{indent}  "))
                yield f"{indent}  - {lines[1].strip() if len(lines) > 1 else '{}'}"
                yield from lines[2:]


def _format_scalar_pair(key: str, node: nodes.ScalarNode, indent: str) -> Iterator[str]:
    """A text of several lines is a block, unless a block would change it."""
    lines = node.text.split("\n")
    printable = all(character.isprintable() for line in lines for character in line)
    if len(lines) > 1 and printable and lines[0][:1] not in (" ", "") and lines[-2:] != ["", ""]:
        yield f"{key} |" if lines[-1] == "" else f"{key} |-"
        yield from (f"{indent}  {line}" if line else "" for line in (lines[:-1] if lines[-1] == "" else lines))
    else:
        yield f"{key} {_format_scalar(node)}"


def _format_scalar(node: nodes.ScalarNode, *, flow: bool = False) -> str:
    return _format_text(node.text, flow=flow) if node.kind == "text" else node.text or "null"


def _format_text(text: str, *, flow: bool) -> str:
    """Without quotes if every YAML parser reads it as this text."""
    plain = _PLAIN.fullmatch(text) and ": " not in f"{text} " and not _NOT_TEXT.fullmatch(text)
    if plain and nodes.parse_scalar(text, _NO_LOCATION).kind == "text" and not (flow and ":" in text):
        return text
    return _quote(text)


def _quote(text: str) -> str:
    """The text in double quotes, for YAML and for Python: neither reads JSON's pairs of surrogates."""
    return diagnosis.escape_characters(json.dumps(text, ensure_ascii=False))


def _format_origin(source: str) -> str:
    # In a docstring or a comment: the name of a file may have quotes and line feeds.
    name = re.sub(r"[^\w./, -]", "_", source)
    origin = f"Imported from {name}. " if name else ""
    return f"{origin}`{diagnosis.format_help('reference')}` explains every key."


def format_python(app: nodes.MappingNode, *, source: str) -> str:
    """The application as a program: `application = sw.Application(...)`."""
    expression = _format_expression(decode.decode_node(application.Application, app), "")
    return f'"""{_format_origin(source)}"""\n\nimport seaway as sw\n\napplication = {expression}\n'


def _format_expression(field: Any, indent: str) -> str:
    """A Python expression, on one line if it fits."""

    def recurse(child: Any) -> str:
        return _format_expression(child, f"{indent}    ")

    match field:
        case Mapping():
            pairs = cast("Mapping[str, Any]", field).items()
            return _join_parts("{", [f"{_quote(key)}: {recurse(child)}" for key, child in pairs], "}", indent)
        case tuple() | list():
            return _join_parts("[", [recurse(child) for child in cast("Sequence[Any]", field)], "]", indent)
        case _ if dataclasses.is_dataclass(field) and not isinstance(field, type):
            cls = type(field)
            name_field = decode.get_name_field(cls)
            children = {
                member.name: getattr(field, member.name)
                for member in dataclasses.fields(field)
                if member.name != name_field and getattr(field, member.name) != encode.get_default(member)
            }
            if children and name_field is None and hasattr(cls, "shorthand"):
                short = next(iter(children.values()))
                if cast(Any, cls).shorthand(short) == field:
                    return recurse(short)
            parts = [recurse(getattr(field, name_field))] if name_field else []
            parts += [f"{name}={recurse(child)}" for name, child in children.items()]
            return _join_parts(f"sw.{cls.__name__}(", parts, ")", indent)
        case str():
            return _quote(field)
        case _:
            return repr(field)


def _join_parts(opening: str, parts: list[str], closing: str, indent: str) -> str:
    line = f"{opening}{', '.join(parts)}{closing}"
    if "\n" not in line and len(indent) + len(line) <= WIDTH - 10:
        return line
    return f"{opening}\n" + "".join(f"{indent}    {part},\n" for part in parts) + f"{indent}{closing}"
