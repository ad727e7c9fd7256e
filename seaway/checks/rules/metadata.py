"""What an object is called, where it is, and in which version of the API it is written."""

import re
from collections.abc import Iterator
from typing import Any

from seaway.checks import check, check_context
from seaway.manifests import names
from seaway.manifests import objects as made

_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set"""

WANTED = ("app.kubernetes.io/instance", names.PART_OF_LABEL, "app.kubernetes.io/managed-by", names.STACK_LABEL)
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/"""

SHARED = ("default", "kube-system", "kube-public", "kube-node-lease")
WHOLE = ("Namespace", "ClusterRole", "ClusterRoleBinding", "PriorityClass", "StorageClass")
"""Kinds that are in no namespace."""


@check.pods("META-01", "A workload finds its own pods", check.BROKEN)
def selector(each: check_context.Pod) -> check_context.Found:
    """The API server refuses one whose pods do not have the labels that it looks for."""
    said: dict[str, Any] | None = each.object.manifest["spec"].get("selector")
    if said is not None and not check_context.matches(said, each.labels):
        yield check_context.about(
            each.object, "spec.selector", "is not what its own pods have", "write the labels of the pods"
        )


@check.whole("META-02", "Every object says whose it is", check.RELEASED)
def labels(seen: check_context.Subject) -> check_context.Found:
    """By its labels it is found, is not taken for somebody else's, and is counted to whoever pays for it."""
    for each, path, said in _labelled(seen):
        for name in (name for name in WANTED if name not in said):
            yield check_context.about(each, f"{path}[{name}]", "is not set", "set it as the other objects have it")
        for name, value in said.items():
            if len(value) > names.LABEL_LIMIT or not _VALUE.fullmatch(value):
                wrong = f"{value} is no value of a label"
                remedy = "write at most 63 of a-z, A-Z, 0-9, -, _ and ., with a letter or digit at both ends"
                yield check_context.about(each, f"{path}[{name}]", wrong, remedy)


@check.whole("META-03", "An application has a namespace of its own", check.WIDE)
def namespace(seen: check_context.Subject) -> check_context.Found:
    """In a shared one its rights, its quota and its network policies are those of others, and theirs are its."""
    for each in seen.objects:
        if each.kind not in WHOLE and (name := each.manifest["metadata"].get("namespace", "default")) in SHARED:
            remedy = f"set it to {seen.stack.namespace(seen.app.name)}"
            yield check_context.about(each, "metadata.namespace", f"{name} belongs to everybody", remedy)


@check.whole("META-04", "An object is written in a version of the API that stays", check.RELEASED)
def version(seen: check_context.Subject) -> check_context.Found:
    """An alpha or beta version goes away with an upgrade of the cluster, and nothing can then be deployed."""
    for each in seen.objects:
        written = each.manifest["apiVersion"]
        if re.search(r"v\d+(alpha|beta)\d*$", written):
            yield check_context.about(
                each, "apiVersion", f"{written} may be gone with the next upgrade", "write a stable one"
            )


def _labelled(seen: check_context.Subject) -> Iterator[tuple[made.Object, str, dict[str, str]]]:
    for each in seen.objects:
        yield each, "metadata.labels", each.manifest["metadata"].get("labels", {})
    for pod in seen.pods:
        yield pod.object, f"{pod.path}.metadata.labels", pod.labels
