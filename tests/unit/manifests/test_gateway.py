"""The Gateway and the routes of published services. The golden file of examples/gateway has those with an issuer."""

import json
from typing import Any

import pytest

from seaway.model import application, settings
from tests.support.rendering import Rendered, render, service

OWN = settings.Gateway(class_name="traefik")
SHARED = settings.Gateway(name="public", namespace="infra", listener="https")


def render_gateway(gateway: settings.Gateway, *others: application.Service, **ingress: Any) -> Rendered:
    hosts = {"web": ("shop.example.com", "shop.example.com/x", "other.example.com")}
    fields: dict[str, Any] = {"hosts": hosts, **ingress}
    inputs = settings.Ingress(**fields)
    return render(service(publish=True), *others, publish="gateway", ingress=inputs, gateway=gateway)


def list_parents(rendered: Rendered) -> dict[str, str]:
    """The listeners of each route: ``https,http`` of the own Gateway, ``infra/public#https`` of another one."""
    return {
        name.partition("/")[2]: ",".join(
            f"{parent.get('namespace', '')}/{parent['name']}#{parent.get('sectionName', '')}".removeprefix("/shop#")
            for parent in one.manifest["spec"]["parentRefs"]
        )
        for name, one in rendered.items()
        if one.kind.endswith("Route")
    }


ROUTES, REDIRECTS = (
    {f"{prefix}.{host}.example.com" for host in ("shop", "other")} for prefix in ("web", "https-redirect")
)


@pytest.mark.parametrize(
    ("gateway", "ingress", "routes", "redirects"),
    [
        (OWN, {}, "http", None),
        (OWN, {"tls_secret": "shop-tls"}, "https", "http"),
        (OWN, {"tls_secret": "shop-tls", "redirect": False}, "http,https", None),
        (SHARED, {}, "infra/public#https", None),
        (settings.Gateway(name="public"), {}, "/public#", None),
        (
            settings.Gateway(name="public", namespace="infra", listener="a", http_listener="b"),
            {},
            "infra/public#a",
            "infra/public#b",
        ),
    ],
)
def test_routes_attach_to_the_listener_for_https_and_redirects_to_the_other(
    gateway: settings.Gateway, ingress: dict[str, Any], routes: str, redirects: str | None
) -> None:
    rendered = render_gateway(gateway, **ingress)
    expected = dict.fromkeys(ROUTES, routes) | (dict.fromkeys(REDIRECTS, redirects) if redirects else {})
    assert list_parents(rendered) == expected
    assert ("Gateway/shop" in rendered) is (gateway is OWN)
    assert not [name for name in rendered if name.startswith("Ingress/")]


def test_a_certificate_of_another_namespace_is_named_with_it() -> None:
    listeners = render_gateway(OWN, tls_secret="certificates/shop").get_spec("Gateway/shop")["listeners"]
    assert listeners[1]["tls"] == {"certificateRefs": [{"name": "shop", "namespace": "certificates"}]}


def test_a_host_of_grpc_only_has_grpc_routes() -> None:
    """A GRPCRoute and an HTTPRoute cannot share a host."""
    hosts = {
        "web": ("shop.example.com",),
        "rpc": ("shop.example.com/shop.Orders", "rpc.example.com/shop.Orders/List", "rpc.example.com/"),
    }
    gateway = settings.Gateway(class_name="traefik", headers={"rpc": {"X-B": "2", "X-A": "1"}})
    rpc = service("rpc", publish=True, protocol="grpc", port=9000)
    rendered = render_gateway(gateway, rpc, hosts=hosts, tls_secret="shop-tls")
    assert set(list_parents(rendered)) == {
        "web.shop.example.com",
        "rpc.shop.example.com",
        "rpc.rpc.example.com",
        "https-redirect.shop.example.com",
    }
    headers = [{"type": "Exact", "name": "X-A", "value": "1"}, {"type": "Exact", "name": "X-B", "value": "2"}]
    method = {"type": "Exact", "service": "shop.Orders", "method": "List"}
    backends = [{"name": "rpc", "port": 9000}]
    assert rendered.get_spec("GRPCRoute/rpc.rpc.example.com")["rules"] == [
        {"matches": [{"headers": headers}, {"method": method, "headers": headers}], "backendRefs": backends}
    ]
    (rule,) = rendered.get_spec("HTTPRoute/rpc.shop.example.com")["rules"]
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/shop.Orders"}, "headers": headers}]
    assert rendered.get_spec("Service/rpc")["ports"][0]["appProtocol"] == "kubernetes.io/h2c"
    assert "traefik" not in json.dumps(rendered["Service/rpc"].manifest["metadata"]["annotations"])


def test_policies_open_for_the_pods_of_the_gateway() -> None:
    rendered = render_gateway(SHARED, namespace="infra")
    (policy,) = (one for one in rendered.values() if one.kind == "NetworkPolicy" and one.owner == "web")
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "infra"}}}
    assert policy.manifest["spec"]["ingress"] == [{"from": [peer], "ports": [{"port": "main", "protocol": "TCP"}]}]
