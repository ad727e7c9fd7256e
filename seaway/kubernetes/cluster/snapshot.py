"""The objects of one namespace at one moment, as the API returns them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

Object = Mapping[str, Any]

WATCHED_KINDS = (
    "Deployment",
    "DaemonSet",
    "ReplicaSet",
    "StatefulSet",
    "Job",
    "CronJob",
    "Pod",
    "Event",
    "PersistentVolumeClaim",
)
"""The kinds that the health of a workload is computed from."""


@dataclasses.dataclass(frozen=True, slots=True)
class Snapshot:
    """Objects by kind. A kind that was not read has no objects."""

    objects: Mapping[str, Sequence[Object]]

    def list_objects(self, kind: str) -> Sequence[Object]:
        """The objects of a kind."""
        return self.objects.get(kind, ())


EMPTY = Snapshot({})
