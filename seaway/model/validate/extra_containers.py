"""The rules about init and sidecar containers."""

from collections.abc import Iterator

from seaway.model import application, containers
from seaway.model.validate import ports, structure
from seaway.syntax import decode, diagnosis

Found = Iterator[diagnosis.Problem]


def check(app: application.Application, places: diagnosis.Places) -> Found:
    """Everything that is wrong with them; what every container has, the other rules look at."""
    services = [one.name for one in app.services]
    for path, one in structure.workloads(app).items():
        seen = {one.name: path}
        for kind, companions in (("sidecars", one.sidecars), ("init", one.init)):
            for each in companions:
                at = f"{path}.{kind}.{each.name}"
                yield from _name(each.name, at, seen, places)
                yield from _image(each, at, services, places)
                if kind == "init":
                    yield from _asked(each, at, places)
                elif each.port is not None:
                    yield from ports.number(each.port, f"{at}.port", places)
                if each.health is not None and kind == "sidecars":
                    yield from ports.questions(each.health, each.port, "tcp", at, places)
        yield from _ports(one, path, places)


def _name(name: str, path: str, seen: dict[str, str], places: diagnosis.Places) -> Found:
    yield from structure.name(name, path, structure.LONGEST, places)
    if name in seen:
        wrong = f"the name {name} is also that of {seen[name]}, in the same pod"
        yield diagnosis.Problem(places.of(path), path, wrong, "rename one of the two")
    seen.setdefault(name, path)


def _image(each: application.Companion, path: str, services: list[str], places: diagnosis.Places) -> Found:
    at = f"{path}.uses"
    if each.uses is not None and each.image is not None:
        yield diagnosis.Problem(places.of(at), at, "image and uses both name an image", "keep one of them")
    if each.uses is not None and each.uses not in services and not places.lost("services", f"services.{each.uses}"):
        wrong = f"there is no service {diagnosis.quoted(each.uses)}"
        yield diagnosis.Problem(places.of(at), at, wrong, decode.nearest(each.uses, services))


def _asked(each: application.Companion, path: str, places: diagnosis.Places) -> Found:
    """Kubernetes asks nothing of what runs to its end."""
    for key, value in (("port", each.port), ("health", each.health)):
        if value is not None:
            at = f"{path}.{key}"
            wrong = "is of no use: an init container runs to its end, and nobody asks how it is"
            yield diagnosis.Problem(places.of(at), at, wrong, "remove it, or let it be one of the sidecars")


def _ports(one: structure.Workload, path: str, places: diagnosis.Places) -> Found:
    """All containers of a pod have one address."""
    served = () if isinstance(one, application.Job) else one.ports
    taken = {} if isinstance(one, application.Job) or one.port is None else {one.port: f"{path}.port"}
    taken |= {port.port: f"{path}.ports.{port.name}" for port in served if port.protocol != "udp"}
    for each in one.sidecars:
        at = f"{path}.sidecars.{each.name}.port"
        if each.port is None:
            continue
        if each.port in taken:
            wrong = f"{each.port} is also {taken[each.port]}, and the containers of a pod share one address"
            yield diagnosis.Problem(places.of(at), at, wrong, "let one of the two listen on another port")
        taken.setdefault(each.port, at)


def resolved(app: application.Application) -> application.Application:
    """The application where each companion without an image of its own has the user that its image is made for."""
    default = application.Companion("default").user
    services = {one.name: one for one in app.services}
    workloads = structure.workloads(app)

    def user(path: str, one: application.Process) -> dict[str, int | None]:
        if not isinstance(one, application.Companion) or one.user != default or one.image is not None:
            return {}
        owner = workloads[".".join(path.split(".")[:2])]
        return {"user": services[one.uses].user if one.uses else owner.user}

    return containers.changed(app, user)
