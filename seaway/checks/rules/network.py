"""How pods are reached, and by whom. https://kubernetes.io/docs/concepts/services-networking/"""

from collections.abc import Iterator, Sequence
from typing import Any

from seaway.checks import check, check_context
from seaway.manifests import objects as made
from seaway.manifests import policies as written

PORT_NAME_LIMIT = 15
"""Characters of a port's name. https://www.rfc-editor.org/rfc/rfc6335#section-5.1"""

DIRECTIONS = {"Ingress": "who may connect to its pods", "Egress": "what its pods may connect to"}


@check.for_application(
    "NET-01", "Network policies say who may talk to a pod, and whom it may talk to", check.STRICT_FOR_RELEASES
)
def policy_coverage(context: check_context.CheckContext) -> check_context.Findings:
    """Without one every pod of the cluster may, that of another team and one that was broken into."""
    all_ = context.list_objects("NetworkPolicy")
    for pod in context.pods:
        for side, what in DIRECTIONS.items():
            about_it = (each for each in all_ if side in _get_policy_types(each.manifest["spec"]))
            if not any(
                check_context.matches_selector(each.manifest["spec"].get("podSelector", {}), pod.labels)
                for each in about_it
            ):
                remedy = f"let a NetworkPolicy with policyTypes {side} select them"
                yield check_context.make_finding(
                    pod.release_object, f"{pod.template_path}.metadata.labels", f"no network policy says {what}", remedy
                )

    for each in all_:
        for side in ("ingress", "egress"):
            for number, rule in enumerate(each.manifest["spec"].get(side, [])):
                if not rule:
                    path = f"spec.{side}[{number}]"
                    yield check_context.make_finding(each, path, "opens everything to everybody", "name peers or ports")


@check.for_application("NET-02", "A network policy is about pods and ports that are there", check.CANNOT_WORK)
def policy_targets(context: check_context.CheckContext) -> check_context.Findings:
    """One for nobody opens nothing, and whoever wrote it believes that it does."""
    pods = context.pods
    for each in context.list_objects("NetworkPolicy"):
        spec = each.manifest["spec"]
        mine = [pod for pod in pods if check_context.matches_selector(spec.get("podSelector", {}), pod.labels)]
        # Those of cert-manager come and go: nothing that is declared has their label.
        if not mine and spec.get("podSelector") != {"matchLabels": written.ACME_SOLVER_LABELS}:
            remedy = "write the labels of those that it is for"
            yield check_context.make_finding(each, "spec.podSelector", "selects no pods", remedy)
        for path, peer in _list_peers(spec):
            inside = "podSelector" in peer and "namespaceSelector" not in peer
            if inside and not any(check_context.matches_selector(peer["podSelector"], pod.labels) for pod in pods):
                yield check_context.make_finding(each, path, "selects no pods", "write the labels of those that may")
        for path, port in _list_policy_ports(spec):
            if mine and not any(port in _list_pod_ports(pod) for pod in mine):
                yield check_context.make_finding(
                    each, path, f"none of its pods has a port {port}", "write one that is there"
                )


@check.for_application("NET-03", "A Service has pods behind it", check.CANNOT_WORK)
def service_targets(context: check_context.CheckContext) -> check_context.Findings:
    """One that selects none answers nobody."""
    for each in context.list_objects("Service"):
        if not _select_pods(context, each):
            yield check_context.make_finding(
                each, "spec.selector", "selects no pods", "write the labels of those that it is for"
            )


@check.for_application(
    "NET-04",
    "No Service opens a port on every node",
    check.warn_everywhere("where there is no load balancer it is the only way in"),
)
def node_port(context: check_context.CheckContext) -> check_context.Findings:
    """It answers on all addresses of all nodes, whatever stands before them; a load balancer is asked for by name."""
    for each in context.list_objects("Service"):
        if each.manifest["spec"].get("type") == "NodePort":
            remedy = "set seaway:publish to ingress or loadBalancer"
            yield check_context.make_finding(each, "spec.type", "NodePort answers on every node", remedy)


@check.for_application("NET-05", "An Ingress leads to a Service that is there", check.CANNOT_WORK)
def ingress_backends(context: check_context.CheckContext) -> check_context.Findings:
    """Otherwise whoever asks gets 503, and no pod knows of it."""
    there = {each.name: each.manifest["spec"].get("ports", []) for each in context.list_objects("Service")}
    for each in context.list_objects("Ingress"):
        for path, backend in _list_backends(each.manifest["spec"]):
            if "service" not in backend:
                continue
            name, port = backend["service"]["name"], backend["service"].get("port", {})
            if name not in there:
                yield check_context.make_finding(each, path, f"there is no Service {name}", "name one that is there")
            elif not any(
                {"name": one.get("name"), "number": one["port"]}.items() >= port.items() for one in there[name]
            ):
                told = port.get("name") or port.get("number")
                yield check_context.make_finding(
                    each, path, f"Service {name} has no port {told}", "write one that it has"
                )


@check.for_application("NET-06", "What comes from outside is encrypted", check.STRICT_FOR_RELEASES)
def ingress_tls(context: check_context.CheckContext) -> check_context.Findings:
    """Passwords and cookies would cross every network between in clear; and a snippet of configuration in an annotation
    lets whoever may write an Ingress read the secrets of the controller."""
    for each in context.list_objects("Ingress"):
        spec = each.manifest["spec"]
        covered = {host for one in spec.get("tls", []) for host in one.get("hosts", [])}
        for rule in spec.get("rules", []):
            host = rule.get("host")
            if host not in covered:
                wrong = f"{host or 'every host'} answers without TLS"
                remedy = "set seaway:ingress.issuer or seaway:ingress.tlsSecret"
                yield check_context.make_finding(each, "spec.tls", wrong, remedy)
        for name in each.manifest["metadata"].get("annotations", {}):
            if name.endswith("-snippet"):
                remedy = "remove it from seaway:ingress.annotations"
                path = f"metadata.annotations[{name}]"
                yield check_context.make_finding(
                    each, path, "is configuration that the controller runs as it is", remedy
                )


@check.for_application("NET-07", "A Service's port leads to a port of its pods", check.CANNOT_WORK)
def target_ports(context: check_context.CheckContext) -> check_context.Findings:
    """Otherwise every connection is refused, while the pods say that they are ready."""
    for each in context.list_objects("Service"):
        behind = _select_pods(context, each)
        for port in each.manifest["spec"].get("ports", []):
            target = port.get("targetPort", port["port"])
            path = f"spec.ports[{port.get('name', port['port'])}].targetPort"
            if isinstance(target, str) and len(target) > PORT_NAME_LIMIT:
                wrong = f"{target} has more than {PORT_NAME_LIMIT} characters"
                yield check_context.make_finding(each, path, wrong, "give the port a shorter name")
            elif behind and not all(target in _list_pod_ports(pod) for pod in behind):
                yield check_context.make_finding(
                    each, path, f"the pods have no port {target}", "write one that they have"
                )


def _select_pods(context: check_context.CheckContext, service: made.ReleaseObject) -> Sequence[check_context.Pod]:
    """The pods that a Service leads to."""
    selector = service.manifest["spec"].get("selector")
    return [pod for pod in context.pods if selector and check_context.matches_labels(selector, pod.labels)]


def _list_pod_ports(pod: check_context.Pod) -> set[int | str]:
    """By number and by name."""
    ports = [port for each in pod.containers for port in each.manifest.get("ports", [])]
    return {value for port in ports for value in (port["containerPort"], port.get("name")) if value is not None}


def _get_policy_types(spec: dict[str, Any]) -> list[str]:
    """What a policy is about; one that does not say so is about whoever connects.

    https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-resource
    """
    return spec.get("policyTypes") or ["Ingress", *(["Egress"] if "egress" in spec else [])]


def _list_peers(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Those that a policy names, with their paths."""
    for side, key in (("ingress", "from"), ("egress", "to")):
        for number, rule in enumerate(spec.get(side, [])):
            for nth, peer in enumerate(rule.get(key, [])):
                yield f"spec.{side}[{number}].{key}[{nth}].podSelector", peer


def _list_policy_ports(spec: dict[str, Any]) -> Iterator[tuple[str, int | str]]:
    """The ports of its pods that a policy opens, one by one, with their paths."""
    for number, rule in enumerate(spec.get("ingress", [])):
        for nth, port in enumerate(rule.get("ports", [])):
            if "port" in port and "endPort" not in port:
                yield f"spec.ingress[{number}].ports[{nth}].port", port["port"]


def _list_backends(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if "defaultBackend" in spec:
        yield "spec.defaultBackend", spec["defaultBackend"]
    for rule in spec.get("rules", []):
        for path in rule.get("http", {}).get("paths", []):
            yield f"spec.rules[{rule.get('host', '*')}].http.paths[{path.get('path', '/')}]", path["backend"]
