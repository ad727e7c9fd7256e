"""Where releases are kept: in the namespace itself, readable with a kubeconfig and kubectl.

``release-<id>`` holds one release and never changes. ``release-current`` says which of them runs: the one whose
rollout succeeded last.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, cast

from seaway.cluster import client, errors, paths
from seaway.manifests import names, yamlout
from seaway.model import decode, encode, nodes, problems
from seaway.release import record
from seaway.release import release as releases

MANAGER = "seaway"
"""Our field manager."""

LABEL = "seaway/release"
OWNER = "release"
"""What these objects belong to, in the label that says so."""

POINTER = "release-current"
TEXT = "release.yaml"
PROVENANCE = "provenance.yaml"
PACKED = "manifests.json.gz"
JOBS = "jobs.json.gz"
LIMIT = 1_000_000
"""Bytes of a ConfigMap's data: Kubernetes takes a MiB, names and labels included."""

_UNKNOWN = releases.Provenance()


class Missing(errors.Unavailable):
    """There is no such release in the cluster; the text is for the user, in one line."""


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
    provenance: releases.Provenance

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


def config_map(one: record.Record, release: str, provenance: releases.Provenance = _UNKNOWN) -> dict[str, Any]:
    """The ConfigMap that holds a release as one environment has it.

    Raises:
        ValueError: it is too big for one; the text says so in one line.
    """
    text = yamlout.text(one.plain())
    packed = {PACKED: record.packed(record.manifests(one)), JOBS: record.packed(record.jobs(one))}
    size = len(text.encode()) + sum(map(len, packed.values()))
    if size > LIMIT:
        raise ValueError(
            f"the record of release {release} has {size} bytes, and a ConfigMap takes {LIMIT}: the services' `files`"
            " are too big; build big ones into the image"
        )
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(one, name_of(release), release),
        "immutable": True,
        "data": {TEXT: text, PROVENANCE: yamlout.text(encode.plain(provenance))},
        "binaryData": packed,
    }


def same(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether two ConfigMaps hold the same release, wherever it came from."""
    texts = [cast(Mapping[str, str], one.get("data") or {}).get(TEXT) for one in (found, wanted)]
    return texts[0] == texts[1] and found.get("binaryData") == wanted["binaryData"]


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
    if not data.get("id"):
        return None
    return Pointer(id=data["id"], previous=data.get("previous") or None, since=data.get("since", ""))


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


async def recorded(cluster: client.Cluster, namespace: str, release: str) -> record.Record:
    """A release's record.

    Raises:
        Missing: there is no such release.
        problems.Invalid: it is no record that this version of Seaway understands.
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    name = name_of(release)
    data: Mapping[str, str] = (await _found(cluster, namespace, release)).get("data") or {}
    return record.Record.decode(nodes.parse(data.get(TEXT, "").encode(), f"ConfigMap/{name}"))


async def promoted(cluster: client.Cluster, namespace: str, record_id: str) -> releases.Release:
    """The release itself, of which a record is what one environment made.

    Raises:
        Missing: there is no such record.
        problems.Invalid: it is none that this version of Seaway understands.
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    found = await _found(cluster, namespace, record_id)
    data: Mapping[str, str] = found.get("data") or {}
    place = f"ConfigMap/{name_of(record_id)}"
    one = record.Record.decode(nodes.parse(data.get(TEXT, "").encode(), place))
    return one.promoted(_provenance(data, place), found["metadata"]["creationTimestamp"])


async def records(cluster: client.Cluster, namespace: str) -> dict[str, Entry]:
    """The records that the namespace has by their ids, newest first.

    Raises:
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    listed = await cluster.get(path(namespace), labelSelector=LABEL)
    found = [_entry(one) for one in listed["items"] if one["metadata"]["name"] != POINTER]
    newest = sorted(found, key=lambda entry: (entry.recorded, entry.id), reverse=True)
    return {entry.id: entry for entry in newest}


async def manifests(cluster: client.Cluster, namespace: str, release: str) -> list[dict[str, Any]]:
    """A release's objects but the Secrets, as they were deployed.

    Raises:
        Missing: there is no such release, or its objects cannot be read.
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    data: Mapping[str, str] = (await _found(cluster, namespace, release)).get("binaryData") or {}
    try:
        return record.unpacked(data.get(PACKED, "")) + record.unpacked(data.get(JOBS, ""))
    except ValueError as error:
        name = f"ConfigMap/{name_of(release)} in namespace {namespace}"
        raise Missing(f"the objects in {name} cannot be read: {error}") from None


def _entry(found: Mapping[str, Any]) -> Entry:
    meta: Mapping[str, Any] = found["metadata"]
    try:
        came = _provenance(found.get("data") or {}, f"ConfigMap/{meta['name']}")
    except problems.Invalid:
        came = _UNKNOWN  # a list of records is there all the same
    return Entry(id=meta["name"].removeprefix(name_of("")), recorded=meta["creationTimestamp"], provenance=came)


def _provenance(data: Mapping[str, str], place: str) -> releases.Provenance:
    return decode.decode(releases.Provenance, nodes.parse(data.get(PROVENANCE, "{}").encode(), place))


async def _found(cluster: client.Cluster, namespace: str, release: str) -> Mapping[str, Any]:
    found = await cluster.find(path(namespace, name_of(release)))
    if found is None:
        raise Missing(f"release {release} is not recorded in namespace {namespace}")
    return cast(Mapping[str, Any], found)


def _metadata(one: record.Record, name: str, release: str) -> dict[str, Any]:
    namespace = one.namespace
    scope = names.Scope(application=one.app.name, stack=one.settings["stack"], namespace=namespace)
    return {"name": name, "namespace": namespace, "labels": names.labels(scope, OWNER) | {LABEL: release}}
