"""Rules about the number of pods, and how a pod stops."""

import math
from collections.abc import Iterator
from fractions import Fraction

from seaway.kubernetes.api import quantity
from seaway.model import application
from seaway.model.validate import structure
from seaway.syntax import diagnosis

_TOLERANCE = Fraction(11, 10)
"""An autoscaler starts pods when the use is a tenth above its target.
https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/#algorithm-details"""

Diagnostics = Iterator[diagnosis.Diagnostic]


def check(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """The errors in scaling and stopping."""
    for service in app.services:
        path = f"services.{service.name}"
        yield from _check_bounds(service.scale, f"{path}.scale", locations)
        yield from _check_targets(service, f"{path}.scale", locations)
        yield from _check_daemon_set(service, path, locations)
        hint = "write the seconds to wait"
        yield from structure.check_minimum(service.pre_stop_delay, 0, f"{path}.preStopDelay", hint, locations)
    for kind, workloads in (("services", app.services), ("stores", app.stores)):
        for workload in workloads:
            path, hint = f"{kind}.{workload.name}.stopGracePeriod", "write the seconds from SIGTERM to SIGKILL"
            yield from structure.check_minimum(workload.stop_grace_period, 1, path, hint, locations)


def _check_daemon_set(service: application.Service, path: str, locations: diagnosis.SourceLocations) -> Diagnostics:
    """The nodes determine how many pods there are, and spread them."""
    default = application.Service("default")
    differs = {"scale": service.scale != default.scale, "spread": service.spread != default.spread}
    for key, is_changed in differs.items():
        key_path = f"{path}.{key}"
        if service.daemon_set and (is_changed or key_path in locations.by_path):
            message = "conflicts with daemonSet, which runs a pod on every node"
            yield locations.report(key_path, "conflicting-keys", message, "remove one of the two")


def _check_bounds(scale: application.Scale, path: str, locations: diagnosis.SourceLocations) -> Diagnostics:
    """A service has at least one pod, and an autoscaler a range."""
    min_path = f"{path}.min" if f"{path}.min" in locations.by_path else path
    yield from structure.check_minimum(scale.min, 1, min_path, "write the number of pods", locations)
    if (
        scale.max is not None
        and scale.max <= scale.min
        and scale.min >= 1
        and not locations.has_undecoded(f"{path}.min")
    ):
        message = f"{scale.max} is not above min, which is {scale.min}"
        hint = "write more, or remove max for a fixed number"
        yield locations.report(f"{path}.max", "conflicting-keys", message, hint)


def _check_targets(service: application.Service, path: str, locations: diagnosis.SourceLocations) -> Diagnostics:
    """A target is a percentage of the request, and low enough that the use can exceed it."""
    for key, target in (("cpu", service.scale.cpu), ("memory", service.scale.memory)):
        key_path = f"{path}.{key}"
        if target is None:
            continue
        if service.scale.max is None and not locations.has_undecoded(f"{path}.max"):
            message = f"{diagnosis.quote(target)} is the target of an autoscaler, which needs max"
            yield locations.report(key_path, "no-effect", message, "add `max:`, or remove it")
        percent, max_percent = quantity.parse_percent(target), _get_max_target(service.resources, key)
        if percent is None:
            message = f"{diagnosis.quote(target)} is not a valid percentage of the request"
            yield locations.report(key_path, "invalid-percentage", message, "write it as 70%")
        elif max_percent is not None and percent > max_percent:
            limit = "resources.memory" if key == "memory" else "resources.cpuLimit"
            message = f"pods start at a tenth above {target}, but {limit} limits the use below that"
            hint = f"write at most {max_percent}%" if max_percent else "raise the limit"
            yield locations.report(key_path, "unreachable-target", message, hint)


def _get_max_target(resources: application.Resources, key: str) -> int | None:
    """The highest percentage that the use can exceed by the tolerance; None: no limit, or an invalid quantity."""
    if key == "memory":
        return math.floor(100 / _TOLERANCE)
    try:
        request, limit = quantity.parse(resources.cpu), quantity.parse(resources.cpu_limit or "")
    except ValueError:
        return None
    return math.floor(100 * limit / request / _TOLERANCE) if request else None
