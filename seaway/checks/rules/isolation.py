"""Scheduling, names and probes of a pod: where it runs, and whom it is led to."""

from collections.abc import Iterator
from typing import Any

from seaway.checks import check, check_context
from seaway.model import egress, external

CONTROL_PLANE_LABELS = "node-role.kubernetes.io/"
SANDBOXES = ("gvisor", "kata", "runsc")
"""Runtimes that isolate a container better than the default one, by the start of their class."""


@check.for_pods("SEC-16", "A pod is scheduled like any other pod", check.STRICT_FOR_RELEASES)
def scheduling(pod: check_context.Pod) -> check_context.Findings:
    """On a node of the control plane, an escaped process reads the keys of the whole cluster. A pod with the priority
    of the system evicts the pods of all other applications. Another runtime or scheduler may skip protections."""
    priority = pod.spec.get("priorityClassName") or ""
    if priority.startswith("system-"):
        yield pod.make_finding("priorityClassName", f"{priority} is for the cluster itself", "name another class")
    for index, toleration in enumerate(pod.spec.get("tolerations", [])):
        key = toleration.get("key") or ""
        if not key or key.startswith(CONTROL_PLANE_LABELS):
            message = "tolerates the control plane" if key else "tolerates every taint, that of the control plane too"
            yield pod.make_finding(f"tolerations[{index}]", message, "name the taints of your own nodes")
    for path, key in _list_node_labels(pod.spec):
        if key.startswith(CONTROL_PLANE_LABELS):
            yield pod.make_finding(path, f"selects nodes by {key}", "use a label of your own nodes")
    if name := pod.spec.get("nodeName"):
        yield pod.make_finding("nodeName", f"{name} is chosen without the scheduler and its rules", "use nodeSelector")
    runtime = pod.spec.get("runtimeClassName")
    if runtime and not runtime.startswith(SANDBOXES):
        hint = "remove it, or waive this check for it"
        yield pod.make_finding("runtimeClassName", f"{runtime} may isolate less than the default", hint)
    scheduler = pod.spec.get("schedulerName", "default-scheduler")
    if scheduler != "default-scheduler":
        yield pod.make_finding("schedulerName", f"{scheduler} may ignore rules of the cluster", "remove it")


@check.for_application("SEC-17", "A pod resolves names as the cluster does", check.STRICT_FOR_RELEASES)
def name_resolution(context: check_context.CheckContext) -> check_context.Findings:
    """Whoever answers for the name of a link receives its requests, and the passwords in them. A DNS server that is
    declared in `egress` is visible to reviewers."""
    own_names = {workload.name for workload in context.environment.app.get_workloads().values()}
    for pod in context.pods:
        ranges = [range_ for text in pod.workload.egress if (range_ := egress.parse_range(text))]
        servers: list[str] = pod.spec.get("dnsConfig", {}).get("nameservers", [])
        for server in servers:
            address = external.parse_ip(server)
            if address is None or not any(egress.contains_address(range_, address) for range_ in ranges):
                hint = f"remove it, or declare it in {pod.model_path}.egress"
                yield pod.make_finding("dnsConfig.nameservers", f"{server} answers for every name", hint)
        policy = pod.spec.get("dnsPolicy", "ClusterFirst")
        if policy != "ClusterFirst" and not (policy == "None" and servers):
            yield pod.make_finding("dnsPolicy", f"{policy} does not ask the DNS of the cluster", "remove it")
        for index, alias in enumerate(pod.spec.get("hostAliases", [])):
            for name in alias.get("hostnames", []):
                labels = name.split(".")
                if "svc" in labels or labels[0] in own_names or labels[0] == "kubernetes":
                    message = f"leads {name} to {alias.get('ip')}"
                    yield pod.make_finding(f"hostAliases[{index}]", message, "remove it: the cluster knows the address")


@check.for_containers("SEC-18", "The kubelet connects only to the pod itself", check.STRICT_FOR_RELEASES)
def probe_hosts(container: check_context.Container) -> check_context.Findings:
    """Probes and hooks run outside of the network policies of the pod: with another host, they reach services that only
    the node may reach."""
    hooks: dict[str, dict[str, Any]] = container.manifest.get("lifecycle", {})
    handlers = {f"lifecycle.{name}": hook for name, hook in hooks.items()}
    handlers |= {
        name: container.manifest[name]
        for name in ("startupProbe", "readinessProbe", "livenessProbe")
        if name in container.manifest
    }
    for path, handler in handlers.items():
        for field in ("httpGet", "tcpSocket"):
            if host := handler.get(field, {}).get("host"):
                yield container.make_finding(f"{path}.{field}.host", f"connects to {host}", "remove it")


def _list_node_labels(spec: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The labels of nodes that a pod selects, with their paths."""
    for key in spec.get("nodeSelector", {}):
        yield f"nodeSelector[{key}]", key
    affinity: dict[str, Any] = spec.get("affinity", {}).get("nodeAffinity", {})
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution", {}).get("nodeSelectorTerms", [])
    preferred = [term["preference"] for term in affinity.get("preferredDuringSchedulingIgnoredDuringExecution", [])]
    for term in (*required, *preferred):
        for expression in term.get("matchExpressions", []):
            if expression["operator"] in ("In", "Exists"):
                yield "affinity.nodeAffinity", expression["key"]
