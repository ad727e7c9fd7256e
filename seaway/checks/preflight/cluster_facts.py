"""What the cluster answers: objects as they are, read side by side; of Secrets the keys and nothing else."""

import asyncio
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, cast

from seaway import errors
from seaway.kubernetes.cluster import client


@dataclasses.dataclass(frozen=True, slots=True)
class Unreadable:
    """What the account of the kubeconfig may not read."""

    path: str


Answer = Mapping[str, Any] | Unreadable | None
"""An object or a list; None: there is no such thing."""

Answers = Mapping[str, Answer]
"""By the path that was asked."""


async def read_answers(cluster: client.KubeClient, paths: Iterable[str]) -> Answers:
    """The answers of a cluster.

    Raises:
        errors.Unavailable: it cannot be reached. What may not be read is an ``Unread``.
    """
    asked = list(dict.fromkeys(paths))
    found = await asyncio.gather(*(_read_path(cluster, path) for path in asked))
    return dict(zip(asked, found, strict=True))


def list_objects(answer: Answer) -> list[dict[str, Any]]:
    """The objects of a list."""
    return cast("list[dict[str, Any]]", answer.get("items") or []) if isinstance(answer, Mapping) else []


async def _read_path(cluster: client.KubeClient, path: str) -> Answer:
    try:
        answer = await cluster.find(path)
    except errors.Forbidden:
        return Unreadable(path)
    if answer is not None and "/secrets/" in path:
        keys: Mapping[str, str] = answer.get("data") or {}
        return {"type": answer.get("type"), "data": dict.fromkeys(keys, "")}
    return answer
