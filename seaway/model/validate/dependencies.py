"""The rules about ``dependsOn``.

``calls`` says nothing about an order: two services may call each other, and a client retries.
"""

import itertools

from seaway.model import application, rollout_order
from seaway.model.validate import parts
from seaway.syntax import decode, diagnosis


def check(app: application.Application, locations: diagnosis.SourceLocations) -> diagnosis.Diagnostics:
    """Each target exists, completes before its dependents start, and depends on none of them."""
    workloads = {workload.name: workload for workload in app.get_workloads().values()}
    for workload, part in parts.list_workloads(app, locations):
        for number, target in enumerate(workload.depends_on):
            target_part = part.at("dependsOn", number)
            if target in workload.depends_on[:number]:
                yield target_part.report("duplicate-name", f"{target} is in the list twice", "remove one of the two")
            elif target == workload.name:
                yield target_part.report("dependency-cycle", f"{target} depends on itself", "remove it")
            elif target in workloads:
                yield from _check_target(workload, workloads[target], target_part)
            elif not parts.has_undecoded_workload(locations, target, *parts.KINDS):
                message = f"there is no service, store or job {diagnosis.quote(target)}"
                hint = decode.suggest_name(target, [name for name in workloads if name != workload.name])
                yield target_part.report("unknown-workload", message, hint)
    yield from _check_cycles(app, locations)


def _check_cycles(app: application.Application, locations: diagnosis.SourceLocations) -> diagnosis.Diagnostics:
    """Also cycles through shared volumes: a pod that shares one waits for the node of the store."""
    workloads = {workload.name: (workload, part) for workload, part in parts.list_workloads(app, locations)}
    targets = {
        name: (*workload.depends_on, *(shared.store for shared in workload.shared_volumes))
        for name, (workload, _) in workloads.items()
    }
    for cycle in rollout_order.find_name_cycles(targets):
        for name, target in itertools.pairwise(cycle):
            workload, part = workloads[name]
            if target in workload.depends_on:  # a cycle of shared volumes only is reported with the volumes
                message = f"{' -> '.join(cycle)} depend on each other, so none of them could start"
                hint = "remove one of these; `calls` needs no order"
                target_part = part.at("dependsOn", workload.depends_on.index(target))
                yield target_part.report("dependency-cycle", message, hint)
                break


def _check_target(
    workload: application.AnyWorkload, target: application.AnyWorkload, part: diagnosis.Part
) -> diagnosis.Diagnostics:
    if not isinstance(target, application.Job):
        return
    if target.schedule is not None or target.run == "on-demand":
        message = f"{target.name} is a job that no rollout runs"
        hint = f"remove it, or make {target.name} a job with `run: before-rollout`"
        yield part.report("invalid-dependency", message, hint)
    elif target.run == "after-rollout" and rollout_order.get_default_phase(workload) != rollout_order.Phase.late_job:
        hint = f"write `run: before-rollout` in jobs.{target.name}"
        yield part.report("invalid-dependency", f"{target.name} runs after all services", hint)
