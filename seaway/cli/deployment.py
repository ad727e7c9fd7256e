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
from seaway.kubernetes.api import kinds
from seaway.kubernetes.cluster import client, reflector
from seaway.manifests import objects
from seaway.project import release as releases
from seaway.project import release_lock
from seaway.release import drift, hold, record_store, stack_state, stored_record
from seaway.review import disks
from seaway.rollout import status
from seaway.syntax import diagnosis

SETTLE_SECONDS = 60.0
"""Seconds in which all must be well after a rollback: services lose their readiness while a store is put back."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDrift:
    """The release that the cluster says it runs, and how the cluster differs from it."""

    release: str
    differences: Sequence[drift.Difference]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FailureReport:
    """What is known once it has failed."""

    drift: ReleaseDrift | None
    """None: the cluster does not say."""
    reason: str
    objects: Sequence[objects.ReleaseObject] | None
    """Those of the release to go back to, as they were deployed; None: they are rendered from its record."""


class Deployment:
    """One run.

    Args:
        rollback: whether the last good release is put back where it fails.
        more: further words for pulumi up.
    """

    def __init__(self, target: stack.TargetStack, *, rollback: bool, pulumi_arguments: Sequence[str]) -> None:
        self._where = target
        self._rollback = rollback
        self._more = pulumi_arguments
        self._start = time.monotonic()
        self._times: dict[str, float] = {}
        self._disks: set[str] = set()
        """Those in the namespace before the update."""

    def run(self, *, retry: bool) -> int:
        """Deploy; the exit code. ``retry``: a release that is held back is held no longer.

        Raises:
            diagnosis.InvalidInput: a lock file is wrong.
            errors.Unavailable: the cluster cannot be asked.
            KeyboardInterrupt: the user ended it. Nothing is put back then: they are there.
        """
        where = self._where
        fingerprint_key.ensure_key(where)
        if retry:
            hold.remove_fallback(where.folder, where.name)
        held = hold.read_fallback(where.folder, where.name)
        private.remove_file(hold.get_run_result_path(where.folder, where.name))
        if self._rollback or held:  # what is written after a failure must be possible before anything is tried
            writer.check_writable(
                where.folder, release_lock.get_path(where.folder, where.name), releases.get_path(where.folder, "id")
            )
        before = asyncio.run(self._read_drift()) if self._rollback else None
        self._disks = asyncio.run(self._list_claims()) if self._rollback else set()
        code = self._run_update("pulumi up")
        note = hold.read_run_result(where.folder, where.name)
        if code == 0:
            return self._finish_update(held, note)
        if not self._rollback:
            return command.FAILURE
        if note is None:
            return self._report_failure("it failed before anything was changed: nothing to roll back")
        if note.described != note.deployed:
            return self._report_failure(
                f"release {note.deployed} could not be put back; what is wrong now: seaway status"
            )
        return self._roll_back(before, note)

    def _finish_update(self, held: release_lock.Fallback | None, note: hold.RunResult | None) -> int:
        if held and note and note.deployed != note.described:
            self._print_status()
            print(
                f"release {note.described} is held back, it failed at {held.since} ({held.because}); release"
                f" {note.deployed} runs. Change the source, or try it again: seaway up --retry"
            )
            return command.ROLLED_BACK
        if held:
            hold.remove_fallback(self._where.folder, self._where.name)
            file = release_lock.get_path(self._where.folder, self._where.name).relative_to(self._where.folder)
            print(f"release {held.held} is held back no longer: {file} says so no more")
        self._print_status()
        return command.SUCCESS

    def _roll_back(self, before: ReleaseDrift | None, note: hold.RunResult) -> int:
        """Put the last good release back."""
        where = self._where
        try:
            good = vouchers.read_state(where)
            after, one = asyncio.run(self._inspect_failure(good)), good.decode_record()
        except (errors.Unavailable, diagnosis.InvalidInput, stored_record.UnreadableRecordError) as error:
            return self._report_failure(f"the last good release cannot be put back: {error}")
        if good.id == note.described:
            told = f"release {good.id} itself is healthy: what failed came after it. Type it again"
            return self._report_failure(told)
        if after.drift is not None and after.drift == before:
            return self._report_failure("nothing was changed in the cluster: nothing to roll back")
        moment = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        made = release_lock.Fallback(release=good.id, held=note.described, because=after.reason, since=moment)
        hold.write_fallback(where.folder, where.name, made, one, after.objects)
        self._report(f"release {made.held} failed ({after.reason}); putting release {made.release} back")
        # A store that the failed release has added goes again, with the disk that was made for it.
        fresh = asyncio.run(self._list_claims()) - self._disks
        os.environ[disks.ACCEPT_VARIABLE] = ",".join([os.environ.get(disks.ACCEPT_VARIABLE, ""), *sorted(fresh)])
        try:
            code = self._run_update("rollback")
        except KeyboardInterrupt:
            self._report(f"interrupted while release {made.release} was put back; go on with: seaway up")
            raise
        if code:
            return self._report_failure(
                f"release {made.release} could not be put back; what is wrong now: seaway status"
            )
        if printed := self._find_remaining_changes():
            print(printed, file=sys.stderr)
            return self._report_failure(
                f"release {made.release} is back, but a preview still finds something to change (above)"
            )
        self._print_status()
        written = release_lock.get_path(where.folder, where.name).relative_to(where.folder)
        file = releases.get_path(where.folder, made.release).relative_to(where.folder)
        self._report(
            f"release {made.held} failed: {after.reason}\n"
            f"release {made.release} is back, and state and cluster agree. Until the source changes,"
            f" pulumi up keeps it so: commit {written} and {file} for every checkout to know.\n"
            "Now mend the source and deploy it: seaway up. Or try the same again: seaway up --retry"
        )
        return command.ROLLED_BACK

    def _find_remaining_changes(self) -> str | None:
        """What a preview prints while it finds something to change; None once it finds nothing."""
        started = time.monotonic()
        while True:
            code, printed = pulumi_cli.capture_output(
                self._where.folder, ["preview", "--expect-no-changes", "--stack", self._where.name]
            )
            self._times["preview"] = time.monotonic() - started
            if code == 0:
                return None
            if self._times["preview"] > SETTLE_SECONDS:
                return printed
            time.sleep(SETTLE_SECONDS / 10)

    async def _read_drift(self) -> ReleaseDrift | None:
        async with health.connect(self._where) as cluster:
            return await self._compare_cluster(cluster)

    async def _compare_cluster(self, cluster: client.KubeClient) -> ReleaseDrift | None:
        try:
            release, found = await drift.detect(cluster, self._where.namespace)
        except (record_store.ReleaseNotFound, record_store.RecordChanged, errors.Forbidden):
            return None  # a record in the cluster that is gone or wrong must not stop anybody
        return ReleaseDrift(release=release, differences=found)

    async def _inspect_failure(self, good_release: stack_state.ReleaseState) -> FailureReport:
        """How it is now, why the release to go back to is needed, and its objects as they were deployed.

        The cluster's copy is used where the state vouches for it; otherwise what the state itself has is rendered.
        """
        where = self._where
        async with health.connect(where) as cluster:
            now = await self._compare_cluster(cluster)
            seen = await reflector.read_snapshot(cluster, where.namespace)
            objects = await self._read_verified_objects(cluster, good_release)
        moment = datetime.datetime.now(datetime.UTC)
        rows = status.list_workloads(seen, app_name=where.app, stack=where.name, now=moment)
        because = status.summarize_causes(rows) or "pulumi up says why"
        return FailureReport(drift=now, reason=because, objects=objects)

    async def _read_verified_objects(
        self, cluster: client.KubeClient, good_release: stack_state.ReleaseState
    ) -> list[objects.ReleaseObject] | None:
        sha256 = good_release.find_sha256(good_release.id)
        if sha256 is None:
            return None  # it was deployed before records had one
        try:
            return (
                await record_store.read(cluster, self._where.namespace, good_release.id, sha256=sha256)
            ).read_objects()
        except (record_store.RecordChanged, record_store.ReleaseNotFound) as changed:
            self._report(f"warning: {changed}; going back to the release as the stack's state has it")
            return None

    async def _list_claims(self) -> set[str]:
        space = self._where.namespace
        async with health.connect(self._where) as cluster:
            listed = await cluster.get(kinds.build_path("PersistentVolumeClaim", space))
        return {f"{space}/{claim['metadata']['name']}" for claim in listed["items"]}

    def _run_update(self, name: str) -> int:
        started = time.monotonic()
        words = ["up", "--yes", "--skip-preview", "--stack", self._where.name, *self._more]
        try:
            return pulumi_cli.run(self._where.folder, words)
        finally:
            self._times[name] = time.monotonic() - started

    def _print_status(self) -> None:
        """What runs, and how long it took."""
        try:
            health.show_status(self._where, watch=False, as_json=False)
        except errors.Unavailable as error:
            self._report(str(error))  # what was asked for is done all the same
        times = {**self._times, "in all": time.monotonic() - self._start}
        print(" · ".join(f"{name} {seconds:.1f} s" for name, seconds in times.items()), flush=True)

    def _report_failure(self, message: str) -> int:
        self._report(message)
        return command.FAILURE

    def _report(self, message: str) -> None:
        print(f"seaway: {message}", file=sys.stderr, flush=True)
