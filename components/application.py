"""The Application component: all resources of one application in one environment."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from seaway.manifests import inputs, network, objects
from seaway.model import application
from seaway.project import environments
from seaway.review import disks
from seaway.rollout import addresses as rollout_addresses
from seaway.rollout import hints
from seaway.syntax import diagnosis

from . import checks, image, provenance, provider, release, stack_config, workload

NETWORK_POLICY = "NetworkPolicy"
"""The kind that opens the links between workloads."""


class Application(pulumi.ComponentResource):
    """The images, then the namespace with its stores, jobs and services, each step healthy before the next.

    Raises:
        diagnosis.InvalidInput: a build context, a Dockerfile or a lock file is invalid, or a check refuses the release.
            Nothing has been registered then.
    """

    outputs: dict[str, Any]
    """The outputs of the stack: the namespace, and image, replicas and addresses of each workload."""

    def __init__(self, stack_inputs: stack_config.StackInputs) -> None:
        try:
            plans = image.plan_builds(stack_inputs.environment)
        except diagnosis.InvalidInput as error:
            refusals = checks.find_refusals(stack_inputs.environment)
            raise diagnosis.InvalidInput([*error.diagnostics, *refusals]) from None
        choice = release.ReleaseChoice.resolve(stack_inputs, plans)
        results = checks.run_checks(choice)
        choice.save_run_result()
        stack_inputs, environment = choice.stack_inputs, choice.stack_inputs.environment
        context, namespace = environment.settings.context, environment.namespace
        super().__init__("seaway:index:Application", environment.app.name)
        child = pulumi.ResourceOptions(parent=self)
        plugin = provider.Seaway("seaway", environment, child)
        by_plugin = pulumi.ResourceOptions(parent=self, provider=plugin)
        cluster = provider.Cluster("cluster", context, by_plugin)
        # Nothing is built or changed before the guard has seen the right cluster. The provider does not wait for it:
        # the engine deletes a provider with its dependencies, and a refresh would then fail.
        kubernetes = provider.Kubernetes(namespace, context, child)
        images = choice.release_record.images
        if choice.plans:
            built = Registry(choice.plans, stack_inputs, cluster, child).images
            images = {
                name: built[name] if isinstance(known.reference, inputs.PendingImage) else known
                for name, known in images.items()
            }
        guarded = pulumi.ResourceOptions(parent=self, provider=plugin, depends_on=[cluster])
        secret_values = _register_generated_secrets(stack_inputs, guarded)
        secret_values |= {name: secret.value for name, secret in stack_inputs.secrets.items()}
        release_objects = choice.fill_objects(images, secret_values)
        manifests = (release_object.manifest for release_object in release_objects)
        # The preview of a destroy calls no provider: only a protected resource stops it.
        protection = pulumi.ResourceOptions(protect=disks.has_protected_data(environment.settings, manifests))
        object_guard = provider.Objects("objects", release_objects, pulumi.ResourceOptions.merge(guarded, protection))
        providers = pulumi.ResourceOptions(parent=self, providers=[kubernetes, plugin])
        dockerfiles = {plan.name: plan.inputs.bases.text for plan in choice.plans}
        sources = hints.collect_sources(environment, dockerfiles)
        workloads, rollouts = _register_rollouts(release_objects, environment, sources, object_guard, providers)
        healthy = pulumi.ResourceOptions(parent=self, provider=plugin, depends_on=[*workloads.values(), *rollouts])
        release_record = dataclasses.replace(choice.release_record, images=images)
        recorded = release.Release(
            choice.deployed, release_record, provenance.collect_provenance(environment, results), healthy
        )
        everything: list[pulumi.Resource] = [*workloads.values(), *rollouts, recorded]
        # It depends on everything, so a destroy deletes it first, and the plugin refuses that in another cluster.
        last = pulumi.ResourceOptions(parent=self, provider=plugin, depends_on=everything)
        provider.Cluster("destroy-guard", context, pulumi.ResourceOptions.merge(last, protection))
        addresses = provider.read_addresses(
            environment, pulumi.InvokeOutputOptions(provider=plugin, depends_on=[recorded])
        )
        self.outputs = {
            "namespace": namespace,
            "services": {
                service.name: _describe_service(environment, service, images, addresses)
                for service in environment.app.services
            },
        }
        stores = {store.name: _describe_address(environment, store, addresses) for store in environment.app.stores}
        if published := {name: described for name, described in stores.items() if described}:
            self.outputs["stores"] = published
        self.register_outputs(self.outputs)


class Registry(pulumi.ComponentResource):
    """The images of the application in the registry of the environment.

    The credentials are those of the user's Docker configuration (``docker login``). They are no input, so they are not
    in the state, and a new token changes nothing.
    """

    images: Mapping[str, inputs.Image]
    """By name of the service, store or job that is built."""

    def __init__(
        self,
        plans: Sequence[image.BuildPlan],
        stack_inputs: stack_config.StackInputs,
        cluster: provider.Cluster,
        options: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("seaway:index:Registry", stack_inputs.environment.app.name, None, options)
        child = pulumi.ResourceOptions(parent=self)
        images = {plan.name: image.Image(plan, stack_inputs, cluster, child) for plan in plans}
        self.images = {
            plan.name: inputs.Image(reference=images[plan.name].reference, content=plan.record.tag) for plan in plans
        }
        self.register_outputs({name: built.reference for name, built in images.items()})


def _register_rollouts(
    release_objects: Sequence[objects.ReleaseObject],
    environment: environments.Environment,
    sources: Mapping[str, str],
    object_guard: provider.Objects,
    options: pulumi.ResourceOptions,
) -> tuple[dict[str, workload.Workload], list[provider.Rollout]]:
    """Register the objects, grouped by owner, step by step; each step ends when its Rollout is healthy."""
    first = pulumi.ResourceOptions(depends_on=[object_guard])
    (namespace,) = (
        workload.KubernetesObject(release_object, pulumi.ResourceOptions.merge(options, first))
        for release_object in release_objects
        if release_object.kind == "Namespace"
    )
    shared = _register_shared(release_objects, namespace, options)
    workloads: dict[str, workload.Workload] = {}
    rollouts: list[provider.Rollout] = []
    for step, step_objects in objects.group_by_step(release_objects).items():
        owners = dict.fromkeys(release_object.owner for release_object in step_objects if release_object.owner)
        for owner in owners:
            workloads[owner] = workload.Workload(
                owner,
                release_objects=[
                    release_object
                    for release_object in release_objects
                    if release_object.owner == owner and release_object.kind != NETWORK_POLICY
                ],
                namespace=namespace,
                dependencies=[*shared, *rollouts[-1:]],
                options=options,
            )
        started = [resource for owner in owners for resource in workloads[owner].pod_resources]
        # A schedule and an autoscaler start no pods now, so there is nothing to wait for.
        if watched := [release_object for release_object in step_objects if release_object.deadline is not None]:
            waits = pulumi.ResourceOptions(depends_on=started, deleted_with=namespace)
            own = pulumi.ResourceOptions.merge(options, waits)
            rollouts.append(provider.Rollout(step, environment.namespace, watched, sources, own))
    return workloads, rollouts


def _register_shared(
    release_objects: Sequence[objects.ReleaseObject], namespace: pulumi.Resource, options: pulumi.ResourceOptions
) -> list[workload.KubernetesObject]:
    """Register the objects that the pods of all workloads wait for: after all network policies, so that new pods find
    their links open. A link concerns the pods of two workloads, so its policy belongs to neither component."""

    def register(release_object: objects.ReleaseObject, *after: pulumi.Resource) -> workload.KubernetesObject:
        own = pulumi.ResourceOptions(
            depends_on=[namespace, *after], deleted_with=namespace, retain_on_delete=release_object.is_retained
        )
        return workload.KubernetesObject(release_object, pulumi.ResourceOptions.merge(options, own))

    policies = [
        register(release_object)
        for release_object in release_objects
        if release_object.kind == NETWORK_POLICY and release_object.owner is not None
    ]
    return [
        register(release_object, *policies)
        for release_object in release_objects
        if release_object.owner is None and release_object.kind != "Namespace"
    ]


def _register_generated_secrets(
    stack_inputs: stack_config.StackInputs, options: pulumi.ResourceOptions
) -> dict[str, pulumi.Output[str]]:
    lengths = release.list_generated_secrets(stack_inputs.environment.app, stack_inputs.secrets)
    return {
        name: provider.GeneratedSecret(name, length, options).value.apply(stack_config.encode_base64)
        for name, length in lengths.items()
    }


def _describe_service(
    environment: environments.Environment,
    service: application.Service,
    images: Mapping[str, inputs.Image],
    addresses: pulumi.Output[dict[str, str]],
) -> dict[str, Any]:
    scale = service.scale
    outputs: dict[str, Any] = {
        "image": images[service.name].reference if service.name in images else service.image,
        "replicas": scale.min if scale.max is None else f"{scale.min}-{scale.max}",
    }
    if service.port is not None:
        outputs["clusterAddress"] = f"{service.name}.{environment.namespace}:{service.port}"
    return outputs | _describe_address(environment, service, addresses)


def _describe_address(
    environment: environments.Environment,
    workload: application.Service | application.Store,
    addresses: pulumi.Output[dict[str, str]],
) -> dict[str, Any]:
    """The address of a workload that is reachable from outside the cluster."""
    if not network.is_published(environment.settings, workload):
        return {}
    return {"address": addresses.apply(lambda known: known.get(workload.name, rollout_addresses.PENDING))}
