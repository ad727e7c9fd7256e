"""`seaway import`, and a compose file as the application of a stack."""

import contextlib
import json
from pathlib import Path

import pytest

from seaway.cli import main, stack
from seaway.compose import project
from seaway.project import environments, load, stack_file
from seaway.syntax import diagnosis
from tests.support import diagnostics
from tests.unit.cli import conftest

COMPOSE = """\
name: shop
services:
  web:
    image: nginx:1.29
    ports: ["8080:80"]
    read_only: true
    mem_limit: 64m
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "docker-compose.yml"
    file.write_text(COMPOSE)
    return file


def test_it_writes_the_application_and_the_losses(file: Path, seaway: conftest.Seaway, wording: list[str]) -> None:
    out, err = seaway("import", "docker-compose.yml")
    assert ([" ".join(line.split()) for line in out.splitlines()], err) == (wording, "")
    assert load.load_application(file.with_name("app.yaml")) == load.load_application(file)
    assert main.main(["import", "docker-compose.yml", "--python"]) == 0
    assert load.load_application(file.with_name("app.py")) == load.load_application(file)


def test_a_compose_file_with_another_name_is_known_by_its_keys(file: Path) -> None:
    app = load.load_application(file)
    other = file.with_name("stack.yml")
    other.write_text(COMPOSE.replace("    read_only", "    restart: always\n    read_only"))
    assert load.load_application(other) == app
    other.write_text("name: shop\nservices: {web: {image: nginx, ports: ['80:80']}}\n")
    assert load.load_application(other).services[0].publish
    other.write_text("name: shop\nservices: {web: {image: nginx, port: 80, environment: {A: b}}}\n")
    with pytest.raises(diagnosis.InvalidInput, match="environment"):
        load.load_application(other)


def test_files_above_the_compose_file_are_below_the_root(file: Path, seaway: conftest.Seaway) -> None:
    folder = file.parent / "deploy"
    folder.mkdir()
    file.with_name("a.conf").write_text("a")
    (folder / "compose.yaml").write_text(
        "services: {web: {image: nginx, volumes: ['../a.conf:/etc/a.conf:ro'], env_file: ../a.conf}}\n"
    )
    with contextlib.chdir(folder):
        seaway("import", "compose.yaml", code=2)
        seaway("import", "compose.yaml", "--root", "..")
        seaway("render", "--app", "app.yaml", code=2)
        rendered = [seaway("render", "--app", name, "--root", "..").out for name in ("app.yaml", "compose.yaml")]
        assert rendered[0] == rendered[1]
        assert "file: ./a.conf" in seaway("export", "--app", "app.yaml", "--root", "..").out
        assert "no git repository" in seaway("import", "compose.yaml", "--root", "git", code=2).err


def test_it_writes_through_no_link(file: Path) -> None:
    file.with_name("app.yaml").symlink_to("elsewhere")
    assert main.main(["import", "docker-compose.yml"]) == 2
    assert not file.with_name("elsewhere").exists()


def test_it_writes_over_nothing(file: Path, seaway: conftest.Seaway, wording: list[str]) -> None:
    file.with_name("app.yaml").write_text("mine")
    assert seaway("import", "docker-compose.yml", code=2).err.splitlines() == wording
    assert file.with_name("app.yaml").read_text() == "mine"
    assert main.main(["import", "docker-compose.yml", "--force"]) == 0
    assert seaway("import", "docker-compose.yml", "--out", "no/app.yaml", code=2).err.splitlines() == wording
    assert seaway("import", "compose.yml", code=2).err.splitlines() == wording


def test_strict_is_a_failure_and_writes_nothing(file: Path, seaway: conftest.Seaway) -> None:
    assert seaway("import", "docker-compose.yml", "--strict", code=1).out.endswith(
        "docker-compose.yml: 11 keys: 9 kept, 1 added, 1 approximated\n"
    )
    assert not file.with_name("app.yaml").exists()
    file.write_text(COMPOSE.replace('    ports: ["8080:80"]\n', '    expose: ["80"]\n'))
    assert main.main(["import", "docker-compose.yml", "--strict"]) == 0


def test_stdout_has_the_application_alone(file: Path, seaway: conftest.Seaway) -> None:
    out, err = seaway("import", "docker-compose.yml", "--out", "-")
    assert out.startswith(
        "# Imported from docker-compose.yml. `seaway help reference` explains every key.\n\nname: shop\n"
    )
    assert err.endswith("docker-compose.yml: 11 keys: 9 kept, 1 added, 1 approximated\n")


def test_json(file: Path, seaway: conftest.Seaway) -> None:
    document = json.loads(seaway("import", "docker-compose.yml", "--json").out)
    assert (document["application"], document["written"], document["strict"]) == ("shop", "app.yaml", False)
    assert document["counts"] == {"kept": 9, "added": 1, "approximated": 1, "dropped": 0, "refused": 0}
    assert document["app"]["services"]["web"]["publish"] is True
    assert {key: document["keys"][2][key] for key in ("file", "line", "key", "kind")} == {
        "file": "docker-compose.yml",
        "line": 4,
        "key": "services.web.image",
        "kind": "kept",
    }


def test_a_refused_key_is_neither_written_nor_deployed(file: Path, seaway: conftest.Seaway) -> None:
    file.write_text(f"{COMPOSE}    privileged: true\n")
    assert "8     services.web.privileged         refused " in seaway("import", "docker-compose.yml", code=1).out
    assert not file.with_name("app.yaml").exists()
    errors = diagnostics.catch(lambda: load.load_application(Path("docker-compose.yml")))
    assert [(str(diagnostic.location), diagnostic.path) for diagnostic in errors] == [
        ("docker-compose.yml:8:5", "services.web.privileged")
    ]


def test_profiles(file: Path, seaway: conftest.Seaway, wording: list[str]) -> None:
    file.write_text(f"{COMPOSE}  debug: {{image: 'nginx:1', profiles: [tools]}}\n")
    assert seaway("import", "docker-compose.yml").err.splitlines() == wording
    assert main.main(["import", "docker-compose.yml", "--force", "--profile", "tools"]) == 0
    assert [service.name for service in load.load_application(file.with_name("app.yaml")).services] == ["web", "debug"]


def test_a_stack_deploys_compose_files_as_they_are(file: Path, seaway: conftest.Seaway) -> None:
    """Several of them, with commas between."""
    file.with_name("Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    file.with_name("compose.prod.yaml").write_text("services: {web: {deploy: {replicas: 3}}}\n")
    config = "config:\n  seaway:context: work\n  seaway:app: docker-compose.yml,compose.prod.yaml\n"
    file.with_name("Pulumi.dev.yaml").write_text(config)
    assert stack.read_target(file.parent, "dev").namespace == "shop-dev"
    out = seaway("render", "--service", "web").out
    assert "  replicas: 3\n" in out
    assert "image: nginx:1.29\n" in out


def test_profiles_of_a_stack(file: Path) -> None:
    file.write_text(f"{COMPOSE}  debug: {{image: 'nginx:1', profiles: [tools]}}\n")

    def loaded(config: str) -> list[str]:
        values = stack_file.parse_config({"context": "work", **json.loads(config)})
        return [
            service.name
            for service in environments.read_environment(
                values, folder=file.parent, stack="dev", check_ids=()
            ).app.services
        ]

    assert loaded('{"app": "docker-compose.yml"}') == ["web"]
    assert loaded('{"app": "docker-compose.yml", "profiles": "[tools]"}') == ["web", "debug"]
    file.with_name("app.yaml").write_text("name: a\nservices: {web: {image: 'x:1'}}\n")
    errors = diagnostics.catch(lambda: loaded('{"app": "app.yaml", "profiles": "[tools]"}'))
    assert diagnostics.summarize(errors) == ["(config): seaway:profiles: conflicting-keys"]


@pytest.mark.parametrize(
    ("names", "is_compose"),
    [
        (
            [
                "docker-compose.yml",
                "compose.yaml",
                "app/compose.prod.yml",
                "compose.yml, compose-a.yml",
                "podman-compose.yml",
                "docker-compose_v3.yaml",
            ],
            True,
        ),
        (["app.yaml", "composer.yml", "compose.py", "compose.yml,app.yaml"], False),
    ],
)
def test_compose_files_are_known_by_their_names(names: list[str], *, is_compose: bool) -> None:
    assert [project.is_compose_file(name) for name in names] == [is_compose] * len(names)


def test_a_missing_file() -> None:
    errors = diagnostics.catch(lambda: load.load_application(Path("docker-compose.yml")))
    assert [str(diagnostic.location) for diagnostic in errors] == ["docker-compose.yml"]


def test_without_a_stack_a_named_image_is_not_built(file: Path, seaway: conftest.Seaway) -> None:
    file.with_name("Dockerfile").write_text("FROM python:3\nUSER 7\n")
    file.write_text(COMPOSE.replace("image: nginx:1.29", "image: me/shop:1\n    build: ."))
    out = seaway("render", "--app", "docker-compose.yml", "-n", "shop", "--service", "web").out
    assert "image: me/shop:1\n" in out
    assert "runAsUser: 7\n" in out


SECRETS = """\
name: shop
services:
  web:
    image: nginx:${TAG}
    environment:
      DB_PW: ${PW}
      DATABASE_URL: postgres://shop:${PW}@db_1/shop
      API_TOKEN: one-token
      TAG: ${TAG}
      TOKEN_URL: https://example.com/
    env_file: [web.env]
  api:
    image: nginx:1
    environment: {API_TOKEN: another-token}
  db_1:
    image: postgres:17
    environment: {POSTGRES_PASSWORD: "${PW}"}
"""
VALUES = {
    "API_API_TOKEN": "another-token",
    "DATABASE_URL": "postgres://shop:hunter2hunter2@db-1/shop",
    "DB_PW": "hunter2hunter2",
    "NPM": "npm_abcdefghijklmnopqrstuvwxyz",
    "POSTGRES_PASSWORD": "hunter2hunter2",
    "WEB_API_TOKEN": "one-token",
}
FAKE_PULUMI = """\
#!/bin/sh
# The key is the first argument with a colon, and the value is on stdin.
for word; do case $word in *:*) echo "$word $(cat)" >> {log}; exit;; esac; done
"""


@pytest.mark.parametrize("output", [(), ("--python",), ("--out", "-"), ("--json",)])
def test_values_that_look_like_secrets_are_not_written(
    file: Path, output: tuple[str, ...], seaway: conftest.Seaway, monkeypatch: pytest.MonkeyPatch, wording: list[str]
) -> None:
    file.write_text(SECRETS)
    file.with_name(".env").write_text("PW=hunter2hunter2\nTAG=1.27\n")
    file.with_name("web.env").write_text(f"NPM={VALUES['NPM']}\n")
    result = seaway("import", "docker-compose.yml", *output)
    written = [path.read_text() for path in (file.with_name("app.yaml"), file.with_name("app.py")) if path.exists()]
    printed = "".join([result.out, result.err, *written])
    assert [value for value in VALUES.values() if value in printed] == []
    assert all(name in printed for name in (*VALUES, "nginx:1.27", "https://example.com/"))
    if output == ("--json",):
        assert json.loads(result.out)["secrets"] == [*VALUES]
        assert json.loads(result.out)["app"]["services"]["web"]["env"] == {
            "TAG": "1.27",
            "TOKEN_URL": "https://example.com/",
            "API_TOKEN": "$(WEB_API_TOKEN)",
        }
        return
    assert result.err.splitlines()[-1:] == wording
    # The command of the message sets all values.
    file.with_name("Pulumi.yaml").write_text("name: shop\n")
    programs, log = file.with_name("bin"), file.with_name("log")
    programs.mkdir()
    (programs / "pulumi").write_text(FAKE_PULUMI.format(log=log))
    (programs / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    pairs = {f'seaway:secrets["{name}"]': value for name, value in VALUES.items()}

    def set_all() -> dict[str, str]:
        log.write_text("")
        seaway(*result.err.splitlines()[-1].partition("dev: seaway ")[2].split())
        return dict(line.split(" ", 1) for line in log.read_text().splitlines())

    set_first = set_all()
    assert len(set_first.pop("seaway:fingerprintKey")) == 64
    assert set_first == pairs
    file.with_name("Pulumi.dev.yaml").write_text("config: {seaway:fingerprintKey: {secure: v1:x:y}}\n")
    assert set_all() == pairs, "a key is kept"
