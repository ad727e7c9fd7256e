"""Reports the outcome of each key of an application's file that is exported."""

import dataclasses
from collections.abc import Collection

from seaway.compose import report
from seaway.syntax import diagnosis, nodes

KEPT_KEYS = frozenset(
    (
        *("image", "build", "uses", "command", "args", "workingDir", "env", "envFile", "secrets", "files", "user"),
        *("resources", "writable", "security", "port", "protocol", "ports", "publish", "calls", "linkVariables"),
        *(
            "dependsOn",
            "allPorts",
            "aliases",
            "sharedVolumes",
            "health",
            "scale",
            "stopGracePeriod",
            "volume",
            "volumes",
        ),
        *("init", "sidecars", "run", "external"),
    )
)
"""The keys of a service, store or job that are kept unless another outcome is recorded."""

NO_EQUIVALENT = "specific to Kubernetes, without an equivalent in Docker"
CLUSTER_ONLY_HINT = "not needed on one machine"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """``source``: the application's file. ``inherited_paths``: jobs that inherit the keys of a service."""

    source: nodes.Node
    inherited_paths: Collection[str] = ()
    conversion: report.ConversionReport = dataclasses.field(default_factory=report.ConversionReport)

    def record(self, path: str, kind: report.OutcomeKind, message: str, hint: str = "", into: str = "") -> None:
        """Record the outcome of a path in app.yaml, at the short form if one is written.

        The loss of a default is recorded too; a kept default is not.
        """
        steps, location = self._locate(path)
        if len(steps) <= 2:
            if kind == "kept" or ".".join(steps) in self.inherited_paths:
                return
            steps = path.split(".")
        self.conversion.record(
            report.KeyOutcome(location=location, path=".".join(steps), kind=kind, message=message, hint=hint, into=into)
        )

    def is_declared(self, path: str) -> bool:
        """Whether a path, or a short form of it, is written."""
        return len(self._locate(path)[0]) > 2

    def list_outcomes(self) -> tuple[report.KeyOutcome, ...]:
        """All outcomes. A key without one is kept or dropped by its name."""
        for path, location, empty in list(report.find_unrecorded(self.source, self.conversion.outcomes)):
            steps = path.split(".")
            level = 4 if len(steps) > 4 and steps[2] in ("init", "sidecars") else 2
            outcome = report.KeyOutcome(location=location, path=path, kind="kept")
            if not empty and len(steps) > level and steps[level] not in KEPT_KEYS:
                outcome = dataclasses.replace(outcome, kind="dropped", message=NO_EQUIVALENT, hint=CLUSTER_ONLY_HINT)
            self.conversion.record(outcome)
        return self.conversion.list_outcomes()

    def _locate(self, path: str) -> tuple[list[str], diagnosis.SourceLocation]:
        """The written part of a path, and its location; that of the workload if the key is not written.

        A name in a list of names is found by its number. A path below a scalar is the scalar, which is its short form.
        """
        node, rest = self.source, path
        steps: list[tuple[str, diagnosis.SourceLocation]] = []
        while rest and not isinstance(node, nodes.ScalarNode):
            child = _find_child(node, rest)
            if child is None:
                steps = steps[:2]
                break
            step, rest, location, node = child
            steps.append((step, location))
        return [step for step, _ in steps], steps[-1][1] if steps else self.source.location


def _find_child(node: nodes.Node, path: str) -> tuple[str, str, diagnosis.SourceLocation, nodes.Node] | None:
    """The first step of a path, the rest, and the location and node of the step."""
    match node:
        case nodes.MappingNode(pairs=pairs):
            # Names of files and labels hold dots.
            key = max((key for key in pairs if f"{path}.".startswith(f"{key}.")), key=len, default=None)
            return None if key is None else (key, path[len(key) + 1 :], pairs[key].location, pairs[key].node)
        case nodes.SequenceNode(items=children):
            texts = [child.text if isinstance(child, nodes.ScalarNode) else "" for child in children]
            number, _, rest = (str(texts.index(path)), "", "") if path in texts else path.partition(".")
            if number.isdecimal() and int(number) < len(children):
                return number, rest, children[int(number)].location, children[int(number)]
            return None
        case _:
            return None
