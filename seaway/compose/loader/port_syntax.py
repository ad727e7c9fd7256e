"""The short form of `ports`: ``8080``, ``80:8080``, ``127.0.0.1:80:8080/udp``, ``9000-9005:9000-9005``.

https://docs.docker.com/reference/compose-file/services/#ports
"""

import ipaddress
import re
from collections.abc import Iterator

from seaway.compose.loader import tree
from seaway.syntax import diagnosis, nodes

MAX_PORTS = 1000
"""Of one range; each becomes an entry of its own."""

_SHORT = re.compile(
    r"(?:(?:(?P<host>\[[^\]]*\]|[^\[\]]*):)?(?P<published>[0-9-]*):)?(?P<target>[0-9-]+)(?:/(?P<protocol>[a-zA-Z]*))?"
)
_RANGE = re.compile(r"(?P<first>[0-9]{1,5})(?:-(?P<last>[0-9]{1,5}))?")
_HINT = "write it as 8080:80, 127.0.0.1:8080:80/udp or 9000-9005:9000-9005"


def expand(node: nodes.Node, path: str, found: list[diagnosis.Diagnostic]) -> nodes.Node:
    """Every port as {target, published, host_ip, protocol, mode}."""
    if not isinstance(node, nodes.SequenceNode):
        return node
    done: list[nodes.Node] = []
    for number, item in enumerate(node.items):
        if not isinstance(item, nodes.ScalarNode):
            done.append(item)
            continue
        try:
            done += _expand_port(item)
        except ValueError as error:
            wrong = f"{diagnosis.quote(item.text)} {error}"
            found.append(diagnosis.Diagnostic(item.location, tree.join(path, number), wrong, _HINT))
    return nodes.SequenceNode(node.location, tuple(done))


def _expand_port(item: nodes.ScalarNode) -> Iterator[nodes.Node]:
    said = _SHORT.fullmatch(item.text)
    if said is None:
        raise ValueError("is no port")
    host = said["host"] or ""
    address = host[1:-1] if host.startswith("[") else host
    if address:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise ValueError(f"has no address of this machine: {diagnosis.quote(address)}") from None
    protocol = (said["protocol"] or "tcp").lower()
    if protocol not in ("tcp", "udp", "sctp"):
        raise ValueError(f"has the protocol {protocol}, not tcp, udp or sctp")
    first, last = _parse_range(said["target"])
    published = _parse_range(said["published"], minimum=0) if said["published"] else None
    if last - first >= MAX_PORTS:
        raise ValueError(f"is {last - first + 1} ports, and {MAX_PORTS} are the most")
    if published and first != last and published[1] - published[0] != last - first:
        raise ValueError("has two ranges that are not of the same length")
    for number in range(first, last + 1):
        outside = None
        if published:
            start, end = published
            # 0 is any that is free.
            outside = f"{start}-{end}" if first == last and start != end else str(start + number - first)
        said_so = {
            "mode": "ingress",
            "host_ip": address or None,
            "target": nodes.parse_scalar(str(number), item.location),
        }
        yield tree.make_mapping(item.location, {**said_so, "published": outside, "protocol": protocol})


def _parse_range(text: str, *, minimum: int = 1) -> tuple[int, int]:
    said = _RANGE.fullmatch(text)
    first, last = (int(said["first"]), int(said["last"] or said["first"])) if said else (0, 0)
    if not said or not minimum <= first <= last <= 65535:
        raise ValueError("has no port from 1 to 65535")
    return first, last
