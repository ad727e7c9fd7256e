"""Whether the pods find a node: its labels, its taints, its size, and enough of them to be kept apart."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, cast

from seaway.checks import check_context, usage
from seaway.checks.preflight import cluster_facts, requirement
from seaway.kubernetes.api import quantity

NODES, PODS = "/api/v1/nodes", "/api/v1/pods"
ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
KEEPING_AWAY = ("NoSchedule", "NoExecute")
COUNTED = ("cpu", "memory")

_Node = dict[str, Any]


def needs(seen: check_context.Subject) -> Iterator[requirement.Need]:
    """What the pods of an application need of the nodes."""
    yield requirement.Need(what="nodes", paths=(NODES,), judge=_platform(seen.stack.platform))
    for pod in seen.pods:
        yield _fit(pod)
    for pod in (pod for pod in seen.pods if pod.several):
        yield _apart(pod)
    if seen.pods:
        yield requirement.Need(what="room", paths=(NODES, PODS), judge=_room(seen))


def _platform(platform: str) -> requirement.Judge:
    """Images are built for one platform; on a node of another they end with `exec format error`."""
    system, _, architecture = platform.partition("/")
    wanted = f"{system}/{architecture.partition('/')[0]}"

    def judge(found: cluster_facts.Answer) -> requirement.Verdict:
        infos = [one["status"]["nodeInfo"] for one in cluster_facts.items(found) if _ready(one)]
        if not infos:
            return requirement.lacking("no node is ready", "kubectl get nodes says why")
        there = sorted({f"{info['operatingSystem']}/{info['architecture']}" for info in infos})
        if wanted not in there:
            return requirement.lacking(
                f"all run {', '.join(there)}, and images are for {wanted}", "set seaway:platform"
            )
        if len(there) > 1:
            told = f"some run {', '.join(one for one in there if one != wanted)}, and images are for {wanted}"
            key, value = "kubernetes.io/arch", wanted.partition("/")[2]
            return requirement.warning(told, f"keep the pods on theirs: `nodes: {{{key}: {value}}}`")
        return requirement.there(f"{len(infos)} ready, {wanted}")

    return judge


def _fit(pod: check_context.Pod) -> requirement.Need:
    """That one node takes one pod of it, were it empty."""

    def judge(found: cluster_facts.Answer) -> requirement.Verdict:
        fitting = [one for one in cluster_facts.items(found) if _ready(one)]
        if not fitting:
            return requirement.lacking("no node is ready", "kubectl get nodes says why")
        wanted = pod.spec.get("nodeSelector", {})
        fitting = [one for one in fitting if wanted.items() <= one["metadata"].get("labels", {}).items()]
        if not fitting:
            labels = ", ".join(f"{key}={value}" for key, value in wanted.items())
            return requirement.lacking(f"no node has {labels}", f"label one, or change {pod.field}.nodes")
        kept = {told for one in fitting for told in _taints(one, pod)}
        fitting = [one for one in fitting if not list(_taints(one, pod))]
        if not fitting:
            return requirement.lacking(
                f"every node keeps it away: {', '.join(sorted(kept))}", f"add it to {pod.field}.tolerates"
            )
        return _large(pod, fitting)

    return requirement.Need(what="a node that fits", of=(pod.workload.name,), paths=(NODES,), judge=judge)


def _large(pod: check_context.Pod, nodes: Sequence[_Node]) -> requirement.Verdict:
    asked = usage.of_pod(pod.spec)
    for name, amount in asked.items():
        largest = max(_allocatable(one).get(name, Fraction(0)) for one in nodes)
        if amount > largest:
            has = f"the largest node has {usage.told(name, largest)}" if largest else "no node has any"
            wrong = f"a pod asks for {usage.told(name, amount)} of {name}, and {has}"
            return requirement.lacking(wrong, f"lower {pod.field}.resources, or add a larger node")
    fitting = [one for one in nodes if all(_allocatable(one).get(name, Fraction(0)) >= asked[name] for name in asked)]
    if not fitting:
        wrong = "no one node has all that a pod asks for"
        return requirement.lacking(wrong, f"lower {pod.field}.resources, or add a larger node")
    return requirement.there(f"{len(fitting)} of {len(nodes)}")


def _apart(pod: check_context.Pod) -> requirement.Need:
    """Spread over nodes and zones."""
    required = {
        one["topologyKey"]: one.get("minDomains", 1)
        for one in pod.spec.get("topologySpreadConstraints", [])
        if one.get("whenUnsatisfiable") == "DoNotSchedule"
    }

    def judge(found: cluster_facts.Answer) -> requirement.Verdict:
        wanted = pod.spec.get("nodeSelector", {}).items()
        mine = [one for one in cluster_facts.items(found) if wanted <= one["metadata"].get("labels", {}).items()]
        mine = [one for one in mine if _ready(one) and not list(_taints(one, pod))]
        values = {key: _values(mine, key) for key in (*required, HOST, ZONE)}
        for key, least in required.items():
            if len(values[key]) < least:
                wrong = f"{len(values[key])} of {key}, and {least} are asked for: the rest of the pods waits"
                return requirement.lacking(wrong, f"add nodes, or set {pod.field}.spread to prefer")
        if len(values[HOST]) < 2:
            return requirement.warning("one node takes all pods, and all are lost with it", "add a node")
        zones = len(values[ZONE])
        told = f"{len(values[HOST])} nodes in {zones} zone{'' if zones == 1 else 's'}"
        return requirement.there(told if zones else f"{len(values[HOST])} nodes, of no zone")

    return requirement.Need(what="nodes to spread over", of=(pod.workload.name,), paths=(NODES,), judge=judge)


def _room(seen: check_context.Subject) -> requirement.Judge:
    """That all pods together have room beside those of others."""

    def judge(nodes: cluster_facts.Answer, pods: cluster_facts.Answer) -> requirement.Verdict:
        mine = seen.stack.namespace(seen.app.name)
        ready = [one for one in cluster_facts.items(nodes) if _ready(one)]
        running = [
            one
            for one in cluster_facts.items(pods)
            if one["metadata"]["namespace"] != mine and one.get("status", {}).get("phase") in ("Pending", "Running")
        ]
        taken = usage.plus({}, *(usage.of_pod(one["spec"]) for one in running))
        has = usage.plus({}, *map(_allocatable, ready))
        free = {name: has.get(name, Fraction(0)) - taken.get(name, Fraction(0)) for name in COUNTED}
        least, most = usage.least(seen), usage.most(seen)
        for name in COUNTED:
            left = usage.told(name, max(free[name], Fraction(0)))
            if least[name] > free[name]:
                wrong = f"{left} of {name} are free, and all pods ask for {usage.told(name, least[name])}"
                return requirement.lacking(wrong, "add nodes, or lower `scale.min` or `resources`")
        for name in COUNTED:
            left = usage.told(name, free[name])
            if most[name] > free[name]:
                wrong = (
                    f"{left} of {name} are free, and at their largest the pods ask for {usage.told(name, most[name])}"
                )
                return requirement.warning(wrong, "add nodes, let the cluster add them, or lower `scale.max`")
        told = (f"{usage.told(name, most[name])} of {usage.told(name, free[name])} {name}" for name in COUNTED)
        return requirement.there(f"at most {', '.join(told)}")

    return judge


def _ready(node: _Node) -> bool:
    conditions = cast("list[dict[str, str]]", node.get("status", {}).get("conditions", []))
    well = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return well and not node.get("spec", {}).get("unschedulable", False)


def _taints(node: _Node, pod: check_context.Pod) -> Iterator[str]:
    """Those that keep a pod away. https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"""
    tolerations: list[dict[str, str]] = pod.spec.get("tolerations", [])
    for one in cast("list[dict[str, str]]", node.get("spec", {}).get("taints", [])):
        if one["effect"] in KEEPING_AWAY and not any(_tolerates(said, one) for said in tolerations):
            value = f"={one['value']}" if one.get("value") else ""
            yield f"{one['key']}{value}:{one['effect']}"


def _tolerates(said: Mapping[str, str], taint: Mapping[str, str]) -> bool:
    if said.get("effect", taint["effect"]) != taint["effect"]:
        return False
    if said.get("operator", "Equal") == "Exists":
        return said.get("key", taint["key"]) == taint["key"]
    return said.get("key") == taint["key"] and said.get("value", "") == taint.get("value", "")


def _allocatable(node: _Node) -> usage.Amounts:
    said: Mapping[str, str] = node.get("status", {}).get("allocatable", {})
    return {name: quantity.parse(text) for name, text in said.items()}


def _values(nodes: Sequence[_Node], key: str) -> set[str]:
    return {one["metadata"]["labels"][key] for one in nodes if key in one["metadata"].get("labels", {})}
