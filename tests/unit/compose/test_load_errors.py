"""Errors in compose files: each has its location, path and code."""

import os
import tracemalloc
from pathlib import Path

import pytest

from seaway.files import roots
from seaway.syntax import diagnosis
from tests.support import compose, diagnostics

INVALID_SERVICES = (
    ("volumes: ['a:']", "", "4:15: services.web.volumes.0: invalid-value"),
    ("devices: ['a:b:c:d']", "", "4:15: services.web.devices.0: invalid-value"),
    ("extra_hosts: [a]", "", "4:19: services.web.extra_hosts: invalid-value"),
    ("environment: ['A =1']", "", "4:19: services.web.environment: invalid-assignment"),
    ("command: a (b)", "", "4:14: services.web.command: invalid-value"),
    ('command: a "b', "", "4:14: services.web.command: invalid-value"),
    ("mem_limit: 64q", "", "4:16: services.web.mem_limit: invalid-value"),
    ("memswap_limit: -2", "", "4:20: services.web.memswap_limit: invalid-value"),
    ("stop_grace_period: '10'", "", "4:24: services.web.stop_grace_period: invalid-value"),
    ("scale: many", "", "4:12: services.web.scale: invalid-value"),
    ("cpus: half", "", "4:11: services.web.cpus: invalid-value"),
    ("privileged: perhaps", "", "4:17: services.web.privileged: invalid-value"),
    ("secrets: [{source: a, mode: 99999}]", "", "4:33: services.web.secrets.0.mode: invalid-value"),
    ("build: {ssh: [key]}", "", "4:19: services.web.build.ssh: invalid-value"),
    ("user: 1000", "", "4:11: services.web.user: invalid-type"),
    ("ports:", "", "4:11: services.web.ports: invalid-type"),
    ("ports: 80", "", "4:12: services.web.ports: invalid-type"),
    ("prots: [80]", "", "4:5: services.web.prots: unknown-key"),
    ("cgroup: mine", "", "4:13: services.web.cgroup: invalid-value"),
    ("oom_score_adj: 2000", "", "4:20: services.web.oom_score_adj: invalid-value"),
    ("cpu_count: -1", "", "4:16: services.web.cpu_count: invalid-value"),
    ("container_name: '-'", "", "4:21: services.web.container_name: invalid-value"),
    ("volumes: [{target: /a}]", "", "4:15: services.web.volumes.0: missing-value"),
    ("ports: ['0']", "", "4:13: services.web.ports.0: invalid-port"),
    ("ports: ['80:http']", "", "4:13: services.web.ports.0: invalid-port"),
    ("ports: ['nowhere:1:2']", "", "4:13: services.web.ports.0: invalid-port"),
    ("ports: ['80/icmp']", "", "4:13: services.web.ports.0: invalid-port"),
    ("ports: ['1-2:1-5']", "", "4:13: services.web.ports.0: invalid-port"),
    ("ports: ['1-60000']", "", "4:13: services.web.ports.0: invalid-port"),
    (
        "build: {dockerfile: a, dockerfile_inline: b}",
        "",
        "4:28: services.web.build.dockerfile_inline: conflicting-keys",
    ),
    (
        "build: {additional_contexts: {a: 'service:db'}}",
        "",
        "4:35: services.web.build.additional_contexts.a: unknown-service",
    ),
    ("platform: a\nbuild: {platforms: [b]}", "", "4:5: services.web.platform: invalid-value"),
    ("networks: [n]", "", "4:16: services.web.networks.n: unknown-name"),
    ("volumes: [datta:/a]", "volumes: {data: }\n", "4:15: services.web.volumes.0: unknown-name"),
    ("volumes: ['./a:b']", "", "4:15: services.web.volumes.0.target: invalid-value"),
    ("volumes: ['d:/data']", "volumes: {d: }\n", "4:15: services.web.volumes.0.target: invalid-value"),
    ("secrets: [s]", "", "4:15: services.web.secrets.0: unknown-name"),
    ("depends_on: [wep]", "", "4:18: services.web.depends_on.wep: unknown-service"),
    ("network_mode: host\nnetworks: [n]", "networks: {n: }\n", "4:5: services.web.network_mode: conflicting-keys"),
    ("scale: 2\ndeploy: {replicas: 3}", "", "4:5: services.web.scale: conflicting-keys"),
    (
        "mem_limit: 1g\ndeploy: {resources: {limits: {memory: 1025M}}}",
        "",
        "4:5: services.web.mem_limit: conflicting-keys",
    ),
    ("cpus: 2\ndeploy: {resources: {limits: {memory: 1g}}}", "", "4:5: services.web.cpus: conflicting-keys"),
    (
        "container_name: one",
        "  api: {image: page, container_name: one}\n",
        "5:22: services.api.container_name: duplicate-name",
    ),
    ("devices: [{source: /dev/fuse}]", "", "4:15: services.web.devices.0: missing-value"),
    ("scale: -1", "", "4:5: services.web.scale: invalid-value"),
    ("scale: 2\ncontainer_name: page", "", "5:5: services.web.container_name: conflicting-keys"),
    ("tmpfs: /a\nvolumes: [/a]", "", "5:15: services.web.volumes.0: duplicate-name"),
    ("volumes: [{type: tmpfs}]", "", "4:15: services.web.volumes.0: missing-value"),
    ("volumes: [{type: bind, target: /a}]", "", "4:15: services.web.volumes.0: missing-value"),
    ("healthcheck: {test: [curl]}", "", "4:26: services.web.healthcheck.test: invalid-value"),
    ("ports: [{host_ip: here, target: 1}]", "", "4:13: services.web.ports.0.host_ip: invalid-address"),
    ("ports: [{published: '1'}]", "", "4:13: services.web.ports.0: missing-value"),
    ("ports: [{target: 70000}]", "", "4:13: services.web.ports.0.target: invalid-port"),
    ("develop: {watch: [{path: a, action: sync}]}", "", "4:23: services.web.develop.watch.0: missing-value"),
    ("gpus: [{count: 1, device_ids: [a]}]", "", "4:12: services.web.gpus.0: conflicting-keys"),
    ("depends_on: [db]", "  db: {image: a, depends_on: [web]}\n", "5:31: services.db.depends_on.web: dependency-cycle"),
    ("", "secrets:\n  a: {}\n", "5:3: secrets.a: missing-value"),
    ("", "configs:\n  a: {file: main.yml, content: b}\n", "5:3: configs.a: conflicting-keys"),
    ("", "volumes:\n  a: {external: true, driver: b}\n", "5:23: volumes.a.driver: conflicting-keys"),
    ("", "volumes:\n  a: {external: {name: b}, name: c}\n", "5:18: volumes.a.external.name: conflicting-keys"),
)


def test_services_are_invalid(tmp_path: Path, wording: object) -> None:
    messages: list[str] = []
    for keys, rest, expected in INVALID_SERVICES:
        compose.write_files(tmp_path, main=compose.format_service(keys, rest))
        errors = compose.load_errors(tmp_path)
        assert diagnostics.summarize(errors) == [f"main.yml:{expected}"]
        messages += map(str, errors)
    assert messages == wording


INVALID_FILES = (
    ("services:\n  web: {}\n", "2:8: services.web: missing-image"),
    ("services:\n  web: {image: ''}\n", "2:8: services.web: missing-image"),
    ("services:\n  we b: {image: a}\n", "2:3: services.we b: invalid-name"),
    ("services:\n  a: {extends: b}\n  b: {extends: a}\n", "2:7: services.a.extends: dependency-cycle"),
    ("services:\n  a: {extends: b}\n", "2:7: services.a.extends.service: unknown-service"),
    ("services:\n  a: {extends: {service: b, file: ../b.yml}}\n", "2:7: services.a.extends.file: outside-root"),
    (f"include: [main.yml]\n{compose.PAGE}", "1:11: include.0.path: dependency-cycle"),
    (f"include: [{{env_file: a}}]\n{compose.PAGE}", "1:11: include.0: missing-value"),
    (f"include: [../a.yml]\n{compose.PAGE}", "1:11: include.0.path: outside-root"),
    (f"include: ['https://example.com/a.yml']\n{compose.PAGE}", "1:11: include.0.path: remote-file"),
    (f"include: ['oci://example.com/a:1']\n{compose.PAGE}", "1:11: include.0.path: remote-file"),
    (f"include: ['git@example.com:a.git']\n{compose.PAGE}", "1:11: include.0.path: remote-file"),
    (f"include: ['github.com/a/b']\n{compose.PAGE}", "1:11: include.0.path: remote-file"),
    (f"name: _\n{compose.PAGE}", "1:7: name: invalid-name"),
    ("services:\n  web:\n    <<: [a]\n    image: page\n", "3:10: services.web.<<: invalid-type"),
)


def test_files_are_invalid(tmp_path: Path, wording: object) -> None:
    messages: list[str] = []
    for text, expected in INVALID_FILES:
        compose.write_files(tmp_path, main=text, a="services: {web: {image: other}}\n")
        errors = compose.load_errors(tmp_path)
        assert diagnostics.summarize(errors) == [f"main.yml:{expected}"]
        messages += map(str, errors)
    assert messages == wording


def test_all_errors_of_a_file_are_reported(tmp_path: Path) -> None:
    compose.write_files(tmp_path, main=compose.format_service("user: 1\nprots: [80]\nscale: [1]"))
    assert [error.code for error in compose.load_errors(tmp_path)] == ["invalid-type", "unknown-key", "invalid-type"]


def test_files_with_different_forms_cannot_be_merged(tmp_path: Path, wording: object) -> None:
    compose.write_files(tmp_path, main=compose.format_service("x-a: {b: 1}"))
    compose.write_files(tmp_path, more="services:\n  web:\n    x-a: [1]\n")
    errors = compose.load_errors(tmp_path, "main", "more")
    assert diagnostics.summarize(errors) == ["more.yml:3:10: services.web.x-a: conflicting-keys"]
    assert [str(error) for error in errors] == wording


@pytest.mark.parametrize(
    ("keys", "rest", "expected"),
    [
        ("env_file: /etc/passwd", "", "4:15: services.web.env_file.0.path: outside-root"),
        ("label_file: ~/a", "", "4:17: services.web.label_file.0: outside-root"),
        ("build: ../..", "", "4:12: services.web.build.context: outside-root"),
        ("build: {dockerfile: ../../a}", "", "4:25: services.web.build.dockerfile: outside-root"),
        ("env_file: link/passwd", "", "4:15: services.web.env_file.0.path: outside-root"),
        ("", "secrets: {a: {file: link/passwd}}\n", "4:21: secrets.a.file: outside-root"),
        ("", "configs: {a: {file: /etc/hosts}}\n", "4:21: configs.a.file: outside-root"),
        ("volumes: [./link:/a]", "", "4:15: services.web.volumes.0.source: outside-root"),
        ("volumes: [./pipe:/a]", "", "4:15: services.web.volumes.0.source: unreadable-file"),
        ("env_file: pipe", "", "4:15: services.web.env_file.0: not-a-regular-file"),
        ("env_file: .", "", "4:15: services.web.env_file.0: not-a-regular-file"),
        ("env_file: none.env", "", "4:15: services.web.env_file.0: file-not-found"),
        ("env_file: [{path: main.yml, format: ini}]", "", "4:16: services.web.env_file.0.format: invalid-value"),
    ],
)
def test_only_files_of_the_project_are_read(tmp_path: Path, keys: str, rest: str, expected: str) -> None:
    project = tmp_path / "project"
    compose.write_files(project, main=compose.format_service(keys, rest))
    (project / "link").symlink_to("/etc")
    os.mkfifo(project / "pipe")
    assert diagnostics.summarize(compose.load_errors(project)) == [f"main.yml:{expected}"]


def test_a_link_out_of_the_project_is_not_read(tmp_path: Path) -> None:
    """Docker would read it. Without an error, the application would differ."""
    project = tmp_path / "project"
    compose.write_files(tmp_path, outside=compose.PAGE)
    compose.write_files(project, main=compose.PAGE)
    (project / ".env").symlink_to(tmp_path / "outside.yml")
    assert diagnostics.summarize(compose.load_errors(project)) == [".env:1:1: : outside-root"]
    (project / ".env").unlink()
    (project / "main.yml").unlink()
    (project / "main.yml").symlink_to(tmp_path / "outside.yml")
    assert diagnostics.summarize(compose.load_errors(project)) == ["main.yml:1:1: : outside-root"]


BOMB = "x-a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"x-{b}: &{b} [{','.join(f'*{a}' for _ in range(10))}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)
)
DEEP = "x-a0: &a0 [1]\n" + "".join(f"x-a{n}: &a{n} {'[' * 30}*a{n - 1}{']' * 30}\n" for n in range(1, 40))
SUM = "services:\n  s0: {image: a, expose: [" + ",".join(f"'{n}'" for n in range(2000)) + "]}\n"
SUM += "".join(f"  s{n}: {{extends: s{n - 1}, labels: {{a: b}}}}\n" for n in range(1, 300))
CHAIN = "services:\n" + "".join(f"  s{n}: {{extends: s{n + 1}}}\n" for n in range(30)) + "  s30: {image: a}\n"
COPIES = "services:\n  s0: {image: a, expose: [" + ",".join(f"'{n}'" for n in range(5000)) + "]}\n"
COPIES += "".join(f"  s{n}: {{extends: s0}}\n" for n in range(1, 200))
NESTED = compose.format_service(f"hostname: {'${A:-' * 30}x{'}' * 30}")
GROWING = compose.format_service("hostname: $A9")
MANY = "services:\n" + "".join(f"  s{number}: {{image: a}}\n" for number in range(501))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BOMB, "main.yml:4:6: : file-too-large"),
        (DEEP, "main.yml:2:21: : nested-too-deep"),
        ("a: " + "[" * 100_000, "main.yml:1:43: : file-too-large"),
        (CHAIN, "main.yml:22:9: services.s20.extends: nested-too-deep"),
        (SUM, "main.yml:200:9: : too-large"),
        (COPIES, "main.yml:81:8: : too-large"),
        (MANY, "main.yml:1:1: services: too-large"),
        ("a: 1\n" * 2, "main.yml:2:1: : duplicate-key"),
        ("a: !python/object x\n", "main.yml:1:4: : unsupported-tag"),
        ("!reset a: 1\n", "main.yml:1:1: : unsupported-tag"),
        ("[1]\n", "main.yml:1:1: : invalid-type"),
        (NESTED, "main.yml:4:15: services.web.hostname: nested-too-deep"),
        ("#" + "a" * (roots.MAX_BYTES + 1), "main.yml:1:1: : file-too-large"),
        (GROWING, ".env:6:1: : too-large"),
        ("# nothing\n", "main.yml:1:1: : invalid-type"),
        ("{}\n", "main.yml:1:1: : invalid-type"),
    ],
    ids=range(16),
)
def test_hostile_files_end_early(tmp_path: Path, wording: object, text: str, expected: str) -> None:
    compose.write_files(tmp_path, main=text)
    if text is GROWING:
        lines = ["A0=" + "a" * 100, *(f"A{n}={f'$A{n - 1}' * 10}" for n in range(1, 10))]
        (tmp_path / ".env").write_text("\n".join(lines))
    tracemalloc.start()
    try:
        errors = compose.load_errors(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 200_000_000
    finally:
        tracemalloc.stop()
    assert diagnostics.summarize(errors)[0] == expected
    assert [str(errors[0])] == wording


def test_text_that_is_not_utf8_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "main.yml").write_bytes(b"a: \xff\n")
    assert [(str(error.location), error.code) for error in compose.load_errors(tmp_path)] == [
        ("main.yml:1:1", "invalid-encoding")
    ]
    compose.write_files(tmp_path, main=compose.format_service("env_file: a.env"))
    (tmp_path / "a.env").write_bytes(b"A=\xff\n")
    expected = ["a.env:1:1: services.web.env_file.0: invalid-encoding"]
    assert diagnostics.summarize(compose.load_errors(tmp_path)) == expected


def test_a_project_has_at_most_100_files(tmp_path: Path) -> None:
    compose.write_files(tmp_path, main=f"include: [{', '.join(f'a{n}.yml' for n in range(120))}]\n{compose.PAGE}")
    compose.write_files(tmp_path, **{f"a{n}": "services: {}\n" for n in range(120)})
    assert diagnostics.summarize(compose.load_errors(tmp_path)) == ["main.yml:1:892: include.99.path: too-large"]


def test_variables_of_this_machine_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wording: object
) -> None:
    """Docker would use them. Without an error, the application would differ between machines."""
    monkeypatch.setenv("SECRET", "of the host")
    assert compose.load_service(tmp_path, "environment: [SECRET]")["environment"] == {"SECRET": None}
    explicit = compose.load_service(tmp_path, "environment: [SECRET]", environment={"SECRET": "x"})
    assert explicit["environment"] == {"SECRET": "x"}
    errors: list[diagnosis.Diagnostic] = []
    compose.write_files(tmp_path, main=compose.format_service("hostname: $SECRET"))
    errors += compose.load_errors(tmp_path)
    compose.write_files(tmp_path, main=compose.format_service("env_file: web.env"))
    (tmp_path / "web.env").write_text("NOWHERE\nSECRET\n")
    errors += compose.load_errors(tmp_path)
    assert diagnostics.summarize(errors) == [
        "main.yml:4:15: services.web.hostname: missing-variable",
        "web.env:2:1: services.web.env_file.0: missing-variable",
    ]
    assert [str(error) for error in errors] == wording


def test_a_required_service_needs_an_active_profile(tmp_path: Path) -> None:
    rest = "  extra: {image: page, profiles: [more]}\n"
    compose.write_files(tmp_path, main=compose.format_service("depends_on: [extra]", rest))
    expected = ["main.yml:4:18: services.web.depends_on.extra: inactive-service"]
    assert diagnostics.summarize(compose.load_errors(tmp_path)) == expected


def test_a_long_chain_of_dependencies_is_not_a_cycle(tmp_path: Path) -> None:
    services = "".join(f"  s{n}: {{image: a, depends_on: [s{n + 1}]}}\n" for n in range(400))
    compose.write_files(tmp_path, main=f"services:\n{services}  s400: {{image: a}}\n")
    assert compose.load(tmp_path).inactive_services == {}
