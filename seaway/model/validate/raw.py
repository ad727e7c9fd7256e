"""The rules about `raw`: fields of Kubernetes that have no word of ours, for the objects of one service, store or job.

They are checked against the API's own schema, and against what Seaway decides: an object is found by its name and
labels, and a field that has a word here has one place where it is said.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from seaway.kubernetes.api import schema
from seaway.model import application
from seaway.model.validate import jobs, structure
from seaway.syntax import decode, diagnosis

_POD = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
"""Where the pods of a kind are described."""

_OUT = "take it out"
_SELECTS = "picks the pods by the labels that Seaway gives them, and can never change"
_SCALE = ("is said by `scale`", "write `scale: 3` or `scale: {min: 2, max: 10}`")
_CONTENT = "would not change the name, which stands for the content: no pod would notice"
_KEPT: Mapping[tuple[str, ...], tuple[str, str]] = {
    ("*", "apiVersion"): ("is given with the kind", _OUT),
    ("*", "kind"): ("is given with the kind", _OUT),
    ("*", "status"): ("is what the cluster tells of it, and is not asked for", _OUT),
    ("*", "metadata", "name"): ("is how links, selectors and releases find the object", _OUT),
    ("*", "metadata", "namespace"): ("is the application's and the stack's: an application has one namespace", _OUT),
    ("Deployment", "spec", "selector"): (_SELECTS, _OUT),
    ("StatefulSet", "spec", "selector"): (_SELECTS, _OUT),
    ("DaemonSet", "spec", "selector"): (_SELECTS, _OUT),
    ("Job", "spec", "selector"): (_SELECTS, _OUT),
    ("Job", "spec", "manualSelector"): (_SELECTS, _OUT),
    ("Service", "spec", "selector"): (_SELECTS, _OUT),
    ("PodDisruptionBudget", "spec", "selector"): (_SELECTS, _OUT),
    ("NetworkPolicy", "spec", "podSelector"): (_SELECTS, _OUT),
    ("HorizontalPodAutoscaler", "spec", "scaleTargetRef"): ("names what is scaled", _OUT),
    ("RoleBinding", "roleRef"): ("ties the role to the account", "write `kubernetesApi:`"),
    ("RoleBinding", "subjects"): ("ties the role to the account", "write `kubernetesApi:`"),
    ("Deployment", "spec", "replicas"): _SCALE,
    ("HorizontalPodAutoscaler", "spec", "minReplicas"): _SCALE,
    ("HorizontalPodAutoscaler", "spec", "maxReplicas"): _SCALE,
    ("StatefulSet", "spec", "replicas"): ("is 1: a store is one pod with its disk", _OUT),
    ("StatefulSet", "spec", "serviceName"): ("is the name that links use, and can never change", _OUT),
    ("CronJob", "spec", "schedule"): ("is said by `schedule`", 'write `schedule: "0 3 * * *"`'),
    ("CronJob", "spec", "suspend"): ("is said by `run` and `schedule`", "write `run: on-demand`"),
    ("ConfigMap", "data"): (_CONTENT, "write `files:`"),
    ("ConfigMap", "binaryData"): (_CONTENT, "build it into the image"),
    ("ConfigMap", "immutable"): ("is what keeps content and name together", _OUT),
    ("Secret", "data"): (_CONTENT, "write `secrets:`"),
    ("Secret", "stringData"): (_CONTENT, "write `secrets:`"),
    ("Secret", "immutable"): ("is what keeps content and name together", _OUT),
    ("Secret", "type"): ("can never change", _OUT),
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


def check(app: application.Application, places: diagnosis.Places) -> Iterator[diagnosis.Problem]:
    """Everything that is wrong with the `raw` of an application."""
    for path, one in structure.workloads(app).items():
        for kind, fields in one.raw.items():
            for wrong in _kind(path, one, kind, fields):
                at = ".".join((path, "raw", kind, *wrong.path))
                yield diagnosis.Problem(places.of(at), at, wrong.wrong, wrong.remedy)


def kinds(one: structure.Workload) -> list[str]:
    """The kinds of objects that a service, store or job becomes, in some environment."""
    made = ["ServiceAccount", "NetworkPolicy"]
    match one:
        case application.Service():
            made += ["DaemonSet" if one.each_node else "Deployment"]
            made += ["Service"] if one.port is not None or one.ports else []
            made += ["Ingress"] if one.expose else []
            made += [] if one.each_node or (one.scale.max or one.scale.min) < 2 else ["PodDisruptionBudget"]
            made += ["HorizontalPodAutoscaler"] if one.scale.max is not None else []
        case application.Store():
            made += ["StatefulSet", "Service"]
        case application.Job():
            made += ["Job" if jobs.released(one) else "CronJob"]
    processes = (one, *one.init, *one.sidecars)
    made += ["ConfigMap"] if any(each.files for each in processes) else []
    made += ["Secret"] if any(secret.existing is None for each in processes for secret in each.secrets) else []
    made += ["Role", "RoleBinding"] if one.kubernetes_api else []
    return sorted(made)


def _kind(path: str, one: structure.Workload, kind: str, fields: Any) -> Iterator[schema.Wrong]:
    there = kinds(one)
    if kind not in there:
        what = path.partition(".")[0].removesuffix("s")
        yield schema.Wrong((), f"this {what} has no object of that kind", decode.nearest(kind, there))
        return
    kept = list(_kept(one, kind, fields))
    yield from kept
    # The reason why a field is ours says more than that the rest of it is wrong.
    ours = [wrong.path for wrong in kept]
    for wrong in schema.check(kind, fields, part=True):
        if not any(wrong.path[: len(path)] == path for path in ours):
            yield wrong


def _kept(one: structure.Workload, kind: str, fields: Any) -> Iterator[schema.Wrong]:
    """The fields that are Seaway's to say."""
    for (of, *path), (wrong, remedy) in _KEPT.items():
        if of in ("*", kind) and _written(fields, path):
            yield schema.Wrong(tuple(path), wrong, remedy)
    for key in _below(fields, ("metadata",)):
        if key not in (*_METADATA, "name", "namespace"):
            yield schema.Wrong(("metadata", key), "is not asked for", f"there are: {', '.join(_METADATA)}")
    pod = _POD.get(kind)
    for path in _essential(pod):
        if _written(fields, [*path]) and _at(fields, path) is None:
            yield schema.Wrong(path, "cannot be removed: Seaway needs it", _OUT)
    for meta in (("metadata",), *([(*pod, "metadata")] if pod else [])):
        for key in _below(fields, (*meta, "labels")):
            if key.startswith(_OWN_LABELS):
                remedy = "take it out, or choose another key"
                yield schema.Wrong((*meta, "labels", key), "is a label that tells whose the object is", remedy)
    for key in _below(fields, ("metadata", "annotations")):
        if key.startswith(_OWN_ANNOTATIONS):
            yield schema.Wrong(("metadata", "annotations", key), "tells Pulumi how to treat the object", _OUT)
    if pod:
        yield from _images(one, fields, (*pod, "spec"))


def _essential(pod: tuple[str, ...] | None) -> Iterator[tuple[str, ...]]:
    """What null must not take away. ``pod``: where the pods of the kind are described."""
    yield from (("metadata",), ("metadata", "labels"), ("metadata", "annotations"), ("spec",))
    if pod:
        yield from (pod[:length] for length in range(2, len(pod) + 1))
        yield from ((*pod, "metadata"), (*pod, "metadata", "labels"), (*pod, "spec"), (*pod, "spec", "containers"))


def _images(one: structure.Workload, fields: Any, pod: tuple[str, ...]) -> Iterator[schema.Wrong]:
    """The image of a container of ours: its digest is what a release is made of."""
    ours = {one.name, *(each.name for each in (*one.init, *one.sidecars))}
    for part in ("containers", "initContainers"):
        listed = _at(fields, (*pod, part))
        for number, item in enumerate(cast("list[Any]", listed) if isinstance(listed, list) else []):
            if _at(item, ("name",)) in ours and _written(item, ["image"]):
                at = (*pod, part, str(number), "image")
                yield schema.Wrong(at, "is part of what a release records", "write `image:` or `build:`")


def _at(value: Any, path: tuple[str, ...] | list[str]) -> Any:
    for key in path:
        value = cast("Mapping[str, Any]", value).get(key) if isinstance(value, Mapping) else None
    return value


def _written(value: Any, path: list[str]) -> bool:
    return path[-1] in _below(value, tuple(path[:-1]))


def _below(value: Any, path: tuple[str, ...]) -> list[str]:
    inner = _at(value, path)
    return list(cast("Mapping[str, Any]", inner)) if isinstance(inner, Mapping) else []
