"""``seaway:index:Release``: records in the namespace what was deployed, once all of it is healthy.

The stack's state vouches for the records: its ``history`` has the SHA-256 of each record that still exists.
"""

import asyncio
import datetime
from collections.abc import Mapping
from typing import Any, ClassVar

from seaway.kubernetes.api import fields
from seaway.project import release as releases
from seaway.project import release_lock
from seaway.release import record, record_store, stack_state, stored_record
from seaway.syntax import decode, diagnosis, encode

from . import engine, resource, values

RELEASE = "release"
SINCE = "since"
PROVENANCE = "provenance"
HISTORY = "history"

RETAINED_RELEASES = 10
"""Recorded releases, in addition to the current and the previous one."""


class Release(resource.ClusterResource):
    """Records a release.

    Output ``since``: when the release became the current one. It stays if the same release is recorded again.
    Output ``history``: the records in the namespace, the last deployed first, each with its id as ``release``, its
    ``sha256``, and when it was first ``recorded``.
    """

    inputs: ClassVar[Mapping[str, type]] = {
        "namespace": str,
        RELEASE: str,
        "record": dict,
        PROVENANCE: dict,
        release_lock.FORMAT_KEY: int,
    }

    async def diff(self, state: resource.State, inputs: values.Properties) -> resource.Diff:
        try:
            recorded = state.outputs.get(release_lock.FORMAT_KEY, 0)
            release_lock.parse_format(str(recorded), diagnosis.SourceLocation("the stack's state"))
        except diagnosis.InvalidInput as error:
            raise engine.ResourceError(str(error), code="unsupported-format") from None
        # The same release from another commit is the same release.
        changed = [name for name in resource.find_changed_inputs(state, inputs) if name != PROVENANCE]
        if not changed and not await self._is_recorded(state, inputs):
            # A record was deleted or changed, or another checkout has deployed another release since.
            changed = [RELEASE]
        return resource.Diff(changed=changed, replaced=[name for name in changed if name == "namespace"])

    async def create(self, inputs: values.Properties, *, preview: bool) -> resource.State:
        return await self.update(resource.State(id="", outputs={}), inputs, preview=preview)

    async def read(self, state: resource.State) -> resource.State | None:
        namespace = state.outputs["namespace"]
        return state if await record_store.find_current(self._cluster, namespace) is not None else None

    async def update(self, state: resource.State, inputs: values.Properties, *, preview: bool) -> resource.State:
        outputs: dict[str, Any] = {SINCE: values.UNKNOWN, HISTORY: values.UNKNOWN}
        if not preview:
            await self._lost_state.remove_former_fields(self._log)
            await self._lost_state.merge_new_managers(self._log)
            outputs = await self._write(inputs, stack_state.parse_history(state.outputs) or _list_former(state.outputs))
        return resource.State(id=record_store.CURRENT_NAME, outputs={**inputs, **outputs})

    async def delete(self, state: resource.State) -> None:
        """Delete the current release: nothing runs any more. The records stay as long as the namespace exists."""
        namespace = state.outputs["namespace"]
        await self._cluster.delete(record_store.get_path(namespace, record_store.CURRENT_NAME))

    async def _is_recorded(self, before: resource.State, inputs: values.Properties) -> bool:
        """Whether the cluster has the current release and its record as in the state."""
        namespace, release = inputs["namespace"], inputs[RELEASE]
        sha256 = {recorded.id: recorded.sha256 for recorded in stack_state.parse_history(before.outputs)}
        try:
            current, stored = await asyncio.gather(
                record_store.find_current(self._cluster, namespace),
                record_store.find(self._cluster, namespace, release),
            )
        except record_store.RecordChanged:
            return False
        if current is None or stored is None:
            return False
        return current.id == release and stored.sha256 == sha256.get(release)

    async def _write(self, inputs: values.Properties, history: tuple[record.RecordSummary, ...]) -> dict[str, Any]:
        """Write the record, then the current release. Returns the outputs."""
        namespace, release = inputs["namespace"], inputs[RELEASE]
        recorded = {earlier.id: earlier for earlier in history}.get(release)
        try:
            location = diagnosis.SourceLocation(f"release {release}")
            release_record = record.ReleaseRecord.decode(encode.to_node(inputs["record"], location))
            sha256 = await self._write_record(namespace, release, release_record, inputs, recorded)
        except (diagnosis.InvalidInput, LookupError) as error:
            raise engine.ResourceError(str(error)) from None
        current = await self._write_current(namespace, release, release_record)
        first_recorded = recorded.recorded if recorded else current.since
        history = (
            record.RecordSummary(id=release, sha256=sha256, recorded=first_recorded),
            *(earlier for earlier in history if earlier.id != release),
        )
        # Delete only what this stack has written: anybody can set labels and names in the cluster.
        for expired in history[RETAINED_RELEASES + 2 :]:
            await record_store.delete(self._cluster, namespace, expired.id)
        return {SINCE: current.since, HISTORY: stack_state.encode_history(history[: RETAINED_RELEASES + 2])}

    async def _write_current(
        self, namespace: str, release: str, release_record: record.ReleaseRecord
    ) -> record_store.CurrentRelease:
        path = record_store.get_path(namespace, record_store.CURRENT_NAME)
        config_map = await self._cluster.find(path)
        current = record_store.parse_current(config_map)
        if current is None or current.id != release or not current.since:
            now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            previous = current.id if current else None
            current = record_store.CurrentRelease(id=release, previous=previous, since=now)
        manager = record_store.FIELD_MANAGER
        if config_map and any(field.get("manager") != manager for field in fields.list_managers(config_map)):
            # It was edited by hand: the fields of the other manager would be a conflict.
            await self._cluster.delete(path)
        await self._cluster.apply(path, record_store.build_current(release_record, current), field_manager=manager)
        return current

    async def _write_record(
        self,
        namespace: str,
        release: str,
        release_record: record.ReleaseRecord,
        inputs: values.Properties,
        recorded: record.RecordSummary | None,
    ) -> str:
        """Write the record, and return its SHA-256. An existing record that the state vouches for stays as it is.

        The same content may have another digest by now: its base image was rebuilt, or the registry is another.
        """
        try:
            stored = await record_store.find(self._cluster, namespace, release)
            is_vouched = stored and recorded and stored.sha256 == recorded.sha256
            if stored and is_vouched and stored.read_text() == stored_record.encode_record(release_record):
                return stored.sha256
        except (record_store.RecordChanged, stored_record.UnreadableRecordError):
            pass  # it is written again
        provenance = encode.to_node(inputs[PROVENANCE], diagnosis.SourceLocation(PROVENANCE))
        stored = stored_record.StoredRecord.create(release_record, decode.decode_node(releases.Provenance, provenance))
        await record_store.write(self._cluster, namespace, release, release_record, stored)
        return stored.sha256


def _list_former(outputs: values.Properties) -> tuple[record.RecordSummary, ...]:
    """The release of a state without a history, which it has as healthy, but without the SHA-256 of its record."""
    if not outputs.get(RELEASE):
        return ()
    return (record.RecordSummary(id=str(outputs[RELEASE]), recorded=str(outputs.get(SINCE) or "")),)
