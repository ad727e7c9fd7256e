"""A compose document as an application, with what becomes of each of its keys.

https://github.com/compose-spec/compose-spec/blob/main/spec.md
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from seaway.compose import report
from seaway.compose.importer import amounts, key_reader, naming, networks, plan, secrets, services, volumes
from seaway.files import roots
from seaway.syntax import diagnosis, nodes

EXTENSION = "x-seaway"
"""The one extension that is read: ``{waive: {privileged: <reason>}}``, in a service."""

GENERATED_KEY = "made"
"""Its other word: the service is nothing of the application, but what `seaway render --to compose` needs on Docker."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What a document becomes."""

    app: nodes.MappingNode
    """As app.yaml would have it, each value with its place in the compose file."""
    outcomes: tuple[report.KeyOutcome, ...]


def convert_document(
    root: nodes.MappingNode,
    *,
    name: str | None = None,
    folder: Path | None = None,
    within: roots.Root | None = None,
    outcomes: Iterable[report.KeyOutcome] = (),
    build_named_images: bool = True,
) -> Conversion:
    """The application of a normalised document.

    Args:
        root: all files merged, in the long forms that `docker compose config` prints.
        name: what the application is called; None: what the document says, or its folder.
        folder: the project's, which paths are relative to; None: nothing on disk is looked at.
        within: what may be read; None: that folder.
        told: what was lost when it was read.
        builds: whether an image that has a name is built all the same.

    What is refused is among the losses, and the application is without it: who deploys looks first.
    """
    ledger = report.ConversionReport()
    for one in outcomes:
        ledger.record(one)
    whole = key_reader.KeyReader(mapping=root, path="", conversion=ledger)
    ledger.waivers |= dict(_read_waivers(whole))
    _skip_generated_services(whole)
    where = volumes.ProjectDir(folder=folder, root=within or (roots.Root(folder) if folder else None))
    found = plan.plan_services(whole, where, build_named_images=build_named_images)
    renamed = _find_renamed_hosts(found)
    bodies = [(each, services.convert(each, found, whole, where, renamed)) for each in found.values()]
    entries = {"name": _convert_name(whole, name, folder)}
    for kind in ("services", "stores", "jobs"):
        own = {
            each.dns_name: nodes.Pair(nodes.get_pairs(root, "services")[each.name].location, body)
            for each, body in bodies
            if each.kind == kind
        }
        if own:
            place = root.pairs["services"].location
            entries[kind] = nodes.Pair(place, nodes.MappingNode(place, own))
    _convert_document_keys(whole, found)
    for path, place, empty in list(report.find_unrecorded(root, ledger.outcomes)):
        if empty:
            ledger.record(report.KeyOutcome(location=place, path=path, kind="kept", message="says nothing"))
        else:
            why, remedy = "no meaning of it is known here", "remove it, or write it in app.yaml"
            ledger.record(report.KeyOutcome(location=place, path=path, kind="dropped", message=why, hint=remedy))
    return Conversion(app=nodes.MappingNode(root.location, entries), outcomes=ledger.list_outcomes())


def _convert_name(document: key_reader.KeyReader, name: str | None, folder: Path | None) -> nodes.Pair:
    said = name or document.get_text("name") or (folder.absolute().name if folder else "") or "app"
    made = naming.to_dns_label(said, max_length=40)
    place = document.locate("name")
    if name is not None or made == said:
        document.keep("name", "" if made == said else f"is called {made} here", into="name")
    document.approximate("name", f"is called {made}, since a name here is one of DNS", into="name")
    return nodes.Pair(place, nodes.ScalarNode(place, made))


def _find_renamed_hosts(plans: Mapping[str, plan.ServicePlan]) -> dict[str, str]:
    """Hosts that are called differently now."""
    names: dict[str, str] = {}
    for each in plans.values():
        for name in plan.list_host_names(each, plans):
            names.setdefault(name, each.dns_name)
    return {name: label for name, label in names.items() if name != label}


def _skip_generated_services(document: key_reader.KeyReader) -> None:
    """What `seaway render` made, it makes again."""
    made = [name for name, one in document.enter_mapping("services") if one.has(f"{EXTENSION}.{GENERATED_KEY}")]
    for name, one in document.enter_mapping("services"):
        for key in (*one.mapping.pairs, f"{EXTENSION}.{GENERATED_KEY}") if name in made else ():
            one.keep(key, "nothing of the application: seaway render makes it for Docker")
        for other in made:
            if other in nodes.get_pairs(one.mapping, "depends_on"):
                one.record_member("depends_on", other, "kept", "nothing of the application", "")


def _read_waivers(document: key_reader.KeyReader) -> Iterator[tuple[str, str]]:
    for _, one in document.enter_mapping("services"):
        for key, node in one.enter(EXTENSION).get_scalars("waive").items():
            yield one.join_path(key), node.text


def _convert_document_keys(document: key_reader.KeyReader, plans: Mapping[str, plan.ServicePlan]) -> None:
    """The rest of the document."""
    document.keep("version", "says nothing any more")
    document.keep("include", "merged in")
    networks.convert_definitions(document)
    secrets.convert_definitions(document)
    secrets.convert_config_definitions(document)
    _convert_volumes(document, plans)
    for name in nodes.get_pairs(document.mapping, "models"):
        document.drop(f"models.{name}", "a model is no service", "write a service that serves it")
    for name, one in document.enter_mapping("services"):
        if name not in plans:
            for key in one.mapping.pairs:
                one.drop(key, "the service is a program of this machine, and no container", "name an image")
        for key, node in one.enter(EXTENSION).get_scalars("waive").items():
            if one.join_path(key) in document.conversion.used_waivers:
                one.keep(f"{EXTENSION}.waive.{key}", "left out, with this reason")
            one.drop(f"{EXTENSION}.waive.{key}", f"waives nothing: {node.text}")
        _convert_extensions(one)
    _convert_extensions(document)


def _convert_extensions(keys: key_reader.KeyReader) -> None:
    for key in keys.mapping.pairs:
        if key.startswith("x-") and key != EXTENSION:
            keys.keep(key, "Docker reads no extension either")
        elif key == EXTENSION:
            for inner in keys.enter(key).mapping.pairs:
                if inner != "waive":
                    keys.drop(f"{key}.{inner}", "is no word of x-seaway", "there are: waive")


def _convert_volumes(document: key_reader.KeyReader, plans: Mapping[str, plan.ServicePlan]) -> None:
    used = {mount.source for each in plans.values() for mount in each.mounts}
    for name, said in document.enter_mapping("volumes"):
        if not said.mapping.pairs:
            (document.keep if name in used else document.drop)(
                f"volumes.{name}", "" if name in used else "nobody mounts it"
            )
            continue
        said.keep("name", "only Docker's own name for it")
        if said.get_text("driver") == "local":
            said.keep("driver")
        said.drop("driver", "the kind of disk is the environment's business", "pulumi config set seaway:storageClass")
        options = said.get_scalars("driver_opts")
        for key in options:
            if key == "size" and amounts.to_size(options[key].text):
                said.record_member("driver_opts", key, "kept", "" if name in used else "nobody mounts it", "")
            why = "a disk is made by the cluster, and not found under a path"
            said.record_member("driver_opts", key, "dropped", why, "copy the data into the new disk")
        if said.get_text("external") == "false":
            said.keep("external")
        said.approximate("external", "a new disk, and not the one that Docker has", "copy the data into it")
        for key in nodes.get_pairs(said.mapping, "labels"):
            wrong = key == volumes.SIZE_LABEL and amounts.to_size(said.get_scalars("labels")[key].text) is None
            if wrong:
                said.record_member("labels", key, "dropped", "is no amount of bytes", "write it as 5Gi")
            elif key in (volumes.SIZE_LABEL, volumes.CLASS_LABEL):
                said.record_member("labels", key, "kept", "" if name in used else "nobody mounts it", "")
            said.record_member("labels", key, "dropped", "a label of a volume; nothing here reads it", "remove it")


def require_accepted(conversion: Conversion) -> nodes.MappingNode:
    """The application of a conversion that refused nothing.

    Raises:
        diagnosis.InvalidInput: everything that is refused.
    """
    refused = report.list_refusals(conversion.outcomes)
    if refused:
        raise diagnosis.InvalidInput(refused)
    return conversion.app
