"""What a stack deploys, from the files of a checkout: its settings, and the application or the release that it pins.

Needs no cluster, no Docker, no Pulumi and no secret's value.
"""

import dataclasses
import datetime
from pathlib import Path

from seaway.checks import registry
from seaway.images import build_inputs
from seaway.manifests import inputs, preview
from seaway.model import application, settings
from seaway.project import load, release, release_lock, stack_file
from seaway.syntax import decode, diagnosis, nodes

_Application = application.Application


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One environment of one application, checked."""

    app: _Application
    """Resolved: what is deployed."""
    declared: _Application
    """As the environment has it, not resolved."""
    base: _Application
    """Without the overlay: what is promoted."""
    settings: settings.Settings
    lock: release_lock.Lock
    release: release.Release | None
    """The pinned one; None: the stack builds."""

    def find_workload(self, name: str) -> tuple[str, application.AnyWorkload]:
        """A service, store or job by its name or its path: its path (`services.web`), and itself.

        Raises:
            diagnosis.InvalidInput: there is none.
        """
        found = self.app.get_workloads()
        if name in found:
            return name, found[name]
        there = {one.name: (path, one) for path, one in found.items()}
        if name not in there:
            place = diagnosis.SourceLocation(f"releases/{self.release.id}.yaml" if self.release else self.settings.app)
            wrong = f"there is no service, store or job {diagnosis.quote(name)}"
            raise diagnosis.InvalidInput([diagnosis.Diagnostic(place, "", wrong, decode.suggest_name(name, there))])
        return there[name]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProposedPin:
    """What a stack would pin. Nothing of it has been written yet."""

    stack_lock: release_lock.Lock
    release: release.Release

    @property
    def release_node(self) -> nodes.Node:
        """The release's file as it would be."""
        file = release.get_path(Path(), self.release.id)
        return release_lock.parse_content(release.format_release(self.release).encode(), str(file))[1]


def read_environment(
    stack_values: nodes.MappingNode,
    *,
    folder: Path,
    stack: str,
    today: datetime.date | None = None,
    proposed_pin: ProposedPin | None = None,
) -> Environment:
    """What a stack deploys.

    Args:
        values: the stack's configuration, see ``stackfile``.
        folder: the project's.
        stack: its name.
        today: a waiver that has ended by then is wrong, but not after a rollback: see ``waivers``.
        planned: what would be pinned, instead of what is.

    Raises:
        diagnosis.InvalidInput: everything that is wrong.
    """
    said = proposed_pin.stack_lock if proposed_pin else release_lock.read(folder, stack)
    kept, one = None, None
    if not stack_file.is_building(stack_values):
        one = proposed_pin.release if proposed_pin else read_pinned_release(folder, stack, said)
        # The file's own nodes: what an overlay has wrong with it is told with both places.
        node = proposed_pin.release_node if proposed_pin else release.parse_file(folder, one.id, said.sha256)
        kept = load.PinnedRelease(node=release.get_application_node(node), is_rollback=said.is_rollback)
    day = None if said.is_rollback else today
    loaded = load.load_environment(
        stack_values, folder=folder, stack=stack, pinned_release=kept, checks=registry.IDS, today=day
    )
    return Environment(
        app=loaded.app,
        declared=loaded.declared,
        base=loaded.base,
        settings=loaded.settings,
        lock=said,
        release=one,
    )


def load_environment(folder: Path, stack: str) -> Environment:
    """What a stack deploys, by its file.

    Raises:
        diagnosis.InvalidInput: there is no such stack, or everything that is wrong with it.
    """
    return read_environment(stack_file.read_config(folder / f"Pulumi.{stack}.yaml"), folder=folder, stack=stack)


def find_images(environment: Environment, folder: Path) -> dict[str, inputs.Image]:
    """What its containers run, as far as files tell: the images of the pinned release with their digests, or those
    that the working tree would become, by content.

    Raises:
        diagnosis.InvalidInput: a build context is wrong.
    """
    if environment.release:
        return environment.release.resolve_images(environment.settings.registry)
    records = build_inputs.read_build_records(folder, environment.app, environment.settings)
    return preview.tag_images(
        environment.app, environment.settings, {name: record.tag for name, record in records.items()}
    )


def read_pinned_release(folder: Path, stack: str, stack_lock: release_lock.Lock | None = None) -> release.Release:
    """The release that a stack deploys, from its file; ``said`` is the stack's lock, if that has been read.

    Raises:
        diagnosis.InvalidInput: none is pinned, or its file is missing, wrong, or not what was pinned.
    """
    stack_lock = stack_lock or release_lock.read(folder, stack)
    if stack_lock.release is None:
        place = diagnosis.SourceLocation(str(release_lock.get_path(folder, stack).relative_to(folder)))
        wrong = f"stack {stack} builds nothing (seaway:build is false) and no release is pinned for it"
        remedy = f"give it one: seaway release promote <from> {stack}"
        raise diagnosis.InvalidInput([diagnosis.Diagnostic(place, "release", wrong, remedy)])
    return release.read(folder, stack_lock.release, stack_lock.sha256)
