"""Converts the engine's values between gRPC messages and Python.

A property may be secret or not known yet. The protocol marks both with a signature.
https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/properties.go
"""

import dataclasses
from collections.abc import Mapping
from typing import cast

from google.protobuf import struct_pb2

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the protocol's constant, not a secret
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

Value = object
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
    return struct_pb2.Struct(fields={name: _encode(value) for name, value in properties.items()})


def _decode(value: struct_pb2.Value) -> Value:
    match value.WhichOneof("kind"):
        case "struct_value":
            return _unwrap(decode(value.struct_value))
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


def _unwrap(properties: dict[str, Value]) -> Value:
    if properties.get(_SIGNATURE) == _SECRET:
        return Secret(properties.get("value"))
    return properties


def _encode(value: Value) -> struct_pb2.Value:
    match value:
        case Secret():
            return _encode({_SIGNATURE: _SECRET, "value": value.value})
        case Mapping():
            return struct_pb2.Value(struct_value=encode(cast(Properties, value)))
        case list() | tuple():
            members = map(_encode, cast(list[Value], value))
            return struct_pb2.Value(list_value=struct_pb2.ListValue(values=list(members)))
        case _:
            return _scalar(value)


def _scalar(value: Value) -> struct_pb2.Value:
    match value:
        case Unknown():
            return struct_pb2.Value(string_value=_UNKNOWN)
        case bool():
            return struct_pb2.Value(bool_value=value)
        case int() | float():
            return struct_pb2.Value(number_value=value)
        case str():
            return struct_pb2.Value(string_value=value)
        case None:
            return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
        case _:
            raise TypeError(f"a property cannot be a {type(value).__name__}")
