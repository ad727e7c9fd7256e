"""The namespace of the application in one environment."""

from typing import Annotated, Any

from seaway.manifests import names
from seaway.model import application
from seaway.syntax.field_help import Help, Rationale

POD_SECURITY_VERSION: Annotated[
    str,
    Help("version of the rules that are enforced; an older cluster applies its newest"),
    Rationale(
        "pinned: a cluster's upgrade cannot refuse pods that ran the day before; warnings use `latest`, beforehand"
    ),
] = "v1.34"
"""https://kubernetes.io/docs/concepts/security/pod-security-admission/"""


def build_namespace(scope: names.Scope, *, level: application.Security) -> dict[str, Any]:
    """The namespace of the application in this environment; the strictest level that all of its pods can run under."""
    prefix = "pod-security.kubernetes.io"
    security = {
        f"{prefix}/enforce": level,
        f"{prefix}/enforce-version": POD_SECURITY_VERSION,
        f"{prefix}/warn": "restricted",
        f"{prefix}/warn-version": "latest",
        f"{prefix}/audit": "restricted",
        f"{prefix}/audit-version": "latest",
    }
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": scope.namespace, "labels": names.build_labels(scope, None) | security},
    }
