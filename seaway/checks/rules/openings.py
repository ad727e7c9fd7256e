"""Openings to the network that no key of the application explains: wide address ranges, selectors and Services."""

import ipaddress
from collections.abc import Iterator
from typing import Any

from seaway.checks import check, check_context
from seaway.kubernetes.api import kinds
from seaway.manifests import network, policies
from seaway.model import application, external, ingress_hosts

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _parse(*texts: str) -> tuple[_Network, ...]:
    return tuple(map(ipaddress.ip_network, texts))


METADATA_NETWORKS = _parse(
    "169.254.0.0/16",
    "100.100.100.200/32",
    "168.63.129.16/32",
    "192.0.0.192/32",
    "fe80::/10",
    "fd00:ec2::/32",
    "fd20:ce::/32",
)
"""Addresses of the metadata services of clouds, with the credentials of the machine."""

LOOPBACK_NETWORKS = _parse("127.0.0.0/8", "::1/128")
PRIVATE_NETWORKS = _parse("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "240.0.0.0/4", "fc00::/7")
POD_NETWORKS = _parse("10.42.0.0/15", "10.96.0.0/12", "10.244.0.0/16")
"""Where k3s, kubeadm and flannel have their pods and Services by default."""

MIN_PREFIX = {4: 16, 6: 48}
"""A private range with a shorter prefix is more than the network of one application."""

EMBEDDED_NETWORKS = _parse("::ffff:0:0/96", "64:ff9b::/96")
"""IPv6 addresses that stand for IPv4 addresses: mapped ones, and those of NAT64."""


@check.for_application("NET-09", "A network policy opens only what the application names", check.STRICT_FOR_RELEASES)
def wide_policies(context: check_context.CheckContext) -> check_context.Findings:
    """A wide range contains the metadata service of the cloud, with the credentials of the machine, and the nodes and
    pods of other teams. A selector without a name selects pods that do not exist yet, in every namespace."""
    workloads = {workload.name: workload for workload in context.environment.app.get_workloads().values()}
    for policy in context.list_objects("NetworkPolicy"):
        workload = workloads.get(policy.owner or "")
        if workload is None:
            continue
        declared: dict[str, Any] = policies.build_policy(context.environment, workload)["spec"]
        for side, key in (("ingress", "from"), ("egress", "to")):
            for number, rule in enumerate(policy.manifest["spec"].get(side, [])):
                path = f"spec.{side}[{number}]"
                peers = rule.get(key, [])
                if not peers and rule.get("ports") and rule not in declared.get(side, []):
                    message = "opens its ports for every address"
                    yield check_context.make_finding(policy, path, message, f"name the peers in {key}")
                for index, peer in enumerate(peers):
                    if _is_generated(context, workload, peer):
                        continue
                    if reason := _find_wide_reason(peer, rule.get("ports", [])):
                        hint = "name the addresses or the pods that it needs"
                        yield check_context.make_finding(policy, f"{path}.{key}[{index}]", reason, hint)


@check.for_application("SVC-01", "Only `publish` opens a workload to clients outside", check.STRICT_FOR_RELEASES)
def unpublished_services(context: check_context.CheckContext) -> check_context.Findings:
    """A Service with an address of its own is reachable past the ingress, its hosts and its certificates. One with an
    external name or address leads callers out of the cluster."""
    stack_settings = context.environment.settings
    workloads = {workload.name: workload for workload in context.environment.app.get_workloads().values()}
    for service in context.list_objects("Service"):
        spec, workload = service.manifest["spec"], workloads.get(service.owner or "")
        type_ = spec.get("type", "ClusterIP")
        is_published = isinstance(workload, application.ServiceOrStore) and network.list_published_ports(workload)
        allowed = network.SERVICE_TYPES[stack_settings.publish] if is_published else "ClusterIP"
        if type_ not in ("ClusterIP", allowed):
            hint = "set `publish: true`, and seaway:publish in the stack's file"
            message = "leads callers to another host" if type_ == "ExternalName" else f"is {type_}, against `publish`"
            yield check_context.make_finding(service, "spec.type", message, hint)
        if spec.get("externalIPs"):
            message = "takes the traffic of addresses that belong to others"
            yield check_context.make_finding(service, "spec.externalIPs", message, "remove it")
    for ingress in context.list_objects("Ingress", *kinds.ROUTE_KINDS):
        workload = workloads.get(ingress.owner or "")
        if not isinstance(workload, application.ServiceOrStore):
            continue
        hosts = {address.host for address in ingress_hosts.get_addresses(stack_settings, workload)}
        for path, host, backend in _list_routes(ingress.manifest["spec"]):
            name = backend.get("service", {}).get("name")
            if host not in hosts:
                message, hint = f"routes {host or 'every host'}", "set seaway:ingress.hosts"
                yield check_context.make_finding(ingress, path, message, hint)
            if name != network.get_published_service_name(workload):
                message = f"publishes {name or 'another object'}"
                yield check_context.make_finding(ingress, path, message, "set `publish: true` in that workload")


def _is_generated(context: check_context.CheckContext, workload: application.AnyWorkload, peer: dict[str, Any]) -> bool:
    """Whether a peer is that of `internet`, the namespace of a workload that is used alone, or an external store
    without ranges, which is the matter of NET-08."""
    if peer in policies.INTERNET_PEERS or (context.environment.opens_namespace and peer == policies.NAMESPACE_PEER):
        return True
    addresses = [store.external for store in context.environment.app.stores if store.name in workload.calls]
    has_unknown = any(address and not external.find_ranges(address) for address in addresses)
    return has_unknown and peer in policies.UNKNOWN_EXTERNAL_PEERS


def _find_wide_reason(peer: dict[str, Any], ports: list[dict[str, Any]]) -> str | None:
    if "ipBlock" in peer:
        excepted = list(map(_normalize, peer["ipBlock"].get("except", [])))
        only_dns = bool(ports) and all(port.get("port") == 53 and "endPort" not in port for port in ports)
        return _find_private_part(_normalize(peer["ipBlock"]["cidr"]), excepted, only_dns=only_dns)
    if "namespaceSelector" in peer and not _is_narrow(peer["namespaceSelector"]):
        return "selects pods of every namespace"
    if "namespaceSelector" not in peer and not _is_narrow(peer.get("podSelector", {})):
        return "selects every pod of the namespace"
    return None


def _is_narrow(selector: dict[str, Any]) -> bool:
    """Whether a selector names labels with their values."""
    expressions = selector.get("matchExpressions", [])
    return bool(selector.get("matchLabels")) or any(expression["operator"] == "In" for expression in expressions)


def _normalize(cidr: str) -> _Network:
    """A range; that of IPv4 if its addresses only stand for those."""
    range_ = ipaddress.ip_network(cidr, strict=False)
    for embedded in EMBEDDED_NETWORKS:
        if _overlap(range_, embedded) == range_:
            return ipaddress.ip_network((int(range_.network_address) & 0xFFFFFFFF, range_.prefixlen - 96))
    return range_


def _find_private_part(range_: _Network, excepted: list[_Network], *, only_dns: bool) -> str | None:
    """What a range contains besides public addresses and the network of one application."""

    def contains(networks: tuple[_Network, ...]) -> Iterator[_Network]:
        for network_ in networks:
            part = _overlap(range_, network_)
            if part and not any(_overlap(part, other) == part for other in excepted):
                yield part

    if any(contains(METADATA_NETWORKS)) and not only_dns:
        return f"{range_} contains the metadata service of a cloud, with the credentials of the machine"
    if any(contains(LOOPBACK_NETWORKS)):
        return f"{range_} contains the addresses of the node itself"
    wide = [
        part
        for part in contains(PRIVATE_NETWORKS)
        if part.prefixlen < MIN_PREFIX[part.version] or part in PRIVATE_NETWORKS
    ]
    pods = [part for part in contains(POD_NETWORKS) if part.prefixlen < 24]
    if wide or pods or any(contains(EMBEDDED_NETWORKS)):
        return f"{range_} contains nodes and pods of other teams"
    return None


def _overlap(left: _Network, right: _Network) -> _Network | None:
    """The smaller of two ranges, of which one contains the other."""
    if left.version != right.version or not left.overlaps(right):
        return None
    return max(left, right, key=lambda range_: range_.prefixlen)


def _list_routes(spec: dict[str, Any]) -> Iterator[tuple[str, str | None, dict[str, Any]]]:
    """The backends of an Ingress or a route, with their paths and hosts."""
    for host in spec.get("hostnames", [None]):
        for number, rule in enumerate(spec.get("rules", [])):
            for backend in rule.get("backendRefs", ()):
                yield f"spec.rules[{number}]", host, {"service": backend}
    if "defaultBackend" in spec:
        yield "spec.defaultBackend", None, spec["defaultBackend"]
    for number, rule in enumerate(spec.get("rules", [])):
        for path in rule.get("http", {}).get("paths", []):
            yield f"spec.rules[{number}]", rule.get("host"), path["backend"]
