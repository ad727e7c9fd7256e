"""Rules about ports, and about the probes that use them."""

import re

from seaway.model import application, external
from seaway.model import ports as model_ports
from seaway.model.validate import structure
from seaway.syntax import diagnosis

_PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?")
"""An IANA service name: https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports"""

_COMMAND_HINT = "use a command: [program, argument]"


def check_workload(workload: application.AnyWorkload, part: diagnosis.Part) -> diagnosis.Diagnostics:
    """The errors in ports and health."""
    if isinstance(workload, application.Job):
        return
    if isinstance(workload, application.Store):
        workload = external.resolve_store(workload)
    yield from _check_ports(workload, part)
    yield from check_probes(workload.health, workload.port, workload.protocol, part)
    if isinstance(workload, application.Store) and workload.protocol == "udp":
        message = "is udp, but a store listens on TCP"
        yield part.at("protocol").report("invalid-protocol", message, "write tcp, http or grpc")


def _check_ports(workload: application.ServiceOrStore, part: diagnosis.Part) -> diagnosis.Diagnostics:
    """Ports are valid and unique, and keys that need a main port have one."""
    owners: dict[tuple[int, bool], str] = {}
    if workload.port is not None:
        port_part = part.at("external", "port") if part.is_declared("external.port") else part.at("port")
        yield from check_port_number(workload.port, port_part)
        owners[workload.port, workload.protocol == "udp"] = f"{part.path}.port"
    for port in workload.ports:
        port_part = part.at("ports", port.name)
        if port.name == model_ports.MAIN_PORT_NAME or not _PORT_NAME.fullmatch(port.name) or "--" in port.name:
            message = f"{diagnosis.quote(port.name)} is not a valid name of a further port"
            hint = "use at most 15 of a-z, 0-9 and -, with a letter; main is the name of `port`"
            yield port_part.report("invalid-name", message, hint)
        yield from check_port_number(port.port, port_part)
        port_key = (port.port, port.protocol == "udp")
        if port_key in owners:
            yield port_part.report("duplicate-port", f"{port.port} is also {owners[port_key]}", "remove one of the two")
        owners.setdefault(port_key, port_part.path)
    if workload.all_ports and (workload.port is not None or workload.ports):
        yield part.at("allPorts").report("conflicting-keys", "is true, but there is a port", "remove one of the two")
    if workload.port is not None or part.has_undecoded("port"):
        return
    if workload.publish:
        message = "is true, but there is no port"
        yield part.at("publish").report("missing-port", message, "add `port:`, or remove publish")
    default = "http" if isinstance(workload, application.Service) else "tcp"
    if part.is_declared("protocol") or workload.protocol != default:
        message = f"is {workload.protocol}, but there is no port"
        yield part.at("protocol").report("missing-port", message, "add `port:`, or remove protocol")


def check_port_number(port: int, part: diagnosis.Part) -> diagnosis.Diagnostics:
    """A port is between 1 and 65535."""
    if not 1 <= port <= 65535:
        message = f"{port} is not a valid port (1-65535)"
        yield part.report("invalid-port", message, "write the port that the program listens on")


def check_probes(
    health: application.Health, port: int | None, protocol: application.Protocol, container_part: diagnosis.Part
) -> diagnosis.Diagnostics:
    """A probe over the network needs a port that speaks its protocol; a command does not."""
    part = container_part.at("health")
    for key, probe in {"readiness": health.readiness, "liveness": health.liveness}.items():
        probe_part = part.at_declared(key)
        if isinstance(probe, tuple) and not probe:
            yield probe_part.report("invalid-probe", "the command is empty", "write [program, argument]")
        if not isinstance(probe, str):
            continue
        scheme = "HTTP" if probe.startswith("/") else {"grpc": "gRPC", "tcp": "TCP"}.get(probe.partition(":")[0])
        if scheme is None or probe.endswith(":") or probe.startswith("tcp:"):
            message = f"{diagnosis.quote(probe)} is not an HTTP path, grpc, grpc:<service> or tcp"
            hint = "begin a path with /, or write a command as a list: [program, argument]"
            yield probe_part.report("invalid-probe", message, hint)
        elif port is None and not container_part.has_undecoded("port"):
            message = f"{diagnosis.quote(probe)} uses {scheme}, but there is no port"
            yield probe_part.report("missing-port", message, f"add `port:`, or {_COMMAND_HINT}")
        elif protocol == "udp" or (protocol == "grpc" and scheme == "HTTP"):
            message = f"{diagnosis.quote(probe)} uses {scheme}, but the protocol of the port is {protocol}"
            hint = _COMMAND_HINT if protocol == "udp" else f"write grpc or tcp, or {_COMMAND_HINT}"
            yield probe_part.report("invalid-probe", message, hint)
    seconds = {"startPeriod": health.start_period, "interval": health.interval, "timeout": health.timeout}
    for key, number in seconds.items():
        yield from structure.check_minimum(number, 1, part.at(key), "write seconds")
    yield from structure.check_minimum(health.retries, 1, part.at("retries"), "write the number of failures")
