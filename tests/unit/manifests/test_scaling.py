"""How many pods there are, where they run and how they go."""

import itertools
from typing import Any

import pytest

from seaway.manifests import names, objects
from seaway.model import application
from tests.unit.manifests import test_objects

Found = dict[str, objects.ReleaseObject]
made, service, store, spec, pod, container = (
    test_objects.made,
    test_objects.service,
    test_objects.store,
    test_objects.spec,
    test_objects.pod,
    test_objects.container,
)
AUTOSCALER = "HorizontalPodAutoscaler/web"


def scaled(**scale: Any) -> Found:
    return made(service(scale=application.Scale(**scale)))


def test_an_autoscaler_is_fast_up_and_slow_down() -> None:
    assert spec(scaled(min=3, max=9, cpu="60%", memory="80%"), AUTOSCALER) == {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "minReplicas": 3,
        "maxReplicas": 9,
        "metrics": [
            {
                "type": "ContainerResource",
                "containerResource": {
                    "name": name,
                    "container": "web",
                    "target": {"type": "Utilization", "averageUtilization": share},
                },
            }
            for name, share in (("cpu", 60), ("memory", 80))
        ],
        "behavior": {
            "scaleUp": {
                "stabilizationWindowSeconds": 0,
                "selectPolicy": "Max",
                "policies": [
                    {"type": "Percent", "value": 100, "periodSeconds": 15},
                    {"type": "Pods", "value": 4, "periodSeconds": 15},
                ],
            },
            "scaleDown": {
                "stabilizationWindowSeconds": 300,
                "selectPolicy": "Max",
                "policies": [
                    {"type": "Pods", "value": 1, "periodSeconds": 60},
                    {"type": "Percent", "value": 10, "periodSeconds": 60},
                ],
            },
        },
    }


@pytest.mark.parametrize(
    ("said", "metrics"),
    [({}, {"cpu": 70}), ({"cpu": "50%"}, {"cpu": 50}), ({"memory": "80%"}, {"memory": 80})],
)
def test_without_a_word_it_keeps_to_70_percent_of_the_cpu(said: dict[str, str], metrics: dict[str, int]) -> None:
    resources = [one["containerResource"] for one in spec(scaled(max=4, **said), AUTOSCALER)["metrics"]]
    assert {one["name"]: one["target"]["averageUtilization"] for one in resources} == metrics


def test_a_new_service_begins_with_its_least_and_says_that_an_autoscaler_rules() -> None:
    found = scaled(min=3, max=9)
    assert spec(found, "Deployment/web")["replicas"] == 3
    assert found["Deployment/web"].manifest["metadata"]["annotations"][names.SCALE_ANNOTATION] == "3-9"
    assert "PodDisruptionBudget/web" in found


def test_a_fixed_scale_has_no_autoscaler() -> None:
    found = scaled(min=3)
    assert AUTOSCALER not in found
    assert names.SCALE_ANNOTATION not in found["Deployment/web"].manifest["metadata"]["annotations"]


def test_what_may_be_several_has_a_budget() -> None:
    """Under load it is; and one that lets one pod go keeps no node from its drain where it is the only one."""
    assert spec(scaled(min=1, max=5), "PodDisruptionBudget/web")["maxUnavailable"] == 1
    assert "PodDisruptionBudget/web" not in scaled(min=1)


def test_an_autoscaler_comes_after_its_deployment_and_is_nothing_to_wait_for() -> None:
    found = scaled(max=5)
    keys = list(found)
    assert keys.index("Deployment/web") < keys.index(AUTOSCALER)
    assert found[AUTOSCALER].phase is found["Deployment/web"].phase
    assert (found[AUTOSCALER].deadline, found[AUTOSCALER].version) == (None, None)


def test_no_switch_rolls_the_pods() -> None:
    kinds = [scaled(min=2), scaled(min=5), scaled(min=2, max=5), scaled(min=1, max=9, cpu="50%")]
    for one, other in itertools.pairwise(kinds):
        assert spec(one, "Deployment/web")["template"] == spec(other, "Deployment/web")["template"]


def test_spread_prefers_and_may_require_nodes_but_never_zones() -> None:
    prefers, requires = (
        {
            one["topologyKey"]: (one["whenUnsatisfiable"], one.get("minDomains"))
            for one in pod(made(service(spread=spread)))["topologySpreadConstraints"]
        }
        for spread in ("prefer", "require")
    )
    zone, host = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
    assert prefers == {zone: ("ScheduleAnyway", None), host: ("ScheduleAnyway", None)}
    assert requires == {zone: ("ScheduleAnyway", None), host: ("DoNotSchedule", 2)}


def test_a_node_that_keeps_pods_away_is_none_to_spread_over() -> None:
    """As those of a control plane: counted, they would have no pod, and the third of two nodes would wait for ever."""
    kept = [one.get("nodeTaintsPolicy") for one in pod(made(service(spread="require")))["topologySpreadConstraints"]]
    assert kept == [None, "Honor"]


@pytest.mark.parametrize(
    ("fields", "grace", "drain"),
    [
        ({}, 30, 5),
        ({"pre_stop_delay": 10, "stop_grace_period": 60}, 70, 10),
        ({"pre_stop_delay": 0}, 25, None),
        ({"port": None, "health": application.Health(), "pre_stop_delay": 10, "stop_grace_period": 7}, 7, None),
    ],
)
def test_the_grace_covers_the_drain(fields: dict[str, Any], grace: int, drain: int | None) -> None:
    found = made(service(**fields))
    assert pod(found)["terminationGracePeriodSeconds"] == grace
    wanted = None if drain is None else {"preStop": {"sleep": {"seconds": drain}}}
    assert container(found).get("lifecycle") == wanted


def test_a_store_has_its_own_grace() -> None:
    assert pod(made(stores=(store(),)), "StatefulSet/db")["terminationGracePeriodSeconds"] == 60
    assert pod(made(stores=(store(stop_grace_period=600),)), "StatefulSet/db")["terminationGracePeriodSeconds"] == 600


def test_nodes_taints_and_priority_are_referred_to() -> None:
    wanted = {
        "node_selector": {"disk": "ssd"},
        "tolerations": ("dedicated=batch:NoSchedule", "spot:NoExecute"),
        "priority_class": "high",
    }
    job = application.Job("tidy", image="tidy:1", **wanted)
    found = made(service(**wanted), stores=(store(**wanted),), jobs=(job,))
    workloads = [key for key, one in found.items() if one.deadline is not None]
    assert len(workloads) == 3
    for key in workloads:
        assert pod(found, key)["priorityClassName"] == "high"
        assert pod(found, key)["nodeSelector"] == {"disk": "ssd"}
        assert pod(found, key)["tolerations"] == [
            {"key": "dedicated", "operator": "Equal", "value": "batch", "effect": "NoSchedule"},
            {"key": "spot", "operator": "Exists", "effect": "NoExecute"},
        ]


def test_who_says_nothing_may_run_anywhere() -> None:
    assert not {"priorityClassName", "nodeSelector", "tolerations"} & pod(made(service())).keys()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (
            {},
            {
                "requests": {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "64Mi"},
                "limits": {"memory": "128Mi", "ephemeral-storage": "1Gi"},
            },
        ),
        (
            {"cpu": "0.5", "memory": "1Gi", "cpu_limit": "2", "disk": "10Gi"},
            {
                "requests": {"cpu": "0.5", "memory": "1Gi", "ephemeral-storage": "64Mi"},
                "limits": {"cpu": "2", "memory": "1Gi", "ephemeral-storage": "10Gi"},
            },
        ),
        (
            {"disk": "16Mi"},
            {
                "requests": {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "16Mi"},
                "limits": {"memory": "128Mi", "ephemeral-storage": "16Mi"},
            },
        ),
    ],
)
def test_what_a_container_asks_for(asked: dict[str, Any], expected: dict[str, dict[str, str]]) -> None:
    assert container(made(service(resources=application.Resources(**asked))))["resources"] == expected


def test_a_gpu_brings_its_pods_to_its_nodes_and_no_others() -> None:
    gpu = application.Resources(gpu=application.Gpu(count=2))
    found = made(service(resources=gpu), service("api"))
    assert container(found)["resources"]["limits"]["nvidia.com/gpu"] == "2"
    assert "nvidia.com/gpu" not in container(found)["resources"]["requests"]
    assert pod(found)["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert "nodeSelector" not in pod(found)
    assert "tolerations" not in pod(found, "Deployment/api")


def test_a_gpu_of_a_companion_is_one_of_the_pod() -> None:
    amd = application.Resources(gpu=application.Gpu(resource="amd.com/gpu"))
    found = made(service(sidecars=(application.ExtraContainer("model", image="model:1", resources=amd),)))
    assert pod(found)["tolerations"] == [{"key": "amd.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]


def test_a_tpu_names_its_nodes() -> None:
    tpu = application.Tpu(count=4, accelerator="tpu-v5-lite-podslice", topology="2x4")
    found = made(service(resources=application.Resources(tpu=tpu), node_selector={"pool": "ml"}))
    assert container(found)["resources"]["limits"]["google.com/tpu"] == "4"
    assert pod(found)["nodeSelector"] == {
        "cloud.google.com/gke-tpu-accelerator": "tpu-v5-lite-podslice",
        "cloud.google.com/gke-tpu-topology": "2x4",
        "pool": "ml",
    }
    assert pod(found)["tolerations"] == [{"key": "google.com/tpu", "operator": "Exists", "effect": "NoSchedule"}]
