"""What becomes of each key of a compose document: kept, approximated, dropped or refused. Nothing is lost silently.

What no key says, and is decided here all the same, is told as added: the memory of a program, its port, its user."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from seaway.syntax import diagnosis, nodes

OutcomeKind = Literal["kept", "added", "approximated", "dropped", "refused"]

KINDS: Sequence[OutcomeKind] = ("kept", "added", "approximated", "dropped", "refused")
"""From nothing lost to nothing deployed."""

LOSSY_KINDS: Sequence[OutcomeKind] = ("approximated", "dropped", "refused")
"""Of these something is lost that the file says."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KeyOutcome:
    """What became of one key."""

    location: diagnosis.SourceLocation
    path: str
    """Of the key: ``services.web.ports.0``. ``services.web``: of what the service does not say, and gets."""
    kind: OutcomeKind
    message: str = ""
    """How it is approximated, or why it is dropped or refused; what it became, where that is not plain."""
    hint: str = ""
    into: str = ""
    """Where it went in the application: ``services.web.port``."""

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        place = {"file": self.location.file, "line": self.location.line, "column": self.location.column}
        return {**place, "key": self.path, "kind": self.kind, "how": self.message, "remedy": self.hint}


@dataclasses.dataclass(slots=True)
class ConversionReport:
    """Collects them, in the order in which they are told."""

    outcomes: list[KeyOutcome] = dataclasses.field(default_factory=list[KeyOutcome])
    waivers: dict[str, str] = dataclasses.field(default_factory=dict[str, str])
    """Path of what may be left out although it is refused, and why."""
    used_waivers: set[str] = dataclasses.field(default_factory=set[str])
    """Those of them that were needed."""
    recorded_paths: set[str] = dataclasses.field(default_factory=set[str])

    def record(self, outcome: KeyOutcome) -> None:
        """What is told of a key first, counts. A refusal that is waived becomes something that is dropped."""
        if outcome.path in self.recorded_paths:
            return
        if not _is_service(outcome.path):
            self.recorded_paths.add(outcome.path)
        waiver = next(
            (path for path in self.waivers if outcome.path == path or outcome.path.startswith(f"{path}.")), None
        )
        if outcome.kind == "refused" and waiver is not None:
            self.used_waivers.add(waiver)
            how = f"{outcome.message}; left out, since it is waived: {self.waivers[waiver]}"
            outcome = dataclasses.replace(outcome, kind="dropped", message=how, hint="")
        self.outcomes.append(outcome)

    def list_outcomes(self) -> tuple[KeyOutcome, ...]:
        """All of them, by place."""
        told = dict.fromkeys(self.outcomes)
        return tuple(
            sorted(told, key=lambda one: (one.location.file, one.location.line or 0, one.location.column or 0))
        )


def find_unrecorded(
    root: nodes.Node, outcomes: Iterable[KeyOutcome]
) -> Iterator[tuple[str, diagnosis.SourceLocation, bool]]:
    """The paths of what nothing is said of, and whether it is empty.

    What is said of a key is said of all below it, but for a service.
    """
    told = {one.path for one in outcomes}

    def walk(
        node: nodes.Node, path: str, place: diagnosis.SourceLocation
    ) -> Iterator[tuple[str, diagnosis.SourceLocation, bool]]:
        if path in told and not _is_service(path):
            return
        inner = list(_list_children(node))
        for key, at, each in inner:
            yield from walk(each, f"{path}.{key}" if path else key, at)
        if not inner and path not in told:
            yield path, place, not isinstance(node, nodes.ScalarNode) or node.kind == "null"

    yield from walk(root, "", root.location)


def _is_service(path: str) -> bool:
    """Whether it is a service itself, of which much may be said, and nothing of its keys."""
    return path.startswith("services.") and path.count(".") == 1


def _list_children(node: nodes.Node) -> Iterator[tuple[str, diagnosis.SourceLocation, nodes.Node]]:
    match node:
        case nodes.MappingNode():
            yield from ((key, entry.location, entry.node) for key, entry in node.pairs.items())
        case nodes.SequenceNode():
            yield from ((str(number), item.location, item) for number, item in enumerate(node.items))
        case _:
            pass


def list_refusals(outcomes: Iterable[KeyOutcome]) -> list[diagnosis.Diagnostic]:
    """Those that nothing can be deployed with, as problems of the file."""
    return [
        diagnosis.Diagnostic(one.location, one.path, one.message, one.hint) for one in outcomes if one.kind == "refused"
    ]


def count_by_kind(outcomes: Iterable[KeyOutcome]) -> Mapping[OutcomeKind, int]:
    """How many there are of each kind."""
    found = Counter(one.kind for one in outcomes)
    return {kind: found[kind] for kind in KINDS}


def summarize(outcomes: Iterable[KeyOutcome]) -> str:
    """One line: ``14 keys: 10 kept, 3 approximated, 1 dropped``."""
    numbers = count_by_kind(outcomes)
    total = sum(numbers.values())
    said = ", ".join(f"{number} {kind}" for kind, number in numbers.items() if number)
    return f"{total} {'key' if total == 1 else 'keys'}: {said}" if total else "no keys"
