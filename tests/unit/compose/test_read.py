"""A project as one document: what its files mean, and what is wrong with them."""

from pathlib import Path
from typing import Any

import pytest

from seaway.compose.loader import loader
from seaway.files import roots
from seaway.syntax import diagnosis, nodes

PAGE = "services:\n  web:\n    image: page\n"


def write(folder: Path, **files: str) -> Path:
    """Files whose names have __ for a / and _ for the dot; `compose` is docker-compose.yml."""
    for name, text in files.items():
        path = folder / ("docker-compose.yml" if name == "compose" else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "docker-compose.yml"


def plain(path: Path, *more: Path, **named: Any) -> dict[str, Any]:
    return nodes.to_plain(loader.load([path, *more], **{"within": roots.Root(path.parent), **named}).root)


def wrong(path: Path, *more: Path, **named: Any) -> str:
    with pytest.raises(diagnosis.InvalidInput) as caught:
        loader.load([path, *more], **{"within": roots.Root(path.parent), **named})
    return str(caught.value)


def service(tmp_path: Path, text: str, rest: str = "", **named: Any) -> dict[str, Any]:
    """The one service of a file, from its keys."""
    lines = "".join(f"    {line}\n" for line in text.strip().splitlines())
    return plain(write(tmp_path, compose=f"name: shop\n{rest}{PAGE}{lines}"), **named)["services"]["web"]


def service_wrong(tmp_path: Path, text: str, rest: str = "") -> str:
    lines = "".join(f"    {line}\n" for line in text.strip().splitlines())
    return wrong(write(tmp_path, compose=f"{rest}{PAGE}{lines}"))


def test_what_a_small_file_means(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        compose="""
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
    assert plain(file) == {
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


def test_a_value_keeps_its_place(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    file = write(tmp_path / "sub", compose='name: shop\nservices:\n  web: {image: page, ports: ["8080:80"]}\n')
    root = loader.load([file], within=roots.Root(tmp_path)).root
    ports = nodes.get_pairs(nodes.get_pairs(root, "services")["web"].node, "ports") or nodes.get_pairs(root, "services")
    node: Any = ports["web"].node
    target = node.pairs["ports"].node.items[0].pairs["target"].node
    assert str(target.place) == "sub/docker-compose.yml:3:30"


def test_the_projects_name(tmp_path: Path) -> None:
    folder = tmp_path / "My.Shop"
    file = write(folder, compose=PAGE)
    assert plain(file)["name"] == "myshop"
    assert plain(file, environment={"COMPOSE_PROJECT_NAME": "given"})["name"] == "given"
    named = write(folder, compose=f"name: $A-x\n{PAGE}    hostname: $COMPOSE_PROJECT_NAME\n")
    assert plain(named, environment={"A": "a"})["services"]["web"]["hostname"] == "a-x"
    assert plain(write(folder, compose=f"name: My Shop\n{PAGE}"))["name"] == "myshop"
    assert wrong(write(folder, compose=f"name: _\n{PAGE}")) == (
        'docker-compose.yml:1:7: name: "" is no name of a project;'
        " use lower case letters, digits, - and _, and a letter or digit first"
    )


def test_nothing_comes_from_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "of the host")
    assert service(tmp_path, "environment: [SECRET]")["environment"] == {"SECRET": None}
    assert service(tmp_path, "environment: [SECRET]", environment={"SECRET": "x"})["environment"] == {"SECRET": "x"}
    assert service_wrong(tmp_path, "hostname: $SECRET") == (
        "docker-compose.yml:4:15: services.web.hostname: the variable SECRET is one of this machine, and none of the"
        " project;"
        " write SECRET=... into .env, or ${SECRET:-} with a default; $$SECRET where the container replaces it"
    )


def test_variables_are_of_the_file_beside_it_and_what_is_given_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TAG=1\nOTHER=${TAG}2\n")
    assert service(tmp_path, "hostname: a$TAG-$OTHER")["hostname"] == "a1-12"
    assert service(tmp_path, "hostname: a$TAG-$OTHER", environment={"TAG": "9"})["hostname"] == "a9-92"


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("privileged: $YES", "privileged", True),
        ("scale: $TWO", "scale", 2),
        ("cpus: '0.5'", "cpus", 0.5),
        ("mem_limit: 64m", "mem_limit", "64m"),
        ("read_only: yes", "read_only", True),
        ("stop_grace_period: 1m30s", "stop_grace_period", "1m30s"),
        ("command: sh -c 'a b'", "command", ["sh", "-c", "a b"]),
        ("command: ''", "command", []),
        ("command:", "command", None),
        ("dns: 1.1.1.1", "dns", ["1.1.1.1"]),
        ("tmpfs: /run", "tmpfs", ["/run"]),
        ("healthcheck: {test: a b}", "healthcheck", {"test": ["CMD-SHELL", "a b"]}),
        ("devices: [/dev/a]", "devices", [{"source": "/dev/a", "target": "/dev/a", "permissions": "rwm"}]),
        ("gpus: all", "gpus", [{"count": "all"}]),
        ("extra_hosts: {a: [1.1.1.1, '::1']}", "extra_hosts", ["a=1.1.1.1", "a=::1"]),
        ("extra_hosts: ['a:1.1.1.1', 'b=[::1]']", "extra_hosts", ["a=1.1.1.1", "b=::1"]),
        ("labels: [a=b=c, d]", "labels", {"a": "b=c", "d": ""}),
        (
            "environment: {A: 1.10, B: True, C: 0777, D: }",
            "environment",
            {"A": "1.10", "B": "true", "C": "0777", "D": None},
        ),
        ("pull_policy: if_not_present", "pull_policy", "missing"),
        ("network_mode: host", "network_mode", "host"),
        ("ulimits: {nofile: 5}", "ulimits", {"nofile": 5}),
        ("x-mine: {a: [1]}", "x-mine", {"a": [1]}),
    ],
)
def test_long_forms(tmp_path: Path, text: str, key: str, value: Any) -> None:
    assert service(tmp_path, text, environment={"YES": "yes", "TWO": "2"})[key] == value


@pytest.mark.parametrize(
    ("text", "value"),
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
def test_ports(tmp_path: Path, text: str, value: list[Any]) -> None:
    made = service(tmp_path, f"ports: [{text}]")["ports"]
    assert [(one.get("host_ip"), one.get("published"), one["target"], one["protocol"]) for one in made] == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0", "has no port from 1 to 65535"),
        ("80:http", "is no port"),
        ("nowhere:1:2", 'has no address of this machine: "nowhere"'),
        ("80/icmp", "has the protocol icmp, not tcp, udp or sctp"),
        ("1-2:1-5", "has two ranges that are not of the same length"),
        ("1-60000", "is 60000 ports, and 1000 are the most"),
    ],
)
def test_wrong_ports(tmp_path: Path, text: str, said: str) -> None:
    assert service_wrong(tmp_path, f"ports: ['{text}']") == (
        f'docker-compose.yml:4:13: services.web.ports.0: "{text}" {said};'
        " write it as 8080:80, 127.0.0.1:8080:80/udp or 9000-9005:9000-9005"
    )


BIND = {"create_host_path": True}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("/cache", {"type": "volume", "target": "/cache", "volume": {}}),
        ("./a:/b/../c", {"type": "bind", "source": "a", "target": "/c", "bind": BIND}),
        ("/etc:/b:ro", {"type": "bind", "source": "/etc", "target": "/b", "read_only": True, "bind": BIND}),
        ("~/a:/b", {"type": "bind", "source": "~/a", "target": "/b", "bind": BIND}),
        ("../a:/b", {"type": "bind", "source": "../a", "target": "/b", "bind": BIND}),
        ("C:\\\\a:/b", {"type": "bind", "source": "C:\\\\a", "target": "/b", "bind": BIND}),
        (
            "./a:/b:z,rshared",
            {"type": "bind", "source": "a", "target": "/b", "bind": {**BIND, "selinux": "z", "propagation": "rshared"}},
        ),
        (
            "./a:/b:rx,ro",
            {"type": "bind", "source": "a", "target": "/b", "read_only": True, "bind": BIND, "x-options": "rx"},
        ),
        ("data:/b:Z", {"type": "volume", "source": "data", "target": "/b", "bind": {"selinux": "Z"}, "volume": {}}),
        ("data:/b:nocopy", {"type": "volume", "source": "data", "target": "/b", "volume": {"nocopy": True}}),
        ("./a:/b:cached", {"type": "bind", "source": "a", "target": "/b", "consistency": "cached", "bind": BIND}),
    ],
)
def test_mounts(tmp_path: Path, text: str, value: Any) -> None:
    text = text.replace("\\\\", "\\")
    made = service(tmp_path, f"volumes: ['{text}']", "volumes: {data: }\n")["volumes"]
    if "source" in value:
        value = {**value, "source": value["source"].replace("\\\\", "\\")}
    assert made == [value]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("volumes: ['a:']", '4:15: services.web.volumes.0: "a:" is no mount; write source:target or source:target:ro'),
        (
            "devices: ['a:b:c:d']",
            '4:15: services.web.devices.0: "a:b:c:d" is no device; write source:target:permissions',
        ),
        ("extra_hosts: [a]", '4:19: services.web.extra_hosts: "a" is no host with its address; write host=address'),
        (
            "environment: ['A =1']",
            '4:19: services.web.environment: "A =1" has no name before its =; write NAME=value, without a blank',
        ),
        (
            "command: a (b)",
            '4:14: services.web.command: "a (b)" has a bracket of a shell; write it as a list: ["sh", "-c", "..."]',
        ),
        (
            'command: a "b',
            '4:14: services.web.command: "a \\"b" has no end: a quote, a bracket or a \\ is open;'
            ' write it as a list: ["sh", "-c", "..."]',
        ),
        ("mem_limit: 64q", '4:16: services.web.mem_limit: "64q" is no amount of bytes; write it as 512m or 2gb'),
        (
            "memswap_limit: -2",
            '4:20: services.web.memswap_limit: "-2" is no amount of bytes; write it as 512m or 2gb, or -1 for no limit',
        ),
        (
            "stop_grace_period: '10'",
            '4:24: services.web.stop_grace_period: "10" is no duration; write it with a unit, as 1m30s or 500ms',
        ),
        ("scale: many", '4:12: services.web.scale: "many" is no whole number; write it in digits'),
        ("cpus: half", '4:11: services.web.cpus: "half" is no number; write it as 2 or 0.5'),
        ("privileged: perhaps", '4:17: services.web.privileged: "perhaps" is no boolean; write true or false'),
        (
            "secrets: [{source: a, mode: 99999}]",
            "4:33: services.web.secrets.0.mode: 99999 is no file mode; write it in octal, as 0440",
        ),
        ("build: {ssh: [key]}", '4:19: services.web.build.ssh: "key" is no SSH key; write `default`, or id=path'),
        ("user: 1000", "4:11: services.web.user: 1000 is not text; put quotes round it"),
        ("ports:", "4:11: services.web.ports: an empty value is not a list; write a list, or remove the key"),
        ("ports: 80", "4:12: services.web.ports: 80 is not a list; write a list"),
        ("prots: [80]", "4:5: services.web.prots: there is no such key; did you mean ports?"),
        ("cgroup: mine", '4:13: services.web.cgroup: "mine" is not known; write host or private'),
        ("oom_score_adj: 2000", "4:20: services.web.oom_score_adj: 2000 is too big; the most is 1000"),
        ("cpu_count: -1", "4:16: services.web.cpu_count: -1 is too small; the least is 0"),
        (
            "container_name: '-'",
            '4:21: services.web.container_name: "-" has the wrong form; it must match [a-zA-Z0-9][a-zA-Z0-9_.-]+',
        ),
        ("volumes: [{target: /a}]", "4:15: services.web.volumes.0: has no `type`; add `type: ...`"),
    ],
)
def test_wrong_values(tmp_path: Path, text: str, message: str) -> None:
    assert service_wrong(tmp_path, text) == f"docker-compose.yml:{message}"


def test_all_problems_of_a_file_at_once(tmp_path: Path) -> None:
    assert service_wrong(tmp_path, "user: 1\nprots: [80]\nscale: [1]").count("\n") == 2


def test_files_of_variables(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_text("A=file\nB=$A\nLEFT\n")
    made = service(tmp_path, "env_file: [a.env, {path: none.env, required: false}]\nenvironment: {A: own}")
    assert made["environment"] == {"A": "own", "B": "own"}
    assert "env_file" not in made
    assert service_wrong(tmp_path, "env_file: none.env") == (
        'docker-compose.yml:4:15: services.web.env_file.0: "none.env" cannot be read (No such file or directory);'
        " write the path of a file"
    )


def test_files_of_labels(tmp_path: Path) -> None:
    (tmp_path / "a.labels").write_text("a=file\nb=file\n")
    made = service(tmp_path, "label_file: a.labels\nlabels: [a=own]")
    assert made["labels"] == {"a": "own", "b": "file"}
    assert "label_file" not in made


def test_profiles(tmp_path: Path) -> None:
    text = f"""{PAGE}    depends_on: {{extra: {{condition: service_started, required: false}}}}
  extra: {{image: page, profiles: [more]}}
"""
    file = write(tmp_path, compose=text)
    done = loader.load([file], within=roots.Root(tmp_path))
    assert [*nodes.get_pairs(done.root, "services")] == ["web"]
    assert [*done.inactive_services] == ["extra"]
    assert nodes.to_plain(done.root)["services"]["web"]["depends_on"] == {}
    for chosen in ("more", "*"):
        assert [*plain(file, profiles=[chosen])["services"]] == ["web", "extra"]
    assert [*plain(file, environment={"COMPOSE_PROFILES": "other,more"})["services"]] == ["web", "extra"]
    assert wrong(write(tmp_path, compose=text.replace("false", "true"))) == (
        'docker-compose.yml:4:18: services.web.depends_on.extra: the profiles leave out the service "extra";'
        " choose one of its profiles, or write `required: false`"
    )


def test_what_follows_from_other_keys(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TITLE=x\n")
    file = write(
        tmp_path,
        compose="""
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
    made = plain(file)
    assert made["services"]["a"]["depends_on"] == {
        "b": {"condition": "service_started", "restart": True, "required": True},
        "c": {"condition": "service_started", "restart": True, "required": True},
        "d": {"condition": "service_started", "required": True},
    }
    assert made["services"]["a"]["secrets"] == [{"source": "s", "target": "/run/secrets/s"}]
    assert made["services"]["a"]["build"] == {"dockerfile_inline": "FROM a", "context": "."}
    assert "networks" not in made["services"]["d"]
    assert made["configs"]["t"]["content"] == "x"
    assert made["secrets"]["s"] == {"environment": "TITLE"}


def test_variables_that_are_set_nowhere_are_told(tmp_path: Path) -> None:
    file = write(tmp_path, compose=f"{PAGE}    hostname: a$NOWHERE\n    domainname: $NOWHERE\n")
    done = loader.load([file], within=roots.Root(tmp_path))
    assert nodes.to_plain(done.root)["services"]["web"]["hostname"] == "a"
    (loss,) = done.outcomes
    assert (str(loss.location), loss.path, loss.kind) == ("docker-compose.yml:4:15", "${NOWHERE}", "approximated")
    assert loss.message == "is set nowhere, and so an empty text, as with Docker Compose"
    assert loss.hint == (
        "write NOWHERE=... into .env, or ${NOWHERE:-} with a default; $$NOWHERE where the container replaces it"
    )
