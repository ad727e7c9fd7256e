"""Converts a compose document to an application, with the outcome of each key.

https://github.com/compose-spec/compose-spec/blob/main/spec.md
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from seaway.compose import report
from seaway.compose.importer import (
    key_reader,
    mount_reader,
    naming,
    networks,
    plan,
    planner,
    project_dir,
    secrets,
    services,
    volumes,
)
from seaway.compose.loader import interpolation
from seaway.files import roots
from seaway.syntax import diagnosis, nodes

EXTENSION = mount_reader.EXTENSION

GENERATED_KEY = "made"
"""Its other key: `seaway export` generated the service for Docker, and it is not part of the application."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """``app``: the application as in app.yaml. Its nodes have their locations in the compose file."""

    app: nodes.MappingNode
    outcomes: tuple[report.KeyOutcome, ...]
    secret_values: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str], repr=False)
    """The values of the variables that are secrets in ``app``, by the name of the secret."""


def convert_document(
    root: nodes.MappingNode,
    *,
    folder: Path,
    name: str | None = None,
    within: roots.Root | None = None,
    outcomes: Iterable[report.KeyOutcome] = (),
    lookups: interpolation.Lookups | None = None,
    build_named_images: bool = True,
) -> Conversion:
    """Convert a loaded document. Refused keys are among the outcomes, and the application lacks them.

    Args:
        root: the merged files in the long forms that `docker compose config` prints.
        folder: the project's folder, to which paths are relative.
        name: the name of the application. None: that of the document.
        within: the only files that may be read. None: those of the folder.
        outcomes: the losses of the loader.
        lookups: the variables that the loader interpolated: those that are secrets stay references.
        build_named_images: False uses the image of a service that also has a build.
    """
    conversion = report.ConversionReport()
    for outcome in outcomes:
        conversion.record(outcome)
    document = key_reader.KeyReader(mapping=root, path="", conversion=conversion)
    conversion.waivers |= dict(_read_waivers(document))
    project = project_dir.ProjectDir(folder=folder, root=within or roots.Root(folder))
    plans = planner.plan_services(document, project, build_named_images=build_named_images)
    pairs = {"name": _convert_name(document, name)}
    workloads: dict[str, dict[str, nodes.Pair]] = {"services": {}, "stores": {}, "jobs": {}}
    secrets.name_secret_variables(plans, document, lookups or {})
    secrets.name_literal_secrets(plans, document)
    for service in plans.values():
        hosts = service.find_renamed_hosts()
        service.renames = naming.Renames(hosts=hosts, paths=secrets.find_moved_paths(service.keys))
        fields = services.convert(service)
        workloads[service.kind][service.dns_name] = nodes.Pair(service.builder.location, fields)
    for kind, members in workloads.items():
        if members:
            location = root.pairs["services"].location
            pairs[kind] = nodes.Pair(location, nodes.MappingNode(location, members))
    _convert_document_keys(document, plans)
    for path, location, empty in list(report.find_unrecorded(root, conversion.outcomes)):
        kind, message, hint = ("kept", "empty", "") if empty else ("dropped", "unknown key", "write it in app.yaml")
        conversion.record(report.KeyOutcome(location=location, path=path, kind=kind, message=message, hint=hint))
    app = nodes.MappingNode(root.location, pairs)
    values = {name: text for service in plans.values() for name, text in service.secret_values.items()}
    return Conversion(app=app, outcomes=conversion.list_outcomes(), secret_values=values)


def require_accepted(conversion: Conversion) -> nodes.MappingNode:
    """The application of a conversion without refusals."""
    if refusals := report.list_refusals(conversion.outcomes):
        raise diagnosis.InvalidInput(refusals)
    return conversion.app


def _convert_name(document: key_reader.KeyReader, name: str | None) -> nodes.Pair:
    wanted = name or document.get_text("name") or "app"
    label, location = naming.to_dns_label(wanted, max_length=40), document.locate("name")
    if name is not None:
        document.keep("name", "" if label == wanted else f"renamed to {label}", into="name")
    else:
        document.approximate("name", f"renamed to {label}: names are DNS labels", kept={label: ""}, into="name")
    return nodes.Pair(location, nodes.ScalarNode(location, label))


def _read_waivers(document: key_reader.KeyReader) -> Iterator[tuple[str, str]]:
    for _, keys in document.enter_mapping("services"):
        for key, node in keys.enter(EXTENSION).get_scalars("waive").items():
            yield keys.join_path(key), node.text


def _convert_document_keys(document: key_reader.KeyReader, plans: Mapping[str, plan.ServicePlan]) -> None:
    networks.convert_definitions(document)
    secrets.convert_definitions(document)
    secrets.convert_config_definitions(document)
    volumes.convert_definitions(document, {mount.source for service in plans.values() for mount in service.mounts})
    for name in document.get_names("models"):
        document.drop(("models", name), "a model is not a service", "write a service that serves it")
    for name, keys in document.enter_mapping("services"):
        if name in plans:
            _convert_extensions(keys)
            continue
        for key in keys.mapping.pairs:
            if keys.has(f"{EXTENSION}.{GENERATED_KEY}"):
                keys.keep((key,), "generated for Docker by seaway export")
            else:
                keys.drop((key,), "the service is a program of this machine, not a container", "name an image")
    _convert_extensions(document)


def _convert_extensions(keys: key_reader.KeyReader) -> None:
    for key in keys.mapping.pairs:
        if key.startswith("x-") and key != EXTENSION:
            keys.keep((key,), "Docker ignores extensions too")
    extension = keys.enter(EXTENSION)
    for key in extension.mapping.pairs:
        if key == "hostFolders" and not keys.path and extension.get_text(key) == "disks":
            extension.keep((key,), "folders of the host are disks, empty at first")
        elif key != "waive":
            extension.drop((key,), "is not a key of x-seaway", "use: waive, or hostFolders: disks at the top")
    for key, node in extension.get_scalars("waive").items():
        if keys.join_path(key) in keys.conversion.used_waivers:
            extension.keep(("waive", key), "the key is dropped for this reason")
        else:
            extension.drop(("waive", key), f"waives nothing: {node.text}")
