"""Shapes of public compose projects that an import got wrong."""

import datetime
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev import dry_run
from seaway.checks import engine
from seaway.compose import project
from seaway.compose.importer import convert
from seaway.files import roots
from seaway.manifests import preview
from seaway.model import settings
from seaway.project import environments, load
from seaway.syntax import nodes
from tests.support import compose, diagnostics

ABSENT = object()
FIELDS: dict[str, tuple[str, str, Any]] = {
    # Case: the services and volumes of a/compose.yml, a field of the application, and its right value.
    "the service that others wait for has the disk": (
        """
  api: {image: x/api:1, expose: ["80"], volumes: ["media:/media"]}
  proxy: {image: x/proxy:1, ports: ["80:80"], volumes: ["media:/media", "logs:/logs"], depends_on: [api]}
  sync: {image: x/sync:1, volumes: ["logs:/logs"], depends_on: [proxy]}
volumes: {media: , logs: }
""",
        "services.sync.sharedVolumes",
        {"/logs": "proxy"},
    ),
    "no circle of services with a common disk": (
        """
  front: {image: x/a:1, expose: ["80"], volumes: ["media:/a"], depends_on: [zed]}
  zed: {image: x/a:1, expose: ["80"], volumes: ["media:/a"]}
volumes: {media: }
""",
        "services.front.sharedVolumes",
        {"/a": "zed"},
    ),
    "a store behind a proxy": (
        """
  web: {image: "nginx:1", ports: ["80:80"], depends_on: [db]}
  db: {image: "redis:7", volumes: ["disk:/data"]}
volumes: {disk: }
""",
        "stores.db.port",
        6379,
    ),
    "a change of an included service": (
        """
  db: {environment: {B: file}, mem_limit: 256m}
include: [b.yml]
""",
        "services.db.env",
        {"A": "included", "B": "file"},
    ),
    "a file above the compose file": (
        """
  web: {image: x/web:1, volumes: ["../conf/a.conf:/etc/a.conf:ro"]}
""",
        "services.web.files",
        {"/etc/a.conf": "../conf/a.conf"},
    ),
    "data of the host below /usr/local": (
        """
  db: {image: "mysql:8.4", volumes: ["/usr/local/docker/mysql:/var/lib/mysql"]}
x-seaway: {hostFolders: disks}
""",
        "stores.db.volume.path",
        "/var/lib/mysql",
    ),
    "the port that the settings bind": (
        """
  logs:
    image: x/logs:1
    environment: {HTTP_BIND: "0.0.0.0:9000"}
    ports: ["5044:5044", "5140:5140/udp", "9000:9000", "12201:12201"]
""",
        "services.logs.port",
        9000,
    ),
    "the port of the healthcheck": (
        """
  web: {image: x/web:1, ports: ["3000:3000", "8443:8443"], healthcheck: {test: curl http://localhost:8443/health}}
""",
        "services.web.port",
        8443,
    ),
    "a one-shot that a plain depends_on names": (
        """
  api: {image: x/api:1, expose: ["80"], depends_on: [migrate]}
  migrate: {image: x/api:1, command: migrate sql --yes, restart: on-failure}
""",
        "jobs.migrate.args",
        ["migrate", "sql", "--yes"],
    ),
    "nginx with scripts that change its pages": (
        """
  web:
    build: {context: ., dockerfile_inline: "FROM nginx:1\\nCOPY replace.sh /docker-entrypoint.d/90-replace.sh\\n"}
    ports: ["80:80"]
""",
        "services.web.security",
        "baseline",
    ),
    "the data folder of InfluxDB 1": (
        """
  db: {image: "influxdb:1.8", volumes: ["disk:/var/lib/influxdb"]}
volumes: {disk: }
""",
        "stores.db.volumes",
        ABSENT,
    ),
}
OUTCOMES: dict[str, tuple[str, str, str]] = {
    # Case: the services, a key, and the kind of its outcome.
    "a job that prepares the disk of the store that waits for it": (
        """
  db:
    image: postgres:17
    volumes: ["./data:/var/lib/postgresql/data"]
    depends_on: {own: {condition: service_completed_successfully}}
  own: {image: "postgres:17", volumes: ["./data:/data"], entrypoint: [chown, -R, "999", /data]}
""",
        "services.db.depends_on.own.condition",
        "approximated",
    ),
    "no file": (
        """
  web: {image: x/web:1, volumes: ["/dev/null:/etc/licence"]}
""",
        "services.web.volumes.0",
        "dropped",
    ),
    "the DNS server of Docker": (
        """
  web: {image: "nginx:1", volumes: ["../conf/a.conf:/etc/nginx/nginx.conf:ro"]}
""",
        "services.web",
        "approximated",
    ),
    "a volume over a folder of the image": (
        """
  web: {image: x/web:1, volumes: ["disk:/var/www/sites"]}
volumes: {disk: }
""",
        "services.web.volumes.0",
        "approximated",
    ),
}


def convert_text(text: str, folder: Path) -> convert.Conversion:
    compose.write_files(folder, a__compose=f"services:{text}")
    compose.write_files(folder, a__b="services:\n  db: {image: 'x/db:1', environment: {A: included, B: included}}\n")
    (folder / "conf").mkdir()
    (folder / "conf" / "a.conf").write_text("resolver 127.0.0.11;\n")
    return project.convert_files([folder / "a" / "compose.yml"], within=roots.Root(folder))[1]


@pytest.mark.parametrize("case", [*FIELDS, *OUTCOMES])
def test_a_shape_of_a_public_project_is_deployable(case: str, tmp_path: Path) -> None:
    """What an import accepts, ``seaway check`` accepts too."""
    text, path, expected = (FIELDS | OUTCOMES)[case]
    conversion = convert_text(text, tmp_path)
    if case in OUTCOMES:
        assert expected in [outcome.kind for outcome in conversion.outcomes if outcome.path == path]
    else:
        field: Any = nodes.to_plain(conversion.app)
        for key in path.split("."):
            field = field.get(key, ABSENT)
        assert field == expected
    app = load.load_application(tmp_path / "a" / "compose.yml", root=roots.Root(tmp_path))
    environment = environments.Environment.create(app, settings.Settings(stack="test", context="test"))
    results = engine.run_checks(environment, preview.render_objects(environment), datetime.date(2026, 1, 1))
    assert [result.check.id for result in results if result.is_refused] == []


def test_a_job_that_prepares_a_disk_moves_to_its_store_as_the_hint_says(tmp_path: Path) -> None:
    text = """
  db: {image: x/db:1, volumes: ["disk:/var/db"], depends_on: {own: {condition: service_completed_successfully}}}
  own: {image: busybox:1, environment: {A: b}, volumes: ["disk:/data"], entrypoint: [chown, -R, "999", /data]}
volumes: {disk: }
"""
    conversion = convert_text(text, tmp_path)
    hint = next(
        outcome.hint for outcome in conversion.outcomes if outcome.path == "services.db.depends_on.own.condition"
    )
    match = re.search(
        r"to stores\.db\.init\.own with its ([a-z, ]+) and (\w+), and `writable: \[(.*)\]`; write /var/db ", hint
    )
    assert match
    app: Any = nodes.to_plain(conversion.app)
    own = app.pop("jobs")["own"]
    kept = {key: own[key] for key in (*match[1].split(", "), match[2]) if key in own}
    app["stores"]["db"]["init"] = {"own": kept | {"writable": match[3].split(", ")}}
    (tmp_path / "app.yaml").write_text(yaml.safe_dump(app))
    manifests = dry_run.render_application(tmp_path / "app.yaml", tmp_path)[1]
    store = next(manifest for manifest in manifests if manifest["kind"] == "StatefulSet")
    (init,) = store["spec"]["template"]["spec"]["initContainers"]
    assert {"name": "data", "mountPath": "/var/db"} in init["volumeMounts"]


def test_included_files_must_agree(tmp_path: Path) -> None:
    compose.write_files(tmp_path, main="include: [a.yml, b.yml]\n", a=compose.PAGE, b=f"{compose.PAGE}    user: '1'\n")
    assert diagnostics.summarize(compose.load_errors(tmp_path)) == ["a.yml:2:3: services.web: duplicate-name"]


@pytest.mark.parametrize(
    ("text", "is_compose"),
    [
        ("services:\n  web:\n    image: a\n    environment: {A: b}\n", True),
        ("name: shop\nservices:\n  web:\n    image: a\n    environment: {A: b}\n", False),
        ("services:\n  web:\n    image: a\n", False),
        ("services: [\n", False),
    ],
)
def test_a_compose_file_with_another_name_is_known_by_its_keys(text: str, *, is_compose: bool, tmp_path: Path) -> None:
    (tmp_path / "basic.yml").write_text(text)
    assert load.is_compose_file(tmp_path / "basic.yml") == is_compose
    assert not load.is_compose_file(tmp_path / "basic.yml,missing.yml")


@pytest.mark.parametrize("text", ["", "# TODO\n", "\ufeff # TODO\n\n", "{}\n"])
def test_an_override_may_be_empty(text: str, tmp_path: Path) -> None:
    compose.write_files(tmp_path, main=compose.PAGE, b=text)
    assert compose.load_plain(tmp_path, "main", "b") == compose.load_plain(tmp_path)
    (tmp_path / "b.yml").write_text("\ufeffservices: {b: {image: b}}\n")
    assert compose.load_plain(tmp_path, "main", "b")["services"].keys() == {"web", "b"}


@pytest.mark.parametrize(
    ("keys", "kinds"), [("environment: ['A=${PWD}/a']", ["approximated"]), ("volumes: ['${PWD}/a:/a']", [])]
)
def test_the_folder_of_the_file_is_no_value(keys: str, kinds: list[str], tmp_path: Path) -> None:
    outcomes = convert_text(f"\n  web: {{image: x/web:1, {keys}}}\n", tmp_path).outcomes
    assert [outcome.kind for outcome in outcomes if outcome.path == "${PWD}"] == kinds


def test_a_file_of_the_host_is_no_disk(tmp_path: Path) -> None:
    text = "\n  web: {image: x/web:1, volumes: ['/opt/web/a.p12:/a.p12']}\nx-seaway: {hostFolders: disks}\n"
    outcomes = convert_text(text, tmp_path).outcomes
    assert ["hostFolders" in outcome.hint for outcome in outcomes if outcome.kind == "refused"] == [False]
