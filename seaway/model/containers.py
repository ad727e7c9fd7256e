"""The description of a container: its command, environment, files, secrets, resources and probes."""

import base64
import dataclasses
from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Annotated, Self

from seaway.syntax.field_help import Duration, Help, Rationale, empty_mapping

Seconds = Annotated[int, Duration()]
"""A duration: seconds, or text such as ``30s`` and ``1m30s`` in YAML."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The probes of a container. Short form: one probe for readiness and liveness.

    https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
    """

    readiness: Annotated[
        str | tuple[str, ...] | None,
        Help(
            "whether the pod may receive requests: an HTTP path on the port, `grpc` or `grpc:<service>`, `tcp`, or a"
            " command; none: the port accepts a connection"
        ),
    ] = None
    liveness: Annotated[
        str | tuple[str, ...] | None,
        Help("whether to restart the container, as for `readiness`; none: the port accepts a connection"),
        Rationale("must not depend on other services: an outage of the database would restart every pod"),
    ] = None
    start_period: Annotated[
        Seconds,
        Help("seconds that a start may take before a restart"),
        Rationale("covers a cold interpreter and a first connection; a slow program needs more"),
    ] = 60
    interval: Annotated[
        Seconds,
        Help("seconds between two readiness probes"),
        Rationale("a ready pod is noticed quickly; use more for an expensive probe"),
    ] = 2
    timeout: Annotated[
        Seconds,
        Help("seconds that a readiness probe may take"),
        Rationale("a slower answer is useless for clients"),
    ] = 3
    retries: Annotated[
        int,
        Help("consecutive failures of the readiness probe after which the pod receives no requests"),
        Rationale("one lost answer is chance, three are not"),
    ] = 3

    @classmethod
    def shorthand(cls, probe: str | tuple[str, ...]) -> Self:
        return cls(readiness=probe, liveness=probe)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """Graphics processors. Short form: the count.

    https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/
    """

    count: Annotated[int, Help("number of devices for one pod")] = 1
    resource: Annotated[str, Help("name that the device plugin of the node uses")] = "nvidia.com/gpu"

    @classmethod
    def shorthand(cls, count: int) -> Self:
        return cls(count=count)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tpu:
    """Tensor processors of Google's clusters.

    https://cloud.google.com/kubernetes-engine/docs/how-to/tpus
    """

    count: Annotated[int, Help("chips for one pod")]
    accelerator: Annotated[str, Help("accelerator type of the node, as `tpu-v5-lite-podslice`")]
    topology: Annotated[str, Help("topology of the chips, as `2x4`")]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """The resources of a container. https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"""

    cpu: Annotated[
        str,
        Help("CPU request (`100m` is a tenth of a core); idle CPU may be used above it"),
        Rationale("enough for a small Python service"),
    ] = "100m"
    memory: Annotated[
        str,
        Help("memory request, and limit without `memoryLimit`"),
        Rationale("request = limit: a pod never depends on memory that the node may reclaim"),
    ] = "128Mi"
    memory_limit: Annotated[
        str | None,
        Help("memory above which it is killed; none: `memory`"),
        Rationale("a pod between request and limit depends on free memory of the node: only for an unknown program"),
    ] = None
    cpu_limit: Annotated[
        str | None,
        Help("CPU that it never exceeds; none: the idle CPU of the node"),
        Rationale("a limit slows a program down while cores are idle; set it to isolate neighbours"),
    ] = None
    disk: Annotated[
        str,
        Help("maximum for logs and writable folders together, before the pod is evicted"),
        Rationale("a leak evicts one pod and does not fill the disk of the node"),
    ] = "1Gi"
    gpu: Annotated[Gpu | None, Help("graphics processors")] = None
    tpu: Annotated[Tpu | None, Help("tensor processors")] = None


@dataclasses.dataclass(frozen=True, slots=True)
class Secret:
    """A secret by name. The container gets it as the file ``/run/secrets/<name>``.

    The variable ``<name>_FILE`` holds its path, as many public images expect. A name has one value in the whole
    application: services that list the same name share it.
    """

    name: str
    _: KW_ONLY
    generate: Annotated[
        int | None,
        Help(
            "generate the value once, with that many random characters, and keep it; none: `pulumi config set --secret`"
        ),
    ] = None
    env: Annotated[
        bool,
        Help("sets the secret as an environment variable of the same name, not as a file"),
        Rationale("child processes do not inherit a file, and crash reports do not contain it"),
    ] = False
    existing: Annotated[
        str | None,
        Help(
            "existing Secret in the namespace, managed elsewhere, that contains it; a change restarts nothing, pods"
            " read it when they start"
        ),
    ] = None
    key: Annotated[str | None, Help("its key in the existing Secret; none: the name of this secret")] = None


@dataclasses.dataclass(frozen=True, slots=True)
class File:
    """A configuration file in the container. Short form: its source. A changed content restarts the pods."""

    path: Annotated[str, Help("absolute path in the container")]
    _: KW_ONLY
    source: Annotated[str | None, Help("file to read, relative to the application's file")] = None
    content: Annotated[str | None, Help("text of the file; loading an application fills it in from `source`")] = None
    binary: Annotated[str | None, Help("the same in base64, for a file that is not UTF-8 text, such as a keystore")] = (
        None
    )

    @classmethod
    def shorthand(cls, path: str, source: str) -> Self:
        return cls(path, source=source)

    @property
    def is_read(self) -> bool:
        """Whether it has its content, and not only a source."""
        return self.content is not None or self.binary is not None

    def read_bytes(self) -> bytes:
        """Its content; empty if it has only a source."""
        return (self.content or "").encode() if self.binary is None else base64.b64decode(self.binary)

    def normalize(self) -> Self:
        """Without its source once it has content: the path belongs to one checkout."""
        return dataclasses.replace(self, source=None) if self.is_read else self


@dataclasses.dataclass(frozen=True, slots=True)
class ContainerSpec:
    """The fields of all containers. Not used by itself."""

    name: str
    _: KW_ONLY
    image: Annotated[str | None, Help("image to run")] = None
    command: Annotated[tuple[str, ...], Help("replaces the ENTRYPOINT of the image (`command` in Kubernetes)")] = ()
    args: Annotated[tuple[str, ...], Help("replaces the CMD of the image (`args` in Kubernetes)")] = ()
    working_dir: Annotated[str | None, Help("folder in which the program starts; none: the WORKDIR of the image")] = (
        None
    )
    env: Annotated[Mapping[str, str], Help("environment variables; a change restarts the pods")] = empty_mapping()
    env_file: Annotated[
        str | tuple[str, ...],
        Help(
            "file of `NAME=value` lines, or a list of files, relative to the application's file; later files and"
            " `env` override"
        ),
    ] = ()
    secrets: Annotated[tuple[Secret, ...], Help("secrets, as files below /run/secrets")] = ()
    files: Annotated[tuple[File, ...], Help("configuration files")] = ()
    resources: Annotated[Resources, Help("CPU, memory, disk and accelerators")] = Resources()
    user: Annotated[
        int | None,
        Help(
            "numeric id of the user and the group of the process and its volumes; known public images have their own."
            " `null`: the user of the image, which may be root; only with `security: baseline`"
        ),
        Rationale("not root, and above 10000, so that no user of the node has the same id"),
    ] = 10001
    writable: Annotated[
        tuple[str, ...],
        Help(
            "folders that the process may write to, empty at each start; /tmp is always writable. Containers of a pod"
            " share folders of the same path, except /tmp. `/`: the whole file system of the image"
        ),
        Rationale("the rest of the file system is read-only, so an attacker cannot install anything"),
    ] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExtraContainer(ContainerSpec):
    """An init or sidecar container. Without an image it runs the image of the main container.

    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
    """

    uses: Annotated[str | None, Help("service whose built image it runs")] = None
    port: Annotated[int | None, Help("TCP port that it listens on, for its probes; other pods cannot reach it")] = None
    health: Annotated[Health | None, Help("probes; none: its port, if it has one, accepts a connection")] = None
