"""A check: an id, a requirement with its rationale, a default severity, and the rule that finds violations.

A rule is a small generator of findings. Its docstring is the rationale in docs/checks.md. The decorators here turn it
into a ``Check``; ``all_checks.CHECKS`` has those of all modules, in their order there.
"""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

from seaway.checks import check_context
from seaway.model import settings

Severity = settings.Severity
Rule = Callable[[check_context.CheckContext], check_context.Findings]
PodRule = Callable[[check_context.Pod], check_context.Findings]
ContainerRule = Callable[[check_context.Container], check_context.Findings]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DefaultSeverity:
    """The severity of a check in an environment that builds, and in one that deploys releases."""

    building: Severity
    pinned: Severity
    reason: str


NODE_ACCESS = DefaultSeverity(
    building="error", pinned="error", reason="a compromised container could take over the node"
)
STRICT_FOR_RELEASES = DefaultSeverity(
    building="warning", pinned="error", reason="development may experiment; a release must comply"
)
OUTSIDE_APPLICATION = DefaultSeverity(building="error", pinned="error", reason="it reaches beyond the application")
CANNOT_WORK = DefaultSeverity(building="error", pinned="error", reason="it cannot work")


def warn_everywhere(reason: str) -> DefaultSeverity:
    """A warning in every environment."""
    return DefaultSeverity(building="warning", pinned="warning", reason=reason)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    id: str
    title: str
    """The requirement."""
    rationale: str
    default_severity: DefaultSeverity
    find: Rule

    def get_severity(self, stack_settings: settings.Settings) -> Severity:
        """The severity in an environment: from `seaway:checkSeverity`, or the default."""
        default = self.default_severity
        return stack_settings.check_severity.get(self.id) or (
            default.building if stack_settings.build else default.pinned
        )


def for_application(id_: str, title: str, default_severity: DefaultSeverity) -> Callable[[Rule], Check]:
    """A check of the whole application."""
    return lambda rule: _make_check(id_, title, default_severity, rule, rule)


def for_pods(id_: str, title: str, default_severity: DefaultSeverity) -> Callable[[PodRule], Check]:
    """A check of the pods of each workload."""
    return lambda rule: _make_check(
        id_, title, default_severity, rule, lambda context: (finding for pod in context.pods for finding in rule(pod))
    )


def for_containers(id_: str, title: str, default_severity: DefaultSeverity) -> Callable[[ContainerRule], Check]:
    """A check of each container."""
    return lambda rule: _make_check(
        id_,
        title,
        default_severity,
        rule,
        lambda context: (
            finding for pod in context.pods for container in pod.containers for finding in rule(container)
        ),
    )


def _make_check(id_: str, title: str, default_severity: DefaultSeverity, rule: Callable[..., Any], find: Rule) -> Check:
    return Check(
        id=id_,
        title=title,
        rationale=" ".join((inspect.getdoc(rule) or "").split()),
        default_severity=default_severity,
        find=find,
    )
