"""``seaway release rollback``: an older release is pinned, the newer one is held, and ``pulumi up`` deploys it.

Exit codes: 0, the older release runs and is healthy (with ``--no-up``: it is pinned); 1, it could not be pinned, or not
deployed: then it is pinned all the same, and `seaway up` goes on; 2, the stack's files are wrong.
"""

import argparse
import dataclasses
import datetime
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from seaway.cli import command, stack
from seaway.project import stack_file
from seaway.syntax import diagnosis

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seaway.project import release, release_lock
    from seaway.release import record_store, stack_state

MANUAL_ROLLBACK = "rolled back by hand"
"""Why a release is held that nothing is wrong with, as far as the cluster knows."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StackHistory:
    """What the stack's state says was deployed, and what the cluster says of now."""

    state: "stack_state.ReleaseState | None"
    current: "record_store.CurrentRelease | None"
    """What was deployed last, and before."""
    records: "Mapping[str, record_store.RecordSummary]"
    """Those that the state or a file vouches for, newest first."""
    failure_reason: str | None
    """What is wrong now."""


def add(parsers: command.Subparsers) -> None:
    """The verb's command line."""
    told = "pin an older release for a stack that pins one, hold the newer one, and deploy; exit code 0: it is healthy"
    parser = parsers.add_parser("rollback", help="go back to an older release", description=told)
    parser.add_argument("stack", metavar="STACK")
    parser.add_argument("--to", metavar="ID", help="the release to go back to [the one that ran before]")
    parser.add_argument("--no-up", action="store_true", help="pin it, and deploy nothing")
    parser.add_argument("pulumi", nargs="*", metavar="-- ARGUMENT", help="handed to pulumi up as they are")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Pin it, and deploy it; the exit code.

    Raises:
        diagnosis.InvalidInput: there is no such stack, it builds what it deploys, or its files are wrong.
        errors.Unavailable: the cluster cannot be asked.
    """
    import asyncio  # noqa: PLC0415 - a tenth of the start of every verb

    folder = stack.find_project_folder(Path.cwd())
    name = arguments.stack
    _require_pinning(folder, name)
    where = stack.read_target(folder, name)
    from seaway.project import release_lock  # noqa: PLC0415
    from seaway.release import promotion  # noqa: PLC0415 - not needed where a word is wrong

    said = release_lock.read(folder, name)
    seen = _read_history(where)
    wanted = arguments.to or _find_previous_release(said, seen)
    if why := _explain_refusal(where, said, seen, wanted):
        print(f"seaway: {why}", file=sys.stderr)
        return command.FAILURE
    one = asyncio.run(_read_release(where, wanted, seen))
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = promotion.pin_rollback(said, one.id, because=seen.failure_reason or MANUAL_ROLLBACK, since=now)
    left_out = _write_pin(where, made, one)
    print(
        f"release {one.id} is pinned for {name}; release {said.release} is held ({made.held[0].because}): promotions"
        " refuse it until --unhold names it",
        flush=True,
    )
    if left_out:
        print(
            f"Jobs before and after the rollout of {one.id} do not run again ({', '.join(left_out)}); what those of"
            f" {said.release} did stays done.",
            flush=True,
        )
    code = command.SUCCESS if arguments.no_up else _deploy(where, arguments.pulumi)
    files = f"{release_lock.FOLDER}/{name}{release_lock.FILE_SUFFIX} and releases/{one.id}.yaml"
    if code:
        print(
            f"seaway: release {one.id} is pinned, but not all of it is healthy: seaway status --stack {name}; go on"
            f" with: seaway up --stack {name}",
            file=sys.stderr,
        )
    elif arguments.no_up:
        print(f"Deploy it: seaway up --stack {name}; and commit {files}")
    else:
        print(f"release {one.id} runs; commit {files}, or the next checkout deploys {said.release} again")
    return code


def _require_pinning(folder: Path, name: str) -> None:
    """That the stack deploys what it pins."""
    values = stack_file.read_config(stack.find_file(folder, name))
    if stack_file.is_building(values):
        wrong = f"stack {name} builds what it deploys, and pins no release to go back from"
        remedy = (
            f"git revert, and seaway up --stack {name}; or let a failed one go back by itself: seaway up"
            f" --rollback-on-failure --stack {name}"
        )
        raise diagnosis.InvalidInput([diagnosis.Diagnostic(values.location, "seaway:build", wrong, remedy)])


def _read_history(target: stack.TargetStack) -> StackHistory:
    import asyncio  # noqa: PLC0415 - a tenth of the start of every verb

    from seaway.cli import vouchers  # noqa: PLC0415 - as above
    from seaway.project import release  # noqa: PLC0415
    from seaway.release import record_store  # noqa: PLC0415

    state = vouchers.find_state(target)
    because, recorded = asyncio.run(_read_cluster(target))
    files = release.list_ids(target.folder)
    # A file of a release vouches for what the state does not know: it was deployed before states had a history.
    known = {id_: one for id_, one in recorded.items() if one.release_id in files or (state and id_ == state.id)}
    if state:
        known |= {
            one.release: record_store.RecordSummary(id=one.release, recorded=one.recorded) for one in state.history
        }
    newest = sorted(known.values(), key=lambda entry: (entry.recorded, entry.id), reverse=True)
    ids = [one.release for one in state.history] if state else []
    previous = next((id_ for id_ in [*ids, *(one.id for one in newest)] if state and id_ != state.id), None)
    pointer = record_store.CurrentRelease(id=state.id, previous=previous, since=state.since) if state else None
    return StackHistory(state=state, current=pointer, records={one.id: one for one in newest}, failure_reason=because)


async def _read_cluster(target: stack.TargetStack) -> "tuple[str | None, Mapping[str, record_store.RecordSummary]]":
    """What is wrong now, and what the cluster has recorded."""
    import asyncio  # noqa: PLC0415 - as above

    from seaway.cli import health  # noqa: PLC0415 - brings the client and rich
    from seaway.kubernetes.cluster import reflector  # noqa: PLC0415
    from seaway.release import record_store  # noqa: PLC0415
    from seaway.rollout import status  # noqa: PLC0415

    async with health.connect(target) as cluster:
        records, objects = await asyncio.gather(
            record_store.list_records(cluster, target.namespace), reflector.read_snapshot(cluster, target.namespace)
        )
    now = datetime.datetime.now(datetime.UTC)
    return status.summarize_causes(
        status.list_workloads(objects, app_name=target.app, stack=target.name, now=now)
    ), records


def _find_previous_release(stack_lock: "release_lock.Lock", history: StackHistory) -> str | None:
    from seaway.release import promotion  # noqa: PLC0415 - as above

    found = promotion.find_previous(stack_lock, history.current, history.records)
    return found.release_id if found else None


def _explain_refusal(
    target: stack.TargetStack, stack_lock: "release_lock.Lock", history: StackHistory, release_id: str | None
) -> str | None:
    """Why it cannot be gone back to a release."""
    from seaway.project import release  # noqa: PLC0415 - as above

    kept = {one.release: one for one in stack_lock.held}
    recorded = list(dict.fromkeys(entry.release_id for entry in history.records.values()))
    there = [one for one in recorded if one != stack_lock.release and one not in kept]
    choose = f"there are: {', '.join(there)}" if there else "promote a mended one: seaway release promote"
    if release_id is None:
        return f"no release ran in namespace {target.namespace} before {stack_lock.release} that is not held; {choose}"
    if release_id == stack_lock.release:
        return f"release {release_id} is pinned for {target.name} already; deploy it: seaway up --stack {target.name}"
    if one := kept.get(release_id):
        return f"release {release_id} is held in stack {target.name} since {one.since} ({one.because}); {choose}"
    if release_id not in recorded and not release.get_path(target.folder, release_id).is_file():
        return f"release {release_id} is neither in {release.FOLDER}/ nor in the state of stack {target.name}; {choose}"
    return None


async def _read_release(target: stack.TargetStack, release_id: str | None, history: StackHistory) -> "release.Release":
    """From its file, or from the newest record of it, which the stack's state vouches for.

    Raises:
        diagnosis.InvalidInput: the file is wrong, or has other images than were deployed.
        errors.Unavailable: there is no file, and the record cannot be read or was changed.
    """
    from seaway import errors  # noqa: PLC0415 - as above
    from seaway.project import release  # noqa: PLC0415

    wanted = release_id or ""
    file = release.get_path(target.folder, wanted)
    if not os.path.lexists(file):
        deployed = await _read_deployed_release(target, wanted, history)
        assert deployed is not None  # noqa: S101 - refused before: it is neither in a file nor vouched for
        return deployed
    one = release.read(target.folder, wanted)
    try:
        deployed = await _read_deployed_release(target, wanted, history)
    except errors.Unavailable:
        deployed = None  # the file is committed: a cluster's record that is gone must not stop a rollback
    if deployed and {name: each.digest for name, each in deployed.images.items()} != {
        name: each.digest for name, each in one.images.items()
    }:
        place = diagnosis.SourceLocation(f"{release.FOLDER}/{file.name}")
        wrong = f"has other images than the release {wanted} that was deployed to stack {target.name}"
        raise diagnosis.InvalidInput([diagnosis.Diagnostic(place, "images", wrong, "take the file from git again")])
    return one


async def _read_deployed_release(
    target: stack.TargetStack, release_id: str, history: StackHistory
) -> "release.Release | None":
    """A release as the stack's state vouches for it; None: the state does not know it.

    Raises:
        errors.Unavailable: its record cannot be read, or was changed.
    """
    from seaway.cli import health  # noqa: PLC0415 - as above
    from seaway.release import record_store  # noqa: PLC0415

    found = next((entry for entry in history.records.values() if entry.release_id == release_id), None)
    if history.state is None or found is None:
        return None
    if found.id == history.state.id:
        return history.state.build_release()
    sha256 = history.state.find_sha256(found.id)
    if sha256 is None:
        return None
    async with health.connect(target) as cluster:
        one = await record_store.read(cluster, target.namespace, found.id, sha256=sha256)
    shown = f"ConfigMap/{record_store.get_name(found.id)}"
    return one.decode_record(shown).build_release(one.decode_provenance(shown), found.recorded)


def _write_pin(
    target: stack.TargetStack, new_lock: "release_lock.Lock", pinned_release: "release.Release"
) -> list[str]:
    """Write the release and the pin, once it is plain that it can be deployed; the jobs that are left out.

    Raises:
        diagnosis.InvalidInput: it cannot, with what the stack's file says today.
    """
    from seaway.checks import registry  # noqa: PLC0415 - as above
    from seaway.project import environments, release, release_lock  # noqa: PLC0415
    from seaway.release import hold  # noqa: PLC0415

    planned = environments.ProposedPin(stack_lock=new_lock, release=pinned_release)
    values = stack_file.read_config(target.folder / f"Pulumi.{target.name}.yaml")
    there = {
        job.name
        for job in environments.read_environment(
            values, folder=target.folder, stack=target.name, proposed_pin=planned, check_ids=registry.IDS
        ).app.jobs
    }
    release.save_release(target.folder, pinned_release)
    hold.remove_fallback(target.folder, target.name)
    release_lock.write(target.folder, target.name, new_lock)
    return [job.name for job in pinned_release.application.jobs if job.name not in there]


def _deploy(target: stack.TargetStack, pulumi_arguments: list[str]) -> int:
    from seaway.cli import deployment  # noqa: PLC0415 - as above

    return deployment.Deployment(target, rollback=False, pulumi_arguments=pulumi_arguments).run(retry=False)
