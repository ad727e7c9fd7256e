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
    from seaway.project import environments, release
    from seaway.release import promotion

ChangedField = tuple[str, str, Any, Any]
"""A part, a field of it, the value before and after."""


def add(parsers: command.Subparsers) -> None:
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
        diagnosis.InvalidInput: there is no such stack, or TO builds what it deploys, or its files are wrong.
        errors.Unavailable: a cluster or a registry cannot be asked, or no release is recorded.
    """
    import asyncio  # noqa: PLC0415 - a tenth of the start of every verb

    folder = stack.find_project_folder(Path.cwd())
    source, target = arguments.source, arguments.target
    if source == target:
        print(f"seaway: both are stack {source}; a release goes from one stack to another", file=sys.stderr)
        return command.USAGE_ERROR
    where, values = stack.read_target(folder, source), _read_pinning_config(folder, target)
    from seaway.project import environments, release_lock  # noqa: PLC0415
    from seaway.release import promotion  # noqa: PLC0415 - not needed where a word is wrong

    from_, said = release_lock.read(folder, source), release_lock.read(folder, target)
    seen = asyncio.run(_read_source(where))
    one = seen.release
    planned = environments.ProposedPin(
        stack_lock=promotion.pin_release(said, one.id, unhold=arguments.unhold), release=one
    )
    refused = [
        *promotion.list_refusals(seen, from_, target=target),
        *_check_earlier_stack(folder, values, source, target, one.id),
        *promotion.list_hold_refusals(one.id, said, source=source, target=target, unhold=arguments.unhold),
    ]
    wrong, after = _find_expired_waivers(folder, source, one), None
    try:
        after = _plan_target(folder, target, values, planned)
    except diagnosis.InvalidInput as error:
        wrong += error.diagnostics
    if refused or wrong or after is None:
        for line in (*(f"seaway: {told}" for told in refused), *map(str, wrong)):
            print(line, file=sys.stderr)
        return command.FAILURE if refused else command.USAGE_ERROR
    if one.provenance.dirty:
        told = f"release {one.id} was built with changes that are in no commit (on {one.provenance.revision})"
        print(f"seaway: warning: {told}", file=sys.stderr)
    if said.release == one.id and arguments.unhold is None:
        failed = (
            f"; it failed there ({said.fallback.because}), try it again: seaway up --retry" if said.fallback else ""
        )
        print(f"release {one.id} is pinned for {target} already{failed or ': nothing to do'}")
        return command.SUCCESS
    changes = _compare_target(folder, target, values, after)
    _write_pin(folder, target, planned, after.settings.registry, from_.sha256 if from_.release == one.id else None)
    _print_result(target, one.id, changes)
    return command.SUCCESS


def _read_pinning_config(folder: Path, name: str) -> nodes.MappingNode:
    """The configuration of the stack that gets the release."""
    values = stack_file.read_config(stack.find_file(folder, name))
    if stack_file.is_building(values):
        wrong = f"stack {name} builds what it deploys, and a release cannot be promoted to it"
        remedy = f"pulumi config set seaway:build false --stack {name}, or promote to another stack"
        place = values.pairs["build"].location if "build" in values.pairs else values.location
        raise diagnosis.InvalidInput([diagnosis.Diagnostic(place, "seaway:build", wrong, remedy)])
    return values


async def _read_source(target: stack.TargetStack) -> "promotion.SourceEnvironment":
    from seaway.cli import health, vouchers  # noqa: PLC0415 - brings the client and rich
    from seaway.release import promotion  # noqa: PLC0415

    state = vouchers.read_state(target)
    async with health.connect(target) as cluster:
        return await promotion.read_source(
            cluster, app_name=target.app, stack=target.name, namespace=target.namespace, state=state
        )


def _check_earlier_stack(
    folder: Path, values: nodes.MappingNode, source: str, target: str, release_id: str
) -> Iterator[str]:
    """Whether the release has been where it must have been first, as the state of that stack says."""
    entry = nodes.get_pairs(values, "promotion").get("from")
    through = entry.node.text if entry and isinstance(entry.node, nodes.ScalarNode) else None
    if through in (None, source):
        return  # its health now has been asked
    from seaway.cli import vouchers  # noqa: PLC0415 - as above
    from seaway.release import promotion  # noqa: PLC0415

    state = vouchers.find_state(stack.read_target(folder, through))
    if state is None or release_id not in state.healthy_releases:
        yield promotion.format_never_healthy(release_id, target=target, through=through, source=source)


def _find_expired_waivers(folder: Path, source: str, promoted_release: "release.Release") -> list[diagnosis.Diagnostic]:
    """Waivers of the stack that it comes from, which have ended."""
    from seaway.checks import registry  # noqa: PLC0415 - as above
    from seaway.model.validate import waivers  # noqa: PLC0415

    values = stack_file.read_config(folder / f"Pulumi.{source}.yaml")
    places = diagnosis.SourceLocations(values.location)
    try:
        said = stack_file.decode_settings(values, source)
    except diagnosis.InvalidInput as error:
        return list(error.diagnostics)
    return list(
        waivers.check(promoted_release.application, places, said, values, checks=registry.IDS, today=_get_today())
    )


def _plan_target(
    folder: Path, name: str, values: nodes.MappingNode, proposed_pin: "environments.ProposedPin"
) -> "environments.Environment":
    """The stack as it will be.

    Raises:
        diagnosis.InvalidInput: its overlay does not fit, secrets have no value, waivers have ended, or checks refuse it.
    """
    from seaway.checks import engine, registry  # noqa: PLC0415 - as above
    from seaway.manifests import inputs, preview  # noqa: PLC0415
    from seaway.project import environments, release_lock  # noqa: PLC0415

    one = environments.read_environment(
        values, folder=folder, stack=name, today=_get_today(), proposed_pin=proposed_pin, check_ids=registry.IDS
    )
    images = inputs.resolve_release_images(proposed_pin.release, one.settings.registry)
    results = engine.run_checks(one, preview.render_objects(one, images), _get_today())
    place = diagnosis.SourceLocation(str(release_lock.get_path(folder, name).relative_to(folder)))
    if refused := [engine.make_diagnostic(each, place) for each in results if each.is_refused]:
        raise diagnosis.InvalidInput(refused)
    return one


def _compare_target(
    folder: Path, name: str, values: nodes.MappingNode, environment: "environments.Environment"
) -> Sequence[ChangedField]:
    """What will be different in a stack."""
    from seaway.checks import registry  # noqa: PLC0415 - as above
    from seaway.project import environments  # noqa: PLC0415
    from seaway.review import comparison, environment_views  # noqa: PLC0415

    after = environment_views.create_view(environment)
    try:
        before = environment_views.create_view(environments.load_environment(folder, name, check_ids=registry.IDS))
    except diagnosis.InvalidInput:
        # It pins nothing yet; or the configuration is of today, and does not fit what is pinned.
        return [("release", "id", None, after.release["id"])] + [
            (f"images.{each}", "content", None, content) for each, content in after.image_contents.items()
        ]
    return [(row.section, row.field or "-", row.left, row.right) for row in comparison.compare(before, after).rows]


def _write_pin(
    folder: Path, name: str, proposed_pin: "environments.ProposedPin", registry: str | None, sha256: str | None
) -> None:
    """The file, the images, and last the pin: whatever fails before it changes no environment.

    ``sha256``: of the release's file, where the stack that it comes from pins it.
    """
    from seaway.images import registry as registries  # noqa: PLC0415 - as above
    from seaway.model import image_reference  # noqa: PLC0415
    from seaway.project import release, release_lock  # noqa: PLC0415
    from seaway.release import hold  # noqa: PLC0415

    one = proposed_pin.release
    release.save_release(folder, one, sha256)
    for each, image in one.images.items():
        there, wanted = image.build_reference(None), image.build_reference(registry)
        if there != wanted:
            target = f"{image_reference.remove_digest(wanted)}:{image.content}"
            print(f"{each}: {there} -> {target} ...", flush=True)
            copied = registries.copy_image(there, target)
            print(f"{each}: {'copied' if copied else 'is there already'}, {image.digest}", flush=True)
    hold.remove_fallback(folder, name)
    release_lock.write(folder, name, proposed_pin.stack_lock)


def _print_result(name: str, release_id: str, changes: Sequence[ChangedField]) -> None:
    from seaway.cli import display  # noqa: PLC0415 - brings rich
    from seaway.project import release, release_lock  # noqa: PLC0415

    rows = [
        (part, field, display.format_value(left), display.format_value(right)) for part, field, left, right in changes
    ]
    display.write(display.create_screen(), display.build_table(("PART", "FIELD", "BEFORE", "AFTER"), rows))
    print(
        f"release {release_id} is pinned for {name}; nothing is committed, nothing is deployed.\n"
        f"Next: commit {release_lock.FOLDER}/{name}{release_lock.FILE_SUFFIX} and {release.FOLDER}/{release_id}.yaml; look at what it changes:"
        f" seaway preview --stack {name}; deploy it: seaway up --stack {name} --rollback-on-failure"
    )


def _get_today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()
