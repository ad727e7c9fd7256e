"""Refuses the loss of disks, and of other people's objects in an adopted namespace.

A preview calls no provider for a resource that is deleted. So losses are detected where the engine does call the
plugin: in the diff of ``Objects`` for an update, and in ``Configure`` for a destroy.
"""

import datetime
import os
import subprocess
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from plugin import adoption, engine, resource, values
from seaway.kubernetes.api import kinds
from seaway.kubernetes.cluster import client
from seaway.manifests import names
from seaway.review import change, disks

_COMMANDS = frozenset(
    {
        "cancel",
        "destroy",
        "dn",
        "down",
        "import",
        "pre",
        "preview",
        "refresh",
        "stack",
        "state",
        "up",
        "update",
        "watch",
    }
)
_DESTROY_COMMANDS = frozenset({"destroy", "dn", "down"})
_PARTIAL_OPTIONS = ("--target", "-t", "--exclude")
"""Options of a destroy that deletes some resources only. The deletion of ``destroy-guard`` checks these."""

DISK_HOLDER_KINDS = ("Namespace", "PersistentVolumeClaim", "StatefulSet")
"""Kinds of objects whose deletion can delete disks."""

RUNBOOK_HINT = "See docs/runbook.md#data-loss"
UPDATE_HINTS: Sequence[str] = (
    "To keep the data, undo the change, or deploy the other application as a stack of its own.",
    "To delete it, put {accepted} before the same command, or use: seaway up --accept-data-loss",
)
DESTROY_HINTS: Sequence[str] = (
    "To stop the one-node cluster and keep the data: make cluster-down.",
    "To delete the stack and its data: {accepted} pulumi destroy --ignore-protect",
)


NAMESPACES = "namespaces"
ACCEPTED_LOSSES = "dataLoss"
PROVIDER_INPUTS = (NAMESPACES, ACCEPTED_LOSSES)
"""Inputs of the provider: where the stack is deployed, and which losses its file accepts. A destroy runs no
program, so the state must hold both."""

UNRECORDED = "?"
"""An entry of the namespaces: the version that wrote the state did not record them."""


class DataLossGuard:
    """Refuses the loss of disks that nothing accepts.

    Args:
        inputs: of the provider.
    """

    def __init__(self, cluster: client.KubeClient, inputs: values.Properties) -> None:
        self._cluster = cluster
        recorded = _split_names(inputs.get(NAMESPACES))
        self._namespaces = [space for space in recorded if space != UNRECORDED]
        self._recorded = bool(recorded) and UNRECORDED not in recorded
        self._acceptance = disks.Acceptance.decode(str(inputs.get(ACCEPTED_LOSSES) or ""), os.environ)

    async def check_destroy(self, log: engine.Log) -> None:
        """Refuse to delete the whole stack where disks go with it.

        Where the state does not name a namespace that exists, all with the stack's label are looked at.
        """
        found = [await self._cluster.find(kinds.build_path("Namespace", name=space)) for space in self._namespaces]
        spaces, hints = [home["metadata"]["name"] for home in found if home is not None], [*DESTROY_HINTS]
        if not spaces and not self._recorded:
            label = f"{names.STACK_LABEL}={names.shorten_name(log.stack)}"
            listed = await self._cluster.get(kinds.build_path("Namespace"), labelSelector=label)
            spaces = [home["metadata"]["name"] for home in listed["items"]]
            hints.append(
                f"The state is of an older version: it does not say which namespace with {label} is the stack's."
            )
        await self._refuse_losses(await self.find_in_namespaces(spaces), log, hints)

    async def check_update(self, lost: Sequence[disks.Disk], log: engine.Log) -> None:
        """Refuse a change that deletes these disks."""
        await self._refuse_losses(lost, log, UPDATE_HINTS)

    async def _refuse_losses(self, lost: Sequence[disks.Disk], log: engine.Log, hints: Sequence[str]) -> None:
        """Refuse, or where the run asks for it list, the loss of disks.

        Raises:
            resource.Refused: a disk would be deleted, and nothing accepts that.
        """
        refused = self._acceptance.list_refused(lost, datetime.datetime.now(datetime.UTC).date())
        if os.environ.get(disks.LIST_VARIABLE) == "true":
            for disk in lost:
                await log.warning(disk.line)
        elif refused:
            accepted = f"{disks.ACCEPT_VARIABLE}={','.join(disk.name for disk in lost)}"
            several = f"{len(refused)} disks would be deleted with their data"
            head = "a disk would be deleted with its data" if len(refused) == 1 else several
            lines = [f"{head}; nothing was changed", *(f"  {disk.line}" for disk in refused)]
            raise resource.ResourceError(
                "\n".join([*lines, *(hint.format(accepted=accepted) for hint in hints), RUNBOOK_HINT])
            )

    async def find_in_namespaces(self, namespaces: Iterable[str]) -> list[disks.Disk]:
        """All claims of namespaces that are deleted.

        Raises:
            resource.Refused: one was adopted, and other people's objects are in it.
        """
        lost: list[disks.Disk] = []
        foreign: list[str] = []
        for space in namespaces:
            home = await self._cluster.find(kinds.build_path("Namespace", name=space))
            if home is None:
                continue
            if adoption.is_adopted(home):
                foreign += await adoption.find_foreign_objects(self._cluster, home)
            claims = await self._list_bound_claims(space)
            lost += [_build_disk(space, claim, f"the namespace {space} is deleted") for claim in claims]
        if foreign:
            raise resource.ResourceError(adoption.format_refusal(foreign))
        return lost

    async def find_in_claims(self, namespace: str, deleted_names: Collection[str]) -> list[disks.Disk]:
        """Claims that the stack has made itself, of which some are deleted."""
        claims = (
            [claim for claim in await self._list_bound_claims(namespace) if claim["metadata"]["name"] in deleted_names]
            if deleted_names
            else []
        )
        return [_build_disk(namespace, claim, "the claim is deleted") for claim in claims]

    async def find_in_stateful_sets(
        self,
        namespace: str,
        deleted_names: Collection[str],
        declared: Mapping[str, Mapping[str, Any]],
        recorded: Mapping[str, Mapping[str, Any]],
    ) -> list[disks.Disk]:
        """Claims that go with StatefulSets.

        Args:
            gone: names of those that are deleted.
            declared: the shapes of the others, by name.
            recorded: the shapes as the state has them, by name.
        """
        listed = await self._cluster.get(kinds.build_path("StatefulSet", namespace))
        found = [
            deleted
            for live in listed["items"]
            if (name := live["metadata"]["name"]) in deleted_names or name in declared
            if (
                deleted := disks.find_deleted(
                    live, None if name in deleted_names else declared[name], recorded.get(name)
                )
            )
        ]
        claims = await self._list_bound_claims(namespace) if found else []
        return [
            _build_disk(namespace, claim, reason)
            for pattern, reason in found
            for claim in claims
            if pattern.fullmatch(claim["metadata"]["name"])
        ]

    async def _list_bound_claims(self, namespace: str) -> list[change.Manifest]:
        """Those with a disk: one that is not bound has none yet."""
        listed = await self._cluster.get(kinds.build_path("PersistentVolumeClaim", namespace))
        bound = [claim for claim in listed["items"] if change.get_field(claim, "spec.volumeName")]
        return sorted(bound, key=lambda claim: claim["metadata"]["name"])


def merge_namespaces(declared: str, before: values.Properties) -> str:
    """The declared namespace and the earlier ones: after an update that failed, the state may hold objects in both.

    Args:
        before: the inputs of the provider in the state; empty: it is new.
    """
    recorded = _split_names(before.get(NAMESPACES)) or ([UNRECORDED] if before else [])
    return ",".join(dict.fromkeys([declared, *recorded]))


def is_destroy() -> bool:
    """Whether the engine that started this plugin destroys the whole stack, by its command line.

    The protocol has no field for it, and the preview of a destroy calls no provider. Where the command line cannot be
    read, only the deletion of ``destroy-guard`` refuses.
    """
    words = _read_command_line(os.getppid())[1:]
    command = next((word for word in words if word in _COMMANDS), None)
    return command in _DESTROY_COMMANDS and not any(word.startswith(_PARTIAL_OPTIONS) for word in words)


def _split_names(text: values.Value) -> list[str]:
    return [space for space in str(text or "").split(",") if space]


def _read_command_line(process: int) -> list[str]:
    try:
        return Path(f"/proc/{process}/cmdline").read_text(errors="replace").split("\0")
    except OSError:
        pass
    try:
        command = ["ps", "-o", "args=", "-p", str(process)]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    except OSError:
        return []


def _build_disk(namespace: str, claim: change.Manifest, reason: str) -> disks.Disk:
    asked = change.get_field(claim, "spec.resources.requests.storage")
    labels: Mapping[str, str] = change.get_field(claim, "metadata.labels") or {}
    return disks.Disk(
        namespace=namespace,
        claim=claim["metadata"]["name"],
        size=str(change.get_field(claim, "status.capacity.storage") or asked),
        owner=labels.get(disks.OWNER_LABEL),
        reason=reason,
    )
