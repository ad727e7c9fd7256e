"""What a workload may reach outside of the application: the words of ``egress``, and the rules about them."""

import ipaddress
import re
from collections.abc import Iterator

from seaway.model import application
from seaway.model import egress as facts
from seaway.syntax import decode, diagnosis

_RANGE_HINT = "write internet, or addresses as 10.1.0.0/16 or 10.1.2.3/32:5432"
_ADDRESS = re.compile(r"(?P<address>[0-9.]+|[0-9A-Fa-f:]*::?[0-9A-Fa-f:.]*|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?")


def check(app: application.Application, locations: diagnosis.SourceLocations) -> Iterator[diagnosis.Diagnostic]:
    """Each word is ``internet`` or a range of addresses, and stands in the list once."""
    names = {one.name for one in app.get_workloads().values()}
    for path, one in app.get_workloads().items():
        meant: set[str] = set()
        for number, text in enumerate(one.egress):
            at = f"{path}.egress.{number}"
            if wrong := _find_error(text, names):
                yield diagnosis.Diagnostic(locations.find(at), at, *wrong)
            elif (word := str(facts.parse_range(text) or text)) in meant:
                yield diagnosis.Diagnostic(
                    locations.find(at), at, f"{word} is in the list twice", "remove one of the two"
                )
            else:
                meant.add(word)


def _find_error(text: str, names: set[str]) -> tuple[str, str] | None:  # noqa: PLR0911 - one return a cause
    """What is wrong with one word, and the way out."""
    quoted = diagnosis.quote(text)
    if text == facts.INTERNET:
        return None
    found = facts.parse_range(text)
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
    if decode.find_closest(text.lower(), [facts.INTERNET]):
        return f"{quoted} is no range of addresses", "did you mean internet?"
    if re.search("[A-Za-z]", text):
        return f"{quoted} is a name, and a network policy knows only addresses", _RANGE_HINT
    return f"{quoted} is no range of addresses", _RANGE_HINT


def _parse_address(text: str) -> facts.AddressRange | None:
    """The range that is one address, where somebody wrote only that."""
    found = _ADDRESS.fullmatch(text)
    try:
        address = ipaddress.ip_address(found["address"].strip("[]")) if found else None
    except ValueError:
        return None
    if not found or address is None:
        return None
    return facts.AddressRange(
        f"{address}/{address.max_prefixlen}", None if found["port"] is None else int(found["port"])
    )
