"""An autoscaler and the quota as resources: ignored changes and dependencies."""

import json

from tests.component import programs, recorder


def run_scaled(run: programs.Run) -> recorder.Recording:
    overlay = {"services": {"web": {"scale": {"min": 2, "max": 5}}}}
    return run("shop", config={"overlay": json.dumps(overlay), "quota": "true"})


def get_deployments(recording: recorder.Recording) -> dict[str, recorder.Resource]:
    return {resource.name: resource for resource in recording.list_resources("Deployment")}


def test_only_the_replicas_of_an_autoscaled_service_are_ignored(run: programs.Run) -> None:
    recording = run_scaled(run)
    ignored = {resource.title: list(resource.request.ignoreChanges) for resource in recording.resources}
    assert ignored.pop("kubernetes:apps/v1:Deployment web") == ["spec.replicas"]
    assert not any(ignored.values())
    # A new service starts with its minimum.
    assert get_deployments(recording)["web"].inputs["spec"]["replicas"] == 2


def test_the_autoscaler_comes_after_its_deployment_and_needs_no_wait(run: programs.Run) -> None:
    recording = run_scaled(run)
    (scaler,) = recording.list_resources("HorizontalPodAutoscaler")
    assert get_deployments(recording)["web"].urn in scaler.request.dependencies
    (services,) = (resource for resource in recording.list_resources("Rollout") if resource.name == "services")
    assert scaler.urn in services.request.dependencies
    assert {resource["kind"] for resource in services.inputs["workloads"]} == {"Deployment"}
    assert recording.stack["services"]["web"]["replicas"] == "2-5"


def test_no_pod_starts_before_the_quota(run: programs.Run) -> None:
    recording = run_scaled(run)
    quota = {resource.urn for kind in ("ResourceQuota", "LimitRange") for resource in recording.list_resources(kind)}
    assert len(quota) == 2
    pods = [
        *recording.list_resources("Deployment"),
        *recording.list_resources("StatefulSet"),
        *recording.list_resources("Job"),
    ]
    assert pods
    for resource in pods:
        assert quota <= set(resource.request.dependencies), resource.title
