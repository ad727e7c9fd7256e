"""Rules about secrets: their sources, and how containers get them."""

import re

from seaway.kubernetes.api import references
from seaway.model import application, scheduling
from seaway.model import secrets as model_secrets
from seaway.model.validate import parts
from seaway.syntax import diagnosis

_MAX_NAME_LENGTH = 248
"""The key of a Secret may have 253 characters, a file name 255, and the variable of the file ends in `_FILE`."""
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_GENERATED_LENGTHS = range(8, 1025)


def check(app: application.Application, locations: diagnosis.SourceLocations) -> diagnosis.Diagnostics:
    """The errors in the secrets, whatever the environment."""
    first_sources: dict[str, tuple[str, str]] = {}
    for container_spec, part in parts.list_containers(app, locations):
        for secret in container_spec.secrets:
            secret_part = part.at("secrets", secret.name)
            yield from _check_names(secret, secret_part)
            yield from _check_source(secret, first_sources, secret_part)
            yield from _check_file(secret, container_spec, secret_part)
        yield from _check_references(app, container_spec, part)


def _check_names(secret: application.Secret, part: diagnosis.Part) -> diagnosis.Diagnostics:
    """Its name is valid as a file name and as a key; an existing Secret has a valid name and key too.

    ``structure`` checks that the name is valid for a variable.
    """
    if secret.name == "." or secret.name.startswith("..") or len(secret.name) > _MAX_NAME_LENGTH:
        message = f"{diagnosis.quote(secret.name)} is not a valid file name"
        yield part.report("invalid-name", message, f"use at most {_MAX_NAME_LENGTH} letters, digits, _ and -")
    if secret.existing is not None and not scheduling.SUBDOMAIN.fullmatch(secret.existing):
        message = f"{diagnosis.quote(secret.existing)} is not a valid name of a Secret"
        yield part.at("existing").report("invalid-name", message, "write a name that `kubectl get secrets` shows")
    if secret.key is not None and (not _KEY.fullmatch(secret.key) or secret.key.startswith("..")):
        message = f"{diagnosis.quote(secret.key)} is not a valid key of a Secret"
        hint = f"write a key that `kubectl describe secret {secret.existing or 'NAME'}` shows"
        yield part.at("key").report("invalid-name", message, hint)


def _check_source(
    secret: application.Secret, first_sources: dict[str, tuple[str, str]], part: diagnosis.Part
) -> diagnosis.Diagnostics:
    """A secret has one source in the whole application."""
    if secret.generate is not None and secret.generate not in _GENERATED_LENGTHS:
        message = f"{secret.generate} is not a valid number of characters (8-1024)"
        yield part.at("generate").report("invalid-value", message, "write 32 unless the program requires more")
    if secret.generate is not None and secret.existing is not None:
        message = f"is generated, but also read from the Secret {secret.existing}"
        yield part.report("conflicting-keys", message, "keep one of `generate` and `existing`")
    elif secret.key is not None and secret.existing is None and not part.has_undecoded("existing"):
        message = f"has the key {secret.key}, but no Secret that contains it"
        yield part.report("missing-value", message, "add `existing: <Secret>`, or remove `key`")
    elif secret.generate is not None or secret.existing is not None:
        source = f"generates {secret.generate} characters"
        if secret.existing is not None:
            source = f"is the key {secret.key or secret.name} of the Secret {secret.existing}"
        first_path, first_source = first_sources.setdefault(secret.name, (part.path, source))
        if first_source != source:
            message = f"{source}, but {first_path} {first_source}"
            hint = "a name has one value in the application: use the same source, or rename one"
            yield part.report("conflicting-sources", message, hint)


def _check_file(
    secret: application.Secret, container_spec: application.ContainerSpec, part: diagnosis.Part
) -> diagnosis.Diagnostics:
    """The path of its file, and the variable with that path, are not used for anything else."""
    if secret.env:
        return
    file_path, variable = model_secrets.format_path(secret), model_secrets.format_variable_name(secret)
    if file_path in {*container_spec.writable, *(file.path for file in container_spec.files)}:
        message = f"its file, {file_path}, is also one of files or writable"
        yield part.report("duplicate-path", message, "remove the other one")
    if variable in container_spec.env:
        message = f"{variable}, the variable with the path of its file ({file_path}), is in env too"
        yield part.report("duplicate-variable", message, "remove it from env")
    elif variable in {other.name for other in container_spec.secrets}:
        message = f"{variable}, the variable with the path of its file, is also the name of a secret"
        yield part.report("duplicate-variable", message, "rename one of the two")


def _check_references(
    app: application.Application, container_spec: application.ContainerSpec, part: diagnosis.Part
) -> diagnosis.Diagnostics:
    """`$(NAME)` inserts a variable, and a secret that is a file has none."""
    secrets = {secret.name: secret for secret in container_spec.secrets}
    if isinstance(container_spec, application.Job):
        used = next((service for service in app.services if service.name == container_spec.uses), None)
        secrets = {secret.name: secret for secret in (used.secrets if used else ())} | secrets
    texts = [
        *((part.at("env", name), text) for name, text in container_spec.env.items()),
        *((part.at("command", index), word) for index, word in enumerate(container_spec.command)),
        *((part.at("args", index), word) for index, word in enumerate(container_spec.args)),
    ]
    for text_part, text in texts:
        for name in dict.fromkeys(references.list_names(text)):
            if name in secrets and not secrets[name].env:
                file_path = model_secrets.format_path(secrets[name])
                message = f"$({name}) is the secret {name}, which is the file {file_path} and not a variable"
                yield text_part.report("secret-is-file", message, f"write `secrets: {{{name}: {{env: true}}}}`")
