"""The wait for one step of a rollout: it ends when the step is healthy, and fails with the cause if it cannot be."""

from collections.abc import Iterable

import pulumi

from seaway.manifests import objects


class Rollout(pulumi.CustomResource):
    """One step: workloads that become healthy together. The objects of the next step depend on it.

    Its inputs are plain, so a preview knows whether there will be a wait. The plugin's diff also reads the cluster: a
    workload that failed in the last run is not healthy just because its inputs are the same.

    Args:
        name: the name of the step, for example `services`.
        workloads: the Deployments, StatefulSets or Jobs of the step.
    """

    def __init__(
        self, name: str, namespace: str, workloads: Iterable[objects.ReleaseObject], options: pulumi.ResourceOptions
    ) -> None:
        targets = [
            {
                "kind": workload.kind,
                "name": workload.name,
                "owner": workload.owner,
                "deadline": workload.deadline,
                "version": workload.version,
            }
            for workload in workloads
        ]
        super().__init__("seaway:index:Rollout", name, {"namespace": namespace, "workloads": targets}, options)
