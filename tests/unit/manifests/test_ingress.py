"""The Ingress of a published service."""

from typing import Any

import pytest

from seaway.model import settings
from tests.support.rendering import DEPLOYMENT, Rendered, render, service

NGINX, TRAEFIK = "nginx.ingress.kubernetes.io", "traefik.ingress.kubernetes.io"
HOSTS = {"web": ("shop.example.com", "example.com/shop")}


def render_ingress(
    fields: dict[str, Any] | None = None, *, publish: settings.PublishMode = "ingress", **ingress: Any
) -> Rendered:
    """A published service, behind an ingress controller with these settings."""
    web = service(**({"publish": True} | (fields or {})))
    return render(web, publish=publish, ingress=settings.Ingress(**({"hosts": HOSTS} | ingress)))


def get_spec(**ingress: Any) -> dict[str, Any]:
    return render_ingress(**ingress).get_spec("Ingress/web")


def get_annotations(rendered: Rendered, key: str = "Ingress/web") -> dict[str, str]:
    annotations = rendered[key].manifest["metadata"]["annotations"]
    return {name: text for name, text in annotations.items() if not name.startswith("pulumi.com/")}


def path(path: str) -> dict[str, Any]:
    backend = {"service": {"name": "web", "port": {"name": "main"}}}
    return {"path": path, "pathType": "Prefix", "backend": backend}


def test_an_ingress_has_the_hosts_and_paths_of_the_settings() -> None:
    rendered = render_ingress()
    assert rendered["Ingress/web"].manifest["apiVersion"] == "networking.k8s.io/v1"
    assert rendered["Ingress/web"].manifest["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"
    assert rendered.get_spec("Ingress/web") == {
        "rules": [
            {"host": "example.com", "http": {"paths": [path("/shop")]}},
            {"host": "shop.example.com", "http": {"paths": [path("/")]}},
        ]
    }
    assert get_annotations(rendered) == {}
    assert rendered.get_spec("Service/web")["type"] == "ClusterIP"


def test_two_paths_of_a_host_are_one_rule() -> None:
    rules = get_spec(hosts={"web": ("a.b/y", "a.b/x/")})["rules"]
    assert rules == [{"host": "a.b", "http": {"paths": [path("/x"), path("/y")]}}]


def test_an_existing_certificate_covers_all_hosts() -> None:
    tls = {"hosts": ["example.com", "shop.example.com"], "secretName": "shop-tls"}
    assert get_spec(tls_secret="shop-tls")["tls"] == [tls]


def test_an_issuer_issues_a_certificate_per_host() -> None:
    hosts = {"web": ("*.example.com", "wildcard.example.com/a", "wildcard.example.com/b")}
    rendered = render_ingress(hosts=hosts, issuer="le")
    assert rendered.get_spec("Ingress/web")["tls"] == [
        {"hosts": ["*.example.com"], "secretName": "tls-wildcard.example.com"},
        {"hosts": ["wildcard.example.com"], "secretName": "tls.wildcard.example.com"},
    ]
    assert get_annotations(rendered)["cert-manager.io/cluster-issuer"] == "le"


@pytest.mark.parametrize(
    ("ingress", "annotations"),
    [
        ({}, {f"{NGINX}/ssl-redirect": "true", f"{TRAEFIK}/router.tls": "true"}),
        ({"redirect": False}, {f"{NGINX}/ssl-redirect": "false"}),
        (
            {"annotations": {f"{NGINX}/ssl-redirect": "false", "example.com/a": "b"}},
            {f"{NGINX}/ssl-redirect": "false", "example.com/a": "b", f"{TRAEFIK}/router.tls": "true"},
        ),
    ],
)
def test_plain_http_is_redirected_unless_the_settings_differ(
    ingress: dict[str, Any], annotations: dict[str, str]
) -> None:
    assert get_annotations(render_ingress(tls_secret="t", **ingress)) == annotations


def test_both_controllers_know_that_a_service_speaks_grpc() -> None:
    rendered = render_ingress({"protocol": "grpc"})
    assert get_annotations(rendered) == {f"{NGINX}/backend-protocol": "GRPC"}
    assert get_annotations(rendered, "Service/web") == {f"{TRAEFIK}/service.serversscheme": "h2c"}
    assert get_annotations(render_ingress(), "Service/web") == {}


@pytest.mark.parametrize(("fields", "key"), [({}, DEPLOYMENT), ({"daemon_set": True}, "DaemonSet/web")])
def test_the_workload_has_its_urls(fields: dict[str, Any], key: str) -> None:
    annotations = get_annotations(render_ingress(fields, issuer="le"), key)
    assert annotations["seaway/urls"] == "https://example.com/shop https://shop.example.com/"


@pytest.mark.parametrize("mode", ["none", "nodePort", "loadBalancer"])
def test_other_ways_to_publish_need_no_ingress(mode: settings.PublishMode) -> None:
    assert not render_ingress(publish=mode).find("Ingress")
