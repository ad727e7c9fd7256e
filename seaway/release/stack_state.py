"""The releases in the state of a stack: it vouches for the records in the cluster.

Pulumi writes the state after each step, and everyone who can write it can also deploy. A ConfigMap in the cluster needs
only a permission in one namespace, so it vouches for nothing.
"""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self, cast

from seaway import errors, programs
from seaway.project import environments, migration, release, release_lock
from seaway.release import record
from seaway.syntax import decode, diagnosis, encode, nodes

RELEASE_TYPE = "seaway:index:Release"
HISTORY_KEY = "history"

EXPORT_TIMEOUT = 120.0
"""Seconds for the backend to send a state."""

_LOCATION = diagnosis.SourceLocation("the stack's state")


def parse_history(outputs: Mapping[str, Any]) -> tuple[record.RecordSummary, ...]:
    """The records in the outputs of a ``Release`` resource, newest first; format 0 has none.

    One that an older version deployed has no ``sha256``.
    """
    history = outputs.get(HISTORY_KEY)
    records = cast(list[dict[str, str]], history if isinstance(history, list) else [])
    return tuple(
        record.RecordSummary(id=plain["release"], sha256=plain["sha256"], recorded=plain["recorded"])
        for plain in records
    )


def encode_history(history: Iterable[record.RecordSummary]) -> list[dict[str, str | None]]:
    """The outputs of ``parse_history``."""
    return [{"release": summary.id, "sha256": summary.sha256, "recorded": summary.recorded} for summary in history]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseState:
    """The last release that was deployed to a stack and became healthy.

    Methods raise ``diagnosis.InvalidInput`` if this version of Seaway cannot read it.
    """

    id: str
    """Id of its record."""
    since: str
    """Time when it became the current release: RFC 3339, in UTC."""
    record_node: nodes.Node
    """The record."""
    provenance: release.Provenance
    history: tuple[record.RecordSummary, ...] = ()

    @classmethod
    def find(cls, resources: Iterable[Mapping[str, Any]], application_name: str | None = None) -> Self | None:
        """Find it in the resources of a state, as `pulumi stack export` prints them; None: no release was deployed.

        ``application_name``: in ``seaway:applications``; None: the main application.
        """
        name = environments.add_prefix("release", application_name)
        for resource in resources:
            # A resource with `delete` was replaced.
            is_own = resource.get("type") == RELEASE_TYPE and str(resource.get("urn")).endswith(f"::{name}")
            if is_own and not resource.get("delete"):
                try:
                    return cls._parse(resource["outputs"])
                except (KeyError, TypeError, AttributeError) as error:
                    message, hint = f"has a release that cannot be read ({error!r})", "restore it, or: pulumi up"
                    raise diagnosis.reject(_LOCATION, RELEASE_TYPE, "unreadable-state", message, hint) from None
        return None

    @classmethod
    def _parse(cls, outputs: Mapping[str, Any]) -> Self:
        node = encode.to_node(outputs["record"], _LOCATION)
        if release_lock.parse_format(str(outputs.get(release_lock.FORMAT_KEY, 0)), _LOCATION) != release_lock.FORMAT:
            node = migration.translate_stored(node)
        return cls(
            id=outputs["release"],
            since=outputs.get("since") or "",
            record_node=node,
            provenance=decode.decode_node(release.Provenance, encode.to_node(outputs["provenance"], _LOCATION)),
            history=parse_history(outputs),
        )

    def find_sha256(self, record_id: str) -> str | None:
        """The SHA-256 of a record; None: the state does not have it."""
        return next((summary.sha256 for summary in self.history if summary.id == record_id), None)

    def decode_record(self) -> record.ReleaseRecord:
        """The current record."""
        return record.ReleaseRecord.decode(self.record_node)

    def build_release(self) -> release.Release:
        """The release of the current record, which may be promoted."""
        return self.decode_record().build_release(self.provenance, self.since)

    @property
    def healthy_releases(self) -> frozenset[str]:
        """Ids of the releases that were healthy, as far as the state has them."""
        record_ids = (self.id, *(summary.id for summary in self.history))
        return frozenset(map(record.parse_release_id, record_ids))


def export_resources(folder: Path, stack: str) -> list[dict[str, Any]]:
    """The resources in the state of a stack, from `pulumi stack export`. It needs no passphrase."""
    command = ["pulumi", "stack", "export", "--stack", stack, "--non-interactive"]
    try:
        done = programs.run(command, folder=folder, timeout=EXPORT_TIMEOUT)
    except FileNotFoundError:
        raise _create_error(stack, "pulumi is not on the PATH") from None
    except OSError as error:
        reason = error.strerror if error.errno is None else f"cannot be run: {error}"
        raise _create_error(stack, f"pulumi {reason}") from None
    try:
        exported: dict[str, Any] = json.loads(done.stdout)
        return exported["deployment"].get("resources") or []
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        text = (done.stderr.strip() or done.stdout.strip()).decode(errors="replace")
        lines = (text or "no output").splitlines()
        raise _create_error(stack, lines[-1].removeprefix("error: ")) from None


def _create_error(stack: str, reason: str) -> errors.Unavailable:
    return errors.Unavailable(
        f"the state of stack {stack} cannot be read ({reason}); log in to its backend: pulumi login, or set"
        " PULUMI_BACKEND_URL"
    )
