"""The addresses that an ingress controller or a Gateway serves for the published services and stores."""

import dataclasses
import re

from seaway.model import application, settings

LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(\*\.)?{LABEL}(\.{LABEL})*")
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()+,;=:@%-]+)*/?")

INGRESS_PROTOCOLS = ("http", "grpc")
"""The protocols that an Ingress or a Gateway routes. https://kubernetes.io/docs/concepts/services-networking/ingress/"""

ROUTED_MODES = ("ingress", "gateway")
"""The values of ``seaway:publish`` where a host leads to a workload."""

PLAIN_LISTENER = "http"
"""The listener of plain HTTP: of the stack's own Gateway, and by custom of others."""


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
    """The addresses that the ingress controller or the Gateway routes to a workload, sorted."""
    if stack_settings.publish not in ROUTED_MODES or not workload.publish:
        return ()
    addresses = (parse_address(text) for text in stack_settings.ingress.hosts.get(workload.name, ()))
    return tuple(sorted(filter(None, addresses), key=lambda address: (address.host, address.path)))


def uses_other_gateway(stack_settings: settings.Settings) -> bool:
    """Whether the requests come through a Gateway that is not of the stack, which has certificates of its own."""
    return stack_settings.publish == "gateway" and stack_settings.gateway.class_name is None


def has_tls(stack_settings: settings.Settings) -> bool:
    """Whether the addresses have certificates. Of another Gateway only the name of the listener is known."""
    if uses_other_gateway(stack_settings):
        return stack_settings.gateway.listener != PLAIN_LISTENER
    return stack_settings.ingress.tls_secret is not None or stack_settings.ingress.issuer is not None


def split_secret(tls_secret: str) -> tuple[str | None, str]:
    """The namespace, if there is one, and the name of a Secret: ``certificates/shop``."""
    namespace, slash, name = tls_secret.rpartition("/")
    return (namespace if slash else None), name


def format_urls(stack_settings: settings.Settings, workload: application.ServiceOrStore) -> list[str]:
    """The URLs of a workload in a browser: ``https://shop.example.com/api``."""
    scheme = "https" if has_tls(stack_settings) else "http"
    return [f"{scheme}://{address}" for address in get_addresses(stack_settings, workload)]
