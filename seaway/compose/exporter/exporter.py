"""An application as one compose document, which runs it on plain Docker with Docker Compose v2.

What a cluster does and Docker does not, is told: see ``out_told``. https://docs.docker.com/reference/compose-file/
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, cast

from seaway.compose import report
from seaway.compose.exporter import container, losses, networks, order, volumes, workload
from seaway.compose.importer import write
from seaway.model import application
from seaway.model.validate import structure
from seaway.syntax import nodes

ORDER = (
    *("image", "build", "profiles", "labels", "platform", "hostname", "entrypoint", "command", "working_dir"),
    *("environment", "ports", "expose", "networks", "network_mode", "depends_on", "healthcheck", "deploy", "restart"),
    *("stop_grace_period", "secrets", "configs", "volumes", "tmpfs", "user", "read_only", "cap_drop", "security_opt"),
)
"""How a person reads a service; what is not here stands at the end."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """``document``: with `$` as compose has it. ``losses``: their ``into`` are paths of it."""

    document: dict[str, Any]
    losses: tuple[report.Loss, ...]

    def yaml(self, header: Sequence[str]) -> str:
        """The file, with a comment where something was decided."""
        root = cast(nodes.Table, nodes.of(self.document, "compose.yaml"))
        return write.yaml(root, self.losses, header=header)


def convert(
    app: application.Application,
    said: nodes.Node,
    *,
    folder: str = ".",
    images: Mapping[str, container.Image] | None = None,
    substitutes: Mapping[str, str] | None = None,
) -> Converted:
    """The document.

    Args:
        app: resolved.
        said: the application as it was written, which tells where each word stands.
        folder: that of the application's file, relative to that of the document.
        images: what is known of those of services, stores and jobs, by name.
        substitutes: image -> the one that the environment takes instead.
    """
    told = losses.Told(said=said, inherit=[f"jobs.{one.name}" for one in app.jobs if one.uses])
    out = container.Out(app=app, told=told, folder=folder, images=images or {}, substitutes=substitutes or {})
    out.names.update(one.name for one in structure.workloads(app).values())
    out.disks.update(volumes.names(app))
    published = workload.published(app)
    container_networks, declared = networks.networks(app, published)
    closed = networks.alone(app, container_networks, published)
    for path, each in structure.workloads(app).items():
        way = container_networks.get(each.name)
        network = {"networks": way, "network_mode": "none" if each.name in closed else None}
        workload.convert(out, path, each, published, network)
        _egress(out, path, each, way or [], outside=each.name in published)
    order.convert(out)
    document = {
        "name": app.name,
        "services": {name: _ordered(out.services[name]) for name in order.sorted_(out)},
        "networks": declared,
        "volumes": dict(sorted(out.volumes.items())),
        "secrets": dict(sorted(out.secrets.items())),
        "configs": dict(sorted(out.configs.items())),
    }
    return Converted(document=_escaped({key: value for key, value in document.items() if value}), losses=told.done())


def _escaped(value: Any) -> Any:
    """Every `$` that is one: compose would look for a variable."""
    match value:
        case container.Said():
            return str(value)
        case str():
            return value.replace("$", "$$")
        case list():
            return [_escaped(each) for each in cast("list[Any]", value)]
        case dict():
            return {key: _escaped(each) for key, each in cast("dict[str, Any]", value).items()}
        case _:
            return value


def _ordered(body: Mapping[str, Any]) -> dict[str, Any]:
    keys = sorted(body, key=lambda key: ORDER.index(key) if key in ORDER else len(ORDER))
    return {key: body[key] for key in keys if body[key] is not None}


def _egress(out: container.Out, path: str, each: structure.Workload, networks: Sequence[str], *, outside: bool) -> None:
    at = f"{path}.egress"
    if each.egress == application.Container().egress and not out.told.has(at):
        return
    if not each.egress and not outside:
        out.told.kept(at, "its networks lead nowhere" if networks else "network_mode: none")
        return
    how = "it reaches everything outside: a published port needs the way" if outside and not each.egress else ""
    how = how or "it reaches everything outside: a network of Docker has no rules"
    out.told.approximated(at, how, "a firewall of the machine")
