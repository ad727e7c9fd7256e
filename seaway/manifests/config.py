"""Configuration files and secrets, as immutable objects that are called after their content.

https://kubernetes.io/docs/concepts/configuration/configmap/#configmap-immutable
"""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from seaway.manifests import inputs, names
from seaway.model import application
from seaway.syntax.field_help import Help, Rationale

IMMUTABLE: Annotated[
    bool,
    Help("called after its content, so a changed content is a new name, which rolls the pods"),
    Rationale("nobody runs with old configuration, and the old object is there for as long as a pod needs it"),
] = True


def get_name(manifest: dict[str, Any] | None) -> str | None:
    """The name of what ``config_map`` or ``secret`` made, if it made something."""
    return None if manifest is None else manifest["metadata"]["name"]


def format_file_key(path: str) -> str:
    """The ConfigMap's key for a file in the container: ``/etc/web/app.toml`` is ``etc_web_app.toml``.

    Keys allow letters, digits and ``-_.`` only; what does not survive the way back gets a hash.
    """
    key = re.sub(r"[^-.A-Za-z0-9]+", "_", path.removeprefix("/"))
    return key if f"/{key.replace('_', '/')}" == path else f"{key}-{names.hash_content(path, 8)}"


def build_config_map(
    scope: names.Scope, owner: str, files: Iterable[application.File], *, container_name: str | None = None
) -> dict[str, Any] | None:
    """The files of one container, or of the one ``beside`` it of that name; None without files.

    Raises ValueError if a file's text was not read yet (loading and resolving an application does).
    """
    data: dict[str, str] = {}
    for file in sorted(files, key=lambda each: each.path):
        if file.content is None:
            raise ValueError(f"{owner}: the text of {file.path} was not read; load or resolve the application first")
        data[format_file_key(file.path)] = file.content
    if not data:
        return None
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        # The owner's own and that of a neighbour called `<owner>-<beside>` stay two, whatever is in them.
        "metadata": names.build_metadata(
            scope, f"{owner}-{container_name}-config-{names.hash_content([container_name, data])}", owner=owner
        )
        if container_name
        else names.build_metadata(scope, f"{owner}-config-{names.hash_content(data)}", owner=owner),
        "immutable": IMMUTABLE,
        "data": data,
    }


def build_secret(
    scope: names.Scope,
    owner: str,
    secrets: Iterable[application.Secret],
    secret_values: Mapping[str, inputs.SecretValue],
) -> dict[str, Any] | None:
    """The secrets of one container that have their value here; None without any.

    Raises LookupError that names the secrets without a value.
    """
    keys = sorted({each.name for each in secrets if each.existing is None})
    missing = [key for key in keys if key not in secret_values]
    if missing:
        raise LookupError(f"{owner}: no value for {', '.join(missing)}")
    if not keys:
        return None
    # The fingerprints are keyed hashes already; hashing them together makes one name and gives nothing away.
    content = {key: secret_values[key].fingerprint for key in keys}
    hashed = inputs.UNRESOLVED if inputs.UNRESOLVED in content.values() else names.hash_content(content)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": names.build_metadata(scope, f"{owner}-secrets-{hashed}", owner=owner),
        "type": "Opaque",
        "immutable": IMMUTABLE,
        "data": {key: secret_values[key].value for key in keys},
    }
