"""The disks that a change deletes, and the acceptance of their loss.

The guard in the plugin refuses the loss of disks; the command line parses its list.
"""

import dataclasses
import datetime
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from seaway.kubernetes.api import quantity
from seaway.model import settings
from seaway.model.validate import waivers
from seaway.review import change, impact, policy
from seaway.rollout import claims

ACCEPT_VARIABLE = "SEAWAY_ACCEPT_DATA_LOSS"
"""Environment variable: the disks that may be deleted, as ``namespace/claim``, separated by commas."""

LIST_VARIABLE = "SEAWAY_LIST_DATA_LOSS"
"""Environment variable: with ``true`` a preview lists the disks instead of failing."""

ALWAYS_ALLOWED = "9999-12-31"
"""The last day of ``policy.dataLoss: allow``."""

RETENTION_PATH = "spec.persistentVolumeClaimRetentionPolicy"
OWNER_LABEL = "app.kubernetes.io/name"
CLAIM_TEMPLATES_PATH = "spec.volumeClaimTemplates"
IS_ROLLBACK = "isRollback"
"""In a shape: a disk that has grown since the release keeps its size."""

API_DEFAULTS: Mapping[str, Any] = {
    "podManagementPolicy": "OrderedReady",
    "revisionHistoryLimit": 10,
    "serviceName": "",
    "volumeMode": "Filesystem",
}
"""Defaults of the API server for a StatefulSet. It sets no storage class in a claim's template."""

_IGNORED_FIELDS = frozenset({"apiVersion", "kind", "status", "creationTimestamp"})
"""Fields of a claim's template that the API server adds, or that do not concern the disk."""

_LINE_PATTERN = re.compile(r"deletes the disk (\S+/\S+)( .*)?", re.DOTALL)
_GROWTH_PATTERN = re.compile(r"the disk \S+/(\S+)(?: \(store (\S+)\))? grows from (\S+) to (\S+); no pod stops")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A claim that is deleted with its data."""

    namespace: str
    claim: str
    size: str
    owner: str | None
    """The store that it belongs to. None: it does not belong to the application."""
    reason: str

    @property
    def name(self) -> str:
        """As ``shop-prod/data-db-0``."""
        return f"{self.namespace}/{self.claim}"

    @property
    def line(self) -> str:
        """One line for people and for ``find_listed``."""
        store = f", store {self.owner}" if self.owner else ""
        return f"deletes the disk {self.name} ({self.size}{store}): {self.reason}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Accepted losses: exceptions of the stack, and disks that this run names."""

    exceptions: Sequence[Mapping[str, Any]] = ()
    names: frozenset[str] = frozenset()

    @classmethod
    def decode(cls, exceptions: str, environ: Mapping[str, str]) -> "Acceptance":
        """Decode the exceptions of ``encode_exceptions`` and the environment variable."""
        names = frozenset(filter(None, (name.strip() for name in environ.get(ACCEPT_VARIABLE, "").split(","))))
        return cls(exceptions=cast(Sequence[Mapping[str, Any]], json.loads(exceptions or "[]")), names=names)

    def list_refused(self, disks: Iterable[Disk], today: datetime.date) -> list[Disk]:
        """The disks whose loss is not accepted."""
        return [disk for disk in disks if disk.name not in self.names and not self._is_excepted(disk, today)]

    def _is_excepted(self, disk: Disk, today: datetime.date) -> bool:
        return any(
            today <= (waivers.parse_date(exception["until"]) or datetime.date.min)
            and (not exception["of"] or disk.owner in exception["of"])
            for exception in self.exceptions
        )


def encode_exceptions(stack_settings: settings.Settings) -> str:
    """The losses that the stack's file accepts, as JSON: `policy.dataLoss: allow`, and waivers of DATA-LOSS."""
    if stack_settings.policy.data_loss == "allow":
        exceptions: list[dict[str, Any]] = [{"of": [], "until": ALWAYS_ALLOWED}]
    else:
        policy_id = policy.POLICY_IDS[change.Impact.DATA_LOSS]
        exceptions = [
            {"of": list(waiver.workloads), "until": waiver.until}
            for waiver in stack_settings.waivers
            if waiver.check == policy_id
        ]
    return json.dumps(exceptions)


def has_protected_data(stack_settings: settings.Settings, manifests: Iterable[change.Manifest]) -> bool:
    """Whether the stack has stores whose loss its file does not accept today."""
    acceptance = Acceptance.decode(encode_exceptions(stack_settings), {})
    stores = [
        Disk(namespace="", claim="", size="", owner=manifest["metadata"]["labels"][OWNER_LABEL], reason="")
        for manifest in manifests
        if manifest["kind"] == "StatefulSet" and change.get_field(manifest, CLAIM_TEMPLATES_PATH)
    ]
    return bool(acceptance.list_refused(stores, datetime.datetime.now(datetime.UTC).date()))


def find_listed(messages: Iterable[str]) -> dict[str, str]:
    """The lines of the disks that a preview lists, by name."""
    matches = (_LINE_PATTERN.fullmatch(message.strip()) for message in messages)
    return {match[1]: match[0] for match in matches if match}


def format_growth(name: str, owner: str | None, old: str, new: str) -> str:
    """The line of a preview about a disk that grows, for people and for ``find_growing``. ``name``: as of ``Disk``."""
    store = f" (store {owner})" if owner else ""
    return f"the disk {name}{store} grows from {old} to {new}; no pod stops"


def find_growing(messages: Iterable[str]) -> Iterator[change.ObjectDiff]:
    """The changes of claims that a preview announces."""
    for match in filter(None, (_GROWTH_PATTERN.fullmatch(message.strip()) for message in messages)):
        claim, owner, *sizes = match.groups()
        labels = {OWNER_LABEL: owner} if owner else {}
        old, new = (
            {"metadata": {"labels": labels}, "spec": {"resources": {"requests": {"storage": size}}}} for size in sizes
        )
        yield change.ObjectDiff(kind="PersistentVolumeClaim", name=claim, old=old, new=new)


def extract_shape(manifest: change.Manifest, *, is_rollback: bool = False) -> dict[str, Any]:
    """The fields of a StatefulSet that decide whether its claims are deleted."""
    shape = _get_fields(manifest, ("spec.replicas", RETENTION_PATH, *impact.IMMUTABLE_FIELDS["StatefulSet"]))
    return shape | ({IS_ROLLBACK: True} if is_rollback else {})


def keep_larger_disks(live: change.Manifest, declared: Mapping[str, Any]) -> dict[str, Any]:
    """The shape with the sizes of the live claim templates where these are larger."""
    live_templates, templates = change.get_field(live, CLAIM_TEMPLATES_PATH), declared.get(CLAIM_TEMPLATES_PATH)
    return (
        {**declared, CLAIM_TEMPLATES_PATH: _keep_larger(live_templates or (), templates)} if templates else {**declared}
    )


def fill_larger_sizes(old: change.Manifest, new: change.Manifest) -> change.Manifest:
    """A manifest with the sizes of the old claim templates where these are larger."""
    templates = change.get_field(new, CLAIM_TEMPLATES_PATH)
    if not templates:
        return new
    kept = _keep_larger(change.get_field(old, CLAIM_TEMPLATES_PATH) or (), templates)
    return set_sizes(new, claims.read_sizes(kept))


def set_sizes(manifest: change.Manifest, sizes: Mapping[str, str]) -> dict[str, Any]:
    """A StatefulSet with other sizes in its claim templates."""
    templates = claims.set_sizes(change.get_field(manifest, CLAIM_TEMPLATES_PATH) or (), sizes)
    return {**manifest, "spec": {**manifest["spec"], "volumeClaimTemplates": templates}}


def _keep_larger(old: Sequence[change.Manifest], new: Sequence[change.Manifest]) -> Sequence[change.Manifest]:
    old_sizes, sizes = claims.read_sizes(old), claims.read_sizes(new)
    larger = {
        name: size
        for name, size in old_sizes.items()
        if name in sizes and quantity.parse(size) > quantity.parse(sizes[name])
    }
    return claims.set_sizes(new, larger) if larger else new


def extract_fixed_fields(manifest: change.Manifest) -> dict[str, Any]:
    """The fields of an object that can never change."""
    return _get_fields(manifest, impact.IMMUTABLE_FIELDS.get(manifest["kind"], ()))


def _get_fields(manifest: change.Manifest, paths: Iterable[str]) -> dict[str, Any]:
    return {path: value for path in paths if (value := change.get_field(manifest, path)) is not None}


def find_deleted(
    live: change.Manifest, declared: Mapping[str, Any] | None, recorded: Mapping[str, Any] | None = None
) -> tuple[re.Pattern[str], str] | None:
    """The claims of a StatefulSet that a change deletes: a pattern of their names, and the reason. None: no claim.

    Args:
        live: the object in the cluster. If it is deleted, its policy decides.
        declared: its declared shape (``extract_shape``); None: it is deleted.
        recorded: the shape that was declared before; None: unknown.
    """
    name, first = live["metadata"]["name"], 0
    rule, retention = "whenDeleted", change.get_field(live, RETENTION_PATH)
    if declared is None:
        reason = f"StatefulSet {name} is deleted"
    elif changed := [
        field for field in impact.IMMUTABLE_FIELDS["StatefulSet"] if _is_changed(field, live, declared, recorded)
    ]:
        reason = f"StatefulSet {name} is deleted and created again ({', '.join(changed)} cannot be changed)"
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
    retained = rf"(?!(?:{'|'.join(map(str, range(first)))})$)" if first else ""
    return re.compile(rf"(?:{claims})-{re.escape(name)}-{retained}\d+"), reason


def find_fixed_changes(live: change.Manifest, declared: Mapping[str, Any]) -> list[str]:
    """The fields of a live StatefulSet that would have to change, and cannot."""
    fields = impact.IMMUTABLE_FIELDS["StatefulSet"]
    return [field for field in fields if field != "spec.selector" and _is_changed(field, live, declared, None)]


def _is_changed(
    field: str, live: change.Manifest, declared: Mapping[str, Any], recorded: Mapping[str, Any] | None
) -> bool:
    """Whether a field differs from the one declared before, which the provider compares, or from the live one.

    The live field may have more than the declared one only where the API server sets defaults.
    """
    value = declared.get(field)
    # Pulumi ignores the claim templates of a StatefulSet that exists: the plugin changes their sizes.
    before = recorded if field != CLAIM_TEMPLATES_PATH else None
    if before is not None and _without_nulls(before.get(field)) != _without_nulls(value):
        return True
    return not _covers(change.get_field(live, field), _without_nulls(value), field.rpartition(".")[2])


def _without_nulls(value: Any) -> Any:
    """Remove null fields: they mean the same as missing ones, and the state may omit them."""
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
            live_fields, fields = cast(change.Manifest, live), cast(change.Manifest, declared)
            return all(_covers(live_fields.get(name), fields.get(name), name) for name in {*live_fields, *fields})
        case (list() | tuple(), list() | tuple()):
            pair = (cast(Sequence[Any], live), cast(Sequence[Any], declared))
            return len(pair[0]) == len(pair[1]) and all(_covers(*both, "") for both in zip(*pair, strict=True))
        case _:
            # A disk can grow.
            return live == declared or (key == "storage" and live and quantity.parse(live) <= quantity.parse(declared))
