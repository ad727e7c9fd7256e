"""Whether a release may go to the next environment, and which one to go back to. Nothing is written here.

A refusal is one line: what is so, and the way out.
"""

import dataclasses
import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from seaway.kubernetes.api import fields, kinds, unstructured
from seaway.kubernetes.cluster import client, reflector, snapshot
from seaway.project import release, release_lock
from seaway.release import drift, record_store, stack_state
from seaway.rollout import status

_Release = release.Release


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SourceEnvironment:
    """The environment that a release is taken from, as it is now."""

    app_name: str
    stack: str
    namespace: str
    current_record: str
    """Id of the record of what it runs, as its cluster says."""
    deployed_record: str
    """Id of the record of what was deployed last, as its state says."""
    release: _Release
    rows: Sequence[status.WorkloadStatus]
    unexpected_images: Sequence[tuple[str, str]]
    """Pods with an image that was not deployed, and that image."""
    drift_count: int
    """Fields and objects that are not as they were deployed."""


async def read_source(
    cluster: client.KubeClient, *, app_name: str, stack: str, namespace: str, state: stack_state.ReleaseState
) -> SourceEnvironment:
    """What an environment runs, and how it is. The release itself comes from the stack's state, not from the cluster.

    Raises:
        store.Missing: no release is recorded there.
        store.Changed: the record of the release was changed in the cluster.
        diagnosis.InvalidInput: its record is none that this version of Seaway understands.
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    current, differences = await drift.detect(cluster, namespace, state)
    declared = await record_store.read_manifests(cluster, namespace, state.id, sha256=state.find_sha256(state.id))
    seen = await reflector.read_snapshot(cluster, namespace)
    now = datetime.datetime.now(datetime.UTC)
    return SourceEnvironment(
        app_name=app_name,
        stack=stack,
        namespace=namespace,
        current_record=current,
        release=state.build_release(),
        deployed_record=state.id,
        rows=status.list_workloads(seen, app_name=app_name, stack=stack, now=now),
        unexpected_images=list(find_unexpected_images(seen, declared, app_name=app_name, stack=stack)),
        drift_count=len(differences),
    )


def find_unexpected_images(
    seen: snapshot.Snapshot, declared: Iterable[fields.Object], *, app_name: str, stack: str
) -> Iterator[tuple[str, str]]:
    """The pods that run something else than was deployed, each with the image. ``declared``: the manifests."""
    wanted = {
        status.get_owner(one): set(_list_images(one["spec"]["template"]["spec"]))
        for one in declared
        if one["kind"] in kinds.WORKLOAD_KINDS and one["kind"] != "CronJob"  # a run may have begun before the release
    }
    for pod in seen.list_objects("Pod"):
        over = unstructured.is_terminating(pod) or unstructured.get_mapping(pod, "status").get("phase") in (
            "Succeeded",
            "Failed",
        )
        if over or not status.belongs_to_application(pod, app_name, stack) or status.get_owner(pod) not in wanted:
            continue
        for image in _list_images(pod["spec"]):
            if image not in wanted[status.get_owner(pod)]:
                yield unstructured.get_name(pod), image


def list_refusals(source: SourceEnvironment, stack_lock: release_lock.Lock, *, target: str) -> Iterator[str]:
    """Why nothing may be promoted from an environment as it is now. ``said``: its lock."""
    stack, id_ = source.stack, source.release.id
    if source.current_record != source.deployed_record:
        yield (
            f"the cluster says that stack {stack} runs record {source.current_record}, and the stack's state that"
            f" {source.deployed_record} was deployed last; bring them together: pulumi up --stack {stack}"
        )
    if stack_lock.release is not None and stack_lock.release != id_:
        yield (
            f"stack {stack} pins release {stack_lock.release} and runs {id_}; deploy what it pins before it goes to {target}:"
            f" pulumi up --stack {stack}"
        )
    if not source.rows:
        yield f"nothing of {source.app_name} runs in namespace {source.namespace}; deploy it: pulumi up --stack {stack}"
    unwell = [row for row in source.rows if not row.is_healthy]
    if unwell:
        told = "; ".join(_describe_unhealthy(row) for row in unwell[: status.MAX_NAMED_WORKLOADS])
        more = (
            f" and {len(unwell) - status.MAX_NAMED_WORKLOADS} more" if len(unwell) > status.MAX_NAMED_WORKLOADS else ""
        )
        yield f"stack {stack} is not healthy ({told}{more}); wait for it or mend it: seaway status --stack {stack}"
    if source.drift_count:
        many = f"{source.drift_count} {'difference' if source.drift_count == 1 else 'differences'}"
        yield (
            f"stack {stack} has drifted from release {id_}: {many}; look at them: seaway status --drift --stack {stack}"
        )
    # While a rollout is under way, or after an edit, pods differ because their Deployment does.
    for pod, image in () if source.drift_count else source.unexpected_images:
        yield (
            f"stack {stack} runs something else than the record of release {id_} says: pod {pod} has {image};"
            f" kubectl delete pod {pod} -n {source.namespace}"
        )


def format_never_healthy(id_: str, *, target: str, through: str, source: str) -> str:
    """The refusal of a release that has never been where it should have been first."""
    return (
        f"release {id_} was never healthy in stack {through}, and {target} takes only what was; give it to {through}"
        f" first: seaway release promote {source} {through}"
    )


def list_hold_refusals(
    id_: str, stack_lock: release_lock.Lock, *, source: str, target: str, unhold: str | None
) -> Iterator[str]:
    """The refusal of a release that is held; ``unhold`` is one that somebody lets go by name."""
    kept = {one.release: one for one in stack_lock.held}
    if unhold is not None and unhold not in kept:
        there = f"held are: {', '.join(kept)}" if kept else "nothing is held there"
        yield f"release {unhold} is not held in stack {target}, so it cannot be let go; {there}"
    if (one := kept.get(id_)) and unhold != id_:
        yield (
            f"release {id_} is held in stack {target} since {one.since} ({one.because}); promote a newer one, or let it go"
            f" by name: seaway release promote {source} {target} --unhold {id_}"
        )


def pin_release(stack_lock: release_lock.Lock, id_: str, *, unhold: str | None) -> release_lock.Lock:
    """The lock after a promotion."""
    return release_lock.Lock(release=id_, held=tuple(one for one in stack_lock.held if one.release != unhold))


def pin_rollback(stack_lock: release_lock.Lock, id_: str, *, because: str, since: str) -> release_lock.Lock:
    """The lock after going back to a release: the one that was pinned is held."""
    if stack_lock.release is None:
        raise ValueError("nothing is pinned")
    others = tuple(one for one in stack_lock.held if one.release != stack_lock.release)
    held = (release_lock.HeldRelease(stack_lock.release, because=because, since=since), *others)
    return release_lock.Lock(release=id_, is_rollback=True, held=held)


def find_previous(
    stack_lock: release_lock.Lock,
    current: record_store.CurrentRelease | None,
    records: Mapping[str, record_store.RecordSummary],
) -> record_store.RecordSummary | None:
    """The record of the release that ran before the pinned one and is not held; None: there is none.

    ``records``: newest first.
    """
    unwanted = {stack_lock.release, *(one.release for one in stack_lock.held)}
    # What runs comes first: the pinned one may have failed before it became the current one. Then what is older.
    latest = (current.id, current.previous) if current else ()
    near = [records[id_] for id_ in latest if id_ is not None and id_ in records]
    own = [entry.recorded for entry in records.values() if entry.release_id == stack_lock.release]
    older = [entry for entry in records.values() if not own or entry.recorded <= min(own)]
    return next((entry for entry in [*near, *older] if entry.release_id not in unwanted), None)


def _describe_unhealthy(row: status.WorkloadStatus) -> str:
    found = row.health.findings
    return f"{row.name}: {found[0].message}" if found else row.health.summary


def _list_images(pod: Mapping[str, Any]) -> Iterator[str]:
    for each in (*pod.get("initContainers", ()), *pod["containers"]):
        yield each["image"]
