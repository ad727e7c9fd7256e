"""Expands the short form of `ports`: ``8080``, ``80:8080``, ``127.0.0.1:80:8080/udp``, ``9000-9005:9000-9005``.

https://docs.docker.com/reference/compose-file/services/#ports
"""

import ipaddress
import re
from collections.abc import Iterator

from seaway.compose.loader import tree
from seaway.syntax import diagnosis, nodes

MAX_PORTS = 1000
"""Of one range: each port becomes an entry."""

_SHORT = re.compile(
    r"(?:(?:(?P<host>\[[^\]]*\]|[^\[\]]*):)?(?P<published>[0-9-]*):)?(?P<target>[0-9-]+)(?:/(?P<protocol>[a-zA-Z]*))?"
)
_RANGE = re.compile(r"(?P<first>[0-9]{1,5})(?:-(?P<last>[0-9]{1,5}))?")
_HINT = "write it as 8080:80, 127.0.0.1:8080:80/udp or 9000-9005:9000-9005"


def expand(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
    """Each port as {target, published, host_ip, protocol, mode}."""
    if not isinstance(node, nodes.SequenceNode):
        return node
    ports: list[nodes.Node] = []
    for number, entry in enumerate(node.items):
        if not isinstance(entry, nodes.ScalarNode):
            ports.append(entry)
            continue
        try:
            ports += _expand_port(entry)
        except ValueError as error:
            message = f"{diagnosis.quote(entry.text)} {error}"
            errors.add(entry, tree.join(path, number), "invalid-port", message, _HINT)
    return nodes.SequenceNode(node.location, tuple(ports))


def _expand_port(entry: nodes.ScalarNode) -> Iterator[nodes.Node]:
    match = _SHORT.fullmatch(entry.text)
    if match is None:
        raise ValueError("is not a valid port")
    host = match["host"] or ""
    address = host[1:-1] if host.startswith("[") else host
    if address:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise ValueError(f"has an invalid host address: {diagnosis.quote(address)}") from None
    protocol = (match["protocol"] or "tcp").lower()
    if protocol not in ("tcp", "udp", "sctp"):
        raise ValueError(f"has the protocol {protocol}, not tcp, udp or sctp")
    first, last = _parse_range(match["target"])
    published = _parse_range(match["published"], minimum=0) if match["published"] else None
    if last - first >= MAX_PORTS:
        raise ValueError(f"has {last - first + 1} ports, and the maximum is {MAX_PORTS}")
    if published and first != last and published[1] - published[0] != last - first:
        raise ValueError("has two ranges of different lengths")
    for target in range(first, last + 1):
        host_port = None
        if published:
            start, end = published
            # A range for one port means any free port of it. 0 is any free port.
            host_port = f"{start}-{end}" if first == last and start != end else str(start + target - first)
        fields: dict[str, nodes.Node | str | None] = {
            "mode": "ingress",
            "host_ip": address or None,
            "target": nodes.parse_scalar(str(target), entry.location),
            "published": host_port,
            "protocol": protocol,
        }
        yield tree.make_mapping(entry.location, fields)


def _parse_range(text: str, *, minimum: int = 1) -> tuple[int, int]:
    match = _RANGE.fullmatch(text)
    first, last = (int(match["first"]), int(match["last"] or match["first"])) if match else (0, 0)
    if not match or not minimum <= first <= last <= 65535:
        raise ValueError("has a port outside 1-65535")
    return first, last
