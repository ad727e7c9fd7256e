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


class Sources:
    """Reads the files of one project; each only once."""

    def __init__(self, within: roots.Root, base: Path) -> None:
        self.files = within
        self.base = base
        self._raw: dict[Path, documents.Document] = {}
        self._sources: dict[tuple[Path, Path, int], Source] = {}
        self._extended: dict[tuple[int, str], nodes.Table] = {}
        self._size = 0
        self.told: list[report.Loss] = []
        """What is lost when commands are split into words."""

    def raw(self, path: Path, written: str, place: diagnosis.Place, at: str) -> documents.Document:
        """A file as it is written, but for its merges. Raises problems.Invalid."""
        if path not in self._raw:
            if len(self._raw) >= files.MAX_FILES:
                wrong = f"more than {files.MAX_FILES} files are read"
                raise files.lost(wrong, "write fewer, larger ones", place, at)
            text = self.files.read(path, diagnosis.quoted(written), place, at)
            self._raw[path] = documents.parse(text, self.files.shown(path))
        return self._raw[path]

    def variables(
        self, written: Iterable[tuple[Path, diagnosis.Place, str]], outer: interpolation.Variables
    ) -> interpolation.Variables:
        """What files like `.env` set, below what is set already. Raises problems.Invalid."""
        values: dict[str, str] = {}
        for path, place, at in written:
            shown = self.files.shown(path)
            own = dataclasses.replace(outer, values={**values, **outer.values}, where=shown)
            text = dotenv.decoded(
                self.files.read(path, diagnosis.quoted(shown), place, at), diagnosis.Place(shown, 1, 1), ""
            )
            values |= {name: node.text for name, node in dotenv.read(text, shown, "", own).items()}
            outer = dataclasses.replace(outer, where=shown)
        return dataclasses.replace(outer, values={**values, **outer.values})

    def merged(
        self,
        written: Sequence[tuple[Path, nodes.Scalar, str]],
        base: Path,
        variables: interpolation.Variables,
        trail: tuple[Path, ...],
    ) -> nodes.Table:
        """Files laid one over the other, with what they include. ``written``: each as it is named, and where.
        Raises problems.Invalid."""
        root: nodes.Node | None = None
        found: list[diagnosis.Problem] = []
        for path, named, at in written:
            source = self._source(path, named.text, base, variables, place=named.place, at=at)
            document = self._included(self._with_extends(source), source, trail)
            if root is None:
                root = document
            else:
                root = documents.forgotten(root, source.document.forget)
                root = override.merged(root, document, found, override.RULES)
            root = self._counted(override.unique(root, found))
        if found or not isinstance(root, nodes.Table):
            raise diagnosis.Invalid(found)
        return root

    def _source(
        self,
        path: Path,
        written: str,
        base: Path,
        variables: interpolation.Variables,
        *,
        place: diagnosis.Place,
        at: str = "",
    ) -> Source:
        key = (Path(os.path.realpath(path)), base, id(variables))
        if key not in self._sources:
            raw = self.raw(path, written, place, at)
            found: list[diagnosis.Problem] = []
            root = interpolation.apply(raw.root, variables, found)
            _stop(found)
            _stop(schema.check(root, whole=False))
            self.told += transform.cut(root)
            root = transform.expanded(_table(root), found)
            root = paths.rebased(root, base, self.base, self.files, found)
            _stop(found)
            document = documents.Document(self._counted(_table(root)), raw.forget)
            self._sources[key] = Source(path=path, base=base, variables=variables, document=document)
        return self._sources[key]

    def _counted(self, node: nodes.Node) -> nodes.Table:
        """What files become together is bounded, as each is: a chain of services that extend one another multiplies."""
        self._size += size(node)
        if self._size > 4 * nodes.MAX_NODES:
            wrong = f"all files together become more than {4 * nodes.MAX_NODES} values"
            raise files.lost(wrong, "split the project", node.place, "")
        return _table(node)

    def _with_extends(self, source: Source) -> nodes.Table:
        root = source.document.root
        services = root.entries.get("services")
        if services is None or not isinstance(services.node, nodes.Table):
            return root
        after = {
            name: nodes.Entry(entry.place, self._service(source, name, ()))
            for name, entry in services.node.entries.items()
        }
        return tree.replaced(root, {"services": nodes.Table(services.node.place, after)})

    def _service(self, source: Source, name: str, trail: tuple[tuple[Path, str], ...]) -> nodes.Table:
        """A service of a file with what it extends. Raises problems.Invalid."""
        key = (id(source), name)
        if key in self._extended:
            return self._extended[key]
        service = _table(nodes.inside(source.document.root, "services")[name].node)
        extends = service.entries.get("extends")
        if extends is None:
            return service
        at, place = f"services.{name}.extends", extends.place
        here = (source.path, name)
        if here in trail or len(trail) >= MAX_CHAIN:
            shown = " -> ".join(other for _, other in (*trail, here))
            wrong = f"extends itself: {shown}" if here in trail else f"is extended more than {MAX_CHAIN} times over"
            raise files.lost(wrong, "write the service out", place, at)
        wanted, file = tree.text(extends.node, "service"), tree.text(extends.node, "file")
        other = source
        if file is not None:
            path = files.resolve_named(self.files, file, source.base, place, f"{at}.file")
            other = self._source(path, file, path.parent, source.variables, place=place, at=f"{at}.file")
        if wanted is None or wanted not in nodes.inside(other.document.root, "services"):
            there = self.files.shown(other.path)
            wrong = f"there is no service {diagnosis.quoted(wanted or '')} in {there}"
            raise files.lost(wrong, "write the name of one of its services", place, f"{at}.service")
        base = self._service(other, wanted, (*trail, here))
        kept = documents.forgotten(base, source.document.forget, ("services", name))
        found: list[diagnosis.Problem] = []
        own = tree.replaced(service, {"extends": None})
        rules = override.RULES.at("services")
        merged = override.merged(kept, own, found, rules.at(name) if rules else None, f"services.{name}")
        _stop(found)
        self._extended[key] = self._counted(nodes.Table(service.place, _table(merged).entries))
        return self._extended[key]

    def _included(self, root: nodes.Table, source: Source, trail: tuple[Path, ...]) -> nodes.Table:
        include = root.entries.get("include")
        if include is None or not isinstance(include.node, nodes.Items):
            return root
        here = Path(os.path.realpath(source.path))
        root = tree.replaced(root, {"include": None})
        for number, item in enumerate(include.node.items):
            root = self._with(root, item, f"include.{number}", source, (*trail, here))
        return root

    def _with(
        self, root: nodes.Table, item: nodes.Node, at: str, source: Source, trail: tuple[Path, ...]
    ) -> nodes.Table:
        """One entry of `include`: a project of its own, whose parts join those that are there."""

        def path(node: nodes.Scalar, key: str) -> Path:
            return files.resolve_named(self.files, node.text, source.base, node.place, f"{at}.{key}")

        named = _texts(item, "path")
        listed = [(path(node, "path"), node, f"{at}.path") for node in named]
        if not listed:
            raise files.lost("has no `path`", "add `path: <file>`", item.place, at)
        first = Path(os.path.realpath(listed[0][0]))
        if first in trail or len(trail) > MAX_CHAIN:
            wrong = "includes itself" if first in trail else f"more than {MAX_CHAIN} files include one another"
            shown = " -> ".join(self.files.shown(one) for one in (*trail, first))
            raise files.lost(f"{wrong}: {shown}", "take one of these out", named[0].place, f"{at}.path")
        folder = tree.text(item, "project_directory")
        base = listed[0][0].parent
        if folder is not None:
            base = files.resolve_named(self.files, folder, source.base, item.place, f"{at}.project_directory")
        given = [(path(node, "env_file"), node.place, f"{at}.env_file") for node in _texts(item, "env_file")]
        if not given and self.files.exists(base / ".env"):
            given = [(base / ".env", item.place, at)]
        included = self.merged(listed, base, self.variables(given, source.variables), trail)
        found: list[diagnosis.Problem] = []
        for kind in RESOURCES:
            theirs = nodes.inside(included, kind)
            ours = dict(nodes.inside(root, kind))
            for name, entry in theirs.items():
                if name in ours and nodes.plain(ours[name].node) != nodes.plain(entry.node):
                    wrong = f"is another than the one that {named[0].text} includes, in {entry.place}"
                    remedy = "rename one of them, or change it in a file that is laid over both"
                    found.append(diagnosis.Problem(ours[name].place, f"{kind}.{name}", wrong, remedy))
                ours.setdefault(name, entry)
            if theirs:
                place = root.entries[kind].node.place if kind in root.entries else included.entries[kind].node.place
                root = tree.replaced(root, {kind: nodes.Table(place, ours)})
        _stop(found)
        return root


def _texts(node: nodes.Node, key: str) -> list[nodes.Scalar]:
    entry = node.entries.get(key) if isinstance(node, nodes.Table) else None
    return (
        [one for one in entry.node.items if isinstance(one, nodes.Scalar)]
        if entry and isinstance(entry.node, nodes.Items)
        else []
    )


def _table(node: nodes.Node) -> nodes.Table:
    """What the schema knows to be a mapping."""
    return node if isinstance(node, nodes.Table) else nodes.Table(node.place)


def _stop(found: Iterable[diagnosis.Problem]) -> None:
    if listed := list(found):
        raise diagnosis.Invalid(listed)


def size(node: nodes.Node) -> int:
    """How many values a node has."""
    match node:
        case nodes.Table(entries=entries):
            return 1 + sum(size(entry.node) for entry in entries.values())
        case nodes.Items(items=items):
            return 1 + sum(map(size, items))
        case _:
            return 1
