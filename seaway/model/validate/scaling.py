"""Rules about the number of pods, and how a pod stops."""

import math
from fractions import Fraction

from seaway.kubernetes.api import quantity
from seaway.model import application, slo
from seaway.model.validate import structure
from seaway.syntax import diagnosis

_TOLERANCE = Fraction(11, 10)
"""An autoscaler starts pods when the use is a tenth above its target.
https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/#algorithm-details"""


def check_workload(workload: application.AnyWorkload, part: diagnosis.Part) -> diagnosis.Diagnostics:
    """The errors in scaling and stopping."""
    if isinstance(workload, application.Service):
        yield from _check_bounds(workload.scale, part.at("scale"))
        yield from _check_targets(workload, part.at("scale"))
        yield from _check_daemon_set(workload, part)
        yield from _check_objectives(workload, part.at("slo"))
        hint = "write the seconds to wait"
        yield from structure.check_minimum(workload.pre_stop_delay, 0, part.at("preStopDelay"), hint)
    if not isinstance(workload, application.Job):
        hint = "write the seconds from SIGTERM to SIGKILL"
        yield from structure.check_minimum(workload.stop_grace_period, 1, part.at("stopGracePeriod"), hint)


def _check_daemon_set(service: application.Service, part: diagnosis.Part) -> diagnosis.Diagnostics:
    """The nodes determine how many pods there are, and spread them."""
    default = application.Service("default")
    differs = {"scale": service.scale != default.scale, "spread": service.spread != default.spread}
    for key, is_changed in differs.items():
        if service.daemon_set and (is_changed or part.is_declared(key)):
            message = "conflicts with daemonSet, which runs a pod on every node"
            yield part.at(key).report("conflicting-keys", message, "remove one of the two")


def _check_objectives(service: application.Service, part: diagnosis.Part) -> diagnosis.Diagnostics:
    objectives = service.slo or application.Slo()
    if objectives.p99 is not None and slo.parse_latency(objectives.p99) is None:
        message = f"{diagnosis.quote(objectives.p99)} is not a valid latency"
        yield part.at("p99").report("invalid-latency", message, "write it as 300ms or 1.5s")
    if objectives.errors is not None and slo.parse_share(objectives.errors) is None:
        message = f"{diagnosis.quote(objectives.errors)} is not a valid share of the requests"
        yield part.at("errors").report("invalid-percentage", message, "write it as 0.1%")


def _check_bounds(scale: application.Scale, part: diagnosis.Part) -> diagnosis.Diagnostics:
    """A fixed number may be 0, for a service that is switched off. An autoscaler has a range from 1 on."""
    minimum = 0 if scale.max is None else 1
    yield from structure.check_minimum(scale.min, minimum, part.at_declared("min"), "write the number of pods")
    if scale.max is not None and scale.max <= scale.min and scale.min >= 1 and not part.has_undecoded("min"):
        message = f"{scale.max} is not above min, which is {scale.min}"
        hint = "write more, or remove max for a fixed number"
        yield part.at("max").report("conflicting-keys", message, hint)


def _check_targets(service: application.Service, part: diagnosis.Part) -> diagnosis.Diagnostics:
    """A target is a percentage of the request, and low enough that the use can exceed it."""
    for key, target in (("cpu", service.scale.cpu), ("memory", service.scale.memory)):
        if target is None:
            continue
        if service.scale.max is None and not part.has_undecoded("max"):
            message = f"{diagnosis.quote(target)} is the target of an autoscaler, which needs max"
            yield part.at(key).report("no-effect", message, "add `max:`, or remove it")
        percent, max_percent = quantity.parse_percent(target), _get_max_target(service.resources, key)
        if percent is None:
            message = f"{diagnosis.quote(target)} is not a valid percentage of the request"
            yield part.at(key).report("invalid-percentage", message, "write it as 70%")
        elif max_percent is not None and percent > max_percent:
            limit = "resources.memory" if key == "memory" else "resources.cpuLimit"
            message = f"pods start at a tenth above {target}, but {limit} limits the use below that"
            hint = f"write at most {max_percent}%" if max_percent else "raise the limit"
            yield part.at(key).report("unreachable-target", message, hint)


def _get_max_target(resources: application.Resources, key: str) -> int | None:
    """The highest percentage that the use can exceed by the tolerance; None: no limit, or an invalid quantity."""
    if key == "memory":
        return math.floor(100 / _TOLERANCE)
    try:
        request, limit = quantity.parse(resources.cpu), quantity.parse(resources.cpu_limit or "")
    except ValueError:
        return None
    return math.floor(100 * limit / request / _TOLERANCE) if request else None
