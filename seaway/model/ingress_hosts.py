"""The addresses that an ingress controller serves for the published services and stores."""

import dataclasses
import re

from seaway.model import application, settings

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*")
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()+,;=:@%-]+)*/?")

INGRESS_PROTOCOLS = ("http", "grpc")
"""What an Ingress leads. https://kubernetes.io/docs/concepts/services-networking/ingress/"""


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """A host, and what its paths begin with."""

    host: str
    path: str

    def __str__(self) -> str:
        return f"{self.host}{self.path}"


def parse_address(text: str) -> Address | None:
    """``shop.example.com/api``; without a path, every path of the host. None: it is no such thing."""
    host, slash, path = text.partition("/")
    if len(host) > 253 or not _HOST.fullmatch(host) or not _PATH.fullmatch(f"{slash}{path}"):
        return None
    return Address(host, f"/{path.rstrip('/')}")


def get_addresses(
    stack_settings: settings.Settings, workload: application.Service | application.Store
) -> tuple[Address, ...]:
    """What is led to a service, sorted; nothing where it is not exposed, or not by an ingress."""
    if stack_settings.publish != "ingress" or not workload.publish:
        return ()
    found = (parse_address(text) for text in stack_settings.ingress.hosts.get(workload.name, ()))
    return tuple(sorted((one for one in found if one), key=lambda one: (one.host, one.path)))


def has_tls(ingress: settings.Ingress) -> bool:
    """Whether there are certificates."""
    return ingress.tls_secret is not None or ingress.issuer is not None


def format_urls(stack_settings: settings.Settings, workload: application.Service | application.Store) -> list[str]:
    """Where a person finds a service, as a browser shows it: ``https://shop.example.com/api``."""
    scheme = "https" if has_tls(stack_settings.ingress) else "http"
    return [f"{scheme}://{one}" for one in get_addresses(stack_settings, workload)]
