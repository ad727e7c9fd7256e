"""Services, Ingresses and network policies. https://kubernetes.io/docs/concepts/services-networking/"""

from collections.abc import Iterator, Sequence
from typing import Any

from seaway.checks import check, check_context
from seaway.kubernetes.api import kinds, unstructured
from seaway.manifests import objects, policies
from seaway.model import external

PORT_NAME_LIMIT = 15
"""Characters of a port name. https://www.rfc-editor.org/rfc/rfc6335#section-5.1"""

RETIRED_CONTROLLER = "k8s.io/ingress-nginx"
RETIRED = "ingress-nginx is retired, and has had no security fixes since March 2026"
"""https://kubernetes.io/blog/2025/11/11/ingress-nginx-retirement/"""
REPLACEMENT = "pulumi config set seaway:publish gateway, or set seaway:ingress.className to another controller"
_OWN_ANNOTATIONS, _OTHER_NGINX = "nginx.ingress.kubernetes.io/", "nginx.org/"

DIRECTIONS = {"Ingress": "incoming", "Egress": "outgoing"}


@check.for_application(
    "NET-01", "Network policies restrict the connections from and to every pod", check.STRICT_FOR_RELEASES
)
def policy_coverage(context: check_context.CheckContext) -> check_context.Findings:
    """Without one, every pod of the cluster can connect, including those of other teams and compromised ones."""
    all_policies = context.list_objects("NetworkPolicy")
    for pod in context.pods:
        for policy_type, direction in DIRECTIONS.items():
            selectors = [
                policy.manifest["spec"].get("podSelector", {})
                for policy in all_policies
                if policy_type in _get_policy_types(policy.manifest["spec"])
            ]
            if not any(unstructured.matches_selector(selector, pod.labels) for selector in selectors):
                path = f"{pod.template_path}.metadata.labels"
                message = f"no network policy restricts {direction} connections"
                hint = f"let a NetworkPolicy with policyTypes {policy_type} select them"
                yield pod.make_object_finding(path, message, hint)
    for policy in all_policies:
        for side, key in (("ingress", "from"), ("egress", "to")):
            for number, rule in enumerate(policy.manifest["spec"].get(side, [])):
                if not rule.get(key) and not rule.get("ports"):
                    message = "an empty rule allows every connection"
                    yield check_context.make_finding(policy, f"spec.{side}[{number}]", message, "name peers or ports")


@check.for_application("NET-02", "A network policy selects existing pods and ports", check.CANNOT_WORK)
def policy_targets(context: check_context.CheckContext) -> check_context.Findings:
    """A policy without pods allows nothing, against the intent of its author."""
    pods = context.pods
    for policy in context.list_objects("NetworkPolicy"):
        spec = policy.manifest["spec"]
        selector = spec.get("podSelector", {})
        own_pods = [pod for pod in pods if unstructured.matches_selector(selector, pod.labels)]
        # cert-manager creates its solver pods on demand: no declared pod has their label.
        if not own_pods and selector != {"matchLabels": policies.ACME_SOLVER_LABELS}:
            yield check_context.make_finding(policy, "spec.podSelector", "selects no pods", "use labels of its pods")
        for path, peer in _list_peers(spec):
            is_local = "podSelector" in peer and "namespaceSelector" not in peer
            if is_local and not any(unstructured.matches_selector(peer["podSelector"], pod.labels) for pod in pods):
                yield check_context.make_finding(policy, path, "selects no pods", "use labels of the allowed pods")
        for path, port in _list_policy_ports(spec):
            if own_pods and not any(port in _list_pod_ports(pod) for pod in own_pods):
                yield check_context.make_finding(policy, path, f"its pods have no port {port}", "use an existing port")


@check.for_application("NET-03", "A Service has pods", check.CANNOT_WORK)
def service_targets(context: check_context.CheckContext) -> check_context.Findings:
    """A Service without pods refuses every connection."""
    for service in context.list_objects("Service"):
        if not _select_pods(context, service):
            yield check_context.make_finding(service, "spec.selector", "selects no pods", "use labels of its pods")


@check.for_application(
    "NET-04",
    "No Service opens a port on every node",
    check.warn_everywhere("without a load balancer there is no other way to publish a service"),
)
def node_port(context: check_context.CheckContext) -> check_context.Findings:
    """It listens on all addresses of all nodes and bypasses load balancers and their rules. An environment that builds
    may choose it: a development cluster has no load balancer."""
    if context.environment.settings.build and context.environment.settings.publish == "nodePort":
        return
    for service in context.list_objects("Service"):
        if service.manifest["spec"].get("type") == "NodePort":
            hint = "set seaway:publish to ingress or loadBalancer"
            yield check_context.make_finding(service, "spec.type", "NodePort opens a port on every node", hint)


@check.for_application("NET-05", "An Ingress or a route leads to an existing Service", check.CANNOT_WORK)
def ingress_backends(context: check_context.CheckContext) -> check_context.Findings:
    """Otherwise every request gets a 503, and no pod logs it."""
    services = {service.name: service.manifest["spec"].get("ports", []) for service in context.list_objects("Service")}
    for ingress in context.list_objects("Ingress", *kinds.ROUTE_KINDS):
        for path, backend in _list_backends(ingress.manifest["spec"]):
            if "service" not in backend:
                continue
            name, wanted = backend["service"]["name"], backend["service"].get("port", {})
            if name not in services:
                message = f"Service {name} does not exist"
                yield check_context.make_finding(ingress, path, message, "name an existing Service")
            elif not any(
                {"name": port.get("name"), "number": port["port"]}.items() >= wanted.items() for port in services[name]
            ):
                message = f"Service {name} has no port {wanted.get('name') or wanted.get('number')}"
                yield check_context.make_finding(ingress, path, message, "use an existing port")


@check.for_application("NET-06", "Traffic from outside is encrypted", check.STRICT_FOR_RELEASES)
def ingress_tls(context: check_context.CheckContext) -> check_context.Findings:
    """Without TLS, passwords and cookies cross every network in clear text. A configuration snippet in an annotation
    lets everybody who may edit an Ingress read the secrets of the controller."""
    for ingress in context.list_objects("Ingress"):
        spec = ingress.manifest["spec"]
        tls_hosts = {host for certificate in spec.get("tls", []) for host in certificate.get("hosts", [])}
        for rule in spec.get("rules", []):
            if rule.get("host") not in tls_hosts:
                message = f"{rule.get('host') or 'every host'} is served without TLS"
                hint = "set seaway:ingress.issuer or seaway:ingress.tlsSecret"
                yield check_context.make_finding(ingress, "spec.tls", message, hint)
        for name in ingress.manifest["metadata"].get("annotations", {}):
            if name.endswith("-snippet"):
                message = "is configuration that the controller runs unchecked"
                hint = "remove it from seaway:ingress.annotations"
                yield check_context.make_finding(ingress, f"metadata.annotations[{name}]", message, hint)
    for gateway in context.list_objects("Gateway"):
        if not any("tls" in listener for listener in gateway.manifest["spec"]["listeners"]):
            message, hint = "serves every host without TLS", "set seaway:ingress.issuer or seaway:ingress.tlsSecret"
            yield check_context.make_finding(gateway, "spec.listeners", message, hint)


@check.for_application("NET-07", "A Service port maps to a port of its pods", check.CANNOT_WORK)
def target_ports(context: check_context.CheckContext) -> check_context.Findings:
    """Otherwise every connection is refused, although the pods are ready."""
    for service in context.list_objects("Service"):
        pods = _select_pods(context, service)
        for port in service.manifest["spec"].get("ports", []):
            target = port.get("targetPort", port["port"])
            path = f"spec.ports[{port.get('name', port['port'])}].targetPort"
            if isinstance(target, str) and len(target) > PORT_NAME_LIMIT:
                message = f"{target} is longer than {PORT_NAME_LIMIT} characters"
                yield check_context.make_finding(service, path, message, "shorten the name of the port")
            elif pods and not all(target in _list_pod_ports(pod) for pod in pods):
                message = f"the pods have no port {target}"
                yield check_context.make_finding(service, path, message, "use an existing port")


@check.for_application(
    "NET-08",
    "The connections to an external store are limited to its addresses",
    check.warn_everywhere("only the operator of a managed store knows its addresses"),
)
def external_addresses(context: check_context.CheckContext) -> check_context.Findings:
    """A network policy accepts no DNS names. Without address ranges, a compromised pod also reaches other databases on
    the same port, in all networks that the nodes reach."""
    calls = {workload.name: workload.calls for workload in context.environment.app.get_workloads().values()}
    for store in context.environment.app.stores:
        address = store.external
        if address is None or external.find_ranges(address) or external.parse_namespace(address):
            continue
        for policy in context.list_objects("NetworkPolicy"):
            if store.name in calls.get(policy.owner or "", ()):
                message = f"allows every address, because only the name of {store.name} is known: {address.host}"
                hint = f"set stores.{store.name}.external.cidrs"
                yield check_context.make_finding(policy, "spec.egress", message, hint)


@check.for_application(
    "NET-10",
    "An ingress controller gets security fixes",
    check.warn_everywhere("to replace a controller takes time"),
)
def retired_controller(context: check_context.CheckContext) -> check_context.Findings:
    """ingress-nginx, the community's controller, is retired since March 2026. It reads the secrets of all namespaces,
    and whoever exploits it has them. Only its usual class `nginx` and its annotations show it; `seaway check --cluster`
    reads the controller of the class."""
    annotations = context.environment.settings.ingress.annotations
    uses_annotations = any(name.startswith(_OWN_ANNOTATIONS) for name in annotations)
    is_other = any(name.startswith(_OTHER_NGINX) for name in annotations)  # of NGINX itself, with the same class
    for ingress in context.list_objects("Ingress"):
        if uses_annotations or (ingress.manifest["spec"].get("ingressClassName") == "nginx" and not is_other):
            yield check_context.make_finding(ingress, "spec.ingressClassName", RETIRED, REPLACEMENT)


def _select_pods(context: check_context.CheckContext, service: objects.ReleaseObject) -> Sequence[check_context.Pod]:
    selector = service.manifest["spec"].get("selector")
    return [pod for pod in context.pods if selector and unstructured.matches_labels(selector, pod.labels)]


def _list_pod_ports(pod: check_context.Pod) -> set[int | str]:
    """The ports of a pod, by number and by name."""
    ports = [port for container in pod.containers for port in container.manifest.get("ports", [])]
    return {key for port in ports for key in (port["containerPort"], port.get("name")) if key is not None}


def _get_policy_types(spec: dict[str, Any]) -> list[str]:
    """The policy types of a policy; the default is Ingress, and Egress if it has egress rules.

    https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-resource
    """
    return spec.get("policyTypes") or ["Ingress", *(["Egress"] if "egress" in spec else [])]


def _list_peers(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The peers of a policy, with their paths."""
    for side, key in (("ingress", "from"), ("egress", "to")):
        for number, rule in enumerate(spec.get(side, [])):
            for index, peer in enumerate(rule.get(key, [])):
                yield f"spec.{side}[{number}].{key}[{index}].podSelector", peer


def _list_policy_ports(spec: dict[str, Any]) -> Iterator[tuple[str, int | str]]:
    """The single ports that a policy opens, with their paths."""
    for number, rule in enumerate(spec.get("ingress", [])):
        for index, port in enumerate(rule.get("ports", [])):
            if "port" in port and "endPort" not in port:
                yield f"spec.ingress[{number}].ports[{index}].port", port["port"]


def _list_backends(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The backends of an Ingress or a route, in the form of an Ingress, with their paths."""
    if "defaultBackend" in spec:
        yield "spec.defaultBackend", spec["defaultBackend"]
    for rule in spec.get("rules", []):
        for path in rule.get("http", {}).get("paths", []):
            yield f"spec.rules[{rule.get('host', '*')}].http.paths[{path.get('path', '/')}]", path["backend"]
    for number, rule in enumerate(spec.get("rules", [])):
        for index, backend in enumerate(rule.get("backendRefs", [])):
            if backend.get("kind", "Service") == "Service" and "namespace" not in backend:
                service = {"name": backend["name"], "port": {"number": backend.get("port")}}
                yield f"spec.rules[{number}].backendRefs[{index}]", {"service": service}
