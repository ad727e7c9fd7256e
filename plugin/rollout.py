"""``seaway:index:Rollout``: waits until a wave of workloads is healthy, and fails with the cause when it cannot be."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, cast

from plugin import engine, resource, rollout_watch, values
from seaway.kubernetes.cluster import client, reflector, snapshot
from seaway.rollout import health, target, workload_health

WORKLOADS = "workloads"
EVENT_WINDOW = datetime.timedelta(hours=1)
"""How far back events count where nothing is under way: Kubernetes itself keeps them for an hour."""


class Rollout:
    """Input ``workloads``: mappings with what target.Target has, and ``version``, which changes with the pods."""

    inputs: ClassVar[Mapping[str, type]] = {"namespace": str, WORKLOADS: list}

    def __init__(self, cluster: client.KubeClient, log: engine.Log) -> None:
        self._cluster = cluster
        self._log = log

    async def diff(self, state: resource.State, inputs: values.Properties) -> resource.Diff:
        """Also looks at the cluster: after a failed rollout the reverted inputs are those of the last success."""
        if resource.find_changed_inputs(state, inputs):
            return resource.Diff(changed=[WORKLOADS])
        unwell = await self._find_incomplete(str(inputs["namespace"]), _parse_targets(inputs))
        for one in unwell:
            await self._log.info(_format_incomplete(one))
        return resource.Diff(changed=[WORKLOADS] if unwell else [])

    async def create(self, inputs: values.Properties, *, preview: bool) -> resource.State:
        return await self._wait_for_rollout(str(inputs["namespace"]), inputs, preview=preview)

    async def read(self, state: resource.State) -> resource.State | None:
        return state

    async def update(self, state: resource.State, inputs: values.Properties, *, preview: bool) -> resource.State:
        return await self._wait_for_rollout(state.id, inputs, preview=preview)

    async def delete(self, state: resource.State) -> None:
        pass

    async def _wait_for_rollout(self, id_: str, inputs: values.Properties, *, preview: bool) -> resource.State:
        if not preview:
            await rollout_watch.RolloutWatch(
                self._cluster, str(inputs["namespace"]), _parse_targets(inputs), self._log
            ).wait()
        return resource.State(id=id_, outputs=inputs)

    async def _find_incomplete(
        self, namespace: str, targets: Sequence[target.Target]
    ) -> list[workload_health.WorkloadHealth]:
        """The workloads that are not complete now.

        Nearly always all are, and the workloads' own objects say so: the rest is read only to find the cause.
        Nothing is kept from one look to the next: the objects of another wave may have been changed in between.
        """
        kinds = sorted({one.kind for one in targets})
        if not _assess_incomplete(targets, await reflector.read_snapshot(self._cluster, namespace, kinds)):
            return []
        return _assess_incomplete(targets, await reflector.read_snapshot(self._cluster, namespace))


def _assess_incomplete(
    targets: Iterable[target.Target], live_objects: snapshot.Snapshot
) -> list[workload_health.WorkloadHealth]:
    started = datetime.datetime.now(datetime.UTC) - EVENT_WINDOW
    judged = (health.assess_workload(one, live_objects, elapsed=0.0, started=started) for one in targets)
    return [one for one in judged if one.state != "complete"]


def _format_incomplete(one: workload_health.WorkloadHealth) -> str:
    owner = one.target.owner
    return f"{owner} is not healthy now: {one.summary.removeprefix(owner).strip()}"


def _parse_targets(inputs: values.Properties) -> list[target.Target]:
    return [target.Target.parse(one) for one in cast(Sequence[Mapping[str, Any]], inputs[WORKLOADS])]
