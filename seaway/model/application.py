"""The typed application: services, stores and jobs, without facts about an environment.

All classes are frozen and slotted, and keyword-only except for the name. Each default stands beside its field,
with its rationale. ``None`` means that there is none, or that the environment or the image decides, as the help of
the field says.

In YAML, a tuple of named classes is a mapping from name to body, or a list of names if the bodies are empty. A class
with a ``shorthand`` may be written as that one value.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY
from typing import Annotated, Any, Literal, Self

from seaway.syntax.field_help import Duration, Help, Rationale, empty_mapping

Protocol = Literal["http", "grpc", "tcp", "udp"]
"""The protocol of a port. HTTP and gRPC are TCP for the network, but not for an ingress or a probe."""

Seconds = Annotated[int, Duration()]
"""A duration: seconds, or text such as ``30s`` and ``1m30s`` in YAML."""

Security = Literal["restricted", "baseline"]
"""A level of the Pod Security Standards. https://kubernetes.io/docs/concepts/security/pod-security-standards/"""


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
        Help("memory request and limit"),
        Rationale("request = limit: a pod never depends on memory that the node may reclaim"),
    ] = "128Mi"
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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The number of pods. Short form: the number. With `max` an autoscaler chooses between `min` and `max`.

    https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/
    """

    min: Annotated[
        int,
        Help("number of pods that always run"),
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

    @classmethod
    def shorthand(cls, path: str, source: str) -> Self:
        return cls(path, source=source)

    def normalize(self) -> Self:
        """Without its source once it has content: the path belongs to one checkout."""
        return self if self.content is None else dataclasses.replace(self, source=None)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A volume of a store. It remains when the pod is deleted."""

    path: Annotated[str, Help("path of the mount in the container")]
    size: Annotated[str, Help("capacity, as `1Gi`")]
    storage_class: Annotated[
        str | None, Help("StorageClass of the cluster; none: that of the environment, or the default of the cluster")
    ] = None


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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadSpec(ContainerSpec):
    """The common fields of services, stores and jobs. Not used by itself."""

    build: Annotated[Build | None, Help("build the image from source")] = None
    calls: Annotated[
        tuple[str, ...],
        Help("services and stores that it connects to: `calls: [api]` sets API_URL, API_HOST and API_PORT"),
    ] = ()
    link_variables: Annotated[
        bool,
        Help("whether `calls` sets these variables, or only opens the network"),
        Rationale("saves writing them; switch it off for a program that reads API_HOST as something else"),
    ] = True
    depends_on: Annotated[
        tuple[str, ...],
        Help(
            "services, stores and jobs that must be healthy, or complete, before its own pods start or change; the"
            " default order is stores, jobs, services"
        ),
        Rationale("a program that retries needs no order, and each step makes a rollout longer"),
    ] = ()
    shared_volumes: Annotated[
        tuple[SharedVolume, ...],
        Help(
            "volumes of stores that it mounts too, by path: `sharedVolumes: {/srv/media: cms}`; it then runs on the"
            " node of the store"
        ),
    ] = ()
    egress: Annotated[
        tuple[str, ...],
        Help(
            "what it may reach outside of the application: `internet`, or address ranges as `10.1.0.0/16` or"
            " `10.1.2.3/32:5432`; an empty list allows only its links and DNS"
        ),
        Rationale(
            "the internet is open for payments, mail and downloads; private networks and the metadata service are"
            " closed"
        ),
    ] = ("internet",)
    security: Annotated[
        Security,
        Help("level of the Pod Security Standards; baseline only drops what restricted adds"),
        Rationale("a well-built image can run under restricted"),
    ] = "restricted"
    kubernetes_api: Annotated[
        Mapping[str, tuple[str, ...]],
        Help(
            "access to objects of its own namespace, as `{pods: [get, list]}`; the group follows the resource:"
            " `deployments.apps`"
        ),
        Rationale(
            "no access and no token: most programs need none, and a stolen token lets an attacker into the cluster"
        ),
    ] = empty_mapping()
    node_selector: Annotated[Mapping[str, str], Help("labels that its nodes must have")] = empty_mapping()
    tolerations: Annotated[
        tuple[str, ...], Help("taints of nodes that it tolerates, as `dedicated=batch:NoSchedule`")
    ] = ()
    priority_class: Annotated[str | None, Help("PriorityClass of the cluster; none: the default of the cluster")] = None
    init: Annotated[
        tuple[ExtraContainer, ...], Help("containers that run to completion before the others, one after the other")
    ] = ()
    sidecars: Annotated[
        tuple[ExtraContainer, ...], Help("containers that start before the main container and stop after it")
    ] = ()
    raw: Annotated[
        Mapping[str, Any],
        Help(
            "Kubernetes fields that have no key here, merged into the object of that kind: `{Deployment: {spec:"
            " {minReadySeconds: 5}}}`"
        ),
    ] = empty_mapping()

    def list_containers(self) -> tuple[ContainerSpec, ...]:
        """The containers of its pod, the main container first."""
        return (self, *self.sidecars, *self.init)

    def get_containers(self, path: str) -> dict[str, ContainerSpec]:
        """The same by path: ``services.web``, ``services.web.sidecars.proxy``, ``services.web.init.wait``."""
        sidecars = {f"{path}.sidecars.{sidecar.name}": sidecar for sidecar in self.sidecars}
        return {path: self, **sidecars, **{f"{path}.init.{init.name}": init for init in self.init}}

    def replace_containers(self, path: str, change: "ChangeContainer") -> Self:
        """The workload with the fields that ``change`` returns replaced in each of its containers."""
        return dataclasses.replace(
            self,
            init=tuple(dataclasses.replace(init, **change(f"{path}.init.{init.name}", init)) for init in self.init),
            sidecars=tuple(
                dataclasses.replace(sidecar, **change(f"{path}.sidecars.{sidecar.name}", sidecar))
                for sidecar in self.sidecars
            ),
            **change(path, self),
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Service(WorkloadSpec):
    """Runs continuously. Takes requests if it has a port."""

    port: Annotated[int | None, Help("port that it listens on; none: it takes no requests")] = None
    protocol: Annotated[Protocol, Help("protocol of the port")] = "http"
    ports: Annotated[tuple[Port, ...], Help("further ports, by name: `ports: {metrics: 9090}`")] = ()
    all_ports: Annotated[
        bool,
        Help("instead of `port`: callers reach every port of its pods, for a program whose ports are unknown"),
        Rationale("opening every port increases the attack surface"),
    ] = False
    health: Annotated[Health, Help("probes")] = Health()
    scale: Annotated[Scale, Help("number of pods")] = Scale()
    daemon_set: Annotated[bool, Help("one pod on every node instead of `scale`, for agents")] = False
    publish: Annotated[bool, Help("reachable from outside the cluster; each environment decides how")] = False
    spread: Annotated[
        Literal["prefer", "require"],
        Help("whether its pods prefer different zones and nodes, or wait for a node that keeps them apart"),
        Rationale("a full or small cluster still runs them"),
    ] = "prefer"
    pre_stop_delay: Annotated[
        Seconds,
        Help("seconds to wait before SIGTERM, if it has a port"),
        Rationale("load balancers can deregister the pod"),
    ] = 5
    stop_grace_period: Annotated[
        Seconds, Help("seconds from SIGTERM to SIGKILL"), Rationale("requests in flight are answered")
    ] = 25


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Store(WorkloadSpec):
    """A service with a volume: one pod with a stable name."""

    port: Annotated[int | None, Help("TCP port that it listens on; none: it takes no requests")] = None
    protocol: Annotated[Protocol, Help("protocol of the port")] = "tcp"
    ports: Annotated[tuple[Port, ...], Help("further ports, by name")] = ()
    all_ports: Annotated[bool, Help("instead of `port`: callers reach every port of its pod")] = False
    publish: Annotated[
        bool,
        Help("reachable from outside the cluster, by an ingress if it speaks HTTP; each environment decides how"),
        Rationale("only the application itself needs to reach its data"),
    ] = False
    volume: Annotated[Volume, Help("its volume")]
    volumes: Annotated[Mapping[str, Volume], Help("further volumes, by name")] = empty_mapping()
    retain: Annotated[
        bool,
        Help("whether its volumes remain when the store is removed"),
        Rationale("data must be deleted by hand, never by a change of a file"),
    ] = True
    health: Annotated[Health, Help("probes")] = Health()
    stop_grace_period: Annotated[
        Seconds,
        Help("seconds from SIGTERM to SIGKILL"),
        Rationale("a database writes its last checkpoint; after a kill it recovers, but starts slowly"),
    ] = 60


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Job(WorkloadSpec):
    """Runs to completion: once per release, on a schedule, or on demand."""

    uses: Annotated[
        str | None,
        Help(
            "service whose image, working directory, environment, secrets, files, links, egress, writable directories,"
            " user, security and resources it inherits; fields of the job override"
        ),
    ] = None
    run: Annotated[
        Literal["before-rollout", "after-rollout", "on-demand"],
        Help(
            "when it runs: before the pods of any service change, after all services are healthy, or only by `kubectl"
            " create job --from`; with a `schedule`, at its times"
        ),
    ] = "before-rollout"
    schedule: Annotated[str | None, Help("when it runs, as a cron expression: `0 3 * * *`")] = None
    time_zone: Annotated[
        str,
        Help("time zone of the schedule, as `Europe/Berlin`"),
        Rationale("the same everywhere, without daylight saving time"),
    ] = "Etc/UTC"
    starting_deadline: Annotated[
        Seconds,
        Help("seconds after its time in which a scheduled run may still start"),
        Rationale("after an outage, missed runs do not start in the rush hour"),
    ] = 300
    concurrency_policy: Annotated[
        Literal["forbid", "allow", "replace"],
        Help("for a scheduled run while the previous one still runs: do not start, start too, or replace it"),
        Rationale("most reports and backups cannot run twice at once"),
    ] = "forbid"
    history_limit: Annotated[int, Help("finished runs of a schedule to keep, for successful and failed runs each")] = 3
    backoff_limit: Annotated[
        int,
        Help("maximum number of retries"),
        Rationale("a retry fixes a chance failure; a second failure has a cause"),
    ] = 1
    timeout: Annotated[
        Seconds,
        Help("seconds that it may take, with all retries"),
        Rationale(
            "a migration takes seconds or a few minutes; one that waits for a lock must not block a release forever"
        ),
    ] = 600

    def is_release_job(self) -> bool:
        """Whether it runs once per release. A rollback must not run such a job again."""
        return self.schedule is None and self.run != "on-demand"


@dataclasses.dataclass(frozen=True, slots=True)
class Application:
    """Services, stores and jobs that are deployed together."""

    name: str
    _: KW_ONLY
    services: Annotated[tuple[Service, ...], Help("workloads that run continuously")] = ()
    stores: Annotated[tuple[Store, ...], Help("workloads with data")] = ()
    jobs: Annotated[tuple[Job, ...], Help("workloads that run to completion")] = ()

    def get_workloads(self) -> "dict[str, AnyWorkload]":
        """All services, stores and jobs by path (``services.web``)."""
        kinds = {"services": self.services, "stores": self.stores, "jobs": self.jobs}
        return {f"{kind}.{workload.name}": workload for kind, workloads in kinds.items() for workload in workloads}

    def get_containers(self) -> dict[str, ContainerSpec]:
        """All containers of all pods by path."""
        return {
            container_path: container_spec
            for path, workload in self.get_workloads().items()
            for container_path, container_spec in workload.get_containers(path).items()
        }

    def replace_containers(self, change: "ChangeContainer") -> Self:
        """The application with the fields that ``change`` returns replaced in each container."""
        return dataclasses.replace(
            self,
            services=tuple(service.replace_containers(f"services.{service.name}", change) for service in self.services),
            stores=tuple(store.replace_containers(f"stores.{store.name}", change) for store in self.stores),
            jobs=tuple(job.replace_containers(f"jobs.{job.name}", change) for job in self.jobs),
        )


ServiceOrStore = Service | Store
"""What takes requests; a job does not."""

AnyWorkload = Service | Store | Job

ChangeContainer = Callable[[str, ContainerSpec], Mapping[str, Any]]
"""From a container and its path (``services.web``, ``services.web.sidecars.proxy``) to the fields to replace."""
