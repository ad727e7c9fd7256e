"""The effect of a changed route or Gateway on clients outside of the cluster."""

from collections.abc import Iterator, Mapping, Sequence

from seaway.kubernetes.api import unstructured
from seaway.review import change, workload_impact

_Impact = change.Impact


def assess_removal(kind: str, manifest: change.Manifest) -> workload_impact.Assessment:
    """The effect of a deleted Gateway or route."""
    if kind == "Gateway":
        return _Impact.OUTAGE, "its address is released, and all hosts at it are no longer reachable"
    if addresses := _list_addresses(manifest):
        return _Impact.OUTAGE, f"no longer reachable from outside: {', '.join(addresses)}"
    return _Impact.NONE, "plain HTTP is no longer redirected to HTTPS"


def assess_update(kind: str, old: change.Manifest, new: change.Manifest) -> Iterator[workload_impact.Assessment]:
    """The effects of a changed Gateway or route."""
    if kind == "Gateway":
        before, after = (unstructured.get_mapping(manifest, "spec").get("gatewayClassName") for manifest in (old, new))
        if before != after:
            yield _Impact.OUTAGE, f"served by another controller ({before} -> {after}), which has another address"
        listeners = _list_listeners(new)
        if removed := [name for name in _list_listeners(old) if name not in listeners]:
            yield _Impact.OUTAGE, f"no longer answers at its listeners {', '.join(removed)}"
        return
    served = _list_addresses(new)
    if removed := [address for address in _list_addresses(old) if address not in served]:
        yield _Impact.OUTAGE, f"no longer reachable from outside: {', '.join(removed)}"
    before, after = ([*dict.fromkeys(_list_gateways(manifest))] for manifest in (old, new))
    if before != after:
        texts = " -> ".join(", ".join(names) for names in (before, after))
        yield _Impact.OUTAGE, f"served by another Gateway ({texts}), which has another address"


def _list_addresses(route: change.Manifest) -> list[str]:
    """The hosts with the conditions of each match that leads to a Service."""
    conditions = [
        _format_match(match)
        for rule in unstructured.get_list(route, "spec", "rules")
        if rule.get("backendRefs")
        for match in unstructured.get_list(rule, "matches")
    ]
    hosts: Sequence[str] = unstructured.get_mapping(route, "spec").get("hostnames") or ()
    return [f"{host}{condition}" for host in hosts for condition in conditions]


def _format_match(match: change.Manifest) -> str:
    """``/api with X-Version: 2``; empty: all requests."""
    path = str(unstructured.get_mapping(match, "path").get("value", "")).rstrip("/")
    if isinstance(match.get("method"), Mapping):  # of gRPC
        method = unstructured.get_mapping(match, "method")
        path = "/" + "/".join(str(method[key]) for key in ("service", "method") if key in method)
    headers = ", ".join(f"{header['name']}: {header['value']}" for header in unstructured.get_list(match, "headers"))
    return f"{path} with {headers}" if headers else path


def _list_gateways(route: change.Manifest) -> Iterator[str]:
    for parent in unstructured.get_list(route, "spec", "parentRefs"):
        yield "/".join(filter(None, (parent.get("namespace"), parent["name"])))


def _list_listeners(gateway: change.Manifest) -> list[str]:
    return [str(listener["name"]) for listener in unstructured.get_list(gateway, "spec", "listeners")]
