"""A need: what is needed, by whom, what is to be asked, and what the answers mean."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from seaway.checks.preflight import cluster_facts

State = Literal["there", "lacking", "warning", "unknown"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether the cluster has it."""

    state: State
    told: str
    remedy: str = ""
    """The way out; empty where it is there."""


Judge = Callable[..., Verdict]
"""From the answers to a verdict."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Something of the cluster that an application depends on."""

    what: str
    of: tuple[str, ...] = ()
    """The services, stores and jobs; none: all of it."""
    paths: tuple[str, ...]
    """Of the API, to be asked; ``judge`` gets the answers in this order."""
    judge: Judge

    def judged(self, answers: cluster_facts.Answers) -> "Result":
        """What the answers mean."""
        mine = [answers[path] for path in self.paths]
        unread = [one.path for one in mine if isinstance(one, cluster_facts.Unread)]
        verdict = unknown(f"{unread[0]} may not be read") if unread else self.judge(*mine)
        return Result(need=self, verdict=verdict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A need and what became of it."""

    need: Need
    verdict: Verdict

    @property
    def lacking(self) -> bool:
        """Whether the application will not run as it is."""
        return self.verdict.state == "lacking"

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"what": self.need.what, "of": list(self.need.of), **dataclasses.asdict(self.verdict)}


def there(told: str) -> Verdict:
    """It is there."""
    return Verdict(state="there", told=told)


def lacking(told: str, remedy: str) -> Verdict:
    """It is not, and something will not run."""
    return Verdict(state="lacking", told=told, remedy=remedy)


def warning(told: str, remedy: str) -> Verdict:
    """Everything will run, but not as it is meant to."""
    return Verdict(state="warning", told=told, remedy=remedy)


def unknown(told: str, remedy: str = "ask whoever runs the cluster") -> Verdict:
    """It cannot be told."""
    return Verdict(state="unknown", told=told, remedy=remedy)


def names(objects: Iterable[dict[str, Any]]) -> Sequence[str]:
    """Sorted."""
    return sorted(one["metadata"]["name"] for one in objects)


def listed(found: Sequence[str]) -> str:
    """For a sentence: ``there are: a, b``."""
    return f"there are: {', '.join(found)}" if found else "there are none"
