"""The Application component: all resources of one application in one environment."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components import checks, image, provenance, provider, registry, release, rollout, stack_config, workload
from seaway.manifests import inputs, objects
from seaway.model import application, ingress_hosts
from seaway.project import environments
from seaway.review import disks
from seaway.rollout import hints

NETWORK_POLICY = "NetworkPolicy"
"""The kind that opens the links between workloads."""


class Application(pulumi.ComponentResource):
    """The images, then the namespace with its stores, jobs and services, each step healthy before the next.

    Raises:
        diagnosis.InvalidInput: a build context, a Dockerfile or a lock file is invalid, or a check refuses the release.
            Nothing has been registered then.
    """

    outputs: dict[str, Any]
    """The outputs of the stack: the namespace, and image, replicas and address of each service."""

    def __init__(self, stack_inputs: stack_config.StackInputs) -> None:
        plans = image.plan_builds(stack_inputs.environment)
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
        images = dict(choice.images)
        if choice.plans:
            images = {**registry.Registry(choice.plans, stack_inputs, cluster, child).images, **images}
        guarded = pulumi.ResourceOptions(parent=self, provider=plugin, depends_on=[cluster])
        secrets = {**_register_generated_secrets(stack_inputs, guarded), **stack_inputs.secrets}

        release_objects = choice.fill_objects(images, secrets)
        manifests = (release_object.manifest for release_object in release_objects)
        # The preview of a destroy calls no provider: only a protected resource stops it.
        protection = pulumi.ResourceOptions(protect=disks.has_protected_data(environment.settings, manifests))
        object_guard = provider.Objects("objects", release_objects, pulumi.ResourceOptions.merge(guarded, protection))
        providers = pulumi.ResourceOptions(parent=self, providers=[kubernetes, plugin])
        workloads, rollouts = _register_rollouts(release_objects, environment, object_guard, providers)
        healthy = pulumi.ResourceOptions(parent=self, provider=plugin, depends_on=[*workloads.values(), *rollouts])
        release_record = dataclasses.replace(choice.release_record, images=images)
        recorded = release.Release(
            choice.deployed, release_record, provenance.collect_provenance(environment, results), healthy
        )
        everything: list[pulumi.Resource] = [*workloads.values(), *rollouts, recorded]
        # It depends on everything, so a destroy deletes it first, and the plugin refuses that in another cluster.
        last = pulumi.ResourceOptions(parent=self, provider=plugin, depends_on=everything)
        provider.Cluster("destroy-guard", context, pulumi.ResourceOptions.merge(last, protection))
        self.outputs = {
            "namespace": namespace,
            "services": {
                service.name: _describe_service(environment, service, images, workloads[service.name])
                for service in environment.app.services
            },
        }
        self.register_outputs(self.outputs)


def _register_rollouts(
    release_objects: Sequence[objects.ReleaseObject],
    environment: environments.Environment,
    object_guard: provider.Objects,
    options: pulumi.ResourceOptions,
) -> tuple[dict[str, workload.Workload], list[rollout.Rollout]]:
    """Register the objects, grouped by owner, step by step; each step ends when its Rollout is healthy."""
    first = pulumi.ResourceOptions(depends_on=[object_guard])
    (namespace,) = (
        workload.KubernetesObject(release_object, pulumi.ResourceOptions.merge(options, first))
        for release_object in release_objects
        if release_object.kind == "Namespace"
    )
    shared = _register_shared(release_objects, namespace, options)
    workloads: dict[str, workload.Workload] = {}
    rollouts: list[rollout.Rollout] = []
    sources = hints.collect_sources(environment)
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
            rollouts.append(rollout.Rollout(step, environment.namespace, watched, sources, own))
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
) -> dict[str, inputs.SecretValue]:
    """The secrets that the stack generates."""
    lengths = release.list_generated_secrets(stack_inputs.environment.app, stack_inputs.secrets)
    return {
        name: inputs.SecretValue(
            fingerprint=release.fingerprint_generated_secret(length),
            value=provider.GeneratedSecret(name, length, options).value.apply(stack_config.encode_base64),
        )
        for name, length in lengths.items()
    }


def _describe_service(
    environment: environments.Environment,
    service: application.Service,
    images: Mapping[str, inputs.Image],
    component: workload.Workload,
) -> dict[str, Any]:
    """The outputs of one service."""
    scale = service.scale
    outputs: dict[str, Any] = {
        "image": images[service.name].reference if service.name in images else service.image,
        "replicas": scale.min if scale.max is None else f"{scale.min}-{scale.max}",
    }
    if component.service is not None:
        outputs["address"] = f"{service.name}.{environment.namespace}:{service.port}"
        if service.publish and environment.settings.publish == "nodePort":
            # The cluster assigns it, so the preview of a new Service has none.
            outputs["nodePort"] = component.service.spec.apply(lambda spec: spec["ports"][0].get("nodePort"))
        if urls := ingress_hosts.format_urls(environment.settings, service):
            outputs["urls"] = urls
    return outputs
