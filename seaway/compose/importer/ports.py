"""Which port of a service is the main one, what is spoken on it, and whether it is reachable from outside.

A Kubernetes Service needs a port to be found under a name; compose needs none. So a service without ports gets the one
that others call it on, that its image is known for, or that its Dockerfile says.
"""

import dataclasses
import re

from seaway.compose.importer import images, key_reader
from seaway.model import application
from seaway.syntax import diagnosis

NOT_HTTP = frozenset(
    (
        *(21, 22, 25, 53, 110, 143, 389, 443, 465, 514, 587, 636, 993, 995, 1025, 1433, 1521, 1883, 2049, 2181, 2379),
        *(3306, 4222, 5432, 5671, 5672, 6379, 6432, 6667, 7687, 8443, 8883, 9042, 9092, 9093, 9300, 11211, 26257),
        *(27017, 50051),
    )
)
"""TCP ports of other protocols; any other number is taken for HTTP."""

DEBUGGERS = frozenset((2345, 5005, 5858, 9229))
"""Ports of debuggers of Go, Java and Node, which nobody calls who is no developer."""

_SPOKEN = {"http": "http", "http2": "http", "grpc": "grpc", "h2c": "grpc"}


MOST = 1000
"""Ports of a range."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One port that a service listens on."""

    number: int
    protocol: application.Protocol
    place: diagnosis.Place
    source: str
    """The key that says it, or the reason why it is taken for one."""
    name: str = ""
    published: str | None = None
    """Port of the host."""
    loopback: bool = False
    """Published for the host itself only."""


def read(one: key_reader.Part, fact: images.Fact | None) -> list[Port]:
    """What a service says it listens on: `ports`, then `expose`; each number once."""
    found: dict[tuple[int, bool], Port] = {}
    for number, said in enumerate(one.items("ports")):
        target = number_of(said.text("target"))
        if target is None:
            continue
        udp = said.text("protocol") == "udp"
        host = said.text("host_ip") or ""
        port = Port(
            number=target,
            protocol=protocol(target, said.text("protocol"), said.text("app_protocol"), fact),
            place=said.place("target"),
            source=f"ports.{number}",
            name=said.text("name") or "",
            published=said.text("published"),
            loopback=loopback(host),
        )
        before = found.get((target, udp))
        if before is None or (before.loopback and not port.loopback):
            found[target, udp] = port
    for number, text in enumerate(one.texts("expose") or []):
        plain, _, kind = text.partition("/")
        for target in span(plain):
            place = one.place(f"expose.{number}")
            port = Port(
                number=target, protocol=protocol(target, kind, None, fact), place=place, source=f"expose.{number}"
            )
            found.setdefault((target, kind == "udp"), port)
    return list(found.values())


def span(text: str) -> range:
    """``3000-3003``, or one port; nothing for what is none, or too many."""
    first, _, last = text.partition("-")
    start, end = number_of(first), number_of(last or first)
    return range(start, end + 1) if start and end and end - start < MOST else range(0)


def loopback(host: str) -> bool:
    """Whether an address is that of a machine for itself."""
    return host.startswith("127.") or host in ("::1", "localhost")


def number_of(text: str | None) -> int | None:
    """A port's number; None for what is none."""
    return int(text) if text and re.fullmatch(r"[0-9]{1,5}", text) and 0 < int(text) < 65536 else None


def protocol(number: int, transport: str | None, app: str | None, fact: images.Fact | None) -> application.Protocol:
    """What is spoken: as it is said, as the image is known for, or as the number looks."""
    if transport == "udp":
        return "udp"
    if app is not None:
        return "grpc" if _SPOKEN.get(app.lower()) == "grpc" else "http" if app.lower() in _SPOKEN else "tcp"
    if fact is not None and number in fact.ports[:1]:
        return "http" if fact.web else "tcp"
    return "tcp" if number in NOT_HTTP else "http"


def main(found: list[Port], *, store: bool = False) -> Port | None:
    """The one that a link leads to: a store's must be TCP; published before not, HTTP before others."""
    able = [one for one in found if not store or one.protocol != "udp"]

    def rank(one: Port) -> tuple[bool, bool, bool, bool]:
        spoken = one.protocol not in ("http", "grpc")
        return one.protocol == "udp", one.number in DEBUGGERS, spoken, one.published is None

    return min(able, key=rank, default=None)


def named(port: Port, taken: set[str]) -> str:
    """A name for another port: its own, where it can be one."""
    own = re.sub(r"[^a-z0-9]+", "-", port.name.lower()).strip("-")[:15].strip("-")
    plain = f"{'udp' if port.protocol == 'udp' else 'tcp'}-{port.number}"
    return own if own and own != "main" and re.search("[a-z]", own) and own not in taken else plain
