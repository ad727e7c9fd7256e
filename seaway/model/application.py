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

from seaway.model import containers, workload_fields
from seaway.syntax.field_help import Help, Rationale, empty_mapping

# One module has the whole model.
ContainerSpec = containers.ContainerSpec
ExtraContainer = containers.ExtraContainer
File = containers.File
Gpu = containers.Gpu
Health = containers.Health
Resources = containers.Resources
Secret = containers.Secret
Tpu = containers.Tpu
Build = workload_fields.Build
External = workload_fields.External
Port = workload_fields.Port
Protocol = workload_fields.Protocol
Scale = workload_fields.Scale
SharedVolume = workload_fields.SharedVolume
Slo = workload_fields.Slo
Volume = workload_fields.Volume

Security = Literal["restricted", "baseline"]
"""A level of the Pod Security Standards. https://kubernetes.io/docs/concepts/security/pod-security-standards/"""


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
    aliases: Annotated[tuple[str, ...], Help("further names under which its callers reach it")] = ()
    health: Annotated[Health, Help("probes")] = dataclasses.field(default=Health())
    scale: Annotated[Scale, Help("number of pods")] = dataclasses.field(default=Scale())
    daemon_set: Annotated[bool, Help("one pod on every node instead of `scale`, for agents")] = False
    publish: Annotated[bool, Help("reachable from outside the cluster; each environment decides how")] = False
    spread: Annotated[
        Literal["prefer", "require"],
        Help("whether its pods prefer different zones and nodes, or wait for a node that keeps them apart"),
        Rationale("a full or small cluster still runs them"),
    ] = "prefer"
    slo: Annotated[Slo | None, Help("latency and errors that `seaway test` compares a load test with")] = None
    pre_stop_delay: Annotated[
        containers.Seconds,
        Help("seconds to wait before SIGTERM, if it has a port"),
        Rationale("load balancers can deregister the pod"),
    ] = 5
    stop_grace_period: Annotated[
        containers.Seconds, Help("seconds from SIGTERM to SIGKILL"), Rationale("requests in flight are answered")
    ] = 25


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Store(WorkloadSpec):
    """A service with a volume: one pod with a stable name. An external store runs elsewhere and has no pod."""

    port: Annotated[int | None, Help("TCP port that it listens on; none: it takes no requests")] = None
    protocol: Annotated[Protocol, Help("protocol of the port")] = "tcp"
    ports: Annotated[tuple[Port, ...], Help("further ports, by name")] = ()
    all_ports: Annotated[bool, Help("instead of `port`: callers reach every port of its pod")] = False
    aliases: Annotated[tuple[str, ...], Help("further names under which its callers reach it")] = ()
    publish: Annotated[
        bool,
        Help("reachable from outside the cluster, by an ingress if it speaks HTTP; each environment decides how"),
        Rationale("only the application itself needs to reach its data"),
    ] = False
    external: Annotated[
        External | None, Help("address of the store if it runs elsewhere: then nothing is deployed for it")
    ] = None
    volume: Annotated[Volume | None, Help("its volume; only an external store may have none")] = None
    volumes: Annotated[Mapping[str, Volume], Help("further volumes, by name")] = empty_mapping()
    retain: Annotated[
        bool,
        Help("whether its volumes remain when the store is removed"),
        Rationale("data must be deleted by hand, never by a change of a file"),
    ] = True
    health: Annotated[Health, Help("probes")] = dataclasses.field(default=Health())
    stop_grace_period: Annotated[
        containers.Seconds,
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
        containers.Seconds,
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
        containers.Seconds,
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
