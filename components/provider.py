"""The explicit providers, and the resources of Seaway's own plugin (see plugin/)."""

import importlib.metadata
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi

from seaway.manifests import names, objects
from seaway.project import environments
from seaway.review import disks
from seaway.rollout import claims, routes

from . import messages

KUBERNETES_VERSION = importlib.metadata.version("pulumi-kubernetes")
"""The version of the provider plugin that belongs to the pinned package."""


class Kubernetes(pulumi.ProviderResource):
    """The Kubernetes provider, bound to one context of the user's kubeconfig.

    It is not the class of pulumi_kubernetes: that class takes an unset ``kubeconfig`` from KUBECONFIG. The state would
    contain the path (or the credentials) of one machine, which differ on the next. The plugin reads KUBECONFIG itself.
    The constant identifier keeps every resource when the address or the certificate of the cluster changes; ``Cluster``
    guards that it is the same cluster. An unreachable object is not deleted from the state.
    """

    def __init__(self, name: str, context: str, options: pulumi.ResourceOptions, *, has_mutable_secrets: bool) -> None:
        # The inputs of a provider are strings, with JSON for other types.
        inputs = {
            "context": context,
            "clusterIdentifier": name,
            "enableServerSideApply": "true",
            "deleteUnreachable": "false",
        }
        if has_mutable_secrets:
            # Otherwise a Secret with another value is deleted and created again.
            inputs["enableSecretMutable"] = "true"
        own = pulumi.ResourceOptions(version=KUBERNETES_VERSION)
        super().__init__("kubernetes", name, inputs, pulumi.ResourceOptions.merge(options, own))


class Seaway(pulumi.ProviderResource):
    """Seaway's plugin, bound to a context. A preview fails with one line if the cluster cannot be reached.

    Its inputs contain the namespace and the accepted losses for the guard of disks: a destroy runs no program.
    """

    def __init__(
        self,
        name: str,
        context: str,
        options: pulumi.ResourceOptions,
        *,
        environment: environments.Environment | None = None,
    ) -> None:
        inputs = {"context": context, "namespaces": environment.namespace if environment else ""}
        if environment:
            inputs["dataLoss"] = disks.encode_exceptions(environment.settings)
        super().__init__("seaway", name, inputs, options)


def read_addresses(
    environment: environments.Environment, options: pulumi.InvokeOutputOptions
) -> pulumi.Output[dict[str, str]]:
    """Where each published workload is reachable from outside the cluster, by name; a cluster may assign it later."""
    arguments = {
        "namespace": environment.namespace,
        "application": environment.app.name,
        "stack": environment.settings.stack,
        # The engine deletes an Ingress of the last update after the outputs are read.
        "publish": environment.settings.publish,
    }
    return pulumi.runtime.invoke_output("seaway:index:getAddresses", arguments, options)


def find_existing_stores(
    release_objects: Sequence[objects.ReleaseObject],
    plugin: pulumi.ProviderResource,
    cluster: "Cluster",
    *,
    is_rollback: bool,
) -> Mapping[str, Mapping[str, str]]:
    """The StatefulSets that exist with the declared claim templates, except for larger sizes: the sizes, by identity.

    Nothing but a new object changes a claim template. The plugin makes one around the running pods, so Pulumi, which
    would delete them first, must ignore the field. If the state does not have the StatefulSet, Pulumi has no earlier
    value, and must send the sizes that it has.
    """
    sets = _extract_shapes(release_objects, is_rollback=is_rollback)
    if not sets:
        return {}
    options = pulumi.InvokeOptions(provider=plugin)
    try:
        # It waits for the guard, which reports a cluster that cannot be reached.
        arguments = {"sets": sets, "cluster": cluster.uid}
        answer = pulumi.runtime.invoke("seaway:index:getExistingStores", arguments, options)
    except Exception as error:
        messages.end_program(str(error).rpartition("returned an error: ")[2])
    return cast(Mapping[str, Mapping[str, Mapping[str, str]]], answer.value or {}).get("stores", {})


def _extract_shapes(
    release_objects: Sequence[objects.ReleaseObject], *, is_rollback: bool
) -> dict[str, dict[str, Any]]:
    return {
        release_object.identity: disks.extract_shape(release_object.manifest, is_rollback=is_rollback)
        for release_object in release_objects
        if release_object.kind == "StatefulSet"
    }


class Cluster(pulumi.CustomResource):
    """The guard that a stack stays in the cluster of its first deployment."""

    uid: pulumi.Output[str]

    def __init__(self, name: str, context: str, options: pulumi.ResourceOptions) -> None:
        super().__init__("seaway:index:Cluster", name, {"context": context, "uid": None}, options)


class Objects(pulumi.CustomResource):
    """The guard of objects: it refuses to take over foreign objects, as server-side apply would, and to delete disks.

    Args:
        release_objects: all objects of the application, including the namespace. Their labels identify the owner.
        namespace: of the objects, where it may be an Output; None: as in the manifests.
        further_applications: of the stack, if this is its main one.
        is_rollback: disks that have grown since the release keep their size.
    """

    def __init__(
        self,
        name: str,
        release_objects: Sequence[objects.ReleaseObject],
        further_applications: Sequence[str],
        options: pulumi.ResourceOptions,
        *,
        is_rollback: bool,
        namespace: pulumi.Input[str] | None = None,
    ) -> None:
        labels = release_objects[0].manifest["metadata"]["labels"]
        described: Any = (
            _describe_objects(release_objects)
            if namespace is None
            else pulumi.Output.from_input(namespace).apply(lambda name: _describe_objects(release_objects, name))
        )
        properties = {
            "partOf": labels[names.PART_OF_LABEL],
            "stack": labels[names.STACK_LABEL],
            "objects": described["objects"],
            "sets": _extract_shapes(release_objects, is_rollback=is_rollback),
            "fixed": described["fixed"],
            "applications": sorted(further_applications),
        }
        super().__init__("seaway:index:Objects", name, properties, options)


def _describe_objects(release_objects: Sequence[objects.ReleaseObject], namespace: str | None = None) -> dict[str, Any]:
    """The identities of objects, and by identity the declared fields that can never change."""
    identities = {
        "/".join((known.manifest["apiVersion"], known.kind, namespace, known.name))
        if namespace
        else known.identity: known
        for known in release_objects
    }
    fixed_fields = {
        identity: disks.extract_fixed_fields(release_object.manifest)
        for identity, release_object in identities.items()
        if release_object.kind in ("DaemonSet", "Deployment", "Service")
    }
    fixed_fields = {identity: fixed for identity, fixed in fixed_fields.items() if fixed}
    return {"objects": sorted(identities), "fixed": fixed_fields}


class JobAttempt(pulumi.CustomResource):
    """Counts the runs of one Job: a failed Job must be replaced before it can run again.

    Unlike `pulumi.com/replaceUnready`, it never replaces a running Job.
    """

    attempt: pulumi.Output[int]

    def __init__(self, name: str, job: str, namespace: str, options: pulumi.ResourceOptions) -> None:
        properties = {"namespace": namespace, "name": job, "attempt": None}
        super().__init__("seaway:index:JobAttempt", name, properties, options)


class GeneratedSecret(pulumi.CustomResource):
    """A value of ``length`` letters and digits. It is generated once, and stored encrypted in the stack's state."""

    value: pulumi.Output[str]

    def __init__(self, name: str, secret_name: str, length: int, options: pulumi.ResourceOptions) -> None:
        properties = {"name": secret_name, "length": length, "value": None}
        secret = pulumi.ResourceOptions(additional_secret_outputs=["value"])
        super().__init__(
            "seaway:index:GeneratedSecret", name, properties, pulumi.ResourceOptions.merge(options, secret)
        )


class Fingerprint(pulumi.CustomResource):
    """A fingerprint of secret values that is not secret itself; ``addresses`` of external stores are passed on."""

    fingerprint: pulumi.Output[str]
    addresses: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        key: str,
        values: Mapping[str, pulumi.Output[str]],
        options: pulumi.ResourceOptions,
        addresses: pulumi.Output[str] | None = None,
    ) -> None:
        properties: dict[str, Any] = {"key": pulumi.Output.secret(key), "values": values, "fingerprint": None}
        if addresses is not None:
            properties["addresses"] = addresses
        super().__init__("seaway:index:Fingerprint", name, properties, options)


class Rollout(pulumi.CustomResource):
    """The wait for one step: it ends when its workloads are healthy, and fails with the cause if they cannot be.

    The objects of the next step depend on it.

    Its inputs are plain, so a preview knows whether there will be a wait. The plugin's diff also reads the cluster: a
    workload that failed in the last run is not healthy just because its inputs are the same.

    Args:
        name: the name of the step, for example `services`.
        workloads: the Deployments, StatefulSets or Jobs of the step.
        release_objects: all objects, among them the routes of the workloads.
        sources: where the user wrote their keys, see ``hints.collect_sources``.
    """

    def __init__(
        self,
        name: str,
        namespace: pulumi.Input[str],
        workloads: Sequence[objects.ReleaseObject],
        sources: Mapping[str, str],
        options: pulumi.ResourceOptions,
        *,
        release_objects: Sequence[objects.ReleaseObject] = (),
    ) -> None:
        route_hashes = {workload.owner: routes.hash_routes(release_objects, workload.owner) for workload in workloads}
        targets = [
            {
                "kind": workload.kind,
                "name": workload.name,
                "owner": workload.owner,
                "deadline": workload.deadline,
                "version": workload.version,
            }
            | ({"routes": route_hashes[workload.owner]} if route_hashes[workload.owner] else {})
            for workload in workloads
        ]
        owners = {workload.owner for workload in workloads}
        own_sources = {path: place for path, place in sources.items() if not path or path.split(".")[1] in owners}
        sizes = {
            workload.name: claims.read_sizes(workload.manifest["spec"].get("volumeClaimTemplates", ()))
            for workload in workloads
            if workload.kind == "StatefulSet"
        }
        inputs = {"namespace": namespace, "workloads": targets, "sources": own_sources, "sizes": sizes}
        super().__init__("seaway:index:Rollout", name, inputs, options)
