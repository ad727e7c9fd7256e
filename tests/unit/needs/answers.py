"""A cluster that has everything, as the API would answer; and ways to take something away."""

from collections.abc import Mapping
from typing import Any

from seaway.checks import check_context
from seaway.checks.preflight import cluster_facts, nodes, requirement, requirements
from seaway.manifests import preview
from seaway.model import application, settings
from tests.unit.checks import made

GPU = application.Gpu(count=1)


def seen(of: application.Application | None = None, stack: settings.Settings = made.OPEN) -> check_context.Subject:
    app = of or made.app()
    return check_context.Subject(app=app, stack=stack, objects=tuple(preview.rendered(app, stack)))


def named(name: str, **fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, **fields}


def default(name: str, kind: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "annotations": {f"{kind}.kubernetes.io/is-default-class": "true"}}}


def node(
    name: str, *, zone: str = "", cpu: str = "4", memory: str = "8Gi", platform: str = "linux/amd64", **spec: Any
) -> dict[str, Any]:
    system, architecture = platform.split("/")
    labels = {nodes.HOST: name} | ({nodes.ZONE: zone} if zone else {})
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {"operatingSystem": system, "architecture": architecture},
            "allocatable": {"cpu": cpu, "memory": memory, "ephemeral-storage": "100Gi", "pods": "110"},
        },
    }


def full() -> dict[str, Any]:
    """By path."""
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    return {
        requirements.VERSION: {"major": "1", "minor": "34+", "gitVersion": "v1.34.4"},
        requirements.DNS: named("kube-dns", spec={"selector": {"k8s-app": "kube-dns"}}),
        requirements.AGENTS: {"items": [named("kube-proxy"), named("calico-node")]},
        requirements.METRICS: named("metrics", status={"conditions": [{"type": "Available", "status": "True"}]}),
        requirements.ISSUERS: {"items": [named("letsencrypt", status=ready)]},
        nodes.NODES: {"items": [node("one", zone="a"), node("two", zone="b"), node("three", zone="b")]},
        nodes.PODS: {"items": []},
        "/apis/storage.k8s.io/v1/storageclasses": {"items": [named("slow"), default("fast", "storageclass")]},
        "/apis/networking.k8s.io/v1/ingressclasses": {"items": [default("traefik", "ingressclass")]},
        "/apis/scheduling.k8s.io/v1/priorityclasses": {"items": [named("high")]},
        "/api/v1/namespaces/shop-test/resourcequotas": {"items": []},
        "/api/v1/namespaces/shop-test/secrets/vault": {"type": "Opaque", "data": {"web": "", "other": ""}},
    }


def told(
    one: check_context.Subject, changed: Mapping[str, cluster_facts.Answer] | None = None
) -> dict[str, requirement.Verdict]:
    """What becomes of each need; several of one kind have their owner behind."""
    answers = {**full(), **(changed or {})}
    results = [each.judged(answers) for each in requirements.needs(one)]
    many = [each.need.what for each in results]
    return {
        each.need.what if many.count(each.need.what) == 1 else f"{each.need.what}: {each.need.of[0]}": each.verdict
        for each in results
    }


def line(verdict: requirement.Verdict) -> str:
    return f"{verdict.state}: {verdict.told}" + (f"; {verdict.remedy}" if verdict.remedy else "")
