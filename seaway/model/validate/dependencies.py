"""The rules about ``dependsOn``.

``calls`` says nothing about an order: two services may call each other, and a client retries.
"""

import itertools
from collections.abc import Iterator

from seaway.model import application, rollout_order
from seaway.syntax import decode, diagnosis

_KINDS = ("services", "stores", "jobs")


def check(app: application.Application, locations: diagnosis.SourceLocations) -> Iterator[diagnosis.Diagnostic]:
    """Each target exists, completes before its dependents start, and depends on none of them."""
    workloads = {workload.name: workload for workload in app.get_workloads().values()}
    for path, workload in app.get_workloads().items():
        for number, target in enumerate(workload.depends_on):
            target_path = f"{path}.dependsOn.{number}"
            if target in workload.depends_on[:number]:
                message = f"{target} is in the list twice"
                yield locations.report(target_path, "duplicate-name", message, "remove one of the two")
            elif target == workload.name:
                yield locations.report(target_path, "dependency-cycle", f"{target} depends on itself", "remove it")
            elif target in workloads:
                yield from _check_target(workload, workloads[target], target_path, locations)
            elif not locations.has_undecoded(*(f"{kind}{end}" for kind in _KINDS for end in ("", f".{target}"))):
                message = f"there is no service, store or job {diagnosis.quote(target)}"
                hint = decode.suggest_name(target, [name for name in workloads if name != workload.name])
                yield locations.report(target_path, "unknown-workload", message, hint)
    yield from _check_cycles(app, locations)


def _check_cycles(app: application.Application, locations: diagnosis.SourceLocations) -> Iterator[diagnosis.Diagnostic]:
    """Also cycles through shared volumes: a pod that shares one waits for the node of the store."""
    workloads = {workload.name: (path, workload) for path, workload in app.get_workloads().items()}
    targets = {
        name: (*workload.depends_on, *(shared.store for shared in workload.shared_volumes))
        for name, (_, workload) in workloads.items()
    }
    for cycle in rollout_order.find_name_cycles(targets):
        for name, target in itertools.pairwise(cycle):
            path, workload = workloads[name]
            if target in workload.depends_on:  # a cycle of shared volumes only is reported with the volumes
                key_path = f"{path}.dependsOn.{workload.depends_on.index(target)}"
                message = f"{' -> '.join(cycle)} depend on each other, so none of them could start"
                hint = "remove one of these; `calls` needs no order"
                yield locations.report(key_path, "dependency-cycle", message, hint)
                break


def _check_target(
    workload: application.AnyWorkload,
    target: application.AnyWorkload,
    path: str,
    locations: diagnosis.SourceLocations,
) -> Iterator[diagnosis.Diagnostic]:
    if not isinstance(target, application.Job):
        return
    if target.schedule is not None or target.run == "on-demand":
        message = f"{target.name} is a job that no rollout runs"
        hint = f"remove it, or make {target.name} a job with `run: before-rollout`"
        yield locations.report(path, "invalid-dependency", message, hint)
    elif target.run == "after-rollout" and rollout_order.get_default_phase(workload) != "late_job":
        message = f"{target.name} runs after all services"
        yield locations.report(
            path, "invalid-dependency", message, f"write `run: before-rollout` in jobs.{target.name}"
        )
