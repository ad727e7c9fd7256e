"""Whether a release may go to the next environment, and which one to go back to. Nothing is written here.

A refusal is one line: what is so, and the way out.
"""

import dataclasses
import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from seaway.kubernetes.api import fields
from seaway.kubernetes.cluster import client, reflector, snapshot
from seaway.release import drift, lock, record_store, release, stack_state
from seaway.rollout import evidence, status

_Release = release.Release


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The environment that a release is taken from, as it is now."""

    app: str
    stack: str
    namespace: str
    current: str
    """Id of the record of what it runs, as its cluster says."""
    deployed: str
    """Id of the record of what was deployed last, as its state says."""
    release: _Release
    rows: Sequence[status.Row]
    strays: Sequence[tuple[str, str]]
    """Pods with an image that was not deployed, and that image."""
    drifted: int
    """Fields and objects that are not as they were deployed."""


async def ask(
    cluster: client.Cluster, *, app: str, stack: str, namespace: str, state: stack_state.ReleaseState
) -> Source:
    """What an environment runs, and how it is. The release itself comes from the stack's state, not from the cluster.

    Raises:
        store.Missing: no release is recorded there.
        store.Changed: the record of the release was changed in the cluster.
        problems.Invalid: its record is none that this version of Seaway understands.
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    current, differences = await drift.of(cluster, namespace, state)
    declared = await record_store.manifests(cluster, namespace, state.id, sha256=state.sha256(state.id))
    seen = await reflector.read(cluster, namespace)
    now = datetime.datetime.now(datetime.UTC)
    return Source(
        app=app,
        stack=stack,
        namespace=namespace,
        current=current,
        release=state.promoted(),
        deployed=state.id,
        rows=status.rows(seen, application=app, stack=stack, now=now),
        strays=list(strays(seen, declared, app=app, stack=stack)),
        drifted=len(differences),
    )


def strays(
    seen: snapshot.Snapshot, declared: Iterable[fields.Object], *, app: str, stack: str
) -> Iterator[tuple[str, str]]:
    """The pods that run something else than was deployed, each with the image. ``declared``: the manifests."""
    wanted = {
        status.owner(one): set(_images(one["spec"]["template"]["spec"]))
        for one in declared
        if one["kind"] in status.KINDS and one["kind"] != "CronJob"  # a run may have begun before the release
    }
    for pod in seen.of("Pod"):
        over = evidence.going(pod) or evidence.part(pod, "status").get("phase") in ("Succeeded", "Failed")
        if over or not status.belongs(pod, app, stack) or status.owner(pod) not in wanted:
            continue
        for image in _images(pod["spec"]):
            if image not in wanted[status.owner(pod)]:
                yield evidence.named(pod), image


def refusals(source: Source, said: lock.Lock, *, to: str) -> Iterator[str]:
    """Why nothing may be promoted from an environment as it is now. ``said``: its lock."""
    stack, id_ = source.stack, source.release.id
    if source.current != source.deployed:
        yield (
            f"the cluster says that stack {stack} runs record {source.current}, and the stack's state that"
            f" {source.deployed} was deployed last; bring them together: pulumi up --stack {stack}"
        )
    if said.release is not None and said.release != id_:
        yield (
            f"stack {stack} pins release {said.release} and runs {id_}; deploy what it pins before it goes to {to}:"
            f" pulumi up --stack {stack}"
        )
    if not source.rows:
        yield f"nothing of {source.app} runs in namespace {source.namespace}; deploy it: pulumi up --stack {stack}"
    unwell = [row for row in source.rows if not row.healthy]
    if unwell:
        told = "; ".join(_unwell(row) for row in unwell[: status.TOLD])
        more = f" and {len(unwell) - status.TOLD} more" if len(unwell) > status.TOLD else ""
        yield f"stack {stack} is not healthy ({told}{more}); wait for it or mend it: seaway status --stack {stack}"
    if source.drifted:
        many = f"{source.drifted} {'difference' if source.drifted == 1 else 'differences'}"
        yield (
            f"stack {stack} has drifted from release {id_}: {many}; look at them: seaway status --drift --stack {stack}"
        )
    # While a rollout is under way, or after an edit, pods differ because their Deployment does.
    for pod, image in () if source.drifted else source.strays:
        yield (
            f"stack {stack} runs something else than the record of release {id_} says: pod {pod} has {image};"
            f" kubectl delete pod {pod} -n {source.namespace}"
        )


def never_healthy(id_: str, *, to: str, through: str, source: str) -> str:
    """The refusal of a release that has never been where it should have been first."""
    return (
        f"release {id_} was never healthy in stack {through}, and {to} takes only what was; give it to {through}"
        f" first: seaway release promote {source} {through}"
    )


def held(id_: str, said: lock.Lock, *, source: str, to: str, unhold: str | None) -> Iterator[str]:
    """The refusal of a release that is held; ``unhold`` is one that somebody lets go by name."""
    kept = {one.release: one for one in said.held}
    if unhold is not None and unhold not in kept:
        there = f"held are: {', '.join(kept)}" if kept else "nothing is held there"
        yield f"release {unhold} is not held in stack {to}, so it cannot be let go; {there}"
    if (one := kept.get(id_)) and unhold != id_:
        yield (
            f"release {id_} is held in stack {to} since {one.since} ({one.because}); promote a newer one, or let it go"
            f" by name: seaway release promote {source} {to} --unhold {id_}"
        )


def pinned(said: lock.Lock, id_: str, *, unhold: str | None) -> lock.Lock:
    """The lock after a promotion."""
    return lock.Lock(release=id_, held=tuple(one for one in said.held if one.release != unhold))


def back(said: lock.Lock, id_: str, *, because: str, since: str) -> lock.Lock:
    """The lock after going back to a release: the one that was pinned is held."""
    if said.release is None:
        raise ValueError("nothing is pinned")
    others = tuple(one for one in said.held if one.release != said.release)
    held = (lock.Held(said.release, because=because, since=since), *others)
    return lock.Lock(release=id_, back=True, held=held)


def before(
    said: lock.Lock, pointer: record_store.Pointer | None, records: Mapping[str, record_store.Entry]
) -> record_store.Entry | None:
    """The record of the release that ran before the pinned one and is not held; None: there is none.

    ``records``: newest first.
    """
    unwanted = {said.release, *(one.release for one in said.held)}
    # What runs comes first: the pinned one may have failed before it became the current one. Then what is older.
    latest = (pointer.id, pointer.previous) if pointer else ()
    near = [records[id_] for id_ in latest if id_ is not None and id_ in records]
    own = [entry.recorded for entry in records.values() if entry.release == said.release]
    older = [entry for entry in records.values() if not own or entry.recorded <= min(own)]
    return next((entry for entry in [*near, *older] if entry.release not in unwanted), None)


def _unwell(row: status.Row) -> str:
    found = row.verdict.findings
    return f"{row.name}: {found[0].line}" if found else row.verdict.row


def _images(pod: Mapping[str, Any]) -> Iterator[str]:
    for each in (*pod.get("initContainers", ()), *pod["containers"]):
        yield each["image"]
