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
from seaway.kubernetes.api import paths
from seaway.kubernetes.cluster import client
from seaway.manifests import names
from seaway.release import drift, record_store
from seaway.review import disks

AT_ONCE = 20
"""Questions to the API server at a time."""

TOLD = 5
"""Edits that a preview lists; `seaway status --drift` lists all."""

NOBODY = ".nobody"
"""After a name: no Deployment of ours is called so, since no name of ours has a dot."""


SETS = "sets"
"""Input for the guard of disks only: a difference in it is not a change of this resource."""

LEAVING = "leaving"
"""Output: holders of disks that were to be deleted. An update that failed may not have deleted them yet; the next one
forgets those that are gone."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Object:
    """One that the stack is going to make."""

    version: str
    kind: str
    namespace: str
    """Empty: it belongs to the cluster."""
    name: str

    @classmethod
    def of(cls, text: str) -> Self:
        """From ``apiVersion/Kind/namespace/name``; an apiVersion may have a slash of its own."""
        version, kind, namespace, name = text.rsplit("/", 3)
        return cls(version=version, kind=kind, namespace=namespace, name=name)

    @property
    def text(self) -> str:
        return f"{self.version}/{self.kind}/{self.namespace}/{self.name}"

    @property
    def path(self) -> str:
        return paths.path(self.version, self.kind, self.namespace, self.name)


class Objects:
    """Refuses objects that exist, were not recorded by this stack and do not carry its two labels; and disks that go.

    Input ``sets``: the shapes of the StatefulSets, by their identity.
    """

    inputs: ClassVar[Mapping[str, type]] = {"partOf": str, "stack": str, "objects": list, SETS: dict}

    def __init__(self, cluster: client.Cluster, log: engine.Log, guard: data_loss.Guard) -> None:
        self._cluster = cluster
        self._log = log
        self._disks = guard

    async def diff(self, state: resource.State, inputs: values.Properties) -> resource.Diff:
        changed = [name for name in resource.differing(state, inputs) if name != SETS]
        if changed:
            await self._guard(inputs, recorded=state.outputs)
        await self._disks.check_update(await self._lost(state, inputs), self._log)
        for namespace in sorted({one.namespace for one in map(_Object.of, _objects(inputs)) if one.namespace}):
            await self._tell_edits(namespace)
        return resource.Diff(changed=changed)

    async def create(self, inputs: values.Properties, *, preview: bool) -> resource.State:
        await self._guard(inputs, recorded={})
        return resource.State(id=f"{inputs['partOf']}-{inputs['stack']}", outputs=inputs)

    async def read(self, state: resource.State) -> resource.State | None:
        return state

    async def update(self, state: resource.State, inputs: values.Properties, *, preview: bool) -> resource.State:
        await self._guard(inputs, recorded=state.outputs)
        if preview:
            return resource.State(id=state.id, outputs=inputs)
        await self._hand_over(_objects(state.outputs), _objects(inputs))
        holders = [one for one in await self._leaving(state.outputs, inputs) if one.kind in data_loss.HOLDERS]
        leaving = [one.text for one in holders]
        return resource.State(id=state.id, outputs={**inputs, **({LEAVING: leaving} if leaving else {})})

    async def delete(self, state: resource.State) -> None:
        pass

    async def _lost(self, state: resource.State, inputs: values.Properties) -> list[disks.Disk]:
        """The disks that are lost with objects that are deleted, or deleted and created again."""
        leaving = await self._leaving(state.outputs, inputs)
        homes = {one.name for one in leaving if one.kind == "Namespace"}
        lost = await self._disks.find_in_namespaces(sorted(homes))
        sets = cast(Mapping[str, Mapping[str, Any]], inputs[SETS])
        known = cast(Mapping[str, Mapping[str, Any]], state.inputs.get(SETS) or {})
        staying = [_Object.of(text) for text in sets]
        holders = [one for one in leaving if one.kind in data_loss.HOLDERS]
        for space in sorted({one.namespace for one in (*staying, *holders)} - homes - {""}):
            gone = {
                kind: [one.name for one in holders if (one.namespace, one.kind) == (space, kind)]
                for kind in data_loss.HOLDERS
            }
            shapes = {one.name: sets[one.text] for one in staying if one.namespace == space}
            before = {name: known[text] for name in shapes if (text := f"apps/v1/StatefulSet/{space}/{name}") in known}
            lost += await self._disks.find_in_sets(space, gone["StatefulSet"], shapes, before)
            lost += await self._disks.find_in_claims(space, gone["PersistentVolumeClaim"])
        return lost

    async def _leaving(self, recorded: values.Properties, inputs: values.Properties) -> list[_Object]:
        """Objects that the state may still hold and that are not declared any more.

        Of those that an earlier update was to delete, only what is still there with the stack's two labels: another
        stack may have made an object of the same name since.
        """
        declared, ours = set(_objects(inputs)), set(_objects(recorded))
        earlier = {*cast(Sequence[str], recorded.get(LEAVING) or ())} - declared - ours
        found = await self._existing([_Object.of(text) for text in sorted(earlier)])
        left = {one.text for one, live in found if _stack_labels(inputs).items() <= _labels(live).items()}
        return [_Object.of(text) for text in sorted(left | (ours - declared))]

    async def _tell_edits(self, namespace: str) -> None:
        """What somebody did by hand since the last release: it stays until a change of the object takes it back."""
        try:
            _, found = await drift.of(self._cluster, namespace)
        except (record_store.Missing, errors.Forbidden):
            return  # no release is recorded yet, or the account may not list: then there is nothing to compare
        except record_store.Changed as changed:
            await self._log.warning(str(changed))  # the update writes it again
            return
        told = [line for one in found if (line := drift.by_hand(one))]
        for line in told[:TOLD]:
            await self._log.warning(line)
        if told:
            more = f"{len(told) - TOLD} more; " if len(told) > TOLD else ""
            await self._log.warning(
                f"{more}an up that changes the object puts back what is declared: seaway status --drift"
            )

    async def _hand_over(self, old: Sequence[str], new: Sequence[str]) -> None:
        """Autoscalers that go let go of their Deployments first, and those of a revert take hold of them again.

        Pulumi deletes at the end of an update: until then one that goes would overrule the number of pods that was
        just declared, and leave its own. It is not deleted here, since Pulumi would not make it again after a revert.
        """
        for text in sorted(set(old) ^ set(new)):
            one = _Object.of(text)
            deployment = f"apps/v1/Deployment/{one.namespace}/{one.name}"
            if one.kind == "HorizontalPodAutoscaler" and deployment in new:
                target = one.name if text in new else f"{one.name}{NOBODY}"
                part = {"spec": {"scaleTargetRef": {"name": target}}}
                await self._cluster.merge(one.path, part, manager=record_store.MANAGER)

    async def _guard(self, inputs: values.Properties, *, recorded: values.Properties) -> None:
        ours = _objects(recorded)
        fresh = [_Object.of(text) for text in _objects(inputs) if text not in ours]
        labels = _stack_labels(inputs)
        foreign = [one for one in await self._existing(fresh) if not labels.items() <= _labels(one[1]).items()]
        if foreign:
            raise resource.Refused(_refusal(foreign, labels))

    async def _existing(self, asked: Sequence[_Object]) -> list[tuple[_Object, Mapping[str, Any]]]:
        """Those that there are, as they are. Where a namespace does not exist, nothing in it is asked for."""
        homes = [one for one in asked if one.kind == "Namespace"]
        found = await self._find(homes)
        absent = {one.name for one in homes} - {one.name for one, _ in found}
        return found + await self._find([one for one in asked if one not in homes and one.namespace not in absent])

    async def _find(self, asked: Sequence[_Object]) -> list[tuple[_Object, Mapping[str, Any]]]:
        turn = asyncio.Semaphore(AT_ONCE)

        async def find(one: _Object) -> Mapping[str, Any] | None:
            async with turn:
                return await self._cluster.find(one.path)

        found = await asyncio.gather(*map(find, asked))
        return [(one, live) for one, live in zip(asked, found, strict=True) if live is not None]


def _objects(properties: values.Properties) -> Sequence[str]:
    return cast(Sequence[str], properties.get("objects", ()))


def _stack_labels(inputs: values.Properties) -> Mapping[str, str]:
    """The two labels of every object of the stack."""
    return {names.PART_OF_LABEL: str(inputs["partOf"]), names.STACK_LABEL: str(inputs["stack"])}


def _labels(live: Mapping[str, Any]) -> Mapping[str, str]:
    return live["metadata"].get("labels") or {}


def _refusal(foreign: Sequence[tuple[_Object, Mapping[str, Any]]], labels: Mapping[str, str]) -> str:
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
            f"  {found.kind} {f'{found.namespace}/' if found.namespace else ''}{found.name}, {_whose(_labels(live))}:",
            f"    kubectl label {where}{found.kind.lower()}/{found.name} {wanted} --overwrite",
        ]
    return "\n".join(lines)


def _whose(labels: Mapping[str, str]) -> str:
    telling = (names.PART_OF_LABEL, names.STACK_LABEL, "app.kubernetes.io/instance", "app.kubernetes.io/managed-by")
    said = [f"{key}={labels[key]}" for key in telling if key in labels]
    return f"labelled {', '.join(said)}" if said else "with no label that tells whose it is"
