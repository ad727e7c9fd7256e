"""Converts the engine's values between gRPC messages and Python.

A property may be secret or not known yet. The protocol marks both with a signature.
https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/properties.go
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, cast

from google.protobuf import struct_pb2

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the protocol's constant, not a secret
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

Value = Any
"""A plain value of the type that the resource declares, a ``Secret``, or ``UNKNOWN`` in a preview."""

Properties = Mapping[str, Value]


class Unknown:
    """A value that is known only after the real run."""


UNKNOWN = Unknown()


@dataclasses.dataclass(frozen=True, slots=True)
class Secret:
    """A value that the engine must encrypt when it stores it."""

    value: Value

    def __repr__(self) -> str:
        return "Secret(...)"


def decode(struct: struct_pb2.Struct) -> dict[str, Value]:
    """The properties of a message."""
    return {name: _decode(value) for name, value in struct.fields.items()}


def encode(properties: Properties) -> struct_pb2.Struct:
    """A message of the properties."""
    struct = struct_pb2.Struct()
    struct.update({name: _mark(value) for name, value in properties.items()})
    return struct


def _decode(value: struct_pb2.Value) -> Value:
    match value.WhichOneof("kind"):
        case "struct_value":
            properties = decode(value.struct_value)
            return Secret(properties.get("value")) if properties.get(_SIGNATURE) == _SECRET else properties
        case "list_value":
            return [_decode(member) for member in value.list_value.values]
        case "string_value":
            return UNKNOWN if value.string_value == _UNKNOWN else value.string_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return value.bool_value
        case _:
            return None


def _mark(value: Value) -> Any:
    """The value with the protocol's marks in place of secrets and unknown values."""
    match value:
        case Unknown():
            return _UNKNOWN
        case Secret():
            return {_SIGNATURE: _SECRET, "value": _mark(value.value)}
        case Mapping():
            return {name: _mark(inner) for name, inner in cast(Properties, value).items()}
        case list() | tuple():
            return [_mark(member) for member in cast(list[Value], value)]
        case _:
            return value
