"""The order of a rollout: guards, then step after step, each with the Rollout that waits for it."""

import re

import pytest

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
    assert {each.name: each.inputs["workloads"] for each in recording.list_resources("Rollout")} == wanted
    workloads = [one.key for one in expected if "template" in one.manifest.get("spec", {})]
    assert sorted(f"{one['kind']}/{one['name']}" for ones in wanted.values() for one in ones) == sorted(workloads)
    assert {each.inputs["namespace"] for each in recording.list_resources("Rollout")} == {f"{example}-dev"}
    for each in recording.list_resources("Rollout"):
        for one in each.inputs["workloads"]:
            target.Target.parse(one)
    previewed = {each.name: each.inputs for each in registered(example, preview=True).list_resources("Rollout")}
    assert previewed == {each.name: each.inputs for each in recording.list_resources("Rollout")}, (
        "all is known in a preview"
    )


@pytest.mark.parametrize("example", programs.EXAMPLES)
def test_the_guard_of_objects_knows_all_of_them(rendered: programs.Rendered, example: str) -> None:
    recording, expected = rendered(example)
    (guard,) = recording.list_resources("Objects")
    assert guard.inputs == {
        "partOf": example,
        "stack": "dev",
        "objects": sorted(one.identity for one in expected),
        "sets": {one.identity: disks.extract_shape(one.manifest) for one in expected if one.kind == "StatefulSet"},
    }
    for one in expected:
        labels = one.manifest["metadata"]["labels"]
        assert (labels["app.kubernetes.io/part-of"], labels["seaway/stack"]) == (example, "dev"), one.key


def before(recording: recorder.Recording, each: recorder.Resource) -> set[str]:
    """URNs of all that is registered before a resource can be: what it waits for, its parent, its provider."""
    by_urn = {one.urn: one for one in recording.resources}
    found: set[str] = set()
    waiting = [each.urn]
    while waiting:
        one = by_urn[waiting.pop()]
        needed = {*one.request.dependencies, one.parent, one.request.provider.rpartition("::")[0]} & by_urn.keys()
        waiting += needed - found
        found |= needed
    return found


def test_nothing_happens_before_the_guards(registered: programs.Run) -> None:
    recording = registered("shop")
    guard, last = recording.list_resources("Cluster")
    (ours,) = recording.list_resources("Objects")
    assert last.name == "destroy-guard"
    inside = [each for each in recording.resources if each.type.startswith("kubernetes:")]
    assert {each.urn for each in (*inside, *recording.list_resources("Rollout"))} <= before(recording, last)
    assert guard.urn in before(recording, ours)
    for each in recording.resources:
        if each.type.startswith(("docker-build:", "seaway:index:GeneratedSecret")):
            assert guard.urn in before(recording, each), each.title
            assert ours.urn not in before(recording, each), "nobody need wait for it"
    for each in (*inside, *recording.list_resources("Rollout"), *recording.list_resources("JobAttempt")):
        assert {guard.urn, ours.urn} <= before(recording, each), each.title
    (namespace,) = recording.list_resources("Namespace")
    for each in (*inside, *recording.list_resources("Rollout"), *recording.list_resources("JobAttempt")):
        if each is not namespace:
            assert namespace.urn in before(recording, each)
            # What runs pods is deleted by itself, services before their stores; the namespace takes the rest along.
            runs_pods = each.type.endswith((":Deployment", ":StatefulSet", ":Job")) and "kubernetes:" in each.type
            assert each.request.deletedWith == ("" if runs_pods else namespace.urn), each.title


@pytest.mark.parametrize("example", programs.EXAMPLES)
def test_each_step_of_a_rollout_waits_for_the_one_before(run: programs.Run, example: str) -> None:
    """Stores, jobs, services, and services that say `after`: no pod changes before all of the last step is healthy."""
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
    rollouts = {each.name: each for each in recording.list_resources("Rollout")}
    assert list(rollouts) == list(steps)
    starting = {
        f"{each.type.rpartition(':')[2]} {re.sub('-[0-9a-f]{10}$', '', each.name)}": each
        for kind in ("StatefulSet", "Job", "DaemonSet", "Deployment")
        for each in recording.list_resources(kind)
    }
    assert sorted(starting) == sorted(title for titles in steps.values() for title in titles)
    earlier: set[str] = set()
    for step, titles in steps.items():
        for each in (starting[title] for title in titles):
            mine = {
                one.urn
                for kind in ("ServiceAccount", "ConfigMap", "Secret")
                for one in recording.list_resources(kind)
                if one.parent == each.parent
            }
            assert mine
            assert earlier | mine <= before(recording, each), each.title
            assert not {starting[title].urn for title in titles} & before(recording, each), "no order within a step"
        watched = {starting[title].urn for title in titles}
        assert watched <= before(recording, rollouts[step])
        earlier |= watched | {rollouts[step].urn}


def test_a_rollout_has_the_time_that_the_stack_gives_it(run: programs.Run) -> None:
    recording = run("shop", config={"rolloutTimeout": "500"})
    deadlines = {each.name: each.inputs["workloads"][0]["deadline"] for each in recording.list_resources("Rollout")}
    assert deadlines == {"stores": 500, "jobs": 660, "services": 500}
    assert not any(str(each.request.customTimeouts) for each in recording.resources), "Pulumi itself waits for none"


def test_a_failed_job_is_replaced(registered: programs.Run) -> None:
    recording = registered("shop")
    (job,), (attempt,) = recording.list_resources("Job"), recording.list_resources("JobAttempt")
    assert attempt.name == job.name == job.inputs["metadata"]["name"]
    assert attempt.inputs == {"namespace": "shop-dev", "name": job.name}
    assert attempt.parent == job.parent
    assert job.request.replacement_trigger.number_value == 1
    assert not any(each.request.replacement_trigger.number_value for each in recording.resources if each is not job)


def test_what_is_replaced_is_deleted_first(registered: programs.Run) -> None:
    """Made first, the new object would be the old one, and then be deleted."""
    for each in registered("shop").resources:
        ours = each.type.startswith("kubernetes:")
        assert (each.request.deleteBeforeReplace, each.request.deleteBeforeReplaceDefined) == (ours, ours), each.title
