"""The wait for one step of a rollout: it ends when the step is healthy, and fails with the cause if it cannot be."""

from collections.abc import Iterable, Mapping

import pulumi

from seaway.manifests import objects


class Rollout(pulumi.CustomResource):
    """One step: workloads that become healthy together. The objects of the next step depend on it.

    Its inputs are plain, so a preview knows whether there will be a wait. The plugin's diff also reads the cluster: a
    workload that failed in the last run is not healthy just because its inputs are the same.

    Args:
        name: the name of the step, for example `services`.
        workloads: the Deployments, StatefulSets or Jobs of the step.
        sources: where the user wrote their keys, see ``hints.collect_sources``.
    """

    def __init__(
        self,
        name: str,
        namespace: str,
        workloads: Iterable[objects.ReleaseObject],
        sources: Mapping[str, str],
        options: pulumi.ResourceOptions,
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
        owners = {target["owner"] for target in targets}
        own_sources = {path: place for path, place in sources.items() if not path or path.split(".")[1] in owners}
        inputs = {"namespace": namespace, "workloads": targets, "sources": own_sources}
        super().__init__("seaway:index:Rollout", name, inputs, options)
