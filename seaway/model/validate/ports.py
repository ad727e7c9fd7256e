"""The rules about ports, and about the questions that are asked on them."""

import re
from collections.abc import Iterator

from seaway.model import application
from seaway.syntax import diagnosis

Found = Iterator[diagnosis.Problem]

MAIN = "main"
"""What the main port is called in the objects."""

OUTSIDE = "-outside"
"""How the name of the Service ends by which a store is reached from outside."""

_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?")
"""An IANA service name: https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports"""


def check(app: application.Application, places: diagnosis.Places) -> Found:
    """Everything that is wrong with them."""
    for one in (*app.services, *app.stores):
        path = f"{'services' if isinstance(one, application.Service) else 'stores'}.{one.name}"
        yield from _ports(one, path, places)
        yield from questions(one.health, one.port, one.protocol, path, places)
    yield from _outside(app, places)


def _outside(app: application.Application, places: diagnosis.Places) -> Found:
    """A store that is exposed has a second Service, whose name nothing else may have."""
    known = {one.name for one in (*app.services, *app.stores)}
    for one in app.stores:
        if one.protocol == "udp":
            at = f"stores.{one.name}.protocol"
            yield diagnosis.Problem(places.of(at), at, "is udp, and a store listens on TCP", "write tcp, http or grpc")
        other = f"{one.name}{OUTSIDE}"
        if other in known and (one.expose or any(port.expose for port in one.ports)):
            at = f"stores.{one.name}.expose"
            wrong = f"{other} is what the store is called outside, and another name in the application"
            yield diagnosis.Problem(places.of(at), at, wrong, "rename that one")


def _ports(one: application.Service | application.Store, path: str, places: diagnosis.Places) -> Found:
    """A network has the ports 1 to 65535, each is one thing's, and only a main port can be exposed."""
    if one.port is not None:
        yield from number(one.port, f"{path}.port", places)
    protocol = one.protocol
    taken = {} if one.port is None else {(one.port, protocol == "udp"): f"{path}.port"}
    for port in one.ports:
        at = f"{path}.ports.{port.name}"
        if port.name == MAIN or not _NAME.fullmatch(port.name) or "--" in port.name:
            wrong = f"{diagnosis.quoted(port.name)} is no name of another port"
            remedy = "use at most 15 of a-z, 0-9 and -, a letter among them; main is the name of `port`"
            yield diagnosis.Problem(places.of(at), at, wrong, remedy)
        yield from number(port.port, at, places)
        key = (port.port, port.protocol == "udp")
        if key in taken:
            yield diagnosis.Problem(places.of(at), at, f"{port.port} is also {taken[key]}", "remove one of the two")
        taken.setdefault(key, at)
    if one.all_ports and (one.port is not None or one.ports):
        at = f"{path}.allPorts"
        yield diagnosis.Problem(places.of(at), at, "is true, and a port is written", "remove one of the two")
    if one.port is None and not places.lost(f"{path}.port"):
        if one.expose:
            at = f"{path}.expose"
            yield diagnosis.Problem(places.of(at), at, "is true, but there is no port", "add `port:`, or remove expose")
        default = "http" if isinstance(one, application.Service) else "tcp"
        if f"{path}.protocol" in places.known or one.protocol != default:
            at = f"{path}.protocol"
            wrong = f"is {one.protocol}, but there is no port"
            yield diagnosis.Problem(places.of(at), at, wrong, "add `port:`, or remove protocol")


def number(port: int, path: str, places: diagnosis.Places) -> Found:
    """A port's number."""
    if not 1 <= port <= 65535:
        wrong = f"{port} is no TCP port (1 to 65535)"
        yield diagnosis.Problem(places.of(path), path, wrong, "write the port that the program listens on")


def questions(
    health: application.Health, port: int | None, protocol: application.Protocol, owner: str, places: diagnosis.Places
) -> Found:
    """What is asked over a port needs one; a command does not."""
    path = f"{owner}.health"
    for key, ask in {"ready": health.ready, "live": health.live}.items():
        at = f"{path}.{key}" if f"{path}.{key}" in places.known else path
        if isinstance(ask, tuple) and not ask:
            yield diagnosis.Problem(places.of(at), at, "the command is empty", "write [program, argument]")
        if not isinstance(ask, str):
            continue
        over = "HTTP" if ask.startswith("/") else {"grpc": "gRPC", "tcp": "TCP"}.get(ask.partition(":")[0])
        if over is None or ask.endswith(":") or ask.startswith("tcp:"):
            wrong = f"{diagnosis.quoted(ask)} is no HTTP path, and not grpc, grpc:<service> or tcp"
            remedy = "begin a path with /, or write a command as a list: [program, argument]"
            yield diagnosis.Problem(places.of(at), at, wrong, remedy)
        elif port is None and not places.lost(f"{owner}.port"):
            wrong = f"{diagnosis.quoted(ask)} is asked over {over}, but there is no port"
            remedy = "add `port:`, or ask with a command: [program, argument]"
            yield diagnosis.Problem(places.of(at), at, wrong, remedy)
        elif protocol == "udp" or (protocol == "grpc" and over == "HTTP"):
            wrong = f"{diagnosis.quoted(ask)} is asked over {over}, but the port speaks {protocol}"
            remedy = "ask with a command: [program, argument]"
            yield diagnosis.Problem(
                places.of(at), at, wrong, remedy if protocol == "udp" else f"write grpc or tcp, or {remedy}"
            )
    numbers = {
        "startup": (health.startup, "no time to start", "write the seconds that a start may take, 1 at least"),
        "every": (health.every, "no time between two questions", "write seconds, 1 at least"),
        "timeout": (health.timeout, "no time for an answer", "write seconds, 1 at least"),
        "retries": (health.retries, "no number of answers", "write how many wrong ones count, 1 at least"),
    }
    for key, (number_, what, remedy) in numbers.items():
        if number_ < 1:
            at = f"{path}.{key}"
            yield diagnosis.Problem(places.of(at), at, f"{number_} is {what}", remedy)
