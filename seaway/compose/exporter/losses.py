"""What becomes of each word of an application's file on plain Docker: the loss report in the other direction."""

import dataclasses
from collections.abc import Collection

from seaway.compose import report
from seaway.syntax import diagnosis, nodes

KEPT = frozenset(
    (
        *("image", "build", "uses", "command", "args", "workingDir", "env", "envFiles", "secrets", "files", "user"),
        *(
            "resources",
            "writable",
            "security",
            "port",
            "protocol",
            "ports",
            "expose",
            "calls",
            "linkVariables",
            "after",
        ),
        *("allPorts", "shares", "health", "scale", "grace", "volume", "volumes", "init", "sidecars", "run"),
    )
)
"""The words of a service, store or job with which nothing is lost where nothing else is told."""

NONE = "Kubernetes' own; Docker has nothing like it"
REMEDY = "none on one machine: it counts in a cluster only"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """``said``: the application's file, as it was read. ``inherit``: paths of what takes the words of another."""

    said: nodes.Node
    inherit: Collection[str] = ()
    ledger: report.Ledger = dataclasses.field(default_factory=report.Ledger)

    def tell(self, path: str, kind: report.Kind, how: str, remedy: str = "", into: str = "") -> None:
        """``path`` in the words of app.yaml. Of what is written in a shorter form, that form is told of; what nobody
        wrote, is told of only if it is lost."""
        found, place = self._located(path)
        if len(found) <= 2:
            if kind == "kept" or ".".join(found) in self.inherit:
                return
            found = path.split(".")
        self.ledger.tell(report.Loss(place=place, path=".".join(found), kind=kind, how=how, remedy=remedy, into=into))

    def kept(self, path: str, how: str) -> None:
        self.tell(path, "kept", how)

    def approximated(self, path: str, how: str, remedy: str = "", into: str = "") -> None:
        self.tell(path, "approximated", how, remedy, into)

    def dropped(self, path: str, why: str, remedy: str = REMEDY, into: str = "") -> None:
        self.tell(path, "dropped", why, remedy, into)

    def has(self, path: str) -> bool:
        """Whether it, or a shorter form of it, is written."""
        return len(self._located(path)[0]) > 2

    def done(self) -> tuple[report.Loss, ...]:
        """All of them, and what nothing was said of."""
        for path, place, empty in list(report.untold(self.said, self.ledger.losses)):
            steps = path.split(".")
            at = 4 if len(steps) > 4 and steps[2] in ("init", "sidecars") else 2
            kept = empty or len(steps) <= at or steps[at] in KEPT
            how, remedy = ("", "") if kept else (NONE, REMEDY)
            made = report.Loss(place=place, path=path, kind="kept" if kept else "dropped", how=how, remedy=remedy)
            self.ledger.tell(made)
        return self.ledger.done()

    def _located(self, path: str) -> tuple[list[str], diagnosis.Place]:
        """The part of a path that is written, and where; of what is not, the service that it belongs to.

        A name in a list of names is found by its number. Below a single value is what it is short for.
        """
        node, rest = self.said, path
        found: list[tuple[str, diagnosis.Place]] = []
        while rest:
            match node:
                case nodes.Table(entries=entries):
                    # Names may have points in them: paths of files, labels.
                    step = max((key for key in entries if f"{rest}.".startswith(f"{key}.")), key=len, default=None)
                    if step is not None:
                        found.append((step, entries[step].place))
                        node, rest = entries[step].node, rest[len(step) + 1 :]
                        continue
                case nodes.Items(items=items):
                    texts = [item.text if isinstance(item, nodes.Scalar) else "" for item in items]
                    number, _, below = rest.partition(".")
                    number, below = (str(texts.index(rest)), "") if rest in texts else (number, below)
                    if number.isdecimal() and int(number) < len(items):
                        node, rest = items[int(number)], below
                        found.append((number, node.place))
                        continue
                case _:
                    break
            found = found[:2]
            break
        return [step for step, _ in found], found[-1][1] if found else self.said.place
