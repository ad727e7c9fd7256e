"""Rules about ``kubernetesApi``."""

import pytest

from seaway.model.validate import rbac
from tests.unit.conftest import ExpectErrors, FindErrors

APP = "name: shop\nservices:\n  web:\n    image: a\n    kubernetesApi: %s\n"
VALID = [
    "{pods: [get, list], pods/log: [get]}",
    "{deployments.apps: [patch], deployments.apps/scale: [update]}",
    "{certificates.cert-manager.io: [get], secrets: [get], roles.rbac.authorization.k8s.io: [bind]}",
]
INVALID = {
    "{'*': [get]}": "5:21: .kubernetesApi.*: wildcard",
    "{'*.apps': [get]}": "5:21: .kubernetesApi.*.apps: wildcard",
    "{pods: ['*']}": "5:28: .kubernetesApi.pods.0: wildcard",
    "{pods: [get, lst]}": "5:33: .kubernetesApi.pods.1: unknown-verb",
    "{pods: []}": "5:21: .kubernetesApi.pods: missing-value",
    "{Pods: [get]}": "5:21: .kubernetesApi.Pods: invalid-resource",
    "{pod: [get]}": "5:21: .kubernetesApi.pod: unknown-resource",
    "{deployments: [get]}": "5:21: .kubernetesApi.deployments: unknown-resource",
    "{deployments/scale: [get]}": "5:21: .kubernetesApi.deployments/scale: unknown-resource",
    "{nodes: [get]}": "5:21: .kubernetesApi.nodes: cluster-scoped",
}


@pytest.mark.parametrize("api", VALID)
def test_valid_rules_have_no_errors(find_errors: FindErrors, api: str) -> None:
    assert find_errors(APP % api) == ()


@pytest.mark.parametrize("api", INVALID)
def test_invalid_rules_are_reported(expect_errors: ExpectErrors, api: str) -> None:
    expect_errors(APP % api, INVALID[api])


def test_each_known_resource_is_in_one_table() -> None:
    assert len(rbac.RESOURCE_GROUPS) == 28
    assert not rbac.CLUSTER_SCOPED_RESOURCES & rbac.RESOURCE_GROUPS.keys()
