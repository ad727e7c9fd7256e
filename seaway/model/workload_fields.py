"""The fields of services, stores and jobs that have fields of their own: builds, ports, scale and volumes."""

import dataclasses
from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Annotated, Literal, Self

from seaway.syntax.field_help import Help, Rationale, empty_mapping

Protocol = Literal["http", "grpc", "tcp", "udp"]
"""The protocol of a port. HTTP and gRPC are TCP for the network, but not for an ingress or a probe."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """How an image is built. Short form: the context folder, ``build: ./web``."""

    context: Annotated[str, Help("folder of the build context, relative to the application's file")]
    dockerfile: Annotated[str, Help("the Dockerfile, relative to the context")] = "Dockerfile"
    target: Annotated[str | None, Help("stage of a multi-stage Dockerfile to build; none: the last stage")] = None
    args: Annotated[Mapping[str, str], Help("build arguments (ARG); never a secret: the image history has them")] = (
        empty_mapping()
    )
    inline: Annotated[str | None, Help("text of the Dockerfile, instead of a file")] = None
    contexts: Annotated[
        Mapping[str, str],
        Help(
            "further build contexts by their name in `COPY --from`: folders relative to the application's file, or"
            " addresses of images"
        ),
    ] = empty_mapping()
    secrets: Annotated[
        Mapping[str, str],
        Help("name of a secret of the stack by the id in `RUN --mount=type=secret`; in no layer and in no tag"),
    ] = empty_mapping()
    ssh: Annotated[
        tuple[str, ...], Help("SSH agents or keys of the builder, for `RUN --mount=type=ssh`: `default`, or `id=path`")
    ] = ()
    cache_from: Annotated[
        tuple[str, ...], Help("caches to import layers from, as `type=registry,ref=registry.example.com/cache`")
    ] = ()
    cache_to: Annotated[tuple[str, ...], Help("caches to export layers to, beside the cache of the builder")] = ()

    @classmethod
    def shorthand(cls, context: str) -> Self:
        return cls(context=context)


@dataclasses.dataclass(frozen=True, slots=True)
class Port:
    """A further port, with a name. Short form: the number."""

    name: str
    _: KW_ONLY
    port: Annotated[int, Help("port that the program listens on")]
    protocol: Annotated[Protocol, Help("protocol of the port")] = "tcp"
    publish: Annotated[
        bool, Help("reachable from outside too, where the environment opens ports: nodePort or loadBalancer")
    ] = False

    @classmethod
    def shorthand(cls, name: str, port: int) -> Self:
        return cls(name, port=port)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The number of pods. Short form: the number. With `max` an autoscaler chooses between `min` and `max`.

    https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/
    """

    min: Annotated[
        int,
        Help("number of pods that always run; 0 switches the service off"),
        Rationale("with two, one pod may fail, be drained or be replaced while the service still answers"),
    ] = 2
    max: Annotated[
        int | None, Help("maximum number of pods that an autoscaler starts under load; none: always `min`")
    ] = None
    cpu: Annotated[
        str | None,
        Help("CPU use that the autoscaler targets, as a percentage of the request; with `max` and no `memory`: 70%"),
        Rationale("leaves room for a third more load while new pods start"),
    ] = None
    memory: Annotated[str | None, Help("memory use that the autoscaler targets, as a percentage of the request")] = None

    @classmethod
    def shorthand(cls, number: int) -> Self:
        return cls(min=number)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """The objectives of a service. `seaway test --disturb` sends load, and compares; nothing is deployed for them."""

    p99: Annotated[str | None, Help("latency that 99% of the requests must not exceed, as `300ms` or `1.5s`")] = None
    errors: Annotated[str | None, Help("share of the requests that may fail, as `0.1%`")] = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A volume of a store. It remains when the pod is deleted."""

    path: Annotated[str, Help("path of the mount in the container")]
    size: Annotated[str, Help("capacity, as `1Gi`")]
    storage_class: Annotated[
        str | None, Help("StorageClass of the cluster; none: that of the environment, or the default of the cluster")
    ] = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """The address of a store that runs elsewhere, such as a managed database."""

    host: Annotated[
        str | None,
        Help(
            "its DNS name or IP address; a Service of another namespace: `db.other.svc.cluster.local`; none: the Pulumi"
            " program gives it to the component Application, from another resource"
        ),
    ] = None
    port: Annotated[int | None, Help("its port; none: the `port` of the store")] = None
    cidrs: Annotated[
        tuple[str, ...],
        Help(
            "address ranges of the host that callers may reach, as `10.1.0.0/16`; none: the IP address or the namespace"
            " that `host` names, or for another DNS name all addresses; required without `host`"
        ),
        Rationale("a network policy accepts no DNS names, and only the operator of the store knows its addresses"),
    ] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class SharedVolume:
    """A volume of a store that is mounted in other pods too. Short form: the name of the store.

    A volume belongs to one node: the pods run on the node of the store. https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes
    """

    path: Annotated[str, Help("path of the mount in the container")]
    _: KW_ONLY
    store: Annotated[str, Help("store that owns the volume")]
    volume: Annotated[str | None, Help("name in the `volumes` of the store; none: its `volume`")] = None
    read_only: Annotated[bool, Help("whether it is mounted read-only")] = False

    @classmethod
    def shorthand(cls, path: str, store: str) -> Self:
        return cls(path, store=store)
