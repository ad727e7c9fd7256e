"""The disks that a change deletes: how they are found and listed, and what accepts their loss.

The guard in the plugin refuses them; the command line reads what it listed.
"""

import dataclasses
import datetime
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from seaway.model import quantity, settings, waivers
from seaway.review import change, impact, policy

ACCEPTED = "SEAWAY_ACCEPT_DATA_LOSS"
"""Environment variable: the disks that may be deleted, as ``namespace/claim``, with commas between."""

LISTED = "SEAWAY_LIST_DATA_LOSS"
"""Environment variable: ``true`` lists the disks in a preview, instead of stopping at them."""

ALLOWED = "9999-12-31"
"""The last day of ``policy.dataLoss: allow``."""

RETENTION = "spec.persistentVolumeClaimRetentionPolicy"
OWNER = "app.kubernetes.io/name"
CLAIMS = "spec.volumeClaimTemplates"

_LINE = re.compile(r"deletes the disk (\S+/\S+)( .*)?", re.DOTALL)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A claim that is deleted, with its data."""

    namespace: str
    claim: str
    size: str
    owner: str | None
    """The store that it belongs to. None: it is not of the application."""
    reason: str

    @property
    def name(self) -> str:
        """As ``shop-prod/data-db-0``."""
        return f"{self.namespace}/{self.claim}"

    @property
    def line(self) -> str:
        """As people read it, and ``find_listed``."""
        store = f", store {self.owner}" if self.owner else ""
        return f"deletes the disk {self.name} ({self.size}{store}): {self.reason}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Accepted losses of disks: exceptions of the stack, and a list for this run."""

    exceptions: Sequence[Mapping[str, Any]] = ()
    names: frozenset[str] = frozenset()

    @classmethod
    def decode(cls, exceptions: str, environ: Mapping[str, str]) -> "Acceptance":
        """From what ``encode_exceptions`` made, and from the environment of the run."""
        named = frozenset(filter(None, (name.strip() for name in environ.get(ACCEPTED, "").split(","))))
        return cls(exceptions=cast(Sequence[Mapping[str, Any]], json.loads(exceptions or "[]")), names=named)

    def refused(self, disks: Iterable[Disk], today: datetime.date) -> list[Disk]:
        """The disks whose loss nothing accepts."""
        return [disk for disk in disks if disk.name not in self.names and not self._is_excepted(disk, today)]

    def _is_excepted(self, disk: Disk, today: datetime.date) -> bool:
        return any(
            today <= (waivers.day(exception["until"]) or datetime.date.min)
            and (not exception["of"] or disk.owner in exception["of"])
            for exception in self.exceptions
        )


def encode_exceptions(stack: settings.Settings) -> str:
    """The losses that the stack's file accepts, `policy.dataLoss: allow` and the waivers DATA-LOSS, as a text."""
    if stack.policy.data_loss == "allow":
        exceptions: list[dict[str, Any]] = [{"of": [], "until": ALLOWED}]
    else:
        meant = [waiver for waiver in stack.waivers if waiver.check == policy.IDS[change.Impact.DATA_LOSS]]
        exceptions = [{"of": list(waiver.of), "until": waiver.until} for waiver in meant]
    return json.dumps(exceptions)


def is_data_held(stack: settings.Settings, manifests: Iterable[change.Manifest]) -> bool:
    """Whether the stack has stores whose loss its file does not accept today."""
    acceptance = Acceptance.decode(encode_exceptions(stack), {})
    stores = [
        Disk(namespace="", claim="", size="", owner=change.at(manifest, "metadata.labels")[OWNER], reason="")
        for manifest in manifests
        if manifest["kind"] == "StatefulSet" and change.at(manifest, CLAIMS)
    ]
    return bool(acceptance.refused(stores, datetime.datetime.now(datetime.UTC).date()))


def find_listed(messages: Iterable[str]) -> dict[str, str]:
    """The disks that a preview lists: the line of each, by its name."""
    matches = (_LINE.fullmatch(message.strip()) for message in messages)
    return {match[1]: match[0] for match in matches if match}


def shape(manifest: change.Manifest) -> dict[str, Any]:
    """The fields of a StatefulSet that decide what becomes of its claims."""
    fields = ("spec.replicas", RETENTION, *impact.IMMUTABLE["StatefulSet"])
    return {field: value for field in fields if (value := change.at(manifest, field)) is not None}


def find_deleted(live: change.Manifest, declared: Mapping[str, Any] | None) -> tuple[re.Pattern[str], str] | None:
    """Which claims of a StatefulSet a change deletes: the pattern of their names, and the reason. None: no claim.

    Args:
        live: the set as it is in the cluster. Its policy counts where it is deleted.
        declared: its ``shape`` as it shall be; None: it is deleted.
    """
    name, first = live["metadata"]["name"], 0
    rule, retention = "whenDeleted", change.at(live, RETENTION)
    if declared is None:
        reason = f"StatefulSet {name} is deleted"
    elif changed := [field for field in impact.IMMUTABLE["StatefulSet"] if not _is_same(live, declared, field)]:
        reason = f"StatefulSet {name} is deleted and made again ({', '.join(changed)} cannot be changed)"
    else:
        first = int(declared.get("spec.replicas", 1))
        rule, retention = "whenScaled", declared.get(RETENTION)
        reason = f"StatefulSet {name} is scaled to {first}"
        if first >= int(change.at(live, "spec.replicas") or 0):
            return None
    if change.at(retention, rule) != "Delete":
        return None
    claims = "|".join(re.escape(claim["metadata"]["name"]) for claim in change.at(live, CLAIMS) or ())
    kept = rf"(?!(?:{'|'.join(map(str, range(first)))})$)" if first else ""
    return re.compile(rf"(?:{claims})-{re.escape(name)}-{kept}\d+"), reason


def _is_same(live: change.Manifest, declared: Mapping[str, Any], field: str) -> bool:
    """Whether a field of the set is as declared, but for what the API server fills in."""
    return field not in declared or _covers(change.at(live, field), declared[field])


def _covers(live: Any, declared: Any, key: str = "") -> bool:
    match live, declared:
        case Mapping(), Mapping():
            there, wanted = cast(change.Manifest, live), cast(change.Manifest, declared)
            # The API server gives a template no class: one that is there was declared.
            kept = "storageClassName" in wanted or "storageClassName" not in there
            return kept and all(_covers(there.get(name), value, name) for name, value in wanted.items())
        case (list() | tuple(), list() | tuple()):
            pair = (cast(Sequence[Any], live), cast(Sequence[Any], declared))
            return len(pair[0]) == len(pair[1]) and all(_covers(one, other) for one, other in zip(*pair, strict=True))
        case _:
            return live == declared or (key == "storage" and live and quantity.parse(live) == quantity.parse(declared))
