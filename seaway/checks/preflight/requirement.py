"""A requirement of an application: the API paths to read, and how to evaluate the answers."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from seaway.checks.preflight import cluster_facts
from seaway.kubernetes.api import unstructured

State = Literal["present", "missing", "warning", "unknown"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Whether the cluster meets a requirement."""

    state: State
    message: str
    hint: str = ""
    """How to fix it; empty if it is present."""


Evaluator = Callable[..., Outcome]
"""Takes the answers for the paths of a requirement, in their order."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """Something in the cluster that an application depends on."""

    code: str
    """Stable id of the kind of requirement."""
    name: str = ""
    """Of the required object; empty if the code is enough."""
    workloads: tuple[str, ...] = ()
    """The services, stores and jobs that have it; empty for the whole application."""
    paths: tuple[str, ...]
    """API paths to read."""
    evaluator: Evaluator

    @property
    def title(self) -> str:
        """For a table: ``storage class``, ``existing secret vault``."""
        return f"{self.code.replace('-', ' ')} {self.name}".rstrip()

    def evaluate(self, answers: cluster_facts.Answers) -> "Result":
        """Evaluate the answers of the cluster."""
        for path in self.paths:
            if isinstance(answers[path], cluster_facts.Unreadable):
                return Result(requirement=self, outcome=unknown(f"no permission to read {path}"))
        return Result(requirement=self, outcome=self.evaluator(*(answers[path] for path in self.paths)))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A requirement and its outcome."""

    requirement: Requirement
    outcome: Outcome

    @property
    def is_missing(self) -> bool:
        """Whether the application will not run."""
        return self.outcome.state == "missing"

    def to_json(self) -> dict[str, Any]:
        """For ``seaway check --cluster --json``."""
        return {
            "code": self.requirement.code,
            "title": self.requirement.title,
            "workloads": list(self.requirement.workloads),
            **dataclasses.asdict(self.outcome),
        }


def present(message: str) -> Outcome:
    """The cluster has it."""
    return Outcome(state="present", message=message)


def missing(message: str, hint: str) -> Outcome:
    """The cluster does not have it, so something will not run."""
    return Outcome(state="missing", message=message, hint=hint)


def warning(message: str, hint: str) -> Outcome:
    """Everything will run, but not as intended."""
    return Outcome(state="warning", message=message, hint=hint)


def unknown(message: str, hint: str = "ask the cluster's administrator") -> Outcome:
    """The cluster does not show whether it has it."""
    return Outcome(state="unknown", message=message, hint=hint)


def list_names(manifests: Iterable[unstructured.Object]) -> Sequence[str]:
    """The names of objects, sorted."""
    return sorted(map(unstructured.get_name, manifests))


def format_names(names: Sequence[str]) -> str:
    """For a sentence: ``existing: a, b``."""
    return f"existing: {', '.join(names) or 'none'}"
