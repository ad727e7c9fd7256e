"""How pods are reached, and by whom. https://kubernetes.io/docs/concepts/services-networking/"""

from collections.abc import Iterator, Sequence
from typing import Any

from seaway.checks import check, check_context
from seaway.manifests import objects as made
from seaway.manifests import policies as written

NAME_LIMIT = 15
"""Characters of a port's name. https://www.rfc-editor.org/rfc/rfc6335#section-5.1"""

SIDES = {"Ingress": "who may connect to its pods", "Egress": "what its pods may connect to"}


@check.whole("NET-01", "Network policies say who may talk to a pod, and whom it may talk to", check.RELEASED)
def policies(seen: check_context.Subject) -> check_context.Found:
    """Without one every pod of the cluster may, that of another team and one that was broken into."""
    all_ = seen.of("NetworkPolicy")
    for pod in seen.pods:
        for side, what in SIDES.items():
            about_it = (each for each in all_ if side in _sides(each.manifest["spec"]))
            if not any(
                check_context.matches(each.manifest["spec"].get("podSelector", {}), pod.labels) for each in about_it
            ):
                remedy = f"let a NetworkPolicy with policyTypes {side} select them"
                yield check_context.about(
                    pod.object, f"{pod.path}.metadata.labels", f"no network policy says {what}", remedy
                )

    for each in all_:
        for side in ("ingress", "egress"):
            for number, rule in enumerate(each.manifest["spec"].get(side, [])):
                if not rule:
                    path = f"spec.{side}[{number}]"
                    yield check_context.about(each, path, "opens everything to everybody", "name peers or ports")


@check.whole("NET-02", "A network policy is about pods and ports that are there", check.BROKEN)
def targets(seen: check_context.Subject) -> check_context.Found:
    """One for nobody opens nothing, and whoever wrote it believes that it does."""
    pods = seen.pods
    for each in seen.of("NetworkPolicy"):
        spec = each.manifest["spec"]
        mine = [pod for pod in pods if check_context.matches(spec.get("podSelector", {}), pod.labels)]
        # Those of cert-manager come and go: nothing that is declared has their label.
        if not mine and spec.get("podSelector") != {"matchLabels": written.SOLVER}:
            remedy = "write the labels of those that it is for"
            yield check_context.about(each, "spec.podSelector", "selects no pods", remedy)
        for path, peer in _peers(spec):
            inside = "podSelector" in peer and "namespaceSelector" not in peer
            if inside and not any(check_context.matches(peer["podSelector"], pod.labels) for pod in pods):
                yield check_context.about(each, path, "selects no pods", "write the labels of those that may")
        for path, port in _ports(spec):
            if mine and not any(port in _ports_of(pod) for pod in mine):
                yield check_context.about(each, path, f"none of its pods has a port {port}", "write one that is there")


@check.whole("NET-03", "A Service has pods behind it", check.BROKEN)
def services(seen: check_context.Subject) -> check_context.Found:
    """One that selects none answers nobody."""
    for each in seen.of("Service"):
        if not _behind(seen, each):
            yield check_context.about(
                each, "spec.selector", "selects no pods", "write the labels of those that it is for"
            )


@check.whole(
    "NET-04",
    "No Service opens a port on every node",
    check.advice("where there is no load balancer it is the only way in"),
)
def node_port(seen: check_context.Subject) -> check_context.Found:
    """It answers on all addresses of all nodes, whatever stands before them; a load balancer is asked for by name."""
    for each in seen.of("Service"):
        if each.manifest["spec"].get("type") == "NodePort":
            remedy = "set seaway:exposure to ingress or loadBalancer"
            yield check_context.about(each, "spec.type", "NodePort answers on every node", remedy)


@check.whole("NET-05", "An Ingress leads to a Service that is there", check.BROKEN)
def backends(seen: check_context.Subject) -> check_context.Found:
    """Otherwise whoever asks gets 503, and no pod knows of it."""
    there = {each.name: each.manifest["spec"].get("ports", []) for each in seen.of("Service")}
    for each in seen.of("Ingress"):
        for path, backend in _backends(each.manifest["spec"]):
            if "service" not in backend:
                continue
            name, port = backend["service"]["name"], backend["service"].get("port", {})
            if name not in there:
                yield check_context.about(each, path, f"there is no Service {name}", "name one that is there")
            elif not any(
                {"name": one.get("name"), "number": one["port"]}.items() >= port.items() for one in there[name]
            ):
                told = port.get("name") or port.get("number")
                yield check_context.about(each, path, f"Service {name} has no port {told}", "write one that it has")


@check.whole("NET-06", "What comes from outside is encrypted", check.RELEASED)
def encrypted(seen: check_context.Subject) -> check_context.Found:
    """Passwords and cookies would cross every network between in clear; and a snippet of configuration in an annotation
    lets whoever may write an Ingress read the secrets of the controller."""
    for each in seen.of("Ingress"):
        spec = each.manifest["spec"]
        covered = {host for one in spec.get("tls", []) for host in one.get("hosts", [])}
        for rule in spec.get("rules", []):
            host = rule.get("host")
            if host not in covered:
                wrong = f"{host or 'every host'} answers without TLS"
                remedy = "set seaway:ingress.issuer or seaway:ingress.tlsSecret"
                yield check_context.about(each, "spec.tls", wrong, remedy)
        for name in each.manifest["metadata"].get("annotations", {}):
            if name.endswith("-snippet"):
                remedy = "remove it from seaway:ingress.annotations"
                path = f"metadata.annotations[{name}]"
                yield check_context.about(each, path, "is configuration that the controller runs as it is", remedy)


@check.whole("NET-07", "A Service's port leads to a port of its pods", check.BROKEN)
def target_ports(seen: check_context.Subject) -> check_context.Found:
    """Otherwise every connection is refused, while the pods say that they are ready."""
    for each in seen.of("Service"):
        behind = _behind(seen, each)
        for port in each.manifest["spec"].get("ports", []):
            target = port.get("targetPort", port["port"])
            path = f"spec.ports[{port.get('name', port['port'])}].targetPort"
            if isinstance(target, str) and len(target) > NAME_LIMIT:
                wrong = f"{target} has more than {NAME_LIMIT} characters"
                yield check_context.about(each, path, wrong, "give the port a shorter name")
            elif behind and not all(target in _ports_of(pod) for pod in behind):
                yield check_context.about(each, path, f"the pods have no port {target}", "write one that they have")


def _behind(seen: check_context.Subject, service: made.Object) -> Sequence[check_context.Pod]:
    """The pods that a Service leads to."""
    selector = service.manifest["spec"].get("selector")
    return [pod for pod in seen.pods if selector and check_context.selects(selector, pod.labels)]


def _ports_of(pod: check_context.Pod) -> set[int | str]:
    """By number and by name."""
    ports = [port for each in pod.containers for port in each.manifest.get("ports", [])]
    return {value for port in ports for value in (port["containerPort"], port.get("name")) if value is not None}


def _sides(spec: dict[str, Any]) -> list[str]:
    """What a policy is about; one that does not say so is about whoever connects.

    https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-resource
    """
    return spec.get("policyTypes") or ["Ingress", *(["Egress"] if "egress" in spec else [])]


def _peers(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Those that a policy names, with their paths."""
    for side, key in (("ingress", "from"), ("egress", "to")):
        for number, rule in enumerate(spec.get(side, [])):
            for nth, peer in enumerate(rule.get(key, [])):
                yield f"spec.{side}[{number}].{key}[{nth}].podSelector", peer


def _ports(spec: dict[str, Any]) -> Iterator[tuple[str, int | str]]:
    """The ports of its pods that a policy opens, one by one, with their paths."""
    for number, rule in enumerate(spec.get("ingress", [])):
        for nth, port in enumerate(rule.get("ports", [])):
            if "port" in port and "endPort" not in port:
                yield f"spec.ingress[{number}].ports[{nth}].port", port["port"]


def _backends(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if "defaultBackend" in spec:
        yield "spec.defaultBackend", spec["defaultBackend"]
    for rule in spec.get("rules", []):
        for path in rule.get("http", {}).get("paths", []):
            yield f"spec.rules[{rule.get('host', '*')}].http.paths[{path.get('path', '/')}]", path["backend"]
