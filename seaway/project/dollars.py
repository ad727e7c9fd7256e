"""Dollars in the texts of an application: from the syntax that users write to that of Kubernetes, see ``references``.

It is done once, where the text of a user is read. Records have the syntax of Kubernetes, whatever wrote them.
"""

from collections.abc import Callable, Mapping

from seaway.kubernetes.api import references
from seaway.syntax import nodes

_Change = Callable[[nodes.Node], nodes.Node]


def to_kubernetes(app: nodes.Node) -> nodes.Node:
    """The nodes of an application or of an overlay, with the texts that the kubelet expands in its syntax."""
    return _change_keys(app, dict.fromkeys(("services", "stores", "jobs"), _change_each(_change_container)))


def _change_container(container: nodes.Node) -> nodes.Node:
    changes: Mapping[str, _Change] = {
        **dict.fromkeys(("env", "command", "args"), _change_texts),
        **dict.fromkeys(("sidecars", "init"), _change_each(_change_container)),
        "health": _change_health,
    }
    return _change_keys(container, changes)


def _change_health(health: nodes.Node) -> nodes.Node:
    """Only the commands: the path of an HTTP probe is not expanded."""
    if isinstance(health, nodes.SequenceNode):
        return _change_texts(health)
    return _change_keys(health, dict.fromkeys(("readiness", "liveness"), _change_health))


def _change_texts(node: nodes.Node) -> nodes.Node:
    match node:
        case nodes.ScalarNode(kind="text"):
            return nodes.ScalarNode(node.location, references.to_kubernetes(node.text))
        case nodes.SequenceNode():
            return nodes.SequenceNode(node.location, tuple(map(_change_texts, node.items)))
        case _:
            return _change_each(_change_texts)(node)


def _change_each(change: _Change) -> _Change:
    return lambda node: _change_keys(
        node, dict.fromkeys(node.pairs if isinstance(node, nodes.MappingNode) else (), change)
    )


def _change_keys(node: nodes.Node, changes: Mapping[str, _Change]) -> nodes.Node:
    """The mapping with some of its values changed; any other node unchanged."""
    if not isinstance(node, nodes.MappingNode):
        return node
    pairs = {
        key: nodes.Pair(pair.location, changes[key](pair.node)) if key in changes else pair
        for key, pair in node.pairs.items()
    }
    return nodes.MappingNode(node.location, pairs)
