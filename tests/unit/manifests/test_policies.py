"""Who may talk to whom, one decision a test; and all of it, as a cluster would decide it."""

import dataclasses
import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies

from seaway.manifests import objects
from seaway.model import application, settings

STACK = settings.Settings(stack="test", context="test")
DNS = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
METADATA = "169.254.169.254"


def service(name: str = "web", **fields: Any) -> application.Service:
    return application.Service(name, **({"image": "x:1", "port": 8000, "egress": ()} | fields))


def store(**fields: Any) -> application.Store:
    volume = application.Volume(path="/data", size="1Gi")
    return application.Store("db", **({"image": "x:1", "port": 5432, "volume": volume} | fields))


def made(
    *services: application.Service,
    stores: Sequence[application.Store] = (),
    jobs: Sequence[application.Job] = (),
    stack: settings.Settings = STACK,
) -> dict[str, objects.ReleaseObject]:
    """The policies by the name of what they are for."""
    app = application.Application("shop", services=services, stores=tuple(stores), jobs=tuple(jobs))
    found = [one for one in objects.objects(app, stack, {}, {}) if one.kind == "NetworkPolicy"]
    return {one.owner or "": one for one in found}


def spec(found: Mapping[str, objects.ReleaseObject], name: str = "web") -> dict[str, Any]:
    return found[name].manifest["spec"]


def pods(*names: str) -> list[dict[str, Any]]:
    return [{"podSelector": {"matchLabels": labels(name)}} for name in names]


def labels(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "shop"}


def port(name: str = "main", protocol: str = "TCP") -> dict[str, str]:
    return {"port": name, "protocol": protocol}


def test_all_pods_of_the_namespace_are_closed() -> None:
    one = made(service())[""]
    assert one.name == "default-deny"
    assert one.manifest["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert "app.kubernetes.io/name" not in one.manifest["metadata"]["labels"]


def test_every_workload_has_one_before_its_pods() -> None:
    found = made(service(), stores=[store()], jobs=[application.Job("migrate", image="x:1")])
    assert sorted(found) == ["", "db", "migrate", "web"]
    assert {one.phase for one in found.values()} == {objects.Phase.foundation}


def test_alone_it_knows_names_and_nothing_else() -> None:
    dns = [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        },
        {"ipBlock": {"cidr": "169.254.20.10/32"}},
    ]
    assert spec(made(service())) == {
        "podSelector": {"matchLabels": labels("web")},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [{"to": dns, "ports": DNS}],
    }


def test_a_link_is_open_at_both_ends_on_all_ports_of_the_called() -> None:
    api = service("api", protocol="grpc", ports=(application.Port("stats", port=9, protocol="udp"),), calls=("db",))
    worker = service("worker", port=None, calls=("api",))
    found = made(service(calls=("api",)), api, worker, stores=[store()])
    assert spec(found)["egress"][1:] == [{"to": pods("api"), "ports": [port(), port("stats", "UDP")]}]
    assert "ingress" not in spec(found)
    assert spec(found, "api")["ingress"] == [
        {"from": pods("web", "worker"), "ports": [port(), port("stats", "UDP")]},
    ]
    assert spec(found, "api")["egress"][1:] == [{"to": pods("db"), "ports": [port()]}]
    assert spec(found, "db")["ingress"] == [{"from": pods("api"), "ports": [port()]}]
    assert "ingress" not in spec(found, "worker")


def test_a_job_calls_and_is_called_by_nobody() -> None:
    found = made(stores=[store()], jobs=[application.Job("migrate", image="x:1", calls=("db",), egress=())])
    assert spec(found, "migrate")["egress"][1:] == [{"to": pods("db"), "ports": [port()]}]
    assert "ingress" not in spec(found, "migrate")
    assert spec(found, "db")["ingress"] == [{"from": pods("migrate"), "ports": [port()]}]


def test_the_port_of_a_companion_is_not_reachable() -> None:
    proxy = application.ExtraContainer("proxy", image="x:1", port=9000)
    found = made(service(calls=("api",)), service("api", sidecars=(proxy,)))
    assert spec(found, "api")["ingress"] == [{"from": pods("web"), "ports": [port()]}]


@pytest.mark.parametrize("exposure", ["nodePort", "loadBalancer", "ingress"])
def test_what_is_exposed_answers_anybody_on_its_main_port(exposure: settings.PublishMode) -> None:
    stack = dataclasses.replace(STACK, publish=exposure, ingress=settings.Ingress(hosts={"web": ("a.b",)}))
    web = service(publish=True, ports=(application.Port("stats", port=9),))
    assert spec(made(web, stack=stack))["ingress"] == [{"ports": [port()]}]
    assert "ingress" not in spec(made(service(), stack=stack))
    assert "ingress" not in spec(made(web))


def test_an_ingress_controller_that_is_known_is_the_only_one() -> None:
    there = settings.Ingress(hosts={"web": ("a.b",)}, namespace="traefik")
    stack = dataclasses.replace(STACK, publish="ingress", ingress=there)
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "traefik"}}}
    assert spec(made(service(publish=True), stack=stack))["ingress"] == [{"from": [peer], "ports": [port()]}]


@pytest.mark.parametrize("namespace", [None, "traefik"])
def test_who_makes_certificates_may_ask_whether_a_host_is_ours(namespace: str | None) -> None:
    """cert-manager answers from pods of its own in this namespace, which would be closed as all others are."""
    led = settings.Ingress(hosts={"web": ("a.b",)}, issuer="letsencrypt", namespace=namespace)
    app = application.Application("shop", services=(service(publish=True),))

    def named(stack: settings.Settings) -> dict[str, dict[str, Any]]:
        return {one.key: one.manifest for one in objects.objects(app, stack, {}, {})}

    stack = dataclasses.replace(STACK, publish="ingress", ingress=led)
    peers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}]
    assert named(stack)["NetworkPolicy/acme-challenges"]["spec"] == {
        "podSelector": {"matchLabels": {"acme.cert-manager.io/http01-solver": "true"}},
        "policyTypes": ["Ingress"],
        "ingress": [({"from": peers} if namespace else {}) | {"ports": [{"port": 8089, "protocol": "TCP"}]}],
    }
    for other in (
        dataclasses.replace(stack, publish="nodePort"),
        dataclasses.replace(stack, ingress=dataclasses.replace(led, issuer=None, tls_secret="shop-tls")),
        dataclasses.replace(stack, ingress=dataclasses.replace(led, hosts={})),
    ):
        assert "NetworkPolicy/acme-challenges" not in named(other)


def test_the_internet_is_every_public_address() -> None:
    (rule,) = spec(made(service(egress=("internet",))))["egress"][1:]
    assert sorted(rule) == ["to"], "every port"
    for address in ("1.1.1.1", "93.184.216.34", "2606:4700::1111"):
        assert any(_in(one["ipBlock"], address) for one in rule["to"]), address
    closed = (METADATA, "10.0.0.1", "172.31.0.1", "192.168.1.1", "100.100.100.200", "127.0.0.1", "168.63.129.16")
    for address in (*closed, "fd00:ec2::254", "fe80::1"):
        assert not any(_in(one["ipBlock"], address) for one in rule["to"]), address


def test_addresses_are_opened_as_they_are_written() -> None:
    words = ("10.2.0.0/16", "10.1.0.0/16", "10.3.0.1/32:5432", "fd00::/8:443")
    assert spec(made(service(egress=words)))["egress"][1:] == [
        {"to": [{"ipBlock": {"cidr": "10.1.0.0/16"}}, {"ipBlock": {"cidr": "10.2.0.0/16"}}]},
        {
            "to": [{"ipBlock": {"cidr": "fd00::/8"}}],
            "ports": [{"port": 443, "protocol": "TCP"}, {"port": 443, "protocol": "UDP"}],
        },
        {
            "to": [{"ipBlock": {"cidr": "10.3.0.1/32"}}],
            "ports": [{"port": 5432, "protocol": "TCP"}, {"port": 5432, "protocol": "UDP"}],
        },
    ]


def test_who_asks_the_cluster_reaches_its_api() -> None:
    found = made(service(kubernetes_api={"pods": ("get",)}))
    assert spec(found)["egress"][1:] == [
        {"ports": [{"port": 443, "protocol": "TCP"}, {"port": 6443, "protocol": "TCP"}]}
    ]


def test_another_content_is_another_object() -> None:
    """Both count until the rollout is through: nothing is cut off from pods that still run."""
    before, after = made(service(), service("api")), made(service(calls=("api",)), service("api"))
    assert before["web"].key != after["web"].key
    assert before["api"].key != after["api"].key
    assert made(service(), service("api"))["web"].key == before["web"].key
    more = {"NetworkPolicy": {"metadata": {"annotations": {"a.b/c": "d"}}}}
    assert made(service(raw=more), service("api"))["web"].key != before["web"].key
    assert not any(one.is_retained for one in before.values()), "an old one goes at the end"


def test_the_order_of_links_changes_nothing() -> None:
    one, other = ("api", "db"), ("db", "api")
    first = made(service(calls=one), service("api"), stores=[store()])
    assert first["web"].key == made(service(calls=other), service("api"), stores=[store()])["web"].key


NAMES = ("a", "b", "c")


@hypothesis.settings(max_examples=25, deadline=None)
@hypothesis.given(
    strategies.fixed_dictionaries({name: strategies.sets(strategies.sampled_from((*NAMES, "db"))) for name in NAMES})
)
def test_a_pod_reaches_what_it_calls_and_nothing_else(calls: dict[str, set[str]]) -> None:
    services = [service(name, calls=tuple(calls[name]), port=8000) for name in NAMES]
    found = made(*services, stores=[store(egress=())])
    every = [one.manifest["spec"] for one in found.values()]
    for caller in (*NAMES, "db"):
        for called in (*NAMES, "db"):
            assert _open(every, caller, called) == (called in calls.get(caller, ())), (caller, called)
        assert not _open(every, "stranger", caller)
        assert not _open(every, caller, "stranger")


def _open(policies: Sequence[dict[str, Any]], start: str, end: str) -> bool:
    """Whether a connection between two pods of the namespace to the main port is let out and in."""
    out = [rule for one in policies if _selects(one["podSelector"], start) for rule in one.get("egress", [])]
    into = [rule for one in policies if _selects(one["podSelector"], end) for rule in one.get("ingress", [])]
    return any(_lets(rule, "to", end) for rule in out) and any(_lets(rule, "from", start) for rule in into)


def _lets(rule: dict[str, Any], key: str, name: str) -> bool:
    inside = [one for one in rule[key] if "podSelector" in one and "namespaceSelector" not in one]
    return any(_selects(one["podSelector"], name) for one in inside) and port() in rule["ports"]


def _selects(selector: dict[str, Any], name: str) -> bool:
    return selector.get("matchLabels", {}).items() <= labels(name).items()


def _in(block: dict[str, Any], address: str) -> bool:
    here = ipaddress.ip_address(address)
    return here in ipaddress.ip_network(block["cidr"]) and not any(
        here in ipaddress.ip_network(one) for one in block["except"]
    )


def test_other_ports_that_are_exposed_are_open_where_ports_are_opened() -> None:
    web = service(publish=True, ports=(application.Port("admin", port=9000, publish=True),))
    db = store(publish=True)
    for exposure, ports in (("nodePort", [port(), port("admin")]), ("ingress", [port()]), ("clusterIP", None)):
        found = made(web, stores=(db,), stack=settings.Settings(stack="test", context="test", publish=exposure))
        assert spec(found).get("ingress") == (None if ports is None else [{"ports": ports}])
        assert spec(found, "db").get("ingress") == ([{"ports": [port()]}] if exposure == "nodePort" else None)
