"""What becomes of each key of a compose document: kept, approximated, dropped or refused. Nothing is lost silently.

What no key says, and is decided here all the same, is told as added: the memory of a program, its port, its user."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from seaway.syntax import diagnosis, nodes

Kind = Literal["kept", "added", "approximated", "dropped", "refused"]

KINDS: Sequence[Kind] = ("kept", "added", "approximated", "dropped", "refused")
"""From nothing lost to nothing deployed."""

LOST: Sequence[Kind] = ("approximated", "dropped", "refused")
"""Of these something is lost that the file says."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What became of one key."""

    place: diagnosis.Place
    path: str
    """Of the key: ``services.web.ports.0``. ``services.web``: of what the service does not say, and gets."""
    kind: Kind
    how: str = ""
    """How it is approximated, or why it is dropped or refused; what it became, where that is not plain."""
    remedy: str = ""
    into: str = ""
    """Where it went in the application: ``services.web.port``."""

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        place = {"file": self.place.file, "line": self.place.line, "column": self.place.column}
        return {**place, "key": self.path, "kind": self.kind, "how": self.how, "remedy": self.remedy}


@dataclasses.dataclass(slots=True)
class Ledger:
    """Collects them, in the order in which they are told."""

    losses: list[Loss] = dataclasses.field(default_factory=list[Loss])
    waived: dict[str, str] = dataclasses.field(default_factory=dict[str, str])
    """Path of what may be left out although it is refused, and why."""
    used: set[str] = dataclasses.field(default_factory=set[str])
    """Those of them that were needed."""
    told: set[str] = dataclasses.field(default_factory=set[str])

    def tell(self, loss: Loss) -> None:
        """What is told of a key first, counts. A refusal that is waived becomes something that is dropped."""
        if loss.path in self.told:
            return
        if not _of_service(loss.path):
            self.told.add(loss.path)
        waiver = next((path for path in self.waived if loss.path == path or loss.path.startswith(f"{path}.")), None)
        if loss.kind == "refused" and waiver is not None:
            self.used.add(waiver)
            how = f"{loss.how}; left out, since it is waived: {self.waived[waiver]}"
            loss = dataclasses.replace(loss, kind="dropped", how=how, remedy="")
        self.losses.append(loss)

    def done(self) -> tuple[Loss, ...]:
        """All of them, by place."""
        told = dict.fromkeys(self.losses)
        return tuple(sorted(told, key=lambda one: (one.place.file, one.place.line or 0, one.place.column or 0)))


def untold(root: nodes.Node, losses: Iterable[Loss]) -> Iterator[tuple[str, diagnosis.Place, bool]]:
    """The paths of what nothing is said of, and whether it is empty.

    What is said of a key is said of all below it, but for a service.
    """
    told = {one.path for one in losses}

    def walk(node: nodes.Node, path: str, place: diagnosis.Place) -> Iterator[tuple[str, diagnosis.Place, bool]]:
        if path in told and not _of_service(path):
            return
        inner = list(_inner(node))
        for key, at, each in inner:
            yield from walk(each, f"{path}.{key}" if path else key, at)
        if not inner and path not in told:
            yield path, place, not isinstance(node, nodes.Scalar) or node.kind == "null"

    yield from walk(root, "", root.place)


def _of_service(path: str) -> bool:
    """Whether it is a service itself, of which much may be said, and nothing of its keys."""
    return path.startswith("services.") and path.count(".") == 1


def _inner(node: nodes.Node) -> Iterator[tuple[str, diagnosis.Place, nodes.Node]]:
    match node:
        case nodes.Table():
            yield from ((key, entry.place, entry.node) for key, entry in node.entries.items())
        case nodes.Items():
            yield from ((str(number), item.place, item) for number, item in enumerate(node.items))
        case _:
            pass


def refusals(losses: Iterable[Loss]) -> list[diagnosis.Problem]:
    """Those that nothing can be deployed with, as problems of the file."""
    return [diagnosis.Problem(one.place, one.path, one.how, one.remedy) for one in losses if one.kind == "refused"]


def counted(losses: Iterable[Loss]) -> Mapping[Kind, int]:
    """How many there are of each kind."""
    found = Counter(one.kind for one in losses)
    return {kind: found[kind] for kind in KINDS}


def summary(losses: Iterable[Loss]) -> str:
    """One line: ``14 keys: 10 kept, 3 approximated, 1 dropped``."""
    numbers = counted(losses)
    total = sum(numbers.values())
    said = ", ".join(f"{number} {kind}" for kind, number in numbers.items() if number)
    return f"{total} {'key' if total == 1 else 'keys'}: {said}" if total else "no keys"
