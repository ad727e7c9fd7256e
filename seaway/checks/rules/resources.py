"""Requests and limits of containers, and the quota of the namespace."""

from fractions import Fraction
from typing import Any

from seaway.checks import check, check_context
from seaway.kubernetes.api import quantity
from seaway.manifests import amounts


@check.for_containers("RES-01", "A container requests CPU", check.STRICT_FOR_RELEASES)
def cpu_request(container: check_context.Container) -> check_context.Findings:
    """Without a request the scheduler overloads nodes, and under load this container gets only the remaining CPU."""
    hint = f"set {container.get_model_path('resources.cpu')}, for example to 100m"
    yield from _check_is_set(container, "requests", "cpu", hint)


@check.for_containers("RES-03", "A container requests memory", check.STRICT_FOR_RELEASES)
def memory_request(container: check_context.Container) -> check_context.Findings:
    """A node that runs out of memory first kills the containers without a request."""
    hint = f"set {container.get_model_path('resources.memory')}, for example to 128Mi"
    yield from _check_is_set(container, "requests", "memory", hint)


@check.for_containers("RES-04", "A container has a memory limit", check.STRICT_FOR_RELEASES)
def memory_limit(container: check_context.Container) -> check_context.Findings:
    """A memory leak then stops one container, and not its neighbours on the node."""
    hint = f"set {container.get_model_path('resources.memory')}, for example to 128Mi"
    yield from _check_is_set(container, "limits", "memory", hint)


@check.for_containers("RES-05", "A container has a request and a limit for its disk", check.STRICT_FOR_RELEASES)
def ephemeral_storage(container: check_context.Container) -> check_context.Findings:
    """Logs and temporary files can fill the disk of the node, and a full disk evicts every pod on it."""
    for kind, size in (("requests", "64Mi"), ("limits", "1Gi")):
        yield from _check_is_set(container, kind, "ephemeral-storage", f"set it, for example to {size}")


@check.for_containers(
    "RES-06",
    "The memory request of a container equals its limit",
    check.warn_everywhere("programs that rarely need much memory may share it"),
)
def memory_request_equals_limit(container: check_context.Container) -> check_context.Findings:
    """Memory above the request is not reserved: when the node needs it, it kills the container."""
    resources = container.manifest.get("resources", {})
    request, limit = (resources.get(kind, {}).get("memory") for kind in ("requests", "limits"))
    if request is not None and limit is not None and quantity.parse(request) != quantity.parse(limit):
        message = f"{request} is less than the limit of {limit}"
        hint = "set `resources.memory` to the most that it uses, and `memoryLimit` to the same"
        yield container.make_finding("resources.requests.memory", message, hint)


@check.for_application("RES-08", "The quota of the namespace covers everything that can run at once", check.CANNOT_WORK)
def quota_room(context: check_context.CheckContext) -> check_context.Findings:
    """Autoscalers at their maximum, and the pods of a rollout beside the old ones: pods above the quota do not start,
    and only an event says so."""
    maximum = context.compute_usage()
    default_limits = {
        name
        for limit_range in context.list_objects("LimitRange")
        for name in _list_default_limits(limit_range.manifest)
    }
    for quota in context.list_objects("ResourceQuota"):
        for name, hard in quota.manifest["spec"].get("hard", {}).items():
            path = f"spec.hard[{name}]"
            resource = name.removeprefix("limits.")
            unlimited = (
                _list_unlimited(context, resource) if name != resource and resource not in default_limits else []
            )
            if unlimited:
                message = f"rejects pods without a limit: {', '.join(dict.fromkeys(unlimited))}"
                yield check_context.make_finding(quota, path, message, "set the limit, or remove it from the quota")
            elif maximum.get(name, Fraction(0)) > quantity.parse(hard):
                message = f"{hard} is less than the maximum usage of {amounts.format_amount(name, maximum[name])}"
                yield check_context.make_finding(quota, path, message, "raise it, or lower a `scale.max`")


def _list_default_limits(manifest: dict[str, Any]) -> list[str]:
    """The limits that a LimitRange sets on a container without them."""
    limits = manifest["spec"].get("limits", [])
    return [name for limit in limits if limit["type"] == "Container" for name in limit.get("default", {})]


def _list_unlimited(context: check_context.CheckContext, resource: str) -> list[str]:
    return [
        pod.workload.name
        for pod in context.pods
        for container in pod.containers
        if resource not in container.manifest.get("resources", {}).get("limits", {})
    ]


def _check_is_set(container: check_context.Container, kind: str, name: str, hint: str) -> check_context.Findings:
    if name not in container.manifest.get("resources", {}).get(kind, {}):
        yield container.make_finding(f"resources.{kind}.{name}", "is not set", hint)
