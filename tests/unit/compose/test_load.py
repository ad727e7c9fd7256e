"""Compose files are loaded like Docker Compose does: long forms, defaults, merges, profiles and variables."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from dev.compose_comparison import projects
from seaway.compose.importer import images
from seaway.compose.loader import documents, loader, schema
from seaway.files import roots
from seaway.syntax import nodes
from tests.support import compose

BIND = {"create_host_path": True}


def test_a_small_file_has_all_defaults(tmp_path: Path) -> None:
    compose.write_files(
        tmp_path,
        main="""
name: shop
services:
  web:
    build: .
    ports: ["8080:80"]
    depends_on: [db]
    environment: [A=1, B]
  db: {image: "postgres:17", volumes: ["data:/var/lib"]}
volumes: {data: }
""",
    )
    assert compose.load_plain(tmp_path) == {
        "name": "shop",
        "services": {
            "web": {
                "build": {"context": ".", "dockerfile": "Dockerfile"},
                "ports": [{"mode": "ingress", "target": 80, "published": "8080", "protocol": "tcp"}],
                "depends_on": {"db": {"condition": "service_started", "required": True}},
                "environment": {"A": "1", "B": None},
                "networks": {"default": None},
            },
            "db": {
                "image": "postgres:17",
                "volumes": [{"type": "volume", "source": "data", "target": "/var/lib", "volume": {}}],
                "networks": {"default": None},
            },
        },
        "volumes": {"data": None},
        "networks": {"default": None},
    }


def test_a_node_keeps_its_location(tmp_path: Path) -> None:
    compose.write_files(tmp_path, sub__main='name: shop\nservices:\n  web: {image: page, ports: ["8080:80"]}\n')
    node: Any = compose.load(tmp_path, "sub/main").root
    for key in ("services", "web", "ports"):
        node = node.pairs[key].node
    assert str(node.items[0].pairs["target"].node.location) == "sub/main.yml:3:30"


def test_the_project_name_comes_from_environment_file_or_folder(tmp_path: Path) -> None:
    folder = tmp_path / "My.Shop"
    compose.write_files(
        folder,
        main=compose.PAGE,
        named="name: $A-x\n" + compose.format_service("hostname: $COMPOSE_PROJECT_NAME"),
        invalid=f"name: My Shop\n{compose.PAGE}",
    )
    assert compose.load_plain(folder)["name"] == "myshop"
    assert compose.load_plain(folder, environment={"COMPOSE_PROJECT_NAME": "given"})["name"] == "given"
    assert compose.load_plain(folder, "named", environment={"A": "a"})["services"]["web"]["hostname"] == "a-x"
    assert compose.load_plain(folder, "invalid")["name"] == "myshop"


def test_env_file_sets_variables_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TAG=1\nOTHER=${TAG}2\n")
    assert compose.load_service(tmp_path, "hostname: a$TAG-$OTHER")["hostname"] == "a1-12"
    assert compose.load_service(tmp_path, "hostname: a$TAG-$OTHER", environment={"TAG": "9"})["hostname"] == "a9-92"


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("privileged: $YES", True),
        ("scale: $TWO", 2),
        ("cpus: '0.5'", 0.5),
        ("mem_limit: 64m", "64m"),
        ("read_only: yes", True),
        ("stop_grace_period: 1m30s", "1m30s"),
        ("command: sh -c 'a b'", ["sh", "-c", "a b"]),
        ("command: ''", []),
        ("command:", None),
        ("dns: 1.1.1.1", ["1.1.1.1"]),
        ("tmpfs: /run", ["/run"]),
        ("healthcheck: {test: a b}", {"test": ["CMD-SHELL", "a b"]}),
        ("devices: [/dev/a]", [{"source": "/dev/a", "target": "/dev/a", "permissions": "rwm"}]),
        ("gpus: all", [{"count": "all"}]),
        ("extra_hosts: {a: [1.1.1.1, '::1']}", ["a=1.1.1.1", "a=::1"]),
        ("extra_hosts: ['a:1.1.1.1', 'b=[::1]']", ["a=1.1.1.1", "b=::1"]),
        ("labels: [a=b=c, d]", {"a": "b=c", "d": ""}),
        ("environment: {A: 1.10, B: True, C: 0777, D: }", {"A": "1.10", "B": "true", "C": "0777", "D": None}),
        ("pull_policy: if_not_present", "missing"),
        ("network_mode: host", "host"),
        ("ulimits: {nofile: 5}", {"nofile": 5}),
        ("x-mine: {a: [1]}", {"a": [1]}),
        ("volumes: [/cache]", [{"type": "volume", "target": "/cache", "volume": {}}]),
        ("volumes: ['./a:/b/../c']", [{"type": "bind", "source": "a", "target": "/c", "bind": BIND}]),
        (
            "volumes: ['/etc:/b:ro']",
            [{"type": "bind", "source": "/etc", "target": "/b", "read_only": True, "bind": BIND}],
        ),
        ("volumes: ['~/a:/b']", [{"type": "bind", "source": "~/a", "target": "/b", "bind": BIND}]),
        ("volumes: ['../a:/b']", [{"type": "bind", "source": "../a", "target": "/b", "bind": BIND}]),
        ("volumes: ['C:\\a:/b']", [{"type": "bind", "source": "C:\\a", "target": "/b", "bind": BIND}]),
        (
            "volumes: ['./a:/b:z,rshared']",
            [
                {
                    "type": "bind",
                    "source": "a",
                    "target": "/b",
                    "bind": {**BIND, "selinux": "z", "propagation": "rshared"},
                }
            ],
        ),
        (
            "volumes: ['./a:/b:rx,ro']",
            [{"type": "bind", "source": "a", "target": "/b", "read_only": True, "bind": BIND, "x-options": "rx"}],
        ),
        (
            "volumes: ['data:/b:Z']",
            [{"type": "volume", "source": "data", "target": "/b", "bind": {"selinux": "Z"}, "volume": {}}],
        ),
        (
            "volumes: ['data:/b:nocopy']",
            [{"type": "volume", "source": "data", "target": "/b", "volume": {"nocopy": True}}],
        ),
        (
            "volumes: ['./a:/b:cached']",
            [{"type": "bind", "source": "a", "target": "/b", "consistency": "cached", "bind": BIND}],
        ),
    ],
)
def test_short_forms_become_long_forms(tmp_path: Path, keys: str, expected: Any) -> None:
    environment = {"YES": "yes", "TWO": "2"}
    service = compose.load_service(tmp_path, keys, "volumes: {data: }\n", environment=environment)
    assert service[keys.partition(":")[0]] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9000", [(None, None, 9000, "tcp")]),
        ("'80:8080/UDP'", [(None, "80", 8080, "udp")]),
        ("'127.0.0.1::80'", [("127.0.0.1", None, 80, "tcp")]),
        ("'[::1]:1:2'", [("::1", "1", 2, "tcp")]),
        ("'::1:1:2'", [("::1", "1", 2, "tcp")]),
        ("'5-6:7-8'", [(None, "5", 7, "tcp"), (None, "6", 8, "tcp")]),
        ("'100-200:7'", [(None, "100-200", 7, "tcp")]),
    ],
)
def test_port_syntax(tmp_path: Path, text: str, expected: list[Any]) -> None:
    ports = compose.load_service(tmp_path, f"ports: [{text}]")["ports"]
    assert [
        (port.get("host_ip"), port.get("published"), port["target"], port["protocol"]) for port in ports
    ] == expected


def test_files_of_variables_and_labels_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_text("A=file\nB=$A\nLEFT\n")
    (tmp_path / "a.labels").write_text("a=file\nb=file\n")
    keys = "env_file: [a.env, {path: none.env, required: false}]\nenvironment: {A: own}\nlabel_file: a.labels"
    service = compose.load_service(tmp_path, f"{keys}\nlabels: [a=own]")
    assert service["environment"] == {"A": "own", "B": "own"}
    assert service["labels"] == {"a": "own", "b": "file"}
    assert not {"env_file", "label_file"} & service.keys()


def test_inactive_services_are_left_out(tmp_path: Path) -> None:
    rest = "  extra: {image: page, profiles: [more]}\n"
    keys = "depends_on: {extra: {condition: service_started, required: false}}"
    compose.write_files(tmp_path, main=compose.format_service(keys, rest))
    project = compose.load(tmp_path)
    assert [*nodes.get_pairs(project.root, "services")] == ["web"]
    assert [*project.inactive_services] == ["extra"]
    assert nodes.to_plain(project.root)["services"]["web"]["depends_on"] == {}
    for active in ({"profiles": ["more"]}, {"profiles": ["*"]}, {"environment": {"COMPOSE_PROFILES": "other,more"}}):
        assert [*compose.load_plain(tmp_path, **active)["services"]] == ["web", "extra"]


def test_keys_imply_dependencies_targets_and_content(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TITLE=x\n")
    compose.write_files(
        tmp_path,
        main="""
services:
  a:
    {links: ["b:c"], ipc: "service:c", volumes_from: ["d:ro"], secrets: [s], build: {dockerfile_inline: FROM a}}
  b: {image: a}
  c: {image: a}
  d: {image: a, network_mode: none}
configs: {t: {environment: TITLE}}
secrets: {s: {environment: TITLE}}
""",
    )
    project = compose.load_plain(tmp_path)
    service = project["services"]["a"]
    assert service["depends_on"] == {
        "b": {"condition": "service_started", "restart": True, "required": True},
        "c": {"condition": "service_started", "restart": True, "required": True},
        "d": {"condition": "service_started", "required": True},
    }
    assert service["secrets"] == [{"source": "s", "target": "/run/secrets/s"}]
    assert service["build"] == {"dockerfile_inline": "FROM a", "context": "."}
    assert "networks" not in project["services"]["d"]
    assert project["configs"]["t"]["content"] == "x"
    assert project["secrets"]["s"] == {"environment": "TITLE"}


def test_unset_variables_and_cut_commands_are_reported(tmp_path: Path, wording: object) -> None:
    keys = "hostname: a$NOWHERE\ndomainname: $NOWHERE\ncommand: a b && c"
    compose.write_files(tmp_path, main=compose.format_service(keys))
    project = compose.load(tmp_path)
    assert nodes.to_plain(project.root)["services"]["web"]["hostname"] == "a"
    assert [(str(outcome.location), outcome.path, outcome.kind) for outcome in project.outcomes] == [
        ("main.yml:4:15", "${NOWHERE}", "approximated"),
        ("main.yml:6:14", "services.web.command", "approximated"),
    ]
    assert [f"{outcome.message}; {outcome.hint}" for outcome in project.outcomes] == wording


@pytest.mark.parametrize(
    ("key", "base", "override", "expected"),
    [
        ("environment", "{A: 1, B: 2}", "[A=3, C]", {"A": "3", "B": "2", "C": None}),
        ("command", "[a]", "[b, c]", ["b", "c"]),
        ("command", "[a]", "", None),
        ("entrypoint", "[a]", "b c", ["b", "c"]),
        ("cap_add", "[A, B]", "[B, C]", ["A", "B", "C"]),
        ("dns", "1.1.1.1", "[2.2.2.2, 1.1.1.1]", ["1.1.1.1", "2.2.2.2"]),
        ("expose", "['1']", "['2', '1']", ["1", "2"]),
        ("ulimits", "{a: 5, b: 6}", "{a: {soft: 1, hard: 2}}", {"a": {"soft": 1, "hard": 2}, "b": 6}),
        ("logging", "{driver: a, options: {x: b}}", "{driver: b}", {"driver": "b"}),
        (
            "logging",
            "{driver: a, options: {x: b}}",
            "{options: {y: c}}",
            {"driver": "a", "options": {"x": "b", "y": "c"}},
        ),
        ("extra_hosts", "[a=1.1.1.1]", "[a=1.1.1.1, a=2.2.2.2]", ["a=1.1.1.1", "a=2.2.2.2"]),
        ("tmpfs", "/a", "/b", ["/a", "/b"]),
        ("labels", "{a: b}", "!reset null", "missing"),
        ("labels", "{a: b}", "!override {c: d}", {"c": "d"}),
        ("labels", "{a: b}", "{a: !reset x, c: d}", {"c": "d"}),
        ("dns", "[1.1.1.1]", "!override [2.2.2.2]", ["2.2.2.2"]),
        ("healthcheck", "{test: a, retries: 3}", "{test: [NONE]}", {"test": ["NONE"], "retries": 3}),
        ("build", ".", "{target: x}", {"context": ".", "target": "x", "dockerfile": "Dockerfile"}),
        (
            "depends_on",
            "{web: {condition: service_started, required: false}}",
            "{web: {condition: service_healthy}}",
            {"web": {"condition": "service_healthy", "required": False}},
        ),
    ],
)
def test_a_file_overrides_another(tmp_path: Path, key: str, base: str, override: str, expected: Any) -> None:
    page = "services:\n  web: {image: page}\n  api:\n    image: page\n"
    compose.write_files(tmp_path, main=f"{page}    {key}: {base}\n", more=f"services:\n  api:\n    {key}: {override}\n")
    assert compose.load_plain(tmp_path, "main", "more")["services"]["api"].get(key, "missing") == expected


def test_an_entry_replaces_one_with_the_same_port_target_or_subnet(tmp_path: Path) -> None:
    rest = "volumes: {one: , two: }\nnetworks: {n: {ipam: {config: [{subnet: a, gateway: b}]}}}\n"
    compose.write_files(
        tmp_path,
        main=compose.format_service("ports: ['80:8080', '81:8081']\nvolumes: ['one:/x', 'one:/y']", rest),
        more="services:\n  web: {ports: ['80:8080/tcp', '82:8080'], volumes: ['two:/x']}\n"
        "networks: {n: {ipam: {config: [{subnet: c}, {subnet: a, ip_range: d}]}}}\n",
    )
    project = compose.load_plain(tmp_path, "main", "more")
    service = project["services"]["web"]
    assert [port["published"] for port in service["ports"]] == ["80", "81", "82"]
    assert [(mount["source"], mount["target"]) for mount in service["volumes"]] == [("two", "/x"), ("one", "/y")]
    config = project["networks"]["n"]["ipam"]["config"]
    assert config == [{"subnet": "a", "gateway": "b", "ip_range": "d"}, {"subnet": "c"}]


def test_anchors_and_yaml_merges_are_resolved(tmp_path: Path) -> None:
    text = """
x-a: &a {hostname: a, user: a}
x-b: &b {user: b, domainname: b}
services:
  web: {<<: [*a, *b], image: page, hostname: own}
"""
    compose.write_files(tmp_path, main=text)
    service = compose.load_plain(tmp_path)["services"]["web"]
    assert (service["hostname"], service["user"], service["domainname"]) == ("own", "a", "b")


def test_a_service_extends_another(tmp_path: Path) -> None:
    compose.write_files(
        tmp_path,
        main="""
services:
  web:
    extends: {service: worker, file: sub/base.yml}
    environment: {B: main}
    dns: !override [2.2.2.2]
""",
        sub__base="""
services:
  worker: {extends: base, build: ., command: a}
  base: {environment: {A: base, B: base}, dns: 1.1.1.1, volumes: ["./conf:/conf"], env_file: base.env}
""",
    )
    (tmp_path / "sub" / "base.env").write_text("C=file\n")
    assert compose.load_plain(tmp_path)["services"]["web"] == {
        "environment": {"C": "file", "A": "base", "B": "main"},
        "dns": ["2.2.2.2"],
        "volumes": [{"type": "bind", "source": "sub/conf", "target": "/conf", "bind": BIND}],
        "build": {"context": "sub", "dockerfile": "Dockerfile"},
        "command": ["a"],
        "networks": {"default": None},
    }


def test_a_project_includes_others(tmp_path: Path) -> None:
    include = "include:\n  - sub/a.yml\n  - {path: [b.yml, c.yml], env_file: b.env}\n"
    compose.write_files(
        tmp_path,
        main=include + compose.format_service("depends_on: [a, b]"),
        sub__a="name: other\nservices: {a: {build: $WHERE}}\nvolumes: {v: {}}\n",
        b="services: {b: {image: $IMAGE, hostname: b}}\n",
        c="services: {b: {hostname: c}}\n",
    )
    (tmp_path / "sub" / ".env").write_text("WHERE=ctx\n")
    (tmp_path / "b.env").write_text("IMAGE=page\n")
    project = compose.load_plain(tmp_path)
    assert [*project["services"]] == ["web", "a", "b"]
    assert project["services"]["a"]["build"]["context"] == "sub/ctx"
    assert project["services"]["b"]["hostname"] == "c"
    assert project["volumes"] == {"v": {}}


def test_a_pipe_is_not_read_as_a_dockerfile(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "Dockerfile")
    assert images.read_stage(tmp_path / "Dockerfile", roots.Root(tmp_path)) == images.Stage()


# The corpus contains every key of the specification.

CASES = sorted(folder.name for folder in projects.CORPUS.iterdir())
KINDS = {"text": "string", "int": "integer", "float": "number", "bool": "boolean", "null": "null"}


def list_files(case: str) -> list[Path]:
    names = ("docker-compose.yml", "docker-compose.override.yml")
    return [path for name in names if (path := projects.CORPUS / case / name).exists()]


@pytest.mark.parametrize("case", CASES)
def test_corpus_is_loaded(case: str) -> None:
    root = roots.Root(projects.CORPUS / case)
    project = loader.load(list_files(case), within=root, environment=projects.ENVIRONMENT, profiles=["*"])
    assert nodes.get_pairs(project.root, "services")
    schema.check(project.root, complete=True)
    assert list_files(case)[0].read_text().startswith("# "), "a comment says what the case is for"


def format_reversed(node: nodes.Node) -> str:
    """The node in JSON, without anchors, with each mapping in reverse order."""
    match node:
        case nodes.MappingNode(pairs=pairs):
            fields = (f"{json.dumps(name)}: {format_reversed(pair.node)}" for name, pair in reversed([*pairs.items()]))
            return "{" + ", ".join(fields) + "}"
        case nodes.SequenceNode(items=children):
            return "[" + ", ".join(map(format_reversed, children)) + "]"
        case nodes.ScalarNode(kind="text"):
            return json.dumps(node.text)
        case nodes.ScalarNode():
            return node.text or "null"
        case _:
            raise AssertionError


@pytest.mark.parametrize("case", CASES)
def test_order_quotes_and_anchors_do_not_matter(case: str, tmp_path: Path) -> None:
    folder = tmp_path / case
    shutil.copytree(projects.CORPUS / case, folder)
    files = [folder / path.name for path in list_files(case)]
    before = nodes.to_plain(loader.load(files, within=roots.Root(folder)).root)
    files[0].write_text(format_reversed(documents.parse(files[0].read_bytes(), "").root))
    assert nodes.to_plain(loader.load(files, within=roots.Root(folder)).root) == before


def resolve(subschema: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = subschema.get("$ref")
    return schema.load()["definitions"][reference.rpartition("/")[2]] if reference else subschema


def list_known(subschema: Mapping[str, Any], path: str, *, is_branch: bool = False) -> Iterator[str]:
    """Every key of the schema, every type of a key with several, and every allowed text."""
    subschema = resolve(subschema)
    types = subschema.get("type", [])
    if is_branch and isinstance(types, str):
        yield f"{path} as {'number' if types == 'integer' else types}"
    for text in subschema.get("enum", []):
        yield f"{path} = {text}"
    for branch in subschema.get("oneOf", []):
        yield from list_known(branch, path, is_branch=True)
    if types == "array":
        yield from list_known(subschema.get("items", {}), f"{path}[]")
        return  # other keywords (the x- of `gpus`) do not apply to a list
    for name, child in subschema.get("properties", {}).items():
        yield f"{path}.{name}"
        yield from list_known(child, f"{path}.{name}")
    for pattern, child in subschema.get("patternProperties", {}).items():
        name = "x-" if pattern == "^x-" else "*"
        yield f"{path}.{name}"
        yield from list_known(child, f"{path}.{name}")


def list_used(subschema: Mapping[str, Any], node: nodes.Node, path: str) -> Iterator[str]:
    """The same of a document."""
    subschema = resolve(subschema)
    for branch in map(resolve, subschema.get("oneOf", [])):
        yield from list_used(branch, node, path)
    match node:
        case nodes.MappingNode(pairs=pairs):
            yield f"{path} as object"
            known, patterns = subschema.get("properties", {}), subschema.get("patternProperties", {})
            for name, pair in pairs.items():
                child, at = known.get(name), f"{path}.{name}"
                if child is None:
                    own = name.startswith("x-") and "^x-" in patterns
                    child = patterns.get("^x-" if own else next((key for key in patterns if key != "^x-"), ""), {})
                    at = f"{path}.{'x-' if own else '*'}"
                yield at
                yield from list_used(child, pair.node, at)
        case nodes.SequenceNode(items=children):
            yield f"{path} as array"
            for child in children:
                yield from list_used(subschema.get("items", {}), child, f"{path}[]")
        case nodes.ScalarNode():
            kind = KINDS[node.kind]
            yield f"{path} as {'number' if kind == 'integer' else kind}"
            yield f"{path} = {node.text}"
        case _:
            pass


def test_corpus_has_every_key_of_the_specification() -> None:
    known = set(list_known(schema.load(), ""))
    assert {".services.*.ports[].app_protocol", ".services.*.build as string", ".volumes.*.x-"} <= known
    assert len(known) > 400
    used = {
        key
        for path in projects.CORPUS.rglob("*.yml")
        for key in list_used(schema.load(), documents.parse(path.read_bytes(), str(path)).root, "")
    }
    assert sorted(known - used) == []
