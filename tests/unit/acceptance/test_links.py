"""Which connections are tried, compared with what the rendered network policies allow."""

import ipaddress
from typing import Any

import pytest

from seaway.acceptance import communication, links
from seaway.kubernetes.api import unstructured
from seaway.manifests import network
from seaway.model import application, settings
from seaway.project import environments
from tests.support import rendering
from tests.support.rendering import service, store

PORTS = {8000, 5432, 9000}
"""Each pod listens here, whatever it declares."""
OUTSIDE = links.Outside(api_server="10.96.0.1", api_port=443, is_api_server_on_node=False, dns_server="10.96.0.10")
NODE_PORT = settings.Settings(stack="test", context="test", publish="nodePort")
MANAGED = application.External(host="10.8.0.5")

APPLICATIONS: dict[str, tuple[Any, ...]] = {
    "links": (service(calls=("api",)), service("api", port=9000, calls=("db",)), store()),
    "no links": (service(), store()),
    "further ports": (service(calls=("api",)), service("api", ports=(application.Port("admin", port=9000),))),
    "all ports": (service(calls=("api",)), service("api", port=None, all_ports=True)),
    "UDP": (service(calls=("api",)), service("api", protocol="udp", ports=(application.Port("x", port=9000),))),
    "published": (service(publish=True), store(egress=("10.0.0.0/8",)), service("api", egress=())),
    "Kubernetes API": (service(kubernetes_api={"pods": ("get",)}), service("api", publish=True)),
    "metadata": (service(egress=("169.254.0.0/16",)), store(egress=("internet", "10.96.0.10/32:9153"))),
    "external": (service(calls=("db",)), store(external=MANAGED, volume=None), service("api")),
    "external name": (
        service(calls=("db",)),
        store(external=application.External(host="db.example.com"), port=9000, volume=None, image=None),
        service("api", port=9000, publish=True),
    ),
}


def allows(  # noqa: PLR0917 - the ends of a connection
    rule: dict[str, Any], key: str, labels: dict[str, str] | None, ip: str, named: dict[str, int], port: int
) -> bool:
    """Whether a rule of a policy allows TCP to a port. ``labels``: of the other pod; None: it is not a pod."""
    ports = rule.get("ports")
    if ports and not any(
        entry["protocol"] == "TCP" and named.get(entry["port"], entry["port"]) == port for entry in ports
    ):
        return False
    for peer in rule.get(key, ()):
        block = peer.get("ipBlock")
        if block and ipaddress.ip_address(ip) in ipaddress.ip_network(block["cidr"]):
            ranges = [ipaddress.ip_network(text) for text in block.get("except", ())]
            if not any(ipaddress.ip_address(ip) in range_ for range_ in ranges if range_.version == 4):
                return True
        is_local = "podSelector" in peer and "namespaceSelector" not in peer
        if labels and is_local and unstructured.matches_selector(peer["podSelector"], labels):
            return True
    return not rule.get(key)


@pytest.mark.parametrize("name", APPLICATIONS)
def test_expected_connections_are_those_of_the_policies(name: str) -> None:
    app = rendering.create_app(*APPLICATIONS[name])
    environment = environments.Environment.create(app, NODE_PORT)
    rendered = rendering.render(*APPLICATIONS[name], publish="nodePort")
    workloads = {workload.name: workload for workload in (*app.services, *app.stores)}
    names = [known for known, workload in workloads.items() if not getattr(workload, "external", None)]
    endpoints = {known: links.Endpoint(address=f"10.1.0.{number}", ports=PORTS) for number, known in enumerate(names)}
    policies = {
        manifest["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/name"]: manifest["spec"]
        for manifest in (found.manifest for found in rendered.find("NetworkPolicy"))
        if manifest["spec"]["podSelector"]
    }
    labels = {known: {**spec["podSelector"]["matchLabels"]} for known, spec in policies.items()}
    by_address = {endpoint.address: known for known, endpoint in endpoints.items()}
    count = 0
    for caller in names:
        for tried in links.list_connections(environment, workloads[caller], endpoints, OUTSIDE):
            target = tried.host if tried.host in endpoints else by_address.get(tried.host, "")
            address = endpoints[target].address if target else tried.host
            if tried.code == "external-store" and tried.host == "db.example.com":
                address = "192.0.2.1"
            ports = {port.name: port.port for port in network.list_ports(workloads[target])} if target else {}
            egress = any(
                allows(rule, "to", labels.get(target), address, ports, tried.port)
                for rule in policies[caller].get("egress", ())
            )
            ingress = not target or any(
                allows(rule, "from", labels[caller], endpoints[caller].address, ports, tried.port)
                for rule in policies[target].get("ingress", ())
            )
            assert (egress and ingress) == tried.is_open, tried
            count += 1
    assert count >= len(names) * 2


def test_a_port_that_nobody_declares_is_closed_to_callers_too() -> None:
    app = rendering.create_app(service(calls=("api",)), service("api"))
    environment = environments.Environment.create(app, NODE_PORT)
    endpoints = {"api": links.Endpoint(address="10.1.0.1", ports={8000, 9229})}
    tried = [*links.list_connections(environment, app.services[0], endpoints, OUTSIDE)][:2]
    assert [(known.subject, known.is_open) for known in tried] == [
        ("api:8000", True),
        ("api:9229 (not declared)", False),
    ]


@pytest.mark.parametrize(
    ("address", "port"),
    [
        ("00000000:1F90", 8080),
        ("0100007F:1F90", None),
        ("0200000A:0050", 80),
        (f"{'0' * 32}:1F90", 8080),
        (f"{'0' * 24}01000000:1F90", None),
        (f"000000FD{'0' * 16}01000000:1F90", 8080),
        ("0000000000000000FFFF00000100007F:1F90", None),
        ("0000000000000000FFFF00000200000A:1F90", 8080),
    ],
)
def test_listening_sockets(address: str, port: int | None) -> None:
    assert communication.parse_listener(address) == port
