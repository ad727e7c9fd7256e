"""Whether the pods find a node: its labels, its taints, its size, and enough of them to be kept apart."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, cast

from seaway.checks import check_context, usage
from seaway.checks.preflight import cluster_facts, requirement
from seaway.kubernetes.api import quantity

NODES_PATH, PODS_PATH = "/api/v1/nodes", "/api/v1/pods"
ZONE_LABEL, HOST_LABEL = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
BLOCKING_EFFECTS = ("NoSchedule", "NoExecute")
COUNTED_RESOURCES = ("cpu", "memory")

_Node = dict[str, Any]


def list_requirements(seen: check_context.CheckContext) -> Iterator[requirement.Requirement]:
    """What the pods of an application need of the nodes."""
    yield requirement.Requirement(
        title="nodes", paths=(NODES_PATH,), evaluator=_build_platform_evaluator(seen.stack_settings.platform)
    )
    for pod in seen.pods:
        yield _require_fitting_node(pod)
    for pod in (pod for pod in seen.pods if pod.is_replicated):
        yield _require_spread(pod)
    if seen.pods:
        yield requirement.Requirement(
            title="room", paths=(NODES_PATH, PODS_PATH), evaluator=_build_capacity_evaluator(seen)
        )


def _build_platform_evaluator(platform: str) -> requirement.Evaluator:
    """Images are built for one platform; on a node of another they end with `exec format error`."""
    system, _, architecture = platform.partition("/")
    wanted = f"{system}/{architecture.partition('/')[0]}"

    def judge(found: cluster_facts.Answer) -> requirement.Outcome:
        infos = [one["status"]["nodeInfo"] for one in cluster_facts.list_objects(found) if _is_ready(one)]
        if not infos:
            return requirement.missing("no node is ready", "kubectl get nodes says why")
        there = sorted({f"{info['operatingSystem']}/{info['architecture']}" for info in infos})
        if wanted not in there:
            return requirement.missing(
                f"all run {', '.join(there)}, and images are for {wanted}", "set seaway:platform"
            )
        if len(there) > 1:
            told = f"some run {', '.join(one for one in there if one != wanted)}, and images are for {wanted}"
            key, value = "kubernetes.io/arch", wanted.partition("/")[2]
            return requirement.warning(told, f"keep the pods on theirs: `nodeSelector: {{{key}: {value}}}`")
        return requirement.present(f"{len(infos)} ready, {wanted}")

    return judge


def _require_fitting_node(pod: check_context.Pod) -> requirement.Requirement:
    """That one node takes one pod of it, were it empty."""

    def judge(found: cluster_facts.Answer) -> requirement.Outcome:
        fitting = [one for one in cluster_facts.list_objects(found) if _is_ready(one)]
        if not fitting:
            return requirement.missing("no node is ready", "kubectl get nodes says why")
        wanted = pod.spec.get("nodeSelector", {})
        fitting = [one for one in fitting if wanted.items() <= one["metadata"].get("labels", {}).items()]
        if not fitting:
            labels = ", ".join(f"{key}={value}" for key, value in wanted.items())
            return requirement.missing(f"no node has {labels}", f"label one, or change {pod.model_path}.nodeSelector")
        kept = {told for one in fitting for told in _list_blocking_taints(one, pod)}
        fitting = [one for one in fitting if not list(_list_blocking_taints(one, pod))]
        if not fitting:
            return requirement.missing(
                f"every node keeps it away: {', '.join(sorted(kept))}", f"add it to {pod.model_path}.tolerations"
            )
        return _evaluate_size(pod, fitting)

    return requirement.Requirement(
        title="a node that fits", workloads=(pod.workload.name,), paths=(NODES_PATH,), evaluator=judge
    )


def _evaluate_size(pod: check_context.Pod, nodes: Sequence[_Node]) -> requirement.Outcome:
    asked = usage.sum_pod_resources(pod.spec)
    for name, amount in asked.items():
        largest = max(_parse_allocatable(one).get(name, Fraction(0)) for one in nodes)
        if amount > largest:
            has = f"the largest node has {usage.format_amount(name, largest)}" if largest else "no node has any"
            wrong = f"a pod asks for {usage.format_amount(name, amount)} of {name}, and {has}"
            return requirement.missing(wrong, f"lower {pod.model_path}.resources, or add a larger node")
    fitting = [
        one for one in nodes if all(_parse_allocatable(one).get(name, Fraction(0)) >= asked[name] for name in asked)
    ]
    if not fitting:
        wrong = "no one node has all that a pod asks for"
        return requirement.missing(wrong, f"lower {pod.model_path}.resources, or add a larger node")
    return requirement.present(f"{len(fitting)} of {len(nodes)}")


def _require_spread(pod: check_context.Pod) -> requirement.Requirement:
    """Spread over nodes and zones."""
    required = {
        one["topologyKey"]: one.get("minDomains", 1)
        for one in pod.spec.get("topologySpreadConstraints", [])
        if one.get("whenUnsatisfiable") == "DoNotSchedule"
    }

    def judge(found: cluster_facts.Answer) -> requirement.Outcome:
        wanted = pod.spec.get("nodeSelector", {}).items()
        mine = [one for one in cluster_facts.list_objects(found) if wanted <= one["metadata"].get("labels", {}).items()]
        mine = [one for one in mine if _is_ready(one) and not list(_list_blocking_taints(one, pod))]
        values = {key: _list_label_values(mine, key) for key in (*required, HOST_LABEL, ZONE_LABEL)}
        for key, least in required.items():
            if len(values[key]) < least:
                wrong = f"{len(values[key])} of {key}, and {least} are asked for: the rest of the pods waits"
                return requirement.missing(wrong, f"add nodes, or set {pod.model_path}.spread to prefer")
        if len(values[HOST_LABEL]) < 2:
            return requirement.warning("one node takes all pods, and all are lost with it", "add a node")
        zones = len(values[ZONE_LABEL])
        told = f"{len(values[HOST_LABEL])} nodes in {zones} zone{'' if zones == 1 else 's'}"
        return requirement.present(told if zones else f"{len(values[HOST_LABEL])} nodes, of no zone")

    return requirement.Requirement(
        title="nodes to spread over", workloads=(pod.workload.name,), paths=(NODES_PATH,), evaluator=judge
    )


def _build_capacity_evaluator(seen: check_context.CheckContext) -> requirement.Evaluator:
    """That all pods together have room beside those of others."""

    def judge(nodes: cluster_facts.Answer, pods: cluster_facts.Answer) -> requirement.Outcome:
        mine = seen.stack_settings.format_namespace(seen.app.name)
        ready = [one for one in cluster_facts.list_objects(nodes) if _is_ready(one)]
        running = [
            one
            for one in cluster_facts.list_objects(pods)
            if one["metadata"]["namespace"] != mine and one.get("status", {}).get("phase") in ("Pending", "Running")
        ]
        taken = usage.add({}, *(usage.sum_pod_resources(one["spec"]) for one in running))
        has = usage.add({}, *map(_parse_allocatable, ready))
        free = {name: has.get(name, Fraction(0)) - taken.get(name, Fraction(0)) for name in COUNTED_RESOURCES}
        least, most = usage.compute_minimum(seen), usage.compute_maximum(seen)
        for name in COUNTED_RESOURCES:
            left = usage.format_amount(name, max(free[name], Fraction(0)))
            if least[name] > free[name]:
                wrong = f"{left} of {name} are free, and all pods ask for {usage.format_amount(name, least[name])}"
                return requirement.missing(wrong, "add nodes, or lower `scale.min` or `resources`")
        for name in COUNTED_RESOURCES:
            left = usage.format_amount(name, free[name])
            if most[name] > free[name]:
                wrong = f"{left} of {name} are free, and at their largest the pods ask for {usage.format_amount(name, most[name])}"
                return requirement.warning(wrong, "add nodes, let the cluster add them, or lower `scale.max`")
        told = (
            f"{usage.format_amount(name, most[name])} of {usage.format_amount(name, free[name])} {name}"
            for name in COUNTED_RESOURCES
        )
        return requirement.present(f"at most {', '.join(told)}")

    return judge


def _is_ready(node: _Node) -> bool:
    conditions = cast("list[dict[str, str]]", node.get("status", {}).get("conditions", []))
    well = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return well and not node.get("spec", {}).get("unschedulable", False)


def _list_blocking_taints(node: _Node, pod: check_context.Pod) -> Iterator[str]:
    """Those that keep a pod away. https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"""
    tolerations: list[dict[str, str]] = pod.spec.get("tolerations", [])
    for one in cast("list[dict[str, str]]", node.get("spec", {}).get("taints", [])):
        if one["effect"] in BLOCKING_EFFECTS and not any(_tolerates(said, one) for said in tolerations):
            value = f"={one['value']}" if one.get("value") else ""
            yield f"{one['key']}{value}:{one['effect']}"


def _tolerates(toleration: Mapping[str, str], taint: Mapping[str, str]) -> bool:
    if toleration.get("effect", taint["effect"]) != taint["effect"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return toleration.get("key", taint["key"]) == taint["key"]
    return toleration.get("key") == taint["key"] and toleration.get("value", "") == taint.get("value", "")


def _parse_allocatable(node: _Node) -> usage.Amounts:
    said: Mapping[str, str] = node.get("status", {}).get("allocatable", {})
    return {name: quantity.parse(text) for name, text in said.items()}


def _list_label_values(nodes: Sequence[_Node], key: str) -> set[str]:
    return {one["metadata"]["labels"][key] for one in nodes if key in one["metadata"].get("labels", {})}
