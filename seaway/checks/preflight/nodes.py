"""What the pods of an application require of the nodes: labels, taints, size, and enough nodes to spread over."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from seaway.checks import check_context
from seaway.checks.preflight import cluster_facts, requirement
from seaway.kubernetes.api import kinds, quantity, unstructured
from seaway.manifests import amounts, availability

NODES_PATH, PODS_PATH = kinds.build_path("Node"), kinds.build_path("Pod")
BLOCKING_EFFECTS = ("NoSchedule", "NoExecute")
COUNTED_RESOURCES = ("cpu", "memory")

_Node = unstructured.Object


def list_requirements(context: check_context.CheckContext) -> Iterator[requirement.Requirement]:
    platform = functools.partial(_evaluate_platform, context.environment.settings.platform)
    yield requirement.Requirement(code="node-platform", paths=(NODES_PATH,), evaluator=platform)
    for pod in context.pods:
        yield _require_of_nodes("fitting-node", _evaluate_fit, pod)
    for pod in context.pods:
        if pod.is_replicated:
            yield _require_of_nodes("node-spread", _evaluate_spread, pod)
    if context.pods:
        capacity = functools.partial(_evaluate_capacity, context)
        yield requirement.Requirement(code="free-capacity", paths=(NODES_PATH, PODS_PATH), evaluator=capacity)


def _require_of_nodes(code: str, evaluator: requirement.Evaluator, pod: check_context.Pod) -> requirement.Requirement:
    return requirement.Requirement(
        code=code,
        workloads=(pod.workload.name,),
        paths=(NODES_PATH,),
        evaluator=functools.partial(evaluator, pod),
    )


def _evaluate_platform(platform: str, answer: cluster_facts.Answer) -> requirement.Outcome:
    """Images are built for one platform. On a node of another platform they end with `exec format error`."""
    system, _, rest = platform.partition("/")
    architecture = rest.partition("/")[0]
    required = f"{system}/{architecture}"
    infos = [node["status"]["nodeInfo"] for node in _list_ready(answer)]
    if not infos:
        return _report_no_ready_node()
    platforms = sorted({f"{info['operatingSystem']}/{info['architecture']}" for info in infos})
    if required not in platforms:
        message = f"all nodes run {', '.join(platforms)}, but the images are for {required}"
        return requirement.missing(message, "set seaway:platform")
    if len(platforms) > 1:
        others = ", ".join(platform for platform in platforms if platform != required)
        hint = f"keep the pods off them: `nodeSelector: {{kubernetes.io/arch: {architecture}}}`"
        return requirement.warning(f"some nodes run {others}, but the images are for {required}", hint)
    return requirement.present(f"{len(infos)} ready, {required}")


def _evaluate_fit(pod: check_context.Pod, answer: cluster_facts.Answer) -> requirement.Outcome:
    """One node must be able to run one pod if it were empty."""
    ready = _list_ready(answer)
    if not ready:
        return _report_no_ready_node()
    selected = _filter_by_selector(ready, pod)
    if not selected:
        labels = ", ".join(f"{key}={value}" for key, value in _get_selector(pod).items())
        return requirement.missing(f"no node has {labels}", f"label a node, or change {pod.model_path}.nodeSelector")
    tolerated = _filter_by_taints(selected, pod)
    if not tolerated:
        taints = sorted({taint for node in selected for taint in _list_blocking_taints(node, pod)})
        hint = f"add the taint to {pod.model_path}.tolerations"
        return requirement.missing(f"all nodes have a taint: {', '.join(taints)}", hint)
    return _evaluate_size(pod, tolerated)


def _evaluate_size(pod: check_context.Pod, nodes: Sequence[_Node]) -> requirement.Outcome:
    requests = amounts.sum_pod_resources(pod.spec)
    allocatable = [_parse_allocatable(node) for node in nodes]
    hint = f"lower {pod.model_path}.resources, or add a larger node"
    for name, amount in requests.items():
        largest = max(node.get(name, Fraction(0)) for node in allocatable)
        if amount > largest:
            available = f"the largest node has {amounts.format_amount(name, largest)}" if largest else "no node has any"
            message = f"a pod requests {amounts.format_amount(name, amount)} of {name}, but {available}"
            return requirement.missing(message, hint)
    fitting = [node for node in allocatable if all(node.get(name, Fraction(0)) >= requests[name] for name in requests)]
    if not fitting:
        return requirement.missing("no single node has all resources that a pod requests", hint)
    return requirement.present(f"{len(fitting)} of {len(nodes)}")


def _evaluate_spread(pod: check_context.Pod, answer: cluster_facts.Answer) -> requirement.Outcome:
    """Enough nodes and zones to spread the pods over."""
    required = {
        constraint["topologyKey"]: constraint.get("minDomains", 1)
        for constraint in pod.spec.get("topologySpreadConstraints", [])
        if constraint.get("whenUnsatisfiable") == "DoNotSchedule"
    }
    nodes = _filter_by_taints(_filter_by_selector(_list_ready(answer), pod), pod)
    domains = {
        key: _list_label_values(nodes, key) for key in (*required, availability.HOSTNAME_LABEL, availability.ZONE_LABEL)
    }
    for key, minimum in required.items():
        if len(domains[key]) < minimum:
            message = f"{len(domains[key])} of {key}, but {minimum} are required: the other pods stay pending"
            return requirement.missing(message, f"add nodes, or set {pod.model_path}.spread to prefer")
    hosts, zones = len(domains[availability.HOSTNAME_LABEL]), len(domains[availability.ZONE_LABEL])
    if hosts < 2:
        return requirement.warning("all pods run on one node, and fail with it", "add a node")
    zone_text = f"in {zones} zone{'' if zones == 1 else 's'}" if zones else "without zones"
    return requirement.present(f"{hosts} nodes {zone_text}")


def _evaluate_capacity(
    context: check_context.CheckContext, nodes: cluster_facts.Answer, pods: cluster_facts.Answer
) -> requirement.Outcome:
    """All pods of the application together must fit beside those of others."""
    others = [
        pod
        for pod in cluster_facts.list_objects(pods)
        if pod["metadata"]["namespace"] != context.environment.namespace
        and unstructured.get_mapping(pod, "status").get("phase") in ("Pending", "Running")
    ]
    used = amounts.add({}, *(amounts.sum_pod_resources(pod["spec"]) for pod in others))
    total = amounts.add({}, *map(_parse_allocatable, _list_ready(nodes)))
    free = {name: total.get(name, Fraction(0)) - used.get(name, Fraction(0)) for name in COUNTED_RESOURCES}
    minimum, maximum = context.compute_usage(in_rollout=False), context.compute_usage()
    for name in COUNTED_RESOURCES:
        if minimum[name] > free[name]:
            available = amounts.format_amount(name, max(free[name], Fraction(0)))
            message = (
                f"{available} of {name} is free, but all pods request {amounts.format_amount(name, minimum[name])}"
            )
            return requirement.missing(message, "add nodes, or lower `scale.min` or `resources`")
    for name in COUNTED_RESOURCES:
        if maximum[name] > free[name]:
            available, needed = amounts.format_amount(name, free[name]), amounts.format_amount(name, maximum[name])
            message = f"{available} of {name} is free, but at their maximum scale the pods request {needed}"
            return requirement.warning(message, "add nodes, use a cluster autoscaler, or lower `scale.max`")
    shares = (
        f"{amounts.format_amount(name, maximum[name])} of {amounts.format_amount(name, free[name])} {name}"
        for name in COUNTED_RESOURCES
    )
    return requirement.present(f"at most {', '.join(shares)}")


def _list_ready(answer: cluster_facts.Answer) -> list[_Node]:
    return [
        node
        for node in cluster_facts.list_objects(answer)
        if unstructured.is_condition_true(node, "Ready")
        and not unstructured.get_mapping(node, "spec").get("unschedulable", False)
    ]


def _report_no_ready_node() -> requirement.Outcome:
    return requirement.missing("no node is ready", "kubectl get nodes shows the reason")


def _get_selector(pod: check_context.Pod) -> Mapping[str, str]:
    return pod.spec.get("nodeSelector", {})


def _filter_by_selector(nodes: Sequence[_Node], pod: check_context.Pod) -> list[_Node]:
    selector = _get_selector(pod).items()
    return [node for node in nodes if selector <= unstructured.get_mapping(node, "metadata", "labels").items()]


def _filter_by_taints(nodes: Sequence[_Node], pod: check_context.Pod) -> list[_Node]:
    return [node for node in nodes if not list(_list_blocking_taints(node, pod))]


def _list_blocking_taints(node: _Node, pod: check_context.Pod) -> Iterator[str]:
    """The taints that the pod does not tolerate.

    https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
    """
    tolerations: list[dict[str, str]] = pod.spec.get("tolerations", [])
    for taint in unstructured.get_list(node, "spec", "taints"):
        if taint["effect"] in BLOCKING_EFFECTS and not any(_tolerates(entry, taint) for entry in tolerations):
            value = f"={taint['value']}" if taint.get("value") else ""
            yield f"{taint['key']}{value}:{taint['effect']}"


def _tolerates(toleration: Mapping[str, str], taint: Mapping[str, str]) -> bool:
    if toleration.get("effect", taint["effect"]) != taint["effect"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return toleration.get("key", taint["key"]) == taint["key"]
    return toleration.get("key") == taint["key"] and toleration.get("value", "") == taint.get("value", "")


def _parse_allocatable(node: _Node) -> amounts.Amounts:
    allocatable: Mapping[str, str] = unstructured.get_mapping(node, "status", "allocatable")
    return {name: quantity.parse(text) for name, text in allocatable.items()}


def _list_label_values(nodes: Sequence[_Node], key: str) -> set[str]:
    return {label for node in nodes if (label := unstructured.get_label(node, key)) is not None}
