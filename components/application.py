"""The application in one environment: everything that a stack is."""

from collections.abc import Mapping
from typing import Any

import pulumi

from components import checks, image, provenance, provider, registry, release, rollout, settings, workload
from seaway.manifests import inputs, objects
from seaway.model import application
from seaway.model.validate import ingress_hosts
from seaway.release import record
from seaway.review import disks

LINKS = "NetworkPolicy"
"""What opens them."""


class Application(pulumi.ComponentResource):
    """Images, then the namespace and what lives in it: stores, jobs and services, each healthy before the next.

    Raises:
        problems.Invalid: a build context, a Dockerfile or a lock file is wrong, or a check refuses something; nothing
            has been registered then.
    """

    outputs: dict[str, Any]
    """What the stack shows: the namespace, and image, replicas and address of each service."""

    def __init__(self, given: settings.Given) -> None:
        plans = image.plans(given, registry.repositories(given)) if given.settings.build else []
        choice = release.Choice.of(given, plans)
        checked = checks.told(choice)
        choice.leave_note()
        given = choice.given
        name, chosen = given.app.name, given.settings
        super().__init__("seaway:index:Application", name)
        own = pulumi.ResourceOptions(parent=self)
        hands = provider.Seaway("seaway", chosen, chosen.namespace(name), own)
        cluster = provider.Cluster("cluster", chosen.context, pulumi.ResourceOptions(parent=self, provider=hands))
        # Nothing is built, made or changed before the guard has seen the right cluster.
        # (The provider does not wait: the engine drops a provider with what it depends on, and then no refresh works.)
        kubernetes = provider.Kubernetes(chosen.namespace(name), chosen.context, own)
        images: dict[str, inputs.Image] = {}
        if choice.plans:
            images |= registry.Registry(choice.plans, given, cluster, own).images
        images |= choice.images
        watched = pulumi.ResourceOptions(parent=self, provider=hands, depends_on=[cluster])
        secrets = {**_generated(given, watched), **given.secrets}

        found = choice.objects(images, secrets)
        # The preview of a destroy calls no provider: only a protected resource stops it.
        protected = pulumi.ResourceOptions(protect=disks.is_data_held(chosen, (one.manifest for one in found)))
        ours = provider.Objects("objects", found, pulumi.ResourceOptions.merge(watched, protected))
        providers = pulumi.ResourceOptions(parent=self, providers=[kubernetes, hands])
        workloads, rollouts = self._rolled_out(found, chosen.namespace(name), ours, providers)
        healthy = pulumi.ResourceOptions(parent=self, provider=hands, depends_on=[*workloads.values(), *rollouts])
        written = record.Record.of(given.stated, chosen, images, secrets, base=given.base)
        recorded = release.Release(choice.deployed, written, provenance.of(given, checked), healthy)
        last: list[pulumi.Resource] = [*workloads.values(), *rollouts, recorded]
        # Depends on everything, so a destroy deletes it first, and the plugin refuses that in any other cluster.
        guarded = pulumi.ResourceOptions(parent=self, provider=hands, depends_on=last)
        provider.Cluster("destroy-guard", chosen.context, pulumi.ResourceOptions.merge(guarded, protected))
        self.outputs = {
            "namespace": chosen.namespace(name),
            "services": {one.name: _shown(one, given, images, workloads[one.name]) for one in given.app.services},
        }
        self.register_outputs(self.outputs)

    def _rolled_out(
        self,
        found: list[objects.Object],
        namespace: str,
        ours: provider.Objects,
        options: pulumi.ResourceOptions,
    ) -> tuple[dict[str, workload.Workload], list[rollout.Rollout]]:
        """The objects, grouped by owner, step after step; each step ends when its Rollout says that it is healthy."""
        first = pulumi.ResourceOptions(depends_on=[ours])
        (home,) = (
            workload.KubernetesObject(one, pulumi.ResourceOptions.merge(options, first))
            for one in found
            if one.kind == "Namespace"
        )
        shared = _shared(found, home, options)
        made: dict[str, workload.Workload] = {}
        rollouts: list[rollout.Rollout] = []
        for step, ones in objects.steps(found).items():
            started: list[pulumi.Resource] = []
            for owner in dict.fromkeys(one.owner for one in ones if one.owner is not None):
                made[owner] = workload.Workload(
                    owner,
                    own=[one for one in found if one.owner == owner and one.kind != LINKS],
                    namespace=home,
                    before=[*shared, *rollouts[-1:]],
                    options=options,
                )
                started += made[owner].rolled_out
            waits = pulumi.ResourceOptions(depends_on=started, deleted_with=home)
            # What starts no pods now, a schedule or an autoscaler, is nothing to wait for.
            watched = [one for one in ones if one.deadline is not None]
            if watched:
                rollouts.append(rollout.Rollout(step, namespace, watched, pulumi.ResourceOptions.merge(options, waits)))
        return made, rollouts


def _shared(
    found: list[objects.Object], home: pulumi.Resource, options: pulumi.ResourceOptions
) -> list[workload.KubernetesObject]:
    """What the pods of all workloads wait for. It comes after all links are open, so pods that do find them so.

    The links of one workload concern the pods of two, so they belong to none of the two.
    """

    def made(one: objects.Object, *after: pulumi.Resource) -> workload.KubernetesObject:
        own = pulumi.ResourceOptions(depends_on=[home, *after], deleted_with=home, retain_on_delete=one.retain)
        return workload.KubernetesObject(one, pulumi.ResourceOptions.merge(options, own))

    opened = [made(one) for one in found if one.kind == LINKS and one.owner is not None]
    return [made(one, *opened) for one in found if one.owner is None and one.kind != "Namespace"]


def _generated(given: settings.Given, options: pulumi.ResourceOptions) -> dict[str, inputs.SecretValue]:
    """The secrets that the stack makes itself."""
    return {
        name: inputs.SecretValue(
            fingerprint=release.fingerprint(length),
            value=provider.GeneratedSecret(name, length, options).value.apply(settings.encoded),
        )
        for name, length in release.generated(given.app, given.secrets).items()
    }


def _shown(
    one: application.Service,
    given: settings.Given,
    images: Mapping[str, inputs.Image],
    made: workload.Workload,
) -> dict[str, Any]:
    """What a person wants to know about a service."""
    reference = images[one.name].reference if one.name in images else one.image
    replicas = one.scale.min if one.scale.max is None else f"{one.scale.min}-{one.scale.max}"
    shown: dict[str, Any] = {"image": reference, "replicas": replicas}
    if made.service is not None:
        shown["address"] = f"{one.name}.{given.settings.namespace(given.app.name)}:{one.port}"
        if one.expose and given.settings.exposure == "nodePort":
            # The cluster chooses it, so the preview of a new Service has none.
            shown["nodePort"] = made.service.spec.apply(lambda spec: spec["ports"][0].get("nodePort"))
        if urls := ingress_hosts.urls(given.settings, one):
            shown["urls"] = urls
    return shown
