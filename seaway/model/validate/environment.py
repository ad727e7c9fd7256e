"""The rules that need the stack: what an application asks of its environment."""

from collections.abc import Collection, Iterator, Mapping

from seaway.model import application, settings
from seaway.model import secrets as listed
from seaway.model.validate import structure
from seaway.syntax import decode, diagnosis


def check(
    app: application.Application,
    locations: diagnosis.SourceLocations,
    stack_settings: settings.Settings,
    secret_locations: Mapping[str, diagnosis.SourceLocation],
    config_location: diagnosis.SourceLocation,
) -> list[diagnosis.Diagnostic]:
    """What is wrong with the application in this environment.

    ``given`` has the names of the secrets that the stack's configuration holds; ``config`` is where it stands. Where
    releases come and go, a secret may be there before the release that needs it, or after.
    """
    return [
        *check_namespace(app, stack_settings, config_location),
        *check_registry(app, stack_settings, config_location),
        *check_builds(app, locations, stack_settings, secret_locations),
        *check_quota(app, locations, stack_settings),
        *check_secrets(app, locations, secret_locations, stack_settings.stack),
        *check_pull_credentials(stack_settings, secret_locations, config_location),
        *(check_unused_secrets(app, locations, stack_settings, secret_locations) if stack_settings.build else ()),
    ]


def check_namespace(
    app: application.Application, stack_settings: settings.Settings, config_location: diagnosis.SourceLocation
) -> Iterator[diagnosis.Diagnostic]:
    """The namespace is a DNS label."""
    name = stack_settings.format_namespace(app.name)
    if app.name and structure.DNS_LABEL.fullmatch(app.name) and not structure.DNS_LABEL.fullmatch(name):
        wrong = f"{diagnosis.quote(name)} cannot be the name of a namespace"
        remedy = "name the stack with a-z, 0-9 and -, at most 63 characters with the application's name"
        yield diagnosis.Diagnostic(config_location, "stack", wrong, remedy)


def check_registry(
    app: application.Application, stack_settings: settings.Settings, config_location: diagnosis.SourceLocation
) -> Iterator[diagnosis.Diagnostic]:
    """What is built must be pushed somewhere that the cluster can pull from."""
    built = [one.name for one in app.get_workloads().values() if one.build is not None]
    if built and stack_settings.build and stack_settings.registry is None:
        wrong = f"is not set, and {', '.join(built)} must be built and pushed"
        yield diagnosis.Diagnostic(
            config_location, "seaway:registry", wrong, "pulumi config set seaway:registry registry.example.com/team"
        )


def check_builds(
    app: application.Application,
    locations: diagnosis.SourceLocations,
    stack_settings: settings.Settings,
    secret_names: Collection[str],
) -> Iterator[diagnosis.Diagnostic]:
    """What is built has its secrets, and an engine that knows its words."""
    for path, one in app.get_workloads().items():
        if one.build is None or not stack_settings.build:
            continue
        for id_, name in one.build.secrets.items():
            at = f"{path}.build.secrets.{id_}"
            if name not in secret_names:
                yield diagnosis.Diagnostic(
                    locations.find(at),
                    at,
                    f"{name} has no value in stack {stack_settings.stack}",
                    _format_set_command(name),
                )
        for key in ("inline", "contexts", "secrets", "ssh", "cache_to"):
            at = f"{path}.build.{decode.to_camel_case(key)}"
            if stack_settings.engine == "docker" and getattr(one.build, key):
                wrong = "the engine docker has no such word"
                yield diagnosis.Diagnostic(
                    locations.find(at), at, wrong, "pulumi config set seaway:engine docker-build"
                )


def check_quota(
    app: application.Application, locations: diagnosis.SourceLocations, stack_settings: settings.Settings
) -> Iterator[diagnosis.Diagnostic]:
    """What is limited to the most that it can use has a most."""
    for service in app.services:
        if stack_settings.quota and service.daemon_set:
            at = f"services.{service.name}.daemonSet"
            wrong = "nobody can say how many pods it has at most, and seaway:quota limits the namespace to that"
            yield diagnosis.Diagnostic(locations.find(at), at, wrong, "leave out one of the two")


def check_secrets(
    app: application.Application, locations: diagnosis.SourceLocations, secret_names: Collection[str], stack: str
) -> Iterator[diagnosis.Diagnostic]:
    """Every secret has a value: given to the stack, generated, or somebody else's."""
    if _has_undecoded_secrets(locations):
        return
    made = {
        secret.name
        for _, secret in listed.list_secrets(app)
        if secret.generate is not None or secret.existing is not None
    }
    for path, secret in listed.list_secrets(app):
        if secret.name not in secret_names and secret.name not in made:
            at = f"{path}.secrets.{secret.name}"
            remedy = f"{_format_set_command(secret.name)}, or let it be {{generate: 32}}"
            yield diagnosis.Diagnostic(locations.find(at), at, f"has no value in stack {stack}", remedy)


def check_pull_credentials(
    stack_settings: settings.Settings, secret_names: Collection[str], config_location: diagnosis.SourceLocation
) -> Iterator[diagnosis.Diagnostic]:
    """The account that nodes pull with has a password, and a registry that it is for."""
    if stack_settings.image_pull_credentials is None:
        return
    if stack_settings.registry is None:
        wrong = f"is the account {stack_settings.image_pull_credentials.user} of a registry that is not set"
        remedy = "pulumi config set seaway:registry registry.example.com/team"
        yield diagnosis.Diagnostic(config_location, "seaway:imagePullCredentials", wrong, remedy)
    if stack_settings.image_pull_credentials.secret not in secret_names:
        wrong = (
            f"the secret {stack_settings.image_pull_credentials.secret} has no value in stack {stack_settings.stack}"
        )
        yield diagnosis.Diagnostic(
            config_location,
            "seaway:imagePullCredentials.secret",
            wrong,
            _format_set_command(stack_settings.image_pull_credentials.secret),
        )


def check_unused_secrets(
    app: application.Application,
    locations: diagnosis.SourceLocations,
    stack_settings: settings.Settings,
    secret_locations: Mapping[str, diagnosis.SourceLocation],
) -> Iterator[diagnosis.Diagnostic]:
    """Every secret that is given goes somewhere: one that does not is a name misspelt, here or there."""
    wanted = {secret.name for _, secret in listed.list_secrets(app)}
    wanted |= {stack_settings.image_pull_credentials.secret} if stack_settings.image_pull_credentials else set[str]()
    wanted |= {name for one in app.get_workloads().values() if one.build for name in one.build.secrets.values()}
    existing = {secret.name: secret.existing for _, secret in listed.list_secrets(app) if secret.existing is not None}
    if _has_undecoded_secrets(locations):
        return
    for name, place in secret_locations.items():
        path = f"seaway:secrets.{name}"
        remove = f"pulumi config rm --path '{path}'"
        if name in existing:
            wrong = f"the application takes it from the existing Secret {existing[name]}"
            yield diagnosis.Diagnostic(place, path, wrong, f"{remove}, or remove `existing`")
        elif name not in wanted:
            remedy = decode.suggest_name(name, sorted(wanted))
            yield diagnosis.Diagnostic(place, path, "no service, store or job lists it", f"{remedy} (or {remove})")


def _format_set_command(name: str) -> str:
    return f"pulumi config set --secret --path 'seaway:secrets.{name}'"


def _has_undecoded_secrets(locations: diagnosis.SourceLocations) -> bool:
    """Is something unread that may list or make a secret?"""
    parts = [path.split(".") for path in locations.undecoded]
    return any(
        part[0] in ("services", "stores", "jobs") and (len(part) <= 2 or part[2] in ("secrets", "init", "sidecars"))
        for part in parts
    )
