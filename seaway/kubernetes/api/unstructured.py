"""Reads fields of objects as the API returns them, where a missing field is empty."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

Object = Mapping[str, Any]

_EMPTY: Object = {}
EPOCH = datetime.datetime.fromtimestamp(0, datetime.UTC)


def get_mapping(manifest: Object, *keys: str) -> Object:
    """The mapping at a path; empty if there is none."""
    for key in keys:
        manifest = manifest.get(key) or {}
    return manifest


def get_list(manifest: Object, *keys: str) -> Sequence[Object]:
    """The list of mappings at a path; empty if there is none."""
    return get_mapping(manifest, *keys[:-1]).get(keys[-1]) or ()


def get_count(mapping: Object, key: str) -> int:
    """A number. Kubernetes leaves out zeros."""
    return mapping.get(key) or 0


def get_name(manifest: Object) -> str:
    return manifest["metadata"]["name"]


def get_label(manifest: Object, key: str) -> str | None:
    return get_mapping(manifest, "metadata", "labels").get(key)


def get_annotation(manifest: Object, key: str) -> str | None:
    return get_mapping(manifest, "metadata", "annotations").get(key)


def parse_time(text: str | None) -> datetime.datetime:
    """A timestamp of the API. Without one the epoch, which container runtimes also write if they do not know."""
    return datetime.datetime.fromisoformat(text) if text else EPOCH


def get_creation_time(manifest: Object) -> datetime.datetime:
    """When the object was created."""
    return parse_time(manifest["metadata"].get("creationTimestamp"))


def is_terminating(manifest: Object) -> bool:
    """Whether the object is being deleted."""
    return bool(manifest["metadata"].get("deletionTimestamp"))


def find_condition(manifest: Object, condition_type: str) -> Object:
    """The condition of a type in the status; empty if there is none."""
    conditions = get_list(manifest, "status", "conditions")
    return next((condition for condition in conditions if condition.get("type") == condition_type), _EMPTY)


def is_condition_true(manifest: Object, condition_type: str) -> bool:
    """Whether a condition has the status True."""
    return find_condition(manifest, condition_type).get("status") == "True"


def is_pod_ready(pod: Object) -> bool:
    """Whether a pod receives requests and is not being deleted."""
    return is_condition_true(pod, "Ready") and not is_terminating(pod)


def list_container_statuses(pod: Object) -> list[Object]:
    """The statuses of all containers in the order in which they start: init containers first."""
    return [*get_list(pod, "status", "initContainerStatuses"), *get_list(pod, "status", "containerStatuses")]


def find_container(pod: Object, name: str) -> Object:
    """The container of this name in the pod's spec; empty if there is none."""
    containers = (*get_list(pod, "spec", "initContainers"), *get_list(pod, "spec", "containers"))
    return next((container for container in containers if container["name"] == name), _EMPTY)


def is_sidecar(container: Object) -> bool:
    """Whether an init container keeps running beside the main containers.

    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
    """
    return container.get("restartPolicy") == "Always"
