"""YAML scalars to Python values: the value, or the reason why the node has another type."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from seaway.syntax import duration, nodes


class Mismatch(NamedTuple):
    """Why a node is not a value of a type, as in a ``Diagnostic``."""

    code: str
    message: str
    hint: str


def to_text(node: nodes.Node) -> str | Mismatch:
    """Text, or a number as its text."""
    match node:
        case nodes.ScalarNode(kind="bool", text=text):
            return Mismatch("invalid-type", f"{text} is a boolean, not text", f'quote it: "{text}"')
        case nodes.ScalarNode(kind="null", text=text):
            hint = f'quote it: "{text}"' if text else 'write "" for empty text'
        case nodes.ScalarNode(text=text):
            return text
        case _:
            hint = "write a single value; quote it if it contains brackets"
    return Mismatch("invalid-type", f"{nodes.describe_node(node)} is not text", hint)


def to_int(node: nodes.Node) -> int | Mismatch:
    """A whole number."""
    if isinstance(node, nodes.ScalarNode) and node.kind == "int":
        return nodes.to_int(node)
    is_quoted = isinstance(node, nodes.ScalarNode) and node.kind == "text" and node.text.isdecimal()
    hint = "write it without quotes and without a leading zero" if is_quoted else "write digits, as 8000"
    return Mismatch("invalid-type", f"{nodes.describe_node(node)} is not a whole number", hint)


def to_seconds(node: nodes.Node) -> int | Mismatch:
    """Seconds as a number, or a duration with units."""
    if isinstance(node, nodes.ScalarNode) and node.kind == "int":
        return nodes.to_int(node)
    try:
        seconds = duration.parse_seconds(node.text if isinstance(node, nodes.ScalarNode) else "")
    except ValueError:
        message = f"{nodes.describe_node(node)} is not a valid duration"
        return Mismatch("invalid-duration", message, "write seconds, or units, as 90 or 1m30s")
    if seconds.denominator != 1:
        message = f"{nodes.describe_node(node)} is not a whole number of seconds"
        return Mismatch("invalid-duration", message, "round it, as 1s")
    return int(seconds)


def to_bool(node: nodes.Node) -> bool | Mismatch:
    """True or false."""
    if isinstance(node, nodes.ScalarNode) and node.kind == "bool":
        return node.text.lower() == "true"
    message = f"{nodes.describe_node(node)} is neither true nor false"
    return Mismatch("invalid-type", message, "write true or false, without quotes")


CONVERTERS: Mapping[Any, Callable[[nodes.Node], Any]] = {str: to_text, int: to_int, bool: to_bool}
"""By the type of a field."""
