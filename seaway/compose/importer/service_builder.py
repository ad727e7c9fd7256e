"""Builds one service, store or job of app.yaml. Each node keeps its location in the compose document."""

import dataclasses
from collections.abc import Collection
from typing import Any, cast

from seaway.compose.importer import key_reader
from seaway.kubernetes.api import kinds
from seaway.syntax import decode, diagnosis, encode, nodes

KEY_ORDER = (
    *("build", "image", "run", "schedule", "command", "args", "workingDir"),
    *(
        "port",
        "protocol",
        "ports",
        "allPorts",
        "aliases",
        "publish",
        "calls",
        "linkVariables",
        "egress",
        "dependsOn",
        "health",
    ),
    *("scale", "daemonSet", "stopGracePeriod"),
    *("volume", "volumes", "sharedVolumes", "env", "secrets", "files", "writable", "user", "security", "resources"),
)
"""The order of docs/reference.yaml."""


@dataclasses.dataclass(slots=True)
class ServiceBuilder:
    """The fields so far."""

    location: diagnosis.SourceLocation
    fields: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    """Nested dicts. A Pair is complete, a list holds nodes."""
    pod_spec: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    """Fields of the Kubernetes pod for which the model has no key."""
    container: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    """The same of its main container."""
    annotations: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    """The same of its metadata."""

    def set(self, key: key_reader.Key, value: Any, location: diagnosis.SourceLocation | None = None) -> None:
        """Set a plain value; its parents are created. Without a location it has that of the service."""
        path = (key,) if isinstance(key, str) else key
        location = location or self.location
        self._enter(path)[path[-1]] = nodes.Pair(location, encode.to_node(value, location))

    def append(self, key: key_reader.Key, text: str, location: diagnosis.SourceLocation | None = None) -> None:
        """Append to a list, unless it holds the text."""
        path = (key,) if isinstance(key, str) else key
        texts: list[nodes.ScalarNode] = self._enter(path).setdefault(path[-1], [])
        if all(node.text != text for node in texts):
            texts.append(nodes.ScalarNode(location or self.location, text))

    def add_volume(self, volume: dict[str, Any]) -> None:
        """Add fields of a volume of the pod, by its name."""
        volumes: list[dict[str, Any]] = self.pod_spec.setdefault("volumes", [])
        volumes[:] = [*(other for other in volumes if other["name"] != volume["name"]), volume]

    def add_mount(self, mount: dict[str, Any]) -> None:
        """Add a mount of its main container."""
        self.container.setdefault("volumeMounts", []).append(mount)

    def _enter(self, path: tuple[str, ...]) -> dict[str, Any]:
        parent = self.fields
        for step in path[:-1]:
            parent = parent.setdefault(step, {})
        return parent

    def has(self, *path: str) -> bool:
        parent: Any = self.fields
        for step in path:
            if not isinstance(parent, dict) or step not in parent:
                return False
            parent = parent[step]  # pyright: ignore[reportUnknownVariableType]
        return True

    def list_disk_paths(self) -> list[str]:
        """The mount paths of its own disks."""
        disks = (self.fields.get("volume"), *self.fields.get("volumes", {}).values())
        return [disk["path"].node.text for disk in disks if disk]

    def remove_writable(self, folders: Collection[str]) -> None:
        """Remove folders from ``writable``."""
        if "writable" in self.fields:
            self.fields["writable"] = [node for node in self.fields["writable"] if node.text not in folders]
            if not self.fields["writable"]:
                del self.fields["writable"]

    def set_raw(self, kind: str, name: str) -> None:
        """Move the fields of Kubernetes below ``raw``."""
        fields = dict(self.pod_spec)
        if self.container:
            fields["containers"] = [{"name": name, **self.container}]
        template = {"spec": fields} if fields else {}
        if self.annotations:
            template = {"metadata": {"annotations": self.annotations}, **template}
        if template:
            for step in reversed(kinds.KINDS[kind].pod_template):
                template = {step: template}
            self.set(("raw", kind), template)

    def build(self, cls: type) -> nodes.MappingNode:
        """The mapping; ``raw`` is last."""
        names = [decode.to_camel_case(field.name) for field in dataclasses.fields(cls) if field.name != "raw"]
        order = [*KEY_ORDER, *(name for name in names if name not in KEY_ORDER), "raw"]
        pairs = {key: self._to_pair(self.fields[key]) for key in order if key in self.fields}
        return nodes.MappingNode(self.location, pairs)

    def _to_pair(self, field: Any) -> nodes.Pair:
        if isinstance(field, nodes.Pair):
            return field
        if isinstance(field, list):
            children = cast("list[nodes.Node]", field)
            location = children[0].location if children else self.location
            return nodes.Pair(location, nodes.SequenceNode(location, tuple(children)))
        pairs = {str(key): self._to_pair(child) for key, child in field.items()}
        location = next(iter(pairs.values())).location if pairs else self.location
        return nodes.Pair(location, nodes.MappingNode(location, pairs))
