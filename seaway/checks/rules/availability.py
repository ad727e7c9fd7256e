"""Whether it still answers while pods are replaced, nodes are drained and zones are lost."""

from collections.abc import Iterator
from typing import Any

from seaway.checks import check, check_context, usage

_ROLLING = ("Deployment", "DaemonSet")
"""What is replaced while it takes requests; a store is away for as long as its one pod is."""

REQUESTS = 10
"""Seconds that the requests in flight have at least, after the wait before SIGTERM."""


@check.pods(
    "AVL-01",
    "A service runs at least two pods",
    check.advice("a worker may be away for a minute, and a place to try things may save the pod"),
)
def replicas(each: check_context.Pod) -> check_context.Found:
    """A single pod is away whenever its node is drained or lost."""
    if each.object.kind == "Deployment" and not each.several:
        wrong = f"{each.number} pod is away with its node"
        yield check_context.about(each.object, "spec.replicas", wrong, f"set {each.field}.scale to 2 or more")


@check.whole("AVL-02", "A drain takes one pod after the other, and is never blocked", check.RELEASED)
def budget(seen: check_context.Subject) -> check_context.Found:
    """Without a budget a drain may take all pods at once; with one that allows none, no node can be renewed."""
    budgets = seen.of("PodDisruptionBudget")
    targets = [one.manifest["spec"]["scaleTargetRef"] for one in seen.of("HorizontalPodAutoscaler")]
    scaled = {(one["kind"], one["name"]) for one in targets}
    for pod in seen.pods:
        covers = [one for one in budgets if check_context.matches(one.manifest["spec"]["selector"], pod.labels)]
        if (pod.several or (pod.object.kind, pod.object.name) in scaled) and not covers:
            path, wrong = "spec.replicas", "no disruption budget keeps a drain from taking all pods at once"
            yield check_context.about(pod.object, path, wrong, "let a PodDisruptionBudget select them")
        for one in covers:
            if _evictable(one.manifest["spec"], pod.number) < 1:
                wrong = f"of {pod.number} pods it lets none go, so no drain of a node ends"
                yield check_context.about(one, "spec", wrong, "set maxUnavailable to 1")


@check.pods("AVL-03", "The pods of a service are on different nodes, where there are some", check.RELEASED)
def nodes(each: check_context.Pod) -> check_context.Found:
    """All pods on one node are one pod when that node is lost."""
    yield from _spread(each, "kubernetes.io/hostname", "one node")


@check.pods("AVL-04", "The pods of a service are in different zones, where there are some", check.RELEASED)
def zones(each: check_context.Pod) -> check_context.Found:
    """A zone is lost as a whole."""
    yield from _spread(each, "topology.kubernetes.io/zone", "one zone")


@check.pods("AVL-05", "An old pod goes only when a new one is ready", check.RELEASED)
def strategy(each: check_context.Pod) -> check_context.Found:
    """Otherwise each rollout takes away some of what serves."""
    if each.object.kind != "Deployment":
        return
    said = each.object.manifest["spec"].get("strategy", {})
    if said.get("type", "RollingUpdate") != "RollingUpdate":
        wrong = f"{said['type']} ends all old pods before a new one starts"
        yield check_context.about(each.object, "spec.strategy.type", wrong, "set it to RollingUpdate")
    elif (away := said.get("rollingUpdate", {}).get("maxUnavailable", "25%")) not in (0, "0%"):
        path = "spec.strategy.rollingUpdate.maxUnavailable"
        yield check_context.about(each.object, path, f"{away} of the pods may be away in a rollout", "set it to 0")


@check.pods("AVL-06", "A pod that goes ends what it has begun", check.RELEASED)
def farewell(each: check_context.Pod) -> check_context.Found:
    """Requests still arrive for some seconds after a pod was told to go: it waits, then ends those in flight, and both
    must fit into its grace period. https://github.com/kubernetes/kubernetes/issues/20473"""
    waits = 0
    for one in each.running:
        before: dict[str, Any] = one.manifest.get("lifecycle", {}).get("preStop", {})
        waits = max(waits, before.get("sleep", {}).get("seconds", 0))
        if not before and each.object.kind in _ROLLING and one.key == "containers" and one.manifest.get("ports"):
            wrong = "is not set: requests come to a pod that has ended"
            yield one.says("lifecycle.preStop", wrong, f"set {each.field}.drain to 5")
    grace = each.spec.get("terminationGracePeriodSeconds", 30)
    if (waits or (each.object.kind in _ROLLING and each.serves)) and grace < waits + REQUESTS:
        wrong = f"{grace} s are too short for the wait of {waits} s and {REQUESTS} s for the requests in flight"
        yield each.says("terminationGracePeriodSeconds", wrong, f"set {each.field}.grace to {REQUESTS} or more")


@check.whole("AVL-08", "An autoscaler has something to scale, and something to measure", check.BROKEN)
def autoscaler(seen: check_context.Subject) -> check_context.Found:
    """It measures use against what was asked for: where one container asks for nothing, it never does anything."""
    there = {(pod.object.kind, pod.object.name): pod for pod in seen.pods}
    for each in seen.of("HorizontalPodAutoscaler"):
        spec = each.manifest["spec"]
        target = spec["scaleTargetRef"]
        pod = there.get((target["kind"], target["name"]))
        if pod is None:
            wrong = f"there is no {target['kind']} {target['name']}"
            yield check_context.about(each, "spec.scaleTargetRef", wrong, "name what it is for")
        if (least := spec.get("minReplicas", 1)) > spec["maxReplicas"]:
            wrong = f"{spec['maxReplicas']} is less than the {least} that always run"
            yield check_context.about(each, "spec.maxReplicas", wrong, "raise `scale.max`, or lower `scale.min`")
        if pod and pod.number < least:
            wrong = f"a rollout would begin with {pod.number} of the {least} pods that always run"
            yield check_context.about(pod.object, "spec.replicas", wrong, f"set it to {least}")
        for one, name in _measured(spec, pod) if pod else ():
            if name not in one.manifest.get("resources", {}).get("requests", {}):
                wrong = f"is not set, and {each.key} measures use against it"
                yield one.says(f"resources.requests.{name}", wrong, f"set {one.field('resources')}.{name}")


def _measured(spec: dict[str, Any], pod: check_context.Pod) -> Iterator[tuple[check_context.Container, str]]:
    """The containers that an autoscaler looks at, each with the resource."""
    for metric in spec.get("metrics", []):
        said: dict[str, str] = metric.get("containerResource") or metric.get("resource") or {}
        for one in pod.running:
            if "name" in said and said.get("container", one.manifest["name"]) == one.manifest["name"]:
                yield one, said["name"]


def _spread(each: check_context.Pod, key: str, together: str) -> check_context.Found:
    affinity = each.spec.get("affinity", {}).get("podAntiAffinity")
    if each.several and not affinity and key not in (one["topologyKey"] for one in _constraints(each)):
        yield each.says("topologySpreadConstraints", f"all pods may be in {together}", f"spread them by {key}")


def _constraints(each: check_context.Pod) -> list[dict[str, str]]:
    return each.spec.get("topologySpreadConstraints", [])


def _evictable(spec: dict[str, int | str], pods: int) -> int:
    """Of so many pods, those that a budget lets go while all are well; percentages are rounded up.

    https://kubernetes.io/docs/concepts/workloads/pods/disruptions/
    """
    if "maxUnavailable" in spec:
        return usage.part(spec["maxUnavailable"], pods)
    return pods - usage.part(spec.get("minAvailable", 0), pods)
