"""What a check looks at: an application in one environment and its objects, with their pods and containers at hand."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from seaway.manifests import objects as made
from seaway.model import application, settings
from seaway.model.validate import structure


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One place that a check is not content with."""

    owner: str | None
    """The service, store or job; none: the whole application."""
    object: str
    """``Deployment/web``."""
    path: str
    """In that object: ``spec.template.spec.containers[web].image``."""
    wrong: str
    """What is wrong with the value."""
    remedy: str
    """The way out."""

    @property
    def where(self) -> str:
        """The object and the path in it."""
        return f"{self.object} {self.path}"

    def __str__(self) -> str:
        return f"{self.where}: {self.wrong}; {self.remedy}"


Found = Iterator[Finding]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """The pods of one workload."""

    object: made.Object
    field: str
    """Where the application describes it: ``services.web``."""
    workload: structure.Workload

    @property
    def scheduled(self) -> bool:
        """Whether it comes from a CronJob, whose Jobs bring the pods."""
        return self.object.kind == "CronJob"

    @property
    def path(self) -> str:
        """Of the pods' template in the object."""
        return "spec.jobTemplate.spec.template" if self.scheduled else "spec.template"

    @property
    def template(self) -> dict[str, Any]:
        """Of the pods."""
        spec = self.object.manifest["spec"]
        return (spec["jobTemplate"]["spec"] if self.scheduled else spec)["template"]

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
            Container(pod=self, manifest=manifest, key=key)
            for key in ("containers", "initContainers")
            for manifest in self.spec.get(key, [])
        ]

    @property
    def running(self) -> "list[Container]":
        """Those that run for as long as the pod does."""
        return [each for each in self.containers if each.key == "containers" or each.sidecar]

    @property
    def serves(self) -> bool:
        """Whether it takes requests."""
        return any(each.manifest.get("ports") for each in self.containers)

    @property
    def several(self) -> bool:
        """Whether it is a service of which at least two pods run."""
        return self.object.kind == "Deployment" and self.number >= 2

    @property
    def number(self) -> int:
        """Of its pods, at least; of what runs on each node one is counted."""
        return self.object.manifest["spec"].get("replicas", 1)

    def says(self, path: str, wrong: str, remedy: str) -> Finding:
        """About a field of the pods' spec."""
        return about(self.object, f"{self.path}.spec.{path}", wrong, remedy)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container of a pod."""

    pod: Pod
    manifest: dict[str, Any]
    key: str

    @property
    def sidecar(self) -> bool:
        """Whether it is an init container that goes on running."""
        return self.key == "initContainers" and self.manifest.get("restartPolicy") == "Always"

    @property
    def process(self) -> application.Process | None:
        """What the application says of it; none: it knows nothing of it."""
        if self.key == "containers":
            return self.pod.workload
        beside = (*self.pod.workload.init, *self.pod.workload.sidecars)
        return next((one for one in beside if one.name == self.manifest["name"]), None)

    def field(self, name: str) -> str:
        """Where the application says it: ``services.web.image``, ``services.web.sidecars.proxy.image``."""
        if self.key == "containers":
            return f"{self.pod.field}.{name}"
        return f"{self.pod.field}.{'sidecars' if self.sidecar else 'init'}.{self.manifest['name']}.{name}"

    @property
    def own(self) -> dict[str, Any]:
        """Its own security context."""
        return self.manifest.get("securityContext", {})

    def setting(self, name: str) -> Any:
        """Of the security context: the container's own, or that of its pod."""
        return self.own.get(name, self.pod.spec.get("securityContext", {}).get(name))

    def says(self, path: str, wrong: str, remedy: str) -> Finding:
        """About a field of the container."""
        return self.pod.says(f"{self.key}[{self.manifest['name']}].{path}", wrong, remedy)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An application in one environment."""

    app: application.Application
    stack: settings.Settings
    objects: tuple[made.Object, ...]

    def of(self, *kinds: str) -> list[made.Object]:
        """The objects of these kinds."""
        return [each for each in self.objects if each.kind in kinds]

    @property
    def pods(self) -> list[Pod]:
        """Those of all workloads."""
        said = {workload.name: (field, workload) for field, workload in structure.workloads(self.app).items()}
        owned = [(each, said[each.owner]) for each in self.objects if each.owner in said]
        return [
            Pod(object=each, field=field, workload=workload)
            for each, (field, workload) in owned
            if {"template", "jobTemplate"} & each.manifest.get("spec", {}).keys()
        ]


def about(each: made.Object, path: str, wrong: str, remedy: str) -> Finding:
    """About a field of an object."""
    return Finding(owner=each.owner, object=each.key, path=path, wrong=wrong, remedy=remedy)


def selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    """Whether labels are what a selector asks for; one that asks for nothing takes them all."""
    return selector.items() <= labels.items()


def matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """The same for a selector with expressions.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#resources-that-support-set-based-requirements
    """
    return selects(selector.get("matchLabels", {}), labels) and all(
        _holds(one, labels.get(one["key"])) for one in selector.get("matchExpressions", [])
    )


def _holds(asked: dict[str, Any], value: str | None) -> bool:
    match asked["operator"]:
        case "In":
            return value in asked["values"]
        case "NotIn":
            return value not in asked["values"]
        case "Exists":
            return value is not None
        case _:
            return value is None
