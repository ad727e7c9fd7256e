"""What the cluster must have besides its nodes."""

import dataclasses
from typing import Any

import pytest

from seaway.checks.preflight import cluster_facts, gateway, nodes, requirements
from seaway.kubernetes.api import kinds
from seaway.model import application, settings
from tests.unit.checks import checked_app
from tests.unit.checks.preflight import answers

STORAGE = "/apis/storage.k8s.io/v1/storageclasses"
INGRESS = "/apis/networking.k8s.io/v1/ingressclasses"
QUOTAS = "/api/v1/namespaces/shop-test/resourcequotas"
SECRETS = "/api/v1/namespaces/shop-test/secrets"
VAULT = f"{SECRETS}/vault"
CLAIMS = "/api/v1/namespaces/shop-test/persistentvolumeclaims"
NOT_READY = {"conditions": [{"type": "Ready", "status": "False", "message": "no\n account"}]}
UNAVAILABLE = {"conditions": [{"type": "Available", "status": "False", "message": "endpoints not found"}]}


def test_a_cluster_that_meets_all_requirements(wording: object) -> None:
    outcomes = answers.evaluate_all(answers.build_context())
    assert {outcome.state for outcome in outcomes.values()} == {"present"}
    assert [f"{code}: {answers.format_outcome(outcome)}" for code, outcome in outcomes.items()] == wording


def test_a_simple_application_has_few_requirements() -> None:
    app = application.Application("shop", services=(application.Service("web", image="nginx:1"),))
    required = requirements.list_requirements(answers.build_context(app, checked_app.STACK))
    assert [requirement.code for requirement in required] == [
        "kubernetes-version",
        "network-policies",
        "cluster-dns",
        "namespace-quota",
        "node-platform",
        "fitting-node",
        "node-spread",
        "free-capacity",
    ]


def listed(*manifests: dict[str, Any]) -> dict[str, Any]:
    return {"items": list(manifests)}


def claim(requested: str, capacity: str, storage_class: str = "slow") -> dict[str, Any]:
    spec = {"storageClassName": storage_class, "resources": {"requests": {"storage": requested}}}
    return listed(answers.build_object("data-db-0", spec=spec, status={"capacity": {"storage": capacity}}))


def quota(name: str, pods: str) -> dict[str, Any]:
    return answers.build_object(name, spec={"hard": {"pods": pods}})


RETIRED = {"controller": "k8s.io/ingress-nginx"}
K3S = {"major": "1", "minor": "34", "gitVersion": "v1.34.1+k3s1"}
OTHER_DNS = answers.build_object("kube-dns", spec={"selector": {"app": "dns"}})
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "old version": ("kubernetes-version: missing", {requirements.VERSION_PATH: {"major": "1", "minor": "29"}}),
    "old rules": ("kubernetes-version: present", {requirements.VERSION_PATH: {"major": "1", "minor": "31"}}),
    "no version": ("kubernetes-version: unknown", {requirements.VERSION_PATH: {}}),
    "no agent": (
        "network-policies: unknown",
        {requirements.DAEMON_SETS_PATH: listed(answers.build_object("kube-flannel-ds"))},
    ),
    "k3s": ("network-policies: present", {requirements.DAEMON_SETS_PATH: listed(), requirements.VERSION_PATH: K3S}),
    "unreadable agents": (
        "network-policies: unknown",
        {requirements.DAEMON_SETS_PATH: cluster_facts.Unreadable(requirements.DAEMON_SETS_PATH)},
    ),
    "no DNS": ("cluster-dns: warning", {requirements.DNS_PATH: None}),
    "other DNS": ("cluster-dns: missing", {requirements.DNS_PATH: OTHER_DNS}),
    "no metrics": ("metrics-api: missing", {requirements.METRICS_PATH: None}),
    "metrics unavailable": (
        "metrics-api: missing",
        {requirements.METRICS_PATH: answers.build_object("m", status=UNAVAILABLE)},
    ),
    "no default class": ("storage-class: missing", {STORAGE: listed(answers.build_object("slow"))}),
    "expandable disk": (
        "disk-size: present",
        {CLAIMS: claim("1Mi", "1Mi"), STORAGE: listed({**answers.build_object("slow"), "allowVolumeExpansion": True})},
    ),
    "small disk": ("disk-size: missing", {CLAIMS: claim("1Mi", "1Mi")}),
    "large disk": ("disk-size: warning", {CLAIMS: claim("1Ti", "1Ti")}),
    "retired controller": (
        "ingress-class: warning",
        {INGRESS: listed({**answers.build_default_class("nginx", "ingressclass"), "spec": RETIRED})},
    ),
    "no ingress class": ("ingress-class: missing", {INGRESS: listed()}),
    "no cert-manager": ("cluster-issuer: missing", {requirements.ISSUERS_PATH: None}),
    "other issuer": ("cluster-issuer: missing", {requirements.ISSUERS_PATH: listed(answers.build_object("own"))}),
    "issuer not ready": (
        "cluster-issuer: missing",
        {requirements.ISSUERS_PATH: listed(answers.build_object("letsencrypt", status=NOT_READY))},
    ),
    "no secret": ("existing-secret: missing", {VAULT: None}),
    "no key": ("existing-secret: missing", {VAULT: {"data": {"other": ""}}}),
    "unreadable secret": ("existing-secret: unknown", {VAULT: cluster_facts.Unreadable(VAULT)}),
    "large quota": ("namespace-quota: present", {QUOTAS: listed(quota("team", "100"), quota("seaway", "1"))}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_requirement(case: str, wording: object) -> None:
    expected, changed = CASES[case]
    code, state = expected.split(": ")
    outcome = answers.evaluate_all(answers.build_context(), changed)[code]
    assert outcome.state == state
    assert [answers.format_outcome(outcome)] == wording


@pytest.mark.parametrize(("image", "state"), [("postgres:16", "warning"), ("postgres:17.2", "present")])
def test_the_server_of_a_store_reads_its_data(image: str, state: str, wording: object) -> None:
    context = answers.build_context(checked_app.build_app(db={"image": f"postgres:17@{checked_app.DIGEST}"}))
    template = {"spec": {"containers": [{"name": "db", "image": image}]}}
    live = answers.build_object("db", spec={"template": template})
    outcome = answers.evaluate_all(context, {"/apis/apps/v1/namespaces/shop-test/statefulsets/db": live})["store-data"]
    assert outcome.state == state
    assert [answers.format_outcome(outcome)] == wording


def test_a_quota_of_another_owner_is_too_small() -> None:
    outcome = answers.evaluate_all(answers.build_context(), {QUOTAS: listed(quota("team", "10"))})["namespace-quota"]
    assert outcome.state == "missing"
    assert outcome.message.startswith("ResourceQuota/team spec.hard[pods]: ")


def test_named_classes_and_secrets_must_exist(wording: object) -> None:
    stack = dataclasses.replace(
        checked_app.OPEN,
        storage_class="fast",
        ingress=dataclasses.replace(checked_app.OPEN.ingress, class_name="nginx", issuer=None, tls_secret="shop-tls"),
        image_pull_secrets=("registry",),
        publish="ingress",
    )
    app = checked_app.build_app(web={"priority_class": "high"}, db={"priority_class": "highest"})
    secrets = {
        f"{SECRETS}/shop-tls": {"data": {"tls.crt": ""}},
        f"{SECRETS}/registry": {"data": {".dockerconfigjson": ""}},
    }
    outcomes = answers.evaluate_all(answers.build_context(app, stack), secrets)
    assert {code: outcomes[code].state for code in outcomes if "class" in code or "secret" in code} == {
        "storage-class": "present",
        "ingress-class": "missing",
        "priority-class: web": "present",
        "priority-class: db": "missing",
        "existing-secret: shop-tls": "missing",
        "existing-secret: registry": "present",
        "existing-secret: vault": "present",
    }
    absent = answers.evaluate_all(answers.build_context(app, stack), dict.fromkeys(secrets))
    assert [
        *(answers.format_outcome(outcome) for outcome in outcomes.values() if outcome.state == "missing"),
        *(answers.format_outcome(outcome) for outcome in absent.values() if outcome.state == "missing"),
    ] == wording


def test_the_cluster_does_not_show_whether_it_has_a_load_balancer(wording: object) -> None:
    stack = dataclasses.replace(checked_app.STACK, publish="loadBalancer")
    outcome = answers.evaluate_all(answers.build_context(stack=stack))["load-balancer"]
    assert outcome.state == "unknown"
    assert [answers.format_outcome(outcome)] == wording


def test_a_requirement_with_an_unreadable_path_is_unknown() -> None:
    unreadable = {path: cluster_facts.Unreadable(path) for path in answers.answer_everything()}
    outcomes = answers.evaluate_all(answers.build_context(), unreadable)
    assert {outcome.state for outcome in outcomes.values()} == {"unknown"}
    assert outcomes["free-capacity"].message == f"no permission to read {nodes.NODES_PATH}"


OWN, SHARED = (
    settings.Gateway(class_name="seaway"),
    settings.Gateway(name="public", namespace="infra", listener="https"),
)
API, CLASSES, GRANTS = gateway.API_PATH, gateway.CLASSES_PATH, kinds.build_path("ReferenceGrant", "certificates")
PUBLIC = kinds.build_path("Gateway", "infra", "public")
SERVED = {"resources": [{"kind": "HTTPRoute"}, {"kind": "Gateway"}]}
GRANT = {
    "from": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": "shop-test"}],
    "to": [{"group": "", "kind": "Secret"}],
}


def gateway_class(name: str, status: str = "True") -> dict[str, Any]:
    conditions = [{"type": "Accepted", "status": status, "message": "no such port"}]
    return answers.build_object(name, spec={"controllerName": "a.b/c"}, status={"conditions": conditions})


def public(listener: str = "https", hostname: str = "*.example.com", **allowed: Any) -> dict[str, Any]:
    namespaces = {"namespaces": allowed or {"from": "All"}}
    return answers.build_object(
        "public",
        spec={"listeners": [{"name": listener, "hostname": hostname, "allowedRoutes": namespaces}]},
        status={"addresses": [{"value": "203.0.113.7"}], "conditions": [{"type": "Programmed", "status": "True"}]},
    )


def selector(key: str, label: str) -> dict[str, Any]:
    return {"from": "Selector", "selector": {"matchLabels": {key: label}}}


GATEWAY_CASES: dict[str, tuple[settings.Gateway, str, dict[str, Any]]] = {
    "no API": (OWN, "gateway-api: missing", {API: None}),
    "old API": (OWN, "gateway-api: missing", {API: {"resources": [{"kind": "Gateway"}]}}),
    "API": (OWN, "gateway-api: present", {}),
    "no class": (OWN, "gateway-class: missing", {CLASSES: listed(gateway_class("other"))}),
    "class without controller": (OWN, "gateway-class: missing", {CLASSES: listed(gateway_class("seaway", "Unknown"))}),
    "class": (OWN, "gateway-class: present", {}),
    "no grant": (OWN, "reference-grant: missing", {GRANTS: listed()}),
    "grant": (OWN, "reference-grant: present", {}),
    "no Gateway": (SHARED, "gateway: missing", {PUBLIC: None}),
    "no listener": (SHARED, "gateway: missing", {PUBLIC: public("http")}),
    "same namespace": (SHARED, "gateway: missing", {PUBLIC: public(**{"from": "Same"})}),
    "other label": (SHARED, "gateway: missing", {PUBLIC: public(**selector("a", "b"))}),
    "own label": (SHARED, "gateway: present", {PUBLIC: public(**selector("seaway/stack", "test"))}),
    "own name": (SHARED, "gateway: present", {PUBLIC: public(**selector("kubernetes.io/metadata.name", "shop-test"))}),
    "other host": (SHARED, "gateway: missing", {PUBLIC: public(hostname="*.example.org")}),
    "Gateway": (SHARED, "gateway: present", {}),
}


@pytest.mark.parametrize("case", GATEWAY_CASES)
def test_a_gateway(case: str, wording: object) -> None:
    choice, expected, changed = GATEWAY_CASES[case]
    ingress = settings.Ingress(
        hosts={"web": ("shop.example.com",)}, tls_secret="certificates/shop" if choice is OWN else None
    )
    stack = dataclasses.replace(checked_app.OPEN, publish="gateway", gateway=choice, ingress=ingress)
    complete: dict[str, Any] = {
        API: SERVED,
        CLASSES: listed(gateway_class("seaway")),
        GRANTS: listed(answers.build_object("grant", spec=GRANT)),
        PUBLIC: public(),
    }
    outcomes = answers.evaluate_all(answers.build_context(stack=stack), complete | changed)
    code, _, state = expected.partition(": ")
    assert outcomes[code].state == state
    assert [answers.format_outcome(outcomes[code])] == wording
