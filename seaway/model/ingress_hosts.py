"""The addresses that an ingress controller serves for the published services and stores."""

import dataclasses
import re

from seaway.model import application, settings

LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(\*\.)?{LABEL}(\.{LABEL})*")
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()+,;=:@%-]+)*/?")

INGRESS_PROTOCOLS = ("http", "grpc")
"""The protocols that an Ingress routes. https://kubernetes.io/docs/concepts/services-networking/ingress/"""


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """A host and a path prefix."""

    host: str
    path: str

    def __str__(self) -> str:
        return f"{self.host}{self.path}"


def parse_address(text: str) -> Address | None:
    """``shop.example.com/api``; without a path, all paths of the host. None: it is not an address."""
    host, slash, path = text.partition("/")
    if len(host) > 253 or not _HOST.fullmatch(host) or not _PATH.fullmatch(f"{slash}{path}"):
        return None
    return Address(host, f"/{path.rstrip('/')}")


def get_addresses(stack_settings: settings.Settings, workload: application.ServiceOrStore) -> tuple[Address, ...]:
    """The addresses that the ingress routes to a workload, sorted."""
    if stack_settings.publish != "ingress" or not workload.publish:
        return ()
    addresses = (parse_address(text) for text in stack_settings.ingress.hosts.get(workload.name, ()))
    return tuple(sorted(filter(None, addresses), key=lambda address: (address.host, address.path)))


def has_tls(ingress: settings.Ingress) -> bool:
    """Whether the ingress has certificates."""
    return ingress.tls_secret is not None or ingress.issuer is not None


def format_urls(stack_settings: settings.Settings, workload: application.ServiceOrStore) -> list[str]:
    """The URLs of a workload in a browser: ``https://shop.example.com/api``."""
    scheme = "https" if has_tls(stack_settings.ingress) else "http"
    return [f"{scheme}://{address}" for address in get_addresses(stack_settings, workload)]
