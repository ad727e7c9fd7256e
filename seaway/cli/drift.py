"""``seaway status --drift``: how the cluster differs from the release that was deployed."""

import asyncio
from typing import Any

from rich import text

from seaway.cli import command, connection, display, release_state, stack, status_snapshot
from seaway.release import drift, stack_state

DRIFTED = 4
"""The cluster differs from the deployed release. Its own exit code, since the command itself has not failed."""

HEADINGS = ("KIND/NAME", "FIELD", "DECLARED", "LIVE", "BY")


def show_drift(target: stack.TargetStack, *, as_json: bool) -> int:
    """Print the differences; return the exit code.

    Raises:
        errors.Unavailable: the cluster cannot be reached, or has no recorded release.
    """
    state = release_state.find_evidence(target)
    release, differences = asyncio.run(_read_drift(target, state))
    if as_json:
        drifted = [_difference_to_json(difference) for difference in differences]
        command.print_json(status_snapshot.target_to_json(target) | {"release": release, "drift": drifted})
    else:
        screen = display.create_screen()
        total = command.count(len(differences), "difference") if differences else "no drift"
        heading = (target.app, f"stack {target.name}", f"context {target.context}", f"release {release}", total)
        display.write(screen, text.Text(" · ".join(heading)))
        if differences:
            rows = map(_format_row, differences)
            display.write(screen, display.build_table(HEADINGS, rows, folded=HEADINGS))
    return DRIFTED if differences else command.SUCCESS


async def _read_drift(
    target: stack.TargetStack, state: stack_state.ReleaseState | None
) -> tuple[str, list[drift.Difference]]:
    async with connection.connect(target) as cluster:
        return await drift.detect(cluster, target.namespace, state)


def _difference_to_json(difference: drift.Difference) -> dict[str, Any]:
    """``seaway.cli.status`` documents the fields."""
    return {
        "object": {"kind": difference.kind, "name": difference.name},
        "field": difference.path,
        "how": difference.change_type,
        "declared": difference.change.declared,
        "live": difference.change.live,
        "by": difference.set_by,
    }


def _format_row(difference: drift.Difference) -> tuple[str, ...]:
    return (
        f"{difference.kind}/{difference.name}",
        difference.path or "-",
        display.format_value(difference.change.declared),
        display.format_value(difference.change.live),
        difference.set_by or "-",
    )
