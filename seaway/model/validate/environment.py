"""Rules that also need the stack: what an application requires of its environment."""

import re
import shlex
from collections.abc import Collection, Mapping
from pathlib import PurePath

from seaway.model import application, external, secrets, settings
from seaway.model.validate import parts, structure
from seaway.syntax import decode, diagnosis

_SET_REGISTRY = "pulumi config set seaway:registry registry.example.com/team"
_PATH_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+|localhost|[a-zA-Z0-9-]+(?=:)|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"
_REGISTRY = re.compile(rf"(?:{_HOST}|{_PATH_COMPONENT})(?:/{_PATH_COMPONENT})*")
"""https://github.com/distribution/reference/blob/v0.6.0/regexp.go"""


def check(
    app: application.Application,
    locations: diagnosis.SourceLocations,
    stack_settings: settings.Settings,
    secret_locations: Mapping[str, diagnosis.SourceLocation],
    config_location: diagnosis.SourceLocation,
    *,
    file_secrets: Collection[str],
) -> diagnosis.Diagnostics:
    """The errors of the application in this environment.

    ``secret_locations`` has the secrets in the configuration of the stack, ``config_location`` is its file.
    ``file_secrets`` have a value in the Compose file of the application.
    """
    yield from _check_namespace(app, stack_settings, config_location)
    yield from _check_registry(stack_settings, config_location)
    yield from _check_builds(external.resolve_stores(app), locations, stack_settings, secret_locations, config_location)
    yield from _check_quota(app, locations, stack_settings)
    yield from _check_trust(stack_settings, config_location)
    yield from _check_pull_credentials(stack_settings, secret_locations, config_location)
    if not _has_undecoded_secrets(locations):
        names = {*secret_locations, *stack_settings.program_secrets, *file_secrets}
        yield from _check_secrets(app, locations, names, stack_settings)
        yield from _check_program_secrets(app, stack_settings, secret_locations, config_location)
        # Where releases are promoted, a secret may be set before the release that needs it, or remain after it.
        if stack_settings.build:
            yield from _check_unused_secrets(app, stack_settings, secret_locations)


def _check_namespace(
    app: application.Application, stack_settings: settings.Settings, config_location: diagnosis.SourceLocation
) -> diagnosis.Diagnostics:
    """The namespace is a DNS label."""
    name = stack_settings.format_namespace(app.name)
    if app.name and structure.DNS_LABEL.fullmatch(app.name) and not structure.DNS_LABEL.fullmatch(name):
        message = f"{diagnosis.quote(name)} is not a valid name of a namespace"
        hint = "name the stack with a-z, 0-9 and -, at most 63 characters with the name of the application"
        yield diagnosis.Diagnostic(config_location, "stack", message, hint, "invalid-name")


def _check_registry(
    stack_settings: settings.Settings, config_location: diagnosis.SourceLocation
) -> diagnosis.Diagnostics:
    """The registry begins the name of an image: a host, and folders in lower case."""
    address = stack_settings.registry
    if address is None or _REGISTRY.fullmatch(address):
        return
    host, slash, path = re.sub(r"^\w+://", "", address).rstrip("/").partition("/")
    corrected = f"{host}{slash}{re.split('[:@]', path)[0].lower()}"
    hint = f"pulumi config set seaway:registry {corrected}" if _REGISTRY.fullmatch(corrected) else _SET_REGISTRY
    message = f"{diagnosis.quote(address)} is not host[:port][/path], the path in lower case and without a tag"
    yield diagnosis.Diagnostic(config_location, "seaway:registry", message, hint, "invalid-registry")


def _check_builds(
    app: application.Application,
    locations: diagnosis.SourceLocations,
    stack_settings: settings.Settings,
    secret_names: Collection[str],
    config_location: diagnosis.SourceLocation,
) -> diagnosis.Diagnostics:
    """A build has a registry to push to, its secrets, and an engine that supports its keys."""
    builds = {path: workload.build for path, workload in app.get_workloads().items() if workload.build}
    if not builds or not stack_settings.build:
        return
    if stack_settings.registry is None:
        names = ", ".join(path.partition(".")[2] for path in builds)
        message = f"is not set, but the images of {names} must be built and pushed"
        yield diagnosis.Diagnostic(config_location, "seaway:registry", message, _SET_REGISTRY, "missing-value")
    for path, build in builds.items():
        for id_, name in build.secrets.items():
            if name not in secret_names:
                message = f"{name} has no value in stack {stack_settings.stack}"
                part = locations.at(f"{path}.build.secrets.{id_}")
                yield part.report("secret-not-set", message, _format_set_command(name))
        for key in ("inline", "contexts", "secrets", "ssh", "cache_to"):
            if stack_settings.engine == "docker" and getattr(build, key):
                hint = "pulumi config set seaway:engine docker-build"
                part = locations.at(f"{path}.build.{decode.to_camel_case(key)}")
                yield part.report("unsupported-key", "the engine docker does not support it", hint)


def _check_quota(
    app: application.Application, locations: diagnosis.SourceLocations, stack_settings: settings.Settings
) -> diagnosis.Diagnostics:
    """A quota needs a maximum number of pods."""
    for service in app.services:
        if stack_settings.quota and service.daemon_set:
            message = "has no maximum number of pods, but seaway:quota limits the namespace to the maximum"
            path = f"services.{service.name}.daemonSet"
            yield locations.at(path).report("conflicting-keys", message, "remove one of the two")


def _check_trust(stack_settings: settings.Settings, config_location: diagnosis.SourceLocation) -> diagnosis.Diagnostics:
    """Signatures are for releases, and at least one key signs."""
    if stack_settings.trust is None:
        return
    if stack_settings.build:
        message = "applies to pinned releases, but the stack builds what it deploys"
        hint = "remove it, or set seaway:build to false"
        yield diagnosis.Diagnostic(config_location, "seaway:trust", message, hint, "conflicting-keys")
    if not stack_settings.trust.keys:
        hint = "name a public key: cosign generate-key-pair writes cosign.pub"
        yield diagnosis.Diagnostic(config_location, "seaway:trust.keys", "is empty", hint, "missing-value")


def _check_secrets(
    app: application.Application,
    locations: diagnosis.SourceLocations,
    secret_names: Collection[str],
    stack_settings: settings.Settings,
) -> diagnosis.Diagnostics:
    """Each secret has a value: set in the stack, generated, or in an existing Secret."""
    declared = secrets.list_secrets(external.resolve_stores(app))
    known_elsewhere = external.list_secret_names(app)
    sourced = {secret.name for _, secret in declared if secret.generate is not None or secret.existing is not None}
    for path, secret in declared:
        if secret.name not in secret_names and secret.name not in sourced:
            hint, message = _format_set_command(secret.name), f"has no value in stack {stack_settings.stack}"
            if secret.name in known_elsewhere:
                message += ", which cannot generate a secret of an external store"
            else:
                hint += ", or write {generate: 32}"
            if "compose" in stack_settings.app and secret.env:
                file = PurePath(stack_settings.app)
                files = [str(file.with_name(name.strip())) for name in file.name.split(",")]
                command = shlex.join(["seaway", "import", *files, "--set-secrets", stack_settings.stack])
                hint += f"; for all values of the file: {command}"
            yield locations.at(f"{path}.secrets.{secret.name}").report("secret-not-set", message, hint)


def _check_program_secrets(
    app: application.Application,
    stack_settings: settings.Settings,
    secret_names: Collection[str],
    config_location: diagnosis.SourceLocation,
) -> diagnosis.Diagnostics:
    """A secret of the program is used, and has no other value."""
    names, path = {secret.name for _, secret in secrets.list_secrets(app)}, "seaway:programSecrets"
    for name in stack_settings.program_secrets:
        if name not in names:
            message = f"no service, store or job lists {name}"
            hint = decode.suggest_name(name, sorted(names))
            yield diagnosis.Diagnostic(config_location, path, message, hint, "unused-secret")
        elif name in secret_names:
            message, hint = f"{name} also has a value in seaway:secrets", "remove one of the two"
            yield diagnosis.Diagnostic(config_location, path, message, hint, "conflicting-sources")


def _check_pull_credentials(
    stack_settings: settings.Settings, secret_names: Collection[str], config_location: diagnosis.SourceLocation
) -> diagnosis.Diagnostics:
    """The account that nodes pull images with has a registry and a password."""
    credentials, path = stack_settings.image_pull_credentials, "seaway:imagePullCredentials"
    if credentials is not None and stack_settings.registry is None:
        message = f"has the account {credentials.user}, but seaway:registry is not set"
        yield diagnosis.Diagnostic(config_location, path, message, _SET_REGISTRY, "missing-value")
    if credentials is not None and credentials.secret not in secret_names:
        message = f"the secret {credentials.secret} has no value in stack {stack_settings.stack}"
        hint = _format_set_command(credentials.secret)
        yield diagnosis.Diagnostic(config_location, f"{path}.secret", message, hint, "secret-not-set")


def _check_unused_secrets(
    app: application.Application,
    stack_settings: settings.Settings,
    secret_locations: Mapping[str, diagnosis.SourceLocation],
) -> diagnosis.Diagnostics:
    """Each secret in the configuration is used: an unused one has a typo, here or there."""
    credentials = stack_settings.image_pull_credentials
    declared = [secret for _, secret in secrets.list_secrets(app)]
    builds = [workload.build for workload in app.get_workloads().values() if workload.build]
    names = {secret.name for secret in declared} | {name for build in builds for name in build.secrets.values()}
    names |= {credentials.secret} if credentials else set[str]()
    existing = {secret.name: secret.existing for secret in declared if secret.existing is not None}
    for name, location in secret_locations.items():
        path = f"seaway:secrets.{name}"
        remove = f"pulumi config rm --path {diagnosis.quote_word(path)}"
        if name in existing:
            message = f"the application reads it from the existing Secret {existing[name]}"
            hint = f"{remove}, or remove `existing`"
            yield diagnosis.Diagnostic(location, path, message, hint, "conflicting-sources")
        elif name not in names:
            hint = f"{decode.suggest_name(name, sorted(names))} (or {remove})"
            message = "no service, store or job lists it"
            yield diagnosis.Diagnostic(location, path, message, hint, "unused-secret")


def _format_set_command(name: str) -> str:
    return f"pulumi config set --secret --path {diagnosis.quote_word(f'seaway:secrets.{name}')}"


def _has_undecoded_secrets(locations: diagnosis.SourceLocations) -> bool:
    """Whether a part that may list or define a secret could not be decoded."""
    paths = [path.split(".") for path in locations.undecoded]
    return any(
        path[0] in parts.KINDS and (len(path) <= 2 or path[2] in ("secrets", "init", "sidecars")) for path in paths
    )
