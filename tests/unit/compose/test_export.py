"""An application is exported as a compose document, with the outcome of each of its keys."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from dev import environment
from dev.compose_comparison import projects
from seaway.compose import report
from seaway.compose.exporter import container, exporter, losses
from seaway.compose.importer import convert
from seaway.compose.loader import loader
from seaway.files import roots, working_tree
from seaway.model import application
from seaway.model.defaults import resolve
from seaway.project import load
from seaway.syntax import decode, nodes, yaml_parser

EXAMPLES = [environment.ROOT / "app", *sorted(file.parent for file in environment.ROOT.glob("examples/*/app.yaml"))]


def export(text: str, **options: Any) -> exporter.ExportResult:
    """The export of an app.yaml; its name is added."""
    source = yaml_parser.parse(f"name: shop\n{text}".encode(), "app.yaml")
    app = resolve.resolve_application(decode.decode_node(application.Application, source))
    return exporter.export_application(app, source, **options)


def export_service(text: str, name: str = "web", **options: Any) -> dict[str, Any]:
    return export(text, **options).document["services"][name]


def get_losses(text: str, path: str = "") -> list[report.KeyOutcome]:
    outcomes = export(text).outcomes
    return [outcome for outcome in outcomes if outcome.kind != "kept" and outcome.path.startswith(path)]


def list_losses(text: str, path: str = "") -> list[str]:
    return [f"{outcome.path}: {outcome.kind}" for outcome in get_losses(text, path)]


def format_losses(text: str) -> list[str]:
    return [
        f"{loss.path}: {loss.kind}: {'; '.join(filter(None, (loss.message, loss.hint)))}" for loss in get_losses(text)
    ]


WEB = "services: {web: {image: python:3.12, scale: 1, port: 80, %s}}"
DB = "{image: postgres:17, port: 5432, volume: {path: /var/lib/postgresql/data, size: 1Gi}}"
HARDENED = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}
TIMING = {"interval": "2s", "timeout": "3s", "retries": 3, "start_period": "54s"}


def test_a_service_and_its_store_are_exported() -> None:
    result = export(WEB % "calls: [db], health: /healthz" + f"\nstores: {{db: {DB}}}")
    code = "from urllib.request import urlopen; urlopen('http://127.0.0.1:80/healthz')"
    ready = ["--quiet", "--host=127.0.0.1", "--port=5432", "--username=postgres", "--dbname=postgres"]
    assert result.document == {
        "name": "shop",
        "services": {
            "web": {
                "image": "python:3.12",
                "environment": {"DB_HOST": "db", "DB_PORT": "5432", "DB_URL": "tcp://db:5432"},
                "expose": ["80"],
                "depends_on": {"db": {"condition": "service_healthy"}},
                "healthcheck": {"test": ["CMD", "python3", "-c", code], **TIMING},
                "deploy": {"resources": {"limits": {"memory": "128m"}}},
                "restart": "unless-stopped",
                "stop_grace_period": "25s",
                "tmpfs": ["/tmp:mode=1777,exec"],
                "user": "10001:10001",
                **HARDENED,
            },
            "db": {
                "image": "postgres:17",
                "environment": {"PGDATA": "/var/lib/postgresql/data/pgdata"},
                "expose": ["5432"],
                "healthcheck": {"test": ["CMD", "pg_isready", *ready], **TIMING},
                "deploy": {"resources": {"limits": {"memory": "128m"}}},
                "restart": "unless-stopped",
                "stop_grace_period": "60s",
                "volumes": ["db-data:/var/lib/postgresql/data"],
                "tmpfs": ["/tmp:mode=1777,exec", "/var/run/postgresql:mode=1777,exec"],
                "user": "999:999",
                **HARDENED,
            },
        },
        "volumes": {"db-data": {"labels": {"kompose.volume.size": "1Gi"}}},
    }
    assert report.summarize(result.outcomes) == "11 keys: 8 kept, 3 approximated"


def test_references_of_kubernetes_are_expanded() -> None:
    env = 'env: {A: "1 $ $$(B)", B: "$(A) $(LATER)", C: "$(KEY)"}'
    service = export_service(WEB % f'secrets: {{KEY: {{env: true}}}}, {env}, command: [run], args: ["$(B)"]')
    assert service["environment"] == {"KEY": None, "A": "1 $$ $$(B)", "B": "1 $$ $$(B) $$(LATER)", "C": "${KEY:?}"}
    assert (service["entrypoint"], service["command"]) == (["run"], ["1 $$ $$(B) $$(LATER)"])


def test_images_come_from_the_environment_or_the_release() -> None:
    sources = {"web": container.ImageSource(build_args={"BASE_IMAGE": "mirror/python:3"}, base_image="python:3")}
    text = "services: {web: {build: {context: ./web, target: run}}}\njobs: {tell: {uses: web, command: [tell]}}"
    build = {"context": "./app/web", "target": "run", "args": {"BASE_IMAGE": "mirror/python:3"}}
    services = export(text, folder="app", image_sources=sources).document["services"]
    assert (services["web"]["build"], services["tell"]["build"]) == (build, build)
    assert export_service("services: {web: {build: ./web}}")["build"] == "./web"
    released = {"web": container.ImageSource(reference="registry/web@sha256:1")}
    image = export_service("services: {web: {build: ./web}}", image_sources=released)["image"]
    assert image == "registry/web@sha256:1"
    overrides = {"python:3.12": "mirror/python:3"}
    assert export_service(WEB % "user: 1", image_overrides=overrides)["image"] == "mirror/python:3"


BUILD = {
    "inline": "FROM a",
    "contexts": {"lib": "../lib", "base": "docker-image://a"},
    "secrets": {"key": "KEY"},
    "ssh": ["default"],
    "cacheFrom": ["a"],
    "cacheTo": ["b"],
}


def test_all_keys_of_a_build_are_exported() -> None:
    text = f"services: {{web: {{build: {json.dumps({'context': '.', **BUILD})}}}}}"
    document = export(text, folder="app").document
    assert document["services"]["web"]["build"] == {
        "context": "./app",
        "dockerfile_inline": "FROM a",
        "additional_contexts": {"lib": "./lib", "base": "docker-image://a"},
        "secrets": [{"source": "KEY", "target": "key"}],
        "ssh": ["default"],
        "cache_from": ["a"],
        "cache_to": ["b"],
    }
    assert document["secrets"] == {"KEY": {"file": "./secrets/KEY"}}
    assert list_losses(text) == ["services.web.build.secrets.key: approximated"]


CHAIN = """\
if command -v curl; then curl -fs 'http://127.0.0.1:80/it%27s'
elif command -v wget; then wget -q -O - 'http://127.0.0.1:80/it%27s'
elif command -v python3; then python3 -c "from urllib.request import urlopen; urlopen('http://127.0.0.1:80/it%27s')"
else grep -q ':0050 0*:0000 0A' /proc/net/tcp /proc/net/tcp6; fi
"""
LISTENS = ["CMD", "grep", "-q", ":0050 0*:0000 0A", "/proc/net/tcp", "/proc/net/tcp6"]


def test_probes_become_healthchecks(wording: object) -> None:
    wget = ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:80/a"]
    messages: list[str] = []
    for image, more, test in (
        ("nginx:1-alpine", "health: /a", wget),
        ("a/b:1", "health: /it's", CHAIN),
        ("a/b:1", "health: tcp", LISTENS),
        ("a/b:1", "protocol: grpc, health: grpc", LISTENS),
        ("a/b:1", "health: [sh, ask]", ["CMD", "sh", "ask"]),
        ("a/b:1", "health: [/bin/sh, -c, ask it]", "ask it"),
        ("gcr.io/distroless/base", "health: /a", None),
        ("a/b:1", "protocol: udp", None),
    ):
        text = f"services: {{web: {{image: '{image}', port: 80, scale: 1, {more}}}}}"
        assert export_service(text).get("healthcheck", {}).get("test") == test
        expected = ["services.web.health: approximated"] if "health" in more else []
        assert list_losses(text, "services.web.health") == expected
        messages += format_losses(text)
    assert messages == wording


def test_callers_share_a_network_with_the_called_service() -> None:
    text = """
services:
  web: {image: a, port: 80, publish: true, calls: [api], scale: 1}
  api: {image: a, port: 81, calls: [db], egress: [], scale: 1}
  isolated: {image: a, egress: [], scale: 1}
  free: {image: a, scale: 1}
stores: {db: %s}
"""
    document = export(text % DB).document
    assert document["networks"] == {"api": {"internal": True}, "db": {"internal": True}, "outside": None}
    assert {name: service.get("networks") for name, service in document["services"].items()} == {
        "web": ["api", "outside"],
        "api": ["api", "db"],
        "isolated": None,
        "free": None,
        "db": ["db", "outside"],
    }
    assert document["services"]["isolated"]["network_mode"] == "none"
    assert "networks" not in export(WEB % "calls: [db]" + f"\nstores: {{db: {DB}}}").document


def test_imported_calls_become_the_networks_that_they_came_from() -> None:
    service = "{image: a, port: 80, scale: 1, linkVariables: false, calls: [%s]}"
    calls = {"front": "web", "web": "front, back", "back": "web, data", "data": "back"}
    text = "services:\n" + "".join(f"  {name}: {service % names}\n" for name, names in calls.items())
    networks = {name: definition["networks"] for name, definition in export(text).document["services"].items()}
    assert networks == {
        "front": ["front-web"],
        "web": ["back-web", "front-web"],
        "back": ["back-data", "back-web"],
        "data": ["back-data"],
    }


def test_each_container_of_a_service_has_a_host_port() -> None:
    text = """
services:
  web: {image: a, port: 80, publish: true, scale: 3}
  api:
    {image: a, port: 82, protocol: tcp, publish: true, ports: {x: {port: 90, protocol: udp, publish: true}}, scale: 1}
"""
    services = export(text).document["services"]
    assert services["web"]["ports"] == [{"target": 80, "published": "80-82"}]
    assert services["web"]["deploy"]["replicas"] == 3
    assert services["api"]["ports"] == [
        {"target": 82, "published": "83", "app_protocol": "tcp"},
        {"target": 90, "published": "90", "protocol": "udp"},
    ]
    assert list_losses(text) == ["services.web.publish: approximated"]


def test_phases_become_depends_on() -> None:
    text = """
services: {web: {image: a, port: 80, dependsOn: [api]}, api: {image: a, port: 81}}
stores: {db: %s}
jobs:
  migrate: {image: a}
  tell: {image: a, run: after-rollout}
  audit: {image: a, run: on-demand}
"""
    services = export(text % DB).document["services"]
    dependencies = {
        name: {other: target["condition"].removeprefix("service_") for other, target in targets.items()}
        for name, targets in ((name, service.get("depends_on", {})) for name, service in services.items())
    }
    assert dependencies == {
        "web": {"migrate": "completed_successfully", "api": "healthy"},
        "api": {"migrate": "completed_successfully"},
        "db": {},
        "migrate": {"db": "healthy"},
        "tell": {"web": "healthy", "api": "healthy"},
        "audit": {"db": "healthy"},
    }
    assert (services["migrate"]["restart"], services["audit"]["profiles"]) == ("on-failure:1", ["manual"])


def test_containers_of_a_pod_become_services(wording: object) -> None:
    text = """
services:
  web:
    image: a
    port: 80
    scale: 2
    writable: [/run/web]
    sidecars: {proxy: {image: b, port: 81, writable: [/run/web]}}
    init: {fetch: {command: [fetch]}, unpack: {command: [unpack]}}
  web-proxy: {image: c, scale: 1}
stores: {db: %s}
"""
    services = export(text % DB).document["services"]
    assert {name: list(service.get("depends_on", {})) for name, service in services.items()} == {
        "db": [],
        "web": ["web-unpack"],
        "web-volumes": [],
        "web-proxy-2": ["web-volumes"],
        "web-fetch": ["db", "web-volumes"],
        "web-unpack": ["web-fetch"],
        "web-proxy": ["db"],
    }
    names = ["db", "web", "web-volumes", "web-proxy-2", "web-fetch", "web-unpack", "web-proxy"]
    assert list(services) == names
    assert services["web-proxy-2"]["network_mode"] == "service:web"
    assert services["web-proxy-2"]["healthcheck"]["test"][3] == ":0051 0*:0000 0A"
    assert services["web-volumes"] == {
        "image": "a",
        "entrypoint": ["chown", "10001:10001", "/run/web"],
        "network_mode": "none",
        "restart": "no",
        "volumes": ["web-run-web:/run/web"],
        "user": "0:0",
        "x-seaway": {"made": "web"},
    }
    assert list_losses(text % DB, "services.web") == [
        "services.web.scale: approximated",
        "services.web.writable.0: approximated",
        "services.web.sidecars.proxy: approximated",
        "services.web.sidecars.proxy.writable.0: approximated",
        "services.web.init.fetch: approximated",
        "services.web.init.unpack: approximated",
    ]
    assert format_losses(text % DB) == wording


def test_a_shared_disk_is_writable_for_all_users() -> None:
    shares = "{/srv/media: cms, /srv/old: {store: cms, volume: old, readOnly: true}}"
    text = f"""
services: {{web: {{image: a, user: 7, scale: 1, sharedVolumes: {shares}}}}}
stores: {{cms: {{image: b, volume: {{path: /media, size: 1Gi}}, volumes: {{old: {{path: /old, size: 1Gi}}}}}}}}
"""
    services = export(text).document["services"]
    assert services["web"]["volumes"] == ["cms-data:/srv/media", "cms-old:/srv/old:ro"]
    assert services["cms-volumes"]["entrypoint"] == ["chmod", "1777", "/media", "/old"]
    same_user = export(text.replace("user: 7, ", "")).document["services"]
    assert same_user["cms-volumes"]["entrypoint"] == ["chown", "10001:10001", "/media", "/old"]


LOSSES: tuple[tuple[str, str, list[str]], ...] = (
    ("services", "secrets: [KEY]", ["secrets.0: approximated"]),
    ("services", "secrets: {KEY: {generate: 32}}", ["secrets.KEY: approximated"]),
    ("services", "secrets: {KEY: {env: true}}", ["secrets.KEY: approximated"]),
    ("services", "secrets: {KEY: {existing: box, key: it}}", ["secrets.KEY: approximated"]),
    ("services", "files: {/a: {content: b}}", ["files./a: approximated"]),
    ("services", "files: {/a: ./b}", []),
    ("services", "resources: {cpu: 50m}", ["resources.cpu: approximated"]),
    ("services", "resources: {disk: 512Mi}", ["resources.disk: dropped"]),
    ("services", "resources: {cpuLimit: 1500m, memory: 1Gi, gpu: 2}", []),
    ("services", "resources: {gpu: {resource: example.com/gpu}}", ["resources.gpu: dropped"]),
    ("services", "resources: {tpu: {count: 4, accelerator: a, topology: 2x2}}", ["resources.tpu: dropped"]),
    ("services", "daemonSet: true", ["daemonSet: approximated"]),
    ("services", "scale: {min: 2, max: 4, cpu: 80%}", ["scale: approximated"]),
    ("services", "preStopDelay: 9", ["preStopDelay: dropped"]),
    ("services", "spread: require", ["spread: dropped"]),
    ("services", "priorityClass: high", ["priorityClass: dropped"]),
    ("services", "tolerations: ['a=b:NoSchedule']", ["tolerations: dropped"]),
    ("services", "nodeSelector: {kubernetes.io/arch: arm64, disk: ssd}", ["nodeSelector.disk: dropped"]),
    ("services", "kubernetesApi: {pods: [get]}", ["kubernetesApi: dropped"]),
    ("services", "egress: [10.0.0.0/8]", ["egress: approximated"]),
    ("services", "egress: [internet]", ["egress: approximated"]),
    ("services", "publish: true, egress: []", ["egress: approximated"]),
    ("services", "spread: prefer, daemonSet: false, nodeSelector: {}, raw: {}", []),
    ("services", "writable: [/a, /tmp]", ["writable.0: approximated", "writable.1: approximated"]),
    ("services", "security: baseline, user: null, writable: [/]", []),
    ("services", "raw: {Service: {spec: {a: 1}}}", ["raw.Service.spec.a: dropped"]),
    (
        "stores",
        "port: 1, volume: {path: /a, size: 1Gi, storageClass: fast}, retain: false",
        ["volume.size: approximated", "volume.storageClass: dropped", "retain: approximated"],
    ),
    (
        "jobs",
        "schedule: '@daily', timeZone: Etc/UTC, historyLimit: 2, timeout: 9",
        ["schedule: dropped", "timeZone: dropped", "historyLimit: dropped", "timeout: dropped"],
    ),
    ("jobs", "timeout: 600, backoffLimit: 1", ["timeout: dropped"]),
    ("jobs", "run: on-demand", ["run: approximated"]),
    ("jobs", "sidecars: {proxy: {image: b}}", ["sidecars.proxy: approximated"]),
)
"""Fields of a workload, and what is lost of them."""


def test_losses_are_reported(wording: object) -> None:
    messages: list[str] = []
    for kind, fields, expected in LOSSES:
        service = f"port: 80, {'' if 'scale' in fields else 'scale: 1, '}" if kind == "services" else ""
        text = f"{kind}: {{one: {{image: a, {service}{fields}}}}}"
        assert list_losses(text) == [f"{kind}.one.{loss}" for loss in expected]
        messages += format_losses(text)
    assert messages == wording


def test_losses_that_a_job_inherits_are_reported_once() -> None:
    text = WEB % "writable: [/a], secrets: [KEY]" + "\njobs: {tell: {uses: web, command: [tell], writable: [/b]}}"
    assert [loss.partition(": ")[0] for loss in list_losses(text)] == [
        "services.web.writable.0",
        "services.web.secrets.0",
        "jobs.tell.writable.0",
    ]


def test_raw_fields_of_an_import_are_exported_again() -> None:
    service = {
        "image": "a",
        "hostname": "web-1",
        "tty": True,
        "stdin_open": True,
        "init": True,
        "post_start": [{"command": ["warm", "up"]}],
        "shm_size": "64m",
        "annotations": {"a.b/c": "d"},
        "extra_hosts": ["db=192.0.2.7"],
        "dns": ["192.0.2.53"],
        "dns_search": ["example.com"],
        "dns_opt": ["ndots:2"],
        "group_add": ["44"],
        "sysctls": {"net.ipv4.tcp_syncookies": "1"},
        "user": "0:0",
    }
    root = nodes.from_plain({"name": "shop", "services": {"web": service}}, "compose.yaml")
    assert isinstance(root, nodes.MappingNode)
    source = convert.convert_document(root, folder=environment.ROOT).app
    app = resolve.resolve_application(decode.decode_node(application.Application, source))
    result = exporter.export_application(app, source)
    exported = result.document["services"]["web"]
    assert {key: exported.get(key) for key in service} == service
    assert [outcome.path for outcome in result.outcomes if outcome.kind == "dropped"] == []


def test_every_key_of_the_model_is_exported() -> None:
    """A new key must be exported, or added to these lists after a decision."""
    workloads = (application.Service, application.Store, application.Job, application.ExtraContainer)
    keys = {decode.to_camel_case(field.name) for cls in workloads for field in dataclasses.fields(cls)} - {"name"}
    assert keys == losses.KEPT_KEYS | {
        *("egress", "kubernetesApi", "nodeSelector", "tolerations", "priorityClass", "raw", "daemonSet", "spread"),
        *(
            "preStopDelay",
            "slo",
            "retain",
            "schedule",
            "timeZone",
            "startingDeadline",
            "concurrencyPolicy",
            "historyLimit",
        ),
        *("backoffLimit", "timeout"),
    }
    build = {decode.to_camel_case(field.name) for field in dataclasses.fields(application.Build)}
    assert build == {*BUILD, "context", "dockerfile", "target", "args"}


def write_and_load(result: exporter.ExportResult, folder: Path) -> nodes.MappingNode:
    """The document as the loader reads it, with the schema of the specification."""
    file = folder / "compose.seaway.yaml"
    file.write_text(result.to_yaml(["Written by a test."]))
    values = dict.fromkeys(("LICENCE", "PGPASSWORD", "POSTGRES_PASSWORD"), "of-the-shell")
    return loader.load([file], within=roots.Root(folder), profiles=["*"], environment=values).root


def merge_app(source: nodes.Node, folder: Path) -> load.MergedApplication:
    return load.merge_overlay(source, None, working_tree.WorkingTree(folder=folder, root=roots.Root(folder)))


def import_and_export(root: nodes.MappingNode, folder: Path) -> exporter.ExportResult:
    source = convert.convert_document(root, folder=folder).app
    merged = merge_app(source, folder)
    assert [str(diagnostic) for diagnostic in merged.diagnostics] == []
    assert merged.app
    return exporter.export_application(resolve.resolve_application(merged.app), source)


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_examples_are_exported_and_imported(folder: Path, tmp_path: Path) -> None:
    file, copy = folder / "app.yaml", tmp_path / "it"
    result = exporter.export_application(load.load_application(file), yaml_parser.parse(file.read_bytes(), "app.yaml"))
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("__pycache__"))
    root = write_and_load(result, copy)
    assert nodes.to_plain(root)["name"] == result.document["name"]
    if "sidecars" not in file.read_text():  # an import makes services of them
        first = import_and_export(root, copy)
        assert import_and_export(write_and_load(first, copy), copy).document == first.document


@pytest.mark.parametrize("folder", sorted(projects.CORPUS.iterdir()), ids=lambda folder: folder.name)
def test_export_of_an_import_is_stable(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    files = [path for name in ("docker-compose.yml", "docker-compose.override.yml") if (path := copy / name).exists()]
    root = loader.load(files, within=roots.Root(copy), environment=projects.ENVIRONMENT, profiles=["*"]).root
    conversion = convert.convert_document(root, folder=copy)
    if merge_app(conversion.app, copy).diagnostics:
        assert report.list_refusals(conversion.outcomes)
        return
    first = import_and_export(root, copy)
    assert import_and_export(write_and_load(first, copy), copy).document == first.document


NAMES = st.sampled_from(["web", "api", "db", "my_job", "one"])
PORT = st.integers(1, 65535).map(str)
SERVICE = st.fixed_dictionaries(
    {"image": st.sampled_from(["nginx:1", "postgres:17", "a/b", "python:3-alpine"])},
    optional={
        "command": st.lists(st.text("ab $'\"\n", min_size=1), min_size=1, max_size=2),
        "environment": st.dictionaries(st.sampled_from(["A", "B", "C_D"]), st.text("$(){}AB x'\""), max_size=2),
        "ports": st.lists(st.builds("{}:{}".format, PORT, PORT), max_size=2, unique=True),
        "restart": st.sampled_from(["no", "always", "on-failure"]),
        "tmpfs": st.just(["/run/it"]),
        "user": st.sampled_from(["1000", "1000:2000", "root"]),
        "volumes": st.lists(st.sampled_from(["data:/data", "other:/other/it", "/cache"]), max_size=2, unique=True),
        "deploy": st.fixed_dictionaries({"replicas": st.integers(0, 3)}),
        "networks": st.lists(st.sampled_from(["front", "back"]), max_size=2, unique=True),
    },
)


@hypothesis.settings(max_examples=15, deadline=None, derandomize=True)
@hypothesis.given(services=st.dictionaries(NAMES, SERVICE, min_size=1, max_size=3))
def test_export_of_any_import_is_stable(services: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("any", numbered=True)
    document = {
        "services": {name: exporter.escape(service) for name, service in services.items()},
        "volumes": {"data": None, "other": None},
        "networks": {"front": None, "back": {"internal": True}},
    }
    result = exporter.ExportResult(document=document, outcomes=())
    first = import_and_export(write_and_load(result, folder), folder)
    second = import_and_export(write_and_load(first, folder), folder)
    assert import_and_export(write_and_load(second, folder), folder).document == second.document
