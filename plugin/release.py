"""``seaway:index:Release``: writes into the namespace what was deployed, once all of it is healthy."""

import datetime
from collections.abc import Mapping
from typing import Any, ClassVar, cast

from plugin import resource, values
from seaway.cluster import client
from seaway.model import decode, encode, problems
from seaway.release import fields, record, store
from seaway.release import release as releases

RELEASE = "release"
SINCE = "since"
PROVENANCE = "provenance"

KEPT = 10
"""Releases that stay recorded, beside the current one and the one before it."""


class Release:
    """Output ``since``: when the release became the current one. Made anew by the same release, it stays."""

    inputs: ClassVar[Mapping[str, type]] = {"namespace": str, RELEASE: str, "record": dict, PROVENANCE: dict}

    def __init__(self, cluster: client.Cluster) -> None:
        self._cluster = cluster

    async def diff(self, state: resource.State, inputs: values.Properties) -> resource.Diff:
        # The same release from another commit is the same release.
        changed = [name for name in resource.differing(state, inputs) if name != PROVENANCE]
        if not changed and await self._current(inputs) != inputs[RELEASE]:
            # The pointer is gone, or another checkout's release has been deployed since.
            changed = [RELEASE]
        return resource.Diff(changed=changed, replaced=[name for name in changed if name == "namespace"])

    async def create(self, inputs: values.Properties, *, preview: bool) -> resource.State:
        since = values.UNKNOWN if preview else await self._write(inputs)
        return resource.State(id=store.POINTER, outputs={**inputs, SINCE: since})

    async def read(self, state: resource.State) -> resource.State | None:
        return state if await self._current(state.outputs) is not None else None

    async def update(self, state: resource.State, inputs: values.Properties, *, preview: bool) -> resource.State:
        return await self.create(inputs, preview=preview)

    async def delete(self, state: resource.State) -> None:
        """Nothing runs any more, so nothing is current; the records stay for as long as the namespace does."""
        await self._cluster.delete(store.path(cast(str, state.outputs["namespace"]), store.POINTER))

    async def _current(self, inputs: values.Properties) -> str | None:
        found = store.pointed(await self._cluster.find(store.path(cast(str, inputs["namespace"]), store.POINTER)))
        return found.id if found else None

    async def _write(self, inputs: values.Properties) -> str:
        """The record first, then the pointer to it; returns since when it is the current one."""
        namespace, release = cast(str, inputs["namespace"]), cast(str, inputs[RELEASE])
        try:
            one = record.Record.decode(encode.node(inputs["record"], problems.Place(f"release {release}")))
            await self._keep(namespace, release, store.config_map(one, release, _provenance(inputs)))
        except (problems.Invalid, ValueError) as error:
            raise resource.Refused(str(error)) from None
        path = store.path(namespace, store.POINTER)
        found = await self._cluster.find(path)
        before = store.pointed(found)
        if before is not None and before.id == release:
            now = before
        else:
            moment = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            now = store.Pointer(id=release, previous=before.id if before else None, since=moment)
        if found and any(entry.get("manager") != store.MANAGER for entry in fields.managers(found)):
            # Somebody edited it by hand: what they own would be a conflict.
            await self._cluster.delete(path)
        await self._cluster.apply(path, store.pointer(one, now), manager=store.MANAGER)
        await self._tidy(namespace, {now.id, now.previous})
        return now.since

    async def _keep(self, namespace: str, release: str, wanted: Mapping[str, Any]) -> None:
        """Write the record. One of this id that says something else is replaced: nothing in it can be changed.

        The same content may have another digest by now: its base was rebuilt, or the registry is another.
        """
        path = store.path(namespace, store.name_of(release))
        found = await self._cluster.find(path)
        if found is not None:
            if store.same(found, wanted):
                return  # it keeps what it says of where it came from
            await self._cluster.delete(path)
        await self._cluster.apply(path, wanted, manager=store.MANAGER)

    async def _tidy(self, namespace: str, needed: set[str | None]) -> None:
        """Remove the oldest records."""
        spare = [one for one in await store.records(self._cluster, namespace) if one not in needed]
        for one in spare[KEPT:]:
            await self._cluster.delete(store.path(namespace, store.name_of(one)))


def _provenance(inputs: values.Properties) -> releases.Provenance:
    return decode.decode(releases.Provenance, encode.node(inputs[PROVENANCE], problems.Place(PROVENANCE)))
