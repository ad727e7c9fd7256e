"""What in the cluster is not as it was deployed: edits, deletions and what others added."""

import asyncio
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, cast

from seaway.kubernetes.api import fields, paths
from seaway.kubernetes.cluster import client
from seaway.manifests import names
from seaway.release import record, record_store, stack_state
from seaway.syntax import diagnosis

WHOLE = "(object)"
"""Stands for an object as a whole, where the path is empty."""

SECRET = "(secret)"  # noqa: S105 - what is shown instead of one

KINDS = record.KINDS
"""A test holds it against the golden files."""

_SELDOM = ("Role", "RoleBinding")
"""Kinds that are asked for where a release has some: whoever may look at workloads, may not look at rights."""

IN_EVERY_NAMESPACE = frozenset({("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")})
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
    who: str | None
    """The field manager that set it, and when: ``kubectl-edit at 2026-01-31T12:00:00Z``. None: nobody says so."""

    @property
    def how(self) -> Literal["deleted", "edited", "added"]:
        """What happened to what was declared."""
        if self.declared is None:
            return "added"
        return "deleted" if self.live is None else "edited"


async def of(
    cluster: client.Cluster, namespace: str, state: stack_state.ReleaseState | None = None
) -> tuple[str, list[Difference]]:
    """The release that a namespace says it holds, and all that is not so. Needs a kubeconfig and nothing else.

    With the ``state`` of the stack it is compared with the release that was deployed, whatever the cluster says.

    Raises:
        store.Missing: no release is recorded there.
        store.Changed: its record was changed.
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    current = await record_store.current(cluster, namespace)
    id_ = state.id if state else current.id
    declared = await record_store.manifests(cluster, namespace, id_, sha256=state.sha256(id_) if state else None)
    home = await cluster.find(paths.path("v1", "Namespace", "", namespace))
    there = {one["kind"] for one in declared}
    kinds = [kind for kind in KINDS if kind not in _SELDOM or kind in there]
    listed = await asyncio.gather(*(cluster.get(paths.path(KINDS[kind], kind, namespace)) for kind in kinds))
    live = {kind: one["items"] for kind, one in zip(kinds, listed, strict=True)}
    try:
        found = drift(declared, live | {"Namespace": [home] if home else []})
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError) as error:
        # Nothing may vouch for what is declared: then it can be anything.
        raise record_store.Changed(f"the objects of release {id_} cannot be compared: {error!r:.80}") from None
    if id_ != current.id:
        path = ("data", "id")
        found.insert(0, _difference("ConfigMap", record_store.POINTER, fields.Change(path, id_, current.id), None))
    return current.id, found


def by_hand(one: Difference) -> str | None:
    """A line about what somebody did to an object of ours; None where a release that failed may have done it."""
    line = _by_hand(one)
    return diagnosis.visible(line) if line else None


def _by_hand(one: Difference) -> str | None:
    if one.how == "deleted":
        return f"{one.kind} {one.name} was deleted by hand" if not one.path else None
    if one.how == "added" or one.who is None or one.who.startswith(("pulumi-kubernetes", record_store.MANAGER)):
        return None
    return f"{one.kind} {one.name} was edited by hand: {one.path} is {one.live}, declared {one.declared} ({one.who})"


def drift(declared: Sequence[fields.Object], live: Mapping[str, Sequence[fields.Object]]) -> list[Difference]:
    """All differences, sorted by kind, name and path.

    Args:
        declared: the manifests of the release, without its Secrets.
        live: all objects of the namespace by kind, those of others included.
    """
    there = {(kind, one["metadata"]["name"]): one for kind, listed in live.items() for one in listed}
    wanted = {(one["kind"], one["metadata"]["name"]): one for one in declared}
    secrets = _secrets(declared)
    named = IN_EVERY_NAMESPACE | {("Secret", name) for name in (*secrets, *_certificates(declared))}
    scaled = {
        (target["kind"], target["name"])
        for one in live.get("HorizontalPodAutoscaler", ())
        for target in [one["spec"]["scaleTargetRef"]]
    }
    found: list[Difference] = []
    for (kind, name), manifest in wanted.items():
        one = there.get((kind, name))
        if one is None:
            found.append(_difference(kind, name, fields.Change((), WHOLE, None), None))
            continue
        changes = _changes(kind, name, manifest, one)
        autoscaled = (kind, name) in scaled
        found += [each for each in changes if not (autoscaled and each.path == "spec.replicas")]
    for name, keys in secrets.items():
        found += _secret_changes(name, keys, there.get(("Secret", name)))
    for (kind, name), one in there.items():
        known = (kind, name) in wanted or (kind, name) in named
        if not known and not _kept(kind, one):
            found.append(_difference(kind, name, fields.Change((), None, WHOLE), _maker(one)))
    return sorted(found, key=lambda each: (each.kind, each.name, each.path))


def _changes(kind: str, name: str, manifest: fields.Object, live: fields.Object) -> Iterator[Difference]:
    """What differs in an object that is there."""
    # A list of objects does not say their kind again.
    declared = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind")}
    for change in fields.edits(declared, live):
        yield _difference(kind, name, change, _setter(live, change.path) if change.live is not None else None)
    for entry in fields.managers(live):
        if not _ours(entry) and entry.get("manager") not in fields.CONTROLLERS:
            for change in fields.additions(declared, live, entry.get("fieldsV1", {})):
                yield _difference(kind, name, change, _who(entry))


def _secret_changes(name: str, keys: Sequence[str], live: fields.Object | None) -> Iterator[Difference]:
    """Whether a Secret is there with its keys. Its values are nobody's to look at.

    One that is somebody else's may have more keys than we take; of an account that nodes pull with, nobody says any.
    """
    if live is None:
        yield _difference("Secret", name, fields.Change((), WHOLE, None), None)
        return
    has: Mapping[str, Any] = live.get("data") or {}
    for key in keys:
        if key not in has:
            yield _difference("Secret", name, fields.Change(("data", key), SECRET, None), None)
    for key in sorted(has.keys() - set(keys)) if keys and _managed(live) else ():
        yield _difference("Secret", name, fields.Change(("data", key), None, SECRET), _setter(live, ("data", key)))


def _secrets(value: Any) -> dict[str, list[str]]:
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


def _certificates(declared: Sequence[fields.Object]) -> set[str]:
    """The Secrets of the certificates that hosts answer with: somebody else makes them, and when."""
    ingresses = (one["spec"] for one in declared if one["kind"] == "Ingress")
    return {tls["secretName"] for spec in ingresses for tls in spec.get("tls") or ()}


def _kept(kind: str, one: fields.Object) -> bool:
    """What nobody declared and nobody minds: made by a controller, or our own record or older configuration."""
    meta = one["metadata"]
    labels: Mapping[str, str] = meta.get("labels") or {}
    if meta.get("ownerReferences") or record_store.LABEL in labels:
        return True
    return _managed(one) and kind in ("ConfigMap", "Secret") and one.get("immutable") is True


def _managed(one: fields.Object) -> bool:
    """Whether some stack of ours made it."""
    labels: Mapping[str, str] = one["metadata"].get("labels") or {}
    return labels.get("app.kubernetes.io/managed-by") == names.MANAGER


def _ours(entry: fields.Object) -> bool:
    """Pulumi applies as ``pulumi-kubernetes-<hash>``, our plugin as ``seaway``."""
    manager = str(entry.get("manager", ""))
    return manager.startswith("pulumi-kubernetes") or manager == record_store.MANAGER


def _setter(live: fields.Object, path: fields.Path) -> str | None:
    """Who set a field last."""
    owners = [entry for entry in fields.managers(live) if fields.owns(live, entry.get("fieldsV1", {}), path)]
    return _who(max(owners, key=_moment)) if owners else None


def _maker(live: fields.Object) -> str | None:
    """Who made an object, as far as it says: the first of its managers."""
    entries = fields.managers(live)
    return _who(min(entries, key=_moment)) if entries else None


def _moment(entry: fields.Object) -> str:
    return str(entry.get("time", ""))


def _who(entry: fields.Object) -> str:
    manager = entry.get("manager") or "somebody"
    return f"{manager} at {entry['time']}" if entry.get("time") else manager


def _difference(kind: str, name: str, change: fields.Change, who: str | None) -> Difference:
    path = fields.shown(change.path)
    return Difference(kind=kind, name=name, path=path, declared=change.declared, live=change.live, who=who)
