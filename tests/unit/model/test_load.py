"""Loading an application: overlay, inheritance, file contents; the order of keys has no effect."""

import dataclasses
import json
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seaway.files import roots, working_tree
from seaway.model import application, links
from seaway.project import load
from seaway.syntax import nodes, yaml_parser
from tests.support import diagnostics
from tests.unit.conftest import FindErrors

SHOP = """\
name: shop
services:
  web:
    build: ./web
    port: 8000
    calls: [api, db]
    env: {LOG_LEVEL: info, API_URL: http://elsewhere}
    secrets: [SESSION_KEY]
    files: {/etc/app.toml: app.toml}
    user: 2000
  api: {image: nginx, port: 8001, calls: [web], secrets: {SESSION_KEY: {generate: 32}}}
stores:
  db: {image: postgres, port: 5432, volume: {path: /data, size: 1Gi}}
jobs:
  migrate: {uses: web, command: [migrate], env: {LOG_LEVEL: debug, SESSION_KEY: own}}
"""


def shop(folder: Path, overlay: str | None = None) -> application.Application:
    path = folder / "app" / "app.yaml"
    path.write_text(SHOP)
    return load.load_application(path, overlay=yaml_parser.parse(overlay, "Pulumi.dev.yaml") if overlay else None)


def test_a_job_inherits_from_its_service_and_replaces_fields(folder: Path) -> None:
    loaded = shop(folder)
    (job,) = loaded.jobs
    assert job.uses == "web"
    assert job.build == application.Build(context="./web")
    assert job.command == ("migrate",)
    assert job.env == {"LOG_LEVEL": "debug", "API_URL": "http://elsewhere", "SESSION_KEY": "own"}
    assert job.secrets == ()
    assert job.calls == ("api", "db")
    assert job.user == 2000
    assert job.files == (application.File("/etc/app.toml", source="app.toml", content="title = 1\n"),)


def test_links_set_variables(folder: Path) -> None:
    loaded = shop(folder)
    assert links.get_variables(loaded, loaded.services[0]) == {
        "API_URL": "http://api:8001", "API_HOST": "api", "API_PORT": "8001",
        "DB_URL": "tcp://db:5432", "DB_HOST": "db", "DB_PORT": "5432",
    }  # fmt: skip
    assert links.get_variables(loaded, loaded.services[1])["WEB_URL"] == "http://web:8000"


def test_links_to_further_ports_and_other_protocols() -> None:
    ports = (application.Port("metrics", port=9090), application.Port("dns-sec", port=53, protocol="udp"))
    api = application.Service("my-api", port=50051, protocol="grpc", ports=ports)
    assert links.get_target_variables(api) == {
        "MY_API_URL": "dns:///my-api:50051",
        "MY_API_HOST": "my-api",
        "MY_API_PORT": "50051",
        "MY_API_METRICS_PORT": "9090",
        "MY_API_DNS_SEC_PORT": "53",
    }
    assert links.get_target_variables(application.Service("dns", port=53, protocol="udp"))["DNS_URL"] == "udp://dns:53"
    assert links.get_target_variables(application.Service("worker", ports=ports)) == {}


def test_an_overlay_changes_and_removes_fields(folder: Path) -> None:
    loaded = shop(
        folder, "services: {web: {scale: 5, env: {LOG_LEVEL: debug}, user: null, secrets: {B: {generate: 9}}}}"
    )
    web = loaded.services[0]
    assert (web.scale.min, web.env["LOG_LEVEL"], web.user) == (5, "debug", 10001)
    assert [secret.name for secret in web.secrets] == ["SESSION_KEY", "B"]
    assert loaded.services[1] == shop(folder).services[1]


OVERLAYS = {
    "services: {wep: {port: 1}}": "1:12: seaway:overlay.services.wep: unknown-workload",
    "services: {web: {sidecars: {logger: {env: {A: b}}}}}": (
        "1:29: seaway:overlay.services.web.sidecars.logger: unknown-container"
    ),
    "service: {}": "1:1: seaway:overlay.service: unknown-key",
    "name: x": "1:1: seaway:overlay.name: unknown-key",
    "[web]": "1:1: seaway:overlay: invalid-value",
    "jobs: [x]": "1:1: seaway:overlay.jobs: invalid-value",
    "\nservices:\n  web: {port: 0}": "3:9: services.web.port: invalid-port",
}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_errors_in_an_overlay_have_its_location(folder: Path, wording: object, overlay: str) -> None:
    errors = diagnostics.catch(lambda: shop(folder, overlay))
    assert diagnostics.summarize(errors) == [f"Pulumi.dev.yaml:{OVERLAYS[overlay]}"]
    assert [f"{error.message}; {error.hint}" for error in errors] == wording


def test_a_rollback_leaves_out_what_the_release_does_not_have(folder: Path) -> None:
    overlay = "services: {web: {health: null, env: {NEW: null}, scale: {max: null}, sidecars: {x: {user: 1}}}}"
    (folder / "app" / "app.yaml").write_text(SHOP)
    base = yaml_parser.parse(SHOP, "app.yaml")
    tree = working_tree.WorkingTree(folder=folder / "app", root=roots.Root(folder))
    merged = load.merge_overlay(base, yaml_parser.parse(overlay, "Pulumi.dev.yaml"), tree, ignore_unknown=True)
    assert merged.diagnostics == []
    assert merged.app == load.merge_overlay(base, None, tree).app


def test_a_missing_file_is_reported() -> None:
    errors = diagnostics.catch(lambda: load.load_application(Path("nowhere/app.yaml")))
    assert diagnostics.summarize(errors) == ["nowhere/app.yaml: : file-not-found"]


def shuffle_keys(node: object, generator: random.Random) -> object:
    if isinstance(node, dict):
        keys = list(node)
        generator.shuffle(keys)
        return {key: shuffle_keys(node[key], generator) for key in keys}
    return node


def sort_by_name(app: application.Application) -> application.Application:
    """The application without the order of its named parts."""

    def sort_parts(workload: application.AnyWorkload) -> object:
        secrets = tuple(sorted(workload.secrets, key=lambda secret: secret.name))
        files = tuple(sorted(workload.files, key=lambda file: file.path))
        return dataclasses.replace(workload, secrets=secrets, files=files)

    return dataclasses.replace(
        app,
        **{
            kind: tuple(sorted(map(sort_parts, getattr(app, kind)), key=lambda workload: workload.name))
            for kind in ("services", "stores", "jobs")
        },
    )


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False))
def test_loading_does_not_depend_on_the_order_of_keys_and_is_repeatable(folder: Path, generator: random.Random) -> None:
    first = shop(folder)
    path = folder / "app" / "shuffled.yaml"
    path.write_text(json.dumps(shuffle_keys(nodes.to_plain(yaml_parser.parse(SHOP, "a")), generator)))
    assert sort_by_name(load.load_application(path)) == sort_by_name(first)
    assert load.load_application(path) == load.load_application(path)


KEYS = (
    "name services stores jobs web api build image port health env secrets files calls scale volume path size uses"
    " generate source"
)
WORDS = st.sampled_from([*KEYS.split(), "/", "./web", "a b", "..", "x\0y", "é" * 300])
ANY = st.recursive(
    WORDS | st.none() | st.booleans() | st.integers(-2, 70000) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=25,
)
SERVICES = st.fixed_dictionaries({"name": WORDS, "services": st.dictionaries(WORDS, ANY), "stores": ANY, "jobs": ANY})


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANY | SERVICES, st.none() | ANY)
def test_any_input_gives_an_application_or_errors(find_errors: FindErrors, value: object, overlay: object) -> None:
    errors = find_errors(json.dumps(value), json.dumps({"config": {"seaway:context": "c", "seaway:overlay": overlay}}))
    assert all(error.code and error.message and error.hint for error in errors)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=100) | st.binary(max_size=100))
def test_any_text_gives_errors(find_errors: FindErrors, text: str | bytes) -> None:
    try:
        encoded = text if isinstance(text, bytes) else text.encode()
    except UnicodeEncodeError:
        return
    assert find_errors(encoded)
