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


def find_container_status(pod: Object, name: str) -> Object:
    """The status of the container of this name, also of an ephemeral one; empty if it is not known yet."""
    statuses = (*list_container_statuses(pod), *get_list(pod, "status", "ephemeralContainerStatuses"))
    return next((status for status in statuses if status["name"] == name), _EMPTY)


def get_container_state(pod: Object, name: str) -> Object:
    """The state of the container of this name; empty if it is not known yet."""
    return get_mapping(find_container_status(pod, name), "state")


def get_state_message(state: Object) -> str:
    """Why a container ended or waits; empty while it runs."""
    details = get_mapping(state, "terminated" if "terminated" in state else "waiting")
    return details.get("message") or details.get("reason") or ""


def get_user(pod: Object, container: Object) -> int | None:
    """The user of a container's processes; None: the pod leaves it to the image."""
    contexts = (get_mapping(container, "securityContext"), get_mapping(pod, "spec", "securityContext"))
    return next((context["runAsUser"] for context in contexts if "runAsUser" in context), None)


def list_http_ports(container: Object) -> list[str | int]:
    """The ports that answer HTTP, as the probes name them."""
    probes = (get_mapping(container, probe, "httpGet") for probe in ("readinessProbe", "livenessProbe"))
    return [probe["port"] for probe in probes if probe]


def matches_labels(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether a set of labels contains those of the selector; an empty selector matches every set."""
    return selector.items() <= labels.items()


def matches_selector(selector: Object, labels: Mapping[str, str]) -> bool:
    """Whether labels match a selector with expressions.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#resources-that-support-set-based-requirements
    """
    return matches_labels(get_mapping(selector, "matchLabels"), labels) and all(
        _matches_expression(expression, labels.get(expression["key"]))
        for expression in get_list(selector, "matchExpressions")
    )


def _matches_expression(expression: Object, label: str | None) -> bool:
    match expression["operator"]:
        case "In":
            return label in expression["values"]
        case "NotIn":
            return label not in expression["values"]
        case "Exists":
            return label is not None
        case _:
            return label is None


def is_sidecar(container: Object) -> bool:
    """Whether an init container keeps running beside the main containers.

    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
    """
    return container.get("restartPolicy") == "Always"
