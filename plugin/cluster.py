"""``seaway:index:Cluster``: keeps a stack in the cluster that it was deployed to, and protects its disks.

A context is only a name. It can be changed to another cluster, and a development cluster can be created again under
the same name. With the old state, a preview would then report "no changes" for an empty cluster.
"""

from collections.abc import Mapping
from typing import ClassVar

from . import engine, resource, values

UID = "uid"

DESTROY_GUARD = "destroy-guard"
"""End of the name of the resource that depends on all others: a destroy deletes it first."""


class ClusterGuard(resource.ClusterResource):
    """Output ``uid``: the UID of the kube-system namespace."""

    inputs: ClassVar[Mapping[str, type]] = {"context": str}

    async def diff(self, state: resource.State, inputs: values.Properties) -> resource.Diff:
        await self._check_uid(state)
        return resource.Diff(changed=resource.find_changed_inputs(state, inputs))

    async def create(self, inputs: values.Properties, *, preview: bool) -> resource.State:
        uid = await self._cluster.get_cluster_uid()
        return resource.State(id=uid, outputs={**inputs, UID: uid})

    async def read(self, state: resource.State) -> resource.State | None:
        return state if await self._cluster.get_cluster_uid() == state.outputs.get(UID) else None

    async def delete(self, state: resource.State) -> None:
        """Refuse in another cluster: a destroy starts here, and a namespace of the same name may exist there.

        Also refuse the loss of disks: deleting this guard means deleting the stack.
        """
        await self._check_uid(state)
        if self._log.name.endswith(DESTROY_GUARD):
            await self._data_loss.check_destroy(self._log)

    async def _check_uid(self, state: resource.State) -> None:
        recorded, live = state.outputs.get(UID), await self._cluster.get_cluster_uid()
        if live != recorded:
            raise engine.ResourceError(
                f'context "{self._cluster.context}" ({self._cluster.server}) is not the cluster that this stack was'
                f" deployed to: kube-system's UID was {recorded} and is {live}. If the cluster was created again:"
                " pulumi refresh --run-program --yes, then pulumi up. To use another cluster:"
                " pulumi config set seaway:context NAME",
                code="other-cluster",
            )
