"""Where releases are kept: in the namespace itself, readable with a kubeconfig and kubectl.

``release-<id>`` holds one release and never changes; a big one goes on in ``release-<id>.1`` and so on.
``release-current`` says which of them runs: the one whose rollout succeeded last.

All of this is evidence of what runs, and authority over nothing: whoever may write ConfigMaps may write these. What is
to be deployed again is compared with the SHA-256 in the stack's state (``seaway.release.state``), or comes from a file.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from seaway import errors
from seaway.kubernetes.api import kinds
from seaway.kubernetes.cluster import client
from seaway.manifests import names
from seaway.project import release as releases
from seaway.project import release_lock
from seaway.release import record, stored_record
from seaway.syntax import diagnosis

FIELD_MANAGER = "seaway"
"""Our field manager."""

RELEASE_LABEL = "seaway/release"

MAX_PARTS = 200
"""ConfigMaps of one record: some 180 MB compressed, ten times what `pulumi up` itself could carry."""

OWNER_NAME = "release"
"""What these objects belong to, in the label that says so."""

CURRENT_NAME = "release-current"

_UNKNOWN_PROVENANCE = releases.Provenance()
_TIME_PATTERN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_SHOWN_DIGITS = 12
"""Characters to show of a SHA-256."""


class ReleaseNotFound(errors.Unavailable):
    """There is no such release in the cluster; the text is for the user, in one line."""


class RecordChanged(errors.Unavailable):
    """The record in the cluster is not what was written there; the text is for the user, in one line."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CurrentRelease:
    """Which release runs."""

    id: str
    previous: str | None
    since: str
    """When it became the current one: RFC 3339, in UTC."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecordSummary:
    """One record in a list of them."""

    id: str
    recorded: str
    """When it was made: RFC 3339, in UTC."""
    provenance: releases.Provenance = _UNKNOWN_PROVENANCE

    @property
    def release_id(self) -> str:
        """The release that it is of."""
        return record.parse_release_id(self.id)


def get_path(namespace: str, name: str = "") -> str:
    """Of a ConfigMap in the API, or of all."""
    return kinds.build_path("ConfigMap", namespace, name)


def get_name(record_id: str) -> str:
    """The ConfigMap of a release."""
    return f"release-{record_id}"


def build_config_maps(
    release_record: record.ReleaseRecord, record_id: str, stored_files: stored_record.StoredRecord
) -> list[dict[str, Any]]:
    """The ConfigMaps that hold a record, the first one first: ``release-<id>``, then ``release-<id>.1``, ..."""
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": _build_metadata(release_record, _get_part_name(record_id, number), record_id),
            "immutable": True,
            **part,
        }
        for number, part in enumerate(stored_files.split_parts())
    ]


def build_current(release_record: record.ReleaseRecord, current: CurrentRelease) -> dict[str, Any]:
    """The ConfigMap that names the current release."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _build_metadata(release_record, CURRENT_NAME, current.id),
        "data": {"id": current.id, "previous": current.previous or "", "since": current.since},
    }


def parse_current(config_map: Mapping[str, Any] | None) -> CurrentRelease | None:
    """What a pointer says; None if there is none, or it says nothing."""
    data: Mapping[str, str] = (config_map or {}).get("data") or {}
    id_, previous, since = (data.get(key, "") for key in ("id", "previous", "since"))
    if not release_lock.ID_PATTERN.fullmatch(id_):
        return None
    return CurrentRelease(
        id=id_,
        previous=previous if release_lock.ID_PATTERN.fullmatch(previous) else None,
        since=since if _TIME_PATTERN.fullmatch(since) else "",
    )


async def read_current(cluster: client.KubeClient, namespace: str) -> CurrentRelease:
    """Which release runs.

    Raises:
        Missing: none is recorded.
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    found = parse_current(await cluster.find(get_path(namespace, CURRENT_NAME)))
    if found is None:
        raise ReleaseNotFound(
            f"no release is recorded in namespace {namespace}: the next pulumi up that succeeds writes one"
        )
    return found


async def read(
    cluster: client.KubeClient, namespace: str, record_id: str, *, sha256: str | None = None
) -> stored_record.StoredRecord:
    """A record, which is what was written there.

    Args:
        id_: of the record.
        sha256: what the stack's state says that its bytes hash to. None: nobody vouches for it. It is then evidence
            of what runs and must not be deployed; only damage is found.

    Raises:
        Missing: there is no such record.
        Changed: it was changed, or cannot be read.
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    found = await find(cluster, namespace, record_id)
    if found is None:
        raise ReleaseNotFound(f"release {record_id} is not recorded in namespace {namespace}")
    expected, voucher = (sha256, "the stack's state") if sha256 else (found.declared_sha256, "it")
    if expected is not None and found.sha256 != expected:
        raise RecordChanged(
            f"the record of release {record_id} in namespace {namespace} is not what was written there: its SHA-256 is"
            f" {found.sha256[:_SHOWN_DIGITS]}..., and {voucher} says {expected[:_SHOWN_DIGITS]}...; the next up that"
            " succeeds writes it again"
        )
    return found


async def read_manifests(
    cluster: client.KubeClient, namespace: str, record_id: str, *, sha256: str | None = None
) -> list[dict[str, Any]]:
    """A record's objects but the Secrets, as they were deployed; ``sha256``: see ``read``.

    Raises:
        Missing: there is no such record.
        Changed: it was changed, or its objects cannot be read.
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    found = await read(cluster, namespace, record_id, sha256=sha256)
    try:
        return found.read_manifests(stored_record.MAX_BYTES if sha256 else stored_record.MAX_UNTRUSTED_BYTES)
    except stored_record.UnreadableRecordError as error:
        name = f"ConfigMap/{get_name(record_id)} in namespace {namespace}"
        raise RecordChanged(f"the objects in {name} cannot be read: {error}") from None


async def find(cluster: client.KubeClient, namespace: str, record_id: str) -> stored_record.StoredRecord | None:
    """A record as it is in the cluster, whoever wrote it; None: there is none.

    Raises:
        Changed: it cannot be read.
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    first = await cluster.find(get_path(namespace, _get_part_name(record_id, 0)))
    if first is None:
        return None
    try:
        data: Mapping[str, str] = first.get("data") or {}
        parts = int(data.get(stored_record.PARTS_KEY, "1"))
        if not 1 <= parts <= MAX_PARTS:
            raise stored_record.UnreadableRecordError(f"it has {parts} parts")
        rest = [
            await cluster.find(get_path(namespace, _get_part_name(record_id, number))) for number in range(1, parts)
        ]
        there = [one for one in rest if one is not None]
        if len(there) < len(rest):
            raise stored_record.UnreadableRecordError(f"it has {parts} parts, and {1 + len(there)} are there")
        return stored_record.StoredRecord.join_parts([first, *there])
    except ValueError as error:
        raise RecordChanged(
            f"the record of release {record_id} in namespace {namespace} cannot be read: {error}"
        ) from None


async def write(
    cluster: client.KubeClient,
    namespace: str,
    record_id: str,
    release_record: record.ReleaseRecord,
    stored_files: stored_record.StoredRecord,
) -> None:
    """Write a record. One of this id that is there is replaced: nothing in it can be changed.

    Raises:
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    await delete(cluster, namespace, record_id)
    # The first part comes last: a record that was not written to its end is not there.
    for each in reversed(build_config_maps(release_record, record_id, stored_files)):
        await cluster.apply(get_path(namespace, each["metadata"]["name"]), each, field_manager=FIELD_MANAGER)


async def delete(cluster: client.KubeClient, namespace: str, record_id: str) -> None:
    """Delete a record with all of its parts. A label on another object is not a reason to delete it.

    Raises:
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    listed = await cluster.get(get_path(namespace), labelSelector=f"{RELEASE_LABEL}={record_id}")
    labelled = {one["metadata"]["name"] for one in listed["items"]}
    parts = labelled & {_get_part_name(record_id, number) for number in range(1, MAX_PARTS)}
    for name in (_get_part_name(record_id, 0), *sorted(parts)):
        await cluster.delete(get_path(namespace, name))


async def list_records(cluster: client.KubeClient, namespace: str) -> dict[str, RecordSummary]:
    """The records that the namespace has by their ids, newest first.

    Raises:
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    listed = await cluster.get(get_path(namespace), labelSelector=RELEASE_LABEL)
    ours = [one for one in listed["items"] if one["metadata"]["name"] != CURRENT_NAME]
    # The further parts of a big one have a dot in their names, which no id has.
    found = [
        _summarize(one)
        for one in ours
        if release_lock.ID_PATTERN.fullmatch(one["metadata"]["name"].removeprefix(get_name("")))
    ]
    newest = sorted(found, key=lambda entry: (entry.recorded, entry.id), reverse=True)
    return {entry.id: entry for entry in newest}


def _summarize(found: Mapping[str, Any]) -> RecordSummary:
    meta: Mapping[str, Any] = found["metadata"]
    try:
        came = stored_record.StoredRecord.join_parts([found]).decode_provenance(f"ConfigMap/{meta['name']}")
    except (diagnosis.InvalidInput, ValueError):
        came = _UNKNOWN_PROVENANCE  # a list of records is there all the same
    return RecordSummary(
        id=meta["name"].removeprefix(get_name("")), recorded=meta["creationTimestamp"], provenance=came
    )


def _get_part_name(id_: str, number: int) -> str:
    return f"{get_name(id_)}.{number}" if number else get_name(id_)


def _build_metadata(one: record.ReleaseRecord, name: str, release: str) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": one.namespace,
        "labels": names.build_labels(one.environment, OWNER_NAME) | {RELEASE_LABEL: release},
    }
