"""The rules about init and sidecar containers."""

from collections.abc import Iterator

from seaway.model import application
from seaway.model.validate import ports, structure
from seaway.syntax import decode, diagnosis

Diagnostics = Iterator[diagnosis.Diagnostic]


def check(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """Everything that is wrong with them; what every container has, the other rules look at."""
    services = [one.name for one in app.services]
    for path, one in app.get_workloads().items():
        seen = {one.name: path}
        for kind, companions in (("sidecars", one.sidecars), ("init", one.init)):
            for each in companions:
                at = f"{path}.{kind}.{each.name}"
                yield from _check_name(each.name, at, seen, locations)
                yield from _check_image(each, at, services, locations)
                if kind == "init":
                    yield from _reject_init_probes(each, at, locations)
                elif each.port is not None:
                    yield from ports.check_port_number(each.port, f"{at}.port", locations)
                if each.health is not None and kind == "sidecars":
                    yield from ports.check_probes(each.health, each.port, "tcp", at, locations)
        yield from _check_ports(one, path, locations)


def _check_name(name: str, path: str, seen: dict[str, str], locations: diagnosis.SourceLocations) -> Diagnostics:
    yield from structure.check_name(name, path, structure.MAX_LABEL_LENGTH, locations)
    if name in seen:
        wrong = f"the name {name} is also that of {seen[name]}, in the same pod"
        yield diagnosis.Diagnostic(locations.find(path), path, wrong, "rename one of the two")
    seen.setdefault(name, path)


def _check_image(
    container_spec: application.ExtraContainer, path: str, services: list[str], locations: diagnosis.SourceLocations
) -> Diagnostics:
    at = f"{path}.uses"
    if container_spec.uses is not None and container_spec.image is not None:
        yield diagnosis.Diagnostic(locations.find(at), at, "image and uses both name an image", "keep one of them")
    if (
        container_spec.uses is not None
        and container_spec.uses not in services
        and not locations.has_undecoded("services", f"services.{container_spec.uses}")
    ):
        wrong = f"there is no service {diagnosis.quote(container_spec.uses)}"
        yield diagnosis.Diagnostic(locations.find(at), at, wrong, decode.suggest_name(container_spec.uses, services))


def _reject_init_probes(
    container_spec: application.ExtraContainer, path: str, locations: diagnosis.SourceLocations
) -> Diagnostics:
    """Kubernetes asks nothing of what runs to its end."""
    for key, value in (("port", container_spec.port), ("health", container_spec.health)):
        if value is not None:
            at = f"{path}.{key}"
            wrong = "is of no use: an init container runs to its end, and nobody asks how it is"
            yield diagnosis.Diagnostic(locations.find(at), at, wrong, "remove it, or let it be one of the sidecars")


def _check_ports(workload: application.AnyWorkload, path: str, locations: diagnosis.SourceLocations) -> Diagnostics:
    """All containers of a pod have one address."""
    served = () if isinstance(workload, application.Job) else workload.ports
    taken = {} if isinstance(workload, application.Job) or workload.port is None else {workload.port: f"{path}.port"}
    taken |= {port.port: f"{path}.ports.{port.name}" for port in served if port.protocol != "udp"}
    for each in workload.sidecars:
        at = f"{path}.sidecars.{each.name}.port"
        if each.port is None:
            continue
        if each.port in taken:
            wrong = f"{each.port} is also {taken[each.port]}, and the containers of a pod share one address"
            yield diagnosis.Diagnostic(locations.find(at), at, wrong, "let one of the two listen on another port")
        taken.setdefault(each.port, at)
