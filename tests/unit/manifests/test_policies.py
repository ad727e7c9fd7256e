"""Network policies: one decision a test, and all of them as a cluster would apply them."""

import dataclasses
import ipaddress
from collections.abc import Sequence
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies

from seaway.manifests import objects
from seaway.model import application, settings
from tests.support import rendering
from tests.support.rendering import extra, store

Policies = dict[str, objects.ReleaseObject]


def service(name: str = "web", **fields: Any) -> application.Service:
    return rendering.service(name, **({"image": "x:1", "egress": ()} | fields))


def render(*workloads: application.AnyWorkload, **stack: Any) -> Policies:
    """The policies by the name of their workload."""
    return {
        policy.owner or policy.name: policy for policy in rendering.render(*workloads, **stack).find("NetworkPolicy")
    }


def get_spec(policies: Policies, name: str = "web") -> dict[str, Any]:
    return policies[name].manifest["spec"]


def build_peers(*names: str) -> list[dict[str, Any]]:
    return [{"podSelector": {"matchLabels": build_labels(name)}} for name in names]


def build_labels(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "shop"}


def port(name: str | int = "main", protocol: str = "TCP") -> dict[str, Any]:
    return {"port": name, "protocol": protocol}


def test_a_link_opens_all_ports_of_the_callee_at_both_ends() -> None:
    api = service("api", protocol="grpc", ports=(application.Port("stats", port=9, protocol="udp"),), calls=("db",))
    worker = service("worker", port=None, calls=("api",))
    policies = render(service(calls=("api",)), api, worker, store())
    ports = [port(), port("stats", "UDP")]
    assert get_spec(policies)["egress"][1:] == [{"to": build_peers("api"), "ports": ports}]
    assert "ingress" not in get_spec(policies)
    assert get_spec(policies, "api")["ingress"] == [{"from": build_peers("web", "worker"), "ports": ports}]
    assert get_spec(policies, "api")["egress"][1:] == [{"to": build_peers("db"), "ports": [port()]}]
    assert get_spec(policies, "db")["ingress"] == [{"from": build_peers("api"), "ports": [port()]}]
    assert "ingress" not in get_spec(policies, "worker")


def test_the_port_of_a_sidecar_is_not_reachable() -> None:
    policies = render(service(calls=("api",)), service("api", sidecars=(extra(image="x:1", port=9000),)))
    assert get_spec(policies, "api")["ingress"] == [{"from": build_peers("web"), "ports": [port()]}]


@pytest.mark.parametrize(
    ("mode", "web_ports", "db_ports"),
    [
        ("nodePort", [port(), port("admin")], [port()]),
        ("loadBalancer", [port(), port("admin")], [port()]),
        ("ingress", [port()], None),
        ("none", None, None),
    ],
)
def test_published_ports_accept_every_client(
    mode: settings.PublishMode, web_ports: list[dict[str, Any]] | None, db_ports: list[dict[str, Any]] | None
) -> None:
    ports = (application.Port("admin", port=9000, publish=True), application.Port("stats", port=9))
    workloads = (service(publish=True, ports=ports), store(publish=True), service("api"))
    policies = render(*workloads, publish=mode, ingress=settings.Ingress(hosts={"web": ("a.b",)}))
    for name, published in (("web", web_ports), ("db", db_ports), ("api", None)):
        assert get_spec(policies, name).get("ingress") == (published and [{"ports": published}])


@pytest.mark.parametrize("namespace", [None, "traefik"])
def test_the_solver_pods_of_an_issuer_are_reachable(namespace: str | None) -> None:
    """cert-manager creates them in this namespace, where all other pods are isolated."""
    ingress = settings.Ingress(hosts={"web": ("a.b",)}, issuer="letsencrypt", namespace=namespace)
    peers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}]
    policies = render(service(publish=True), publish="ingress", ingress=ingress)
    assert get_spec(policies, "acme-challenges") == {
        "podSelector": {"matchLabels": {"acme.cert-manager.io/http01-solver": "true"}},
        "policyTypes": ["Ingress"],
        "ingress": [({"from": peers} if namespace else {}) | {"ports": [port(8089)]}],
    }
    for mode, fields in (
        ("nodePort", {}),
        ("ingress", {"issuer": None, "tls_secret": "shop-tls"}),
        ("ingress", {"hosts": {}}),
    ):
        other = render(service(publish=True), publish=mode, ingress=dataclasses.replace(ingress, **fields))
        assert "acme-challenges" not in other


def test_internet_is_every_public_address() -> None:
    (rule,) = get_spec(render(service(egress=("internet",))))["egress"][1:]
    assert sorted(rule) == ["to"], "every port"
    for address in ("1.1.1.1", "93.184.216.34", "2606:4700::1111"):
        assert any(_contains(peer["ipBlock"], address) for peer in rule["to"]), address
    private = ("10.0.0.1", "172.31.0.1", "192.168.1.1", "100.100.100.200", "127.0.0.1")
    for address in (*private, "169.254.169.254", "168.63.129.16", "fd00:ec2::254", "fe80::1"):
        assert not any(_contains(peer["ipBlock"], address) for peer in rule["to"]), address


def test_declared_ranges_are_reachable() -> None:
    ranges = ("10.2.0.0/16", "10.1.0.0/16", "10.3.0.1/32:5432", "fd00::/8:443")
    assert get_spec(render(service(egress=ranges)))["egress"][1:] == [
        {"to": [{"ipBlock": {"cidr": "10.1.0.0/16"}}, {"ipBlock": {"cidr": "10.2.0.0/16"}}]},
        {"to": [{"ipBlock": {"cidr": "fd00::/8"}}], "ports": [port(443), port(443, "UDP")]},
        {"to": [{"ipBlock": {"cidr": "10.3.0.1/32"}}], "ports": [port(5432), port(5432, "UDP")]},
    ]


def test_a_changed_policy_is_another_object() -> None:
    """Both apply until the rollout is complete: no running pod is cut off."""
    before, after = render(service(), service("api")), render(service(calls=("api",)), service("api"))
    assert before["web"].key != after["web"].key
    assert before["api"].key != after["api"].key
    assert render(service(), service("api"))["web"].key == before["web"].key
    raw = {"NetworkPolicy": {"metadata": {"annotations": {"a.b/c": "d"}}}}
    assert render(service(raw=raw), service("api"))["web"].key != before["web"].key
    assert not any(policy.is_retained for policy in before.values()), "the old one is deleted at the end"


def test_the_order_of_links_changes_nothing() -> None:
    keys = {
        render(service(calls=calls), service("api"), store())["web"].key for calls in (("api", "db"), ("db", "api"))
    }
    assert len(keys) == 1


NAMES = ("a", "b", "c")


@hypothesis.settings(max_examples=25, deadline=None)
@hypothesis.given(
    strategies.fixed_dictionaries({name: strategies.sets(strategies.sampled_from((*NAMES, "db"))) for name in NAMES})
)
def test_a_pod_reaches_only_its_callees(calls: dict[str, set[str]]) -> None:
    services = [service(name, calls=tuple(calls[name])) for name in NAMES]
    policies = [policy.manifest["spec"] for policy in render(*services, store(egress=())).values()]
    for caller in (*NAMES, "db"):
        for callee in (*NAMES, "db"):
            assert _is_open(policies, caller, callee) == (callee in calls.get(caller, ())), (caller, callee)
        assert not _is_open(policies, "stranger", caller)
        assert not _is_open(policies, caller, "stranger")


def _is_open(policies: Sequence[dict[str, Any]], caller: str, callee: str) -> bool:
    """Whether both ends allow a connection between two pods of the namespace to the main port."""
    egress = [rule for spec in policies if _selects(spec["podSelector"], caller) for rule in spec.get("egress", [])]
    ingress = [rule for spec in policies if _selects(spec["podSelector"], callee) for rule in spec.get("ingress", [])]
    return any(_allows(rule, "to", callee) for rule in egress) and any(
        _allows(rule, "from", caller) for rule in ingress
    )


def _allows(rule: dict[str, Any], key: str, name: str) -> bool:
    peers = [peer for peer in rule[key] if "podSelector" in peer and "namespaceSelector" not in peer]
    return any(_selects(peer["podSelector"], name) for peer in peers) and port() in rule["ports"]


def _selects(selector: dict[str, Any], name: str) -> bool:
    return selector.get("matchLabels", {}).items() <= build_labels(name).items()


def _contains(block: dict[str, Any], text: str) -> bool:
    address = ipaddress.ip_address(text)
    return address in ipaddress.ip_network(block["cidr"]) and not any(
        address in ipaddress.ip_network(excluded) for excluded in block["except"]
    )
