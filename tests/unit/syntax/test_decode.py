"""Decoding: the forms that a value may have, and the errors."""

import dataclasses
from typing import Annotated

import pytest

from seaway.model import application, settings
from seaway.model.validate import all_rules
from seaway.syntax import decode, diagnosis, field_help, nodes, yaml_parser
from tests.support import diagnostics

FIRST = "name: a\nservices:\n  web:\n    image: x\n"

ERRORS = {
    "unknown key": ("    prot: 8000", "5:5: services.web.prot: unknown-key"),
    "far key": ("    resources: {xyz: 1}", "5:17: services.web.resources.xyz: unknown-key"),
    "key of Docker Compose": ("    environment: {A: b}", "5:5: services.web.environment: unknown-key"),
    "key with two meanings": ("    depends_on: [db]", "5:5: services.web.depends_on: unknown-key"),
    "key in snake case": ("    env_file: a.env", "5:5: services.web.env_file: unknown-key"),
    "key without a meaning": ("    restart: always", "5:5: services.web.restart: unknown-key"),
    "key like no other": ("    xyzzy: 1", "5:5: services.web.xyzzy: unknown-key"),
    "key of a service beside its name": ("  port: 80", "5:3: services.port: invalid-type"),
    "service that is not indented": ("worker: {image: x, command: [a]}", "5:1: worker: unknown-key"),
    "former key": ("    expose: true", "5:5: services.web.expose: unknown-key"),
    "former key of health": ("    health: {ready: /, every: 2}", None),
    "former key of a port": (
        "    ports: {a: {port: 1, expose: true}}",
        "5:26: services.web.ports.a.expose: unknown-key",
    ),
    "former key with another value": ("jobs: {m: {tries: 2}}", "5:12: jobs.m.tries: unknown-key"),
    "boolean text": ("    env: {A: yes, B: true}", "5:19: services.web.env.B: invalid-type"),
    "null text": ("    env: {A: null}", "5:11: services.web.env.A: invalid-type"),
    "empty text": ("    env: {A: }", "5:11: services.web.env.A: invalid-type"),
    "list for text": ("    env: {A: [b]}", "5:11: services.web.env.A: invalid-type"),
    "list for mapping": ("    env: [A=b]", "5:5: services.web.env: invalid-type"),
    "text for list": ("    command: python x.py", "5:5: services.web.command: invalid-type"),
    "quoted number": ('    port: "80"', "5:5: services.web.port: invalid-type"),
    "octal": ("    user: 0999", "5:5: services.web.user: invalid-type"),
    "number": ("    scale: many", "5:5: services.web.scale: invalid-type"),
    "fraction": ("    scale: 1.5", "5:5: services.web.scale: invalid-type"),
    "duration": ("    preStopDelay: soon", "5:5: services.web.preStopDelay: invalid-duration"),
    "duration in a list": ("    preStopDelay: [1s]", "5:5: services.web.preStopDelay: invalid-duration"),
    "fraction of a second": ("    preStopDelay: 1500ms", "5:5: services.web.preStopDelay: invalid-duration"),
    "yes": ("    publish: yes", "5:5: services.web.publish: invalid-type"),
    "literal": ("    security: none", "5:5: services.web.security: invalid-value"),
    "scalar for a dataclass": ("    resources: 1", "5:5: services.web.resources: invalid-type"),
    "scalar for names": ("    secrets: A", "5:5: services.web.secrets: invalid-type"),
    "no name": ("    secrets: [{A: 1}]", "5:15: services.web.secrets: invalid-name"),
    "name twice": ("    secrets: [A, A]", "5:18: services.web.secrets: duplicate-name"),
}
FORMER_HEALTH = ["5:14: services.web.health.ready: unknown-key", "5:24: services.web.health.every: unknown-key"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Disk:
    size: Annotated[str, field_help.Help("capacity, as `1Gi`")]
    path: str


def decode_application(text: str) -> decode.Decoded[application.Application]:
    return decode.decode_partial(application.Application, yaml_parser.parse(text, "app.yaml"))


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case: str, wording: list[str]) -> None:
    text, line = ERRORS[case]
    found = decode_application(FIRST + text).diagnostics
    assert diagnostics.summarize(found) == [f"app.yaml:{each}" for each in ([line] if line else FORMER_HEALTH)]
    assert list(map(str, found)) == wording


@pytest.mark.parametrize(
    ("text", "code"), [("", "invalid-type"), ("[a]", "invalid-type"), ("jobs: {}", "missing-value")]
)
def test_not_an_application(text: str, code: str, wording: list[str]) -> None:
    decoded = decode_application(text)
    assert decoded.value is None
    assert [(each.code, str(each.location)) for each in decoded.diagnostics] == [(code, "app.yaml:1:1")]
    assert list(map(str, decoded.diagnostics)) == wording


def test_missing_values(wording: list[str]) -> None:
    found = decode.decode_partial(Disk, yaml_parser.parse("{}", "app.yaml"), path="disk").diagnostics
    assert diagnostics.summarize(found) == [f"app.yaml:1:1: disk.{key}: missing-value" for key in ("size", "path")]
    assert list(map(str, found)) == wording


@pytest.mark.parametrize("key", ["tries: 1, backoffLimit", "promotesFrom: a, promotion", "of: [a], workloads"])
def test_a_former_key_is_only_suggested_where_the_new_one_belongs(key: str) -> None:
    (found,) = decode_application(f"{FIRST}    {key.partition(',')[0]}").diagnostics
    assert found.code == "unknown-key"
    assert key.partition(", ")[2] not in found.hint


def decode_service(body: str) -> application.Service:
    app = decode_application(f"name: a\nservices: {{web: {{{body}}}}}").value
    assert app is not None
    return app.services[0]


def test_short_and_long_forms_are_equal() -> None:
    assert decode_service("build: ./web, health: /h, scale: 3, secrets: [A, B], files: {/a: b}") == decode_service(
        "build: {context: ./web}, health: {readiness: /h, liveness: /h}, scale: {min: 3}, secrets: {A: , B: {}},"
        " files: {/a: {source: b}}"
    )
    health = application.Health(readiness=("a", "b"), liveness=("a", "b"))
    assert decode_service("health: [a, b]").health == health
    assert decode_service("envFile: a.env").env_file == "a.env"
    assert decode_service("envFile: [a.env]").env_file == ("a.env",)


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("0", 0), ("30s", 30), ("1m30s", 90), ('"2h"', 7200)])
def test_durations_are_seconds_or_have_units(text: str, seconds: int) -> None:
    service = decode_service(f"preStopDelay: {text}, health: {{interval: {text}}}")
    assert (service.pre_stop_delay, service.health.interval) == (seconds, seconds)


def test_numbers_keep_their_digits_where_text_is_wanted() -> None:
    node = yaml_parser.parse(
        "{stack: a, context: b, imageOverrides: {a: 1.10, b: 0755, c: 22:22, d: 1_0, e: 0x1F}}", "a.yaml"
    )
    overrides = {"a": "1.10", "b": "0755", "c": "22:22", "d": "1_0", "e": "0x1F"}
    assert decode.decode_node(settings.Settings, node).image_overrides == overrides


def test_all_errors_come_together_and_none_follows_from_another() -> None:
    decoded = decode_application("""\
name: shop
services:
  api: {image: nginx, port: abc, health: /healthz, expose: true}
  web: {build: ./web, port: 70000, calls: [api, db, dbb], healht: /x, env: {A: true}}
stores:
  db: {image: postgres, port: 5432}
jobs:
  migrate: {uses: apj, command: run}
""")
    assert decoded.value is not None
    rules = all_rules.check_application(decoded.value, decoded.locations)
    found = diagnosis.InvalidInput([*decoded.diagnostics, *rules]).diagnostics
    assert [f"{each.location}: {each.path}" for each in found] == [
        "app.yaml:3:23: services.api.port",
        "app.yaml:3:52: services.api.expose",
        "app.yaml:4:23: services.web.port",
        "app.yaml:4:53: services.web.calls.2",
        "app.yaml:4:59: services.web.healht",
        "app.yaml:4:77: services.web.env.A",
        "app.yaml:6:3: stores.db.volume",
        "app.yaml:8:13: jobs.migrate.uses",
        "app.yaml:8:24: jobs.migrate.command",
    ]


def test_an_encrypted_value_is_only_a_secret() -> None:
    location = diagnosis.SourceLocation("Pulumi.dev.yaml", 3, 3)
    node = nodes.from_plain({"stack": "dev", "context": "here"}, "Pulumi.dev.yaml")
    assert isinstance(node, nodes.MappingNode)
    encrypted = nodes.Pair(location, nodes.EncryptedNode(location))
    with pytest.raises(diagnosis.InvalidInput) as caught:
        decode.decode_node(settings.Settings, nodes.MappingNode(location, {**node.pairs, "registry": encrypted}))
    assert diagnostics.summarize(caught.value.diagnostics) == ["Pulumi.dev.yaml:3:3: registry: encrypted-value"]


def test_similar_names_are_searched_for_some_keys_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search takes a millisecond, and a file that somebody forged has any number of keys."""
    searched: list[str] = []
    monkeypatch.setattr(decode, "find_closest", lambda key, _: searched.append(key))
    node = nodes.from_plain({f"key{number}": 1 for number in range(500)}, "app.yaml")
    decoded = decode.decode_partial(application.Application, node)
    assert sum(diagnostic.code == "unknown-key" for diagnostic in decoded.diagnostics) == 500
    assert len(set(searched)) == 100
