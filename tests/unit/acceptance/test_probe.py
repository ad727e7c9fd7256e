"""Several probes at once: those that do not start are reported, and an error of the block stays what it is."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from seaway import errors
from seaway.acceptance import probe


def test_probes_are_closed_and_errors_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []

    @contextlib.asynccontextmanager
    async def attach(_: Any, __: Any, container: str, ___: str) -> AsyncGenerator[str]:
        if container == "missing":
            raise errors.Unavailable("no such image")
        try:
            yield f"probe of {container}"
        finally:
            closed.append(container)

    monkeypatch.setattr(probe.Probe, "attach", attach)
    containers: Any = {name: ({}, name) for name in ("web", "missing", "db")}

    async def run() -> None:
        async with probe.open_all(None, containers, "busybox") as starts:  # pyright: ignore[reportArgumentType]
            assert [str(start) for start in starts.values()] == ["probe of web", "no such image", "probe of db"]
            raise errors.Unavailable("of the block")

    with pytest.raises(errors.Unavailable, match="of the block"):
        asyncio.run(run())
    assert sorted(closed) == ["db", "web"]
