"""Rules about resources, accelerators and the nodes that a pod may run on."""

import re
from collections.abc import Iterator, Mapping

from seaway.kubernetes.api import quantity
from seaway.model import application
from seaway.model import scheduling as model_scheduling
from seaway.model.validate import structure
from seaway.syntax import diagnosis

_TOPOLOGY = re.compile(r"[1-9][0-9]*(x[1-9][0-9]*){1,2}")

Diagnostics = Iterator[diagnosis.Diagnostic]


def check(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """The errors in resources and scheduling."""
    for path, container_spec in app.get_containers().items():
        yield from _check_limits(container_spec.resources, f"{path}.resources", locations)
        yield from _check_accelerators(container_spec.resources, f"{path}.resources", locations)
    for path, workload in app.get_workloads().items():
        yield from _check_node_selector(workload.node_selector, f"{path}.nodeSelector", locations)
        for index, text in enumerate(workload.tolerations):
            if model_scheduling.parse_toleration(text) is None:
                message = f"{diagnosis.quote(text)} is not a valid taint"
                hint = (
                    f"write key=value:Effect or key:Effect; the effects are {', '.join(model_scheduling.TAINT_EFFECTS)}"
                )
                yield locations.report(f"{path}.tolerations.{index}", "invalid-toleration", message, hint)
        if workload.priority_class is not None and not model_scheduling.SUBDOMAIN.fullmatch(workload.priority_class):
            message = f"{diagnosis.quote(workload.priority_class)} is not a valid name of a PriorityClass"
            hint = "write a name that `kubectl get priorityclasses` lists"
            yield locations.report(f"{path}.priorityClass", "invalid-name", message, hint)


def _check_limits(resources: application.Resources, path: str, locations: diagnosis.SourceLocations) -> Diagnostics:
    limit, request = resources.cpu_limit, resources.cpu
    if limit is not None:
        errors = [*structure.check_cpu(limit, f"{path}.cpuLimit", locations)]
        yield from errors
        is_valid = not errors and not [*structure.check_cpu(request, path, locations)]
        if is_valid and quantity.parse(limit) < quantity.parse(request):
            message = f"{limit} is below cpu, which is {request}"
            hint = "write at least as much, or remove it for no limit"
            yield locations.report(f"{path}.cpuLimit", "conflicting-keys", message, hint)
    yield from structure.check_size(resources.disk, f"{path}.disk", "1Gi", locations)


def _check_accelerators(
    resources: application.Resources, path: str, locations: diagnosis.SourceLocations
) -> Diagnostics:
    """Accelerators are whole and of one type: no node has both."""
    gpu, tpu = resources.gpu, resources.tpu
    if gpu is not None and tpu is not None:
        message = "no node has both a gpu and a tpu"
        yield locations.report(f"{path}.tpu", "conflicting-keys", message, "keep one of them")
    for key, accelerator in (("gpu", gpu), ("tpu", tpu)):
        if accelerator is not None:
            key_path = f"{path}.{key}.count" if f"{path}.{key}.count" in locations.by_path else f"{path}.{key}"
            yield from structure.check_minimum(
                accelerator.count, 1, key_path, f"remove {key}, or write a number", locations
            )
    if gpu is not None and ("/" not in gpu.resource or not model_scheduling.is_qualified_name(gpu.resource)):
        message = f"{diagnosis.quote(gpu.resource)} is not a valid name of a device"
        yield locations.report(
            f"{path}.gpu.resource", "invalid-name", message, "write it as nvidia.com/gpu or amd.com/gpu"
        )
    if tpu is not None and not (tpu.accelerator and model_scheduling.LABEL_VALUE.fullmatch(tpu.accelerator)):
        message = f"{diagnosis.quote(tpu.accelerator)} is not a valid accelerator type"
        yield locations.report(f"{path}.tpu.accelerator", "invalid-name", message, "write it as tpu-v5-lite-podslice")
    if tpu is not None and not _TOPOLOGY.fullmatch(tpu.topology):
        message = f"{diagnosis.quote(tpu.topology)} is not a valid topology"
        yield locations.report(f"{path}.tpu.topology", "invalid-value", message, "write it as 2x4 or 2x2x1")


def _check_node_selector(
    node_selector: Mapping[str, str], path: str, locations: diagnosis.SourceLocations
) -> Diagnostics:
    for name, label in node_selector.items():
        if not model_scheduling.is_qualified_name(name):
            message = f"{diagnosis.quote(name)} is not a valid label name"
            hint = "write it as disk or example.com/disk, with letters, digits, -, _ and ."
            yield locations.report(f"{path}.{name}", "invalid-label", message, hint)
        elif not model_scheduling.LABEL_VALUE.fullmatch(label):
            message = f"{diagnosis.quote(label)} is not a valid label value"
            hint = "use at most 63 letters, digits, -, _ and .; begin and end with a letter or a digit"
            yield locations.report(f"{path}.{name}", "invalid-label", message, hint)
