"""The rules about what a container asks of its node, and about which nodes those are."""

import re
from collections.abc import Iterator, Mapping

from seaway.kubernetes.api import quantity
from seaway.model import application
from seaway.model.validate import structure
from seaway.syntax import diagnosis

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
"""https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"""

_VALUE = re.compile(r"([a-zA-Z0-9]([-._a-zA-Z0-9]{0,61}[a-zA-Z0-9])?)?")
_SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_TOPOLOGY = re.compile(r"[1-9][0-9]*(x[1-9][0-9]*){1,2}")
_TOLERATION = re.compile(r"(?P<key>[^=:]+)(=(?P<value>[^=:]*))?:(?P<effect>[^=:]+)")

TPU = {"accelerator": "cloud.google.com/gke-tpu-accelerator", "topology": "cloud.google.com/gke-tpu-topology"}
"""Labels of the nodes with tensor processors. https://cloud.google.com/kubernetes-engine/docs/how-to/tpus"""

Found = Iterator[diagnosis.Problem]


def check(app: application.Application, places: diagnosis.Places) -> Found:
    """What is wrong with resources and placement, whatever the environment."""
    for path, process in structure.processes(app).items():
        yield from _limits(process.resources, f"{path}.resources", places)
        yield from _accelerators(process.resources, f"{path}.resources", places)
    for path, workload in structure.workloads(app).items():
        yield from _labels(workload.nodes, f"{path}.nodes", places)
        for number, text in enumerate(workload.tolerates):
            at = f"{path}.tolerates.{number}"
            if toleration(text) is None:
                wrong = f"{diagnosis.quoted(text)} is no taint"
                remedy = f"write key=value:Effect or key:Effect; the effects are {', '.join(EFFECTS)}"
                yield diagnosis.Problem(places.of(at), at, wrong, remedy)
        if workload.priority is not None and not _SUBDOMAIN.fullmatch(workload.priority):
            at = f"{path}.priority"
            wrong = f"{diagnosis.quoted(workload.priority)} is no name of a PriorityClass"
            yield diagnosis.Problem(places.of(at), at, wrong, "write one that `kubectl get priorityclasses` lists")


def toleration(text: str) -> dict[str, str] | None:
    """A taint as pods tolerate it; None for what is none.

    >>> toleration("dedicated=batch:NoSchedule")
    {'key': 'dedicated', 'operator': 'Equal', 'value': 'batch', 'effect': 'NoSchedule'}
    >>> toleration("spot:NoExecute")
    {'key': 'spot', 'operator': 'Exists', 'effect': 'NoExecute'}
    """
    found = _TOLERATION.fullmatch(text)
    if not found or not _qualified(found["key"]) or found["effect"] not in EFFECTS:
        return None
    if found["value"] is None:
        return {"key": found["key"], "operator": "Exists", "effect": found["effect"]}
    if not _VALUE.fullmatch(found["value"]):
        return None
    return {"key": found["key"], "operator": "Equal", "value": found["value"], "effect": found["effect"]}


def _limits(asked: application.Resources, path: str, places: diagnosis.Places) -> Found:
    """A limit is not below what is set aside."""
    if asked.cpu_limit is not None:
        at = f"{path}.cpuLimit"
        wrong = [*structure.cpu(asked.cpu_limit, at, places)]
        yield from wrong
        if not wrong and not [*structure.cpu(asked.cpu, path, places)]:
            yield from _below(asked.cpu_limit, asked.cpu, at, places)
    yield from structure.size(asked.disk, f"{path}.disk", "1Gi", places)


def _below(limit: str, asked: str, at: str, places: diagnosis.Places) -> Found:
    if quantity.parse(limit) < quantity.parse(asked):
        wrong = f"{limit} is less than cpu, which is {asked}"
        yield diagnosis.Problem(places.of(at), at, wrong, "write as much or more, or leave it out for no limit")


def _accelerators(asked: application.Resources, path: str, places: diagnosis.Places) -> Found:
    """Whole ones, and of one kind: no node has both."""
    if asked.gpu is not None and asked.tpu is not None:
        at = f"{path}.tpu"
        yield diagnosis.Problem(
            places.of(at), at, "is asked for beside a gpu, and no node has both", "keep one of them"
        )
    for key, chosen in (("gpu", asked.gpu), ("tpu", asked.tpu)):
        if chosen is not None and chosen.count < 1:
            at = f"{path}.{key}.count"
            at = at if at in places.known else f"{path}.{key}"
            yield diagnosis.Problem(places.of(at), at, f"{chosen.count} is none", f"write 1 or more, or remove {key}")
    if asked.gpu is not None and ("/" not in asked.gpu.resource or not _qualified(asked.gpu.resource)):
        at = f"{path}.gpu.resource"
        wrong = f"{diagnosis.quoted(asked.gpu.resource)} is no name of a device"
        yield diagnosis.Problem(places.of(at), at, wrong, "write it as nvidia.com/gpu or amd.com/gpu")
    if asked.tpu is not None:
        if not asked.tpu.accelerator or not _VALUE.fullmatch(asked.tpu.accelerator):
            at = f"{path}.tpu.accelerator"
            wrong = f"{diagnosis.quoted(asked.tpu.accelerator)} is no kind of node"
            yield diagnosis.Problem(places.of(at), at, wrong, "write it as tpu-v5-lite-podslice")
        if not _TOPOLOGY.fullmatch(asked.tpu.topology):
            at = f"{path}.tpu.topology"
            wrong = f"{diagnosis.quoted(asked.tpu.topology)} is no arrangement of chips"
            yield diagnosis.Problem(places.of(at), at, wrong, "write it as 2x4 or 2x2x1")


def _labels(wanted: Mapping[str, str], path: str, places: diagnosis.Places) -> Found:
    """Names and values that a node may have."""
    for key, value in wanted.items():
        at = f"{path}.{key}"
        if not _qualified(key):
            wrong = f"{diagnosis.quoted(key)} is no name of a label"
            remedy = "write it as disk or example.com/disk, with letters, digits, -, _ and ."
            yield diagnosis.Problem(places.of(at), at, wrong, remedy)
        elif not _VALUE.fullmatch(value):
            wrong = f"{diagnosis.quoted(value)} is no value of a label"
            remedy = "use letters, digits, -, _ and ., 63 at most, a letter or digit first and last"
            yield diagnosis.Problem(places.of(at), at, wrong, remedy)


def _qualified(name: str) -> bool:
    """A name, which may have a DNS name and a / before it.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
    """
    above, slash, own = name.rpartition("/")
    return bool(own) and bool(_VALUE.fullmatch(own)) and (not slash or bool(_SUBDOMAIN.fullmatch(above)))
