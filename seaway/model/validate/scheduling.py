"""The rules about what a container asks of its node, and about which nodes those are."""

import re
from collections.abc import Iterator, Mapping

from seaway.kubernetes.api import quantity
from seaway.model import application
from seaway.model import scheduling as facts
from seaway.model.validate import structure
from seaway.syntax import diagnosis

_TOPOLOGY = re.compile(r"[1-9][0-9]*(x[1-9][0-9]*){1,2}")

Diagnostics = Iterator[diagnosis.Diagnostic]


def check(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """What is wrong with resources and placement, whatever the environment."""
    for path, process in app.get_containers().items():
        yield from _check_limits(process.resources, f"{path}.resources", locations)
        yield from _check_accelerators(process.resources, f"{path}.resources", locations)
    for path, workload in app.get_workloads().items():
        yield from _check_node_selector(workload.node_selector, f"{path}.nodeSelector", locations)
        for number, text in enumerate(workload.tolerations):
            at = f"{path}.tolerations.{number}"
            if facts.parse_toleration(text) is None:
                wrong = f"{diagnosis.quote(text)} is no taint"
                remedy = f"write key=value:Effect or key:Effect; the effects are {', '.join(facts.TAINT_EFFECTS)}"
                yield diagnosis.Diagnostic(locations.find(at), at, wrong, remedy)
        if workload.priority_class is not None and not facts.SUBDOMAIN.fullmatch(workload.priority_class):
            at = f"{path}.priorityClass"
            wrong = f"{diagnosis.quote(workload.priority_class)} is no name of a PriorityClass"
            yield diagnosis.Diagnostic(
                locations.find(at), at, wrong, "write one that `kubectl get priorityclasses` lists"
            )


def _check_limits(resources: application.Resources, path: str, locations: diagnosis.SourceLocations) -> Diagnostics:
    """A limit is not below what is set aside."""
    if resources.cpu_limit is not None:
        at = f"{path}.cpuLimit"
        wrong = [*structure.check_cpu(resources.cpu_limit, at, locations)]
        yield from wrong
        if not wrong and not [*structure.check_cpu(resources.cpu, path, locations)]:
            yield from _check_cpu_limit(resources.cpu_limit, resources.cpu, at, locations)
    yield from structure.check_size(resources.disk, f"{path}.disk", "1Gi", locations)


def _check_cpu_limit(limit: str, request: str, key_path: str, locations: diagnosis.SourceLocations) -> Diagnostics:
    if quantity.parse(limit) < quantity.parse(request):
        wrong = f"{limit} is less than cpu, which is {request}"
        yield diagnosis.Diagnostic(
            locations.find(key_path), key_path, wrong, "write as much or more, or leave it out for no limit"
        )


def _check_accelerators(
    resources: application.Resources, path: str, locations: diagnosis.SourceLocations
) -> Diagnostics:
    """Whole ones, and of one kind: no node has both."""
    if resources.gpu is not None and resources.tpu is not None:
        at = f"{path}.tpu"
        yield diagnosis.Diagnostic(
            locations.find(at), at, "is asked for beside a gpu, and no node has both", "keep one of them"
        )
    for key, chosen in (("gpu", resources.gpu), ("tpu", resources.tpu)):
        if chosen is not None and chosen.count < 1:
            at = f"{path}.{key}.count"
            at = at if at in locations.by_path else f"{path}.{key}"
            yield diagnosis.Diagnostic(
                locations.find(at), at, f"{chosen.count} is none", f"write 1 or more, or remove {key}"
            )
    if resources.gpu is not None and (
        "/" not in resources.gpu.resource or not facts.is_qualified_name(resources.gpu.resource)
    ):
        at = f"{path}.gpu.resource"
        wrong = f"{diagnosis.quote(resources.gpu.resource)} is no name of a device"
        yield diagnosis.Diagnostic(locations.find(at), at, wrong, "write it as nvidia.com/gpu or amd.com/gpu")
    if resources.tpu is not None:
        if not resources.tpu.accelerator or not facts.LABEL_VALUE.fullmatch(resources.tpu.accelerator):
            at = f"{path}.tpu.accelerator"
            wrong = f"{diagnosis.quote(resources.tpu.accelerator)} is no kind of node"
            yield diagnosis.Diagnostic(locations.find(at), at, wrong, "write it as tpu-v5-lite-podslice")
        if not _TOPOLOGY.fullmatch(resources.tpu.topology):
            at = f"{path}.tpu.topology"
            wrong = f"{diagnosis.quote(resources.tpu.topology)} is no arrangement of chips"
            yield diagnosis.Diagnostic(locations.find(at), at, wrong, "write it as 2x4 or 2x2x1")


def _check_node_selector(
    node_selector: Mapping[str, str], path: str, locations: diagnosis.SourceLocations
) -> Diagnostics:
    """Names and values that a node may have."""
    for key, value in node_selector.items():
        at = f"{path}.{key}"
        if not facts.is_qualified_name(key):
            wrong = f"{diagnosis.quote(key)} is no name of a label"
            remedy = "write it as disk or example.com/disk, with letters, digits, -, _ and ."
            yield diagnosis.Diagnostic(locations.find(at), at, wrong, remedy)
        elif not facts.LABEL_VALUE.fullmatch(value):
            wrong = f"{diagnosis.quote(value)} is no value of a label"
            remedy = "use letters, digits, -, _ and ., 63 at most, a letter or digit first and last"
            yield diagnosis.Diagnostic(locations.find(at), at, wrong, remedy)
