# ruff: noqa: E501 - a message stands in one line, as it is printed
"""A compose document as an application, and what becomes of each of its keys."""

import json
from pathlib import Path
from typing import Any

import pytest

from seaway.compose import report
from seaway.compose.importer import convert, write
from seaway.model import application
from seaway.project import load
from seaway.syntax import decode, nodes
from tests import golden

SCHEMA = json.loads((golden.ROOT / "seaway" / "compose" / "loader" / "compose-spec.json").read_text())
PARTS = SCHEMA.get("$defs") or SCHEMA["definitions"]
PORT = {"mode": "ingress", "target": "80", "protocol": "tcp"}


def made(services: Any, *, folder: Path | None = None, **rest: Any) -> convert.Conversion:
    root = nodes.from_plain({"name": "shop", "services": services, **rest}, "compose.yaml")
    assert isinstance(root, nodes.MappingNode)
    return convert.convert_document(root, folder=folder)


def app(services: Any, *, folder: Path | None = None, **rest: Any) -> application.Application:
    """Decoded, and right by all rules."""
    found = made(services, folder=folder, **rest)
    read = load._validate(  # pyright: ignore[reportPrivateUsage]
        decode.decode_node(application.Application, found.app),
        decode.decode_partial(application.Application, found.app).locations,
        folder,
        [],
    )
    assert [str(one) for one in read.diagnostics] == []
    assert read.app
    return read.app


def body(services: Any, name: str = "web", **rest: Any) -> Any:
    """One service, as app.yaml has it."""
    plain = nodes.to_plain(made(services, **rest).app)
    return next(plain[kind][name] for kind in ("services", "stores", "jobs") if name in plain.get(kind, {}))


def told(services: Any, path: str, **rest: Any) -> list[str]:
    """What is said of a key: kind, how, the way out."""
    return [
        f"{one.kind}: {'; '.join(filter(None, (one.message, one.hint)))}"
        for one in made(services, **rest).outcomes
        if one.path == path
    ]


def sample(schema: Any) -> Any:  # noqa: PLR0911 - one return a kind
    """Something of that shape, in the long form."""
    if "$ref" in schema:
        return sample(PARTS[schema["$ref"].rpartition("/")[2]])
    if forms := schema.get("oneOf") or schema.get("anyOf"):
        long = [one for one in forms if one.get("type") in ("object", "array")]
        return sample((long or forms)[0])
    if "enum" in schema:
        return schema["enum"][0]
    kinds = schema.get("type", "string")
    kind = next(one for one in kinds if one != "null") if isinstance(kinds, list) else kinds
    match kind:
        case "object" if "properties" in schema:
            return {key: sample(each) for key, each in schema["properties"].items()}
        case "object":
            patterns = [each for key, each in schema.get("patternProperties", {}).items() if not key.startswith("^x-")]
            return {"one": sample(patterns[0]) if patterns else "text"}
        case "array":
            return [sample(schema.get("items", {"type": "string"}))]
        case "boolean":
            return True
        case "integer" | "number":
            return 3
        case _:
            return "text"


def whole() -> nodes.MappingNode:
    """Every key that the specification has."""
    service = sample(PARTS["service"]) | {"network_mode": "bridge", "image": "nginx:1"}
    service.pop("provider")
    named = ("network", "volume", "secret", "config", "model")
    rest = {f"{kind}s": {"one": sample(PARTS[kind])} for kind in named}
    root = nodes.from_plain({"version": "3", "name": "all", "services": {"web": service}, **rest}, "compose.yaml")
    assert isinstance(root, nodes.MappingNode)
    return root


def test_every_key_of_the_specification_is_known() -> None:
    root = whole()
    losses = convert.convert_document(root).outcomes
    assert list(report.find_unrecorded(root, losses)) == []
    assert [one.path for one in losses if one.message == "no meaning of it is known here"] == []
    assert {key for key in PARTS["service"]["properties"] if key != "provider"} <= {
        one.path.split(".")[2] for one in losses if one.path.startswith("services.web.")
    }


def test_what_is_lost_says_why_and_what_to_do() -> None:
    for one in convert.convert_document(whole()).outcomes:
        assert one.message or one.kind == "kept", one.path
        assert one.hint or one.kind in ("kept", "approximated"), one.path


def test_an_unknown_key_is_dropped_and_told() -> None:
    assert told({"web": {"image": "nginx:1", "odd": {"a": [1, {"b": 2}]}}}, "services.web.odd.a.1.b") == [
        "dropped: no meaning of it is known here; remove it, or write it in app.yaml"
    ]


def test_a_key_is_told_once() -> None:
    paths = [one.path for one in convert.convert_document(whole()).outcomes if one.path.count(".") > 1]
    assert sorted(paths) == sorted(set(paths))


WHO = "added: security: baseline, as the image's own user: {}; say `user:` with a number that is not 0, or USER in the Dockerfile, and it is restricted"
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


def test_a_shop() -> None:
    """Names, links, order, disks, secrets and jobs together; it passes every rule."""
    found = app(SHOP, **REST)
    web, api = found.services
    assert [one.name for one in (*found.services, *found.stores, *found.jobs)] == ["web", "api-server", "db", "migrate"]
    assert (web.port, web.publish, web.depends_on, web.scale.min) == (80, True, ("api-server",), 1)
    assert web.ports == (application.Port("tcp-9090", port=9090, protocol="http", publish=True),)
    assert web.calls == ("api-server", "db")
    assert web.env == {"API": "http://api-server:8000/v1", "NAME": "api_server", "PRICE": "$$(x) $$$$5"}
    assert (api.port, api.args) == (8000, ("serve",))
    assert found.stores[0].volume == application.Volume(path="/var/lib/postgresql/data", size="1Gi")
    assert found.stores[0].secrets == (application.Secret("pw"),)
    assert found.stores[0].env == {"POSTGRES_PASSWORD_FILE": "/run/secrets/pw"}
    assert found.jobs[0].args == ("migrate",)


def test_twice_is_the_same() -> None:
    assert made(SHOP, **REST) == made(SHOP, **REST)


def test_values_know_their_lines() -> None:
    root = nodes.parse(
        "name: shop\nservices:\n  web:\n    image: nginx\n    expose: [70000]\n    user: '5'\n", "compose.yaml"
    )
    assert isinstance(root, nodes.MappingNode)
    places = decode.decode_partial(application.Application, convert.convert_document(root).app).locations
    assert str(places.find("services.web.image")) == "compose.yaml:4:5"
    assert str(places.find("services.web.user")) == "compose.yaml:6:5"


@pytest.mark.parametrize(
    ("said", "path", "words"),
    [
        ({"privileged": True}, "privileged", "root on the node: every device, every file; name what it needs in `cap_add`, or leave it out: `x-seaway: {waive: {privileged: <reason>}}` in the service"),
        ({"network_mode": "host"}, "network_mode", "network_mode: host takes the walls down between this container and others on its machine; remove it, or leave it out: `x-seaway: {waive: {network_mode: <reason>}}` in the service"),
        ({"pid": "host"}, "pid", "pid: host takes the walls down between this container and others on its machine; remove it, or leave it out: `x-seaway: {waive: {pid: <reason>}}` in the service"),
        ({"devices": [{"source": "/dev/x"}]}, "devices", "a device is one machine's, and whoever has it is root there; use `gpus` for graphics processors, or leave it out: `x-seaway: {waive: {devices: <reason>}}` in the service"),
        ({"volumes": [{"type": "bind", "source": "/var/run/docker.sock", "target": "/var/run/docker.sock"}]}, "volumes.0", "/var/run/docker.sock makes root on its node of whoever writes to it; use `kubernetesApi`, which gives rights one by one, or leave it out: `x-seaway: {waive: {volumes: <reason>}}` in the service"),
        ({"volumes": [{"type": "bind", "source": "/srv/data", "target": "/data"}]}, "volumes.0", "/srv/data is a folder of one machine, and pods come and go between many; name a volume instead, or build the files into the image, or leave it out: `x-seaway: {waive: {volumes: <reason>}}` in the service"),
        ({"build": {"context": "https://example.com/x.git"}}, "build.context", "https://example.com/x.git is on another machine; build from a folder of the project that has a Dockerfile, or leave it out: `x-seaway: {waive: {build: <reason>}}` in the service"),
    ],
)  # fmt: skip
def test_refused(said: Any, path: str, words: str) -> None:
    services = {"web": {**({} if "build" in said else {"image": "nginx:1"}), **said}}
    assert told(services, f"services.web.{path}") == [f"refused: {words}"]


def test_what_cannot_be_built_and_has_a_name_is_taken_by_it(tmp_path: Path) -> None:
    services = {"web": {"image": "nginx:1", "build": {"context": "./web"}}}
    assert body(services, folder=tmp_path)["image"] == "nginx:1"
    assert told(services, "services.web.build", folder=tmp_path) == [
        "approximated: there is no Dockerfile in ./web: the image is taken as it is named; add what is missing"
    ]


def test_a_waiver_leaves_it_out_with_its_reason() -> None:
    services = {
        "web": {"image": "nginx:1", "privileged": True, "x-seaway": {"waive": {"privileged": "not needed", "pid": "?"}}}
    }
    assert told(services, "services.web.privileged") == [
        "dropped: root on the node: every device, every file; left out, since it is waived: not needed"
    ]
    assert told(services, "services.web.x-seaway.waive.privileged") == ["kept: left out, with this reason"]
    assert told(services, "services.web.x-seaway.waive.pid") == ["dropped: waives nothing: ?; remove it"]


@pytest.mark.parametrize(
    ("said", "path", "words", "expected"),
    [
        ({"user": "0"}, "user", "approximated: security: baseline, and `raw` says root; give it a user of its own", {"security": "baseline"}),
        ({"user": "1000:1000"}, "user", "kept: ", {"user": 1000}),
        ({"user": "node"}, "user", "approximated: node is taken for 1000; write the number that `id -u` prints", {"user": 1000}),
        ({"user": "jane"}, "user", "dropped: who jane is, only the image knows; it runs as 10001; write the number that `id -u` prints", {}),
        ({"cap_add": ["CHOWN"]}, "cap_add.0", "approximated: security: baseline, with all rights that Docker gives", {"security": "baseline"}),
        ({"cap_add": ["SYS_ADMIN"]}, "cap_add.0", "dropped: SYS_ADMIN is beyond `baseline`: with it a container reaches its node; left out; do without it", {}),
        ({"security_opt": ["seccomp:unconfined"]}, "security_opt.0", "dropped: seccomp without limits is beyond `baseline`; left out; remove it: the runtime's own profile stops nothing that most programs do", {}),
        ({"cap_add": ["NET_BIND_SERVICE"]}, "cap_add.0", "kept: whoever listens below 1024 in a pod needs no right for it", {}),
        ({"read_only": True}, "read_only", "kept: ", {}),
        ({"tmpfs": ["/run:size=64m"]}, "tmpfs.0", "approximated: a writable folder on the node's disk, empty at each start", {"writable": ["/run"]}),
        ({"deploy": {"replicas": 3}}, "deploy.replicas", "kept: ", {"scale": 3}),
        ({"deploy": {"mode": "global"}}, "deploy.mode", "kept: daemonSet", {"daemonSet": True}),
        ({"deploy": {"resources": {"limits": {"cpus": "0.5", "memory": "512M"}}}}, "deploy.resources.limits.memory", "kept: memory: 512Mi", {"resources": {"memory": "512Mi", "cpuLimit": "500m"}}),
        ({"mem_limit": "1g", "cpus": "0.05"}, "mem_limit", "kept: memory: 1Gi", {"resources": {"memory": "1Gi", "cpuLimit": "50m", "cpu": "50m"}}),
        ({"stop_grace_period": "1m30s"}, "stop_grace_period", "kept: stopGracePeriod: 90", {"stopGracePeriod": 90}),
        ({"entrypoint": ["/e"], "command": ["a", "$$"]}, "command", "kept: args", {"command": ["/e"], "args": ["a", "$$$$"]}),
        ({"entrypoint": [], "command": ["a"]}, "command", "kept: command", {"command": ["a"]}),
        ({"healthcheck": {"test": ["CMD-SHELL", "x || exit 1"], "start_period": "2m"}}, "healthcheck.test", "kept: health.readiness", {"health": {"readiness": ["/bin/sh", "-c", "x || exit 1"], "interval": 5, "timeout": 30, "retries": 18, "startPeriod": 210}}),
        ({"healthcheck": {"test": ["CMD", "x"], "interval": "9s"}}, "healthcheck.interval", "kept: every 5 s, and so no later", {}),
        ({"healthcheck": {"test": ["CMD", "x"], "interval": "2s", "timeout": "4s", "retries": "6"}}, "healthcheck.retries", "kept: retries: 6", {"health": {"readiness": ["x"], "interval": 2, "timeout": 4, "retries": 6}}),
        ({"ports": [PORT | {"published": "8080"}]}, "ports.0.published", "approximated: publish: true, and not port 8080 of a host: how it is reached is the environment's business; pulumi config set seaway:publish ingress, nodePort or loadBalancer", {"port": 80, "publish": True}),
        ({"ports": [PORT | {"published": "8080", "host_ip": "127.0.0.1"}]}, "ports.0.published", "approximated: not exposed: port 8080 of a host was for that host only; kubectl port-forward service/web 8080:80", {"port": 80}),
        ({"network_mode": "none"}, "network_mode", "kept: calls nothing and reaches nothing", {"egress": []}),
        ({"platform": "linux/arm64"}, "platform", "kept: ", {"nodeSelector": {"kubernetes.io/arch": "arm64"}}),
        ({"labels": {"kompose.service.expose": "a.example.com"}}, "labels.kompose.service.expose", "approximated: exposed; a.example.com is the environment's to say; pulumi config set seaway:publish ingress && pulumi config set --path 'seaway:ingress.hosts.web[0]' a.example.com", {"publish": True}),
        ({"labels": {"kompose.hpa.replicas.max": "5", "kompose.hpa.cpu": "60"}}, "labels.kompose.hpa.cpu", "kept: ", {"scale": {"min": 1, "max": 5, "cpu": "60%"}}),
        ({"init": True}, "init", "kept: shareProcessNamespace of the pod, whose first process collects what ends", {}),
        ({"environment": {"A": None}}, "environment.A", "dropped: has no value: it is the variable of a shell; write its value, or list it in `secrets`", {}),
        ({"volumes": [{"type": "bind", "source": "./n.conf", "target": "/etc/n.conf", "read_only": True}]}, "volumes.0", "kept: ", {"files": {"/etc/n.conf": "./n.conf"}}),
        ({"volumes": [{"type": "volume", "target": "/cache"}]}, "volumes.0", "approximated: a folder that is empty at each start", {"writable": ["/cache"]}),
        ({"volumes": [{"type": "bind", "source": "/etc/localtime", "target": "/etc/localtime"}]}, "volumes.0", "dropped: the clock of a host is nothing that a pod sees; set the variable TZ", {}),
        ({"gpus": [{"count": "2"}]}, "gpus.0.count", "kept: 2", {"resources": {"memory": "256Mi", "gpu": 2}}),
    ],
)  # fmt: skip
def test_one_key(said: Any, path: str, words: str, expected: Any) -> None:
    """Of a known image: what a service has beside these is what each has."""
    services = {"web": {"image": "nginx:1", **said}}
    app(services) if "bind" not in str(said) else None
    assert told(services, f"services.web.{path}") == [words]
    found = body(services)
    assert {key: found.get(key) for key in expected} == expected


def test_root_is_said_in_the_words_of_kubernetes() -> None:
    pod = body({"web": {"image": "nginx:1", "user": "root"}})["raw"]["Deployment"]["spec"]["template"]["spec"]
    assert pod == {"securityContext": {"runAsUser": 0, "runAsGroup": 0, "fsGroup": 0}}
    assert body({"web": {"image": "nginx:1", "user": "root"}})["writable"] == ["/"]


def test_an_image_that_starts_as_root_only_is_imported_so() -> None:
    found = body({"web": {"image": "wordpress:6"}})
    assert (found["security"], found["user"], found["writable"]) == ("baseline", None, ["/"])
    assert WHO.format("wordpress starts in no other way") in told({"web": {"image": "wordpress:6"}}, "services.web")


def test_what_nobody_knows_runs_as_docker_runs_it() -> None:
    """And what is known by its base, as that."""
    assert body({"web": {"image": "example.com/a:1"}})["user"] is None
    assert "writable" not in body({"web": {"image": "example.com/a:1", "read_only": True}})
    assert body({"web": {"image": "example.com/a:1", "user": "5"}}).get("security") is None

    def built(text: str) -> Any:
        return body({"web": {"build": {"context": ".", "dockerfile_inline": text}}})

    assert built("FROM nginx:1-alpine\nCOPY . /usr/share/nginx/html\n")["user"] == 101
    assert built("FROM python:3 AS x\nUSER 7\nFROM x\n")["user"] == 7
    assert built("FROM python:3\nUSER somebody\n")["user"] is None
    assert built("FROM python:3\n")["security"] == "baseline"


def test_networks_keep_services_apart() -> None:
    image = {"image": "nginx:1"}
    services = {
        "front": image | {"networks": {"a": None}},
        "middle": image | {"networks": {"a": None, "b": None}},
        "back": image | {"networks": {"b": None}},
    }
    networks = {"a": {}, "b": {"internal": True}}
    assert body(services, "front", networks=networks)["calls"] == ["middle"]
    assert body(services, "middle", networks=networks)["calls"] == ["back", "front"]
    assert body(services, "back", networks=networks)["egress"] == []


def test_a_disk_belongs_to_one() -> None:
    disk = {"type": "volume", "source": "files", "target": "/srv"}
    services = {
        "web": {"image": "nginx:1", "volumes": [disk | {"read_only": True}]},
        "cms": {"image": "example.com/cms:1", "expose": ["9000"], "volumes": [disk]},
        "batch": {"image": "example.com/batch:1", "volumes": [disk | {"source": "own"}]},
    }
    assert body(services, "cms")["volume"] == {"path": "/srv", "size": "1Gi"}
    assert told(services, "services.web.volumes.0") == [
        "added: the disk of cms: pods run on its node, since a disk is one node's"
    ]
    assert body(services)["shares"] == {"/srv": {"store": "cms", "readOnly": True}}
    batch = body(services, "batch")
    assert (batch["volume"], batch["allPorts"]) == ({"path": "/srv", "size": "1Gi"}, True)
    services["batch"]["restart"] = "no"
    assert told(services, "services.batch.volumes.0") == [
        "dropped: a disk belongs to what runs for ever, and only jobs mount this one; empty at each start; let a service mount the volume, too"
    ]


def test_what_is_taken_from_another() -> None:
    services = {
        "cms": {"image": "nginx:1", "volumes": [{"type": "volume", "source": "files", "target": "/srv"}]},
        "job": {"image": "nginx:1", "restart": "no", "command": ["ls"], "volumes_from": ["cms:ro", "container:x"]},
    }
    assert body(services, "job")["shares"] == {"/srv": {"store": "cms", "readOnly": True}}
    assert told(services, "services.job.volumes_from.1")[0].startswith("dropped: ")


def test_what_an_image_declares_is_a_disk() -> None:
    assert body({"db": {"image": "postgres:18-alpine"}}, "db")["volume"] == {
        "path": "/var/lib/postgresql",
        "size": "1Gi",
    }


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"restart": "no"}, {}),
        ({"restart": "on-failure:3"}, {"tries": 4}),
        ({"deploy": {"mode": "replicated-job"}}, {}),
        ({"labels": {"kompose.cronjob.schedule": "0 3 * * *"}}, {"schedule": "0 3 * * *"}),
    ],
)
def test_jobs(said: Any, expected: Any) -> None:
    services = {"seed": {"image": "example.com/seed:1", "command": ["seed"], **said}}
    assert [one.name for one in app(services).jobs] == ["seed"]
    found = body(services, "seed")
    assert {key: found.get(key) for key in expected} == expected


def test_a_job_that_needs_a_service_comes_after_it() -> None:
    services = {
        "web": {"image": "nginx:1"},
        "smoke": {
            "image": "example.com/smoke:1",
            "restart": "no",
            "depends_on": {"web": {"condition": "service_healthy"}},
        },
    }
    assert body(services, "smoke")["run"] == "after-rollout"
    assert told(services, "services.smoke.depends_on.web.condition") == ["kept: after all services"]


def test_folders(tmp_path: Path) -> None:
    """What is in them decides: configuration, the source of the image, nothing yet, or data."""
    for name in ("conf/a.conf", "conf/sub/b.conf", "src/x.py", "data/x.bin"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"\xff" if name.endswith("bin") else b"x")
    (tmp_path / "Dockerfile").write_text("FROM x\nEXPOSE 5000\nUSER 2000\n")

    def bind(source: str, target: str, **more: Any) -> dict[str, Any]:
        return {"type": "bind", "source": source, "target": target, **more}

    services = {
        "web": {"image": "nginx:1", "volumes": [bind("./conf", "/etc/nginx/conf.d")]},
        "api": {"build": {"context": "."}, "volumes": [bind("./src", "/src")]},
        "db": {"image": "mariadb:11", "volumes": [bind("./new", "/var/lib/mysql")]},
        "odd": {"image": "nginx:1", "volumes": [bind("./data", "/data")]},
    }
    assert body(services, folder=tmp_path)["files"] == {
        "/etc/nginx/conf.d/a.conf": "./conf/a.conf",
        "/etc/nginx/conf.d/sub/b.conf": "./conf/sub/b.conf",
    }
    api = body(services, "api", folder=tmp_path)
    assert (api["port"], api["user"], api.get("files")) == (5000, 2000, None)
    assert body(services, "db", folder=tmp_path)["volume"] == {"path": "/var/lib/mysql", "size": "1Gi"}
    kinds = [told(services, f"services.{name}.volumes.0", folder=tmp_path)[0].partition(":")[0] for name in services]
    assert kinds == ["approximated", "dropped", "approximated", "approximated"]
    assert body(services, "odd", folder=tmp_path)["volume"] == {"path": "/data", "size": "1Gi"}
    services["odd"]["volumes"][0]["read_only"] = True
    assert told(services, "services.odd.volumes.0", folder=tmp_path)[0].startswith("refused: ./data is a folder of")


def test_it_is_written_as_it_is() -> None:
    """app.yaml and app.py say the same as the compose file; what was decided stands in comments."""
    found = made(
        SHOP
        | {
            "odd": {
                "image": "nginx:1",
                "tty": True,
                "environment": {"A": "a: b\n", "B": "no", "C": "x\n y\n", "D": " \u2028", "E": "1.10"},
            }
        },
        **REST,
    )
    wanted = decode.decode_node(application.Application, found.app)
    text = write.format_yaml(found.app, found.outcomes, source="compose.yaml")
    assert decode.decode_node(application.Application, nodes.parse(text, "app.yaml")) == wanted
    assert "  # is called api-server, since a name here is one of DNS\n" in text
    made_of: dict[str, Any] = {}
    exec(write.format_python(found.app, source="compose.yaml"), made_of)
    assert made_of["application"] == wanted


def test_the_summary_counts() -> None:
    assert (
        report.summarize(made({"web": {"image": "nginx:1", "runtime": "runc"}}).outcomes)
        == "5 keys: 2 kept, 2 added, 1 dropped"
    )
    assert report.summarize([]) == "no keys"


def test_what_is_looked_at_from_outside_stays_reachable() -> None:
    """Stores too, and every port that is published."""
    web = PORT | {"target": "8086", "published": "80"}
    services = {"cms": {"image": "influxdb:2", "ports": [web, PORT | {"target": "5432", "published": "5432"}]}}
    found = app(services).stores[0]
    assert (found.protocol, found.publish) == ("http", True)
    assert found.ports == (application.Port("tcp-5432", port=5432, publish=True),)
    web["host_ip"] = "127.0.0.1"
    assert app(services).stores[0].publish is False


def test_stores_come_first_anyway() -> None:
    assert told(SHOP, "services.api_server.depends_on.db.condition", **REST) == ["kept: stores come before services"]


def test_nothing_empty_lies_over_a_disk() -> None:
    disk = {"type": "volume", "source": "data", "target": "/var/lib/postgresql"}
    for said in ({}, {"user": "999"}):
        services = {"db": {"image": "postgres:17", "volumes": [disk], **said}}
        assert body(services, "db").get("writable") is None


def test_every_port_that_somebody_names_is_open(tmp_path: Path) -> None:
    """As in Docker; a name in a mounted file counts, and one that is called otherwise now is changed there."""
    (tmp_path / "nginx.conf").write_text("proxy_pass http://my_api:9000;\n")
    services = {
        "web": {
            "image": "nginx:1",
            "volumes": [
                {"type": "bind", "source": "./nginx.conf", "target": "/etc/nginx/nginx.conf"},
                {"type": "bind", "source": "./gone.conf", "target": "/etc/nginx/gone.conf"},
            ],
            "environment": {"API_HOST": "my_api", "API_PORT": "7000"},
        },
        "my_api": {"image": "example.com/api:1", "ports": [PORT | {"target": "9229", "published": "9229"}]},
    }
    api = body(services, "my-api", folder=tmp_path)
    assert (api["port"], {name: each["port"] for name, each in api["ports"].items()}) == (
        7000,
        {"tcp-9229": 9229, "tcp-9000": 9000},
    )
    assert "expose" not in api
    assert body(services, folder=tmp_path)["files"] == {
        "/etc/nginx/nginx.conf": {"content": "proxy_pass http://my-api:9000;\n"}
    }
    assert told(services, "services.my_api.ports.0.published", folder=tmp_path) == [
        "approximated: not exposed: 9229 is the port of a debugger; kubectl port-forward service/my-api 9229:9229"
    ]
    assert told(services, "services.web.volumes.1", folder=tmp_path) == [
        "dropped: is not there: Docker makes an empty folder, which says nothing; add it, and import again"
    ]


def test_a_range_of_ports_is_each_of_them() -> None:
    services = {"web": {"image": "example.com/a:1", "expose": ["3000-3002", "1-65535"]}}
    found = body(services)
    assert [found["port"], *(each["port"] for each in found["ports"].values())] == [3000, 3001, 3002]
    assert told(services, "services.web.expose.0") == ["kept: "]
    assert told(services, "services.web.expose.1") == ["dropped: is no range of up to 1000 ports; write each of them"]


def test_the_version_of_an_image_is_no_port(tmp_path: Path) -> None:
    """A folder that is mounted may hold the compose file itself, or a Dockerfile."""
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "compose.yml").write_text("db:\n  image: 'db:13'\n")
    (tmp_path / "sources" / "Dockerfile").write_text("FROM --platform=linux/amd64 db:14\n")
    volumes = [{"type": "bind", "source": "./sources", "target": "/etc/sources"}]
    services = {"web": {"image": "nginx:1", "volumes": volumes}, "db": {"image": "postgres:13"}}
    assert body(services, "db", folder=tmp_path)["port"] == 5432


def test_what_a_program_calls_itself_is_open() -> None:
    """A broker tells its clients, and itself, one address; the published one is another."""
    env = {"KAFKA_ADVERTISED_LISTENERS": "IN://kafka:9092,OUT://localhost:29092"}
    found = body(
        {
            "kafka": {
                "image": "example.com/kafka:1",
                "environment": env,
                "ports": [PORT | {"target": "29092", "published": "29092"}],
            }
        },
        "kafka",
    )
    assert (found["port"], found["ports"]) == (29092, {"tcp-9092": 9092})


def test_the_content_of_a_config_that_a_variable_had_is_kept() -> None:
    """The reader has put it there: nothing is lost."""
    services = {"web": {"image": "nginx:1", "configs": [{"source": "c"}]}}
    found = told(services, "configs.c.environment", configs={"c": {"environment": "A", "content": "a=1"}})
    assert found == ["kept: read: its value is the content"]


def test_a_processor_that_is_called_by_what_it_can() -> None:
    devices = [{"driver": "nvidia", "capabilities": ["nvidia-compute"], "count": "2"}]
    deploy = {"resources": {"reservations": {"devices": devices}}}
    assert body({"web": {"image": "nginx:1", "deploy": deploy}})["resources"]["gpu"] == 2


def test_a_processor_of_another_maker() -> None:
    found = body({"web": {"image": "nginx:1", "gpus": [{"driver": "amd", "count": "1"}, {"driver": "amd"}]}})
    assert found["resources"]["gpu"] == {"count": 2, "resource": "amd.com/gpu"}


def test_two_disks_that_two_share() -> None:
    """Nobody waits for one that waits for him."""

    def disk(source: str, *, read_only: bool) -> dict[str, Any]:
        return {"type": "volume", "source": source, "target": f"/{source}", "read_only": read_only}

    services = {
        "one": {"image": "nginx:1", "volumes": [disk("a", read_only=False), disk("b", read_only=True)]},
        "two": {"image": "nginx:1", "volumes": [disk("a", read_only=True), disk("b", read_only=False)]},
    }
    one, two = app(services).stores[0], app(services).services[0]
    assert (one.volume.path, list(one.volumes), [share.volume for share in two.shared_volumes]) == (
        "/a",
        ["b"],
        [None, "b"],
    )


@pytest.mark.parametrize(
    ("said", "memory"),
    [
        ({"image": "confluentinc/cp-kafka:7"}, "1Gi"),
        ({"image": "example.com/shop:1"}, "256Mi"),
        ({"image": "example.com/shop:1", "environment": {"JAVA_OPTS": "-Xms64m -Xmx512m"}}, "1Gi"),
    ],
)
def test_what_starts_with_little_gets_little(said: Any, memory: str) -> None:
    assert body({"web": said})["resources"] == {"memory": memory}
