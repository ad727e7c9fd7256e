"""The rules about how many pods there are, and how one goes."""

import math
from collections.abc import Iterator
from fractions import Fraction

from seaway.kubernetes.api import quantity
from seaway.model import application
from seaway.syntax import diagnosis

_TOLERANCE = Fraction(11, 10)
"""An autoscaler starts pods when what is in use is a tenth above what it keeps to.
https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/#algorithm-details"""

Diagnostics = Iterator[diagnosis.Diagnostic]


def check(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """What is wrong with the numbers of pods and with their ends, whatever the environment."""
    for service in app.services:
        path = f"services.{service.name}"
        yield from _check_bounds(service.scale, f"{path}.scale", locations)
        yield from _check_targets(service, f"{path}.scale", locations)
        yield from _check_daemon_set(service, path, locations)
        if service.pre_stop_delay < 0:
            wrong = f"{service.pre_stop_delay} is no time to wait"
            yield diagnosis.Diagnostic(
                locations.find(f"{path}.preStopDelay"), f"{path}.preStopDelay", wrong, "write seconds, or 0 for none"
            )
    for kind, ones in (("services", app.services), ("stores", app.stores)):
        for one in ones:
            if one.stop_grace_period < 1:
                at = f"{kind}.{one.name}.stopGracePeriod"
                wrong = f"{one.stop_grace_period} is no time to end"
                remedy = "write the seconds from SIGTERM to SIGKILL, 1 at least"
                yield diagnosis.Diagnostic(locations.find(at), at, wrong, remedy)


def _check_daemon_set(service: application.Service, path: str, locations: diagnosis.SourceLocations) -> Diagnostics:
    """The nodes say how many pods there are, and each is on another one."""
    default = application.Service("default")
    for key, said in (("scale", service.scale != default.scale), ("spread", service.spread != default.spread)):
        at = f"{path}.{key}"
        if service.daemon_set and (said or at in locations.by_path):
            wrong = "is said beside daemonSet, which is one pod on every node"
            yield diagnosis.Diagnostic(locations.find(at), at, wrong, "remove one of the two")


def _check_bounds(scale: application.Scale, path: str, locations: diagnosis.SourceLocations) -> Diagnostics:
    """A service runs, and an autoscaler has a choice."""
    if scale.min < 1:
        at = f"{path}.min" if f"{path}.min" in locations.by_path else path
        yield diagnosis.Diagnostic(locations.find(at), at, f"{scale.min} pods serve nobody", "write 1 or more")
    elif scale.max is not None and scale.max <= scale.min and not locations.has_undecoded(f"{path}.min"):
        wrong = f"{scale.max} is not more than min, which is {scale.min}"
        remedy = "write more, or leave max out for a fixed number"
        yield diagnosis.Diagnostic(locations.find(f"{path}.max"), f"{path}.max", wrong, remedy)


def _check_targets(service: application.Service, path: str, locations: diagnosis.SourceLocations) -> Diagnostics:
    """A share of what is set aside, that can be passed: only above it more pods are started."""
    for key, said in (("cpu", service.scale.cpu), ("memory", service.scale.memory)):
        at = f"{path}.{key}"
        if said is None:
            continue
        if service.scale.max is None and not locations.has_undecoded(f"{path}.max"):
            wrong = f"{diagnosis.quote(said)} is for an autoscaler, and without max there is none"
            yield diagnosis.Diagnostic(locations.find(at), at, wrong, "add `max:`, or remove it")
        number, most = quantity.parse_percent(said), _get_max_target(service.resources, key)
        if number is None:
            wrong = f"{diagnosis.quote(said)} is no percentage of what is set aside"
            yield diagnosis.Diagnostic(locations.find(at), at, wrong, "write it as 70%")
        elif most is not None and number > most:
            limit = "resources.memory" if key == "memory" else "resources.cpuLimit"
            wrong = f"{said} is never passed by a tenth, which is what starts pods, since {limit} is the limit"
            yield diagnosis.Diagnostic(
                locations.find(at), at, wrong, f"write {most}% at most" if most else "raise the limit"
            )


def _get_max_target(resources: application.Resources, key: str) -> int | None:
    """The highest share that can be passed by so much; None: there is no limit, or nobody can tell."""
    if key == "memory":
        return math.floor(100 / _TOLERANCE)
    try:
        given, limit = quantity.parse(resources.cpu), quantity.parse(resources.cpu_limit or "")
    except ValueError:
        return None
    return math.floor(100 * limit / given / _TOLERANCE) if given else None
