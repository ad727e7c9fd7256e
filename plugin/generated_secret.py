"""``seaway:index:GeneratedSecret``: a value that is generated once and kept, encrypted, in the stack's state."""

import base64
import secrets
import string
from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar

from seaway.kubernetes.api import kinds, unstructured
from seaway.kubernetes.cluster import client
from seaway.manifests import names

from . import engine, resource, values

ALPHABET = string.ascii_letters + string.digits
"""No character that must be quoted in a URL, a shell or a YAML file."""

MIN_LENGTH = 8
"""Characters. 8 of these have 47 bits; fewer can be guessed."""


_FindDeployed = Callable[[str], Awaitable[str | None]]
"""Finds the value of a secret in the cluster, by name."""


class GeneratedSecret(resource.Resource):
    """Output ``value``: the text, secret. Deleting the resource deletes the value.

    ``find_deployed``: if the state is new. A value that runs already is kept then: the state was lost, and a database
    has the password that it was initialized with.
    """

    inputs: ClassVar[Mapping[str, type]] = {"name": str, "length": int}

    def __init__(self, find_deployed: _FindDeployed | None = None) -> None:
        self._find_deployed = find_deployed

    async def diff(self, state: resource.State, inputs: values.Properties) -> resource.Diff:
        changed = resource.find_changed_inputs(state, inputs)
        return resource.Diff(changed=changed, replaced=changed)

    async def create(self, inputs: values.Properties, *, preview: bool) -> resource.State:
        length = inputs["length"]
        if length < MIN_LENGTH:
            message = f"length must be at least {MIN_LENGTH} characters, got {length}"
            raise engine.ResourceError(message, code="invalid-length")
        text = values.UNKNOWN if preview else "".join(secrets.choice(ALPHABET) for _ in range(length))
        deployed = await self._find_deployed(inputs["name"]) if self._find_deployed and not preview else None
        if deployed and len(deployed) == length and {*deployed} <= {*ALPHABET}:
            text = deployed
        return resource.State(id=inputs["name"], outputs={**inputs, "value": values.Secret(text)})


async def find_deployed(cluster: client.KubeClient, namespace: str, stack: str, name: str) -> str | None:
    """The value of a secret in the newest Secret of a stack that has it; None: there is none."""
    if not namespace:
        return None  # the provider of a workload that is used alone: another application may have a secret of this name
    selector = f"{names.STACK_LABEL}={names.shorten_name(stack)}"
    answer = await cluster.get(kinds.build_path("Secret", namespace), labelSelector=selector)
    deployed = sorted(answer["items"], key=unstructured.get_creation_time, reverse=True)
    data = (unstructured.get_mapping(secret, "data") for secret in deployed)
    return next((base64.b64decode(texts[name]).decode(errors="replace") for texts in data if name in texts), None)
