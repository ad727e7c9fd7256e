"""What an import knows of public images: where they listen, where they keep data, who they run as, how much they need.

The catalogue of the model has what it applies by itself; here is what compose files leave to the image. Taken from the
images' Dockerfiles and entrypoints, as they were in 2025.
"""

import dataclasses
import re
from collections.abc import Mapping

from seaway.model.defaults import image_profiles


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageProfile:
    """One image."""

    ports: tuple[int, ...] = ()
    """The first is the main one."""
    http: bool = False
    """Whether the main port speaks HTTP."""
    data_dir: str | None = None
    """The folder of its data, which the image declares as a volume."""
    server_commands: tuple[str, ...] = ()
    """The first words of commands that are still the same server."""
    user: int | None = None
    """None: the catalogue's, or any will do."""
    writable: tuple[str, ...] = ()
    runs_as_root: bool = False
    """It starts as root and writes anywhere: nothing stricter than `baseline` with root works."""
    memory: str | None = None
    """What it needs to start."""


_JAVA = "1Gi"
_DATABASE = "512Mi"

PROFILES: Mapping[str, ImageProfile] = {
    "adminer": ImageProfile(ports=(8080,), http=True, user=1000),
    "axllent/mailpit": ImageProfile(ports=(8025, 1025), http=True),
    "caddy": ImageProfile(
        ports=(80, 443), http=True, user=1000, writable=("/data", "/config"), server_commands=("caddy",)
    ),
    "couchdb": ImageProfile(ports=(5984,), http=True, data_dir="/opt/couchdb/data", user=5984, memory=_DATABASE),
    "eclipse-mosquitto": ImageProfile(ports=(1883,), user=1883, server_commands=("mosquitto", "/usr/sbin/mosquitto")),
    "elasticsearch": ImageProfile(
        ports=(9200, 9300), http=True, data_dir="/usr/share/elasticsearch/data", user=1000, memory="2Gi"
    ),
    "gitea/gitea": ImageProfile(ports=(3000, 22), http=True, data_dir="/data", runs_as_root=True),
    "grafana/grafana": ImageProfile(ports=(3000,), http=True, user=472, writable=("/var/lib/grafana",), memory="256Mi"),
    "haproxy": ImageProfile(user=99, server_commands=("haproxy",)),
    "hashicorp/http-echo": ImageProfile(ports=(5678,), http=True),
    "httpd": ImageProfile(
        ports=(80,), http=True, user=33, writable=("/usr/local/apache2/logs",), server_commands=("httpd-foreground",)
    ),
    "influxdb": ImageProfile(ports=(8086,), http=True, data_dir="/var/lib/influxdb2", user=1000, memory=_DATABASE),
    "jenkins/jenkins": ImageProfile(
        ports=(8080, 50000), http=True, data_dir="/var/jenkins_home", user=1000, memory=_JAVA
    ),
    "mailhog/mailhog": ImageProfile(ports=(8025, 1025), http=True, user=1000),
    "mariadb": ImageProfile(
        ports=(3306,), data_dir="/var/lib/mysql", server_commands=("mariadbd", "mysqld"), memory=_DATABASE
    ),
    "memcached": ImageProfile(ports=(11211,), server_commands=("memcached",)),
    "minio/minio": ImageProfile(
        ports=(9000, 9001), http=True, data_dir="/data", user=1000, server_commands=("server", "minio")
    ),
    "mongo": ImageProfile(
        ports=(27017,),
        data_dir="/data/db",
        user=999,
        writable=("/data/configdb",),
        server_commands=("mongod",),
        memory=_DATABASE,
    ),
    "mysql": ImageProfile(ports=(3306,), data_dir="/var/lib/mysql", server_commands=("mysqld",), memory="768Mi"),
    "nats": ImageProfile(ports=(4222, 8222), user=1000, server_commands=("nats-server",)),
    "nextcloud": ImageProfile(ports=(80,), http=True, data_dir="/var/www/html", runs_as_root=True, memory=_DATABASE),
    "nginx": ImageProfile(ports=(80,), http=True, server_commands=("nginx",)),
    "nginxinc/nginx-unprivileged": ImageProfile(ports=(8080,), http=True, server_commands=("nginx",)),
    "phpmyadmin": ImageProfile(ports=(80,), http=True, runs_as_root=True, memory="256Mi"),
    "postgres": ImageProfile(
        ports=(5432,), data_dir="/var/lib/postgresql/data", server_commands=("postgres",), memory="256Mi"
    ),
    "prom/alertmanager": ImageProfile(ports=(9093,), http=True, user=65534, writable=("/alertmanager",)),
    "prom/pushgateway": ImageProfile(ports=(9091,), http=True, user=65534),
    "prom/prometheus": ImageProfile(ports=(9090,), http=True, user=65534, writable=("/prometheus",), memory="256Mi"),
    "rabbitmq": ImageProfile(ports=(5672, 15672), server_commands=("rabbitmq-server",), memory=_DATABASE),
    "redis": ImageProfile(ports=(6379,), server_commands=("redis-server",)),
    "registry": ImageProfile(ports=(5000,), http=True, user=1000, writable=("/var/lib/registry",)),
    "sonarqube": ImageProfile(ports=(9000,), http=True, data_dir="/opt/sonarqube/data", user=1000, memory="2Gi"),
    "traefik": ImageProfile(ports=(80,), http=True, user=65532, server_commands=("traefik",)),
    "traefik/whoami": ImageProfile(ports=(80,), http=True),
    "valkey/valkey": ImageProfile(ports=(6379,), user=999, writable=("/data",), server_commands=("valkey-server",)),
    "wordpress": ImageProfile(ports=(80,), http=True, data_dir="/var/www/html", runs_as_root=True, memory="256Mi"),
    "zookeeper": ImageProfile(
        ports=(2181,), data_dir="/data", user=1000, writable=("/datalog", "/logs"), memory=_DATABASE
    ),
}
"""By the repository's name, as in the catalogue."""

USER_IDS: Mapping[str, int] = {
    "daemon": 1,
    "nobody": 65534,
    "node": 1000,
    "postgres": 999,
    "mysql": 999,
    "redis": 999,
    "mongodb": 999,
    "nginx": 101,
    "www-data": 33,
    "grafana": 472,
    "elasticsearch": 1000,
    "jenkins": 1000,
}
"""Users that images call by name, with their ids where the image is built on Debian."""


def short_name(image: str) -> str:
    """What the catalogue calls it."""
    return image_profiles.split_image_name(image)[0]


def find_profile(image: str | None) -> ImageProfile | None:
    """What is known of an image; None: nothing."""
    return PROFILES.get(short_name(image)) if image else None


def find_user(image: str | None) -> int | None:
    """The one that an image is made for; None: nothing is known."""
    if image is None:
        return None
    told = image_profiles.IMAGE_PROFILES.get(short_name(image))
    if told is not None:
        return (
            told.alpine_user
            if told.alpine_user is not None and "alpine" in image_profiles.split_image_name(image)[1]
            else told.user
        )
    found = find_profile(image)
    return found.user if found else None


def find_writable_paths(image: str | None, *, without_defaults: bool) -> tuple[str, ...]:
    """The folders that an image writes to, beside its data. ``model``: without those that the model itself knows of."""
    told = image_profiles.IMAGE_PROFILES.get(short_name(image)) if image and not without_defaults else None
    found = find_profile(image)
    return (*(told.writable if told else ()), *(found.writable if found else ()))


_MEMORY_BY_NAME = (
    ("4Gi", re.compile(r"gitlab-(ce|ee)|sentry$")),
    (
        "2Gi",
        re.compile(
            r"mssql|oracle|elasticsearch|opensearch$|sonarqube|neo4j|cassandra|scylla|clickhouse|ollama|minecraft"
        ),
    ),
    (
        _JAVA,
        re.compile(
            r"kafka|zookeeper|logstash|kibana|solr|jenkins|keycloak|nexus|tomcat|wildfly|activemq|flink|java|jdk"
        ),
    ),
    (
        _JAVA,
        re.compile(
            r"spark|trino|pulsar|airflow|jira|confluence|schema-registry|opensearch-dashboards|graylog|selenium"
        ),
    ),
)
"""What does not start with little, by a part of the name: programs of Java, and databases that take much at once."""


def find_memory(image: str | None) -> str | None:
    """What an image needs to start, as far as its name tells."""
    found = find_profile(image)
    if image is None or (found and found.memory):
        return found.memory if found else None
    return next((size for size, pattern in _MEMORY_BY_NAME if pattern.search(short_name(image))), None)


def starts_slowly(image: str | None) -> bool:
    """Whether its start may take minutes."""
    return find_memory(image) in (_JAVA, "2Gi", "4Gi")


def is_in_catalogue(image: str | None) -> bool:
    """Whether the model gives it by itself what it needs under `restricted`."""
    return image is not None and short_name(image) in image_profiles.IMAGE_PROFILES


def find_data_dir(image: str | None) -> str | None:
    """Where an image keeps its data. PostgreSQL's is one folder up from version 18 on."""
    found = find_profile(image)
    if found is None or found.data_dir is None or image is None:
        return None
    tag = image_profiles.split_image_name(image)[1]
    version = tag.partition(".")[0].partition("-")[0]
    if short_name(image) == "postgres" and version.isdecimal() and int(version) >= 18:
        return "/var/lib/postgresql"
    return found.data_dir
