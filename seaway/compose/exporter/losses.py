"""What becomes of each word of an application's file on plain Docker: the loss report in the other direction."""

import dataclasses
from collections.abc import Collection

from seaway.compose import report
from seaway.syntax import diagnosis, nodes

KEPT_KEYS = frozenset(
    (
        *("image", "build", "uses", "command", "args", "workingDir", "env", "envFile", "secrets", "files", "user"),
        *(
            "resources",
            "writable",
            "security",
            "port",
            "protocol",
            "ports",
            "publish",
            "calls",
            "linkVariables",
            "dependsOn",
        ),
        *(
            "allPorts",
            "sharedVolumes",
            "health",
            "scale",
            "stopGracePeriod",
            "volume",
            "volumes",
            "init",
            "sidecars",
            "run",
        ),
    )
)
"""The words of a service, store or job with which nothing is lost where nothing else is told."""

NO_EQUIVALENT = "Kubernetes' own; Docker has nothing like it"
CLUSTER_ONLY_HINT = "none on one machine: it counts in a cluster only"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """``said``: the application's file, as it was read. ``inherit``: paths of what takes the words of another."""

    source: nodes.Node
    inherited_paths: Collection[str] = ()
    conversion: report.ConversionReport = dataclasses.field(default_factory=report.ConversionReport)

    def record(self, path: str, kind: report.OutcomeKind, message: str, hint: str = "", into: str = "") -> None:
        """``path`` in the words of app.yaml. Of what is written in a shorter form, that form is told of; what nobody
        wrote, is told of only if it is lost."""
        found, place = self._locate(path)
        if len(found) <= 2:
            if kind == "kept" or ".".join(found) in self.inherited_paths:
                return
            found = path.split(".")
        self.conversion.record(
            report.KeyOutcome(location=place, path=".".join(found), kind=kind, message=message, hint=hint, into=into)
        )

    def keep(self, path: str, message: str) -> None:
        self.record(path, "kept", message)

    def approximate(self, path: str, message: str, hint: str = "", into: str = "") -> None:
        self.record(path, "approximated", message, hint, into)

    def drop(self, path: str, message: str, hint: str = CLUSTER_ONLY_HINT, into: str = "") -> None:
        self.record(path, "dropped", message, hint, into)

    def is_declared(self, path: str) -> bool:
        """Whether it, or a shorter form of it, is written."""
        return len(self._locate(path)[0]) > 2

    def list_outcomes(self) -> tuple[report.KeyOutcome, ...]:
        """All of them, and what nothing was said of."""
        for path, place, empty in list(report.find_unrecorded(self.source, self.conversion.outcomes)):
            steps = path.split(".")
            at = 4 if len(steps) > 4 and steps[2] in ("init", "sidecars") else 2
            kept = empty or len(steps) <= at or steps[at] in KEPT_KEYS
            how, remedy = ("", "") if kept else (NO_EQUIVALENT, CLUSTER_ONLY_HINT)
            made = report.KeyOutcome(
                location=place, path=path, kind="kept" if kept else "dropped", message=how, hint=remedy
            )
            self.conversion.record(made)
        return self.conversion.list_outcomes()

    def _locate(self, path: str) -> tuple[list[str], diagnosis.SourceLocation]:
        """The part of a path that is written, and where; of what is not, the service that it belongs to.

        A name in a list of names is found by its number. Below a single value is what it is short for.
        """
        node, rest = self.source, path
        found: list[tuple[str, diagnosis.SourceLocation]] = []
        while rest:
            match node:
                case nodes.MappingNode(pairs=entries):
                    # Names may have points in them: paths of files, labels.
                    step = max((key for key in entries if f"{rest}.".startswith(f"{key}.")), key=len, default=None)
                    if step is not None:
                        found.append((step, entries[step].location))
                        node, rest = entries[step].node, rest[len(step) + 1 :]
                        continue
                case nodes.SequenceNode(items=items):
                    texts = [item.text if isinstance(item, nodes.ScalarNode) else "" for item in items]
                    number, _, below = rest.partition(".")
                    number, below = (str(texts.index(rest)), "") if rest in texts else (number, below)
                    if number.isdecimal() and int(number) < len(items):
                        node, rest = items[int(number)], below
                        found.append((number, node.location))
                        continue
                case _:
                    break
            found = found[:2]
            break
        return [step for step, _ in found], found[-1][1] if found else self.source.location
