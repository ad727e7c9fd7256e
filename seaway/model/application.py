"""The typed application: what a team says about its services, and nothing about an environment.

Every class is frozen, slotted and keyword-only but for its name. A default stands beside its field,
with its reason. ``None`` means "there is none", never "not stated".

A tuple of classes that have a name is written in YAML as a mapping from name to body, or, where the
name says it all, as a list of names. A class with a ``shorthand`` may be written as that one value.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY
from typing import Annotated, Any, Literal, Self

from seaway.syntax.field_help import Duration, Help, Rationale

Protocol = Literal["http", "grpc", "tcp", "udp"]
"""What is spoken on a port. HTTP and gRPC are TCP for the cluster's network; an ingress and a probe know them apart."""

Security = Literal["restricted", "baseline"]
"""A level of the Pod Security Standards. https://kubernetes.io/docs/concepts/security/pod-security-standards/"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """How an image is built. Short form: the context folder, ``build: ./web``."""

    context: Annotated[str, Help("folder of the build context, relative to the application's file")]
    dockerfile: Annotated[str, Help("the Dockerfile, relative to the context")] = "Dockerfile"
    target: Annotated[str | None, Help("stage of a multi-stage Dockerfile to stop at")] = None
    args: Annotated[
        Mapping[str, str], Help("build arguments (ARG); never a secret, they stay in the image's history")
    ] = dataclasses.field(default_factory=dict[str, str])
    inline: Annotated[str | None, Help("the text of the Dockerfile, instead of a file")] = None
    contexts: Annotated[
        Mapping[str, str],
        Help(
            "other folders by their names in `COPY --from`, relative to the application's file; or addresses of images"
        ),
    ] = dataclasses.field(default_factory=dict[str, str])
    secrets: Annotated[
        Mapping[str, str],
        Help(
            "by the id that `RUN --mount=type=secret` asks for: the name of a secret of the stack; in no layer, no tag"
        ),
    ] = dataclasses.field(default_factory=dict[str, str])
    ssh: Annotated[
        tuple[str, ...], Help("agents or keys of whoever builds, for `RUN --mount=type=ssh`: `default`, or `id=path`")
    ] = ()
    cache_from: Annotated[
        tuple[str, ...], Help("where layers may come from, as `type=registry,ref=registry.example.com/cache`")
    ] = ()
    cache_to: Annotated[tuple[str, ...], Help("where they are kept, beside the builder's own cache")] = ()

    @classmethod
    def shorthand(cls, context: str) -> Self:
        return cls(context=context)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the cluster asks a container whether it is well. Short form: one way to ask for both questions.

    https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
    """

    readiness: Annotated[
        str | tuple[str, ...] | None,
        Help(
            "may it get requests? an HTTP path on the port, `grpc` or `grpc:<service>`, `tcp`, or a command;"
            " none: the port accepts a connection"
        ),
    ] = None
    liveness: Annotated[
        str | tuple[str, ...] | None,
        Help("must it be restarted? asked like `ready`; none: the port accepts a connection"),
        Rationale("shallow on purpose: a liveness question that asks the database restarts every pod when it is away"),
    ] = None
    start_period: Annotated[
        int,
        Duration(),
        Help("seconds that a start may take before a restart"),
        Rationale("covers a cold interpreter and a first connection; a slow starter says more"),
    ] = 60
    interval: Annotated[
        int,
        Duration(),
        Help("seconds between two questions `ready`"),
        Rationale("soon enough that nobody waits for it; a question that costs much is asked less often"),
    ] = 2
    timeout: Annotated[
        int,
        Duration(),
        Help("seconds that an answer to `ready` may take"),
        Rationale("what answers later is no help to who asked"),
    ] = 3
    retries: Annotated[
        int,
        Help("wrong answers to `ready` in a row that take it out of its links"),
        Rationale("one lost answer is chance, three are none"),
    ] = 3

    @classmethod
    def shorthand(cls, probe: str | tuple[str, ...]) -> Self:
        return cls(readiness=probe, liveness=probe)


@dataclasses.dataclass(frozen=True, slots=True)
class Port:
    """A port beside the main one, with a name. Short form: the number."""

    name: str
    _: KW_ONLY
    port: Annotated[int, Help("port that the program listens on")]
    protocol: Annotated[Protocol, Help("what is spoken on it")] = "tcp"
    publish: Annotated[
        bool, Help("reachable from outside too, where the environment opens ports: nodePort or loadBalancer")
    ] = False

    @classmethod
    def shorthand(cls, name: str, port: int) -> Self:
        return cls(name, port=port)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """Graphics processors. Short form: how many.

    https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/
    """

    count: Annotated[int, Help("how many, for one pod alone")] = 1
    resource: Annotated[str, Help("what the node's device plugin calls them")] = "nvidia.com/gpu"

    @classmethod
    def shorthand(cls, count: int) -> Self:
        return cls(count=count)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tpu:
    """Tensor processors, as Google's clusters offer them.

    https://cloud.google.com/kubernetes-engine/docs/how-to/tpus
    """

    count: Annotated[int, Help("chips for one pod")]
    accelerator: Annotated[str, Help("kind of the node, as `tpu-v5-lite-podslice`")]
    topology: Annotated[str, Help("how the chips are arranged, as `2x4`")]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a container asks of its node. https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"""

    cpu: Annotated[
        str,
        Help("CPU that is set aside (`100m` is a tenth of a core); no limit, idle CPU may be used"),
        Rationale("enough for a small Python service; a limit would only slow it down when the node is idle"),
    ] = "100m"
    memory: Annotated[
        str,
        Help("memory that is set aside, and the limit"),
        Rationale("request = limit: a pod never depends on memory that the node may take back"),
    ] = "128Mi"
    cpu_limit: Annotated[
        str | None,
        Help("CPU that it never exceeds; none: what the node has to spare"),
        Rationale("a limit slows a program down while cores idle; set one where neighbours must be kept apart"),
    ] = None
    disk: Annotated[
        str,
        Help("most that logs and writable folders may take together, before the pod is evicted"),
        Rationale("a leak ends one pod, not the node's disk"),
    ] = "1Gi"
    gpu: Annotated[Gpu | None, Help("graphics processors")] = None
    tpu: Annotated[Tpu | None, Help("tensor processors")] = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How many pods. Short form: the number. With `max` an autoscaler chooses between the two.

    https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/
    """

    min: Annotated[
        int,
        Help("pods that always run"),
        Rationale("two: one may be lost, drained or replaced and the service still answers"),
    ] = 2
    max: Annotated[int | None, Help("pods that an autoscaler may start under load; none: always `min`")] = None
    cpu: Annotated[
        str | None,
        Help("CPU in use, of what is set aside, that the autoscaler keeps to; with `max` and no `memory`: 70%"),
        Rationale("at 70% a third more load is carried while new pods start"),
    ] = None
    memory: Annotated[str | None, Help("memory in use, of what is set aside, that it keeps to")] = None

    @classmethod
    def shorthand(cls, number: int) -> Self:
        return cls(min=number)


@dataclasses.dataclass(frozen=True, slots=True)
class Secret:
    """A secret value by name, given to the container as the file ``/run/secrets/<name>``.

    The variable ``<name>_FILE`` says where it is, as many public images expect it. A name means one value in the
    whole application: two services that list it share it.
    """

    name: str
    _: KW_ONLY
    generate: Annotated[
        int | None,
        Help("make the value once, of that many random characters, and keep it; none: `pulumi config set --secret`"),
    ] = None
    env: Annotated[
        bool,
        Help("as an environment variable of its name, and not as a file"),
        Rationale("a file is not inherited by child processes, and stands in no crash report"),
    ] = False
    existing: Annotated[
        str | None,
        Help(
            "take it from this Secret, which somebody else keeps in the namespace; a change rolls nothing, a pod sees"
            " it when it starts"
        ),
    ] = None
    key: Annotated[str | None, Help("its key in the existing Secret; none: the name here")] = None


@dataclasses.dataclass(frozen=True, slots=True)
class File:
    """A text file of configuration in the container. Short form: its source. A changed content rolls the pods."""

    path: Annotated[str, Help("absolute path in the container")]
    _: KW_ONLY
    source: Annotated[str | None, Help("file to read, relative to the application's file")] = None
    content: Annotated[str | None, Help("the text itself; loading an application fills it in from `source`")] = None

    @classmethod
    def shorthand(cls, path: str, source: str) -> Self:
        return cls(path, source=source)

    def normalize(self) -> Self:
        """Without the source of a text that was read: it is a fact of one checkout."""
        return self if self.content is None else dataclasses.replace(self, source=None)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A store's disk, kept when its pod goes."""

    path: Annotated[str, Help("where it is mounted")]
    size: Annotated[str, Help("capacity, as `1Gi`")]
    storage_class: Annotated[
        str | None, Help("kind of disk, as the cluster calls it; none: the cluster's default, or the environment's")
    ] = None


@dataclasses.dataclass(frozen=True, slots=True)
class SharedVolume:
    """Where a disk of a store is mounted in somebody else's pods, too. Short form: the store's name.

    A disk is one node's: the pods run where the store's does. https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes
    """

    path: Annotated[str, Help("where it is mounted")]
    _: KW_ONLY
    store: Annotated[str, Help("whose disk it is")]
    volume: Annotated[str | None, Help("which of its `volumes`; none: its `volume`")] = None
    read_only: Annotated[bool, Help("whether nothing is written to it")] = False

    @classmethod
    def shorthand(cls, path: str, store: str) -> Self:
        return cls(path, store=store)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """What every container has, a companion's too. Not written by itself."""

    image: Annotated[str | None, Help("use this image")] = None
    command: Annotated[tuple[str, ...], Help("instead of the image's ENTRYPOINT (Kubernetes' `command`)")] = ()
    args: Annotated[tuple[str, ...], Help("instead of the image's CMD (Kubernetes' `args`)")] = ()
    working_dir: Annotated[str | None, Help("folder that it starts in, instead of the image's WORKDIR")] = None
    env: Annotated[Mapping[str, str], Help("environment variables; a changed value rolls the pods")] = (
        dataclasses.field(default_factory=dict[str, str])
    )
    env_file: Annotated[
        str | tuple[str, ...],
        Help(
            "file of `NAME=value` lines, or a list of files, relative to the application's file; a later one wins, and `env` wins"
        ),
    ] = ()
    secrets: Annotated[tuple[Secret, ...], Help("secret values, as files below /run/secrets")] = ()
    files: Annotated[tuple[File, ...], Help("configuration files")] = ()
    resources: Annotated[Resources, Help("CPU, memory, disk and accelerators")] = Resources()
    user: Annotated[
        int | None,
        Help(
            "numeric user and group id of the process and of its volumes; a known public image has its own. `null`: the"
            " user that the image says, which is root where it says none; only under `security: baseline`"
        ),
        Rationale("not root, and over 10000 so that it meets no user of the node"),
    ] = 10001
    writable: Annotated[
        tuple[str, ...],
        Help(
            "folders that it may write to, empty at each start; /tmp always is one. Containers of one pod share those"
            " of the same path, but for /tmp. `/`: all of the image's own"
        ),
        Rationale("the rest of the file system is read-only: what breaks in cannot install itself"),
    ] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class ExtraContainer(ContainerSpec):
    """A container beside the main one, in each of its pods; without an image it runs the main one's.

    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
    """

    name: str
    _: KW_ONLY
    uses: Annotated[str | None, Help("service whose built image it runs")] = None
    port: Annotated[int | None, Help("TCP port that it listens on, for its health; other pods do not see it")] = None
    health: Annotated[Health | None, Help("how to ask whether it is well; none: its port, if it has one, answers")] = (
        None
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadSpec(ContainerSpec):
    """What services, stores and jobs have in common. Not written by itself."""

    build: Annotated[Build | None, Help("or build the image from source")] = None
    calls: Annotated[
        tuple[str, ...],
        Help("services and stores that it talks to: `calls: [api]` gives API_URL, API_HOST and API_PORT"),
    ] = ()
    link_variables: Annotated[
        bool,
        Help("whether `calls` gives these variables, or only opens the way"),
        Rationale("what is given need not be written; a program that takes API_HOST for something else wants none"),
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
            "disks of stores that it sees too, by path: `sharedVolumes: {/srv/media: cms}`; it then runs on the store's node"
        ),
    ] = ()
    egress: Annotated[
        tuple[str, ...],
        Help(
            "what it may reach outside of the application: `internet`, or addresses as `10.1.0.0/16` or"
            " `10.1.2.3/32:5432`; an empty list closes all but its links and the name service"
        ),
        Rationale(
            "the internet is open, since builds, payments and mail need it; private networks and the metadata are not"
        ),
    ] = ("internet",)
    security: Annotated[
        Security,
        Help("level of the Pod Security Standards; baseline only drops what restricted adds"),
        Rationale("restricted is what a well-made image can run under"),
    ] = "restricted"
    kubernetes_api: Annotated[
        Mapping[str, tuple[str, ...]],
        Help(
            "what it may do with objects of its own namespace, as `{pods: [get, list]}`; a group stands behind the"
            " first point: `deployments.apps`"
        ),
        Rationale(
            "nothing, and no token: most programs never ask, and a stolen token is the first step into a cluster"
        ),
    ] = dataclasses.field(default_factory=dict[str, tuple[str, ...]])
    node_selector: Annotated[Mapping[str, str], Help("labels that its nodes must have")] = dataclasses.field(
        default_factory=dict[str, str]
    )
    tolerations: Annotated[
        tuple[str, ...], Help("taints of nodes that it may run on all the same, as `dedicated=batch:NoSchedule`")
    ] = ()
    priority_class: Annotated[str | None, Help("PriorityClass of the cluster; none: the cluster's default")] = None
    init: Annotated[tuple[ExtraContainer, ...], Help("containers that run to the end first, one after the other")] = ()
    sidecars: Annotated[
        tuple[ExtraContainer, ...], Help("containers that start before the main one and end after it")
    ] = ()
    raw: Annotated[
        Mapping[str, Any],
        Help(
            "fields of Kubernetes that have no word here, merged into the finished object of that kind:"
            " `{Deployment: {spec: {minReadySeconds: 5}}}`"
        ),
    ] = dataclasses.field(default_factory=dict[str, Any])

    def get_containers(self, path: str) -> dict[str, ContainerSpec]:
        """The containers of its pod by path, the main container first.

        ``services.web``, ``services.web.sidecars.proxy``, ``services.web.init.wait``.
        """
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


@dataclasses.dataclass(frozen=True, slots=True)
class Service(WorkloadSpec):
    """Runs for ever; takes requests if it has a port."""

    name: str
    _: KW_ONLY
    port: Annotated[int | None, Help("port that it listens on; none: it takes no requests")] = None
    protocol: Annotated[Protocol, Help("what is spoken on the port")] = "http"
    ports: Annotated[tuple[Port, ...], Help("other ports, by name: `ports: {metrics: 9090}`")] = ()
    all_ports: Annotated[
        bool,
        Help(
            "instead of `port`: whoever calls it reaches every port of its pods, for a program whose ports nobody wrote"
        ),
        Rationale("an open door that nobody looks after is the one that is used"),
    ] = False
    health: Annotated[Health, Help("how to ask whether it is well")] = Health()
    scale: Annotated[Scale, Help("how many pods")] = Scale()
    daemon_set: Annotated[bool, Help("one pod on every node, and not `scale`: for agents")] = False
    publish: Annotated[bool, Help("reachable from outside the cluster; how is the environment's business")] = False
    spread: Annotated[
        Literal["prefer", "require"],
        Help("whether its pods only prefer different zones and nodes, or wait for a node that keeps them apart"),
        Rationale("a full or small cluster still runs them"),
    ] = "prefer"
    pre_stop_delay: Annotated[
        int,
        Duration(),
        Help('seconds between "you are going" and SIGTERM, if it has a port'),
        Rationale("the time until proxies and load balancers send no new requests"),
    ] = 5
    stop_grace_period: Annotated[
        int, Duration(), Help("seconds from SIGTERM to SIGKILL"), Rationale("the requests in flight are answered")
    ] = 25


@dataclasses.dataclass(frozen=True, slots=True)
class Store(WorkloadSpec):
    """A service with a volume: one pod, a stable name, its disk."""

    name: str
    _: KW_ONLY
    port: Annotated[int | None, Help("TCP port that it listens on; none: it takes no requests")] = None
    protocol: Annotated[Protocol, Help("what is spoken on the port")] = "tcp"
    ports: Annotated[tuple[Port, ...], Help("other ports, by name")] = ()
    all_ports: Annotated[bool, Help("instead of `port`: whoever calls it reaches every port of its pod")] = False
    publish: Annotated[
        bool,
        Help("reachable from outside the cluster; by an ingress, if it speaks HTTP; how is the environment's business"),
        Rationale("what keeps data is asked by the application only"),
    ] = False
    volume: Annotated[Volume, Help("its disk")]
    volumes: Annotated[Mapping[str, Volume], Help("more disks, by name")] = dataclasses.field(
        default_factory=dict[str, Volume]
    )
    retain: Annotated[
        bool,
        Help("whether its disks stay when the store is removed"),
        Rationale("data is deleted by hand, never by a change of a file"),
    ] = True
    health: Annotated[Health, Help("how to ask whether it is well")] = Health()
    stop_grace_period: Annotated[
        int,
        Duration(),
        Help("seconds from SIGTERM to SIGKILL"),
        Rationale("a database writes its last checkpoint; a kill is safe, but makes the next start slow"),
    ] = 60


@dataclasses.dataclass(frozen=True, slots=True)
class Job(WorkloadSpec):
    """Runs to the end: once a release, on a schedule, or when somebody starts it."""

    name: str
    _: KW_ONLY
    uses: Annotated[
        str | None,
        Help("service whose image, folder, environment, secrets, files, links and user it takes; its own words win"),
    ] = None
    run: Annotated[
        Literal["before-rollout", "after-rollout", "on-demand"],
        Help(
            "when: before any service's pods change, after all are healthy, or only by `kubectl create job --from`;"
            " with a `schedule` it runs by that"
        ),
    ] = "before-rollout"
    schedule: Annotated[str | None, Help("when, in the five fields of cron: `0 3 * * *`")] = None
    time_zone: Annotated[
        str, Help("zone of the schedule, as `Europe/Berlin`"), Rationale("the same everywhere, with no summer time")
    ] = "Etc/UTC"
    starting_deadline: Annotated[
        int,
        Duration(),
        Help("seconds after its time that a scheduled run may still start"),
        Rationale("a cluster that was away for a night does not make up for it in the rush hour"),
    ] = 300
    concurrency_policy: Annotated[
        Literal["forbid", "allow", "replace"],
        Help("what a scheduled run does when the one before it still runs: not start, start beside it, or end it"),
        Rationale("two at once are what most reports and backups cannot stand"),
    ] = "forbid"
    history_limit: Annotated[
        int, Help("ended runs of a schedule that stay readable, good ones and failed ones each")
    ] = 3
    backoff_limit: Annotated[
        int,
        Help("maximum number of retries"),
        Rationale("a failure by chance passes the second time; a job that fails twice is broken"),
    ] = 1
    timeout: Annotated[
        int,
        Duration(),
        Help("seconds that it may take, with all its tries, before it has failed"),
        Rationale(
            "a migration takes seconds or a few minutes; one that hangs on a lock must not hold up a release for ever"
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
    services: Annotated[tuple[Service, ...], Help("what runs for ever")] = ()
    stores: Annotated[tuple[Store, ...], Help("what keeps data")] = ()
    jobs: Annotated[tuple[Job, ...], Help("what runs to the end")] = ()

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


AnyWorkload = Service | Store | Job
ChangeContainer = Callable[[str, ContainerSpec], Mapping[str, Any]]
"""From a container and its path (``services.web``, ``services.web.sidecars.proxy``) to the fields to replace."""
