"""Runs the rows of `seaway test` on a deployed application."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence

from seaway import errors
from seaway.acceptance import (
    availability,
    communication,
    deployment,
    measurement,
    performance,
    probe,
    results,
    security,
)
from seaway.kubernetes.api import kinds, unstructured
from seaway.kubernetes.cluster import snapshot
from seaway.manifests import names
from seaway.model import application
from seaway.rollout import addresses

Report = Callable[[str], None]
"""Receives a line about the progress."""

_NO_POD = ("no pod of it is ready", "for the reason: seaway status")

_Key = tuple[str, str]
"""A workload, and a container of its pod."""


async def run_probes(
    tested: deployment.Deployment, rows: Sequence[results.Row], image: str, report: Report
) -> list[results.Result]:
    """The rows that disturb nothing: probes in the pods that run."""
    containers: dict[_Key, tuple[snapshot.Object, str]] = {}
    for name, pod in tested.pods.items():
        running = _list_containers(pod) if "security" in rows else [name]
        containers |= {(name, container): (pod, container) for container in running}
    report(f"starting {len(containers)} probes in {len(tested.pods)} pods, with image {image}")
    results_ = [result for row in rows for result in _list_untried(tested, row)]
    async with probe.open_all(tested.cluster, containers, image) as starts:
        probes = {key: start for key, start in starts.items() if isinstance(start, probe.Probe)}
        for (name, _), start in starts.items():
            if isinstance(start, errors.Unavailable):
                results_ += [results.fail(row, name, "no-probe", str(start)) for row in rows]
        if "communication" in rows:
            report("communication: trying every link and every other pair")
            main_probes = {name: own for (name, container), own in probes.items() if container == name}
            results_ += await communication.run(tested, main_probes)
        if "security" in rows:
            report("security: trying to escape from every container")
            results_ += await _run_security(tested, probes)
    return results_


def _list_untried(tested: deployment.Deployment, row: results.Row) -> Iterator[results.Result]:
    """The workloads that have no pod to try anything from."""
    for name, workload in tested.workloads.items():
        if isinstance(workload, application.Service) and workload.scale.min == 0:
            yield results.skip(row, name, "no-pod", f"{name} is switched off: `scale: 0`")
        elif name not in tested.pods:
            yield results.fail(row, name, "no-pod", *_NO_POD)
    for job in tested.environment.app.jobs:
        yield results.skip(row, job.name, "job", f"{job.name} is a job, whose pods run only at times")


async def may_disturb(tested: deployment.Deployment) -> bool:
    """Whether the namespace, or the record where it may not be read, permits to disturb the application."""
    recorded = tested.environment.settings.test.disturb
    try:
        manifest = await tested.cluster.get(kinds.build_path("Namespace", name=tested.environment.namespace))
    except errors.Forbidden:
        return recorded
    return recorded and unstructured.get_annotation(manifest, names.DISTURB_ANNOTATION) != "false"


async def run_disturbing(
    tested: deployment.Deployment,
    rows: Sequence[results.Row],
    image: str,
    limits: performance.LoadLimits,
    report: Report,
) -> list[results.Result]:
    """The rows that delete pods and send load: one service after the other."""
    published = await addresses.read_addresses(
        tested.cluster,
        tested.environment.namespace,
        app_name=tested.environment.app.name,
        stack=tested.environment.settings.stack,
    )
    results_: list[results.Result] = []
    for service in tested.environment.app.services:
        if service.port is None or service.protocol == "udp" or service.scale.min == 0:
            continue
        if service.name not in tested.pods:
            results_ += [results.fail(row, service.name, "no-pod", *_NO_POD) for row in rows]
            continue
        try:
            source = measurement.open_source(tested, service, published.get(service.name, ()), image)
            async with source as opened:
                results_ += await _measure(tested, service, opened, rows, limits, report)
        except errors.Unavailable as error:
            done = {result.row for result in results_ if result.workload == service.name}
            results_ += [results.fail(row, service.name, "not-measured", str(error)) for row in rows if row not in done]
        tested = await tested.refresh()
    return results_


async def _measure(  # noqa: PLR0917 - as run_disturbing
    tested: deployment.Deployment,
    service: application.Service,
    source: measurement.Source,
    rows: Sequence[results.Row],
    limits: performance.LoadLimits,
    report: Report,
) -> list[results.Result]:
    results_: list[results.Result] = []
    if "performance" in rows:
        report(f"performance: {service.name} under load for {limits.seconds} s, {source.description}")
        results_.append(await performance.run(service, source, limits))
    if "availability" in rows:
        report(f"availability: deleting a pod of {service.name}, then restarting it, {source.description}")
        results_ += await availability.run(tested, service, source)
    return results_


async def _run_security(tested: deployment.Deployment, probes: Mapping[_Key, probe.Probe]) -> list[results.Result]:
    async def run(name: str, container: str, own_probe: probe.Probe) -> list[results.Result]:
        try:
            return await security.run(tested.workloads[name], container, tested.pods[name], own_probe)
        except errors.Unavailable as error:
            return [results.fail("security", name, "no-probe", str(error))]

    judged = await asyncio.gather(*(run(name, container, own) for (name, container), own in probes.items()))
    return [result for several in judged for result in several]


def _list_containers(pod: snapshot.Object) -> list[str]:
    """The containers of a pod that run."""
    keys = ("containers", "initContainers")
    names = [container["name"] for key in keys for container in unstructured.get_list(pod, "spec", key)]
    return [name for name in names if "running" in unstructured.get_container_state(pod, name)]
