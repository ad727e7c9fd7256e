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

from seaway.model import application, containers, image_reference


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One image."""

    ports: tuple[int, ...]
    """Those that it listens on, unless it is told otherwise."""
    user: int
    alpine: int | None = None
    """The user of the tags that say `alpine`; None: the same."""
    writable: tuple[str, ...] = ()
    written: str = ""
    """What it writes there."""
    ready: tuple[str, ...] = ()
    """The question whether it may get requests, with ``{port}``, and PostgreSQL's ``{user}`` and ``{database}``."""
    asked: str = ""
    """Why that, and not only whether the port accepts a connection."""
    grace: int | None = None
    ends: str = ""
    """Why its end takes so long."""


_FIRST_START = "while its first start sets up, a server answers on the socket only, and is not the real one yet"

KNOWN: Mapping[str, Known] = {
    "mariadb": Known(
        ports=(3306,),
        user=999,
        writable=("/run/mysqld",),
        written="its socket and its lock",
        ready=("mariadb-admin", "ping", "--silent", "--host=127.0.0.1", "--port={port}"),
        asked=_FIRST_START,
        grace=120,
        ends="InnoDB writes its changed pages before it ends",
    ),
    "memcached": Known(ports=(11211,), user=11211),
    "mysql": Known(
        ports=(3306,),
        user=999,
        writable=("/var/run/mysqld",),
        written="its socket and its lock",
        ready=("mysqladmin", "ping", "--silent", "--host=127.0.0.1", "--port={port}"),
        asked=_FIRST_START,
        grace=120,
        ends="InnoDB writes its changed pages before it ends",
    ),
    "nginx": Known(
        ports=(80,),
        user=101,
        writable=("/var/cache/nginx", "/var/run"),
        written="its buffers and its pid",
    ),
    "nginxinc/nginx-unprivileged": Known(ports=(8080,), user=101),
    "postgres": Known(
        ports=(5432,),
        user=999,
        alpine=70,
        writable=("/var/run/postgresql",),
        written="its socket",
        # With the names that there are: for any others the server would write a line into its log each time.
        ready=(
            "pg_isready",
            "--quiet",
            "--host=127.0.0.1",
            "--port={port}",
            "--username={user}",
            "--dbname={database}",
        ),
        asked=_FIRST_START,
    ),
    "rabbitmq": Known(
        ports=(5672, 5671, 15672, 15692),
        user=999,
        alpine=100,
        writable=("/var/lib/rabbitmq", "/var/log/rabbitmq"),
        written="its queues, where no volume is mounted, and its log",
    ),
    "redis": Known(ports=(6379,), user=999, writable=("/data",), written="its snapshots, where no volume is mounted"),
}
"""By the repository's name without its registry; those of Docker's own library without `library/`."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One value that comes from here."""

    field: str
    """In the words of app.yaml: ``user``, ``health.ready``, ``env.PGDATA``."""
    value: Any
    why: str


def applied(app: application.Application) -> application.Application:
    """The application with what its known images need, where it says nothing else."""
    return containers.changed(app, lambda _, one: _changes(one))


def said(one: application.Process) -> list[Said]:
    """What a container, as it was written, gets from here."""
    found = _found(one)
    if found is None:
        return []
    name, tag, known = found
    return [
        *_user(one, name, tag, known),
        *_writable(one, known),
        *_asked(one, known),
        *_grace(one, known),
        *(_data(one) if name == "postgres" else []),
    ]


def ports(one: application.Process) -> tuple[int, ...]:
    """Those that a container's program listens on; nothing where it is not known, or may have been told otherwise."""
    found = _found(one)
    if found is None or one.command or one.args or one.files or any("PORT" in name for name in one.env):
        return ()
    return found[2].ports


def _changes(one: application.Process) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for each in said(one):
        match each.field:
            case "user" | "grace":
                changes[each.field] = each.value
            case "writable":
                changes["writable"] = (*one.writable, *each.value)
            case "health.ready":
                changes["health"] = application.Health(ready=each.value)
            case _:
                changes["env"] = {**one.env, each.field.removeprefix("env."): each.value}
    return changes


def _found(one: application.Process) -> tuple[str, str, Known] | None:
    """The image's name in the catalogue, its tag, and what is known."""
    if one.image is None:
        return None
    name, tag = named(one.image)
    known = KNOWN.get(name)
    return None if known is None else (name, tag, known)


MIRRORS = frozenset(("cache", "docker", "docker-hub", "docker.io", "dockerhub", "hub", "mirror", "mirrors", "proxy"))
"""What registries call the part of them that has the images of Docker Hub. Any other folder is somebody's own: his
`redis` may be made for another user."""


def named(image: str) -> tuple[str, str]:
    """The name that the catalogue has an image by, and its tag: without a registry, the folders of its mirror, Docker's
    `library/` and a digest."""
    reference = image_reference.tagged(image)
    host = image_reference.host(reference)
    path, _, tag = reference.removeprefix(f"{host}/").partition(":")
    folders = path.split("/")
    while len(folders) > 1 and host != image_reference.DOCKER_HUB and folders[0] in MIRRORS:
        folders = folders[1:]
    return "/".join(folders).removeprefix("library/"), tag


def _user(one: application.Process, name: str, tag: str, known: Known) -> list[Said]:
    if one.user != application.Process().user:
        return []
    small = known.alpine is not None and "alpine" in tag
    user = known.alpine if small else known.user
    return [Said(field="user", value=user, why=f"the user that {name}{' on Alpine' if small else ''} is made for")]


def _writable(one: application.Process, known: Known) -> list[Said]:
    if "/" in one.writable:
        return []
    mounted = {*one.writable, *(file.path for file in one.files)}
    if isinstance(one, application.Store):
        mounted |= {volume.path for volume in (one.volume, *one.volumes.values())}
    folders = tuple(folder for folder in known.writable if folder not in mounted)
    return [Said(field="writable", value=folders, why=f"it writes {known.written} there")] if folders else []


def _asked(one: application.Process, known: Known) -> list[Said]:
    if not isinstance(one, application.Service | application.Store) or not known.ready or one.port is None:
        return []
    if one.health != application.Health():
        return []
    user = one.env.get("POSTGRES_USER", "postgres")
    told = {"port": one.port, "user": user, "database": one.env.get("POSTGRES_DB", user)}
    ready = tuple(word.format(**told) for word in known.ready)
    return [Said(field="health.ready", value=ready, why=known.asked)]


def _grace(one: application.Process, known: Known) -> list[Said]:
    if not isinstance(one, application.Store) or known.grace is None:
        return []
    default = next(field.default for field in dataclasses.fields(one) if field.name == "grace")
    return [Said(field="grace", value=known.grace, why=known.ends)] if one.grace == default else []


def _data(one: application.Process) -> list[Said]:
    """A folder below the mount, the same in every version: another one would look like an empty database.

    Where a disk is mounted above what an image calls its VOLUME, the runtime puts a folder there that is lost with the
    container: before version 18 that is /var/lib/postgresql/data.
    https://github.com/docker-library/docs/blob/master/postgres/README.md#pgdata
    """
    if not isinstance(one, application.Store) or "PGDATA" in one.env:
        return []
    why = "the top of a disk is the cluster's, and has a lost+found; initdb wants an empty folder of its own"
    return [Said(field="env.PGDATA", value=f"{one.volume.path}/pgdata", why=why)]
