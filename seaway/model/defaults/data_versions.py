"""Database servers that do not read the data of another major version, whose upgrade is a dump and a restore.

- PostgreSQL: https://www.postgresql.org/docs/current/upgrading.html
- MySQL: https://dev.mysql.com/doc/refman/9.0/en/upgrade-paths.html (from the last long-term release only)
- MariaDB: https://mariadb.com/kb/en/upgrading/ (and https://mariadb.com/kb/en/downgrading-between-major-versions-of-mariadb/)
- MongoDB: https://www.mongodb.com/docs/manual/release-notes/8.0-upgrade-standalone/ (one major version at a time)
- Elasticsearch: https://www.elastic.co/guide/en/elasticsearch/reference/8.19/setup-upgrade.html (one at a time)
- InfluxDB: https://docs.influxdata.com/influxdb/v2/install/upgrade/v1-to-v2/
"""

import dataclasses
import re
from collections.abc import Mapping

from seaway.model.defaults import image_profiles

HINT = "dump the data before, and restore it into a new store"


@dataclasses.dataclass(frozen=True, slots=True)
class _Server:
    name: str
    steps: int | None
    """Major versions that one upgrade may advance; None: any number."""


_POSTGRES, _MYSQL, _MONGO = _Server("PostgreSQL", 0), _Server("MySQL", 0), _Server("MongoDB", 1)
_SERVERS: Mapping[str, _Server] = {
    **dict.fromkeys(("postgres", "postgresql", "postgis", "pgvector", "timescaledb", "timescaledb-ha"), _POSTGRES),
    **dict.fromkeys(("mysql", "mysql-server", "percona-server"), _MYSQL),
    **dict.fromkeys(("mongo", "mongodb", "mongodb-community-server"), _MONGO),
    "mariadb": _Server("MariaDB", None),
    "elasticsearch": _Server("Elasticsearch", 1),
    "opensearch": _Server("OpenSearch", 1),
    "influxdb": _Server("InfluxDB", 0),
}
"""By the last part of the name of an image."""


def find_risk(before: str, after: str) -> str | None:
    """Why the server of an image may not read the data that another image wrote; None: it does, or it is unknown."""
    (old, old_major), (new, new_major) = _identify(before), _identify(after)
    if old is None or new is None:
        return None
    if old is not new:
        return f"{new.name} does not read the data of {old.name}"
    if old_major is None or new_major is None or old_major == new_major:
        return None
    if old_major < new_major and (new.steps is None or new_major - old_major <= new.steps):
        return None
    return f"{new.name} {new_major} does not read the data of {old.name} {old_major}"


def _identify(image: str) -> tuple[_Server | None, int | None]:
    """The server of an image and its major version, in `16.4-alpine`, `v8.1` and `0.8.0-pg16`."""
    name, tag = image_profiles.split_image_name(image)
    match = re.search(r"(?:^|-)pg(\d+)", tag) or re.match(r"v?(\d+)", tag)
    return _SERVERS.get(name.rpartition("/")[2]), int(match[1]) if match else None
