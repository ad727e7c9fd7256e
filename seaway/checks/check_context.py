"""The input of a check: an environment and its objects, with access to their pods and containers."""

import collections
import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

from seaway.kubernetes.api import kinds
from seaway.manifests import amounts, quota
from seaway.manifests import objects as objects_
from seaway.model import application
from seaway.project import environments


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A field that violates a check."""

    owner: str | None
    """The service, store or job; None: the whole application."""
    object: str
    """``Deployment/web``."""
    path: str
    """The path in that object: ``spec.template.spec.containers[web].image``."""
    message: str
    hint: str

    @property
    def field_path(self) -> str:
        return f"{self.object} {self.path}"

    def __str__(self) -> str:
        return f"{self.field_path}: {self.message}; {self.hint}"


Findings = Iterator[Finding]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pod:
    """The pods of one workload."""

    release_object: objects_.ReleaseObject
    model_path: str
    """The path of the workload in the application: ``services.web``."""
    workload: application.AnyWorkload
    own_objects: tuple[objects_.ReleaseObject, ...]
    """The objects of the workload."""

    @property
    def is_scheduled(self) -> bool:
        """Whether a CronJob creates them."""
        return self.release_object.kind == "CronJob"

    @property
    def runs_to_completion(self) -> bool:
        """Whether they belong to a job."""
        return self.release_object.kind in ("Job", "CronJob")

    @property
    def template_path(self) -> str:
        """The path of the pod template in the object."""
        return ".".join(kinds.KINDS[self.release_object.kind].pod_template)

    @functools.cached_property
    def template(self) -> dict[str, Any]:
        return kinds.find_pod_template(self.release_object.manifest) or {}

    @functools.cached_property
    def labels(self) -> dict[str, str]:
        return self.template["metadata"]["labels"]

    @property
    def spec(self) -> dict[str, Any]:
        return self.template["spec"]

    @property
    def containers(self) -> "list[Container]":
        """All containers, the init containers last."""
        return [
            Container(pod=self, manifest=manifest, spec_key=key)
            for key in ("containers", "initContainers", "ephemeralContainers")
            for manifest in self.spec.get(key, [])
        ]

    @property
    def running_containers(self) -> "list[Container]":
        """The containers that run as long as the pod: the main one and the sidecars."""
        return [
            container for container in self.containers if container.spec_key == "containers" or container.is_sidecar
        ]

    @property
    def is_replicated(self) -> bool:
        """Whether it is a service with at least two pods."""
        return self.release_object.kind == "Deployment" and self.replicas >= 2

    @property
    def replicas(self) -> int:
        """The declared number of pods; 1 for a DaemonSet, whose number of nodes is unknown."""
        return self.release_object.manifest["spec"].get("replicas", 1)

    def make_finding(self, path: str, message: str, hint: str) -> Finding:
        """A finding about a field of the pod spec."""
        return self.make_object_finding(f"{self.template_path}.spec.{path}", message, hint)

    def make_object_finding(self, path: str, message: str, hint: str) -> Finding:
        """A finding about a field of the object that creates the pods."""
        return make_finding(self.release_object, path, message, hint)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container of a pod."""

    pod: Pod
    manifest: dict[str, Any]
    spec_key: str
    """``containers``, ``initContainers`` or ``ephemeralContainers``."""

    @property
    def is_sidecar(self) -> bool:
        """Whether it is an init container that keeps running."""
        return self.spec_key == "initContainers" and self.manifest.get("restartPolicy") == "Always"

    @property
    def container_spec(self) -> application.ContainerSpec | None:
        """Its description in the application; None: it has none."""
        if self.spec_key == "containers":
            return self.pod.workload
        extra_containers = (*self.pod.workload.init, *self.pod.workload.sidecars)
        return next((extra for extra in extra_containers if extra.name == self.manifest["name"]), None)

    def get_model_path(self, name: str) -> str:
        """The path of a field in the application: ``services.web.image``, ``services.web.sidecars.proxy.image``."""
        if self.spec_key == "containers":
            return f"{self.pod.model_path}.{name}"
        return f"{self.pod.model_path}.{'sidecars' if self.is_sidecar else 'init'}.{self.manifest['name']}.{name}"

    @property
    def security_context(self) -> dict[str, Any]:
        """Its own security context, without that of the pod."""
        return self.manifest.get("securityContext", {})

    def get_security_setting(self, name: str) -> Any:
        """A field of the security context: the container's own, or that of its pod."""
        return self.security_context.get(name, self.pod.spec.get("securityContext", {}).get(name))

    def make_finding(self, path: str, message: str, hint: str) -> Finding:
        """A finding about a field of the container."""
        return self.pod.make_finding(f"{self.spec_key}[{self.manifest['name']}].{path}", message, hint)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckContext:
    """An application in one environment, and its objects."""

    environment: environments.Environment
    objects: tuple[objects_.ReleaseObject, ...]

    def list_objects(self, *kinds: str) -> list[objects_.ReleaseObject]:
        return [release_object for release_object in self.objects if release_object.kind in kinds]

    def compute_usage(self, *, in_rollout: bool = True) -> amounts.Amounts:
        """The resources of all objects, see ``quota.compute_usage``."""
        return quota.compute_usage((release_object.manifest for release_object in self.objects), in_rollout=in_rollout)

    @functools.cached_property
    def pods(self) -> tuple[Pod, ...]:
        """The pods of all workloads."""
        workloads = {workload.name: (path, workload) for path, workload in self.environment.app.get_workloads().items()}
        own_objects: dict[str | None, list[objects_.ReleaseObject]] = collections.defaultdict(list)
        for release_object in self.objects:
            own_objects[release_object.owner].append(release_object)
        return tuple(
            Pod(
                release_object=release_object,
                model_path=path,
                workload=workload,
                own_objects=tuple(own_objects[workload.name]),
            )
            for release_object in self.objects
            if release_object.owner in workloads and kinds.find_pod_template(release_object.manifest) is not None
            for path, workload in (workloads[release_object.owner],)
        )


def make_finding(release_object: objects_.ReleaseObject, path: str, message: str, hint: str) -> Finding:
    """A finding about a field of an object."""
    return Finding(owner=release_object.owner, object=release_object.key, path=path, message=message, hint=hint)
