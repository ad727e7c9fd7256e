"""The cluster's objects of one namespace at one moment, as the API gives them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

Object = Mapping[str, Any]

LIST_PATHS: Mapping[str, str] = {
    "Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments",
    "DaemonSet": "/apis/apps/v1/namespaces/{namespace}/daemonsets",
    "ReplicaSet": "/apis/apps/v1/namespaces/{namespace}/replicasets",
    "StatefulSet": "/apis/apps/v1/namespaces/{namespace}/statefulsets",
    "Job": "/apis/batch/v1/namespaces/{namespace}/jobs",
    "CronJob": "/apis/batch/v1/namespaces/{namespace}/cronjobs",
    "Pod": "/api/v1/namespaces/{namespace}/pods",
    "Event": "/api/v1/namespaces/{namespace}/events",
    "PersistentVolumeClaim": "/api/v1/namespaces/{namespace}/persistentvolumeclaims",
}
"""The kinds that a judgement looks at, and where they are listed and watched."""


@dataclasses.dataclass(frozen=True, slots=True)
class Snapshot:
    """All objects of the kinds in PATHS, by kind. An absent kind has no objects."""

    objects: Mapping[str, Sequence[Object]]

    def list_objects(self, kind: str) -> Sequence[Object]:
        """The objects of a kind."""
        return self.objects.get(kind, ())
