"""The rules about ports, and about the questions that are asked on them."""

import re
from collections.abc import Iterator

from seaway.model import application
from seaway.model import ports as facts
from seaway.syntax import diagnosis

Diagnostics = Iterator[diagnosis.Diagnostic]

_PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?")
"""An IANA service name: https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports"""


def check(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """Everything that is wrong with them."""
    for one in (*app.services, *app.stores):
        path = f"{'services' if isinstance(one, application.Service) else 'stores'}.{one.name}"
        yield from _check_ports(one, path, locations)
        yield from check_probes(one.health, one.port, one.protocol, path, locations)
    yield from _check_published_stores(app, locations)


def _check_published_stores(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """A store that is exposed has a second Service, whose name nothing else may have."""
    known = {one.name for one in (*app.services, *app.stores)}
    for one in app.stores:
        if one.protocol == "udp":
            at = f"stores.{one.name}.protocol"
            yield diagnosis.Diagnostic(
                locations.find(at), at, "is udp, and a store listens on TCP", "write tcp, http or grpc"
            )
        other = f"{one.name}{facts.PUBLISHED_SUFFIX}"
        if other in known and (one.publish or any(port.publish for port in one.ports)):
            at = f"stores.{one.name}.publish"
            wrong = f"{other} is what the store is called outside, and another name in the application"
            yield diagnosis.Diagnostic(locations.find(at), at, wrong, "rename that one")


def _check_ports(
    workload: application.Service | application.Store, path: str, locations: diagnosis.SourceLocations
) -> Diagnostics:
    """A network has the ports 1 to 65535, each is one thing's, and only a main port can be exposed."""
    if workload.port is not None:
        yield from check_port_number(workload.port, f"{path}.port", locations)
    protocol = workload.protocol
    taken = {} if workload.port is None else {(workload.port, protocol == "udp"): f"{path}.port"}
    for port in workload.ports:
        at = f"{path}.ports.{port.name}"
        if port.name == facts.MAIN_PORT_NAME or not _PORT_NAME.fullmatch(port.name) or "--" in port.name:
            wrong = f"{diagnosis.quote(port.name)} is no name of another port"
            remedy = "use at most 15 of a-z, 0-9 and -, a letter among them; main is the name of `port`"
            yield diagnosis.Diagnostic(locations.find(at), at, wrong, remedy)
        yield from check_port_number(port.port, at, locations)
        key = (port.port, port.protocol == "udp")
        if key in taken:
            yield diagnosis.Diagnostic(
                locations.find(at), at, f"{port.port} is also {taken[key]}", "remove one of the two"
            )
        taken.setdefault(key, at)
    if workload.all_ports and (workload.port is not None or workload.ports):
        at = f"{path}.allPorts"
        yield diagnosis.Diagnostic(locations.find(at), at, "is true, and a port is written", "remove one of the two")
    if workload.port is None and not locations.has_undecoded(f"{path}.port"):
        if workload.publish:
            at = f"{path}.publish"
            yield diagnosis.Diagnostic(
                locations.find(at), at, "is true, but there is no port", "add `port:`, or remove expose"
            )
        default = "http" if isinstance(workload, application.Service) else "tcp"
        if f"{path}.protocol" in locations.by_path or workload.protocol != default:
            at = f"{path}.protocol"
            wrong = f"is {workload.protocol}, but there is no port"
            yield diagnosis.Diagnostic(locations.find(at), at, wrong, "add `port:`, or remove protocol")


def check_port_number(port: int, path: str, locations: diagnosis.SourceLocations) -> Diagnostics:
    """A port's number."""
    if not 1 <= port <= 65535:
        wrong = f"{port} is no TCP port (1 to 65535)"
        yield diagnosis.Diagnostic(locations.find(path), path, wrong, "write the port that the program listens on")


def check_probes(
    health: application.Health,
    port: int | None,
    protocol: application.Protocol,
    workload_path: str,
    locations: diagnosis.SourceLocations,
) -> Diagnostics:
    """What is asked over a port needs one; a command does not."""
    path = f"{workload_path}.health"
    for key, ask in {"readiness": health.readiness, "liveness": health.liveness}.items():
        at = f"{path}.{key}" if f"{path}.{key}" in locations.by_path else path
        if isinstance(ask, tuple) and not ask:
            yield diagnosis.Diagnostic(locations.find(at), at, "the command is empty", "write [program, argument]")
        if not isinstance(ask, str):
            continue
        over = "HTTP" if ask.startswith("/") else {"grpc": "gRPC", "tcp": "TCP"}.get(ask.partition(":")[0])
        if over is None or ask.endswith(":") or ask.startswith("tcp:"):
            wrong = f"{diagnosis.quote(ask)} is no HTTP path, and not grpc, grpc:<service> or tcp"
            remedy = "begin a path with /, or write a command as a list: [program, argument]"
            yield diagnosis.Diagnostic(locations.find(at), at, wrong, remedy)
        elif port is None and not locations.has_undecoded(f"{workload_path}.port"):
            wrong = f"{diagnosis.quote(ask)} is asked over {over}, but there is no port"
            remedy = "add `port:`, or ask with a command: [program, argument]"
            yield diagnosis.Diagnostic(locations.find(at), at, wrong, remedy)
        elif protocol == "udp" or (protocol == "grpc" and over == "HTTP"):
            wrong = f"{diagnosis.quote(ask)} is asked over {over}, but the port speaks {protocol}"
            remedy = "ask with a command: [program, argument]"
            yield diagnosis.Diagnostic(
                locations.find(at), at, wrong, remedy if protocol == "udp" else f"write grpc or tcp, or {remedy}"
            )
    numbers = {
        "startPeriod": (health.start_period, "no time to start", "write the seconds that a start may take, 1 at least"),
        "interval": (health.interval, "no time between two questions", "write seconds, 1 at least"),
        "timeout": (health.timeout, "no time for an answer", "write seconds, 1 at least"),
        "retries": (health.retries, "no number of answers", "write how many wrong ones count, 1 at least"),
    }
    for key, (number_, what, remedy) in numbers.items():
        if number_ < 1:
            at = f"{path}.{key}"
            yield diagnosis.Diagnostic(locations.find(at), at, f"{number_} is {what}", remedy)
