"""``seaway:index:Objects``: the guard of other people's objects, of disks, and of edits by hand.

The Kubernetes provider makes an object by applying it: one that exists already, by whoever's hand, is
silently changed, and deleted with our stack. What somebody edited in an object of ours gives way to what is declared.
"""

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, cast

from plugin import data_loss, engine, resource, values
from seaway import errors
from seaway.kubernetes.api import kinds
from seaway.kubernetes.cluster import client
from seaway.manifests import names
from seaway.release import drift, record_store
from seaway.review import disks

MAX_CONCURRENT_REQUESTS = 20
"""Questions to the API server at a time."""

MAX_LISTED_EDITS = 5
"""Edits that a preview lists; `seaway status --drift` lists all."""

DETACHED_SUFFIX = ".nobody"
"""After a name: no Deployment of ours is called so, since no name of ours has a dot."""


SETS = "sets"
"""Input for the guard of disks only: a difference in it is not a change of this resource."""

PENDING_DELETIONS = "leaving"
"""Output: holders of disks that were to be deleted. An update that failed may not have deleted them yet; the next one
forgets those that are gone."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _ObjectId:
    """One that the stack is going to make."""

    version: str
    kind: str
    namespace: str
    """Empty: it belongs to the cluster."""
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """From ``apiVersion/Kind/namespace/name``; an apiVersion may have a slash of its own."""
        version, kind, namespace, name = text.rsplit("/", 3)
        return cls(version=version, kind=kind, namespace=namespace, name=name)

    @property
    def text(self) -> str:
        return f"{self.version}/{self.kind}/{self.namespace}/{self.name}"

    @property
    def path(self) -> str:
        return kinds.build_path(self.kind, self.namespace, self.name)


class ObjectsGuard:
    """Refuses objects that exist, were not recorded by this stack and do not carry its two labels; and disks that go.

    Input ``sets``: the shapes of the StatefulSets, by their identity.
    """

    inputs: ClassVar[Mapping[str, type]] = {"partOf": str, "stack": str, "objects": list, SETS: dict}

    def __init__(self, cluster: client.KubeClient, log: engine.Log, guard: data_loss.DataLossGuard) -> None:
        self._cluster = cluster
        self._log = log
        self._data_loss = guard

    async def diff(self, state: resource.State, inputs: values.Properties) -> resource.Diff:
        changed = [name for name in resource.find_changed_inputs(state, inputs) if name != SETS]
        if changed:
            await self._check_ownership(inputs, recorded=state.outputs)
        await self._data_loss.check_update(await self._find_lost_disks(state, inputs), self._log)
        for namespace in sorted(
            {one.namespace for one in map(_ObjectId.parse, _list_identities(inputs)) if one.namespace}
        ):
            await self._report_edits(namespace)
        return resource.Diff(changed=changed)

    async def create(self, inputs: values.Properties, *, preview: bool) -> resource.State:
        await self._check_ownership(inputs, recorded={})
        return resource.State(id=f"{inputs['partOf']}-{inputs['stack']}", outputs=inputs)

    async def read(self, state: resource.State) -> resource.State | None:
        return state

    async def update(self, state: resource.State, inputs: values.Properties, *, preview: bool) -> resource.State:
        await self._check_ownership(inputs, recorded=state.outputs)
        if preview:
            return resource.State(id=state.id, outputs=inputs)
        await self._hand_over_scaling(_list_identities(state.outputs), _list_identities(inputs))
        holders = [
            one for one in await self._list_deleted(state.outputs, inputs) if one.kind in data_loss.DISK_HOLDER_KINDS
        ]
        leaving = [one.text for one in holders]
        return resource.State(id=state.id, outputs={**inputs, **({PENDING_DELETIONS: leaving} if leaving else {})})

    async def delete(self, state: resource.State) -> None:
        pass

    async def _find_lost_disks(self, state: resource.State, inputs: values.Properties) -> list[disks.Disk]:
        """The disks that are lost with objects that are deleted, or deleted and created again."""
        leaving = await self._list_deleted(state.outputs, inputs)
        homes = {one.name for one in leaving if one.kind == "Namespace"}
        lost = await self._data_loss.find_in_namespaces(sorted(homes))
        sets = cast(Mapping[str, Mapping[str, Any]], inputs[SETS])
        known = cast(Mapping[str, Mapping[str, Any]], state.inputs.get(SETS) or {})
        staying = [_ObjectId.parse(text) for text in sets]
        holders = [one for one in leaving if one.kind in data_loss.DISK_HOLDER_KINDS]
        for space in sorted({one.namespace for one in (*staying, *holders)} - homes - {""}):
            gone = {
                kind: [one.name for one in holders if (one.namespace, one.kind) == (space, kind)]
                for kind in data_loss.DISK_HOLDER_KINDS
            }
            shapes = {one.name: sets[one.text] for one in staying if one.namespace == space}
            before = {name: known[text] for name in shapes if (text := f"apps/v1/StatefulSet/{space}/{name}") in known}
            lost += await self._data_loss.find_in_stateful_sets(space, gone["StatefulSet"], shapes, before)
            lost += await self._data_loss.find_in_claims(space, gone["PersistentVolumeClaim"])
        return lost

    async def _list_deleted(self, recorded: values.Properties, inputs: values.Properties) -> list[_ObjectId]:
        """Objects that the state may still hold and that are not declared any more.

        Of those that an earlier update was to delete, only what is still there with the stack's two labels: another
        stack may have made an object of the same name since.
        """
        declared, ours = set(_list_identities(inputs)), set(_list_identities(recorded))
        earlier = {*cast(Sequence[str], recorded.get(PENDING_DELETIONS) or ())} - declared - ours
        found = await self._find_existing([_ObjectId.parse(text) for text in sorted(earlier)])
        left = {one.text for one, live in found if _build_stack_labels(inputs).items() <= _get_labels(live).items()}
        return [_ObjectId.parse(text) for text in sorted(left | (ours - declared))]

    async def _report_edits(self, namespace: str) -> None:
        """What somebody did by hand since the last release: it stays until a change of the object takes it back."""
        try:
            _, found = await drift.detect(self._cluster, namespace)
        except (record_store.ReleaseNotFound, errors.Forbidden):
            return  # no release is recorded yet, or the account may not list: then there is nothing to compare
        except record_store.RecordChanged as changed:
            await self._log.warning(str(changed))  # the update writes it again
            return
        told = [line for one in found if (line := drift.describe_manual_edit(one))]
        for line in told[:MAX_LISTED_EDITS]:
            await self._log.warning(line)
        if told:
            more = f"{len(told) - MAX_LISTED_EDITS} more; " if len(told) > MAX_LISTED_EDITS else ""
            await self._log.warning(
                f"{more}an up that changes the object puts back what is declared: seaway status --drift"
            )

    async def _hand_over_scaling(self, old: Sequence[str], new: Sequence[str]) -> None:
        """Autoscalers that go let go of their Deployments first, and those of a revert take hold of them again.

        Pulumi deletes at the end of an update: until then one that goes would overrule the number of pods that was
        just declared, and leave its own. It is not deleted here, since Pulumi would not make it again after a revert.
        """
        for text in sorted(set(old) ^ set(new)):
            one = _ObjectId.parse(text)
            deployment = f"apps/v1/Deployment/{one.namespace}/{one.name}"
            if one.kind == "HorizontalPodAutoscaler" and deployment in new:
                target = one.name if text in new else f"{one.name}{DETACHED_SUFFIX}"
                part = {"spec": {"scaleTargetRef": {"name": target}}}
                await self._cluster.merge_patch(one.path, part, field_manager=record_store.FIELD_MANAGER)

    async def _check_ownership(self, inputs: values.Properties, *, recorded: values.Properties) -> None:
        ours = _list_identities(recorded)
        fresh = [_ObjectId.parse(text) for text in _list_identities(inputs) if text not in ours]
        labels = _build_stack_labels(inputs)
        foreign = [one for one in await self._find_existing(fresh) if not labels.items() <= _get_labels(one[1]).items()]
        if foreign:
            raise resource.ResourceError(_format_refusal(foreign, labels))

    async def _find_existing(self, asked: Sequence[_ObjectId]) -> list[tuple[_ObjectId, Mapping[str, Any]]]:
        """Those that there are, as they are. Where a namespace does not exist, nothing in it is asked for."""
        homes = [one for one in asked if one.kind == "Namespace"]
        found = await self._find(homes)
        absent = {one.name for one in homes} - {one.name for one, _ in found}
        return found + await self._find([one for one in asked if one not in homes and one.namespace not in absent])

    async def _find(self, asked: Sequence[_ObjectId]) -> list[tuple[_ObjectId, Mapping[str, Any]]]:
        turn = asyncio.Semaphore(MAX_CONCURRENT_REQUESTS)

        async def find(one: _ObjectId) -> Mapping[str, Any] | None:
            async with turn:
                return await self._cluster.find(one.path)

        found = await asyncio.gather(*map(find, asked))
        return [(one, live) for one, live in zip(asked, found, strict=True) if live is not None]


def _list_identities(properties: values.Properties) -> Sequence[str]:
    return cast(Sequence[str], properties.get("objects", ()))


def _build_stack_labels(inputs: values.Properties) -> Mapping[str, str]:
    """The two labels of every object of the stack."""
    return {names.PART_OF_LABEL: str(inputs["partOf"]), names.STACK_LABEL: str(inputs["stack"])}


def _get_labels(live: Mapping[str, Any]) -> Mapping[str, str]:
    return live["metadata"].get("labels") or {}


def _format_refusal(foreign: Sequence[tuple[_ObjectId, Mapping[str, Any]]], labels: Mapping[str, str]) -> str:
    """All of them at once, each with the line that adopts it."""
    head = "an object exists already and is" if len(foreign) == 1 else f"{len(foreign)} objects exist already and are"
    lines = [
        f"{head} not of this stack; nothing was changed. To take over, type the line below each;"
        " or choose another name of the application, the stack or the service"
    ]
    wanted = " ".join(f"{key}={value}" for key, value in labels.items())
    for found, live in foreign:
        where = f"-n {found.namespace} " if found.namespace else ""
        lines += [
            f"  {found.kind} {f'{found.namespace}/' if found.namespace else ''}{found.name}, {_describe_owner(_get_labels(live))}:",
            f"    kubectl label {where}{found.kind.lower()}/{found.name} {wanted} --overwrite",
        ]
    return "\n".join(lines)


def _describe_owner(labels: Mapping[str, str]) -> str:
    telling = (names.PART_OF_LABEL, names.STACK_LABEL, "app.kubernetes.io/instance", "app.kubernetes.io/managed-by")
    said = [f"{key}={labels[key]}" for key in telling if key in labels]
    return f"labelled {', '.join(said)}" if said else "with no label that tells whose it is"
