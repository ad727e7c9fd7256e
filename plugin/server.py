"""The provider's gRPC service: dispatches to resources, reports errors to the user, handles cancellation.

https://pulumi-developer-docs.readthedocs.io/latest/docs/_generated/proto/provider.html
"""

# ruff: noqa: N802 - the methods' names are the protocol's

import asyncio
import functools
import os
import signal
from collections.abc import Coroutine, Mapping
from typing import Any, NoReturn, TypeVar

import grpc
import grpc.aio
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

import seaway
from seaway import errors
from seaway.kubernetes.cluster import client
from seaway.rollout import addresses
from seaway.syntax import diagnosis

from . import (
    cluster,
    data_loss,
    engine,
    fingerprint,
    generated_secret,
    job_attempt,
    lost_state,
    objects,
    release,
    resource,
    rollout,
    store_changes,
    values,
)

CONTEXT = "context"
MAX_MESSAGE_BYTES = 400 << 20
"""Bytes of one request, as in the engine. A diff contains the record of a release three times."""

TIMEOUT = "timeout"
DEFAULT_TIMEOUT = 4.0
"""Seconds for an answer of the cluster. With the start of this program a preview then fails within 5 s."""

RESOURCES: Mapping[str, type[resource.ClusterResource]] = {
    "seaway:index:Cluster": cluster.ClusterGuard,
    "seaway:index:JobAttempt": job_attempt.JobAttempt,
    "seaway:index:Objects": objects.ObjectsGuard,
    "seaway:index:Release": release.Release,
    "seaway:index:Rollout": rollout.Rollout,
}
"""The resources that need a cluster."""

GENERATED_SECRET = "seaway:index:GeneratedSecret"  # noqa: S105 - a type

LOCAL_RESOURCES: Mapping[str, type[resource.Resource]] = {
    "seaway:index:Fingerprint": fingerprint.Fingerprint,
    GENERATED_SECRET: generated_secret.GeneratedSecret,
}
"""The resources that need none."""

ADDRESSES = "seaway:index:getAddresses"
"""The function that returns the addresses of published workloads, by name."""

EXISTING_STORES = "seaway:index:getExistingStores"
"""The function that returns the StatefulSets whose claim templates Pulumi must leave alone, with their sizes."""

Answer = TypeVar("Answer")
Context = grpc.aio.ServicerContext[Any, Any]


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """Answers the engine. One process serves one provider resource, so it is configured once."""

    def __init__(self, engine_client: engine.Engine) -> None:
        self._engine = engine_client
        self._cluster: client.KubeClient | None = None
        self._data_loss: data_loss.DataLossGuard | None = None
        self._lost_state: lost_state.LostState | None = None
        self._destroy_check: asyncio.Task[None] | None = None
        self._declared: values.Properties = {}
        """Inputs of the program. The engine configures an unchanged provider with those of the state."""
        self._running: set[asyncio.Task[Any]] = set()
        self._cancelled = False
        self._is_state_new = False
        """Whether the guard of the cluster was created in this run: generated secrets depend on it."""

    async def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: Context
    ) -> provider_pb2.ProviderHandshakeResponse:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    async def Attach(self, request: plugin_pb2.PluginAttach, context: Context) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    async def GetPluginInfo(self, request: empty_pb2.Empty, context: Context) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=seaway.__version__)

    async def CheckConfig(self, request: provider_pb2.CheckRequest, context: Context) -> provider_pb2.CheckResponse:
        inputs = values.decode(request.news)
        failures = [
            provider_pb2.CheckFailure(property=name, reason=f"{name} is not an input of the provider seaway")
            for name in sorted(inputs.keys() - {CONTEXT, TIMEOUT, *data_loss.PROVIDER_INPUTS, "version"})
        ]
        if not inputs.get(CONTEXT):
            reason = "no cluster is configured: pulumi config set seaway:context NAME"
            failures.append(provider_pb2.CheckFailure(property=CONTEXT, reason=reason))
        if inputs.get(data_loss.NAMESPACES):
            inputs[data_loss.NAMESPACES] = data_loss.merge_namespaces(
                inputs[data_loss.NAMESPACES], values.decode(request.olds)
            )
        self._declared = {name: inputs[name] for name in data_loss.PROVIDER_INPUTS if name in inputs}
        return provider_pb2.CheckResponse(inputs=values.encode(inputs), failures=failures)

    async def DiffConfig(self, request: provider_pb2.DiffRequest, context: Context) -> provider_pb2.DiffResponse:
        # Never a replacement: another context may be another name of the same cluster, which ClusterGuard finds out.
        # The inputs for the guard of disks are bookkeeping: a state of an older version must show no change.
        old, new = (
            {name: value for name, value in values.decode(struct).items() if name not in data_loss.PROVIDER_INPUTS}
            for struct in (request.old_inputs, request.news)
        )
        return _build_diff_response(old != new)

    async def Configure(
        self, request: provider_pb2.ConfigureRequest, context: Context
    ) -> provider_pb2.ConfigureResponse:
        operation = self._connect(values.decode(request.args))
        if request.urn and data_loss.is_destroy():
            operation = self._run_to_end(self._connect_to_destroy(operation, engine.Log(self._engine, request.urn)))
        await self._run_operation(operation, context)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    async def Check(self, request: provider_pb2.CheckRequest, context: Context) -> provider_pb2.CheckResponse:
        implementation = await self._create_resource(request.urn, context)
        failures = [
            provider_pb2.CheckFailure(property=name, reason=reason)
            for name, reason in resource.validate_inputs(implementation, values.decode(request.news))
        ]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    async def Diff(self, request: provider_pb2.DiffRequest, context: Context) -> provider_pb2.DiffResponse:
        implementation = await self._create_resource(request.urn, context)
        olds, inputs = values.decode(request.olds), values.decode(request.old_inputs)
        state = resource.State(id=request.id, outputs=olds, inputs=inputs)
        diff = await self._run_operation(implementation.diff(state, values.decode(request.news)), context, request.urn)
        return _build_diff_response(bool(diff.changed), changed=diff.changed, replaced=diff.replaced)

    async def Create(self, request: provider_pb2.CreateRequest, context: Context) -> provider_pb2.CreateResponse:
        implementation = await self._create_resource(request.urn, context)
        inputs = values.decode(request.properties)
        self._is_state_new |= isinstance(implementation, cluster.ClusterGuard)
        state = await self._run_operation(implementation.create(inputs, preview=request.preview), context, request.urn)
        return provider_pb2.CreateResponse(id=state.id, properties=values.encode(state.outputs))

    async def Read(self, request: provider_pb2.ReadRequest, context: Context) -> provider_pb2.ReadResponse:
        implementation = await self._create_resource(request.urn, context)
        state = resource.State(id=request.id, outputs=values.decode(request.properties))
        read = await self._run_operation(implementation.read(state), context, request.urn)
        if read is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=read.id, properties=values.encode(read.outputs), inputs=request.inputs)

    async def Update(self, request: provider_pb2.UpdateRequest, context: Context) -> provider_pb2.UpdateResponse:
        implementation = await self._create_resource(request.urn, context)
        state = resource.State(id=request.id, outputs=values.decode(request.olds))
        inputs = values.decode(request.news)
        updated = await self._run_operation(
            implementation.update(state, inputs, preview=request.preview), context, request.urn
        )
        return provider_pb2.UpdateResponse(properties=values.encode(updated.outputs))

    async def Delete(self, request: provider_pb2.DeleteRequest, context: Context) -> empty_pb2.Empty:
        implementation = await self._create_resource(request.urn, context)
        state = resource.State(id=request.id, outputs=values.decode(request.properties))
        await self._run_operation(implementation.delete(state), context, request.urn)
        return empty_pb2.Empty()

    async def Invoke(self, request: provider_pb2.InvokeRequest, context: Context) -> provider_pb2.InvokeResponse:
        operation: Coroutine[Any, Any, values.Properties]
        args = values.decode(request.args)
        if request.tok == ADDRESSES and self._cluster is not None:
            operation = _read_addresses(self._cluster, args)
        elif request.tok == EXISTING_STORES and self._cluster is not None:
            operation = _find_existing_stores(self._cluster, args)
        else:
            return await _abort(context, f"the plugin seaway has no function {request.tok}")
        answer = provider_pb2.InvokeResponse()
        getattr(answer, "return").CopyFrom(values.encode(await self._run_operation(operation, context)))
        return answer

    async def Cancel(self, request: empty_pb2.Empty, context: Context) -> empty_pb2.Empty:
        self.cancel_operations()
        return empty_pb2.Empty()

    def cancel_operations(self) -> None:
        """Cancel all running operations, and start no new ones."""
        self._cancelled = True
        for task in self._running:
            task.cancel()

    async def finish_destroy_check(self) -> None:
        """Wait for the check of a destroy: in a preview the engine stops the plugin without waiting for it."""
        if self._destroy_check is not None:
            await asyncio.wait([self._destroy_check], timeout=DEFAULT_TIMEOUT)

    async def _connect(self, inputs: values.Properties) -> None:
        timeout = float(inputs.get(TIMEOUT, DEFAULT_TIMEOUT))
        kube_client = client.KubeClient(context=inputs[CONTEXT], timeout=timeout)
        await kube_client.get_cluster_uid()
        self._data_loss = data_loss.DataLossGuard(kube_client, {**inputs, **self._declared})
        self._lost_state = lost_state.LostState(kube_client)
        self._cluster = kube_client

    async def _connect_to_destroy(self, connecting: Coroutine[Any, Any, None], log: engine.Log) -> None:
        await connecting
        assert self._data_loss is not None  # noqa: S101 - for the type checker
        try:
            await self._data_loss.check_destroy(log)
        except engine.ResourceError as error:
            await log.warning(str(error))  # the engine's own message about protected resources does not name the disks
            raise

    async def _run_to_end(self, operation: Coroutine[Any, Any, None]) -> None:
        """Complete an operation even if the engine cancels the call."""
        self._destroy_check = asyncio.create_task(operation)
        self._destroy_check.add_done_callback(lambda task: None if task.cancelled() else task.exception())
        await asyncio.shield(self._destroy_check)

    async def _create_resource(self, urn: str, context: Context) -> resource.Resource:
        """The implementation of the type in a URN: ``urn:pulumi:stack::project::parents$type::name``."""
        type_token = urn.split("::")[2].rpartition("$")[2]
        if type_token == GENERATED_SECRET and self._is_state_new and self._cluster is not None:
            namespace, stack = str(self._declared.get(data_loss.NAMESPACES) or ""), engine.Log(self._engine, urn).stack
            find = functools.partial(generated_secret.find_deployed, self._cluster, namespace, stack)
            return generated_secret.GeneratedSecret(find)
        if type_token in LOCAL_RESOURCES:
            return LOCAL_RESOURCES[type_token]()
        if type_token not in RESOURCES:
            return await _abort(context, f"the plugin seaway has no resource {type_token}")
        if self._cluster is None or self._data_loss is None or self._lost_state is None:
            return await _abort(context, f"{type_token} needs a cluster, but the provider is not configured yet")
        return RESOURCES[type_token](self._cluster, engine.Log(self._engine, urn), self._data_loss, self._lost_state)

    async def _run_operation(self, operation: Coroutine[Any, Any, Answer], context: Context, urn: str = "") -> Answer:
        """The result of the operation. Its error, or a cancellation, becomes the error of the call."""
        if self._cancelled:
            operation.close()
            return await _abort(context, "interrupted", grpc.StatusCode.CANCELLED)
        task = asyncio.create_task(operation)
        self._running.add(task)
        try:
            return await task
        except (engine.ResourceError, errors.Unavailable) as error:
            return await _abort(context, engine.add_application(str(error), urn))
        except asyncio.CancelledError:
            if not self._cancelled:
                raise  # the engine closed the connection
            return await _abort(context, "interrupted", grpc.StatusCode.CANCELLED)
        finally:
            self._running.discard(task)


async def _read_addresses(kube_client: client.KubeClient, args: values.Properties) -> values.Properties:
    known = await addresses.read_addresses(
        kube_client,
        args["namespace"],
        app_name=args["application"],
        stack=args["stack"],
        publish=args["publish"],
    )
    return {name: " ".join(texts) for name, texts in known.items()}


async def _find_existing_stores(kube_client: client.KubeClient, args: values.Properties) -> values.Properties:
    return {"stores": await store_changes.find_existing(kube_client, args["sets"])}


async def serve(address: str) -> None:
    """Serve the engine at ``address`` until it stops the plugin or is gone. The port is the only line on stdout."""
    # Before the port is printed: an engine that is killed right after it would leave another parent.
    parent = os.getppid()
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", MAX_MESSAGE_BYTES)])
    provider = Provider(engine.Engine(address))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    # The command line ends its plugins with SIGINT, and waits 5 s for them. A Ctrl-C does not arrive here: plugins
    # have their own process group, and the engine calls Cancel.
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    while os.getppid() == parent and not stopped.is_set():
        # A killed engine sends nothing: without this check the process would run forever.
        await asyncio.wait([asyncio.create_task(stopped.wait())], timeout=1)
    if stopped.is_set():
        await provider.finish_destroy_check()
    provider.cancel_operations()
    await server.stop(grace=0.2)


def _build_diff_response(different: bool, *, changed: Any = (), replaced: Any = ()) -> provider_pb2.DiffResponse:
    changes = provider_pb2.DiffResponse.DIFF_SOME if different else provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(changes=changes, diffs=changed, replaces=replaced)


async def _abort(context: Context, message: str, code: grpc.StatusCode = grpc.StatusCode.UNKNOWN) -> NoReturn:
    await context.abort(code, diagnosis.clean_lines(message))
    raise AssertionError("abort raises")
