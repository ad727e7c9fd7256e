"""The interface of a resource of this plugin. Each resource has a file of its own."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import ClassVar

from seaway.kubernetes.cluster import client

from . import data_loss, engine, lost_state, values


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A resource as the engine records it."""

    id: str
    outputs: values.Properties
    inputs: values.Properties = dataclasses.field(default_factory=dict[str, values.Value])
    """Only in a diff: those of the last update, even if that found no change and kept older outputs."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """Names of the changed inputs, and of those that require a new resource."""

    changed: Sequence[str] = ()
    replaced: Sequence[str] = ()


class Resource:
    """One type of resource. By default it exists only in the state. Every method may raise ``ResourceError``."""

    inputs: ClassVar[Mapping[str, type]]
    """Names and types of the required inputs."""
    optional_inputs: ClassVar[Mapping[str, type]] = {}

    async def diff(self, state: State, inputs: values.Properties) -> Diff:
        """Compare ``inputs`` with a recorded resource. Also runs in previews."""
        raise NotImplementedError

    async def create(self, inputs: values.Properties, *, preview: bool) -> State:
        """Create it. A preview changes nothing, and returns ``values.UNKNOWN`` for outputs of the real run."""
        raise NotImplementedError

    async def read(self, state: State) -> State | None:
        """The resource as it is now; None if it does not exist."""
        return state

    async def update(self, state: State, inputs: values.Properties, *, preview: bool) -> State:
        """Change it in place. The engine keeps the id."""
        return await self.create(inputs, preview=preview)

    async def delete(self, state: State) -> None:
        """Delete it."""


class ClusterResource(Resource):
    """Base of the resources that need a cluster. ``log`` shows lines about this resource."""

    def __init__(
        self,
        cluster: client.KubeClient,
        log: engine.Log,
        guard: data_loss.DataLossGuard,
        former: lost_state.LostState,
    ) -> None:
        self._cluster = cluster
        self._log = log
        self._data_loss = guard
        self._lost_state = former


def find_changed_inputs(state: State, inputs: values.Properties) -> list[str]:
    """Names of the inputs that differ from the recorded ones."""
    return sorted(name for name, value in inputs.items() if state.outputs.get(name) != value)


def validate_inputs(resource: Resource, inputs: values.Properties) -> list[tuple[str, str]]:
    """Errors in the names and types of ``inputs``: pairs of input and reason."""
    optional = {name: expected for name, expected in resource.optional_inputs.items() if name in inputs}
    known = {**resource.inputs, **optional}
    failures = [(name, f"unknown input {name}") for name in inputs if name not in known]
    for name, expected in known.items():
        value = inputs.get(name)
        if value is values.UNKNOWN:
            continue
        if not isinstance(value, expected) or isinstance(value, bool):
            actual = "nothing" if value is None else type(value).__name__
            failures.append((name, f"{name} must be {expected.__name__}, got {actual}"))
    return failures
