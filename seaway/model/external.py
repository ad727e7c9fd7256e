"""External stores: they run elsewhere, and the application only connects to them."""

import dataclasses
import ipaddress
import re
from collections.abc import Collection, Mapping

from seaway.model import application

_NAMESPACE = re.compile(r"(?:[^.]+\.)+(?P<namespace>[^.]+)\.svc(?:\.cluster\.local)?")
"""https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/"""

UNKNOWN_HOST = "known-after-update"
"""Stands for a host that only the Pulumi program knows."""


def find_address(workload: application.AnyWorkload) -> application.External | None:
    """The address of an external store; None: it is another workload."""
    return workload.external if isinstance(workload, application.Store) else None


def format_address(workload: application.ServiceOrStore) -> str:
    """The host and the main port that its callers connect to: ``db:5432``, or ``db.example.com:5432``."""
    external = find_address(workload)
    host = (external.host or UNKNOWN_HOST) if external else workload.name
    host = f"[{host}]" if ":" in host else host
    return host if workload.port is None else f"{host}:{workload.port}"


def parse_ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address; None: the host is a name."""
    try:
        return None if "%" in host else ipaddress.ip_address(host)
    except ValueError:
        return None


def parse_namespace(external: application.External) -> str | None:
    """The namespace of a Service in the same cluster; None: the host is outside of it, an IP address or unknown."""
    match = _NAMESPACE.fullmatch(external.host or "")
    return match["namespace"] if match else None


def find_ranges(external: application.External) -> tuple[str, ...]:
    """The address ranges that callers may reach. Empty: they are unknown, or those of a namespace."""
    address = parse_ip(external.host or "")
    return external.cidrs or ((f"{address}/{address.max_prefixlen}",) if address else ())


def list_unknown_hosts(app: application.Application) -> list[str]:
    """The external stores whose host the Pulumi program gives, by name."""
    return [store.name for store in app.stores if store.external and store.external.host is None]


def fill_hosts(app: application.Application, hosts: Mapping[str, str]) -> application.Application:
    """The application with the hosts that the Pulumi program gives, by store."""
    stores = (
        dataclasses.replace(store, external=dataclasses.replace(store.external, host=hosts[store.name]))
        if store.external and store.name in hosts
        else store
        for store in app.stores
    )
    return dataclasses.replace(app, stores=tuple(stores))


def list_secret_names(app: application.Application) -> Collection[str]:
    """The secrets that external stores list: their values are set elsewhere, so the stack cannot generate them."""
    containers = [container for store in app.stores if store.external for container in store.list_containers()]
    return {secret.name for container in containers for secret in container.secrets}


def resolve_stores(app: application.Application) -> application.Application:
    """The application where external stores have only an address and ports, and no secret of theirs is generated."""
    names = list_secret_names(app)
    app = dataclasses.replace(app, stores=tuple(map(resolve_store, app.stores)))

    return app.replace_containers(
        lambda _, container: {
            "secrets": tuple(
                dataclasses.replace(secret, generate=None) if secret.name in names else secret
                for secret in container.secrets
            )
        }
    )


def resolve_store(store: application.Store) -> application.Store:
    """An external store with only its address and ports: its image, volumes and publication are for other environments.

    Other stores are unchanged.
    """
    if store.external is None:
        return store
    return application.Store(
        store.name,
        external=store.external,
        port=store.port if store.external.port is None else store.external.port,
        protocol=store.protocol,
        ports=tuple(dataclasses.replace(port, publish=False) for port in store.ports),
        all_ports=store.all_ports,
    )
