"""What ``seaway status --drift`` does once it knows the stack."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from rich import table, text

from seaway.cli import command, display, health, stack, status_snapshot, vouchers
from seaway.release import drift, stack_state

DRIFTED = 4
"""The cluster differs from the release that was deployed. Its own exit code: to CI it is no failure of the tool."""

HEADINGS = ("KIND/NAME", "FIELD", "DECLARED", "LIVE", "BY")


def show_drift(target: stack.TargetStack, *, as_json: bool) -> int:
    """Show the differences; the exit code.

    Raises:
        errors.Unavailable: the cluster cannot be asked, or no release is recorded in it.
    """
    state = vouchers.find_evidence(target)
    release, found = asyncio.run(_read_drift(target, state))
    if as_json:
        print(json.dumps(to_json(target, release, found), indent=2, ensure_ascii=False))
    else:
        screen = display.create_screen()
        many = f"{len(found)} {'difference' if len(found) == 1 else 'differences'}" if found else "no drift"
        names = (target.app, f"stack {target.name}", f"context {target.context}", f"release {release}", many)
        display.write(screen, text.Text(" · ".join(names)))
        if found:
            display.write(screen, build_table(found))
    return DRIFTED if found else command.SUCCESS


async def _read_drift(
    target: stack.TargetStack, state: stack_state.ReleaseState | None
) -> tuple[str, list[drift.Difference]]:
    async with health.connect(target) as cluster:
        return await drift.detect(cluster, target.namespace, state)


def to_json(target: stack.TargetStack, release: str, found: Sequence[drift.Difference]) -> dict[str, Any]:
    """As ``seaway status --drift --json`` prints it; the fields are described in ``seaway.cli.status``."""
    differences = [
        {
            "object": {"kind": each.kind, "name": each.name},
            "field": each.path,
            "how": each.change_type,
            "declared": each.declared,
            "live": each.live,
            "by": each.set_by,
        }
        for each in found
    ]
    return status_snapshot.target_to_json(target) | {"release": release, "drift": differences}


def build_table(differences: Sequence[drift.Difference]) -> table.Table:
    """The table."""
    return display.build_table(
        HEADINGS,
        [
            (
                f"{each.kind}/{each.name}",
                each.path or "-",
                display.format_value(each.declared),
                display.format_value(each.live),
                each.set_by or "-",
            )
            for each in differences
        ],
    )
