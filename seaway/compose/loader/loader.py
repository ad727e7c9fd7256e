"""Compose files, read as Docker Compose reads them: one document, in long forms, with the places of its files.

https://docs.docker.com/reference/compose-file/. It is what `docker compose config` prints, with these differences:

- Numbers, sizes and durations stay as they are written: 0777 in `environment` is "0777", `512m` no count of bytes.
- Networks and volumes have a `name` only where one is written; all that is written stays, used or not.
- Paths are relative to the folder of the first file.
- A variable that only the environment of this machine has, a file on another machine, a second document in a file and
  a path that leads out of the project are wrong.
"""

import dataclasses
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from seaway.compose import report
from seaway.compose.loader import defaults, dotenv, files, interpolation, schema, sources, tree, validation
from seaway.files import roots
from seaway.syntax import diagnosis, nodes

_PROJECT = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """``root``: the document; paths in it are relative to the folder of the first file."""

    root: nodes.Table
    inactive: Mapping[str, nodes.Entry] = dataclasses.field(default_factory=dict[str, nodes.Entry])
    """The services that their profiles leave out."""
    losses: tuple[report.Loss, ...] = ()
    """Of variables that are set nowhere, and of commands that are a shell's."""


def read(
    paths: Sequence[Path],
    *,
    within: roots.Root,
    profiles: Collection[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Read:
    """The document of these files, each laid over the one before it.

    Relative paths in them, and `.env`, belong to the folder of the first. Nothing outside ``within`` is read.
    Variables have their values from ``environment``, then from `.env`; never from the environment of this process.
    ``profiles``: those that are active; ``*`` is all.

    Raises problems.Invalid.
    """
    base = Path(os.path.abspath(paths[0])).parent  # noqa: PTH100 - a link is not followed to its name
    listed = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100
    for path in listed:
        within.resolve_path(path, diagnosis.quoted(str(path)), _top(within, path), "")
    reader = sources.Sources(within, base)
    where = within.shown(base / ".env")
    variables = interpolation.Variables(dict(environment or {}), where=where, host=frozenset(os.environ))
    if within.exists(base / ".env"):
        variables = reader.variables([(base / ".env", _top(within, base / ".env"), "")], variables)
    name = _name(reader, listed, base, variables)
    variables = dataclasses.replace(variables, values={**variables.values, "COMPOSE_PROJECT_NAME": name.text})
    named = [(path, nodes.Scalar(_top(within, path), within.shown(path)), "") for path in listed]
    root = reader.merged(named, base, variables, ())
    _stop([*schema.check(root, whole=True)])
    root, inactive = _active(root, profiles or _words(variables.values.get("COMPOSE_PROFILES", "")))
    root = defaults.normal(root)
    _stop([*validation.check(root, inactive)])
    root = tree.replaced(_without(root, inactive), {"name": name})
    root = _resolved(root, reader, base, variables)
    return Read(root=root, inactive=inactive, losses=(*_unset(variables), *reader.told))


def _unset(variables: interpolation.Variables) -> Iterator[report.Loss]:
    how = "is set nowhere, and so an empty text, as with Docker Compose"
    for name, place in variables.spent.unset.items():
        remedy = interpolation.missing(name, variables.where)
        yield report.Loss(place=place, path=f"${{{name}}}", kind="approximated", how=how, remedy=remedy)


def _top(within: roots.Root, path: Path) -> diagnosis.Place:
    return diagnosis.Place(within.shown(path), 1, 1)


def _stop(found: Sequence[diagnosis.Problem]) -> None:
    if found:
        raise diagnosis.Invalid(found)


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", text) if word]


def _name(
    reader: sources.Sources, listed: Sequence[Path], base: Path, variables: interpolation.Variables
) -> nodes.Scalar:
    """The project's name: of the environment, of the last file that has one, of the folder."""
    place = _top(reader.files, listed[0])
    said = variables.values.get("COMPOSE_PROJECT_NAME")
    for path in listed:
        shown = reader.files.shown(path)
        root = reader.raw(path, shown, diagnosis.Place(shown, 1, 1), "").root
        entry = root.entries.get("name")
        if entry and isinstance(entry.node, nodes.Scalar) and "COMPOSE_PROJECT_NAME" not in variables.values:
            try:
                said, place = _plain(variables.substituted(entry.node.text)), entry.node.place
            except interpolation.WrongError as error:
                raise files.lost(error.wrong, error.remedy, entry.node.place, "name") from None
    if said is None:
        # As Docker Compose does it; a folder may have a name of other letters only.
        said = _plain(base.name) or "app"
    if not _PROJECT.fullmatch(said):
        wrong = f"{diagnosis.quoted(said)} is no name of a project"
        raise files.lost(wrong, "use lower case letters, digits, - and _, and a letter or digit first", place, "name")
    return nodes.Scalar(place, said)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "", name.lower()).lstrip("_-")


def _active(root: nodes.Table, profiles: Collection[str]) -> tuple[nodes.Table, Mapping[str, nodes.Entry]]:
    services = nodes.inside(root, "services")
    inactive = {
        name: entry
        for name, entry in services.items()
        if (wanted := {one.text for one in validation.items(entry.node, "profiles") if isinstance(one, nodes.Scalar)})
        and "*" not in profiles
        and wanted.isdisjoint(profiles)
    }
    if not inactive:
        return root, inactive
    kept = {name: entry for name, entry in services.items() if name not in inactive}
    return tree.replaced(root, {"services": nodes.Table(root.entries["services"].node.place, kept)}), inactive


def _without(root: nodes.Table, inactive: Collection[str]) -> nodes.Table:
    """Nobody waits for a service that is left out."""
    if not inactive:
        return root

    def rule(node: nodes.Node, path: str, found: list[diagnosis.Problem]) -> nodes.Node:
        return tree.replaced(node, dict.fromkeys(inactive)) if isinstance(node, nodes.Table) else node

    node = tree.changed(root, tree.tree({"services.*.depends_on": rule}), [])
    return node if isinstance(node, nodes.Table) else root


def _resolved(
    root: nodes.Table, reader: sources.Sources, base: Path, variables: interpolation.Variables
) -> nodes.Table:
    """The document with what its files of variables and labels say, where its own words win."""
    found: list[diagnosis.Problem] = []

    def known(node: nodes.Node, path: str, found: list[diagnosis.Problem]) -> nodes.Node:
        """A name without a value has that of the project; if that has none, it stays without."""
        if not isinstance(node, nodes.Table):
            return node
        after = {
            name: nodes.Entry(entry.place, nodes.Scalar(entry.node.place, variables.values[name]))
            if isinstance(entry.node, nodes.Scalar) and entry.node.kind == "null" and name in variables.values
            else entry
            for name, entry in node.entries.items()
        }
        return nodes.Table(node.place, after)

    def service(node: nodes.Node, path: str, found: list[diagnosis.Problem]) -> nodes.Node:
        if not isinstance(node, nodes.Table):
            return node
        for key, into in (("env_file", "environment"), ("label_file", "labels")):
            listed = validation.items(node, key)
            if key not in node.entries:
                continue
            own = nodes.inside(node, into)
            values: dict[str, nodes.Scalar] = {}
            for number, item in enumerate(listed):
                seen = {name: value.text for name, value in values.items()} | _texts(own) | dict(variables.values)
                around = dataclasses.replace(variables, values=seen)
                values |= _file(item, f"{path}.{key}.{number}", reader, base, variables=around, found=found)
            place = node.entries[into].node.place if into in node.entries else node.entries[key].node.place
            entries = {name: nodes.Entry(value.place, value) for name, value in values.items()}
            merged = nodes.Table(place, {**entries, **own}) if entries or own else None
            node = tree.replaced(node, {key: None, into: merged})
        return node

    def config(node: nodes.Node, path: str, found: list[diagnosis.Problem]) -> nodes.Node:
        said = tree.text(node, "environment")
        if not isinstance(node, nodes.Table) or said is None or said not in variables.values:
            return node
        place = node.entries["environment"].node.place
        return tree.replaced(node, {"content": nodes.Scalar(place, variables.values[said])})

    rules: dict[str, tree.Rule] = {
        "services.*.build.args": known,
        "services.*.environment": known,
        "configs.*": config,
    }
    node = tree.changed(root, tree.tree(rules), found)
    node = tree.changed(node, tree.tree({"services.*": service}), found)
    _stop(found)
    return node if isinstance(node, nodes.Table) else root


def _texts(entries: Mapping[str, nodes.Entry]) -> dict[str, str]:
    known = {name: entry.node for name, entry in entries.items()}
    return {name: node.text for name, node in known.items() if isinstance(node, nodes.Scalar) and node.kind != "null"}


def _file(
    item: nodes.Node,
    at: str,
    reader: sources.Sources,
    base: Path,
    *,
    variables: interpolation.Variables,
    found: list[diagnosis.Problem],
) -> Mapping[str, nodes.Scalar]:
    written = item.text if isinstance(item, nodes.Scalar) else tree.text(item, "path") or ""
    path = base / written
    if tree.text(item, "required") == "false" and not reader.files.exists(path):
        return {}
    shown = reader.files.shown(path)
    try:
        data = reader.files.read(path, diagnosis.quoted(written), item.place, at)
        text = dotenv.decoded(data, diagnosis.Place(shown, 1, 1), at)
        form = tree.text(item, "format")
        if form not in (None, "raw"):
            wrong = f"{diagnosis.quoted(form or '')} is no format of a file of variables"
            raise files.lost(wrong, "write raw, or nothing", item.place, f"{at}.format")
        return (dotenv.raw if form == "raw" else dotenv.read)(text, shown, at, variables)
    except diagnosis.Invalid as error:
        found.extend(error.problems)
        return {}
