"""The rules about `raw`: fields of Kubernetes that have no word of ours, for the objects of one service, store or job.

They are checked against the API's own schema, and against what Seaway decides: an object is found by its name and
labels, and a field that has a word here has one place where it is said.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from seaway.kubernetes.api import kinds, schema
from seaway.model import application
from seaway.syntax import decode, diagnosis

_REMOVE_HINT = "take it out"
_SELECTOR_MESSAGE = "picks the pods by the labels that Seaway gives them, and can never change"
_SCALE_ERROR = ("is said by `scale`", "write `scale: 3` or `scale: {min: 2, max: 10}`")
_CONTENT_MESSAGE = "would not change the name, which stands for the content: no pod would notice"
_RESERVED_FIELDS: Mapping[tuple[str, ...], tuple[str, str]] = {
    ("*", "apiVersion"): ("is given with the kind", _REMOVE_HINT),
    ("*", "kind"): ("is given with the kind", _REMOVE_HINT),
    ("*", "status"): ("is what the cluster tells of it, and is not asked for", _REMOVE_HINT),
    ("*", "metadata", "name"): ("is how links, selectors and releases find the object", _REMOVE_HINT),
    ("*", "metadata", "namespace"): (
        "is the application's and the stack's: an application has one namespace",
        _REMOVE_HINT,
    ),
    ("Deployment", "spec", "selector"): (_SELECTOR_MESSAGE, _REMOVE_HINT),
    ("StatefulSet", "spec", "selector"): (_SELECTOR_MESSAGE, _REMOVE_HINT),
    ("DaemonSet", "spec", "selector"): (_SELECTOR_MESSAGE, _REMOVE_HINT),
    ("Job", "spec", "selector"): (_SELECTOR_MESSAGE, _REMOVE_HINT),
    ("Job", "spec", "manualSelector"): (_SELECTOR_MESSAGE, _REMOVE_HINT),
    ("Service", "spec", "selector"): (_SELECTOR_MESSAGE, _REMOVE_HINT),
    ("PodDisruptionBudget", "spec", "selector"): (_SELECTOR_MESSAGE, _REMOVE_HINT),
    ("NetworkPolicy", "spec", "podSelector"): (_SELECTOR_MESSAGE, _REMOVE_HINT),
    ("HorizontalPodAutoscaler", "spec", "scaleTargetRef"): ("names what is scaled", _REMOVE_HINT),
    ("RoleBinding", "roleRef"): ("ties the role to the account", "write `kubernetesApi:`"),
    ("RoleBinding", "subjects"): ("ties the role to the account", "write `kubernetesApi:`"),
    ("Deployment", "spec", "replicas"): _SCALE_ERROR,
    ("HorizontalPodAutoscaler", "spec", "minReplicas"): _SCALE_ERROR,
    ("HorizontalPodAutoscaler", "spec", "maxReplicas"): _SCALE_ERROR,
    ("StatefulSet", "spec", "replicas"): ("is 1: a store is one pod with its disk", _REMOVE_HINT),
    ("StatefulSet", "spec", "serviceName"): ("is the name that links use, and can never change", _REMOVE_HINT),
    ("CronJob", "spec", "schedule"): ("is said by `schedule`", 'write `schedule: "0 3 * * *"`'),
    ("CronJob", "spec", "suspend"): ("is said by `run` and `schedule`", "write `run: on-demand`"),
    ("ConfigMap", "data"): (_CONTENT_MESSAGE, "write `files:`"),
    ("ConfigMap", "binaryData"): (_CONTENT_MESSAGE, "build it into the image"),
    ("ConfigMap", "immutable"): ("is what keeps content and name together", _REMOVE_HINT),
    ("Secret", "data"): (_CONTENT_MESSAGE, "write `secrets:`"),
    ("Secret", "stringData"): (_CONTENT_MESSAGE, "write `secrets:`"),
    ("Secret", "immutable"): ("is what keeps content and name together", _REMOVE_HINT),
    ("Secret", "type"): ("can never change", _REMOVE_HINT),
}
"""What is Seaway's to say, with the reason and the way out. `*` is any kind."""

_METADATA = ("labels", "annotations", "finalizers")
_OWN_LABELS = (
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/managed-by",
    "seaway/",
)
_OWN_ANNOTATIONS = ("pulumi.com/", "seaway/")


def check(app: application.Application, locations: diagnosis.SourceLocations) -> Iterator[diagnosis.Diagnostic]:
    """Everything that is wrong with the `raw` of an application."""
    for path, one in app.get_workloads().items():
        for kind, fields in one.raw.items():
            for wrong in _check_kind(path, one, kind, fields):
                at = ".".join((path, "raw", kind, *wrong.path))
                yield diagnosis.Diagnostic(locations.find(at), at, wrong.message, wrong.hint)


def list_kinds(workload: application.AnyWorkload) -> list[str]:
    """The kinds of objects that a service, store or job becomes, in some environment."""
    made = ["ServiceAccount", "NetworkPolicy"]
    match workload:
        case application.Service():
            made += ["DaemonSet" if workload.daemon_set else "Deployment"]
            made += ["Service"] if workload.port is not None or workload.ports else []
            made += ["Ingress"] if workload.publish else []
            made += (
                [] if workload.daemon_set or (workload.scale.max or workload.scale.min) < 2 else ["PodDisruptionBudget"]
            )
            made += ["HorizontalPodAutoscaler"] if workload.scale.max is not None else []
        case application.Store():
            made += ["StatefulSet", "Service"]
        case application.Job():
            made += ["Job" if workload.is_release_job() else "CronJob"]
    processes = (workload, *workload.init, *workload.sidecars)
    made += ["ConfigMap"] if any(each.files for each in processes) else []
    made += ["Secret"] if any(secret.existing is None for each in processes for secret in each.secrets) else []
    made += ["Role", "RoleBinding"] if workload.kubernetes_api else []
    return sorted(made)


def _check_kind(path: str, workload: application.AnyWorkload, kind: str, fields: Any) -> Iterator[schema.FieldError]:
    there = list_kinds(workload)
    if kind not in there:
        what = path.partition(".")[0].removesuffix("s")
        yield schema.FieldError((), f"this {what} has no object of that kind", decode.suggest_name(kind, there))
        return
    kept = list(_check_reserved_fields(workload, kind, fields))
    yield from kept
    # The reason why a field is ours says more than that the rest of it is wrong.
    ours = [wrong.path for wrong in kept]
    for wrong in schema.check_object(kind, fields, partial=True):
        if not any(wrong.path[: len(path)] == path for path in ours):
            yield wrong


def _check_reserved_fields(workload: application.AnyWorkload, kind: str, fields: Any) -> Iterator[schema.FieldError]:
    """The fields that are Seaway's to say."""
    for (of, *path), (wrong, remedy) in _RESERVED_FIELDS.items():
        if of in ("*", kind) and _has_key(fields, path):
            yield schema.FieldError(tuple(path), wrong, remedy)
    for key in _list_keys(fields, ("metadata",)):
        if key not in (*_METADATA, "name", "namespace"):
            yield schema.FieldError(("metadata", key), "is not asked for", f"there are: {', '.join(_METADATA)}")
    pod = kinds.KINDS[kind].pod_template
    for path in _list_required_paths(pod):
        if _has_key(fields, [*path]) and _get_nested(fields, path) is None:
            yield schema.FieldError(path, "cannot be removed: Seaway needs it", _REMOVE_HINT)
    for meta in (("metadata",), *([(*pod, "metadata")] if pod else [])):
        for key in _list_keys(fields, (*meta, "labels")):
            if key.startswith(_OWN_LABELS):
                remedy = "take it out, or choose another key"
                yield schema.FieldError((*meta, "labels", key), "is a label that tells whose the object is", remedy)
    for key in _list_keys(fields, ("metadata", "annotations")):
        if key.startswith(_OWN_ANNOTATIONS):
            yield schema.FieldError(
                ("metadata", "annotations", key), "tells Pulumi how to treat the object", _REMOVE_HINT
            )
    if pod:
        yield from _check_images(workload, fields, (*pod, "spec"))


def _list_required_paths(pod: tuple[str, ...] | None) -> Iterator[tuple[str, ...]]:
    """What null must not take away. ``pod``: where the pods of the kind are described."""
    yield from (("metadata",), ("metadata", "labels"), ("metadata", "annotations"), ("spec",))
    if pod:
        yield from (pod[:length] for length in range(2, len(pod) + 1))
        yield from ((*pod, "metadata"), (*pod, "metadata", "labels"), (*pod, "spec"), (*pod, "spec", "containers"))


def _check_images(workload: application.AnyWorkload, fields: Any, pod: tuple[str, ...]) -> Iterator[schema.FieldError]:
    """The image of a container of ours: its digest is what a release is made of."""
    ours = {workload.name, *(each.name for each in (*workload.init, *workload.sidecars))}
    for part in ("containers", "initContainers"):
        listed = _get_nested(fields, (*pod, part))
        for number, item in enumerate(cast("list[Any]", listed) if isinstance(listed, list) else []):
            if _get_nested(item, ("name",)) in ours and _has_key(item, ["image"]):
                at = (*pod, part, str(number), "image")
                yield schema.FieldError(at, "is part of what a release records", "write `image:` or `build:`")


def _get_nested(value: Any, path: tuple[str, ...] | list[str]) -> Any:
    for key in path:
        value = cast("Mapping[str, Any]", value).get(key) if isinstance(value, Mapping) else None
    return value


def _has_key(value: Any, path: list[str]) -> bool:
    return path[-1] in _list_keys(value, tuple(path[:-1]))


def _list_keys(value: Any, path: tuple[str, ...]) -> list[str]:
    inner = _get_nested(value, path)
    return list(cast("Mapping[str, Any]", inner)) if isinstance(inner, Mapping) else []
