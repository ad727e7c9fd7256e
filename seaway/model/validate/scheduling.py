"""Rules about resources, accelerators and the nodes that a pod may run on."""

import re
from collections.abc import Mapping

from seaway.kubernetes.api import quantity
from seaway.model import application, scheduling
from seaway.model.validate import structure
from seaway.syntax import diagnosis

_TOPOLOGY = re.compile(r"[1-9][0-9]*(x[1-9][0-9]*){1,2}")


def check_workload(workload: application.AnyWorkload, part: diagnosis.Part) -> diagnosis.Diagnostics:
    """The errors in resources and scheduling."""
    for path, container_spec in workload.get_containers(part.path).items():
        resources_part = part.locations.at(path).at("resources")
        yield from _check_limits(container_spec.resources, resources_part)
        yield from _check_accelerators(container_spec.resources, resources_part)
    yield from _check_node_selector(workload.node_selector, part.at("nodeSelector"))
    for index, text in enumerate(workload.tolerations):
        if scheduling.parse_toleration(text) is None:
            message = f"{diagnosis.quote(text)} is not a valid taint"
            hint = f"write key=value:Effect or key:Effect; the effects are {', '.join(scheduling.TAINT_EFFECTS)}"
            yield part.at("tolerations", index).report("invalid-toleration", message, hint)
    if workload.priority_class is not None and not scheduling.SUBDOMAIN.fullmatch(workload.priority_class):
        message = f"{diagnosis.quote(workload.priority_class)} is not a valid name of a PriorityClass"
        hint = "write a name that `kubectl get priorityclasses` lists"
        yield part.at("priorityClass").report("invalid-name", message, hint)


def _check_limits(resources: application.Resources, part: diagnosis.Part) -> diagnosis.Diagnostics:
    limit, request = resources.cpu_limit, resources.cpu
    if limit is not None:
        errors = [*structure.check_cpu(limit, part.at("cpuLimit"))]
        yield from errors
        is_valid = not errors and not [*structure.check_cpu(request, part)]
        if is_valid and quantity.parse(limit) < quantity.parse(request):
            message = f"{limit} is below cpu, which is {request}"
            hint = "write at least as much, or remove it for no limit"
            yield part.at("cpuLimit").report("conflicting-keys", message, hint)
    yield from structure.check_size(resources.disk, part.at("disk"), "1Gi")


def _check_accelerators(resources: application.Resources, part: diagnosis.Part) -> diagnosis.Diagnostics:
    """Accelerators are whole and of one type: no node has both."""
    gpu, tpu = resources.gpu, resources.tpu
    if gpu is not None and tpu is not None:
        yield part.at("tpu").report("conflicting-keys", "no node has both a gpu and a tpu", "keep one of them")
    for key, accelerator in (("gpu", gpu), ("tpu", tpu)):
        if accelerator is not None:
            count_part = part.at(key).at_declared("count")
            yield from structure.check_minimum(accelerator.count, 1, count_part, f"remove {key}, or write a number")
    if gpu is not None and ("/" not in gpu.resource or not scheduling.is_qualified_name(gpu.resource)):
        message = f"{diagnosis.quote(gpu.resource)} is not a valid name of a device"
        yield part.at("gpu", "resource").report("invalid-name", message, "write it as nvidia.com/gpu or amd.com/gpu")
    if tpu is not None and not (tpu.accelerator and scheduling.LABEL_VALUE.fullmatch(tpu.accelerator)):
        message = f"{diagnosis.quote(tpu.accelerator)} is not a valid accelerator type"
        yield part.at("tpu", "accelerator").report("invalid-name", message, "write it as tpu-v5-lite-podslice")
    if tpu is not None and not _TOPOLOGY.fullmatch(tpu.topology):
        message = f"{diagnosis.quote(tpu.topology)} is not a valid topology"
        yield part.at("tpu", "topology").report("invalid-value", message, "write it as 2x4 or 2x2x1")


def _check_node_selector(node_selector: Mapping[str, str], part: diagnosis.Part) -> diagnosis.Diagnostics:
    for name, label in node_selector.items():
        if not scheduling.is_qualified_name(name):
            message = f"{diagnosis.quote(name)} is not a valid label name"
            hint = "write it as disk or example.com/disk, with letters, digits, -, _ and ."
            yield part.at(name).report("invalid-label", message, hint)
        elif not scheduling.LABEL_VALUE.fullmatch(label):
            message = f"{diagnosis.quote(label)} is not a valid label value"
            hint = "use at most 63 letters, digits, -, _ and .; begin and end with a letter or a digit"
            yield part.at(name).report("invalid-label", message, hint)
