"""Network policies: they allow the links of the application, and nothing else.

https://kubernetes.io/docs/concepts/services-networking/network-policies/

Policies are additive: a connection is allowed if one of them allows it. That decides their names. Each name has a hash
of the content, so a changed policy is a new object beside the old one, which is deleted at the end, when all pods are
healthy. Until then both apply: a new link is open at both ends before the first new pod starts, a removed link closes
after the last old pod is gone, and a failed rollout cuts off no running pod. A policy that is changed in place would
open or close one of the ends too early.

Health probes need no rule: they come from the node, and a pod's own node is always allowed.
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from seaway.manifests import names, network
from seaway.model import application, egress, external, ingress_hosts
from seaway.project import environments
from seaway.syntax import hashing
from seaway.syntax.field_help import Help, Rationale

DEFAULT_DENY_NAME = "default-deny"
"""Its content never changes, so it has no hash. The policy of a workload always has one, so the names differ."""

ACME_POLICY_NAME = "acme-challenges"
"""For pods of cert-manager. Its content changes only with the ingress controller."""

ACME_SOLVER_LABELS = {"acme.cert-manager.io/http01-solver": "true"}
"""Pods of cert-manager that exist while it proves the ownership of a host.
https://cert-manager.io/docs/installation/best-practice/#network-requirements"""

ACME_SOLVER_PORT = 8089
"""https://github.com/cert-manager/cert-manager/issues/2334"""

POLICY_TYPES: Annotated[
    list[str],
    Help("directions that are closed except for the rules"),
    Rationale("a compromised pod can reach only its declared dependencies, and only declared callers can reach it"),
] = ["Ingress", "Egress"]

DNS_PEERS = (
    # kubeadm, k3s and all large clouds use this label, whatever the DNS server is.
    {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    },
    # A DNS cache on each node has this address, and no pod that a selector could match.
    # https://kubernetes.io/docs/tasks/administer-cluster/nodelocaldns/
    {"ipBlock": {"cidr": "169.254.20.10/32"}},
)
"""The DNS servers. For another server an application declares `egress`: `169.254.169.254/32:53`."""

PRIVATE_RANGES = (
    "10.0.0.0/8",
    "100.64.0.0/10",  # carrier-grade NAT; clusters use it for pods, one cloud for its metadata
    "127.0.0.0/8",
    "169.254.0.0/16",  # the metadata service of clouds, with the credentials of the machine
    "172.16.0.0/12",
    "192.168.0.0/16",
    "168.63.129.16/32",  # the same on Azure, in a public range: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
)
"""Ranges that are not the internet. https://www.iana.org/assignments/iana-ipv4-special-registry/"""

PRIVATE_RANGES_IPV6 = ("fc00::/7", "fe80::/10")
"""The same for IPv6; the first contains the metadata service of a cloud. https://www.iana.org/assignments/iana-ipv6-special-registry/"""

METADATA_RANGES = ("127.0.0.0/8", "169.254.0.0/16", "100.100.100.200/32", "168.63.129.16/32")
"""Addresses that no external store has: the pod itself, and the metadata services of clouds."""

METADATA_RANGES_IPV6 = ("fe80::/10", "fd00:ec2::254/128")

INTERNET_PEERS = (
    {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(PRIVATE_RANGES)}},
    {"ipBlock": {"cidr": "::/0", "except": list(PRIVATE_RANGES_IPV6)}},
)
"""The destinations of `egress: [internet]`."""

UNKNOWN_EXTERNAL_PEERS = (
    {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(METADATA_RANGES)}},
    {"ipBlock": {"cidr": "::/0", "except": list(METADATA_RANGES_IPV6)}},
)
"""The addresses of an external store whose host is a name."""

NAMESPACE_PEER: Mapping[str, Any] = {"podSelector": {}}
"""All pods of the namespace."""

API_PORTS = (443, 6443)
"""Ports of API servers: behind a load balancer, and their own."""


def build_default_deny(environment: environments.Environment) -> dict[str, Any]:
    """Closes both directions for all pods of the namespace, including pods that Seaway did not create."""
    policy = names.build_shared_object(environment, "NetworkPolicy", DEFAULT_DENY_NAME)
    return policy | {"spec": {"podSelector": {}, "policyTypes": list(POLICY_TYPES)}}


def build_acme_policy(environment: environments.Environment) -> dict[str, Any] | None:
    """Allows the requests of an issuer to cert-manager's solver pods, which prove the ownership of a host.

    None if there is no issuer. An issuer that uses DNS has no such pods, and the policy allows nothing.
    """
    if environment.settings.ingress.issuer is None or not any(
        ingress_hosts.get_addresses(environment.settings, service) for service in environment.app.services
    ):
        return None
    rule = _ingress_controller_peer(environment) | {"ports": [_build_port(ACME_SOLVER_PORT, "TCP")]}
    return names.build_shared_object(environment, "NetworkPolicy", ACME_POLICY_NAME) | {
        "spec": {
            "podSelector": {"matchLabels": dict(ACME_SOLVER_LABELS)},
            "policyTypes": ["Ingress"],
            "ingress": [rule],
        }
    }


def build_policy(environment: environments.Environment, workload: application.AnyWorkload) -> dict[str, Any]:
    """The connections from and to the pods of one workload."""
    spec: dict[str, Any] = {
        "podSelector": names.build_selector(environment, workload.name),
        "policyTypes": list(POLICY_TYPES),
    }
    # Left out if empty: some readers take an empty list for "everything".
    if ingress := list(_ingress_rules(environment, workload)):
        spec["ingress"] = ingress
    spec["egress"] = list(_egress_rules(environment, workload))
    raw = workload.raw.get("NetworkPolicy")
    suffix = hashing.hash_content([spec, raw] if raw else spec)
    name = f"{workload.name}-{suffix}"
    return names.build_object(environment, "NetworkPolicy", name, owner=workload.name) | {"spec": spec}


def _ingress_rules(
    environment: environments.Environment, workload: application.AnyWorkload
) -> Iterator[dict[str, Any]]:
    callers = sorted(
        caller.name for caller in environment.app.get_workloads().values() if workload.name in caller.calls
    )
    ports = _build_ports(workload)
    if environment.opens_namespace and ports:
        yield {"from": [dict(NAMESPACE_PEER)], "ports": ports}
    if callers and (ports or _opens_all_ports(workload)):
        peers = [_build_pod_peer(environment, caller) for caller in callers]
        yield {"from": peers, **({"ports": ports} if ports else {})}
    if network.list_published_ports(workload):
        yield from _published_ingress_rules(environment, workload)


def _published_ingress_rules(
    environment: environments.Environment, workload: application.AnyWorkload
) -> Iterator[dict[str, Any]]:
    """The published ports for clients outside of the cluster; with an ingress or a Gateway, the main port only.

    A node port and a load balancer forward requests from any address. What forwards requests by host may do so too: it
    may be a pod of any namespace, run on the node itself, or be a load balancer of a cloud. A configured one is the
    only peer.
    """
    match environment.settings.publish:
        case "none":
            return
        case "ingress" | "gateway" if (
            isinstance(workload, application.Job)
            or not workload.publish
            or workload.protocol not in ingress_hosts.INGRESS_PROTOCOLS
        ):
            return
        case "ingress" | "gateway":
            yield _ingress_controller_peer(environment) | {"ports": _build_ports(workload)[:1]}
        case _:
            published = network.list_published_ports(workload)
            yield {"ports": [_build_port(port.name, network.get_transport_protocol(port)) for port in published]}


def _ingress_controller_peer(environment: environments.Environment) -> dict[str, Any]:
    """The source of a rule for an ingress controller; empty if its namespace is unknown."""
    if environment.settings.ingress.namespace is None:
        return {}
    labels = {"kubernetes.io/metadata.name": environment.settings.ingress.namespace}
    return {"from": [{"namespaceSelector": {"matchLabels": labels}}]}


def _egress_rules(environment: environments.Environment, workload: application.AnyWorkload) -> Iterator[dict[str, Any]]:
    yield {"to": [dict(peer) for peer in DNS_PEERS], "ports": [_build_port(53, "UDP"), _build_port(53, "TCP")]}
    if environment.opens_namespace:
        yield {"to": [dict(NAMESPACE_PEER)]}
    targets = {target.name: target for target in (*environment.app.services, *environment.app.stores)}
    for name in sorted(set(workload.calls)):
        if address := external.find_address(targets[name]):
            yield _build_external_rule(targets[name], address)
            continue
        ports = _build_ports(targets[name])
        if ports or _opens_all_ports(targets[name]):
            yield {"to": [_build_pod_peer(environment, name)], **({"ports": ports} if ports else {})}
    if workload.kubernetes_api:
        # A policy sees the address of the API server itself, a node or a machine of the cloud, and not that of its
        # Service. No file can know it, so the rule allows its ports at any address.
        yield {"ports": [_build_port(port, "TCP") for port in API_PORTS]}
    yield from _external_egress(workload)


def _build_external_rule(store: application.AnyWorkload, address: application.External) -> dict[str, Any]:
    """The ports of an external store at its addresses. A policy accepts no DNS names: if only the name is known, the
    rule allows its ports at any address, private ones included, since managed stores often have such an address.
    """
    ports = [_build_port(port.port, network.get_transport_protocol(port)) for port in network.list_ports(store)]
    namespace, ranges = external.parse_namespace(address), external.find_ranges(address)
    if ranges:
        peers: list[dict[str, Any]] = [{"ipBlock": {"cidr": cidr}} for cidr in ranges]
    elif namespace:
        peers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}]
    else:
        peers = copy.deepcopy(list(UNKNOWN_EXTERNAL_PEERS))
    return {"to": peers, **({"ports": ports} if ports else {})}


def _external_egress(workload: application.AnyWorkload) -> Iterator[dict[str, Any]]:
    if egress.INTERNET in workload.egress:
        yield {"to": copy.deepcopy(list(INTERNET_PEERS))}
    parsed = {egress.parse_range(destination) for destination in workload.egress}
    ranges = sorted((range_ for range_ in parsed if range_), key=str)
    if all_ports := [_build_range_peer(range_) for range_ in ranges if range_.port is None]:
        yield {"to": all_ports}
    for port in sorted({range_.port for range_ in ranges if range_.port is not None}):
        peers = [_build_range_peer(range_) for range_ in ranges if range_.port == port]
        yield {"to": peers, "ports": [_build_port(port, "TCP"), _build_port(port, "UDP")]}


def _build_range_peer(range_: egress.AddressRange) -> dict[str, Any]:
    return {"ipBlock": {"cidr": range_.cidr}}


def _build_ports(workload: application.AnyWorkload) -> list[dict[str, Any]]:
    """The ports for callers, the main one first, without those of extra containers.

    By name: during a rollout each pod resolves the name to its own number, so a changed number cuts off no caller.
    """
    return [_build_port(port.name, network.get_transport_protocol(port)) for port in network.list_ports(workload)]


def _opens_all_ports(workload: application.AnyWorkload) -> bool:
    return isinstance(workload, application.ServiceOrStore) and workload.all_ports


def _build_port(port: str | int, protocol: str) -> dict[str, Any]:
    return {"port": port, "protocol": protocol}


def _build_pod_peer(environment: environments.Environment, name: str) -> dict[str, Any]:
    return {"podSelector": names.build_selector(environment, name)}
