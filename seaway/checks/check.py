"""A check: an id, what it asks for and why, how much it weighs, and the rule.

A rule is a small generator of findings, and its docstring is the reason that people read. The decorators here make a
``Check`` of it; ``table.CHECKS`` lists them.
"""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from seaway.checks import check_context, public_checkers
from seaway.model import settings

Severity = settings.Weight


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """How much a check weighs, by the kind of the environment: one that builds, or one that deploys releases."""

    building: Severity
    pinned: Severity
    because: str


NEVER = Level(building="error", pinned="error", because="it opens the node to whoever breaks into the container")
RELEASED = Level(building="warning", pinned="error", because="where one builds one may try; what is released must not")
WIDE = Level(building="error", pinned="error", because="it reaches beyond the application")
BROKEN = Level(building="error", pinned="error", because="it cannot work")


def advice(because: str) -> Level:
    """A warning everywhere."""
    return Level(building="warning", pinned="warning", because=because)


Rule = Callable[[check_context.Subject], check_context.Found]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check."""

    id: str
    title: str
    """What it asks for."""
    why: str
    level: Level
    public: Mapping[str, tuple[str, ...]]
    """By public checker, its ids for the same."""
    find: Rule

    def severity(self, stack: settings.Settings) -> Severity:
        """How much a finding weighs in an environment: what that says itself, or what the check says."""
        return stack.checks.get(self.id) or (self.level.building if stack.build else self.level.pinned)


def whole(id_: str, title: str, level: Level) -> Callable[[Rule], Check]:
    """A check of everything together."""

    def made(rule: Rule) -> Check:
        return _made(id_, title, level, rule, rule)

    return made


def pods(id_: str, title: str, level: Level) -> Callable[[Callable[[check_context.Pod], check_context.Found]], Check]:
    """A check of the pods of each workload."""

    def made(rule: Callable[[check_context.Pod], check_context.Found]) -> Check:
        def find(seen: check_context.Subject) -> check_context.Found:
            for pod in seen.pods:
                yield from rule(pod)

        return _made(id_, title, level, rule, find)

    return made


def containers(
    id_: str, title: str, level: Level
) -> Callable[[Callable[[check_context.Container], check_context.Found]], Check]:
    """A check of each container."""

    def made(rule: Callable[[check_context.Container], check_context.Found]) -> Check:
        def find(seen: check_context.Subject) -> check_context.Found:
            for pod in seen.pods:
                for each in pod.containers:
                    yield from rule(each)

        return _made(id_, title, level, rule, find)

    return made


def _made(id_: str, title: str, level: Level, rule: Callable[..., Any], find: Rule) -> Check:
    why = " ".join((inspect.getdoc(rule) or "").split())
    return Check(id=id_, title=title, why=why, level=level, public=public_checkers.ids(id_), find=find)
