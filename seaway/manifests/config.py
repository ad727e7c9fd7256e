"""Configuration files and secrets, as immutable objects with a hash of their content in the name.

https://kubernetes.io/docs/concepts/configuration/configmap/#configmap-immutable
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Annotated, Any

from seaway.manifests import inputs, names
from seaway.model import application, external, links
from seaway.project import environments
from seaway.syntax import hashing
from seaway.syntax.field_help import Help, Rationale

IMMUTABLE: Annotated[
    bool,
    Help("the name has a hash of the content, so a changed content is a new object, which replaces the pods"),
    Rationale("no pod runs with outdated configuration, and the old object exists as long as a pod needs it"),
] = True

PROGRAM_SECRET_SUFFIX = "-program-values"  # noqa: S105 - the end of a name
PROGRAM_ANNOTATION = "seaway/program-values"
"""Fingerprint of the values of the Pulumi program, on the pods that use them."""


def get_name(manifest: dict[str, Any] | None) -> str | None:
    """The name of an object, if there is one."""
    return None if manifest is None else manifest["metadata"]["name"]


def format_file_key(path: str) -> str:
    """The key of a file in its ConfigMap: ``/etc/web/app.toml`` is ``etc_web_app.toml``.

    Keys allow letters, digits and ``-_.`` only. If the path cannot be derived from the key, it gets a hash.
    """
    key = re.sub(r"[^-.A-Za-z0-9]+", "_", path.removeprefix("/"))
    return key if f"/{key.replace('_', '/')}" == path else f"{key}-{hashing.hash_content(path, 8)}"


def build_config_map(
    environment: environments.Environment,
    workload: application.AnyWorkload,
    container_spec: application.ContainerSpec,
) -> dict[str, Any] | None:
    """The files of a container; None if there are none.

    Raises ValueError if the text of a file was not read yet (loading and resolving an application does that).
    """
    owner = workload.name
    data: dict[str, str] = {}
    binary_data: dict[str, str] = {}
    for file in sorted(container_spec.files, key=lambda file: file.path):
        if not file.is_read:
            raise ValueError(f"{owner}: the text of {file.path} was not read; load or resolve the application first")
        key = format_file_key(file.path)
        if file.binary is None:
            data[key] = file.content or ""
        else:
            binary_data[key] = file.binary
    if not data and not binary_data:
        return None
    content = [data, binary_data] if binary_data else data
    # The ConfigMap of a container differs from that of a workload called `<owner>-<container>`, whatever its content.
    name = f"{owner}-config-{hashing.hash_content(content)}"
    if container_spec is not workload:
        container_name = container_spec.name
        name = f"{owner}-{container_name}-config-{hashing.hash_content([container_name, content])}"
    manifest = names.build_object(environment, "ConfigMap", name, owner=owner) | {"immutable": IMMUTABLE, "data": data}
    return manifest | ({"binaryData": binary_data} if binary_data else {})


def format_program_secret_name(workload: str) -> str:
    """The name of the Secret with the values of the Pulumi program. A preview may not know them, so it has no hash."""
    return f"{workload}{PROGRAM_SECRET_SUFFIX}"


def format_link_key(variable: str) -> str:
    """The key of a variable of a link in that Secret. The names of secrets and variables do not begin with a digit."""
    return f"0.{variable}"


def is_link_key(key: str) -> bool:
    """Whether a key is one of ``format_link_key``: the host of a store is no secret."""
    return key.startswith("0.")


def bind_program_values(environment: environments.Environment) -> environments.Environment:
    """The environment with the values of the program in Secrets that the program creates: the secrets of
    ``seaway:programSecrets``, and the variables of links to external stores whose host it gives."""
    app, names = environment.app, environment.settings.program_secrets
    if not names and not external.list_unknown_hosts(app):
        return environment
    workloads = {workload.name: workload for workload in app.get_workloads().values()}

    def bind(path: str, container_spec: application.ContainerSpec) -> Mapping[str, Any]:
        owner = path.split(".")[1]
        secret_name, own = format_program_secret_name(owner), container_spec.secrets
        bound = {"existing": secret_name, "generate": None, "key": None}
        secrets = [dataclasses.replace(secret, **bound) if secret.name in names else secret for secret in own]
        secrets += [
            application.Secret(variable, env=True, existing=secret_name, key=format_link_key(variable))
            for variable in sorted(links.list_program_variables(app, workloads[owner]) - container_spec.env.keys())
        ]
        return {"secrets": tuple(secrets)}

    return dataclasses.replace(environment, app=app.replace_containers(bind))


def build_program_secret(
    environment: environments.Environment, workload: application.AnyWorkload
) -> dict[str, Any] | None:
    """The Secret of ``bind_program_values``, whose values the program fills in; None: the pod uses none of them."""
    name = format_program_secret_name(workload.name)
    keys = {
        secret.key or secret.name
        for container_spec in workload.list_containers()
        for secret in container_spec.secrets
        if secret.existing == name
    }
    if not keys:
        return None
    data = dict.fromkeys(sorted(keys), "")
    return names.build_object(environment, "Secret", name, owner=workload.name) | {"type": "Opaque", "data": data}


def build_secret(
    environment: environments.Environment,
    workload: application.AnyWorkload,
    secret_values: Mapping[str, inputs.SecretValue],
) -> dict[str, Any] | None:
    """The secrets of a pod whose values Seaway manages; None if there are none.

    Raises LookupError with the names of the secrets without a value.
    """
    secrets = [secret for container_spec in workload.list_containers() for secret in container_spec.secrets]
    keys = sorted({secret.name for secret in secrets if secret.existing is None})
    if missing := [key for key in keys if key not in secret_values]:
        raise LookupError(f"{workload.name}: no value for {', '.join(missing)}")
    if not keys:
        return None
    # The fingerprints are keyed hashes: a hash of all of them reveals nothing.
    fingerprints = {key: secret_values[key].fingerprint for key in keys}
    is_unresolved = inputs.UNRESOLVED in fingerprints.values()
    suffix = inputs.UNRESOLVED if is_unresolved else hashing.hash_content(fingerprints)
    return names.build_object(environment, "Secret", f"{workload.name}-secrets-{suffix}", owner=workload.name) | {
        "type": "Opaque",
        "immutable": IMMUTABLE,
        "data": {key: secret_values[key].value for key in keys},
    }
