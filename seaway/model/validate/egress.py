"""What a workload may reach outside of the application: the words of ``egress``, and the rules about them."""

import dataclasses
import ipaddress
import re
from collections.abc import Iterator

from seaway.model import application
from seaway.model.validate import structure
from seaway.syntax import decode, diagnosis

INTERNET = "internet"
"""Every public address."""

_RANGE_HINT = "write internet, or addresses as 10.1.0.0/16 or 10.1.2.3/32:5432"
_RANGE = re.compile(r"(?P<address>[0-9A-Fa-f.:]+)/(?P<bits>[0-9]{1,3})(:(?P<port>[0-9]{1,5}))?")
_ADDRESS = re.compile(r"(?P<address>[0-9.]+|[0-9A-Fa-f:]*::?[0-9A-Fa-f:.]*|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?")


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


def check(app: application.Application, locations: diagnosis.SourceLocations) -> Iterator[diagnosis.Diagnostic]:
    """Each word is ``internet`` or a range of addresses, and stands in the list once."""
    names = {one.name for one in structure.get_workloads(app).values()}
    for path, one in structure.get_workloads(app).items():
        meant: set[str] = set()
        for number, text in enumerate(one.egress):
            at = f"{path}.egress.{number}"
            if wrong := _find_error(text, names):
                yield diagnosis.Diagnostic(locations.find(at), at, *wrong)
            elif (word := str(parse_range(text) or text)) in meant:
                yield diagnosis.Diagnostic(
                    locations.find(at), at, f"{word} is in the list twice", "remove one of the two"
                )
            else:
                meant.add(word)


def _find_error(text: str, names: set[str]) -> tuple[str, str] | None:  # noqa: PLR0911 - one return a cause
    """What is wrong with one word, and the way out."""
    quoted = diagnosis.quote(text)
    if text == INTERNET:
        return None
    found = parse_range(text)
    if found and str(found) == text:
        return (
            None if found.port in (None, *range(1, 65536)) else (f"{found.port} is no port (1 to 65535)", _RANGE_HINT)
        )
    if found:
        return f"{quoted} does not begin where the range does", f"write {found}"
    if exact := _parse_address(text):
        return f"{quoted} is one address, and a range of them is wanted", f"write {exact}"
    if text in names:
        return f"{text} is part of the application", f"write `calls: [{text}]`"
    if decode.find_closest(text.lower(), [INTERNET]):
        return f"{quoted} is no range of addresses", "did you mean internet?"
    if re.search("[A-Za-z]", text):
        return f"{quoted} is a name, and a network policy knows only addresses", _RANGE_HINT
    return f"{quoted} is no range of addresses", _RANGE_HINT


def _parse_address(text: str) -> AddressRange | None:
    """The range that is one address, where somebody wrote only that."""
    found = _ADDRESS.fullmatch(text)
    try:
        address = ipaddress.ip_address(found["address"].strip("[]")) if found else None
    except ValueError:
        return None
    if not found or address is None:
        return None
    return AddressRange(f"{address}/{address.max_prefixlen}", None if found["port"] is None else int(found["port"]))
