"""Rules about init and sidecar containers."""

from collections.abc import Iterator

from seaway.model import application
from seaway.model.validate import ports, structure
from seaway.syntax import diagnosis

Diagnostics = Iterator[diagnosis.Diagnostic]


def check(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """The errors that only extra containers can have; other rules check what all containers have."""
    for path, workload in app.get_workloads().items():
        names = {workload.name: path}
        for kind, extra_containers in (("sidecars", workload.sidecars), ("init", workload.init)):
            for extra in extra_containers:
                key_path = f"{path}.{kind}.{extra.name}"
                yield from _check_name(extra.name, key_path, names, locations)
                if extra.uses is not None and extra.image is not None:
                    message = "image and uses both set the image"
                    yield locations.report(f"{key_path}.uses", "conflicting-keys", message, "keep one of them")
                yield from structure.check_used_service(app, extra.uses, f"{key_path}.uses", locations)
                if kind == "init":
                    yield from _reject_init_probes(extra, key_path, locations)
                    continue
                if extra.port is not None:
                    yield from ports.check_port_number(extra.port, f"{key_path}.port", locations)
                if extra.health is not None:
                    yield from ports.check_probes(extra.health, extra.port, "tcp", key_path, locations)
        yield from _check_ports(workload, path, locations)


def _check_name(name: str, path: str, names: dict[str, str], locations: diagnosis.SourceLocations) -> Diagnostics:
    yield from structure.check_name(name, path, structure.MAX_LABEL_LENGTH, locations)
    if name in names:
        message = f"the name {name} is also the name of {names[name]}, in the same pod"
        yield locations.report(path, "duplicate-name", message, "rename one of the two")
    names.setdefault(name, path)


def _reject_init_probes(
    extra: application.ExtraContainer, path: str, locations: diagnosis.SourceLocations
) -> Diagnostics:
    """Kubernetes does not probe a container that runs to completion."""
    for key, probe in (("port", extra.port), ("health", extra.health)):
        if probe is not None:
            message = "has no effect: an init container runs to completion and is not probed"
            yield locations.report(f"{path}.{key}", "no-effect", message, "remove it, or make it one of the sidecars")


def _check_ports(workload: application.AnyWorkload, path: str, locations: diagnosis.SourceLocations) -> Diagnostics:
    """The containers of a pod share one address."""
    owners: dict[int, str] = {}
    if not isinstance(workload, application.Job):
        owners |= {} if workload.port is None else {workload.port: f"{path}.port"}
        owners |= {port.port: f"{path}.ports.{port.name}" for port in workload.ports if port.protocol != "udp"}
    for sidecar in workload.sidecars:
        key_path = f"{path}.sidecars.{sidecar.name}.port"
        if sidecar.port in owners:
            message = f"{sidecar.port} is also {owners[sidecar.port]}, and the containers of a pod share one address"
            yield locations.report(key_path, "duplicate-port", message, "use another port for one of the two")
        elif sidecar.port is not None:
            owners[sidecar.port] = key_path
