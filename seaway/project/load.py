"""From the application's file, in YAML, Compose or Python, to a validated application.

Functions that return an application or nodes raise ``diagnosis.InvalidInput`` with all errors in the files.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from seaway.compose import report
from seaway.files import roots, working_tree
from seaway.model import application
from seaway.model.defaults import resolve
from seaway.model.validate import all_rules, mounts
from seaway.project import dollars, env_files, python_program
from seaway.syntax import decode, diagnosis, nodes, yaml_parser

_KINDS = ("services", "stores", "jobs")
_YAML_SUFFIXES = (".yml", ".yaml")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationFile:
    """The application as its file has it. Only a Compose file has ``secret_values`` and ``outcomes``."""

    node: nodes.Node
    secret_values: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str], repr=False)
    """The values of the variables that are secrets, from the file, ``.env`` and ``env_file``."""
    outcomes: Sequence[report.KeyOutcome] = ()
    """Of its keys."""

    def list_unset_variables(self) -> list[str]:
        """The variables that a Compose file interpolates and nothing sets: a line for each, with a fix."""
        unset = (outcome for outcome in self.outcomes if outcome.path.startswith("${"))
        return [f"{outcome.location}: {outcome.path}: {outcome.message}; {outcome.hint}" for outcome in unset]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MergedApplication:
    """An application with an overlay, validated but not resolved."""

    app: application.Application | None
    """None: it cannot be decoded."""
    node: nodes.Node
    locations: diagnosis.SourceLocations
    diagnostics: Sequence[diagnosis.Diagnostic]


def load_application(
    path: Path,
    *,
    root: roots.Root | None = None,
    overlay: nodes.Node | None = None,
    profiles: Collection[str] = (),
    build_named_images: bool = True,
) -> application.Application:
    """The resolved application of a file, with the overlay merged on and the contents of its files.

    Args:
        path: the application's file. Paths in it are relative to its folder.
        root: the folder that the paths must stay in; None: ``roots.find_working_root``.
        build_named_images: whether a service of a Compose file with `build` and `image` is built.
    """
    root = root or roots.find_working_root()
    file = parse_file(path, str(path), root, profiles, build_named_images=build_named_images)
    merged = merge_overlay(file.node, overlay, working_tree.WorkingTree(folder=path.parent, root=root))
    if merged.app is None or merged.diagnostics:
        raise diagnosis.InvalidInput(merged.diagnostics)
    return resolve.resolve_application(merged.app)


def parse_file(
    path: Path, display_path: str, root: roots.Root, profiles: Collection[str] = (), *, build_named_images: bool = True
) -> ApplicationFile:
    """Parse the application's file: YAML, a Compose file, or a Python program, which is run.

    ``display_path`` is its path in messages; for the other arguments see ``load_application``.
    """
    is_single = path.suffix in _YAML_SUFFIXES and "compose" not in path.name and "," not in path.name
    if not is_single and is_compose_file(path):
        return _load_compose(path, display_path, root, profiles, build_named_images=build_named_images)
    hint = f"write the application there; for its keys: {diagnosis.format_help('reference')}"
    text = root.read(path, "the application's file", diagnosis.SourceLocation(display_path), "", hint=hint)
    if path.suffix == python_program.SUFFIX:
        return ApplicationFile(node=dollars.to_kubernetes(python_program.run_program(path, display_path)))
    node = yaml_parser.parse(text, display_path)
    if is_single and _has_compose_keys(node):
        return _load_compose(path, display_path, root, profiles, build_named_images=build_named_images)
    return ApplicationFile(node=dollars.to_kubernetes(node))


def _load_compose(
    path: Path, display_path: str, root: roots.Root, profiles: Collection[str], *, build_named_images: bool
) -> ApplicationFile:
    from seaway.compose import project as compose  # noqa: PLC0415 - 0.1 s that app.yaml does not need

    result = compose.load_application(path, display_path, root, profiles, build_named_images=build_named_images)
    node = dollars.to_kubernetes(result.app)
    return ApplicationFile(node=node, secret_values=result.secret_values, outcomes=result.outcomes)


def is_compose_file(path: Path) -> bool:
    """Whether it is a Compose file, by its name or its content; of several files, each of them."""
    if path.suffix not in _YAML_SUFFIXES:
        return False
    if "compose" not in path.name:
        return all(_is_compose_content(path.with_name(name.strip())) for name in path.name.split(","))
    from seaway.compose import project as compose  # noqa: PLC0415 - as above

    return compose.is_compose_file(path.name)


def _is_compose_content(file: Path) -> bool:
    try:
        text = roots.Root(file.parent).read(file, "", diagnosis.SourceLocation(file.name), "")
        return _has_compose_keys(yaml_parser.parse(text, file.name))
    except diagnosis.InvalidInput:
        return False


def _has_compose_keys(node: nodes.Node) -> bool:
    """Whether a document is a Compose file: its services have keys that only Compose has.

    A file with a name is an application with a wrong key, unless a service has a list of ports.
    """
    services = [pair.node for pair in nodes.get_pairs(node, "services").values()]
    pairs = [pair for service in services if isinstance(service, nodes.MappingNode) for pair in service.pairs.items()]
    keys = {key for key, _ in pairs}
    if not any(key == "ports" and isinstance(pair.node, nodes.SequenceNode) for key, pair in pairs):
        known = {decode.to_camel_case(name) for name in application.Service.__dataclass_fields__}
        if keys <= known or (isinstance(node, nodes.MappingNode) and "name" in node.pairs):
            return False
    from seaway.compose import project as compose  # noqa: PLC0415 - as above

    return compose.has_keys(keys)


def load_base(node: nodes.Node, tree: working_tree.WorkingTree | None) -> application.Application:
    """The application without an overlay. No rule is checked: an overlay may add what a rule requires."""
    decoded = decode.decode_partial(application.Application, node)
    app, diagnostics = decoded.value, list(decoded.diagnostics)
    if app is not None:
        app, unread = _read_files(app, decoded.locations, tree)
        diagnostics += unread
    if app is None or diagnostics:
        raise diagnosis.InvalidInput(python_program.use_python_names(diagnostics))
    return app


def merge_overlay(
    node: nodes.Node, overlay: nodes.Node | None, tree: working_tree.WorkingTree | None, *, ignore_unknown: bool = False
) -> MergedApplication:
    """Merge an overlay on an application, decode and validate it.

    ``ignore_unknown``: leave out what the overlay changes and the application does not have.
    """
    diagnostics: list[diagnosis.Diagnostic] = []
    if overlay is not None:
        overlay = dollars.to_kubernetes(overlay)
        unknown = _check_overlay(node, overlay)
        diagnostics += [] if ignore_unknown else unknown
        if isinstance(overlay, nodes.MappingNode):
            known = nodes.remove_pairs_at(overlay, {diagnostic.location for diagnostic in unknown})
            node = nodes.merge(node, _remove_vain_nulls(node, known) if ignore_unknown else known)
    fallbacks = {"name": "", "services": (), "stores": (), "jobs": ()}
    decoded = decode.decode_partial(application.Application, node, fallbacks=fallbacks)
    diagnostics += decoded.diagnostics
    app = decoded.value
    if app is not None:
        app, unread = _read_files(app, decoded.locations, tree)
        diagnostics += [*unread, *all_rules.check_application(app, decoded.locations)]
    return MergedApplication(
        app=app, node=node, locations=decoded.locations, diagnostics=python_program.use_python_names(diagnostics)
    )


def _read_files(
    app: application.Application, locations: diagnosis.SourceLocations, tree: working_tree.WorkingTree | None
) -> tuple[application.Application, list[diagnosis.Diagnostic]]:
    app, unread = mounts.read_files(app, locations, tree)
    app, unset = env_files.read_env_files(app, locations, tree)
    return app, [*unread, *unset]


def _remove_vain_nulls(base: nodes.Node, overlay: nodes.Node) -> nodes.Node:
    """The overlay without each `null` that removes nothing, at every level. In `secrets`, null declares a secret."""
    if not isinstance(overlay, nodes.MappingNode):
        return overlay
    below: Mapping[str, nodes.Pair] = base.pairs if isinstance(base, nodes.MappingNode) else {}
    empty = nodes.MappingNode(overlay.location, {})
    pairs = {
        key: pair
        if key == "secrets"
        else nodes.Pair(pair.location, _remove_vain_nulls(below[key].node if key in below else empty, pair.node))
        for key, pair in overlay.pairs.items()
        if key in below or not (isinstance(pair.node, nodes.ScalarNode) and pair.node.kind == "null")
    }
    return nodes.MappingNode(overlay.location, pairs)


def _check_extra_containers(base: nodes.Node, overlay: nodes.Node, path: str) -> list[diagnosis.Diagnostic]:
    """An overlay may add a whole container, with its image, to a pod. Without one it changes a container."""
    return [
        diagnosis.Diagnostic(
            pair.location,
            f"{path}.{key}.{name}",
            "the application has no container of this name",
            decode.suggest_name(name, nodes.list_names(base, key)),
            "unknown-container",
        )
        for key in ("sidecars", "init")
        for name, pair in nodes.get_pairs(overlay, key).items()
        if name not in nodes.list_names(base, key)
        and isinstance(pair.node, nodes.MappingNode)
        and "image" not in pair.node.pairs
    ]


def _check_overlay(base: nodes.Node, overlay: nodes.Node) -> list[diagnosis.Diagnostic]:
    """An environment changes services, stores and jobs that the application has. It can neither add nor rename."""

    def report_not_mapping(
        node: nodes.Node, location: diagnosis.SourceLocation, path: str, hint: str
    ) -> diagnosis.Diagnostic:
        message = f"{nodes.describe_node(node)} is not a mapping"
        return diagnosis.Diagnostic(location, path, message, hint, "invalid-value")

    if not isinstance(overlay, nodes.MappingNode):
        return [
            report_not_mapping(overlay, overlay.location, "seaway:overlay", "write services, stores or jobs below it")
        ]
    diagnostics: list[diagnosis.Diagnostic] = []
    for kind, pair in overlay.pairs.items():
        path = f"seaway:overlay.{kind}"
        if kind not in _KINDS:
            message, hint = "is not a key of an overlay", decode.suggest_name(kind, _KINDS)
            diagnostics.append(diagnosis.Diagnostic(pair.location, path, message, hint, "unknown-key"))
        elif not isinstance(pair.node, nodes.MappingNode):
            diagnostics.append(
                report_not_mapping(pair.node, pair.location, path, "write a name, and the changes below it")
            )
        else:
            known, message = nodes.list_names(base, kind), f"the application has no {kind[:-1]} of this name"
            diagnostics += [
                diagnosis.Diagnostic(
                    inner.location, f"{path}.{name}", message, decode.suggest_name(name, known), "unknown-workload"
                )
                for name, inner in pair.node.pairs.items()
                if name not in known
            ]
            workloads = nodes.get_pairs(base, kind)
            for name, inner in pair.node.pairs.items():
                if name in workloads:
                    diagnostics += _check_extra_containers(workloads[name].node, inner.node, f"{path}.{name}")
    return diagnostics
