"""How a container reads its secrets: from files by default, or from environment variables.

https://kubernetes.io/docs/concepts/configuration/secret/
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from seaway.model import application
from seaway.model import secrets as model_secrets
from seaway.syntax.field_help import Help, Rationale

FILE_MODE: Annotated[
    int,
    Help("mode of the files, 0440: readable by root and the group of the pod, writable by no process"),
    Rationale("the process is in that group, whatever its user is"),
] = 0o440


def build_env(container_spec: application.ContainerSpec, secret_name: str | None) -> list[dict[str, Any]]:
    """Each secret as a variable, or a variable with the path of its file. ``secret_name``: the Secret of the pod."""
    return [
        {
            "name": secret.name,
            "valueFrom": {"secretKeyRef": {"name": secret.existing or secret_name, "key": _get_key(secret)}},
        }
        if secret.env
        else {"name": model_secrets.format_variable_name(secret), "value": model_secrets.format_path(secret)}
        for secret in _sort_by_name(container_spec.secrets)
    ]


def build_volume(workload: application.WorkloadSpec, secret_name: str | None) -> dict[str, Any] | None:
    """The files of all containers of a pod, from the pod's own Secret and existing ones; None if there is no file."""
    paths: dict[str, dict[str, str]] = {}
    secrets = [secret for container_spec in workload.list_containers() for secret in container_spec.secrets]
    for secret in _select_files(secrets):
        paths.setdefault(secret.existing or secret_name or "", {})[secret.name] = _get_key(secret)
    if not paths:
        return None
    sources = [
        {"secret": {"name": name, "items": [{"key": key, "path": path} for path, key in keys.items()]}}
        for name, keys in sorted(paths.items())
    ]
    return {"name": model_secrets.VOLUME_NAME, "projected": {"defaultMode": FILE_MODE, "sources": sources}}


def build_mounts(container_spec: application.ContainerSpec) -> list[dict[str, Any]]:
    """A mount for each file, not for their folder: the token of an account is mounted in the same folder, ours or one
    that a cloud adds to every pod, and a runtime cannot create a mount point in a read-only folder.

    https://github.com/kubernetes/kubernetes/issues/65835
    """
    return [
        {
            "name": model_secrets.VOLUME_NAME,
            "mountPath": model_secrets.format_path(secret),
            "subPath": secret.name,
            "readOnly": True,
        }
        for secret in _select_files(container_spec.secrets)
    ]


def _get_key(secret: application.Secret) -> str:
    return secret.key or secret.name


def _select_files(secrets: Iterable[application.Secret]) -> Sequence[application.Secret]:
    return [secret for secret in _sort_by_name(secrets) if not secret.env]


def _sort_by_name(secrets: Iterable[application.Secret]) -> Sequence[application.Secret]:
    return sorted(secrets, key=lambda secret: secret.name)
