"""Reads the API paths of requirements. Of Secrets it keeps the keys only."""

import asyncio
import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from seaway import errors
from seaway.kubernetes.api import unstructured
from seaway.kubernetes.cluster import client


@dataclasses.dataclass(frozen=True, slots=True)
class Unreadable:
    """A path that the account of the kubeconfig may not read."""

    path: str


Answer = unstructured.Object | Unreadable | None
"""An object or a list; None if it does not exist."""

Answers = Mapping[str, Answer]
"""By path."""


async def read_answers(cluster: client.KubeClient, paths: Iterable[str]) -> Answers:
    """The answers of a cluster. A path without permission is ``Unreadable``."""
    unique = list(dict.fromkeys(paths))
    answers = await asyncio.gather(*(_read_path(cluster, path) for path in unique))
    return dict(zip(unique, answers, strict=True))


def list_objects(answer: Answer) -> Sequence[unstructured.Object]:
    return unstructured.get_list(answer, "items") if isinstance(answer, Mapping) else ()


async def _read_path(cluster: client.KubeClient, path: str) -> Answer:
    try:
        answer = await cluster.find(path)
    except errors.Forbidden:
        return Unreadable(path)
    if answer is not None and "/secrets/" in path:
        keys: Mapping[str, str] = answer.get("data") or {}
        return {"type": answer.get("type"), "data": dict.fromkeys(keys, "")}
    return answer
