"""From a file, in YAML or in Python, to an application that is whole and has passed every rule."""

import dataclasses
import datetime
from collections.abc import Collection, Sequence
from pathlib import Path

from seaway.files import roots, working_tree
from seaway.model import application, settings
from seaway.model.defaults import resolve
from seaway.model.validate import mounts, registry
from seaway.project import env_files, images_lock, python_program, stack_file
from seaway.syntax import decode, diagnosis, nodes

_KINDS = ("services", "stores", "jobs")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One environment of one application, checked."""

    app: application.Application
    """Resolved: what is deployed."""
    declared: application.Application
    """With the overlay, not resolved."""
    base: application.Application
    """Without the overlay, not resolved: what every environment has."""
    settings: settings.Settings


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PinnedRelease:
    """The application of a release, for an environment that builds nothing."""

    node: nodes.Node
    is_rollback: bool
    """Whether the jobs of a release are left out: it is an older one than the one before."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _ValidatedApplication:
    app: application.Application | None
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
    """The application of a file, with the overlay merged on, file contents read, inheritance resolved.

    Paths in it are relative to its folder, and may name what is in ``root`` (without one: ``find_working_root``).
    ``profiles``: those of a compose file; ``builds``: whether an image that has a name there is built all the same.
    Raises diagnosis.InvalidInput with everything that is wrong.
    """
    root = root or roots.find_working_root()
    node = parse_file(path, str(path), root, profiles, build_named_images=build_named_images)
    read = _merge_overlay(node, overlay, working_tree.WorkingTree(folder=path.parent, root=root))
    return _require_valid(read.app, read.diagnostics)


def parse_file(
    path: Path, display_path: str, root: roots.Root, profiles: Collection[str] = (), *, build_named_images: bool = True
) -> nodes.Node:
    """What the application's file says: YAML, a compose file, or a program in Python, which is run.

    ``shown``: what messages call it; ``profiles``, ``builds``: see ``load``. Raises diagnosis.InvalidInput: there is no such
    file, it is no YAML, it has what is refused, or the program fails.
    """
    if is_compose_file(path):
        from seaway.compose import project as named  # noqa: PLC0415 - who writes app.yaml need not wait for it

        return named.load_application(path, display_path, root, profiles, build_named_images=build_named_images)
    hint = "write the application there; docs/reference.yaml shows how"
    text = root.read(path, "the application's file", diagnosis.SourceLocation(display_path), "", hint=hint)
    return (
        python_program.run_program(path, display_path)
        if path.suffix == python_program.SUFFIX
        else nodes.parse(text, display_path)
    )


def is_compose_file(path: Path) -> bool:
    """Whether a file, or each of several, is called as compose files are."""
    if "compose" not in path.name or path.suffix not in (".yml", ".yaml"):
        return False
    from seaway.compose import project as named  # noqa: PLC0415 - who writes app.yaml need not wait for it

    return named.is_compose_file(path.name)


def load_environment(
    config: nodes.MappingNode,
    *,
    folder: Path,
    stack: str,
    pinned_release: PinnedRelease | None = None,
    checks: Collection[str] = (),
    today: datetime.date | None = None,
) -> Environment:
    """The application and the settings of a stack, checked together.

    ``checks`` are the ids that the configuration may name; without ``today`` a waiver may have ended.
    ``values`` is the stack's configuration (see stackfile), ``folder`` the project's. The application is that of the
    file that the settings name, with the digests of ``images.lock`` beside it, or the pinned one. Raises
    diagnosis.InvalidInput with everything that is wrong in any of them.
    """
    found: list[diagnosis.Diagnostic] = []
    said = None
    try:
        said = stack_file.decode_settings(config, stack)
    except diagnosis.InvalidInput as error:
        found += error.diagnostics
    name = said.app if said else stack_file.get_app_path(config)
    overlay = stack_file.get_overlay(config)
    tree = None
    pins = images_lock.ImagesLock()  # a release has its digests
    try:
        if pinned_release is None:
            tree = working_tree.WorkingTree(folder=(folder / name).parent, root=stack_file.find_root(config, folder))
            node = parse_file(folder / name, name, tree.root, said.profiles if said else ())
            pins = (
                images_lock.read_lock(tree.folder, tree.root, str(Path(name).with_name(images_lock.FILE_NAME))) or pins
            )
        else:
            node = pinned_release.node
    except diagnosis.InvalidInput as error:
        raise diagnosis.InvalidInput([*found, *error.diagnostics]) from None
    # Whoever goes back need not take back first what the overlay says of a service that is newer.
    read = _merge_overlay(node, overlay, tree, ignore_unknown=pinned_release is not None and pinned_release.is_rollback)
    found += read.diagnostics
    if read.app and said:
        found += registry.check_environment(
            read.app,
            read.locations,
            said,
            config,
            secret_locations=stack_file.get_secret_locations(config),
            checks=checks,
            today=today,
        )
        if said.profiles and pinned_release is None and not is_compose_file(folder / name):
            place, wrong = config.pairs["profiles"].location, f"are those of a compose file, and {name} is none"
            found.append(diagnosis.Diagnostic(place, "seaway:profiles", wrong, "remove them"))
    if read.app is None or found or said is None:
        raise diagnosis.InvalidInput(found)
    base = read.app if overlay is None else _load_base(node, tree)
    stated = _remove_release_jobs(read.app) if pinned_release and pinned_release.is_rollback else read.app
    stated, base = images_lock.pin_application(stated, pins), images_lock.pin_application(base, pins)
    return Environment(
        app=resolve.resolve_application(stated),
        declared=stated,
        base=base,
        settings=images_lock.pin_overrides(said, pins),
    )


def _load_base(node: nodes.Node, tree: working_tree.WorkingTree | None) -> application.Application:
    """What is wrong with it only as long as no environment has said its part, is not wrong."""
    decoded = decode.decode_partial(application.Application, node)
    if decoded.value is None:
        raise diagnosis.InvalidInput(decoded.diagnostics)
    app, unread = mounts.read_files(decoded.value, decoded.locations, tree)
    app, unset = env_files.read_env_files(app, decoded.locations, tree)
    found = [*decoded.diagnostics, *unread, *unset]
    if found:
        raise diagnosis.InvalidInput(found)
    return app


def _remove_release_jobs(app: application.Application) -> application.Application:
    return dataclasses.replace(app, jobs=tuple(job for job in app.jobs if not job.is_release_job()))


def _require_valid(
    app: application.Application | None, diagnostics: Sequence[diagnosis.Diagnostic]
) -> application.Application:
    if app is None or diagnostics:
        raise diagnosis.InvalidInput(diagnostics)
    return resolve.resolve_application(app)


def _merge_overlay(
    node: nodes.Node, overlay: nodes.Node | None, tree: working_tree.WorkingTree | None, *, ignore_unknown: bool = False
) -> _ValidatedApplication:
    """``lenient``: what the overlay says of what the application does not have is left out, and no problem."""
    found: list[diagnosis.Diagnostic] = []
    if overlay is not None:
        foreign = _check_overlay(node, overlay)
        found += [] if ignore_unknown else foreign
        if isinstance(overlay, nodes.MappingNode):
            node = nodes.merge(node, nodes.remove_pairs_at(overlay, {problem.location for problem in foreign}))
    decoded = decode.decode_partial(
        application.Application, node, fallbacks={"name": "", "services": (), "stores": (), "jobs": ()}
    )
    found += decoded.diagnostics
    if decoded.value is None:
        return _ValidatedApplication(app=None, locations=decoded.locations, diagnostics=found)
    return _validate(decoded.value, decoded.locations, tree, found)


def _validate(
    app: application.Application,
    locations: diagnosis.SourceLocations,
    tree: working_tree.WorkingTree | None,
    diagnostics: list[diagnosis.Diagnostic],
) -> _ValidatedApplication:
    app, unread = mounts.read_files(app, locations, tree)
    app, unset = env_files.read_env_files(app, locations, tree)
    diagnostics = [*diagnostics, *unread, *unset, *registry.check_application(app, locations)]
    return _ValidatedApplication(app=app, locations=locations, diagnostics=diagnostics)


def _check_overlay(base: nodes.Node, overlay: nodes.Node) -> list[diagnosis.Diagnostic]:
    """An environment changes what the application has. It adds no service, and has no name of its own."""
    if not isinstance(overlay, nodes.MappingNode):
        wrong = f"{nodes.describe_node(overlay)} is no mapping"
        return [
            diagnosis.Diagnostic(overlay.location, "seaway:overlay", wrong, "write services, stores or jobs below it")
        ]
    found: list[diagnosis.Diagnostic] = []
    for kind, entry in overlay.pairs.items():
        if kind not in _KINDS:
            wrong = "an overlay has no such key"
            found.append(
                diagnosis.Diagnostic(entry.location, f"seaway:overlay.{kind}", wrong, decode.suggest_name(kind, _KINDS))
            )
        elif not isinstance(entry.node, nodes.MappingNode):
            wrong = f"{nodes.describe_node(entry.node)} is no mapping"
            found.append(
                diagnosis.Diagnostic(
                    entry.location, f"seaway:overlay.{kind}", wrong, "write a name and what differs below it"
                )
            )
        else:
            known = nodes.list_names(base, kind)
            found += [
                diagnosis.Diagnostic(
                    inner.location,
                    f"seaway:overlay.{kind}.{name}",
                    f"the application has no such {kind[:-1]}",
                    decode.suggest_name(name, known),
                )
                for name, inner in entry.node.pairs.items()
                if name not in known
            ]
    return found
