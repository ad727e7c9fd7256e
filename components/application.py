"""The application in one environment: everything that a stack is."""

from collections.abc import Mapping
from typing import Any

import pulumi

from components import checks, image, provenance, provider, registry, release, rollout, settings, workload
from seaway.manifests import inputs, objects
from seaway.model import application, ingress_hosts
from seaway.project import environments
from seaway.release import record
from seaway.review import disks

NETWORK_POLICY = "NetworkPolicy"
"""What opens them."""


class Application(pulumi.ComponentResource):
    """Images, then the namespace and what lives in it: stores, jobs and services, each healthy before the next.

    Raises:
        diagnosis.InvalidInput: a build context, a Dockerfile or a lock file is wrong, or a check refuses something; nothing
            has been registered then.
    """

    outputs: dict[str, Any]
    """What the stack shows: the namespace, and image, replicas and address of each service."""

    def __init__(self, stack_inputs: settings.StackInputs) -> None:
        environment = stack_inputs.environment
        repositories = registry.name_repositories(environment)
        plans = image.plan_builds(environment, repositories) if environment.settings.build else []
        choice = release.ReleaseChoice.resolve(stack_inputs, plans)
        checked = checks.run_checks(choice)
        choice.save_run_result()
        stack_inputs, environment = choice.stack_inputs, choice.stack_inputs.environment
        name, chosen = environment.app.name, environment.settings
        super().__init__("seaway:index:Application", name)
        own = pulumi.ResourceOptions(parent=self)
        hands = provider.Seaway("seaway", chosen, environment.namespace, own)
        cluster = provider.Cluster("cluster", chosen.context, pulumi.ResourceOptions(parent=self, provider=hands))
        # Nothing is built, made or changed before the guard has seen the right cluster.
        # (The provider does not wait: the engine drops a provider with what it depends on, and then no refresh works.)
        kubernetes = provider.Kubernetes(environment.namespace, chosen.context, own)
        images: dict[str, inputs.Image] = {}
        if choice.plans:
            images |= registry.Registry(choice.plans, stack_inputs, cluster, own).images
        images |= choice.images
        watched = pulumi.ResourceOptions(parent=self, provider=hands, depends_on=[cluster])
        secrets = {**_register_generated_secrets(stack_inputs, watched), **stack_inputs.secrets}

        found = choice.build_objects(images, secrets)
        # The preview of a destroy calls no provider: only a protected resource stops it.
        protected = pulumi.ResourceOptions(protect=disks.has_protected_data(chosen, (one.manifest for one in found)))
        ours = provider.Objects("objects", found, pulumi.ResourceOptions.merge(watched, protected))
        providers = pulumi.ResourceOptions(parent=self, providers=[kubernetes, hands])
        workloads, rollouts = self._register_rollouts(found, environment.namespace, ours, providers)
        healthy = pulumi.ResourceOptions(parent=self, provider=hands, depends_on=[*workloads.values(), *rollouts])
        written = record.ReleaseRecord.create(environment.declared, chosen, images, secrets, base=environment.base)
        recorded = release.Release(
            choice.deployed, written, provenance.collect_provenance(environment, checked), healthy
        )
        last: list[pulumi.Resource] = [*workloads.values(), *rollouts, recorded]
        # Depends on everything, so a destroy deletes it first, and the plugin refuses that in any other cluster.
        guarded = pulumi.ResourceOptions(parent=self, provider=hands, depends_on=last)
        provider.Cluster("destroy-guard", chosen.context, pulumi.ResourceOptions.merge(guarded, protected))
        self.outputs = {
            "namespace": environment.namespace,
            "services": {
                one.name: _describe_service(one, environment, images, workloads[one.name])
                for one in environment.app.services
            },
        }
        self.register_outputs(self.outputs)

    def _register_rollouts(
        self,
        release_objects: list[objects.ReleaseObject],
        namespace: str,
        object_guard: provider.Objects,
        options: pulumi.ResourceOptions,
    ) -> tuple[dict[str, workload.Workload], list[rollout.Rollout]]:
        """The objects, grouped by owner, step after step; each step ends when its Rollout says that it is healthy."""
        first = pulumi.ResourceOptions(depends_on=[object_guard])
        (home,) = (
            workload.KubernetesObject(one, pulumi.ResourceOptions.merge(options, first))
            for one in release_objects
            if one.kind == "Namespace"
        )
        shared = _register_shared(release_objects, home, options)
        made: dict[str, workload.Workload] = {}
        rollouts: list[rollout.Rollout] = []
        for step, ones in objects.group_by_step(release_objects).items():
            started: list[pulumi.Resource] = []
            for owner in dict.fromkeys(one.owner for one in ones if one.owner is not None):
                made[owner] = workload.Workload(
                    owner,
                    release_objects=[
                        one for one in release_objects if one.owner == owner and one.kind != NETWORK_POLICY
                    ],
                    namespace=home,
                    dependencies=[*shared, *rollouts[-1:]],
                    options=options,
                )
                started += made[owner].pod_resources
            waits = pulumi.ResourceOptions(depends_on=started, deleted_with=home)
            # What starts no pods now, a schedule or an autoscaler, is nothing to wait for.
            watched = [one for one in ones if one.deadline is not None]
            if watched:
                rollouts.append(rollout.Rollout(step, namespace, watched, pulumi.ResourceOptions.merge(options, waits)))
        return made, rollouts


def _register_shared(
    release_objects: list[objects.ReleaseObject], home: pulumi.Resource, options: pulumi.ResourceOptions
) -> list[workload.KubernetesObject]:
    """What the pods of all workloads wait for. It comes after all links are open, so pods that do find them so.

    The links of one workload concern the pods of two, so they belong to none of the two.
    """

    def made(one: objects.ReleaseObject, *after: pulumi.Resource) -> workload.KubernetesObject:
        own = pulumi.ResourceOptions(depends_on=[home, *after], deleted_with=home, retain_on_delete=one.is_retained)
        return workload.KubernetesObject(one, pulumi.ResourceOptions.merge(options, own))

    opened = [made(one) for one in release_objects if one.kind == NETWORK_POLICY and one.owner is not None]
    return [made(one, *opened) for one in release_objects if one.owner is None and one.kind != "Namespace"]


def _register_generated_secrets(
    stack_inputs: settings.StackInputs, options: pulumi.ResourceOptions
) -> dict[str, inputs.SecretValue]:
    """The secrets that the stack makes itself."""
    return {
        name: inputs.SecretValue(
            fingerprint=release.fingerprint_generated_secret(length),
            value=provider.GeneratedSecret(name, length, options).value.apply(settings.encode_base64),
        )
        for name, length in release.list_generated_secrets(stack_inputs.environment.app, stack_inputs.secrets).items()
    }


def _describe_service(
    service: application.Service,
    environment: environments.Environment,
    images: Mapping[str, inputs.Image],
    component: workload.Workload,
) -> dict[str, Any]:
    """What a person wants to know about a service."""
    reference = images[service.name].reference if service.name in images else service.image
    replicas = service.scale.min if service.scale.max is None else f"{service.scale.min}-{service.scale.max}"
    shown: dict[str, Any] = {"image": reference, "replicas": replicas}
    if component.service is not None:
        shown["address"] = f"{service.name}.{environment.namespace}:{service.port}"
        if service.publish and environment.settings.publish == "nodePort":
            # The cluster chooses it, so the preview of a new Service has none.
            shown["nodePort"] = component.service.spec.apply(lambda spec: spec["ports"][0].get("nodePort"))
        if urls := ingress_hosts.format_urls(environment.settings, service):
            shown["urls"] = urls
    return shown
