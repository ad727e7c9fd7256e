"""Reads the files of a project as one document, with the files that they extend and include."""

import dataclasses
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from seaway.compose import report
from seaway.compose.loader import documents, dotenv, interpolation, override, paths, schema, transform, tree
from seaway.files import roots
from seaway.syntax import diagnosis, nodes, yaml_parser

MAX_FILES = 100
MAX_CHAIN = 20
"""Of files that include each other, or services that extend each other."""

RESOURCES = ("services", "models", "networks", "volumes", "secrets", "configs")


class Reference(NamedTuple):
    """A file, where it is named, and by which key."""

    file: Path
    location: diagnosis.SourceLocation
    key_path: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file in long forms. Its paths are relative to the project's first file."""

    file: Path
    base: Path
    variables: interpolation.Variables
    document: documents.Document


class SourceReader:
    """Reads the files of one project, each once."""

    def __init__(self, within: roots.Root, base: Path) -> None:
        self.files = within
        self.base = base
        self._documents: dict[Path, documents.Document] = {}
        self._sources: dict[tuple[Path, Path, int], Source] = {}
        self._extended: dict[tuple[int, str], nodes.MappingNode] = {}
        self._size = 0
        self.outcomes: list[report.KeyOutcome] = []
        """Of commands that are split into words."""

    def read_document(self, reference: Reference) -> documents.Document:
        """A parsed file. Raises diagnosis.InvalidInput."""
        file, location, key_path = reference
        if file not in self._documents:
            if len(self._documents) >= MAX_FILES:
                message = f"the project has more than {MAX_FILES} files"
                raise diagnosis.reject(location, key_path, "too-large", message, "write fewer, larger files")
            name = self.files.format_path(file)
            content = self.files.read(file, diagnosis.quote(name), location, key_path)
            self._documents[file] = documents.parse(content, name)
        return self._documents[file]

    def read_variables(
        self, references: Iterable[Reference], outer: interpolation.Variables
    ) -> interpolation.Variables:
        """The variables of `.env` files, with those of ``outer``, which win. Raises diagnosis.InvalidInput."""
        values: dict[str, str] = {}
        for file, location, key_path in references:
            name = self.files.format_path(file)
            visible = dataclasses.replace(outer, values={**values, **outer.values}, env_file=name)
            content = self.files.read(file, diagnosis.quote(name), location, key_path)
            text = dotenv.decode_text(content, diagnosis.SourceLocation(name, 1, 1), "")
            values |= {variable: node.text for variable, node in dotenv.parse(text, name, "", visible).items()}
            outer = dataclasses.replace(outer, env_file=name)
        return dataclasses.replace(outer, values={**values, **outer.values})

    def merge_files(
        self,
        references: Sequence[Reference],
        base: Path,
        variables: interpolation.Variables,
        trail: tuple[Path, ...] = (),
    ) -> nodes.MappingNode:
        """Merge files and what they include. ``trail``: the files that include them. Raises diagnosis.InvalidInput."""
        root: nodes.Node | None = None
        errors = tree.Errors()
        for reference in references:
            source = self._read_source(reference, base, variables)
            document = self._resolve_includes(self._resolve_extends(source), source, trail)
            if root is None:
                root = document
            else:
                root = documents.drop_paths(root, source.document.reset_paths)
                root = override.merge(root, document, errors, override.RULES)
            root = self._check_size(tree.apply(root, override.UNIQUE_RULES, errors))
        errors.raise_if_any()
        return tree.as_mapping(root) if root else nodes.MappingNode(diagnosis.SourceLocation(""))

    def _read_source(self, reference: Reference, base: Path, variables: interpolation.Variables) -> Source:
        key = (Path(os.path.realpath(reference.file)), base, id(variables))
        if key not in self._sources:
            parsed = self.read_document(reference)
            errors = tree.Errors()
            root = interpolation.apply(parsed.root, variables, errors)
            errors.raise_if_any()
            schema.check(root, complete=False)
            root = transform.expand(tree.as_mapping(root), errors)
            self.outcomes += errors.outcomes
            root = paths.rebase(root, base, self.base, self.files, errors)
            errors.raise_if_any()
            document = documents.Document(self._check_size(root), parsed.reset_paths)
            self._sources[key] = Source(file=reference.file, base=base, variables=variables, document=document)
        return self._sources[key]

    def _check_size(self, node: nodes.Node) -> nodes.MappingNode:
        """Limit the size of all files together: a chain of services that extend each other multiplies it."""
        self._size += _count_nodes(node)
        limit = 4 * yaml_parser.MAX_NODES
        if self._size > limit:
            message = f"the merged files have more than {limit} values"
            raise diagnosis.reject(node.location, "", "too-large", message, "split the project")
        return tree.as_mapping(node)

    def _resolve_extends(self, source: Source) -> nodes.MappingNode:
        def extend(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
            return self._extend_service(source, path.removeprefix("services."), ())

        return tree.apply_to_mapping(source.document.root, tree.build({"services.*": extend}))

    def _extend_service(self, source: Source, name: str, trail: tuple[tuple[Path, str], ...]) -> nodes.MappingNode:
        """A service with what it extends. Raises diagnosis.InvalidInput."""
        key = (id(source), name)
        if key in self._extended:
            return self._extended[key]
        service = tree.as_mapping(nodes.get_pairs(source.document.root, "services")[name].node)
        extends = service.pairs.get("extends")
        if extends is None:
            return service
        path, location, here = f"services.{name}.extends", extends.location, (source.file, name)
        if here in trail or len(trail) >= MAX_CHAIN:
            chain = " -> ".join(other for _, other in (*trail, here))
            message = f"extends itself: {chain}" if here in trail else f"has more than {MAX_CHAIN} levels of extends"
            code = "dependency-cycle" if here in trail else "nested-too-deep"
            raise diagnosis.reject(location, path, code, message, "write the keys of the service")
        wanted, file = tree.get_text(extends.node, "service") or "", tree.get_text(extends.node, "file")
        other = source
        if file is not None:
            resolved = paths.resolve(self.files, file, source.base, location, f"{path}.file")
            reference = Reference(resolved, location, f"{path}.file")
            other = self._read_source(reference, resolved.parent, source.variables)
        if wanted not in nodes.get_pairs(other.document.root, "services"):
            message = f"there is no service {diagnosis.quote(wanted)} in {self.files.format_path(other.file)}"
            raise diagnosis.reject(
                location, f"{path}.service", "unknown-service", message, "write the name of one of its services"
            )
        base = self._extend_service(other, wanted, (*trail, here))
        base = documents.drop_paths(base, source.document.reset_paths, ("services", name))
        own = tree.replace_keys(service, {"extends": None})
        errors = tree.Errors()
        merged = tree.as_mapping(override.merge(base, own, errors, override.SERVICE_RULES, f"services.{name}"))
        errors.raise_if_any()
        self._extended[key] = self._check_size(nodes.MappingNode(service.location, merged.pairs))
        return self._extended[key]

    def _resolve_includes(self, root: nodes.MappingNode, source: Source, trail: tuple[Path, ...]) -> nodes.MappingNode:
        if "include" not in root.pairs:
            return root
        here = Path(os.path.realpath(source.file))
        included: nodes.Node = nodes.MappingNode(root.location, {})
        for number, entry in enumerate(tree.get_sequence(root, "include")):
            included = self._include_project(
                tree.as_mapping(included), entry, f"include.{number}", source, (*trail, here)
            )
        errors = tree.Errors()
        included = documents.drop_paths(included, source.document.reset_paths)
        own = tree.replace_keys(root, {"include": None})
        merged = tree.as_mapping(override.merge(included, own, errors, override.RULES))
        errors.raise_if_any()
        return _sort_own_first(merged, own)

    def _include_project(
        self, root: nodes.MappingNode, entry: nodes.Node, key_path: str, source: Source, trail: tuple[Path, ...]
    ) -> nodes.MappingNode:
        """Add one entry of `include`, which is a project of its own."""

        def resolve(key: str) -> list[Reference]:
            path = f"{key_path}.{key}"
            return [
                Reference(paths.resolve(self.files, node.text, source.base, node.location, path), node.location, path)
                for node in tree.list_scalars(entry, key)
            ]

        references = resolve("path")
        if not references:
            raise diagnosis.reject(entry.location, key_path, "missing-value", "has no `path`", "add `path: <file>`")
        first = Path(os.path.realpath(references[0].file))
        if first in trail or len(trail) > MAX_CHAIN:
            message = "includes itself" if first in trail else f"has more than {MAX_CHAIN} levels of includes"
            message += f": {' -> '.join(self.files.format_path(file) for file in (*trail, first))}"
            code = "dependency-cycle" if first in trail else "nested-too-deep"
            raise diagnosis.reject(references[0].location, references[0].key_path, code, message, "remove one of these")
        folder, base = tree.get_text(entry, "project_directory"), references[0].file.parent
        if folder is not None:
            base = paths.resolve(self.files, folder, source.base, entry.location, f"{key_path}.project_directory")
        env_files = resolve("env_file")
        if not env_files and self.files.exists(base / ".env"):
            env_files = [Reference(base / ".env", entry.location, key_path)]
        included = self.merge_files(references, base, self.read_variables(env_files, source.variables), trail)
        return _add_resources(root, included, tree.list_scalars(entry, "path")[0].text)


def _sort_own_first(merged: nodes.MappingNode, own: nodes.MappingNode) -> nodes.MappingNode:
    """The merged files, the resources of the file itself before those that only the others have."""
    for kind in RESOURCES:
        names, pairs = nodes.get_pairs(own, kind), nodes.get_pairs(merged, kind)
        if pairs:
            pairs = {name: pairs[name] for name in (*names, *pairs) if name in pairs}
            merged = tree.replace_keys(merged, {kind: nodes.MappingNode(merged.pairs[kind].node.location, pairs)})
    return merged


def _add_resources(root: nodes.MappingNode, included: nodes.MappingNode, file: str) -> nodes.MappingNode:
    """Add the resources of an included project. A resource in two of them must be equal."""
    errors = tree.Errors()
    for kind in RESOURCES:
        added, pairs = nodes.get_pairs(included, kind), dict(nodes.get_pairs(root, kind))
        for name, pair in added.items():
            if name in pairs and nodes.to_plain(pairs[name].node) != nodes.to_plain(pair.node):
                message = f"differs from the one that {file} includes, in {pair.location}"
                hint = "rename one of them, or change it in the file that includes both"
                errors.add(pairs[name], f"{kind}.{name}", "duplicate-name", message, hint)
            pairs.setdefault(name, pair)
        if added:
            location = (root if kind in root.pairs else included).pairs[kind].node.location
            root = tree.replace_keys(root, {kind: nodes.MappingNode(location, pairs)})
    errors.raise_if_any()
    return root


def _count_nodes(node: nodes.Node) -> int:
    match node:
        case nodes.MappingNode(pairs=pairs):
            return 1 + sum(_count_nodes(pair.node) for pair in pairs.values())
        case nodes.SequenceNode(items=children):
            return 1 + sum(map(_count_nodes, children))
        case _:
            return 1
