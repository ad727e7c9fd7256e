"""``seaway release rollback``: pins an older release, holds the newer one, and deploys with ``pulumi up``.

Exit codes: 0, the older release is healthy (with ``--pin-only``: it is pinned); 1, it could not be pinned, or not
deployed: then it stays pinned, and `seaway up` continues; 2, the stack's files are invalid; 4, it is pinned, and not
deployed because another update of the stack runs.
"""

import argparse
import asyncio
import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from seaway import errors
from seaway.checks import all_checks
from seaway.cli import command, connection, deployment, release_state, stack
from seaway.manifests import inputs
from seaway.project import environments, release, release_lock
from seaway.release import hold, promotion, record, record_store, signatures, stack_state
from seaway.rollout import status
from seaway.syntax import diagnosis

MANUAL_ROLLBACK = "rolled back by hand"
"""The reason of a hold when the cluster reports no errors."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StackHistory:
    """The deployed releases according to the stack's state, and the current errors in the cluster."""

    state: stack_state.ReleaseState | None
    recent: Sequence[str]
    """Ids of the running and the previous record."""
    records: Mapping[str, record.RecordSummary]
    """The verified records, newest first: the state or a file vouches for them."""
    failure_reason: str | None
    """The ids of the causes why workloads are not healthy."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("stack", metavar="STACK", type=stack.parse_name, help="a stack that pins a release")
    stack.add_application_option(parser)
    parser.add_argument("--to", metavar="ID", help="go back to this release [the previous one]")
    parser.add_argument("--pin-only", action="store_true", help="pin it without deploying")


def run(arguments: argparse.Namespace) -> int:
    folder = stack.find_project_folder(Path.cwd())
    name = arguments.stack
    message = f"stack {name} builds what it deploys: it pins no release to go back from"
    hint = (
        f"git revert, and seaway up --stack {name}; or restore automatically after a failure:"
        f" seaway up --rollback-on-failure --stack {name}"
    )
    stack.read_pinning_config(folder, name, arguments.application, message, hint)
    target = stack.read_target(folder, name, arguments.application)
    lock = release_lock.read(folder, target.lock_name)
    history = _read_history(target)
    release_id = arguments.to or _find_previous_release(lock, history)
    if release_id is None:
        choices = _format_choices(target, lock, history)
        command.report(f"namespace {target.namespace} has no release before {lock.release} that is not held; {choices}")
        return command.FAILURE
    if refusal := _explain_refusal(target, lock, history, release_id):
        command.report(refusal)
        return command.FAILURE
    older = asyncio.run(_read_release(target, release_id, history))
    if older.application.name != target.app:
        command.report(f"release {older.id} is a release of {older.application.name}, not of {target.app}")
        return command.FAILURE
    reason = history.failure_reason or MANUAL_ROLLBACK
    new_lock = promotion.pin_rollback(lock, older.id, because=reason, since=command.format_time())
    omitted_jobs = _write_pin(target, new_lock, older)
    print(
        f"release {older.id} is pinned for {name}; release {lock.release} is held ({new_lock.held[0].because}):"
        " promotions refuse it until --unhold names it",
        flush=True,
    )
    if omitted_jobs:
        print(
            f"The jobs of {older.id} before and after the rollout do not run again ({', '.join(omitted_jobs)});"
            f" the effects of the jobs of {lock.release} remain.",
            flush=True,
        )
    code = command.SUCCESS
    if not arguments.pin_only:
        code = deployment.Deployment(target, rollback=False, pulumi_arguments=arguments.pulumi).run(retry=False)
    files = f"{release_lock.format_path(target.lock_name)} and {release.FOLDER}/{older.id}.yaml"
    if code:
        command.report(
            f"release {older.id} is pinned but not healthy: seaway status {target.options}; continue with:"
            f" seaway up {target.options}"
        )
    elif arguments.pin_only:
        print(command.complete_commands(f"Deploy it: seaway up {target.options}; and commit {files}"))
    else:
        print(f"release {older.id} is deployed; commit {files}, or the next checkout deploys {lock.release} again")
    return code


def _read_history(target: stack.TargetStack) -> StackHistory:
    state = release_state.find_state(target)
    reason, recorded = asyncio.run(_read_cluster(target))
    files = release.list_ids(target.folder)
    # A release file vouches for a record that was deployed before states had a history. Without a state, nothing was
    # healthy here, and everyone can write a record of a release that has a file.
    is_former = state is not None and not state.history
    known = {
        id_: summary
        for id_, summary in recorded.items()
        if (is_former and summary.release_id in files) or (state and id_ == state.id)
    }
    if state:
        # The release of a state that an older version wrote has no checksum: its file is what vouches for it.
        verified = (summary for summary in state.history if summary.sha256 or summary.release_id in files)
        known |= {summary.id: summary for summary in verified}
    newest = sorted(known.values(), key=lambda summary: (summary.recorded, summary.id), reverse=True)
    ids = [state.id, *(summary.id for summary in (*state.history, *newest))] if state else []
    records = {summary.id: summary for summary in newest}
    return StackHistory(state=state, recent=list(dict.fromkeys(ids))[:2], records=records, failure_reason=reason)


async def _read_cluster(target: stack.TargetStack) -> tuple[str | None, Mapping[str, record.RecordSummary]]:
    """The ids of the current causes, and the records in the cluster."""
    async with connection.connect(target) as cluster:
        workloads, records = await asyncio.gather(
            deployment.read_workloads(cluster, target), record_store.list_records(cluster, target.namespace)
        )
    return status.summarize_cause_ids(workloads), records


def _find_previous_release(lock: release_lock.Lock, history: StackHistory) -> str | None:
    previous = promotion.find_previous(lock, history.recent, history.records)
    return previous.release_id if previous else None


def _format_choices(target: stack.TargetStack, lock: release_lock.Lock, history: StackHistory) -> str:
    """The releases to go back to; without one that the state knows, those with a file."""
    unavailable = {lock.release, *(hold_.release for hold_ in lock.held)}
    ids = dict.fromkeys(summary.release_id for summary in history.records.values())
    choices = [id_ for id_ in ids if id_ not in unavailable]
    if choices:
        return f"available: {', '.join(choices)}"
    if files := [id_ for id_ in release.list_ids(target.folder) if id_ not in unavailable]:
        return f"name one that has a file with --to: {', '.join(files)}"
    return "promote a fixed release: seaway release promote"


def _explain_refusal(
    target: stack.TargetStack, lock: release_lock.Lock, history: StackHistory, release_id: str
) -> str | None:
    """Why the stack cannot go back to the release; None: it can."""
    choices = _format_choices(target, lock, history)
    if release_id == lock.release:
        return f"release {release_id} is already pinned for {target.name}; deploy it: seaway up {target.options}"
    for held in lock.held:
        if held.release == release_id:
            return f"release {release_id} is held in stack {target.name} since {held.since} ({held.because}); {choices}"
    recorded = {summary.release_id for summary in history.records.values()}
    if release_id not in recorded and not release.get_path(target.folder, release_id).is_file():
        return (
            f"release {release_id} is neither in {release.FOLDER}/ nor in the state of stack {target.name}; {choices}"
        )
    return None


async def _read_release(target: stack.TargetStack, release_id: str, history: StackHistory) -> release.Release:
    """Read the release from its file, or from its newest record that the stack's state vouches for."""
    file = release.get_path(target.folder, release_id)
    if not os.path.lexists(file):
        deployed = await _read_deployed_release(target, release_id, history)
        assert deployed is not None  # noqa: S101 - refused before: it has neither a file nor a verified record
        return deployed
    saved = release.read(target.folder, release_id)
    try:
        deployed = await _read_deployed_release(target, release_id, history)
    except errors.Unavailable:
        deployed = None  # the file is committed: a missing record in the cluster must not block a rollback
    if deployed and _list_digests(deployed) != _list_digests(saved):
        message = f"has other images than the release {release_id} that was deployed to stack {target.name}"
        location = diagnosis.SourceLocation(f"{release.FOLDER}/{file.name}")
        raise diagnosis.reject(location, "images", "changed-release", message, "restore the file from git")
    return saved


def _list_digests(pinned: release.Release) -> dict[str, str]:
    return {name: image.digest for name, image in pinned.images.items()}


async def _read_deployed_release(
    target: stack.TargetStack, release_id: str, history: StackHistory
) -> release.Release | None:
    """A release that the stack's state vouches for; None: the state does not have it."""
    state = history.state
    summary = next((summary for summary in history.records.values() if summary.release_id == release_id), None)
    if state is None or summary is None:
        return None
    if summary.id == state.id:
        return state.build_release()
    sha256 = state.find_sha256(summary.id)
    if sha256 is None:
        return None
    async with connection.connect(target) as cluster:
        stored = await record_store.read(cluster, target.namespace, summary.id, sha256=sha256)
    name = f"ConfigMap/{record_store.get_name(summary.id)}"
    return stored.decode_record(name).build_release(stored.decode_provenance(name), summary.recorded)


def _write_pin(target: stack.TargetStack, new_lock: release_lock.Lock, older: release.Release) -> list[str]:
    """Write the release and the pin after validation; return the omitted jobs."""
    config = stack.read_config(target.folder, target.name, target.application_name)
    environment = environments.read_environment(
        config,
        folder=target.folder,
        stack=target.name,
        application_name=target.application_name,
        proposed_pin=environments.ProposedPin(stack_lock=new_lock, release=older),
        check_ids=all_checks.IDS,
    )
    if trust := environment.settings.trust:
        images = inputs.resolve_release_images(older, environment.settings.registry)
        references = {name: image.reference for name, image in images.items()}
        unsigned = signatures.find_unsigned(target.folder, older.id, older.application, references, trust)
        if diagnostics := list(unsigned):
            raise diagnosis.InvalidInput(diagnostics)
    remaining = {job.name for job in environment.app.jobs}
    release.save_release(target.folder, older)
    hold.remove_fallback(target.folder, target.lock_name)
    release_lock.write(target.folder, target.lock_name, new_lock)
    return [job.name for job in older.application.jobs if job.name not in remaining]
