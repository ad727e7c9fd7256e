"""Address ranges that a workload may reach outside of the application (``egress``)."""

import dataclasses
import ipaddress
import re

INTERNET = "internet"
"""All public addresses."""


_RANGE = re.compile(r"(?P<address>[0-9A-Fa-f.:]+)/(?P<bits>[0-9]{1,3})(:(?P<port>[0-9]{1,5}))?")


@dataclasses.dataclass(frozen=True, slots=True)
class AddressRange:
    """A range of addresses with a port; None: all ports."""

    cidr: str
    port: int | None = None

    def __str__(self) -> str:
        return self.cidr if self.port is None else f"{self.cidr}:{self.port}"


def parse_range(text: str) -> AddressRange | None:
    """``10.1.0.0/16`` or ``10.1.2.3/32:5432``; None: it is not a range.

    The text may name any address in the range; the result has the first address.
    """
    match = _RANGE.fullmatch(text)
    if not match:
        return None
    try:
        network = ipaddress.ip_network(f"{match['address']}/{match['bits']}", strict=False)
    except ValueError:
        return None
    return AddressRange(str(network), int(match["port"]) if match["port"] else None)


def contains_address(range_: AddressRange, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether a range contains an address."""
    return address in ipaddress.ip_network(range_.cidr)
