"""Which major versions of database servers read each other's data."""

import pytest

from seaway.model.defaults import data_versions

CASES = """\
postgres:16 postgres:17 risk
postgres:17 postgres:16 risk
postgres:16.3-alpine docker.io/library/postgres:16.4@sha256:1 -
postgres:16 pgvector/pgvector:0.8.0-pg17 risk
postgres:16 pgvector/pgvector:pg16 -
registry.example.com/team/base/postgres:16 bitnami/postgresql:17.1 risk
postgis/postgis:15-3.4 postgis/postgis:16-3.4 risk
timescale/timescaledb:latest-pg15 timescale/timescaledb:latest-pg16 risk
mysql:8 mysql:9 risk
mysql:8.0 mysql:8.4 -
mysql:8 postgres:16 risk
mongo:6 mongo:7 -
mongo:6 mongo:8 risk
mongo:7 mongo:6 risk
mariadb:10.11 mariadb:11 -
mariadb:11 mariadb:10 risk
elasticsearch:7.17.1 elasticsearch:8.1 -
elasticsearch:7.17.1 elasticsearch:9.0 risk
postgres:latest postgres:17 -
postgres postgres@sha256:1 -
redis:6 redis:7 -
cellar:1 cellar:2 -
cellar:1 postgres:17 -
"""


@pytest.mark.parametrize("line", CASES.splitlines())
def test_a_server_reads_the_data_of_another(line: str) -> None:
    before, after, risk = line.split()
    assert (data_versions.find_risk(before, after) is not None) == (risk == "risk")
