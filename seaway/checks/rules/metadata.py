"""What an object is called, where it is, and in which version of the API it is written."""

import re
from collections.abc import Iterator
from typing import Any

from seaway.checks import check, check_context
from seaway.kubernetes.api import kinds
from seaway.manifests import names
from seaway.manifests import objects as made

_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set"""

REQUIRED_LABELS = ("app.kubernetes.io/instance", names.PART_OF_LABEL, "app.kubernetes.io/managed-by", names.STACK_LABEL)
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/"""

SHARED_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


@check.for_pods("META-01", "A workload finds its own pods", check.CANNOT_WORK)
def pod_selector(pod: check_context.Pod) -> check_context.Findings:
    """The API server refuses one whose pods do not have the labels that it looks for."""
    said: dict[str, Any] | None = pod.release_object.manifest["spec"].get("selector")
    if said is not None and not check_context.matches_selector(said, pod.labels):
        yield check_context.make_finding(
            pod.release_object, "spec.selector", "is not what its own pods have", "write the labels of the pods"
        )


@check.for_application("META-02", "Every object says whose it is", check.STRICT_FOR_RELEASES)
def object_labels(context: check_context.CheckContext) -> check_context.Findings:
    """By its labels it is found, is not taken for somebody else's, and is counted to whoever pays for it."""
    for each, path, said in _list_labels(context):
        for name in (name for name in REQUIRED_LABELS if name not in said):
            yield check_context.make_finding(
                each, f"{path}[{name}]", "is not set", "set it as the other objects have it"
            )
        for name, value in said.items():
            if len(value) > names.LABEL_LIMIT or not _LABEL_VALUE.fullmatch(value):
                wrong = f"{value} is no value of a label"
                remedy = "write at most 63 of a-z, A-Z, 0-9, -, _ and ., with a letter or digit at both ends"
                yield check_context.make_finding(each, f"{path}[{name}]", wrong, remedy)


@check.for_application("META-03", "An application has a namespace of its own", check.OUTSIDE_APPLICATION)
def own_namespace(context: check_context.CheckContext) -> check_context.Findings:
    """In a shared one its rights, its quota and its network policies are those of others, and theirs are its."""
    for each in context.objects:
        if (
            kinds.KINDS[each.kind].namespaced
            and (name := each.manifest["metadata"].get("namespace", "default")) in SHARED_NAMESPACES
        ):
            remedy = f"set it to {context.stack_settings.format_namespace(context.app.name)}"
            yield check_context.make_finding(each, "metadata.namespace", f"{name} belongs to everybody", remedy)


@check.for_application("META-04", "An object is written in a version of the API that stays", check.STRICT_FOR_RELEASES)
def api_version(context: check_context.CheckContext) -> check_context.Findings:
    """An alpha or beta version goes away with an upgrade of the cluster, and nothing can then be deployed."""
    for each in context.objects:
        written = each.manifest["apiVersion"]
        if re.search(r"v\d+(alpha|beta)\d*$", written):
            yield check_context.make_finding(
                each, "apiVersion", f"{written} may be gone with the next upgrade", "write a stable one"
            )


def _list_labels(context: check_context.CheckContext) -> Iterator[tuple[made.ReleaseObject, str, dict[str, str]]]:
    for each in context.objects:
        yield each, "metadata.labels", each.manifest["metadata"].get("labels", {})
    for pod in context.pods:
        yield pod.release_object, f"{pod.template_path}.metadata.labels", pod.labels
