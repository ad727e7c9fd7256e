"""What a stack with ``seaway:publish: gateway`` requires: the Gateway API, its class or Gateway, and a grant."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seaway.checks import check_context
from seaway.checks.preflight import cluster_facts, requirement
from seaway.kubernetes.api import kinds, unstructured
from seaway.manifests import objects
from seaway.model import ingress_hosts

API_PATH = f"/apis/{kinds.GATEWAY_API}"
CLASSES_PATH = kinds.build_path("GatewayClass")

_INSTALL = "install it: https://gateway-api.sigs.k8s.io/guides/#installing-gateway-api"


def list_requirements(context: check_context.CheckContext) -> Iterator[requirement.Requirement]:
    declared = context.list_objects("Gateway", *kinds.ROUTE_KINDS)
    if not declared:
        return
    workloads = tuple(dict.fromkeys(one.owner for one in declared if one.owner))
    names = sorted({one.kind for one in declared})
    yield requirement.Requirement(
        code="gateway-api", workloads=workloads, paths=(API_PATH,), evaluator=functools.partial(_evaluate_api, names)
    )
    for gateway in context.list_objects("Gateway"):
        evaluator = functools.partial(_evaluate_class, gateway.manifest["spec"]["gatewayClassName"])
        yield requirement.Requirement(
            code="gateway-class", workloads=workloads, paths=(CLASSES_PATH,), evaluator=evaluator
        )
        yield from _require_grants(context, gateway, workloads)
    if ingress_hosts.uses_other_gateway(context.environment.settings):
        gateway_settings = context.environment.settings.gateway
        namespace, name = gateway_settings.namespace or context.environment.namespace, str(gateway_settings.name)
        yield requirement.Requirement(
            code="gateway",
            name=f"{namespace}/{name}",
            workloads=workloads,
            paths=(kinds.build_path("Gateway", namespace, name),),
            evaluator=functools.partial(_evaluate_gateway, context, namespace),
        )


def _evaluate_api(names: Sequence[str], answer: unstructured.Object | None) -> requirement.Outcome:
    if answer is None:
        return requirement.missing("the Gateway API is not installed", _INSTALL)
    served = {resource["kind"] for resource in unstructured.get_list(answer, "resources")}
    if missing := [name for name in names if name not in served]:
        message = f"it is too old: there is no {', '.join(missing)} in {kinds.GATEWAY_API}"
        return requirement.missing(message, _INSTALL)
    return requirement.present(kinds.GATEWAY_API)


def _evaluate_class(name: str, answer: cluster_facts.Answer) -> requirement.Outcome:
    classes = {unstructured.get_name(manifest): manifest for manifest in cluster_facts.list_objects(answer)}
    if name not in classes:
        message = f"there is no GatewayClass {name} ({requirement.format_names(sorted(classes))})"
        return requirement.missing(
            message, "name an existing one in seaway:gateway.className, or install its controller"
        )
    accepted = unstructured.find_condition(classes[name], "Accepted")
    if accepted.get("status") != "True":
        reason = accepted.get("message") or "no controller has answered"
        return requirement.missing(f"GatewayClass {name} is not accepted: {reason}", "check that its controller runs")
    return requirement.present(f"{name}, by {classes[name]['spec'].get('controllerName')}")


def _require_grants(
    context: check_context.CheckContext, gateway: objects.ReleaseObject, workloads: tuple[str, ...]
) -> Iterator[requirement.Requirement]:
    """A Secret of another namespace needs a ReferenceGrant there."""
    for listener in gateway.manifest["spec"]["listeners"]:
        for reference in unstructured.get_list(listener, "tls", "certificateRefs"):
            if namespace := reference.get("namespace"):
                yield requirement.Requirement(
                    code="reference-grant",
                    name=f"{namespace}/{reference['name']}",
                    workloads=workloads,
                    paths=(kinds.build_path("ReferenceGrant", namespace),),
                    evaluator=functools.partial(
                        _evaluate_grants, reference["name"], namespace, context.environment.namespace
                    ),
                )


def _evaluate_grants(
    secret: str, namespace: str, own_namespace: str, answer: cluster_facts.Answer
) -> requirement.Outcome:
    source = {"group": kinds.GATEWAY_API.partition("/")[0], "kind": "Gateway", "namespace": own_namespace}
    for grant in cluster_facts.list_objects(answer):
        targets = unstructured.get_list(grant, "spec", "to")
        is_target = any(
            target.get("kind") == "Secret" and not target.get("group") and target.get("name") in (None, secret)
            for target in targets
        )
        if is_target and source in unstructured.get_list(grant, "spec", "from"):
            return requirement.present(f"ReferenceGrant {unstructured.get_name(grant)}")
    message = f"no ReferenceGrant in {namespace} lets a Gateway of {own_namespace} use Secret {secret}"
    return requirement.missing(message, "create one: seaway help gateway-reference")


def _evaluate_gateway(
    context: check_context.CheckContext, namespace: str, gateway: unstructured.Object | None
) -> requirement.Outcome:
    """Whether a Gateway of another team has the listeners, and they admit the routes and their hosts."""
    if gateway is None:
        return requirement.missing(f"it does not exist in {namespace}", "kubectl get gateways --all-namespaces")
    listeners = {listener["name"]: listener for listener in unstructured.get_list(gateway, "spec", "listeners")}
    named = [listener for listener in _list_own_listeners(context) if listener is not None]
    for listener in named:
        if listener not in listeners:
            message = f"it has no listener {listener} ({requirement.format_names(sorted(listeners))})"
            return requirement.missing(message, "correct seaway:gateway.listener and seaway:gateway.httpListener")
    for name in named or listeners:
        if not _admits_namespace(context, namespace, listeners[name]):
            message = f"listener {name} admits no routes of namespace {context.environment.namespace}"
            return requirement.missing(message, "ask its owner to change allowedRoutes.namespaces, or name another one")
    hosts = {host for route in context.list_objects(*kinds.ROUTE_KINDS) for host in route.manifest["spec"]["hostnames"]}
    for host in sorted(hosts):
        if not any(_matches_host(host, listeners[name].get("hostname")) for name in named or listeners):
            message = f"no listener is for {host}"
            return requirement.missing(message, "correct seaway:ingress.hosts, or name another listener")
    if unstructured.find_condition(gateway, "Programmed").get("status", "True") != "True":
        return requirement.warning("it is not ready", "ask its owner; kubectl describe gateway")
    addresses = ", ".join(str(one.get("value")) for one in unstructured.get_list(gateway, "status", "addresses"))
    return requirement.present(f"listener {', '.join(named) or 'any'}" + (f", at {addresses}" if addresses else ""))


def _list_own_listeners(context: check_context.CheckContext) -> list[str | None]:
    routes = context.list_objects(*kinds.ROUTE_KINDS)
    parents = (parent for route in routes for parent in route.manifest["spec"]["parentRefs"])
    return list(dict.fromkeys(parent.get("sectionName") for parent in parents))


def _admits_namespace(context: check_context.CheckContext, gateway_namespace: str, listener: Mapping[str, Any]) -> bool:
    """https://gateway-api.sigs.k8s.io/reference/spec/#routenamespaces"""
    own = context.environment.namespace
    allowed = unstructured.get_mapping(listener, "allowedRoutes", "namespaces")
    match allowed.get("from", "Same"):
        case "All":
            return True
        case "Selector":
            labels = {"kubernetes.io/metadata.name": own}
            for home in context.list_objects("Namespace"):
                labels |= home.manifest["metadata"]["labels"]
            return unstructured.matches_selector(unstructured.get_mapping(allowed, "selector"), labels)
        case _:
            return own == gateway_namespace


def _matches_host(host: str, pattern: str | None) -> bool:
    """Whether a listener for a host, or for ``*.example.com``, serves a host, which may have a wildcard too."""
    if not pattern or host == pattern:
        return True
    return any(
        wide.startswith("*.") and narrow.endswith(wide.removeprefix("*"))
        for wide, narrow in ((pattern, host), (host, pattern))
    )
