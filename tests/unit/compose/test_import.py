"""A compose document is converted to an application, with the outcome of each of its keys."""

import ast
import shlex
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import yaml
from hypothesis import strategies

from seaway.compose import project, report
from seaway.compose.importer import convert, write
from seaway.files import roots
from seaway.manifests import preview
from seaway.model import application, settings
from seaway.project import environments, load, python_nodes
from seaway.syntax import decode, nodes, yaml_parser
from tests import golden

PORT = {"mode": "ingress", "target": "80", "protocol": "tcp"}
NGINX = {"image": "nginx:1"}
FOLDER = golden.ROOT / "tests" / "compose" / "corpus" / "guestbook" / "web"


def to_mapping(document: Any) -> nodes.MappingNode:
    root = nodes.from_plain(document, "compose.yaml")
    assert isinstance(root, nodes.MappingNode)
    return root


def convert_services(services: Any, *, folder: Path = FOLDER, **rest: Any) -> convert.Conversion:
    return convert.convert_document(to_mapping({"name": "shop", "services": services, **rest}), folder=folder)


def load_app(services: Any, **rest: Any) -> application.Application:
    """The decoded application, which passes all rules."""
    root = convert_services(services, **rest).app
    loaded = load.merge_overlay(root, None, None)
    assert [str(diagnostic) for diagnostic in loaded.diagnostics] == []
    assert loaded.app
    return loaded.app


def get_fields(services: Any, name: str = "web", **rest: Any) -> Any:
    """The fields of one service in app.yaml."""
    app = nodes.to_plain(convert_services(services, **rest).app)
    return next(app[kind][name] for kind in ("services", "stores", "jobs") if name in app.get(kind, {}))


def get_outcomes(services: Any, path: str, **rest: Any) -> list[report.KeyOutcome]:
    return [outcome for outcome in convert_services(services, **rest).outcomes if outcome.path == path]


def get_kinds(services: Any, path: str, **rest: Any) -> list[str]:
    return [outcome.kind for outcome in get_outcomes(services, path, **rest)]


def format_outcome(outcome: report.KeyOutcome) -> str:
    return f"{outcome.path}: {outcome.kind}: {'; '.join(filter(None, (outcome.message, outcome.hint)))}"


def test_a_second_outcome_of_a_key_is_a_defect() -> None:
    conversion = report.ConversionReport()
    location = to_mapping({}).location
    for kind in ("kept", "dropped"):
        conversion.record(report.KeyOutcome(location=location, path="services.web.tty", kind=kind))
    assert [outcome.kind for outcome in conversion.list_outcomes()] == ["kept"]
    assert conversion.repeated_paths == ["services.web.tty"]


def test_an_unknown_key_is_dropped() -> None:
    services = {"web": {**NGINX, "odd": {"a": [1, {"b": 2}]}}}
    assert get_kinds(services, "services.web.odd.a.1.b") == ["dropped"]


def test_the_keys_of_a_service_with_dots_in_its_name_have_outcomes() -> None:
    services = {"back.end": {**NGINX, "odd": 1, "runtime": "runc"}}
    assert get_kinds(services, "services.back.end.odd") == ["dropped"]
    assert get_kinds(services, "services.back.end.runtime") == ["dropped"]


SHOP = {
    "web": {
        "build": {"context": ".", "dockerfile": "Dockerfile"},
        "ports": [PORT | {"published": "8080"}, PORT | {"target": "9090"}],
        "depends_on": {"api_server": {"condition": "service_healthy", "required": True}},
        "environment": {"API": "http://api_server:8000/v1", "NAME": "api_server", "PRICE": "$(x) $$5"},
    },
    "api_server": {
        "image": "example.com/api:1",
        "command": ["serve"],
        "depends_on": {
            "db": {"condition": "service_started", "required": True},
            "migrate": {"condition": "service_completed_successfully", "required": True},
        },
    },
    "migrate": {"image": "example.com/api:1", "command": ["migrate"]},
    "db": {
        "image": "postgres:17",
        "secrets": [{"source": "pw", "target": "db_pw"}],
        "environment": {"POSTGRES_PASSWORD_FILE": "/run/secrets/db_pw"},
        "volumes": [{"type": "volume", "source": "data", "target": "/var/lib/postgresql/data", "volume": {}}],
    },
}
REST = {"volumes": {"data": None}, "secrets": {"pw": {"file": "./pw.txt"}}}


def test_a_shop_is_converted() -> None:
    """Names, links, order, disks, secrets and jobs together."""
    app = load_app(SHOP, **REST)
    web, api = app.services
    names = [workload.name for workload in (*app.services, *app.stores, *app.jobs)]
    assert names == ["web", "api-server", "db", "migrate"]
    assert (web.port, web.publish, web.depends_on, web.scale.min) == (80, True, ("api-server",), 1)
    assert web.ports == (application.Port("tcp-9090", port=9090, protocol="http", publish=True),)
    assert web.calls == ("api-server", "db")
    assert web.env == {"API": "http://api-server:8000/v1", "NAME": "api_server", "PRICE": "$$(x) $$5"}
    assert (api.port, api.args) == (8000, ("serve",))
    assert app.stores[0].volume == application.Volume(path="/var/lib/postgresql/data", size="1Gi")
    assert app.stores[0].secrets == (application.Secret("pw"),)
    assert app.stores[0].env == {"POSTGRES_PASSWORD_FILE": "/run/secrets/pw"}
    assert app.jobs[0].args == ("migrate",)
    assert convert_services(SHOP, **REST) == convert_services(SHOP, **REST)
    assert get_kinds(SHOP, "services.api_server.depends_on.db.condition", **REST) == ["kept"]


def test_fields_keep_their_locations() -> None:
    text = "name: shop\nservices:\n  web:\n    image: nginx\n    expose: [70000]\n    user: '5'\n"
    root = yaml_parser.parse(text, "compose.yaml")
    assert isinstance(root, nodes.MappingNode)
    locations = decode.decode_partial(
        application.Application, convert.convert_document(root, folder=FOLDER).app
    ).locations
    assert str(locations.find("services.web.image")) == "compose.yaml:4:5"
    assert str(locations.find("services.web.user")) == "compose.yaml:6:5"


def bind(source: str, target: str, **more: Any) -> dict[str, Any]:
    return {"type": "bind", "source": source, "target": target, **more}


SOCKET = bind("/var/run/docker.sock", "/var/run/docker.sock")


def test_keys_are_refused(wording: object) -> None:
    messages: list[str] = []
    for path, keys in {
        "privileged": {"privileged": True},
        "network_mode": {"network_mode": "host"},
        "pid": {"pid": "host"},
        "devices": {"devices": [{"source": "/dev/x"}]},
        "volumes.0": {"volumes": [SOCKET]},
        "build.context": {"build": {"context": "https://example.com/x.git"}},
    }.items():
        services = {"web": keys if "build" in keys else NGINX | keys}
        (outcome,) = get_outcomes(services, f"services.web.{path}")
        assert outcome.kind == "refused"
        (refusal,) = report.list_refusals([outcome])
        assert (refusal.path, refusal.code) == (f"services.web.{path}", "refused-key")
        messages.append(format_outcome(outcome))
    folder = {"web": NGINX | {"volumes": [bind("/srv/data", "/data")]}}
    assert get_kinds(folder, "services.web.volumes.0") == ["refused"]
    assert messages == wording


def test_a_waiver_drops_a_refused_key(wording: object) -> None:
    waivers = {"waive": {"privileged": "not needed", "pid": "?"}}
    outcomes = convert_services({"web": {**NGINX, "privileged": True, "x-seaway": waivers}}).outcomes
    own = [outcome for outcome in outcomes if "privileged" in outcome.path or "waive" in outcome.path]
    assert [(outcome.path, outcome.kind) for outcome in own] == [
        ("services.web.privileged", "dropped"),
        ("services.web.x-seaway.waive.privileged", "kept"),
        ("services.web.x-seaway.waive.pid", "dropped"),
    ]
    assert [format_outcome(outcome) for outcome in own] == wording


def deploy(**keys: Any) -> dict[str, Any]:
    return {"deploy": keys}


KEYS: tuple[tuple[dict[str, Any], str, str, dict[str, Any]], ...] = (
    ({"user": "0"}, "user", "approximated", {"security": "baseline", "writable": ["/"]}),
    ({"user": "1000:1000"}, "user", "kept", {"user": 1000}),
    ({"user": "1000:7"}, "user", "kept", {"user": 1000}),
    ({"user": "node"}, "user", "approximated", {"user": 1000}),
    ({"user": "jane"}, "user", "approximated", {"user": None, "security": "baseline"}),
    ({"cap_add": ["CHOWN"]}, "cap_add.0", "approximated", {"security": "baseline"}),
    ({"cap_add": ["SYS_ADMIN"]}, "cap_add.0", "dropped", {}),
    ({"cap_add": ["NET_BIND_SERVICE"]}, "cap_add.0", "kept", {}),
    ({"security_opt": ["seccomp:unconfined"]}, "security_opt.0", "dropped", {}),
    ({"security_opt": ["seccomp:profile.json"]}, "security_opt.0", "dropped", {}),
    ({"read_only": True}, "read_only", "kept", {}),
    ({"links": ["other:x"]}, "links.0", "dropped", {}),
    ({"depends_on": {"other": {"condition": "service_started"}}}, "depends_on.other", "dropped", {}),
    ({"dns": ["ns.example.com"]}, "dns.0", "dropped", {"egress": None}),
    ({"network_mode": "none", "dns": ["1.1.1.1"]}, "dns.0", "approximated", {"egress": []}),
    (deploy(placement={"constraints": ["disk is fast"]}), "deploy.placement.constraints.0", "dropped", {}),
    (
        deploy(resources={"reservations": {"devices": [{"capabilities": ["tpu"]}]}}),
        "deploy.resources.reservations.devices.0",
        "refused",
        {},
    ),
    ({"tmpfs": ["/run:size=64m"]}, "tmpfs.0", "approximated", {"writable": ["/run"]}),
    (deploy(replicas=3), "deploy.replicas", "kept", {"scale": 3}),
    (deploy(replicas=0), "deploy.replicas", "kept", {"scale": 0}),
    (deploy(mode="global"), "deploy.mode", "kept", {"daemonSet": True}),
    (
        deploy(resources={"limits": {"cpus": "0.5", "memory": "512M"}}),
        "deploy.resources.limits.memory",
        "kept",
        {"resources": {"memory": "512Mi", "cpuLimit": "500m"}},
    ),
    (
        {"mem_limit": "1g", "cpus": "0.05"},
        "mem_limit",
        "kept",
        {"resources": {"memory": "1Gi", "cpuLimit": "50m", "cpu": "50m"}},
    ),
    ({"stop_grace_period": "1m30s"}, "stop_grace_period", "kept", {"stopGracePeriod": 90}),
    ({"entrypoint": ["/e"], "command": ["a", "$$"]}, "command", "kept", {"command": ["/e"], "args": ["a", "$$"]}),
    ({"command": ["$$(A) $(B) $$$(C) $D"]}, "command", "kept", {"args": ["$$$$(A) $$(B) $$$$$$(C) $D"]}),
    ({"entrypoint": [], "command": ["a"]}, "command", "kept", {"command": ["a"]}),
    (
        {"healthcheck": {"test": ["CMD-SHELL", "x $(A) || exit 1"], "start_period": "2m"}},
        "healthcheck.test",
        "kept",
        {
            "health": {
                "readiness": ["/bin/sh", "-c", "x $$(A) || exit 1"],
                "interval": 5,
                "timeout": 30,
                "retries": 18,
                "startPeriod": 300,
            }
        },
    ),
    ({"healthcheck": {"test": ["CMD", "x"], "interval": "9s"}}, "healthcheck.interval", "kept", {}),
    (
        {"healthcheck": {"test": ["CMD", "x"], "interval": "2s", "timeout": "4s", "retries": "6"}},
        "healthcheck.retries",
        "kept",
        {"health": {"readiness": ["x"], "interval": 2, "timeout": 4, "retries": 6, "startPeriod": 300}},
    ),
    ({"ports": [PORT | {"published": "8080"}]}, "ports.0.published", "approximated", {"port": 80, "publish": True}),
    ({"ports": [PORT]}, "ports.0.target", "kept", {"port": 80, "publish": True}),
    (
        {"ports": [PORT | {"published": "8080", "host_ip": "127.0.0.1"}]},
        "ports.0.published",
        "approximated",
        {"port": 80, "publish": None},
    ),
    ({"network_mode": "none"}, "network_mode", "kept", {"egress": []}),
    ({"platform": "linux/arm64"}, "platform", "kept", {"nodeSelector": {"kubernetes.io/arch": "arm64"}}),
    (
        {"labels": {"kompose.service.expose": "a.example.com"}},
        "labels.kompose.service.expose",
        "approximated",
        {"publish": True},
    ),
    (
        {"labels": {"kompose.hpa.replicas.max": "5", "kompose.hpa.cpu": "60"}},
        "labels.kompose.hpa.cpu",
        "kept",
        {"scale": {"min": 1, "max": 5, "cpu": "60%"}},
    ),
    ({"init": True}, "init", "kept", {}),
    ({"environment": {"A": None}}, "environment.A", "kept", {}),
    (
        {"secrets": [{"source": "A"}], "environment": {"A_FILE": "/else"}},
        "environment.A_FILE",
        "dropped",
        {"env": None},
    ),
    (
        {"volumes": [bind("./page.py", "/etc/n.conf", read_only=True)]},
        "volumes.0",
        "kept",
        {"files": {"/etc/n.conf": "./page.py"}},
    ),
    ({"volumes": [{"type": "volume", "target": "/cache"}]}, "volumes.0", "approximated", {"writable": ["/cache"]}),
    ({"volumes": [bind("/etc/localtime", "/etc/localtime")]}, "volumes.0", "dropped", {}),
    (
        {"gpus": [{"count": "2"}]},
        "gpus.0.count",
        "kept",
        {"resources": {"memory": "256Mi", "memoryLimit": "8Gi", "gpu": 2}},
    ),
    (
        {"gpus": [{"driver": "amd", "count": "1"}, {"driver": "amd"}]},
        "gpus.1.driver",
        "kept",
        {"resources": {"memory": "256Mi", "memoryLimit": "8Gi", "gpu": {"count": 2, "resource": "amd.com/gpu"}}},
    ),
    (
        deploy(resources={"reservations": {"devices": [{"capabilities": ["nvidia-x"], "count": "2"}]}}),
        "deploy.resources.reservations.devices.0.count",
        "kept",
        {"resources": {"memory": "256Mi", "memoryLimit": "8Gi", "gpu": 2}},
    ),
)
"""Keys of a service, the path of a key, its kind, and fields of the service."""


def test_keys_of_a_service(wording: object) -> None:
    messages: list[str] = []
    for keys, path, kind, fields in KEYS:
        services = {"web": NGINX | keys}
        if "bind" not in str(keys) and "secrets" not in keys:
            load_app(services)
        (outcome,) = get_outcomes(services, f"services.web.{path}")
        assert outcome.kind == kind, path
        converted = get_fields(services)
        assert {field: converted.get(field) for field in fields} == fields
        messages.append(format_outcome(outcome))
    assert messages == wording


def test_root_is_set_in_raw() -> None:
    pod = get_fields({"web": NGINX | {"user": "root"}})["raw"]["Deployment"]["spec"]["template"]["spec"]
    assert pod == {"securityContext": {"runAsUser": 0, "runAsGroup": 0, "fsGroup": 0}}


def test_unknown_images_run_like_with_docker(wording: object) -> None:
    """A known image, or a known base image, runs with fewer rights."""
    fields = get_fields({"web": {"image": "wordpress:6"}})
    assert (fields["security"], fields["user"], fields["writable"]) == ("baseline", None, ["/"])
    notes = get_outcomes({"web": {"image": "wordpress:6"}}, "services.web")
    assert [format_outcome(note) for note in notes] == wording
    unknown = {"image": "example.com/a:1"}
    assert get_fields({"web": unknown})["user"] is None
    assert "writable" not in get_fields({"web": unknown | {"read_only": True}})
    assert get_fields({"web": unknown | {"user": "5"}}).get("security") is None

    def build(text: str) -> Any:
        return get_fields({"web": {"build": {"context": ".", "dockerfile_inline": text}}})

    assert build("FROM nginx:1-alpine\nCOPY . /usr/share/nginx/html\n")["user"] == 101
    assert build("FROM python:3 AS x\nUSER 7\nFROM x\n")["user"] == 7
    assert build("FROM python:3\nUSER somebody\n")["user"] is None
    assert build("FROM python:3\n")["security"] == "baseline"


@pytest.mark.parametrize(
    ("keys", "memory", "limit"),
    [
        ({"image": "confluentinc/cp-kafka:7"}, "1Gi", "4Gi"),
        ({"image": "example.com/shop:1"}, "256Mi", "8Gi"),
        # A variable may be shared by services: it reserves nothing.
        ({"image": "example.com/shop:1", "environment": {"JAVA_OPTS": "-Xms64m -Xmx6144m"}}, "256Mi", "12Gi"),
        ({"image": "mysql:8.4", "command": ["--innodb-buffer-pool-size=5G"]}, "5Gi", "10Gi"),
        ({"image": "memcached:1.6", "command": ["memcached", "-m", "5000"]}, "5000Mi", "10000Mi"),
        ({"image": "redis:7", "command": ["redis-server", "--maxmemory", "2gb"]}, "2Gi", "8Gi"),
        ({"image": "a:1", "mem_limit": "1g", "mem_reservation": "512m"}, "512Mi", "1Gi"),
        ({"image": "a:1", "mem_reservation": "5g"}, "5Gi", "10Gi"),
    ],
)
def test_memory_depends_on_the_program(keys: Any, memory: str, limit: str) -> None:
    resources = get_fields({"web": keys})["resources"]
    assert (resources["memory"], resources["memoryLimit"]) == (memory, limit)


def test_networks_separate_services() -> None:
    services = {
        "front": NGINX | {"networks": {"a": None}},
        "middle": NGINX | {"networks": {"a": None, "b": None}},
        "back": NGINX | {"networks": {"b": None}},
    }
    networks = {"a": {}, "b": {"internal": True}}
    assert get_fields(services, "front", networks=networks)["calls"] == ["middle"]
    assert get_fields(services, "middle", networks=networks)["calls"] == ["back", "front"]
    assert get_fields(services, "back", networks=networks)["egress"] == []


def make_disk(source: str, target: str = "/srv", **more: Any) -> dict[str, Any]:
    return {"type": "volume", "source": source, "target": target, **more}


def test_a_disk_belongs_to_one_store(wording: object) -> None:
    services = {
        "web": NGINX | {"volumes": [make_disk("files", read_only=True)]},
        "cms": {"image": "example.com/cms:1", "expose": ["9000"], "volumes": [make_disk("files")]},
        "batch": {"image": "example.com/batch:1", "volumes": [make_disk("own")]},
        "other": NGINX | {"restart": "no", "command": ["ls"], "volumes_from": ["cms:ro", "container:x"]},
    }
    assert get_fields(services, "cms")["volume"] == {"path": "/srv", "size": "1Gi"}
    share = {"/srv": {"store": "cms", "readOnly": True}}
    assert get_fields(services)["sharedVolumes"] == share
    assert get_fields(services, "other")["sharedVolumes"] == share
    batch = get_fields(services, "batch")
    assert (batch["volume"], batch["allPorts"]) == ({"path": "/srv", "size": "1Gi"}, True)
    services["batch"]["restart"] = "no"
    outcomes = [
        outcome for outcome in convert_services(services).outcomes if outcome.path.endswith((".volumes.0", "_from.1"))
    ]
    assert [outcome.kind for outcome in outcomes] == ["added", "added", "dropped", "dropped"]
    assert [format_outcome(outcome) for outcome in outcomes] == wording


def test_a_socket_that_volumes_from_inherits_is_refused() -> None:
    services = {"cms": NGINX | {"volumes": [make_disk("files"), SOCKET]}, "web": NGINX | {"volumes_from": ["cms"]}}
    assert get_kinds(services, "services.web.volumes_from.0") == ["refused"]


def test_stores_do_not_wait_for_each_other() -> None:
    services = {
        "one": NGINX | {"volumes": [make_disk("a", "/a"), make_disk("b", "/b", read_only=True)]},
        "two": NGINX | {"volumes": [make_disk("a", "/a", read_only=True), make_disk("b", "/b")]},
    }
    app = load_app(services)
    store, service = app.stores[0], app.services[0]
    assert (store.volume and store.volume.path, list(store.volumes)) == ("/a", ["b"])
    assert [share.volume for share in service.shared_volumes] == [None, "b"]


def test_a_volume_of_the_image_is_a_disk() -> None:
    volume = {"path": "/var/lib/postgresql", "size": "1Gi"}
    assert get_fields({"db": {"image": "postgres:18-alpine"}}, "db")["volume"] == volume
    for keys in ({}, {"user": "999"}):
        services = {"db": {"image": "postgres:17", "volumes": [make_disk("data", "/var/lib/postgresql")], **keys}}
        assert get_fields(services, "db").get("writable") is None


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"restart": "no"}, {}),
        ({"restart": "on-failure:3"}, {"backoffLimit": 3}),
        (deploy(mode="replicated-job"), {}),
        ({"labels": {"kompose.cronjob.schedule": "0 3 * * *"}}, {"schedule": "0 3 * * *"}),
    ],
)
def test_services_that_end_are_jobs(keys: Any, expected: Any) -> None:
    services = {"seed": {"image": "example.com/seed:1", "command": ["seed"], **keys}}
    assert [job.name for job in load_app(services).jobs] == ["seed"]
    fields = get_fields(services, "seed")
    assert {field: fields.get(field) for field in expected} == expected


def test_a_job_that_depends_on_a_service_runs_after_it() -> None:
    dependency = {"web": {"condition": "service_healthy"}}
    services = {"web": NGINX, "smoke": {"image": "example.com/a:1", "restart": "no", "depends_on": dependency}}
    assert get_fields(services, "smoke")["run"] == "after-rollout"
    assert get_kinds(services, "services.smoke.depends_on.web.condition") == ["kept"]


def test_a_worker_in_the_image_of_web_does_not_listen_on_its_port(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM x\nEXPOSE 5000\n")
    build = {"build": {"context": "."}}
    command = {"command": ["python", "x.py"]}
    for web in (build, build | command | {"ports": [PORT | {"target": "5000"}]}):
        worker = get_fields({"web": web, "worker": build | command}, "worker", folder=tmp_path)
        assert (worker.get("port"), worker["allPorts"]) == (None, True)
    # EXPOSE is the port of the image's own command.
    assert get_fields({"web": build | command}, folder=tmp_path)["allPorts"]
    assert get_fields({"web": build, "twin": build}, "twin", folder=tmp_path)["port"] == 5000


def test_the_files_of_a_folder_decide_what_it_is(tmp_path: Path) -> None:
    """Configuration, the source of the image, an empty disk, or data."""
    for name in ("conf/a.conf", "conf/sub/b.conf", "src/x.py", "data/x.bin"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"\xff" if name.endswith("bin") else b"x")
    (tmp_path / "Dockerfile").write_text("FROM x\nEXPOSE 5000\nUSER 2000\nCOPY src /src/\n")
    services: dict[str, Any] = {
        "web": NGINX | {"volumes": [bind("./conf", "/etc/nginx/conf.d")]},
        "api": {"build": {"context": "."}, "volumes": [bind("./src", "/src")]},
        "db": {"image": "mariadb:11", "volumes": [bind("./new", "/var/lib/mysql")]},
        "odd": NGINX | {"volumes": [bind("./data", "/data")]},
    }
    assert get_fields(services, folder=tmp_path)["files"] == {
        "/etc/nginx/conf.d/a.conf": "./conf/a.conf",
        "/etc/nginx/conf.d/sub/b.conf": "./conf/sub/b.conf",
    }
    api = get_fields(services, "api", folder=tmp_path)
    assert (api["port"], api["user"], api.get("files")) == (5000, 2000, None)
    assert get_fields(services, "db", folder=tmp_path)["volume"] == {"path": "/var/lib/mysql", "size": "1Gi"}
    assert get_fields(services, "odd", folder=tmp_path)["volume"] == {"path": "/data", "size": "1Gi"}
    kinds = [get_kinds(services, f"services.{name}.volumes.0", folder=tmp_path) for name in services]
    assert kinds == [["approximated"], ["dropped"], ["approximated"], ["approximated"]]
    services["odd"]["volumes"][0]["read_only"] = True
    assert get_fields(services, "odd", folder=tmp_path)["files"] == {"/data/x.bin": "./data/x.bin"}
    missing = {"web": NGINX | {"build": {"context": "./web"}}}
    assert get_fields(missing, folder=tmp_path)["image"] == "nginx:1"
    assert get_kinds(missing, "services.web.build", folder=tmp_path) == ["approximated"]


@hypothesis.given(
    strategies.lists(strategies.text(), min_size=1),
    strategies.dictionaries(strategies.text(min_size=1), strategies.text()),
)
@hypothesis.example(["a: b", "- c", "x #y", "key:", "1e3", "=", "a\tb"], {"on": "off", "a: b": "c: d", "~": "null"})
def test_every_text_is_read_from_app_yaml_as_it_was(args: list[str], env: dict[str, str]) -> None:
    app = {"name": "shop", "services": {"web": {"args": args, "env": env}}}
    text = write.format_yaml(to_mapping(app), ())
    assert nodes.to_plain(yaml_parser.parse(text.encode(), "app.yaml")) == app
    assert yaml.safe_load(text) == app, "a reader of YAML 1.1"


def test_app_yaml_and_python_program_equal_the_conversion() -> None:
    environment = {"A": "a: b\n", "B": "no", "C": "x\n y\n", "D": " \u2028", "E": "1.10", "F": "👩‍💻", "👩‍💻": "\x07"}
    conversion = convert_services(SHOP | {"odd": NGINX | {"tty": True, "environment": environment}}, **REST)
    expected = decode.decode_node(application.Application, conversion.app)
    text = write.format_yaml(conversion.app, conversion.outcomes, source="compose.yaml")
    assert decode.decode_node(application.Application, yaml_parser.parse(text, "app.yaml")) == expected
    assert "  # renamed to api-server: names are DNS labels\n" in text
    program: dict[str, Any] = {}
    exec(write.format_python(conversion.app, source="compose.yaml"), program)
    node = python_nodes.convert_application(program["application"], Path("app.py"), "app.py")
    assert decode.decode_node(application.Application, node) == expected


def test_the_summary_counts_outcomes() -> None:
    outcomes = convert_services({"web": NGINX | {"runtime": "runc"}}).outcomes
    assert report.summarize(outcomes) == "6 keys: 2 kept, 2 added, 1 approximated, 1 dropped"
    assert report.summarize([]) == "no keys"


def test_published_ports_of_stores_stay_published() -> None:
    web = PORT | {"target": "8086", "published": "80"}
    services = {"cms": {"image": "influxdb:2", "ports": [web, PORT | {"target": "5432", "published": "5432"}]}}
    store = load_app(services).stores[0]
    assert (store.protocol, store.publish) == ("http", True)
    assert store.ports == (application.Port("tcp-5432", port=5432, publish=True),)
    web["host_ip"] = "127.0.0.1"
    assert load_app(services).stores[0].publish is False


def test_every_port_that_others_name_is_open(tmp_path: Path) -> None:
    """A mounted file may name a port, and its host names are changed."""
    (tmp_path / "nginx.conf").write_text("proxy_pass http://my_api:9000;\n")
    services = {
        "web": {
            **NGINX,
            "volumes": [bind("./nginx.conf", "/etc/nginx/nginx.conf"), bind("./gone.conf", "/etc/nginx/gone.conf")],
            "environment": {"API_HOST": "my_api", "API_PORT": "7000"},
        },
        "my_api": {"image": "example.com/api:1", "ports": [PORT | {"target": "9229", "published": "9229"}]},
    }
    api = get_fields(services, "my-api", folder=tmp_path)
    numbers = {name: port["port"] for name, port in api["ports"].items()}
    assert (api["port"], numbers) == (7000, {"tcp-9229": 9229, "tcp-9000": 9000})
    assert "publish" not in api
    content = {"content": "proxy_pass http://my-api:9000;\n"}
    assert get_fields(services, folder=tmp_path)["files"] == {"/etc/nginx/nginx.conf": content}
    assert get_kinds(services, "services.my_api.ports.0.published", folder=tmp_path) == ["approximated"]
    assert get_kinds(services, "services.web.volumes.1", folder=tmp_path) == ["dropped"]


def test_a_range_of_ports_is_expanded() -> None:
    services = {"web": {"image": "example.com/a:1", "expose": ["3000-3002", "1-65535"]}}
    fields = get_fields(services)
    assert [fields["port"], *(port["port"] for port in fields["ports"].values())] == [3000, 3001, 3002]
    assert get_kinds(services, "services.web.expose.0") == ["kept"]
    assert get_kinds(services, "services.web.expose.1") == ["dropped"]


def test_the_version_of_an_image_is_not_a_port(tmp_path: Path) -> None:
    """A mounted folder may hold the compose file, or a Dockerfile."""
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "compose.yml").write_text("db:\n  image: 'db:13'\n")
    (tmp_path / "sources" / "Dockerfile").write_text("FROM --platform=linux/amd64 db:14\n")
    services = {"web": NGINX | {"volumes": [bind("./sources", "/etc/sources")]}, "db": {"image": "postgres:13"}}
    assert get_fields(services, "db", folder=tmp_path)["port"] == 5432


def test_a_port_that_a_service_calls_on_itself_is_open() -> None:
    """Kafka advertises an internal address besides the published one."""
    env = {"KAFKA_ADVERTISED_LISTENERS": "IN://kafka:9092,OUT://localhost:29092"}
    ports = [PORT | {"target": "29092", "published": "29092"}]
    fields = get_fields({"kafka": {"image": "example.com/a:1", "environment": env, "ports": ports}}, "kafka")
    assert (fields["port"], fields["ports"]) == (29092, {"tcp-9092": 9092})


@pytest.mark.parametrize("key", ["content", "file"])
def test_a_config_has_the_new_names(tmp_path: Path, key: str) -> None:
    services = {"web": NGINX | {"configs": [{"source": "c", "target": "/c"}]}, "my_db": NGINX}
    text = "host my_db; proxy http://my_db:80"
    (tmp_path / "c.conf").write_text(text)
    configs = {"c": {key: text if key == "content" else "./c.conf"}}
    kinds = get_kinds(services, "services.web.configs.0.source", configs=configs, folder=tmp_path)
    fields = get_fields(services, "web", configs=configs, folder=tmp_path)
    assert (kinds, fields["files"]["/c"]["content"]) == (["approximated"], "host my-db; proxy http://my-db:80")


def test_the_content_of_a_config_from_a_variable_is_kept() -> None:
    services = {"web": NGINX | {"configs": [{"source": "c"}]}}
    configs = {"c": {"environment": "A", "content": "a=1"}}
    assert get_kinds(services, "configs.c.environment", configs=configs) == ["kept"]


@pytest.mark.parametrize(
    ("fields", "path", "expected"),
    [
        ("command: redis-server --requirepass ${PW}", "args", ["redis-server", "--requirepass", "$(PW)"]),
        ("command: mysql -p${LONG_PW} $$x", "args", ["mysql", "-p$(LONG_PW)", "$x"]),
        (
            "command: [sh, -c, 'mysql -p${LONG_PW}; echo $$(id)']",
            "args",
            ["sh", "-c", "mysql -p$(LONG_PW); echo $$(id)"],
        ),
        ("entrypoint: ['a$$${PW}']", "command", ["a$$$(PW)"]),
        ("environment: {OPTIONS: 'pass=${PW}'}", "env", {"OPTIONS": "pass=$(PW)"}),
        ("environment: {USER: pa-ss, OPTIONS: '${TAG}'}", "env", {"USER": "pa-ss", "OPTIONS": "pa-ss"}),
        ("environment: {OPTIONS: 'pa-ss${NONE_PW:-abcdefgh}'}", "env", {"OPTIONS": "pa-ss$(NONE_PW)"}),
        ("healthcheck: {test: [CMD, cli, '${PW}']}", "health", ["/bin/sh", "-c", 'exec cli "${PW}"']),
        ("healthcheck: {test: 'cli ${PW}'}", "health", ["/bin/sh", "-c", 'cli "${PW}"']),
        ("healthcheck: {test: 'cli \"a ${PW}\"'}", "health", ["/bin/sh", "-c", 'cli "a ${PW}"']),
        ("healthcheck: {test: \"cli 'a ${PW}'\"}", "health", ["/bin/sh", "-c", """cli 'a '"${PW}"''"""]),
        (
            "healthcheck: {test: [CMD, sh, -c, 'cli ${PW}']}",
            "health",
            ["/bin/sh", "-c", """exec sh -c 'cli '"${PW}\""""],
        ),
        ("healthcheck: {test: [CMD, cli]}", "health", ["cli"]),
    ],
)
def test_interpolated_secrets_stay_references(fields: str, path: str, expected: Any, tmp_path: Path) -> None:
    """A text that only equals a secret is no reference."""
    file = tmp_path / "compose.yaml"
    file.write_text(f"name: shop\nservices:\n  web:\n    image: x:1\n    ports: ['80']\n    {fields}\n")
    (tmp_path / ".env").write_text("PW=pa-ss\nLONG_PW=pa-ss-0815\nTAG=pa-ss\n")
    _, conversion = project.convert_files([file], within=roots.Root(tmp_path))
    web: Any = nodes.to_plain(conversion.app)
    web = web["services"]["web"]
    assert (web["health"]["readiness"] if path == "health" else web[path]) == expected
    assert conversion.secret_values.keys() == web.get("secrets", {}).keys()
    assert {*conversion.secret_values.values()} <= {"pa-ss", "pa-ss-0815", "abcdefgh"}


@pytest.mark.parametrize(
    ("fields", "path", "expected"),
    [
        ("command: app --password hunter2", "args", ["app", "--password", "$(WEB_PASSWORD)"]),
        (
            "command: app --private-key a.pem --token-env X",
            "args",
            ["app", "--private-key", "a.pem", "--token-env", "X"],
        ),
        ("command: [app, '--dsn=hunter2@tcp(db)/x']", "args", ["app", "--dsn=$(WEB_DSN)"]),
        ("command: [app, --api-key=hunter2, -v]", "args", ["app", "--api-key=$(WEB_API_KEY)", "-v"]),
        (
            "command: redis-server --requirepass hunter2",
            "args",
            ["redis-server", "--requirepass", "$(WEB_REQUIREPASS)"],
        ),
        (
            "command: app --token hunter2 --password hunter3 --token hunter4",
            "args",
            ["app", "--token", "$(WEB_TOKEN)", "--password", "$(WEB_PASSWORD)", "--token", "$(WEB_TOKEN_2)"],
        ),
        (
            "entrypoint: [sh, -c, 'PGPASSWORD=hunter2 psql']",
            "command",
            ["sh", "-c", "PGPASSWORD=$(WEB_PGPASSWORD) psql"],
        ),
        ("command: app postgres://me:hunter2@db/x", "args", ["app", "postgres://me:$(WEB_PASSWORD)@db/x"]),
        (
            "{environment: {DB_PASSWORD: hunter2}, command: 'app -x --pass hunter2'}",
            "args",
            ["app", "-x", "--pass", "$(DB_PASSWORD)"],
        ),
        (
            "healthcheck: {test: 'mysqladmin ping -u root -phunter2'}",
            "health",
            ["/bin/sh", "-c", 'mysqladmin ping -u root -p"${WEB_PASSWORD}"'],
        ),
        (
            "healthcheck: {test: [CMD, redis-cli, -a, hunter2, ping it]}",
            "health",
            ["/bin/sh", "-c", """exec redis-cli -a "${WEB_PASSWORD}" 'ping it'"""],
        ),
        (
            "post_start: [{command: [curl, -u, 'me:hunter2', 'http://x']}]",
            "hook",
            'exec curl -u me:"${WEB_PASSWORD}" http://x',
        ),
        (
            "command: app --password-file /x --no-password yes -p 80",
            "args",
            ["app", "--password-file", "/x", "--no-password", "yes", "-p", "80"],
        ),
    ],
)
def test_a_secret_in_a_command_becomes_a_secret(fields: str, path: str, expected: Any, tmp_path: Path) -> None:
    service = {"image": "x:1", "ports": ["80"], **yaml.safe_load(fields)}
    file = tmp_path / "compose.yaml"
    file.write_text(yaml.safe_dump({"name": "shop", "services": {"web": service}}))
    _, conversion = project.convert_files([file], within=roots.Root(tmp_path))
    web: Any = nodes.to_plain(conversion.app)
    web = web["services"]["web"]
    if path == "hook":
        (container,) = web["raw"]["Deployment"]["spec"]["template"]["spec"]["containers"]
        assert container["lifecycle"]["postStart"]["exec"]["command"][-1] == expected
    else:
        assert (web["health"]["readiness"] if path == "health" else web[path]) == expected
    assert conversion.secret_values.keys() == web.get("secrets", {}).keys()
    assert "hunter" not in str(web)
    assert "hunter" not in str(conversion.outcomes)


@pytest.mark.parametrize("content", ["[db]\npassword = hunter2\n", "url = pg://me:${PW}@db", "pass: '${PW}'"])
def test_a_config_with_a_secret_is_mounted_from_a_secret(content: str, tmp_path: Path) -> None:
    service = {"image": "x:1", "shm_size": "64m", "configs": [{"source": "app.ini", "target": "/etc/app.ini"}]}
    file = tmp_path / "compose.yaml"
    document = {"name": "shop", "services": {"web": service}, "configs": {"app.ini": {"content": content}}}
    file.write_text(yaml.safe_dump(document))
    (tmp_path / ".env").write_text("PW=hunter2\n")
    _, conversion = project.convert_files([file], within=roots.Root(tmp_path))
    assert conversion.secret_values == {"CONFIG_app_ini": content.replace("${PW}", "hunter2")}
    app = load.load_application(file, root=roots.Root(tmp_path))
    stack_settings = settings.Settings(stack="dev", context="c", registry="registry.example.com")
    rendered = preview.render_objects(environments.Environment.create(app, stack_settings))
    (deployment,) = (one.manifest for one in rendered if one.kind == "Deployment")
    mounts = deployment["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    assert {("secrets", "/etc/app.ini", "CONFIG_app_ini"), ("shm", "/dev/shm", None)} <= {
        (mount["name"], mount["mountPath"], mount.get("subPath")) for mount in mounts
    }
    assert "hunter2" not in str([one.manifest for one in rendered])


def test_a_label_with_a_secret_is_no_annotation() -> None:
    labels = {"example.com/url": "http://me:hunter2@x/", "example.com/team": "a"}
    services = {"web": NGINX | {"labels": labels}}
    assert get_kinds(services, "services.web.labels.example.com/url") == ["dropped"]
    assert "hunter2" not in str(get_fields(services))


def test_secrets_of_two_services_never_have_the_same_name(tmp_path: Path) -> None:
    services = {
        "web": {"image": "x:1", "command": "app --a-token hunter1 --token hunter2"},
        "web-a": {"image": "x:1", "command": "app --token hunter3"},
        "db": {"image": "x:1", "environment": {"WEB_TOKEN": "hunter4"}},
    }
    file = tmp_path / "compose.yaml"
    file.write_text(yaml.safe_dump({"services": services}))
    _, conversion = project.convert_files([file], within=roots.Root(tmp_path))
    assert sorted(conversion.secret_values.values()) == ["hunter1", "hunter2", "hunter3", "hunter4"]


def test_a_secret_in_a_build_argument_is_reported() -> None:
    services = {"web": {"build": {"context": ".", "args": {"NPM_TOKEN": "hunter2", "EDITION": "evening"}}}}
    paths = (f"services.web.build.args.{name}" for name in ("NPM_TOKEN", "EDITION"))
    assert [get_kinds(services, path) for path in paths] == [["approximated"], ["kept"]]


def test_a_key_file_of_the_machine_that_builds_is_not_named() -> None:
    services = {"web": {"build": {"context": ".", "ssh": {"default": None, "deploy": "/home/ann/.ssh/id_rsa"}}}}
    assert get_fields(services)["build"]["ssh"] == ["default", "deploy"]
    paths = (f"services.web.build.ssh.{name}" for name in ("default", "deploy"))
    assert [get_kinds(services, path) for path in paths] == [["kept"], ["approximated"]]


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("kompose.service.expose", "{}"),
        ("kompose.service.expose.tls-secret", "{}"),
        ("traefik.http.routers.web.rule", "Host(`{}`)"),
    ],
)
def test_a_label_is_one_word_of_the_command_that_a_user_copies(label: str, text: str) -> None:
    evil = "a.example;touch evil"
    labels = {label: text.format(evil)}
    (outcome,) = get_outcomes({"web": NGINX | {"ports": [PORT], "labels": labels}}, f"services.web.labels.{label}")
    assert shlex.split(outcome.hint)[-1] in (evil, "<host>")


def test_the_name_of_a_file_is_no_code() -> None:
    app = convert_services({"web": NGINX}).app
    source = 'a"""\nimport os\n"""#.yaml'
    (docstring, imported, assigned) = ast.parse(write.format_python(app, source=source)).body
    assert [type(part) for part in (docstring, imported, assigned)] == [ast.Expr, ast.Import, ast.Assign]
    header, *rest = write.format_yaml(app, (), source=source).splitlines()
    assert header.startswith("# Imported from a___")
    assert rest[:2] == ["", "name: shop"]
