"""What a check looks at: an application in one environment and its objects, with their pods and containers at hand."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from seaway.kubernetes.api import kinds
from seaway.manifests import objects as made
from seaway.model import application, settings


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One place that a check is not content with."""

    owner: str | None
    """The service, store or job; none: the whole application."""
    object: str
    """``Deployment/web``."""
    path: str
    """In that object: ``spec.template.spec.containers[web].image``."""
    message: str
    """What is wrong with the value."""
    hint: str
    """The way out."""

    @property
    def field_path(self) -> str:
        """The object and the path in it."""
        return f"{self.object} {self.path}"

    def __str__(self) -> str:
        return f"{self.field_path}: {self.message}; {self.hint}"


Findings = Iterator[Finding]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """The pods of one workload."""

    release_object: made.ReleaseObject
    model_path: str
    """Where the application describes it: ``services.web``."""
    workload: application.AnyWorkload

    @property
    def is_scheduled(self) -> bool:
        """Whether it comes from a CronJob, whose Jobs bring the pods."""
        return self.release_object.kind == "CronJob"

    @property
    def template_path(self) -> str:
        """Of the pods' template in the object."""
        return ".".join(kinds.KINDS[self.release_object.kind].pod_template)

    @property
    def template(self) -> dict[str, Any]:
        """Of the pods."""
        return kinds.find_pod_template(self.release_object.manifest) or {}

    @property
    def labels(self) -> dict[str, str]:
        """Of the pods."""
        return self.template["metadata"]["labels"]

    @property
    def spec(self) -> dict[str, Any]:
        """Of the pods."""
        return self.template["spec"]

    @property
    def containers(self) -> "list[Container]":
        """Those that run, and those that run before them."""
        return [
            Container(pod=self, manifest=manifest, spec_key=key)
            for key in ("containers", "initContainers")
            for manifest in self.spec.get(key, [])
        ]

    @property
    def running_containers(self) -> "list[Container]":
        """Those that run for as long as the pod does."""
        return [each for each in self.containers if each.spec_key == "containers" or each.is_sidecar]

    @property
    def accepts_requests(self) -> bool:
        """Whether it takes requests."""
        return any(each.manifest.get("ports") for each in self.containers)

    @property
    def is_replicated(self) -> bool:
        """Whether it is a service of which at least two pods run."""
        return self.release_object.kind == "Deployment" and self.replicas >= 2

    @property
    def replicas(self) -> int:
        """Of its pods, at least; of what runs on each node one is counted."""
        return self.release_object.manifest["spec"].get("replicas", 1)

    def make_finding(self, path: str, message: str, hint: str) -> Finding:
        """About a field of the pods' spec."""
        return make_finding(self.release_object, f"{self.template_path}.spec.{path}", message, hint)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container of a pod."""

    pod: Pod
    manifest: dict[str, Any]
    spec_key: str

    @property
    def is_sidecar(self) -> bool:
        """Whether it is an init container that goes on running."""
        return self.spec_key == "initContainers" and self.manifest.get("restartPolicy") == "Always"

    @property
    def container_spec(self) -> application.ContainerSpec | None:
        """What the application says of it; none: it knows nothing of it."""
        if self.spec_key == "containers":
            return self.pod.workload
        beside = (*self.pod.workload.init, *self.pod.workload.sidecars)
        return next((one for one in beside if one.name == self.manifest["name"]), None)

    def get_model_path(self, name: str) -> str:
        """Where the application says it: ``services.web.image``, ``services.web.sidecars.proxy.image``."""
        if self.spec_key == "containers":
            return f"{self.pod.model_path}.{name}"
        return f"{self.pod.model_path}.{'sidecars' if self.is_sidecar else 'init'}.{self.manifest['name']}.{name}"

    @property
    def security_context(self) -> dict[str, Any]:
        """Its own security context."""
        return self.manifest.get("securityContext", {})

    def get_security_setting(self, name: str) -> Any:
        """Of the security context: the container's own, or that of its pod."""
        return self.security_context.get(name, self.pod.spec.get("securityContext", {}).get(name))

    def make_finding(self, path: str, message: str, hint: str) -> Finding:
        """About a field of the container."""
        return self.pod.make_finding(f"{self.spec_key}[{self.manifest['name']}].{path}", message, hint)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CheckContext:
    """An application in one environment."""

    app: application.Application
    stack_settings: settings.Settings
    objects: tuple[made.ReleaseObject, ...]

    def list_objects(self, *kinds: str) -> list[made.ReleaseObject]:
        """The objects of these kinds."""
        return [each for each in self.objects if each.kind in kinds]

    @property
    def pods(self) -> list[Pod]:
        """Those of all workloads."""
        said = {workload.name: (field, workload) for field, workload in self.app.get_workloads().items()}
        owned = [(each, said[each.owner]) for each in self.objects if each.owner in said]
        return [
            Pod(release_object=each, model_path=field, workload=workload)
            for each, (field, workload) in owned
            if {"template", "jobTemplate"} & each.manifest.get("spec", {}).keys()
        ]


def make_finding(release_object: made.ReleaseObject, path: str, message: str, hint: str) -> Finding:
    """About a field of an object."""
    return Finding(owner=release_object.owner, object=release_object.key, path=path, message=message, hint=hint)


def matches_labels(selector: dict[str, str], labels: dict[str, str]) -> bool:
    """Whether labels are what a selector asks for; one that asks for nothing takes them all."""
    return selector.items() <= labels.items()


def matches_selector(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """The same for a selector with expressions.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#resources-that-support-set-based-requirements
    """
    return matches_labels(selector.get("matchLabels", {}), labels) and all(
        _matches_expression(one, labels.get(one["key"])) for one in selector.get("matchExpressions", [])
    )


def _matches_expression(expression: dict[str, Any], value: str | None) -> bool:
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case _:
            return value is None
