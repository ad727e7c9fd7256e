"""What Kubernetes needs and compose does not state: a wrong guess must not stop a program that Docker would run."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.compose import test_import

PORT, NGINX, bind = test_import.PORT, test_import.NGINX, test_import.bind
APP = {"image": "example.com/app:1"}
MARIADB = {"image": "mariadb:10.6", "volumes": [{"type": "volume", "source": "data", "target": "/var/lib/mysql"}]}
UPSTREAM = "http {\n  upstream web { server web:8000; }\n  server { location / { proxy_pass http://web; } }\n}\n"
DISK = {"type": "volume", "source": "data", "target": "/data"}
ABSENT = object()

FIELDS: dict[str, tuple[Any, str, Any]] = {
    # Case: services with the files beside them, a field of the service web, and its right value.
    "a start of an unknown program": ({"web": APP | {"ports": [PORT]}}, "health.startPeriod", 300),
    "a store that recovers": ({"web": MARIADB}, "health.startPeriod", 600),
    "a store that imports a dump": (
        {"web": MARIADB | {"volumes": [*MARIADB["volumes"], bind("./a.conf", "/docker-entrypoint-initdb.d/a.sql")]}},
        "health.startPeriod",
        1800,
    ),
    "a short health check": (
        {"web": APP | {"ports": [PORT], "healthcheck": {"test": ["CMD", "true"], "interval": "1s"}}},
        "health.startPeriod",
        300,
    ),
    "a known image listens on its own port": ({"web": MARIADB | {"expose": ["3306", "33060"]}}, "port", 3306),
    "also if only another port is listed": ({"web": MARIADB | {"expose": ["33060"]}}, "port", 3306),
    "except a port that its command names": (
        {"web": MARIADB | {"command": ["--port=3307"], "expose": ["3307"]}},
        "port",
        3307,
    ),
    "an upstream of nginx is no host": (
        {"web": APP, "proxy": NGINX | {"volumes": [bind("./nginx.conf", "/etc/nginx/nginx.conf")]}},
        "port",
        8000,
    ),
    "a stated port before an implied one": (
        {"web": APP, "b": APP | {"environment": {"A": "http://web", "B": "http://web:3000"}}},
        "port",
        3000,
    ),
    "a database in another image": (
        {"web": APP | {"volumes": [{"type": "volume", "source": "d", "target": "/var/lib/postgresql/data"}]}},
        "port",
        5432,
    ),
    "nginx writes its templates": (
        {"web": NGINX | {"volumes": [bind("./a.conf", "/etc/nginx/templates/default.conf.template")]}},
        "writable",
        ["/etc/nginx/conf.d"],
    ),
    "nginx with another command": ({"web": NGINX | {"command": ["sh", "-c", "a && nginx"]}}, "security", "baseline"),
    "a Dockerfile with another command": (
        {"web": {"build": {"context": ".", "dockerfile_inline": "FROM nginx:1\nCMD ./start.sh\n"}}},
        "user",
        None,
    ),
    "a mounted script": (
        {"web": APP | {"volumes": [bind("./run.sh", "/run.sh")]}},
        "raw.Deployment.spec.template.spec.volumes",
        [{"name": "config", "configMap": {"defaultMode": 0o755}}],
    ),
    "a file that is no script": ({"web": APP | {"volumes": [bind("./a.conf", "/a.conf")]}}, "raw", ABSENT),
    "its own name": (
        {"web": APP | {"expose": ["80"], "healthcheck": {"test": ["CMD", "probe", "-addr=web:80"]}}},
        "raw.Deployment.spec.template.spec.hostname",
        "web",
    ),
    "the name of a store": (
        {"web": MARIADB | {"environment": {"PEERS": "web:4567"}}},
        "raw.Service.spec.publishNotReadyAddresses",
        True,
    ),
    "the group of a user": (
        {"web": APP | {"user": "1000:0"}},
        "raw.Deployment.spec.template.spec.securityContext.runAsGroup",
        0,
    ),
    "a user by name": ({"web": APP | {"user": "kong"}}, "user", None),
    "a base image whose tag is a variable": (
        {"web": {"build": {"context": ".", "dockerfile_inline": "ARG V\nFROM elastic/kibana:${V}\n"}}},
        "resources.memory",
        "1Gi",
    ),
    "an order between a store and a job": (
        {
            "web": APP | {"volumes": [DISK], "depends_on": {"b": {"condition": "service_completed_successfully"}}},
            "b": APP | {"depends_on": {"c": {"condition": "service_healthy"}}},
            "c": {"image": "redis:7"},
        },
        "dependsOn",
        ["b"],
    ),
    "a job that others wait for": (
        {
            "other": APP | {"depends_on": {"web": {"condition": "service_completed_successfully"}}},
            "web": APP | {"depends_on": {"c": {"condition": "service_healthy"}}},
            "c": {"image": "redis:7"},
        },
        "dependsOn",
        ["c"],
    ),
    "PostgreSQL in another image": (
        {"web": {"image": "pgvector/pgvector:pg16", "volumes": [DISK | {"target": "/var/lib/postgresql/data"}]}},
        "env.PGDATA",
        "/var/lib/postgresql/data/pgdata",
    ),
    "an anonymous volume of a database": (
        {"web": {"image": "postgres:16", "volumes": [{"type": "volume", "target": "/var/lib/postgresql/data"}]}},
        "volume.path",
        "/var/lib/postgresql/data",
    ),
    "a volume of packages": (
        {"web": {"build": {"context": "."}, "volumes": [DISK | {"target": "/srv/node_modules"}]}},
        "volume",
        ABSENT,
    ),
    "a label of Traefik": (
        {"web": APP | {"expose": ["80"], "labels": {"traefik.http.routers.a.rule": "Host(`a.example.com`)"}}},
        "publish",
        True,
    ),
    "a variable of nginx-proxy": (
        {"web": APP | {"expose": ["80"], "environment": {"VIRTUAL_HOST": "a.example.com"}}},
        "publish",
        True,
    ),
    "a database elsewhere": (
        {"web": APP | {"environment": {"DATABASE_URL": "postgres://u:p@db.example.com/shop"}}},
        "egress",
        ["internet", "10.0.0.0/8:5432", "172.16.0.0/12:5432", "192.168.0.0/16:5432"],
    ),
    "a public address": ({"web": APP | {"environment": {"API": "https://api.example.com"}}}, "egress", ABSENT),
    "a store behind nginx": (
        {"web": APP | {"expose": ["9000"], "volumes": [DISK]}, "proxy": NGINX},
        "raw.Service.spec.clusterIP",
        None,
    ),
    "a folder that is copied": (
        {"web": {"build": {"context": "."}, "volumes": [bind("./copied", "/srv/copied")]}},
        "files",
        ABSENT,
    ),
    "a folder that is not copied": (
        {"web": {"build": {"context": "."}, "volumes": [bind("./conf", "/srv/conf")]}},
        "files",
        {"/srv/conf/x.py": "./conf/x.py"},
    ),
    "a folder that is copied to another place": (
        {"web": {"build": {"context": "."}, "volumes": [bind("./copied", "/etc/copied")]}},
        "files",
        {"/etc/copied/x.py": "./copied/x.py"},
    ),
}


@pytest.mark.parametrize("case", FIELDS)
def test_a_guess_does_not_stop_a_program(case: str, tmp_path: Path) -> None:
    services, field, expected = FIELDS[case]
    for name, text in {
        "Dockerfile": "FROM a AS b\nCOPY lib /lib\nFROM a\nWORKDIR /srv\nCOPY --chown=1 copied ./copied\n",
        "nginx.conf": UPSTREAM,
        "run.sh": "#!/bin/sh\n",
        "a.conf": "a\n",
        "conf/x.py": "x\n",
        "copied/x.py": "x\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "run.sh").chmod(0o755)
    fields: Any = test_import.get_fields(services, folder=tmp_path)
    for key in field.split("."):
        fields = fields.get(key, ABSENT) if isinstance(fields, dict) else ABSENT
    assert fields == expected


@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        ({"command": ["celery", "-A", "shop", "worker"], "restart": "on-failure"}, "services"),
        ({"command": ["celery", "-A", "shop", "worker"], "restart": "no"}, "services"),
        ({"command": ["./manage.py", "migrate"], "restart": "on-failure"}, "jobs"),
        ({"command": ["./report"], "restart": "no"}, "jobs"),
        ({"command": ["./report"]}, "services"),
        (
            {"image": "minio/mc", "entrypoint": ["/bin/sh", "-c", "mc alias set m http://s3 u p && mc mb m/files"]},
            "jobs",
        ),
        ({"command": ["sh", "-c", "./manage.py migrate && gunicorn shop"]}, "services"),
        ({"command": ["./manage.py", "migrate"], "ports": [PORT]}, "services"),
        ({"command": ["./manage.py", "migrate"], "restart": "always"}, "services"),
    ],
)
def test_one_shots_and_workers_are_told_apart_by_what_they_do(keys: Any, kind: str) -> None:
    app = test_import.convert_services({"web": APP | keys}).app
    assert kind in app.pairs


def test_folders_of_the_host_are_disks_by_one_switch() -> None:
    services = {
        "web": APP | {"volumes": [bind("/opt/wiki/files", "/files"), bind("/opt/wiki/a.conf", "/a.conf")]},
        "db": MARIADB | {"volumes": [bind("/proc", "/host/proc")]},
    }
    assert test_import.get_kinds(services, "services.web.volumes.0") == ["refused"]
    switch: dict[str, Any] = {"x-seaway": {"hostFolders": "disks"}}
    paths = ("services.web.volumes.0", "services.web.volumes.1", "services.db.volumes.0")
    kinds = [test_import.get_kinds(services, path, **switch) for path in paths]
    assert kinds == [["approximated"], ["refused"], ["refused"]]
    assert test_import.get_fields(services, **switch)["volume"]["path"] == "/files"


def test_names_that_no_host_of_the_cluster_has_are_reported() -> None:
    services = {
        "web": APP | {"environment": {"CONN": "Server=shop-db;Database=x", "URL": "redis://shop-db:1"}},
        "db": {"image": "postgres:16", "container_name": "shop-db"},
    }
    assert test_import.get_outcomes(services, "services.web.environment.CONN")[0].hint
    assert not test_import.get_outcomes(services, "services.web.environment.URL")[0].hint
