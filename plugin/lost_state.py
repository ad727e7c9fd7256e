"""Fields that an earlier state of the stack owns. They would stay in an object that no longer declares them.

The Kubernetes provider applies each object under a random name that only the state knows: ``pulumi-kubernetes-<hash>``.
Kubernetes removes a field only when no manager applies it any more, and nobody applies as the manager of a lost state.
https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

import asyncio
import contextlib
import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from seaway import errors
from seaway.kubernetes.api import fields, kinds, unstructured
from seaway.kubernetes.cluster import client
from seaway.manifests import names
from seaway.release import record_store

from . import disk_growth, engine

_PROVIDER_PREFIX = "pulumi-kubernetes-"
"""https://github.com/pulumi/pulumi-kubernetes/blob/v4.25.0/provider/pkg/provider/provider.go (fieldManagerName)"""

_OWN_LABELS = (names.PART_OF_LABEL, names.STACK_LABEL)
_FORGOTTEN_KINDS = ("Deployment", "DaemonSet", "StatefulSet", "CronJob", "Service", "Ingress")
"""Kinds that run programs, or make them reachable. Without these, the others have no effect."""

_ATTEMPTS = 3
"""A controller may write the object at the same time."""


class LostState:
    """The objects of one run that have fields of a lost state."""

    def __init__(self, cluster: client.KubeClient) -> None:
        self._cluster = cluster
        self._adopted: dict[str, frozenset[str]] = {}
        """The managers of lost states, by the paths of objects that this run adopts."""
        self._mixed: set[str] = set()
        self._stacks: dict[str, Mapping[str, str]] = {}
        """The labels of the stack's objects, by namespace."""

    def mark_adopted(self, path: str, live: unstructured.Object) -> None:
        """Note the managers of an object that is not in the state, before the provider applies it."""
        if managers := frozenset(manager["manager"] for manager in _list_own_managers(live)):
            self._adopted[path] = managers

    def mark_mixed(self, path: str, live: unstructured.Object) -> bool:
        """Note an object of the state that also has a manager of an earlier state; return whether it has one."""
        # An immutable object never loses a field: a change creates another one.
        if not live.get("immutable") and len(_list_own_managers(live)) > 1:
            self._mixed.add(path)
            return True
        return False

    async def remove_former_fields(self, log: engine.Log) -> None:
        """Remove what only lost states declared from the adopted objects that the provider has applied by now."""
        await self._process(self._remove_former_fields, [*self._adopted], log)

    async def merge_managers(self, log: engine.Log) -> None:
        """Give the fields of earlier managers to the newest one, which removes them when it next applies the object."""
        mixed, self._mixed = sorted(self._mixed), set()
        await self._process(self._merge_managers, mixed, log)

    def watch(self, namespaces: Iterable[str], labels: Mapping[str, str]) -> None:
        """Note where objects of the stack are, and their labels."""
        self._stacks |= dict.fromkeys(namespaces, labels)

    async def merge_new_managers(self, log: engine.Log) -> None:
        """Merge the managers of objects that this update has created although they existed.

        After an interrupted or failed update, the state may not have an object that it created before. So the provider
        creates it once more, with a new manager.
        """
        requests = [
            self._mark_mixed(kind, namespace, _format_selector(labels))
            for namespace, labels in self._stacks.items()
            for kind in kinds.MANAGED_VERSIONS
        ]
        await self._cluster.gather(requests)
        await self.merge_managers(log)

    async def report_forgotten(
        self, declared: Collection[tuple[str, str, str]], labels: Mapping[str, str], log: engine.Log
    ) -> None:
        """Warn of programs and addresses that only the lost state had: no state deletes them.

        Args:
            declared: namespace, kind and name of each declared object.
            labels: of the stack.
        """
        selector = _format_selector(labels)
        for namespace in sorted({namespace for namespace, _, _ in declared} - {""}):
            requests = (
                self._cluster.get(kinds.build_path(kind, namespace), labelSelector=selector)
                for kind in _FORGOTTEN_KINDS
            )
            try:
                answers = await self._cluster.gather(requests)
            except errors.Forbidden:
                continue  # the account of the deployment may lack this permission
            forgotten = [
                f"{kind.lower()}/{name}"
                for kind, answer in zip(_FORGOTTEN_KINDS, answers, strict=True)
                for name in map(unstructured.get_name, answer["items"])
                if (namespace, kind, name) not in declared
            ]
            if forgotten:
                await log.warning(
                    "these objects of the stack are not declared any more, and nothing deletes them:"
                    f" kubectl delete -n {namespace} {' '.join(forgotten)} (a StatefulSet may delete its disks)"
                )

    async def _mark_mixed(self, kind: str, namespace: str, selector: str) -> None:
        # The account may not list the kind, or the cluster does not know it.
        with contextlib.suppress(errors.Unavailable):
            answer = await self._cluster.get(kinds.build_path(kind, namespace), labelSelector=selector)
            for manifest in answer["items"]:
                self.mark_mixed(kinds.build_path(kind, namespace, unstructured.get_name(manifest)), manifest)

    async def _process(self, operation: Any, paths: Iterable[str], log: engine.Log) -> None:
        async def run(path: str) -> None:
            try:
                await operation(path)
            except errors.Unavailable as error:
                await log.warning(f"{path.rpartition('/')[2]} keeps fields of an earlier state of this stack: {error}")

        await self._cluster.gather(map(run, paths))

    async def _remove_former_fields(self, path: str) -> None:
        live: unstructured.Object = await self._cluster.find(path) or {}
        former = self._adopted.get(path, frozenset())
        managers = {manager["manager"] for manager in _list_own_managers(live)}
        if live and not managers - former:
            return  # another step of the update applies it
        self._adopted.pop(path, None)
        for manager in sorted(managers & former):
            # It applies no field any more. With the UID, an object that was deleted meanwhile is not created again.
            metadata = {key: value for key, value in live["metadata"].items() if key in ("name", "namespace", "uid")}
            identity = {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": metadata}
            await self._cluster.apply(path, identity, field_manager=manager)

    async def _merge_managers(self, path: str) -> None:
        for attempt in range(_ATTEMPTS):
            live = await self._cluster.find(path)
            own = sorted(_list_own_managers(live or {}), key=fields.get_time)
            if not live or len(own) < 2:  # one of them is the state's
                return
            merged: Mapping[str, Any] = {}
            for manager in own:
                merged = _merge_trees(merged, manager.get("fieldsV1") or {})
            metadata = live["metadata"]
            others = [manager for manager in metadata["managedFields"] if manager not in own]
            now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            managed_fields = [*others, {**_choose_newest(own), "fieldsV1": merged, "time": now}]
            patch = {"metadata": {"resourceVersion": metadata["resourceVersion"], "managedFields": managed_fields}}
            try:
                await self._cluster.merge_patch(path, patch, field_manager=record_store.FIELD_MANAGER)
            except errors.Unavailable:
                if attempt + 1 == _ATTEMPTS:
                    raise
                await asyncio.sleep(attempt)
            else:
                return


def _format_selector(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in labels.items())


def _list_own_managers(live: unstructured.Object) -> list[unstructured.Object]:
    """The managers of states of this stack. Its labels identify the objects of its guard.

    A patch of another program, for example a label of a policy on the namespace, has a name of the same form. But it
    does not apply the labels of the stack.
    """
    return [
        manager
        for manager in fields.list_managers(live)
        if str(manager.get("manager", "")).startswith(_PROVIDER_PREFIX)
        and manager.get("operation") == "Apply"
        and not manager.get("subresource")
        and manager.get("apiVersion") == live.get("apiVersion", manager.get("apiVersion"))
        and {f"f:{label}" for label in _OWN_LABELS}
        <= unstructured.get_mapping(manager, "fieldsV1", "f:metadata", "f:labels").keys()
    ]


def _choose_newest(managers: Sequence[unstructured.Object]) -> unstructured.Object:
    """The manager of the state.

    A manager has no time if it has changed nothing: it adopted the object as it was. If that is so for several, their
    order is unknown. Then the fields go to the manager from whom the provider itself takes them over in an update.
    """
    without_time = [manager for manager in managers if not fields.get_time(manager)]
    if len(without_time) > 1:
        return {**without_time[0], "manager": disk_growth.PROVIDER_MANAGER, "operation": "Update"}
    return without_time[0] if without_time else managers[-1]


def _merge_trees(tree: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    """The union of two sets of fields in the form of ``fieldsV1``."""
    common = {key: _merge_trees(tree[key], other[key]) for key in tree.keys() & other.keys()}
    return {**tree, **other, **common}
