"""What public images need: the user that they are made for, the folders that they write to, their health check.

``is_default`` profiles fill in what an application leaves out, so an app.yaml need not repeat it; all of them run under
``restricted``. The import from Compose writes the other profiles into app.yaml. Values of the application win.
Taken from the Dockerfiles and entrypoints of the images, as they were in 2025. Those of the defaults:

- postgres: https://github.com/docker-library/postgres (user 999, on Alpine 70; the socket in /var/run/postgresql)
- redis: https://github.com/docker-library/redis (user 999 in both)
- mysql: https://github.com/docker-library/mysql (user 999; socket and lock in /var/run/mysqld)
- mariadb: https://github.com/MariaDB/mariadb-docker (user 999; the same in /run/mysqld)
- nginx: https://github.com/nginx/docker-nginx (user 101; its pid in /var/run, its buffers in /var/cache/nginx)
- nginx-unprivileged: https://github.com/nginx/docker-nginx-unprivileged (user 101; everything in /tmp)
- rabbitmq: https://github.com/docker-library/rabbitmq (user 999, on Alpine 100)
- memcached: https://github.com/docker-library/memcached (user 11211)
"""

import dataclasses
from collections.abc import Mapping

from seaway.model import application, image_reference


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageProfile:
    """The needs of one image."""

    ports: tuple[int, ...] = ()
    """The ports to declare, the main port first."""
    other_ports: tuple[int, ...] = ()
    """Further ports that the server opens by default."""
    http: bool = False
    """Whether the main port speaks HTTP."""
    user: int | None = None
    """None: any user will do."""
    alpine_user: int | None = None
    """The user of tags with ``alpine``; None: the same."""
    is_default: bool = False
    """Whether the profile fills in defaults, and is not only used by the import from Compose."""
    runs_as_root: bool = False
    """Whether it starts as root and writes anywhere: it needs ``baseline`` and root."""
    writable: tuple[str, ...] = ()
    writable_reason: str = ""
    data_dir: str | None = None
    """The folder of its data, which the image declares as a volume."""
    server_commands: tuple[str, ...] = ()
    """First words of commands that still start the same server."""
    readiness: tuple[str, ...] = ()
    """The readiness command, with ``{port}``, and PostgreSQL's ``{user}`` and ``{database}``."""
    flushes_pages: bool = False
    """Whether a clean stop takes long because the server writes its changed pages first."""
    memory: str | None = None
    """The memory that it needs to start."""

    def get_user(self, tag: str) -> int | None:
        """The user of a tag."""
        return self.alpine_user if self.alpine_user is not None and "alpine" in tag else self.user


_JAVA = "1Gi"
_DATABASE = "512Mi"
_MYSQL_PING = ("ping", "--silent", "--host=127.0.0.1", "--port={port}")
# With the real names: for unknown ones the server writes a line into its log each time.
_PG_ISREADY = ("pg_isready", "--quiet", "--host=127.0.0.1", "--port={port}", "--username={user}", "--dbname={database}")

PROFILES: Mapping[str, ImageProfile] = {
    "adminer": ImageProfile(ports=(8080,), http=True, user=1000),
    "axllent/mailpit": ImageProfile(ports=(8025, 1025), http=True),
    "caddy": ImageProfile(
        ports=(80, 443), http=True, user=1000, writable=("/data", "/config"), server_commands=("caddy",)
    ),
    "couchdb": ImageProfile(ports=(5984,), http=True, user=5984, data_dir="/opt/couchdb/data", memory=_DATABASE),
    "eclipse-mosquitto": ImageProfile(ports=(1883,), user=1883, server_commands=("mosquitto", "/usr/sbin/mosquitto")),
    "elasticsearch": ImageProfile(
        ports=(9200, 9300), http=True, user=1000, data_dir="/usr/share/elasticsearch/data", memory="2Gi"
    ),
    "gitea/gitea": ImageProfile(ports=(3000, 22), http=True, runs_as_root=True, data_dir="/data"),
    "grafana/grafana": ImageProfile(ports=(3000,), http=True, user=472, writable=("/var/lib/grafana",), memory="256Mi"),
    "haproxy": ImageProfile(user=99, server_commands=("haproxy",)),
    "hashicorp/http-echo": ImageProfile(ports=(5678,), http=True),
    "httpd": ImageProfile(
        ports=(80,), http=True, user=33, writable=("/usr/local/apache2/logs",), server_commands=("httpd-foreground",)
    ),
    "influxdb": ImageProfile(ports=(8086,), http=True, user=1000, data_dir="/var/lib/influxdb2", memory=_DATABASE),
    "jenkins/jenkins": ImageProfile(
        ports=(8080, 50000), http=True, user=1000, data_dir="/var/jenkins_home", memory=_JAVA
    ),
    "mailhog/mailhog": ImageProfile(ports=(8025, 1025), http=True, user=1000),
    "mariadb": ImageProfile(
        ports=(3306,),
        user=999,
        is_default=True,
        writable=("/run/mysqld",),
        writable_reason="its socket and its lock",
        data_dir="/var/lib/mysql",
        server_commands=("mariadbd", "mysqld"),
        readiness=("mariadb-admin", *_MYSQL_PING),
        flushes_pages=True,
        memory=_DATABASE,
    ),
    "memcached": ImageProfile(ports=(11211,), user=11211, is_default=True, server_commands=("memcached",)),
    "minio/minio": ImageProfile(
        ports=(9000, 9001), http=True, user=1000, data_dir="/data", server_commands=("server", "minio")
    ),
    "mongo": ImageProfile(
        ports=(27017,),
        user=999,
        writable=("/data/configdb",),
        data_dir="/data/db",
        server_commands=("mongod",),
        memory=_DATABASE,
    ),
    "mysql": ImageProfile(
        ports=(3306,),
        user=999,
        is_default=True,
        writable=("/var/run/mysqld",),
        writable_reason="its socket and its lock",
        data_dir="/var/lib/mysql",
        server_commands=("mysqld",),
        readiness=("mysqladmin", *_MYSQL_PING),
        flushes_pages=True,
        memory="768Mi",
    ),
    "nats": ImageProfile(ports=(4222, 8222), user=1000, server_commands=("nats-server",)),
    "nextcloud": ImageProfile(ports=(80,), http=True, runs_as_root=True, data_dir="/var/www/html", memory=_DATABASE),
    "nginx": ImageProfile(
        ports=(80,),
        http=True,
        user=101,
        is_default=True,
        writable=("/var/cache/nginx", "/var/run"),
        writable_reason="its buffers and its pid",
        server_commands=("nginx",),
    ),
    "nginxinc/nginx-unprivileged": ImageProfile(
        ports=(8080,), http=True, user=101, is_default=True, server_commands=("nginx",)
    ),
    "phpmyadmin": ImageProfile(ports=(80,), http=True, runs_as_root=True, memory="256Mi"),
    "postgres": ImageProfile(
        ports=(5432,),
        user=999,
        alpine_user=70,
        is_default=True,
        writable=("/var/run/postgresql",),
        writable_reason="its socket",
        data_dir="/var/lib/postgresql/data",
        server_commands=("postgres",),
        readiness=_PG_ISREADY,
        memory="256Mi",
    ),
    "prom/alertmanager": ImageProfile(ports=(9093,), http=True, user=65534, writable=("/alertmanager",)),
    "prom/prometheus": ImageProfile(ports=(9090,), http=True, user=65534, writable=("/prometheus",), memory="256Mi"),
    "prom/pushgateway": ImageProfile(ports=(9091,), http=True, user=65534),
    "rabbitmq": ImageProfile(
        ports=(5672, 15672),
        other_ports=(5671, 15692),
        user=999,
        alpine_user=100,
        is_default=True,
        writable=("/var/lib/rabbitmq", "/var/log/rabbitmq"),
        writable_reason="its queues, where no volume is mounted, and its log",
        server_commands=("rabbitmq-server",),
        memory=_DATABASE,
    ),
    "redis": ImageProfile(
        ports=(6379,),
        user=999,
        is_default=True,
        writable=("/data",),
        writable_reason="its snapshots, where no volume is mounted",
        server_commands=("redis-server",),
    ),
    "registry": ImageProfile(ports=(5000,), http=True, user=1000, writable=("/var/lib/registry",)),
    "sonarqube": ImageProfile(ports=(9000,), http=True, user=1000, data_dir="/opt/sonarqube/data", memory="2Gi"),
    "traefik": ImageProfile(ports=(80,), http=True, user=65532, server_commands=("traefik",)),
    "traefik/whoami": ImageProfile(ports=(80,), http=True),
    "valkey/valkey": ImageProfile(ports=(6379,), user=999, writable=("/data",), server_commands=("valkey-server",)),
    "wordpress": ImageProfile(ports=(80,), http=True, runs_as_root=True, data_dir="/var/www/html", memory="256Mi"),
    "zookeeper": ImageProfile(
        ports=(2181,), user=1000, writable=("/datalog", "/logs"), data_dir="/data", memory=_DATABASE
    ),
}
"""By repository, without the registry; images of Docker's library without ``library/``."""

MIRROR_FOLDERS = frozenset(
    ("cache", "docker", "docker-hub", "docker.io", "dockerhub", "hub", "mirror", "mirrors", "proxy")
)
"""Folders in which registries mirror Docker Hub. In any other folder `redis` may be made for another user."""


def split_image_name(image: str) -> tuple[str, str]:
    """The name of an image in ``PROFILES``, and its tag.

    The name is without the registry, the folders of a mirror, Docker's ``library/`` and a digest.
    """
    reference = image_reference.remove_digest(image)
    host = image_reference.get_registry(reference)
    path, _, tag = reference.removeprefix(f"{host}/").partition(":")
    folders = path.split("/")
    while len(folders) > 1 and host != image_reference.DOCKER_HUB and folders[0] in MIRROR_FOLDERS:
        folders = folders[1:]
    return "/".join(folders).removeprefix("library/"), tag


def find_profile(image: str | None) -> ImageProfile | None:
    """The profile of an image, whether it fills in defaults or not."""
    return PROFILES.get(split_image_name(image)[0]) if image else None


def get_ports(container_spec: application.ContainerSpec) -> tuple[int, ...]:
    """The ports that the server of a container opens.

    Empty for unknown images, and where a command, a file or a variable may have changed the ports.
    """
    profile = find_profile(container_spec.image)
    may_differ = container_spec.command or container_spec.args or container_spec.files
    if profile is None or not profile.is_default or may_differ or any("PORT" in name for name in container_spec.env):
        return ()
    return (*profile.ports, *profile.other_ports)
