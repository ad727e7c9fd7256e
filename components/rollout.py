"""Waits for workloads of any program that uses pulumi_kubernetes, and reports why one cannot become healthy."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from seaway.manifests import workloads as manifests
from seaway.project import stack_file
from seaway.rollout import target

from . import provider

KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Job")

SKIP_AWAIT = manifests.WAIT_UNTIL_RECORDED
"""Annotations of a workload that a Rollout waits for: the Kubernetes provider does not wait for it too, except when it
is deleted. Its wait takes until its timeout to report a failure."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RolloutArgs:
    """What a Rollout waits for."""

    workloads: Sequence[pulumi.Resource]
    """Deployments, StatefulSets, DaemonSets and Jobs of ``pulumi_kubernetes``, all of one namespace."""
    timeout: int = 600
    """Seconds until the rollout fails even if a workload could still become healthy."""
    context: str | None = None
    """Context of the kubeconfig; None: that of the setting ``seaway:context``."""


class Rollout(pulumi.CustomResource):
    """It is complete when all workloads are healthy. Resources that depend on it wait until then.

    It fails at once where waiting does not help, with the events, the last lines of the log, the cause and a fix. A
    preview says which workload is not healthy now.

    Args:
        opts: ``provider``: Seaway's, of another Rollout in the same cluster (``Rollout.provider``).

    Raises:
        TypeError: a resource is not a workload.
    """

    provider: pulumi.ProviderResource
    """Seaway's provider, for further Rollouts."""

    def __init__(self, name: str, args: RolloutArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        opts = opts or pulumi.ResourceOptions()
        if opts.provider is None:
            context = args.context or pulumi.Config(stack_file.PREFIX.rstrip(":")).require("context")
            child = pulumi.ResourceOptions(parent=opts.parent)
            opts = pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(provider=provider.Seaway(f"{name}-seaway", context, child))
            )
        assert opts.provider is not None  # noqa: S101 - for the type checker
        self.provider = opts.provider
        kinds = [_get_kind(workload) for workload in args.workloads]
        # The classes of the kinds in pulumi_kubernetes have no common base with `metadata`.
        metadata: list[Any] = [getattr(workload, "metadata") for workload in args.workloads]  # noqa: B009
        targets = [
            {
                "kind": kind,
                "name": workload_metadata.name,
                "owner": workload_metadata.name,
                "deadline": args.timeout,
                # Another generation is another rollout. Unlike the spec, it contains no secrets.
                "version": workload_metadata.generation,
            }
            for kind, workload_metadata in zip(kinds, metadata, strict=True)
        ]
        inputs: Mapping[str, Any] = {
            "namespace": metadata[0].namespace,
            "workloads": targets,
            "sources": dict(target.UNDECLARED),
            "sizes": {},
        }
        own = pulumi.ResourceOptions(depends_on=list(args.workloads))
        super().__init__("seaway:index:Rollout", name, inputs, pulumi.ResourceOptions.merge(opts, own))


def _get_kind(workload: pulumi.Resource) -> str:
    kind = workload.pulumi_resource_type.rpartition(":")[2]
    if kind not in KINDS:
        raise TypeError(f"{workload.pulumi_resource_name} is a {kind}; a Rollout waits for {', '.join(KINDS)}")
    return kind
