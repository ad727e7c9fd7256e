"""What an application gives to the stack's outputs and to other resources of the program."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

from seaway.manifests import inputs, network
from seaway.model import application
from seaway.project import environments
from seaway.rollout import addresses as rollout_addresses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadOutputs:
    """Outputs of a service or store. A resource that uses one waits until the whole application is healthy."""

    image: pulumi.Output[str]
    """The deployed image."""
    address: pulumi.Output[str]
    """``host:port`` inside the cluster; empty: it has no port."""
    url: pulumi.Output[str]
    """Where it is reachable from outside the cluster; empty: it is not published in this environment."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OutputsBuilder:
    """Builds the outputs of one application."""

    environment: environments.Environment
    images: Mapping[str, inputs.Image]
    addresses: pulumi.Output[dict[str, str]]
    """Where published workloads are reachable from outside, by name."""
    recorded: pulumi.Resource
    """It is registered when all workloads are healthy."""

    def describe_application(self) -> dict[str, Any]:
        """The outputs that ``__main__.py`` exports: the namespace, and image, replicas and addresses by workload."""
        app = self.environment.app
        outputs: dict[str, Any] = {
            "namespace": self.environment.namespace,
            "services": {service.name: self._describe_service(service) for service in app.services},
        }
        stores = {store.name: self._describe_address(store) for store in app.stores}
        if published := {name: described for name, described in stores.items() if described}:
            outputs["stores"] = published
        return outputs

    def build_workloads(self, workloads: Iterable[application.ServiceOrStore]) -> dict[str, WorkloadOutputs]:
        """The outputs for other resources, by name of the workload."""
        return {
            workload.name: WorkloadOutputs(
                image=wait_for(self.recorded, self._get_image(workload)),
                address=wait_for(self.recorded, self._format_cluster_address(workload)),
                url=self._describe_address(workload).get("address", wait_for(self.recorded, "")),
            )
            for workload in workloads
        }

    def _describe_service(self, service: application.Service) -> dict[str, Any]:
        scale = service.scale
        outputs: dict[str, Any] = {
            "image": self._get_image(service),
            "replicas": scale.min if scale.max is None else f"{scale.min}-{scale.max}",
        }
        if address := self._format_cluster_address(service):
            outputs["clusterAddress"] = address
        return outputs | self._describe_address(service)

    def _get_image(self, workload: application.ServiceOrStore) -> Any:
        return self.images[workload.name].reference if workload.name in self.images else workload.image

    def _format_cluster_address(self, workload: application.ServiceOrStore) -> str:
        return "" if workload.port is None else f"{workload.name}.{self.environment.namespace}:{workload.port}"

    def _describe_address(self, workload: application.ServiceOrStore) -> dict[str, Any]:
        """The address of a workload that is reachable from outside the cluster."""
        if not network.is_published(self.environment.settings, workload):
            return {}
        name = workload.name
        return {"address": self.addresses.apply(lambda known: known.get(name, rollout_addresses.PENDING))}


def wait_for(resource: pulumi.Resource, text: pulumi.Input[str]) -> pulumi.Output[str]:
    """The text. A preview knows it, and a resource that uses it is registered after ``resource``."""
    return pulumi.Output.all(resource.urn, text).apply(lambda known: known[1])
