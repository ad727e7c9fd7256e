"""``seaway:index:Objects``: protects other people's objects and disks, and reports edits by hand.

The Kubernetes provider creates an object by applying it. An object that already exists is silently changed, and deleted
with the stack. Edits by hand in an object of the stack are overwritten with what is declared.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, ClassVar, Self

from seaway import errors
from seaway.kubernetes.api import kinds, unstructured
from seaway.manifests import names
from seaway.release import drift, record_store
from seaway.review import disks

from . import data_loss, engine, namespaces, resource, store_changes, takeover, values

MAX_LISTED_EDITS = 5
"""Edits that a preview lists; `seaway status --drift` lists all."""

DETACHED_SUFFIX = ".nobody"
"""Added to a name: no Deployment of a stack has a dot in its name."""

SETS = "sets"
"""Input for the guard of disks only: a difference in it is not a change of this resource."""

FIXED = "fixed"
"""Input for foreign objects only: declared fields that can never change, by identity; of StatefulSets in ``sets``."""

FURTHER_APPLICATIONS = "applications"
"""Input for the guard of moved applications only: the names in ``seaway:applications``, for the main application."""

PENDING_DELETIONS = "leaving"
"""Output: holders of disks that were to be deleted. A failed update may not have deleted them; the next update removes
those that are gone."""

ABSENT = "absent"
"""Output: the stack's namespaces that did not exist yet. A failed update may not have created them."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, order=True)
class _ObjectId:
    """The identity of an object of the stack."""

    version: str
    kind: str
    namespace: str
    """Empty for a cluster-scoped object."""
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """From ``apiVersion/Kind/namespace/name``. The apiVersion may contain a slash."""
        version, kind, namespace, name = text.rsplit("/", 3)
        return cls(version=version, kind=kind, namespace=namespace, name=name)

    @property
    def text(self) -> str:
        return f"{self.version}/{self.kind}/{self.namespace}/{self.name}"

    @property
    def path(self) -> str:
        return kinds.build_path(self.kind, self.namespace, self.name)


_LiveObject = tuple[_ObjectId, unstructured.Object]


class ObjectsGuard(resource.ClusterResource):
    """Refuses to take over objects without the stack's labels that it did not record, and to delete disks.

    Input ``sets``: the shapes of the StatefulSets, by their identity.
    """

    inputs: ClassVar[Mapping[str, type]] = {
        "partOf": str,
        "stack": str,
        "objects": list,
        SETS: dict,
        FIXED: dict,
        FURTHER_APPLICATIONS: list,
    }

    async def diff(self, state: resource.State, inputs: values.Properties) -> resource.Diff:
        _refuse_moved_application(state, inputs)
        await self._refuse_deleted_namespaces(inputs, state.outputs)
        changed = [
            name
            for name in resource.find_changed_inputs(state, inputs)
            if name not in (SETS, FIXED, FURTHER_APPLICATIONS)
        ]
        if changed:
            await self._check_ownership(inputs, recorded=state.outputs)
        inputs = {**inputs, SETS: await store_changes.keep_larger_disks(self._cluster, inputs[SETS])}
        await store_changes.refuse(self._cluster, inputs[SETS], self._log)
        await self._data_loss.refuse_losses(await self._find_lost_disks(state, inputs), self._log)
        identities = _parse_identities(inputs)
        self._lost_state.watch(_list_used_namespaces(inputs), _build_stack_labels(inputs))
        mixed: list[str] = []
        for namespace in sorted({identity.namespace for identity in identities} - {""}):
            mixed += await self._report_edits(namespace, identities)
        if mixed:
            await self._log.warning(
                f"an earlier state of this stack owns fields of {_list_some(mixed)}; the update takes them over. If the"
                " API server refuses this preview, for example with 'may not specify more than 1 handler type':"
                f" pulumi up --skip-preview --stack {self._log.stack}"
            )
        return resource.Diff(changed=changed or (["objects"] if mixed else []))

    async def create(self, inputs: values.Properties, *, preview: bool) -> resource.State:
        self._lost_state.watch(_list_used_namespaces(inputs), _build_stack_labels(inputs))
        await self._refuse_unknown_kinds(inputs, preview=preview)
        await self._refuse_deleted_namespaces(inputs, {})
        own = await self._check_ownership(inputs, recorded={})
        if own:
            listed = _list_some([f"{identity.kind} {identity.name}" for identity, _ in own])
            await self._log.warning(
                f"objects of this stack exist already, and its state does not have them: {listed}; if the state"
                " was lost, they are changed to what is declared, and generated secrets keep their values"
            )
            declared = {(identity.namespace, identity.kind, identity.name) for identity in _parse_identities(inputs)}
            await self._lost_state.report_forgotten(declared, _build_stack_labels(inputs), self._log)
        outputs = inputs if preview else {**inputs, **await self._list_absent(inputs)}
        await self._adopt(own, inputs)
        return resource.State(id=f"{inputs['partOf']}-{inputs['stack']}", outputs=outputs)

    async def read(self, state: resource.State) -> resource.State | None:
        # A guard that still had the objects of a deleted namespace would refuse the update that creates them again.
        return None if await namespaces.is_deleted(self._cluster, _list_used_namespaces(state.outputs)) else state

    async def update(self, state: resource.State, inputs: values.Properties, *, preview: bool) -> resource.State:
        await self._refuse_unknown_kinds(inputs, preview=preview)
        await self._adopt(await self._check_ownership(inputs, recorded=state.outputs), inputs)
        if preview:
            return resource.State(id=state.id, outputs=inputs)
        await self._lost_state.merge_managers(self._log)
        await self._hand_over_scaling(_parse_identities(state.outputs), _parse_identities(inputs))
        pending = [holder.text for holder in _filter_disk_holders(await self._list_deleted(state.outputs, inputs))]
        outputs = {**inputs, **await self._list_absent(inputs), **({PENDING_DELETIONS: pending} if pending else {})}
        return resource.State(id=state.id, outputs=outputs)

    async def _refuse_unknown_kinds(self, inputs: values.Properties, *, preview: bool) -> None:
        """Refuse an update with objects that the cluster does not know, before it changes anything.

        A preview warns: the same program may install their definitions. Pulumi's own preview shows nothing of this.
        """
        declared = {identity.kind for identity in _parse_identities(inputs)} & kinds.OPTIONAL_KINDS
        if not declared:
            return
        answer = await self._cluster.find(f"/apis/{kinds.GATEWAY_API}")
        known = {served["kind"] for served in unstructured.get_list(answer or {}, "resources")}
        if not (unknown := sorted(declared - known)):
            return
        text = (
            f"the cluster does not know {', '.join(unknown)} in {kinds.GATEWAY_API}: the Gateway API is not installed;"
            " install it and a controller (https://gateway-api.sigs.k8s.io/guides/#installing-gateway-api), or use"
            " pulumi config set seaway:publish ingress"
        )
        if not preview:
            raise engine.ResourceError(text, code="gateway-api-missing")
        await self._log.warning(text)

    async def _list_absent(self, inputs: values.Properties) -> values.Properties:
        own = sorted(_list_namespaces(inputs))
        absent = [name for name in own if await namespaces.is_deleted(self._cluster, [name])]
        return {ABSENT: absent} if absent else {}

    async def _refuse_deleted_namespaces(self, inputs: values.Properties, recorded: values.Properties) -> None:
        """Refuse them before another resource fails in one of them."""
        absent = set(recorded.get(ABSENT) or ())
        names_in_state = _list_used_namespaces(recorded) - absent
        if await namespaces.is_deleted(self._cluster, absent):
            listed = ", ".join(sorted(absent))
            hint = f"pulumi up --refresh --stack {self._log.stack}"
            await self._log.warning(f"namespace {listed} does not exist; if it was deleted after a deployment: {hint}")
        used = _list_used_namespaces(inputs)
        await namespaces.refuse_deleted(self._cluster, used, names_in_state, self._log.stack)

    async def _find_lost_disks(self, state: resource.State, inputs: values.Properties) -> list[disks.Disk]:
        """The disks that are lost with objects that are deleted, or deleted and created again."""
        deleted = await self._list_deleted(state.outputs, inputs)
        namespaces = {identity.name for identity in deleted if identity.kind == "Namespace"}
        live = await self._data_loss.find_namespaces(sorted(namespaces))
        lost = await self._data_loss.find_in_namespaces(live)
        declared: Mapping[str, Mapping[str, Any]] = inputs[SETS]
        holders = _filter_disk_holders(deleted)
        identities = {holder.text for holder in holders}
        holder_namespaces = {identity.namespace for identity in (*map(_ObjectId.parse, declared), *holders)}
        for namespace in sorted(holder_namespaces - namespaces - {""}):
            lost += await self._data_loss.find_in_objects(namespace, identities, declared, state.inputs.get(SETS) or {})
        return lost

    async def _list_deleted(self, recorded: values.Properties, inputs: values.Properties) -> list[_ObjectId]:
        """Objects that the state may still hold and that are no longer declared.

        Objects that an earlier update was to delete count only if they still have the stack's labels: another stack may
        have created an object of the same name since.
        """
        declared, recorded_ids = _parse_identities(inputs), _parse_identities(recorded)
        pending = _parse_identities(recorded, PENDING_DELETIONS) - declared - recorded_ids
        existing = await self._find_existing(sorted(pending))
        remaining = {identity for identity, live in existing if _has_labels(live, _build_stack_labels(inputs))}
        return sorted(remaining | (recorded_ids - declared))

    async def _report_edits(self, namespace: str, identities: Set[_ObjectId]) -> list[str]:
        """Warn of edits by hand since the last release: they last until an update changes the object.

        Returns the objects of ``identities`` with fields of an earlier state: they are in the same lists.
        """
        try:
            deployed = await drift.DeployedNamespace.read(self._cluster, namespace)
            differences = deployed.compare()
        except (record_store.ReleaseNotFound, errors.Forbidden):
            return []  # no release is recorded yet, or the account may not list: there is nothing to compare
        except record_store.RecordChanged as changed:
            await self._log.warning(str(changed))  # the update writes the record again
            return []
        edits = [line for difference in differences if (line := drift.describe_manual_edit(difference))]
        for line in edits[:MAX_LISTED_EDITS]:
            await self._log.warning(line)
        if edits:
            more = f"{len(edits) - MAX_LISTED_EDITS} more; " if len(edits) > MAX_LISTED_EDITS else ""
            await self._log.warning(f"{more}an update that changes the object reverts the edit: seaway status --drift")
        live = {
            (kind, unstructured.get_name(manifest)): manifest
            for kind, manifests in deployed.live.items()
            for manifest in manifests
        }
        return [
            f"{identity.kind} {identity.name}"
            for identity in sorted(identities)
            if identity.namespace == namespace or (identity.kind == "Namespace" and identity.name == namespace)
            if (manifest := live.get((identity.kind, identity.name)))
            if self._lost_state.mark_mixed(identity.path, manifest)
        ]

    async def _adopt(self, live_objects: Sequence[_LiveObject], inputs: values.Properties) -> None:
        """Refuse stores that cannot become as declared, before the API server refuses them in its own words."""
        adopted = {identity.text for identity, _ in live_objects}
        sets = {identity: shape for identity, shape in inputs[SETS].items() if identity in adopted}
        await store_changes.refuse(self._cluster, await store_changes.keep_larger_disks(self._cluster, sets), self._log)
        for identity, live in live_objects:
            self._lost_state.mark_adopted(identity.path, live)

    async def _hand_over_scaling(self, old: Set[_ObjectId], new: Set[_ObjectId]) -> None:
        """Detach removed autoscalers from their Deployments, and attach those that a revert declares again.

        Pulumi deletes at the end of an update. Until then a removed autoscaler would override the declared number of
        pods. It is not deleted here, because Pulumi would not create it again after a revert.
        """
        for identity in sorted(old ^ new):
            deployment = dataclasses.replace(identity, version="apps/v1", kind="Deployment")
            if identity.kind == "HorizontalPodAutoscaler" and deployment in new:
                target = identity.name if identity in new else f"{identity.name}{DETACHED_SUFFIX}"
                patch = {"spec": {"scaleTargetRef": {"name": target}}}
                await self._cluster.merge_patch(identity.path, patch, field_manager=record_store.FIELD_MANAGER)

    async def _check_ownership(self, inputs: values.Properties, *, recorded: values.Properties) -> list[_LiveObject]:
        """The objects of the stack that exist, but are not recorded."""
        new = sorted(_parse_identities(inputs) - _parse_identities(recorded))
        labels = _build_stack_labels(inputs)
        existing = await self._find_existing(new)
        if foreign := [live_object for live_object in existing if not _has_labels(live_object[1], labels)]:
            fixed: Mapping[str, Any] = {**inputs[FIXED], **inputs[SETS]}
            text = takeover.format_refusal([(live, fixed.get(identity.text)) for identity, live in foreign], labels)
            raise engine.ResourceError(text, code="existing-objects")
        return existing

    async def _find_existing(self, identities: Sequence[_ObjectId]) -> list[_LiveObject]:
        """The live objects. Objects in a namespace that does not exist are not requested."""
        namespaces = [identity for identity in identities if identity.kind == "Namespace"]
        live = await self._find(namespaces)
        absent = {identity.name for identity in namespaces} - {identity.name for identity, _ in live}
        others = [identity for identity in identities if identity not in namespaces]
        return live + await self._find([identity for identity in others if identity.namespace not in absent])

    async def _find(self, identities: Sequence[_ObjectId]) -> list[_LiveObject]:
        live = await self._cluster.gather(self._cluster.find(identity.path) for identity in identities)
        return [(identity, manifest) for identity, manifest in zip(identities, live, strict=True) if manifest]


def _list_some(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - MAX_LISTED_EDITS} more" if len(texts) > MAX_LISTED_EDITS else ""
    return f"{', '.join(texts[:MAX_LISTED_EDITS])}{more}"


def _refuse_moved_application(state: resource.State, inputs: values.Properties) -> None:
    """Refuse that the main application of the stack becomes a further one, or a further one the main one.

    The logical names of its resources would have another prefix. The engine would apply each object under the new name
    to the object of the old one, and then delete that.
    """
    before, now = state.outputs["partOf"], inputs["partOf"]
    moved = {before} & {*inputs[FURTHER_APPLICATIONS]} | {now} & {*(state.inputs.get(FURTHER_APPLICATIONS) or ())}
    if before != now and moved:
        text = (
            f"{', '.join(sorted(moved))} moves between seaway:app and seaway:applications; nothing was changed. Its"
            " resources would have other names in the state, and Pulumi would delete its objects and their data."
            f"\nTo keep them, leave {before} in seaway:app, and name {now} in seaway:applications."
            f"\nTo deploy {now} as the main application, use another stack: pulumi stack init NAME"
        )
        raise engine.ResourceError(text, code="moved-application")


def _parse_identities(properties: values.Properties, name: str = "objects") -> Set[_ObjectId]:
    texts = properties.get(name)
    if texts is values.UNKNOWN:
        return set()  # a preview does not know the namespace
    return {_ObjectId.parse(text) for text in texts or ()}


def _list_namespaces(properties: values.Properties) -> Set[str]:
    """The namespaces of the stack itself."""
    return {identity.name for identity in _parse_identities(properties) if identity.kind == "Namespace"}


def _list_used_namespaces(properties: values.Properties) -> Set[str]:
    """The namespaces of the objects: a workload that is used alone has that of another resource of the program."""
    identities = _parse_identities(properties)
    return _list_namespaces(properties) | {identity.namespace for identity in identities} - {""}


def _filter_disk_holders(identities: Iterable[_ObjectId]) -> list[_ObjectId]:
    return [identity for identity in identities if identity.kind in data_loss.DISK_HOLDER_KINDS]


def _build_stack_labels(inputs: values.Properties) -> Mapping[str, str]:
    """The two labels of every object of the stack."""
    return {names.PART_OF_LABEL: inputs["partOf"], names.STACK_LABEL: inputs["stack"]}


def _has_labels(live: unstructured.Object, labels: Mapping[str, str]) -> bool:
    return labels.items() <= unstructured.get_mapping(live, "metadata", "labels").items()
