# ruff: noqa: E501 - a message stands in one line, as it is printed
"""What `kubernetesApi` may say, and the exact words of what it may not."""

from collections.abc import Callable

import pytest

from seaway.model.validate import rbac

VERBS = "name the verbs: get, list, watch, create, update, patch, delete, deletecollection"
NAMED = "pods, pods/log, deployments.apps"
FAILS = {
    "{'*': [get]}": f".*: * is everything, and what is installed next year; name the resources: {NAMED}",
    "{'*.apps': [get]}": f".*.apps: *.apps is everything, and what is installed next year; name the resources: {NAMED}",
    "{pods: ['*']}": f".pods.0: * is everything, and what the next version adds; {VERBS}",
    "{pods: [get, lst]}": '.pods.1: "lst" is no verb; did you mean list?',
    "{pods: []}": f".pods: allows nothing; {VERBS}",
    "{Pods: [get]}": f'.Pods: "Pods" is no resource; write its plural in small letters, with its group: {NAMED}',
    "{pod: [get]}": ".pod: there are no pod in the core group; did you mean pods?",
    "{deployments: [get]}": ".deployments: there are no deployments in the core group; write deployments.apps",
    "{deployments/scale: [get]}": ".deployments/scale: there are no deployments in the core group; write deployments.apps/scale",
    "{nodes: [get]}": ".nodes: nodes are in no namespace, and the application has rights in its own only; remove it; who runs the cluster may bind a ClusterRole to the account",
}


@pytest.mark.parametrize(("said_api", "message"), FAILS.items())
def test_fails(said: Callable[..., list[str]], said_api: str, message: str) -> None:
    (told,) = said(f"name: shop\nservices:\n  web:\n    image: a\n    kubernetesApi: {said_api}\n")
    assert told.partition(": services.web.kubernetesApi")[2] == message


@pytest.mark.parametrize(
    "api",
    [
        "{pods: [get, list], pods/log: [get]}",
        "{deployments.apps: [patch], deployments.apps/scale: [update]}",
        "{certificates.cert-manager.io: [get], secrets: [get], roles.rbac.authorization.k8s.io: [bind]}",
    ],
)
def test_passes(said: Callable[..., list[str]], api: str) -> None:
    assert said(f"name: shop\nservices:\n  web:\n    image: a\n    kubernetesApi: {api}\n") == []


def test_every_known_resource_is_in_one_place() -> None:
    assert not set(rbac.CORE_RESOURCES) & set(rbac.RESOURCE_GROUPS)
    assert not set(rbac.CLUSTER_SCOPED_RESOURCES) & {*rbac.CORE_RESOURCES, *rbac.RESOURCE_GROUPS}
