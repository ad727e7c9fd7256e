"""Exports an application as one compose document for Docker Compose v2.

The report lists what differs from a cluster. https://docs.docker.com/reference/compose-file/
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, cast

from seaway.compose import report
from seaway.compose.exporter import container, losses, networks, order, volumes, workload
from seaway.compose.importer import write
from seaway.model import application, external
from seaway.syntax import nodes

KEY_ORDER = (
    *("image", "build", "profiles", "labels", "platform", "hostname", "entrypoint", "command", "working_dir"),
    *("environment", "ports", "expose", "networks", "network_mode", "depends_on", "healthcheck", "deploy", "restart"),
    *("stop_grace_period", "secrets", "configs", "volumes", "tmpfs", "user", "read_only", "cap_drop", "security_opt"),
)
"""Other keys follow."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExportResult:
    """``document``: with `$` escaped for compose. The ``into`` of an outcome is a path of the document."""

    document: dict[str, Any]
    outcomes: tuple[report.KeyOutcome, ...]

    def to_yaml(self, header: Sequence[str]) -> str:
        """The file, with the outcomes as comments."""
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
    """Export a resolved application.

    Args:
        app: the resolved application.
        source: the application's file, for the location of each key.
        folder: the folder of that file, relative to the document.
        image_sources: the images of services, stores and jobs, by name.
        image_overrides: the environment's images, by the application's images.
    """
    inherited = [f"jobs.{job.name}" for job in app.jobs if job.uses]
    export = container.Export(
        app=app,
        report=losses.ExportReport(source=source, inherited_paths=inherited),
        folder=folder,
        image_sources=image_sources or {},
        image_overrides=image_overrides or {},
        service_names={service.name for service in app.get_workloads().values()},
        volume_names=volumes.name_volumes(app),
    )
    host_ports = workload.allocate_host_ports(app)
    external_names = {store.name for store in app.stores if store.external}
    workloads = app.get_workloads().items()
    reaches_outside = {*host_ports, *(caller.name for _, caller in workloads if external_names & {*caller.calls})}
    assigned, definitions, isolated = networks.assign_networks(app, reaches_outside)
    for path, service in workloads:
        if isinstance(service, application.Store) and service.external:
            message = f"no container: its callers connect to {external.format_address(service)}"
            export.report.record(path, "approximated", message)
            continue
        names = assigned.get(service.name)
        keys = {"networks": names, "network_mode": "none" if service.name in isolated else None}
        main = workload.convert(export, path, service, host_ports, keys)
        if service.name not in isolated and not isinstance(service, application.Job) and service.aliases:
            aliases = {"aliases": list(service.aliases)}
            main.definition["networks"] = dict.fromkeys(names or ["default"], aliases)
        _report_egress(main, names or [], published=service.name in reaches_outside)
    order.convert(export)
    document = {
        "name": app.name,
        "services": {name: _sort_keys(export.services[name]) for name in order.sort_services(export)},
        "networks": definitions,
        "volumes": dict(sorted(export.volumes.items())),
        "secrets": dict(sorted(export.secrets.items())),
        "configs": dict(sorted(export.configs.items())),
    }
    document = escape({key: section for key, section in document.items() if section})
    return ExportResult(document=document, outcomes=export.report.list_outcomes())


def escape(node: Any) -> Any:
    """Escape each `$`, so that compose does not look for a variable."""
    match node:
        case container.EscapedText():
            return str(node)
        case str():
            return node.replace("$", "$$")
        case list():
            return [escape(child) for child in cast("list[Any]", node)]
        case dict():
            return {key: escape(child) for key, child in cast("dict[str, Any]", node).items()}
        case _:
            return node


def _sort_keys(definition: Mapping[str, Any]) -> dict[str, Any]:
    keys = sorted(definition, key=lambda key: KEY_ORDER.index(key) if key in KEY_ORDER else len(KEY_ORDER))
    return {key: definition[key] for key in keys if definition[key] is not None}


def _report_egress(main: container.ExportedContainer, networks: Sequence[str], *, published: bool) -> None:
    egress = main.workload.egress
    if egress == application.WorkloadSpec("default").egress and not main.is_declared("egress"):
        return
    if not egress and not published:
        main.keep("egress", "its networks are internal" if networks else "network_mode: none")
        return
    reason = "networks of Docker have no rules" if egress else "a published port needs an external network"
    main.approximate("egress", f"it reaches every address: {reason}", "use a firewall on the machine")
