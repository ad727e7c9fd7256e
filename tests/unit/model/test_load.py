# ruff: noqa: E501 - a message stands in one line, as it is printed
"""Loading: overlay, inheritance, file contents, and that neither order nor repetition matters."""

import dataclasses
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seaway.model import application, links
from seaway.project import load
from seaway.syntax import diagnosis, nodes

Said = Callable[..., list[str]]

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
    return load.load_application(path, overlay=nodes.parse(overlay, "Pulumi.dev.yaml") if overlay else None)


def test_a_job_takes_what_its_service_has_and_its_own_words_win(folder: Path) -> None:
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


def test_a_secret_is_made_the_same_way_wherever_it_is_listed(folder: Path) -> None:
    for service in shop(folder).services:
        assert service.secrets == (application.Secret("SESSION_KEY", generate=32),)


def test_links_become_variables(folder: Path) -> None:
    loaded = shop(folder)
    assert links.get_variables(loaded, loaded.services[0]) == {
        "API_URL": "http://api:8001", "API_HOST": "api", "API_PORT": "8001",
        "DB_URL": "tcp://db:5432", "DB_HOST": "db", "DB_PORT": "5432",
    }  # fmt: skip
    assert links.get_variables(loaded, loaded.services[1])["WEB_URL"] == "http://web:8000"


def test_a_link_to_other_ports_and_protocols() -> None:
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


def test_an_overlay_changes_and_takes_away(folder: Path) -> None:
    loaded = shop(
        folder, "services: {web: {scale: 5, env: {LOG_LEVEL: debug}, user: null, secrets: {B: {generate: 9}}}}"
    )
    web = loaded.services[0]
    assert (web.scale.min, web.env["LOG_LEVEL"], web.user) == (5, "debug", 10001)
    assert [secret.name for secret in web.secrets] == ["SESSION_KEY", "B"]
    assert loaded.services[1] == shop(folder).services[1]


@pytest.mark.parametrize(
    ("overlay", "line"),
    [
        ("services: {wep: {port: 1}}", "1:12: seaway:overlay.services.wep: the application has no such service; did you mean web?"),
        ("service: {}", "1:1: seaway:overlay.service: an overlay has no such key; did you mean services?"),
        ("name: x", "1:1: seaway:overlay.name: an overlay has no such key; there are: services, stores, jobs"),
        ("[web]", "1:1: seaway:overlay: a list is no mapping; write services, stores or jobs below it"),
        ("jobs: [x]", "1:1: seaway:overlay.jobs: a list is no mapping; write a name and what differs below it"),
        ("\nservices:\n  web: {port: 0}", "3:9: services.web.port: 0 is no TCP port (1 to 65535); write the port that the program listens on"),
    ],
)  # fmt: skip
def test_a_wrong_overlay_is_told_where_it_stands(folder: Path, overlay: str, line: str) -> None:
    with pytest.raises(diagnosis.InvalidInput) as raised:
        shop(folder, overlay)
    assert str(raised.value).splitlines() == [f"Pulumi.dev.yaml:{line}"]


def test_no_file() -> None:
    with pytest.raises(diagnosis.InvalidInput) as raised:
        load.load_application(Path("nowhere/app.yaml"))
    assert str(raised.value) == (
        "nowhere/app.yaml: the application's file cannot be read (No such file or directory); write the application there;"
        " docs/reference.yaml shows how"
    )


def shuffled(value: object, by: random.Random) -> object:
    if isinstance(value, dict):
        keys = list(value)
        by.shuffle(keys)
        return {key: shuffled(value[key], by) for key in keys}
    return value


def by_name(app: application.Application) -> application.Application:
    """Without the order of what has a name."""

    def ordered(one: application.Service | application.Store | application.Job) -> object:
        secrets = tuple(sorted(one.secrets, key=lambda secret: secret.name))
        return dataclasses.replace(one, secrets=secrets, files=tuple(sorted(one.files, key=lambda file: file.path)))

    return dataclasses.replace(
        app,
        **{
            kind: tuple(sorted(map(ordered, getattr(app, kind)), key=lambda one: one.name))
            for kind in ("services", "stores", "jobs")
        },
    )


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter_and_twice_is_the_same(folder: Path, by: random.Random) -> None:
    first = shop(folder)
    path = folder / "app" / "shuffled.yaml"
    path.write_text(json.dumps(shuffled(nodes.to_plain(nodes.parse(SHOP, "a")), by)))
    assert by_name(load.load_application(path)) == by_name(first)
    assert load.load_application(path) == load.load_application(path)


WORDS = st.sampled_from(
    ["name", "services", "stores", "jobs", "web", "api", "build", "image", "port", "health", "env", "secrets", "files", "calls",
     "scale", "volume", "path", "size", "uses", "generate", "source", "/", "./web", "a b", "..", "x\0y", "é" * 300]
)  # fmt: skip
ANY = st.recursive(
    WORDS | st.none() | st.booleans() | st.integers(-2, 70000) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=25,
)
SERVICES = st.fixed_dictionaries({"name": WORDS, "services": st.dictionaries(WORDS, ANY), "stores": ANY, "jobs": ANY})


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANY | SERVICES, st.none() | ANY)
def test_whatever_is_written_ends_in_an_application_or_in_problems(said: Said, value: object, overlay: object) -> None:
    lines = said(json.dumps(value), json.dumps({"config": {"seaway:context": "c", "seaway:overlay": overlay}}))
    assert all("; " in line for line in lines)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=100) | st.binary(max_size=100))
def test_whatever_text_is_written_ends_in_problems(said: Said, text: str | bytes) -> None:
    try:
        encoded = text if isinstance(text, bytes) else text.encode()
    except UnicodeEncodeError:
        return
    assert said(encoded)
