"""The differences between the cluster and the deployed release: edits, deletions and additions."""

import asyncio
import dataclasses
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal, Self, cast

from seaway import errors
from seaway.kubernetes.api import fields, kinds, unstructured
from seaway.kubernetes.cluster import client
from seaway.manifests import config, names
from seaway.model import external
from seaway.release import record_store, stack_state
from seaway.rollout import claims
from seaway.syntax import diagnosis

WHOLE_OBJECT = "(object)"
"""In place of an object as a whole, whose path is empty."""

HIDDEN_SECRET = "(secret)"  # noqa: S105 - in place of a value

_OPTIONAL_KINDS = ("Role", "RoleBinding")
"""Kinds that an account that may read workloads may lack access to: without it, they are listed only if a release has
some."""

_CLAIM = "PersistentVolumeClaim"

_ONE_OFF_KINDS = ("Job", "NetworkPolicy")
"""The kinds that `seaway run` creates."""

_DERIVED_KINDS = ("Secret", "ConfigMap")
"""Kinds that controllers of unknown kinds create, as cert-manager its Secrets."""

DEFAULT_OBJECTS = frozenset({("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")})
"""Objects that Kubernetes creates in each namespace."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field or an object that differs from the declared one."""

    kind: str
    name: str
    change: fields.Change
    """Without a path, the whole object is missing or not declared."""
    set_by: str | None = None
    """The field manager that set it, and the time: ``kubectl-edit at 2026-01-31T12:00:00Z``. None: unknown."""

    @property
    def path(self) -> str:
        """As ``spec.template.spec.containers[web].image``; empty for the whole object."""
        return fields.format_path(self.change.path)

    @property
    def change_type(self) -> Literal["deleted", "edited", "added"]:
        """How it differs."""
        if self.change.declared is None:
            return "added"
        return "deleted" if self.change.live is None else "edited"

    @property
    def is_harmless(self) -> bool:
        """Whether it leaves everything that is declared as it is.

        Controllers, platforms and people add labels, annotations, finalizers and whole objects of any name. In the spec
        of a pod an addition changes what the declared containers do.
        """
        return self.change_type == "added" and ("template", "spec") not in itertools.pairwise(self.change.path)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DeployedNamespace:
    """The objects of a namespace, and what the release in it declares."""

    current_id: str
    """The release that the cluster names as the current one."""
    release_id: str
    declared: Sequence[fields.Object]
    live: Mapping[str, Sequence[fields.Object]]
    """All objects by kind, those of other owners included. In a list, they have no kind."""

    @classmethod
    async def read(
        cls, cluster: client.KubeClient, namespace: str, state: stack_state.ReleaseState | None = None
    ) -> Self:
        """It needs only a kubeconfig. With the ``state`` of the stack, the release is the one that it deployed last.

        Raises:
            record_store.ReleaseNotFound: no release is recorded.
            record_store.RecordChanged: its record was changed.
        """
        current = await record_store.find_current(cluster, namespace)
        if current is None:
            message = f"no release is recorded in namespace {namespace}: the next successful pulumi up records it"
            raise record_store.ReleaseNotFound(message)
        release_id = state.id if state else current.id
        sha256 = state.find_sha256(release_id) if state else None
        declared = await record_store.read_manifests(cluster, namespace, release_id, sha256=sha256)
        home = await cluster.find(kinds.build_path("Namespace", name=namespace))
        declared_kinds = {manifest["kind"] for manifest in declared}
        optional = {*_OPTIONAL_KINDS, *kinds.OPTIONAL_KINDS} - declared_kinds
        lists = await asyncio.gather(
            *(_list_objects(cluster, namespace, kind, is_optional=kind in optional) for kind in kinds.MANAGED_VERSIONS)
        )
        live = dict(zip(kinds.MANAGED_VERSIONS, lists, strict=True))
        live[_CLAIM] = await _list_objects(cluster, namespace, _CLAIM, is_optional=True)
        live["Namespace"] = [home] if home else []
        return cls(current_id=current.id, release_id=release_id, declared=declared, live=live)

    def compare(self) -> list[Difference]:
        """All differences.

        Raises:
            record_store.RecordChanged: the declared objects have another form.
        """
        try:
            differences = compare_objects(self.declared, self.live)
        except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError) as error:
            # Without a checksum, the declared objects may have any form.
            message = f"the objects of release {self.release_id} cannot be compared: {error!r:.80}"
            raise record_store.RecordChanged(message) from None
        if self.release_id != self.current_id:
            change = fields.Change(("data", "id"), self.release_id, self.current_id)
            differences.insert(0, Difference(kind="ConfigMap", name=record_store.CURRENT_NAME, change=change))
        return differences


async def detect(
    cluster: client.KubeClient, namespace: str, state: stack_state.ReleaseState | None = None
) -> tuple[str, list[Difference]]:
    """The current release of a namespace, as the cluster has it, and all differences; see ``DeployedNamespace``."""
    deployed = await DeployedNamespace.read(cluster, namespace, state)
    return deployed.current_id, deployed.compare()


async def _list_objects(
    cluster: client.KubeClient, namespace: str, kind: str, *, is_optional: bool
) -> Sequence[fields.Object]:
    try:
        answer = await cluster.find(kinds.build_path(kind, namespace))
    except errors.Forbidden:
        if is_optional:
            return ()
        raise
    return answer["items"] if answer else ()  # the cluster may not know the kind


def describe_manual_edit(difference: Difference) -> str | None:
    """One line about a manual edit of a declared object; None where a failed release may be the cause."""
    name, change = f"{difference.kind} {difference.name}", difference.change
    if difference.change_type == "deleted":
        return None if difference.path else diagnosis.escape_text(f"{name} was deleted by hand")
    own_managers = ("pulumi-kubernetes", record_store.FIELD_MANAGER)
    if difference.change_type == "added" or (difference.set_by or own_managers[0]).startswith(own_managers):
        return None
    return diagnosis.escape_text(
        f"{name} was edited by hand: {difference.path} is {change.live}, declared {change.declared}"
        f" ({difference.set_by})"
    )


def compare_objects(declared: Sequence[fields.Object], live: Mapping[str, Sequence[fields.Object]]) -> list[Difference]:
    """All differences, sorted by kind, name and path.

    Args:
        declared: the manifests of the release, without its Secrets.
        live: all objects of the namespace by kind, those of other owners included.
    """
    live_by_name = {
        (kind, manifest["metadata"]["name"]): manifest for kind in live if kind != _CLAIM for manifest in live[kind]
    }
    declared_by_name = {(manifest["kind"], manifest["metadata"]["name"]): manifest for manifest in declared}
    secrets = _list_secrets(declared)
    known = {*DEFAULT_OBJECTS, *declared_by_name}
    known |= {("Secret", name) for name in (*secrets, *_list_certificates(declared))}
    targets = [manifest["spec"]["scaleTargetRef"] for manifest in live.get("HorizontalPodAutoscaler", ())]
    autoscaled = {(target["kind"], target["name"]) for target in targets}
    differences: list[Difference] = []
    for (kind, name), manifest in declared_by_name.items():
        live_object = live_by_name.get((kind, name))
        if live_object is None:
            # A release is recorded when its jobs have succeeded: then they may go, by a TTL or by hand.
            if kind != "Job":
                differences.append(Difference(kind=kind, name=name, change=fields.Change((), WHOLE_OBJECT, None)))
            continue
        differences += [
            difference
            for difference in _compare_object(kind, name, manifest, live_object)
            if difference.path != "spec.replicas" or (kind, name) not in autoscaled
        ]
    differences += _compare_claims(declared, live.get(_CLAIM, ()))
    for name, keys in secrets.items():
        differences += _compare_secret(name, keys, live_by_name.get(("Secret", name)))
    undeclared = {
        key: manifest
        for key, manifest in live_by_name.items()
        if key not in known and not _is_expected(key[0], manifest)
    }
    for (kind, name), manifest in undeclared.items():
        if not _has_expected_owner(kind, manifest, live_by_name, undeclared.keys()):
            change = fields.Change((), None, WHOLE_OBJECT)
            differences.append(Difference(kind=kind, name=name, change=change, set_by=_find_first_manager(manifest)))
    return sorted(differences, key=lambda difference: (difference.kind, difference.name, difference.path))


def _compare_object(kind: str, name: str, manifest: fields.Object, live: fields.Object) -> Iterator[Difference]:
    # The objects of a list have no kind.
    declared = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind")}
    for change in fields.find_edits(declared, live):
        if names.EXTERNAL_ANNOTATION in change.path and external.UNKNOWN_HOST in str(change.declared):
            continue  # the program has given the host
        set_by = _find_last_manager(live, change.path) if change.live is not None else None
        yield Difference(kind=kind, name=name, change=change, set_by=set_by)
    for managed in fields.list_managers(live):
        manager = str(managed.get("manager", ""))
        # Also of the provider: until an update, an object has what an earlier state declared (plugin/lost_state.py).
        if manager != record_store.FIELD_MANAGER and manager not in fields.CONTROLLERS:
            for change in fields.find_additions(declared, live, managed.get("fieldsV1", {})):
                if not _is_program_value(change):
                    yield Difference(kind=kind, name=name, change=change, set_by=_format_manager(managed))


def _compare_claims(declared: Sequence[fields.Object], live_claims: Sequence[fields.Object]) -> Iterator[Difference]:
    """The claims of stores whose volume is smaller than declared, or that request more."""
    for manifest in declared:
        spec = unstructured.get_mapping(manifest, "spec")
        sizes = claims.read_sizes(unstructured.get_list(spec, "volumeClaimTemplates"))
        name = manifest["metadata"]["name"]
        for claim in claims.match_claims(name, sizes, spec.get("replicas", 1), live_claims if sizes else ()):
            if claim.is_smaller:
                change = fields.Change(("status", "capacity", "storage"), claim.declared, claim.size)
                yield Difference(kind=_CLAIM, name=claim.name, change=change)
            elif claim.is_larger:
                change = fields.Change(("spec", "resources", "requests", "storage"), claim.declared, claim.requested)
                set_by = _find_last_manager(claim.manifest, change.path)
                yield Difference(kind=_CLAIM, name=claim.name, change=change, set_by=set_by)


def _is_program_value(change: fields.Change) -> bool:
    """Whether a field gives a pod a value of the Pulumi program: no release contains those."""
    if "env" not in change.path:
        return config.PROGRAM_ANNOTATION in change.path
    return any(name.endswith(config.PROGRAM_SECRET_SUFFIX) for name in _list_secrets(change.live))


def _compare_secret(name: str, keys: Sequence[str], live: fields.Object | None) -> Iterator[Difference]:
    """Whether a Secret exists with its keys. Its values are not read.

    The Secret of another owner may have more keys; of pull credentials, the keys are not declared.
    """
    if live is None:
        yield Difference(kind="Secret", name=name, change=fields.Change((), WHOLE_OBJECT, None))
        return
    live_keys: Mapping[str, Any] = live.get("data") or {}
    for key in keys:
        if key not in live_keys:
            yield Difference(kind="Secret", name=name, change=fields.Change(("data", key), HIDDEN_SECRET, None))
    # The program may add keys for variables, which no release contains.
    is_complete = _is_managed(live) and not name.endswith(config.PROGRAM_SECRET_SUFFIX)
    for key in sorted(live_keys.keys() - set(keys)) if keys and is_complete else ():
        change = fields.Change(("data", key), None, HIDDEN_SECRET)
        yield Difference(kind="Secret", name=name, change=change, set_by=_find_last_manager(live, change.path))


def _list_secrets(value: Any) -> dict[str, list[str]]:
    """The Secrets that pods use for variables, files and image pulls, with their keys."""
    secrets: dict[str, set[str]] = {}

    def visit(value: Any) -> None:
        if isinstance(value, Mapping):
            mapping = cast(fields.Object, value)
            if reference := mapping.get("secretKeyRef"):
                secrets.setdefault(reference["name"], set()).add(reference["key"])
            for source in mapping.get("sources") or ():
                if secret := source.get("secret"):
                    secrets.setdefault(secret["name"], set()).update(file["key"] for file in secret["items"])
            for credentials in mapping.get("imagePullSecrets") or ():
                secrets.setdefault(credentials["name"], set())
            for inner in mapping.values():
                visit(inner)
        elif isinstance(value, list | tuple):
            for inner in cast(Sequence[Any], value):
                visit(inner)

    visit(value)
    return {name: sorted(keys) for name, keys in sorted(secrets.items())}


def _list_certificates(declared: Sequence[fields.Object]) -> set[str]:
    """The Secrets with the certificates of hosts: another controller creates them later."""
    ingresses = (manifest["spec"] for manifest in declared if manifest["kind"] == "Ingress")
    gateways = (manifest["spec"] for manifest in declared if manifest["kind"] == "Gateway")
    listeners = (listener for spec in gateways for listener in spec["listeners"] if "tls" in listener)
    references = (reference for listener in listeners for reference in listener["tls"]["certificateRefs"])
    return {
        *(tls["secretName"] for spec in ingresses for tls in spec.get("tls") or ()),
        *(reference["name"] for reference in references if "namespace" not in reference),
    }


def _is_expected(kind: str, manifest: fields.Object) -> bool:
    """Whether an undeclared object is expected: a record, of `seaway run`, or older config."""
    metadata = manifest["metadata"]
    labels: Mapping[str, str] = metadata.get("labels") or {}
    if kind == "ConfigMap" and record_store.is_record_name(metadata["name"]):
        return record_store.RELEASE_LABEL in labels
    if kind in _ONE_OFF_KINDS and names.ONE_OFF_LABEL in labels:
        return True
    is_from_program = kind == "Secret" and metadata["name"].endswith(config.PROGRAM_SECRET_SUFFIX)
    is_older_config = kind in ("ConfigMap", "Secret") and manifest.get("immutable") is True
    return _is_managed(manifest) and (is_from_program or is_older_config)


def _has_expected_owner(
    kind: str,
    manifest: fields.Object,
    live: Mapping[tuple[str, str], fields.Object],
    undeclared: Collection[tuple[str, str]],
) -> bool:
    """Whether a controller created an object for an expected one. Everyone can write owners into metadata."""
    for owner in manifest["metadata"].get("ownerReferences") or ():
        key = owner.get("kind", ""), owner.get("name", "")
        if key[0] not in kinds.MANAGED_VERSIONS:
            if kind in _DERIVED_KINDS:
                return True
        elif key in live and key not in undeclared and live[key]["metadata"].get("uid") == owner.get("uid"):
            return True
    return False


def _is_managed(manifest: fields.Object) -> bool:
    """Whether a stack of Seaway created the object."""
    labels: Mapping[str, str] = manifest["metadata"].get("labels") or {}
    return labels.get("app.kubernetes.io/managed-by") == names.MANAGER


def _find_last_manager(live: fields.Object, path: fields.Path) -> str | None:
    owners = [
        managed for managed in fields.list_managers(live) if fields.owns_field(live, managed.get("fieldsV1", {}), path)
    ]
    return _format_manager(max(owners, key=fields.get_time)) if owners else None


def _find_first_manager(live: fields.Object) -> str | None:
    """The manager that created the object, as far as it is known."""
    managers = fields.list_managers(live)
    return _format_manager(min(managers, key=fields.get_time)) if managers else None


def _format_manager(managed: fields.Object) -> str:
    manager = managed.get("manager") or "unknown"
    return f"{manager} at {managed['time']}" if managed.get("time") else manager
