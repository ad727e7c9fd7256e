"""The records of releases in the cluster: ConfigMaps of the namespace, readable with kubectl.

``release-<id>`` holds one record and never changes; a big record continues in ``release-<id>.1`` and so on.
``release-current`` names the current release: the last one whose rollout succeeded.

Records are evidence of what runs, and no authority: everyone who may write ConfigMaps may write them. A record that is
deployed again is compared with the SHA-256 in the stack's state (``seaway.release.stack_state``), or comes from a file.

Functions that take a cluster raise ``errors.Unavailable`` where it is unreachable or refuses access.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from seaway import errors
from seaway.kubernetes.api import kinds
from seaway.kubernetes.cluster import client
from seaway.manifests import names
from seaway.project import release, release_lock
from seaway.release import record, stored_record
from seaway.syntax import diagnosis

FIELD_MANAGER = "seaway"
"""The field manager of the plugin."""

RELEASE_LABEL = "seaway/release"

MAX_PARTS = 200
"""ConfigMaps of one record: some 180 MB compressed, ten times the maximum of `pulumi up`."""

OWNER_NAME = "release"
"""The owner of these objects, in their labels."""

CURRENT_NAME = "release-current"

_TIME_PATTERN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_SHOWN_DIGITS = 12
"""Digits of a SHA-256 in messages."""


class ReleaseNotFound(errors.Unavailable):
    """The cluster does not have the release. The text is one line for the user."""


class RecordChanged(errors.Unavailable):
    """The record in the cluster was changed. The text is one line for the user."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CurrentRelease:
    """The release that runs."""

    id: str
    previous: str | None
    since: str
    """Time when it became the current release: RFC 3339, in UTC."""


def get_path(namespace: str, name: str = "") -> str:
    """The API path of a ConfigMap, or without a name of the list."""
    return kinds.build_path("ConfigMap", namespace, name)


def get_name(record_id: str) -> str:
    """The name of the ConfigMap of a record."""
    return f"release-{record_id}"


def is_record_name(name: str) -> bool:
    """Whether a ConfigMap has the name of a part of a record, or that of the current release."""
    record_id, _, number = name.removeprefix(get_name("")).partition(".")
    return name.startswith(get_name("")) and bool(
        name == CURRENT_NAME or (release_lock.ID_PATTERN.fullmatch(record_id) and (not number or number.isdecimal()))
    )


def build_config_maps(
    release_record: record.ReleaseRecord, record_id: str, stored_files: stored_record.StoredRecord
) -> list[dict[str, Any]]:
    """The ConfigMaps of a record, in order: ``release-<id>``, then ``release-<id>.1``, ..."""
    return [
        _build_config_map(release_record, _get_part_name(record_id, number), record_id, immutable=True, **part)
        for number, part in enumerate(stored_files.split_parts())
    ]


def build_current(release_record: record.ReleaseRecord, current: CurrentRelease) -> dict[str, Any]:
    """The ConfigMap that names the current release."""
    data = {"id": current.id, "previous": current.previous or "", "since": current.since}
    return _build_config_map(release_record, CURRENT_NAME, current.id, data=data)


def parse_current(config_map: Mapping[str, Any] | None) -> CurrentRelease | None:
    """The current release in its ConfigMap; None if it is missing or invalid."""
    data: Mapping[str, str] = (config_map or {}).get("data") or {}
    id_, previous, since = (data.get(key, "") for key in ("id", "previous", "since"))
    if not release_lock.ID_PATTERN.fullmatch(id_):
        return None
    return CurrentRelease(
        id=id_,
        previous=previous if release_lock.ID_PATTERN.fullmatch(previous) else None,
        since=since if _TIME_PATTERN.fullmatch(since) else "",
    )


async def find_current(cluster: client.KubeClient, namespace: str) -> CurrentRelease | None:
    """The current release; None: the cluster has none, or not a valid one."""
    return parse_current(await cluster.find(get_path(namespace, CURRENT_NAME)))


async def read(
    cluster: client.KubeClient, namespace: str, record_id: str, *, sha256: str | None = None
) -> stored_record.StoredRecord:
    """A record that was not changed.

    Without the ``sha256`` of its bytes, which the stack's state has, only damage is detected: the record is evidence of
    what runs then, and must not be deployed.

    Raises:
        ReleaseNotFound: the record does not exist.
        RecordChanged: it was changed, or cannot be read.
    """
    stored_files = await find(cluster, namespace, record_id)
    if stored_files is None:
        raise ReleaseNotFound(f"release {record_id} is not recorded in namespace {namespace}")
    expected, voucher = (sha256, "the stack's state") if sha256 else (stored_files.declared_sha256, "it")
    if expected is not None and stored_files.sha256 != expected:
        raise RecordChanged(
            f"the record of release {record_id} in namespace {namespace} was changed: its SHA-256 is"
            f" {stored_files.sha256[:_SHOWN_DIGITS]}..., and {voucher} has {expected[:_SHOWN_DIGITS]}...; the next"
            " successful up writes it again"
        )
    return stored_files


async def read_manifests(
    cluster: client.KubeClient, namespace: str, record_id: str, *, sha256: str | None = None
) -> list[dict[str, Any]]:
    """The objects of a record without Secrets, as they were deployed. For the arguments and errors see ``read``."""
    stored_files = await read(cluster, namespace, record_id, sha256=sha256)
    try:
        return stored_files.read_manifests(stored_record.MAX_BYTES if sha256 else stored_record.MAX_UNTRUSTED_BYTES)
    except stored_record.UnreadableRecordError as error:
        name = f"ConfigMap/{get_name(record_id)} in namespace {namespace}"
        raise RecordChanged(f"the objects in {name} cannot be read: {error}") from None


async def find(cluster: client.KubeClient, namespace: str, record_id: str) -> stored_record.StoredRecord | None:
    """A record as the cluster has it; None: it does not exist.

    Raises:
        RecordChanged: it cannot be read.
    """
    first = await cluster.find(get_path(namespace, _get_part_name(record_id, 0)))
    if first is None:
        return None
    try:
        data: Mapping[str, str] = first.get("data") or {}
        count = int(data.get(stored_record.PARTS_KEY, "1"))
        if not 1 <= count <= MAX_PARTS:
            raise stored_record.UnreadableRecordError(f"it has {count} parts")
        paths = [get_path(namespace, _get_part_name(record_id, number)) for number in range(1, count)]
        parts = [first, *filter(None, [await cluster.find(path) for path in paths])]
        if len(parts) < count:
            raise stored_record.UnreadableRecordError(f"it has {count} parts, but only {len(parts)} exist")
        return stored_record.StoredRecord.join_parts(parts)
    except ValueError as error:
        message = f"the record of release {record_id} in namespace {namespace} cannot be read: {error}"
        raise RecordChanged(message) from None


async def write(
    cluster: client.KubeClient,
    namespace: str,
    record_id: str,
    release_record: record.ReleaseRecord,
    stored_files: stored_record.StoredRecord,
) -> None:
    """Write a record. An existing record is replaced, because its ConfigMaps are immutable."""
    await delete(cluster, namespace, record_id)
    # The first part is written last: an incomplete record does not exist.
    for manifest in reversed(build_config_maps(release_record, record_id, stored_files)):
        path = get_path(namespace, manifest["metadata"]["name"])
        await cluster.apply(path, manifest, field_manager=FIELD_MANAGER)


async def delete(cluster: client.KubeClient, namespace: str, record_id: str) -> None:
    """Delete a record with all its parts, but no other object with its label."""
    listed = await cluster.get(get_path(namespace), labelSelector=f"{RELEASE_LABEL}={record_id}")
    labelled = {manifest["metadata"]["name"] for manifest in listed["items"]}
    parts = labelled & {_get_part_name(record_id, number) for number in range(1, MAX_PARTS)}
    for name in (_get_part_name(record_id, 0), *sorted(parts)):
        await cluster.delete(get_path(namespace, name))


async def list_records(cluster: client.KubeClient, namespace: str) -> dict[str, record.RecordSummary]:
    """The records in the namespace by id, newest first."""
    listed = await cluster.get(get_path(namespace), labelSelector=RELEASE_LABEL)
    summaries = [
        _summarize(manifest)
        for manifest in listed["items"]
        # Further parts of a big record have a dot in their names, which no id has.
        if manifest["metadata"]["name"] != CURRENT_NAME
        and release_lock.ID_PATTERN.fullmatch(manifest["metadata"]["name"].removeprefix(get_name("")))
    ]
    newest = sorted(summaries, key=lambda summary: (summary.recorded, summary.id), reverse=True)
    return {summary.id: summary for summary in newest}


def _summarize(config_map: Mapping[str, Any]) -> record.RecordSummary:
    metadata = config_map["metadata"]
    name, recorded = metadata["name"], metadata["creationTimestamp"]
    try:
        provenance = stored_record.StoredRecord.join_parts([config_map]).decode_provenance(f"ConfigMap/{name}")
    except (diagnosis.InvalidInput, ValueError):
        provenance = release.Provenance()  # One unreadable record must not hide the others.
    return record.RecordSummary(id=name.removeprefix(get_name("")), recorded=recorded, provenance=provenance)


def _get_part_name(record_id: str, number: int) -> str:
    return f"{get_name(record_id)}.{number}" if number else get_name(record_id)


def _build_config_map(
    release_record: record.ReleaseRecord, name: str, record_id: str, **content: Any
) -> dict[str, Any]:
    labels = names.build_labels(release_record.environment, OWNER_NAME) | {RELEASE_LABEL: record_id}
    metadata = {"name": name, "namespace": release_record.environment.namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **content}
