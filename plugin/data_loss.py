"""Refuses the loss of disks, and of other people's objects in an adopted namespace.

A preview calls no provider for a resource that is deleted. So losses are detected where the engine does call the
plugin: in the diff of ``Objects`` for an update, and in ``Configure`` for a destroy.
"""

import datetime
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from seaway import programs
from seaway.kubernetes.api import kinds, unstructured
from seaway.kubernetes.cluster import client
from seaway.manifests import names
from seaway.review import disks
from seaway.syntax import diagnosis

from . import adoption, engine, values

_COMMANDS = frozenset(
    {
        *("cancel", "destroy", "dn", "down", "import", "pre", "preview"),
        *("refresh", "stack", "state", "up", "update", "watch"),
    }
)
_DESTROY_COMMANDS = frozenset({"destroy", "dn", "down"})
_PARTIAL_OPTIONS = ("--target", "-t", "--exclude")
"""Options of a destroy that deletes some resources only. The deletion of ``destroy-guard`` checks these."""

DISK_HOLDER_KINDS = ("Namespace", "PersistentVolumeClaim", "StatefulSet")
"""Kinds of objects whose deletion can delete disks."""

UPDATE_HINTS: Sequence[str] = (
    "To keep the data, undo the change, or deploy the other application as another stack.",
    "To delete it, put {accepted} before the same command, or use: seaway up --accept-data-loss",
)
DESTROY_HINTS: Sequence[str] = (
    "To stop the one-node cluster and keep the data: make cluster-down.",
    "Do not unprotect resources, as Pulumi suggests: the disks stay refused.",
    "To delete the stack and its data: {accepted} pulumi destroy --stack {stack} --ignore-protect",
)

NAMESPACES = "namespaces"
ACCEPTED_LOSSES = "dataLoss"
PROVIDER_INPUTS = (NAMESPACES, ACCEPTED_LOSSES)
"""Inputs of the provider: where the stack is deployed, and which losses its file accepts. A destroy runs no program,
so the state must hold both."""

UNRECORDED = "?"
"""In the namespaces: the version that wrote the state did not record them."""


class DataLossGuard:
    """Refuses the loss of disks that is not accepted. ``inputs``: of the provider."""

    def __init__(self, cluster: client.KubeClient, inputs: values.Properties) -> None:
        self._cluster = cluster
        recorded = _split_names(inputs.get(NAMESPACES))
        self._namespaces = [namespace for namespace in recorded if namespace != UNRECORDED]
        self._recorded = NAMESPACES in inputs and UNRECORDED not in recorded
        self._acceptance = disks.Acceptance.decode(str(inputs.get(ACCEPTED_LOSSES) or ""), os.environ)

    async def check_destroy(self, log: engine.Log) -> None:
        """Refuse to delete the whole stack if that deletes disks.

        If the state has no namespace that exists, all namespaces with the stack's label are checked.
        """
        namespaces, hints = await self.find_namespaces(self._namespaces), [*DESTROY_HINTS]
        if not namespaces and not self._recorded:
            label = f"{names.STACK_LABEL}={names.shorten_name(log.stack)}"
            namespaces = (await self._cluster.get(kinds.build_path("Namespace"), labelSelector=label))["items"]
            hints.append(
                f"The state is of an older version, which did not record which namespace with {label} it uses."
            )
        await self.refuse_losses(await self.find_in_namespaces(namespaces), log, hints)

    async def refuse_losses(
        self, lost: Sequence[disks.Disk], log: engine.Log, hints: Sequence[str] = UPDATE_HINTS
    ) -> None:
        """Refuse the loss of disks, or list them if the run requests that.

        Raises:
            engine.ResourceError: a disk would be deleted, and that is not accepted.
        """
        refused = self._acceptance.list_refused(lost, datetime.datetime.now(datetime.UTC).date())
        if os.environ.get(disks.LIST_VARIABLE) == "true":
            for disk in lost:
                await log.warning(disk.line)
        elif refused:
            accepted = f"{disks.ACCEPT_VARIABLE}={','.join(disk.name for disk in lost)}"
            several = f"{len(refused)} disks would be deleted with their data"
            subject = "a disk would be deleted with its data" if len(refused) == 1 else several
            lines = [f"{subject}; nothing was changed", *(f"  {disk.line}" for disk in refused)]
            lines += [hint.format(accepted=accepted, stack=log.stack) for hint in hints]
            lines.append(f"More: {diagnosis.format_help('data-loss')}")
            raise engine.ResourceError("\n".join(lines), code="data-loss")

    async def find_namespaces(self, namespaces: Iterable[str]) -> list[unstructured.Object]:
        """The namespaces of these names that exist."""
        live = [await self._cluster.find(kinds.build_path("Namespace", name=name)) for name in namespaces]
        return [namespace for namespace in live if namespace]

    async def find_in_namespaces(self, namespaces: Iterable[unstructured.Object]) -> list[disks.Disk]:
        """All claims of namespaces that are deleted.

        Raises:
            engine.ResourceError: a namespace was adopted, and other people's objects are in it.
        """
        lost: list[disks.Disk] = []
        foreign: list[str] = []
        for namespace in namespaces:
            if adoption.is_adopted(namespace):
                foreign += await adoption.find_foreign_objects(self._cluster, namespace)
            name = unstructured.get_name(namespace)
            claims = await self._list_bound_claims(name)
            lost += [_build_disk(name, claim, f"the namespace {name} is deleted") for claim in claims]
        if foreign:
            raise engine.ResourceError(adoption.format_refusal(foreign), code="foreign-objects")
        return lost

    async def find_in_objects(
        self,
        namespace: str,
        deleted: Collection[str],
        declared: Mapping[str, Mapping[str, Any]],
        recorded: Mapping[str, Mapping[str, Any]],
    ) -> list[disks.Disk]:
        """Claims of a namespace that are deleted: those that the stack created itself, and those of StatefulSets.

        Args:
            deleted: the identities of deleted objects.
            declared: the shapes of the StatefulSets that are not deleted, by identity.
            recorded: the shapes in the state, by identity.
        """
        losses: list[tuple[re.Pattern[str], str]] = []
        answer = await self._cluster.get(kinds.build_path("StatefulSet", namespace))
        for live in answer["items"]:
            identity = f"apps/v1/StatefulSet/{namespace}/{unstructured.get_name(live)}"
            if identity in deleted or identity in declared:
                loss = disks.find_deleted(live, declared.get(identity), recorded.get(identity))
                losses += [loss] if loss else []
        prefix = f"v1/PersistentVolumeClaim/{namespace}/"
        own_claims = [identity.removeprefix(prefix) for identity in sorted(deleted) if identity.startswith(prefix)]
        losses += [(re.compile(re.escape(name)), "the claim is deleted") for name in own_claims]
        claims = await self._list_bound_claims(namespace) if losses else []
        return [
            _build_disk(namespace, claim, reason)
            for pattern, reason in losses
            for claim in claims
            if pattern.fullmatch(unstructured.get_name(claim))
        ]

    async def _list_bound_claims(self, namespace: str) -> list[unstructured.Object]:
        """The claims with a disk, by name. A claim that is not bound has none yet."""
        answer = await self._cluster.get(kinds.build_path("PersistentVolumeClaim", namespace))
        bound = [claim for claim in answer["items"] if unstructured.get_mapping(claim, "spec").get("volumeName")]
        return sorted(bound, key=unstructured.get_name)


def merge_namespaces(declared: str, before: values.Properties) -> str:
    """The declared namespace and the earlier ones: after a failed update the state may hold objects in both.

    ``before``: the inputs of the provider in the state; empty if it is new.
    """
    recorded = _split_names(before.get(NAMESPACES)) or ([UNRECORDED] if before else [])
    return ",".join(dict.fromkeys([declared, *recorded]))


def is_destroy() -> bool:
    """Whether the engine that started this plugin destroys the whole stack, by its command line.

    The protocol has no field for this, and the preview of a destroy calls no provider. If the command line cannot be
    read, only the deletion of ``destroy-guard`` refuses.
    """
    words = _read_command_line(os.getppid())[1:]
    command = next((word for word in words if word in _COMMANDS), None)
    return command in _DESTROY_COMMANDS and not any(word.startswith(_PARTIAL_OPTIONS) for word in words)


def _split_names(text: values.Value) -> list[str]:
    return [name for name in str(text or "").split(",") if name]


def _read_command_line(process: int) -> list[str]:
    try:
        return Path(f"/proc/{process}/cmdline").read_text(errors="replace").split("\0")
    except OSError:
        pass
    try:
        command = ["ps", "-o", "args=", "-p", str(process)]
        return programs.run(command, timeout=10).stdout.decode(errors="replace").split()
    except OSError:
        return []


def _build_disk(namespace: str, claim: unstructured.Object, reason: str) -> disks.Disk:
    capacity = unstructured.get_mapping(claim, "status", "capacity").get("storage")
    requested = unstructured.get_mapping(claim, "spec", "resources", "requests").get("storage")
    return disks.Disk(
        namespace=namespace,
        claim=unstructured.get_name(claim),
        size=str(capacity or requested),
        owner=unstructured.get_label(claim, disks.OWNER_LABEL),
        reason=reason,
    )
