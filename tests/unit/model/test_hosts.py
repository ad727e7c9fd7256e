# ruff: noqa: E501 - a message stands in one line, as it is printed
"""The hosts of a stack: what passes, what fails, and the exact words."""

from collections.abc import Callable

import pytest

from seaway.model import application, ingress_hosts, settings

Said = Callable[..., list[str]]

APP = """\
name: shop
services:
  web: {image: nginx, port: 80, publish: true}
  api: {image: nginx, port: 81, publish: true, protocol: grpc}
  work: {image: nginx}
"""
HEAD = "config:\n  seaway:context: c\n  seaway:publish: ingress\n  seaway:ingress:\n"
WEB, API = "      web: [shop.example.com]\n", "      api: [api.example.com]\n"
FILE = "Pulumi.dev.yaml"
HOW = "write shop.example.com or shop.example.com/api: small letters, no https:// and no port"
NAME = "use a-z, 0-9, - and .; begin and end with a letter or digit"


def stack(web: str = WEB, api: str = API, more: str = "") -> str:
    return f"{HEAD}    hosts:\n{web}{api}{more}"


PASSES = [
    stack(),
    stack("      web: ['*.example.com', example.com/, example.com/a-b/c.d]\n"),
    stack("      web: [shop.example.com]\n", "      api: [shop.example.com/api]\n"),
    stack(more="    tlsSecret: shop-tls\n    controller: nginx\n    namespace: ingress-nginx\n    redirect: false\n"),
    stack(more="    issuer: letsencrypt\n    annotations: {a.example.com/b: c}\n"),
    "config: {seaway:context: c, seaway:publish: nodePort}\n",
]


@pytest.mark.parametrize("text", PASSES)
def test_passes(said: Said, text: str) -> None:
    assert said(APP, text) == []


FAILS = {
    "no host": (stack(web=""), "app/app.yaml:3:33: services.web.publish: is true, but stack dev names no host for web; pulumi config set --path 'seaway:ingress.hosts.web[0]' shop.example.com"),
    "no hosts": (stack("      web: []\n"), "app/app.yaml:3:33: services.web.publish: is true, but stack dev names no host for web; pulumi config set --path 'seaway:ingress.hosts.web[0]' shop.example.com"),
    "nobody's": (stack(more="      wep: [b.example.com]\n"), f'{FILE}:8:7: seaway:ingress.hosts.wep: there is no service "wep"; did you mean web?'),
    "closed": (stack(more="      work: [b.example.com]\n"), f"{FILE}:8:7: seaway:ingress.hosts.work: work is not exposed; add `publish: true` to services.work, or remove its hosts"),
    "url": (stack("      web: [a.b, 'https://shop.example.com']\n"), f'{FILE}:6:18: seaway:ingress.hosts.web[1]: "https://shop.example.com" is no host with a path; {HOW}'),
    "port": (stack("      web: ['shop.example.com:8080']\n"), f'{FILE}:6:13: seaway:ingress.hosts.web[0]: "shop.example.com:8080" is no host with a path; {HOW}'),
    "capitals": (stack("      web: [Shop.example.com]\n"), f'{FILE}:6:13: seaway:ingress.hosts.web[0]: "Shop.example.com" is no host with a path; {HOW}'),
    "inner star": (stack("      web: ['a.*.example.com']\n"), f'{FILE}:6:13: seaway:ingress.hosts.web[0]: "a.*.example.com" is no host with a path; {HOW}'),
    "path": (stack("      web: [a.b//c]\n"), f'{FILE}:6:13: seaway:ingress.hosts.web[0]: "a.b//c" is no host with a path; {HOW}'),
    "taken": (stack(api="      api: [shop.example.com/]\n"), f"{FILE}:7:13: seaway:ingress.hosts.api[0]: shop.example.com/ is that of web already; remove one of the two, or give it another path"),
    "two certificates": (stack(more="    tlsSecret: a\n    issuer: b\n"), f"{FILE}:9:5: seaway:ingress.issuer: tlsSecret is set too; keep the certificate that is there, or the issuer that makes one"),
    "name": (stack(more="    namespace: Ingress_Nginx\n"), f'{FILE}:8:5: seaway:ingress.namespace: "Ingress_Nginx" is no name of an object in a cluster; {NAME}'),
    "no effect": (stack().replace("ingress\n", "nodePort\n", 1), f"{FILE}:4:3: seaway:ingress: has no effect while seaway:publish is nodePort; pulumi config set seaway:publish ingress, or remove it"),
}  # fmt: skip


@pytest.mark.parametrize("case", FAILS)
def test_fails(said: Said, case: str) -> None:
    text, line = FAILS[case]
    assert said(APP, text) == [line]


def test_an_ingress_speaks_http(said: Said) -> None:
    assert said(APP.replace("grpc", "tcp"), stack()) == [
        "app/app.yaml:4:33: services.api.publish: api speaks tcp, and an Ingress leads only HTTP and gRPC;"
        " remove expose, or set seaway:publish to loadBalancer or nodePort"
    ]


def test_where_a_person_finds_it() -> None:
    web = application.Service("web", image="x", port=1, publish=True)
    led = settings.Ingress(hosts={"web": ("b.example.com/x/", "a.example.com")})
    said = settings.Settings(stack="dev", context="c", publish="ingress", ingress=led)
    assert ingress_hosts.format_urls(said, web) == ["http://a.example.com/", "http://b.example.com/x"]
    secure = settings.Ingress(hosts=led.hosts, issuer="letsencrypt")
    assert ingress_hosts.format_urls(
        settings.Settings(stack="dev", context="c", publish="ingress", ingress=secure), web
    ) == [
        "https://a.example.com/",
        "https://b.example.com/x",
    ]
    assert ingress_hosts.format_urls(settings.Settings(stack="dev", context="c", ingress=secure), web) == []
    assert ingress_hosts.format_urls(said, application.Service("web", image="x", port=1)) == []
