"""A stack's configuration: from the file and from Pulumi, and its errors."""

import json
import shlex
from pathlib import Path

import pytest

from seaway.model import settings
from seaway.project import environments, stack_file
from seaway.syntax import nodes
from tests.support import diagnostics
from tests.unit.project.conftest import Diagnose

FILE = """\
encryptionsalt: v1:abc
config:
  aws:region: eu-central-1
  seaway:context: seaway-dev
  seaway:registry: registry.example.com/team
  seaway:rolloutTimeout: "90"
  seaway:imageOverrides:
    postgres:17: registry.example.com/base/postgres:17
  seaway:overlay:
    services:
      web: {scale: 1, env: {VERSION: 1.10, MODE: 0755, DAY: 2026-11-23, BIG: 1_000}}
  seaway:secrets:
    SESSION_KEY:
      secure: v1:xyz
"""
# From Pulumi: each value is text, objects are JSON, and numbers are those of its own YAML parser.
TEXTS = {
    "context": "seaway-dev",
    "registry": "registry.example.com/team",
    "rolloutTimeout": "90",
    "imageOverrides": json.dumps({"postgres:17": "registry.example.com/base/postgres:17"}),
    "overlay": json.dumps(
        {
            "services": {
                "web": {
                    "scale": 1,
                    "env": {"VERSION": 1.1, "MODE": 493, "DAY": "2026-11-23 00:00:00 +0000 UTC", "BIG": 1000},
                }
            }
        }
    ),
    "secrets": json.dumps({"SESSION_KEY": "hunter2"}),
}
APP = "name: shop\nservices:\n  web: {image: nginx, port: 80, secrets: [SESSION_KEY]}\n"


@pytest.fixture
def file(folder: Path) -> nodes.MappingNode:
    path = folder / "Pulumi.dev.yaml"
    path.write_text(FILE)
    return stack_file.read_config(path)


def test_the_file_and_pulumi_give_the_same_settings(file: nodes.MappingNode) -> None:
    stack_settings = stack_file.decode_settings(file, "dev")
    assert stack_settings == settings.Settings(
        stack="dev",
        context="seaway-dev",
        registry="registry.example.com/team",
        rollout_timeout=90,
        image_overrides={"postgres:17": "registry.example.com/base/postgres:17"},
        overlay={
            "services": {
                "web": {"scale": 1, "env": {"VERSION": 1.1, "MODE": "0755", "DAY": "2026-11-23", "BIG": "1_000"}}
            }
        },
    )
    pulumi_config = stack_file.parse_config(TEXTS)
    assert stack_file.decode_settings(stack_file.attach_locations(pulumi_config, file), "dev") == stack_settings
    without = {key: value for key, value in TEXTS.items() if key != "overlay"}
    assert (
        stack_file.decode_settings(stack_file.parse_config(without), "dev").image_overrides
        == stack_settings.image_overrides
    )
    locations = map(stack_file.get_secret_locations, (file, pulumi_config))
    assert [set(names) for names in locations] == [{"SESSION_KEY"}] * 2


def test_values_from_pulumi_have_the_locations_of_equal_values_of_the_file(file: nodes.MappingNode) -> None:
    located = stack_file.attach_locations(stack_file.parse_config(TEXTS | {"registry": "other.example.com"}), file)
    assert str(located.pairs["context"].location) == "Pulumi.dev.yaml:4:3"
    assert str(located.pairs["overlay"].location) == "Pulumi.dev.yaml:9:3"
    assert str(located.pairs["registry"].location) == "(config)"
    assert stack_file.decode_settings(located, "dev").registry == "other.example.com"


@pytest.mark.parametrize("value", [494, 754, "0754", 1.2, True])
def test_another_value_has_no_location_in_the_file(file: nodes.MappingNode, value: object) -> None:
    env = {"VERSION": 1.1, "MODE": value, "DAY": "2026-11-23 00:00:00 +0000 UTC", "BIG": 1000}
    pulumi_config = stack_file.parse_config(
        TEXTS | {"overlay": json.dumps({"services": {"web": {"scale": 1, "env": env}}})}
    )
    assert str(stack_file.attach_locations(pulumi_config, file).pairs["overlay"].location) == "(config)"


def test_no_secret_value_is_kept() -> None:
    assert "hunter2" not in repr(stack_file.parse_config(TEXTS))
    assert "hunter2" not in repr(stack_file.parse_config({"secrets": "hunter2"}))


def test_a_valid_stack(diagnose: Diagnose) -> None:
    assert diagnose(APP, FILE) == ()


BUILD = "name: shop\nservices:\n  web: {build: {context: ./web, secrets: {npm: TOKEN}}}\n"
BUILDING = "config:\n  seaway:context: c\n  seaway:registry: r.example.com\n"
CONTEXT = "config:\n  seaway:context: c\n"
ERRORS = {
    "no context": (APP.replace(", secrets: [SESSION_KEY]", ""), "{}", "Pulumi.dev.yaml: seaway:context: missing-value"),
    "unknown": (APP, FILE + "  seaway:registri: x", "Pulumi.dev.yaml:15:3: seaway:registri: unknown-key"),
    "former key": (
        APP,
        FILE + "  seaway:promotesFrom: staging",
        "Pulumi.dev.yaml:15:3: seaway:promotesFrom: unknown-key",
    ),
    "former value": (APP, FILE + "  seaway:exposure: clusterIP", "Pulumi.dev.yaml:15:3: seaway:exposure: unknown-key"),
    "stack": (APP, FILE + "  seaway:stack: x", "Pulumi.dev.yaml:15:3: seaway:stack: unknown-key"),
    "encrypted": (APP, FILE + "  seaway:builder: {secure: x}", "Pulumi.dev.yaml:15:3: seaway:builder: encrypted-value"),
    "engine": (APP, FILE + "  seaway:engine: podman", "Pulumi.dev.yaml:15:3: seaway:engine: invalid-value"),
    "no secrets": (APP, CONTEXT + "  seaway:secrets: hunter2", "Pulumi.dev.yaml:3:3: seaway:secrets: invalid-type"),
    "plain secret": (
        APP,
        CONTEXT + "  seaway:secrets: {SESSION_KEY: hunter2}",
        "Pulumi.dev.yaml:3:20: seaway:secrets.SESSION_KEY: plain-secret",
    ),
    "plain key": (
        APP,
        FILE + "  seaway:fingerprintKey: x",
        "Pulumi.dev.yaml:15:3: seaway:fingerprintKey: plain-secret",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(diagnose: Diagnose, case: str, wording: list[str]) -> None:
    text, stack, expected = ERRORS[case]
    found = diagnose(text, stack)
    assert diagnostics.summarize(found) == [expected]
    assert list(map(str, found)) == wording


# Rules of `model.validate.environment`: their codes and wording are tested there.
RULES = {
    "no value": (APP, CONTEXT, "app/app.yaml:3:43: services.web.secrets.SESSION_KEY"),
    "unused": (APP, FILE + "    SESSION_KEI: {secure: x}", "Pulumi.dev.yaml:15:5: seaway:secrets.SESSION_KEI"),
    "registry": (
        "name: shop\nservices:\n  web: {build: ./web, port: 80}\n",
        CONTEXT,
        "Pulumi.dev.yaml: seaway:registry",
    ),
    "namespace": (APP.replace("shop", "s" * 60), FILE, "Pulumi.dev.yaml: stack"),
    "quota": (
        "name: shop\nservices:\n  agent: {image: nginx, daemonSet: true}\n",
        CONTEXT + "  seaway:quota: true",
        "app/app.yaml:3:25: services.agent.daemonSet",
    ),
    "build secret": (BUILD, BUILDING, "app/app.yaml:3:43: services.web.build.secrets.npm"),
    "engine without ssh": (
        BUILD.replace("secrets: {npm: TOKEN}", "ssh: [default]"),
        BUILDING + "  seaway:engine: docker",
        "app/app.yaml:3:33: services.web.build.ssh",
    ),
    "build context": (
        BUILD.replace("secrets: {npm: TOKEN}", "contexts: {a: ./a}"),
        BUILDING,
        "app/app.yaml:3:44: services.web.build.contexts.a",
    ),
    "two Dockerfiles": (
        BUILD.replace("secrets: {npm: TOKEN}", "inline: FROM x, dockerfile: a"),
        BUILDING,
        "app/app.yaml:3:33: services.web.build.inline",
    ),
    "no app": (APP, FILE + "  seaway:app: x.yaml", "x.yaml: "),
    "both files": (
        APP.replace("80", "0"),
        "config:\n  seaway:engine: x\n",
        "Pulumi.dev.yaml: seaway:context|Pulumi.dev.yaml:2:3: seaway:engine|app/app.yaml:3:23: services.web.port"
        "|app/app.yaml:3:42: services.web.secrets.SESSION_KEY",
    ),
}


@pytest.mark.parametrize("case", RULES)
def test_the_application_and_the_stack_are_checked_together(diagnose: Diagnose, case: str) -> None:
    text, stack, expected = RULES[case]
    assert "|".join(f"{each.location}: {each.path}" for each in diagnose(text, stack)) == expected


def test_no_stack_file(folder: Path, wording: list[str]) -> None:
    errors = diagnostics.catch(lambda: stack_file.read_config(folder / "Pulumi.prod.yaml"))
    assert diagnostics.summarize(errors) == ["Pulumi.prod.yaml: : file-not-found"]
    assert list(map(str, errors)) == wording


def test_the_application_and_the_settings_of_a_stack(folder: Path, file: nodes.MappingNode) -> None:
    (folder / "app" / "app.yaml").write_text(APP)
    environment = environments.read_environment(file, folder=folder, stack="dev", check_ids=())
    app = environment.app
    assert app.services[0].env == {"VERSION": "1.10", "MODE": "0755", "DAY": "2026-11-23", "BIG": "1_000"}
    assert app.services[0].scale.min == 1
    assert environment.settings.format_namespace(app.name) == "shop-dev"


def test_a_name_is_one_word_of_the_command_that_a_user_copies() -> None:
    name = "A'; touch evil; '"
    config = stack_file.parse_config({"context": "work"})
    secret = nodes.Pair(config.location, nodes.from_plain({name: "plain"}, "Pulumi.dev.yaml"))
    decoded = stack_file.decode_partial_settings(
        nodes.MappingNode(config.location, {**config.pairs, "secrets": secret}), "dev"
    )
    (error,) = decoded.diagnostics
    assert shlex.split(error.hint)[-1] == f"seaway:secrets.{name}"
