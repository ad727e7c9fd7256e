"""An application as a picture: who talks to whom, who waits for whom, what is reached from outside."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from seaway.manifests import network
from seaway.model import application, settings
from seaway.model.validate import ingress_hosts, structure

OUTSIDE = "outside"
"""The node that stands for whoever is not in the cluster; its kind has no other."""

Relation = Literal["calls", "after", "reaches"]
MEANING: Mapping[Relation, str] = {
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


def of(app: application.Application, stack: settings.Settings) -> Graph:
    """The picture of an application in an environment, in the order of its file."""
    workloads = structure.workloads(app)
    ids = {each.name: path for path, each in workloads.items()}
    nodes = [_node(path, each) for path, each in workloads.items()]
    edges: list[Edge] = []
    for path, each in workloads.items():
        edges += [Edge(start=path, end=ids[name], relation="calls") for name in each.calls]
        if isinstance(each, application.Service):
            edges += [Edge(start=path, end=ids[name], relation="after") for name in each.after]
    led = [
        *(each for each in app.services if each.expose),
        *(each for each in app.stores if ingress_hosts.of(stack, each)),
    ]
    exposed = [
        path
        for path, each in workloads.items()
        if each in led or (network.exposed(each) and stack.exposure != "ingress")
    ]
    if exposed:
        nodes.insert(0, Node(id=OUTSIDE, name=OUTSIDE, kind="outside", detail=_way(stack, led)))
        edges = [*(Edge(start=OUTSIDE, end=path, relation="reaches") for path in exposed), *edges]
    return Graph(application=app.name, stack=stack.stack, nodes=nodes, edges=edges)


def _way(stack: settings.Settings, exposed: Iterable[application.Service | application.Store]) -> str:
    """How one comes in: by name, or by whatever the cluster gives."""
    if stack.exposure == "clusterIP":
        return "closed: seaway:exposure is clusterIP"
    urls = [url for each in exposed for url in ingress_hosts.urls(stack, each)]
    more = f" and {len(urls) - 1} more" if len(urls) > 1 else ""
    return f"{urls[0]}{more}" if urls else f"by {stack.exposure}"


def _node(path: str, each: structure.Workload) -> Node:
    match each:
        case application.Service():
            pods = f"{each.scale.min} pod{'' if each.scale.min == 1 else 's'}"
            if each.each_node:
                pods = "a pod on every node"
            return Node(
                id=path, name=each.name, kind="service", detail=f"{pods}, port {each.port}" if each.port else pods
            )
        case application.Store():
            return Node(
                id=path,
                name=each.name,
                kind="store",
                detail=", ".join([each.volume.size, *([f"port {each.port}"] if each.port else [])]),
            )
        case application.Job():
            return Node(id=path, name=each.name, kind="job", detail=each.schedule or each.run)
