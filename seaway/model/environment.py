"""The rules that need the stack: what an application asks of its environment."""

from collections.abc import Collection, Iterator, Mapping

from seaway.model import application, decode, problems, rules, settings


def check(
    app: application.Application,
    places: problems.Places,
    said: settings.Settings,
    given: Mapping[str, problems.Place],
    config: problems.Place,
) -> list[problems.Problem]:
    """What is wrong with the application in this environment.

    ``given`` has the names of the secrets that the stack's configuration holds; ``config`` is where it stands. Where
    releases come and go, a secret may be there before the release that needs it, or after.
    """
    return [
        *namespace(app, said, config),
        *registry(app, said, config),
        *secrets(app, places, given, said.stack),
        *(unused(app, places, given) if said.build else ()),
    ]


def namespace(
    app: application.Application, said: settings.Settings, config: problems.Place
) -> Iterator[problems.Problem]:
    """The namespace is a DNS label."""
    name = said.namespace(app.name)
    if app.name and rules.LABEL.fullmatch(app.name) and not rules.LABEL.fullmatch(name):
        wrong = f"{problems.quoted(name)} cannot be the name of a namespace"
        remedy = "name the stack with a-z, 0-9 and -, at most 63 characters with the application's name"
        yield problems.Problem(config, "stack", wrong, remedy)


def registry(
    app: application.Application, said: settings.Settings, config: problems.Place
) -> Iterator[problems.Problem]:
    """What is built must be pushed somewhere that the cluster can pull from."""
    built = [one.name for one in rules.workloads(app).values() if one.build is not None]
    if built and said.build and said.registry is None:
        wrong = f"is not set, and {', '.join(built)} must be built and pushed"
        yield problems.Problem(
            config, "seaway:registry", wrong, "pulumi config set seaway:registry registry.example.com/team"
        )


def secrets(
    app: application.Application, places: problems.Places, given: Collection[str], stack: str
) -> Iterator[problems.Problem]:
    """Every secret has a value: given to the stack, or generated."""
    if _partial(places):
        return
    made = {
        one.name for workload in rules.workloads(app).values() for one in workload.secrets if one.generate is not None
    }
    for path, workload in rules.workloads(app).items():
        for secret in workload.secrets:
            if secret.name not in given and secret.name not in made:
                at = f"{path}.secrets.{secret.name}"
                remedy = (
                    f"pulumi config set --secret --path 'seaway:secrets.{secret.name}', or let it be {{generate: 32}}"
                )
                yield problems.Problem(places.of(at), at, f"has no value in stack {stack}", remedy)


def unused(
    app: application.Application, places: problems.Places, given: Mapping[str, problems.Place]
) -> Iterator[problems.Problem]:
    """Every secret that is given goes somewhere: one that does not is a name misspelt, here or there."""
    listed = {one.name for workload in rules.workloads(app).values() for one in workload.secrets}
    if _partial(places):
        return
    for name, place in given.items():
        if name not in listed:
            remedy = decode.nearest(name, sorted(listed))
            path = f"seaway:secrets.{name}"
            yield problems.Problem(
                place, path, "no service, store or job lists it", f"{remedy} (or pulumi config rm --path '{path}')"
            )


def _partial(places: problems.Places) -> bool:
    """Is something unread that may list or make a secret?"""
    parts = [path.split(".") for path in places.broken]
    return any(part[0] in ("services", "stores", "jobs") and (len(part) <= 2 or part[2] == "secrets") for part in parts)
