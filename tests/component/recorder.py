"""``record``: runs a program as Pulumi does, with an engine that only records the registrations."""

# ruff: noqa: N802 - the methods' names are the protocol's

import asyncio
import dataclasses
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any
from unittest import mock

import pulumi
from google.protobuf import empty_pb2
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2, source_pb2

from plugin import values

DIGEST = "sha256:" + "d" * 64


@dataclasses.dataclass(frozen=True, slots=True)
class Resource:
    """One registered resource. In ``inputs``, secrets are values.Secret and unknown values are values.UNKNOWN."""

    type: str
    name: str
    urn: str
    parent: str
    inputs: dict[str, Any]
    request: Any
    """The message of the protocol, which has the options."""

    @property
    def title(self) -> str:
        return f"{self.type} {self.name}"


@dataclasses.dataclass(frozen=True, slots=True)
class Recording:
    """The registrations of a program."""

    resources: list[Resource]
    outputs: dict[str, dict[str, Any]]
    """The outputs of each component and of the stack, by URN."""
    messages: list[str]

    def list_resources(self, kind: str) -> list[Resource]:
        """Resources whose type ends with ``kind``."""
        return [resource for resource in self.resources if resource.type.rpartition(":")[2] == kind]

    @property
    def stack(self) -> dict[str, Any]:
        """The stack's outputs."""
        return next(outputs for urn, outputs in self.outputs.items() if "pulumi:pulumi:Stack" in urn)


class Monitor(mocks.MockMonitor):
    """Accepts everything, with the outputs of the providers."""

    def __init__(self, *, preview: bool) -> None:
        super().__init__(mock.Mock())
        self.preview = preview
        self.recorded: list[Resource] = []
        self.outputs: dict[str, dict[str, Any]] = {}

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """The URN as the engine builds it: with the types of all parents except the stack."""
        above = parent.split("::")[2] if parent and "pulumi:pulumi:Stack" not in parent else ""
        return f"urn:pulumi:{pulumi.get_stack()}::seaway::{above}{'$' if above else ''}{type_}::{name}"

    def RegisterResource(self, request: Any) -> Any:
        urn = self.make_urn(request.parent, request.type, request.name)
        inputs = values.decode(request.object)
        if request.type != "pulumi:pulumi:Stack":
            self.recorded.append(Resource(request.type, request.name, urn, request.parent, inputs, request))
        outputs = values.encode({**inputs, **self._outputs(request.type), **self._name_object(request, inputs)})
        known = request.custom and (not self.preview or request.type.startswith("pulumi:providers:"))
        return resource_pb2.RegisterResourceResponse(urn=urn, id=f"{request.name}-id" if known else "", object=outputs)

    @staticmethod
    def _name_object(request: Any, inputs: dict[str, Any]) -> dict[str, Any]:
        """The metadata of a workload or a namespace, as the Kubernetes provider names it."""
        if not request.type.startswith(("kubernetes:apps/", "kubernetes:batch/", "kubernetes:core/v1:Namespace")):
            return {}
        server = {"name": f"{request.name}-1", "namespace": "default", "generation": 7}
        return {"metadata": {**server, **inputs.get("metadata", {})}}

    def Invoke(self, request: Any) -> Any:
        results: dict[str, dict[str, Any]] = {
            "seaway:index:getAddresses": {"web": "http://10.0.0.7:30080"},
            "seaway:index:getExistingStores": {"stores": {}},
        }
        answer = resource_pb2.ResourceInvokeResponse()
        getattr(answer, "return").CopyFrom(values.encode(results[request.tok]))
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:
        self.outputs[request.urn] = values.decode(request.outputs)
        return empty_pb2.Empty()

    def _outputs(self, kind: str) -> dict[str, Any]:
        made: dict[str, dict[str, Any]] = {
            "seaway:index:GeneratedSecret": {"value": values.Secret("generated")},
            "seaway:index:Cluster": {"uid": "uid-1"},
            "seaway:index:Fingerprint": {"fingerprint": "f1"},
            "test:index:Database": {"host": "10.0.0.1", "password": values.Secret("hunter2")},
            "seaway:index:Release": {"since": "2026-01-01T00:00:00Z"},
            "seaway:index:JobAttempt": {"attempt": 1},
            "docker-build:index:Image": {"digest": DIGEST},
            "docker:index/image:Image": {"repoDigest": f"registry.example.com/x@{DIGEST}"},
        }
        outputs = made.get(kind, {})
        return {name: self._unknown(value) for name, value in outputs.items()} if self.preview else outputs

    @staticmethod
    def _unknown(value: Any) -> Any:
        return values.Secret(values.UNKNOWN) if isinstance(value, values.Secret) else values.UNKNOWN


class _Engine(mocks.MockEngine):
    """Keeps the messages that Pulumi repeats below a run."""

    def Log(self, request: Any) -> Any:
        return empty_pb2.Empty() if request.ephemeral else super().Log(request)


class _Messages(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def record(
    build: Callable[[], None], *, config: Mapping[str, str], preview: bool = False, stack: str = "dev"
) -> Recording:
    """The registrations of ``build`` in a stack with this configuration. The keys get the prefix ``seaway:``.

    A program that registers nothing is an error: every assertion about all of its resources would pass.
    """
    monitor = Monitor(preview=preview)
    messages = _Messages()
    logger = logging.Logger("engine", logging.INFO)
    logger.addHandler(messages)
    pulumi.runtime.set_all_config({f"seaway:{name}": value for name, value in config.items()}, [])

    async def run() -> None:
        # Like set_mocks, but without its stack: run_in_stack creates one, as in a real run.
        described = mocks.MockSettings(
            monitor=monitor,
            monitor_features=set(monitor.GetDeploymentInfo(empty_pb2.Empty()).supportedFeatures),
            engine=_Engine(logger),
            project="seaway",
            stack=stack,
            dry_run=preview,
            organization=None,
        )
        pulumi.runtime.configure(described)
        pulumi.runtime.settings.SETTINGS.outputs.clear()
        await pulumi.runtime.run_in_stack(build)

    with (
        # Formatting an Output is an error here, and not a text in a manifest.
        mock.patch.dict(os.environ, {"PULUMI_ERROR_OUTPUT_STRING": "true"}),
        # Stack traces of registrations take a fifth of the time, and no test needs them.
        mock.patch("pulumi.runtime.resource._get_stack_trace", source_pb2.StackTrace),
    ):
        asyncio.run(run())
    assert monitor.recorded, "the program registered nothing"
    return Recording(monitor.recorded, monitor.outputs, messages.texts)
