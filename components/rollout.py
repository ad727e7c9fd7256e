"""The wait for one step: it ends when all of the step is healthy, and fails with the cause where that cannot be."""

from collections.abc import Iterable

import pulumi

from seaway.manifests import objects


class Rollout(pulumi.CustomResource):
    """One step: workloads that become healthy together. The next step's objects depend on it.

    Its inputs are plain, so a preview knows whether there will be something to wait for; the plugin's diff also looks
    at the cluster, since what failed the last time is not well because nobody changed it.

    Args:
        name: of the step, as `services`.
        namespace: that they live in.
        workloads: the Deployments, StatefulSets or Jobs of the step.
    """

    def __init__(
        self, name: str, namespace: str, workloads: Iterable[objects.ReleaseObject], options: pulumi.ResourceOptions
    ) -> None:
        watched = [
            {
                "kind": one.kind,
                "name": one.name,
                "owner": one.owner,
                "deadline": one.deadline,
                "version": one.version,
            }
            for one in workloads
        ]
        super().__init__("seaway:index:Rollout", name, {"namespace": namespace, "workloads": watched}, options)
