"""Selects the pods of a workload: all of them, and those of its newest version."""

import dataclasses
from collections.abc import Sequence

from seaway.kubernetes.api import unstructured
from seaway.kubernetes.cluster import snapshot
from seaway.rollout import evidence, target

REVISION_ANNOTATION = "deployment.kubernetes.io/revision"
"""Annotation of a Deployment and of its ReplicaSets. The newest ReplicaSet has the Deployment's number.

The youngest ReplicaSet is not always the newest version: a rollback reuses an old ReplicaSet, and changes only this
number.
"""

GENERATION_ANNOTATION = "deprecated.daemonset.template.generation"
GENERATION_LABEL = "pod-template-generation"
"""Annotation of a DaemonSet, and label of its pods. The pods of the newest version have the DaemonSet's number.
https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/controller/daemon/util/daemonset_util.go"""

REVISION_LABEL = "controller-revision-hash"
"""Label of the pods of a StatefulSet."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OwnedPods:
    """The pods of a workload, also those that are being deleted."""

    owners: Sequence[snapshot.Object]
    """The objects that own the pods: a Deployment's ReplicaSets, a CronJob's Jobs, otherwise the workload."""
    newest_owner: snapshot.Object | None
    """The owner of the newest version's pods; None if it does not exist yet."""
    pods: Sequence[snapshot.Object]
    newest: Sequence[snapshot.Object]
    """Pods of the newest version."""

    @property
    def old(self) -> list[snapshot.Object]:
        """Pods of earlier versions that are not being deleted yet."""
        return [pod for pod in self.pods if pod not in self.newest and not unstructured.is_terminating(pod)]


def select_pods(kind: target.Kind, workload: snapshot.Object, index: evidence.ObjectIndex) -> OwnedPods:
    """The pods of a workload."""
    owners, newest_owner = [workload], workload
    if kind == "Deployment":
        owners = index.find_owned("ReplicaSet", workload)
        revision = unstructured.get_annotation(workload, REVISION_ANNOTATION)
        newest_owner = _find_by_annotation(owners, REVISION_ANNOTATION, revision)
    elif kind == "CronJob":
        owners = index.find_owned("Job", workload)
        newest_owner = max(owners, key=unstructured.get_creation_time, default=None)
    newest = index.find_owned("Pod", newest_owner) if newest_owner else []
    if kind == "StatefulSet":
        revision = unstructured.get_mapping(workload, "status").get("updateRevision")
        newest = [pod for pod in newest if unstructured.get_label(pod, REVISION_LABEL) == revision]
    elif kind == "DaemonSet" and (generation := unstructured.get_annotation(workload, GENERATION_ANNOTATION)):
        newest = [pod for pod in newest if unstructured.get_label(pod, GENERATION_LABEL) == generation]
    pods = [pod for owner in owners for pod in index.find_owned("Pod", owner)]
    return OwnedPods(owners=owners, newest_owner=newest_owner, pods=pods, newest=newest)


def _find_by_annotation(manifests: Sequence[snapshot.Object], key: str, text: str | None) -> snapshot.Object | None:
    matches = (manifest for manifest in manifests if text and unstructured.get_annotation(manifest, key) == text)
    return next(matches, None)
