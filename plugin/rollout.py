"""``seaway:index:Rollout``: waits until a step of workloads is healthy, and fails with the cause if it cannot be."""

import datetime
from collections.abc import Mapping, Sequence
from typing import ClassVar

from seaway.kubernetes.cluster import reflector, snapshot
from seaway.rollout import evidence, health, status, target, workload_health

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
        for disk in (disk for growth in growths for disk in growth.list_disks()):
            await self._log.info(disk.line)
        if growths or resource.find_changed_inputs(state, {name: inputs[name] for name in ("namespace", WORKLOADS)}):
            return resource.Diff(changed=[WORKLOADS])
        incomplete = await self._find_incomplete(inputs["namespace"], _parse_targets(inputs))
        for workload in incomplete:
            owner = workload.target.owner
            await self._log.info(f"{owner} is not healthy now: {workload.summary.removeprefix(owner).strip()}")
        return resource.Diff(changed=[WORKLOADS] if incomplete else [])

    async def create(self, inputs: values.Properties, *, preview: bool) -> resource.State:
        namespace = inputs["namespace"]
        if not preview:
            await disk_growth.grow(self._cluster, await self._find_growth(inputs), self._log)
            await rollout_watch.RolloutWatch(self._cluster, namespace, _parse_targets(inputs), self._log).wait()
        return resource.State(id="" if namespace is values.UNKNOWN else str(namespace), outputs=inputs)

    async def _find_growth(self, inputs: values.Properties) -> list[disk_growth.StoreGrowth]:
        return await disk_growth.find_growth(self._cluster, inputs["namespace"], inputs[SIZES])

    async def _find_incomplete(
        self, namespace: str, targets: Sequence[target.Target]
    ) -> list[workload_health.WorkloadHealth]:
        """The workloads that are not complete now.

        Usually all are, which their own objects show. The other objects are read only to find the cause. Nothing is
        cached between two calls: another step may have changed the objects.
        """
        incomplete: list[workload_health.WorkloadHealth] = []
        started = datetime.datetime.now(datetime.UTC) - status.EVENT_WINDOW
        for kinds in ({target_.kind for target_ in targets}, snapshot.WATCHED_KINDS):
            index = evidence.ObjectIndex(await reflector.read_snapshot(self._cluster, namespace, kinds))
            workloads = [health.assess_workload(target_, index, elapsed=0.0, started=started) for target_ in targets]
            incomplete = [workload for workload in workloads if workload.state != "complete"]
            if not incomplete:
                break
        return incomplete


def _parse_targets(inputs: values.Properties) -> list[target.Target]:
    return [target.Target.parse(mapping, inputs[SOURCES]) for mapping in inputs[WORKLOADS]]
