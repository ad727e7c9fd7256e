"""Hints name the file, the line and the words that the user has."""

import dataclasses
from pathlib import Path
from typing import Any, cast

import pytest

from dev.faults import catalogue
from seaway.project import environments
from seaway.rollout import causes, crash_output, hints, permission_errors, probe_failures, target

YAML = """\
name: shop
services:
  web:
    image: nginx:1.27
    port: 8000
    health: {startPeriod: 30}
    resources: {memory: 64Mi}
"""
COMPOSE = """\
name: shop
services:
  web:
    image: nginx:1.27
    ports: ["8080:8000"]
    mem_limit: 64M
    healthcheck:
      test: [CMD, "true"]
"""
PYTHON = """\
import seaway as sw

web = sw.Service(
    "web",
    image="nginx:1.27",
    port=8000,
    health={"start_period": 30},
    resources=sw.Resources(memory="64Mi"),
)
application = sw.Application("shop", services=[web])
"""
FOREIGN = target.Target(kind="Deployment", name="cache", owner="cache", deadline=1, sources=target.UNDECLARED)
VALUES = {"folder": "/x", "port": "80"}
FILES = {"app.yaml": YAML, "compose.yaml": COMPOSE, "app.py": PYTHON}
STACK = "config: {{seaway:context: dev, seaway:build: 'true', seaway:app: app/{}, {}}}\n"


def load(folder: Path, file: str, more: str = "seaway:publish: none") -> environments.Environment:
    (folder / "app").mkdir(exist_ok=True)
    (folder / "app" / file).write_text(FILES[file])
    (folder / "Pulumi.dev.yaml").write_text(STACK.format(file, more))
    return environments.load_environment(folder, "dev", check_ids=())


def read_sources(folder: Path, file: str, more: str = "seaway:publish: none") -> dict[str, str]:
    return hints.collect_sources(load(folder, file, more))


DOCKERFILE = "FROM a AS base\nWORKDIR /srv\nFROM b AS other\nWORKDIR $HOME\nFROM base\nWORKDIR shop\n"


def test_each_hint_is_carried_out() -> None:
    """By ``python -m dev.faults``, on the real cluster."""
    assert {injected.cause for injected in catalogue.FAULTS} - {None} == causes.CAUSES.keys() - catalogue.NOT_INJECTED


@pytest.mark.parametrize(("stage", "folder"), [("", "/srv/shop"), ("base", "/srv"), ("other", "")])
def test_the_working_directory_is_that_of_the_dockerfile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, folder: str
) -> None:
    build = f"build: {{context: ., target: {stage}}}" if stage else "build: ."
    monkeypatch.setitem(FILES, "app.yaml", YAML.replace("image: nginx:1.27", build))
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text(DOCKERFILE)
    environment = load(tmp_path, "app.yaml", "seaway:publish: none, seaway:registry: registry.example.com/team")
    sources = hints.collect_sources(environment, {"web": DOCKERFILE})
    web = target.Target(kind="Deployment", name="web", owner="web", deadline=60, sources=sources)
    assert (web.working_dir, dataclasses.replace(web, owner="api").working_dir) == (folder, "")


WORDS = {
    "app.yaml": (
        "services.web.port (app/app.yaml:5)",
        "services.web.health.startPeriod (app/app.yaml:6)",
        "services.web.resources.memory (app/app.yaml:7)",
        "services.web.writable (app/app.yaml:3)",
    ),
    "compose.yaml": (
        "services.web.ports (app/compose.yaml:5)",
        "services.web.healthcheck.start_period (app/compose.yaml:7)",
        "services.web.mem_limit or deploy.resources.limits.memory (app/compose.yaml:6)",
        "services.web.tmpfs (app/compose.yaml:3)",
    ),
    "app.py": (
        'port of Service "web" (app/app.py:6)',
        'health.start_period of Service "web" (app/app.py:7)',
        'resources.memory of Service "web" (app/app.py:8)',
        'writable of Service "web" (app/app.py:3)',
    ),
}


@pytest.mark.parametrize("file", FILES)
def test_keys(tmp_path: Path, file: str) -> None:
    web = target.Target(kind="Deployment", name="web", owner="web", deadline=300, sources=read_sources(tmp_path, file))
    keys = ("port", "health.startPeriod", "resources.memory", "writable")
    assert tuple(hints.fill_in(f"<{key}>", web, stack="dev") for key in keys) == WORDS[file]


def test_a_key_of_the_overlay_has_its_line(tmp_path: Path) -> None:
    overlay = "seaway:overlay: {services: {web: {port: 8001}}}"
    web = target.Target(
        kind="Deployment", name="web", owner="web", deadline=300, sources=read_sources(tmp_path, "app.yaml", overlay)
    )
    assert hints.fill_in("<port>", web, stack="dev") == "services.web.port (Pulumi.dev.yaml:1)"


def test_a_key_that_compose_lacks_belongs_to_the_overlay(tmp_path: Path) -> None:
    sources = read_sources(tmp_path, "compose.yaml")
    job = target.Target(kind="Job", name="migrate-1", owner="migrate", deadline=300, sources=sources)
    expected = "jobs.migrate.timeout (below seaway:overlay in Pulumi.dev.yaml)"
    assert hints.fill_in("<timeout>", job, stack="dev") == expected


@pytest.mark.parametrize(
    ("variable", "file", "link"),
    [
        ("MY_CACHE_HOST", "app.yaml", "my-cache"),
        ("API_URL", "app.py", "api"),
        ("API_KEY", "app.yaml", None),
        ("DB_HOST", "app.yaml", None),
        ("API_URL", "compose.yaml", None),
    ],
)
def test_the_variable_of_a_link_belongs_to_a_service_or_store(variable: str, file: str, link: str | None) -> None:
    workloads = ("services.web", "services.api", "services.web.port", "stores.my-cache", "jobs.db")
    sources = {"": file} | dict.fromkeys(workloads, f"{file}:3")
    web = target.Target(kind="Deployment", name="web", owner="web", deadline=300, sources=sources)
    assert hints.find_link(variable, web) == link


@pytest.mark.parametrize(
    ("kind", "is_single", "has_scale"),
    [("Deployment", False, True), ("Deployment", True, False), ("StatefulSet", False, False), ("Job", False, False)],
)
def test_only_services_with_several_pods_can_lower_their_scale(
    kind: target.Kind, *, is_single: bool, has_scale: bool
) -> None:
    workload = target.Target(kind=kind, name="db", owner="db", deadline=300, sources={"": "app.yaml"})
    location = causes.Location(target=workload, is_single=is_single)
    assert ("scale" in causes.create_finding("unschedulable", "", location).hint) == has_scale


def test_a_location_is_named_once_and_braces_stay() -> None:
    sources = {"": "app.yaml", "services.web": "a{b}.yaml:3"}
    web = target.Target(kind="Deployment", name="web", owner="web", deadline=300, sources=sources)
    text = hints.fill_in("<env> or <secrets>: {value}", web, stack="dev").format(value="x")
    assert text == "services.web.env (a{b}.yaml:3) or services.web.secrets: x"
    assert hints.fill_in("<user>", web, stack="dev", extra_container="sidecars.proxy").startswith(
        "services.web.sidecars.proxy.user ("
    )


def test_every_hint_names_only_known_keys() -> None:
    """An unknown key has no word in a Compose file, and its line would never be found."""
    templates = [
        *causes.CAUSES.values(),
        *probe_failures.STATUS_HINTS.values(),
        *(
            text
            for module in (crash_output, permission_errors, probe_failures)
            for name, text in vars(module).items()
            if name.endswith("_HINT")
        ),
    ]
    compose = target.Target(kind="Job", name="a", owner="a", deadline=1, sources={"": "compose.yaml"})
    assert len(templates) > len(causes.CAUSES) + 10
    for template in templates:
        assert "<" not in hints.fill_in(template, compose, stack="dev")
        assert "app.yaml" not in hints.fill_in(template, FOREIGN, stack="dev")


def test_a_workload_of_another_program_has_the_words_of_kubernetes() -> None:
    location = causes.Location(target=FOREIGN, namespace="cache", pod="cache-5d-x")
    memory = causes.create_finding("out-of-memory", "", location).hint
    assert memory.startswith("raise resources.limits.memory (Deployment cache)")
    log = causes.create_finding("crash-loop", "", location).hint
    assert log == "read its log: kubectl logs -n cache cache-5d-x --previous"
    # Routes are of declared workloads only.
    possible = [cause for cause in causes.CAUSES if not cause.startswith(("gateway-", "route-"))]
    assert "seaway" not in "".join(causes.create_finding(cause, "", location, values=VALUES).hint for cause in possible)


def test_a_pinned_release_has_no_lines(tmp_path: Path) -> None:
    """Its file is a record: the application is changed, and promoted again."""
    environment = dataclasses.replace(load(tmp_path, "app.yaml"), release=cast(Any, object()))
    assert hints.collect_sources(environment) == {"": "app/app.yaml"}
