"""The ports of a service: which are stated, which is the main port, and their protocols."""

import dataclasses
import re

from seaway.compose.importer import key_reader
from seaway.model import application
from seaway.model.defaults import image_profiles
from seaway.syntax import diagnosis

NON_HTTP_PORTS = frozenset(
    (
        *(21, 22, 25, 53, 110, 143, 389, 443, 465, 514, 587, 636, 993, 995, 1025, 1433, 1521, 1883, 2049, 2181, 2379),
        *(3306, 4222, 5432, 5671, 5672, 6379, 6432, 6667, 7687, 8443, 8883, 9042, 9092, 9093, 9300, 11211, 26257),
        *(27017, 33060, 50051),
    )
)
"""TCP ports of other protocols. Any other port is assumed to be HTTP."""

DEBUGGER_PORTS = frozenset((2345, 5005, 5858, 9229))
"""Debuggers of Go, Java and Node. They are never published."""

MAX_RANGE = 1000

_APP_PROTOCOLS: dict[str, application.Protocol] = {"http": "http", "http2": "http", "grpc": "grpc", "h2c": "grpc"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One port that a service listens on."""

    number: int
    protocol: application.Protocol
    location: diagnosis.SourceLocation
    source: str
    """Its key: ``ports.0``, ``expose.0``; else where the number comes from."""
    name: str = ""
    host_port: str | None = None
    loopback_only: bool = False

    @property
    def transport(self) -> tuple[int, bool]:
        """Number, and whether it is UDP."""
        return self.number, self.protocol == "udp"


def read_ports(keys: key_reader.KeyReader, profile: image_profiles.ImageProfile | None) -> list[Port]:
    """The ports of `ports`, then of `expose`, without duplicates."""
    ports: dict[tuple[int, bool], Port] = {}
    for number, entry in enumerate(keys.enter_sequence("ports")):
        target = parse_number(entry.get_text("target"))
        if target is None:
            continue
        port = Port(
            number=target,
            protocol=guess_protocol(target, entry.get_text("protocol"), entry.get_text("app_protocol"), profile),
            location=entry.locate("target"),
            source=f"ports.{number}",
            name=entry.get_text("name") or "",
            host_port=entry.get_text("published"),
            loopback_only=is_loopback(entry.get_text("host_ip") or ""),
        )
        earlier = ports.get(port.transport)
        if earlier is None or (earlier.loopback_only and not port.loopback_only):
            ports[port.transport] = port
    for source, text in keys.list_entries("expose"):
        numbers, _, transport = text.partition("/")
        for target in parse_range(numbers):
            protocol = guess_protocol(target, transport, None, profile)
            port = Port(number=target, protocol=protocol, location=keys.locate(source), source=source)
            ports.setdefault(port.transport, port)
    return list(ports.values())


def parse_range(text: str) -> range:
    """``3000-3003``, or one port; empty if it is invalid or too long."""
    first, _, last = text.partition("-")
    start, end = parse_number(first), parse_number(last or first)
    return range(start, end + 1) if start and end and end - start < MAX_RANGE else range(0)


def is_loopback(host: str) -> bool:
    return host.startswith("127.") or host in ("::1", "localhost")


def parse_number(text: str | None) -> int | None:
    """A port number; None if it is invalid."""
    return int(text) if text and re.fullmatch(r"[0-9]{1,5}", text) and 0 < int(text) < 65536 else None


def guess_protocol(
    number: int, transport: str | None, app: str | None, profile: image_profiles.ImageProfile | None
) -> application.Protocol:
    """The stated protocol, that of the image's main port, or the usual protocol of the number."""
    if transport == "udp":
        return "udp"
    if app is not None:
        return _APP_PROTOCOLS.get(app.lower(), "tcp")
    if profile is not None and number in profile.ports[:1]:
        return "http" if profile.http else "tcp"
    return "tcp" if number in NON_HTTP_PORTS else "http"


def choose_main(candidates: list[Port], *, store: bool = False) -> Port | None:
    """The port of links. A store needs TCP. Published ports come before others, and HTTP before other protocols."""

    def rank(port: Port) -> tuple[bool, bool, bool, bool]:
        is_http = port.protocol in ("http", "grpc")
        return port.protocol == "udp", port.number in DEBUGGER_PORTS, not is_http, port.host_port is None

    return min((port for port in candidates if not store or port.protocol != "udp"), key=rank, default=None)


def choose_name(port: Port, used_names: set[str]) -> str:
    """A name for an additional port: its own if it is valid and unused."""
    own = re.sub(r"[^a-z0-9]+", "-", port.name.lower()).strip("-")[:15].strip("-")
    valid = own != "main" and re.search("[a-z]", own) and own not in used_names
    return own if valid else f"{'udp' if port.protocol == 'udp' else 'tcp'}-{port.number}"
