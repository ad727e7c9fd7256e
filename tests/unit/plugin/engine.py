"""The engine's end of the line to the real plugin process."""

# ruff: noqa: N802 - the methods' names are the protocol's

import dataclasses
import subprocess
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc

from plugin import values

ROOT = Path(__file__).parents[3]
EXECUTABLE = ROOT / "plugin" / "pulumi-resource-seaway"
Kubeconfig = Callable[..., Path]


@dataclasses.dataclass(frozen=True)
class Line:
    """What the plugin had shown."""

    severity: str
    text: str
    urn: str
    ephemeral: bool


class Display(engine_pb2_grpc.EngineServicer):
    """The engine's own service, that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.address = ""
        self.gone: Callable[[], object] = lambda: None
        """Stop listening."""

    def Log(self, request: engine_pb2.LogRequest, context: object) -> empty_pb2.Empty:
        severity = engine_pb2.LogSeverity.Name(request.severity)
        self.lines.append(Line(severity, request.message, request.urn, request.ephemeral))
        return empty_pb2.Empty()

    def list_texts(self, *, ephemeral: bool) -> list[str]:
        return [line.text for line in self.lines if line.ephemeral is ephemeral]


@dataclasses.dataclass
class Plugin:
    """The running process and the engine's end of the line."""

    process: subprocess.Popen[str]
    stub: provider_pb2_grpc.ResourceProviderStub

    def get_refusal(self, call: Callable[[], object]) -> str:
        """The text of the error that a call must end with."""
        with pytest.raises(grpc.RpcError) as caught:
            call()
        return caught.value.details()  # type: ignore[attr-defined]


@dataclasses.dataclass(frozen=True)
class Shared:
    """The process of all tests that leave it as it is."""

    plugin: Plugin
    display: Display
    kubeconfig: Path
    """The file that it reads."""


Start = Callable[[Path], Plugin]


def configure(plugin: Plugin, **arguments: object) -> object:
    """Call Configure as the engine does for an explicit provider."""
    return plugin.stub.Configure(provider_pb2.ConfigureRequest(args=values.encode(arguments)))


def create(plugin: Plugin, urn: str, *, preview: bool = False, **inputs: object) -> dict[str, object]:
    request = provider_pb2.CreateRequest(urn=urn, properties=values.encode(inputs), preview=preview)
    return values.decode(plugin.stub.Create(request).properties)


def update(
    plugin: Plugin, urn: str, outputs: dict[str, object], *, preview: bool = False, **inputs: object
) -> dict[str, object]:
    olds, news = values.encode(outputs), values.encode(inputs)
    request = provider_pb2.UpdateRequest(id="x", urn=urn, olds=olds, news=news, preview=preview)
    return values.decode(plugin.stub.Update(request).properties)


def check(plugin: Plugin, urn: str, **inputs: object) -> list[str]:
    answer = plugin.stub.Check(provider_pb2.CheckRequest(urn=urn, news=values.encode(inputs)))
    assert values.decode(answer.inputs) == inputs
    return [failure.reason for failure in answer.failures]


def diff(
    plugin: Plugin, urn: str, outputs: dict[str, object], old: dict[str, object] | None = None, /, **inputs: object
) -> list[str] | None:
    """Names of the changed inputs; none: no change. ``old``: the inputs in the state, if other than the outputs."""
    olds, before = values.encode(outputs), values.encode(outputs if old is None else old)
    request = provider_pb2.DiffRequest(id="x", urn=urn, olds=olds, old_inputs=before, news=values.encode(inputs))
    answer = plugin.stub.Diff(request)
    assert (answer.changes == provider_pb2.DiffResponse.DIFF_SOME) == bool(answer.diffs)
    assert set(answer.replaces) <= set(answer.diffs)
    return list(answer.diffs) or None
