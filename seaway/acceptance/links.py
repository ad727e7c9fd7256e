"""Which connections an application declares: generated from ``calls``, without a look at its network policies."""

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from seaway.manifests import network, policies
from seaway.model import application, egress, external
from seaway.project import environments

METADATA_ADDRESS = "169.254.169.254"
"""The metadata service of clouds, which has the credentials of the machine."""

DNS_METRICS_PORT = 9153
"""Of the cluster's DNS server: a port in another namespace, beside the one that is open."""

Code = Literal["open-link", "closed-link", "external-store", "api-server", "metadata-service", "other-namespace"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A connection to try."""

    code: Code
    host: str
    port: int
    is_open: bool
    """Whether it must be possible."""
    subject: str
    """The target for people."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a pod listens."""

    address: str
    ports: Collection[int]
    """TCP ports on which it listens, declared or not, except those of its loopback interface."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Addresses outside of the application."""

    api_server: str
    """Address of its Service."""
    api_port: int
    is_api_server_on_node: bool
    """Whether it runs on the node of the pod, which policies cannot close.
    https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-resource"""
    dns_server: str
    """Its address; empty if it is unknown."""


def list_connections(
    environment: environments.Environment,
    caller: application.ServiceOrStore,
    endpoints: Mapping[str, Endpoint],
    outside: Outside,
) -> Iterator[Connection]:
    """The connections of a caller to the other workloads: what it calls is open, everything else closed.

    Connections that other declarations may open are left out. ``endpoints``: of the workloads that run.
    """
    app = environment.app
    for target in (*app.services, *app.stores):
        is_called = target.name in caller.calls
        declared = {port.port for port in network.list_ports(target) if network.get_transport_protocol(port) == "TCP"}
        if address := external.find_address(target):
            if address.host and is_called:
                for port in sorted(declared):
                    subject = f"{target.name} ({address.host}:{port})"
                    yield Connection(code="external-store", host=address.host, port=port, is_open=True, subject=subject)
        elif target.name != caller.name and (endpoint := endpoints.get(target.name)):
            opened = ({*endpoint.ports} if target.all_ports else declared) if is_called else set[int]()
            for port in sorted(opened):
                subject = f"{target.name}:{port}"
                yield Connection(code="open-link", host=target.name, port=port, is_open=True, subject=subject)
            for port in sorted({*endpoint.ports} - opened):
                if not _may_connect(environment, caller, target, endpoint.address, port):
                    undeclared = "" if port in declared else " (not declared)"
                    subject = f"{target.name}:{port}{undeclared}"
                    yield Connection(
                        code="closed-link", host=endpoint.address, port=port, is_open=False, subject=subject
                    )
    yield from _list_outside(caller, outside)


def _list_outside(caller: application.ServiceOrStore, outside: Outside) -> Iterator[Connection]:
    targets: list[tuple[Code, str, int, str]] = [
        ("metadata-service", METADATA_ADDRESS, 80, METADATA_ADDRESS),
        ("other-namespace", outside.dns_server, DNS_METRICS_PORT, f"kube-system, {outside.dns_server}"),
    ]
    if caller.kubernetes_api:
        yield Connection(
            code="api-server", host=outside.api_server, port=outside.api_port, is_open=True, subject="the API server"
        )
    elif not outside.is_api_server_on_node:
        targets.append(("api-server", outside.api_server, outside.api_port, "the API server"))
    for code, host, port, subject in targets:
        if host and not _has_egress(caller, host, port):
            yield Connection(code=code, host=host, port=port, is_open=False, subject=f"{subject}:{port}")


def _may_connect(
    environment: environments.Environment,
    caller: application.ServiceOrStore,
    target: application.ServiceOrStore,
    address: str,
    port: int,
) -> bool:
    """Whether declarations other than a link may open a connection inside the application."""
    is_published = network.is_published(environment.settings, target)
    return environment.opens_namespace or (is_published and _reaches(environment, caller, address, port))


def _reaches(
    environment: environments.Environment, caller: application.ServiceOrStore, address: str, port: int
) -> bool:
    """Whether a caller may open a connection to an address, apart from its links."""
    stores = [store for store in environment.app.stores if store.name in caller.calls]
    unknown = [store for store in stores if store.external and not external.find_ranges(store.external)]
    ports = {known.port for store in unknown for known in network.list_ports(store)}
    return _has_egress(caller, address, port) or port in ports or bool(unknown and not ports)


def _has_egress(caller: application.ServiceOrStore, address: str, port: int) -> bool:
    """Whether ``egress`` or access to the Kubernetes API opens an address."""
    ranges = filter(None, map(egress.parse_range, caller.egress))
    ip = external.parse_ip(address)
    return (bool(caller.kubernetes_api) and port in policies.API_PORTS) or any(
        ip and range_.port in (None, port) and egress.contains_address(range_, ip) for range_ in ranges
    )
