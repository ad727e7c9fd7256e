"""Loads compose files like Docker Compose: one document in long forms, with the locations of its files.

https://docs.docker.com/reference/compose-file/. The result is what `docker compose config` prints, except:

- Numbers, sizes and durations keep their notation: 0777 in `environment` is "0777", and `512m` is not a count of bytes.
- Networks and volumes have a `name` only if it is written. Unused resources stay.
- Paths are relative to the folder of the first file.
- These are errors: a variable that only this machine's environment sets, a remote file, a second document in a file,
  and a path outside the project.
"""

import dataclasses
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from seaway.compose import report
from seaway.compose.loader import defaults, dotenv, interpolation, schema, sources, tree, validation
from seaway.files import roots
from seaway.syntax import diagnosis, nodes

_PROJECT = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LoadedProject:
    """``root``: the document. Its paths are relative to the folder of the first file."""

    root: nodes.MappingNode
    inactive_services: Mapping[str, nodes.Pair] = dataclasses.field(default_factory=dict[str, nodes.Pair])
    """Services without an active profile."""
    outcomes: tuple[report.KeyOutcome, ...] = ()
    """Of unset variables, and of commands that need a shell."""
    lookups: interpolation.Lookups = dataclasses.field(default_factory=interpolation.Lookups, repr=False)
    """The interpolated variables."""


def load(
    paths: Sequence[Path],
    *,
    within: roots.Root,
    profiles: Collection[str] = (),
    environment: Mapping[str, str] | None = None,
) -> LoadedProject:
    """Load files; a later file overrides an earlier one.

    Args:
        paths: the files. Relative paths in them, and `.env`, belong to the folder of the first file.
        within: the only files that may be read.
        profiles: the active profiles; ``*`` is all. Without any: those of COMPOSE_PROFILES.
        environment: variables, which win over `.env`. The environment of this process is not used.
    """
    files = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100 - the path, not the target of a link
    base = files[0].parent

    def refer(file: Path) -> sources.Reference:
        return sources.Reference(file, diagnosis.SourceLocation(within.format_path(file), 1, 1))

    references = [refer(file) for file in files]
    for file, location, _ in references:
        within.resolve_path(file, diagnosis.quote(str(file)), location, "")
    reader = sources.SourceReader(within, base)
    env_file = base / ".env"
    name = within.format_path(env_file)
    variables = interpolation.Variables(dict(environment or {}), env_file=name, host_names=frozenset(os.environ))
    if within.exists(env_file):
        variables = reader.read_variables([refer(env_file)], variables)
    project_name = _find_project_name(reader, references, base, variables)
    values = {**variables.values, "COMPOSE_PROJECT_NAME": project_name.text}
    variables = dataclasses.replace(variables, values=values)
    root = reader.merge_files(references, base, variables)
    if not root.pairs:
        hint = "write `services:` with services below"
        raise diagnosis.reject(references[0].location, "", "invalid-type", "an empty Compose file", hint)
    schema.check(root, complete=True)
    inactive = _find_inactive(root, profiles or re.findall(r"[^,\s]+", values.get("COMPOSE_PROFILES", "")))
    root = defaults.apply(_remove_names(root, "services", inactive))
    validation.check(root, inactive)
    root = _remove_names(root, "services.*.depends_on", inactive)
    root = tree.replace_keys(root, {"name": project_name})
    root = _FileResolver(reader, base, variables).resolve(root)
    return LoadedProject(
        root=root,
        inactive_services=inactive,
        outcomes=(*_report_unset(variables), *reader.outcomes),
        lookups=variables.usage.lookups,
    )


def _report_unset(variables: interpolation.Variables) -> Iterator[report.KeyOutcome]:
    for name, location in variables.usage.unset.items():
        yield report.KeyOutcome(
            location=location,
            path=f"${{{name}}}",
            kind="approximated",
            message="is not set, and so an empty text, as with Docker Compose",
            hint=interpolation.format_hint(name, variables.env_file),
        )


def _find_project_name(
    reader: sources.SourceReader,
    references: Sequence[sources.Reference],
    base: Path,
    variables: interpolation.Variables,
) -> nodes.ScalarNode:
    """From the environment, else from the last file with a name, else from the folder."""
    location = references[0].location
    name = variables.values.get("COMPOSE_PROJECT_NAME")
    for reference in references:
        node = tree.get_node(reader.read_document(reference).root, "name")
        if isinstance(node, nodes.ScalarNode) and "COMPOSE_PROJECT_NAME" not in variables.values:
            location = node.location
            try:
                name = _normalize_name(variables.interpolate(node.text, location))
            except interpolation.InterpolationError as error:
                raise diagnosis.reject(location, "name", error.code, error.message, error.hint) from None
    if name is None:
        # Docker Compose rejects a folder without valid letters.
        name = _normalize_name(base.name) or "app"
    if not _PROJECT.fullmatch(name):
        message = f"{diagnosis.quote(name)} is not a valid project name"
        hint = "use lowercase letters, digits, - and _, and begin with a letter or digit"
        raise diagnosis.reject(location, "name", "invalid-name", message, hint)
    return nodes.ScalarNode(location, name)


def _normalize_name(name: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "", name.lower()).lstrip("_-")


def _find_inactive(root: nodes.MappingNode, active: Collection[str]) -> dict[str, nodes.Pair]:
    """The services without an active profile."""
    inactive: dict[str, nodes.Pair] = {}
    for name, pair in nodes.get_pairs(root, "services").items():
        profiles = {profile.text for profile in tree.list_scalars(pair.node, "profiles")}
        if profiles and "*" not in active and profiles.isdisjoint(active):
            inactive[name] = pair
    return inactive


def _remove_names(root: nodes.MappingNode, path: str, names: Collection[str]) -> nodes.MappingNode:
    def rule(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
        return tree.replace_keys(tree.as_mapping(node), dict.fromkeys(names))

    return tree.apply_to_mapping(root, tree.build({path: rule})) if names else root


@dataclasses.dataclass(frozen=True, slots=True)
class _FileResolver:
    """Replaces files of variables and labels, and names without a value, by their content."""

    reader: sources.SourceReader
    base: Path
    variables: interpolation.Variables

    def resolve(self, root: nodes.MappingNode) -> nodes.MappingNode:
        errors = tree.Errors()
        rules: dict[str, tree.Rule] = {
            "services.*.build.args": self._set_values,
            "services.*.environment": self._set_values,
            "configs.*": self._set_content,
        }
        root = tree.apply_to_mapping(root, tree.build(rules), errors)
        root = tree.apply_to_mapping(root, tree.build({"services.*": self._read_service_files}), errors)
        errors.raise_if_any()
        return root

    def _set_values(self, node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
        """A name without a value has that of the project, if there is one."""

        def fill(child: nodes.Node, name: str | int) -> nodes.Node:
            text = self.variables.values.get(str(name))
            return nodes.ScalarNode(child.location, text) if tree.is_null(child) and text is not None else child

        return tree.map_children(node, fill)

    def _set_content(self, node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
        name = tree.get_text(node, "environment")
        if not isinstance(node, nodes.MappingNode) or name is None or name not in self.variables.values:
            return node
        content = nodes.ScalarNode(node.pairs["environment"].node.location, self.variables.values[name])
        return tree.replace_keys(node, {"content": content})

    def _read_service_files(self, node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
        """The service's own keys win over its files."""
        if not isinstance(node, nodes.MappingNode):
            return node
        for key, into in (("env_file", "environment"), ("label_file", "labels")):
            if key not in node.pairs:
                continue
            own = nodes.get_pairs(node, into)
            own_texts = {name: pair.node.text for name, pair in own.items() if tree.is_scalar(pair.node)}
            scalars: dict[str, nodes.ScalarNode] = {}
            for number, entry in enumerate(tree.get_sequence(node, key)):
                earlier = {name: scalar.text for name, scalar in scalars.items()}
                visible = {**earlier, **own_texts, **self.variables.values}
                variables = dataclasses.replace(self.variables, values=visible)
                scalars |= self._read_file(entry, f"{path}.{key}.{number}", variables, errors)
            pairs = {name: nodes.Pair(scalar.location, scalar) for name, scalar in scalars.items()} | dict(own)
            location = node.pairs[into if into in node.pairs else key].node.location
            merged = nodes.MappingNode(location, pairs) if pairs else None
            node = tree.replace_keys(node, {key: None, into: merged})
        return node

    def _read_file(
        self, entry: nodes.Node, path: str, variables: interpolation.Variables, errors: tree.Errors
    ) -> Mapping[str, nodes.ScalarNode]:
        written = entry.text if isinstance(entry, nodes.ScalarNode) else tree.get_text(entry, "path") or ""
        file, files, form = self.base / written, self.reader.files, tree.get_text(entry, "format")
        if tree.get_text(entry, "required") == "false" and not files.exists(file):
            return {}
        name = files.format_path(file)
        try:
            content = files.read(file, diagnosis.quote(written), entry.location, path)
            text = dotenv.decode_text(content, diagnosis.SourceLocation(name, 1, 1), path)
            if form not in (None, "raw"):
                message = f"{diagnosis.quote(form)} is not a format of env files"
                errors.add(entry, f"{path}.format", "invalid-value", message, "write raw, or remove the key")
                return {}
            return (dotenv.parse_raw if form == "raw" else dotenv.parse)(text, name, path, variables)
        except diagnosis.InvalidInput as error:
            errors.diagnostics.extend(error.diagnostics)
            return {}
