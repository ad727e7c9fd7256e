"""Whether a Gateway serves the routes of a workload, and why not: from the conditions that its controller writes.

https://gateway-api.sigs.k8s.io/geps/gep-1364/
"""

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from seaway import errors
from seaway.kubernetes.api import kinds, unstructured
from seaway.kubernetes.cluster import client, snapshot
from seaway.manifests import objects
from seaway.model import ingress_hosts
from seaway.rollout import causes, evidence, message_parsers, symptoms, workload_health
from seaway.syntax import hashing

WATCHED_KINDS = (*kinds.ROUTE_KINDS, "Gateway")

NO_ANSWER_SECONDS = 15
"""Seconds after which it is reported that no controller has answered. Those of clouds take a minute."""

_SILENCE = "gateway-no-controller"
_PORTS = {"HTTP": 80, "HTTPS": 443}

_GatewayId = tuple[str, str]
"""Namespace and name."""

_ISSUER_ANNOTATION = "cert-manager.io/cluster-issuer"

_REASONS: Mapping[str, str] = {
    "NoMatchingListenerHostname": "route-host",
    "NotAllowedByListeners": "route-not-allowed",
    "NoMatchingParent": "route-no-listener",
    "BackendNotFound": "route-backend",
    "InvalidKind": "route-backend",
    "RefNotPermitted": "gateway-reference",
    "InvalidCertificateRef": "gateway-certificate",
}
"""The causes of the reasons in the API that do not go away by themselves.
https://gateway-api.sigs.k8s.io/reference/spec/#routeconditionreason"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Problem:
    """Why a Gateway does not serve a route."""

    cause: str
    message: str
    is_final: bool = False
    """It does not go away by itself."""


def hash_routes(release_objects: Iterable[objects.ReleaseObject], owner: str | None) -> dict[str, str]:
    """The routes of a workload, those that redirect to them, and their Gateway, with hashes of their specs.

    The keys are as ``HTTPRoute/web.shop.example.com``. A Gateway of another team is not among them.
    """
    watched = [release_object for release_object in release_objects if release_object.kind in WATCHED_KINDS]
    own = [release_object for release_object in watched if release_object.owner == owner]
    hosts = {host for route in own for host in route.manifest["spec"]["hostnames"]}
    shared = [
        release_object
        for release_object in watched
        if release_object.owner is None and hosts.intersection(release_object.manifest["spec"].get("hostnames", hosts))
    ]
    return {route.key: hashing.hash_content(route.manifest["spec"]) for route in (*own, *shared)}


async def look_up(cluster: client.KubeClient, live_objects: snapshot.Snapshot) -> dict[str, snapshot.Object | None]:
    """The Gateways of all routes and their classes, as far as they may be read, by API path."""
    routes = (route for kind in kinds.ROUTE_KINDS for route in live_objects.list_objects(kind))
    parents = ((route, parent) for route in routes for parent in unstructured.get_list(route, "spec", "parentRefs"))
    gateways = await _read(cluster, {_build_path(_parse_parent(parent, route)) for route, parent in parents})
    classes = {_build_class_path(gateway) for gateway in gateways.values() if gateway}
    return gateways | await _read(cluster, classes)


async def _read(cluster: client.KubeClient, paths: Iterable[str]) -> dict[str, snapshot.Object | None]:
    answers: dict[str, snapshot.Object | None] = {}
    for path in sorted(paths):
        with contextlib.suppress(errors.Forbidden):
            answers[path] = await cluster.find(path)
    return answers


def list_origins(route: snapshot.Object, lookups: evidence.Lookups) -> list[str]:
    """The scheme and the port at each listener of a route, as ``https://{host}:8443``; empty: it does not serve it.

    Those with TLS, if there are any. A Gateway that may not be read is at the ports of its scheme.
    """
    origins: dict[str, list[str]] = {"HTTPS": [], "HTTP": []}
    for parent in unstructured.get_list(route, "spec", "parentRefs"):
        name = parent.get("sectionName")
        path = _build_path(_parse_parent(parent, route))
        gateway = lookups.get(path)
        is_refused = any(condition.get("status") == "False" for condition in _list_answers(route, parent))
        if gateway is None:
            protocol = "HTTP" if name == ingress_hosts.PLAIN_LISTENER else "HTTPS"
            is_ready = path not in lookups and not is_refused
            origins[protocol].append(f"{protocol.lower()}://{{host}}" if is_ready else "")
            continue
        is_ready = not is_refused and unstructured.find_condition(gateway, "Programmed").get("status", "True") == "True"
        for listener in unstructured.get_list(gateway, "spec", "listeners"):
            protocol, port = listener["protocol"], listener["port"]
            if name in (None, listener["name"]) and protocol in origins:
                suffix = "" if port == _PORTS[protocol] else f":{port}"
                origins[protocol].append(f"{protocol.lower()}://{{host}}{suffix}" if is_ready else "")
    return list(dict.fromkeys(origins["HTTPS"] or origins["HTTP"]))


def find_findings(
    index: evidence.ObjectIndex, location: causes.Location, elapsed: float
) -> list[workload_health.Finding] | None:
    """Why the routes of a workload are not served, as far as it is known; None: they are.

    Problems of the own Gateway hide all others.
    """
    problems = _find_problems(index, sorted(location.target.routes))  # "Gateway/..." comes before the routes
    if not problems:
        return None
    is_late = elapsed >= location.target.deadline
    return [
        causes.create_finding(problem.cause, problem.message, location, fatal=problem.is_final)
        for problem in dict.fromkeys(problems)  # a controller reports the same of each listener
        # The controller may not have seen an object that was created a moment ago.
        if is_late or elapsed >= (NO_ANSWER_SECONDS if problem.cause == _SILENCE else symptoms.SETTLE_SECONDS)
    ]


def _find_problems(index: evidence.ObjectIndex, keys: Iterable[str]) -> list[_Problem]:
    for key in keys:
        kind, _, name = key.partition("/")
        manifest = index.find(kind, name)
        if manifest is None:
            return [_Problem(cause="object-missing", message=f"there is no {kind} {name}", is_final=True)]
        assess = _assess_gateway if kind == "Gateway" else _assess_route
        if problems := list(assess(manifest, index)):
            return problems
    return []


def _assess_gateway(gateway: snapshot.Object, index: evidence.ObjectIndex) -> Iterator[_Problem]:
    """The problems of the own Gateway and of its listeners."""
    gateway_id = (gateway["metadata"].get("namespace", ""), unstructured.get_name(gateway))
    listeners = unstructured.get_list(gateway, "status", "listeners")
    conditions = [
        (f"listener {listener.get('name')} of {_format_id(gateway_id)}", condition)
        for listener in listeners
        for condition in _list_conditions(gateway, listener)
        if condition.get("status") == "False" and condition.get("type") in ("Accepted", "ResolvedRefs")
    ]
    is_issued = unstructured.get_annotation(gateway, _ISSUER_ANNOTATION) is not None
    if conditions:
        for subject, condition in conditions:
            yield _describe_condition(subject, condition, is_issued=is_issued)
        return
    own = {condition.get("type"): condition for condition in _list_conditions(gateway, gateway.get("status"))}
    programmed, accepted = own.get("Programmed", {}), own.get("Accepted", {})
    if programmed.get("status") == "True":
        return
    if {programmed.get("status", "Unknown"), accepted.get("status", "Unknown")} == {"Unknown"}:
        yield from _explain_silence(gateway_id, index)
        return
    failed = accepted if accepted.get("status") == "False" else programmed
    message = f"{_format_id(gateway_id)} is not ready: {_format_reason(failed)}"
    yield _Problem(cause="gateway-not-programmed", message=message)


def _assess_route(route: snapshot.Object, index: evidence.ObjectIndex) -> Iterator[_Problem]:
    hosts = ", ".join(unstructured.get_mapping(route, "spec").get("hostnames") or ())
    for parent in unstructured.get_list(route, "spec", "parentRefs"):
        gateway_id, listener = _parse_parent(parent, route), parent.get("sectionName")
        conditions = _list_answers(route, parent)
        failed = [condition for condition in conditions if condition.get("status") == "False"]
        subject = f"the route of {hosts} at {_format_id(gateway_id)}" + (f", listener {listener}" if listener else "")
        for condition in failed:
            if condition.get("type") in ("Accepted", "ResolvedRefs"):
                yield _describe_condition(subject, condition)
        accepted = {condition.get("type") for condition in conditions if condition.get("status") == "True"}
        if not failed and not accepted >= {"Accepted", "ResolvedRefs"}:
            yield from _explain_silence(gateway_id, index, listener)


def _list_answers(route: snapshot.Object, parent: snapshot.Object) -> list[snapshot.Object]:
    """The conditions of a route at one of its parents."""
    return [
        condition
        for status in unstructured.get_list(route, "status", "parents")
        if _get_parent_key(status["parentRef"]) == _get_parent_key(parent)
        for condition in _list_conditions(route, status)
    ]


def _explain_silence(
    gateway_id: _GatewayId, index: evidence.ObjectIndex, listener: str | None = None
) -> Iterator[_Problem]:
    """Why no controller has answered, from its Gateway and its class as far as they may be read."""
    path, text = _build_path(gateway_id), _format_id(gateway_id)
    gateway = index.lookups.get(path)
    if path in index.lookups and gateway is None:
        yield _Problem(cause="gateway-missing", message=f"there is no {text}", is_final=True)
        return
    if gateway is not None:
        names = [str(listener["name"]) for listener in unstructured.get_list(gateway, "spec", "listeners")]
        if listener and listener not in names:
            message = f"{text} has no listener {listener}, only {', '.join(sorted(names))}"
            yield _Problem(cause="route-no-listener", message=message, is_final=True)
            return
        class_path = _build_class_path(gateway)
        if class_path in index.lookups and index.lookups[class_path] is None:
            message = f"there is no GatewayClass {gateway['spec']['gatewayClassName']}, which {text} names"
            yield _Problem(cause="gateway-class", message=message, is_final=True)
            return
    yield _Problem(cause=_SILENCE, message=f"no controller has answered about {text}")


def _describe_condition(subject: str, condition: snapshot.Object, *, is_issued: bool = False) -> _Problem:
    reason = str(condition.get("reason"))
    cause = _REASONS.get(reason, "route-refused")
    return _Problem(
        cause=cause,
        message=f"{subject}: {_format_reason(condition)}",
        # cert-manager creates the certificates later.
        is_final=cause != "route-refused" and not (is_issued and cause == "gateway-certificate"),
    )


def _format_reason(condition: snapshot.Object) -> str:
    reason, message = condition.get("reason") or message_parsers.NO_REASON, condition.get("message")
    return message_parsers.truncate_line(f"{reason} ({message})" if message else reason)


def _list_conditions(manifest: snapshot.Object, status: Any) -> Sequence[snapshot.Object]:
    """The conditions about the current generation of an object."""
    generation = unstructured.get_count(manifest["metadata"], "generation")
    conditions = unstructured.get_list(status or {}, "conditions")
    return [condition for condition in conditions if condition.get("observedGeneration", generation) >= generation]


def _parse_parent(parent: snapshot.Object, route: snapshot.Object) -> _GatewayId:
    return parent.get("namespace") or route["metadata"]["namespace"], str(parent["name"])


def _format_id(gateway_id: _GatewayId) -> str:
    return f"Gateway {'/'.join(gateway_id)}"


def _build_path(gateway_id: _GatewayId) -> str:
    return kinds.build_path("Gateway", *gateway_id)


def _build_class_path(gateway: snapshot.Object) -> str:
    return kinds.build_path("GatewayClass", name=gateway["spec"]["gatewayClassName"])


def _get_parent_key(parent: snapshot.Object) -> tuple[Any, ...]:
    return tuple(parent.get(key) for key in ("namespace", "name", "sectionName", "port"))
