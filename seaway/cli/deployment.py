"""What ``seaway up`` does once it knows the stack: pulumi up, and the way back."""

import asyncio
import dataclasses
import datetime
import os
import sys
import time
from collections.abc import Sequence

from seaway.cli import health, program, stack, verb
from seaway.cluster import errors, mirror, paths
from seaway.model import problems
from seaway.release import drift, hold, lock, record, store
from seaway.release import release as releases
from seaway.review import disks
from seaway.rollout import status

SETTLE = 60.0
"""Seconds in which all must be well after a rollback: services lose their readiness while a store is put back."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The last good release, and how the cluster differed from it already."""

    release: str
    differences: Sequence[drift.Difference]


class Deployment:
    """One run.

    Args:
        rollback: whether the last good release is put back where it fails.
        more: further words for pulumi up.
    """

    def __init__(self, where: stack.Stack, *, rollback: bool, more: Sequence[str]) -> None:
        self._where = where
        self._rollback = rollback
        self._more = more
        self._start = time.monotonic()
        self._times: dict[str, float] = {}
        self._disks: set[str] = set()
        """Those in the namespace before the update."""

    def run(self, *, retry: bool) -> int:
        """Deploy; the exit code. ``retry``: a release that is held back is held no longer.

        Raises:
            problems.Invalid: a lock file is wrong.
            errors.Unavailable: the cluster cannot be asked.
            KeyboardInterrupt: the user ended it. Nothing is put back then: they are there.
        """
        where = self._where
        if retry:
            hold.remove(where.folder, where.name)
        held = hold.read(where.folder, where.name)
        hold.note(where.folder, where.name).unlink(missing_ok=True)
        before = asyncio.run(self._before()) if self._rollback else None
        self._disks = asyncio.run(self._find_disks()) if self._rollback else set()
        code = self._up("pulumi up")
        note = hold.noted(where.folder, where.name)
        if code == 0:
            return self._deployed(held, note)
        if not self._rollback:
            return verb.FAILED
        if before is None:
            told = f"no good release is recorded in namespace {where.namespace}: there is nothing to go back to"
            return self._failed(told)
        if note is None:
            return self._failed("it failed before anything was changed: nothing to roll back")
        if note.described != note.deployed:
            return self._failed(f"release {note.deployed} could not be put back; what is wrong now: seaway status")
        return self._back(before, note)

    def _deployed(self, held: hold.Hold | None, note: hold.Note | None) -> int:
        if held and note and note.deployed != note.described:
            self._shown()
            print(
                f"release {note.described} is held back, it failed at {held.since} ({held.because}); release"
                f" {note.deployed} runs. Change the source, or try it again: seaway up --retry"
            )
            return verb.ROLLED_BACK
        if held:
            hold.remove(self._where.folder, self._where.name)
            file = lock.file(self._where.folder, self._where.name).relative_to(self._where.folder)
            print(f"release {held.held} is held back no longer: {file} says so no more")
        self._shown()
        return verb.DONE

    def _back(self, before: Before, note: hold.Note) -> int:
        """Put the last good release back."""
        where = self._where
        try:
            now, good, because = asyncio.run(self._after(before.release))
        except (errors.Unavailable, problems.Invalid) as error:
            return self._failed(f"the last good release cannot be put back: {error}")
        if now.release == note.described:
            told = f"release {now.release} itself is healthy: what failed came after it. Type it again"
            return self._failed(told)
        if now == before:
            return self._failed("nothing was changed in the cluster: nothing to roll back")
        moment = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        made = hold.Hold(release=now.release, held=note.described, because=because, since=moment)
        hold.write(where.folder, where.name, made, good)
        self._say(f"release {made.held} failed ({because}); putting release {made.release} back")
        # A store that the failed release has added goes again, with the disk that was made for it.
        fresh = asyncio.run(self._find_disks()) - self._disks
        os.environ[disks.ACCEPTED] = ",".join([os.environ.get(disks.ACCEPTED, ""), *sorted(fresh)])
        try:
            code = self._up("rollback")
        except KeyboardInterrupt:
            self._say(f"interrupted while release {made.release} was put back; go on with: seaway up")
            raise
        if code:
            return self._failed(f"release {made.release} could not be put back; what is wrong now: seaway status")
        if printed := self._disagreement():
            print(printed, file=sys.stderr)
            return self._failed(
                f"release {made.release} is back, but a preview still finds something to change (above)"
            )
        self._shown()
        written = lock.file(where.folder, where.name).relative_to(where.folder)
        file = releases.file(where.folder, made.release).relative_to(where.folder)
        self._say(
            f"release {made.held} failed: {because}\n"
            f"release {made.release} is back, and state and cluster agree. Until the source changes,"
            f" pulumi up keeps it so: commit {written} and {file} for every checkout to know.\n"
            "Now mend the source and deploy it: seaway up. Or try the same again: seaway up --retry"
        )
        return verb.ROLLED_BACK

    def _disagreement(self) -> str | None:
        """What a preview prints while it finds something to change; None once it finds nothing."""
        started = time.monotonic()
        while True:
            code, printed = program.read(
                self._where.folder, ["preview", "--expect-no-changes", "--stack", self._where.name]
            )
            self._times["preview"] = time.monotonic() - started
            if code == 0:
                return None
            if self._times["preview"] > SETTLE:
                return printed
            time.sleep(SETTLE / 10)

    async def _before(self) -> Before | None:
        async with health.opened(self._where) as cluster:
            try:
                release, found = await drift.of(cluster, self._where.namespace)
            except store.Missing:
                return None
        return Before(release=release, differences=found)

    async def _after(self, release: str) -> tuple[Before, record.Record, str]:
        """How it is now, the release to go back to, and why it is needed."""
        where = self._where
        async with health.opened(where) as cluster:
            now, found = await drift.of(cluster, where.namespace)
            good = await store.recorded(cluster, where.namespace, release)
            seen = await mirror.read(cluster, where.namespace)
        moment = datetime.datetime.now(datetime.UTC)
        rows = status.rows(seen, application=where.app, stack=where.name, now=moment)
        return Before(release=now, differences=found), good, status.causes(rows) or "pulumi up says why"

    async def _find_disks(self) -> set[str]:
        space = self._where.namespace
        async with health.opened(self._where) as cluster:
            listed = await cluster.get(paths.path("v1", "PersistentVolumeClaim", space))
        return {f"{space}/{claim['metadata']['name']}" for claim in listed["items"]}

    def _up(self, name: str) -> int:
        started = time.monotonic()
        words = ["up", "--yes", "--skip-preview", "--stack", self._where.name, *self._more]
        try:
            return program.run(self._where.folder, words)
        finally:
            self._times[name] = time.monotonic() - started

    def _shown(self) -> None:
        """What runs, and how long it took."""
        try:
            health.run(self._where, watch=False, as_json=False)
        except errors.Unavailable as error:
            self._say(str(error))  # what was asked for is done all the same
        times = {**self._times, "in all": time.monotonic() - self._start}
        print(" · ".join(f"{name} {seconds:.1f} s" for name, seconds in times.items()), flush=True)

    def _failed(self, told: str) -> int:
        self._say(told)
        return verb.FAILED

    def _say(self, told: str) -> None:
        print(f"seaway: {told}", file=sys.stderr, flush=True)
