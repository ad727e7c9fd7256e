"""Values, secrets and unknowns survive the conversion to messages and back."""

import pytest
from google.protobuf import struct_pb2

from plugin import values


def test_a_round_trip() -> None:
    properties = {
        "text": "no",
        "whole": 3,
        "part": 0.5,
        "yes": True,
        "none": None,
        "list": [1, {"a": values.Secret("s")}],
        "unknown": values.UNKNOWN,
        "secret": values.Secret({"deep": values.UNKNOWN}),
    }
    assert values.decode(values.encode(properties)) == properties


def test_the_protocol_form_of_a_secret() -> None:
    signature = "4dabf18193072939515e22adb298388d"
    struct = struct_pb2.Struct()
    struct.update({"v": {signature: "1b47061264138c4ac30d75fd1eb44270", "value": "s"}})
    assert values.decode(struct) == {"v": values.Secret("s")}
    assert values.encode({"v": values.Secret("s")}) == struct


def test_a_secret_is_not_printed() -> None:
    assert "hunter2" not in repr(values.Secret("hunter2"))


def test_an_unsupported_type() -> None:
    with pytest.raises(ValueError, match="Unexpected type"):
        values.encode({"x": {1}})
