"""An autoscaler and the quota among Pulumi's resources: what is ignored, and what comes before what."""

import json

from tests.component import programs, recorder


def scaled(run: programs.Run) -> recorder.Recording:
    overlay = {"services": {"web": {"scale": {"min": 2, "max": 5}}}}
    return run("shop", config={"overlay": json.dumps(overlay), "quota": "true"})


def deployments(recording: recorder.Recording) -> dict[str, recorder.Resource]:
    return {each.name: each for each in recording.list_resources("Deployment")}


def test_only_the_replicas_of_an_autoscaled_service_are_ignored(run: programs.Run) -> None:
    recording = scaled(run)
    ignored = {each.title: list(each.request.ignoreChanges) for each in recording.resources}
    assert ignored.pop("kubernetes:apps/v1:Deployment web") == ["spec.replicas"]
    assert not any(ignored.values())
    # Where there is none yet, the service begins with its least.
    assert deployments(recording)["web"].inputs["spec"]["replicas"] == 2


def test_the_autoscaler_comes_after_its_deployment_and_nothing_waits_for_its_health(run: programs.Run) -> None:
    recording = scaled(run)
    (scaler,) = recording.list_resources("HorizontalPodAutoscaler")
    assert deployments(recording)["web"].urn in scaler.request.dependencies
    (services,) = (each for each in recording.list_resources("Rollout") if each.name == "services")
    assert scaler.urn in services.request.dependencies
    assert {each["kind"] for each in services.inputs["workloads"]} == {"Deployment"}
    assert recording.stack["services"]["web"]["replicas"] == "2-5"


def test_no_pod_comes_before_the_quota(run: programs.Run) -> None:
    recording = scaled(run)
    fence = {each.urn for kind in ("ResourceQuota", "LimitRange") for each in recording.list_resources(kind)}
    assert len(fence) == 2
    pods = [
        *recording.list_resources("Deployment"),
        *recording.list_resources("StatefulSet"),
        *recording.list_resources("Job"),
    ]
    assert pods
    for each in pods:
        assert fence <= set(each.request.dependencies), each.title
