"""What an import knows of public images: where they listen, where they keep data, who they run as, how much they need.

The catalogue of the model has what it applies by itself; here is what compose files leave to the image. Taken from the
images' Dockerfiles and entrypoints, as they were in 2025.
"""

import dataclasses
import re
from collections.abc import Mapping

from seaway.model.defaults import image_profiles


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One image."""

    ports: tuple[int, ...] = ()
    """The first is the main one."""
    web: bool = False
    """Whether the main port speaks HTTP."""
    data: str | None = None
    """The folder of its data, which the image declares as a volume."""
    programs: tuple[str, ...] = ()
    """The first words of commands that are still the same server."""
    user: int | None = None
    """None: the catalogue's, or any will do."""
    writable: tuple[str, ...] = ()
    root: bool = False
    """It starts as root and writes anywhere: nothing stricter than `baseline` with root works."""
    memory: str | None = None
    """What it needs to start."""


_JAVA = "1Gi"
_DATABASE = "512Mi"

FACTS: Mapping[str, Fact] = {
    "adminer": Fact(ports=(8080,), web=True, user=1000),
    "axllent/mailpit": Fact(ports=(8025, 1025), web=True),
    "caddy": Fact(ports=(80, 443), web=True, user=1000, writable=("/data", "/config"), programs=("caddy",)),
    "couchdb": Fact(ports=(5984,), web=True, data="/opt/couchdb/data", user=5984, memory=_DATABASE),
    "eclipse-mosquitto": Fact(ports=(1883,), user=1883, programs=("mosquitto", "/usr/sbin/mosquitto")),
    "elasticsearch": Fact(ports=(9200, 9300), web=True, data="/usr/share/elasticsearch/data", user=1000, memory="2Gi"),
    "gitea/gitea": Fact(ports=(3000, 22), web=True, data="/data", root=True),
    "grafana/grafana": Fact(ports=(3000,), web=True, user=472, writable=("/var/lib/grafana",), memory="256Mi"),
    "haproxy": Fact(user=99, programs=("haproxy",)),
    "hashicorp/http-echo": Fact(ports=(5678,), web=True),
    "httpd": Fact(
        ports=(80,), web=True, user=33, writable=("/usr/local/apache2/logs",), programs=("httpd-foreground",)
    ),
    "influxdb": Fact(ports=(8086,), web=True, data="/var/lib/influxdb2", user=1000, memory=_DATABASE),
    "jenkins/jenkins": Fact(ports=(8080, 50000), web=True, data="/var/jenkins_home", user=1000, memory=_JAVA),
    "mailhog/mailhog": Fact(ports=(8025, 1025), web=True, user=1000),
    "mariadb": Fact(ports=(3306,), data="/var/lib/mysql", programs=("mariadbd", "mysqld"), memory=_DATABASE),
    "memcached": Fact(ports=(11211,), programs=("memcached",)),
    "minio/minio": Fact(ports=(9000, 9001), web=True, data="/data", user=1000, programs=("server", "minio")),
    "mongo": Fact(
        ports=(27017,),
        data="/data/db",
        user=999,
        writable=("/data/configdb",),
        programs=("mongod",),
        memory=_DATABASE,
    ),
    "mysql": Fact(ports=(3306,), data="/var/lib/mysql", programs=("mysqld",), memory="768Mi"),
    "nats": Fact(ports=(4222, 8222), user=1000, programs=("nats-server",)),
    "nextcloud": Fact(ports=(80,), web=True, data="/var/www/html", root=True, memory=_DATABASE),
    "nginx": Fact(ports=(80,), web=True, programs=("nginx",)),
    "nginxinc/nginx-unprivileged": Fact(ports=(8080,), web=True, programs=("nginx",)),
    "phpmyadmin": Fact(ports=(80,), web=True, root=True, memory="256Mi"),
    "postgres": Fact(ports=(5432,), data="/var/lib/postgresql/data", programs=("postgres",), memory="256Mi"),
    "prom/alertmanager": Fact(ports=(9093,), web=True, user=65534, writable=("/alertmanager",)),
    "prom/pushgateway": Fact(ports=(9091,), web=True, user=65534),
    "prom/prometheus": Fact(ports=(9090,), web=True, user=65534, writable=("/prometheus",), memory="256Mi"),
    "rabbitmq": Fact(ports=(5672, 15672), programs=("rabbitmq-server",), memory=_DATABASE),
    "redis": Fact(ports=(6379,), programs=("redis-server",)),
    "registry": Fact(ports=(5000,), web=True, user=1000, writable=("/var/lib/registry",)),
    "sonarqube": Fact(ports=(9000,), web=True, data="/opt/sonarqube/data", user=1000, memory="2Gi"),
    "traefik": Fact(ports=(80,), web=True, user=65532, programs=("traefik",)),
    "traefik/whoami": Fact(ports=(80,), web=True),
    "valkey/valkey": Fact(ports=(6379,), user=999, writable=("/data",), programs=("valkey-server",)),
    "wordpress": Fact(ports=(80,), web=True, data="/var/www/html", root=True, memory="256Mi"),
    "zookeeper": Fact(ports=(2181,), data="/data", user=1000, writable=("/datalog", "/logs"), memory=_DATABASE),
}
"""By the repository's name, as in the catalogue."""

USERS: Mapping[str, int] = {
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


def name(image: str) -> str:
    """What the catalogue calls it."""
    return image_profiles.named(image)[0]


def fact(image: str | None) -> Fact | None:
    """What is known of an image; None: nothing."""
    return FACTS.get(name(image)) if image else None


def user(image: str | None) -> int | None:
    """The one that an image is made for; None: nothing is known."""
    if image is None:
        return None
    told = image_profiles.KNOWN.get(name(image))
    if told is not None:
        return told.alpine if told.alpine is not None and "alpine" in image_profiles.named(image)[1] else told.user
    found = fact(image)
    return found.user if found else None


def writable(image: str | None, *, model: bool) -> tuple[str, ...]:
    """The folders that an image writes to, beside its data. ``model``: without those that the model itself knows of."""
    told = image_profiles.KNOWN.get(name(image)) if image and not model else None
    found = fact(image)
    return (*(told.writable if told else ()), *(found.writable if found else ()))


_HEAVY = (
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


def memory(image: str | None) -> str | None:
    """What an image needs to start, as far as its name tells."""
    found = fact(image)
    if image is None or (found and found.memory):
        return found.memory if found else None
    return next((size for size, pattern in _HEAVY if pattern.search(name(image))), None)


def slow(image: str | None) -> bool:
    """Whether its start may take minutes."""
    return memory(image) in (_JAVA, "2Gi", "4Gi")


def in_catalogue(image: str | None) -> bool:
    """Whether the model gives it by itself what it needs under `restricted`."""
    return image is not None and name(image) in image_profiles.KNOWN


def data(image: str | None) -> str | None:
    """Where an image keeps its data. PostgreSQL's is one folder up from version 18 on."""
    found = fact(image)
    if found is None or found.data is None or image is None:
        return None
    tag = image_profiles.named(image)[1]
    version = tag.partition(".")[0].partition("-")[0]
    if name(image) == "postgres" and version.isdecimal() and int(version) >= 18:
        return "/var/lib/postgresql"
    return found.data
