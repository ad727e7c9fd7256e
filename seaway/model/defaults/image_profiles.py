"""What known public images need, so that nobody has to find it out: the user that they are made for, the folders that
they write to, how they are asked. All of them run under `restricted`.

It holds where the application has the defaults; what it says itself wins. Taken from the images' Dockerfiles and
entrypoints, as they were in 2025:

- postgres: https://github.com/docker-library/postgres (user 999, Alpine's 70; the socket in /var/run/postgresql)
- redis: https://github.com/docker-library/redis (user 999 in both)
- mysql: https://github.com/docker-library/mysql (user 999; socket and lock in /var/run/mysqld)
- mariadb: https://github.com/MariaDB/mariadb-docker (user 999; the same in /run/mysqld)
- nginx: https://github.com/nginx/docker-nginx (user 101; its pid in /var/run, its buffers in /var/cache/nginx)
- nginx-unprivileged: https://github.com/nginx/docker-nginx-unprivileged (user 101; everything in /tmp)
- rabbitmq: https://github.com/docker-library/rabbitmq (user 999, Alpine's 100)
- memcached: https://github.com/docker-library/memcached (user 11211)
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from seaway.model import application, image_reference


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageProfile:
    """One image."""

    ports: tuple[int, ...]
    """Those that it listens on, unless it is told otherwise."""
    user: int
    alpine_user: int | None = None
    """The user of the tags that say `alpine`; None: the same."""
    writable: tuple[str, ...] = ()
    writable_reason: str = ""
    """What it writes there."""
    readiness: tuple[str, ...] = ()
    """The question whether it may get requests, with ``{port}``, and PostgreSQL's ``{user}`` and ``{database}``."""
    readiness_reason: str = ""
    """Why that, and not only whether the port accepts a connection."""
    stop_grace_period: int | None = None
    stop_grace_period_reason: str = ""
    """Why its end takes so long."""


_FIRST_START = "while its first start sets up, a server answers on the socket only, and is not the real one yet"

IMAGE_PROFILES: Mapping[str, ImageProfile] = {
    "mariadb": ImageProfile(
        ports=(3306,),
        user=999,
        writable=("/run/mysqld",),
        writable_reason="its socket and its lock",
        readiness=("mariadb-admin", "ping", "--silent", "--host=127.0.0.1", "--port={port}"),
        readiness_reason=_FIRST_START,
        stop_grace_period=120,
        stop_grace_period_reason="InnoDB writes its changed pages before it ends",
    ),
    "memcached": ImageProfile(ports=(11211,), user=11211),
    "mysql": ImageProfile(
        ports=(3306,),
        user=999,
        writable=("/var/run/mysqld",),
        writable_reason="its socket and its lock",
        readiness=("mysqladmin", "ping", "--silent", "--host=127.0.0.1", "--port={port}"),
        readiness_reason=_FIRST_START,
        stop_grace_period=120,
        stop_grace_period_reason="InnoDB writes its changed pages before it ends",
    ),
    "nginx": ImageProfile(
        ports=(80,),
        user=101,
        writable=("/var/cache/nginx", "/var/run"),
        writable_reason="its buffers and its pid",
    ),
    "nginxinc/nginx-unprivileged": ImageProfile(ports=(8080,), user=101),
    "postgres": ImageProfile(
        ports=(5432,),
        user=999,
        alpine_user=70,
        writable=("/var/run/postgresql",),
        writable_reason="its socket",
        # With the names that there are: for any others the server would write a line into its log each time.
        readiness=(
            "pg_isready",
            "--quiet",
            "--host=127.0.0.1",
            "--port={port}",
            "--username={user}",
            "--dbname={database}",
        ),
        readiness_reason=_FIRST_START,
    ),
    "rabbitmq": ImageProfile(
        ports=(5672, 5671, 15672, 15692),
        user=999,
        alpine_user=100,
        writable=("/var/lib/rabbitmq", "/var/log/rabbitmq"),
        writable_reason="its queues, where no volume is mounted, and its log",
    ),
    "redis": ImageProfile(
        ports=(6379,), user=999, writable=("/data",), writable_reason="its snapshots, where no volume is mounted"
    ),
}
"""By the repository's name without its registry; those of Docker's own library without `library/`."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProfileDefault:
    """One value that comes from here."""

    field: str
    """In the words of app.yaml: ``user``, ``health.readiness``, ``env.PGDATA``."""
    value: Any
    reason: str


def apply_profiles(app: application.Application) -> application.Application:
    """The application with what its known images need, where it says nothing else."""
    return app.replace_containers(lambda _, one: _get_changes(one))


def list_defaults(container_spec: application.ContainerSpec) -> list[ProfileDefault]:
    """What a container, as it was written, gets from here."""
    found = _find_profile(container_spec)
    if found is None:
        return []
    name, tag, known = found
    return [
        *_get_user(container_spec, name, tag, known),
        *_get_writable(container_spec, known),
        *_get_readiness(container_spec, known),
        *_get_stop_grace_period(container_spec, known),
        *(_get_pgdata(container_spec) if name == "postgres" else []),
    ]


def get_ports(container_spec: application.ContainerSpec) -> tuple[int, ...]:
    """Those that a container's program listens on; nothing where it is not known, or may have been told otherwise."""
    found = _find_profile(container_spec)
    if (
        found is None
        or container_spec.command
        or container_spec.args
        or container_spec.files
        or any("PORT" in name for name in container_spec.env)
    ):
        return ()
    return found[2].ports


def _get_changes(container_spec: application.ContainerSpec) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for each in list_defaults(container_spec):
        match each.field:
            case "user":
                changes["user"] = each.value
            case "stopGracePeriod":
                changes["stop_grace_period"] = each.value
            case "writable":
                changes["writable"] = (*container_spec.writable, *each.value)
            case "health.readiness":
                changes["health"] = application.Health(readiness=each.value)
            case _:
                changes["env"] = {**container_spec.env, each.field.removeprefix("env."): each.value}
    return changes


def _find_profile(container_spec: application.ContainerSpec) -> tuple[str, str, ImageProfile] | None:
    """The image's name in the catalogue, its tag, and what is known."""
    if container_spec.image is None:
        return None
    name, tag = split_image_name(container_spec.image)
    known = IMAGE_PROFILES.get(name)
    return None if known is None else (name, tag, known)


MIRROR_FOLDERS = frozenset(
    ("cache", "docker", "docker-hub", "docker.io", "dockerhub", "hub", "mirror", "mirrors", "proxy")
)
"""What registries call the part of them that has the images of Docker Hub. Any other folder is somebody's own: his
`redis` may be made for another user."""


def split_image_name(image: str) -> tuple[str, str]:
    """The name that the catalogue has an image by, and its tag: without a registry, the folders of its mirror, Docker's
    `library/` and a digest."""
    reference = image_reference.remove_digest(image)
    host = image_reference.get_registry(reference)
    path, _, tag = reference.removeprefix(f"{host}/").partition(":")
    folders = path.split("/")
    while len(folders) > 1 and host != image_reference.DOCKER_HUB and folders[0] in MIRROR_FOLDERS:
        folders = folders[1:]
    return "/".join(folders).removeprefix("library/"), tag


def _get_user(
    container_spec: application.ContainerSpec, name: str, tag: str, known: ImageProfile
) -> list[ProfileDefault]:
    if container_spec.user != application.ContainerSpec().user:
        return []
    small = known.alpine_user is not None and "alpine" in tag
    user = known.alpine_user if small else known.user
    return [
        ProfileDefault(
            field="user", value=user, reason=f"the user that {name}{' on Alpine' if small else ''} is made for"
        )
    ]


def _get_writable(container_spec: application.ContainerSpec, known: ImageProfile) -> list[ProfileDefault]:
    if "/" in container_spec.writable:
        return []
    mounted = {*container_spec.writable, *(file.path for file in container_spec.files)}
    if isinstance(container_spec, application.Store):
        mounted |= {volume.path for volume in (container_spec.volume, *container_spec.volumes.values())}
    folders = tuple(folder for folder in known.writable if folder not in mounted)
    return (
        [ProfileDefault(field="writable", value=folders, reason=f"it writes {known.writable_reason} there")]
        if folders
        else []
    )


def _get_readiness(container_spec: application.ContainerSpec, known: ImageProfile) -> list[ProfileDefault]:
    if (
        not isinstance(container_spec, application.Service | application.Store)
        or not known.readiness
        or container_spec.port is None
    ):
        return []
    if container_spec.health != application.Health():
        return []
    user = container_spec.env.get("POSTGRES_USER", "postgres")
    told = {"port": container_spec.port, "user": user, "database": container_spec.env.get("POSTGRES_DB", user)}
    ready = tuple(word.format(**told) for word in known.readiness)
    return [ProfileDefault(field="health.readiness", value=ready, reason=known.readiness_reason)]


def _get_stop_grace_period(container_spec: application.ContainerSpec, known: ImageProfile) -> list[ProfileDefault]:
    if not isinstance(container_spec, application.Store) or known.stop_grace_period is None:
        return []
    default = next(field.default for field in dataclasses.fields(container_spec) if field.name == "stop_grace_period")
    return (
        [ProfileDefault(field="stopGracePeriod", value=known.stop_grace_period, reason=known.stop_grace_period_reason)]
        if container_spec.stop_grace_period == default
        else []
    )


def _get_pgdata(container_spec: application.ContainerSpec) -> list[ProfileDefault]:
    """A folder below the mount, the same in every version: another one would look like an empty database.

    Where a disk is mounted above what an image calls its VOLUME, the runtime puts a folder there that is lost with the
    container: before version 18 that is /var/lib/postgresql/data.
    https://github.com/docker-library/docs/blob/master/postgres/README.md#pgdata
    """
    if not isinstance(container_spec, application.Store) or "PGDATA" in container_spec.env:
        return []
    why = "the top of a disk is the cluster's, and has a lost+found; initdb wants an empty folder of its own"
    return [ProfileDefault(field="env.PGDATA", value=f"{container_spec.volume.path}/pgdata", reason=why)]
