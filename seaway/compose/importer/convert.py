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

MADE = "made"
"""Its other word: the service is nothing of the application, but what `seaway render --to compose` needs on Docker."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """What a document becomes."""

    app: nodes.Table
    """As app.yaml would have it, each value with its place in the compose file."""
    losses: tuple[report.Loss, ...]


def convert(
    root: nodes.Table,
    *,
    name: str | None = None,
    folder: Path | None = None,
    within: roots.Root | None = None,
    told: Iterable[report.Loss] = (),
    builds: bool = True,
) -> Converted:
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
    ledger = report.Ledger()
    for one in told:
        ledger.tell(one)
    whole = key_reader.Part(table=root, path="", ledger=ledger)
    ledger.waived |= dict(_waivers(whole))
    _made(whole)
    where = volumes.Where(folder=folder, root=within or (roots.Root(folder) if folder else None))
    found = plan.plans(whole, where, builds=builds)
    renamed = _renamed(found)
    bodies = [(each, services.convert(each, found, whole, where, renamed)) for each in found.values()]
    entries = {"name": _name(whole, name, folder)}
    for kind in ("services", "stores", "jobs"):
        own = {
            each.label: nodes.Entry(nodes.inside(root, "services")[each.name].place, body)
            for each, body in bodies
            if each.kind == kind
        }
        if own:
            place = root.entries["services"].place
            entries[kind] = nodes.Entry(place, nodes.Table(place, own))
    _whole(whole, found)
    for path, place, empty in list(report.untold(root, ledger.losses)):
        if empty:
            ledger.tell(report.Loss(place=place, path=path, kind="kept", how="says nothing"))
        else:
            why, remedy = "no meaning of it is known here", "remove it, or write it in app.yaml"
            ledger.tell(report.Loss(place=place, path=path, kind="dropped", how=why, remedy=remedy))
    return Converted(app=nodes.Table(root.place, entries), losses=ledger.done())


def _name(whole: key_reader.Part, name: str | None, folder: Path | None) -> nodes.Entry:
    said = name or whole.text("name") or (folder.absolute().name if folder else "") or "app"
    made = naming.label(said, longest=40)
    place = whole.place("name")
    if name is not None or made == said:
        whole.kept("name", "" if made == said else f"is called {made} here", into="name")
    whole.approximated("name", f"is called {made}, since a name here is one of DNS", into="name")
    return nodes.Entry(place, nodes.Scalar(place, made))


def _renamed(found: Mapping[str, plan.Plan]) -> dict[str, str]:
    """Hosts that are called differently now."""
    names: dict[str, str] = {}
    for each in found.values():
        for name in plan.called(each, found):
            names.setdefault(name, each.label)
    return {name: label for name, label in names.items() if name != label}


def _made(whole: key_reader.Part) -> None:
    """What `seaway render` made, it makes again."""
    made = [name for name, one in whole.each("services") if one.has(f"{EXTENSION}.{MADE}")]
    for name, one in whole.each("services"):
        for key in (*one.table.entries, f"{EXTENSION}.{MADE}") if name in made else ():
            one.kept(key, "nothing of the application: seaway render makes it for Docker")
        for other in made:
            if other in nodes.inside(one.table, "depends_on"):
                one.named("depends_on", other, "kept", "nothing of the application", "")


def _waivers(whole: key_reader.Part) -> Iterator[tuple[str, str]]:
    for _, one in whole.each("services"):
        for key, node in one.inner(EXTENSION).scalars("waive").items():
            yield one.at(key), node.text


def _whole(whole: key_reader.Part, found: Mapping[str, plan.Plan]) -> None:
    """The rest of the document."""
    whole.kept("version", "says nothing any more")
    whole.kept("include", "merged in")
    networks.declared(whole)
    secrets.declared(whole)
    secrets.declared_configs(whole)
    _volumes(whole, found)
    for name in nodes.inside(whole.table, "models"):
        whole.dropped(f"models.{name}", "a model is no service", "write a service that serves it")
    for name, one in whole.each("services"):
        if name not in found:
            for key in one.table.entries:
                one.dropped(key, "the service is a program of this machine, and no container", "name an image")
        for key, node in one.inner(EXTENSION).scalars("waive").items():
            if one.at(key) in whole.ledger.used:
                one.kept(f"{EXTENSION}.waive.{key}", "left out, with this reason")
            one.dropped(f"{EXTENSION}.waive.{key}", f"waives nothing: {node.text}")
        _extensions(one)
    _extensions(whole)


def _extensions(one: key_reader.Part) -> None:
    for key in one.table.entries:
        if key.startswith("x-") and key != EXTENSION:
            one.kept(key, "Docker reads no extension either")
        elif key == EXTENSION:
            for inner in one.inner(key).table.entries:
                if inner != "waive":
                    one.dropped(f"{key}.{inner}", "is no word of x-seaway", "there are: waive")


def _volumes(whole: key_reader.Part, found: Mapping[str, plan.Plan]) -> None:
    used = {mount.source for each in found.values() for mount in each.mounts}
    for name, said in whole.each("volumes"):
        if not said.table.entries:
            (whole.kept if name in used else whole.dropped)(
                f"volumes.{name}", "" if name in used else "nobody mounts it"
            )
            continue
        said.kept("name", "only Docker's own name for it")
        if said.text("driver") == "local":
            said.kept("driver")
        said.dropped(
            "driver", "the kind of disk is the environment's business", "pulumi config set seaway:storageClass"
        )
        options = said.scalars("driver_opts")
        for key in options:
            if key == "size" and amounts.size(options[key].text):
                said.named("driver_opts", key, "kept", "" if name in used else "nobody mounts it", "")
            why = "a disk is made by the cluster, and not found under a path"
            said.named("driver_opts", key, "dropped", why, "copy the data into the new disk")
        if said.text("external") == "false":
            said.kept("external")
        said.approximated("external", "a new disk, and not the one that Docker has", "copy the data into it")
        for key in nodes.inside(said.table, "labels"):
            wrong = key == volumes.SIZE_LABEL and amounts.size(said.scalars("labels")[key].text) is None
            if wrong:
                said.named("labels", key, "dropped", "is no amount of bytes", "write it as 5Gi")
            elif key in (volumes.SIZE_LABEL, volumes.CLASS_LABEL):
                said.named("labels", key, "kept", "" if name in used else "nobody mounts it", "")
            said.named("labels", key, "dropped", "a label of a volume; nothing here reads it", "remove it")


def checked(found: Converted) -> nodes.Table:
    """The application of a conversion that refused nothing.

    Raises:
        problems.Invalid: everything that is refused.
    """
    refused = report.refusals(found.losses)
    if refused:
        raise diagnosis.Invalid(refused)
    return found.app
