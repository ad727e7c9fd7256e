"""Whether it still answers while pods are replaced, nodes are drained and zones are lost."""

from collections.abc import Iterator
from typing import Any

from seaway.checks import check, check_context, usage

_ROLLING_KINDS = ("Deployment", "DaemonSet")
"""What is replaced while it takes requests; a store is away for as long as its one pod is."""

IN_FLIGHT_SECONDS = 10
"""Seconds that the requests in flight have at least, after the wait before SIGTERM."""


@check.for_pods(
    "AVL-01",
    "A service runs at least two pods",
    check.warn_everywhere("a worker may be away for a minute, and a place to try things may save the pod"),
)
def replicas(pod: check_context.Pod) -> check_context.Findings:
    """A single pod is away whenever its node is drained or lost."""
    if pod.release_object.kind == "Deployment" and not pod.is_replicated:
        wrong = f"{pod.replicas} pod is away with its node"
        yield check_context.make_finding(
            pod.release_object, "spec.replicas", wrong, f"set {pod.model_path}.scale to 2 or more"
        )


@check.for_application(
    "AVL-02", "A drain takes one pod after the other, and is never blocked", check.STRICT_FOR_RELEASES
)
def disruption_budget(context: check_context.CheckContext) -> check_context.Findings:
    """Without a budget a drain may take all pods at once; with one that allows none, no node can be renewed."""
    budgets = context.list_objects("PodDisruptionBudget")
    targets = [one.manifest["spec"]["scaleTargetRef"] for one in context.list_objects("HorizontalPodAutoscaler")]
    scaled = {(one["kind"], one["name"]) for one in targets}
    for pod in context.pods:
        covers = [
            one for one in budgets if check_context.matches_selector(one.manifest["spec"]["selector"], pod.labels)
        ]
        if (pod.is_replicated or (pod.release_object.kind, pod.release_object.name) in scaled) and not covers:
            path, wrong = "spec.replicas", "no disruption budget keeps a drain from taking all pods at once"
            yield check_context.make_finding(pod.release_object, path, wrong, "let a PodDisruptionBudget select them")
        for one in covers:
            if _count_evictable(one.manifest["spec"], pod.replicas) < 1:
                wrong = f"of {pod.replicas} pods it lets none go, so no drain of a node ends"
                yield check_context.make_finding(one, "spec", wrong, "set maxUnavailable to 1")


@check.for_pods(
    "AVL-03", "The pods of a service are on different nodes, where there are some", check.STRICT_FOR_RELEASES
)
def node_spread(pod: check_context.Pod) -> check_context.Findings:
    """All pods on one node are one pod when that node is lost."""
    yield from _check_spread(pod, "kubernetes.io/hostname", "one node")


@check.for_pods(
    "AVL-04", "The pods of a service are in different zones, where there are some", check.STRICT_FOR_RELEASES
)
def zone_spread(pod: check_context.Pod) -> check_context.Findings:
    """A zone is lost as a whole."""
    yield from _check_spread(pod, "topology.kubernetes.io/zone", "one zone")


@check.for_pods("AVL-05", "An old pod goes only when a new one is ready", check.STRICT_FOR_RELEASES)
def rollout_strategy(pod: check_context.Pod) -> check_context.Findings:
    """Otherwise each rollout takes away some of what serves."""
    if pod.release_object.kind != "Deployment":
        return
    said = pod.release_object.manifest["spec"].get("strategy", {})
    if said.get("type", "RollingUpdate") != "RollingUpdate":
        wrong = f"{said['type']} ends all old pods before a new one starts"
        yield check_context.make_finding(pod.release_object, "spec.strategy.type", wrong, "set it to RollingUpdate")
    elif (away := said.get("rollingUpdate", {}).get("maxUnavailable", "25%")) not in (0, "0%"):
        path = "spec.strategy.rollingUpdate.maxUnavailable"
        yield check_context.make_finding(
            pod.release_object, path, f"{away} of the pods may be away in a rollout", "set it to 0"
        )


@check.for_pods("AVL-06", "A pod that goes ends what it has begun", check.STRICT_FOR_RELEASES)
def graceful_stop(pod: check_context.Pod) -> check_context.Findings:
    """Requests still arrive for some seconds after a pod was told to go: it waits, then ends those in flight, and both
    must fit into its grace period. https://github.com/kubernetes/kubernetes/issues/20473"""
    waits = 0
    for one in pod.running_containers:
        before: dict[str, Any] = one.manifest.get("lifecycle", {}).get("preStop", {})
        waits = max(waits, before.get("sleep", {}).get("seconds", 0))
        if (
            not before
            and pod.release_object.kind in _ROLLING_KINDS
            and one.spec_key == "containers"
            and one.manifest.get("ports")
        ):
            wrong = "is not set: requests come to a pod that has ended"
            yield one.make_finding("lifecycle.preStop", wrong, f"set {pod.model_path}.preStopDelay to 5")
    grace = pod.spec.get("terminationGracePeriodSeconds", 30)
    if (
        waits or (pod.release_object.kind in _ROLLING_KINDS and pod.accepts_requests)
    ) and grace < waits + IN_FLIGHT_SECONDS:
        wrong = (
            f"{grace} s are too short for the wait of {waits} s and {IN_FLIGHT_SECONDS} s for the requests in flight"
        )
        yield pod.make_finding(
            "terminationGracePeriodSeconds",
            wrong,
            f"set {pod.model_path}.stopGracePeriod to {IN_FLIGHT_SECONDS} or more",
        )


@check.for_application("AVL-08", "An autoscaler has something to scale, and something to measure", check.CANNOT_WORK)
def autoscaler_target(context: check_context.CheckContext) -> check_context.Findings:
    """It measures use against what was asked for: where one container asks for nothing, it never does anything."""
    there = {(pod.release_object.kind, pod.release_object.name): pod for pod in context.pods}
    for each in context.list_objects("HorizontalPodAutoscaler"):
        spec = each.manifest["spec"]
        target = spec["scaleTargetRef"]
        pod = there.get((target["kind"], target["name"]))
        if pod is None:
            wrong = f"there is no {target['kind']} {target['name']}"
            yield check_context.make_finding(each, "spec.scaleTargetRef", wrong, "name what it is for")
        if (least := spec.get("minReplicas", 1)) > spec["maxReplicas"]:
            wrong = f"{spec['maxReplicas']} is less than the {least} that always run"
            yield check_context.make_finding(each, "spec.maxReplicas", wrong, "raise `scale.max`, or lower `scale.min`")
        if pod and pod.replicas < least:
            wrong = f"a rollout would begin with {pod.replicas} of the {least} pods that always run"
            yield check_context.make_finding(pod.release_object, "spec.replicas", wrong, f"set it to {least}")
        for one, name in _list_measured_containers(spec, pod) if pod else ():
            if name not in one.manifest.get("resources", {}).get("requests", {}):
                wrong = f"is not set, and {each.key} measures use against it"
                yield one.make_finding(
                    f"resources.requests.{name}", wrong, f"set {one.get_model_path('resources')}.{name}"
                )


def _list_measured_containers(
    spec: dict[str, Any], pod: check_context.Pod
) -> Iterator[tuple[check_context.Container, str]]:
    """The containers that an autoscaler looks at, each with the resource."""
    for metric in spec.get("metrics", []):
        said: dict[str, str] = metric.get("containerResource") or metric.get("resource") or {}
        for one in pod.running_containers:
            if "name" in said and said.get("container", one.manifest["name"]) == one.manifest["name"]:
                yield one, said["name"]


def _check_spread(pod: check_context.Pod, key: str, together: str) -> check_context.Findings:
    affinity = pod.spec.get("affinity", {}).get("podAntiAffinity")
    if pod.is_replicated and not affinity and key not in (one["topologyKey"] for one in _get_spread_constraints(pod)):
        yield pod.make_finding("topologySpreadConstraints", f"all pods may be in {together}", f"spread them by {key}")


def _get_spread_constraints(pod: check_context.Pod) -> list[dict[str, str]]:
    return pod.spec.get("topologySpreadConstraints", [])


def _count_evictable(spec: dict[str, int | str], pods: int) -> int:
    """Of so many pods, those that a budget lets go while all are well; percentages are rounded up.

    https://kubernetes.io/docs/concepts/workloads/pods/disruptions/
    """
    if "maxUnavailable" in spec:
        return usage.resolve_percentage(spec["maxUnavailable"], pods)
    return pods - usage.resolve_percentage(spec.get("minAvailable", 0), pods)
