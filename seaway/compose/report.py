"""The outcome of each key of a converted document: kept, approximated, dropped or refused. No key is lost silently.

Kubernetes needs facts that no key holds (memory, port, user). These have the outcome "added".
"""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from seaway.syntax import diagnosis, nodes

OutcomeKind = Literal["kept", "added", "approximated", "dropped", "refused"]

KINDS: Sequence[OutcomeKind] = ("kept", "added", "approximated", "dropped", "refused")
"""From no loss to no deployment."""

LOSSY_KINDS: Sequence[OutcomeKind] = ("approximated", "dropped", "refused")

UnrecordedKey = tuple[str, diagnosis.SourceLocation, bool]
"""Path and location of a key, and whether it is empty."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KeyOutcome:
    """The outcome of one key."""

    location: diagnosis.SourceLocation
    path: str
    """``services.web.ports.0``; ``services.web`` for a fact that the service does not state."""
    kind: OutcomeKind
    message: str = ""
    """The approximation, or the reason of a loss; the result where it is not obvious."""
    hint: str = ""
    into: str = ""
    """Its path in the result: ``services.web.port``."""
    is_note: bool = False
    """Whether it is about a service as a whole. A service may have several, and they do not cover its keys."""

    def to_json(self) -> dict[str, Any]:
        location = {"file": self.location.file, "line": self.location.line, "column": self.location.column}
        return {**location, "key": self.path, "kind": self.kind, "message": self.message, "hint": self.hint}


@dataclasses.dataclass(slots=True)
class ConversionReport:
    """Collects the outcomes in the order of the conversion."""

    outcomes: list[KeyOutcome] = dataclasses.field(default_factory=list[KeyOutcome])
    waivers: dict[str, str] = dataclasses.field(default_factory=dict[str, str])
    """Reasons by the path of a key that is dropped instead of refused."""
    used_waivers: set[str] = dataclasses.field(default_factory=set[str])
    recorded_paths: set[str] = dataclasses.field(default_factory=set[str])
    repeated_paths: list[str] = dataclasses.field(default_factory=list[str])
    """Keys that two converters handle. A defect: the first outcome counts, and tests fail."""

    def record(self, outcome: KeyOutcome) -> None:
        """Record the one outcome of a key. A waived refusal becomes "dropped"."""
        if outcome.path in self.recorded_paths:
            self.repeated_paths.append(outcome.path)
            return
        if not outcome.is_note:
            self.recorded_paths.add(outcome.path)
        waiver = next((path for path in self.waivers if f"{outcome.path}.".startswith(f"{path}.")), None)
        if outcome.kind == "refused" and waiver is not None:
            self.used_waivers.add(waiver)
            message = f"{outcome.message}; dropped by a waiver: {self.waivers[waiver]}"
            outcome = dataclasses.replace(outcome, kind="dropped", message=message, hint="")
        self.outcomes.append(outcome)

    def list_outcomes(self) -> tuple[KeyOutcome, ...]:
        """All outcomes without duplicates, sorted by location."""
        return tuple(sorted(dict.fromkeys(self.outcomes), key=_get_sort_key))


def _get_sort_key(outcome: KeyOutcome) -> tuple[str, int, int]:
    return outcome.location.file, outcome.location.line or 0, outcome.location.column or 0


def find_unrecorded(root: nodes.Node, outcomes: Iterable[KeyOutcome]) -> Iterator[UnrecordedKey]:
    """The leaves without an outcome. The outcome of a key covers everything below it."""
    recorded = {outcome.path for outcome in outcomes if not outcome.is_note}

    def walk(node: nodes.Node, path: str, location: diagnosis.SourceLocation) -> Iterator[UnrecordedKey]:
        match node:
            case _ if path in recorded:
                return
            case nodes.MappingNode(pairs=pairs) if pairs:
                for key, pair in pairs.items():
                    yield from walk(pair.node, f"{path}.{key}" if path else key, pair.location)
            case nodes.SequenceNode(items=children) if children:
                for number, child in enumerate(children):
                    yield from walk(child, f"{path}.{number}", child.location)
            case _:
                yield path, location, not isinstance(node, nodes.ScalarNode) or node.kind == "null" or not node.text

    yield from walk(root, "", root.location)


def list_refusals(outcomes: Iterable[KeyOutcome]) -> list[diagnosis.Diagnostic]:
    """The refused keys as diagnostics: nothing is deployed with them."""
    return [
        diagnosis.Diagnostic(outcome.location, outcome.path, outcome.message, outcome.hint, "refused-key")
        for outcome in outcomes
        if outcome.kind == "refused"
    ]


def count_by_kind(outcomes: Iterable[KeyOutcome]) -> Mapping[OutcomeKind, int]:
    counts = Counter(outcome.kind for outcome in outcomes)
    return {kind: counts[kind] for kind in KINDS}


def summarize(outcomes: Iterable[KeyOutcome]) -> str:
    """One line: ``14 keys: 10 kept, 3 approximated, 1 dropped``."""
    counts = {kind: count for kind, count in count_by_kind(outcomes).items() if count}
    total = sum(counts.values())
    parts = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    return f"{total} {'key' if total == 1 else 'keys'}: {parts}" if total else "no keys"
