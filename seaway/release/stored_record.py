"""A record as it is stored: files of bytes with one SHA-256 over all of them, in as many ConfigMaps as they need.

Nothing is decoded here but by the properties that say so: whoever reads a record compares ``sha256`` first. What is
decoded is what was written; an old record is never rendered again.
"""

import base64
import dataclasses
import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self, cast

from seaway.manifests import objects
from seaway.project import release as releases
from seaway.project import release_lock
from seaway.release import record
from seaway.syntax import decode, encode

RECORD_FILE = "release.yaml"
PROVENANCE_FILE = "provenance.yaml"
MANIFESTS_FILE = "manifests.json.gz"
JOBS_FILE = "jobs.json.gz"
ROLLOUT_FILE = "rollout.json.gz"
"""The objects in their order, and how each is rolled out: what the lists for kubectl do not say."""

MAX_PART_BYTES = 900_000
"""Bytes of data in one ConfigMap: Kubernetes takes 1 MiB, keys and metadata included."""

MAX_BYTES = 256 * 1024 * 1024
"""Bytes that a compressed file may have when it is decompressed: the cluster is not trusted with our memory."""

MAX_UNTRUSTED_BYTES = 16 * 1024 * 1024
"""The same where nothing vouches for the record: what is parsed takes many times the memory of its text."""

_COMPRESSED_RECORD_FILE = f"{RECORD_FILE}.gz"
"""In place of ``TEXT`` where all files do not fit in one ConfigMap."""

SHA256_KEY = "sha256"
PARTS_KEY = "parts"
_METADATA_KEYS = (release_lock.FORMAT_KEY, SHA256_KEY, PARTS_KEY)
"""Keys of the first ConfigMap that are not files."""


class UnreadableRecordError(ValueError):
    """It is not a record, or one in a format that this version cannot read; the text says so in one line."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """The files of a record, by name."""

    files: Mapping[str, bytes]
    format: int = release_lock.FORMAT
    declared_sha256: str | None = None
    """The SHA-256 that its first ConfigMap states: it finds damage, not forgery."""

    @classmethod
    def create(cls, release_record: record.ReleaseRecord, provenance: releases.Provenance) -> Self:
        """The files of what is deployed now.

        Raises:
            LookupError: an image or the fingerprint of a secret is missing.
        """
        found = release_record.render_objects()
        files = {
            # First, since what is not compressed is never cut.
            PROVENANCE_FILE: release_lock.format_text(encode.to_plain(provenance)).encode(),
            RECORD_FILE: encode_record(release_record),
            MANIFESTS_FILE: pack_manifests([each.manifest for each in found if each.kind not in ("Secret", "Job")]),
            # Apart, since a migration that has run must not run once more because somebody goes back with kubectl.
            JOBS_FILE: pack_manifests([each.manifest for each in found if each.kind == "Job"]),
            ROLLOUT_FILE: _compress(list(_encode_rollout(found))),
        }
        if sum(map(len, files.values())) > MAX_PART_BYTES:
            files[_COMPRESSED_RECORD_FILE] = gzip.compress(files.pop(RECORD_FILE), mtime=0)
        return cls(files=files)

    @classmethod
    def join_parts(cls, config_maps: Sequence[Mapping[str, Any]]) -> Self:
        """The record in its ConfigMaps, the first one first.

        Raises:
            UnreadableRecordError: a value is not base64, or its format is newer than this version of Seaway.
        """
        stated: Mapping[str, str] = config_maps[0].get("data") or {}
        text = stated.get(release_lock.FORMAT_KEY, "0")
        if text not in map(str, range(release_lock.FORMAT + 1)):
            raise UnreadableRecordError(
                f"its format is {text}, and this version of Seaway reads up to {release_lock.FORMAT}"
            )
        files: dict[str, bytes] = {}
        try:
            for each in config_maps:
                plain: Mapping[str, str] = each.get("data") or {}
                binary: Mapping[str, str] = each.get("binaryData") or {}
                part = {key: value.encode() for key, value in plain.items() if key not in _METADATA_KEYS}
                part |= {key: base64.b64decode(value) for key, value in binary.items()}
                for key, value in part.items():
                    # A file that is in several parts has the same key in each of them.
                    files[key] = files.get(key, b"") + value
        except (ValueError, AttributeError) as error:
            raise UnreadableRecordError(f"its data cannot be read ({error})") from None
        return cls(files=files, format=int(text), declared_sha256=stated.get(SHA256_KEY))

    @property
    def sha256(self) -> str:
        """What vouches for every byte of every file."""
        sums = {name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()}
        sums[release_lock.FORMAT_KEY] = str(self.format)
        return release_lock.hash_bytes(json.dumps(sums, sort_keys=True).encode())

    def split_parts(self) -> list[dict[str, dict[str, str]]]:
        """``data`` and ``binaryData`` of the ConfigMaps that hold it, the first one first.

        What is compressed is cut where a ConfigMap is full, and goes on under the same key in the next one.
        """
        parts: list[dict[str, bytes]] = [{}]
        for name, content in self.files.items():
            rest = content
            while len(rest) > (room := MAX_PART_BYTES - sum(map(len, parts[-1].values()))):
                parts[-1][name], rest = rest[:room], rest[room:]
                parts.append({})
            parts[-1][name] = rest
        written = [_encode_part(part) for part in parts]
        written[0]["data"] |= {
            release_lock.FORMAT_KEY: str(self.format),
            SHA256_KEY: self.sha256,
            PARTS_KEY: str(len(parts)),
        }
        return written

    def read_text(self) -> bytes:
        """The record's own YAML.

        Raises:
            UnreadableRecordError: there is none.
        """
        if _COMPRESSED_RECORD_FILE in self.files:
            return _decompress(self.files[_COMPRESSED_RECORD_FILE])
        return self.files.get(RECORD_FILE, b"")

    def decode_record(self, source: str) -> record.ReleaseRecord:
        """The record; ``shown`` names it in messages.

        Raises:
            UnreadableRecordError: there is none.
            diagnosis.InvalidInput: it is none that this version of Seaway understands.
        """
        return record.ReleaseRecord.decode(release_lock.parse_content(self.read_text(), source)[1])

    def decode_provenance(self, source: str) -> releases.Provenance:
        """Where it comes from.

        Raises:
            diagnosis.InvalidInput: it is none that this version of Seaway understands.
        """
        return decode.decode_node(
            releases.Provenance, release_lock.parse_content(self.files.get(PROVENANCE_FILE, b"{}"), source)[1]
        )

    def read_manifests(self, limit: int = MAX_BYTES) -> list[dict[str, Any]]:
        """Its objects but the Secrets, as they were deployed.

        Raises:
            UnreadableRecordError: they cannot be read.
        """
        return unpack_manifests(self.files.get(MANIFESTS_FILE, b""), limit) + unpack_manifests(
            self.files.get(JOBS_FILE, b""), limit
        )

    def read_objects(self) -> list[objects.ReleaseObject] | None:
        """Its objects as they were deployed, the Secrets without their values; None: it is of format 0, without them.

        Raises:
            UnreadableRecordError: they cannot be read.
        """
        if ROLLOUT_FILE not in self.files:
            return None
        manifests = {(one["kind"], one["metadata"]["name"]): one for one in self.read_manifests()}
        try:
            written: list[dict[str, Any]] = json.loads(_decompress(self.files[ROLLOUT_FILE]))
            return record.decode_objects(
                {**one, "manifest": one["manifest"] or manifests[tuple(one["object"])]} for one in written
            )
        except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
            raise UnreadableRecordError(f"its objects cannot be read ({error})") from None


def encode_record(release_record: record.ReleaseRecord) -> bytes:
    """The record's own YAML, as it is stored."""
    return release_lock.format_text(release_record.to_plain()).encode()


def pack_manifests(manifests: Sequence[dict[str, Any]]) -> bytes:
    """Objects as one compressed list for kubectl: always the same bytes for the same objects."""
    return _compress({"apiVersion": "v1", "kind": "List", "items": manifests})


def unpack_manifests(content: bytes, limit: int = MAX_BYTES) -> list[dict[str, Any]]:
    """The objects of ``pack``; ``limit``: bytes that they may have when they are decompressed.

    Raises:
        UnreadableRecordError: it is nothing of that kind.
    """
    try:
        items = cast(list[dict[str, Any]], json.loads(_decompress(content, limit))["items"])
        texts = [text for one in items for text in (one["apiVersion"], one["kind"], one["metadata"]["name"])]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise UnreadableRecordError(f"not a packed list of objects ({str(error)[:80]})") from None
    if not all(isinstance(text, str) for text in texts):
        raise UnreadableRecordError("not a packed list of objects (one has no name)")
    return items


def _encode_rollout(found: Sequence[objects.ReleaseObject]) -> Iterator[dict[str, Any]]:
    """The objects in their order. Only a Secret has its manifest here; those of the others are in the lists."""
    for one, written in zip(found, record.encode_objects(found), strict=True):
        yield {**written, "object": [one.kind, one.name]} | ({} if one.kind == "Secret" else {"manifest": None})


def _encode_part(part: Mapping[str, bytes]) -> dict[str, dict[str, str]]:
    """A part as a ConfigMap has it: text as it is, what is compressed in base64."""
    binary = {name: base64.b64encode(content).decode() for name, content in part.items() if name.endswith(".gz")}
    return {
        "data": {name: content.decode() for name, content in part.items() if name not in binary},
        "binaryData": binary,
    }


def _compress(value: Any) -> bytes:
    return gzip.compress(json.dumps(value, sort_keys=True, separators=(",", ":")).encode(), mtime=0)


def _decompress(content: bytes, limit: int = MAX_BYTES) -> bytes:
    """At most ``limit`` bytes: what a cluster sends may be made to fill our memory.

    Raises:
        UnreadableRecordError: it is not compressed, or has more.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            found = stream.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableRecordError(f"not compressed ({error})") from None
    if len(found) > limit:
        raise UnreadableRecordError(f"more than {limit // 1024 // 1024} MiB decompressed")
    return found
