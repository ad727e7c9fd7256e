"""The body of one service, store or job while it is written: values that keep the places of the compose document."""

import dataclasses
from collections.abc import Sequence
from typing import Any, cast

from seaway.model import application
from seaway.syntax import decode, diagnosis, encode, nodes

POD = {
    "Deployment": ("spec", "template", "spec"),
    "DaemonSet": ("spec", "template", "spec"),
    "StatefulSet": ("spec", "template", "spec"),
    "Job": ("spec", "template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}


FIRST = (
    *("build", "image", "run", "schedule", "command", "args", "workingDir"),
    *("port", "protocol", "ports", "allPorts", "expose", "calls", "linkVariables", "egress", "after", "health"),
    *("scale", "eachNode", "grace"),
    *("volume", "volumes", "shares", "env", "secrets", "files", "writable", "user", "security", "resources"),
)
"""How a person reads a service: what runs, how it is reached, how many, with what."""


@dataclasses.dataclass(slots=True)
class Draft:
    """A mapping in the words of app.yaml."""

    place: diagnosis.Place
    values: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    """Nested; what is a node is finished, a list is one of nodes."""
    pod: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    """Kubernetes' own fields of the pod, for what the model has no word for."""
    container: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    """And of its main container."""
    annotations: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    """And of the pod's metadata."""

    def put(self, path: Sequence[str], value: Any, place: diagnosis.Place) -> None:
        """Set a plain value; what is above it is made."""
        inside = self.values
        for step in path[:-1]:
            inside = inside.setdefault(step, {})
        inside[path[-1]] = nodes.Entry(place, encode.node(value, place))

    def add(self, key: str, text: str, place: diagnosis.Place) -> None:
        """Append to a list, unless it has it."""
        listed: list[nodes.Scalar] = self.values.setdefault(key, [])
        if all(one.text != text for one in listed):
            listed.append(nodes.Scalar(place, text))

    def also(self, path: Sequence[str], text: str, place: diagnosis.Place) -> None:
        """Append to a list that is below other keys."""
        inside = self.values
        for step in path[:-1]:
            inside = inside.setdefault(step, {})
        inside.setdefault(path[-1], []).append(nodes.Scalar(place, text))

    def has(self, *path: str) -> bool:
        inside: Any = self.values
        for step in path:
            if not isinstance(inside, dict) or step not in inside:
                return False
            inside = inside[step]  # pyright: ignore[reportUnknownVariableType]
        return True

    def raw(self, kind: str, name: str) -> None:
        """Move what is said in Kubernetes' words below ``raw``."""
        spec: dict[str, Any] = dict(self.pod)
        if self.container:
            spec["containers"] = [{"name": name, **self.container}]
        found: Any = spec
        path = POD[kind]
        if self.annotations:
            found = {"metadata": {"annotations": self.annotations}, **({"spec": spec} if spec else {})}
            path = path[:-1]
        if not spec and not self.annotations:
            return
        for step in reversed(path):
            found = {step: found}
        self.put(("raw", kind), found, self.place)

    def table(self, cls: type) -> nodes.Table:
        """The finished mapping, its keys in the order of docs/reference.yaml, those for Kubernetes at the end."""
        names = [decode.camel(field.name) for field in dataclasses.fields(cls) if field.name != "raw"]
        order = [*FIRST, *(name for name in names if name not in FIRST), "raw"]
        entries = {key: self._entry(self.values[key]) for key in order if key in self.values}
        return nodes.Table(self.place, entries)

    def _entry(self, value: Any) -> nodes.Entry:
        if isinstance(value, nodes.Entry):
            return value
        if isinstance(value, list):
            items = cast("list[nodes.Node]", value)
            place = items[0].place if items else self.place
            return nodes.Entry(place, nodes.Items(place, tuple(items)))
        inner = {str(key): self._entry(each) for key, each in value.items()}
        place = next(iter(inner.values())).place if inner else self.place
        return nodes.Entry(place, nodes.Table(place, inner))


CLASSES = {"services": application.Service, "stores": application.Store, "jobs": application.Job}
