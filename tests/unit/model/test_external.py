"""External stores: the rules about their address, and about what other environments need of them."""

import dataclasses

import pytest

from seaway.model import application, links, secrets
from seaway.model.defaults import resolve
from tests.unit.conftest import ExpectErrors, FindErrors
from tests.unit.model import tables

APP = """\
name: shop
services:
  web: {image: nginx, port: 80, calls: [db], secrets: [PASSWORD], sharedVolumes: {}}
stores:
  db:
    image: postgres
    port: 5432
    volume: {path: /data, size: 1Gi}
    secrets: {PASSWORD: {generate: 32}, ROOT_PASSWORD: {generate: 32}}
"""
STACK = """\
config:
  seaway:context: dev
  seaway:overlay: {stores: {db: {external: {host: db.example.com}}}}
"""
SECRET = "  seaway:secrets: {PASSWORD: {secure: v1:a:b}}\n"


def store(external: str, fields: str = "port: 5432") -> str:
    return f"""\
name: shop
services:
  web: {{image: nginx, port: 80, calls: [db]}}
stores:
  db: {{{fields}, external: {external}}}
"""


VALID = [
    store("{host: db.example.com}"),
    store("{host: DB-1.Example.com, port: 6432, cidrs: [10.1.0.0/16, '2001:db8::/32']}"),
    store("{host: 10.1.2.3}"),
    store("{cidrs: [10.1.0.0/16]}"),
    store("{host: '2001:db8::1'}"),
    store("{host: db.other.svc}"),
    store("{host: 127.0.0.1}"),
    store("{host: search.example.com, port: 443}", "protocol: http"),
    store("{host: db.example.com}", "allPorts: true"),
    # What the pod needs in another environment may stay.
    APP.replace("size: 1Gi}", "size: 1Gi}\n    external: {host: db.example.com}").replace(
        "{generate: 32}", "{existing: a}"
    ),
]
INVALID = {
    "neither a host nor ranges": (store("{port: 5432}"), "5:20: stores.db.external: missing-value"),
    "host as text": (store("db.example.com"), "5:20: stores.db.external: invalid-type"),
    "URL": (store("{host: 'postgres://me@db.example.com:6432/shop'}"), "5:31: stores.db.external.host: invalid-host"),
    "host with a port": (store("{host: 'db.example.com:6432'}"), "5:31: stores.db.external.host: invalid-host"),
    "name without a domain": (store("{host: db}"), "5:31: stores.db.external.host: invalid-host"),
    "too many numbers": (store("{host: 10.1.2.300}"), "5:31: stores.db.external.host: invalid-host"),
    "empty": (store("{host: ''}"), "5:31: stores.db.external.host: invalid-host"),
    "port": (store("{host: db.example.com, port: 70000}"), "5:53: stores.db.external.port: invalid-port"),
    "port of the store": (
        store("{host: db.example.com}", "port: 0"),
        "5:8: stores.db.port: invalid-port",
    ),
    "no port": (store("{host: db.example.com}", "image: x"), "3:41: services.web.calls.0: missing-port"),
    "range with a port": (
        store("{host: db.example.com, cidrs: ['10.1.0.0/16:5432']}"),
        "5:61: stores.db.external.cidrs.0: invalid-cidr",
    ),
    "address in place of a range": (
        store("{host: db.example.com, cidrs: [10.1.2.3]}"),
        "5:61: stores.db.external.cidrs.0: invalid-cidr",
    ),
    "unknown key": (store("{host: db.example.com, sslmode: require}"), "5:53: stores.db.external.sslmode: unknown-key"),
    "neither a volume nor an address": (
        store("{host: db.example.com}").replace("external: {host: db.example.com}", "image: x"),
        "5:3: stores.db.volume: missing-value",
    ),
    "shared volume": (
        store("{host: db.example.com}").replace("calls:", "sharedVolumes: {/a: db}, calls:"),
        "3:49: services.web.sharedVolumes./a: unknown-volume",
    ),
}
test_valid_input_has_no_errors, test_invalid_input_is_reported = tables.build_tests(VALID, INVALID)


def test_callers_need_the_secrets_that_the_store_lists(expect_errors: ExpectErrors) -> None:
    """A generated value would not be the one of a database that runs elsewhere. Its other secrets are not needed."""
    expect_errors(APP, "3:56: services.web.secrets.PASSWORD: secret-not-set", stack=STACK)


def test_an_overlay_keeps_what_the_pod_needs_elsewhere(find_errors: FindErrors) -> None:
    """Neither the image nor the registry of a build, a host of an ingress, or a generated secret is needed."""
    app = APP.replace("image: postgres", "build: ./web\n    publish: true\n    protocol: http")
    stack = f"{STACK}{SECRET}  seaway:publish: ingress\n"
    assert find_errors(app, stack) == ()


def test_a_release_in_dev_generates_what_prod_has_set() -> None:
    dev = application.Application(
        "shop",
        services=(application.Service("web", image="x", secrets=(application.Secret("KEY"),)),),
        stores=(application.Store("db", secrets=(application.Secret("KEY", generate=32),)),),
    )
    prod = dataclasses.replace(
        dev, stores=(dataclasses.replace(dev.stores[0], external=application.External(host="db.example.com")),)
    )
    resolved = [resolve.resolve_application(app) for app in (dev, prod)]
    assert [secrets.get_generated_lengths(app) for app in resolved] == [{"KEY": 32}, {}]
    assert secrets.list_managed_names(resolved[1]) == ["KEY"]


@pytest.mark.parametrize(
    ("external", "variables"),
    [
        (None, {"DB_URL": "tcp://db:5432", "DB_HOST": "db", "DB_PORT": "5432"}),
        (
            {"host": "d.example.com"},
            {"DB_URL": "tcp://d.example.com:5432", "DB_HOST": "d.example.com", "DB_PORT": "5432"},
        ),
        (
            {"host": "10.1.2.3", "port": 6432},
            {"DB_URL": "tcp://10.1.2.3:6432", "DB_HOST": "10.1.2.3", "DB_PORT": "6432"},
        ),
        ({"host": "fd00::1"}, {"DB_URL": "tcp://[fd00::1]:5432", "DB_HOST": "fd00::1", "DB_PORT": "5432"}),
    ],
)
def test_callers_get_the_same_variables(external: dict[str, object] | None, variables: dict[str, str]) -> None:
    address = application.External(**external) if external else None  # type: ignore[arg-type]
    ports = (application.Port("metrics", port=9187),)
    db = application.Store("db", port=5432, ports=ports, external=address)
    web = application.Service("web", image="x", calls=("db",))
    app = resolve.resolve_application(application.Application("shop", services=(web,), stores=(db,)))
    assert links.get_variables(app, app.services[0]) == {**variables, "DB_METRICS_PORT": "9187"}
