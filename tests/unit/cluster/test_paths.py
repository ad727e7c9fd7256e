"""Where objects are found in the API."""

import pytest

from seaway.kubernetes.api import paths


@pytest.mark.parametrize(
    ("version", "kind", "namespace", "expected"),
    [
        ("v1", "Namespace", "", "/api/v1/namespaces/x"),
        ("v1", "ConfigMap", "shop-dev", "/api/v1/namespaces/shop-dev/configmaps/x"),
        ("apps/v1", "Deployment", "shop-dev", "/apis/apps/v1/namespaces/shop-dev/deployments/x"),
        (
            "policy/v1",
            "PodDisruptionBudget",
            "shop-dev",
            "/apis/policy/v1/namespaces/shop-dev/poddisruptionbudgets/x",
        ),
    ],
)
def test_an_object(version: str, kind: str, namespace: str, expected: str) -> None:
    assert paths.build_path(version, kind, namespace, "x") == expected


def test_without_a_name_it_is_the_list() -> None:
    assert paths.build_path("batch/v1", "Job", "shop-dev") == "/apis/batch/v1/namespaces/shop-dev/jobs"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("Service", "services"),
        ("NetworkPolicy", "networkpolicies"),
        ("Ingress", "ingresses"),
        ("StorageClass", "storageclasses"),
        ("Gateway", "gateways"),
        ("Endpoints", "endpoints"),
        ("HorizontalPodAutoscaler", "horizontalpodautoscalers"),
        ("RoleBinding", "rolebindings"),
    ],
)
def test_plurals(kind: str, expected: str) -> None:
    assert paths.get_plural(kind) == expected
