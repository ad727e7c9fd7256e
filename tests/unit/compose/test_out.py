# ruff: noqa: E501 - a message stands in one line, as it is printed
"""An application as a compose document, and what becomes of each of its words."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from dev import project
from seaway.compose import report
from seaway.compose.exporter import container, exporter, losses
from seaway.compose.importer import convert
from seaway.compose.loader import loader
from seaway.files import roots, working_tree
from seaway.model import application
from seaway.model.defaults import resolve
from seaway.project import load
from seaway.syntax import decode, nodes

CORPUS = project.ROOT / "tests" / "compose" / "corpus"
EXAMPLES = [project.ROOT / "app", *sorted((project.ROOT / "examples").iterdir())]


def made(text: str, **known: Any) -> exporter.ExportResult:
    """The document of an application, which is written as app.yaml; its name is added."""
    said = nodes.parse(f"name: shop\n{text}".encode(), "app.yaml")
    app = resolve.resolve_application(decode.decode_node(application.Application, said))
    return exporter.export_application(app, said, **known)


def service(text: str, name: str = "web", **known: Any) -> dict[str, Any]:
    return made(text, **known).document["services"][name]


def told(text: str, path: str = "", **known: Any) -> list[str]:
    """What is not kept; of one word, or of all."""
    return [
        f"{one.path}: {one.kind}: {'; '.join(filter(None, (one.message, one.hint)))}"
        for one in made(text, **known).outcomes
        if one.kind != "kept" and one.path.startswith(path)
    ]


WEB = "services: {web: {image: python:3.12, scale: 1, port: 80, %s}}"
DB = "{image: postgres:17, port: 5432, volume: {path: /var/lib/postgresql/data, size: 1Gi}}"


def test_a_service() -> None:
    found = made(WEB % "calls: [db], health: /healthz" + f"\nstores: {{db: {DB}}}")
    assert found.document == {
        "name": "shop",
        "services": {
            "web": {
                "image": "python:3.12",
                "environment": {"DB_HOST": "db", "DB_PORT": "5432", "DB_URL": "tcp://db:5432"},
                "expose": ["80"],
                "depends_on": {"db": {"condition": "service_healthy"}},
                "healthcheck": {
                    "test": [
                        "CMD",
                        "python3",
                        "-c",
                        "from urllib.request import urlopen; urlopen('http://127.0.0.1:80/healthz')",
                    ],
                    "interval": "2s",
                    "timeout": "3s",
                    "retries": 3,
                    "start_period": "54s",
                },
                "deploy": {"resources": {"limits": {"memory": "128m"}}},
                "restart": "unless-stopped",
                "stop_grace_period": "25s",
                "tmpfs": ["/tmp:mode=1777,exec"],
                "user": "10001:10001",
                "read_only": True,
                "cap_drop": ["ALL"],
                "security_opt": ["no-new-privileges:true"],
            },
            "db": {
                "image": "postgres:17",
                "environment": {"PGDATA": "/var/lib/postgresql/data/pgdata"},
                "expose": ["5432"],
                "healthcheck": {
                    "test": [
                        "CMD",
                        "pg_isready",
                        "--quiet",
                        "--host=127.0.0.1",
                        "--port=5432",
                        "--username=postgres",
                        "--dbname=postgres",
                    ],
                    "interval": "2s",
                    "timeout": "3s",
                    "retries": 3,
                    "start_period": "54s",
                },
                "deploy": {"resources": {"limits": {"memory": "128m"}}},
                "restart": "unless-stopped",
                "stop_grace_period": "60s",
                "volumes": ["db-data:/var/lib/postgresql/data"],
                "tmpfs": ["/tmp:mode=1777,exec", "/var/run/postgresql:mode=1777,exec"],
                "user": "999:999",
                "read_only": True,
                "cap_drop": ["ALL"],
                "security_opt": ["no-new-privileges:true"],
            },
        },
        "volumes": {"db-data": {"labels": {"kompose.volume.size": "1Gi"}}},
    }
    assert report.summarize(found.outcomes) == "11 keys: 8 kept, 3 approximated"


def test_words_of_kubernetes_are_said_as_docker_reads_them() -> None:
    one = service(
        WEB
        % 'secrets: {KEY: {env: true}}, env: {A: "1 $ $$(B)", B: "$(A) $(LATER)", C: "$(KEY)"}, command: [run], args: ["$(B)"]'
    )
    assert one["environment"] == {"KEY": None, "A": "1 $$ $$(B)", "B": "1 $$ $$(B) $$(LATER)", "C": "${KEY:?}"}
    assert (one["entrypoint"], one["command"]) == (["run"], ["1 $$ $$(B) $$(LATER)"])


def test_builds_have_the_bases_of_the_environment() -> None:
    known = {
        "images": {"web": container.ImageSource(build_args={"BASE_IMAGE": "mirror/python:3"}, base_image="python:3")}
    }
    text = "services: {web: {build: {context: ./web, target: run}}}\njobs: {tell: {uses: web, command: [tell]}}"
    body = {"context": "./app/web", "target": "run", "args": {"BASE_IMAGE": "mirror/python:3"}}
    found = made(text, folder="app", **known).document["services"]
    assert (found["web"]["build"], found["tell"]["build"]) == (body, body)
    assert service("services: {web: {build: ./web}}")["build"] == "./web"
    released = {"web": container.ImageSource(reference="registry/web@sha256:1")}
    assert service("services: {web: {build: ./web}}", image_sources=released)["image"] == "registry/web@sha256:1"
    assert service(WEB % "user: 1", image_overrides={"python:3.12": "mirror/python:3"})["image"] == "mirror/python:3"


BUILD = {
    "inline": "FROM a",
    "contexts": {"lib": "../lib", "base": "docker-image://a"},
    "secrets": {"key": "KEY"},
    "ssh": ["default"],
    "cacheFrom": ["a"],
    "cacheTo": ["b"],
}


def test_rare_words_of_a_build() -> None:
    found = made(f"services: {{web: {{build: {json.dumps({'context': '.', **BUILD})}}}}}", folder="app")
    assert found.document["services"]["web"]["build"] == {
        "context": "./app",
        "dockerfile_inline": "FROM a",
        "additional_contexts": {"lib": "./lib", "base": "docker-image://a"},
        "secrets": [{"source": "KEY", "target": "key"}],
        "ssh": ["default"],
        "cache_from": ["a"],
        "cache_to": ["b"],
    }
    assert found.document["secrets"] == {"KEY": {"file": "./secrets/KEY"}}
    assert [f"{one.path}: {one.message}" for one in found.outcomes if one.kind != "kept"] == [
        "services.web.build.secrets.key: the file ./secrets/KEY, which the program must be able to read"
    ]


CHAIN = """\
if command -v curl; then curl -fs 'http://127.0.0.1:80/it%27s'
elif command -v wget; then wget -q -O - 'http://127.0.0.1:80/it%27s'
elif command -v python3; then python3 -c "from urllib.request import urlopen; urlopen('http://127.0.0.1:80/it%27s')"
else grep -q ':0050 0*:0000 0A' /proc/net/tcp /proc/net/tcp6; fi
"""
LISTENS = ["CMD", "grep", "-q", ":0050 0*:0000 0A", "/proc/net/tcp", "/proc/net/tcp6"]


@pytest.mark.parametrize(
    ("image", "more", "test", "how"),
    [
        ("nginx:1-alpine", "health: /a", ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:80/a"], ""),
        ("a/b:1", "health: /it's", CHAIN, "asked with curl, wget or python3, whichever the image has; without any, whether the port listens"),
        ("a/b:1", "health: tcp", LISTENS, ""),
        ("a/b:1", "protocol: grpc, health: grpc", LISTENS, "asked whether the port listens: no image has a client for gRPC's health"),
        ("a/b:1", "health: [sh, ask]", ["CMD", "sh", "ask"], ""),
        ("a/b:1", "health: [/bin/sh, -c, ask it]", "ask it", ""),
        ("gcr.io/distroless/base", "health: /a", None, "nothing in its image can ask: nobody waits until it is healthy"),
        ("a/b:1", "protocol: udp", None, ""),
    ],
)  # fmt: skip
def test_health(image: str, more: str, test: Any, how: str) -> None:
    text = f"services: {{web: {{image: '{image}', port: 80, scale: 1, {more}}}}}"
    assert service(text).get("healthcheck", {}).get("test") == test
    by_hand = "write `health: [program, argument]` with a program that the image has"
    restarts = "Docker starts again what ends, and not what answers wrongly; let the program end when it cannot go on"
    expected = [f"services.web.health: approximated: {f'{how}; {by_hand}' if how else restarts}"]
    assert told(text, "services.web.health") == (expected if "health" in more else [])


def test_who_calls_whom_shares_a_network() -> None:
    text = """
services:
  web: {image: a, port: 80, publish: true, calls: [api], scale: 1}
  api: {image: a, port: 81, calls: [db], egress: [], scale: 1}
  lone: {image: a, egress: [], scale: 1}
  free: {image: a, scale: 1}
stores: {db: %s}
"""
    found = made(text % DB)
    services = found.document["services"]
    assert found.document["networks"] == {"api": {"internal": True}, "db": {"internal": True}, "outside": None}
    assert {name: one.get("networks") for name, one in services.items()} == {
        "web": ["api", "outside"],
        "api": ["api", "db"],
        "lone": None,
        "free": None,
        "db": ["db", "outside"],
    }
    assert services["lone"]["network_mode"] == "none"
    assert "networks" not in made(WEB % "calls: [db]" + f"\nstores: {{db: {DB}}}").document


def test_pods_of_one_service_have_ports_of_their_own() -> None:
    text = """
services:
  web: {image: a, port: 80, publish: true, scale: 3}
  api: {image: a, port: 82, protocol: tcp, publish: true, ports: {more: {port: 90, protocol: udp, publish: true}}, scale: 1}
"""
    services = made(text).document["services"]
    assert services["web"]["ports"] == [{"target": 80, "published": "80-82"}]
    assert services["web"]["deploy"]["replicas"] == 3
    assert services["api"]["ports"] == [
        {"target": 82, "published": "83", "app_protocol": "tcp"},
        {"target": 90, "published": "90", "protocol": "udp"},
    ]
    assert told(text) == [
        "services.web.expose: approximated: 3 containers, each on a port of its own; scale: 1, and there is one port"
    ]


def test_order() -> None:
    text = """
services: {web: {image: a, port: 80, dependsOn: [api]}, api: {image: a, port: 81}}
stores: {db: %s}
jobs:
  migrate: {image: a}
  tell: {image: a, run: after-rollout}
  audit: {image: a, run: on-demand}
"""
    services = made(text % DB).document["services"]
    waits = {
        name: {on: said["condition"][8:] for on, said in one.get("depends_on", {}).items()}
        for name, one in services.items()
    }
    assert waits == {
        "web": {"migrate": "completed_successfully", "api": "healthy"},
        "api": {"migrate": "completed_successfully"},
        "db": {},
        "migrate": {"db": "healthy"},
        "tell": {"web": "healthy", "api": "healthy"},
        "audit": {"db": "healthy"},
    }
    assert (services["migrate"]["restart"], services["audit"]["profiles"]) == ("on-failure:1", ["manual"])


def test_a_pod_of_several_containers() -> None:
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
    services = made(text % DB).document["services"]
    assert list(services) == ["db", "web", "web-volumes", "web-proxy-2", "web-fetch", "web-unpack", "web-proxy"]
    waits = {name: list(one.get("depends_on", {})) for name, one in services.items()}
    assert waits == {
        "web": ["web-unpack"],
        "web-volumes": [],
        "web-proxy-2": ["web-volumes"],
        "web-fetch": ["db", "web-volumes"],
        "web-unpack": ["web-fetch"],
        "web-proxy": ["db"],
        "db": [],
    }
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
    assert told(text % DB, "services.web") == [
        "services.web.scale: approximated: one: its sidecars share the network of one container; leave the sidecars out for Docker",
        "services.web.writable: approximated: a volume, which its containers share; it is not empty at each start; docker compose down --volumes empties it",
        "services.web.sidecars.proxy: approximated: the service web-proxy-2 in the network of web; it starts after it",
        "services.web.sidecars.proxy.writable: approximated: a volume, which its containers share; it is not empty at each start; docker compose down --volumes empties it",
        "services.web.init.fetch: approximated: the service web-fetch, which runs first; it has a network of its own",
        "services.web.init.unpack: approximated: the service web-unpack, which runs first; it has a network of its own",
    ]  # fmt: skip


def test_disks_that_several_see() -> None:
    text = """
services: {web: {image: a, user: 7, scale: 1, sharedVolumes: {/srv/media: cms, /srv/old: {store: cms, volume: old, readOnly: true}}}}
stores: {cms: {image: b, volume: {path: /media, size: 1Gi}, volumes: {old: {path: /old, size: 1Gi}}}}
"""
    services = made(text).document["services"]
    assert services["web"]["volumes"] == ["cms-data:/srv/media", "cms-old:/srv/old:ro"]
    assert services["cms-volumes"]["entrypoint"] == ["chmod", "1777", "/media", "/old"]
    alone = made(text.replace("user: 7, ", "")).document["services"]
    assert alone["cms-volumes"]["entrypoint"] == ["chown", "10001:10001", "/media", "/old"]


NONE = "none on one machine: it counts in a cluster only"
IN_MEMORY = "approximated: in memory, which counts as the container's; give it more memory if it is much"


@pytest.mark.parametrize(
    ("more", "losses"),
    [
        ("secrets: [KEY]", ["secrets.0: approximated: the file ./secrets/KEY, which user 10001 must be able to read; printf %s <value> > ./secrets/KEY"]),
        ("secrets: {KEY: {generate: 32}}", ['secrets.KEY: approximated: the file ./secrets/KEY, which user 10001 must be able to read; printf %s "$(openssl rand -hex 16)" > ./secrets/KEY']),
        ("secrets: {KEY: {env: true}}", ["secrets.KEY: approximated: the variable of a shell, or of the file .env; echo 'KEY=<value>' >> .env"]),
        ("secrets: {KEY: {existing: box, key: it}}", ["secrets.KEY: approximated: the file ./secrets/KEY, which user 10001 must be able to read; printf %s \"$(kubectl get secret box -o 'jsonpath={.data.it}' | base64 -d)\" > ./secrets/KEY"]),
        ("files: {/a: {content: b}}", ["files./a: approximated: the file system may be written to: Docker Compose puts a text into no other; write it as a file beside the application's: {source: ./name}"]),
        ("files: {/a: ./b}", []),
        ("resources: {cpu: 50m}", [f"resources.cpu: approximated: Docker sets no CPU aside; {NONE}"]),
        ("resources: {disk: 2Gi}", ["resources.disk: dropped: Docker bounds no disk of a container; watch it with `docker system df`"]),
        ("resources: {cpuLimit: 1500m, memory: 1Gi, gpu: 2}", []),
        ("resources: {gpu: {resource: example.com/gpu}}", ["resources.gpu: dropped: Docker has no driver for example.com/gpu; name its device by hand"]),
        ("resources: {tpu: {count: 4, accelerator: a, topology: 2x2}}", [f"resources.tpu: dropped: Docker knows no tensor processors; {NONE}"]),
        ("daemonSet: true", ["daemonSet: approximated: one: this machine is one node"]),
        ("scale: {min: 2, max: 4, cpu: 80%}", ["scale: approximated: always 2: nothing on Docker starts more; the labels are for an import; docker compose up --scale web=<number>"]),
        ("preStopDelay: 9", [f"preStopDelay: dropped: nothing leads requests to it that would have to learn of its end; {NONE}"]),
        ("spread: require", [f"spread: dropped: all run on one machine; {NONE}"]),
        ("priorityClass: high", [f"priorityClass: dropped: there is one machine; {NONE}"]),
        ("tolerations: ['a=b:NoSchedule']", [f"tolerations: dropped: there is one machine; {NONE}"]),
        ("nodeSelector: {kubernetes.io/arch: arm64, disk: ssd}", [f"nodes.disk: dropped: there is one machine; {NONE}"]),
        ("kubernetesApi: {pods: [get]}", ["kubernetesApi: dropped: there is no Kubernetes to ask; let the program do without"]),
        ("egress: [10.0.0.0/8]", ["egress: approximated: it reaches everything outside: a network of Docker has no rules; a firewall of the machine"]),
        ("egress: [internet]", ["egress: approximated: it reaches everything outside: a network of Docker has no rules; a firewall of the machine"]),
        ("spread: prefer, daemonSet: false, nodeSelector: {}, raw: {}", []),
        ("publish: true, egress: []", ["egress: approximated: it reaches everything outside: a published port needs the way; a firewall of the machine"]),
        ("writable: [/a, /tmp]", [f"writable.0: {IN_MEMORY}", f"writable.1: {IN_MEMORY}"]),
        ("security: baseline, user: null, writable: [/]", []),
        ("raw: {Service: {spec: {a: 1}}}", [f"raw.Service.spec.a: dropped: Kubernetes' own; Docker has nothing like it; {NONE}"]),
    ],
)  # fmt: skip
def test_what_is_lost_of_a_service(more: str, losses: list[str]) -> None:
    text = f"services: {{web: {{image: a, port: 80{'' if 'scale' in more else ', scale: 1'}, {more}}}}}"
    assert told(text) == [f"services.web.{one}" for one in losses]


@pytest.mark.parametrize(
    ("kind", "more", "losses"),
    [
        ("stores", "port: 1, volume: {path: /a, size: 1Gi, storageClass: fast}, retain: false", [
            "volume.size: approximated: Docker bounds no volume; the label is for an import; watch the disk",
            f"volume.storageClass: dropped: volumes are where Docker keeps them; the label is for an import; {NONE}",
            "retain: approximated: `docker compose down` keeps it, `down --volumes` does not; take care which one you write",
        ]),
        ("jobs", "schedule: '@daily', timeZone: Etc/UTC, historyLimit: 2, timeout: 9", [
            "schedule: dropped: nothing on Docker runs by the clock; the labels are for an import; in a crontab: docker compose run --rm one",
            "timeZone: dropped: nothing on Docker runs by the clock; say it where the clock is",
            "historyLimit: dropped: nothing on Docker runs by the clock; say it where the clock is",
            "timeout: dropped: Docker ends nothing for its time; let the program end by itself",
        ]),
        ("jobs", "timeout: 600, backoffLimit: 1", ["timeout: dropped: Docker ends nothing for its time; let the program end by itself"]),
        ("jobs", "run: on-demand", ["run: approximated: docker compose run --rm one starts it"]),
        ("jobs", "sidecars: {proxy: {image: b}}", ["sidecars.proxy: approximated: the service one-proxy in the network of one; it starts after it, and does not end with it: docker compose stop one-proxy"]),
    ],
)  # fmt: skip
def test_what_is_lost_of_stores_and_jobs(kind: str, more: str, losses: list[str]) -> None:
    assert told(f"{kind}: {{one: {{image: a, {more}}}}}") == [f"{kind}.one.{one}" for one in losses]


def test_what_a_job_takes_from_a_service_is_told_once() -> None:
    text = WEB % "writable: [/a], secrets: [KEY]" + "\njobs: {tell: {uses: web, command: [tell], writable: [/b]}}"
    assert [one.partition(": ")[0] for one in told(text)] == [
        "services.web.writable.0",
        "services.web.secrets.0",
        "jobs.tell.writable.0",
    ]


def test_what_an_import_puts_into_raw_comes_back() -> None:
    services = {
        "web": {
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
    }
    root = nodes.from_plain({"name": "shop", "services": services}, "compose.yaml")
    assert isinstance(root, nodes.MappingNode)
    said = convert.convert_document(root).app
    found = exporter.export_application(
        resolve.resolve_application(decode.decode_node(application.Application, said)), said
    )
    one = found.document["services"]["web"]
    assert {key: one.get(key) for key in services["web"]} == services["web"]
    assert [each.path for each in found.outcomes if each.kind == "dropped"] == []


def test_no_word_is_forgotten() -> None:
    """What nobody tells of is either kept by its nature, or dropped: a new word of the model must be looked at."""
    words = {
        decode.to_camel_case(field.name)
        for cls in (application.Service, application.Store, application.Job, application.ExtraContainer)
        for field in dataclasses.fields(cls)
        if field.name != "name"
    }
    looked = losses.KEPT_KEYS | {
        *("egress", "kubernetesApi", "nodes", "tolerates", "priority", "raw", "daemonSet", "spread", "drain", "keep"),
        *("schedule", "timeZone", "startingDeadline", "overlap", "history", "tries", "timeout"),
    }
    assert looked == words
    words = {decode.to_camel_case(field.name) for field in dataclasses.fields(application.Build)}
    assert words == {*BUILD, "context", "dockerfile", "target", "args"}


def written(found: exporter.ExportResult, folder: Path) -> nodes.MappingNode:
    """The document in a folder, as our own reader has it, by the schema of the specification."""
    file = folder / "compose.seaway.yaml"
    file.write_text(found.to_yaml(["Written by a test."]))
    return loader.load([file], within=roots.Root(folder), profiles=["*"], environment={"LICENCE": "x"}).root


def again(root: nodes.MappingNode, folder: Path) -> exporter.ExportResult:
    said = convert.convert_document(root, folder=folder).app
    done = load.merge_overlay(said, None, working_tree.WorkingTree(folder=folder, root=roots.Root(folder)))
    assert [str(each) for each in done.diagnostics] == []
    assert done.app
    return exporter.export_application(resolve.resolve_application(done.app), said)


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_examples_are_rendered_and_read(folder: Path, tmp_path: Path) -> None:
    file = folder / "app.yaml"
    found = exporter.export_application(load.load_application(file), nodes.parse(file.read_bytes(), "app.yaml"))
    there = tmp_path / "it"
    shutil.copytree(folder, there, ignore=shutil.ignore_patterns("__pycache__"))
    root = written(found, there)
    assert nodes.to_plain(root)["name"] == found.document["name"]
    if "sidecars" in file.read_text():
        return  # an import makes services of them
    first = again(root, there)
    assert again(written(first, there), there).document == first.document


@pytest.mark.parametrize("folder", sorted(CORPUS.iterdir()), ids=lambda folder: folder.name)
def test_import_out_import_is_stable(folder: Path, tmp_path: Path) -> None:
    there = tmp_path / folder.name
    shutil.copytree(folder, there)
    files = [path for name in ("docker-compose.yml", "docker-compose.override.yml") if (path := there / name).exists()]
    root = loader.load(files, within=roots.Root(there), environment={"TITLE": "title"}, profiles=["*"]).root
    found = convert.convert_document(root, folder=there)
    if load.merge_overlay(found.app, None, working_tree.WorkingTree(folder=there, root=roots.Root(there))).diagnostics:
        assert report.list_refusals(found.outcomes)
        return
    first = again(root, there)
    assert again(written(first, there), there).document == first.document


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
def test_any_application_is_stable(services: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("any", numbered=True)
    given = {
        "services": {name: exporter._escape(one) for name, one in services.items()},  # pyright: ignore[reportPrivateUsage]
        "volumes": {"data": None, "other": None},
        "networks": {"front": None, "back": {"internal": True}},
    }
    first = again(written(exporter.ExportResult(document=given, outcomes=()), folder), folder)
    second = again(written(first, folder), folder)
    assert again(written(second, folder), folder).document == second.document
