"""Who may talk to whom: the links of the application, and nothing else.

https://kubernetes.io/docs/concepts/services-networking/network-policies/

Policies add up: what one of them opens is open, whatever another says. That decides how they are called. Each is
called after its content, so a changed one is a new object beside the old one, and the old one goes at the end, when
all pods are healthy. In between both count: a new link is open at both ends before the first new pod starts, a
removed one closes after the last old pod has gone, and a rollout that fails cuts nothing off from the pods that
still serve. Changed in place, a policy would do one of the two too early.

What has no rule here, and needs none: health probes. They come from the node, and a pod's own node is always let in.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from seaway.manifests import names, network
from seaway.model import application, egress, ingress_hosts, settings
from seaway.syntax.field_help import Help, Rationale

DEFAULT_DENY_NAME = "default-deny"
"""Called after no content, as it has none. No workload's policy is called so: those end in a hash."""

ACME_POLICY_NAME = "acme-challenges"
"""For pods of somebody else; it opens the same as long as the controller is the same."""

ACME_SOLVER_LABELS = {"acme.cert-manager.io/http01-solver": "true"}
"""Pods of cert-manager, which are there for as long as it proves that a host is ours.
https://cert-manager.io/docs/installation/best-practice/#network-requirements"""

ACME_SOLVER_PORT = 8089
"""https://github.com/cert-manager/cert-manager/issues/2334"""

POLICY_TYPES: Annotated[
    list[str],
    Help("which ways are closed but for what is opened"),
    Rationale("what was broken into reaches nothing that it does not call, and nobody who calls it not reaches it"),
] = ["Ingress", "Egress"]

DNS_PEERS = (
    # kubeadm, k3s and all large clouds label their DNS so, whatever the program is.
    {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    },
    # A cache on each node, where there is one, has this address and no pod that a selector could name.
    # https://kubernetes.io/docs/tasks/administer-cluster/nodelocaldns/
    {"ipBlock": {"cidr": "169.254.20.10/32"}},
)
"""Who knows names. A cluster that asks elsewhere says so with `egress`: `169.254.169.254/32:53`."""

PRIVATE_RANGES = (
    "10.0.0.0/8",
    "100.64.0.0/10",  # addresses behind a carrier's NAT; clusters use them for pods, one cloud for its metadata
    "127.0.0.0/8",
    "169.254.0.0/16",  # the metadata of a cloud's machine, with the credentials of its account
    "172.16.0.0/12",
    "192.168.0.0/16",
    "168.63.129.16/32",  # the same on Azure, and it looks public: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
)
"""What is not the internet. https://www.iana.org/assignments/iana-ipv4-special-registry/"""

PRIVATE_RANGES_IPV6 = ("fc00::/7", "fe80::/10")
"""Also not the internet; a cloud's metadata is in the first. https://www.iana.org/assignments/iana-ipv6-special-registry/"""

API_PORTS = (443, 6443)
"""Where API servers listen: behind a load balancer, and themselves."""

Workload = application.AnyWorkload


def build_default_deny(scope: names.Scope) -> dict[str, Any]:
    """Nothing may be reached and nothing reaches out, for all pods of the namespace: also those of somebody else."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": names.build_shared_metadata(scope, DEFAULT_DENY_NAME),
        "spec": {"podSelector": {}, "policyTypes": list(POLICY_TYPES)},
    }


def build_acme_policy(
    scope: names.Scope, app: application.Application, stack_settings: settings.Settings
) -> Iterator[dict[str, Any]]:
    """Who makes certificates asks the host whether it is ours, and cert-manager answers from a pod in this namespace.

    Closed, it would never get one. Where it proves that by DNS there is no such pod, and nothing is open.
    """
    if stack_settings.ingress.issuer is not None and any(
        ingress_hosts.get_addresses(stack_settings, one) for one in app.services
    ):
        yield {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": names.build_shared_metadata(scope, ACME_POLICY_NAME),
            "spec": {
                "podSelector": {"matchLabels": dict(ACME_SOLVER_LABELS)},
                "policyTypes": ["Ingress"],
                "ingress": [
                    _ingress_controller_peer(stack_settings) | {"ports": [_build_port(ACME_SOLVER_PORT, "TCP")]}
                ],
            },
        }


def build_policy(
    scope: names.Scope, workload: Workload, app: application.Application, stack_settings: settings.Settings
) -> dict[str, Any]:
    """What one workload's pods may reach, and who may reach them."""
    spec: dict[str, Any] = {
        "podSelector": {"matchLabels": names.build_selector(scope, workload.name)},
        "policyTypes": list(POLICY_TYPES),
    }
    # Left out, not empty: an empty list means nothing, and is read by some as everything.
    if into := list(_ingress_rules(scope, workload, app, stack_settings)):
        spec["ingress"] = into
    spec["egress"] = list(_egress_rules(scope, workload, app))
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": names.build_metadata(scope, f"{workload.name}-{_hash_policy(spec, workload)}", owner=workload.name),
        "spec": spec,
    }


def _hash_policy(spec: dict[str, Any], workload: Workload) -> str:
    """What stands for the content: what `raw` makes of it is part of that."""
    return names.hash_content([spec, workload.raw["NetworkPolicy"]] if workload.raw.get("NetworkPolicy") else spec)


def _ingress_rules(
    scope: names.Scope, workload: Workload, app: application.Application, stack_settings: settings.Settings
) -> Iterator[dict[str, Any]]:
    ports = _build_ports(workload)
    callers = sorted(one.name for one in app.get_workloads().values() if workload.name in one.calls)
    if callers and (ports or _opens_all_ports(workload)):
        yield {"from": [_build_pod_peer(scope, name) for name in callers], **({"ports": ports} if ports else {})}
    if network.list_published_ports(workload):
        yield from _published_ingress_rules(workload, stack_settings)


def _published_ingress_rules(workload: Workload, stack_settings: settings.Settings) -> Iterator[dict[str, Any]]:
    """The exposed ports for whoever comes from outside; by an ingress, the main port of a service.

    A node port and a load balancer hand on requests from any address. So may an ingress controller: it may be a pod of
    any namespace, run on the node itself, or be a cloud's load balancer. One that is known is named.
    """
    main = _build_ports(workload)[:1]
    match stack_settings.publish:
        case "none":
            return
        case "ingress" if (
            isinstance(workload, application.Job)
            or not workload.publish
            or workload.protocol not in ingress_hosts.INGRESS_PROTOCOLS
        ):
            return
        case "ingress":
            yield _ingress_controller_peer(stack_settings) | {"ports": main}
        case _:
            yield {
                "ports": [
                    _build_port(one.name, network.get_transport_protocol(one))
                    for one in network.list_published_ports(workload)
                ]
            }


def _ingress_controller_peer(stack_settings: settings.Settings) -> dict[str, Any]:
    """The part of a rule that says from where an Ingress is led; nothing where nobody knows."""
    if stack_settings.ingress.namespace is None:
        return {}
    there = {"kubernetes.io/metadata.name": stack_settings.ingress.namespace}
    return {"from": [{"namespaceSelector": {"matchLabels": there}}]}


def _egress_rules(scope: names.Scope, workload: Workload, app: application.Application) -> Iterator[dict[str, Any]]:
    yield {"to": [dict(one) for one in DNS_PEERS], "ports": [_build_port(53, "UDP"), _build_port(53, "TCP")]}
    targets = {one.name: one for one in (*app.services, *app.stores)}
    for name in sorted(set(workload.calls)):
        ports = _build_ports(targets[name])
        if ports or _opens_all_ports(targets[name]):
            yield {"to": [_build_pod_peer(scope, name)], **({"ports": ports} if ports else {})}
    if workload.kubernetes_api:
        # Its Service has an address, but by the time a policy is asked that is the server's own: a node of the cluster
        # or a machine of the cloud, which no file can know. So its ports, wherever they are.
        yield {"ports": [_build_port(port, "TCP") for port in API_PORTS]}
    yield from _external_egress(workload.egress)


def _external_egress(destinations: Sequence[str]) -> Iterator[dict[str, Any]]:
    """What is not the application's."""
    if egress.INTERNET in destinations:
        yield {
            "to": [
                {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(PRIVATE_RANGES)}},
                {"ipBlock": {"cidr": "::/0", "except": list(PRIVATE_RANGES_IPV6)}},
            ]
        }
    ranges = sorted({found for word in destinations if (found := egress.parse_range(word))}, key=str)
    if whole := [{"ipBlock": {"cidr": one.cidr}} for one in ranges if one.port is None]:
        yield {"to": whole}
    for port in sorted({one.port for one in ranges if one.port is not None}):
        blocks = [{"ipBlock": {"cidr": one.cidr}} for one in ranges if one.port == port]
        yield {"to": blocks, "ports": [_build_port(port, "TCP"), _build_port(port, "UDP")]}


def _build_ports(workload: application.WorkloadSpec) -> list[dict[str, Any]]:
    """The ports that others may call, the main one first.

    By name: while pods are replaced each of them is asked for its own number, and a changed one cuts off nobody. Those
    of companions are not among them.
    """
    return [_build_port(one.name, network.get_transport_protocol(one)) for one in network.list_ports(workload)]


def _opens_all_ports(workload: application.WorkloadSpec) -> bool:
    return isinstance(workload, application.Service | application.Store) and workload.all_ports


def _build_port(port: str | int, protocol: str) -> dict[str, Any]:
    return {"port": port, "protocol": protocol}


def _build_pod_peer(scope: names.Scope, name: str) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": names.build_selector(scope, name)}}
