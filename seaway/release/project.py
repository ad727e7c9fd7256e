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
from seaway.model.validate import structure
from seaway.project import load, stack_file
from seaway.release import lock, release
from seaway.syntax import decode, diagnosis, nodes

_Application = application.Application


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """One environment of one application, checked."""

    app: _Application
    """Resolved: what is deployed."""
    stated: _Application
    """As the environment has it, not resolved."""
    base: _Application
    """Without the overlay: what is promoted."""
    settings: settings.Settings
    lock: lock.Lock
    release: release.Release | None
    """The pinned one; None: the stack builds."""

    def workload(self, name: str) -> tuple[str, structure.Workload]:
        """A service, store or job by its name or its path: its path (`services.web`), and itself.

        Raises:
            problems.Invalid: there is none.
        """
        found = structure.workloads(self.app)
        if name in found:
            return name, found[name]
        there = {one.name: (path, one) for path, one in found.items()}
        if name not in there:
            place = diagnosis.Place(f"releases/{self.release.id}.yaml" if self.release else self.settings.app)
            wrong = f"there is no service, store or job {diagnosis.quoted(name)}"
            raise diagnosis.Invalid([diagnosis.Problem(place, "", wrong, decode.nearest(name, there))])
        return there[name]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a stack would pin. Nothing of it has been written yet."""

    lock: lock.Lock
    release: release.Release

    @property
    def node(self) -> nodes.Node:
        """The release's file as it would be."""
        file = release.file(Path(), self.release.id)
        return lock.parse(release.text(self.release).encode(), str(file))[1]


def read(
    values: nodes.Table,
    *,
    folder: Path,
    stack: str,
    today: datetime.date | None = None,
    planned: Planned | None = None,
) -> Project:
    """What a stack deploys.

    Args:
        values: the stack's configuration, see ``stackfile``.
        folder: the project's.
        stack: its name.
        today: a waiver that has ended by then is wrong, but not after a rollback: see ``waivers``.
        planned: what would be pinned, instead of what is.

    Raises:
        problems.Invalid: everything that is wrong.
    """
    said = planned.lock if planned else lock.read(folder, stack)
    kept, one = None, None
    if not stack_file.builds(values):
        one = planned.release if planned else read_pinned(folder, stack, said)
        # The file's own nodes: what an overlay has wrong with it is told with both places.
        node = planned.node if planned else release.parsed(folder, one.id, said.sha256)
        kept = load.Pinned(node=release.application_of(node), back=said.back)
    day = None if said.back else today
    loaded = load.project(values, folder=folder, stack=stack, pinned=kept, checks=registry.IDS, today=day)
    return Project(
        app=loaded.app,
        stated=loaded.stated,
        base=loaded.base,
        settings=loaded.settings,
        lock=said,
        release=one,
    )


def of(folder: Path, stack: str) -> Project:
    """What a stack deploys, by its file.

    Raises:
        problems.Invalid: there is no such stack, or everything that is wrong with it.
    """
    return read(stack_file.read(folder / f"Pulumi.{stack}.yaml"), folder=folder, stack=stack)


def images(one: Project, folder: Path) -> dict[str, inputs.Image]:
    """What its containers run, as far as files tell: the images of the pinned release with their digests, or those
    that the working tree would become, by content.

    Raises:
        problems.Invalid: a build context is wrong.
    """
    if one.release:
        return one.release.given(one.settings.registry)
    records = build_inputs.records(folder, one.app, one.settings)
    return preview.tagged(one.app, one.settings, {name: record.tag for name, record in records.items()})


def read_pinned(folder: Path, stack: str, said: lock.Lock | None = None) -> release.Release:
    """The release that a stack deploys, from its file; ``said`` is the stack's lock, if that has been read.

    Raises:
        problems.Invalid: none is pinned, or its file is missing, wrong, or not what was pinned.
    """
    said = said or lock.read(folder, stack)
    if said.release is None:
        place = diagnosis.Place(str(lock.file(folder, stack).relative_to(folder)))
        wrong = f"stack {stack} builds nothing (seaway:build is false) and no release is pinned for it"
        remedy = f"give it one: seaway release promote <from> {stack}"
        raise diagnosis.Invalid([diagnosis.Problem(place, "release", wrong, remedy)])
    return release.read(folder, said.release, said.sha256)
