"""`seaway exec`, `run` and `port-forward` before they connect to a pod, against a stand-in for the cluster."""

import argparse
from typing import Any

import pytest

from seaway.cli import command, port_forward
from tests.support import apiserver, live_objects
from tests.unit.cli import conftest

pytestmark = pytest.mark.usefixtures("checkout")
Captured = pytest.CaptureFixture[str]

CONTAINER = {
    "name": "db",
    "image": "registry.example.com/base/postgres:17@sha256:1",
    "ports": [{"name": "main", "containerPort": 5432, "protocol": "TCP"}, {"name": "dns", "containerPort": 53}],
    "env": [
        {"name": "POSTGRES_USER", "value": "shop"},
        {"name": "POSTGRES_DB", "value": "orders"},
        {"name": "PGPASSWORD", "valueFrom": {"secretKeyRef": {"name": "theirs", "key": "PASSWORD"}}},
    ],
}
HTTP_PROBE = {"readinessProbe": {"httpGet": {"path": "/", "port": 80}}}
POD = {
    "spec": {
        "volumes": [
            {"projected": {"sources": [{"secret": {"name": "db-1", "items": [{"key": "POSTGRES_PASSWORD"}]}}]}},
            {"projected": {"sources": [{"secret": {"name": "db-1", "items": [{"key": "OTHER"}]}}]}},
        ]
    }
}


@pytest.mark.parametrize("words", [("exec", "wbe"), ("run", "wbe"), ("port-forward", "wbe")])
def test_unknown_service(
    api: apiserver.ApiServer, words: tuple[str, ...], seaway: conftest.Seaway, wording: object
) -> None:
    conftest.put_all(api, live_objects.healthy())
    assert seaway(*words, code=command.USAGE_ERROR).err.splitlines() == wording


@pytest.mark.parametrize("words", [("exec", "db"), ("run", "db"), ("port-forward", "db"), ("logs", "db")])
def test_external_store_has_no_pod(
    api: apiserver.ApiServer, words: tuple[str, ...], seaway: conftest.Seaway, wording: object
) -> None:
    conftest.put_all(api, live_objects.with_external_store())
    assert seaway(*words, code=command.USAGE_ERROR).err.splitlines() == wording


def test_store_is_not_run(api: apiserver.ApiServer, seaway: conftest.Seaway, wording: object) -> None:
    conftest.put_all(api, live_objects.healthy())
    assert seaway("run", "db", code=command.USAGE_ERROR).err.splitlines() == wording


def test_unknown_container(api: apiserver.ApiServer, seaway: conftest.Seaway, wording: object) -> None:
    conftest.put_all(api, live_objects.healthy())
    words = ("exec", "web", "--container", "proxy", "--", "ls", "-l")
    assert seaway(*words, code=command.USAGE_ERROR).err.splitlines() == wording


def test_pod_that_does_not_run(api: apiserver.ApiServer, seaway: conftest.Seaway, wording: object) -> None:
    status = live_objects.waiting("ImagePullBackOff", 'Back-off pulling image "web:2": not found')
    objects = live_objects.rollout(status)
    live_objects.put(api, *objects)
    assert seaway("exec", "web", code=command.USAGE_ERROR).err.splitlines() == wording


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("5432", (None, "5432")),
        ("15432:5432", (15432, "5432")),
        ("main", (None, "main")),
        ("9000:dns-2", (9000, "dns-2")),
    ],
)
def test_ports(text: str, ports: tuple[int | None, str]) -> None:
    assert port_forward.parse_ports(text) == ports


@pytest.mark.parametrize("text", ["", "0", "70000", "0:80", "a:80", "80:", "1:2:3", "-1", "Main"])
def test_invalid_ports(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        port_forward.parse_ports(text)


def test_port_of_a_container(wording: object) -> None:
    assert port_forward.find_port(CONTAINER, "db", None) == 5432
    assert port_forward.find_port(CONTAINER, "db", "9999") == 9999, "declared or not"
    messages: list[str] = []
    for container, remote in ((CONTAINER, "metrics"), ({}, None)):
        with pytest.raises(command.UsageError) as caught:
            port_forward.find_port(container, "db", remote)
        messages.append(str(caught.value))
    assert messages == wording


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "psql -h 127.0.0.1 -p 15432 -U shop orders"),
        ({"env": []}, "psql -h 127.0.0.1 -p 15432 -U postgres"),
        ({"image": "redis:8"}, "redis-cli -h 127.0.0.1 -p 15432"),
        ({"image": "web:1", **HTTP_PROBE}, "curl http://127.0.0.1:15432/"),
        ({"image": "web:1"}, "127.0.0.1:15432"),
        ({"image": "web:1-mysql"}, "127.0.0.1:15432"),
        ({"image": "postgres-exporter:1", **HTTP_PROBE}, "curl http://127.0.0.1:15432/"),
    ],
)
def test_line_to_connect_with(changes: dict[str, Any], line: str) -> None:
    assert port_forward.describe_connection({}, {**CONTAINER, "env": CONTAINER["env"], **changes}, 15432)[0] == line


def test_password_is_named_and_not_shown() -> None:
    assert port_forward.describe_connection(POD, CONTAINER, 15432)[1:] == [
        "password: key POSTGRES_PASSWORD of Secret db-1",
        "password: key PASSWORD of Secret theirs",
    ]
