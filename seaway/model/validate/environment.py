"""The rules that need the stack: what an application asks of its environment."""

from collections.abc import Collection, Iterator, Mapping

from seaway.model import application, settings
from seaway.model.validate import secrets as listed
from seaway.model.validate import structure
from seaway.syntax import decode, diagnosis


def check(
    app: application.Application,
    places: diagnosis.Places,
    said: settings.Settings,
    given: Mapping[str, diagnosis.Place],
    config: diagnosis.Place,
) -> list[diagnosis.Problem]:
    """What is wrong with the application in this environment.

    ``given`` has the names of the secrets that the stack's configuration holds; ``config`` is where it stands. Where
    releases come and go, a secret may be there before the release that needs it, or after.
    """
    return [
        *namespace(app, said, config),
        *registry(app, said, config),
        *builds(app, places, said, given),
        *quota(app, places, said),
        *secrets(app, places, given, said.stack),
        *pull(said, given, config),
        *(unused(app, places, said, given) if said.build else ()),
    ]


def namespace(
    app: application.Application, said: settings.Settings, config: diagnosis.Place
) -> Iterator[diagnosis.Problem]:
    """The namespace is a DNS label."""
    name = said.namespace(app.name)
    if app.name and structure.LABEL.fullmatch(app.name) and not structure.LABEL.fullmatch(name):
        wrong = f"{diagnosis.quoted(name)} cannot be the name of a namespace"
        remedy = "name the stack with a-z, 0-9 and -, at most 63 characters with the application's name"
        yield diagnosis.Problem(config, "stack", wrong, remedy)


def registry(
    app: application.Application, said: settings.Settings, config: diagnosis.Place
) -> Iterator[diagnosis.Problem]:
    """What is built must be pushed somewhere that the cluster can pull from."""
    built = [one.name for one in structure.workloads(app).values() if one.build is not None]
    if built and said.build and said.registry is None:
        wrong = f"is not set, and {', '.join(built)} must be built and pushed"
        yield diagnosis.Problem(
            config, "seaway:registry", wrong, "pulumi config set seaway:registry registry.example.com/team"
        )


def builds(
    app: application.Application, places: diagnosis.Places, said: settings.Settings, given: Collection[str]
) -> Iterator[diagnosis.Problem]:
    """What is built has its secrets, and an engine that knows its words."""
    for path, one in structure.workloads(app).items():
        if one.build is None or not said.build:
            continue
        for id_, name in one.build.secrets.items():
            at = f"{path}.build.secrets.{id_}"
            if name not in given:
                yield diagnosis.Problem(places.of(at), at, f"{name} has no value in stack {said.stack}", _set(name))
        for key in ("inline", "contexts", "secrets", "ssh", "cache_to"):
            at = f"{path}.build.{decode.camel(key)}"
            if said.engine == "docker" and getattr(one.build, key):
                wrong = "the engine docker has no such word"
                yield diagnosis.Problem(places.of(at), at, wrong, "pulumi config set seaway:engine docker-build")


def quota(
    app: application.Application, places: diagnosis.Places, said: settings.Settings
) -> Iterator[diagnosis.Problem]:
    """What is limited to the most that it can use has a most."""
    for service in app.services:
        if said.quota and service.each_node:
            at = f"services.{service.name}.eachNode"
            wrong = "nobody can say how many pods it has at most, and seaway:quota limits the namespace to that"
            yield diagnosis.Problem(places.of(at), at, wrong, "leave out one of the two")


def secrets(
    app: application.Application, places: diagnosis.Places, given: Collection[str], stack: str
) -> Iterator[diagnosis.Problem]:
    """Every secret has a value: given to the stack, generated, or somebody else's."""
    if _partial(places):
        return
    made = {
        secret.name for _, secret in listed.listed(app) if secret.generate is not None or secret.existing is not None
    }
    for path, secret in listed.listed(app):
        if secret.name not in given and secret.name not in made:
            at = f"{path}.secrets.{secret.name}"
            remedy = f"{_set(secret.name)}, or let it be {{generate: 32}}"
            yield diagnosis.Problem(places.of(at), at, f"has no value in stack {stack}", remedy)


def pull(said: settings.Settings, given: Collection[str], config: diagnosis.Place) -> Iterator[diagnosis.Problem]:
    """The account that nodes pull with has a password, and a registry that it is for."""
    if said.pull is None:
        return
    if said.registry is None:
        wrong = f"is the account {said.pull.user} of a registry that is not set"
        remedy = "pulumi config set seaway:registry registry.example.com/team"
        yield diagnosis.Problem(config, "seaway:pull", wrong, remedy)
    if said.pull.secret not in given:
        wrong = f"the secret {said.pull.secret} has no value in stack {said.stack}"
        yield diagnosis.Problem(config, "seaway:pull.secret", wrong, _set(said.pull.secret))


def unused(
    app: application.Application,
    places: diagnosis.Places,
    said: settings.Settings,
    given: Mapping[str, diagnosis.Place],
) -> Iterator[diagnosis.Problem]:
    """Every secret that is given goes somewhere: one that does not is a name misspelt, here or there."""
    wanted = {secret.name for _, secret in listed.listed(app)}
    wanted |= {said.pull.secret} if said.pull else set[str]()
    wanted |= {name for one in structure.workloads(app).values() if one.build for name in one.build.secrets.values()}
    existing = {secret.name: secret.existing for _, secret in listed.listed(app) if secret.existing is not None}
    if _partial(places):
        return
    for name, place in given.items():
        path = f"seaway:secrets.{name}"
        remove = f"pulumi config rm --path '{path}'"
        if name in existing:
            wrong = f"the application takes it from the existing Secret {existing[name]}"
            yield diagnosis.Problem(place, path, wrong, f"{remove}, or remove `existing`")
        elif name not in wanted:
            remedy = decode.nearest(name, sorted(wanted))
            yield diagnosis.Problem(place, path, "no service, store or job lists it", f"{remedy} (or {remove})")


def _set(name: str) -> str:
    return f"pulumi config set --secret --path 'seaway:secrets.{name}'"


def _partial(places: diagnosis.Places) -> bool:
    """Is something unread that may list or make a secret?"""
    parts = [path.split(".") for path in places.broken]
    return any(
        part[0] in ("services", "stores", "jobs") and (len(part) <= 2 or part[2] in ("secrets", "init", "sidecars"))
        for part in parts
    )
