"""A fault of a rollout: how it is injected, its hint, and how the hint is carried out."""

import dataclasses
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import yaml

from dev import project
from dev.faults import changes, cures

LINE = r"\(app/app\.yaml:\d+\)"
"""Pattern of a location in a hint."""

Injection = Callable[[project.Project], AbstractContextManager[None]]
"""Changes the environment of a run, and restores it."""

DEADLINE = 70
"""Seconds: the rollout timeout of these runs. The product's default is 300."""

SLOW_START = {"readiness": "/healthz", "liveness": "/healthz", "startPeriod": 10}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault of a rollout.

    Args:
        cause: the id of the expected cause. None if the rollout must not fail.
        injected: description for the table.
        change: changes the application in place.
        hint: pattern of the part of the hint that the cure carries out. Its groups are values for the cure.
        cure: carries out the hint.
        repair: arguments of `pulumi up` in the hint.
        around: changes the cluster before the rollout, and restores it after the cure.
        waits: the fault can heal, so the rollout fails only at the deadline.
        deadline: seconds. A deadline is at least 60 s longer than the workload's `startPeriod`.
        rejected: text of the error if the fault is rejected before the rollout.
        late: why its cause cannot be reported within 15 s of the first failed probe, for the page.
    """

    cause: str | None
    injected: str
    change: changes.Change
    hint: str = ""
    cure: cures.Cure = cures.change_nothing
    repair: tuple[str, ...] = ()
    around: Injection = lambda _: nullcontext()
    waits: bool = False
    deadline: int = DEADLINE
    rejected: str | None = None
    late: str = ""


def inject_fault(shop: project.Project, fault: Fault) -> None:
    """Write the application's file with the fault."""
    file = shop.folder / "app" / "app.yaml"
    app = yaml.safe_load(file.read_text())
    fault.change(app, file.parent)
    file.write_text(yaml.safe_dump(app, sort_keys=False))


def carry_out(shop: project.Project, fault: Fault, hint: str) -> project.CommandResult:
    """Carry out a hint as it is written, and deploy.

    Raises:
        AssertionError: it is not the hint of the fault, names a wrong line, or its command shows nothing.
    """
    match = re.search(fault.hint, hint)
    if match is None:
        raise AssertionError(f"the hint is {hint!r}, and not {fault.hint!r}")
    if problems := cures.check_locations(shop, hint):
        raise AssertionError("; ".join(problems))
    file = shop.folder / "app" / "app.yaml"
    app = yaml.safe_load(file.read_text())
    fault.cure(shop, app, match)
    file.write_text(yaml.safe_dump(app, sort_keys=False))
    return shop.up(*fault.repair, check=False)
