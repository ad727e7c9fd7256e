"""What the state of a stack says of its releases: it vouches for what the cluster has recorded.

The state is written by Pulumi after each step, and whoever can write it can deploy anyway. A ConfigMap in the cluster
is written by whoever has the right in one namespace, and vouches for nothing.
"""

import dataclasses
import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self, cast

from seaway import errors
from seaway.project import migration, release, release_lock
from seaway.release import record
from seaway.syntax import decode, diagnosis, encode, nodes

RELEASE_TYPE = "seaway:index:Release"
HISTORY_KEY = "history"

EXPORT_TIMEOUT = 120.0
"""That the backend may take to send a state."""

_LOCATION = diagnosis.SourceLocation("the stack's state")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRelease:
    """A record that the stack has written."""

    release: str
    """Id of the record."""
    sha256: str
    """Of its stored bytes, see ``stored.StoredRecord``."""
    recorded: str
    """When it was deployed for the first time: RFC 3339, in UTC."""

    def to_plain(self) -> dict[str, str]:
        """As the state has it."""
        return dataclasses.asdict(self)


def parse_history(outputs: Mapping[str, Any]) -> tuple[RecordedRelease, ...]:
    """The records in the outputs of a ``Release`` resource, newest first; none: it was written in format 0."""
    found = outputs.get(HISTORY_KEY)
    entries = cast(list[dict[str, str]], found if isinstance(found, list) else [])
    return tuple(
        RecordedRelease(release=one["release"], sha256=one["sha256"], recorded=one["recorded"]) for one in entries
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseState:
    """The last release of a stack that was deployed and became healthy."""

    id: str
    """Id of its record."""
    since: str
    """When it became the current one: RFC 3339, in UTC."""
    record_node: nodes.Node
    """The record itself."""
    provenance: release.Provenance
    history: tuple[RecordedRelease, ...] = ()

    @classmethod
    def find(cls, resources: Iterable[Mapping[str, Any]]) -> Self | None:
        """In the resources of a state, as `pulumi stack export` prints them; None: no release was deployed.

        Raises:
            diagnosis.InvalidInput: its provenance is none that this version of Seaway understands.
        """
        for one in resources:
            # What a replacement has not deleted yet is of the past.
            if one.get("type") == RELEASE_TYPE and not one.get("delete"):
                try:
                    return cls._parse(one["outputs"])
                except (KeyError, TypeError, AttributeError) as error:
                    wrong, hint = f"has a release that cannot be read ({error!r})", "restore it, or: pulumi up"
                    raise diagnosis.InvalidInput([diagnosis.Diagnostic(_LOCATION, RELEASE_TYPE, wrong, hint)]) from None
        return None

    @classmethod
    def _parse(cls, outputs: Mapping[str, Any]) -> Self:
        node = encode.to_node(outputs["record"], _LOCATION)
        if outputs.get(release_lock.FORMAT_KEY) != release_lock.FORMAT:
            node = migration.translate_stored(node)
        return cls(
            id=outputs["release"],
            since=outputs.get("since") or "",
            record_node=node,
            provenance=decode.decode_node(release.Provenance, encode.to_node(outputs["provenance"], _LOCATION)),
            history=parse_history(outputs),
        )

    def find_sha256(self, id_: str) -> str | None:
        """What a record must hash to; None: the state does not vouch for it."""
        return next((one.sha256 for one in self.history if one.release == id_), None)

    def decode_record(self) -> record.ReleaseRecord:
        """The current record.

        Raises:
            diagnosis.InvalidInput: it is none that this version of Seaway understands.
        """
        return record.ReleaseRecord.decode(self.record_node)

    def build_release(self) -> release.Release:
        """The release of the current record, as it may be given to the next environment.

        Raises:
            diagnosis.InvalidInput: it is none that this version of Seaway understands.
        """
        return self.decode_record().build_release(self.provenance, self.since)

    @property
    def healthy_releases(self) -> frozenset[str]:
        """Ids of the releases that were healthy, as far as the state remembers."""
        return frozenset(record.parse_release_id(one) for one in (self.id, *(each.release for each in self.history)))


def export_resources(folder: Path, stack: str) -> list[dict[str, Any]]:
    """The resources in the state of a stack, from `pulumi stack export`. It needs no passphrase: nothing is decrypted.

    Raises:
        errors.Unavailable: the state cannot be read; the text says so in one line.
    """
    words = ["pulumi", "stack", "export", "--stack", stack, "--non-interactive"]
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=EXPORT_TIMEOUT,
        )
    except FileNotFoundError:
        raise _create_error(stack, "there is no program pulumi on the PATH") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _create_error(stack, f"pulumi cannot be run: {error}") from None
    except subprocess.TimeoutExpired:
        raise _create_error(stack, f"no answer within {EXPORT_TIMEOUT:.0f} s") from None
    try:
        exported: dict[str, Any] = json.loads(done.stdout)
        return exported["deployment"].get("resources") or []
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        lines = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()
        raise _create_error(stack, lines[-1].removeprefix("error: ")) from None


def _create_error(stack: str, reason: str) -> errors.Unavailable:
    return errors.Unavailable(
        f"the state of stack {stack} cannot be read ({reason}); log in to its backend: pulumi login, or set"
        " PULUMI_BACKEND_URL"
    )
