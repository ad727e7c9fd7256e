"""How pods are reached: one Service for each thing that has a port."""

from collections.abc import Mapping, Sequence
from typing import Any

from seaway.manifests import names
from seaway.model import application, ingress_hosts, settings
from seaway.model import ports as listened

MAIN_PORT_NAME = "main"
"""Name of the main port; Kubernetes allows 15 characters."""

_SERVICE_TYPES: dict[settings.PublishMode, str] = {
    "none": "ClusterIP",
    "ingress": "ClusterIP",  # an Ingress stands before it
    "nodePort": "NodePort",
    "loadBalancer": "LoadBalancer",
}

_APP_PROTOCOLS: Mapping[application.Protocol, str] = {"grpc": "kubernetes.io/h2c"}
"""What a proxy must know: gRPC is HTTP/2 without TLS. Without a word it takes HTTP/1.1, or bytes.
https://kubernetes.io/docs/concepts/services-networking/service/#application-protocol"""


def list_ports(workload: application.WorkloadSpec) -> list[application.Port]:
    """All ports that the main container listens on, the main one first."""
    match workload:
        case application.Service():
            main = (
                None
                if workload.port is None
                else application.Port(MAIN_PORT_NAME, port=workload.port, protocol=workload.protocol)
            )
        case application.Store():
            main = (
                None
                if workload.port is None
                else application.Port(MAIN_PORT_NAME, port=workload.port, protocol=workload.protocol)
            )
        case _:
            return []
    return [*([main] if main else []), *sorted(workload.ports, key=lambda one: one.name)]


def build_container_ports(workload: application.WorkloadSpec) -> list[dict[str, Any]]:
    """The same, as the container has them."""
    return [
        {"name": one.name, "containerPort": one.port, "protocol": get_transport_protocol(one)}
        for one in list_ports(workload)
    ]


def get_transport_protocol(port: application.Port) -> str:
    """What the cluster's network calls it."""
    return "UDP" if port.protocol == "udp" else "TCP"


def build_service(
    scope: names.Scope, service: application.Service, *, exposure: settings.PublishMode, annotations: Mapping[str, str]
) -> dict[str, Any]:
    """The Service of a service. Node ports are left to the cluster: a fixed one can be taken by another stack.

    ``told``: annotations for whoever leads requests to it.
    """
    kind = {"type": _SERVICE_TYPES[exposure if list_published_ports(service) else "none"]}
    return _assemble_service(scope, service.name, list_ports(service), kind, annotations)


def list_published_ports(workload: application.WorkloadSpec) -> list[application.Port]:
    """The ports that are reachable from outside, if the environment opens any."""
    if not isinstance(workload, application.Service | application.Store):
        return []
    return [one for one in list_ports(workload) if (workload.publish if one.name == MAIN_PORT_NAME else one.publish)]


def build_published_service(
    scope: names.Scope, store: application.Store, stack_settings: settings.Settings
) -> dict[str, Any] | None:
    """Another Service of a store, with the ports that are reachable from outside: a headless one opens none, and not
    every ingress controller finds the pods behind it."""
    found, kind = list_published_ports(store), {"type": _SERVICE_TYPES[stack_settings.publish]}
    if not found or (kind["type"] == "ClusterIP" and not ingress_hosts.get_addresses(stack_settings, store)):
        return None
    return _assemble_service(scope, get_published_service_name(store), found, kind, {}, owner=store.name)


def get_published_service_name(workload: application.Service | application.Store) -> str:
    """Of the Service by which something is reached from outside."""
    return f"{workload.name}{listened.PUBLISHED_SUFFIX}" if isinstance(workload, application.Store) else workload.name


def build_headless_service(scope: names.Scope, workload: application.Service | application.Store) -> dict[str, Any]:
    """The Service of a store: its name is the address of its one pod, without a proxy between. So is that of a service
    of which nobody knows the ports: without a proxy there need be none.

    https://kubernetes.io/docs/concepts/services-networking/service/#headless-services
    """
    return _assemble_service(scope, workload.name, list_ports(workload), {"type": "ClusterIP", "clusterIP": "None"}, {})


def _assemble_service(  # noqa: PLR0917 - as the object has them
    scope: names.Scope,
    name: str,
    ports: Sequence[application.Port],
    kind: dict[str, Any],
    extra_annotations: Mapping[str, str],
    owner: str | None = None,
) -> dict[str, Any]:
    # Pulumi's wait for a Service sleeps 10 s and says nothing that the rollout's wait does not.
    annotations = {"pulumi.com/skipAwait": "true", **extra_annotations}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": names.build_metadata(scope, name, annotations=annotations, owner=owner),
        "spec": kind
        | {"selector": names.build_selector(scope, owner or name)}
        | ({"ports": [_build_service_port(one) for one in ports]} if ports else {}),
    }


def _build_service_port(port: application.Port) -> dict[str, Any]:
    spoken = {"appProtocol": _APP_PROTOCOLS[port.protocol]} if port.protocol in _APP_PROTOCOLS else {}
    return {
        "name": port.name,
        "port": port.port,
        "targetPort": port.name,
        "protocol": get_transport_protocol(port),
    } | spoken
