"""Which port of a service is the main one, what is spoken on it, and whether it is reachable from outside.

A Kubernetes Service needs a port to be found under a name; compose needs none. So a service without ports gets the one
that others call it on, that its image is known for, or that its Dockerfile says.
"""

import dataclasses
import re

from seaway.compose.importer import images, key_reader
from seaway.model import application
from seaway.syntax import diagnosis

NON_HTTP_PORTS = frozenset(
    (
        *(21, 22, 25, 53, 110, 143, 389, 443, 465, 514, 587, 636, 993, 995, 1025, 1433, 1521, 1883, 2049, 2181, 2379),
        *(3306, 4222, 5432, 5671, 5672, 6379, 6432, 6667, 7687, 8443, 8883, 9042, 9092, 9093, 9300, 11211, 26257),
        *(27017, 50051),
    )
)
"""TCP ports of other protocols; any other number is taken for HTTP."""

DEBUGGER_PORTS = frozenset((2345, 5005, 5858, 9229))
"""Ports of debuggers of Go, Java and Node, which nobody calls who is no developer."""

_APP_PROTOCOLS = {"http": "http", "http2": "http", "grpc": "grpc", "h2c": "grpc"}


MAX_RANGE = 1000
"""Ports of a range."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One port that a service listens on."""

    number: int
    protocol: application.Protocol
    place: diagnosis.SourceLocation
    source: str
    """The key that says it, or the reason why it is taken for one."""
    name: str = ""
    host_port: str | None = None
    """Port of the host."""
    loopback_only: bool = False
    """Published for the host itself only."""


def read_ports(keys: key_reader.KeyReader, profile: images.ImageProfile | None) -> list[Port]:
    """What a service says it listens on: `ports`, then `expose`; each number once."""
    found: dict[tuple[int, bool], Port] = {}
    for number, said in enumerate(keys.enter_sequence("ports")):
        target = parse_number(said.get_text("target"))
        if target is None:
            continue
        udp = said.get_text("protocol") == "udp"
        host = said.get_text("host_ip") or ""
        port = Port(
            number=target,
            protocol=guess_protocol(target, said.get_text("protocol"), said.get_text("app_protocol"), profile),
            place=said.locate("target"),
            source=f"ports.{number}",
            name=said.get_text("name") or "",
            host_port=said.get_text("published"),
            loopback_only=is_loopback(host),
        )
        before = found.get((target, udp))
        if before is None or (before.loopback_only and not port.loopback_only):
            found[target, udp] = port
    for number, text in enumerate(keys.get_texts("expose") or []):
        plain, _, kind = text.partition("/")
        for target in parse_range(plain):
            place = keys.locate(f"expose.{number}")
            port = Port(
                number=target,
                protocol=guess_protocol(target, kind, None, profile),
                place=place,
                source=f"expose.{number}",
            )
            found.setdefault((target, kind == "udp"), port)
    return list(found.values())


def parse_range(text: str) -> range:
    """``3000-3003``, or one port; nothing for what is none, or too many."""
    first, _, last = text.partition("-")
    start, end = parse_number(first), parse_number(last or first)
    return range(start, end + 1) if start and end and end - start < MAX_RANGE else range(0)


def is_loopback(host: str) -> bool:
    """Whether an address is that of a machine for itself."""
    return host.startswith("127.") or host in ("::1", "localhost")


def parse_number(text: str | None) -> int | None:
    """A port's number; None for what is none."""
    return int(text) if text and re.fullmatch(r"[0-9]{1,5}", text) and 0 < int(text) < 65536 else None


def guess_protocol(
    number: int, transport: str | None, app: str | None, profile: images.ImageProfile | None
) -> application.Protocol:
    """What is spoken: as it is said, as the image is known for, or as the number looks."""
    if transport == "udp":
        return "udp"
    if app is not None:
        return (
            "grpc" if _APP_PROTOCOLS.get(app.lower()) == "grpc" else "http" if app.lower() in _APP_PROTOCOLS else "tcp"
        )
    if profile is not None and number in profile.ports[:1]:
        return "http" if profile.http else "tcp"
    return "tcp" if number in NON_HTTP_PORTS else "http"


def choose_main(candidates: list[Port], *, store: bool = False) -> Port | None:
    """The one that a link leads to: a store's must be TCP; published before not, HTTP before others."""
    able = [one for one in candidates if not store or one.protocol != "udp"]

    def rank(one: Port) -> tuple[bool, bool, bool, bool]:
        spoken = one.protocol not in ("http", "grpc")
        return one.protocol == "udp", one.number in DEBUGGER_PORTS, spoken, one.host_port is None

    return min(able, key=rank, default=None)


def choose_name(port: Port, used_names: set[str]) -> str:
    """A name for another port: its own, where it can be one."""
    own = re.sub(r"[^a-z0-9]+", "-", port.name.lower()).strip("-")[:15].strip("-")
    plain = f"{'udp' if port.protocol == 'udp' else 'tcp'}-{port.number}"
    return own if own and own != "main" and re.search("[a-z]", own) and own not in used_names else plain
