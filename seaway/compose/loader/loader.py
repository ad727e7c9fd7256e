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
class LoadedProject:
    """``root``: the document; paths in it are relative to the folder of the first file."""

    root: nodes.MappingNode
    inactive_services: Mapping[str, nodes.Pair] = dataclasses.field(default_factory=dict[str, nodes.Pair])
    """The services that their profiles leave out."""
    outcomes: tuple[report.KeyOutcome, ...] = ()
    """Of variables that are set nowhere, and of commands that are a shell's."""


def load(
    paths: Sequence[Path],
    *,
    within: roots.Root,
    profiles: Collection[str] = (),
    environment: Mapping[str, str] | None = None,
) -> LoadedProject:
    """The document of these files, each laid over the one before it.

    Relative paths in them, and `.env`, belong to the folder of the first. Nothing outside ``within`` is read.
    Variables have their values from ``environment``, then from `.env`; never from the environment of this process.
    ``profiles``: those that are active; ``*`` is all.

    Raises diagnosis.InvalidInput.
    """
    base = Path(os.path.abspath(paths[0])).parent  # noqa: PTH100 - a link is not followed to its name
    listed = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100
    for path in listed:
        within.resolve_path(path, diagnosis.quote(str(path)), _locate_file(within, path), "")
    reader = sources.SourceReader(within, base)
    where = within.format_path(base / ".env")
    variables = interpolation.Variables(dict(environment or {}), env_file=where, host_names=frozenset(os.environ))
    if within.exists(base / ".env"):
        variables = reader.read_variables([(base / ".env", _locate_file(within, base / ".env"), "")], variables)
    name = _find_project_name(reader, listed, base, variables)
    variables = dataclasses.replace(variables, values={**variables.values, "COMPOSE_PROJECT_NAME": name.text})
    named = [(path, nodes.ScalarNode(_locate_file(within, path), within.format_path(path)), "") for path in listed]
    root = reader.merge_files(named, base, variables, ())
    _raise_if_any([*schema.check(root, complete=True)])
    root, inactive = _select_active(root, profiles or _split_names(variables.values.get("COMPOSE_PROFILES", "")))
    root = defaults.apply(root)
    _raise_if_any([*validation.check(root, inactive)])
    root = tree.replace_keys(_drop_dependencies(root, inactive), {"name": name})
    root = _resolve_files(root, reader, base, variables)
    return LoadedProject(root=root, inactive_services=inactive, outcomes=(*_report_unset(variables), *reader.outcomes))


def _report_unset(variables: interpolation.Variables) -> Iterator[report.KeyOutcome]:
    how = "is set nowhere, and so an empty text, as with Docker Compose"
    for name, place in variables.usage.unset.items():
        remedy = interpolation.format_hint(name, variables.env_file)
        yield report.KeyOutcome(location=place, path=f"${{{name}}}", kind="approximated", message=how, hint=remedy)


def _locate_file(within: roots.Root, path: Path) -> diagnosis.SourceLocation:
    return diagnosis.SourceLocation(within.format_path(path), 1, 1)


def _raise_if_any(found: Sequence[diagnosis.Diagnostic]) -> None:
    if found:
        raise diagnosis.InvalidInput(found)


def _split_names(text: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", text) if word]


def _find_project_name(
    reader: sources.SourceReader, paths: Sequence[Path], base: Path, variables: interpolation.Variables
) -> nodes.ScalarNode:
    """The project's name: of the environment, of the last file that has one, of the folder."""
    place = _locate_file(reader.files, paths[0])
    said = variables.values.get("COMPOSE_PROJECT_NAME")
    for path in paths:
        shown = reader.files.format_path(path)
        root = reader.read_document(path, shown, diagnosis.SourceLocation(shown, 1, 1), "").root
        entry = root.pairs.get("name")
        if entry and isinstance(entry.node, nodes.ScalarNode) and "COMPOSE_PROJECT_NAME" not in variables.values:
            try:
                said, place = _normalize_name(variables.interpolate(entry.node.text)), entry.node.location
            except interpolation.InterpolationError as error:
                raise files.make_error(error.message, error.hint, entry.node.location, "name") from None
    if said is None:
        # As Docker Compose does it; a folder may have a name of other letters only.
        said = _normalize_name(base.name) or "app"
    if not _PROJECT.fullmatch(said):
        wrong = f"{diagnosis.quote(said)} is no name of a project"
        raise files.make_error(
            wrong, "use lower case letters, digits, - and _, and a letter or digit first", place, "name"
        )
    return nodes.ScalarNode(place, said)


def _normalize_name(name: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "", name.lower()).lstrip("_-")


def _select_active(
    root: nodes.MappingNode, profiles: Collection[str]
) -> tuple[nodes.MappingNode, Mapping[str, nodes.Pair]]:
    services = nodes.get_pairs(root, "services")
    inactive = {
        name: entry
        for name, entry in services.items()
        if (
            wanted := {
                one.text for one in validation.get_sequence(entry.node, "profiles") if isinstance(one, nodes.ScalarNode)
            }
        )
        and "*" not in profiles
        and wanted.isdisjoint(profiles)
    }
    if not inactive:
        return root, inactive
    kept = {name: entry for name, entry in services.items() if name not in inactive}
    return tree.replace_keys(
        root, {"services": nodes.MappingNode(root.pairs["services"].node.location, kept)}
    ), inactive


def _drop_dependencies(root: nodes.MappingNode, inactive: Collection[str]) -> nodes.MappingNode:
    """Nobody waits for a service that is left out."""
    if not inactive:
        return root

    def rule(node: nodes.Node, path: str, found: list[diagnosis.Diagnostic]) -> nodes.Node:
        return tree.replace_keys(node, dict.fromkeys(inactive)) if isinstance(node, nodes.MappingNode) else node

    node = tree.apply(root, tree.build({"services.*.depends_on": rule}), [])
    return node if isinstance(node, nodes.MappingNode) else root


def _resolve_files(
    root: nodes.MappingNode, reader: sources.SourceReader, base: Path, variables: interpolation.Variables
) -> nodes.MappingNode:
    """The document with what its files of variables and labels say, where its own words win."""
    found: list[diagnosis.Diagnostic] = []

    def known(node: nodes.Node, path: str, found: list[diagnosis.Diagnostic]) -> nodes.Node:
        """A name without a value has that of the project; if that has none, it stays without."""
        if not isinstance(node, nodes.MappingNode):
            return node
        after = {
            name: nodes.Pair(entry.location, nodes.ScalarNode(entry.node.location, variables.values[name]))
            if isinstance(entry.node, nodes.ScalarNode) and entry.node.kind == "null" and name in variables.values
            else entry
            for name, entry in node.pairs.items()
        }
        return nodes.MappingNode(node.location, after)

    def service(node: nodes.Node, path: str, found: list[diagnosis.Diagnostic]) -> nodes.Node:
        if not isinstance(node, nodes.MappingNode):
            return node
        for key, into in (("env_file", "environment"), ("label_file", "labels")):
            listed = validation.get_sequence(node, key)
            if key not in node.pairs:
                continue
            own = nodes.get_pairs(node, into)
            values: dict[str, nodes.ScalarNode] = {}
            for number, item in enumerate(listed):
                seen = {name: value.text for name, value in values.items()} | _list_texts(own) | dict(variables.values)
                around = dataclasses.replace(variables, values=seen)
                values |= _read_env_file(item, f"{path}.{key}.{number}", reader, base, variables=around, found=found)
            place = node.pairs[into].node.location if into in node.pairs else node.pairs[key].node.location
            entries = {name: nodes.Pair(value.location, value) for name, value in values.items()}
            merged = nodes.MappingNode(place, {**entries, **own}) if entries or own else None
            node = tree.replace_keys(node, {key: None, into: merged})
        return node

    def config(node: nodes.Node, path: str, found: list[diagnosis.Diagnostic]) -> nodes.Node:
        said = tree.get_text(node, "environment")
        if not isinstance(node, nodes.MappingNode) or said is None or said not in variables.values:
            return node
        place = node.pairs["environment"].node.location
        return tree.replace_keys(node, {"content": nodes.ScalarNode(place, variables.values[said])})

    rules: dict[str, tree.Rule] = {
        "services.*.build.args": known,
        "services.*.environment": known,
        "configs.*": config,
    }
    node = tree.apply(root, tree.build(rules), found)
    node = tree.apply(node, tree.build({"services.*": service}), found)
    _raise_if_any(found)
    return node if isinstance(node, nodes.MappingNode) else root


def _list_texts(entries: Mapping[str, nodes.Pair]) -> dict[str, str]:
    known = {name: entry.node for name, entry in entries.items()}
    return {
        name: node.text for name, node in known.items() if isinstance(node, nodes.ScalarNode) and node.kind != "null"
    }


def _read_env_file(
    item: nodes.Node,
    at: str,
    reader: sources.SourceReader,
    base: Path,
    *,
    variables: interpolation.Variables,
    found: list[diagnosis.Diagnostic],
) -> Mapping[str, nodes.ScalarNode]:
    written = item.text if isinstance(item, nodes.ScalarNode) else tree.get_text(item, "path") or ""
    path = base / written
    if tree.get_text(item, "required") == "false" and not reader.files.exists(path):
        return {}
    shown = reader.files.format_path(path)
    try:
        data = reader.files.read(path, diagnosis.quote(written), item.location, at)
        text = dotenv.decode_text(data, diagnosis.SourceLocation(shown, 1, 1), at)
        form = tree.get_text(item, "format")
        if form not in (None, "raw"):
            wrong = f"{diagnosis.quote(form or '')} is no format of a file of variables"
            raise files.make_error(wrong, "write raw, or nothing", item.location, f"{at}.format")
        return (dotenv.parse_raw if form == "raw" else dotenv.parse)(text, shown, at, variables)
    except diagnosis.InvalidInput as error:
        found.extend(error.diagnostics)
        return {}
