"""What an import assumes about images beyond their profiles: user ids by name, and memory by kind of program."""

import re
from collections.abc import Mapping

from seaway.model.defaults import image_profiles

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
"""Ids of users that images name, where the image is built on Debian."""

_HEAVY = (
    ("4Gi", r"gitlab-(ce|ee)|sentry$"),
    ("2Gi", r"mssql|oracle|elasticsearch|opensearch$|sonarqube|neo4j|cassandra|scylla|clickhouse|ollama|minecraft"),
    ("1Gi", r"kafka|zookeeper|logstash|kibana|solr|jenkins|keycloak|nexus|tomcat|wildfly|activemq|flink|java|jdk"),
    ("1Gi", r"spark|trino|pulsar|airflow|jira|confluence|schema-registry|opensearch-dashboards|graylog|selenium"),
)
"""Memory by a part of the image's name: JVM programs, and databases that allocate much at once."""


def get_short_name(image: str) -> str:
    """The name in the table of profiles: without registry, tag and digest."""
    return image_profiles.split_image_name(image)[0]


def find_user(image: str | None) -> int | None:
    """The user that an image is made for; None: unknown."""
    profile = image_profiles.find_profile(image)
    return profile.get_user(image_profiles.split_image_name(image)[1]) if profile and image else None


def find_memory(image: str | None) -> str | None:
    """The memory that an image needs to start; None: unknown."""
    profile = image_profiles.find_profile(image)
    if image is None or (profile and profile.memory):
        return profile.memory if profile else None
    return next((size for size, pattern in _HEAVY if re.search(pattern, get_short_name(image))), None)


def starts_slowly(image: str | None) -> bool:
    """Whether its start may take minutes."""
    return find_memory(image) in ("1Gi", "2Gi", "4Gi")


def has_defaults(image: str | None) -> bool:
    """Whether the model itself sets what the image needs under `restricted`."""
    profile = image_profiles.find_profile(image)
    return profile is not None and profile.is_default


def find_data_dir(image: str | None) -> str | None:
    """The data folder of an image. PostgreSQL's is one level up from version 18 on."""
    profile = image_profiles.find_profile(image)
    if profile is None or profile.data_dir is None or image is None:
        return None
    name, tag = image_profiles.split_image_name(image)
    version = tag.partition(".")[0].partition("-")[0]
    if name == "postgres" and version.isdecimal() and int(version) >= 18:
        return "/var/lib/postgresql"
    return profile.data_dir
