"""``seaway:index:JobAttempt``: the number of the attempt at a job. It makes Pulumi create a failed job again.

A failed Job stays in the state, and Kubernetes never runs it again. A new number replaces the Job, and a preview
shows that.
"""

from collections.abc import Mapping
from typing import ClassVar

from seaway.kubernetes.api import kinds, unstructured

from . import resource, values

ATTEMPT = "attempt"


class JobAttempt(resource.ClusterResource):
    """Output ``attempt``: 1, and one more each time that the Job ``name`` has failed."""

    inputs: ClassVar[Mapping[str, type]] = {"namespace": str, "name": str}

    async def diff(self, state: resource.State, inputs: values.Properties) -> resource.Diff:
        changed = resource.find_changed_inputs(state, inputs)
        if changed:
            return resource.Diff(changed=changed)
        name = inputs["name"]
        job = await self._cluster.find(kinds.build_path("Job", inputs["namespace"], name))
        if job is None or not unstructured.is_condition_true(job, "Failed"):
            return resource.Diff()
        await self._log.info(f"job {name} has failed: it is created again, as attempt {_get_next_attempt(state)}")
        return resource.Diff(changed=[ATTEMPT])

    async def create(self, inputs: values.Properties, *, preview: bool) -> resource.State:
        return resource.State(id=str(inputs["name"]), outputs={**inputs, ATTEMPT: 1})

    async def update(self, state: resource.State, inputs: values.Properties, *, preview: bool) -> resource.State:
        return resource.State(id=state.id, outputs={**inputs, ATTEMPT: _get_next_attempt(state)})


def _get_next_attempt(state: resource.State) -> int:
    return state.outputs[ATTEMPT] + 1
