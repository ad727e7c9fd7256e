"""The body of one service, store or job while it is written: values that keep the places of the compose document."""

import dataclasses
from collections.abc import Sequence
from typing import Any, cast

from seaway.kubernetes.api import kinds
from seaway.model import application
from seaway.syntax import decode, diagnosis, encode, nodes

KEY_ORDER = (
    *("build", "image", "run", "schedule", "command", "args", "workingDir"),
    *("port", "protocol", "ports", "allPorts", "publish", "calls", "linkVariables", "egress", "dependsOn", "health"),
    *("scale", "daemonSet", "stopGracePeriod"),
    *("volume", "volumes", "sharedVolumes", "env", "secrets", "files", "writable", "user", "security", "resources"),
)
"""How a person reads a service: what runs, how it is reached, how many, with what."""


@dataclasses.dataclass(slots=True)
class ServiceBuilder:
    """A mapping in the words of app.yaml."""

    location: diagnosis.SourceLocation
    fields: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    """Nested; what is a node is finished, a list is one of nodes."""
    pod_spec: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    """Kubernetes' own fields of the pod, for what the model has no word for."""
    container: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    """And of its main container."""
    annotations: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    """And of the pod's metadata."""

    def set(self, path: Sequence[str], value: Any, location: diagnosis.SourceLocation) -> None:
        """Set a plain value; what is above it is made."""
        inside = self.fields
        for step in path[:-1]:
            inside = inside.setdefault(step, {})
        inside[path[-1]] = nodes.Pair(location, encode.to_node(value, location))

    def append_unique(self, key: str, text: str, location: diagnosis.SourceLocation) -> None:
        """Append to a list, unless it has it."""
        listed: list[nodes.ScalarNode] = self.fields.setdefault(key, [])
        if all(one.text != text for one in listed):
            listed.append(nodes.ScalarNode(location, text))

    def append(self, path: Sequence[str], text: str, location: diagnosis.SourceLocation) -> None:
        """Append to a list that is below other keys."""
        inside = self.fields
        for step in path[:-1]:
            inside = inside.setdefault(step, {})
        inside.setdefault(path[-1], []).append(nodes.ScalarNode(location, text))

    def has(self, *path: str) -> bool:
        inside: Any = self.fields
        for step in path:
            if not isinstance(inside, dict) or step not in inside:
                return False
            inside = inside[step]  # pyright: ignore[reportUnknownVariableType]
        return True

    def set_raw(self, kind: str, name: str) -> None:
        """Move what is said in Kubernetes' words below ``raw``."""
        spec: dict[str, Any] = dict(self.pod_spec)
        if self.container:
            spec["containers"] = [{"name": name, **self.container}]
        found: Any = spec
        path = (*kinds.KINDS[kind].pod_template, "spec")
        if self.annotations:
            found = {"metadata": {"annotations": self.annotations}, **({"spec": spec} if spec else {})}
            path = path[:-1]
        if not spec and not self.annotations:
            return
        for step in reversed(path):
            found = {step: found}
        self.set(("raw", kind), found, self.location)

    def build(self, cls: type) -> nodes.MappingNode:
        """The finished mapping, its keys in the order of docs/reference.yaml, those for Kubernetes at the end."""
        names = [decode.to_camel_case(field.name) for field in dataclasses.fields(cls) if field.name != "raw"]
        order = [*KEY_ORDER, *(name for name in names if name not in KEY_ORDER), "raw"]
        entries = {key: self._to_pair(self.fields[key]) for key in order if key in self.fields}
        return nodes.MappingNode(self.location, entries)

    def _to_pair(self, value: Any) -> nodes.Pair:
        if isinstance(value, nodes.Pair):
            return value
        if isinstance(value, list):
            items = cast("list[nodes.Node]", value)
            place = items[0].location if items else self.location
            return nodes.Pair(place, nodes.SequenceNode(place, tuple(items)))
        inner = {str(key): self._to_pair(each) for key, each in value.items()}
        place = next(iter(inner.values())).location if inner else self.location
        return nodes.Pair(place, nodes.MappingNode(place, inner))


WORKLOAD_TYPES = {"services": application.Service, "stores": application.Store, "jobs": application.Job}
