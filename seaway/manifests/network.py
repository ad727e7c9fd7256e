"""How pods are reached: one Service for each thing that has a port."""

from collections.abc import Mapping, Sequence
from typing import Any

from seaway.manifests import names
from seaway.model import application, settings
from seaway.model.validate import ingress_hosts
from seaway.model.validate import ports as listened

PORT_NAME = "main"
"""Name of the main port; Kubernetes allows 15 characters."""

_TYPES: dict[settings.Exposure, str] = {
    "clusterIP": "ClusterIP",
    "ingress": "ClusterIP",  # an Ingress stands before it
    "nodePort": "NodePort",
    "loadBalancer": "LoadBalancer",
}

_SPOKEN: Mapping[application.Protocol, str] = {"grpc": "kubernetes.io/h2c"}
"""What a proxy must know: gRPC is HTTP/2 without TLS. Without a word it takes HTTP/1.1, or bytes.
https://kubernetes.io/docs/concepts/services-networking/service/#application-protocol"""


def ports(each: application.Container) -> list[application.Port]:
    """All ports that the main container listens on, the main one first."""
    match each:
        case application.Service():
            main = None if each.port is None else application.Port(PORT_NAME, port=each.port, protocol=each.protocol)
        case application.Store():
            main = None if each.port is None else application.Port(PORT_NAME, port=each.port, protocol=each.protocol)
        case _:
            return []
    return [*([main] if main else []), *sorted(each.ports, key=lambda one: one.name)]


def listening(each: application.Container) -> list[dict[str, Any]]:
    """The same, as the container has them."""
    return [{"name": one.name, "containerPort": one.port, "protocol": transport(one)} for one in ports(each)]


def transport(port: application.Port) -> str:
    """What the cluster's network calls it."""
    return "UDP" if port.protocol == "udp" else "TCP"


def service(
    scope: names.Scope, each: application.Service, *, exposure: settings.Exposure, told: Mapping[str, str]
) -> dict[str, Any]:
    """The Service of a service. Node ports are left to the cluster: a fixed one can be taken by another stack.

    ``told``: annotations for whoever leads requests to it.
    """
    kind = {"type": _TYPES[exposure if exposed(each) else "clusterIP"]}
    return _service(scope, each.name, ports(each), kind, told)


def exposed(each: application.Container) -> list[application.Port]:
    """The ports that are reachable from outside, if the environment opens any."""
    if not isinstance(each, application.Service | application.Store):
        return []
    return [one for one in ports(each) if (each.expose if one.name == PORT_NAME else one.expose)]


def outside(scope: names.Scope, store: application.Store, stack: settings.Settings) -> dict[str, Any] | None:
    """Another Service of a store, with the ports that are reachable from outside: a headless one opens none, and not
    every ingress controller finds the pods behind it."""
    found, kind = exposed(store), {"type": _TYPES[stack.exposure]}
    if not found or (kind["type"] == "ClusterIP" and not ingress_hosts.of(stack, store)):
        return None
    return _service(scope, name(store), found, kind, {}, of=store.name)


def name(each: application.Service | application.Store) -> str:
    """Of the Service by which something is reached from outside."""
    return f"{each.name}{listened.OUTSIDE}" if isinstance(each, application.Store) else each.name


def headless(scope: names.Scope, store: application.Service | application.Store) -> dict[str, Any]:
    """The Service of a store: its name is the address of its one pod, without a proxy between. So is that of a service
    of which nobody knows the ports: without a proxy there need be none.

    https://kubernetes.io/docs/concepts/services-networking/service/#headless-services
    """
    return _service(scope, store.name, ports(store), {"type": "ClusterIP", "clusterIP": "None"}, {})


def _service(  # noqa: PLR0917 - as the object has them
    scope: names.Scope,
    name: str,
    found: Sequence[application.Port],
    kind: dict[str, Any],
    told: Mapping[str, str],
    of: str | None = None,
) -> dict[str, Any]:
    # Pulumi's wait for a Service sleeps 10 s and says nothing that the rollout's wait does not.
    annotations = {"pulumi.com/skipAwait": "true", **told}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": names.metadata(scope, name, annotations=annotations, of=of),
        "spec": kind
        | {"selector": names.selector(scope, of or name)}
        | ({"ports": [_port(one) for one in found]} if found else {}),
    }


def _port(one: application.Port) -> dict[str, Any]:
    spoken = {"appProtocol": _SPOKEN[one.protocol]} if one.protocol in _SPOKEN else {}
    return {"name": one.name, "port": one.port, "targetPort": one.name, "protocol": transport(one)} | spoken
