"""``seaway:index:Rollout``: waits until a step of workloads is healthy, and fails with the cause if it cannot be."""

import datetime
from collections.abc import Iterator, Mapping
from typing import ClassVar

from seaway.kubernetes.cluster import reflector, snapshot
from seaway.rollout import evidence, health, routes, status, target, workload_health

from . import disk_growth, resource, rollout_watch, values

WORKLOADS, SOURCES, SIZES = "workloads", "sources", "sizes"


class Rollout(resource.ClusterResource):
    """Waits for workloads.

    Inputs: ``workloads``, mappings with the fields of target.Target, and ``version``, which changes with the pods;
    ``sources``, see ``hints.collect_sources``: a moved line is no change of the resource; and ``sizes`` of the disks of
    stores, see ``disk_growth``, which are compared with the cluster.
    """

    inputs: ClassVar[Mapping[str, type]] = {"namespace": str, WORKLOADS: list, SOURCES: dict, SIZES: dict}

    async def diff(self, state: resource.State, inputs: values.Properties) -> resource.Diff:
        """Also reads the cluster: after a failed rollout, reverted inputs equal those of the last success."""
        growths = await self._find_growth(inputs)
        for line in (line for growth in growths for line in growth.format_lines()):
            await self._log.info(line)
        if growths or resource.find_changed_inputs(state, {name: inputs[name] for name in ("namespace", WORKLOADS)}):
            return resource.Diff(changed=[WORKLOADS])
        incomplete = await self._find_incomplete(inputs)
        for workload in incomplete:
            owner = workload.target.owner
            await self._log.info(f"{owner} is not healthy now: {workload.summary.removeprefix(owner).strip()}")
        return resource.Diff(changed=[WORKLOADS] if incomplete else [])

    async def create(self, inputs: values.Properties, *, preview: bool) -> resource.State:
        return await self.update(resource.State(id="", outputs={}), inputs, preview=preview)

    async def update(self, state: resource.State, inputs: values.Properties, *, preview: bool) -> resource.State:
        namespace = inputs["namespace"]
        if not preview:
            await self._lost_state.remove_former_fields(self._log)
            await disk_growth.grow(self._cluster, await self._find_growth(inputs), self._log)
            finished = _list_finished(state, inputs)
            targets = _parse_targets(inputs)
            await rollout_watch.RolloutWatch(self._cluster, namespace, targets, self._log, finished).wait()
        return resource.State(id="" if namespace is values.UNKNOWN else str(namespace), outputs=inputs)

    async def _find_growth(self, inputs: values.Properties) -> list[disk_growth.StoreGrowth]:
        return await disk_growth.find_growth(self._cluster, inputs["namespace"], inputs[SIZES])

    async def _find_incomplete(self, inputs: values.Properties) -> list[workload_health.WorkloadHealth]:
        """The workloads that are not complete now. Those of the inputs were, in the last update.

        Usually all are, which their own objects show. The other objects are read only to find the cause. Nothing is
        cached between two calls: another step may have changed the objects.
        """
        namespace, targets = inputs["namespace"], _parse_targets(inputs)
        finished = [target_.name for target_ in targets]
        incomplete: list[workload_health.WorkloadHealth] = []
        started = datetime.datetime.now(datetime.UTC) - status.EVENT_WINDOW
        kinds = rollout_watch.list_kinds(targets)
        own = {target_.kind for target_ in targets}.union(kinds[len(snapshot.WATCHED_KINDS) :])
        for kind_names in (own, kinds):
            live_objects = await reflector.read_snapshot(self._cluster, namespace, kind_names)
            lookups = await routes.look_up(self._cluster, live_objects)
            index = evidence.ObjectIndex(live_objects, lookups=lookups)
            workloads = [
                health.assess_workload(target_, index, elapsed=0.0, started=started, finished=finished, is_settled=True)
                for target_ in targets
            ]
            incomplete = [workload for workload in workloads if workload.state != "complete"]
            if not incomplete:
                break
        return incomplete


def _list_finished(state: resource.State, inputs: values.Properties) -> Iterator[str]:
    """The names of the workloads that were complete in their declared version: the state has only successes."""
    recorded = state.outputs.get(WORKLOADS) if state.outputs.get("namespace") == inputs["namespace"] else None
    done = {(workload["name"], workload["version"]) for workload in recorded or ()}
    return (workload["name"] for workload in inputs[WORKLOADS] if (workload["name"], workload["version"]) in done)


def _parse_targets(inputs: values.Properties) -> list[target.Target]:
    return [target.Target.parse(mapping, inputs[SOURCES]) for mapping in inputs[WORKLOADS]]
