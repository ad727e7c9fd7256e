"""What is tested: the application that the release's record declares, and the pods that run."""

import dataclasses
from collections.abc import Mapping
from typing import Self

from seaway import errors
from seaway.kubernetes.api import unstructured
from seaway.kubernetes.cluster import client, reflector, snapshot
from seaway.manifests import names
from seaway.model import application, external
from seaway.project import environments
from seaway.release import record_store
from seaway.rollout import status
from seaway.syntax import diagnosis


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """An application in its cluster.

    What it declares is taken from the record of its release, and not from the network policies: these are tested.
    """

    cluster: client.KubeClient
    release: str
    """Id of the record."""
    sha256: str
    """Of the record as the cluster has it."""
    environment: environments.Environment
    pods: Mapping[str, snapshot.Object]
    """The newest ready pod of each service and store that has one, by name of the workload."""

    @classmethod
    async def read(cls, cluster: client.KubeClient, namespace: str, *, app_name: str, stack: str) -> Self:
        """The application of a stack.

        Raises:
            errors.Unavailable: the cluster has no record that can be read.
        """
        current = await record_store.find_current(cluster, namespace)
        if current is None:
            raise record_store.ReleaseNotFound(
                f"namespace {namespace} has no record of a release, so nothing says what {app_name} declares; deploy"
                f" it: pulumi up --refresh --stack {stack}"
            )
        stored = await record_store.read(cluster, namespace, current.id)
        try:
            recorded = stored.decode_record(f"ConfigMap/{record_store.get_name(current.id)}").environment
        except (diagnosis.InvalidInput, ValueError) as error:
            raise errors.Unavailable(f"the record of release {current.id} cannot be read: {error}") from None
        if (recorded.app.name, recorded.settings.stack) != (app_name, stack):
            raise errors.Unavailable(
                f"the record of release {current.id} is of {recorded.app.name} in stack {recorded.settings.stack}, not"
                f" of {app_name} in {stack}; deploy again: pulumi up --refresh --stack {stack}"
            )
        if external.list_unknown_hosts(recorded.app):
            hosts = await _find_program_hosts(cluster, namespace)
            recorded = dataclasses.replace(recorded, app=external.fill_hosts(recorded.app, hosts))
        return cls(
            cluster=cluster,
            release=current.id,
            sha256=stored.sha256,
            environment=recorded,
            pods=await _find_pods(cluster, recorded, app_name=app_name, stack=stack),
        )

    async def refresh(self) -> "Deployment":
        """The same application, with the pods that run now."""
        environment = self.environment
        app_name, stack = environment.app.name, environment.settings.stack
        pods = await _find_pods(self.cluster, environment, app_name=app_name, stack=stack)
        return dataclasses.replace(self, pods=pods)

    @property
    def workloads(self) -> Mapping[str, application.ServiceOrStore]:
        """The services and stores that have pods, by name."""
        return {workload.name: workload for workload in _list_running(self.environment.app)}


def _list_running(app: application.Application) -> list[application.ServiceOrStore]:
    return [workload for workload in (*app.services, *app.stores) if not external.find_address(workload)]


async def _find_program_hosts(cluster: client.KubeClient, namespace: str) -> dict[str, str]:
    """The hosts of external stores that only the Pulumi program knew: no record has them, but their callers do."""
    live_objects = await reflector.read_snapshot(cluster, namespace, ("Deployment", "StatefulSet"))
    annotations = [
        unstructured.get_annotation(manifest, names.EXTERNAL_ANNOTATION)
        for kind in ("Deployment", "StatefulSet")
        for manifest in live_objects.list_objects(kind)
    ]
    return {
        store: address.rpartition(":")[0].strip("[]")
        for annotation in annotations
        for store, address in status.parse_external_addresses(annotation).items()
    }


async def _find_pods(
    cluster: client.KubeClient, environment: environments.Environment, *, app_name: str, stack: str
) -> dict[str, snapshot.Object]:
    live_objects = await reflector.read_snapshot(cluster, environment.namespace, ("Pod",))
    running = {workload.name for workload in _list_running(environment.app)}
    return {
        owner: pod
        for pod in sorted(live_objects.list_objects("Pod"), key=unstructured.get_creation_time)
        if status.belongs_to_application(pod, app_name, stack)
        and unstructured.is_pod_ready(pod)
        and (owner := status.get_owner(pod)) in running
    }
