"""``seaway:index:Release``: writes into the namespace what was deployed, once all of it is healthy.

What it wrote is vouched for by the stack's state: ``history`` has the SHA-256 of each record that is still there.
"""

import asyncio
import datetime
from collections.abc import Mapping
from typing import Any, ClassVar, cast

from plugin import resource, values
from seaway.kubernetes.api import fields
from seaway.kubernetes.cluster import client
from seaway.project import release as releases
from seaway.project import release_lock
from seaway.release import record, record_store, stack_state, stored_record
from seaway.syntax import decode, diagnosis, encode

RELEASE = "release"
SINCE = "since"
PROVENANCE = "provenance"
HISTORY = "history"

RETAINED_RELEASES = 10
"""Releases that stay recorded, beside the current one and the one before it."""


class Release:
    """Outputs: ``since``, when the release became the current one, which stays where the same release is written again;
    ``history``, the records in the namespace, the last deployed one first, each with its id as ``release``, its
    ``sha256``, and when it was ``recorded`` for the first time.
    """

    inputs: ClassVar[Mapping[str, type]] = {
        "namespace": str,
        RELEASE: str,
        "record": dict,
        PROVENANCE: dict,
        release_lock.FORMAT_KEY: int,
    }

    def __init__(self, cluster: client.KubeClient) -> None:
        self._cluster = cluster

    async def diff(self, state: resource.State, inputs: values.Properties) -> resource.Diff:
        # The same release from another commit is the same release.
        changed = [name for name in resource.find_changed_inputs(state, inputs) if name != PROVENANCE]
        if not changed and not await self._is_recorded(state, inputs):
            # The pointer or the record is gone or was changed, or another checkout's release has been deployed since.
            changed = [RELEASE]
        return resource.Diff(changed=changed, replaced=[name for name in changed if name == "namespace"])

    async def create(self, inputs: values.Properties, *, preview: bool) -> resource.State:
        return await self._build_state(inputs, {}, preview=preview)

    async def read(self, state: resource.State) -> resource.State | None:
        return state if await self._read_current(state.outputs) is not None else None

    async def update(self, state: resource.State, inputs: values.Properties, *, preview: bool) -> resource.State:
        return await self._build_state(inputs, state.outputs, preview=preview)

    async def delete(self, state: resource.State) -> None:
        """Nothing runs any more, so nothing is current; the records stay for as long as the namespace does."""
        await self._cluster.delete(
            record_store.get_path(cast(str, state.outputs["namespace"]), record_store.CURRENT_NAME)
        )

    async def _build_state(
        self, inputs: values.Properties, before: values.Properties, *, preview: bool
    ) -> resource.State:
        if preview:
            made = {SINCE: values.UNKNOWN, HISTORY: values.UNKNOWN}
        else:
            made = await self._write(inputs, stack_state.parse_history(cast(Mapping[str, Any], before)))
        return resource.State(id=record_store.CURRENT_NAME, outputs={**inputs, **made})

    async def _is_recorded(self, before: resource.State, inputs: values.Properties) -> bool:
        """Whether the cluster has the pointer and the record as the state knows them."""
        namespace, release = cast(str, inputs["namespace"]), cast(str, inputs[RELEASE])
        vouched = {
            one.release: one.sha256 for one in stack_state.parse_history(cast(Mapping[str, Any], before.outputs))
        }
        try:
            current, found = await asyncio.gather(
                self._read_current(inputs), record_store.find(self._cluster, namespace, release)
            )
        except record_store.RecordChanged:
            return False
        return current == release and found is not None and found.sha256 == vouched.get(release)

    async def _read_current(self, inputs: values.Properties) -> str | None:
        found = record_store.parse_current(
            await self._cluster.find(record_store.get_path(cast(str, inputs["namespace"]), record_store.CURRENT_NAME))
        )
        return found.id if found else None

    async def _write(self, inputs: values.Properties, known: tuple[stack_state.RecordedRelease, ...]) -> dict[str, Any]:
        """The record first, then the pointer to it; since when it is the current one, and the history with it."""
        namespace, release = cast(str, inputs["namespace"]), cast(str, inputs[RELEASE])
        vouched = {one.release: one.sha256 for one in known}
        recorded = {one.release: one.recorded for one in known}
        try:
            one = record.ReleaseRecord.decode(
                encode.to_node(inputs["record"], diagnosis.SourceLocation(f"release {release}"))
            )
            sha256 = await self._write_record(namespace, release, one, _decode_provenance(inputs), vouched.get(release))
        except (diagnosis.InvalidInput, LookupError) as error:
            raise resource.ResourceError(str(error)) from None
        path = record_store.get_path(namespace, record_store.CURRENT_NAME)
        found = await self._cluster.find(path)
        before = record_store.parse_current(found)
        if before is not None and before.id == release and before.since:
            now = before
        else:
            moment = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            now = record_store.CurrentRelease(id=release, previous=before.id if before else None, since=moment)
        if found and any(entry.get("manager") != record_store.FIELD_MANAGER for entry in fields.list_managers(found)):
            # Somebody edited it by hand: what they own would be a conflict.
            await self._cluster.delete(path)
        await self._cluster.apply(path, record_store.build_current(one, now), field_manager=record_store.FIELD_MANAGER)
        history = [
            stack_state.RecordedRelease(release=release, sha256=sha256, recorded=recorded.get(release, now.since)),
            *(entry for entry in known if entry.release != release),
        ]
        # Only what this stack has written is removed: labels and names in the cluster are anybody's.
        for entry in history[RETAINED_RELEASES + 2 :]:
            await record_store.delete(self._cluster, namespace, entry.release)
        history = history[: RETAINED_RELEASES + 2]
        return {SINCE: now.since, HISTORY: [entry.to_plain() for entry in history]}

    async def _write_record(
        self,
        namespace: str,
        release: str,
        one: record.ReleaseRecord,
        provenance: releases.Provenance,
        vouched: str | None,
    ) -> str:
        """Write the record, and return its SHA-256. One that is there and vouched for stays as it was written.

        The same content may have another digest by now: its base was rebuilt, or the registry is another.
        """
        try:
            found = await record_store.find(self._cluster, namespace, release)
            if found is not None and found.sha256 == vouched and found.read_text() == stored_record.encode_record(one):
                return found.sha256
        except (record_store.RecordChanged, stored_record.UnreadableRecordError):
            pass  # it is written again
        wanted = stored_record.StoredRecord.create(one, provenance)
        await record_store.write(self._cluster, namespace, release, one, wanted)
        return wanted.sha256


def _decode_provenance(inputs: values.Properties) -> releases.Provenance:
    return decode.decode_node(
        releases.Provenance, encode.to_node(inputs[PROVENANCE], diagnosis.SourceLocation(PROVENANCE))
    )
