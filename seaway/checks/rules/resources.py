"""What a container asks of its node, and the most that it gets."""

from fractions import Fraction
from typing import Any

from seaway.checks import check, check_context, usage
from seaway.kubernetes.api import quantity


@check.for_containers("RES-01", "A container asks for CPU", check.STRICT_FOR_RELEASES)
def cpu_request(container: check_context.Container) -> check_context.Findings:
    """Without a request the scheduler packs nodes blindly, and under load this container gets what is left."""
    yield from _check_is_set(container, "requests", "cpu", f"set {container.get_model_path('resources.cpu')}, as 100m")


@check.for_containers("RES-03", "A container asks for memory", check.STRICT_FOR_RELEASES)
def memory_request(container: check_context.Container) -> check_context.Findings:
    """A node that runs out of memory first kills what has asked for none."""
    yield from _check_is_set(
        container, "requests", "memory", f"set {container.get_model_path('resources.memory')}, as 128Mi"
    )


@check.for_containers("RES-04", "A container's memory has a limit", check.STRICT_FOR_RELEASES)
def memory_limit(container: check_context.Container) -> check_context.Findings:
    """A leak then ends one container, and not its neighbours on the node."""
    yield from _check_is_set(
        container, "limits", "memory", f"set {container.get_model_path('resources.memory')}, as 128Mi"
    )


@check.for_containers("RES-05", "A container's disk is asked for, and has a limit", check.STRICT_FOR_RELEASES)
def ephemeral_storage(container: check_context.Container) -> check_context.Findings:
    """Logs and temporary files fill the node's disk, and a full disk evicts every pod on it."""
    for kind, size in (("requests", "64Mi"), ("limits", "1Gi")):
        yield from _check_is_set(container, kind, "ephemeral-storage", f"set it, as {size}")


@check.for_containers(
    "RES-06",
    "All memory that a container may use is set aside for it",
    check.warn_everywhere("a program that seldom needs much may share what is seldom needed"),
)
def memory_request_equals_limit(container: check_context.Container) -> check_context.Findings:
    """Memory over the request is borrowed: when the node wants it back, it kills the container."""
    said = container.manifest.get("resources", {})
    asked, most = (said.get(kind, {}).get("memory") for kind in ("requests", "limits"))
    if asked is not None and most is not None and quantity.parse(asked) != quantity.parse(most):
        wrong = f"{asked} are set aside of the {most} that it may use"
        yield container.make_finding("resources.requests.memory", wrong, f"set it to {most}")


@check.for_application("RES-08", "The namespace's quota has room for all that may run at once", check.CANNOT_WORK)
def quota_room(context: check_context.CheckContext) -> check_context.Findings:
    """Autoscalers at their maximum, and the pods that a rollout adds for a moment: what has no room is not started, and
    nobody but an event tells."""
    needed = usage.compute_maximum(context)
    filled = {name for each in context.list_objects("LimitRange") for name in _list_default_limits(each.manifest)}
    for each in context.list_objects("ResourceQuota"):
        for name, hard in each.manifest["spec"].get("hard", {}).items():
            kind, _, resource = name.rpartition(".") if name.startswith(("requests.", "limits.")) else ("", "", name)
            lacking = (
                [one for one in _list_unlimited(context, resource) if resource not in filled]
                if kind == "limits"
                else []
            )
            if lacking:
                who = ", ".join(dict.fromkeys(lacking))
                wrong = f"refuses pods without a limit: {who}"
                yield check_context.make_finding(
                    each, f"spec.hard[{name}]", wrong, "set the limit, or take it out of the quota"
                )
            elif needed.get(name, Fraction(0)) > quantity.parse(hard):
                wrong = (
                    f"{hard} is less than the {usage.format_amount(name, needed[name])} that all may ask for at once"
                )
                yield check_context.make_finding(each, f"spec.hard[{name}]", wrong, "raise it, or lower a `scale.max`")


def _list_default_limits(manifest: dict[str, Any]) -> list[str]:
    """The limits that a LimitRange gives to a container without."""
    limits = manifest["spec"].get("limits", [])
    return [name for one in limits if one["type"] == "Container" for name in one.get("default", {})]


def _list_unlimited(context: check_context.CheckContext, resource: str) -> list[str]:
    return [
        pod.workload.name
        for pod in context.pods
        for each in pod.containers
        if resource not in each.manifest.get("resources", {}).get("limits", {})
    ]


def _check_is_set(container: check_context.Container, kind: str, name: str, hint: str) -> check_context.Findings:
    if name not in container.manifest.get("resources", {}).get(kind, {}):
        yield container.make_finding(f"resources.{kind}.{name}", "is not set", hint)
