"""Rules about ``raw``: Kubernetes fields that have no key in app.yaml.

They are checked against the schema of the API, and against the fields that Seaway sets itself: it finds an object by
its name and labels, and a field that has a key in app.yaml is set by that key only.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from seaway.kubernetes.api import kinds, schema
from seaway.model import application
from seaway.syntax import decode, diagnosis

_REMOVE = "remove it"
_SELECTOR = ("selects the pods by the labels that Seaway sets, and is immutable", _REMOVE)
_SCALE = ("is set by `scale`", "write `scale: 3` or `scale: {min: 2, max: 10}`")
_CONTENT = "would not change the name of the object, which contains a hash of the content: no pod would restart"
_IMMUTABLE = ("keeps the content and the name of the object consistent", _REMOVE)
_RESERVED_FIELDS: Mapping[tuple[str, ...], tuple[str, str]] = {
    ("*", "apiVersion"): ("is determined by the kind", _REMOVE),
    ("*", "kind"): ("is determined by the kind", _REMOVE),
    ("*", "status"): ("is written by the cluster", _REMOVE),
    ("*", "metadata", "name"): ("is the name by which links, selectors and releases find the object", _REMOVE),
    ("*", "metadata", "namespace"): ("is determined by the application and the stack", _REMOVE),
    **{(kind, "spec", "selector"): _SELECTOR for kind in ("Deployment", "StatefulSet", "DaemonSet", "Job")},
    **{(kind, "spec", "selector"): _SELECTOR for kind in ("Service", "PodDisruptionBudget")},
    ("Job", "spec", "manualSelector"): _SELECTOR,
    ("NetworkPolicy", "spec", "podSelector"): _SELECTOR,
    ("HorizontalPodAutoscaler", "spec", "scaleTargetRef"): ("names the workload to scale", _REMOVE),
    ("RoleBinding", "roleRef"): ("binds the role to the account", "write `kubernetesApi:`"),
    ("RoleBinding", "subjects"): ("binds the role to the account", "write `kubernetesApi:`"),
    ("Deployment", "spec", "replicas"): _SCALE,
    ("HorizontalPodAutoscaler", "spec", "minReplicas"): _SCALE,
    ("HorizontalPodAutoscaler", "spec", "maxReplicas"): _SCALE,
    ("StatefulSet", "spec", "replicas"): ("is 1: a store is one pod with its volume", _REMOVE),
    ("StatefulSet", "spec", "serviceName"): ("is the name that links use, and is immutable", _REMOVE),
    ("CronJob", "spec", "schedule"): ("is set by `schedule`", 'write `schedule: "0 3 * * *"`'),
    ("CronJob", "spec", "suspend"): ("is set by `run` and `schedule`", "write `run: on-demand`"),
    ("ConfigMap", "data"): (_CONTENT, "write `files:`"),
    ("ConfigMap", "binaryData"): (_CONTENT, "write `files:`"),
    ("ConfigMap", "immutable"): _IMMUTABLE,
    ("Secret", "data"): (_CONTENT, "write `secrets:`"),
    ("Secret", "stringData"): (_CONTENT, "write `secrets:`"),
    ("Secret", "immutable"): _IMMUTABLE,
    ("Secret", "type"): ("is immutable", _REMOVE),
}
"""The fields that Seaway sets, each with a message and a hint. `*` is any kind."""

_METADATA = ("labels", "annotations", "finalizers")
_OWN_LABELS = (
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/managed-by",
    "seaway/",
)
_OWN_ANNOTATIONS = ("pulumi.com/", "seaway/")

Errors = Iterator[schema.FieldError]


def check_workload(workload: application.AnyWorkload, part: diagnosis.Part) -> diagnosis.Diagnostics:
    """The errors in the ``raw`` fields of all workloads."""
    for kind, fields in workload.raw.items():
        for error in _check_kind(workload, part, kind, fields):
            yield part.at("raw", kind, *error.path).report(error.code, error.message, error.hint)


def list_kinds(workload: application.AnyWorkload) -> list[str]:
    """The kinds of the objects of a workload, in any environment."""
    names = {"ServiceAccount", "NetworkPolicy"}
    match workload:
        case application.Service():
            names.add("DaemonSet" if workload.daemon_set else "Deployment")
            names |= {"Service"} if workload.port is not None or workload.ports else set()
            names |= _list_route_kinds(workload) if workload.publish else set()
            names |= {"HorizontalPodAutoscaler"} if workload.scale.max is not None else set()
            if not workload.daemon_set and (workload.scale.max or workload.scale.min) >= 2:
                names.add("PodDisruptionBudget")
        case application.Store():
            names |= {"StatefulSet", "Service"}
        case application.Job():
            names.add("Job" if workload.is_release_job() else "CronJob")
    containers = workload.list_containers()
    names |= {"ConfigMap"} if any(container_spec.files for container_spec in containers) else set()
    secrets = [secret for container_spec in containers for secret in container_spec.secrets]
    names |= {"Secret"} if any(secret.existing is None for secret in secrets) else set()
    names |= {"Role", "RoleBinding"} if workload.kubernetes_api else set()
    return sorted(names)


def _list_route_kinds(service: application.Service) -> set[str]:
    """The kinds that route requests to a published service, in any environment."""
    return {"Ingress", "HTTPRoute"} | ({"GRPCRoute"} if service.protocol == "grpc" else set())


def _check_kind(workload: application.AnyWorkload, part: diagnosis.Part, kind: str, fields: Any) -> Errors:
    known = list_kinds(workload)
    if kind not in known:
        message = f"this {part.path.partition('.')[0].removesuffix('s')} has no object of that kind"
        yield schema.FieldError((), "unknown-kind", message, decode.suggest_name(kind, known))
        return
    reserved = list(_check_reserved_fields(workload, kind, fields))
    yield from reserved
    # The reason why a field is reserved is more helpful than other errors in it.
    for error in schema.check_object(kind, fields, partial=True):
        if not any(error.path[: len(field.path)] == field.path for field in reserved):
            yield error


def _check_reserved_fields(workload: application.AnyWorkload, kind: str, fields: Any) -> Errors:
    for (of_kind, *path), (message, hint) in _RESERVED_FIELDS.items():
        if of_kind in ("*", kind) and _has_key(fields, path):
            yield schema.FieldError(tuple(path), "reserved-field", message, hint)
    for key in _list_keys(fields, ("metadata",)):
        if key not in (*_METADATA, "name", "namespace"):
            hint = f"there are: {', '.join(_METADATA)}"
            yield schema.FieldError(("metadata", key), "unsupported-key", "is not supported", hint)
    pod = kinds.KINDS[kind].pod_template
    for path in _list_required_paths(pod):
        if _has_key(fields, path) and schema.get_nested(fields, path) is None:
            yield schema.FieldError(path, "required-field", "cannot be removed: Seaway needs it", _REMOVE)
    for metadata in (("metadata",), *([(*pod, "metadata")] if pod else [])):
        for key in _list_keys(fields, (*metadata, "labels")):
            if key.startswith(_OWN_LABELS):
                message = "is a label by which Seaway identifies the object"
                path = (*metadata, "labels", key)
                yield schema.FieldError(path, "reserved-field", message, f"{_REMOVE}, or choose another key")
    for key in _list_keys(fields, ("metadata", "annotations")):
        if key.startswith(_OWN_ANNOTATIONS):
            path = ("metadata", "annotations", key)
            yield schema.FieldError(path, "reserved-field", "controls how Pulumi treats the object", _REMOVE)
    if pod:
        yield from _check_images(workload, fields, (*pod, "spec"))


def _list_required_paths(pod: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The fields that null must not remove. ``pod``: the path of the pod template, if the kind has one."""
    yield from (("metadata",), ("metadata", "labels"), ("metadata", "annotations"), ("spec",))
    if pod:
        yield from (pod[:length] for length in range(2, len(pod) + 1))
        yield from ((*pod, "metadata"), (*pod, "metadata", "labels"), (*pod, "spec"), (*pod, "spec", "containers"))


def _check_images(workload: application.AnyWorkload, fields: Any, pod: tuple[str, ...]) -> Errors:
    """The images of the containers of Seaway, whose digests a release records."""
    names = {container_spec.name for container_spec in workload.list_containers()}
    for key in ("containers", "initContainers"):
        containers = schema.get_nested(fields, (*pod, key))
        for index, container in enumerate(cast("list[Any]", containers) if isinstance(containers, list) else []):
            if schema.get_nested(container, ("name",)) in names and _has_key(container, ["image"]):
                path = (*pod, key, str(index), "image")
                hint = "write `image:` or `build:`"
                yield schema.FieldError(path, "reserved-field", "is recorded in the release", hint)


def _has_key(node: Any, path: Sequence[str]) -> bool:
    return path[-1] in _list_keys(node, path[:-1])


def _list_keys(node: Any, path: Sequence[str]) -> list[str]:
    mapping = schema.get_nested(node, path)
    return list(cast("Mapping[str, Any]", mapping)) if isinstance(mapping, Mapping) else []
