"""The namespace of the application in one environment."""

from typing import Annotated, Any

from seaway.manifests import names
from seaway.project import environments
from seaway.syntax.field_help import Help, Rationale

POD_SECURITY_VERSION: Annotated[
    str,
    Help("version of the enforced Pod Security Standards; an older cluster applies its newest version"),
    Rationale("an upgrade of the cluster cannot reject running pods; warnings use `latest`, so they come early"),
] = "v1.34"
"""https://kubernetes.io/docs/concepts/security/pod-security-admission/"""


def build_namespace(environment: environments.Environment) -> dict[str, Any]:
    """The namespace, with the strictest level that all of its pods can run under."""
    prefix = "pod-security.kubernetes.io"
    levels = {workload.security for workload in environment.app.get_workloads().values()}
    security = {
        f"{prefix}/enforce": "baseline" if "baseline" in levels else "restricted",
        f"{prefix}/enforce-version": POD_SECURITY_VERSION,
        f"{prefix}/warn": "restricted",
        f"{prefix}/warn-version": "latest",
        f"{prefix}/audit": "restricted",
        f"{prefix}/audit-version": "latest",
    }
    labels = names.build_labels(environment, None) | security
    metadata: dict[str, Any] = {"name": environment.namespace, "labels": labels}
    if not environment.settings.test.disturb:
        metadata["annotations"] = {names.DISTURB_ANNOTATION: "false"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
