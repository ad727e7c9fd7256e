"""The API's answers of a cluster that meets all requirements, and builders for other answers."""

from collections.abc import Mapping
from typing import Any

from seaway.checks import check_context
from seaway.checks.preflight import cluster_facts, nodes, requirement, requirements
from seaway.manifests import availability, preview
from seaway.model import application, settings
from seaway.project import environments
from tests.unit.checks import checked_app

GPU = application.Gpu(count=1)


def build_context(
    of: application.Application | None = None, stack: settings.Settings = checked_app.OPEN
) -> check_context.CheckContext:
    app = of or checked_app.build_app()
    environment = environments.Environment.create(app, stack)
    return check_context.CheckContext(environment=environment, objects=tuple(preview.render_objects(environment)))


def build_object(name: str, **fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, **fields}


def build_default_class(name: str, kind: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "annotations": {f"{kind}.kubernetes.io/is-default-class": "true"}}}


def build_node(
    name: str, *, zone: str = "", cpu: str = "4", memory: str = "8Gi", platform: str = "linux/amd64", **spec: Any
) -> dict[str, Any]:
    system, architecture = platform.split("/")
    labels = {availability.HOSTNAME_LABEL: name} | ({availability.ZONE_LABEL: zone} if zone else {})
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {"operatingSystem": system, "architecture": architecture},
            "allocatable": {"cpu": cpu, "memory": memory, "ephemeral-storage": "100Gi", "pods": "110"},
        },
    }


def answer_everything() -> dict[str, Any]:
    """By path."""
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    return {
        requirements.VERSION_PATH: {"major": "1", "minor": "34+", "gitVersion": "v1.34.4"},
        requirements.DNS_PATH: build_object("kube-dns", spec={"selector": {"k8s-app": "kube-dns"}}),
        requirements.DAEMON_SETS_PATH: {"items": [build_object("kube-proxy"), build_object("calico-node")]},
        requirements.METRICS_PATH: build_object(
            "metrics", status={"conditions": [{"type": "Available", "status": "True"}]}
        ),
        requirements.ISSUERS_PATH: {"items": [build_object("letsencrypt", status=ready)]},
        nodes.NODES_PATH: {
            "items": [build_node("one", zone="a"), build_node("two", zone="b"), build_node("three", zone="b")]
        },
        nodes.PODS_PATH: {"items": []},
        "/apis/storage.k8s.io/v1/storageclasses": {
            "items": [build_object("slow"), build_default_class("fast", "storageclass")]
        },
        "/apis/networking.k8s.io/v1/ingressclasses": {"items": [build_default_class("traefik", "ingressclass")]},
        "/apis/scheduling.k8s.io/v1/priorityclasses": {"items": [build_object("high")]},
        "/api/v1/namespaces/shop-test/resourcequotas": {"items": []},
        "/api/v1/namespaces/shop-test/persistentvolumeclaims": {"items": []},
        "/apis/apps/v1/namespaces/shop-test/statefulsets/db": None,
        "/api/v1/namespaces/shop-test/secrets/vault": {"type": "Opaque", "data": {"web": "", "other": ""}},
    }


def evaluate_all(
    context: check_context.CheckContext, changed: Mapping[str, cluster_facts.Answer] | None = None
) -> dict[str, requirement.Outcome]:
    """The outcome of each requirement by its code; if several have the same code, by code and Secret or workload."""
    answers = {**answer_everything(), **(changed or {})}
    results = [required.evaluate(answers) for required in requirements.list_requirements(context)]
    codes = [result.requirement.code for result in results]
    return {
        code if codes.count(code) == 1 else f"{code}: {_get_subject(result.requirement)}": result.outcome
        for code, result in zip(codes, results, strict=True)
    }


def _get_subject(required: requirement.Requirement) -> str:
    return required.name or required.workloads[0]


def format_outcome(outcome: requirement.Outcome) -> str:
    return f"{outcome.state}: {outcome.message}" + (f"; {outcome.hint}" if outcome.hint else "")
