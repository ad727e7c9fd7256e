"""How an object of another owner is taken over: with a label, unless one of its fields can never change.

https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#label-selector-updates
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seaway.kubernetes.api import unstructured
from seaway.manifests import names
from seaway.review import change, disks

_POD_OWNERS = ("DaemonSet", "Deployment")
"""Kinds whose pods keep running while another object with the same name starts its own."""

_FIXED_PATHS = ("spec.selector", "spec.clusterIP")

_HISTORY_PATH = "spec.revisionHistoryLimit"
"""Pulumi replaces a StatefulSet for it; the API server changes it."""

_OPERATORS = {
    "In": "{key} in ({values})",
    "NotIn": "{key} notin ({values})",
    "Exists": "{key}",
    "DoesNotExist": "!{key}",
}


def format_refusal(
    foreign: Sequence[tuple[unstructured.Object, Mapping[str, Any] | None]], labels: Mapping[str, str]
) -> str:
    """All foreign objects, each with the commands that take it over.

    Args:
        foreign: the objects, each with its declared fields that can never change, if it has some.
        labels: of the stack.
    """
    subject = (
        "an object exists already and does" if len(foreign) == 1 else f"{len(foreign)} objects exist already and do"
    )
    lines = [
        f"{subject} not belong to this stack; nothing was changed. To take over an object, run the commands below it;"
        " or choose another name for the application, the stack or the service"
    ]
    for live, declared in foreign:
        path = f"{live['metadata'].get('namespace') or ''}/{unstructured.get_name(live)}".removeprefix("/")
        lines.append(f"  {live['kind']} {path}, {_describe_owner(live)}:")
        lines += _list_steps(live, declared or {}, labels)
    return "\n".join(lines)


def _describe_owner(live: unstructured.Object) -> str:
    keys = (names.PART_OF_LABEL, names.STACK_LABEL, "app.kubernetes.io/instance", "app.kubernetes.io/managed-by")
    labels = [f"{key}={label}" for key in keys if (label := unstructured.get_label(live, key)) is not None]
    return f"labelled {', '.join(labels)}" if labels else "without a label of its owner"


def _list_steps(live: unstructured.Object, declared: Mapping[str, Any], labels: Mapping[str, str]) -> Iterator[str]:
    """The commands that make an object part of the stack, with their effect; see ``format_refusal``."""
    kind, name = str(live["kind"]), unstructured.get_name(live)
    namespace = live["metadata"].get("namespace")
    option, path = f"-n {namespace} " if namespace else "", f"{kind.lower()}/{name}"
    changed = [path for path in _FIXED_PATHS if path in declared and change.get_field(live, path) != declared[path]]
    if kind == "StatefulSet" and not changed:
        changed = [field for field in disks.find_fixed_changes(live, declared) if field != _HISTORY_PATH]
    if not changed:
        arguments = " ".join(f"{key}={value}" for key, value in labels.items())
        yield f"    kubectl label {option}{path} {arguments} --overwrite"
        return
    yield f"    {', '.join(changed)} can never change, so another object must take its place:"
    if kind in _POD_OWNERS:
        selector = _format_selector(live["spec"]["selector"])
        yield f"    kubectl delete {option}{path} --cascade=orphan"
        yield "    Its pods keep running. Delete them when the deployment is complete:"
        # The pods of the stack may have the same labels and more.
        others = f"{selector},{names.STACK_LABEL}!={labels[names.STACK_LABEL]}"
        yield f"    kubectl delete {option}replicasets,pods -l '{others}'"
    elif kind == "StatefulSet" and _deletes_claims(live):
        yield f"    first set its {disks.RETENTION_PATH} to Retain: otherwise its disks are deleted with it"
    else:
        yield f"    kubectl delete {option}{path}"
    if kind == "StatefulSet":
        yield "    Its pods are stopped then. Its volume claims stay; the stack uses those that have its own names."


def _deletes_claims(live: unstructured.Object) -> bool:
    retention: Mapping[str, str] = change.get_field(live, disks.RETENTION_PATH) or {}
    return retention.get("whenDeleted") == "Delete"


def _format_selector(selector: Mapping[str, Any]) -> str:
    """A label selector in the syntax of kubectl."""
    labels: Mapping[str, str] = selector.get("matchLabels") or {}
    expressions: list[Mapping[str, Any]] = selector.get("matchExpressions") or []
    return ",".join(
        [
            *(f"{key}={value}" for key, value in labels.items()),
            *(
                _OPERATORS[part["operator"]].format(key=part["key"], values=",".join(part.get("values") or ()))
                for part in expressions
            ),
        ]
    )
