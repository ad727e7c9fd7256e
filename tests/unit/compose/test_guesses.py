"""What Kubernetes needs and compose does not state: a wrong guess must not stop a program that Docker would run."""

import datetime
from pathlib import Path
from typing import Any

import pytest

from seaway.checks import engine
from seaway.compose.importer import naming, proxies
from seaway.files import roots, working_tree
from seaway.manifests import inputs, preview
from seaway.model import settings
from seaway.model.defaults import resolve
from seaway.project import environments, load
from tests.unit.compose import test_import

PORT, NGINX, bind = test_import.PORT, test_import.NGINX, test_import.bind
APP = {"image": "example.com/app:1"}
MARIADB = {"image": "mariadb:10.6", "volumes": [{"type": "volume", "source": "data", "target": "/var/lib/mysql"}]}
UPSTREAM = "http {\n  upstream web { server web:8000; }\n  server { location / { proxy_pass http://web; } }\n}\n"
DISK = {"type": "volume", "source": "data", "target": "/data"}
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
STACK = settings.Settings(stack="dev", context="x", registry="registry.example.com")
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
    "a file that the Dockerfile of a proxy copies": (
        {
            "web": APP,
            "proxy": {"build": {"context": ".", "dockerfile_inline": "FROM nginx:1\nCOPY nginx.conf /etc/nginx/\n"}},
        },
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
    "the group of a Dockerfile's user": (
        {"web": {"build": {"context": ".", "dockerfile_inline": "FROM a\nUSER 1000:0\nCMD a\n"}}},
        "raw.Deployment.spec.template.spec.securityContext.runAsGroup",
        0,
    ),
    "a known user on Alpine": ({"web": {"image": "postgres:16-alpine", "user": "postgres"}}, "user", 70),
    "a user of an unknown image": ({"web": APP | {"user": "node"}}, "user", None),
    "a script among the configs": (
        {"web": APP | {"configs": [{"source": "a", "target": "/run.sh"}]}},
        "raw.Deployment.spec.template.spec.volumes",
        [{"name": "config", "configMap": {"defaultMode": 0o755}}],
    ),
    "the mode of a config": (
        {"web": APP | {"configs": [{"source": "b", "target": "/run.sh", "mode": "0555"}]}},
        "raw.Deployment.spec.template.spec.volumes",
        [{"name": "config", "configMap": {"defaultMode": 0o755}}],
    ),
    "templates in an image": (
        {"web": {"build": {"context": ".", "dockerfile_inline": "FROM nginx:1\nCOPY a /etc/nginx/templates/\n"}}},
        "security",
        "baseline",
    ),
    "templates for another folder": (
        {"web": NGINX | {"environment": {"NGINX_ENVSUBST_OUTPUT_DIR": "/etc/nginx"}}},
        "writable",
        ["/"],
    ),
    "a node's own name": (
        {"web": {"image": "rabbitmq:3", "environment": {"RABBITMQ_NODENAME": "rabbit@web"}, "volumes": [DISK]}},
        "raw.Service.spec.publishNotReadyAddresses",
        True,
    ),
    "readiness of PostgreSQL in another image": (
        {"web": {"image": "pgvector/pgvector:pg17", "environment": {"POSTGRES_USER": "app", "POSTGRES_DB": "shop"}}},
        "health.readiness",
        ["pg_isready", "--quiet", "--host=127.0.0.1", "--port=5432", "--username=app", "--dbname=shop"],
    ),
    "a disk of PostgreSQL in another image": (
        {"web": {"image": "pgvector/pgvector:pg18", "environment": {"POSTGRES_PASSWORD": "x"}}},
        "volume.path",
        "/var/lib/postgresql",
    ),
    "a built PostgreSQL with another command": (
        {
            "web": {
                "build": {"context": ".", "dockerfile_inline": "FROM postgis/postgis:16-3.4\n"},
                "command": ["postgres", "-c", "x=1"],
            }
        },
        "port",
        5432,
    ),
    "an application with a database in its image": (
        {"web": APP | {"ports": [PORT], "volumes": [DISK | {"target": "/var/lib/mysql"}]}},
        "port",
        80,
    ),
    "memory for a database": ({"web": MARIADB | {"tmpfs": ["/var/lib/mysql"], "volumes": []}}, "volume", ABSENT),
    "a value that is the name of a service": (
        {"web": {"image": "postgres:17", "environment": {"POSTGRES_USER": "b"}}, "b": APP | {"expose": ["80"]}},
        "calls",
        ABSENT,
    ),
    "a host that a database calls": (
        {"web": {"image": "mysql:8", "environment": {"MASTER_HOST": "b"}}, "b": APP | {"expose": ["80"]}},
        "calls",
        ["b"],
    ),
    "a port of HTTP that others call": (
        {
            "web": APP | {"ports": [PORT | {"target": "8443"}]},
            "b": APP | {"environment": {"A": "http://web:8065"}},
        },
        "port",
        8065,
    ),
    "EXPOSE with a variable": (
        {"web": {"build": {"context": ".", "dockerfile_inline": "FROM a\nENV P=81\nEXPOSE $P\nCMD a\n"}}},
        "port",
        81,
    ),
    "EXPOSE of a worker": (
        {"web": {"build": {"context": ".", "dockerfile_inline": "FROM a\nEXPOSE 81\nCMD celery worker\n"}}},
        "port",
        ABSENT,
    ),
    "EXPOSE of another stage": (
        {
            "web": {"build": {"context": ".", "dockerfile": "Stages", "target": "worker"}},
            "b": {"build": {"context": ".", "dockerfile": "Stages", "target": "server"}, "ports": [PORT]},
        },
        "port",
        ABSENT,
    ),
    "the port of Traefik": (
        {
            "web": APP
            | {
                "expose": ["9090", "3000"],
                "labels": {"traefik.enable": "true", "traefik.http.services.a.loadbalancer.server.port": "3000"},
            }
        },
        "port",
        3000,
    ),
    "labels of a swarm": (
        {"web": APP | {"expose": ["80"], "deploy": {"labels": {"traefik.http.routers.a.rule": "Host(`a.b`)"}}}},
        "publish",
        True,
    ),
    "a port of TCP behind Traefik": (
        {"web": APP | {"labels": {"traefik.tcp.services.a.loadbalancer.server.port": "9999"}}},
        "protocol",
        "tcp",
    ),
    "a service that Traefik leaves out": (
        {"web": APP | {"labels": {"traefik.enable": "false", "traefik.http.routers.a.rule": "Host(`a.b`)"}}},
        "publish",
        ABSENT,
    ),
    "the port of nginx-proxy": (
        {"web": APP | {"expose": ["81"], "environment": {"VIRTUAL_HOST": "a.b", "VIRTUAL_PORT": "82"}}},
        "port",
        82,
    ),
    "a part of a folder is copied": (
        {"web": {"build": {"context": "."}, "volumes": [bind(".", "/srv")]}},
        "files",
        ABSENT,
    ),
    "only the list of packages is copied": (
        {
            "web": {
                "build": {"context": ".", "dockerfile_inline": "FROM a\nWORKDIR /a\nCOPY x*.json Gemfile* r.txt ./\n"},
                "volumes": [bind("./conf", "/a")],
            }
        },
        "files",
        {"/a/x.py": "./conf/x.py"},
    ),
    "readiness of an old MariaDB": (
        {"web": {"image": "mariadb:10.3"}},
        "health.readiness",
        ["mysqladmin", "ping", "--silent", "--host=127.0.0.1", "--port=3306"],
    ),
    "a folder that is copied by way of a stage": (
        {
            "web": {
                "build": {
                    "context": ".",
                    "dockerfile_inline": "FROM a AS b\nWORKDIR /b\nCOPY . .\nFROM a\nCOPY --from=b /b/conf /srv\n",
                },
                "volumes": [bind("./copied", "/copied")],
            }
        },
        "files",
        {"/copied/x.py": "./copied/x.py"},
    ),
    "a folder that .dockerignore leaves out": (
        {
            "web": {
                "build": {"context": ".", "dockerfile_inline": "FROM a\nCOPY . /srv\n"},
                "volumes": [bind("./ignored", "/srv/ignored")],
            }
        },
        "files",
        {"/srv/ignored/x.py": "./ignored/x.py"},
    ),
    "a list of brokers elsewhere": (
        {"web": APP | {"environment": {"KAFKA_BROKERS": "a.example.com:9092,b.example.com:9093"}}},
        "egress",
        ["internet", *(f"{cidr}:{port}" for cidr in PRIVATE for port in (9092, 9093))],
    ),
    "a connection string": (
        {"web": APP | {"environment": {"DB": "Server=sql.example.com,1433;Database=x"}}},
        "egress",
        ["internet", *(f"{cidr}:1433" for cidr in PRIVATE)],
    ),
    "a host in a command": (
        {"web": APP | {"command": ["--db=postgres://u@a.example.com/x"]}},
        "egress",
        ["internet", *(f"{cidr}:5432" for cidr in PRIVATE)],
    ),
    "the character set of MySQL": (
        {
            "web": APP
            | {"command": ["--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin"]}
            | {"environment": {"MYSQL_CHARACTER_SET_SERVER": "utf8mb4"}}
        },
        "egress",
        ABSENT,
    ),
    "a name without a domain": (
        {"web": APP | {"environment": {"URL": "http://intranet:81"}}},
        "egress",
        ["internet", *(f"{cidr}:81" for cidr in PRIVATE)],
    ),
    "a private address": (
        {"web": APP | {"environment": {"URL": "http://10.1.2.3:4317"}}},
        "egress",
        ["internet", "10.1.2.3/32:4317"],
    ),
    "hosts of its own": (
        {
            "web": APP
            | {
                "labels": {"traefik.http.routers.a.rule": "Host(`a.lan`)"},
                "environment": {
                    "A_HOST": "a.lan",
                    "LETSENCRYPT_HOST": "b.lan",
                    "C": "http://localhost:1",
                    "D": "http://web",
                },
            }
        },
        "egress",
        ABSENT,
    ),
    "an anonymous volume with data": (
        {"web": APP | {"volumes": [{"type": "volume", "target": "/var/lib/clickhouse"}]}},
        "volume.path",
        "/var/lib/clickhouse",
    ),
    "packages in an unknown image": (
        {"web": APP | {"volumes": [DISK | {"target": "/srv/node_modules"}]}},
        "volume",
        ABSENT,
    ),
    "a volume at /tmp": ({"web": APP | {"volumes": [DISK | {"target": "/tmp"}]}}, "volume", ABSENT),
    "files of the image, and a process that reaps others": (
        {"web": APP | {"init": True, "volumes": [DISK | {"target": "/srv/files"}]}},
        "raw.StatefulSet.spec.template.spec.shareProcessNamespace",
        True,
    ),
    "memory in a file": (
        {"web": MARIADB | {"volumes": [bind("./my.cnf", "/etc/mysql/conf.d/my.cnf")]}},
        "resources.memoryLimit",
        "12Gi",
    ),
    "memory in a variable": ({"web": APP | {"environment": {"MEMORY": "6G"}}}, "resources.memoryLimit", "12Gi"),
    "no limit": ({"web": APP | {"mem_limit": "0"}}, "resources.memoryLimit", "8Gi"),
    "names of hosts that the cluster refuses": (
        {"web": APP | {"extra_hosts": ["a_b=1.2.3.4", "Ok=1.2.3.4"]}},
        "raw.Deployment.spec.template.spec.hostAliases",
        [{"ip": "1.2.3.4", "hostnames": ["ok"]}],
    ),
    "name servers that the cluster refuses": (
        {"web": APP | {"dns": ["999.1.1.1", "1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"]}},
        "raw.Deployment.spec.template.spec.dnsConfig.nameservers",
        ["1.1.1.1", "1.1.1.2", "1.1.1.3"],
    ),
    "its own name as a value": (
        {"web": {"image": "mongo:7", "environment": {"INITIAL_PRIMARY_HOST": "web"}, "volumes": [DISK]}},
        "raw.Service.spec.publishNotReadyAddresses",
        True,
    ),
    "an organization that is no proxy": (
        {"web": APP | {"expose": ["9000"], "volumes": [DISK]}, "b": {"image": "apache/answer:1"}},
        "raw",
        ABSENT,
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
        "my.cnf": "[mysqld]\ninnodb_buffer_pool_size = 6G\n",
        "conf/x.py": "x\n",
        "Stages": "FROM a AS b\nEXPOSE 80\nFROM b AS server\nCMD x\nFROM b AS worker\nCMD y\n",
        ".dockerignore": "ignored\n",
        "ignored/x.py": "x\n",
        "copied/x.py": "x\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "run.sh").chmod(0o755)
    configs: dict[str, Any] = {"a": {"file": "./run.sh"}, "b": {"content": "x"}}
    fields: Any = test_import.get_fields(services, folder=tmp_path, configs=configs)
    for key in field.split("."):
        fields = fields.get(key, ABSENT) if isinstance(fields, dict) else ABSENT
    assert fields == expected
    conversion = test_import.convert_services(services, folder=tmp_path, configs=configs)
    tree = working_tree.WorkingTree(folder=tmp_path, root=roots.Root(tmp_path))
    merged = load.merge_overlay(conversion.app, None, tree)
    assert merged.diagnostics == []
    assert merged.app is not None
    environment = environments.Environment.create(resolve.resolve_application(merged.app), STACK)
    images = {name: inputs.Image(reference="x:1", content="x") for name in services}
    results = engine.run_checks(environment, preview.render_objects(environment, images), datetime.date(2026, 1, 1))
    assert [str(result.finding) for result in results if result.is_refused] == []


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
        ({"command": ["./app", "--init-timeout", "3", "--tls=true"]}, "services"),
        ({"command": ["sh", "-c", "while true; do date; sleep 5; done"]}, "services"),
        ({"command": ["sh", "-c", "until nc -z db 5432; do sleep 1; done"]}, "jobs"),
        ({"command": ["python", "-c", "import time; time.sleep(86400)"]}, "services"),
        ({"command": ["./wait-for-it.sh", "db:5432", "--", "./app"]}, "services"),
        ({"command": ["./wait-for-it.sh", "db:5432", "--", "./manage.py", "migrate"]}, "jobs"),
        ({"command": ["kafka-topics", "--create", "--topic", "a"]}, "jobs"),
        ({"command": ["/sbin/init"]}, "services"),
        ({"image": "busybox"}, "jobs"),
        ({"image": "ubuntu:24.04", "tty": True}, "services"),
        ({"build": {"context": ".", "dockerfile_inline": "FROM a\nCMD rails db:migrate\n"}, "image": None}, "jobs"),
        ({"build": {"context": ".", "dockerfile_inline": "FROM alpine\nENTRYPOINT ./a\n"}, "image": None}, "services"),
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
    hints = [test_import.get_outcomes(services, f"services.{path}.volumes.0")[0].hint for path in ("web", "db")]
    hints.append(test_import.get_outcomes(services, "services.web.volumes.1")[0].hint)
    assert ["hostFolders" in hint for hint in hints] == [True, False, False]
    paths = ("services.web.volumes.0", "services.web.volumes.1", "services.db.volumes.0")
    kinds = [test_import.get_kinds(services, path, **switch) for path in paths]
    assert kinds == [["approximated"], ["refused"], ["refused"]]
    assert test_import.get_fields(services, **switch)["volume"]["path"] == "/files"


def test_a_disk_over_files_of_the_image_is_reported(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a\nWORKDIR /app\nCOPY . .\n")
    volumes = [DISK | {"target": "/app/static"}, DISK | {"source": "other", "target": "/srv"}]
    services = {"web": {"build": {"context": "."}, "volumes": volumes}}
    kinds = [test_import.get_kinds(services, f"services.web.volumes.{number}", folder=tmp_path) for number in (0, 1)]
    assert kinds == [["approximated"], ["added"]]


@pytest.mark.parametrize(
    ("env", "kind"),
    [
        ({"URL": "https://api.example.com"}, ["added"]),
        ({"URL": "https://api.example.com", "DB_HOST": "db.lan:1"}, ["approximated", "added"]),
        ({"URL": "http://host.docker.internal:1"}, ["approximated"]),
        ({"URL": "http://web:1"}, []),
    ],
)
def test_hosts_outside_are_reported(env: Any, kind: list[str]) -> None:
    notes = test_import.get_outcomes({"web": APP | {"environment": env}}, "services.web")
    rows = [outcome for outcome in notes if outcome.into == "services.web.egress" or "Docker host" in outcome.message]
    assert [outcome.kind for outcome in rows] == kind


def test_names_that_no_host_of_the_cluster_has_are_reported() -> None:
    services = {
        "web": APP
        | {
            "environment": {
                "NAME": "shop_db",
                "URL": "redis://shop_db:1/shop_db",
                "PG_USER": "shop_db",
                "CONN": "Server=shop_db;Database=shop_db",
            }
        },
        "db": {"image": "postgres:16", "container_name": "shop_db"},
    }
    assert test_import.get_outcomes(services, "services.web.environment.NAME")[0].hint
    for name in ("URL", "PG_USER", "CONN"):
        assert not test_import.get_outcomes(services, f"services.web.environment.{name}")[0].hint


@pytest.mark.parametrize(
    ("text", "variable", "new_text"),
    [
        ("Server=my_db;Database=my_db", "CONN", "Server=my-db;Database=my_db"),
        ("host=my_db port=5432", "DSN", "host=my-db port=5432"),
        ("my_db,my_es", "SEEDS", "my-db,my-es"),
        ("my_db,tag", "NAMES", "my_db,tag"),
        ("my_db,other", "KAFKA_BROKERS", "my-db,other"),
        ("my_db", "--redis-host", "my-db"),
        ("--redis-host=my_db", "", "--redis-host=my-db"),
        ("database:\n  host: 'my_db'\n  name: my_db\n", "", "database:\n  host: 'my-db'\n  name: my_db\n"),
        ('{"hostname": "my_db"}', "", '{"hostname": "my-db"}'),
        ("$cfg['host'] = 'my_db';", "", "$cfg['host'] = 'my-db';"),
        ("upstream x { server my_db; }", "", "upstream x { server my-db; }"),
        ("my_db_host", "HOST", "my_db_host"),
    ],
)
def test_hosts_have_new_names_where_a_text_calls_them(text: str, variable: str, new_text: str) -> None:
    renames = naming.Renames(hosts={"my_db": "my-db", "my_es": "my-es"}, paths={})
    assert renames.rewrite(text, variable) == new_text


def test_host_names_that_are_dns_labels_are_aliases() -> None:
    """Nothing that names them changes. Two services cannot have one name."""
    services = {
        "web": APP | {"links": ["db:database"], "environment": {"CONN": "Server=shop-db;Database=x"}},
        "db": {
            "image": "postgres:16",
            "container_name": "Shop-DB",
            "networks": {"default": {"aliases": ["a.b", "one"]}},
        },
        "my_db": {"image": "postgres:16", "networks": {"default": {"aliases": ["one", "my-db", "db-outside", "two"]}}},
    }
    aliases = {name: test_import.get_fields(services, name)["aliases"] for name in ("db", "my-db")}
    assert aliases == {"db": ["shop-db", "one", "database"], "my-db": ["two"]}
    assert test_import.get_fields(services)["env"]["CONN"] == "Server=shop-db;Database=x"
    paths = ("db.container_name", "db.networks.default.aliases.0", "my_db.networks.default.aliases.0", "web.links.0")
    kinds = [test_import.get_kinds(services, f"services.{path}") for path in paths]
    assert kinds == [["kept"], ["approximated"], ["approximated"], ["kept"]]


def test_two_services_may_link_different_services_under_one_name() -> None:
    services = {
        "a": APP | {"links": ["one:db"], "environment": {"URL": "redis://db:1"}},
        "b": APP | {"links": ["two:db"], "environment": {"URL": "redis://db:1"}},
        "one": {"image": "redis:7"},
        "two": {"image": "redis:7"},
    }
    urls = [test_import.get_fields(services, name)["env"]["URL"] for name in ("a", "b")]
    assert urls == ["redis://db:1", "redis://two:1"]
    assert test_import.get_fields(services, "one")["aliases"] == ["db"]


def test_a_service_without_containers_has_no_pods_and_no_disk() -> None:
    off: dict[str, Any] = {"deploy": {"replicas": 0}, "volumes": [DISK]}
    everywhere = off | {"deploy": {"mode": "global", "replicas": 0}}
    assert test_import.get_fields({"web": APP | everywhere})["scale"] == 0
    services: dict[str, Any] = {"web": APP | off, "job": APP | off | {"command": ["./migrate"]}}
    services["job"] |= {"user": "1000:0", "restart": "no"}
    assert test_import.load_app(services).jobs[0].run == "on-demand"
    assert test_import.get_fields(services)["scale"] == 0
    assert test_import.get_fields(services, "job")["run"] == "on-demand"
    services["other"] = APP | {"volumes": [DISK]}
    assert test_import.get_fields(services, "other")["volume"]["path"] == "/data"
    assert test_import.get_fields(services)["sharedVolumes"] == {"/data": "other"}


@pytest.mark.parametrize(
    ("rule", "addresses", "is_exact"),
    [
        ("Host(`a.example.com`)", ["a.example.com"], True),
        ("Host(`a.example.com`, `b.example.com`)", ["a.example.com", "b.example.com"], True),
        ("Host(`a.example.com`) && PathPrefix(`/api`)", ["a.example.com/api"], True),
        (
            '(Host("a.b") || Host("c.d")) && (PathPrefix(`/x`) || PathPrefix(`/y`))',
            ["a.b/x", "a.b/y", "c.d/x", "c.d/y"],
            True,
        ),
        ("Host(`a.b`) || Host(`c.d`) && Path(`/x`)", ["a.b", "c.d/x"], False),
        ("Host(`a.b`) && !PathPrefix(`/x`)", ["a.b"], False),
        ("Host(`a.b`) && Headers(`A`, `b`)", ["a.b"], False),
        ("HostRegexp(`^[a-z]+(x|y)\\.example\\.com$`)", [], False),
        ("PathPrefix(`/api`)", [], False),
        ("Host(`a b`)", [], False),
        ("Host(`a.b`", [], False),
        ("", [], False),
        (" && ".join(["(Host(`a`) || Host(`b`))"] * 30), ["a", "b"], True),
    ],
)
def test_rules_of_traefik_are_addresses(rule: str, addresses: list[str], *, is_exact: bool) -> None:
    assert proxies.read_rule(rule) == (addresses, is_exact)


def test_the_commands_that_set_addresses_number_them(wording: object) -> None:
    """A path of nginx-proxy, several rules, and a port that no ingress leads to."""
    labels = {
        "traefik.http.routers.a.rule": "Host(`a.example.com`) && PathPrefix(`/a`)",
        "traefik.http.routers.b.rule": "Host(`b.example.com`)",
        "traefik.http.services.a.loadbalancer.server.port": "80",
        "traefik.http.services.b.loadbalancer.server.port": "81",
        "traefik.http.routers.a.tls": "true",
    }
    env = {"VIRTUAL_HOST": "c.example.com,*.d.example.com,~^e$", "VIRTUAL_PATH": "/c"}
    services = {"a": APP | {"labels": labels}, "b": APP | {"environment": env}}
    outcomes = [*test_import.convert_services(services).outcomes]
    rows = [outcome for outcome in outcomes if "traefik" in outcome.path or "VIRTUAL" in outcome.path]
    assert [test_import.format_outcome(outcome) for outcome in rows] == wording
