"""Autoscalers, spread, placement and resources."""

from typing import Any

import pytest

from seaway.model import application
from tests.support.rendering import Rendered, extra, job, render, service, store

AUTOSCALER = "HorizontalPodAutoscaler/web"


def scale(**fields: Any) -> Rendered:
    return render(service(scale=application.Scale(**fields)))


@pytest.mark.parametrize(
    ("declared", "targets"),
    [({}, {"cpu": 70}), ({"cpu": "50%"}, {"cpu": 50}), ({"memory": "80%"}, {"memory": 80})],
)
def test_the_default_target_is_70_percent_of_the_cpu(declared: dict[str, str], targets: dict[str, int]) -> None:
    metrics = [metric["containerResource"] for metric in scale(max=4, **declared).get_spec(AUTOSCALER)["metrics"]]
    assert {metric["name"]: metric["target"]["averageUtilization"] for metric in metrics} == targets


def test_a_service_that_can_scale_up_has_a_budget() -> None:
    """A budget that allows one eviction does not block a drain while there is one pod."""
    assert scale(min=1, max=5).get_spec("PodDisruptionBudget/web")["maxUnavailable"] == 1
    assert "PodDisruptionBudget/web" not in scale(min=1)


def test_no_change_of_the_scale_changes_the_pods() -> None:
    templates = [
        rendered.get_spec()["template"]
        for rendered in (scale(min=2), scale(min=5), scale(min=2, max=5), scale(min=1, max=9, cpu="50%"))
    ]
    assert templates == [templates[0]] * 4


def test_spread_can_require_nodes_but_never_zones() -> None:
    zone, hostname = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
    prefer, require = (
        {
            constraint.pop("topologyKey"): constraint
            for constraint in render(service(spread=spread)).get_pod()["topologySpreadConstraints"]
        }
        for spread in ("prefer", "require")
    )
    assert prefer[zone] == prefer[hostname] == require[zone]
    assert prefer[hostname]["whenUnsatisfiable"] == "ScheduleAnyway"
    assert (require[hostname]["whenUnsatisfiable"], require[hostname]["minDomains"]) == ("DoNotSchedule", 2)
    # A tainted node, as one of a control plane, would count as empty: the third pod of two nodes would wait forever.
    assert (require[hostname]["nodeTaintsPolicy"], prefer[hostname].get("nodeTaintsPolicy")) == ("Honor", None)


def test_all_workloads_can_have_node_selector_tolerations_and_priority() -> None:
    fields: dict[str, Any] = {
        "node_selector": {"disk": "ssd"},
        "tolerations": ("dedicated=batch:NoSchedule", "spot:NoExecute"),
        "priority_class": "high",
    }
    rendered = render(service(**fields), store(**fields), job(**fields))
    pods = [rendered.get_pod(key) for key, one in rendered.items() if one.deadline is not None]
    assert len(pods) == 3
    for pod in pods:
        assert (pod["priorityClassName"], pod["nodeSelector"]) == ("high", {"disk": "ssd"})
        assert pod["tolerations"] == [
            {"key": "dedicated", "operator": "Equal", "value": "batch", "effect": "NoSchedule"},
            {"key": "spot", "operator": "Exists", "effect": "NoExecute"},
        ]
    assert not {"priorityClassName", "nodeSelector", "tolerations"} & render(service()).get_pod().keys()


@pytest.mark.parametrize(
    ("declared", "resources"),
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
def test_resources_of_a_container(declared: dict[str, Any], resources: dict[str, dict[str, str]]) -> None:
    rendered = render(service(resources=application.Resources(**declared)))
    assert rendered.get_container()["resources"] == resources


def tolerate(resource: str) -> list[dict[str, str]]:
    return [{"key": resource, "operator": "Exists", "effect": "NoSchedule"}]


def test_only_pods_with_a_gpu_tolerate_its_nodes() -> None:
    rendered = render(service(resources=application.Resources(gpu=application.Gpu(count=2))), service("api"))
    resources = rendered.get_container()["resources"]
    assert resources["limits"]["nvidia.com/gpu"] == "2"
    assert "nvidia.com/gpu" not in resources["requests"]
    assert rendered.get_pod()["tolerations"] == tolerate("nvidia.com/gpu")
    assert "nodeSelector" not in rendered.get_pod()
    assert "tolerations" not in rendered.get_pod("Deployment/api")


def test_a_pod_tolerates_the_nodes_for_the_gpu_of_a_sidecar() -> None:
    resources = application.Resources(gpu=application.Gpu(resource="amd.com/gpu"))
    rendered = render(service(sidecars=(extra(image="model:1", resources=resources),)))
    assert rendered.get_pod()["tolerations"] == tolerate("amd.com/gpu")


def test_a_tpu_selects_its_nodes() -> None:
    tpu = application.Tpu(count=4, accelerator="tpu-v5-lite-podslice", topology="2x4")
    rendered = render(service(resources=application.Resources(tpu=tpu), node_selector={"pool": "ml"}))
    assert rendered.get_container()["resources"]["limits"]["google.com/tpu"] == "4"
    assert rendered.get_pod()["nodeSelector"] == {
        "cloud.google.com/gke-tpu-accelerator": "tpu-v5-lite-podslice",
        "cloud.google.com/gke-tpu-topology": "2x4",
        "pool": "ml",
    }
    assert rendered.get_pod()["tolerations"] == tolerate("google.com/tpu")
