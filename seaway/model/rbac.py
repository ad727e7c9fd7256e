"""The RBAC rules of a workload (``kubernetesApi``).

https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

import dataclasses

from seaway.model import application

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
ESCALATION_VERBS = ("bind", "escalate", "impersonate")
"""Verbs that grant further rights: accepted, but never suggested."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRule:
    """The verbs that a Role allows on a resource."""

    group: str
    """Empty: the core group."""
    resource: str
    """With its subresource: ``pods/log``."""
    verbs: tuple[str, ...]


def get_policy_rules(workload: application.WorkloadSpec) -> list[PolicyRule]:
    """The rules of a workload, sorted. Its keys are in kubectl's form: `deployments.apps/scale`."""
    rules: list[PolicyRule] = []
    for key in sorted(workload.kubernetes_api):
        qualified, slash, subresource = key.partition("/")
        resource, _, group = qualified.partition(".")
        verbs = sorted(set(workload.kubernetes_api[key]), key=(*VERBS, *ESCALATION_VERBS).index)
        rules.append(PolicyRule(group=group, resource=f"{resource}{slash}{subresource}", verbs=tuple(verbs)))
    return rules
