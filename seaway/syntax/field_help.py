"""Annotations of the model's fields: data that the decoder, the messages and the documentation read."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class Help:
    """The meaning of a field, in the user's words."""

    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Rationale:
    """The reason for a default."""

    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Duration:
    """The field is a number of seconds. In YAML it is written as seconds or with units: ``90`` or ``1m30s``."""


def empty_mapping() -> Any:
    """The default of a field that is a mapping."""
    return dataclasses.field(default_factory=dict[str, Any])
