"""``seaway up``: run pulumi up, and roll back when it fails."""

import asyncio
import os
import sys
import time
from collections.abc import Mapping, Sequence

from seaway import errors
from seaway.cli import command, connection, pulumi_cli, recovery, release_state, stack
from seaway.cli import status as status_command
from seaway.files import writer
from seaway.kubernetes.api import kinds
from seaway.kubernetes.cluster import client, reflector
from seaway.manifests import objects
from seaway.project import release as releases
from seaway.project import release_lock, stack_file
from seaway.release import drift, fingerprints, hold, record_store, stack_state, stored_record
from seaway.review import disks
from seaway.rollout import status
from seaway.syntax import diagnosis

SETTLE_SECONDS = 60.0
"""Seconds for everything to become healthy after a rollback: services are not ready while a store restarts."""


ReleaseDrift = tuple[str, Sequence[drift.Difference]]
"""The release that the cluster records, and how the cluster differs from it."""


FailureReport = tuple[ReleaseDrift | None, Sequence[status.WorkloadStatus], Sequence[objects.ReleaseObject] | None]
"""After a failed update: the drift, the workloads, and the deployed objects of the release to restore. None: the
cluster has no usable record; the objects are then rendered from the record in the state."""

UNKNOWN_REASON = "see the output of pulumi up"


class Deployment:
    """One run of ``seaway up``. ``rollback``: restore the last healthy release when the update fails."""

    def __init__(self, target: stack.TargetStack, *, rollback: bool, pulumi_arguments: Sequence[str]) -> None:
        self._target = target
        self._rollback = rollback
        self._pulumi_arguments = pulumi_arguments
        self._start = time.monotonic()
        self._times: dict[str, float] = {}
        self._claims: set[str] = set()
        """The volume claims in the namespace before the update."""

    def run(self, *, retry: bool) -> int:
        """Deploy; return the exit code. ``retry`` releases a hold first.

        Raises:
            KeyboardInterrupt: the user ended it. Nothing is rolled back then.
        """
        target = self._target
        ensure_fingerprint_key(target)
        if retry:
            hold.remove_fallback(target.folder, target.lock_name)
        held = release_lock.read(target.folder, target.lock_name).fallback
        if self._rollback or held:  # the files that a rollback writes must be writable before anything changes
            lock_file = release_lock.get_path(target.folder, target.lock_name)
            writer.check_writable(target.folder, lock_file, releases.get_path(target.folder, "id"))
        before = asyncio.run(self._read_drift()) if self._rollback else None
        self._claims = asyncio.run(self._list_claims()) if self._rollback else set()
        previous = hold.find_run_time(target.folder, target.lock_name)
        code = self._run_update("pulumi up")
        is_new = hold.find_run_time(target.folder, target.lock_name) != previous
        result = hold.read_run_result(target.folder, target.lock_name) if is_new else None
        if code == 0:
            return self._finish_update(held, result)
        if not self._rollback:
            # The program saves its result when its input is valid, before it registers a resource.
            unchanged = f"stack {target.name} is unchanged: correct the errors above"
            return _report_failure(describe_failure(target) if result else unchanged)
        if result is None:
            return _report_failure("the update failed before it changed anything: nothing to roll back")
        if result.described != result.deployed:
            return _report_failure(
                f"release {result.deployed} could not be restored; for the errors run: seaway status"
            )
        return self._roll_back(before, result)

    def _finish_update(self, held: release_lock.Fallback | None, result: hold.RunResult | None) -> int:
        target = self._target
        if held and result and result.deployed != result.described:
            self._print_status()
            print(
                f"release {result.described} is held since it failed at {held.since} ({held.because}); release"
                f" {result.deployed} is deployed. Change the source, or try again: seaway up --retry"
            )
            return command.ROLLED_BACK
        if held:
            hold.remove_fallback(target.folder, target.lock_name)
            print(f"release {held.held} is no longer held: {release_lock.format_path(target.lock_name)} is updated")
        self._print_status()
        return command.SUCCESS

    def _roll_back(self, before: ReleaseDrift | None, result: hold.RunResult) -> int:
        """Restore the last healthy release."""
        target = self._target
        try:
            good_release = release_state.read_state(target)
            after, workloads, deployed = asyncio.run(self._inspect_failure(good_release))
            record = good_release.decode_record()
        except (errors.Unavailable, diagnosis.InvalidInput, stored_record.UnreadableRecordError) as error:
            return _report_failure(f"the last healthy release cannot be restored: {error}")
        if good_release.id == result.described:
            return _report_failure(f"release {good_release.id} itself is healthy: a later step failed. Run it again")
        if after is not None and after == before:
            return _report_failure("the cluster has not changed: nothing to roll back")
        restored, failed = good_release.id, result.described
        reason = status.summarize_causes(workloads) or UNKNOWN_REASON
        cause_ids = status.summarize_cause_ids(workloads) or UNKNOWN_REASON
        new_hold = release_lock.Fallback(release=restored, held=failed, because=cause_ids, since=command.format_time())
        hold.write_fallback(target.folder, target.lock_name, new_hold, record, deployed)
        command.report(f"release {failed} failed ({reason}); restoring release {restored}")
        # The rollback may delete a store that the failed release added, with its new volume.
        added = asyncio.run(self._list_claims()) - self._claims
        os.environ[disks.ACCEPT_VARIABLE] = ",".join([os.environ.get(disks.ACCEPT_VARIABLE, ""), *sorted(added)])
        try:
            code = self._run_update("rollback")
        except (KeyboardInterrupt, command.StackLocked):
            command.report(f"interrupted while restoring release {restored}; continue with: seaway up")
            raise
        if code:
            return _report_failure(f"release {restored} could not be restored; for the errors run: seaway status")
        if printed := self._find_remaining_changes():
            print(printed, file=sys.stderr)
            return _report_failure(f"release {restored} is restored, but a preview still has changes (above)")
        self._print_status()
        file = releases.get_path(target.folder, restored).relative_to(target.folder)
        command.report(
            f"release {failed} failed: {reason}\n"
            f"release {restored} is restored; state and cluster agree. Until the source changes, pulumi up deploys"
            f" this release. Commit {release_lock.format_path(target.lock_name)} and {file}, so that every checkout"
            " does.\n"
            "Then fix the source and deploy it: seaway up. Or try the same release again: seaway up --retry"
        )
        return command.ROLLED_BACK

    def _find_remaining_changes(self) -> str | None:
        """The output of a preview while it still has changes; None once it has none."""
        start = time.monotonic()
        while True:
            args = ["preview", "--expect-no-changes", "--stack", self._target.name]
            code, printed = pulumi_cli.capture_output(self._target.folder, args)
            self._times["preview"] = time.monotonic() - start
            if code == 0:
                return None
            if self._times["preview"] > SETTLE_SECONDS:
                return printed
            time.sleep(SETTLE_SECONDS / 10)

    async def _read_drift(self) -> ReleaseDrift | None:
        async with connection.connect(self._target) as cluster:
            return await self._compare_cluster(cluster)

    async def _compare_cluster(self, cluster: client.KubeClient) -> ReleaseDrift | None:
        try:
            return await drift.detect(cluster, self._target.namespace)
        except (record_store.ReleaseNotFound, record_store.RecordChanged, errors.Forbidden):
            return None  # a missing or damaged record in the cluster must not block an update

    async def _inspect_failure(self, good_release: stack_state.ReleaseState) -> FailureReport:
        """Read the state of the cluster, its workloads, and the objects of the release to restore.

        The cluster's copy is used if the state vouches for it. Otherwise the record in the state is rendered.
        """
        target = self._target
        async with connection.connect(target) as cluster:
            current = await self._compare_cluster(cluster)
            workloads = await read_workloads(cluster, target)
            deployed = await self._read_verified_objects(cluster, good_release)
        return current, workloads, deployed

    async def _read_verified_objects(
        self, cluster: client.KubeClient, good_release: stack_state.ReleaseState
    ) -> list[objects.ReleaseObject] | None:
        sha256 = good_release.find_sha256(good_release.id)
        if sha256 is None:
            return None  # it was deployed before the state had checksums
        try:
            record = await record_store.read(cluster, self._target.namespace, good_release.id, sha256=sha256)
            return record.read_objects()
        except (record_store.RecordChanged, record_store.ReleaseNotFound) as error:
            command.report(f"warning: {error}; the release is restored from the stack's state")
            return None

    async def _list_claims(self) -> set[str]:
        namespace = self._target.namespace
        async with connection.connect(self._target) as cluster:
            claims = await cluster.get(kinds.build_path("PersistentVolumeClaim", namespace))
        return {f"{namespace}/{claim['metadata']['name']}" for claim in claims["items"]}

    def _run_update(self, name: str) -> int:
        start = time.monotonic()
        args = ["up", "--yes", "--skip-preview", "--stack", self._target.name, *self._pulumi_arguments]
        try:
            code, conflict = pulumi_cli.run(self._target.folder, args)
        finally:
            self._times[name] = time.monotonic() - start
        if conflict:
            raise command.StackLocked(recovery.explain_lock(self._target, conflict)[1])
        return code

    def _print_status(self) -> None:
        """Print the status and the durations."""
        try:
            status_command.show_status(self._target)
        except errors.Unavailable as error:
            command.report(str(error))  # the update itself succeeded
        times = {**self._times, "total": time.monotonic() - self._start}
        print(" · ".join(f"{name} {seconds:.1f} s" for name, seconds in times.items()), flush=True)


def ensure_fingerprint_key(target: stack.TargetStack) -> None:
    """Set ``seaway:fingerprintKey`` of a stack that has secrets and no key.

    A stack that was deployed without a key keeps the names of its Secrets until their values change. In CI nothing is
    written: a key that is not committed would differ in the next run and restart the pods each time.
    """
    config = stack.read_config(target.folder, target.name, target.application_name)
    names = stack_file.get_secret_locations(config)
    if not names or stack_file.FINGERPRINT_KEY in config.pairs or fingerprints.is_ci():
        return
    state = release_state.find_state(target)
    deployed: Mapping[str, str] = state.decode_record().secrets if state else {}
    recorded = {name: fingerprint for name, fingerprint in deployed.items() if name in names}
    # The names of Secrets that were computed with the key of the checkout stay the same.
    key = fingerprints.read_checkout_key(target.folder)
    lost = sorted(name for name, fingerprint in recorded.items() if fingerprints.is_keyed(fingerprint))
    if lost and key is None:
        raise errors.Unavailable(
            f"{fingerprints.SETTING} is not in Pulumi.{target.name}.yaml, but the names of the Secrets of"
            f" {', '.join(lost)} were computed with one: take the file from the checkout that deployed them, or set"
            " another key, which restarts pods: openssl rand -hex 32 |"
            f" pulumi config set --secret {fingerprints.SETTING} --stack {target.name}"
        )
    unkeyed = {name: fingerprint for name, fingerprint in recorded.items() if fingerprints.is_unkeyed(fingerprint)}
    setting = fingerprints.FingerprintKey(key=key or fingerprints.generate_key(), unkeyed=unkeyed).format_setting()
    pulumi_cli.set_secret(target.folder, target.name, fingerprints.SETTING, setting)
    command.report(f"Pulumi.{target.name}.yaml has a new secret, {fingerprints.SETTING}: commit it")


async def read_workloads(cluster: client.KubeClient, target: stack.TargetStack) -> list[status.WorkloadStatus]:
    """The workloads of a stack, as they are now."""
    return connection.list_workloads(target, await reflector.read_snapshot(cluster, target.namespace))


def describe_failure(target: stack.TargetStack) -> str:
    """What a failed ``pulumi up`` leaves behind, for the line after its errors."""

    async def read() -> str | None:
        async with connection.connect(target) as cluster:
            return status.summarize_causes(await read_workloads(cluster, target))

    sentence = f"stack {target.name} is not deployed completely: pulumi up failed with the errors above"
    try:
        causes = asyncio.run(read())
    except errors.Unavailable as error:
        return f"{sentence}. Its workloads are unknown: {error}"
    return f"{sentence}. Not healthy now: {causes}" if causes else sentence


def _report_failure(message: str) -> int:
    command.report(message)
    return command.FAILURE
