"""The disks that a change deletes: how they are found and listed, and what accepts their loss.

The guard in the plugin refuses them; the command line reads what it listed.
"""

import dataclasses
import datetime
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from seaway.kubernetes.api import quantity
from seaway.model import settings
from seaway.model.validate import waivers
from seaway.review import change, impact, policy

ACCEPT_VARIABLE = "SEAWAY_ACCEPT_DATA_LOSS"
"""Environment variable: the disks that may be deleted, as ``namespace/claim``, with commas between."""

LIST_VARIABLE = "SEAWAY_LIST_DATA_LOSS"
"""Environment variable: ``true`` lists the disks in a preview, instead of stopping at them."""

ALWAYS_ALLOWED = "9999-12-31"
"""The last day of ``policy.dataLoss: allow``."""

RETENTION_PATH = "spec.persistentVolumeClaimRetentionPolicy"
OWNER_LABEL = "app.kubernetes.io/name"
CLAIM_TEMPLATES_PATH = "spec.volumeClaimTemplates"

API_DEFAULTS: Mapping[str, Any] = {
    "podManagementPolicy": "OrderedReady",
    "revisionHistoryLimit": 10,
    "serviceName": "",
    "volumeMode": "Filesystem",
}
"""What the API server fills in where a StatefulSet says nothing. It gives a claim's template no storage class."""

_IGNORED_FIELDS = frozenset({"apiVersion", "kind", "status", "creationTimestamp"})
"""Fields of a claim's template that the API server adds, or that say nothing about the disk."""

_LINE_PATTERN = re.compile(r"deletes the disk (\S+/\S+)( .*)?", re.DOTALL)


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
        named = frozenset(filter(None, (name.strip() for name in environ.get(ACCEPT_VARIABLE, "").split(","))))
        return cls(exceptions=cast(Sequence[Mapping[str, Any]], json.loads(exceptions or "[]")), names=named)

    def list_refused(self, disks: Iterable[Disk], today: datetime.date) -> list[Disk]:
        """The disks whose loss nothing accepts."""
        return [disk for disk in disks if disk.name not in self.names and not self._is_excepted(disk, today)]

    def _is_excepted(self, disk: Disk, today: datetime.date) -> bool:
        return any(
            today <= (waivers.parse_date(exception["until"]) or datetime.date.min)
            and (not exception["of"] or disk.owner in exception["of"])
            for exception in self.exceptions
        )


def encode_exceptions(stack_settings: settings.Settings) -> str:
    """The losses that the stack's file accepts, `policy.dataLoss: allow` and the waivers DATA-LOSS, as a text."""
    if stack_settings.policy.data_loss == "allow":
        exceptions: list[dict[str, Any]] = [{"of": [], "until": ALWAYS_ALLOWED}]
    else:
        meant = [
            waiver for waiver in stack_settings.waivers if waiver.check == policy.POLICY_IDS[change.Impact.DATA_LOSS]
        ]
        exceptions = [{"of": list(waiver.workloads), "until": waiver.until} for waiver in meant]
    return json.dumps(exceptions)


def has_protected_data(stack_settings: settings.Settings, manifests: Iterable[change.Manifest]) -> bool:
    """Whether the stack has stores whose loss its file does not accept today."""
    acceptance = Acceptance.decode(encode_exceptions(stack_settings), {})
    stores = [
        Disk(
            namespace="", claim="", size="", owner=change.get_field(manifest, "metadata.labels")[OWNER_LABEL], reason=""
        )
        for manifest in manifests
        if manifest["kind"] == "StatefulSet" and change.get_field(manifest, CLAIM_TEMPLATES_PATH)
    ]
    return bool(acceptance.list_refused(stores, datetime.datetime.now(datetime.UTC).date()))


def find_listed(messages: Iterable[str]) -> dict[str, str]:
    """The disks that a preview lists: the line of each, by its name."""
    matches = (_LINE_PATTERN.fullmatch(message.strip()) for message in messages)
    return {match[1]: match[0] for match in matches if match}


def extract_shape(manifest: change.Manifest) -> dict[str, Any]:
    """The fields of a StatefulSet that decide what becomes of its claims."""
    fields = ("spec.replicas", RETENTION_PATH, *impact.IMMUTABLE_FIELDS["StatefulSet"])
    return {field: value for field in fields if (value := change.get_field(manifest, field)) is not None}


def find_deleted(
    live: change.Manifest, declared: Mapping[str, Any] | None, recorded: Mapping[str, Any] | None = None
) -> tuple[re.Pattern[str], str] | None:
    """Which claims of a StatefulSet a change deletes: the pattern of their names, and the reason. None: no claim.

    Args:
        live: the set as it is in the cluster. Its policy counts where it is deleted.
        declared: its ``shape`` as it shall be; None: it is deleted.
        recorded: its ``shape`` as it was declared before; None: that is not known.
    """
    name, first = live["metadata"]["name"], 0
    rule, retention = "whenDeleted", change.get_field(live, RETENTION_PATH)
    if declared is None:
        reason = f"StatefulSet {name} is deleted"
    elif changed := [
        field for field in impact.IMMUTABLE_FIELDS["StatefulSet"] if _is_changed(field, live, declared, recorded)
    ]:
        reason = f"StatefulSet {name} is deleted and made again ({', '.join(changed)} cannot be changed)"
    else:
        first = int(declared.get("spec.replicas", 1))
        rule, retention = "whenScaled", declared.get(RETENTION_PATH)
        reason = f"StatefulSet {name} is scaled to {first}"
        if first >= int(change.get_field(live, "spec.replicas") or 0):
            return None
    if change.get_field(retention, rule) != "Delete":
        return None
    claims = "|".join(
        re.escape(claim["metadata"]["name"]) for claim in change.get_field(live, CLAIM_TEMPLATES_PATH) or ()
    )
    kept = rf"(?!(?:{'|'.join(map(str, range(first)))})$)" if first else ""
    return re.compile(rf"(?:{claims})-{re.escape(name)}-{kept}\d+"), reason


def _is_changed(
    field: str, live: change.Manifest, declared: Mapping[str, Any], recorded: Mapping[str, Any] | None
) -> bool:
    """Whether a field differs from what was declared before, as the provider compares, or from what is there.

    What is there has more than what is declared only where the API server fills it in.
    """
    wanted = declared.get(field)
    if recorded is not None and _without_nulls(recorded.get(field)) != _without_nulls(wanted):
        return True
    return not _covers(change.get_field(live, field), _without_nulls(wanted), field.rpartition(".")[2])


def _without_nulls(value: Any) -> Any:
    """A null is as good as no field, and the state may leave it out."""
    match value:
        case Mapping():
            fields = cast(Mapping[str, Any], value)
            return {name: _without_nulls(inner) for name, inner in fields.items() if inner is not None}
        case list() | tuple():
            return [_without_nulls(inner) for inner in cast(Sequence[Any], value)]
        case _:
            return value


def _covers(live: Any, declared: Any, key: str) -> bool:
    match live, declared:
        case _, None:
            return live is None or key in _IGNORED_FIELDS or API_DEFAULTS.get(key) == live
        case Mapping(), Mapping():
            there, wanted = cast(change.Manifest, live), cast(change.Manifest, declared)
            return all(_covers(there.get(name), wanted.get(name), name) for name in {*there, *wanted})
        case (list() | tuple(), list() | tuple()):
            pair = (cast(Sequence[Any], live), cast(Sequence[Any], declared))
            return len(pair[0]) == len(pair[1]) and all(_covers(*both, "") for both in zip(*pair, strict=True))
        case _:
            return live == declared or (key == "storage" and live and quantity.parse(live) == quantity.parse(declared))
