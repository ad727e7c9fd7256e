"""The order of the rollouts: stores, jobs, services, late jobs, except where ``dependsOn`` needs another one."""

import enum
import graphlib
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from seaway.model import application


class Phase(enum.IntEnum):
    """When an object is created. A phase begins when the previous one is healthy."""

    foundation = 0
    """Objects that start no pod: namespace, accounts, configuration, secrets, Services, budgets."""
    store = 1
    job = 2
    service = 3
    late_job = 4


class Position(NamedTuple):
    """When a workload is rolled out. Each step waits until the step before it is healthy, and its jobs are complete."""

    phase: Phase
    order: int
    """The step within the phase: 0, or one more than the last dependency in the same phase."""


def get_default_phase(workload: application.AnyWorkload) -> Phase:
    """The phase of a workload that nothing depends on."""
    match workload:
        case application.Store():
            return Phase.store
        case application.Job(schedule=None, run="before-rollout"):
            return Phase.job
        case application.Job(schedule=None, run="after-rollout"):
            return Phase.late_job
        case _:
            return Phase.service


def plan_positions(app: application.Application) -> Mapping[str, Position]:
    """The position of each workload by name.

    A dependency is rolled out no later than its dependents: a service that a store depends on moves to the phase of the
    stores. All other workloads stay where they are. The rules have refused cycles. Names that the application does not
    deploy are ignored: those of external stores, and a rollback leaves out the jobs of a release.
    """
    stores = [store for store in app.stores if store.external is None]
    workloads = {workload.name: workload for workload in (*stores, *app.jobs, *app.services)}
    graph = {
        name: [target for target in workload.depends_on if target in workloads] for name, workload in workloads.items()
    }
    phases = {name: get_default_phase(workload) for name, workload in workloads.items()}
    dependencies_first = list(graphlib.TopologicalSorter(graph).static_order())
    for name in reversed(dependencies_first):
        for target in graph[name]:
            phases[target] = min(phases[target], phases[name])
    orders: dict[str, int] = {}
    for name in dependencies_first:
        orders[name] = max((orders[target] + 1 for target in graph[name] if phases[target] == phases[name]), default=0)
    return {name: Position(phases[name], orders[name]) for name in workloads}


def find_name_cycles(dependencies: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, ...]]:
    """Names that depend on each other, as ``(a, b, a)``: cycles without a common name.

    A name that depends on itself is not a cycle.
    """
    graph = {name: [target for target in targets if target != name] for name, targets in dependencies.items()}
    while True:
        try:
            graphlib.TopologicalSorter(graph).prepare()
        except graphlib.CycleError as error:
            cycle: list[str] = error.args[1][:0:-1]  # the last name repeats the first one
            first = min(cycle, key=list(graph).index)
            start = cycle.index(first)
            yield (*cycle[start:], *cycle[:start], first)
            graph = {name: targets for name, targets in graph.items() if name not in cycle}
        else:
            return
