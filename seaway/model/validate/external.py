"""Rules about external stores: their host and address ranges. ``ports`` has the rule about their port."""

import re

from seaway.model import application, egress, ingress_hosts
from seaway.model import external as model_external
from seaway.syntax import diagnosis

_NAME = re.compile(rf"(?=.{{1,253}}$)({ingress_hosts.LABEL}\.)+(?![0-9]+$){ingress_hosts.LABEL}", re.IGNORECASE)
"""A DNS name with a domain: without one, it would depend on the namespace of the caller."""


def check(app: application.Application, locations: diagnosis.SourceLocations) -> diagnosis.Diagnostics:
    """The errors in the addresses of external stores."""
    for store in app.stores:
        if store.external is not None:
            part = locations.at(f"stores.{store.name}.external")
            host = store.external.host
            if host is not None:
                yield from check_host(host, part.at("host"))
            elif not store.external.cidrs and not part.has_undecoded("host", "cidrs"):
                message = "has no host, so the Pulumi program gives it, and no preview knows which addresses to open"
                hint = "add `host: db.example.com`, or for a host of the program `cidrs: [10.1.0.0/16]`"
                yield part.report("missing-value", message, hint)
            for index, text in enumerate(store.external.cidrs):
                yield from _check_range(text, part.at("cidrs", index))


def check_host(host: str, part: diagnosis.Part) -> diagnosis.Diagnostics:
    """A host is a DNS name with a domain, or an IP address."""
    if model_external.parse_ip(host) or _NAME.fullmatch(host):
        return
    hint = "write a name as db.example.com or db.other.svc.cluster.local, or an IP address"
    if match := re.search(r"([^/@:]+)(?::([0-9]+))?(?:[/?]|$)", host.partition("://")[2] or host):
        port = f" and port: {match[2]}" if match[2] else ""
        hint = f"write host: {match[1]}{port}" if _NAME.fullmatch(match[1]) else hint
    yield part.report(
        "invalid-host", f"{diagnosis.quote(host)} is neither a DNS name with a domain nor an IP address", hint
    )


def _check_range(text: str, part: diagnosis.Part) -> diagnosis.Diagnostics:
    parsed = egress.parse_range(text)
    if parsed is None or parsed.cidr != text:
        hint = f"write {parsed.cidr}" if parsed else "write a range as 10.1.0.0/16, or an address as 10.1.2.3/32"
        yield part.report("invalid-cidr", f"{diagnosis.quote(text)} is not a valid address range", hint)
