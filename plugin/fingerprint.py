"""``seaway:index:Fingerprint``: a fingerprint of secret values that is not secret itself.

It stands in a pod template, so that the pods restart when a value changes, and a preview shows that and no value.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from seaway.release import fingerprints

from . import resource, values


class Fingerprint(resource.Resource):
    """Output ``fingerprint``: an HMAC-SHA-256 of ``values`` with the key of the stack. Unknown if a value is.

    Input ``addresses`` is an output too: what uses it depends on this resource alone.
    """

    inputs: ClassVar[Mapping[str, type]] = {"key": values.Secret, "values": dict}
    optional_inputs: ClassVar[Mapping[str, type]] = {"addresses": str}

    async def diff(self, state: resource.State, inputs: values.Properties) -> resource.Diff:
        return resource.Diff(changed=resource.find_changed_inputs(state, inputs))

    async def create(self, inputs: values.Properties, *, preview: bool) -> resource.State:
        plain = {name: _reveal(value) for name, value in inputs["values"].items()}
        text: Any = values.UNKNOWN
        if values.UNKNOWN not in plain.values():
            text = fingerprints.compute_keyed_fingerprint(str(_reveal(inputs["key"])), plain)
        return resource.State(id="fingerprint", outputs={**inputs, "fingerprint": text})


def _reveal(value: values.Value) -> values.Value:
    return value.value if isinstance(value, values.Secret) else value
