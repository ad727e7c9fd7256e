"""Rules about ``egress``: what a workload may reach outside of the application."""

import ipaddress
import re

from seaway.model import application
from seaway.model import egress as model_egress
from seaway.model.validate import parts, structure
from seaway.syntax import decode, diagnosis

_HINT = "write internet, or addresses as 10.1.0.0/16 or 10.1.2.3/32:5432"
_ADDRESS = re.compile(r"(?P<address>[0-9.]+|[0-9A-Fa-f:]*::?[0-9A-Fa-f:.]*|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?")

_MAX_ADDRESS_LENGTH = 53
"""Characters of an IPv6 address with an embedded IPv4 address, brackets and a port."""


def check(app: application.Application, locations: diagnosis.SourceLocations) -> diagnosis.Diagnostics:
    """Each target is ``internet`` or an address range, and is in the list once."""
    names = {workload.name for workload in app.get_workloads().values()}
    for workload, part in parts.list_workloads(app, locations):
        targets: set[str] = set()
        for index, text in enumerate(workload.egress):
            target = str(model_egress.parse_range(text) or text)
            if error := _find_error(text, names):
                yield part.at("egress", index).report("invalid-egress", *error)
            elif target in targets:
                yield structure.report_duplicate(target, part.at("egress", index))
            targets.add(target)


def _find_error(text: str, names: set[str]) -> tuple[str, str] | None:  # noqa: PLR0911 - one return per error
    """The message and the hint for a target; None: it is valid."""
    quoted = diagnosis.quote(text)
    if text == model_egress.INTERNET:
        return None
    address_range = model_egress.parse_range(text)
    if address_range and str(address_range) == text:
        is_valid = address_range.port in (None, *range(1, 65536))
        return None if is_valid else (f"{address_range.port} is not a valid port (1-65535)", _HINT)
    if address_range:
        return f"{quoted} does not begin at the first address of the range", f"write {address_range}"
    if single := _parse_address(text):
        return f"{quoted} is an address, not an address range", f"write {single}"
    if text in names:
        return f"{text} is part of the application", f"write `calls: [{text}]`"
    if decode.find_closest(text.lower(), [model_egress.INTERNET]):
        return f"{quoted} is not a valid address range", "did you mean internet?"
    if re.search("[A-Za-z]", text):
        return f"{quoted} is a name, but a network policy accepts only addresses", _HINT
    return f"{quoted} is not a valid address range", _HINT


def _parse_address(text: str) -> model_egress.AddressRange | None:
    """The range of one address, for the hint; None: the text is not an address."""
    # On a long text of colons, the expression would take minutes.
    match = _ADDRESS.fullmatch(text) if len(text) <= _MAX_ADDRESS_LENGTH else None
    try:
        address = ipaddress.ip_address(match["address"].strip("[]")) if match else None
    except ValueError:
        return None
    if not match or address is None:
        return None
    return model_egress.AddressRange(
        f"{address}/{address.max_prefixlen}", int(match["port"]) if match["port"] else None
    )
