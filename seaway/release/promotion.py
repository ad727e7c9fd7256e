"""Whether a release may be promoted, and the release to roll back to. Nothing is written here.

A refusal is one line with the reason and a hint.
"""

import contextlib
import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from seaway.files import roots
from seaway.images import outdated
from seaway.kubernetes.api import fields, kinds, unstructured
from seaway.kubernetes.cluster import client, reflector, snapshot
from seaway.model import image_reference, settings
from seaway.project import environments, recorded_test, release, release_lock
from seaway.release import drift, record, record_store, stack_state
from seaway.rollout import status
from seaway.syntax import diagnosis


async def find_refusals(
    cluster: client.KubeClient,
    state: stack_state.ReleaseState,
    stack_lock: release_lock.Lock,
    *,
    app_name: str,
    stack: str,
    namespace: str,
    target: str,
) -> list[str]:
    """Why the release of a stack may not be promoted in the stack's current condition.

    ``state`` has the release: the cluster is only compared with it. ``target``: the stack to promote the release to.

    Raises:
        record_store.ReleaseNotFound: no release is recorded.
        record_store.RecordChanged: the record of the release was changed in the cluster.
    """
    current, differences = await drift.detect(cluster, namespace, state)
    declared = await record_store.read_manifests(cluster, namespace, state.id, sha256=state.find_sha256(state.id))
    live_objects = await reflector.read_snapshot(cluster, namespace)
    rows = status.list_workloads(live_objects, app_name=app_name, stack=stack, now=datetime.datetime.now(datetime.UTC))
    release_id = record.parse_release_id(state.id)
    refusals: list[str] = []
    if state.find_sha256(state.id) is None:
        refusals.append(
            f"nothing vouches for the record of release {release_id}: the state of stack {stack} has no SHA-256 of it;"
            f" deploy it again: pulumi up --stack {stack}"
        )
    if foreign := sorted(_list_built_images(state) - _list_declared_images(declared)):
        refusals.append(
            f"the state of stack {stack} and its record of release {release_id} have different images:"
            f" {', '.join(foreign)}; deploy it again: pulumi up --stack {stack}"
        )
    if current != state.id:
        refusals.append(
            f"according to the cluster, stack {stack} runs record {current}, but according to the stack's state,"
            f" {state.id} was deployed last; deploy again: pulumi up --stack {stack}"
        )
    if stack_lock.release is not None and stack_lock.release != release_id:
        refusals.append(
            f"stack {stack} pins release {stack_lock.release} but runs {release_id}; deploy the pinned release before"
            f" you promote it to {target}: pulumi up --stack {stack}"
        )
    if not rows:
        refusals.append(f"namespace {namespace} runs nothing of {app_name}; deploy it: pulumi up --stack {stack}")
    if unhealthy := [_describe_health(row) for row in rows if not row.is_healthy]:
        listed = "; ".join(unhealthy[: status.MAX_NAMED_WORKLOADS])
        rest = len(unhealthy) - status.MAX_NAMED_WORKLOADS
        more = f" and {rest} more" if rest > 0 else ""
        refusals.append(
            f"stack {stack} is not healthy ({listed}{more}); wait, or fix it: seaway status --stack {stack}"
        )
    if harmful := [difference for difference in differences if not difference.is_harmless]:
        count = f"{len(harmful)} {'difference' if len(harmful) == 1 else 'differences'}"
        refusals.append(
            f"stack {stack} has drifted from release {release_id}: {count}; show them: seaway status --drift --stack"
            f" {stack}"
        )
        return refusals  # during a rollout or after an edit, pods differ because their Deployment does
    for pod, image in _find_unexpected_images(live_objects, declared, app_name=app_name, stack=stack):
        refusals.append(
            f"stack {stack} runs an image that is not in the record of release {release_id}: pod {pod} has {image};"
            f" kubectl delete pod {pod} -n {namespace}"
        )
    return refusals


def _list_built_images(state: stack_state.ReleaseState) -> set[str]:
    """The images of the workloads that run, as they would be promoted. A rollback leaves out jobs."""
    recorded = state.decode_record()
    built = {workload.name for workload in recorded.environment.app.get_workloads().values() if workload.build}
    return {image.reference for name, image in recorded.images.items() if name in built}


def _list_declared_images(declared: Iterable[fields.Object]) -> set[str]:
    """The images in the manifests of a release."""
    templates = filter(None, map(kinds.find_pod_template, declared))
    return {image for template in templates for image in _list_images(template["spec"])}


def _find_unexpected_images(
    live_objects: snapshot.Snapshot, declared: Iterable[fields.Object], *, app_name: str, stack: str
) -> Iterator[tuple[str, str]]:
    """The pods that run an image that was not deployed, with the image. ``declared``: the manifests of the release."""
    expected = {
        status.get_owner(manifest): set(_list_images(manifest["spec"]["template"]["spec"]))
        for manifest in declared
        # A run of a CronJob may have started before the release.
        if manifest["kind"] in kinds.WORKLOAD_KINDS and manifest["kind"] != "CronJob"
    }
    for pod in live_objects.list_objects("Pod"):
        ended = unstructured.get_mapping(pod, "status").get("phase") in ("Succeeded", "Failed")
        if ended or unstructured.is_terminating(pod) or not status.belongs_to_application(pod, app_name, stack):
            continue
        images = expected.get(status.get_owner(pod))
        for image in _list_images(pod["spec"]):
            if images is not None and image not in images:
                yield unstructured.get_name(pod), image


def list_repository_refusals(promoted: release.Release, repositories: Mapping[str, str]) -> Iterator[str]:
    """The refusal of images from elsewhere. ``repositories``: of the source stack, by name of the image."""
    for name, image in promoted.images.items():
        if image.repository != (expected := repositories.get(name)):
            yield (
                f"image {name} of release {promoted.id} is in {image.repository}, not in"
                f" {expected or 'a registry of its stack'}; build and deploy it again, or correct seaway:registry"
            )


def list_test_refusals(
    recorded: recorded_test.RecordedTest | None, state: stack_state.ReleaseState, *, source: str, file: str
) -> Iterator[str]:
    """The refusal of a release that was not tested, or failed. ``file``: has the recorded result.

    The state has the SHA-256 of the record: a test of a forged record is one of another release.
    """
    hint = f"test it: seaway test --stack {source} --record"
    release_id = record.parse_release_id(state.id)
    if recorded is None:
        yield f"release {release_id} was not tested in stack {source} ({file} does not exist); {hint}"
    elif (recorded.release, recorded.sha256) != (state.id, state.find_sha256(state.id)):
        yield f"{file} has no test of release {release_id} as stack {source} runs it, but of another record; {hint}"
    elif recorded.failed:
        yield f"release {release_id} failed its test in stack {source} ({', '.join(recorded.failed)}); {hint}"
    elif missing := [row for row in recorded_test.REQUIRED_ROWS if row not in recorded.passed]:
        yield f"the test of release {release_id} in stack {source} left out {', '.join(missing)}; {hint}"


def list_hold_refusals(
    release_id: str, stack_lock: release_lock.Lock, *, source: str, target: str, unhold: str | None
) -> Iterator[str]:
    """The refusal of a held release; ``unhold``: the release that the user lets pass by its id."""
    held_releases = {held.release: held for held in stack_lock.held}
    if unhold is not None and unhold not in held_releases:
        held_ids = f"it holds: {', '.join(held_releases)}" if held_releases else "it holds none"
        yield f"stack {target} does not hold release {unhold}; {held_ids}"
    if (held := held_releases.get(release_id)) and unhold != release_id:
        yield (
            f"release {release_id} is held in stack {target} since {held.since} ({held.because}); promote a newer"
            f" release, or override the hold: seaway release promote {source} {target} --unhold {release_id}"
        )


def list_image_differences(target: environments.Environment, source: settings.Settings) -> Iterator[str]:
    """The images that the source stack replaces and the target does not, each in one line: the release was not tried
    with the image that the target runs, or was built from another base image than its Dockerfile names."""
    name = target.settings.stack
    containers = target.declared.get_containers()
    paths: dict[str, list[str]] = {}
    for path, container in containers.items():
        if container.image is not None:
            paths.setdefault(container.image, []).append(path)

    def find_override(image: str) -> str | None:
        override = image_reference.find_override(image, source.image_overrides)
        return None if image_reference.find_override(image, target.settings.image_overrides) else override

    for image, used_in in sorted(paths.items()):
        if override := find_override(image):
            key = f"'seaway:imageOverrides[\"{image_reference.remove_digest(image)}\"]'"
            yield (
                f"{image} ({', '.join(used_in)}): stack {source.stack} runs {override} instead (seaway:imageOverrides),"
                f" {name} does not; if it shall, or its nodes cannot pull {image}: pulumi config set --stack {name}"
                f" --path {key} {override}"
            )
    if not source.build:
        return
    folder, root = (target.folder / target.settings.app).parent, roots.find_root(target.folder, target.settings.root)
    with contextlib.suppress(diagnosis.InvalidInput):  # the Dockerfiles of the working tree may be of a later release
        for use in outdated.find_image_uses(target.declared, folder, root, {}):
            files = [place for place in use.used_in if place not in containers]
            if files and (override := find_override(use.reference)):
                yield (
                    f"{use.reference} ({', '.join(files)}): stack {source.stack} builds from {override} instead"
                    f" (seaway:imageOverrides), and {name} runs what was built; to build from {use.reference}, remove"
                    f" it from seaway:imageOverrides in Pulumi.{source.stack}.yaml, and deploy {source.stack} again"
                )


def pin_release(stack_lock: release_lock.Lock, release_id: str, *, unhold: str | None) -> release_lock.Lock:
    """The lock after a promotion."""
    held = tuple(held for held in stack_lock.held if held.release != unhold)
    return release_lock.Lock(release=release_id, held=held)


def pin_rollback(stack_lock: release_lock.Lock, release_id: str, *, because: str, since: str) -> release_lock.Lock:
    """The lock after a rollback: the release that was pinned is held."""
    if stack_lock.release is None:
        raise ValueError("nothing is pinned")
    others = tuple(held for held in stack_lock.held if held.release != stack_lock.release)
    held = (release_lock.HeldRelease(stack_lock.release, because=because, since=since), *others)
    return release_lock.Lock(release=release_id, is_rollback=True, held=held)


def find_previous(
    stack_lock: release_lock.Lock, recent: Iterable[str], records: Mapping[str, record.RecordSummary]
) -> record.RecordSummary | None:
    """The record of the last release before the pinned one that is not held; None: there is none.

    Args:
        recent: ids of the running and the previous record.
        records: by id, newest first.
    """
    excluded = {stack_lock.release, *(held.release for held in stack_lock.held)}
    # The running release comes first, because the pinned one may have failed before it became current.
    candidates = [records[record_id] for record_id in recent if record_id in records]
    pinned = [summary.recorded for summary in records.values() if summary.release_id == stack_lock.release]
    candidates += [summary for summary in records.values() if not pinned or summary.recorded <= min(pinned)]
    return next((summary for summary in candidates if summary.release_id not in excluded), None)


def _describe_health(row: status.WorkloadStatus) -> str:
    findings = row.health.findings
    return f"{row.name}: {findings[0].message}" if findings else row.health.summary


def _list_images(pod: Mapping[str, Any]) -> Iterator[str]:
    for container in (*pod.get("initContainers", ()), *pod["containers"]):
        yield container["image"]
