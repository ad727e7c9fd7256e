"""Reads a mapping of a compose document and records the outcome of its keys."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from seaway.compose import report
from seaway.compose.loader import tree
from seaway.syntax import diagnosis, nodes

Key = str | tuple[str, ...]
"""A key, or a path below one: ``deploy.mode``. A tuple where names may hold dots: ``("labels", "example.com/a")``.

Outcomes take several keys too, separated by blanks.
"""

Kept = Mapping[Any, str]
"""Texts with which a key is kept, each with its message; None: the key is null."""

_NEVER: Kept = {}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KeyReader:
    """One mapping and its path. ``into``: the path of its result."""

    mapping: nodes.MappingNode
    path: str
    conversion: report.ConversionReport
    into: str = ""

    def get_node(self, key: str) -> nodes.Node | None:
        """The node of a key; None: it is missing or null."""
        pair = self.mapping.pairs.get(key)
        return None if pair is None or tree.is_null(pair.node) else pair.node

    def get_text(self, key: str) -> str | None:
        node = self.get_node(key)
        return node.text if isinstance(node, nodes.ScalarNode) else None

    def is_true(self, key: str) -> bool:
        return (self.get_text(key) or "").lower() == "true"

    def get_texts(self, key: str) -> list[str] | None:
        """The texts of a list; None: the key is missing."""
        if not isinstance(self.get_node(key), nodes.SequenceNode):
            return None
        return [child.text for child in tree.list_scalars(self.mapping, key)]

    def list_entries(self, key: str) -> list[tuple[str, str]]:
        """The same, each with the path of its element."""
        return [(f"{key}.{number}", text) for number, text in enumerate(self.get_texts(key) or [])]

    def get_names(self, key: str) -> list[str]:
        """The names of the mapping below a key."""
        return list(nodes.get_pairs(self.mapping, key))

    def get_scalars(self, key: str) -> dict[str, nodes.ScalarNode]:
        """The scalars of the mapping below a key, without nulls."""
        return {
            name: pair.node for name, pair in nodes.get_pairs(self.mapping, key).items() if tree.is_scalar(pair.node)
        }

    def enter(self, key: str) -> "KeyReader":
        """The mapping below a key; empty if there is none."""
        node = self.get_node(key)
        mapping = node if isinstance(node, nodes.MappingNode) else nodes.MappingNode(self.locate(key))
        return dataclasses.replace(self, mapping=mapping, path=self.join_path(key))

    def enter_sequence(self, key: str) -> list["KeyReader"]:
        """The mappings of a list."""
        return [
            dataclasses.replace(self, mapping=child, path=f"{self.join_path(key)}.{number}")
            for number, child in enumerate(tree.list_items(self.get_node(key)))
            if isinstance(child, nodes.MappingNode)
        ]

    def enter_mapping(self, key: str) -> Iterator[tuple[str, "KeyReader"]]:
        """The mappings of a mapping, by name; a null is an empty mapping."""
        for name, pair in nodes.get_pairs(self.mapping, key).items():
            mapping = pair.node if isinstance(pair.node, nodes.MappingNode) else nodes.MappingNode(pair.location)
            yield name, dataclasses.replace(self, mapping=mapping, path=f"{self.join_path(key)}.{name}")

    def has(self, key: Key) -> bool:
        return self._find_location(key) is not None

    def join_path(self, key: Key) -> str:
        key = key if isinstance(key, str) else ".".join(key)
        return f"{self.path}.{key}" if self.path else key

    def locate(self, key: Key) -> diagnosis.SourceLocation:
        """The location of a key; of the mapping if the key is missing."""
        return self._find_location(key) or self.mapping.location

    def _find_location(self, key: Key) -> diagnosis.SourceLocation | None:
        if isinstance(key, str):
            key = (key,) if key in self.mapping.pairs else tuple(key.split("."))
        node: nodes.Node = self.mapping
        location = None
        for step in key:
            match node:
                case nodes.MappingNode() if step in node.pairs:
                    location, node = node.pairs[step].location, node.pairs[step].node
                case nodes.SequenceNode() if step.isdecimal() and int(step) < len(node.items):
                    node = node.items[int(step)]
                    location = node.location
                case _:
                    return None
        return location

    def keep(self, key: Key, message: str = "", *, into: str = "") -> None:
        """Nothing is lost. Like the others, it records nothing if the key is missing."""
        self.record(key, "kept", message, into=into)

    def approximate(self, key: Key, message: str, hint: str = "", *, kept: Kept = _NEVER, into: str = "") -> None:
        """The result differs from the key."""
        self.record(key, "approximated", message, hint, kept=kept, into=into)

    def drop(self, key: Key, message: str, hint: str = "remove it", *, kept: Kept = _NEVER) -> None:
        """The key has no result."""
        self.record(key, "dropped", message, hint, kept=kept)

    def refuse(self, key: Key, message: str, hint: str) -> None:
        """Nothing is deployed with this key, unless the service waives it."""
        waived = self.join_path(key).split(".")[2]
        waiver = f"or drop it: `x-seaway: {{waive: {{{waived}: <reason>}}}}` in the service"
        self.record(key, "refused", message, f"{hint}, {waiver}")

    def record(
        self, key: Key, kind: report.OutcomeKind, message: str, hint: str = "", *, kept: Kept = _NEVER, into: str = ""
    ) -> None:
        """The outcome of the keys, except those that have a text of ``kept``."""
        outcome = self._make_outcome(kind, message, hint, into)
        for name in key.split() if isinstance(key, str) else (key,):
            location, text = self._find_location(name), self.get_text(name) if isinstance(name, str) else ""
            if location is not None:
                result = self._make_outcome("kept", kept[text], "", into) if text in kept else outcome
                self.conversion.record(dataclasses.replace(result, location=location, path=self.join_path(name)))

    def note(self, kind: report.OutcomeKind, message: str, hint: str = "", *, into: str = "") -> None:
        """Record a fact of the mapping as a whole."""
        self.conversion.record(dataclasses.replace(self._make_outcome(kind, message, hint, into), is_note=True))

    def _make_outcome(self, kind: report.OutcomeKind, message: str, hint: str, into: str) -> report.KeyOutcome:
        """The outcome of the mapping."""
        into = f"{self.into}.{into}" if self.into and into else self.into or into
        location = self.mapping.location
        return report.KeyOutcome(location=location, path=self.path, kind=kind, message=message, hint=hint, into=into)
