"""``seaway release promote``: pins the release of one stack for another stack.

Needs a kubeconfig for the cluster of the first stack, and skopeo or crane if the other stack has its own registry. It
writes ``releases/<id>.yaml`` and ``environments/<stack>.lock.yaml``. It commits nothing and deploys nothing.

Exit codes: 0, pinned; 1, refused, or an image could not be copied; 2, a stack's files are invalid. Unless it is 0, the
pin of the other stack has not changed.
"""

import argparse
import asyncio
import posixpath
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from seaway.checks import all_checks, engine
from seaway.cli import command, connection, display, release_state, stack
from seaway.images import registry as image_registry
from seaway.manifests import inputs, preview
from seaway.model import image_reference
from seaway.model.validate import waivers
from seaway.project import environments, passphrase, recorded_test, release, release_lock, stack_file
from seaway.release import hold, promotion, signatures, stack_state
from seaway.review import comparison
from seaway.syntax import diagnosis, nodes

ChangedField = tuple[str, str, Any, Any]
"""A part, a field, and its value before and after."""

HEADINGS = ("PART", "FIELD", "BEFORE", "AFTER")


def configure(parser: argparse.ArgumentParser) -> None:
    help_text = "the stack that runs the release, healthy"
    parser.add_argument("source", metavar="FROM", type=stack.parse_name, help=help_text)
    parser.add_argument("target", metavar="TO", type=stack.parse_name, help="the stack to pin it for")
    stack.add_application_option(parser)
    parser.add_argument("--unhold", metavar="ID", help="release the hold on this release in TO")


def run(arguments: argparse.Namespace) -> int:
    folder = stack.find_project_folder(Path.cwd())
    source, target, application_name = arguments.source, arguments.target, arguments.application
    if source == target:
        raise command.UsageError(f"FROM and TO are the same stack {source}: name two stacks")
    source_stack = stack.read_target(folder, source, application_name)
    message = f"stack {target} builds what it deploys: a release cannot be promoted to it"
    hint = f"pulumi config set seaway:build false --stack {target}, or promote to another stack"
    config = stack.read_pinning_config(folder, target, application_name, message, hint)
    lock_name = environments.format_lock_name(target, application_name)
    source_lock, target_lock = release_lock.read(folder, source_stack.lock_name), release_lock.read(folder, lock_name)
    deployed = release_state.read_state(source_stack)
    promoted = deployed.build_release()
    proposed_pin = environments.ProposedPin(
        stack_lock=promotion.pin_release(target_lock, promoted.id, unhold=arguments.unhold), release=promoted
    )
    refusals = [
        *asyncio.run(_find_refusals(source_stack, deployed, source_lock, target)),
        *promotion.list_repository_refusals(promoted, _find_repositories(source_stack, promoted, source_lock)),
        *_check_earlier_stack(source_stack, config, target, promoted.id),
        *promotion.list_hold_refusals(promoted.id, target_lock, source=source, target=target, unhold=arguments.unhold),
    ]
    diagnostics = [*passphrase.check(folder, target), *_find_expired_waivers(source_stack, promoted)]
    after = None
    try:
        after = _plan_target(source_stack, target, config, proposed_pin)
        diagnostics += _find_unsigned(after, promoted)
        refusals += _find_untested(after, source_stack, deployed)
    except diagnosis.InvalidInput as error:
        diagnostics += error.diagnostics
    if refusals or diagnostics or after is None:
        for refusal in refusals:
            command.report(refusal)
        for diagnostic in diagnostics:
            print(diagnostic, file=sys.stderr)
        return command.FAILURE if refusals else command.USAGE_ERROR
    if promoted.provenance.dirty:
        command.report(
            f"warning: release {promoted.id} was built with uncommitted changes on {promoted.provenance.revision}"
        )
    source_settings = stack.read_settings(folder, source, application_name)
    for difference in promotion.list_image_differences(after, source_settings):
        command.report(f"warning: {difference}")
    if target_lock.release == promoted.id and arguments.unhold is None:
        fallback = target_lock.fallback
        state = f"it failed there ({fallback.because}), try again: seaway up --retry" if fallback else "nothing to do"
        print(f"release {promoted.id} is already pinned for {target}: {state}")
        return command.SUCCESS
    changes = _compare_target(target, after)
    sha256 = source_lock.sha256 if source_lock.release == promoted.id else None
    _write_pin(after, proposed_pin, sha256)
    _print_result(after, promoted.id, changes)
    return command.SUCCESS


async def _find_refusals(
    source: stack.TargetStack, deployed: stack_state.ReleaseState, source_lock: release_lock.Lock, target: str
) -> list[str]:
    async with connection.connect(source) as cluster:
        return await promotion.find_refusals(
            cluster,
            deployed,
            source_lock,
            app_name=source.app,
            stack=source.name,
            namespace=source.namespace,
            target=target,
        )


def _find_repositories(
    source: stack.TargetStack, promoted: release.Release, source_lock: release_lock.Lock
) -> dict[str, str]:
    """The repositories of the images, by name: in the registry of the source stack, or as its release file has them."""
    config = stack.read_config(source.folder, source.name, source.application_name)
    stack_settings = stack_file.decode_partial_settings(config, source.name).value
    if stack_settings and stack_settings.registry:
        return {
            name: posixpath.join(stack_settings.registry, promoted.application.name, name) for name in promoted.images
        }
    if source_lock.release != promoted.id:
        return {}
    saved = release.read(source.folder, promoted.id, source_lock.sha256)
    return {name: image.repository for name, image in saved.images.items()}


def _check_earlier_stack(
    source: stack.TargetStack, config: nodes.MappingNode, target: str, release_id: str
) -> Iterator[str]:
    """Whether the release was healthy in the stack of ``seaway:promotion``, according to that stack's state."""
    pair = nodes.get_pairs(config, "promotion").get("from")
    earlier = pair.node.text if pair and isinstance(pair.node, nodes.ScalarNode) else None
    if earlier in (None, source.name):
        return  # the health of the source is checked itself
    state = release_state.find_state(stack.read_target(source.folder, earlier, source.application_name))
    if state is None or release_id not in state.healthy_releases:
        yield (
            f"release {release_id} was never healthy in stack {earlier}, which {target} requires; promote it to"
            f" {earlier} first: seaway release promote {source.name} {earlier}"
        )


def _find_expired_waivers(source: stack.TargetStack, promoted: release.Release) -> list[diagnosis.Diagnostic]:
    """The expired waivers of the source stack."""
    config = stack.read_config(source.folder, source.name, source.application_name)
    locations = diagnosis.SourceLocations(config.location)
    try:
        stack_settings = stack_file.decode_settings(config, source.name)
    except diagnosis.InvalidInput as error:
        return list(error.diagnostics)
    today, setting_locations = command.get_today(), stack_file.locate_settings(config)
    application = promoted.application
    return list(
        waivers.check(application, locations, stack_settings, setting_locations, checks=all_checks.IDS, today=today)
    )


def _plan_target(
    source: stack.TargetStack, name: str, config: nodes.MappingNode, proposed_pin: environments.ProposedPin
) -> environments.Environment:
    """The target stack with the new pin."""
    today = command.get_today()
    environment = environments.read_environment(
        config,
        folder=source.folder,
        stack=name,
        application_name=source.application_name,
        today=today,
        proposed_pin=proposed_pin,
        check_ids=all_checks.IDS,
    )
    images = inputs.resolve_release_images(proposed_pin.release, environment.settings.registry)
    results = engine.run_checks(environment, preview.render_objects(environment, images), today)
    location = diagnosis.SourceLocation(release_lock.format_path(environment.lock_name))
    if refused := [engine.make_diagnostic(result, location) for result in results if result.is_refused]:
        raise diagnosis.InvalidInput(refused)
    return environment


def _find_unsigned(environment: environments.Environment, promoted: release.Release) -> list[diagnosis.Diagnostic]:
    """What of the release is not signed, if the target stack requires signatures."""
    folder, trust = environment.folder, environment.settings.trust
    images = {name: image.build_reference(None) for name, image in promoted.images.items()}
    return list(signatures.find_unsigned(folder, promoted.id, promoted.application, images, trust)) if trust else []


def _find_untested(
    environment: environments.Environment, source: stack.TargetStack, deployed: stack_state.ReleaseState
) -> list[str]:
    """The refusal of a release without a passed test, if the target stack requires one."""
    conditions = environment.settings.promotion
    if conditions is None or "test" not in conditions.requires:
        return []
    recorded = recorded_test.read(source.folder, source.lock_name)
    file = recorded_test.format_path(source.lock_name)
    return list(promotion.list_test_refusals(recorded, deployed, source=source.name, file=file))


def _compare_target(name: str, environment: environments.Environment) -> Sequence[ChangedField]:
    """The changes in the target stack."""
    after = comparison.EnvironmentView.create(environment)
    try:
        current = environments.load_environment(
            environment.folder, name, application_name=environment.application_name, check_ids=all_checks.IDS
        )
    except diagnosis.InvalidInput:
        # It pins no release yet, or its current configuration does not fit the pinned release.
        current, rows = None, list(comparison.list_declared_fields(after))
    else:
        rows = comparison.compare(comparison.EnvironmentView.create(current), after).rows
    return [
        *((row.section, row.field or "-", row.left, row.right) for row in rows),
        *_compare_images(current.release if current else None, environment.release),
    ]


def _compare_images(before: release.Release | None, after: release.Release | None) -> Iterator[ChangedField]:
    """The repositories and digests of the built images."""
    for name, image in after.images.items() if after else ():
        known = before.images.get(name) if before else None
        for field in ("repository", "digest"):
            left, right = known and getattr(known, field), getattr(image, field)
            if left != right:
                yield f"images.{name}", field, left, right


def _write_pin(
    environment: environments.Environment, proposed_pin: environments.ProposedPin, sha256: str | None
) -> None:
    """Write the release file, copy the images, and write the pin last: a failure before changes no environment.

    Args:
        environment: the target stack with the new pin.
        sha256: of the release file, if the source stack pins it.
    """
    promoted, folder, name = proposed_pin.release, environment.folder, environment.lock_name
    release.save_release(folder, promoted, sha256)
    for service, image in promoted.images.items():
        source, destination = image.build_reference(None), image.build_reference(environment.settings.registry)
        if source != destination:
            tagged = f"{image_reference.remove_digest(destination)}:{image.content}"
            print(f"{service}: {source} -> {tagged} ...", flush=True)
            copied = image_registry.copy_image(source, tagged)
            print(f"{service}: {'copied' if copied else 'already there'}, {image.digest}", flush=True)
            if signatures.get_path(folder, promoted.id).is_file():
                signatures.copy_image_signatures(source, destination)
    hold.remove_fallback(folder, name)
    release_lock.write(folder, name, proposed_pin.stack_lock)


def _print_result(environment: environments.Environment, release_id: str, changes: Sequence[ChangedField]) -> None:
    rows = [
        (part, field, display.format_value(before), display.format_value(after))
        for part, field, before, after in changes
    ]
    display.print_table(HEADINGS, rows)
    next_steps = command.complete_commands(
        f"Next: commit {release_lock.format_path(environment.lock_name)} and {release.FOLDER}/{release_id}.yaml;"
        f" preview the changes: seaway preview {environment.options};"
        f" deploy: seaway up {environment.options} --rollback-on-failure"
    )
    print(
        f"release {release_id} is pinned for {environment.settings.stack}; nothing is committed or deployed.\n"
        f"{next_steps}"
    )
