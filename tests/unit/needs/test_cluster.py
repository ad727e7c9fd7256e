# ruff: noqa: E501 - a message stands in one line, as it is printed
"""What the cluster must have beside its nodes: there, lacking, or not to be told."""

import dataclasses
from typing import Any

import pytest

from seaway.checks.preflight import cluster_facts, nodes, requirements
from seaway.model import application
from tests.unit.checks import checked_app
from tests.unit.needs import answers

STORAGE = "/apis/storage.k8s.io/v1/storageclasses"
INGRESS = "/apis/networking.k8s.io/v1/ingressclasses"
QUOTAS = "/api/v1/namespaces/shop-test/resourcequotas"
VAULT = "/api/v1/namespaces/shop-test/secrets/vault"
NOT_READY = {"conditions": [{"type": "Ready", "status": "False", "message": "no\n account"}]}
AWAY = {"conditions": [{"type": "Available", "status": "False", "message": "endpoints not found"}]}


def test_a_cluster_that_has_everything() -> None:
    found = answers.evaluate_all(answers.build_context())
    assert {key: answers.format_outcome(one) for key, one in found.items()} == {
        "Kubernetes": "there: 1.34",
        "network policies enforced": "there: by Calico",
        "name service": "there: k8s-app=kube-dns",
        "metrics API": "there: it answers",
        "quota of the namespace": "there: none of somebody else",
        "nodes": "there: 3 ready, linux/amd64",
        "a node that fits: db": "there: 3 of 3",
        "a node that fits: migrate": "there: 3 of 3",
        "a node that fits: report": "there: 3 of 3",
        "a node that fits: web": "there: 3 of 3",
        "nodes to spread over": "there: 3 nodes in 2 zones",
        "room": "there: at most 1900m of 12 cpu, 2432Mi of 24Gi memory",
        "storage class": "there: fast, the default",
        "ingress class": "there: traefik, the default",
        "certificates": "there: ClusterIssuer letsencrypt",
        "Secret vault": "there: with web",
    }


def test_a_plain_application_needs_little() -> None:
    """What is not needed is not asked for either."""
    app = application.Application("shop", services=(application.Service("web", image="nginx:1"),))
    needs = requirements.list_requirements(answers.build_context(app, checked_app.STACK))
    assert [one.title for one in needs] == [
        "Kubernetes",
        "network policies enforced",
        "name service",
        "quota of the namespace",
        "nodes",
        "a node that fits",
        "nodes to spread over",
        "room",
    ]


CASES: dict[str, tuple[str, dict[str, Any], str]] = {
    "old": ("Kubernetes", {requirements.VERSION_PATH: {"major": "1", "minor": "29"}}, "lacking: 1.29 is older than 1.30; upgrade the cluster"),
    "older rules": ("Kubernetes", {requirements.VERSION_PATH: {"major": "1", "minor": "31"}}, "there: 1.31, with the rules of Pod Security of 1.31 and not of 1.34"),
    "no version": ("Kubernetes", {requirements.VERSION_PATH: {}}, "unknown: it does not say its version; ask whoever runs the cluster"),
    "no agent": ("network policies enforced", {requirements.DAEMON_SETS_PATH: {"items": [answers.build_object("kube-flannel-ds")]}}, "unknown: no agent is known to enforce them here, and the cluster cannot be asked; ask whoever runs it, or try a connection that is closed"),
    "k3s": ("network policies enforced", {requirements.DAEMON_SETS_PATH: {"items": []}, requirements.VERSION_PATH: {"major": "1", "minor": "34", "gitVersion": "v1.34.1+k3s1"}}, "there: by k3s"),
    "agents unread": ("network policies enforced", {requirements.DAEMON_SETS_PATH: cluster_facts.Unreadable(requirements.DAEMON_SETS_PATH)}, "unknown: /apis/apps/v1/daemonsets may not be read; ask whoever runs the cluster"),
    "no names": ("name service", {requirements.DNS_PATH: None}, "warning: no Service kube-dns leads to pods with k8s-app=kube-dns, which the policies open; open the way to it with `egress: [internet, <its address>/32:53]`"),
    "other names": ("name service", {requirements.DNS_PATH: answers.build_object("kube-dns", spec={"selector": {"app": "dns"}})}, "lacking: Service kube-dns does not lead to pods with k8s-app=kube-dns, which the policies open; open the way to it with `egress: [internet, <its address>/32:53]`"),
    "no metrics": ("metrics API", {requirements.METRICS_PATH: None}, "lacking: there is none, so no autoscaler ever acts; install metrics-server: https://github.com/kubernetes-sigs/metrics-server"),
    "metrics away": ("metrics API", {requirements.METRICS_PATH: answers.build_object("m", status=AWAY)}, "lacking: it does not answer: endpoints not found; kubectl get apiservice v1beta1.metrics.k8s.io"),
    "no default class": ("storage class", {STORAGE: {"items": [answers.build_object("slow")]}}, "lacking: no storage class is the default (there are: slow); name one in seaway:storageClass"),
    "no ingress class": ("ingress class", {INGRESS: {"items": []}}, "lacking: no ingress class is the default (there are none); name one in seaway:ingress.className"),
    "no cert-manager": ("certificates", {requirements.ISSUERS_PATH: None}, "lacking: cert-manager is not installed; install it: https://cert-manager.io/docs/installation/"),
    "another issuer": ("certificates", {requirements.ISSUERS_PATH: {"items": [answers.build_object("own")]}}, "lacking: there is no ClusterIssuer letsencrypt (there are: own); set seaway:ingress.issuer to one that is there"),
    "issuer not ready": ("certificates", {requirements.ISSUERS_PATH: {"items": [answers.build_object("letsencrypt", status=NOT_READY)]}}, "lacking: ClusterIssuer letsencrypt is not ready: no account; kubectl describe clusterissuer letsencrypt"),
    "no secret": ("Secret vault", {VAULT: None}, "lacking: it is not in shop-test; kubectl create secret generic vault -n shop-test ..."),
    "no key": ("Secret vault", {VAULT: {"data": {"other": ""}}}, "lacking: it has no key web (there are: other); name another key, or add it"),
    "secret unread": ("Secret vault", {VAULT: cluster_facts.Unreadable(VAULT)}, f"unknown: {VAULT} may not be read; ask whoever runs the cluster"),
    "large quota": ("quota of the namespace", {QUOTAS: {"items": [answers.build_object("team", spec={"hard": {"pods": "100"}}), answers.build_object("seaway", spec={"hard": {"pods": "1"}})]}}, "there: team: all fits"),
    "small quota": ("quota of the namespace", {QUOTAS: {"items": [answers.build_object("team", spec={"hard": {"pods": "10"}})]}}, "lacking: ResourceQuota/team spec.hard[pods]: 10 is less than the 11 that all may ask for at once; raise it, or lower a `scale.max`"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_a_cluster_lacks(case: str) -> None:
    what, changed, line = CASES[case]
    assert answers.format_outcome(answers.evaluate_all(answers.build_context(), changed)[what]) == line


def test_what_is_named_must_be_there() -> None:
    stack = dataclasses.replace(
        checked_app.OPEN,
        storage_class="fast",
        ingress=dataclasses.replace(checked_app.HOSTS, class_name="nginx", issuer=None, tls_secret="shop-tls"),
        image_pull_secrets=("registry",),
        publish="ingress",
    )
    app = checked_app.build_app(web={"priority_class": "high"}, db={"priority_class": "highest"})
    space = "/api/v1/namespaces/shop-test/secrets"
    given = {f"{space}/shop-tls": {"data": {"tls.crt": ""}}, f"{space}/registry": {"data": {".dockerconfigjson": ""}}}
    found = answers.evaluate_all(answers.build_context(app, stack), given)
    assert answers.format_outcome(found["storage class"]) == "there: fast"
    assert answers.format_outcome(found["ingress class"]) == (
        "lacking: there is no ingress class nginx (there are: traefik); name one that is there in"
        " seaway:ingress.className, or make it"
    )
    assert answers.format_outcome(found["priority class: web"]) == "there: high"
    assert answers.format_outcome(found["priority class: db"]) == (
        "lacking: there is no priority class highest (there are: high); name one that is there in `priority`, or make it"
    )
    assert answers.format_outcome(found["Secret shop-tls"]) == (
        "lacking: it has no key tls.key (there are: tls.crt); name another key, or add it"
    )
    assert answers.format_outcome(found["Secret registry"]) == "there: with .dockerconfigjson"
    found = answers.evaluate_all(answers.build_context(app, stack), dict.fromkeys(given))
    assert answers.format_outcome(found["Secret registry"]) == (
        "lacking: it is not in shop-test; kubectl create secret docker-registry registry -n shop-test ..."
    )
    assert answers.format_outcome(found["Secret shop-tls"]) == (
        "lacking: it is not in shop-test; kubectl create secret tls shop-tls -n shop-test ..."
    )


def test_whether_a_load_balancer_is_there_cannot_be_told() -> None:
    found = answers.evaluate_all(answers.build_context(stack=dataclasses.replace(checked_app.STACK, publish="loadBalancer")))
    assert answers.format_outcome(found["load balancer"]) == (
        "unknown: whether anything gives addresses to Services cannot be asked;"
        " ask whoever runs it: a cloud does, elsewhere it is installed"
    )


def test_only_what_may_not_be_read_is_unknown() -> None:
    unread = {path: cluster_facts.Unreadable(path) for path in answers.answer_everything()}
    found = answers.evaluate_all(answers.build_context(), unread)
    assert {one.state for one in found.values()} == {"unknown"}
    assert found["room"].message == f"{nodes.NODES_PATH} may not be read"
