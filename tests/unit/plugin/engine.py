"""The engine's end of the line to the real plugin process."""

import dataclasses
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from plugin import values

ROOT = Path(__file__).parents[3]
EXECUTABLE = ROOT / "plugin" / "pulumi-resource-seaway"
Kubeconfig = Callable[..., Path]


@dataclasses.dataclass
class ApiServer:
    """Answers every GET with kube-system's metadata, or with ``status``, or not at all."""

    url: str = ""
    uid: str = "uid-1"
    status: int = 200
    silent: threading.Event | None = None
    asked: list[tuple[str, str | None]] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Plugin:
    """The running process and the engine's end of the line."""

    process: subprocess.Popen[str]
    stub: provider_pb2_grpc.ResourceProviderStub

    def refusal(self, call: Callable[[], object]) -> str:
        """The text of the error that a call must end with."""
        with pytest.raises(grpc.RpcError) as caught:
            call()
        return caught.value.details()  # type: ignore[attr-defined]


Start = Callable[[Path], Plugin]


def configure(plugin: Plugin, **arguments: object) -> object:
    """Call Configure as the engine does for an explicit provider."""
    return plugin.stub.Configure(provider_pb2.ConfigureRequest(args=values.encode(arguments)))
