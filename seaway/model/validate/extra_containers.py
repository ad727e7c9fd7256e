"""Rules about init and sidecar containers."""

from seaway.model import application
from seaway.model.validate import parts, ports, structure
from seaway.syntax import diagnosis


def check(app: application.Application, locations: diagnosis.SourceLocations) -> diagnosis.Diagnostics:
    """The errors that only extra containers can have; other rules check what all containers have."""
    for workload, workload_part in parts.list_workloads(app, locations):
        paths = {workload.name: workload_part.path}
        for kind, extra_containers in (("sidecars", workload.sidecars), ("init", workload.init)):
            for extra in extra_containers:
                part = workload_part.at(kind, extra.name)
                yield from structure.check_name(extra.name, part, structure.MAX_LABEL_LENGTH)
                if extra.name in paths:
                    message = f"the name {extra.name} is also the name of {paths[extra.name]}, in the same pod"
                    yield part.report("duplicate-name", message, "rename one of the two")
                paths.setdefault(extra.name, part.path)
                if extra.uses is not None and extra.image is not None:
                    message = "image and uses both set the image"
                    yield part.at("uses").report("conflicting-keys", message, "keep one of them")
                yield from structure.check_used_service(app, extra.uses, part.at("uses"))
                yield from (_reject_init_probes if kind == "init" else _check_probes)(extra, part)
        yield from _check_ports(workload, workload_part)


def _reject_init_probes(extra: application.ExtraContainer, part: diagnosis.Part) -> diagnosis.Diagnostics:
    """Kubernetes does not probe a container that runs to completion."""
    for key, probe in (("port", extra.port), ("health", extra.health)):
        if probe is not None:
            message = "has no effect: an init container runs to completion and is not probed"
            yield part.at(key).report("no-effect", message, "remove it, or make it one of the sidecars")


def _check_probes(extra: application.ExtraContainer, part: diagnosis.Part) -> diagnosis.Diagnostics:
    if extra.port is not None:
        yield from ports.check_port_number(extra.port, part.at("port"))
    if extra.health is not None:
        yield from ports.check_probes(extra.health, extra.port, "tcp", part)


def _check_ports(workload: application.AnyWorkload, part: diagnosis.Part) -> diagnosis.Diagnostics:
    """The containers of a pod share one address."""
    owners: dict[int, str] = {}
    if not isinstance(workload, application.Job):
        owners |= {} if workload.port is None else {workload.port: f"{part.path}.port"}
        owners |= {port.port: f"{part.path}.ports.{port.name}" for port in workload.ports if port.protocol != "udp"}
    for sidecar in workload.sidecars:
        port_part = part.at("sidecars", sidecar.name, "port")
        if sidecar.port in owners:
            message = f"{sidecar.port} is also {owners[sidecar.port]}, and the containers of a pod share one address"
            yield port_part.report("duplicate-port", message, "use another port for one of the two")
        elif sidecar.port is not None:
            owners[sidecar.port] = port_part.path
