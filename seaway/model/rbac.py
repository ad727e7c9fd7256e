"""The RBAC rules of a workload (``kubernetesApi``).

https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

import dataclasses

from seaway.model import application

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
ESCALATION_VERBS = ("bind", "escalate", "impersonate")
"""Verbs that are rights over rights: known, but never proposed."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRule:
    """Verbs on one resource, in the words of a Role."""

    group: str
    """Empty: the core group."""
    resource: str
    """With what is below it: ``pods/log``."""
    verbs: tuple[str, ...]


def get_policy_rules(workload: application.WorkloadSpec) -> list[PolicyRule]:
    """What a workload may do, sorted; `deployments.apps/scale` is kubectl's way to write it."""
    found: list[PolicyRule] = []
    for key in sorted(workload.kubernetes_api):
        named, slash, below = key.partition("/")
        resource, _, group = named.partition(".")
        verbs = sorted(set(workload.kubernetes_api[key]), key=(*VERBS, *ESCALATION_VERBS).index)
        found.append(PolicyRule(group=group, resource=f"{resource}{slash}{below}", verbs=tuple(verbs)))
    return found
