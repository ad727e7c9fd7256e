"""Several files as one: laid over one another, extended, included; and what must not be read."""

import os
import re
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from seaway.compose.importer import dockerfile
from seaway.compose.loader import loader
from seaway.files import roots
from seaway.syntax import diagnosis, nodes

PAGE = "services:\n  web:\n    image: page\n"


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def plain(folder: Path, *names: str) -> dict[str, Any]:
    return nodes.to_plain(
        loader.load([folder / f"{name}.yml" for name in names or ("main",)], within=roots.Root(folder)).root
    )


def wrong(folder: Path, *names: str) -> str:
    with pytest.raises(diagnosis.InvalidInput) as caught:
        plain(folder, *names)
    return str(caught.value)


def over(tmp_path: Path, base: str, more: str, rest: str = "") -> dict[str, Any]:
    """One service, from its keys in two files."""
    write(tmp_path, main=f"{rest}{PAGE}    {base}\n", more=f"services:\n  web:\n    {more}\n")
    return plain(tmp_path, "main", "more")["services"]["web"]


@pytest.mark.parametrize(
    ("key", "base", "more", "after"),
    [
        ("environment", "{A: 1, B: 2}", "[A=3, C]", {"A": "3", "B": "2", "C": None}),
        ("command", "[a]", "[b, c]", ["b", "c"]),
        ("command", "[a]", "", None),
        ("entrypoint", "[a]", "b c", ["b", "c"]),
        ("cap_add", "[A, B]", "[B, C]", ["A", "B", "C"]),
        ("dns", "1.1.1.1", "[2.2.2.2, 1.1.1.1]", ["1.1.1.1", "2.2.2.2"]),
        ("expose", "['1']", "['2', '1']", ["1", "2"]),
        (
            "ulimits",
            "{nofile: 5, nproc: 6}",
            "{nofile: {soft: 1, hard: 2}}",
            {"nofile": {"soft": 1, "hard": 2}, "nproc": 6},
        ),
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
    ],
)
def test_one_file_over_another(tmp_path: Path, key: str, base: str, more: str, after: Any) -> None:
    assert over(tmp_path, f"{key}: {base}", f"{key}: {more}").get(key, "missing") == after


def test_an_item_takes_the_place_of_the_one_with_the_same_port_or_target(tmp_path: Path) -> None:
    made = over(
        tmp_path,
        "<<: {ports: ['80:8080', '81:8081'], volumes: ['one:/x', 'one:/y']}",
        "<<: {ports: ['80:8080/tcp', '82:8080'], volumes: ['two:/x']}",
        "volumes: {one: , two: }\n",
    )
    assert [one["published"] for one in made["ports"]] == ["80", "81", "82"]
    assert [(one["source"], one["target"]) for one in made["volumes"]] == [("two", "/x"), ("one", "/y")]


def test_a_wait_keeps_what_the_other_file_does_not_say(tmp_path: Path) -> None:
    rest = "depends_on: {db: {condition: service_started, required: false}}"
    write(tmp_path, main=f"{PAGE}    {rest}\n  db: {{image: page}}\n")
    write(tmp_path, more="services: {web: {depends_on: {db: {condition: service_healthy}}}}\n")
    made = plain(tmp_path, "main", "more")["services"]["web"]["depends_on"]
    assert made == {"db": {"condition": "service_healthy", "required": False}}


def test_subnets_merge_by_their_address(tmp_path: Path) -> None:
    write(tmp_path, main=f"{PAGE}networks: {{n: {{ipam: {{config: [{{subnet: a, gateway: b}}]}}}}}}\n")
    write(tmp_path, more="networks: {n: {ipam: {config: [{subnet: c}, {subnet: a, ip_range: d}]}}}\n")
    config = plain(tmp_path, "main", "more")["networks"]["n"]["ipam"]["config"]
    assert config == [{"subnet": "a", "gateway": "b", "ip_range": "d"}, {"subnet": "c"}]


def test_two_forms_that_cannot_be_merged(tmp_path: Path) -> None:
    write(tmp_path, main=f"{PAGE}    x-a: {{b: 1}}\n", more="services:\n  web:\n    x-a: [1]\n")
    assert wrong(tmp_path, "main", "more") == (
        "more.yml:3:10: services.web.x-a: a list is laid over a mapping, written in main.yml:4:10;"
        " write both in one form"
    )


def test_anchors_and_merges(tmp_path: Path) -> None:
    text = """
x-a: &a {hostname: a, user: a}
x-b: &b {user: b, domainname: b}
services:
  web: {<<: [*a, *b], image: page, hostname: own}
"""
    write(tmp_path, main=text)
    web = plain(tmp_path)["services"]["web"]
    assert (web["hostname"], web["user"], web["domainname"]) == ("own", "a", "b")
    write(tmp_path, main="services:\n  web:\n    <<: [a]\n    image: page\n")
    assert (
        wrong(tmp_path)
        == 'main.yml:3:10: services.web.<<: "a" cannot be merged; write `<<: *name`, where &name is a mapping'
    )


def test_extends(tmp_path: Path) -> None:
    write(
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
    assert plain(tmp_path)["services"]["web"] == {
        "environment": {"C": "file", "A": "base", "B": "main"},
        "dns": ["2.2.2.2"],
        "volumes": [{"type": "bind", "source": "sub/conf", "target": "/conf", "bind": {"create_host_path": True}}],
        "build": {"context": "sub", "dockerfile": "Dockerfile"},
        "command": ["a"],
        "networks": {"default": None},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "services:\n  a: {extends: b}\n  b: {extends: a}\n",
            "main.yml:2:7: services.a.extends: extends itself: a -> b -> a; write the service out",
        ),
        (
            "services:\n  a: {extends: b}\n",
            'main.yml:2:7: services.a.extends.service: there is no service "b" in main.yml;'
            " write the name of one of its services",
        ),
        (
            "services:\n  a: {extends: {service: b, file: ../b.yml}}\n",
            'main.yml:2:7: services.a.extends.file: "../b.yml" is outside the project; copy it into the project',
        ),
    ],
)
def test_wrong_extends(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, main=text)
    assert wrong(tmp_path) == message


def test_include(tmp_path: Path) -> None:
    write(
        tmp_path,
        main=f"include:\n  - sub/a.yml\n  - {{path: [b.yml, c.yml], env_file: b.env}}\n{PAGE}    depends_on: [a, b]\n",
        sub__a="name: other\nservices: {a: {build: $WHERE}}\nvolumes: {v: {}}\n",
        b="services: {b: {image: $IMAGE, hostname: b}}\n",
        c="services: {b: {hostname: c}}\n",
    )
    (tmp_path / "sub" / ".env").write_text("WHERE=ctx\n")
    (tmp_path / "b.env").write_text("IMAGE=page\n")
    made = plain(tmp_path)
    assert [*made["services"]] == ["web", "a", "b"]
    assert made["services"]["a"]["build"]["context"] == "sub/ctx"
    assert made["services"]["b"]["hostname"] == "c"
    assert made["volumes"] == {"v": {}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"include: [a.yml]\n{PAGE}",
            "main.yml:3:3: services.web: is another than the one that a.yml includes, in a.yml:1:12;"
            " rename one of them, or change it in a file that is laid over both",
        ),
        (
            f"include: [main.yml]\n{PAGE}",
            "main.yml:1:11: include.0.path: includes itself: main.yml -> main.yml; take one of these out",
        ),
        (f"include: [{{env_file: a}}]\n{PAGE}", "main.yml:1:11: include.0: has no `path`; add `path: <file>`"),
        (
            f"include: [../a.yml]\n{PAGE}",
            'main.yml:1:11: include.0.path: "../a.yml" is outside the project; copy it into the project',
        ),
        *(
            (
                f"include: ['{remote}']\n{PAGE}",
                f'main.yml:1:11: include.0.path: "{remote}" is on another machine;'
                " copy it into the project, and name the copy",
            )
            for remote in (
                "https://example.com/a.yml",
                "oci://example.com/a:1",
                "git@example.com:a.git",
                "github.com/a/b",
            )
        ),
    ],
)
def test_wrong_includes(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, main=text, a="services: {web: {image: other}}\n")
    assert wrong(tmp_path) == message


LEADS = "is outside the project; copy it into the project"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{PAGE}    env_file: /etc/passwd\n", f'4:15: services.web.env_file.0.path: "/etc/passwd" {LEADS}'),
        (f"{PAGE}    label_file: ~/a\n", f'4:17: services.web.label_file.0: "~/a" {LEADS}'),
        (f"{PAGE}    build: ../..\n", f'4:12: services.web.build.context: "../.." {LEADS}'),
        (f"{PAGE}    build: {{dockerfile: ../../a}}\n", f'4:25: services.web.build.dockerfile: "../../a" {LEADS}'),
        (f"{PAGE}    env_file: link/passwd\n", f'4:15: services.web.env_file.0.path: "link/passwd" {LEADS}'),
        (f"{PAGE}secrets: {{a: {{file: link/passwd}}}}\n", f'4:21: secrets.a.file: "link/passwd" {LEADS}'),
        (f"{PAGE}configs: {{a: {{file: /etc/hosts}}}}\n", f'4:21: configs.a.file: "/etc/hosts" {LEADS}'),
        (
            f"{PAGE}    volumes: [./link:/a]\n",
            '4:15: services.web.volumes.0.source: "./link" is a link that leads outside the project;'
            " put the files themselves there",
        ),
        (
            f"{PAGE}    env_file: pipe\n",
            '4:15: services.web.env_file.0: "pipe" is a FIFO, not a regular file; write the path of a file',
        ),
        (
            f"{PAGE}    env_file: .\n",
            '4:15: services.web.env_file.0: "." is a directory, not a regular file; write the path of a file',
        ),
        (
            f"{PAGE}    env_file: [{{path: main.yml, format: ini}}]\n",
            '4:16: services.web.env_file.0.format: "ini" is no format of a file of variables; write raw, or nothing',
        ),
    ],
)
def test_nothing_outside_is_read(tmp_path: Path, text: str, message: str) -> None:
    project = tmp_path / "project"
    write(project, main=text)
    (project / "link").symlink_to("/etc")
    os.mkfifo(project / "pipe")
    assert re.sub(r" \(it resolves to (\.\./)+etc/passwd\)", "", wrong(project)) == f"main.yml:{message}"


def test_a_file_that_is_a_link_out_of_the_project(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    write(tmp_path, real=PAGE)
    (project / "main.yml").symlink_to(tmp_path / "real.yml")
    assert wrong(project).startswith("main.yml:1:1: ")
    assert wrong(project).endswith("is outside the project (it resolves to ../real.yml); copy it into the project")


BOMB = "x-a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"x-{b}: &{b} [{','.join(f'*{a}' for _ in range(10))}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)
)
DEEP = "x-a0: &a0 [1]\n" + "".join(f"x-a{n}: &a{n} {'[' * 30}*a{n - 1}{']' * 30}\n" for n in range(1, 40))
SUM = "services:\n  s0: {image: a, expose: [" + ",".join(f"'{n}'" for n in range(2000)) + "]}\n"
SUM += "".join(f"  s{n}: {{extends: s{n - 1}, labels: {{a: b}}}}\n" for n in range(1, 300))
CHAIN = "services:\n" + "".join(f"  s{n}: {{extends: s{n + 1}}}\n" for n in range(30)) + "  s30: {image: a}\n"
MANY = "services:\n  s0: {image: a, expose: [" + ",".join(f"'{n}'" for n in range(5000)) + "]}\n"
MANY += "".join(f"  s{n}: {{extends: s0}}\n" for n in range(1, 200))
GROW = f"{PAGE}    hostname: $A9\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "has more than 100000 values; split it; an alias counts as all that it names"),
        (DEEP, "is nested more than 40 deep; flatten it"),
        ("a: " + "[" * 100_000, "is nested more than 40 deep; flatten it"),
        (CHAIN, "is extended more than 20 times over; write the service out"),
        (SUM, "all files together become more than 400000 values; split the project"),
        (MANY, "all files together become more than 400000 values; split the project"),
        ("a: 1\n" * 2, 'the key "a" was written before, in line 1; keep one of the two'),
        (
            "a: !python/object x\n",
            "the tag !python/object has no meaning here; remove it; quote a value to make it text",
        ),
        ("!reset a: 1\n", "the tag !reset has no meaning here; remove it; quote a value to make it text"),
        ("[1]\n", "a list is no Compose file; write `services:`, and the services below"),
        (
            f"{PAGE}    hostname: {'${A:-' * 30}x{'}' * 30}\n",
            "variables are nested more than 20 deep; set a variable for the inner part",
        ),
        ("#" + "a" * (roots.MAX_BYTES + 1), f'"main.yml" has 4000002 bytes; keep it under {roots.MAX_BYTES}'),
        (GROW, "all variables together become more than 4000000 characters; shorten them"),
    ],
)
def test_hostile_files(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path, main=text)
    (tmp_path / ".env").write_text(
        "A0=" + "a" * 100 + "\n" + "".join(f"A{n}={f'$A{n - 1}' * 10}\n" for n in range(1, 10))
    )
    if text is not GROW:
        (tmp_path / ".env").unlink()
    tracemalloc.start()
    try:
        assert wrong(tmp_path).splitlines()[0].endswith(said)
        assert tracemalloc.get_traced_memory()[1] < 200_000_000
    finally:
        tracemalloc.stop()


def test_invalid_text(tmp_path: Path) -> None:
    (tmp_path / "main.yml").write_bytes(b"a: \xff\n")
    assert wrong(tmp_path) == "main.yml:1:1: is no UTF-8 text (byte 3); save it as UTF-8"
    write(tmp_path, main=f"{PAGE}    env_file: a.env\n")
    (tmp_path / "a.env").write_bytes(b"A=\xff\n")
    assert wrong(tmp_path) == "a.env:1:1: services.web.env_file.0: is no UTF-8 text (byte 2); save it as UTF-8"


def test_too_many_files(tmp_path: Path) -> None:
    write(tmp_path, main=f"include: [{', '.join(f'a{n}.yml' for n in range(120))}]\n{PAGE}")
    write(tmp_path, **{f"a{n}": "services: {}\n" for n in range(120)})
    assert wrong(tmp_path) == "main.yml:1:892: include.99.path: more than 100 files are read; write fewer, larger ones"


def test_variables_are_not_read_through_a_link_that_leads_out(tmp_path: Path) -> None:
    """Docker would read it; left out in silence, it would be another application."""
    project = tmp_path / "project"
    write(project, main=PAGE)
    (tmp_path / "outside").write_text("A=1\n")
    (project / ".env").symlink_to(tmp_path / "outside")
    assert (
        wrong(project)
        == '.env:1:1: ".env" is outside the project (it resolves to ../outside); copy it into the project'
    )


def test_a_pipe_is_not_mounted(tmp_path: Path) -> None:
    write(tmp_path, main=f"{PAGE}    volumes: ['./pipe:/a']\n")
    os.mkfifo(tmp_path / "pipe")
    assert wrong(tmp_path) == (
        'main.yml:4:15: services.web.volumes.0.source: "./pipe" is neither a file nor a folder; write the path of one'
    )


def test_a_pipe_is_no_dockerfile(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "Dockerfile")
    assert dockerfile.read_stage(tmp_path / "Dockerfile", roots.Root(tmp_path)) == dockerfile.Stage()


def test_too_many_services_are_refused_at_once(tmp_path: Path) -> None:
    write(tmp_path, main="services:\n" + "".join(f"  s{number}: {{image: a}}\n" for number in range(501)))
    assert wrong(tmp_path) == (
        "main.yml:1:1: services: there are 501, and 500 are the most; make several applications of them"
    )


def test_a_name_alone_in_an_env_file_takes_nothing_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker would: left out in silence, the program would miss it."""
    monkeypatch.setenv("OF_THE_SHELL", "1")
    write(tmp_path, main=f"{PAGE}    env_file: web.env\n")
    (tmp_path / "web.env").write_text("NOWHERE\nOF_THE_SHELL\n")
    assert wrong(tmp_path) == (
        "web.env:2:1: services.web.env_file.0: the variable OF_THE_SHELL is one of this machine, and none of the"
        " project; write OF_THE_SHELL=... with its value, or remove the line"
    )
