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

    from seaway.release import lock, record_store, release, stack_state

BY_HAND = "rolled back by hand"
"""Why a release is held that nothing is wrong with, as far as the cluster knows."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the stack's state says was deployed, and what the cluster says of now."""

    state: "stack_state.ReleaseState | None"
    pointer: "record_store.Pointer | None"
    """What was deployed last, and before."""
    records: "Mapping[str, record_store.Entry]"
    """Those that the state or a file vouches for, newest first."""
    because: str | None
    """What is wrong now."""


def add(parsers: command.Parsers) -> None:
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
        problems.Invalid: there is no such stack, it builds what it deploys, or its files are wrong.
        errors.Unavailable: the cluster cannot be asked.
    """
    import asyncio  # noqa: PLC0415 - a tenth of the start of every verb

    folder = stack.project(Path.cwd())
    name = arguments.stack
    _pinning(folder, name)
    where = stack.named(folder, name)
    from seaway.release import lock, promotion  # noqa: PLC0415 - not needed where a word is wrong

    said = lock.read(folder, name)
    seen = _ask(where)
    wanted = arguments.to or _before(said, seen)
    if why := _refusal(where, said, seen, wanted):
        print(f"seaway: {why}", file=sys.stderr)
        return command.FAILED
    one = asyncio.run(_release(where, wanted, seen))
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = promotion.back(said, one.id, because=seen.because or BY_HAND, since=now)
    left_out = _pin(where, made, one)
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
    code = command.DONE if arguments.no_up else _deployed(where, arguments.pulumi)
    files = f"{lock.FOLDER}/{name}{lock.ENDING} and releases/{one.id}.yaml"
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


def _pinning(folder: Path, name: str) -> None:
    """That the stack deploys what it pins."""
    values = stack_file.read(stack.known(folder, name))
    if stack_file.builds(values):
        wrong = f"stack {name} builds what it deploys, and pins no release to go back from"
        remedy = (
            f"git revert, and seaway up --stack {name}; or let a failed one go back by itself: seaway up"
            f" --rollback-on-failure --stack {name}"
        )
        raise diagnosis.Invalid([diagnosis.Problem(values.place, "seaway:build", wrong, remedy)])


def _ask(where: stack.Stack) -> Seen:
    import asyncio  # noqa: PLC0415 - a tenth of the start of every verb

    from seaway.cli import vouchers  # noqa: PLC0415 - as above
    from seaway.release import record_store, release  # noqa: PLC0415

    state = vouchers.find_state(where)
    because, recorded = asyncio.run(_live(where))
    files = release.listed(where.folder)
    # A file of a release vouches for what the state does not know: it was deployed before states had a history.
    known = {id_: one for id_, one in recorded.items() if one.release in files or (state and id_ == state.id)}
    if state:
        known |= {one.release: record_store.Entry(id=one.release, recorded=one.recorded) for one in state.history}
    newest = sorted(known.values(), key=lambda entry: (entry.recorded, entry.id), reverse=True)
    ids = [one.release for one in state.history] if state else []
    previous = next((id_ for id_ in [*ids, *(one.id for one in newest)] if state and id_ != state.id), None)
    pointer = record_store.Pointer(id=state.id, previous=previous, since=state.since) if state else None
    return Seen(state=state, pointer=pointer, records={one.id: one for one in newest}, because=because)


async def _live(where: stack.Stack) -> "tuple[str | None, Mapping[str, record_store.Entry]]":
    """What is wrong now, and what the cluster has recorded."""
    import asyncio  # noqa: PLC0415 - as above

    from seaway.cli import health  # noqa: PLC0415 - brings the client and rich
    from seaway.kubernetes.cluster import reflector  # noqa: PLC0415
    from seaway.release import record_store  # noqa: PLC0415
    from seaway.rollout import status  # noqa: PLC0415

    async with health.opened(where) as cluster:
        records, objects = await asyncio.gather(
            record_store.records(cluster, where.namespace), reflector.read(cluster, where.namespace)
        )
    now = datetime.datetime.now(datetime.UTC)
    return status.causes(status.rows(objects, application=where.app, stack=where.name, now=now)), records


def _before(said: "lock.Lock", seen: Seen) -> str | None:
    from seaway.release import promotion  # noqa: PLC0415 - as above

    found = promotion.before(said, seen.pointer, seen.records)
    return found.release if found else None


def _refusal(where: stack.Stack, said: "lock.Lock", seen: Seen, wanted: str | None) -> str | None:
    """Why it cannot be gone back to a release."""
    from seaway.release import release  # noqa: PLC0415 - as above

    kept = {one.release: one for one in said.held}
    recorded = list(dict.fromkeys(entry.release for entry in seen.records.values()))
    there = [one for one in recorded if one != said.release and one not in kept]
    choose = f"there are: {', '.join(there)}" if there else "promote a mended one: seaway release promote"
    if wanted is None:
        return f"no release ran in namespace {where.namespace} before {said.release} that is not held; {choose}"
    if wanted == said.release:
        return f"release {wanted} is pinned for {where.name} already; deploy it: seaway up --stack {where.name}"
    if one := kept.get(wanted):
        return f"release {wanted} is held in stack {where.name} since {one.since} ({one.because}); {choose}"
    if wanted not in recorded and not release.file(where.folder, wanted).is_file():
        return f"release {wanted} is neither in {release.FOLDER}/ nor in the state of stack {where.name}; {choose}"
    return None


async def _release(where: stack.Stack, id_: str | None, seen: Seen) -> "release.Release":
    """From its file, or from the newest record of it, which the stack's state vouches for.

    Raises:
        problems.Invalid: the file is wrong, or has other images than were deployed.
        errors.Unavailable: there is no file, and the record cannot be read or was changed.
    """
    from seaway import errors  # noqa: PLC0415 - as above
    from seaway.release import release  # noqa: PLC0415

    wanted = id_ or ""
    file = release.file(where.folder, wanted)
    if not os.path.lexists(file):
        deployed = await _deployed_release(where, wanted, seen)
        assert deployed is not None  # noqa: S101 - refused before: it is neither in a file nor vouched for
        return deployed
    one = release.read(where.folder, wanted)
    try:
        deployed = await _deployed_release(where, wanted, seen)
    except errors.Unavailable:
        deployed = None  # the file is committed: a cluster's record that is gone must not stop a rollback
    if deployed and {name: each.digest for name, each in deployed.images.items()} != {
        name: each.digest for name, each in one.images.items()
    }:
        place = diagnosis.Place(f"{release.FOLDER}/{file.name}")
        wrong = f"has other images than the release {wanted} that was deployed to stack {where.name}"
        raise diagnosis.Invalid([diagnosis.Problem(place, "images", wrong, "take the file from git again")])
    return one


async def _deployed_release(where: stack.Stack, wanted: str, seen: Seen) -> "release.Release | None":
    """A release as the stack's state vouches for it; None: the state does not know it.

    Raises:
        errors.Unavailable: its record cannot be read, or was changed.
    """
    from seaway.cli import health  # noqa: PLC0415 - as above
    from seaway.release import record_store  # noqa: PLC0415

    found = next((entry for entry in seen.records.values() if entry.release == wanted), None)
    if seen.state is None or found is None:
        return None
    if found.id == seen.state.id:
        return seen.state.promoted()
    sha256 = seen.state.sha256(found.id)
    if sha256 is None:
        return None
    async with health.opened(where) as cluster:
        one = await record_store.read(cluster, where.namespace, found.id, sha256=sha256)
    shown = f"ConfigMap/{record_store.name_of(found.id)}"
    return one.record(shown).promoted(one.provenance(shown), found.recorded)


def _pin(where: stack.Stack, made: "lock.Lock", one: "release.Release") -> list[str]:
    """Write the release and the pin, once it is plain that it can be deployed; the jobs that are left out.

    Raises:
        problems.Invalid: it cannot, with what the stack's file says today.
    """
    from seaway.release import hold, lock, project, release  # noqa: PLC0415 - as above

    planned = project.Planned(lock=made, release=one)
    values = stack_file.read(where.folder / f"Pulumi.{where.name}.yaml")
    there = {job.name for job in project.read(values, folder=where.folder, stack=where.name, planned=planned).app.jobs}
    release.save(where.folder, one)
    hold.remove(where.folder, where.name)
    lock.write(where.folder, where.name, made)
    return [job.name for job in one.application.jobs if job.name not in there]


def _deployed(where: stack.Stack, more: list[str]) -> int:
    from seaway.cli import deployment  # noqa: PLC0415 - as above

    return deployment.Deployment(where, rollback=False, more=more).run(retry=False)
