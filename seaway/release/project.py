"""What a stack deploys, from the files of a checkout: its settings, and the application or the release that it pins.

Needs no cluster, no Docker, no Pulumi and no secret's value.
"""

import dataclasses
import datetime
from pathlib import Path
from typing import cast

from seaway.checks import table
from seaway.model import application, load, nodes, problems, settings, stackfile
from seaway.release import lock, release

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


def read(values: nodes.Table, *, folder: Path, stack: str, today: datetime.date | None = None) -> Project:
    """What a stack deploys.

    Args:
        values: the stack's configuration, see ``stackfile``.
        folder: the project's.
        stack: its name.
        today: a waiver that has ended by then is wrong, but not after a rollback: no date may be in its way.

    Raises:
        problems.Invalid: everything that is wrong.
    """
    said = lock.read(folder, stack)
    pinned, one = None, None
    if not stackfile.builds(values):
        one = _pinned(folder, stack, said)
        # The file's own nodes: what an overlay has wrong with it is told with both places.
        node = cast(nodes.Table, release.parsed(folder, one.id)).entries["application"].node
        pinned = load.Pinned(node=node, back=said.back)
    day = None if said.back else today
    loaded = load.project(values, folder=folder, stack=stack, pinned=pinned, checks=table.IDS, today=day)
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
    return read(stackfile.read(folder / f"Pulumi.{stack}.yaml"), folder=folder, stack=stack)


def _pinned(folder: Path, stack: str, said: lock.Lock) -> release.Release:
    if said.release is None:
        place = problems.Place(str(lock.file(folder, stack).relative_to(folder)))
        wrong = f"stack {stack} builds nothing (seaway:build is false) and no release is pinned for it"
        remedy = f"give it one: seaway release promote <from> {stack}"
        raise problems.Invalid([problems.Problem(place, "release", wrong, remedy)])
    return release.read(folder, said.release)
