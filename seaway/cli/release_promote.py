"""``seaway release promote``: the release that one stack runs is pinned for another.

Needs a kubeconfig of the first one's cluster, and skopeo or crane where the other has a registry of its own. It writes
``releases/<id>.yaml`` and ``environments/<stack>.lock.yaml``; it commits nothing and deploys nothing.

Exit codes: 0, pinned; 1, refused, or an image could not be copied; 2, a stack's files are wrong. Unless it is 0, the
other stack's pin is as it was.
"""

import argparse
import datetime
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seaway.cli import command, stack
from seaway.project import stack_file
from seaway.syntax import diagnosis, nodes

if TYPE_CHECKING:
    from seaway.release import project, promotion, release

Change = tuple[str, str, Any, Any]
"""A part, a field of it, the value before and after."""


def add(parsers: command.Parsers) -> None:
    """The verb's command line."""
    told = "pin for stack TO the release that runs, healthy, in stack FROM; commits nothing and deploys nothing"
    parser = parsers.add_parser("promote", help="give a release to the next environment", description=told)
    parser.add_argument("source", metavar="FROM")
    parser.add_argument("target", metavar="TO")
    parser.add_argument("--unhold", metavar="ID", help="let a release go that is held in TO since it failed there")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Refuse, or pin; the exit code.

    Raises:
        problems.Invalid: there is no such stack, or TO builds what it deploys, or its files are wrong.
        errors.Unavailable: a cluster or a registry cannot be asked, or no release is recorded.
    """
    import asyncio  # noqa: PLC0415 - a tenth of the start of every verb

    folder = stack.project(Path.cwd())
    source, target = arguments.source, arguments.target
    if source == target:
        print(f"seaway: both are stack {source}; a release goes from one stack to another", file=sys.stderr)
        return command.USAGE
    where, values = stack.named(folder, source), _pinning(folder, target)
    from seaway.release import lock, project, promotion  # noqa: PLC0415 - not needed where a word is wrong

    from_, said = lock.read(folder, source), lock.read(folder, target)
    seen = asyncio.run(_ask(where))
    one = seen.release
    planned = project.Planned(lock=promotion.pinned(said, one.id, unhold=arguments.unhold), release=one)
    refused = [
        *promotion.refusals(seen, from_, to=target),
        *_elsewhere(folder, values, source, target, one.id),
        *promotion.held(one.id, said, source=source, to=target, unhold=arguments.unhold),
    ]
    wrong, after = _waivers(folder, source, one), None
    try:
        after = _target(folder, target, values, planned)
    except diagnosis.Invalid as error:
        wrong += error.problems
    if refused or wrong or after is None:
        for line in (*(f"seaway: {told}" for told in refused), *map(str, wrong)):
            print(line, file=sys.stderr)
        return command.FAILED if refused else command.USAGE
    if one.provenance.dirty:
        told = f"release {one.id} was built with changes that are in no commit (on {one.provenance.revision})"
        print(f"seaway: warning: {told}", file=sys.stderr)
    if said.release == one.id and arguments.unhold is None:
        failed = f"; it failed there ({said.instead.because}), try it again: seaway up --retry" if said.instead else ""
        print(f"release {one.id} is pinned for {target} already{failed or ': nothing to do'}")
        return command.DONE
    changes = _changes(folder, target, values, after)
    _write(folder, target, planned, after.settings.registry, from_.sha256 if from_.release == one.id else None)
    _show(target, one.id, changes)
    return command.DONE


def _pinning(folder: Path, name: str) -> nodes.Table:
    """The configuration of the stack that gets the release."""
    values = stack_file.read(stack.known(folder, name))
    if stack_file.builds(values):
        wrong = f"stack {name} builds what it deploys, and a release cannot be promoted to it"
        remedy = f"pulumi config set seaway:build false --stack {name}, or promote to another stack"
        place = values.entries["build"].place if "build" in values.entries else values.place
        raise diagnosis.Invalid([diagnosis.Problem(place, "seaway:build", wrong, remedy)])
    return values


async def _ask(where: stack.Stack) -> "promotion.Source":
    from seaway.cli import health, vouchers  # noqa: PLC0415 - brings the client and rich
    from seaway.release import promotion  # noqa: PLC0415

    state = vouchers.read_state(where)
    async with health.opened(where) as cluster:
        return await promotion.ask(cluster, app=where.app, stack=where.name, namespace=where.namespace, state=state)


def _elsewhere(folder: Path, values: nodes.Table, source: str, target: str, id_: str) -> Iterator[str]:
    """Whether the release has been where it must have been first, as the state of that stack says."""
    entry = values.entries.get("promotesFrom")
    through = entry.node.text if entry and isinstance(entry.node, nodes.Scalar) else None
    if through in (None, source):
        return  # its health now has been asked
    from seaway.cli import vouchers  # noqa: PLC0415 - as above
    from seaway.release import promotion  # noqa: PLC0415

    state = vouchers.find_state(stack.named(folder, through))
    if state is None or id_ not in state.releases:
        yield promotion.never_healthy(id_, to=target, through=through, source=source)


def _waivers(folder: Path, source: str, one: "release.Release") -> list[diagnosis.Problem]:
    """Waivers of the stack that it comes from, which have ended."""
    from seaway.checks import registry  # noqa: PLC0415 - as above
    from seaway.model.validate import waivers  # noqa: PLC0415

    values = stack_file.read(folder / f"Pulumi.{source}.yaml")
    places = diagnosis.Places(values.place)
    try:
        said = stack_file.decode_settings(values, source)
    except diagnosis.Invalid as error:
        return list(error.problems)
    return list(waivers.check(one.application, places, said, values, checks=registry.IDS, today=_today()))


def _target(folder: Path, name: str, values: nodes.Table, planned: "project.Planned") -> "project.Project":
    """The stack as it will be.

    Raises:
        problems.Invalid: its overlay does not fit, secrets have no value, waivers have ended, or checks refuse it.
    """
    from seaway.checks import engine  # noqa: PLC0415 - as above
    from seaway.manifests import preview  # noqa: PLC0415
    from seaway.release import lock, project  # noqa: PLC0415

    one = project.read(values, folder=folder, stack=name, today=_today(), planned=planned)
    images = planned.release.given(one.settings.registry)
    results = engine.run(one.app, one.settings, preview.rendered(one.app, one.settings, images), _today())
    place = diagnosis.Place(str(lock.file(folder, name).relative_to(folder)))
    if refused := [engine.problem(each, place) for each in results if each.refused]:
        raise diagnosis.Invalid(refused)
    return one


def _changes(folder: Path, name: str, values: nodes.Table, one: "project.Project") -> Sequence[Change]:
    """What will be different in a stack."""
    from seaway.review import comparison, environment_views  # noqa: PLC0415 - as above

    after = environment_views.of(one, values, folder)
    try:
        before = environment_views.read(folder, name)
    except diagnosis.Invalid:
        # It pins nothing yet; or the configuration is of today, and does not fit what is pinned.
        return [("release", "id", None, after.release["id"])] + [
            (f"images.{each}", "content", None, content) for each, content in after.contents.items()
        ]
    return [(row.part, row.field or "-", row.left, row.right) for row in comparison.compare(before, after).rows]


def _write(folder: Path, name: str, planned: "project.Planned", registry: str | None, sha256: str | None) -> None:
    """The file, the images, and last the pin: whatever fails before it changes no environment.

    ``sha256``: of the release's file, where the stack that it comes from pins it.
    """
    from seaway.images import registry as registries  # noqa: PLC0415 - as above
    from seaway.model import image_reference  # noqa: PLC0415
    from seaway.release import hold, lock, release  # noqa: PLC0415

    one = planned.release
    release.save(folder, one, sha256)
    for each, image in one.images.items():
        there, wanted = image.at(None), image.at(registry)
        if there != wanted:
            target = f"{image_reference.tagged(wanted)}:{image.content}"
            print(f"{each}: {there} -> {target} ...", flush=True)
            copied = registries.copy(there, target)
            print(f"{each}: {'copied' if copied else 'is there already'}, {image.digest}", flush=True)
    hold.remove(folder, name)
    lock.write(folder, name, planned.lock)


def _show(name: str, id_: str, changes: Sequence[Change]) -> None:
    from seaway.cli import display  # noqa: PLC0415 - brings rich
    from seaway.release import lock, release  # noqa: PLC0415

    rows = [(part, field, display.value(left), display.value(right)) for part, field, left, right in changes]
    display.write(display.screen(), display.columns(("PART", "FIELD", "BEFORE", "AFTER"), rows))
    print(
        f"release {id_} is pinned for {name}; nothing is committed, nothing is deployed.\n"
        f"Next: commit {lock.FOLDER}/{name}{lock.ENDING} and {release.FOLDER}/{id_}.yaml; look at what it changes:"
        f" seaway preview --stack {name}; deploy it: seaway up --stack {name} --rollback-on-failure"
    )


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()
