"""The addresses of published workloads, from live Services, Ingresses and nodes."""

from typing import Any

import pytest

from seaway.kubernetes.cluster import snapshot
from seaway.rollout import addresses
from tests.support import live_objects

HTTP: dict[str, Any] = {"readinessProbe": {"httpGet": {"path": "/", "port": "main"}}}
TCP: dict[str, Any] = {"readinessProbe": {"tcpSocket": {"port": "main"}}}


def service(
    kind: str, *ports: dict[str, Any], owner: str = "web", status: Any = None, **main: str
) -> live_objects.Object:
    spec = {"type": kind, "ports": [{"name": "main", "port": 8000, "nodePort": 30080, **main}, *ports]}
    return live_objects.manifest("Service", f"{owner}-published", owner) | {"spec": spec, "status": status or {}}


def server(kind: str = "Deployment", **container: Any) -> live_objects.Object:
    spec = {"template": {"spec": {"containers": [{"name": "web", **container}]}}}
    return live_objects.manifest(kind, "web") | {"spec": spec}


def policy(*rules: dict[str, Any]) -> live_objects.Object:
    return live_objects.manifest("NetworkPolicy", "web-1", "web") | {"spec": {"ingress": list(rules)}}


def find(*manifests: live_objects.Object, host: str | None = "10.0.0.7") -> dict[str, tuple[str, ...]]:
    by_kind: dict[str, list[live_objects.Object]] = {}
    for manifest in manifests:
        by_kind.setdefault(manifest["kind"], []).append(manifest)
    return addresses.find_addresses(snapshot.Snapshot(by_kind), host, app_name="shop", stack="dev")


METRICS = {"name": "metrics", "port": 9090, "nodePort": 30090, "protocol": "UDP"}
BALANCED = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}, {"hostname": "lb.example.com"}]}}


@pytest.mark.parametrize(
    ("manifests", "expected"),
    [
        ([service("NodePort"), server(**HTTP)], ("http://10.0.0.7:30080",)),
        ([service("NodePort"), server(**TCP)], ("http://10.0.0.7:30080",)),
        ([service("NodePort", METRICS), server(**TCP)], ("http://10.0.0.7:30080", "10.0.0.7:30090/udp")),
        ([service("NodePort", appProtocol="tcp"), server(**TCP)], ("10.0.0.7:30080",)),
        ([service("NodePort", appProtocol="tcp"), server(**HTTP)], ("http://10.0.0.7:30080",)),
        ([service("NodePort"), server("StatefulSet", **TCP)], ("10.0.0.7:30080",)),
        ([service("NodePort"), server("StatefulSet", **HTTP)], ("http://10.0.0.7:30080",)),
        ([service("NodePort")], ("10.0.0.7:30080",)),
        ([service("NodePort", METRICS)], ("10.0.0.7:30080", "10.0.0.7:30090/udp")),
        ([service("NodePort", METRICS), policy({"ports": [{"port": "metrics"}]})], ("10.0.0.7:30090/udp",)),
        ([service("NodePort"), policy({"from": [{}], "ports": [{"port": "main"}]})], None),
        ([service("LoadBalancer")], ("pending",)),
        ([service("LoadBalancer", status=BALANCED)], ("192.0.2.1:8000", "lb.example.com:8000")),
        ([service("ClusterIP")], None),
    ],
)
def test_services(manifests: list[live_objects.Object], expected: tuple[str, ...] | None) -> None:
    assert find(*manifests) == ({"web": expected} if expected else {})


def test_a_store_is_found_by_its_name_and_other_stacks_are_not() -> None:
    foreign = service("NodePort", owner="foreign")
    foreign["metadata"]["labels"]["seaway/stack"] = "prod"
    assert find(service("NodePort", owner="db"), foreign) == {"db": ("10.0.0.7:30080",)}


def test_port_80_and_ipv6() -> None:
    balanced = service("LoadBalancer", status=BALANCED)
    balanced["spec"]["ports"][0]["port"] = 80
    assert find(balanced, server(**HTTP))["web"] == ("http://192.0.2.1", "http://lb.example.com")
    assert find(service("NodePort"), host="fd00::1")["web"] == ("[fd00::1]:30080",)


def test_what_is_not_assigned_yet_is_pending() -> None:
    assert find(service("NodePort"), host=None) == {"web": ("pending",)}
    unassigned = service("NodePort")
    del unassigned["spec"]["ports"][0]["nodePort"]
    assert find(unassigned) == {"web": ("pending",)}


def test_an_ingress_has_the_scheme_of_each_host() -> None:
    paths = {"http": {"paths": [{"path": "/api"}]}}
    rules = [{"host": "a.example.com", **paths}, {"host": "b.example.com", **paths}]
    ingress = live_objects.manifest("Ingress", "web") | {
        "spec": {"rules": rules, "tls": [{"hosts": ["a.example.com"]}]}
    }
    assert find(ingress, service("ClusterIP")) == {"web": ("https://a.example.com/api", "http://b.example.com/api")}


def node(name: str, ready: str, *kinds: str) -> live_objects.Object:
    ips = [{"type": kind, "address": f"{name}-{kind}"} for kind in kinds]
    return {
        "metadata": {"name": name},
        "status": {"conditions": [{"type": "Ready", "status": ready}], "addresses": ips},
    }


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([], None),
        ([node("a", "False", "InternalIP"), node("b", "True", "InternalIP", "Hostname")], "b-InternalIP"),
        ([node("a", "True", "InternalIP", "ExternalIP")], "a-ExternalIP"),
        ([node("docker-desktop", "True", "InternalIP")], "localhost"),
    ],
)
def test_the_address_of_a_node(nodes: list[live_objects.Object], expected: str | None) -> None:
    assert addresses.find_node_address(nodes) == expected


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        ("Service", {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]}, ("10.0.0.7:30080",)),
        ("Ingress", {"defaultBackend": {}}, None),
        ("Ingress", {"rules": [{}, {"host": "a.example"}, {"http": {"paths": [{"path": "/"}]}}], "tls": [{}]}, None),
        ("Ingress", {"rules": [{"host": "a.example", "http": {"paths": [{}]}}]}, ("http://a.example/",)),
        ("NetworkPolicy", {"ingress": [{}, {"ports": [{"protocol": "TCP"}]}]}, None),
    ],
)
def test_fields_that_kubernetes_does_not_require(kind: str, spec: Any, expected: tuple[str, ...] | None) -> None:
    """An editor of the namespace may write such an object with the labels of the stack: the status must not end."""
    assert find(live_objects.manifest(kind, "other", "web") | {"spec": spec}).get("web") == expected
