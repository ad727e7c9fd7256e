"""All files of a project as one document: what they extend and include, and one laid over the other."""

import dataclasses
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from seaway.compose import report
from seaway.compose.loader import documents, dotenv, files, interpolation, override, paths, schema, transform, tree
from seaway.files import roots
from seaway.syntax import diagnosis, nodes

MAX_CHAIN = 20
"""How many files include, or services extend, one another."""
RESOURCES = ("services", "models", "networks", "volumes", "secrets", "configs")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file of its own, in long forms, with paths relative to the project's first file."""

    path: Path
    base: Path
    variables: interpolation.Variables
    document: documents.Document


class SourceReader:
    """Reads the files of one project; each only once."""

    def __init__(self, within: roots.Root, base: Path) -> None:
        self.files = within
        self.base = base
        self._raw: dict[Path, documents.Document] = {}
        self._sources: dict[tuple[Path, Path, int], Source] = {}
        self._extended: dict[tuple[int, str], nodes.MappingNode] = {}
        self._size = 0
        self.outcomes: list[report.KeyOutcome] = []
        """What is lost when commands are split into words."""

    def read_document(
        self, path: Path, display_name: str, location: diagnosis.SourceLocation, key_path: str
    ) -> documents.Document:
        """A file as it is written, but for its merges. Raises diagnosis.InvalidInput."""
        if path not in self._raw:
            if len(self._raw) >= files.MAX_FILES:
                wrong = f"more than {files.MAX_FILES} files are read"
                raise files.make_error(wrong, "write fewer, larger ones", location, key_path)
            text = self.files.read(path, diagnosis.quote(display_name), location, key_path)
            self._raw[path] = documents.parse(text, self.files.format_path(path))
        return self._raw[path]

    def read_variables(
        self, written: Iterable[tuple[Path, diagnosis.SourceLocation, str]], outer: interpolation.Variables
    ) -> interpolation.Variables:
        """What files like `.env` set, below what is set already. Raises diagnosis.InvalidInput."""
        values: dict[str, str] = {}
        for path, place, at in written:
            shown = self.files.format_path(path)
            own = dataclasses.replace(outer, values={**values, **outer.values}, env_file=shown)
            text = dotenv.decode_text(
                self.files.read(path, diagnosis.quote(shown), place, at), diagnosis.SourceLocation(shown, 1, 1), ""
            )
            values |= {name: node.text for name, node in dotenv.parse(text, shown, "", own).items()}
            outer = dataclasses.replace(outer, env_file=shown)
        return dataclasses.replace(outer, values={**values, **outer.values})

    def merge_files(
        self,
        written: Sequence[tuple[Path, nodes.ScalarNode, str]],
        base: Path,
        variables: interpolation.Variables,
        trail: tuple[Path, ...],
    ) -> nodes.MappingNode:
        """Files laid one over the other, with what they include. ``written``: each as it is named, and where.
        Raises diagnosis.InvalidInput."""
        root: nodes.Node | None = None
        found: list[diagnosis.Diagnostic] = []
        for path, named, at in written:
            source = self._read_source(path, named.text, base, variables, location=named.location, key_path=at)
            document = self._resolve_includes(self._resolve_extends(source), source, trail)
            if root is None:
                root = document
            else:
                root = documents.drop_paths(root, source.document.reset_paths)
                root = override.merge(root, document, found, override.RULES)
            root = self._check_size(override.remove_duplicates(root, found))
        if found or not isinstance(root, nodes.MappingNode):
            raise diagnosis.InvalidInput(found)
        return root

    def _read_source(
        self,
        path: Path,
        display_name: str,
        base: Path,
        variables: interpolation.Variables,
        *,
        location: diagnosis.SourceLocation,
        key_path: str = "",
    ) -> Source:
        key = (Path(os.path.realpath(path)), base, id(variables))
        if key not in self._sources:
            raw = self.read_document(path, display_name, location, key_path)
            found: list[diagnosis.Diagnostic] = []
            root = interpolation.apply(raw.root, variables, found)
            _raise_if_any(found)
            _raise_if_any(schema.check(root, complete=False))
            self.outcomes += transform.find_cut_commands(root)
            root = transform.expand(_to_mapping(root), found)
            root = paths.rebase(root, base, self.base, self.files, found)
            _raise_if_any(found)
            document = documents.Document(self._check_size(_to_mapping(root)), raw.reset_paths)
            self._sources[key] = Source(path=path, base=base, variables=variables, document=document)
        return self._sources[key]

    def _check_size(self, node: nodes.Node) -> nodes.MappingNode:
        """What files become together is bounded, as each is: a chain of services that extend one another multiplies."""
        self._size += count_nodes(node)
        if self._size > 4 * nodes.MAX_NODES:
            wrong = f"all files together become more than {4 * nodes.MAX_NODES} values"
            raise files.make_error(wrong, "split the project", node.location, "")
        return _to_mapping(node)

    def _resolve_extends(self, source: Source) -> nodes.MappingNode:
        root = source.document.root
        services = root.pairs.get("services")
        if services is None or not isinstance(services.node, nodes.MappingNode):
            return root
        after = {
            name: nodes.Pair(entry.location, self._extend_service(source, name, ()))
            for name, entry in services.node.pairs.items()
        }
        return tree.replace_keys(root, {"services": nodes.MappingNode(services.node.location, after)})

    def _extend_service(self, source: Source, name: str, trail: tuple[tuple[Path, str], ...]) -> nodes.MappingNode:
        """A service of a file with what it extends. Raises diagnosis.InvalidInput."""
        key = (id(source), name)
        if key in self._extended:
            return self._extended[key]
        service = _to_mapping(nodes.get_pairs(source.document.root, "services")[name].node)
        extends = service.pairs.get("extends")
        if extends is None:
            return service
        at, place = f"services.{name}.extends", extends.location
        here = (source.path, name)
        if here in trail or len(trail) >= MAX_CHAIN:
            shown = " -> ".join(other for _, other in (*trail, here))
            wrong = f"extends itself: {shown}" if here in trail else f"is extended more than {MAX_CHAIN} times over"
            raise files.make_error(wrong, "write the service out", place, at)
        wanted, file = tree.get_text(extends.node, "service"), tree.get_text(extends.node, "file")
        other = source
        if file is not None:
            path = files.resolve(self.files, file, source.base, place, f"{at}.file")
            other = self._read_source(path, file, path.parent, source.variables, location=place, key_path=f"{at}.file")
        if wanted is None or wanted not in nodes.get_pairs(other.document.root, "services"):
            there = self.files.format_path(other.path)
            wrong = f"there is no service {diagnosis.quote(wanted or '')} in {there}"
            raise files.make_error(wrong, "write the name of one of its services", place, f"{at}.service")
        base = self._extend_service(other, wanted, (*trail, here))
        kept = documents.drop_paths(base, source.document.reset_paths, ("services", name))
        found: list[diagnosis.Diagnostic] = []
        own = tree.replace_keys(service, {"extends": None})
        rules = override.RULES.get_child("services")
        merged = override.merge(kept, own, found, rules.get_child(name) if rules else None, f"services.{name}")
        _raise_if_any(found)
        self._extended[key] = self._check_size(nodes.MappingNode(service.location, _to_mapping(merged).pairs))
        return self._extended[key]

    def _resolve_includes(self, root: nodes.MappingNode, source: Source, trail: tuple[Path, ...]) -> nodes.MappingNode:
        include = root.pairs.get("include")
        if include is None or not isinstance(include.node, nodes.SequenceNode):
            return root
        here = Path(os.path.realpath(source.path))
        root = tree.replace_keys(root, {"include": None})
        for number, item in enumerate(include.node.items):
            root = self._include_project(root, item, f"include.{number}", source, (*trail, here))
        return root

    def _include_project(
        self, root: nodes.MappingNode, item: nodes.Node, key_path: str, source: Source, trail: tuple[Path, ...]
    ) -> nodes.MappingNode:
        """One entry of `include`: a project of its own, whose parts join those that are there."""

        def path(node: nodes.ScalarNode, key: str) -> Path:
            return files.resolve(self.files, node.text, source.base, node.location, f"{key_path}.{key}")

        named = _list_scalars(item, "path")
        listed = [(path(node, "path"), node, f"{key_path}.path") for node in named]
        if not listed:
            raise files.make_error("has no `path`", "add `path: <file>`", item.location, key_path)
        first = Path(os.path.realpath(listed[0][0]))
        if first in trail or len(trail) > MAX_CHAIN:
            wrong = "includes itself" if first in trail else f"more than {MAX_CHAIN} files include one another"
            shown = " -> ".join(self.files.format_path(one) for one in (*trail, first))
            raise files.make_error(f"{wrong}: {shown}", "take one of these out", named[0].location, f"{key_path}.path")
        folder = tree.get_text(item, "project_directory")
        base = listed[0][0].parent
        if folder is not None:
            base = files.resolve(self.files, folder, source.base, item.location, f"{key_path}.project_directory")
        given = [
            (path(node, "env_file"), node.location, f"{key_path}.env_file") for node in _list_scalars(item, "env_file")
        ]
        if not given and self.files.exists(base / ".env"):
            given = [(base / ".env", item.location, key_path)]
        included = self.merge_files(listed, base, self.read_variables(given, source.variables), trail)
        found: list[diagnosis.Diagnostic] = []
        for kind in RESOURCES:
            theirs = nodes.get_pairs(included, kind)
            ours = dict(nodes.get_pairs(root, kind))
            for name, entry in theirs.items():
                if name in ours and nodes.to_plain(ours[name].node) != nodes.to_plain(entry.node):
                    wrong = f"is another than the one that {named[0].text} includes, in {entry.location}"
                    remedy = "rename one of them, or change it in a file that is laid over both"
                    found.append(diagnosis.Diagnostic(ours[name].location, f"{kind}.{name}", wrong, remedy))
                ours.setdefault(name, entry)
            if theirs:
                place = root.pairs[kind].node.location if kind in root.pairs else included.pairs[kind].node.location
                root = tree.replace_keys(root, {kind: nodes.MappingNode(place, ours)})
        _raise_if_any(found)
        return root


def _list_scalars(node: nodes.Node, key: str) -> list[nodes.ScalarNode]:
    entry = node.pairs.get(key) if isinstance(node, nodes.MappingNode) else None
    return (
        [one for one in entry.node.items if isinstance(one, nodes.ScalarNode)]
        if entry and isinstance(entry.node, nodes.SequenceNode)
        else []
    )


def _to_mapping(node: nodes.Node) -> nodes.MappingNode:
    """What the schema knows to be a mapping."""
    return node if isinstance(node, nodes.MappingNode) else nodes.MappingNode(node.location)


def _raise_if_any(found: Iterable[diagnosis.Diagnostic]) -> None:
    if listed := list(found):
        raise diagnosis.InvalidInput(listed)


def count_nodes(node: nodes.Node) -> int:
    """How many values a node has."""
    match node:
        case nodes.MappingNode(pairs=entries):
            return 1 + sum(count_nodes(entry.node) for entry in entries.values())
        case nodes.SequenceNode(items=items):
            return 1 + sum(map(count_nodes, items))
        case _:
            return 1
