"""A stored record: files of bytes with one SHA-256 over all of them, in as many ConfigMaps as they need.

Only the methods that say so decode a file: a reader compares ``sha256`` first. Objects are read as they were written;
an old record is never rendered again.
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
from seaway.project import release, release_lock
from seaway.release import record
from seaway.syntax import decode, diagnosis, encode

RECORD_FILE = "release.yaml"
PROVENANCE_FILE = "provenance.yaml"
MANIFESTS_FILE = "manifests.json.gz"
JOBS_FILE = "jobs.json.gz"
ROLLOUT_FILE = "rollout.json.gz"
"""The order of the objects, and how each is rolled out: the lists for kubectl do not have it."""

MAX_PART_BYTES = 900_000
"""Bytes of data in one ConfigMap: Kubernetes accepts 1 MiB, including keys and metadata."""

MAX_BYTES = 256 * 1024 * 1024
"""Maximum bytes of a decompressed file: a record must not exhaust the memory."""

MAX_UNTRUSTED_BYTES = 16 * 1024 * 1024
"""The same for a record without a trusted checksum: parsed values take many times the memory of their text."""

MAX_PROVENANCE_BYTES = 200_000
"""Of the origin of a release, which is decoded without a trusted checksum: for each record that is listed."""

_COMPRESSED_RECORD_FILE = f"{RECORD_FILE}.gz"
"""In place of ``RECORD_FILE`` where the files do not fit in one ConfigMap."""

SHA256_KEY = "sha256"
PARTS_KEY = "parts"
_METADATA_KEYS = (release_lock.FORMAT_KEY, SHA256_KEY, PARTS_KEY)
"""Keys of the first ConfigMap that are not files."""


class UnreadableRecordError(ValueError):
    """The record is invalid, or this version cannot read its format. The text is one line."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """The files of a record, by name.

    Methods that read a file raise ``UnreadableRecordError``. Those that decode one also raise
    ``diagnosis.InvalidInput``, if this version of Seaway cannot read it.
    """

    files: Mapping[str, bytes]
    format: int = release_lock.FORMAT
    declared_sha256: str | None = None
    """The SHA-256 in its first ConfigMap: it detects damage, not forgery."""

    @classmethod
    def create(cls, release_record: record.ReleaseRecord, provenance: release.Provenance) -> Self:
        """The files of a record that is deployed now.

        Raises:
            LookupError: an image or the fingerprint of a secret is missing.
        """
        release_objects = release_record.render_objects()
        manifests = [release_object.manifest for release_object in release_objects]
        files = {
            # Uncompressed files come first: they are never split.
            PROVENANCE_FILE: release_lock.format_text(encode.to_plain(provenance)).encode(),
            RECORD_FILE: encode_record(release_record),
            MANIFESTS_FILE: pack_manifests(
                [manifest for manifest in manifests if manifest["kind"] not in ("Secret", "Job")]
            ),
            # Separate: a rollback with kubectl must not run a migration again.
            JOBS_FILE: pack_manifests([manifest for manifest in manifests if manifest["kind"] == "Job"]),
            ROLLOUT_FILE: _compress(list(_encode_rollout(release_objects))),
        }
        if sum(map(len, files.values())) > MAX_PART_BYTES:
            files[_COMPRESSED_RECORD_FILE] = gzip.compress(files.pop(RECORD_FILE), mtime=0)
        return cls(files=files)

    @classmethod
    def join_parts(cls, config_maps: Sequence[Mapping[str, Any]]) -> Self:
        """The record in its ConfigMaps, which are in order.

        Raises:
            UnreadableRecordError: a value is not base64, or its format is newer than this version of Seaway.
        """
        metadata: Mapping[str, str] = config_maps[0].get("data") or {}
        text = metadata.get(release_lock.FORMAT_KEY, "0")
        try:
            number = release_lock.parse_format(text, diagnosis.SourceLocation(""))
        except diagnosis.InvalidInput as error:
            raise UnreadableRecordError(f"its {error.diagnostics[0].message}; {error.diagnostics[0].hint}") from None
        files: dict[str, bytes] = {}
        try:
            for config_map in config_maps:
                texts: Mapping[str, str] = config_map.get("data") or {}
                binary: Mapping[str, str] = config_map.get("binaryData") or {}
                part = {name: text.encode() for name, text in texts.items() if name not in _METADATA_KEYS}
                part |= {name: base64.b64decode(text) for name, text in binary.items()}
                for name, content in part.items():
                    # A file that is split has the same key in each part.
                    files[name] = files.get(name, b"") + content
        except (ValueError, AttributeError) as error:
            raise UnreadableRecordError(f"its data cannot be read ({error})") from None
        return cls(files=files, format=number, declared_sha256=metadata.get(SHA256_KEY))

    @property
    def sha256(self) -> str:
        """The checksum of all bytes of all files."""
        sums = {name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()}
        sums[release_lock.FORMAT_KEY] = str(self.format)
        return hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest()

    def split_parts(self) -> list[dict[str, dict[str, str]]]:
        """``data`` and ``binaryData`` of its ConfigMaps, in order.

        A compressed file is split where a ConfigMap is full, and continues under the same key in the next.
        """
        parts: list[dict[str, bytes]] = [{}]
        for name, content in self.files.items():
            rest = content
            while len(rest) > (room := MAX_PART_BYTES - sum(map(len, parts[-1].values()))):
                parts[-1][name], rest = rest[:room], rest[room:]
                parts.append({})
            parts[-1][name] = rest
        encoded = [_encode_part(part) for part in parts]
        encoded[0]["data"] |= {
            release_lock.FORMAT_KEY: str(self.format),
            SHA256_KEY: self.sha256,
            PARTS_KEY: str(len(parts)),
        }
        return encoded

    def read_text(self) -> bytes:
        """The YAML of the record."""
        if _COMPRESSED_RECORD_FILE in self.files:
            return _decompress(self.files[_COMPRESSED_RECORD_FILE])
        return self.files.get(RECORD_FILE, b"")

    def decode_record(self, source: str) -> record.ReleaseRecord:
        """The record; ``source``: its name in messages."""
        return record.ReleaseRecord.decode(release_lock.parse_content(self.read_text(), source)[1])

    def decode_provenance(self, source: str) -> release.Provenance:
        """The origin of the release."""
        content = self.files.get(PROVENANCE_FILE, b"{}")
        if len(content) > MAX_PROVENANCE_BYTES:
            raise UnreadableRecordError(f"{PROVENANCE_FILE} has more than {MAX_PROVENANCE_BYTES} bytes")
        node = release_lock.parse_content(content, source)[1]
        return decode.decode_node(release.Provenance, node)

    def read_manifests(self, limit: int = MAX_BYTES) -> list[dict[str, Any]]:
        """Its objects without Secrets, as they were deployed."""
        files = (self.files.get(name, b"") for name in (MANIFESTS_FILE, JOBS_FILE))
        return [manifest for content in files for manifest in unpack_manifests(content, limit)]

    def read_objects(self) -> list[objects.ReleaseObject] | None:
        """Its objects as they were deployed, Secrets without values; None: format 0 does not have them."""
        if ROLLOUT_FILE not in self.files:
            return None
        manifests = {(manifest["kind"], manifest["metadata"]["name"]): manifest for manifest in self.read_manifests()}
        try:
            encoded: list[dict[str, Any]] = json.loads(_decompress(self.files[ROLLOUT_FILE]))
            return record.decode_objects(
                {**plain, "manifest": plain["manifest"] or manifests[tuple(plain["object"])]} for plain in encoded
            )
        except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
            raise UnreadableRecordError(f"its objects cannot be read ({error})") from None


def encode_record(release_record: record.ReleaseRecord) -> bytes:
    """The YAML of a record, as it is stored."""
    return release_lock.format_text(release_record.to_plain()).encode()


def pack_manifests(manifests: Sequence[dict[str, Any]]) -> bytes:
    """A compressed list for kubectl: the same bytes for the same objects."""
    return _compress({"apiVersion": "v1", "kind": "List", "items": manifests})


def unpack_manifests(content: bytes, limit: int = MAX_BYTES) -> list[dict[str, Any]]:
    """The objects of ``pack_manifests``; ``limit``: maximum bytes when they are decompressed.

    Raises:
        UnreadableRecordError: it is not such a list.
    """
    try:
        manifests = cast(list[dict[str, Any]], json.loads(_decompress(content, limit))["items"])
        texts = [
            text
            for manifest in manifests
            for text in (manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"])
        ]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise UnreadableRecordError(f"not a packed list of objects ({str(error)[:80]})") from None
    if not all(isinstance(text, str) for text in texts):
        raise UnreadableRecordError("not a packed list of objects (an object has no name)")
    return manifests


def _encode_rollout(release_objects: Sequence[objects.ReleaseObject]) -> Iterator[dict[str, Any]]:
    """The objects in order. Only a Secret has its manifest here; the lists have the other manifests."""
    for release_object, plain in zip(release_objects, record.encode_objects(release_objects), strict=True):
        manifest = plain["manifest"] if release_object.kind == "Secret" else None
        yield {**plain, "manifest": manifest, "object": [release_object.kind, release_object.name]}


def _encode_part(part: Mapping[str, bytes]) -> dict[str, dict[str, str]]:
    """A part as ConfigMap data: texts as they are, compressed files in base64."""
    binary = {name: base64.b64encode(content).decode() for name, content in part.items() if name.endswith(".gz")}
    return {
        "data": {name: content.decode() for name, content in part.items() if name not in binary},
        "binaryData": binary,
    }


def _compress(value: Any) -> bytes:
    return gzip.compress(json.dumps(value, sort_keys=True, separators=(",", ":")).encode(), mtime=0)


def _decompress(content: bytes, limit: int = MAX_BYTES) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            decompressed = stream.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableRecordError(f"not compressed ({error})") from None
    if len(decompressed) > limit:
        raise UnreadableRecordError(f"more than {limit // 1024 // 1024} MiB decompressed")
    return decompressed
