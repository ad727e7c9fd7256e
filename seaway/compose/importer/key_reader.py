"""A mapping of a compose document, read key by key; what becomes of each key is told."""

import dataclasses
from collections.abc import Iterator

from seaway.compose import report
from seaway.syntax import diagnosis, nodes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One mapping and its path. ``into``: the path of what it becomes."""

    table: nodes.Table
    path: str
    ledger: report.Ledger
    into: str = ""

    def node(self, key: str) -> nodes.Node | None:
        """The value of a key; None: it is not there, or null."""
        entry = self.table.entries.get(key)
        if entry is None or (isinstance(entry.node, nodes.Scalar) and entry.node.kind == "null"):
            return None
        return entry.node

    def text(self, key: str) -> str | None:
        """The value of a key as text."""
        node = self.node(key)
        return node.text if isinstance(node, nodes.Scalar) else None

    def true(self, key: str) -> bool:
        """Whether a key says true."""
        return (self.text(key) or "").lower() == "true"

    def texts(self, key: str) -> list[str] | None:
        """The values of a list, or the one value; None: it is not there."""
        node = self.node(key)
        if isinstance(node, nodes.Items):
            return [item.text for item in node.items if isinstance(item, nodes.Scalar)]
        return [node.text] if isinstance(node, nodes.Scalar) else None

    def scalars(self, key: str) -> dict[str, nodes.Scalar]:
        """The texts of a mapping, without its nulls."""
        found = nodes.inside(self.table, key)
        return {
            name: entry.node
            for name, entry in found.items()
            if isinstance(entry.node, nodes.Scalar) and entry.node.kind != "null"
        }

    def inner(self, key: str) -> "Part":
        """The mapping below a key; an empty one where there is none."""
        node = self.node(key)
        table = node if isinstance(node, nodes.Table) else nodes.Table(self.place(key))
        return dataclasses.replace(self, table=table, path=self.at(key))

    def items(self, key: str) -> list["Part"]:
        """The mappings of a list, each with its path."""
        node = self.node(key)
        listed = node.items if isinstance(node, nodes.Items) else ()
        return [
            dataclasses.replace(self, table=item, path=f"{self.at(key)}.{number}")
            for number, item in enumerate(listed)
            if isinstance(item, nodes.Table)
        ]

    def each(self, key: str) -> Iterator[tuple[str, "Part"]]:
        """The mappings of a mapping, by name; of one that is null, an empty one."""
        for name, entry in nodes.inside(self.table, key).items():
            table = entry.node if isinstance(entry.node, nodes.Table) else nodes.Table(entry.place)
            yield name, dataclasses.replace(self, table=table, path=f"{self.at(key)}.{name}")

    def has(self, key: str) -> bool:
        """Whether there is such a key, or path below one, whatever it says."""
        return self._found(key) is not None

    def at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def place(self, key: str) -> diagnosis.Place:
        """Where a key, or a path below one, stands; that of the whole where there is none."""
        return self._found(key) or self.table.place

    def _found(self, key: str) -> diagnosis.Place | None:
        if key in self.table.entries:
            return self.table.entries[key].place
        node: nodes.Node = self.table
        place = None
        for step in key.split("."):
            match node:
                case nodes.Table() if step in node.entries:
                    place, node = node.entries[step].place, node.entries[step].node
                case nodes.Items() if step.isdecimal() and int(step) < len(node.items):
                    node = node.items[int(step)]
                    place = node.place
                case _:
                    return None
        return place

    def kept(self, key: str, how: str = "", *, into: str = "") -> None:
        """Nothing of it is lost. Says nothing where there is no such key, as the others."""
        self._tell(key, "kept", how, "", into)

    def approximated(self, key: str, how: str, remedy: str = "", *, into: str = "") -> None:
        """It is meant, and not quite as it was written."""
        self._tell(key, "approximated", how, remedy, into)

    def added(self, key: str, how: str, remedy: str = "", *, into: str = "") -> None:
        """It is kept, with what it does not say and Kubernetes wants to know."""
        self._tell(key, "added", how, remedy, into)

    def dropped(self, key: str, why: str, remedy: str = "remove it", *, into: str = "") -> None:
        """Nothing comes of it."""
        self._tell(key, "dropped", why, remedy, into)

    def refused(self, key: str, why: str, remedy: str) -> None:
        """With it, nothing is deployed; unless somebody waives it, and then it is left out."""
        own = self.at(key).split(".")[2]
        waive = f"or leave it out: `x-seaway: {{waive: {{{own}: <reason>}}}}` in the service"
        self._tell(key, "refused", why, f"{remedy}, {waive}", "")

    def told(self, key: str, kind: report.Kind, how: str, remedy: str, *, into: str = "") -> None:
        """Whatever became of it."""
        self._tell(key, kind, how, remedy, into)

    def noted(self, kind: report.Kind, how: str, remedy: str = "", *, into: str = "") -> None:
        """Of what is not written, and is so all the same."""
        made = report.Loss(
            place=self.table.place, path=self.path, kind=kind, how=how, remedy=remedy, into=self._into(into)
        )
        self.ledger.tell(made)

    def named(  # noqa: PLR0917 - as a row of the table
        self, key: str, name: str, kind: report.Kind, how: str, remedy: str, into: str = ""
    ) -> None:
        """Of an entry of a mapping whose names may have points in them, as labels and variables."""
        place = nodes.inside(self.table, key)[name].place
        path = f"{self.at(key)}.{name}"
        made = report.Loss(place=place, path=path, kind=kind, how=how, remedy=remedy, into=self._into(into))
        self.ledger.tell(made)

    def _tell(self, key: str, kind: report.Kind, how: str, remedy: str, into: str) -> None:
        if not self.has(key):
            return
        made = report.Loss(
            place=self.place(key), path=self.at(key), kind=kind, how=how, remedy=remedy, into=self._into(into)
        )
        self.ledger.tell(made)

    def _into(self, into: str) -> str:
        return f"{self.into}.{into}" if self.into and into else self.into or into
