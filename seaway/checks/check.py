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

Severity = settings.Severity


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DefaultSeverity:
    """How much a check weighs, by the kind of the environment: one that builds, or one that deploys releases."""

    building: Severity
    pinned: Severity
    reason: str


NODE_ACCESS = DefaultSeverity(
    building="error", pinned="error", reason="it opens the node to whoever breaks into the container"
)
STRICT_FOR_RELEASES = DefaultSeverity(
    building="warning", pinned="error", reason="where one builds one may try; what is released must not"
)
OUTSIDE_APPLICATION = DefaultSeverity(building="error", pinned="error", reason="it reaches beyond the application")
CANNOT_WORK = DefaultSeverity(building="error", pinned="error", reason="it cannot work")


def warn_everywhere(reason: str) -> DefaultSeverity:
    """A warning everywhere."""
    return DefaultSeverity(building="warning", pinned="warning", reason=reason)


Rule = Callable[[check_context.CheckContext], check_context.Findings]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check."""

    id: str
    title: str
    """What it asks for."""
    rationale: str
    default_severity: DefaultSeverity
    public_ids: Mapping[str, tuple[str, ...]]
    """By public checker, its ids for the same."""
    find: Rule

    def get_severity(self, stack_settings: settings.Settings) -> Severity:
        """How much a finding weighs in an environment: what that says itself, or what the check says."""
        return stack_settings.check_severity.get(self.id) or (
            self.default_severity.building if stack_settings.build else self.default_severity.pinned
        )


def for_application(id_: str, title: str, default_severity: DefaultSeverity) -> Callable[[Rule], Check]:
    """A check of everything together."""

    def made(rule: Rule) -> Check:
        return _make_check(id_, title, default_severity, rule, rule)

    return made


def for_pods(
    id_: str, title: str, default_severity: DefaultSeverity
) -> Callable[[Callable[[check_context.Pod], check_context.Findings]], Check]:
    """A check of the pods of each workload."""

    def made(rule: Callable[[check_context.Pod], check_context.Findings]) -> Check:
        def find(seen: check_context.CheckContext) -> check_context.Findings:
            for pod in seen.pods:
                yield from rule(pod)

        return _make_check(id_, title, default_severity, rule, find)

    return made


def for_containers(
    id_: str, title: str, default_severity: DefaultSeverity
) -> Callable[[Callable[[check_context.Container], check_context.Findings]], Check]:
    """A check of each container."""

    def made(rule: Callable[[check_context.Container], check_context.Findings]) -> Check:
        def find(seen: check_context.CheckContext) -> check_context.Findings:
            for pod in seen.pods:
                for each in pod.containers:
                    yield from rule(each)

        return _make_check(id_, title, default_severity, rule, find)

    return made


def _make_check(id_: str, title: str, default_severity: DefaultSeverity, rule: Callable[..., Any], find: Rule) -> Check:
    why = " ".join((inspect.getdoc(rule) or "").split())
    return Check(
        id=id_,
        title=title,
        rationale=why,
        default_severity=default_severity,
        public_ids=public_checkers.find_public_ids(id_),
        find=find,
    )
