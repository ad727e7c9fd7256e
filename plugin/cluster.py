"""``seaway:index:Cluster``: the guard that a stack stays in the cluster that it was deployed to, and keeps its disks.

A context is only a name: it can be pointed at another cluster, and a development cluster is made anew
under the same one. With the old state, a preview would then say "no changes" over an empty cluster.
"""

from collections.abc import Mapping
from typing import ClassVar

from plugin import data_loss, engine, resource, values
from seaway.kubernetes.cluster import client

UID = "uid"

DESTROY_GUARD = "destroy-guard"
"""Name of the resource that depends on all others: a destroy begins with it."""


class ClusterGuard:
    """Output ``uid``: the UID of the kube-system namespace."""

    inputs: ClassVar[Mapping[str, type]] = {"context": str}

    def __init__(self, cluster: client.KubeClient, log: engine.Log, guard: data_loss.DataLossGuard) -> None:
        self._cluster = cluster
        self._log = log
        self._data_loss = guard

    async def diff(self, state: resource.State, inputs: values.Properties) -> resource.Diff:
        await self._check_uid(state)
        return resource.Diff(changed=resource.find_changed_inputs(state, inputs))

    async def create(self, inputs: values.Properties, *, preview: bool) -> resource.State:
        return await self._read_state(inputs)

    async def read(self, state: resource.State) -> resource.State | None:
        return state if await self._cluster.get_cluster_uid() == state.outputs.get(UID) else None

    async def update(self, state: resource.State, inputs: values.Properties, *, preview: bool) -> resource.State:
        return await self._read_state(inputs)

    async def delete(self, state: resource.State) -> None:
        """Refuses in another cluster: it is what a destroy begins with, and a namespace of that name may live there.

        Also refuses the loss of disks: a run that deletes this guard deletes the stack.
        """
        await self._check_uid(state)
        if self._log.name == DESTROY_GUARD:
            await self._data_loss.check_destroy(self._log)

    async def _check_uid(self, state: resource.State) -> None:
        recorded, live = state.outputs.get(UID), await self._cluster.get_cluster_uid()
        if live != recorded:
            raise resource.ResourceError(
                f'context "{self._cluster.context}" ({self._cluster.server}) is not the cluster that this stack was'
                f" deployed to: kube-system's UID was {recorded} and is {live}. If it was made anew:"
                " pulumi refresh --run-program --yes, then pulumi up. If you meant another:"
                " pulumi config set seaway:context NAME"
            )

    async def _read_state(self, inputs: values.Properties) -> resource.State:
        uid = await self._cluster.get_cluster_uid()
        return resource.State(id=uid, outputs={**inputs, UID: uid})
