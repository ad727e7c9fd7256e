"""What ``seaway up`` does once it knows the stack: pulumi up, and the way back."""

import asyncio
import dataclasses
import datetime
import os
import sys
import time
from collections.abc import Sequence

from seaway import errors
from seaway.cli import command, fingerprint_key, health, pulumi_cli, stack, vouchers
from seaway.files import private, writer
from seaway.kubernetes.api import paths
from seaway.kubernetes.cluster import client, reflector
from seaway.manifests import objects
from seaway.release import drift, hold, lock, record_store, stack_state, stored_record
from seaway.release import release as releases
from seaway.review import disks
from seaway.rollout import status
from seaway.syntax import diagnosis

SETTLE = 60.0
"""Seconds in which all must be well after a rollback: services lose their readiness while a store is put back."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The release that the cluster says it runs, and how the cluster differs from it."""

    release: str
    differences: Sequence[drift.Difference]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """What is known once it has failed."""

    now: Seen | None
    """None: the cluster does not say."""
    because: str
    objects: Sequence[objects.Object] | None
    """Those of the release to go back to, as they were deployed; None: they are rendered from its record."""


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
        fingerprint_key.ensure_key(where)
        if retry:
            hold.remove(where.folder, where.name)
        held = hold.read(where.folder, where.name)
        private.remove(hold.note(where.folder, where.name))
        if self._rollback or held:  # what is written after a failure must be possible before anything is tried
            writer.check(where.folder, lock.file(where.folder, where.name), releases.file(where.folder, "id"))
        before = asyncio.run(self._seen()) if self._rollback else None
        self._disks = asyncio.run(self._find_disks()) if self._rollback else set()
        code = self._up("pulumi up")
        note = hold.noted(where.folder, where.name)
        if code == 0:
            return self._deployed(held, note)
        if not self._rollback:
            return command.FAILED
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
            return command.ROLLED_BACK
        if held:
            hold.remove(self._where.folder, self._where.name)
            file = lock.file(self._where.folder, self._where.name).relative_to(self._where.folder)
            print(f"release {held.held} is held back no longer: {file} says so no more")
        self._shown()
        return command.DONE

    def _back(self, before: Seen | None, note: hold.Note) -> int:
        """Put the last good release back."""
        where = self._where
        try:
            good = vouchers.read_state(where)
            after, one = asyncio.run(self._after(good)), good.record()
        except (errors.Unavailable, diagnosis.Invalid, stored_record.UnreadableRecordError) as error:
            return self._failed(f"the last good release cannot be put back: {error}")
        if good.id == note.described:
            told = f"release {good.id} itself is healthy: what failed came after it. Type it again"
            return self._failed(told)
        if after.now is not None and after.now == before:
            return self._failed("nothing was changed in the cluster: nothing to roll back")
        moment = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        made = hold.Hold(release=good.id, held=note.described, because=after.because, since=moment)
        hold.write(where.folder, where.name, made, one, after.objects)
        self._say(f"release {made.held} failed ({after.because}); putting release {made.release} back")
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
            f"release {made.held} failed: {after.because}\n"
            f"release {made.release} is back, and state and cluster agree. Until the source changes,"
            f" pulumi up keeps it so: commit {written} and {file} for every checkout to know.\n"
            "Now mend the source and deploy it: seaway up. Or try the same again: seaway up --retry"
        )
        return command.ROLLED_BACK

    def _disagreement(self) -> str | None:
        """What a preview prints while it finds something to change; None once it finds nothing."""
        started = time.monotonic()
        while True:
            code, printed = pulumi_cli.read(
                self._where.folder, ["preview", "--expect-no-changes", "--stack", self._where.name]
            )
            self._times["preview"] = time.monotonic() - started
            if code == 0:
                return None
            if self._times["preview"] > SETTLE:
                return printed
            time.sleep(SETTLE / 10)

    async def _seen(self) -> Seen | None:
        async with health.opened(self._where) as cluster:
            return await self._differences(cluster)

    async def _differences(self, cluster: client.Cluster) -> Seen | None:
        try:
            release, found = await drift.of(cluster, self._where.namespace)
        except (record_store.Missing, record_store.Changed, errors.Forbidden):
            return None  # a record in the cluster that is gone or wrong must not stop anybody
        return Seen(release=release, differences=found)

    async def _after(self, good: stack_state.ReleaseState) -> After:
        """How it is now, why the release to go back to is needed, and its objects as they were deployed.

        The cluster's copy is used where the state vouches for it; otherwise what the state itself has is rendered.
        """
        where = self._where
        async with health.opened(where) as cluster:
            now = await self._differences(cluster)
            seen = await reflector.read(cluster, where.namespace)
            objects = await self._vouched_objects(cluster, good)
        moment = datetime.datetime.now(datetime.UTC)
        rows = status.rows(seen, application=where.app, stack=where.name, now=moment)
        because = status.causes(rows) or "pulumi up says why"
        return After(now=now, because=because, objects=objects)

    async def _vouched_objects(
        self, cluster: client.Cluster, good: stack_state.ReleaseState
    ) -> list[objects.Object] | None:
        sha256 = good.sha256(good.id)
        if sha256 is None:
            return None  # it was deployed before records had one
        try:
            return (await record_store.read(cluster, self._where.namespace, good.id, sha256=sha256)).objects()
        except (record_store.Changed, record_store.Missing) as changed:
            self._say(f"warning: {changed}; going back to the release as the stack's state has it")
            return None

    async def _find_disks(self) -> set[str]:
        space = self._where.namespace
        async with health.opened(self._where) as cluster:
            listed = await cluster.get(paths.path("v1", "PersistentVolumeClaim", space))
        return {f"{space}/{claim['metadata']['name']}" for claim in listed["items"]}

    def _up(self, name: str) -> int:
        started = time.monotonic()
        words = ["up", "--yes", "--skip-preview", "--stack", self._where.name, *self._more]
        try:
            return pulumi_cli.run(self._where.folder, words)
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
        return command.FAILED

    def _say(self, told: str) -> None:
        print(f"seaway: {told}", file=sys.stderr, flush=True)
