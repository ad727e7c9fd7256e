"""The order of a rollout: the guards, then step by step, each with a Rollout that waits for it."""

import re

import pytest

from components import provider
from seaway.manifests import objects
from seaway.review import disks
from seaway.rollout import target
from tests.component import programs, recorder


@pytest.mark.parametrize("example", programs.EXAMPLES)
def test_rollouts_watch_every_workload_once(
    rendered: programs.Rendered, registered: programs.Run, example: str
) -> None:
    recording, expected = rendered(example)
    wanted = {
        step: [
            {"kind": one.kind, "name": one.name, "owner": one.owner, "deadline": one.deadline, "version": one.version}
            for one in ones
            if one.deadline is not None
        ]
        for step, ones in objects.group_by_step(expected).items()
    }
    assert {resource.name: resource.inputs["workloads"] for resource in recording.list_resources("Rollout")} == wanted
    workloads = [one.key for one in expected if "template" in one.manifest.get("spec", {})]
    assert sorted(f"{one['kind']}/{one['name']}" for ones in wanted.values() for one in ones) == sorted(workloads)
    assert {resource.inputs["namespace"] for resource in recording.list_resources("Rollout")} == {f"{example}-dev"}
    for resource in recording.list_resources("Rollout"):
        for one in resource.inputs["workloads"]:
            target.Target.parse(one, resource.inputs["sources"])
    previewed = {
        resource.name: resource.inputs for resource in registered(example, preview=True).list_resources("Rollout")
    }
    assert previewed == {resource.name: resource.inputs for resource in recording.list_resources("Rollout")}, (
        "a preview knows everything"
    )


@pytest.mark.parametrize("example", programs.EXAMPLES)
def test_the_guard_of_objects_has_all_objects(rendered: programs.Rendered, example: str) -> None:
    recording, expected = rendered(example)
    (guard,) = recording.list_resources("Objects")
    assert guard.inputs == {
        "partOf": example,
        "stack": "dev",
        "objects": sorted(one.identity for one in expected),
        "applications": [],
        "sets": {one.identity: disks.extract_shape(one.manifest) for one in expected if one.kind == "StatefulSet"},
        "fixed": {
            one.identity: fixed
            for one in expected
            if one.kind in ("DaemonSet", "Deployment", "Service")
            and (fixed := disks.extract_fixed_fields(one.manifest))
        },
    }
    for one in expected:
        labels = one.manifest["metadata"]["labels"]
        assert (labels["app.kubernetes.io/part-of"], labels["seaway/stack"]) == (example, "dev"), one.key


def list_previous(recording: recorder.Recording, resource: recorder.Resource) -> set[str]:
    """URNs of all resources that are registered before this one: dependencies, parents and providers."""
    by_urn = {one.urn: one for one in recording.resources}
    found: set[str] = set()
    waiting = [resource.urn]
    while waiting:
        one = by_urn[waiting.pop()]
        needed = {*one.request.dependencies, one.parent, one.request.provider.rpartition("::")[0]} & by_urn.keys()
        waiting += needed - found
        found |= needed
    return found


def test_nothing_is_registered_before_the_guards(registered: programs.Run) -> None:
    recording = registered("shop")
    guard, last = recording.list_resources("Cluster")
    (ours,) = recording.list_resources("Objects")
    assert last.name == "destroy-guard"
    inside = [resource for resource in recording.resources if resource.type.startswith("kubernetes:")]
    assert {resource.urn for resource in (*inside, *recording.list_resources("Rollout"))} <= list_previous(
        recording, last
    )
    assert guard.urn in list_previous(recording, ours)
    for resource in recording.resources:
        if resource.type.startswith(("docker-build:", "seaway:index:GeneratedSecret")):
            assert guard.urn in list_previous(recording, resource), resource.title
            assert ours.urn not in list_previous(recording, resource), "it needs no wait"
    for resource in (*inside, *recording.list_resources("Rollout"), *recording.list_resources("JobAttempt")):
        assert {guard.urn, ours.urn} <= list_previous(recording, resource), resource.title
    (namespace,) = recording.list_resources("Namespace")
    for resource in (*inside, *recording.list_resources("Rollout"), *recording.list_resources("JobAttempt")):
        if resource is not namespace:
            assert namespace.urn in list_previous(recording, resource)
            # Workloads are deleted one by one, services before their stores; the others go with the namespace.
            runs_pods = (
                resource.type.endswith((":Deployment", ":StatefulSet", ":Job")) and "kubernetes:" in resource.type
            )
            assert resource.request.deletedWith == ("" if runs_pods else namespace.urn), resource.title


@pytest.mark.parametrize("example", programs.EXAMPLES)
def test_each_step_waits_for_the_previous_step(run: programs.Run, example: str) -> None:
    """Stores, jobs, services, and services with `dependsOn`: no pod changes before the previous step is healthy."""
    after = {"shop": {"overlay": '{"services": {"web": {"dependsOn": ["worker", "api"]}}}'}}
    recording = run(example, config=after.get(example))
    steps = {
        "smallest": {"services": ["Deployment web"]},
        "shop": {
            "stores": ["StatefulSet db"],
            "jobs": ["Job migrate"],
            "services": ["Deployment api", "Deployment worker"],
            "services-2": ["Deployment web"],
        },
        "everything": {
            "stores": ["StatefulSet journal"],
            "jobs": ["Job prepare"],
            "services": ["DaemonSet agent", "Deployment counter"],
            "services-2": ["Deployment board"],
            "late-jobs": ["Job announce"],
        },
    }[example]
    rollouts = {resource.name: resource for resource in recording.list_resources("Rollout")}
    assert list(rollouts) == list(steps)
    starting = {
        f"{resource.type.rpartition(':')[2]} {re.sub('-[0-9a-f]{10}$', '', resource.name)}": resource
        for kind in ("StatefulSet", "Job", "DaemonSet", "Deployment")
        for resource in recording.list_resources(kind)
    }
    assert sorted(starting) == sorted(title for titles in steps.values() for title in titles)
    earlier: set[str] = set()
    for step, titles in steps.items():
        for resource in (starting[title] for title in titles):
            mine = {
                one.urn
                for kind in ("ServiceAccount", "ConfigMap", "Secret")
                for one in recording.list_resources(kind)
                if one.parent == resource.parent
            }
            assert mine
            assert earlier | mine <= list_previous(recording, resource), resource.title
            assert not {starting[title].urn for title in titles} & list_previous(recording, resource), (
                "no order within a step"
            )
        watched = {starting[title].urn for title in titles}
        assert watched <= list_previous(recording, rollouts[step])
        earlier |= watched | {rollouts[step].urn}


def test_the_stack_sets_the_deadline_of_a_rollout(run: programs.Run) -> None:
    recording = run("shop", config={"rolloutTimeout": "500"})
    deadlines = {
        resource.name: resource.inputs["workloads"][0]["deadline"] for resource in recording.list_resources("Rollout")
    }
    assert deadlines == {"stores": 500, "jobs": 660, "services": 500}
    assert not any(str(resource.request.customTimeouts) for resource in recording.resources), (
        "Pulumi itself does not wait"
    )


def test_a_failed_job_is_replaced(registered: programs.Run) -> None:
    recording = registered("shop")
    (job,), (attempt,) = recording.list_resources("Job"), recording.list_resources("JobAttempt")
    assert attempt.name == job.name == job.inputs["metadata"]["name"]
    assert attempt.inputs == {"namespace": "shop-dev", "name": job.name}
    assert attempt.parent == job.parent
    assert job.request.replacement_trigger.number_value == 1
    assert not any(
        resource.request.replacement_trigger.number_value for resource in recording.resources if resource is not job
    )


def test_a_replaced_object_is_deleted_first(registered: programs.Run) -> None:
    """Otherwise the new object would be an update of the old one, and then be deleted."""
    for resource in registered("shop").resources:
        ours = resource.type.startswith("kubernetes:")
        assert (resource.request.deleteBeforeReplace, resource.request.deleteBeforeReplaceDefined) == (ours, ours), (
            resource.title
        )


@pytest.mark.parametrize(("live", "registered_size"), [({}, "1Gi"), ({"data": "512Mi"}, "512Mi")])
def test_a_store_that_exists_is_registered_with_its_size(
    run: programs.Run, monkeypatch: pytest.MonkeyPatch, live: dict[str, str], registered_size: str
) -> None:
    """The API server refuses another size. The plugin grows the disk to the size of the Rollout."""
    stores = {"apps/v1/StatefulSet/shop-dev/db": live} if live else {}
    monkeypatch.setattr(provider, "find_existing_stores", lambda *_, **__: stores)
    recording = run("shop")
    (store,) = recording.list_resources("StatefulSet")
    (template,) = store.inputs["spec"]["volumeClaimTemplates"]
    assert template["spec"]["resources"]["requests"]["storage"] == registered_size
    assert list(store.request.ignoreChanges) == (["spec.volumeClaimTemplates"] if live else [])
    assert recording.list_resources("Rollout")[0].inputs["sizes"] == {"db": {"data": "1Gi"}}
