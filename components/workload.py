"""The Kubernetes objects of one service, store or job, as resources."""

from collections.abc import Sequence
from typing import Any

import pulumi

from components import provider
from seaway.manifests import names, objects


class KubernetesObject(pulumi.CustomResource):
    """One object, registered as the class of its kind in pulumi_kubernetes would (a test compares them).

    Those classes know snake_case and check nothing in dicts, and importing the four API groups that we
    use takes 0.9 s and 85 MB in every run. The manifest already has the words that the provider wants.
    """

    spec: pulumi.Output[Any]

    def __init__(self, release_object: objects.ReleaseObject, options: pulumi.ResourceOptions) -> None:
        version = release_object.manifest["apiVersion"]
        group = version if "/" in version else f"core/{version}"
        # What is replaced is deleted first: names are fixed, and server-side apply would take the old one for the new
        # one, and it would then be deleted. The provider says so too, but is not asked for `--replace` and triggers.
        own = pulumi.ResourceOptions(version=provider.KUBERNETES_VERSION, delete_before_replace=True)
        if release_object.kind == "Secret":
            own.additional_secret_outputs = ["data", "stringData"]
        if names.SCALE_ANNOTATION in release_object.manifest["metadata"].get("annotations", {}):
            # The number that is there is sent back, or left out once the autoscaler has set it: then it is its own,
            # and no force takes it back. Declared is only the number of a service that is made anew.
            own.ignore_changes = ["spec.replicas"]
        merged = pulumi.ResourceOptions.merge(options, own)
        super().__init__(
            f"kubernetes:{group}:{release_object.kind}", release_object.name, dict(release_object.manifest), merged
        )


class Workload(pulumi.ComponentResource):
    """One service, store or job: its objects, in their order.

    Args:
        name: that of the service, store or job.
        own: its objects.
        namespace: the resource that they all live in.
        before: what must be there, or healthy, before its pods may start or change.
        options: with the providers of Kubernetes and of our plugin.
    """

    pod_resources: list[pulumi.Resource]
    """What starts its pods: the Rollout of its step watches over it."""

    service: KubernetesObject | None
    """The Kubernetes Service, if it takes requests."""

    def __init__(
        self,
        name: str,
        *,
        release_objects: Sequence[objects.ReleaseObject],
        namespace: pulumi.Resource,
        dependencies: Sequence[pulumi.Resource],
        options: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("seaway:index:Workload", name, None, options)
        self.pod_resources = []
        self.service = None
        made: list[pulumi.Resource] = [namespace]
        for one in release_objects:
            starts_pods = one.phase is not objects.Phase.foundation
            how = pulumi.ResourceOptions(
                parent=self,
                # An autoscaler comes last in its wave: it looks for the Deployment at once.
                depends_on=[*made, *dependencies, *self.pod_resources] if starts_pods else [namespace],
                # The namespace takes what is in it along. But what runs pods goes first and in order, services before
                # their stores: nobody asks a database that is gone, and an empty namespace ends sooner.
                deleted_with=None if starts_pods else namespace,
                retain_on_delete=one.is_retained,
            )
            created = KubernetesObject(one, pulumi.ResourceOptions.merge(how, self._make_job_trigger(one, namespace)))
            if starts_pods:
                self.pod_resources.append(created)
            else:
                made.append(created)
            if one.kind == "Service":
                self.service = created
        self.register_outputs({})

    def _make_job_trigger(
        self, job_object: objects.ReleaseObject, namespace: pulumi.Resource
    ) -> pulumi.ResourceOptions | None:
        """How a Job that failed is run again under its own name."""
        if job_object.kind != "Job":
            return None
        own = pulumi.ResourceOptions(parent=self, depends_on=[namespace], deleted_with=namespace)
        attempt = provider.JobAttempt(job_object.name, job_object.manifest["metadata"]["namespace"], own).attempt
        return pulumi.ResourceOptions(replacement_trigger=attempt)
