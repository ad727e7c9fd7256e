"""The hosts of a stack, and the URLs of published services."""

import dataclasses

import pytest

from seaway.model import application, ingress_hosts, settings
from tests.unit.conftest import ExpectErrors, FindErrors

APP = """\
name: shop
services:
  web: {image: nginx, port: 80, publish: true}
  api: {image: nginx, port: 81, publish: true, protocol: grpc}
  work: {image: nginx}
"""
HEAD = "config:\n  seaway:context: c\n  seaway:publish: ingress\n  seaway:ingress:\n"
WEB, API = "      web: [shop.example.com]\n", "      api: [api.example.com]\n"


def stack(web: str = WEB, api: str = API, more: str = "") -> str:
    return f"{HEAD}    hosts:\n{web}{api}{more}"


VALID = [
    stack(),
    stack("      web: ['*.example.com', example.com/, example.com/a-b/c.d]\n"),
    stack("      web: [shop.example.com]\n", "      api: [shop.example.com/api]\n"),
    stack(more="    tlsSecret: shop-tls\n    className: nginx\n    namespace: ingress-nginx\n    redirect: false\n"),
    stack(more="    issuer: letsencrypt\n    annotations: {a.example.com/b: c}\n"),
    "config: {seaway:context: c, seaway:publish: nodePort}\n",
]

INVALID = {
    "no host": (stack(web=""), "3:33: .publish: missing-host"),
    "no hosts": (stack("      web: []\n"), "3:33: .publish: missing-host"),
    "unknown workload": (
        stack(more="      wep: [b.example.com]\n"),
        "Pulumi.dev.yaml:8:7: seaway:ingress.hosts.wep: unknown-service",
    ),
    "not published": (
        stack(more="      work: [b.example.com]\n"),
        "Pulumi.dev.yaml:8:7: seaway:ingress.hosts.work: no-effect",
    ),
    "url": (
        stack("      web: [a.b, 'https://shop.example.com']\n"),
        "Pulumi.dev.yaml:6:18: seaway:ingress.hosts.web[1]: invalid-host",
    ),
    "port": (
        stack("      web: ['shop.example.com:8080']\n"),
        "Pulumi.dev.yaml:6:13: seaway:ingress.hosts.web[0]: invalid-host",
    ),
    "upper case": (
        stack("      web: [Shop.example.com]\n"),
        "Pulumi.dev.yaml:6:13: seaway:ingress.hosts.web[0]: invalid-host",
    ),
    "inner wildcard": (
        stack("      web: ['a.*.example.com']\n"),
        "Pulumi.dev.yaml:6:13: seaway:ingress.hosts.web[0]: invalid-host",
    ),
    "path": (stack("      web: [a.b//c]\n"), "Pulumi.dev.yaml:6:13: seaway:ingress.hosts.web[0]: invalid-host"),
    "duplicate address": (
        stack(api="      api: [shop.example.com/]\n"),
        "Pulumi.dev.yaml:7:13: seaway:ingress.hosts.api[0]: duplicate-host",
    ),
    "two certificates": (
        stack(more="    tlsSecret: a\n    issuer: b\n"),
        "Pulumi.dev.yaml:9:5: seaway:ingress.issuer: conflicting-keys",
    ),
    "namespace name": (
        stack(more="    namespace: Ingress_Nginx\n"),
        "Pulumi.dev.yaml:8:5: seaway:ingress.namespace: invalid-name",
    ),
    "no effect": (stack().replace("ingress\n", "nodePort\n", 1), "Pulumi.dev.yaml:4:3: seaway:ingress: no-effect"),
}


@pytest.mark.parametrize("text", VALID)
def test_valid_hosts_have_no_errors(find_errors: FindErrors, text: str) -> None:
    assert find_errors(APP, text) == ()


@pytest.mark.parametrize("case", INVALID)
def test_invalid_hosts_are_reported(expect_errors: ExpectErrors, case: str) -> None:
    text, row = INVALID[case]
    expect_errors(APP, row, stack=text)


def test_an_ingress_routes_only_http_and_grpc(expect_errors: ExpectErrors) -> None:
    expect_errors(APP.replace("grpc", "tcp"), "4:33: services.api.publish: unsupported-protocol", stack=stack())


def test_urls_of_a_published_service() -> None:
    web = application.Service("web", image="x", port=1, publish=True)
    ingress = settings.Ingress(hosts={"web": ("b.example.com/x/", "a.example.com")})
    plain = settings.Settings(stack="dev", context="c", publish="ingress", ingress=ingress)
    secure = dataclasses.replace(plain, ingress=dataclasses.replace(ingress, issuer="letsencrypt"))
    assert ingress_hosts.format_urls(plain, web) == ["http://a.example.com/", "http://b.example.com/x"]
    assert ingress_hosts.format_urls(secure, web) == ["https://a.example.com/", "https://b.example.com/x"]
    assert ingress_hosts.format_urls(dataclasses.replace(secure, publish="none"), web) == []
    assert ingress_hosts.format_urls(plain, application.Service("web", image="x", port=1)) == []
