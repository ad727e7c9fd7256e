"""The Kubernetes objects of one service, store or job, as resources."""

from collections.abc import Callable, Sequence

import pulumi

from seaway.manifests import names, objects

from . import provider


class KubernetesObject(pulumi.CustomResource):
    """One object. It is registered as the class of its kind in pulumi_kubernetes would do (a test compares them).

    Those classes expect snake_case and validate nothing in dicts, and importing the four API groups that Seaway uses
    takes 0.9 s and 85 MB in every run. The manifest already has the fields of the provider.
    """

    def __init__(self, name: str, release_object: objects.ReleaseObject, options: pulumi.ResourceOptions) -> None:
        manifest = release_object.manifest
        version = manifest["apiVersion"]
        group = version if "/" in version else f"core/{version}"
        # A replaced object is deleted first: names are fixed, so server-side apply would update the old object as the
        # new one, and then delete it. The provider does the same, but not for `--replace` and for triggers.
        own = pulumi.ResourceOptions(version=provider.KUBERNETES_VERSION, delete_before_replace=True)
        if release_object.kind == "Secret":
            own.additional_secret_outputs = ["data", "stringData"]
        if names.SCALE_ANNOTATION in manifest["metadata"].get("annotations", {}):
            # The current number is sent, or left out once the autoscaler has set it: then the autoscaler owns the
            # field, and a forced patch does not take it. The declared number only applies to a new service.
            own.ignore_changes = ["spec.replicas"]
        merged = pulumi.ResourceOptions.merge(options, own)
        super().__init__(f"kubernetes:{group}:{release_object.kind}", name, dict(manifest), merged)


class Workload(pulumi.ComponentResource):
    """One service, store or job: its objects, in their order.

    Args:
        add_prefix: makes logical names of names.
        dependencies: resources that must exist, or be healthy, before its pods may start or change.
        options: with the Kubernetes provider and the plugin.
    """

    pod_resources: list[pulumi.Resource]
    """The resources that start its pods. The Rollout of its step waits for them."""

    def __init__(
        self,
        name: str,
        *,
        add_prefix: Callable[[str], str],
        release_objects: Sequence[objects.ReleaseObject],
        namespace: pulumi.Resource,
        dependencies: Sequence[pulumi.Resource],
        options: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("seaway:index:Workload", add_prefix(name), None, options)
        self._add_prefix = add_prefix
        self.pod_resources = []
        foundation: list[pulumi.Resource] = [namespace]
        for release_object in release_objects:
            starts_pods = release_object.phase is not objects.Phase.foundation
            own = pulumi.ResourceOptions(
                parent=self,
                # An autoscaler is the last one of its phase: it looks for the Deployment at once.
                depends_on=[*foundation, *dependencies, *self.pod_resources] if starts_pods else [namespace],
                # The namespace is deleted with its contents. But workloads are deleted first and in order, services
                # before their stores: no service loses its database, and an empty namespace ends sooner.
                deleted_with=None if starts_pods else namespace,
                retain_on_delete=release_object.is_retained,
            )
            trigger = self._make_job_trigger(release_object, namespace)
            name = self._add_prefix(release_object.name)
            resource = KubernetesObject(name, release_object, pulumi.ResourceOptions.merge(own, trigger))
            (self.pod_resources if starts_pods else foundation).append(resource)
        self.register_outputs({})

    def _make_job_trigger(
        self, job_object: objects.ReleaseObject, namespace: pulumi.Resource
    ) -> pulumi.ResourceOptions | None:
        """The trigger that runs a failed Job again under its own name."""
        if job_object.kind != "Job":
            return None
        own = pulumi.ResourceOptions(parent=self, depends_on=[namespace], deleted_with=namespace)
        name, namespace_name = job_object.name, job_object.manifest["metadata"]["namespace"]
        attempt = provider.JobAttempt(self._add_prefix(name), name, namespace_name, own).attempt
        return pulumi.ResourceOptions(replacement_trigger=attempt)
