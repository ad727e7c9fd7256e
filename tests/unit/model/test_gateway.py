"""The choice of a Gateway, and what only a Gateway can do."""

import pytest

from seaway.model import application, ingress_hosts, settings
from tests.unit.conftest import ExpectErrors, FindErrors

APP = """\
name: shop
services:
  web: {image: nginx, port: 80, publish: true}
  api: {image: nginx, port: 81, publish: true, protocol: grpc}
"""


def stack(gateway: str, ingress: str = "", api: str = "api.example.com/shop.Orders/List") -> str:
    return (
        f"config:\n  seaway:context: c\n  seaway:publish: gateway\n  seaway:gateway: {{{gateway}}}\n"
        f"  seaway:ingress: {{{ingress}hosts: {{web: [shop.example.com], api: [{api}]}}}}\n"
    )


VALID = [
    stack("className: traefik"),
    "config: {seaway:context: c, seaway:publish: none}\n",
    stack("className: traefik, name: front", "tlsSecret: certificates/shop, namespace: infra, "),
    stack("className: traefik", "issuer: letsencrypt, redirect: false, "),
    stack("name: public, namespace: infra, listener: https, httpListener: http"),
    stack("className: traefik, headers: {api: {X-Version: '2'}}", api="api.example.com, shop.example.com"),
]
GATEWAY, INGRESS = "Pulumi.dev.yaml:4:{}: seaway:gateway", "Pulumi.dev.yaml:5:{}: seaway:ingress"
INVALID = {
    "none": (
        stack("").replace("  seaway:gateway: {}\n", ""),
        "Pulumi.dev.yaml:3:3: seaway:publish: missing-value",
    ),
    "no name": (stack("namespace: infra"), f"{GATEWAY.format(3)}: missing-value"),
    "both": (stack("className: a, namespace: infra"), f"{GATEWAY.format(34)}.namespace: conflicting-keys"),
    "one listener": (stack("name: a, httpListener: http"), f"{GATEWAY.format(29)}.httpListener: missing-value"),
    "name": (stack("name: A"), f"{GATEWAY.format(20)}.name: invalid-name"),
    "headers of nothing": (
        stack("className: a, headers: {wep: {A: b}}"),
        f"{GATEWAY.format(44)}.headers.wep: no-effect",
    ),
    "header": (
        stack("className: a, headers: {web: {'A b': c}}"),
        f"{GATEWAY.format(50)}.headers.web.A b: invalid-name",
    ),
    "class of an ingress": (
        stack("className: a", "className: nginx, "),
        f"{INGRESS.format(20)}.className: no-effect",
    ),
    "annotations": (
        stack("className: a", "annotations: {a.b/c: d}, "),
        f"{INGRESS.format(20)}.annotations: no-effect",
    ),
    "certificate of another Gateway": (
        stack("name: a", "tlsSecret: b, "),
        f"{INGRESS.format(20)}.tlsSecret: no-effect",
    ),
    "name of a certificate": (
        stack("className: a", "tlsSecret: B/c, "),
        f"{INGRESS.format(20)}.tlsSecret: invalid-name",
    ),
    "path of gRPC": (
        stack("className: a", api="api.example.com/a/b/c"),
        f"{INGRESS.format(59)}.hosts.api[0]: invalid-host",
    ),
    "same address": (
        stack("className: a, headers: {web: {A: b}, api: {A: b}}", api="shop.example.com"),
        f"{INGRESS.format(59)}.hosts.api[0]: duplicate-host",
    ),
    "no effect": (
        "config: {seaway:context: c, seaway:publish: nodePort, seaway:gateway: {className: a}}\n",
        "Pulumi.dev.yaml:1:55: seaway:gateway: no-effect",
    ),
}


@pytest.mark.parametrize("text", VALID)
def test_valid_gateways_have_no_errors(find_errors: FindErrors, text: str) -> None:
    assert find_errors(APP, text) == ()


@pytest.mark.parametrize("case", INVALID)
def test_invalid_gateways_are_reported(expect_errors: ExpectErrors, case: str) -> None:
    text, row = INVALID[case]
    expect_errors(APP, row, stack=text)


@pytest.mark.parametrize(
    ("gateway", "tls_secret", "scheme"),
    [
        (settings.Gateway(class_name="a"), None, "http"),
        (settings.Gateway(class_name="a"), "shop-tls", "https"),
        (settings.Gateway(name="a"), None, "https"),
        (settings.Gateway(name="a", listener="http"), None, "http"),
    ],
)
def test_the_scheme_of_a_url_follows_from_the_certificate_or_the_listener(
    gateway: settings.Gateway, tls_secret: str | None, scheme: str
) -> None:
    web = application.Service("web", image="x", port=1, publish=True)
    ingress = settings.Ingress(hosts={"web": ("a.example.com/x",)}, tls_secret=tls_secret)
    stack_settings = settings.Settings(stack="dev", context="c", publish="gateway", ingress=ingress, gateway=gateway)
    assert ingress_hosts.format_urls(stack_settings, web) == [f"{scheme}://a.example.com/x"]
