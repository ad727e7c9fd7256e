"""What in the cluster is not as it was deployed: edits, deletions and what others added."""

import asyncio
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, cast

from seaway.kubernetes.api import fields, kinds
from seaway.kubernetes.cluster import client
from seaway.manifests import names
from seaway.release import record_store, stack_state
from seaway.syntax import diagnosis

WHOLE_OBJECT = "(object)"
"""Stands for an object as a whole, where the path is empty."""

HIDDEN_SECRET = "(secret)"  # noqa: S105 - what is shown instead of one

"""A test holds it against the golden files."""

_OPTIONAL_KINDS = ("Role", "RoleBinding")
"""Kinds that are asked for where a release has some: whoever may look at workloads, may not look at rights."""

DEFAULT_OBJECTS = frozenset({("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")})
"""Objects that Kubernetes makes itself."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field, or one object, that is not as declared."""

    kind: str
    name: str
    path: str
    """As ``spec.template.spec.containers[web].image``; empty for the whole object."""
    declared: Any
    """None: it is not declared."""
    live: Any
    """None: it is not there."""
    set_by: str | None
    """The field manager that set it, and when: ``kubectl-edit at 2026-01-31T12:00:00Z``. None: nobody says so."""

    @property
    def change_type(self) -> Literal["deleted", "edited", "added"]:
        """What happened to what was declared."""
        if self.declared is None:
            return "added"
        return "deleted" if self.live is None else "edited"


async def detect(
    cluster: client.KubeClient, namespace: str, state: stack_state.ReleaseState | None = None
) -> tuple[str, list[Difference]]:
    """The release that a namespace says it holds, and all that is not so. Needs a kubeconfig and nothing else.

    With the ``state`` of the stack it is compared with the release that was deployed, whatever the cluster says.

    Raises:
        store.Missing: no release is recorded there.
        store.Changed: its record was changed.
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    current = await record_store.read_current(cluster, namespace)
    id_ = state.id if state else current.id
    declared = await record_store.read_manifests(
        cluster, namespace, id_, sha256=state.find_sha256(id_) if state else None
    )
    home = await cluster.find(kinds.build_path("Namespace", name=namespace))
    there = {one["kind"] for one in declared}
    listed_kinds = [kind for kind in kinds.MANAGED_VERSIONS if kind not in _OPTIONAL_KINDS or kind in there]
    listed = await asyncio.gather(*(cluster.get(kinds.build_path(kind, namespace)) for kind in listed_kinds))
    live = {kind: one["items"] for kind, one in zip(listed_kinds, listed, strict=True)}
    try:
        found = compare_objects(declared, live | {"Namespace": [home] if home else []})
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError) as error:
        # Nothing may vouch for what is declared: then it can be anything.
        raise record_store.RecordChanged(f"the objects of release {id_} cannot be compared: {error!r:.80}") from None
    if id_ != current.id:
        path = ("data", "id")
        found.insert(
            0, _create_difference("ConfigMap", record_store.CURRENT_NAME, fields.Change(path, id_, current.id), None)
        )
    return current.id, found


def describe_manual_edit(difference: Difference) -> str | None:
    """A line about what somebody did to an object of ours; None where a release that failed may have done it."""
    line = _describe_manual_edit(difference)
    return diagnosis.escape_text(line) if line else None


def _describe_manual_edit(one: Difference) -> str | None:
    if one.change_type == "deleted":
        return f"{one.kind} {one.name} was deleted by hand" if not one.path else None
    if (
        one.change_type == "added"
        or one.set_by is None
        or one.set_by.startswith(("pulumi-kubernetes", record_store.FIELD_MANAGER))
    ):
        return None
    return f"{one.kind} {one.name} was edited by hand: {one.path} is {one.live}, declared {one.declared} ({one.set_by})"


def compare_objects(declared: Sequence[fields.Object], live: Mapping[str, Sequence[fields.Object]]) -> list[Difference]:
    """All differences, sorted by kind, name and path.

    Args:
        declared: the manifests of the release, without its Secrets.
        live: all objects of the namespace by kind, those of others included.
    """
    there = {(kind, one["metadata"]["name"]): one for kind, listed in live.items() for one in listed}
    wanted = {(one["kind"], one["metadata"]["name"]): one for one in declared}
    secrets = _list_secrets(declared)
    named = DEFAULT_OBJECTS | {("Secret", name) for name in (*secrets, *_list_certificates(declared))}
    scaled = {
        (target["kind"], target["name"])
        for one in live.get("HorizontalPodAutoscaler", ())
        for target in [one["spec"]["scaleTargetRef"]]
    }
    found: list[Difference] = []
    for (kind, name), manifest in wanted.items():
        one = there.get((kind, name))
        if one is None:
            found.append(_create_difference(kind, name, fields.Change((), WHOLE_OBJECT, None), None))
            continue
        changes = _compare_object(kind, name, manifest, one)
        autoscaled = (kind, name) in scaled
        found += [each for each in changes if not (autoscaled and each.path == "spec.replicas")]
    for name, keys in secrets.items():
        found += _compare_secret(name, keys, there.get(("Secret", name)))
    for (kind, name), one in there.items():
        known = (kind, name) in wanted or (kind, name) in named
        if not known and not _is_expected(kind, one):
            found.append(
                _create_difference(kind, name, fields.Change((), None, WHOLE_OBJECT), _find_first_manager(one))
            )
    return sorted(found, key=lambda each: (each.kind, each.name, each.path))


def _compare_object(kind: str, name: str, manifest: fields.Object, live: fields.Object) -> Iterator[Difference]:
    """What differs in an object that is there."""
    # A list of objects does not say their kind again.
    declared = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind")}
    for change in fields.find_edits(declared, live):
        yield _create_difference(
            kind, name, change, _find_last_manager(live, change.path) if change.live is not None else None
        )
    for entry in fields.list_managers(live):
        if not _is_own_manager(entry) and entry.get("manager") not in fields.CONTROLLERS:
            for change in fields.find_additions(declared, live, entry.get("fieldsV1", {})):
                yield _create_difference(kind, name, change, _format_manager(entry))


def _compare_secret(name: str, keys: Sequence[str], live: fields.Object | None) -> Iterator[Difference]:
    """Whether a Secret is there with its keys. Its values are nobody's to look at.

    One that is somebody else's may have more keys than we take; of an account that nodes pull with, nobody says any.
    """
    if live is None:
        yield _create_difference("Secret", name, fields.Change((), WHOLE_OBJECT, None), None)
        return
    has: Mapping[str, Any] = live.get("data") or {}
    for key in keys:
        if key not in has:
            yield _create_difference("Secret", name, fields.Change(("data", key), HIDDEN_SECRET, None), None)
    for key in sorted(has.keys() - set(keys)) if keys and _is_managed(live) else ():
        yield _create_difference(
            "Secret", name, fields.Change(("data", key), None, HIDDEN_SECRET), _find_last_manager(live, ("data", key))
        )


def _list_secrets(value: Any) -> dict[str, list[str]]:
    """The Secrets that pods take variables and files from, and that images are pulled with; with their keys."""
    found: dict[str, set[str]] = {}

    def look(value: Any) -> None:
        if isinstance(value, Mapping):
            mapping = cast(fields.Object, value)
            if reference := mapping.get("secretKeyRef"):
                found.setdefault(reference["name"], set()).add(reference["key"])
            for source in mapping.get("sources") or ():
                if secret := source.get("secret"):
                    found.setdefault(secret["name"], set()).update(item["key"] for item in secret["items"])
            for account in mapping.get("imagePullSecrets") or ():
                found.setdefault(account["name"], set())
            for inner in mapping.values():
                look(inner)
        elif isinstance(value, list | tuple):
            for inner in cast(Sequence[Any], value):
                look(inner)

    look(value)
    return {name: sorted(keys) for name, keys in sorted(found.items())}


def _list_certificates(declared: Sequence[fields.Object]) -> set[str]:
    """The Secrets of the certificates that hosts answer with: somebody else makes them, and when."""
    ingresses = (one["spec"] for one in declared if one["kind"] == "Ingress")
    return {tls["secretName"] for spec in ingresses for tls in spec.get("tls") or ()}


def _is_expected(kind: str, one: fields.Object) -> bool:
    """What nobody declared and nobody minds: made by a controller, or our own record or older configuration."""
    meta = one["metadata"]
    labels: Mapping[str, str] = meta.get("labels") or {}
    if meta.get("ownerReferences") or record_store.RELEASE_LABEL in labels:
        return True
    return _is_managed(one) and kind in ("ConfigMap", "Secret") and one.get("immutable") is True


def _is_managed(one: fields.Object) -> bool:
    """Whether some stack of ours made it."""
    labels: Mapping[str, str] = one["metadata"].get("labels") or {}
    return labels.get("app.kubernetes.io/managed-by") == names.MANAGER


def _is_own_manager(entry: fields.Object) -> bool:
    """Pulumi applies as ``pulumi-kubernetes-<hash>``, our plugin as ``seaway``."""
    manager = str(entry.get("manager", ""))
    return manager.startswith("pulumi-kubernetes") or manager == record_store.FIELD_MANAGER


def _find_last_manager(live: fields.Object, path: fields.Path) -> str | None:
    """Who set a field last."""
    owners = [entry for entry in fields.list_managers(live) if fields.owns_field(live, entry.get("fieldsV1", {}), path)]
    return _format_manager(max(owners, key=_get_time)) if owners else None


def _find_first_manager(live: fields.Object) -> str | None:
    """Who made an object, as far as it says: the first of its managers."""
    entries = fields.list_managers(live)
    return _format_manager(min(entries, key=_get_time)) if entries else None


def _get_time(entry: fields.Object) -> str:
    return str(entry.get("time", ""))


def _format_manager(entry: fields.Object) -> str:
    manager = entry.get("manager") or "somebody"
    return f"{manager} at {entry['time']}" if entry.get("time") else manager


def _create_difference(kind: str, name: str, change: fields.Change, who: str | None) -> Difference:
    path = fields.format_path(change.path)
    return Difference(kind=kind, name=name, path=path, declared=change.declared, live=change.live, set_by=who)
