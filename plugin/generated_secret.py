"""``seaway:index:GeneratedSecret``: a value that is generated once and kept, encrypted, in the stack's state."""

import secrets
import string
from collections.abc import Mapping
from typing import ClassVar

from . import engine, resource, values

ALPHABET = string.ascii_letters + string.digits
"""No character that must be quoted in a URL, a shell or a YAML file."""

MIN_LENGTH = 8
"""Characters. 8 of these have 47 bits; fewer can be guessed."""


class GeneratedSecret(resource.Resource):
    """Output ``value``: the text, secret. Deleting the resource deletes the value."""

    inputs: ClassVar[Mapping[str, type]] = {"name": str, "length": int}

    async def diff(self, state: resource.State, inputs: values.Properties) -> resource.Diff:
        changed = resource.find_changed_inputs(state, inputs)
        return resource.Diff(changed=changed, replaced=changed)

    async def create(self, inputs: values.Properties, *, preview: bool) -> resource.State:
        length = inputs["length"]
        if length < MIN_LENGTH:
            message = f"length must be at least {MIN_LENGTH} characters, got {length}"
            raise engine.ResourceError(message, code="invalid-length")
        text = values.UNKNOWN if preview else "".join(secrets.choice(ALPHABET) for _ in range(length))
        return resource.State(id=inputs["name"], outputs={**inputs, "value": values.Secret(text)})
