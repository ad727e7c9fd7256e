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
from seaway.model import application, settings
from seaway.model.validate import egress, ingress_hosts, structure
from seaway.syntax.field_help import Doc, Why

CLOSED = "default-deny"
"""Called after no content, as it has none. No workload's policy is called so: those end in a hash."""

CHALLENGES = "acme-challenges"
"""For pods of somebody else; it opens the same as long as the controller is the same."""

SOLVER = {"acme.cert-manager.io/http01-solver": "true"}
"""Pods of cert-manager, which are there for as long as it proves that a host is ours.
https://cert-manager.io/docs/installation/best-practice/#network-requirements"""

SOLVER_PORT = 8089
"""https://github.com/cert-manager/cert-manager/issues/2334"""

BOTH: Annotated[
    list[str],
    Doc("which ways are closed but for what is opened"),
    Why("what was broken into reaches nothing that it does not call, and nobody who calls it not reaches it"),
] = ["Ingress", "Egress"]

DNS = (
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

NOT_PUBLIC = (
    "10.0.0.0/8",
    "100.64.0.0/10",  # addresses behind a carrier's NAT; clusters use them for pods, one cloud for its metadata
    "127.0.0.0/8",
    "169.254.0.0/16",  # the metadata of a cloud's machine, with the credentials of its account
    "172.16.0.0/12",
    "192.168.0.0/16",
    "168.63.129.16/32",  # the same on Azure, and it looks public: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
)
"""What is not the internet. https://www.iana.org/assignments/iana-ipv4-special-registry/"""

NOT_PUBLIC_6 = ("fc00::/7", "fe80::/10")
"""Also not the internet; a cloud's metadata is in the first. https://www.iana.org/assignments/iana-ipv6-special-registry/"""

API_PORTS = (443, 6443)
"""Where API servers listen: behind a load balancer, and themselves."""

Workload = structure.Workload


def closed(scope: names.Scope) -> dict[str, Any]:
    """Nothing may be reached and nothing reaches out, for all pods of the namespace: also those of somebody else."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": names.shared(scope, CLOSED),
        "spec": {"podSelector": {}, "policyTypes": list(BOTH)},
    }


def challenges(scope: names.Scope, app: application.Application, stack: settings.Settings) -> Iterator[dict[str, Any]]:
    """Who makes certificates asks the host whether it is ours, and cert-manager answers from a pod in this namespace.

    Closed, it would never get one. Where it proves that by DNS there is no such pod, and nothing is open.
    """
    if stack.ingress.issuer is not None and any(ingress_hosts.of(stack, one) for one in app.services):
        yield {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": names.shared(scope, CHALLENGES),
            "spec": {
                "podSelector": {"matchLabels": dict(SOLVER)},
                "policyTypes": ["Ingress"],
                "ingress": [_controller(stack) | {"ports": [_port(SOLVER_PORT, "TCP")]}],
            },
        }


def policy(
    scope: names.Scope, each: Workload, app: application.Application, stack: settings.Settings
) -> dict[str, Any]:
    """What one workload's pods may reach, and who may reach them."""
    spec: dict[str, Any] = {"podSelector": {"matchLabels": names.selector(scope, each.name)}, "policyTypes": list(BOTH)}
    # Left out, not empty: an empty list means nothing, and is read by some as everything.
    if into := list(_into(scope, each, app, stack)):
        spec["ingress"] = into
    spec["egress"] = list(_out(scope, each, app))
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": names.metadata(scope, f"{each.name}-{_hash(spec, each)}", of=each.name),
        "spec": spec,
    }


def _hash(spec: dict[str, Any], each: Workload) -> str:
    """What stands for the content: what `raw` makes of it is part of that."""
    return names.digest([spec, each.raw["NetworkPolicy"]] if each.raw.get("NetworkPolicy") else spec)


def _into(
    scope: names.Scope, each: Workload, app: application.Application, stack: settings.Settings
) -> Iterator[dict[str, Any]]:
    ports = _ports(each)
    callers = sorted(one.name for one in structure.workloads(app).values() if each.name in one.calls)
    if callers and (ports or _all(each)):
        yield {"from": [_pods(scope, name) for name in callers], **({"ports": ports} if ports else {})}
    if network.exposed(each):
        yield from _outside(each, stack)


def _outside(each: Workload, stack: settings.Settings) -> Iterator[dict[str, Any]]:
    """The exposed ports for whoever comes from outside; by an ingress, the main port of a service.

    A node port and a load balancer hand on requests from any address. So may an ingress controller: it may be a pod of
    any namespace, run on the node itself, or be a cloud's load balancer. One that is known is named.
    """
    main = _ports(each)[:1]
    match stack.exposure:
        case "clusterIP":
            return
        case "ingress" if (
            isinstance(each, application.Job) or not each.expose or each.protocol not in ingress_hosts.SPOKEN
        ):
            return
        case "ingress":
            yield _controller(stack) | {"ports": main}
        case _:
            yield {"ports": [_port(one.name, network.transport(one)) for one in network.exposed(each)]}


def _controller(stack: settings.Settings) -> dict[str, Any]:
    """The part of a rule that says from where an Ingress is led; nothing where nobody knows."""
    if stack.ingress.namespace is None:
        return {}
    there = {"kubernetes.io/metadata.name": stack.ingress.namespace}
    return {"from": [{"namespaceSelector": {"matchLabels": there}}]}


def _out(scope: names.Scope, each: Workload, app: application.Application) -> Iterator[dict[str, Any]]:
    yield {"to": [dict(one) for one in DNS], "ports": [_port(53, "UDP"), _port(53, "TCP")]}
    targets = {one.name: one for one in (*app.services, *app.stores)}
    for name in sorted(set(each.calls)):
        ports = _ports(targets[name])
        if ports or _all(targets[name]):
            yield {"to": [_pods(scope, name)], **({"ports": ports} if ports else {})}
    if each.kubernetes_api:
        # Its Service has an address, but by the time a policy is asked that is the server's own: a node of the cluster
        # or a machine of the cloud, which no file can know. So its ports, wherever they are.
        yield {"ports": [_port(port, "TCP") for port in API_PORTS]}
    yield from _beyond(each.egress)


def _beyond(words: Sequence[str]) -> Iterator[dict[str, Any]]:
    """What is not the application's."""
    if egress.INTERNET in words:
        yield {
            "to": [
                {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(NOT_PUBLIC)}},
                {"ipBlock": {"cidr": "::/0", "except": list(NOT_PUBLIC_6)}},
            ]
        }
    ranges = sorted({found for word in words if (found := egress.parsed(word))}, key=str)
    if whole := [{"ipBlock": {"cidr": one.cidr}} for one in ranges if one.port is None]:
        yield {"to": whole}
    for port in sorted({one.port for one in ranges if one.port is not None}):
        blocks = [{"ipBlock": {"cidr": one.cidr}} for one in ranges if one.port == port]
        yield {"to": blocks, "ports": [_port(port, "TCP"), _port(port, "UDP")]}


def _ports(each: application.Container) -> list[dict[str, Any]]:
    """The ports that others may call, the main one first.

    By name: while pods are replaced each of them is asked for its own number, and a changed one cuts off nobody. Those
    of companions are not among them.
    """
    return [_port(one.name, network.transport(one)) for one in network.ports(each)]


def _all(each: application.Container) -> bool:
    return isinstance(each, application.Service | application.Store) and each.all_ports


def _port(port: str | int, protocol: str) -> dict[str, Any]:
    return {"port": port, "protocol": protocol}


def _pods(scope: names.Scope, name: str) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": names.selector(scope, name)}}
