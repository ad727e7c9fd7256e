"""The Gateway of a stack, and the routes of each published service, for controllers of the Gateway API.

https://gateway-api.sigs.k8s.io/concepts/api-overview/
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from seaway.manifests import ingress, names, network
from seaway.model import application, ingress_hosts
from seaway.project import environments

NAME_LIMIT = 253
"""Characters of the name of an object. https://kubernetes.io/docs/concepts/overview/working-with-objects/names/"""

_REDIRECT = "https-redirect"
_SECURE_LISTENER = "https"
_SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
"""The rollout waits for the routes and the Gateway."""


def build_gateway(environment: environments.Environment) -> dict[str, Any] | None:
    """The stack's own Gateway, with a listener for plain HTTP and one for HTTPS, or with an issuer one for each host.

    cert-manager creates the certificate of each host of a listener: https://cert-manager.io/docs/usage/gateway/
    None if the stack has none.
    """
    class_name, issuer = environment.settings.gateway.class_name, environment.settings.ingress.issuer
    hosts = sorted({address.host for _, address in _list_addresses(environment)})
    if environment.settings.publish != "gateway" or class_name is None or not hosts:
        return None
    listeners: list[dict[str, Any]] = [{"name": ingress_hosts.PLAIN_LISTENER, "port": 80, "protocol": "HTTP"}]
    if tls_secret := environment.settings.ingress.tls_secret:
        namespace, name = ingress_hosts.split_secret(tls_secret)
        reference = {"name": name} | ({"namespace": namespace} if namespace else {})
        listeners.append(_build_secure_listener(_SECURE_LISTENER, reference))
    elif issuer:
        for host in hosts:
            reference = {"name": ingress.format_host_name("tls", host)}
            listener = _build_secure_listener(ingress.format_host_name(_SECURE_LISTENER, host), reference)
            listeners.append(listener | {"hostname": host})
    manifest = names.build_shared_object(environment, "Gateway", get_gateway_name(environment))
    manifest["metadata"]["annotations"] |= _SKIP_AWAIT | ({"cert-manager.io/cluster-issuer": issuer} if issuer else {})
    return manifest | {"spec": {"gatewayClassName": class_name, "listeners": listeners}}


def get_gateway_name(environment: environments.Environment) -> str:
    """The name of the Gateway, the stack's own or another."""
    return environment.settings.gateway.name or environment.app.name


def build_routes(
    environment: environments.Environment, workload: application.ServiceOrStore
) -> Iterator[dict[str, Any]]:
    """A route for each host of a workload: its listener and its certificate may be its own."""
    if environment.settings.publish != "gateway":
        return
    addresses = ingress_hosts.get_addresses(environment.settings, workload)
    backend = {"name": network.get_published_service_name(workload), "port": workload.port}
    for host, group in itertools.groupby(addresses, key=lambda address: address.host):
        kind = "GRPCRoute" if host in _list_grpc_hosts(environment) else "HTTPRoute"
        rule = {
            "matches": [_build_match(environment, workload, kind, address.path) for address in group],
            "backendRefs": [backend],
        }
        name = names.shorten_name(ingress.format_host_name(workload.name, host), NAME_LIMIT)
        route = names.build_object(environment, kind, name, owner=workload.name, annotations=_SKIP_AWAIT)
        parents = _build_parents(environment, host)
        yield route | {"spec": {"parentRefs": parents, "hostnames": [host], "rules": [rule]}}


def build_redirects(environment: environments.Environment) -> Iterator[dict[str, Any]]:
    """A route for each host on the listener for plain HTTP. Clients of gRPC follow no redirect."""
    for host in _list_redirected_hosts(environment):
        name = names.shorten_name(ingress.format_host_name(_REDIRECT, host), NAME_LIMIT)
        route = names.build_shared_object(environment, "HTTPRoute", name)
        route["metadata"]["annotations"] |= _SKIP_AWAIT
        redirect = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}
        listener = environment.settings.gateway.http_listener or ingress_hosts.PLAIN_LISTENER
        parents = [_build_parent(environment, listener)]
        yield route | {"spec": {"parentRefs": parents, "hostnames": [host], "rules": [{"filters": [redirect]}]}}


def _list_redirected_hosts(environment: environments.Environment) -> list[str]:
    stack_settings = environment.settings
    if stack_settings.publish != "gateway" or not stack_settings.ingress.redirect:
        return []
    if ingress_hosts.uses_other_gateway(stack_settings):
        is_redirected = stack_settings.gateway.http_listener is not None
    else:
        is_redirected = ingress_hosts.has_tls(stack_settings)
    hosts = {address.host for _, address in _list_addresses(environment)} - _list_grpc_hosts(environment)
    return sorted(hosts) if is_redirected else []


def _list_addresses(
    environment: environments.Environment,
) -> Iterator[tuple[application.ServiceOrStore, ingress_hosts.Address]]:
    for workload in (*environment.app.services, *environment.app.stores):
        for address in ingress_hosts.get_addresses(environment.settings, workload):
            yield workload, address


def _list_grpc_hosts(environment: environments.Environment) -> set[str]:
    """The hosts that speak gRPC only. An HTTPRoute and a GRPCRoute cannot share a host, and an HTTPRoute routes both.

    https://gateway-api.sigs.k8s.io/api-types/grpcroute/#cross-serving
    """
    pairs = [*_list_addresses(environment)]
    return {address.host for workload, address in pairs if workload.protocol == "grpc"} - {
        address.host for workload, address in pairs if workload.protocol != "grpc"
    }


def _build_match(
    environment: environments.Environment, workload: application.ServiceOrStore, kind: str, path: str
) -> dict[str, Any]:
    """The requests of an address. The path of a gRPC request has its service and its method: ``/shop.Orders/List``."""
    match: dict[str, Any] = {}
    if kind == "HTTPRoute":
        match["path"] = {"type": "PathPrefix", "value": path}
    elif path != "/":
        service, _, method = path.removeprefix("/").partition("/")
        match["method"] = {"type": "Exact", "service": service} | ({"method": method} if method else {})
    if headers := environment.settings.gateway.headers.get(workload.name):
        match["headers"] = [{"type": "Exact", "name": name, "value": text} for name, text in sorted(headers.items())]
    return match


def _build_parents(environment: environments.Environment, host: str) -> Sequence[dict[str, Any]]:
    """The listeners of a host."""
    stack_settings = environment.settings
    if ingress_hosts.uses_other_gateway(stack_settings):
        return [_build_parent(environment, stack_settings.gateway.listener)]
    if not ingress_hosts.has_tls(stack_settings):
        return [_build_parent(environment, ingress_hosts.PLAIN_LISTENER)]
    has_own = stack_settings.ingress.tls_secret is None
    secure = ingress.format_host_name(_SECURE_LISTENER, host) if has_own else _SECURE_LISTENER
    listeners = [secure] if stack_settings.ingress.redirect else [ingress_hosts.PLAIN_LISTENER, secure]
    return [_build_parent(environment, listener) for listener in listeners]


def _build_parent(environment: environments.Environment, listener: str | None) -> dict[str, Any]:
    parent: dict[str, Any] = {"name": get_gateway_name(environment)}
    if namespace := environment.settings.gateway.namespace:
        parent["namespace"] = namespace
    return parent | ({"sectionName": listener} if listener else {})


def _build_secure_listener(name: str, certificate: dict[str, str]) -> dict[str, Any]:
    return {"name": name, "port": 443, "protocol": "HTTPS", "tls": {"certificateRefs": [certificate]}}
