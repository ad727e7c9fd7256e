"""An application as a picture: who talks to whom, who waits for whom, what is reached from outside."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from seaway.manifests import network
from seaway.model import application, ingress_hosts, settings

OUTSIDE = "outside"
"""The node that stands for whoever is not in the cluster; its kind has no other."""

Relation = Literal["calls", "after", "reaches"]
RELATION_LABELS: Mapping[Relation, str] = {
    "calls": "talks to",
    "after": "starts after",
    "reaches": "reaches",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A service, store or job, or the world outside."""

    id: str
    """``services.web``: two kinds never share one."""
    name: str
    kind: Literal["service", "store", "job", "outside"]
    detail: str
    """What is worth a second line: ``2 pods, port 8000``."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """An arrow: the first needs the second."""

    start: str
    """The id of a node."""
    end: str
    relation: Relation


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """All of it."""

    application: str
    stack: str
    nodes: Sequence[Node]
    edges: Sequence[Edge]

    @property
    def title(self) -> str:
        """What is drawn, in one line."""
        counts = {kind: sum(each.kind == kind for each in self.nodes) for kind in ("service", "store", "job")}
        told = [f"{number} {kind}{'s' if number > 1 else ''}" for kind, number in counts.items() if number]
        return " · ".join([self.application, f"stack {self.stack}", ", ".join(told)])


def build_graph(app: application.Application, stack_settings: settings.Settings) -> Graph:
    """The picture of an application in an environment, in the order of its file."""
    workloads = app.get_workloads()
    ids = {each.name: path for path, each in workloads.items()}
    nodes = [_build_node(path, each) for path, each in workloads.items()]
    edges: list[Edge] = []
    for path, each in workloads.items():
        edges += [Edge(start=path, end=ids[name], relation="calls") for name in each.calls]
        edges += [Edge(start=path, end=ids[name], relation="after") for name in each.depends_on]
    led = [
        *(each for each in app.services if each.publish),
        *(each for each in app.stores if ingress_hosts.get_addresses(stack_settings, each)),
    ]
    exposed = [
        path
        for path, each in workloads.items()
        if each in led or (network.list_published_ports(each) and stack_settings.publish != "ingress")
    ]
    if exposed:
        nodes.insert(0, Node(id=OUTSIDE, name=OUTSIDE, kind="outside", detail=_describe_exposure(stack_settings, led)))
        edges = [*(Edge(start=OUTSIDE, end=path, relation="reaches") for path in exposed), *edges]
    return Graph(application=app.name, stack=stack_settings.stack, nodes=nodes, edges=edges)


def _describe_exposure(
    stack_settings: settings.Settings, published: Iterable[application.Service | application.Store]
) -> str:
    """How one comes in: by name, or by whatever the cluster gives."""
    if stack_settings.publish == "none":
        return "closed: seaway:publish is none"
    urls = [url for each in published for url in ingress_hosts.format_urls(stack_settings, each)]
    more = f" and {len(urls) - 1} more" if len(urls) > 1 else ""
    return f"{urls[0]}{more}" if urls else f"by {stack_settings.publish}"


def _build_node(path: str, workload: application.AnyWorkload) -> Node:
    match workload:
        case application.Service():
            pods = f"{workload.scale.min} pod{'' if workload.scale.min == 1 else 's'}"
            if workload.daemon_set:
                pods = "a pod on every node"
            return Node(
                id=path,
                name=workload.name,
                kind="service",
                detail=f"{pods}, port {workload.port}" if workload.port else pods,
            )
        case application.Store():
            return Node(
                id=path,
                name=workload.name,
                kind="store",
                detail=", ".join([workload.volume.size, *([f"port {workload.port}"] if workload.port else [])]),
            )
        case application.Job():
            return Node(id=path, name=workload.name, kind="job", detail=workload.schedule or workload.run)
