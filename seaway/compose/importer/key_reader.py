"""A mapping of a compose document, read key by key; what becomes of each key is told."""

import dataclasses
from collections.abc import Iterator

from seaway.compose import report
from seaway.syntax import diagnosis, nodes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KeyReader:
    """One mapping and its path. ``into``: the path of what it becomes."""

    mapping: nodes.MappingNode
    path: str
    conversion: report.ConversionReport
    into: str = ""

    def get_node(self, key: str) -> nodes.Node | None:
        """The value of a key; None: it is not there, or null."""
        entry = self.mapping.pairs.get(key)
        if entry is None or (isinstance(entry.node, nodes.ScalarNode) and entry.node.kind == "null"):
            return None
        return entry.node

    def get_text(self, key: str) -> str | None:
        """The value of a key as text."""
        node = self.get_node(key)
        return node.text if isinstance(node, nodes.ScalarNode) else None

    def is_true(self, key: str) -> bool:
        """Whether a key says true."""
        return (self.get_text(key) or "").lower() == "true"

    def get_texts(self, key: str) -> list[str] | None:
        """The values of a list, or the one value; None: it is not there."""
        node = self.get_node(key)
        if isinstance(node, nodes.SequenceNode):
            return [item.text for item in node.items if isinstance(item, nodes.ScalarNode)]
        return [node.text] if isinstance(node, nodes.ScalarNode) else None

    def get_scalars(self, key: str) -> dict[str, nodes.ScalarNode]:
        """The texts of a mapping, without its nulls."""
        found = nodes.get_pairs(self.mapping, key)
        return {
            name: entry.node
            for name, entry in found.items()
            if isinstance(entry.node, nodes.ScalarNode) and entry.node.kind != "null"
        }

    def enter(self, key: str) -> "KeyReader":
        """The mapping below a key; an empty one where there is none."""
        node = self.get_node(key)
        table = node if isinstance(node, nodes.MappingNode) else nodes.MappingNode(self.locate(key))
        return dataclasses.replace(self, mapping=table, path=self.join_path(key))

    def enter_sequence(self, key: str) -> list["KeyReader"]:
        """The mappings of a list, each with its path."""
        node = self.get_node(key)
        listed = node.items if isinstance(node, nodes.SequenceNode) else ()
        return [
            dataclasses.replace(self, mapping=item, path=f"{self.join_path(key)}.{number}")
            for number, item in enumerate(listed)
            if isinstance(item, nodes.MappingNode)
        ]

    def enter_mapping(self, key: str) -> Iterator[tuple[str, "KeyReader"]]:
        """The mappings of a mapping, by name; of one that is null, an empty one."""
        for name, entry in nodes.get_pairs(self.mapping, key).items():
            table = entry.node if isinstance(entry.node, nodes.MappingNode) else nodes.MappingNode(entry.location)
            yield name, dataclasses.replace(self, mapping=table, path=f"{self.join_path(key)}.{name}")

    def has(self, key: str) -> bool:
        """Whether there is such a key, or path below one, whatever it says."""
        return self._find_location(key) is not None

    def join_path(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def locate(self, key: str) -> diagnosis.SourceLocation:
        """Where a key, or a path below one, stands; that of the whole where there is none."""
        return self._find_location(key) or self.mapping.location

    def _find_location(self, key: str) -> diagnosis.SourceLocation | None:
        if key in self.mapping.pairs:
            return self.mapping.pairs[key].location
        node: nodes.Node = self.mapping
        place = None
        for step in key.split("."):
            match node:
                case nodes.MappingNode() if step in node.pairs:
                    place, node = node.pairs[step].location, node.pairs[step].node
                case nodes.SequenceNode() if step.isdecimal() and int(step) < len(node.items):
                    node = node.items[int(step)]
                    place = node.location
                case _:
                    return None
        return place

    def keep(self, key: str, message: str = "", *, into: str = "") -> None:
        """Nothing of it is lost. Says nothing where there is no such key, as the others."""
        self._record(key, "kept", message, "", into)

    def approximate(self, key: str, message: str, hint: str = "", *, into: str = "") -> None:
        """It is meant, and not quite as it was written."""
        self._record(key, "approximated", message, hint, into)

    def complete(self, key: str, message: str, hint: str = "", *, into: str = "") -> None:
        """It is kept, with what it does not say and Kubernetes wants to know."""
        self._record(key, "added", message, hint, into)

    def drop(self, key: str, message: str, hint: str = "remove it", *, into: str = "") -> None:
        """Nothing comes of it."""
        self._record(key, "dropped", message, hint, into)

    def refuse(self, key: str, message: str, hint: str) -> None:
        """With it, nothing is deployed; unless somebody waives it, and then it is left out."""
        own = self.join_path(key).split(".")[2]
        waive = f"or leave it out: `x-seaway: {{waive: {{{own}: <reason>}}}}` in the service"
        self._record(key, "refused", message, f"{hint}, {waive}", "")

    def record(self, key: str, kind: report.OutcomeKind, message: str, hint: str, *, into: str = "") -> None:
        """Whatever became of it."""
        self._record(key, kind, message, hint, into)

    def note(self, kind: report.OutcomeKind, message: str, hint: str = "", *, into: str = "") -> None:
        """Of what is not written, and is so all the same."""
        made = report.KeyOutcome(
            location=self.mapping.location,
            path=self.path,
            kind=kind,
            message=message,
            hint=hint,
            into=self._join_into(into),
        )
        self.conversion.record(made)

    def record_member(  # noqa: PLR0917 - as a row of the table
        self, key: str, name: str, kind: report.OutcomeKind, message: str, hint: str, into: str = ""
    ) -> None:
        """Of an entry of a mapping whose names may have points in them, as labels and variables."""
        place = nodes.get_pairs(self.mapping, key)[name].location
        path = f"{self.join_path(key)}.{name}"
        made = report.KeyOutcome(
            location=place, path=path, kind=kind, message=message, hint=hint, into=self._join_into(into)
        )
        self.conversion.record(made)

    def _record(self, key: str, kind: report.OutcomeKind, message: str, hint: str, into: str) -> None:
        if not self.has(key):
            return
        made = report.KeyOutcome(
            location=self.locate(key),
            path=self.join_path(key),
            kind=kind,
            message=message,
            hint=hint,
            into=self._join_into(into),
        )
        self.conversion.record(made)

    def _join_into(self, into: str) -> str:
        return f"{self.into}.{into}" if self.into and into else self.into or into
