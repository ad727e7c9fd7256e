"""The quota of a namespace: the maximum usage as Kubernetes counts it, and a third more."""

from typing import Any

from seaway.model import application
from tests.support.rendering import job, render, service, store


def get_limits(*workloads: application.AnyWorkload) -> dict[str, str]:
    return render(*workloads, quota=True).get_spec("ResourceQuota/seaway")["hard"]


def test_there_is_none_by_default() -> None:
    assert not {"ResourceQuota", "LimitRange"} & {one.kind for one in render(service()).values()}


def test_a_rollout_of_two_pods_counts_four_and_a_third_more() -> None:
    assert get_limits(service()) == {
        "requests.cpu": "540m",  # 4 * 100m * 4/3 = 533.3m
        "requests.memory": "690Mi",  # 4 * 128Mi * 4/3 = 682.7Mi
        "limits.memory": "690Mi",
        "pods": "6",
        "persistentvolumeclaims": "0",
        "requests.storage": "0",
    }


def test_an_autoscaler_counts_with_its_maximum() -> None:
    assert get_limits(service(scale=application.Scale(max=12)))["pods"] == "32"


def test_stores_and_jobs_count_once() -> None:
    resources = application.Resources(memory="1Gi")
    assert get_limits(store(), job(), job("report", schedule="0 3 * * *", resources=resources)) == {
        "requests.cpu": "400m",
        "requests.memory": "1800Mi",  # 1280Mi * 4/3 = 1706.7Mi
        "limits.memory": "1800Mi",
        "pods": "4",
        "persistentvolumeclaims": "2",
        "requests.storage": "1400Mi",  # 1Gi * 4/3 = 1365.3Mi
    }


def test_devices_count_too() -> None:
    resources: dict[str, Any] = {"resources": application.Resources(gpu=application.Gpu(count=1))}
    assert get_limits(service(**resources))["requests.nvidia.com/gpu"] == "6"


def test_containers_without_resources_get_the_defaults_of_the_model() -> None:
    assert render(service(), quota=True).get_spec("LimitRange/seaway") == {
        "limits": [
            {
                "type": "Container",
                "default": {"memory": "128Mi", "ephemeral-storage": "1Gi"},
                "defaultRequest": {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "64Mi"},
            }
        ]
    }
