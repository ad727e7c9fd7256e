"""The typed application: what a team says about its services, and nothing about an environment.

Every class is frozen, slotted and keyword-only but for its name. A default stands beside its field,
with its reason. ``None`` means "there is none", never "not stated".

A tuple of classes that have a name is written in YAML as a mapping from name to body, or, where the
name says it all, as a list of names. A class with a ``shorthand`` may be written as that one value.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Annotated, Literal, Self

from seaway.model.describe import Doc, Why

Security = Literal["restricted", "baseline"]
"""A level of the Pod Security Standards. https://kubernetes.io/docs/concepts/security/pod-security-standards/"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """How an image is built. Short form: the context folder, ``build: ./web``."""

    context: Annotated[str, Doc("folder of the build context, relative to the application's file")]
    dockerfile: Annotated[str, Doc("the Dockerfile, relative to the context")] = "Dockerfile"
    target: Annotated[str | None, Doc("stage of a multi-stage Dockerfile to stop at")] = None
    args: Annotated[
        Mapping[str, str], Doc("build arguments (ARG); never a secret, they stay in the image's history")
    ] = dataclasses.field(default_factory=dict[str, str])

    @classmethod
    def shorthand(cls, context: str) -> Self:
        return cls(context=context)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the cluster asks a container whether it is well. Short form: one path for both questions.

    https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
    """

    ready: Annotated[
        str | tuple[str, ...] | None,
        Doc("may it get requests? an HTTP path on the port, or a command; none: the port accepts a connection"),
    ] = None
    live: Annotated[
        str | tuple[str, ...] | None,
        Doc("must it be restarted? an HTTP path on the port, or a command; none: the port accepts a connection"),
        Why("shallow on purpose: a liveness question that asks the database restarts every pod when it is away"),
    ] = None
    startup: Annotated[
        int,
        Doc("seconds that a start may take before a restart"),
        Why("covers a cold interpreter and a first connection; a slow starter says more"),
    ] = 60

    @classmethod
    def shorthand(cls, ask: str | tuple[str, ...]) -> Self:
        return cls(ready=ask, live=ask)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a container asks of its node. https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"""

    cpu: Annotated[
        str,
        Doc("CPU that is set aside (`100m` is a tenth of a core); no limit, idle CPU may be used"),
        Why("enough for a small Python service; a limit would only slow it down when the node is idle"),
    ] = "100m"
    memory: Annotated[
        str,
        Doc("memory that is set aside, and the limit"),
        Why("request = limit: a pod never depends on memory that the node may take back"),
    ] = "128Mi"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How many pods. Short form: the number."""

    min: Annotated[
        int,
        Doc("pods that always run"),
        Why("two: one may be lost, drained or replaced and the service still answers"),
    ] = 2

    @classmethod
    def shorthand(cls, number: int) -> Self:
        return cls(min=number)


@dataclasses.dataclass(frozen=True, slots=True)
class Secret:
    """A secret value by name, given to the container as an environment variable of that name.

    A name means one value in the whole application: two services that list it share it.
    """

    name: str
    _: KW_ONLY
    generate: Annotated[
        int | None,
        Doc("make the value once, of that many random characters, and keep it; none: `pulumi config set --secret`"),
    ] = None


@dataclasses.dataclass(frozen=True, slots=True)
class File:
    """A text file of configuration in the container. Short form: its source. A changed content rolls the pods."""

    path: Annotated[str, Doc("absolute path in the container")]
    _: KW_ONLY
    source: Annotated[str | None, Doc("file to read, relative to the application's file")] = None
    content: Annotated[str | None, Doc("the text itself; loading an application fills it in from `source`")] = None

    @classmethod
    def shorthand(cls, path: str, source: str) -> Self:
        return cls(path, source=source)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A store's disk, kept when its pod goes."""

    path: Annotated[str, Doc("where it is mounted")]
    size: Annotated[str, Doc("capacity, as `1Gi`")]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What services, stores and jobs have in common. Not written by itself."""

    build: Annotated[Build | None, Doc("build the image from source")] = None
    image: Annotated[str | None, Doc("or use this image")] = None
    command: Annotated[tuple[str, ...], Doc("instead of the image's ENTRYPOINT (Kubernetes' `command`)")] = ()
    args: Annotated[tuple[str, ...], Doc("instead of the image's CMD (Kubernetes' `args`)")] = ()
    env: Annotated[Mapping[str, str], Doc("environment variables; a changed value rolls the pods")] = dataclasses.field(
        default_factory=dict[str, str]
    )
    secrets: Annotated[tuple[Secret, ...], Doc("secret values, as environment variables")] = ()
    files: Annotated[tuple[File, ...], Doc("configuration files")] = ()
    calls: Annotated[
        tuple[str, ...],
        Doc("services and stores that it talks to: `calls: [api]` gives API_URL, API_HOST and API_PORT"),
    ] = ()
    resources: Annotated[Resources, Doc("CPU and memory")] = Resources()
    user: Annotated[
        int,
        Doc("numeric user and group id of the process and of its volumes"),
        Why("not root, and over 10000 so that it meets no user of the node"),
    ] = 10001
    writable: Annotated[
        tuple[str, ...],
        Doc("folders that it may write to, empty at each start; /tmp always is one"),
        Why("the rest of the file system is read-only: what breaks in cannot install itself"),
    ] = ()
    security: Annotated[
        Security,
        Doc("level of the Pod Security Standards; baseline only drops what restricted adds"),
        Why("restricted is what a well-made image can run under"),
    ] = "restricted"


@dataclasses.dataclass(frozen=True, slots=True)
class Service(Container):
    """Runs for ever; takes requests if it has a port."""

    name: str
    _: KW_ONLY
    port: Annotated[int | None, Doc("TCP port that it listens on; none: it takes no requests")] = None
    health: Annotated[Health, Doc("how to ask whether it is well")] = Health()
    scale: Annotated[Scale, Doc("how many pods")] = Scale()
    expose: Annotated[bool, Doc("reachable from outside the cluster; how is the environment's business")] = False
    after: Annotated[
        tuple[str, ...],
        Doc("services that must be healthy before its own pods start or change; stores and jobs come first anyway"),
        Why("a program that tries again needs no order, and each step makes a rollout longer"),
    ] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Store(Container):
    """A service with a volume: one pod, a stable name, its disk."""

    name: str
    _: KW_ONLY
    port: Annotated[int, Doc("TCP port that it listens on")]
    volume: Annotated[Volume, Doc("its disk")]
    health: Annotated[Health, Doc("how to ask whether it is well")] = Health()


@dataclasses.dataclass(frozen=True, slots=True)
class Job(Container):
    """Runs to the end, once a release, before any service's pods change."""

    name: str
    _: KW_ONLY
    uses: Annotated[
        str | None,
        Doc("service whose image, environment, secrets, files, links and user it takes; what it says itself wins"),
    ] = None
    run: Annotated[Literal["before-rollout"], Doc("when")] = "before-rollout"
    timeout: Annotated[
        int,
        Doc("seconds that it may take, with its second try, before it has failed"),
        Why("a migration takes seconds or a few minutes; one that hangs on a lock must not hold up a release for ever"),
    ] = 600


@dataclasses.dataclass(frozen=True, slots=True)
class Application:
    """Services, stores and jobs that are deployed together."""

    name: str
    _: KW_ONLY
    services: Annotated[tuple[Service, ...], Doc("what runs for ever")] = ()
    stores: Annotated[tuple[Store, ...], Doc("what keeps data")] = ()
    jobs: Annotated[tuple[Job, ...], Doc("what runs to the end")] = ()
