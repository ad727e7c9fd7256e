"""The table of kinds: paths of the API, and pod templates."""

import pytest

from seaway.kubernetes.api import kinds

DEPLOYMENT = {"kind": "Deployment", "spec": {"template": {"spec": {}}}}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (kinds.build_path("Namespace", name="x"), "/api/v1/namespaces/x"),
        (kinds.build_path("ConfigMap", "shop-dev", "x"), "/api/v1/namespaces/shop-dev/configmaps/x"),
        (kinds.build_path("Deployment", "shop-dev", "x"), "/apis/apps/v1/namespaces/shop-dev/deployments/x"),
        (kinds.build_path("Job", "shop-dev"), "/apis/batch/v1/namespaces/shop-dev/jobs"),
        (kinds.build_path("Pod"), "/api/v1/pods"),
        (kinds.build_log_path("shop-dev", "web-0"), "/api/v1/namespaces/shop-dev/pods/web-0/log"),
        (kinds.join_path("example.com/v1", "gadgets", "shop-dev"), "/apis/example.com/v1/namespaces/shop-dev/gadgets"),
    ],
)
def test_paths(path: str, expected: str) -> None:
    assert path == expected


def test_pod_templates() -> None:
    assert kinds.find_pod_template(DEPLOYMENT) == {"spec": {}}
    assert kinds.find_pod_template({"spec": {"jobTemplate": DEPLOYMENT}}, "CronJob") == {"spec": {}}
    assert kinds.find_pod_template({"kind": "Service", "spec": {}}) is None
    assert kinds.find_pod_template({"kind": "Gadget", "spec": {"template": {}}}) is None


def test_exactly_the_workload_kinds_and_replica_sets_have_a_pod_template() -> None:
    assert {name for name, kind in kinds.KINDS.items() if kind.pod_template} == {*kinds.WORKLOAD_KINDS, "ReplicaSet"}
