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
from seaway.syntax import nodes

KEY_ORDER = (
    *("image", "build", "profiles", "labels", "platform", "hostname", "entrypoint", "command", "working_dir"),
    *("environment", "ports", "expose", "networks", "network_mode", "depends_on", "healthcheck", "deploy", "restart"),
    *("stop_grace_period", "secrets", "configs", "volumes", "tmpfs", "user", "read_only", "cap_drop", "security_opt"),
)
"""How a person reads a service; what is not here stands at the end."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExportResult:
    """``document``: with `$` as compose has it. ``losses``: their ``into`` are paths of it."""

    document: dict[str, Any]
    outcomes: tuple[report.KeyOutcome, ...]

    def to_yaml(self, header: Sequence[str]) -> str:
        """The file, with a comment where something was decided."""
        root = cast(nodes.MappingNode, nodes.from_plain(self.document, "compose.yaml"))
        return write.format_yaml(root, self.outcomes, header=header)


def export_application(
    app: application.Application,
    source: nodes.Node,
    *,
    folder: str = ".",
    image_sources: Mapping[str, container.ImageSource] | None = None,
    image_overrides: Mapping[str, str] | None = None,
) -> ExportResult:
    """The document.

    Args:
        app: resolved.
        said: the application as it was written, which tells where each word stands.
        folder: that of the application's file, relative to that of the document.
        images: what is known of those of services, stores and jobs, by name.
        substitutes: image -> the one that the environment takes instead.
    """
    told = losses.ExportReport(source=source, inherited_paths=[f"jobs.{one.name}" for one in app.jobs if one.uses])
    out = container.Export(
        app=app, report=told, folder=folder, image_sources=image_sources or {}, image_overrides=image_overrides or {}
    )
    out.service_names.update(one.name for one in app.get_workloads().values())
    out.volume_names.update(volumes.name_volumes(app))
    published = workload.allocate_host_ports(app)
    container_networks, declared = networks.assign_networks(app, published)
    closed = networks.find_isolated(app, container_networks, published)
    for path, each in app.get_workloads().items():
        way = container_networks.get(each.name)
        network = {"networks": way, "network_mode": "none" if each.name in closed else None}
        workload.convert(out, path, each, published, network)
        _report_egress(out, path, each, way or [], outside=each.name in published)
    order.convert(out)
    document = {
        "name": app.name,
        "services": {name: _sort_keys(out.services[name]) for name in order.sort_services(out)},
        "networks": declared,
        "volumes": dict(sorted(out.volumes.items())),
        "secrets": dict(sorted(out.secrets.items())),
        "configs": dict(sorted(out.configs.items())),
    }
    return ExportResult(
        document=_escape({key: value for key, value in document.items() if value}), outcomes=told.list_outcomes()
    )


def _escape(value: Any) -> Any:
    """Every `$` that is one: compose would look for a variable."""
    match value:
        case container.EscapedText():
            return str(value)
        case str():
            return value.replace("$", "$$")
        case list():
            return [_escape(each) for each in cast("list[Any]", value)]
        case dict():
            return {key: _escape(each) for key, each in cast("dict[str, Any]", value).items()}
        case _:
            return value


def _sort_keys(body: Mapping[str, Any]) -> dict[str, Any]:
    keys = sorted(body, key=lambda key: KEY_ORDER.index(key) if key in KEY_ORDER else len(KEY_ORDER))
    return {key: body[key] for key in keys if body[key] is not None}


def _report_egress(
    export: container.Export, path: str, each: application.AnyWorkload, networks: Sequence[str], *, outside: bool
) -> None:
    at = f"{path}.egress"
    if each.egress == application.WorkloadSpec().egress and not export.report.is_declared(at):
        return
    if not each.egress and not outside:
        export.report.keep(at, "its networks lead nowhere" if networks else "network_mode: none")
        return
    how = "it reaches everything outside: a published port needs the way" if outside and not each.egress else ""
    how = how or "it reaches everything outside: a network of Docker has no rules"
    export.report.approximate(at, how, "a firewall of the machine")
