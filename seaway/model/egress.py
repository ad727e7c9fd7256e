"""Address ranges that a workload may reach outside of the application (``egress``)."""

import dataclasses
import ipaddress
import re

INTERNET = "internet"
"""Every public address."""


_RANGE = re.compile(r"(?P<address>[0-9A-Fa-f.:]+)/(?P<bits>[0-9]{1,3})(:(?P<port>[0-9]{1,5}))?")


@dataclasses.dataclass(frozen=True, slots=True)
class AddressRange:
    """A range of addresses, and the one port of them that is meant; None: every port."""

    cidr: str
    port: int | None = None

    def __str__(self) -> str:
        return self.cidr if self.port is None else f"{self.cidr}:{self.port}"


def parse_range(text: str) -> AddressRange | None:
    """``10.1.0.0/16`` or ``10.1.2.3/32:5432``, as it is meant; None: it is no range of addresses.

    A range may be written from any address in it; what comes back begins where the range does.
    """
    found = _RANGE.fullmatch(text)
    if not found:
        return None
    try:
        network = ipaddress.ip_network(f"{found['address']}/{found['bits']}", strict=False)
    except ValueError:
        return None
    return AddressRange(str(network), None if found["port"] is None else int(found["port"]))
