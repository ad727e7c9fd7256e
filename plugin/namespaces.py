"""Refuses to deploy into a namespace that is being deleted, or that was deleted without Pulumi.

The state still has the objects in it, so each later step would fail with an error of its own.
https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/
"""

import contextlib
from collections.abc import Collection, Iterator

from seaway import errors
from seaway.kubernetes.api import kinds, unstructured
from seaway.kubernetes.cluster import client
from seaway.syntax import diagnosis

from . import engine

_LOSS = "its volume claims are deleted too, and the new ones are empty"


async def refuse_deleted(
    cluster: client.KubeClient, declared: Collection[str], recorded: Collection[str], stack: str
) -> None:
    """Refuse namespaces that are going away, and those that the state has and the cluster does not.

    Raises:
        engine.ResourceError: with the commands that deploy again.
    """
    lines: list[str] = []
    for name in sorted(declared):
        try:
            live = await cluster.find(kinds.build_path("Namespace", name=name))
        except errors.Forbidden:
            continue  # the objects in it may be readable
        if live is None and name in recorded:
            lines += [f"namespace {name} was deleted, and the state of stack {stack} still has it; nothing was changed"]
        elif live is not None and "deletionTimestamp" in live["metadata"]:
            lines += [f"namespace {name} is being deleted: nothing can be created in it; nothing was changed"]
            lines += [f"  {message}" for message in _list_reasons(live)]
            lines += ["Wait until it is gone:", f"  kubectl wait --for=delete namespace/{name} --timeout=10m"]
    if lines:
        lines += [f"Then deploy all again ({_LOSS}):", f"  pulumi up --refresh --stack {stack}"]
        lines += [f"More: {diagnosis.format_help('namespace-deleted')}"]
        raise engine.ResourceError("\n".join(lines), code="namespace-deleted")


async def is_deleted(cluster: client.KubeClient, names: Collection[str]) -> bool:
    """Whether one of the namespaces does not exist. One that may not be read does."""
    for name in names:
        with contextlib.suppress(errors.Forbidden):
            if await cluster.find(kinds.build_path("Namespace", name=name)) is None:
                return True
    return False


def _list_reasons(live: unstructured.Object) -> Iterator[str]:
    """Why the namespace still exists, as its controller reports it."""
    for condition in unstructured.get_list(live, "status", "conditions"):
        if condition.get("status") == "True" and condition.get("message"):
            yield condition["message"]
