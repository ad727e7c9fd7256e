"""The rules about secrets: how each comes about, and how its container gets it."""

import re
from collections.abc import Iterator, Mapping

from seaway.model import application
from seaway.model import secrets as facts
from seaway.syntax import diagnosis

_MAX_NAME_LENGTH = 248
"""The key of a Secret may have 253 characters, a file's name 255, and `_FILE` stands behind it in the variable."""
_OBJECT_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_GENERATED_LENGTHS = range(8, 1025)
_VARIABLE_REFERENCE = re.compile(r"\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)")
"""https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/"""

Diagnostics = Iterator[diagnosis.Diagnostic]


def check(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """Everything that is wrong with the secrets, whatever the environment."""
    for rule in (check_names, check_sources, check_variables, check_references):
        yield from rule(app, locations)


def check_names(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """A secret's name is that of a file and of a key; an existing Secret has a name and a key too.

    That it is also a variable's, or the beginning of one, is a rule about variables.
    """
    for above, one in app.get_containers().items():
        for secret in one.secrets:
            at = f"{above}.secrets.{secret.name}"
            if secret.name == "." or secret.name.startswith("..") or len(secret.name) > _MAX_NAME_LENGTH:
                wrong = f"{diagnosis.quote(secret.name)} is no name of a file"
                remedy = f"use letters, digits, _ and -, at most {_MAX_NAME_LENGTH}"
                yield diagnosis.Diagnostic(locations.find(at), at, wrong, remedy)
            if secret.existing is not None and not (
                _OBJECT_NAME.fullmatch(secret.existing) and len(secret.existing) <= 253
            ):
                wrong = f"{diagnosis.quote(secret.existing)} is no name of a Secret"
                remedy = "write the one that `kubectl get secrets` shows"
                yield diagnosis.Diagnostic(locations.find(f"{at}.existing"), f"{at}.existing", wrong, remedy)
            if secret.key is not None and (not _KEY.fullmatch(secret.key) or secret.key.startswith("..")):
                wrong = f"{diagnosis.quote(secret.key)} is no key of a Secret"
                remedy = f"write the one that `kubectl describe secret {secret.existing or 'NAME'}` shows"
                yield diagnosis.Diagnostic(locations.find(f"{at}.key"), f"{at}.key", wrong, remedy)


def check_sources(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """One secret name has one meaning in the whole application, and one source."""
    first: dict[str, tuple[str, application.Secret]] = {}
    for above, one in app.get_containers().items():
        for secret in one.secrets:
            at = f"{above}.secrets.{secret.name}"
            if secret.generate is not None and secret.generate not in _GENERATED_LENGTHS:
                wrong = f"{secret.generate} characters are no good length (8 to 1024)"
                place = locations.find(f"{at}.generate")
                yield diagnosis.Diagnostic(place, f"{at}.generate", wrong, "write 32 if nothing else asks for more")
            if secret.generate is not None and secret.existing is not None:
                wrong = f"is generated, and also taken from the Secret {secret.existing}"
                yield diagnosis.Diagnostic(locations.find(at), at, wrong, "keep one of `generate` and `existing`")
            elif secret.key is not None and secret.existing is None and not locations.has_undecoded(f"{at}.existing"):
                wrong = f"has the key {secret.key}, but no Secret to look for it in"
                yield diagnosis.Diagnostic(locations.find(at), at, wrong, "add `existing: <Secret>`, or remove `key`")
            elif secret.generate is not None or secret.existing is not None:
                there, other = first.setdefault(secret.name, (at, secret))
                if _describe_source(other) != _describe_source(secret):
                    wrong = f"{_describe_source(secret)}, but {there} {_describe_source(other)}"
                    remedy = "a name means one value: say the same, or rename one"
                    yield diagnosis.Diagnostic(locations.find(at), at, wrong, remedy)


def _describe_source(secret: application.Secret) -> str:
    if secret.existing is not None:
        return f"is the key {secret.key or secret.name} of the Secret {secret.existing}"
    return f"generates {secret.generate} characters"


def check_variables(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """The variable that says where a file is, is nobody else's."""
    for above, one in app.get_containers().items():
        listed = {secret.name for secret in one.secrets}
        mounted = {*one.writable, *(file.path for file in one.files)}
        for secret in one.secrets:
            at, taken = f"{above}.secrets.{secret.name}", facts.format_variable_name(secret)
            if secret.env:
                continue
            if facts.format_path(secret) in mounted:
                wrong = f"its file, {facts.format_path(secret)}, is also one of files or writable"
                yield diagnosis.Diagnostic(locations.find(at), at, wrong, "remove the other one")
            if taken in one.env:
                wrong = f"{taken}, which says where its file is ({facts.format_path(secret)}), is in env too"
                yield diagnosis.Diagnostic(locations.find(at), at, wrong, "remove it from env")
            elif taken in listed:
                wrong = f"{taken}, which says where its file is, is another secret's name"
                yield diagnosis.Diagnostic(locations.find(at), at, wrong, "rename one of the two")


def check_references(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """`$(NAME)` in a value takes that variable's: a secret that is a file has none."""
    services = {service.name: service for service in app.services}
    for above, one in app.get_containers().items():
        secrets: Mapping[str, application.Secret] = {secret.name: secret for secret in one.secrets}
        if isinstance(one, application.Job) and one.uses in services:
            secrets = {secret.name: secret for secret in services[one.uses].secrets} | secrets
        texts = {f"{above}.env.{name}": value for name, value in one.env.items()}
        texts |= {f"{above}.command.{number}": word for number, word in enumerate(one.command)}
        texts |= {f"{above}.args.{number}": word for number, word in enumerate(one.args)}
        for at, text in texts.items():
            for name in dict.fromkeys(found[1] for found in _VARIABLE_REFERENCE.finditer(text)):
                if name in secrets and not secrets[name].env:
                    wrong = f"$({name}) is the secret {name}, which is a file ({facts.format_path(secrets[name])}) and no variable"
                    yield diagnosis.Diagnostic(
                        locations.find(at), at, wrong, f"write `secrets: {{{name}: {{env: true}}}}`"
                    )
