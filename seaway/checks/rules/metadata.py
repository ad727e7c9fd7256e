"""Labels, selectors, namespaces and API versions of objects."""

import re
from collections.abc import Iterator
from typing import Any

from seaway.checks import check, check_context
from seaway.kubernetes.api import kinds, unstructured
from seaway.manifests import names, objects
from seaway.model import scheduling

REQUIRED_LABELS = ("app.kubernetes.io/instance", names.PART_OF_LABEL, "app.kubernetes.io/managed-by", names.STACK_LABEL)
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/"""

SHARED_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


@check.for_pods("META-01", "A workload selects its own pods", check.CANNOT_WORK)
def pod_selector(pod: check_context.Pod) -> check_context.Findings:
    """The API server rejects a workload whose pods do not match its selector."""
    selector: dict[str, Any] | None = pod.release_object.manifest["spec"].get("selector")
    if selector is not None and not unstructured.matches_selector(selector, pod.labels):
        yield pod.make_object_finding("spec.selector", "does not match its own pods", "use the labels of the pods")


@check.for_application("META-02", "Every object has the labels of its owner", check.STRICT_FOR_RELEASES)
def object_labels(context: check_context.CheckContext) -> check_context.Findings:
    """Labels identify the owner: for searches, for the guard of foreign objects, and for cost reports."""
    for release_object, path, labels in _list_labels(context):
        for name in (name for name in REQUIRED_LABELS if name not in labels):
            hint = "set it as on the other objects"
            yield check_context.make_finding(release_object, f"{path}[{name}]", "is not set", hint)
        for name, label in labels.items():
            if not scheduling.LABEL_VALUE.fullmatch(label):
                message = f"{label} is not a valid label value"
                hint = "use at most 63 of a-z, A-Z, 0-9, -, _ and ., with a letter or digit at both ends"
                yield check_context.make_finding(release_object, f"{path}[{name}]", message, hint)


@check.for_application("META-03", "An application has its own namespace", check.OUTSIDE_APPLICATION)
def own_namespace(context: check_context.CheckContext) -> check_context.Findings:
    """In a shared namespace, applications share permissions, quota and network policies."""
    for release_object in context.objects:
        name = release_object.manifest["metadata"].get("namespace", "default")
        if kinds.KINDS[release_object.kind].namespaced and name in SHARED_NAMESPACES:
            hint = f"set it to {context.environment.namespace}"
            yield check_context.make_finding(release_object, "metadata.namespace", f"{name} is shared", hint)


@check.for_application("META-04", "An object uses a stable API version", check.STRICT_FOR_RELEASES)
def api_version(context: check_context.CheckContext) -> check_context.Findings:
    """A cluster upgrade can remove an alpha or beta version, and nothing can be deployed then."""
    for release_object in context.objects:
        version = release_object.manifest["apiVersion"]
        if re.search(r"v\d+(alpha|beta)\d*$", version):
            message = f"the next upgrade of the cluster can remove {version}"
            yield check_context.make_finding(release_object, "apiVersion", message, "use a stable version")


def _list_labels(
    context: check_context.CheckContext,
) -> Iterator[tuple[objects.ReleaseObject, str, dict[str, str]]]:
    for release_object in context.objects:
        yield release_object, "metadata.labels", release_object.manifest["metadata"].get("labels", {})
    for pod in context.pods:
        yield pod.release_object, f"{pod.template_path}.metadata.labels", pod.labels
