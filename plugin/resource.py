"""What a resource of this plugin answers to the engine; one file a resource implements it."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol

from plugin import values


class ResourceError(Exception):  # noqa: N818 - reads as what happened
    """The operation cannot be done; the text is shown to the user as it stands."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A resource as the engine records it: its id and its outputs."""

    id: str
    outputs: values.Properties
    inputs: values.Properties = dataclasses.field(default_factory=dict[str, values.Value])
    """In a diff: those of the last update, also where that found no change and kept older outputs. Otherwise empty."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """Names of the inputs that differ, and which of them ask for a new resource."""

    changed: Sequence[str] = ()
    replaced: Sequence[str] = ()


class Resource(Protocol):
    """One kind of resource. Every method may raise ``Refused``."""

    inputs: ClassVar[Mapping[str, type]]
    """Names of the inputs, all required, and their types."""

    async def diff(self, state: State, inputs: values.Properties) -> Diff:
        """What ``inputs`` change in a recorded resource. Also asked in previews."""
        ...

    async def create(self, inputs: values.Properties, *, preview: bool) -> State:
        """Make it; in a preview touch nothing and say ``values.UNKNOWN`` where only the real run knows."""
        ...

    async def read(self, state: State) -> State | None:
        """It as it is now; none: it is gone."""
        ...

    async def update(self, state: State, inputs: values.Properties, *, preview: bool) -> State:
        """Change it in place."""
        ...

    async def delete(self, state: State) -> None:
        """Remove it."""
        ...


def find_changed_inputs(state: State, inputs: values.Properties) -> list[str]:
    """Names of the inputs that are not what was recorded."""
    return sorted(name for name, value in inputs.items() if state.outputs.get(name) != value)


def validate_inputs(resource: Resource, inputs: values.Properties) -> list[tuple[str, str]]:
    """What is wrong with the names and types of ``inputs``, as pairs of input and reason."""
    found = [(name, f"{name} is not an input of this resource") for name in inputs if name not in resource.inputs]
    for name, expected in resource.inputs.items():
        value = inputs.get(name)
        if value is values.UNKNOWN:
            continue
        if not isinstance(value, expected) or isinstance(value, bool):
            given = "nothing" if value is None else type(value).__name__
            found.append((name, f"{name} must be {expected.__name__}, got {given}"))
    return found
