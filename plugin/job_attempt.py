"""``seaway:index:JobAttempt``: which attempt at a job this is, so that one that failed is made anew.

A failed Job stays in the state as it is, and Kubernetes never runs it again. The Job is replaced when
the number changes, which a preview shows.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from plugin import engine, resource, values
from seaway.kubernetes.api import kinds
from seaway.kubernetes.cluster import client

ATTEMPT = "attempt"


class JobAttempt:
    """Output ``attempt``: 1, and one more each time that the Job ``name`` is found failed."""

    inputs: ClassVar[Mapping[str, type]] = {"namespace": str, "name": str}

    def __init__(self, cluster: client.KubeClient, log: engine.Log) -> None:
        self._cluster = cluster
        self._log = log

    async def diff(self, state: resource.State, inputs: values.Properties) -> resource.Diff:
        changed = resource.find_changed_inputs(state, inputs)
        if changed:
            return resource.Diff(changed=changed)
        namespace, name = str(inputs["namespace"]), str(inputs["name"])
        job = await self._cluster.find(kinds.build_path("Job", namespace, name))
        if job is None or not _has_failed(job):
            return resource.Diff()
        await self._log.info(f"job {name} has failed: it is made anew, as attempt {_get_next_attempt(state)}")
        return resource.Diff(changed=[ATTEMPT])

    async def create(self, inputs: values.Properties, *, preview: bool) -> resource.State:
        return resource.State(id=str(inputs["name"]), outputs={**inputs, ATTEMPT: 1})

    async def read(self, state: resource.State) -> resource.State | None:
        return state

    async def update(self, state: resource.State, inputs: values.Properties, *, preview: bool) -> resource.State:
        return resource.State(id=state.id, outputs={**inputs, ATTEMPT: _get_next_attempt(state)})

    async def delete(self, state: resource.State) -> None:
        pass


def _has_failed(job: Mapping[str, Any]) -> bool:
    conditions = job.get("status", {}).get("conditions", [])
    return any(one["type"] == "Failed" and one["status"] == "True" for one in conditions)


def _get_next_attempt(state: resource.State) -> int:
    return cast(int, state.outputs[ATTEMPT]) + 1
