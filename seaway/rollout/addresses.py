"""Where each workload is reachable from outside the cluster, from live objects: what a person types."""

import asyncio
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from seaway import errors
from seaway.kubernetes.api import kinds, unstructured
from seaway.kubernetes.cluster import client, snapshot
from seaway.rollout import evidence, routes, status

PENDING = "pending"
"""The cluster has not assigned the address yet."""

_SERVICE_KINDS = ("Deployment", "DaemonSet")
_ROUTED_KINDS: Mapping[str, Sequence[str]] = {"ingress": ("Ingress",), "gateway": kinds.ROUTE_KINDS}
"""The kinds that have the addresses, by the value of ``seaway:publish``."""
_KINDS = ("Service", "NetworkPolicy", "Node", *_SERVICE_KINDS, "StatefulSet")

_DOCKER_DESKTOP = "docker-desktop"
"""Name of Docker Desktop's node. Its own address does not answer on the host; node ports are on localhost.
https://docs.docker.com/desktop/features/kubernetes/"""


async def read_addresses(
    cluster: client.KubeClient,
    namespace: str,
    *,
    app_name: str,
    stack: str,
    live_objects: snapshot.Snapshot = snapshot.EMPTY,
    publish: str | None = None,
) -> dict[str, tuple[str, ...]]:
    """The addresses of each workload that is published, by its name. Kinds that may not be read are left out.

    Args:
        live_objects: kinds that were read already.
        publish: the mode of the stack, if it is known: an Ingress or a route of another one is about to be deleted.
    """
    modes = [publish] if publish else [*_ROUTED_KINDS]
    routed = [kind for mode in modes for kind in _ROUTED_KINDS.get(mode, ())]
    live_objects = await _complete(live_objects, cluster, namespace, [*_KINDS, *routed])
    lookups = await routes.look_up(cluster, live_objects)
    host = find_node_address(live_objects.list_objects("Node"))
    if host is None and any(
        service["spec"].get("type") == "NodePort" for service in live_objects.list_objects("Service")
    ):
        # Nodes are outside the namespace, and may be hidden. A pod knows the address of its node.
        pods = (await _complete(live_objects, cluster, namespace, ["Pod"])).list_objects("Pod")
        host = next((pod["status"]["hostIP"] for pod in pods if pod["status"].get("hostIP")), None)
    return find_addresses(live_objects, host, app_name=app_name, stack=stack, lookups=lookups)


async def _complete(
    live_objects: snapshot.Snapshot, cluster: client.KubeClient, namespace: str, kind_names: Iterable[str]
) -> snapshot.Snapshot:
    """The snapshot with these kinds."""
    missing = [kind for kind in kind_names if kind not in live_objects.objects]
    lists = await asyncio.gather(*(_list_objects(cluster, kind, namespace) for kind in missing))
    return snapshot.Snapshot({**live_objects.objects, **dict(zip(missing, lists, strict=True))})


async def _list_objects(cluster: client.KubeClient, kind: str, namespace: str) -> Sequence[snapshot.Object]:
    path = kinds.build_path(kind, namespace if kinds.KINDS[kind].namespaced else "")
    try:
        answer = await cluster.find(path)  # not every cluster has the kinds of the Gateway API
    except errors.Forbidden:
        return []
    return answer["items"] if answer else []


def find_node_address(nodes: Sequence[snapshot.Object]) -> str | None:
    """The address at which a node answers: of a ready node, and an external one before an internal one."""
    for node in sorted(nodes, key=lambda node: unstructured.is_condition_true(node, "Ready"), reverse=True):
        if unstructured.get_name(node) == _DOCKER_DESKTOP:
            return "localhost"
        by_type = {
            address["type"]: address["address"] for address in unstructured.get_list(node, "status", "addresses")
        }
        if address := by_type.get("ExternalIP") or by_type.get("InternalIP"):
            return address
    return None


def find_addresses(
    live_objects: snapshot.Snapshot,
    host: str | None,
    *,
    app_name: str,
    stack: str,
    lookups: evidence.Lookups = types.MappingProxyType({}),
) -> dict[str, tuple[str, ...]]:
    """The addresses of each published workload, by its name. ``host``: of a node; ``lookups``: the Gateways.

    A port of a service is HTTP unless its Service has another ``appProtocol``, and a port of a store only if a probe
    says so.
    """
    addresses: dict[str, list[str]] = {}

    def list_own(kind: str) -> Iterator[tuple[str, snapshot.Object]]:
        for manifest in live_objects.list_objects(kind):
            if status.belongs_to_application(manifest, app_name, stack):
                yield status.get_owner(manifest), manifest

    services = {owner: manifest for kind in _SERVICE_KINDS for owner, manifest in list_own(kind)}
    servers = services | dict(list_own("StatefulSet"))
    published: dict[str, set[str]] = {}
    for owner, policy in list_own("NetworkPolicy"):
        published.setdefault(owner, set()).update(_find_published_ports(policy))
    for owner, service in list_own("Service"):
        for port in unstructured.get_list(service, "spec", "ports"):
            name = port.get("name", "")  # that of an only port may be missing
            if name in published.get(owner, {name}):
                is_http = owner in services and port.get("protocol") != "UDP" and "appProtocol" not in port
                containers = unstructured.get_list(servers.get(owner, {}), "spec", "template", "spec", "containers")
                is_http |= any(name in unstructured.list_http_ports(container) for container in containers)
                addresses.setdefault(owner, []).extend(_format_port(service, port, host, is_http=is_http))
    for owner, ingress in list_own("Ingress"):
        addresses.setdefault(owner, []).extend(_format_rules(ingress))
    for kind in kinds.ROUTE_KINDS:
        for owner, route in list_own(kind):
            addresses.setdefault(owner, []).extend(_format_route(route, lookups))
    return {owner: tuple(dict.fromkeys(texts)) for owner, texts in addresses.items() if texts}


def _find_published_ports(policy: snapshot.Object) -> Iterator[str]:
    """The ports that any peer may use."""
    for rule in unstructured.get_list(policy, "spec", "ingress"):
        yield from (port["port"] for port in rule.get("ports", ()) if "port" in port and not rule.get("from"))


def _format_port(
    service: snapshot.Object, port: Mapping[str, Any], host: str | None, *, is_http: bool
) -> Iterator[str]:
    """The addresses of a port. Without a scheme, curl and browsers try HTTP, and other clients need none."""
    scheme, suffix = "http://" if is_http else "", "/udp" if port.get("protocol") == "UDP" else ""
    match service["spec"].get("type"):
        case "NodePort":
            number, hosts = port.get("nodePort"), [host]
        case "LoadBalancer":
            balancers = unstructured.get_list(service, "status", "loadBalancer", "ingress")
            number, hosts = port["port"], [balancer.get("hostname") or balancer.get("ip") for balancer in balancers]
        case _:
            return
    known = [f"[{name}]" if ":" in name else name for name in hosts if name]
    if not known or number is None:
        yield PENDING
    for name in known if number else ():
        yield f"{scheme}{name}{suffix}" if (scheme, number) == ("http://", 80) else f"{scheme}{name}:{number}{suffix}"


def _format_rules(ingress: snapshot.Object) -> Iterator[str]:
    secured = {host for tls in unstructured.get_list(ingress, "spec", "tls") for host in tls.get("hosts", ())}
    for rule in unstructured.get_list(ingress, "spec", "rules"):
        host = rule.get("host")
        for path in unstructured.get_list(rule, "http", "paths") if host else ():
            yield f"{'https' if host in secured else 'http'}://{host}{path.get('path', '/')}"


def _format_route(route: snapshot.Object, lookups: evidence.Lookups) -> Iterator[str]:
    """The addresses of a route at the listeners of its Gateways. One that redirects has no address."""
    matches = [
        match
        for rule in unstructured.get_list(route, "spec", "rules")
        if rule.get("backendRefs")
        for match in unstructured.get_list(rule, "matches")
    ]
    paths = [_format_match(match) for match in matches]
    for origin in routes.list_origins(route, lookups) if paths else ():
        for host in unstructured.get_mapping(route, "spec").get("hostnames") or ():
            yield from (origin.format(host=host) + path for path in paths) if origin else [PENDING]


def _format_match(match: snapshot.Object) -> str:
    """The path of a request; that of gRPC has its service and its method."""
    if method := unstructured.get_mapping(match, "method") if isinstance(match.get("method"), Mapping) else None:
        return "/" + "/".join(str(method[key]) for key in ("service", "method") if key in method)
    return str(unstructured.get_mapping(match, "path").get("value", "/"))
