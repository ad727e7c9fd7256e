"""Availability while pods are replaced, nodes are drained and zones are lost."""

import math
from collections.abc import Iterator
from typing import Any

from seaway.checks import check, check_context
from seaway.kubernetes.api import unstructured
from seaway.manifests import availability

_ROLLING_KINDS = ("Deployment", "DaemonSet")
"""Kinds whose pods are replaced while they take requests. A store is down as long as its only pod."""

IN_FLIGHT_SECONDS = 10
"""The least time for requests in flight, after the wait before SIGTERM."""


@check.for_pods(
    "AVL-01",
    "A service runs at least two pods",
    check.warn_everywhere("a worker may pause for a minute, and a test environment may save the pod"),
)
def replicas(pod: check_context.Pod) -> check_context.Findings:
    """A single pod is down whenever its node is drained or lost."""
    if pod.release_object.kind == "Deployment" and pod.replicas == 1:
        message = f"{pod.replicas} pod is down whenever its node is"
        yield pod.make_object_finding("spec.replicas", message, f"set {pod.model_path}.scale to 2 or more")


@check.for_application("AVL-02", "A drain evicts one pod at a time, and is never blocked", check.STRICT_FOR_RELEASES)
def disruption_budget(context: check_context.CheckContext) -> check_context.Findings:
    """Without a budget a drain may evict all pods at once. With a budget that allows none, no node can be drained."""
    budgets = context.list_objects("PodDisruptionBudget")
    targets = [scaler.manifest["spec"]["scaleTargetRef"] for scaler in context.list_objects("HorizontalPodAutoscaler")]
    scaled = {(target["kind"], target["name"]) for target in targets}
    for pod in context.pods:
        own_budgets = [
            budget
            for budget in budgets
            if unstructured.matches_selector(budget.manifest["spec"]["selector"], pod.labels)
        ]
        is_scaled = (pod.release_object.kind, pod.release_object.name) in scaled
        if (pod.is_replicated or is_scaled) and not own_budgets:
            message = "without a disruption budget a drain may evict all pods at once"
            yield pod.make_object_finding("spec.replicas", message, "let a PodDisruptionBudget select them")
        for budget in own_budgets:
            if _count_evictable(budget.manifest["spec"], pod.replicas) < 1:
                message = f"it allows no eviction of {pod.replicas} pods, which blocks every drain"
                yield check_context.make_finding(budget, "spec", message, "set maxUnavailable to 1")


@check.for_pods("AVL-03", "The pods of a service run on different nodes if possible", check.STRICT_FOR_RELEASES)
def node_spread(pod: check_context.Pod) -> check_context.Findings:
    """If all pods run on one node, the loss of that node stops the service."""
    yield from _check_spread(pod, availability.HOSTNAME_LABEL, "on one node")


@check.for_pods("AVL-04", "The pods of a service run in different zones if possible", check.STRICT_FOR_RELEASES)
def zone_spread(pod: check_context.Pod) -> check_context.Findings:
    """All nodes of a zone can fail at once."""
    yield from _check_spread(pod, availability.ZONE_LABEL, "in one zone")


@check.for_pods("AVL-05", "An old pod stops only when a new one is ready", check.STRICT_FOR_RELEASES)
def rollout_strategy(pod: check_context.Pod) -> check_context.Findings:
    """Otherwise each rollout reduces the capacity of the service."""
    if pod.release_object.kind != "Deployment":
        return
    strategy = pod.release_object.manifest["spec"].get("strategy", {})
    unavailable = strategy.get("rollingUpdate", {}).get("maxUnavailable", "25%")
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        message = f"{strategy['type']} stops all old pods before a new one starts"
        yield pod.make_object_finding("spec.strategy.type", message, "set it to RollingUpdate")
    elif unavailable not in (0, "0%"):
        message = f"{unavailable} of the pods may be unavailable during a rollout"
        yield pod.make_object_finding("spec.strategy.rollingUpdate.maxUnavailable", message, "set it to 0")


@check.for_pods("AVL-06", "A pod that stops finishes its requests", check.STRICT_FOR_RELEASES)
def graceful_stop(pod: check_context.Pod) -> check_context.Findings:
    """Requests still arrive for some seconds after a pod starts to stop. It waits for them, then finishes those in
    flight; its grace period must cover both. https://github.com/kubernetes/kubernetes/issues/20473"""
    is_rolling = pod.release_object.kind in _ROLLING_KINDS
    wait = 0
    for container in pod.running_containers:
        pre_stop: dict[str, Any] = container.manifest.get("lifecycle", {}).get("preStop", {})
        wait = max(wait, pre_stop.get("sleep", {}).get("seconds", 0))
        if not pre_stop and is_rolling and container.spec_key == "containers" and container.manifest.get("ports"):
            message = "is not set: the stopped container still receives requests"
            yield container.make_finding("lifecycle.preStop", message, f"set {pod.model_path}.preStopDelay to 5")
    grace_period = pod.spec.get("terminationGracePeriodSeconds", 30)
    has_ports = any(container.manifest.get("ports") for container in pod.containers)
    if (wait or (is_rolling and has_ports)) and grace_period < wait + IN_FLIGHT_SECONDS:
        message = f"{grace_period} s do not cover the wait of {wait} s and {IN_FLIGHT_SECONDS} s for requests in flight"
        hint = f"set {pod.model_path}.stopGracePeriod to {IN_FLIGHT_SECONDS} or more"
        yield pod.make_finding("terminationGracePeriodSeconds", message, hint)


@check.for_application("AVL-08", "An autoscaler has a target and a metric", check.CANNOT_WORK)
def autoscaler_target(context: check_context.CheckContext) -> check_context.Findings:
    """It compares usage with the request: if a container has no request, it never scales."""
    pods = {(pod.release_object.kind, pod.release_object.name): pod for pod in context.pods}
    for autoscaler in context.list_objects("HorizontalPodAutoscaler"):
        spec = autoscaler.manifest["spec"]
        target = spec["scaleTargetRef"]
        pod = pods.get((target["kind"], target["name"]))
        if pod is None:
            message = f"{target['kind']} {target['name']} does not exist"
            yield check_context.make_finding(autoscaler, "spec.scaleTargetRef", message, "name an existing workload")
        if (minimum := spec.get("minReplicas", 1)) > spec["maxReplicas"]:
            message = f"{spec['maxReplicas']} is less than the minimum of {minimum}"
            hint = "raise `scale.max`, or lower `scale.min`"
            yield check_context.make_finding(autoscaler, "spec.maxReplicas", message, hint)
        if pod and pod.replicas < minimum:
            message = f"a rollout would start with {pod.replicas} pods, and the minimum is {minimum}"
            yield pod.make_object_finding("spec.replicas", message, f"set it to {minimum}")
        for container, resource in _list_measured_containers(spec, pod) if pod else ():
            if resource not in container.manifest.get("resources", {}).get("requests", {}):
                message = f"is not set, and {autoscaler.key} compares usage with it"
                hint = f"set {container.get_model_path('resources')}.{resource}"
                yield container.make_finding(f"resources.requests.{resource}", message, hint)


@check.for_pods("AVL-09", "The restart policy fits the kind of workload", check.CANNOT_WORK)
def restart_policy(pod: check_context.Pod) -> check_context.Findings:
    """The API server rejects a job that always restarts, and a service that does not."""
    policy = pod.spec.get("restartPolicy", "Always")
    if (policy == "Always") == pod.runs_to_completion:
        hint = "set it to Never" if pod.runs_to_completion else "remove it"
        yield pod.make_finding("restartPolicy", f"{policy} is not allowed for a {pod.release_object.kind}", hint)


def _list_measured_containers(
    spec: dict[str, Any], pod: check_context.Pod
) -> Iterator[tuple[check_context.Container, str]]:
    """The containers that an autoscaler measures, each with the resource."""
    for metric in spec.get("metrics", []):
        source: dict[str, str] = metric.get("containerResource") or metric.get("resource") or {}
        for container in pod.running_containers:
            name = container.manifest["name"]
            if "name" in source and source.get("container", name) == name:
                yield container, source["name"]


def _check_spread(pod: check_context.Pod, label: str, place: str) -> check_context.Findings:
    affinity = pod.spec.get("affinity", {}).get("podAntiAffinity")
    constraints: list[dict[str, str]] = pod.spec.get("topologySpreadConstraints", [])
    if pod.is_replicated and not affinity and label not in (constraint["topologyKey"] for constraint in constraints):
        yield pod.make_finding("topologySpreadConstraints", f"all pods may run {place}", f"spread them by {label}")


def _count_evictable(spec: dict[str, int | str], pods: int) -> int:
    """The number of healthy pods that a budget lets a drain evict; percentages are rounded up.

    https://kubernetes.io/docs/concepts/workloads/pods/disruptions/
    """
    if "maxUnavailable" in spec:
        return resolve_percentage(spec["maxUnavailable"], pods)
    return pods - resolve_percentage(spec.get("minAvailable", 0), pods)


def resolve_percentage(count_or_percentage: int | str, total: int) -> int:
    """A count, or a percentage of the total, rounded up."""
    if isinstance(count_or_percentage, str):
        return math.ceil(total * int(count_or_percentage.removesuffix("%")) / 100)
    return count_or_percentage
