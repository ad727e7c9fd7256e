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

HEAD = ("KIND/NAME", "FIELD", "DECLARED", "LIVE", "BY")


def run(where: stack.Stack, *, as_json: bool) -> int:
    """Show the differences; the exit code.

    Raises:
        errors.Unavailable: the cluster cannot be asked, or no release is recorded in it.
    """
    state = vouchers.find_evidence(where)
    release, found = asyncio.run(_ask(where, state))
    if as_json:
        print(json.dumps(plain(where, release, found), indent=2, ensure_ascii=False))
    else:
        screen = display.screen()
        many = f"{len(found)} {'difference' if len(found) == 1 else 'differences'}" if found else "no drift"
        names = (where.app, f"stack {where.name}", f"context {where.context}", f"release {release}", many)
        display.write(screen, text.Text(" · ".join(names)))
        if found:
            display.write(screen, drawn(found))
    return DRIFTED if found else command.DONE


async def _ask(where: stack.Stack, state: stack_state.ReleaseState | None) -> tuple[str, list[drift.Difference]]:
    async with health.opened(where) as cluster:
        return await drift.of(cluster, where.namespace, state)


def plain(where: stack.Stack, release: str, found: Sequence[drift.Difference]) -> dict[str, Any]:
    """As ``seaway status --drift --json`` prints it; the fields are described in ``seaway.cli.status``."""
    differences = [
        {
            "object": {"kind": each.kind, "name": each.name},
            "field": each.path,
            "how": each.how,
            "declared": each.declared,
            "live": each.live,
            "by": each.who,
        }
        for each in found
    ]
    return status_snapshot.place(where) | {"release": release, "drift": differences}


def drawn(found: Sequence[drift.Difference]) -> table.Table:
    """The table."""
    return display.columns(
        HEAD,
        [
            (
                f"{each.kind}/{each.name}",
                each.path or "-",
                display.value(each.declared),
                display.value(each.live),
                each.who or "-",
            )
            for each in found
        ],
    )
