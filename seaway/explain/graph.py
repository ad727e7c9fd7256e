"""An application as a graph: links, start order, and entry points from outside the cluster."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from seaway.manifests import network
from seaway.model import application, external, ingress_hosts, settings

OUTSIDE = "outside"
"""The node for everything outside the cluster, the only node of its kind."""

Relation = Literal["calls", "dependsOn", "reaches"]
RELATION_LABELS: Mapping[Relation, str] = {
    "calls": "calls",
    "dependsOn": "starts after",
    "reaches": "reaches",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A service, store, external store or job, or the outside."""

    id: str
    """``services.web``, unique across the kinds."""
    name: str
    kind: Literal["service", "store", "external", "job", "outside"]
    detail: str
    """The second line: ``2 pods, port 8000``."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """An arrow: the first node needs the second."""

    start: str
    """The id of a node."""
    end: str
    relation: Relation


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The graph of an application in an environment."""

    application: str
    stack: str
    nodes: Sequence[Node]
    edges: Sequence[Edge]

    @property
    def title(self) -> str:
        """The title line."""
        nouns = {"service": "service", "store": "store", "external": "external store", "job": "job"}
        counts = {noun: sum(node.kind == kind for node in self.nodes) for kind, noun in nouns.items()}
        parts = [f"{number} {noun}{'s' if number > 1 else ''}" for noun, number in counts.items() if number]
        return " · ".join([self.application, f"stack {self.stack}", ", ".join(parts)])


def build_graph(app: application.Application, stack_settings: settings.Settings) -> Graph:
    """The graph of an application in an environment, in the order of the application's file."""
    workloads = app.get_workloads()
    ids = {workload.name: path for path, workload in workloads.items()}
    nodes = [_build_node(path, workload) for path, workload in workloads.items()]
    edges: list[Edge] = []
    for path, workload in workloads.items():
        edges += [Edge(start=path, end=ids[name], relation="calls") for name in workload.calls]
        edges += [Edge(start=path, end=ids[name], relation="dependsOn") for name in workload.depends_on]
    published = {path: workload for path, workload in workloads.items() if is_published(workload, stack_settings)}
    if published:
        detail = _describe_publication(stack_settings, published.values())
        nodes.insert(0, Node(id=OUTSIDE, name=OUTSIDE, kind="outside", detail=detail))
        edges = [*(Edge(start=OUTSIDE, end=path, relation="reaches") for path in published), *edges]
    return Graph(application=app.name, stack=stack_settings.stack, nodes=nodes, edges=edges)


def is_published(workload: application.AnyWorkload, stack_settings: settings.Settings) -> bool:
    """Whether the workload is reachable from outside the cluster, or would be with another ``seaway:publish``."""
    if isinstance(workload, application.Service) and workload.publish:
        return True
    if isinstance(workload, application.Store) and ingress_hosts.get_addresses(stack_settings, workload):
        return True
    return stack_settings.publish not in ingress_hosts.ROUTED_MODES and bool(network.list_published_ports(workload))


def _describe_publication(stack_settings: settings.Settings, published: Iterable[application.AnyWorkload]) -> str:
    """The way in: the first URL, or the kind of Service."""
    if stack_settings.publish == "none":
        return "closed: seaway:publish is none"
    urls = [
        url
        for workload in published
        if not isinstance(workload, application.Job)
        for url in ingress_hosts.format_urls(stack_settings, workload)
    ]
    more = f" and {len(urls) - 1} more" if len(urls) > 1 else ""
    return f"{urls[0]}{more}" if urls else f"by {stack_settings.publish}"


def _build_node(path: str, workload: application.AnyWorkload) -> Node:
    match workload:
        case application.Service():
            pods = f"{workload.scale.min} pod{'' if workload.scale.min == 1 else 's'}"
            kind, detail = "service", ["a pod on every node" if workload.daemon_set else pods]
        case application.Store(external=application.External()):
            return Node(id=path, name=workload.name, kind="external", detail=external.format_address(workload))
        case application.Store():
            kind, detail = "store", [workload.volume.size] if workload.volume else []
        case application.Job():
            return Node(id=path, name=workload.name, kind="job", detail=workload.schedule or workload.run)
    if workload.port:
        detail.append(f"port {workload.port}")
    return Node(id=path, name=workload.name, kind=kind, detail=", ".join(detail))
