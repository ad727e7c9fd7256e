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
from seaway.kubernetes.api import paths
from seaway.kubernetes.cluster import client
from seaway.manifests import names
from seaway.release import lock, record, stored_record
from seaway.release import release as releases
from seaway.syntax import diagnosis

MANAGER = "seaway"
"""Our field manager."""

LABEL = "seaway/release"

MOST_PARTS = 200
"""ConfigMaps of one record: some 180 MB compressed, ten times what `pulumi up` itself could carry."""

OWNER = "release"
"""What these objects belong to, in the label that says so."""

POINTER = "release-current"

_UNKNOWN = releases.Provenance()
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_SHORTEST_ID = 12
"""Characters to show of a SHA-256."""


class Missing(errors.Unavailable):
    """There is no such release in the cluster; the text is for the user, in one line."""


class Changed(errors.Unavailable):
    """The record in the cluster is not what was written there; the text is for the user, in one line."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """Which release runs."""

    id: str
    previous: str | None
    since: str
    """When it became the current one: RFC 3339, in UTC."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One record in a list of them."""

    id: str
    recorded: str
    """When it was made: RFC 3339, in UTC."""
    provenance: releases.Provenance = _UNKNOWN

    @property
    def release(self) -> str:
        """The release that it is of."""
        return record.release_of(self.id)


def path(namespace: str, name: str = "") -> str:
    """Of a ConfigMap in the API, or of all."""
    return paths.path("v1", "ConfigMap", namespace, name)


def name_of(release: str) -> str:
    """The ConfigMap of a release."""
    return f"release-{release}"


def config_maps(one: record.Record, id_: str, saved: stored_record.StoredRecord) -> list[dict[str, Any]]:
    """The ConfigMaps that hold a record, the first one first: ``release-<id>``, then ``release-<id>.1``, ..."""
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": _metadata(one, _part_name(id_, number), id_),
            "immutable": True,
            **part,
        }
        for number, part in enumerate(saved.parts())
    ]


def pointer(one: record.Record, current: Pointer) -> dict[str, Any]:
    """The ConfigMap that names the current release."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(one, POINTER, current.id),
        "data": {"id": current.id, "previous": current.previous or "", "since": current.since},
    }


def pointed(found: Mapping[str, Any] | None) -> Pointer | None:
    """What a pointer says; None if there is none, or it says nothing."""
    data: Mapping[str, str] = (found or {}).get("data") or {}
    id_, previous, since = (data.get(key, "") for key in ("id", "previous", "since"))
    if not lock.ID.fullmatch(id_):
        return None
    return Pointer(
        id=id_,
        previous=previous if lock.ID.fullmatch(previous) else None,
        since=since if _TIME.fullmatch(since) else "",
    )


async def current(cluster: client.Cluster, namespace: str) -> Pointer:
    """Which release runs.

    Raises:
        Missing: none is recorded.
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    found = pointed(await cluster.find(path(namespace, POINTER)))
    if found is None:
        raise Missing(f"no release is recorded in namespace {namespace}: the next pulumi up that succeeds writes one")
    return found


async def read(
    cluster: client.Cluster, namespace: str, id_: str, *, sha256: str | None = None
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
    found = await find(cluster, namespace, id_)
    if found is None:
        raise Missing(f"release {id_} is not recorded in namespace {namespace}")
    expected, voucher = (sha256, "the stack's state") if sha256 else (found.stated, "it")
    if expected is not None and found.sha256 != expected:
        raise Changed(
            f"the record of release {id_} in namespace {namespace} is not what was written there: its SHA-256 is"
            f" {found.sha256[:_SHORTEST_ID]}..., and {voucher} says {expected[:_SHORTEST_ID]}...; the next up that"
            " succeeds writes it again"
        )
    return found


async def manifests(
    cluster: client.Cluster, namespace: str, id_: str, *, sha256: str | None = None
) -> list[dict[str, Any]]:
    """A record's objects but the Secrets, as they were deployed; ``sha256``: see ``read``.

    Raises:
        Missing: there is no such record.
        Changed: it was changed, or its objects cannot be read.
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    found = await read(cluster, namespace, id_, sha256=sha256)
    try:
        return found.manifests(stored_record.LARGEST if sha256 else stored_record.LARGEST_UNVOUCHED)
    except stored_record.UnreadableRecordError as error:
        name = f"ConfigMap/{name_of(id_)} in namespace {namespace}"
        raise Changed(f"the objects in {name} cannot be read: {error}") from None


async def find(cluster: client.Cluster, namespace: str, id_: str) -> stored_record.StoredRecord | None:
    """A record as it is in the cluster, whoever wrote it; None: there is none.

    Raises:
        Changed: it cannot be read.
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    first = await cluster.find(path(namespace, _part_name(id_, 0)))
    if first is None:
        return None
    try:
        data: Mapping[str, str] = first.get("data") or {}
        parts = int(data.get(stored_record.PARTS, "1"))
        if not 1 <= parts <= MOST_PARTS:
            raise stored_record.UnreadableRecordError(f"it has {parts} parts")
        rest = [await cluster.find(path(namespace, _part_name(id_, number))) for number in range(1, parts)]
        there = [one for one in rest if one is not None]
        if len(there) < len(rest):
            raise stored_record.UnreadableRecordError(f"it has {parts} parts, and {1 + len(there)} are there")
        return stored_record.StoredRecord.joined([first, *there])
    except ValueError as error:
        raise Changed(f"the record of release {id_} in namespace {namespace} cannot be read: {error}") from None


async def write(
    cluster: client.Cluster, namespace: str, id_: str, one: record.Record, saved: stored_record.StoredRecord
) -> None:
    """Write a record. One of this id that is there is replaced: nothing in it can be changed.

    Raises:
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    await delete(cluster, namespace, id_)
    # The first part comes last: a record that was not written to its end is not there.
    for each in reversed(config_maps(one, id_, saved)):
        await cluster.apply(path(namespace, each["metadata"]["name"]), each, manager=MANAGER)


async def delete(cluster: client.Cluster, namespace: str, id_: str) -> None:
    """Delete a record with all of its parts. A label on another object is not a reason to delete it.

    Raises:
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    listed = await cluster.get(path(namespace), labelSelector=f"{LABEL}={id_}")
    labelled = {one["metadata"]["name"] for one in listed["items"]}
    parts = labelled & {_part_name(id_, number) for number in range(1, MOST_PARTS)}
    for name in (_part_name(id_, 0), *sorted(parts)):
        await cluster.delete(path(namespace, name))


async def records(cluster: client.Cluster, namespace: str) -> dict[str, Entry]:
    """The records that the namespace has by their ids, newest first.

    Raises:
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    listed = await cluster.get(path(namespace), labelSelector=LABEL)
    ours = [one for one in listed["items"] if one["metadata"]["name"] != POINTER]
    # The further parts of a big one have a dot in their names, which no id has.
    found = [_entry(one) for one in ours if lock.ID.fullmatch(one["metadata"]["name"].removeprefix(name_of("")))]
    newest = sorted(found, key=lambda entry: (entry.recorded, entry.id), reverse=True)
    return {entry.id: entry for entry in newest}


def _entry(found: Mapping[str, Any]) -> Entry:
    meta: Mapping[str, Any] = found["metadata"]
    try:
        came = stored_record.StoredRecord.joined([found]).provenance(f"ConfigMap/{meta['name']}")
    except (diagnosis.Invalid, ValueError):
        came = _UNKNOWN  # a list of records is there all the same
    return Entry(id=meta["name"].removeprefix(name_of("")), recorded=meta["creationTimestamp"], provenance=came)


def _part_name(id_: str, number: int) -> str:
    return f"{name_of(id_)}.{number}" if number else name_of(id_)


def _metadata(one: record.Record, name: str, release: str) -> dict[str, Any]:
    namespace = one.namespace
    scope = names.Scope(application=one.app.name, stack=one.settings["stack"], namespace=namespace)
    return {"name": name, "namespace": namespace, "labels": names.labels(scope, OWNER) | {LABEL: release}}
