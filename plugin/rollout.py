"""``seaway:index:Rollout``: waits until a wave of workloads is healthy, and fails with the cause when it cannot be."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, cast

from plugin import engine, resource, rollout_watch, values
from seaway.kubernetes.cluster import client, reflector, snapshot
from seaway.rollout import health, target, workload_health

WORKLOADS = "workloads"
STEADY = datetime.timedelta(hours=1)
"""How far back events count where nothing is under way: Kubernetes itself keeps them for an hour."""


class Rollout:
    """Input ``workloads``: mappings with what target.Target has, and ``version``, which changes with the pods."""

    inputs: ClassVar[Mapping[str, type]] = {"namespace": str, WORKLOADS: list}

    def __init__(self, cluster: client.Cluster, log: engine.Log) -> None:
        self._cluster = cluster
        self._log = log

    async def diff(self, state: resource.State, inputs: values.Properties) -> resource.Diff:
        """Also looks at the cluster: after a failed rollout the reverted inputs are those of the last success."""
        if resource.differing(state, inputs):
            return resource.Diff(changed=[WORKLOADS])
        unwell = await self._unwell(str(inputs["namespace"]), _targets(inputs))
        for one in unwell:
            await self._log.info(_told(one))
        return resource.Diff(changed=[WORKLOADS] if unwell else [])

    async def create(self, inputs: values.Properties, *, preview: bool) -> resource.State:
        return await self._rolled_out(str(inputs["namespace"]), inputs, preview=preview)

    async def read(self, state: resource.State) -> resource.State | None:
        return state

    async def update(self, state: resource.State, inputs: values.Properties, *, preview: bool) -> resource.State:
        return await self._rolled_out(state.id, inputs, preview=preview)

    async def delete(self, state: resource.State) -> None:
        pass

    async def _rolled_out(self, id_: str, inputs: values.Properties, *, preview: bool) -> resource.State:
        if not preview:
            await rollout_watch.Watch(self._cluster, str(inputs["namespace"]), _targets(inputs), self._log).end()
        return resource.State(id=id_, outputs=inputs)

    async def _unwell(self, namespace: str, targets: Sequence[target.Target]) -> list[workload_health.Verdict]:
        """The workloads that are not complete now.

        Nearly always all are, and the workloads' own objects say so: the rest is read only to find the cause.
        Nothing is kept from one look to the next: the objects of another wave may have been changed in between.
        """
        kinds = sorted({one.kind for one in targets})
        if not _incomplete(targets, await reflector.read(self._cluster, namespace, kinds)):
            return []
        return _incomplete(targets, await reflector.read(self._cluster, namespace))


def _incomplete(targets: Iterable[target.Target], seen: snapshot.Snapshot) -> list[workload_health.Verdict]:
    started = datetime.datetime.now(datetime.UTC) - STEADY
    judged = (health.judge(one, seen, elapsed=0.0, started=started) for one in targets)
    return [one for one in judged if one.state != "complete"]


def _told(one: workload_health.Verdict) -> str:
    owner = one.target.owner
    return f"{owner} is not healthy now: {one.row.removeprefix(owner).strip()}"


def _targets(inputs: values.Properties) -> list[target.Target]:
    return [target.Target.of(one) for one in cast(Sequence[Mapping[str, Any]], inputs[WORKLOADS])]
