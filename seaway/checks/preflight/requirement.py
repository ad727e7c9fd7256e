"""A need: what is needed, by whom, what is to be asked, and what the answers mean."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from seaway.checks.preflight import cluster_facts

State = Literal["there", "lacking", "warning", "unknown"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Whether the cluster has it."""

    state: State
    message: str
    hint: str = ""
    """The way out; empty where it is there."""


Evaluator = Callable[..., Outcome]
"""From the answers to a verdict."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """Something of the cluster that an application depends on."""

    title: str
    workloads: tuple[str, ...] = ()
    """The services, stores and jobs; none: all of it."""
    paths: tuple[str, ...]
    """Of the API, to be asked; ``judge`` gets the answers in this order."""
    evaluator: Evaluator

    def evaluate(self, answers: cluster_facts.Answers) -> "Result":
        """What the answers mean."""
        mine = [answers[path] for path in self.paths]
        unread = [one.path for one in mine if isinstance(one, cluster_facts.Unreadable)]
        verdict = unknown(f"{unread[0]} may not be read") if unread else self.evaluator(*mine)
        return Result(requirement=self, outcome=verdict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A need and what became of it."""

    requirement: Requirement
    outcome: Outcome

    @property
    def is_missing(self) -> bool:
        """Whether the application will not run as it is."""
        return self.outcome.state == "lacking"

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "what": self.requirement.title,
            "of": list(self.requirement.workloads),
            **dataclasses.asdict(self.outcome),
        }


def present(message: str) -> Outcome:
    """It is there."""
    return Outcome(state="there", message=message)


def missing(message: str, hint: str) -> Outcome:
    """It is not, and something will not run."""
    return Outcome(state="lacking", message=message, hint=hint)


def warning(message: str, hint: str) -> Outcome:
    """Everything will run, but not as it is meant to."""
    return Outcome(state="warning", message=message, hint=hint)


def unknown(message: str, hint: str = "ask whoever runs the cluster") -> Outcome:
    """It cannot be told."""
    return Outcome(state="unknown", message=message, hint=hint)


def list_names(manifests: Iterable[dict[str, Any]]) -> Sequence[str]:
    """Sorted."""
    return sorted(one["metadata"]["name"] for one in manifests)


def format_names(found: Sequence[str]) -> str:
    """For a sentence: ``there are: a, b``."""
    return f"there are: {', '.join(found)}" if found else "there are none"
