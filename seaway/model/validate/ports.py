"""Rules about ports, and about the probes that use them."""

import re
from collections.abc import Iterator

from seaway.model import application
from seaway.model import ports as model_ports
from seaway.model.validate import structure
from seaway.syntax import diagnosis

Diagnostics = Iterator[diagnosis.Diagnostic]

_PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?")
"""An IANA service name: https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports"""

_COMMAND_HINT = "use a command: [program, argument]"


def check(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """The errors in ports and health."""
    for workload in (*app.services, *app.stores):
        path = f"{'services' if isinstance(workload, application.Service) else 'stores'}.{workload.name}"
        yield from _check_ports(workload, path, locations)
        yield from check_probes(workload.health, workload.port, workload.protocol, path, locations)
    yield from _check_published_stores(app, locations)


def _check_published_stores(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """A published store has a second Service, whose name must be free."""
    names = {workload.name for workload in (*app.services, *app.stores)}
    for store in app.stores:
        path = f"stores.{store.name}"
        if store.protocol == "udp":
            message = "is udp, but a store listens on TCP"
            yield locations.report(f"{path}.protocol", "invalid-protocol", message, "write tcp, http or grpc")
        published_name = f"{store.name}{model_ports.PUBLISHED_SUFFIX}"
        if published_name in names and (store.publish or any(port.publish for port in store.ports)):
            message = f"the published store needs the name {published_name}, which is another name in the application"
            yield locations.report(f"{path}.publish", "duplicate-name", message, f"rename {published_name}")


def _check_ports(workload: application.ServiceOrStore, path: str, locations: diagnosis.SourceLocations) -> Diagnostics:
    """Ports are valid and unique, and keys that need a main port have one."""
    owners: dict[tuple[int, bool], str] = {}
    if workload.port is not None:
        yield from check_port_number(workload.port, f"{path}.port", locations)
        owners[workload.port, workload.protocol == "udp"] = f"{path}.port"
    for port in workload.ports:
        key_path = f"{path}.ports.{port.name}"
        if port.name == model_ports.MAIN_PORT_NAME or not _PORT_NAME.fullmatch(port.name) or "--" in port.name:
            message = f"{diagnosis.quote(port.name)} is not a valid name of a further port"
            hint = "use at most 15 of a-z, 0-9 and -, with a letter; main is the name of `port`"
            yield locations.report(key_path, "invalid-name", message, hint)
        yield from check_port_number(port.port, key_path, locations)
        port_key = (port.port, port.protocol == "udp")
        if port_key in owners:
            message = f"{port.port} is also {owners[port_key]}"
            yield locations.report(key_path, "duplicate-port", message, "remove one of the two")
        owners.setdefault(port_key, key_path)
    if workload.all_ports and (workload.port is not None or workload.ports):
        message = "is true, but there is a port"
        yield locations.report(f"{path}.allPorts", "conflicting-keys", message, "remove one of the two")
    if workload.port is not None or locations.has_undecoded(f"{path}.port"):
        return
    if workload.publish:
        message = "is true, but there is no port"
        yield locations.report(f"{path}.publish", "missing-port", message, "add `port:`, or remove publish")
    default = "http" if isinstance(workload, application.Service) else "tcp"
    if f"{path}.protocol" in locations.by_path or workload.protocol != default:
        message = f"is {workload.protocol}, but there is no port"
        yield locations.report(f"{path}.protocol", "missing-port", message, "add `port:`, or remove protocol")


def check_port_number(port: int, path: str, locations: diagnosis.SourceLocations) -> Diagnostics:
    """A port is between 1 and 65535."""
    if not 1 <= port <= 65535:
        message = f"{port} is not a valid port (1-65535)"
        yield locations.report(path, "invalid-port", message, "write the port that the program listens on")


def check_probes(
    health: application.Health,
    port: int | None,
    protocol: application.Protocol,
    workload_path: str,
    locations: diagnosis.SourceLocations,
) -> Diagnostics:
    """A probe over the network needs a port that speaks its protocol; a command does not."""
    path = f"{workload_path}.health"
    for key, probe in {"readiness": health.readiness, "liveness": health.liveness}.items():
        key_path = f"{path}.{key}" if f"{path}.{key}" in locations.by_path else path
        if isinstance(probe, tuple) and not probe:
            yield locations.report(key_path, "invalid-probe", "the command is empty", "write [program, argument]")
        if not isinstance(probe, str):
            continue
        scheme = "HTTP" if probe.startswith("/") else {"grpc": "gRPC", "tcp": "TCP"}.get(probe.partition(":")[0])
        if scheme is None or probe.endswith(":") or probe.startswith("tcp:"):
            message = f"{diagnosis.quote(probe)} is not an HTTP path, grpc, grpc:<service> or tcp"
            hint = "begin a path with /, or write a command as a list: [program, argument]"
            yield locations.report(key_path, "invalid-probe", message, hint)
        elif port is None and not locations.has_undecoded(f"{workload_path}.port"):
            message = f"{diagnosis.quote(probe)} uses {scheme}, but there is no port"
            yield locations.report(key_path, "missing-port", message, f"add `port:`, or {_COMMAND_HINT}")
        elif protocol == "udp" or (protocol == "grpc" and scheme == "HTTP"):
            message = f"{diagnosis.quote(probe)} uses {scheme}, but the protocol of the port is {protocol}"
            hint = _COMMAND_HINT if protocol == "udp" else f"write grpc or tcp, or {_COMMAND_HINT}"
            yield locations.report(key_path, "invalid-probe", message, hint)
    for key, number, hint in (
        ("startPeriod", health.start_period, "write seconds"),
        ("interval", health.interval, "write seconds"),
        ("timeout", health.timeout, "write seconds"),
        ("retries", health.retries, "write the number of failures"),
    ):
        yield from structure.check_minimum(number, 1, f"{path}.{key}", hint, locations)
