"""The application in one environment: everything that a stack is."""

from collections.abc import Mapping
from typing import Any

import pulumi

from components import image, provider, registry, settings, workload
from seaway.manifests import given as inputs
from seaway.manifests import objects
from seaway.model import application


class Application(pulumi.ComponentResource):
    """Images, then the namespace and what lives in it: stores, jobs and services, one after the other.

    Raises:
        problems.Invalid: a build context or Dockerfile is wrong; nothing has been registered then.
    """

    outputs: dict[str, Any]
    """What the stack shows: the namespace, and image, replicas and address of each service."""

    def __init__(self, given: settings.Given) -> None:
        plans = image.plans(given, registry.repositories(given))
        name, chosen = given.app.name, given.settings
        super().__init__("seaway:index:Application", name)
        own = pulumi.ResourceOptions(parent=self)
        hands = provider.Seaway("seaway", chosen.context, own)
        cluster = provider.Cluster("cluster", chosen.context, pulumi.ResourceOptions(parent=self, provider=hands))
        # Nothing is built, made or changed before the guard has seen the right cluster.
        # (The provider does not wait: the engine drops a provider with what it depends on, and then no refresh works.)
        kubernetes = provider.Kubernetes(chosen.namespace(name), chosen.context, own)
        images: Mapping[str, inputs.Image] = registry.Registry(plans, given, cluster, own).images if plans else {}
        watched = pulumi.ResourceOptions(parent=self, provider=hands, depends_on=[cluster])
        secrets = {**_generated(given, watched), **given.secrets}

        found = objects.objects(given.app, chosen, images, secrets)
        workloads = self._workloads(found, given, kubernetes, cluster)
        # Depends on everything, so a destroy deletes it first, and the plugin refuses that in any other cluster.
        last = pulumi.ResourceOptions(parent=self, provider=hands, depends_on=[*workloads.values()])
        provider.Cluster("destroy-guard", chosen.context, last)
        self.outputs = {
            "namespace": chosen.namespace(name),
            "services": {one.name: _shown(one, given, images, workloads[one.name]) for one in given.app.services},
        }
        self.register_outputs(self.outputs)

    def _workloads(
        self,
        found: list[objects.Object],
        given: settings.Given,
        kubernetes: pulumi.ProviderResource,
        cluster: provider.Cluster,
    ) -> dict[str, workload.Workload]:
        """The objects, grouped by owner, wave after wave."""
        shared = pulumi.ResourceOptions(parent=self, providers=[kubernetes])
        (namespace,) = (
            workload.KubernetesObject(
                one, pulumi.ResourceOptions(parent=self, provider=kubernetes, depends_on=[cluster])
            )
            for one in found
            if one.owner is None
        )
        made: dict[str, workload.Workload] = {}
        before: list[pulumi.Resource] = []
        for wave in (objects.Wave.store, objects.Wave.job, objects.Wave.service):
            rolled_out: list[pulumi.Resource] = []
            for owner in (one.owner for one in found if one.owner is not None and one.wave is wave):
                made[owner] = workload.Workload(
                    owner,
                    own=[one for one in found if one.owner == owner],
                    namespace=namespace,
                    before=before,
                    chosen=given.settings,
                    options=shared,
                )
                rolled_out += made[owner].rolled_out
            before = rolled_out or before
        return made


def _generated(given: settings.Given, options: pulumi.ResourceOptions) -> dict[str, inputs.SecretValue]:
    """The secrets that the stack makes itself. Their names in the cluster follow from how they are made."""
    containers = (*given.app.services, *given.app.stores, *given.app.jobs)
    lengths = {one.name: one.generate for each in containers for one in each.secrets if one.generate is not None}
    return {
        name: inputs.SecretValue(
            fingerprint=f"generated-{length}",
            value=provider.GeneratedSecret(name, length, options).value.apply(settings.encoded),
        )
        for name, length in sorted(lengths.items())
        if name not in given.secrets
    }


def _shown(
    one: application.Service,
    given: settings.Given,
    images: Mapping[str, inputs.Image],
    made: workload.Workload,
) -> dict[str, Any]:
    """What a person wants to know about a service."""
    reference = images[one.name].reference if one.name in images else one.image
    shown: dict[str, Any] = {"image": reference, "replicas": one.scale.min}
    if made.service is not None:
        shown["address"] = f"{one.name}.{given.settings.namespace(given.app.name)}:{one.port}"
        if one.expose and given.settings.exposure == "nodePort":
            # The cluster chooses it, so the preview of a new Service has none.
            shown["nodePort"] = made.service.spec.apply(lambda spec: spec["ports"][0].get("nodePort"))
    return shown
