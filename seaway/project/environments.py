"""One environment, read from the files of a checkout: its settings, and the application or the release that it pins.

Reading needs no cluster, no Docker, no Pulumi and no secret values.
"""

import dataclasses
import datetime
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Self

from seaway.files import working_tree
from seaway.model import application, secrets, settings
from seaway.model.defaults import resolve
from seaway.model.validate import all_rules
from seaway.project import images_lock, load, release, release_lock, stack_file
from seaway.syntax import decode, diagnosis, nodes

# Aliases for annotations: fields of these classes have the same names as the modules.
_Release = release.Release
_Settings = settings.Settings

_NO_NODE = nodes.MappingNode(diagnosis.SourceLocation(""), {})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One environment of one application, validated. Checks, manifests, components and commands take it as it is."""

    app: application.Application
    """Resolved: deployed as it is."""
    declared: application.Application
    """With the overlay, not resolved: recorded."""
    base: application.Application
    """Without the overlay, not resolved: promoted to other environments."""
    settings: _Settings
    application_name: str | None = None
    """Its name in ``seaway:applications``; None: it is the main application of the stack."""
    folder: Path = Path()
    """The folder of the project: of Pulumi.yaml."""
    lock: release_lock.Lock = dataclasses.field(default_factory=release_lock.Lock)
    release: _Release | None = None
    """The pinned release. None: the environment builds what the working tree holds."""
    secret_names: frozenset[str] = frozenset()
    """Names of the secrets that have a value in the stack's file."""
    node: nodes.Node = dataclasses.field(default=_NO_NODE, repr=False, compare=False)
    """The application with the overlay merged on: each value has its source location. Empty without files."""
    source: load.ApplicationFile = dataclasses.field(
        default=load.ApplicationFile(node=_NO_NODE), repr=False, compare=False
    )
    """The file of the application, without the overlay. Empty if a release is deployed."""
    fixed_namespace: str | None = None
    """The namespace that the command line names."""
    opens_namespace: bool = False
    """Whether all pods of the namespace may connect to its workloads, and its workloads to them: a Pulumi program that
    uses a workload alone does not declare who calls it."""

    @classmethod
    def create(cls, app: application.Application, stack_settings: _Settings) -> Self:
        """The environment of a resolved application without an overlay."""
        return cls(app=app, declared=app, base=app, settings=stack_settings)

    @property
    def namespace(self) -> str:
        """The namespace of the environment's objects."""
        return self.fixed_namespace or self.settings.format_namespace(self.app.name)

    @property
    def file_secrets(self) -> Mapping[str, str]:
        """The values of the secrets that only its Compose file has: the stack neither sets nor generates them."""
        generated = secrets.get_generated_lengths(self.app)
        names = {*secrets.list_managed_names(self.app)} - generated.keys() - self.secret_names
        names -= {*self.settings.program_secrets}
        return {name: text for name, text in self.source.secret_values.items() if name in names}

    @property
    def lock_name(self) -> str:
        """The name of its lock file."""
        return format_lock_name(self.settings.stack, self.application_name)

    @property
    def options(self) -> str:
        """The options of `seaway` that name it."""
        return format_options(self.settings.stack, self.application_name)

    def add_prefix(self, name: str, separator: str = "-") -> str:
        """A name that is unique among the applications of the stack. Those of the main application have no prefix."""
        return add_prefix(name, self.application_name, separator)

    def format_file_name(self, workload: str) -> str:
        """The name of the files of a build. The name of a workload cannot contain a +."""
        return self.add_prefix(workload, "++")

    def find_workload(self, name: str) -> tuple[str, application.AnyWorkload]:
        """The path (`services.web`) and the service, store or job with this name or path."""
        workloads = self.app.get_workloads()
        if name in workloads:
            return name, workloads[name]
        by_name = {workload.name: (path, workload) for path, workload in workloads.items()}
        if name not in by_name:
            file = f"{release_lock.RELEASES_FOLDER}/{self.release.id}.yaml" if self.release else self.settings.app
            message = f"there is no service, store or job {diagnosis.quote(name)}"
            location, hint = diagnosis.SourceLocation(file), decode.suggest_name(name, by_name)
            raise diagnosis.reject(location, "", "unknown-workload", message, hint)
        return by_name[name]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProposedPin:
    """What a stack would pin. Nothing of it is written yet."""

    stack_lock: release_lock.Lock
    release: _Release


def load_environment(
    folder: Path,
    stack: str,
    *,
    check_ids: Collection[str],
    application_name: str | None = None,
    find_more: Callable[[Environment], Iterable[diagnosis.Diagnostic]] = lambda _: (),
) -> Environment:
    """Read an environment from the stack's file."""
    config = stack_file.read_config(folder / f"Pulumi.{stack}.yaml", application_name)
    return read_environment(
        config, folder=folder, stack=stack, application_name=application_name, check_ids=check_ids, find_more=find_more
    )


def add_prefix(name: str, application_name: str | None, separator: str = "-") -> str:
    """A name that is unique among the applications of a stack, see ``Environment.add_prefix``."""
    return name if application_name is None else f"{application_name}{separator}{name}"


def format_lock_name(stack: str, application_name: str | None) -> str:
    """The name of the lock file of an application: no name of a stack has a slash."""
    return stack if application_name is None else f"{stack}/{application_name}"


def format_options(stack: str, application_name: str | None) -> str:
    """The options of `seaway` that name an application."""
    return f"--stack {stack}" if application_name is None else f"--stack {stack} --application {application_name}"


def read_environment(
    config: nodes.MappingNode,
    *,
    folder: Path,
    stack: str,
    check_ids: Collection[str],
    application_name: str | None = None,
    today: datetime.date | None = None,
    proposed_pin: ProposedPin | None = None,
    find_more: Callable[[Environment], Iterable[diagnosis.Diagnostic]] = lambda _: (),
    node: nodes.Node | None = None,
) -> Environment:
    """Read an environment: its settings, and the application that they name or the release that the stack pins.

    Args:
        config: the stack's configuration, see ``stack_file``.
        folder: of the project.
        stack: the stack's name.
        application_name: in ``seaway:applications``; None: the main application.
        check_ids: ids that waivers and severities may name, those of policies included.
        today: a waiver that ended before this day is an error, except after a rollback. None: waivers may have ended.
        proposed_pin: deployed instead of the release that is pinned now.
        find_more: finds the errors of a later stage (of builds) in an invalid environment, so that all are reported.
        node: the application; None: its file is read.
    """
    lock_name = format_lock_name(stack, application_name)
    lock = proposed_pin.stack_lock if proposed_pin else release_lock.read(folder, lock_name)
    pinned: _Release | None = None
    release_node: nodes.Node | None = None
    if not stack_file.is_building(config):
        if proposed_pin:
            pinned, release_node = proposed_pin.release, release.format_node(proposed_pin.release)
        else:
            pinned = read_pinned_release(folder, lock_name, lock)
            release_node = release.parse_file(folder, pinned.id, lock.sha256)

    decoded = stack_file.decode_partial_settings(config, stack)
    stack_settings, diagnostics = decoded.value, list(decoded.diagnostics)
    file = stack_settings.app if stack_settings else stack_file.get_app_path(config)
    tree, source = None, load.ApplicationFile(node=_NO_NODE)
    pins = images_lock.ImagesLock()  # The application in a release has digests already.
    try:
        if release_node is not None:
            # The nodes of the file keep its locations: an overlay that does not fit is reported with both.
            node = release.get_application_node(release_node)
        else:
            tree = working_tree.WorkingTree(folder=(folder / file).parent, root=stack_file.find_root(config, folder))
            profiles = stack_settings.profiles if stack_settings else ()
            if node is None:
                source = load.parse_file(folder / file, file, tree.root, profiles)
                node = source.node
            pins_file = str(Path(file).with_name(images_lock.FILE_NAME))
            pins = images_lock.read_lock(tree.folder, tree.root, pins_file) or pins
    except diagnosis.InvalidInput as error:
        raise diagnosis.InvalidInput([*diagnostics, *error.diagnostics]) from None
    overlay = stack_file.get_overlay(config)
    # A rollback must not fail because the overlay changes a service that the older release does not have.
    merged = load.merge_overlay(node, overlay, tree, ignore_unknown=pinned is not None and lock.is_rollback)
    diagnostics += merged.diagnostics
    if merged.app and stack_settings:
        required = all_rules.check_environment(
            merged.app,
            merged.locations,
            stack_settings,
            stack_file.locate_settings(config),
            secret_locations=stack_file.get_secret_locations(config),
            file_secrets=source.secret_values,
            checks=check_ids,
            today=None if lock.is_rollback else today,
        )
        # A setting that is invalid has its default here, which no rule may judge; invalid secrets are not missing.
        ignored = (
            "secret-not-set" if any(diagnostic.path == "seaway:secrets" for diagnostic in decoded.diagnostics) else ""
        )
        diagnostics += (
            diagnostic
            for diagnostic in required
            if diagnostic.code != ignored and not decoded.locations.has_undecoded(diagnostic.path)
        )
        if diagnostics and pinned is None:
            # An error of a build that is reported already is not reported again.
            broken = {
                diagnostic.path.partition(".build")[0] for diagnostic in diagnostics if ".build" in diagnostic.path
            }
            partial = Environment.create(_remove_workloads(merged.app, broken), stack_settings)
            diagnostics += find_more(dataclasses.replace(partial, folder=folder))
        if stack_settings.profiles and pinned is None and not load.is_compose_file(folder / file):
            location, message = config.pairs["profiles"].location, f"are for compose files, and {file} is not one"
            diagnostics.append(
                diagnosis.Diagnostic(location, "seaway:profiles", message, "remove them", "conflicting-keys")
            )
    if merged.app is None or stack_settings is None or diagnostics:
        raise diagnosis.InvalidInput(
            stack_file.name_application(diagnostic, application_name) for diagnostic in diagnostics
        )
    declared = _remove_release_jobs(merged.app) if pinned and lock.is_rollback else merged.app
    declared = images_lock.pin_application(declared, pins)
    base = merged.app if overlay is None else load.load_base(node, tree)
    return Environment(
        app=resolve.resolve_application(declared),
        declared=declared,
        base=images_lock.pin_application(base, pins),
        settings=images_lock.pin_overrides(stack_settings, pins),
        application_name=application_name,
        folder=folder,
        lock=lock,
        release=pinned,
        secret_names=frozenset(stack_file.get_secret_locations(config)),
        node=merged.node,
        source=source,
    )


def list_inferred_ports(environment: Environment) -> list[str]:
    """The ports that its Compose file does not state, and their sources: a line for each service."""
    locations = dict(nodes.list_locations(environment.node, ""))
    texts: dict[tuple[diagnosis.SourceLocation, str], list[str]] = {}
    for outcome in environment.source.outcomes:
        is_port = outcome.is_note and outcome.into.split(".")[2:3] in (["port"], ["ports"])
        # The overlay states its ports.
        if is_port and locations.get(outcome.into, outcome.location).file == outcome.location.file:
            texts.setdefault((outcome.location, outcome.path), []).append(outcome.message)
    return [f"{location}: {service}: {'; '.join(ports)}" for (location, service), ports in texts.items()]


def describe_file_secrets(environment: Environment) -> list[str]:
    """A line that names the secrets whose values its Compose file has; empty: it has none."""
    names, file = ", ".join(sorted(environment.file_secrets)), environment.settings.app
    message = f"{file}: values that look like secrets are deployed as Secrets, not as plain variables: {names}"
    return [message] if names else []


def read_pinned_release(folder: Path, stack: str, lock: release_lock.Lock | None = None) -> _Release:
    """The release that a stack deploys, from its file; ``lock``: of the stack, if it has been read."""
    lock = lock or release_lock.read(folder, stack)
    if lock.release is None:
        location = diagnosis.SourceLocation(release_lock.format_path(stack))
        message = f"stack {stack} builds nothing (seaway:build is false) and pins no release"
        hint = f"pin one: seaway release promote <from> {stack}"
        raise diagnosis.reject(location, "release", "no-release-pinned", message, hint)
    return release.read(folder, lock.release, lock.sha256)


def _remove_workloads(app: application.Application, paths: Collection[str]) -> application.Application:
    return dataclasses.replace(
        app,
        services=tuple(service for service in app.services if f"services.{service.name}" not in paths),
        stores=tuple(store for store in app.stores if f"stores.{store.name}" not in paths),
        jobs=tuple(job for job in app.jobs if f"jobs.{job.name}" not in paths),
    )


def _remove_release_jobs(app: application.Application) -> application.Application:
    return dataclasses.replace(app, jobs=tuple(job for job in app.jobs if not job.is_release_job()))
