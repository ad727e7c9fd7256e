"""What a container asks of its node, and the most that it gets."""

from fractions import Fraction
from typing import Any

from seaway.checks import check, check_context, usage
from seaway.kubernetes.api import quantity


@check.containers("RES-01", "A container asks for CPU", check.RELEASED)
def cpu(each: check_context.Container) -> check_context.Found:
    """Without a request the scheduler packs nodes blindly, and under load this container gets what is left."""
    yield from _unset(each, "requests", "cpu", f"set {each.field('resources.cpu')}, as 100m")


@check.containers("RES-03", "A container asks for memory", check.RELEASED)
def memory(each: check_context.Container) -> check_context.Found:
    """A node that runs out of memory first kills what has asked for none."""
    yield from _unset(each, "requests", "memory", f"set {each.field('resources.memory')}, as 128Mi")


@check.containers("RES-04", "A container's memory has a limit", check.RELEASED)
def memory_limit(each: check_context.Container) -> check_context.Found:
    """A leak then ends one container, and not its neighbours on the node."""
    yield from _unset(each, "limits", "memory", f"set {each.field('resources.memory')}, as 128Mi")


@check.containers("RES-05", "A container's disk is asked for, and has a limit", check.RELEASED)
def disk(each: check_context.Container) -> check_context.Found:
    """Logs and temporary files fill the node's disk, and a full disk evicts every pod on it."""
    for kind, size in (("requests", "64Mi"), ("limits", "1Gi")):
        yield from _unset(each, kind, "ephemeral-storage", f"set it, as {size}")


@check.containers(
    "RES-06",
    "All memory that a container may use is set aside for it",
    check.advice("a program that seldom needs much may share what is seldom needed"),
)
def memory_set_aside(each: check_context.Container) -> check_context.Found:
    """Memory over the request is borrowed: when the node wants it back, it kills the container."""
    said = each.manifest.get("resources", {})
    asked, most = (said.get(kind, {}).get("memory") for kind in ("requests", "limits"))
    if asked is not None and most is not None and quantity.parse(asked) != quantity.parse(most):
        wrong = f"{asked} are set aside of the {most} that it may use"
        yield each.says("resources.requests.memory", wrong, f"set it to {most}")


@check.whole("RES-08", "The namespace's quota has room for all that may run at once", check.BROKEN)
def quota(seen: check_context.Subject) -> check_context.Found:
    """Autoscalers at their maximum, and the pods that a rollout adds for a moment: what has no room is not started, and
    nobody but an event tells."""
    needed = usage.most(seen)
    filled = {name for each in seen.of("LimitRange") for name in _defaults(each.manifest)}
    for each in seen.of("ResourceQuota"):
        for name, hard in each.manifest["spec"].get("hard", {}).items():
            kind, _, resource = name.rpartition(".") if name.startswith(("requests.", "limits.")) else ("", "", name)
            lacking = [one for one in _unlimited(seen, resource) if resource not in filled] if kind == "limits" else []
            if lacking:
                who = ", ".join(dict.fromkeys(lacking))
                wrong = f"refuses pods without a limit: {who}"
                yield check_context.about(
                    each, f"spec.hard[{name}]", wrong, "set the limit, or take it out of the quota"
                )
            elif needed.get(name, Fraction(0)) > quantity.parse(hard):
                wrong = f"{hard} is less than the {usage.told(name, needed[name])} that all may ask for at once"
                yield check_context.about(each, f"spec.hard[{name}]", wrong, "raise it, or lower a `scale.max`")


def _defaults(manifest: dict[str, Any]) -> list[str]:
    """The limits that a LimitRange gives to a container without."""
    limits = manifest["spec"].get("limits", [])
    return [name for one in limits if one["type"] == "Container" for name in one.get("default", {})]


def _unlimited(seen: check_context.Subject, resource: str) -> list[str]:
    return [
        pod.workload.name
        for pod in seen.pods
        for each in pod.containers
        if resource not in each.manifest.get("resources", {}).get("limits", {})
    ]


def _unset(each: check_context.Container, kind: str, name: str, remedy: str) -> check_context.Found:
    if name not in each.manifest.get("resources", {}).get(kind, {}):
        yield each.says(f"resources.{kind}.{name}", "is not set", remedy)
