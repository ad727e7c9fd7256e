"""Whether a Gateway serves the routes of a workload, and the cause if it does not."""

import dataclasses
from typing import Any

import pytest

from seaway.kubernetes.api import kinds
from seaway.rollout import addresses, evidence, health, report, routes, target, workload_health
from tests import golden
from tests.support import live_objects
from tests.support.live_objects import NAMESPACE, STARTED, WEB, Object

ROUTE = "HTTPRoute/web.shop.example.com"
PATHS = {
    "own": kinds.build_path("Gateway", NAMESPACE, "shop"),
    "public": kinds.build_path("Gateway", "infra", "public"),
    "class": kinds.build_path("GatewayClass", name="seaway"),
}
PUBLIC = {"namespace": "infra", "name": "public", "sectionName": "https"}
OK = [("Accepted", "True", "Accepted", ""), ("ResolvedRefs", "True", "ResolvedRefs", "")]
READY = [("Accepted", "True", "Accepted", ""), ("Programmed", "True", "Programmed", "")]

Conditions = list[tuple[str, str, str, str]]


def conditions(rows: Conditions, generation: int = 2) -> dict[str, Any]:
    names = ("type", "status", "reason", "message")
    return {"conditions": [{**dict(zip(names, row, strict=True)), "observedGeneration": generation} for row in rows]}


def route(rows: Conditions | None, *, parent: Object = PUBLIC, generation: int = 2) -> Object:
    status = {} if rows is None else {"parents": [{"parentRef": parent, **conditions(rows, generation)}]}
    rule = {"matches": [{"path": {"value": "/"}}], "backendRefs": [{"name": "web", "port": 80}]}
    spec = {"parentRefs": [parent], "hostnames": ["shop.example.com"], "rules": [rule]}
    return {**live_objects.manifest("HTTPRoute", "web.shop.example.com", "web"), "spec": spec, "status": status}


def gateway(
    rows: Conditions = READY,
    *,
    port: int = 443,
    listener: Conditions | None = None,
    annotations: dict[str, str] | None = None,
) -> Object:
    listeners = [{"name": "https", "port": port, "protocol": "HTTPS"}, {"name": "http", "port": 80, "protocol": "HTTP"}]
    status = conditions(rows) | {"listeners": [{"name": "https", **conditions(listener or OK)}]}
    metadata = live_objects.manifest("Gateway", "shop", annotations=annotations or {})
    return {**metadata, "spec": {"gatewayClassName": "seaway", "listeners": listeners}, "status": status}


def assess(
    *manifests: Object, lookups: dict[str, Object | None] | None = None, elapsed: float = 20, own: bool = False
) -> tuple[evidence.ObjectIndex, workload_health.WorkloadHealth]:
    keys = {ROUTE: "a", **({"Gateway/shop": "b"} if own else {})}
    web = dataclasses.replace(WEB, routes=keys)
    new = live_objects.replica_set("web-new", revision=1, ready=2)
    pods = [live_objects.ready_pod(new, f"web-new-{letter}") for letter in "ab"]
    snapshot = live_objects.index_objects(live_objects.deployment(), new, *pods, *manifests).live_objects
    index = evidence.ObjectIndex(snapshot, lookups={PATHS[name]: found for name, found in (lookups or {}).items()})
    return index, health.assess_workload(web, index, elapsed=elapsed, started=STARTED)


def refused(reason: str, message: str = "why", of: str = "Accepted") -> Conditions:
    return [row for row in OK if row[0] != of] + [(of, "False", reason, message)]


ISSUER = {"cert-manager.io/cluster-issuer": "le"}
OWN = {"name": "shop", "sectionName": "https"}
FAILURES: dict[str, tuple[str, bool, list[Object], dict[str, Object | None]]] = {
    "host": ("route-host", True, [route(refused("NoMatchingListenerHostname"))], {}),
    "not allowed": ("route-not-allowed", True, [route(refused("NotAllowedByListeners"))], {}),
    "no parent": ("route-no-listener", True, [route(refused("NoMatchingParent"))], {}),
    "backend": ("route-backend", True, [route(refused("BackendNotFound", of="ResolvedRefs"))], {}),
    "reference": ("gateway-reference", True, [route(refused("RefNotPermitted", of="ResolvedRefs"))], {}),
    "other reason": ("route-refused", False, [route(refused("UnsupportedValue"))], {}),
    "no route": ("object-missing", True, [], {}),
    "no Gateway": ("gateway-missing", True, [route(None)], {"public": None}),
    "no class": ("gateway-class", True, [route(None)], {"public": gateway(), "class": None}),
    "no listener": (
        "route-no-listener",
        True,
        [route(None, parent={**PUBLIC, "sectionName": "secure"})],
        {"public": gateway()},
    ),
    "no answer": ("gateway-no-controller", False, [route(None)], {"public": gateway(), "class": {"kind": "x"}}),
    "hidden Gateway": ("gateway-no-controller", False, [route(None)], {}),
    "older generation": ("gateway-no-controller", False, [route(OK, generation=1)], {}),
    "certificate": (
        "gateway-certificate",
        True,
        [route(OK, parent=OWN), gateway(listener=refused("InvalidCertificateRef", of="ResolvedRefs"))],
        {},
    ),
    "certificate of an issuer": (
        "gateway-certificate",
        False,
        [
            route(OK, parent=OWN),
            gateway(listener=refused("InvalidCertificateRef", of="ResolvedRefs"), annotations=ISSUER),
        ],
        {},
    ),
    "certificate elsewhere": (
        "gateway-reference",
        True,
        [route(OK, parent=OWN), gateway(listener=refused("RefNotPermitted", of="ResolvedRefs"))],
        {},
    ),
    "no load balancer": (
        "gateway-not-programmed",
        False,
        [route(OK, parent=OWN), gateway([READY[0], ("Programmed", "False", "AddressNotAssigned", "")])],
        {},
    ),
    "new Gateway": (
        "gateway-no-controller",
        False,
        [route(OK, parent=OWN), gateway([("Programmed", "Unknown", "Pending", "Waiting for controller")])],
        {"own": gateway(), "class": {"kind": "x"}},
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_the_cause_of_a_route_that_is_not_served(case: str, wording: object) -> None:
    """It is reported when the controller had time to see new objects. One that may go away fails at the deadline."""
    cause, is_final, manifests, lookups = FAILURES[case]
    own = any(manifest["kind"] == "Gateway" for manifest in manifests)
    states: list[str] = []
    for elapsed in (5, 20, 300):
        index, web = assess(*manifests, lookups=lookups, elapsed=elapsed, own=own)
        assert {finding.cause for finding in web.findings} == ({cause} if elapsed > 5 else set())
        states.append(web.state)
    assert states == ["progressing", "failed" if is_final else "progressing", "failed"]
    assert [report.format_report([web], index)] == wording


def test_a_preview_names_the_cause_at_once() -> None:
    index, _ = assess(route(refused("NotAllowedByListeners")))
    web = dataclasses.replace(WEB, routes={ROUTE: "a"})
    settled = health.assess_workload(web, index, elapsed=0.0, started=STARTED, is_settled=True)
    assert [finding.cause for finding in settled.findings] == ["route-not-allowed"]


@pytest.mark.parametrize("own", [False, True])
def test_a_workload_with_accepted_routes_is_complete(*, own: bool) -> None:
    manifests = [route(OK, parent=OWN), gateway()] if own else [route(OK)]
    assert assess(*manifests, own=own)[1].state == "complete"


def test_the_routes_of_a_workload_have_their_redirects_and_their_gateway() -> None:
    """A changed path or listener is another rollout. The pods of a worker have none."""
    release_objects = golden.build_objects("gateway")
    web, api, worker = (routes.hash_routes(release_objects, owner) for owner in ("web", "api", "worker"))
    assert api.keys() == {
        "HTTPRoute/api.shop.example.com",
        "HTTPRoute/https-redirect.shop.example.com",
        "Gateway/shop",
    }
    assert len(web) == 5
    assert not worker
    parsed = target.Target.parse({"kind": "Deployment", "name": "a", "owner": "a", "deadline": 1, "routes": api}, {})
    assert parsed.routes == api


@pytest.mark.parametrize(
    ("found", "parent", "expected"),
    [
        ({"public": gateway()}, PUBLIC, "https://shop.example.com/"),
        ({"public": None}, PUBLIC, "pending"),
        ({"public": gateway(port=8443)}, PUBLIC, "https://shop.example.com:8443/"),
        ({"public": gateway()}, {**PUBLIC, "sectionName": "http"}, "http://shop.example.com/"),
        ({"public": gateway([("Programmed", "Unknown", "Pending", "")])}, PUBLIC, "pending"),
        ({}, PUBLIC, "https://shop.example.com/"),
    ],
)
def test_an_address_has_the_scheme_and_the_port_of_the_listener(
    found: dict[str, Object | None], parent: Object, expected: str
) -> None:
    refusal = live_objects.index_objects(route(refused("NotAllowedByListeners"), parent=parent)).live_objects
    assert addresses.find_addresses(refusal, None, app_name="shop", stack="dev") == {"web": ("pending",)}
    redirect = {**route(OK), "spec": {**route(OK)["spec"], "rules": [{"filters": []}]}}
    redirect["metadata"] = redirect["metadata"] | {"name": "redirect"}
    snapshot = live_objects.index_objects(route(OK, parent=parent), redirect).live_objects
    lookups = {PATHS[name]: manifest for name, manifest in found.items()}
    known = addresses.find_addresses(snapshot, None, app_name="shop", stack="dev", lookups=lookups)
    assert known == {"web": (expected,)}
