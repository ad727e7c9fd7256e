"""How requests from outside come in by name."""

import dataclasses
from typing import Any

import pytest

from seaway.manifests import objects
from seaway.model import application, settings

NGINX, TRAEFIK = "nginx.ingress.kubernetes.io", "traefik.ingress.kubernetes.io"
HOSTS = {"web": ("shop.example.com", "example.com/shop")}


def made(service: dict[str, Any] | None = None, **led: Any) -> dict[str, dict[str, Any]]:
    """The objects of a service that is exposed by an ingress."""
    web = application.Service("web", **({"image": "x:1", "port": 8000, "publish": True} | (service or {})))
    ingress = settings.Ingress(**({"hosts": HOSTS} | led))
    stack = settings.Settings(stack="test", context="test", publish="ingress", ingress=ingress)
    app = application.Application("shop", services=(web,))
    return {one.key: one.manifest for one in objects.objects(app, stack, {}, {})}


def one(**led: Any) -> dict[str, Any]:
    return made(**led)["Ingress/web"]


def annotations(manifest: dict[str, Any]) -> dict[str, str]:
    said = manifest["metadata"]["annotations"]
    return {name: value for name, value in said.items() if not name.startswith("pulumi.com/")}


def path(path: str) -> dict[str, Any]:
    backend = {"service": {"name": "web", "port": {"name": "main"}}}
    return {"path": path, "pathType": "Prefix", "backend": backend}


def test_hosts_and_paths() -> None:
    found = one()
    assert found["apiVersion"] == "networking.k8s.io/v1"
    assert found["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"
    assert found["spec"] == {
        "rules": [
            {"host": "example.com", "http": {"paths": [path("/shop")]}},
            {"host": "shop.example.com", "http": {"paths": [path("/")]}},
        ]
    }
    assert annotations(found) == {}


def test_two_paths_of_a_host_are_one_rule() -> None:
    found = one(hosts={"web": ("a.b/y", "a.b/x/")})
    assert found["spec"]["rules"] == [{"host": "a.b", "http": {"paths": [path("/x"), path("/y")]}}]


def test_the_controller_is_named_or_the_clusters_own() -> None:
    assert one(class_name="nginx")["spec"]["ingressClassName"] == "nginx"


def test_a_certificate_that_is_there_is_that_of_all_hosts() -> None:
    assert one(tls_secret="shop-tls")["spec"]["tls"] == [
        {"hosts": ["example.com", "shop.example.com"], "secretName": "shop-tls"}
    ]


def test_an_issuer_makes_one_for_each_host() -> None:
    found = one(hosts={"web": ("*.example.com", "wildcard.example.com/a", "wildcard.example.com/b")}, issuer="le")
    assert found["spec"]["tls"] == [
        {"hosts": ["*.example.com"], "secretName": "tls-wildcard.example.com"},
        {"hosts": ["wildcard.example.com"], "secretName": "tls.wildcard.example.com"},
    ]
    assert annotations(found)["cert-manager.io/cluster-issuer"] == "le"


def test_plain_http_is_not_answered_where_there_is_tls() -> None:
    assert annotations(one(tls_secret="t")) == {f"{NGINX}/ssl-redirect": "true", f"{TRAEFIK}/router.tls": "true"}
    assert annotations(one(tls_secret="t", redirect=False)) == {f"{NGINX}/ssl-redirect": "false"}


def test_what_else_is_said_wins() -> None:
    more = {f"{NGINX}/ssl-redirect": "false", "example.com/a": "b"}
    assert annotations(one(tls_secret="t", annotations=more)) == {**more, f"{TRAEFIK}/router.tls": "true"}


def test_grpc_is_told_to_both_controllers() -> None:
    found = made({"protocol": "grpc"})
    assert annotations(found["Ingress/web"]) == {f"{NGINX}/backend-protocol": "GRPC"}
    assert annotations(found["Service/web"]) == {f"{TRAEFIK}/service.serversscheme": "h2c"}
    assert annotations(made()["Service/web"]) == {}


def test_the_service_stays_inside() -> None:
    assert made()["Service/web"]["spec"]["type"] == "ClusterIP"


def test_what_runs_it_says_where_it_is_found() -> None:
    said = {"seaway/urls": "https://example.com/shop https://shop.example.com/"}
    assert said.items() <= annotations(made(issuer="le")["Deployment/web"]).items()
    assert said.items() <= annotations(made({"daemon_set": True}, issuer="le")["DaemonSet/web"]).items()


@pytest.mark.parametrize("service", [{"publish": False}, {"publish": False, "port": None}])
def test_what_is_not_exposed_has_none(service: dict[str, Any]) -> None:
    found = made(service)
    assert not [key for key in found if key.startswith("Ingress/")]
    assert "seaway/urls" not in annotations(found["Deployment/web"])


@pytest.mark.parametrize("exposure", ["clusterIP", "nodePort", "loadBalancer"])
def test_no_other_exposure_has_one(exposure: settings.PublishMode) -> None:
    web = application.Service("web", image="x:1", port=8000, publish=True)
    stack = settings.Settings(stack="test", context="test", ingress=settings.Ingress(hosts=HOSTS))
    found = objects.objects(
        application.Application("shop", services=(web,)), dataclasses.replace(stack, publish=exposure), {}, {}
    )
    assert "Ingress" not in {each.kind for each in found}
