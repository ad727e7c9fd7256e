# ruff: noqa: E501 - a message stands in one line, as it is printed
"""A stack's configuration: the file and Pulumi say the same, and what an application asks of its environment."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from seaway.model import settings
from seaway.project import environments, stack_file
from seaway.syntax import diagnosis, nodes

Said = Callable[..., list[str]]

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
# As Pulumi hands it on: each key's value as text, objects as JSON, numbers as its own YAML reader took them.
GIVEN = {
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
BUILT = "name: shop\nservices:\n  web: {build: ./web, port: 80}\n"


@pytest.fixture
def file(folder: Path) -> nodes.MappingNode:
    path = folder / "Pulumi.dev.yaml"
    path.write_text(FILE)
    return stack_file.read_config(path)


def test_the_file_and_pulumi_give_the_same_settings(file: nodes.MappingNode) -> None:
    written = stack_file.decode_settings(file, "dev")
    assert written == settings.Settings(
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
    given = stack_file.parse_config(GIVEN)
    assert stack_file.decode_settings(stack_file.attach_locations(given, file), "dev") == written
    without = {key: value for key, value in GIVEN.items() if key != "overlay"}
    assert (
        stack_file.decode_settings(stack_file.parse_config(without), "dev").image_overrides == written.image_overrides
    )
    assert stack_file.get_secret_names(file) == stack_file.get_secret_names(given) == {"SESSION_KEY"}


def test_values_from_pulumi_have_the_places_of_the_file_unless_they_differ(file: nodes.MappingNode) -> None:
    located = stack_file.attach_locations(stack_file.parse_config(GIVEN | {"registry": "other.example.com"}), file)
    assert str(located.pairs["context"].location) == "Pulumi.dev.yaml:4:3"
    assert str(located.pairs["overlay"].location) == "Pulumi.dev.yaml:9:3"
    assert str(located.pairs["registry"].location) == "(config)"
    assert stack_file.decode_settings(located, "dev").registry == "other.example.com"


@pytest.mark.parametrize("value", [494, 754, "0754", 1.2, True])
def test_what_differs_is_not_taken_for_the_file(file: nodes.MappingNode, value: object) -> None:
    env = {"VERSION": 1.1, "MODE": value, "DAY": "2026-11-23 00:00:00 +0000 UTC", "BIG": 1000}
    given = stack_file.parse_config(GIVEN | {"overlay": json.dumps({"services": {"web": {"scale": 1, "env": env}}})})
    assert str(stack_file.attach_locations(given, file).pairs["overlay"].location) == "(config)"


def test_no_secret_value_is_kept() -> None:
    assert "hunter2" not in repr(stack_file.parse_config(GIVEN))
    assert "hunter2" not in repr(stack_file.parse_config({"secrets": "hunter2"}))


def test_a_stack_of_its_own(said: Said) -> None:
    assert said(APP, FILE) == []


ASKS = "name: shop\nservices:\n  web: {build: {context: ./web, secrets: {npm: TOKEN}}}\n"
BUILDS = "config:\n  seaway:context: c\n  seaway:registry: r.example.com\n"
CONTEXT = "config:\n  seaway:context: c\n"
WRONG = {
    "no context": (APP.replace(", secrets: [SESSION_KEY]", ""), "{}", "Pulumi.dev.yaml: seaway:context: is not set; pulumi config set seaway:context <value>"),
    "unknown": (APP, FILE + "  seaway:registri: x", "Pulumi.dev.yaml:15:3: seaway:registri: is no key of settings; did you mean registry?"),
    "stack": (APP, FILE + "  seaway:stack: x", "Pulumi.dev.yaml:15:3: seaway:stack: the stack's name comes from Pulumi; remove the key"),
    "encrypted": (APP, FILE + "  seaway:builder: {secure: x}", "Pulumi.dev.yaml:15:3: seaway:builder: is encrypted, and is no secret; set it again without --secret"),
    "engine": (APP, FILE + "  seaway:engine: podman", 'Pulumi.dev.yaml:15:3: seaway:engine: "podman" is not one of its values; write docker-build or docker'),
    "no secrets": (APP, CONTEXT + "  seaway:secrets: hunter2", "Pulumi.dev.yaml:3:3: seaway:secrets: is no mapping from name to secret; pulumi config set --secret --path 'seaway:secrets.NAME'"),
    "plain secret": (APP, CONTEXT + "  seaway:secrets: {SESSION_KEY: hunter2}", "Pulumi.dev.yaml:3:20: seaway:secrets.SESSION_KEY: is not encrypted; pulumi config set --secret --path 'seaway:secrets.SESSION_KEY'"),
    "no value": (APP, CONTEXT, "app/app.yaml:3:43: services.web.secrets.SESSION_KEY: has no value in stack dev; pulumi config set --secret --path 'seaway:secrets.SESSION_KEY', or let it be {generate: 32}"),
    "unused": (APP, FILE + "    SESSION_KEI: {secure: x}", "Pulumi.dev.yaml:15:5: seaway:secrets.SESSION_KEI: no service, store or job lists it; did you mean SESSION_KEY? (or pulumi config rm --path 'seaway:secrets.SESSION_KEI')"),
    "registry": (BUILT, CONTEXT, "Pulumi.dev.yaml: seaway:registry: is not set, and web must be built and pushed; pulumi config set seaway:registry registry.example.com/team"),
    "namespace": (APP.replace("shop", "s" * 60), FILE, f'Pulumi.dev.yaml: stack: "{"s" * 60}..." cannot be the name of a namespace; name the stack with a-z, 0-9 and -, at most 63 characters with the application\'s name'),
    "quota": ("name: shop\nservices:\n  agent: {image: nginx, daemonSet: true}\n", CONTEXT + "  seaway:quota: true", "app/app.yaml:3:25: services.agent.daemonSet: nobody can say how many pods it has at most, and seaway:quota limits the namespace to that; leave out one of the two"),
    "build secret": (ASKS, BUILDS, "app/app.yaml:3:43: services.web.build.secrets.npm: TOKEN has no value in stack dev; pulumi config set --secret --path 'seaway:secrets.TOKEN'"),
    "engine without contexts": (ASKS.replace("secrets: {npm: TOKEN}", "ssh: [default]"), BUILDS + "  seaway:engine: docker", "app/app.yaml:3:33: services.web.build.ssh: the engine docker has no such word; pulumi config set seaway:engine docker-build"),
    "build context": (ASKS.replace("secrets: {npm: TOKEN}", "contexts: {a: ./a}"), BUILDS, 'app/app.yaml:3:44: services.web.build.contexts.a: there is no folder "./a"; write a path relative to the application\'s file'),
    "two Dockerfiles": (ASKS.replace("secrets: {npm: TOKEN}", "inline: FROM x, dockerfile: a"), BUILDS, "app/app.yaml:3:33: services.web.build.inline: has `dockerfile` beside it; keep one of the two"),
    "no app": (APP, FILE + "  seaway:app: x.yaml", "x.yaml: the application's file cannot be read (No such file or directory); write the application there; docs/reference.yaml shows how"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong(said: Said, case: str) -> None:
    text, stack, line = WRONG[case]
    assert said(text, stack) == [line]


def test_the_problems_of_both_files_come_together(said: Said) -> None:
    lines = said(APP.replace("80", "0"), "config:\n  seaway:engine: x\n")
    assert [line.partition(": ")[0] for line in lines] == [
        "Pulumi.dev.yaml",
        "Pulumi.dev.yaml:2:3",
        "app/app.yaml:3:23",
    ]


def test_no_stack_file(folder: Path) -> None:
    with pytest.raises(diagnosis.InvalidInput) as raised:
        stack_file.read_config(folder / "Pulumi.prod.yaml")
    assert (
        str(raised.value)
        == "Pulumi.prod.yaml: the stack's file cannot be read (No such file or directory); pulumi stack init <stack> begins one"
    )


def test_the_application_and_the_settings_of_a_stack(
    folder: Path, file: nodes.MappingNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "app" / "app.yaml").write_text(APP)
    monkeypatch.chdir(folder)
    one = environments.read_environment(file, folder=folder, stack="dev", check_ids=())
    app, said = one.app, one.settings
    assert app.services[0].env == {"VERSION": "1.10", "MODE": "0755", "DAY": "2026-11-23", "BIG": "1_000"}
    assert app.services[0].scale.min == 1
    assert said.format_namespace(app.name) == "shop-dev"
