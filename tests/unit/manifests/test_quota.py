"""The fence around a namespace: the most that can be used, counted as Kubernetes counts, and a third more."""

import dataclasses
from fractions import Fraction
from typing import Any

from seaway.kubernetes.api import quantity
from seaway.manifests import amounts, objects
from seaway.model import application
from tests.unit.manifests import test_objects

STACK = dataclasses.replace(test_objects.STACK, quota=True)


def fence(*services: application.Service, **more: Any) -> dict[str, str]:
    found = test_objects.made(*services, stack=STACK, **more)
    return test_objects.spec(found, "ResourceQuota/seaway")["hard"]


def container(cpu: str, **more: Any) -> dict[str, Any]:
    return {"name": "x", "resources": {"requests": {"cpu": cpu}}} | more


def cpu(spec: dict[str, Any]) -> Fraction:
    return amounts.sum_pod_resources(spec)["cpu"]


def test_there_is_none_unless_the_stack_says_so() -> None:
    kinds = {one.kind for one in test_objects.made(test_objects.service()).values()}
    assert not kinds & {"ResourceQuota", "LimitRange"}


def test_it_is_there_before_the_first_pod_and_belongs_to_nobody() -> None:
    found = test_objects.made(test_objects.service(), stack=STACK)
    for key in ("ResourceQuota/seaway", "LimitRange/seaway"):
        assert (found[key].phase, found[key].owner) == (objects.Phase.foundation, None)


def test_two_pods_are_four_in_a_rollout_and_a_third_more() -> None:
    assert fence(test_objects.service()) == {
        "requests.cpu": "540m",  # 4 * 100m * 4/3 = 533.3m
        "requests.memory": "690Mi",  # 4 * 128Mi * 4/3 = 682.7Mi
        "limits.memory": "690Mi",
        "pods": "6",
        "persistentvolumeclaims": "0",
        "requests.storage": "0",
    }


def test_an_autoscaler_counts_with_its_most() -> None:
    assert fence(test_objects.service(scale=application.Scale(max=12)))["pods"] == "32"


def test_stores_jobs_and_schedules_count_once() -> None:
    jobs = (
        application.Job("migrate", image="m:1"),
        application.Job("report", image="r:1", schedule="0 3 * * *", resources=application.Resources(memory="1Gi")),
    )
    assert fence(stores=(test_objects.store(),), jobs=jobs) == {
        "requests.cpu": "400m",
        "requests.memory": "1800Mi",  # 1280Mi * 4/3 = 1706.7Mi
        "limits.memory": "1800Mi",
        "pods": "4",
        "persistentvolumeclaims": "2",
        "requests.storage": "1400Mi",  # 1Gi * 4/3 = 1365.3Mi
    }


def test_devices_are_counted_too() -> None:
    gpu = application.Resources(gpu=application.Gpu(count=1))
    assert fence(test_objects.service(resources=gpu))["requests.nvidia.com/gpu"] == "6"


def test_containers_and_sidecars_run_together() -> None:
    sidecar = container("300m", restartPolicy="Always")
    assert cpu({"containers": [container("100m"), container("200m")]}) == quantity.parse("300m")
    assert cpu({"initContainers": [sidecar], "containers": [container("100m")]}) == quantity.parse("400m")


def test_an_init_container_runs_with_the_sidecars_before_it() -> None:
    sidecar, init = container("300m", restartPolicy="Always"), container("500m")
    assert cpu({"initContainers": [sidecar, init], "containers": [container("100m")]}) == quantity.parse("800m")
    assert cpu({"initContainers": [init, sidecar], "containers": [container("100m")]}) == quantity.parse("500m")


def test_what_says_nothing_gets_the_defaults_of_the_model() -> None:
    found = test_objects.made(test_objects.service(), stack=STACK)
    assert test_objects.spec(found, "LimitRange/seaway") == {
        "limits": [
            {
                "type": "Container",
                "default": {"memory": "128Mi", "ephemeral-storage": "1Gi"},
                "defaultRequest": {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "64Mi"},
            }
        ]
    }
