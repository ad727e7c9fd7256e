"""The images that the program builds."""

import json
from pathlib import Path
from typing import Any

from plugin import values
from tests.component import programs, recorder


def test_the_inputs_of_an_image_are_the_same_on_every_machine(run: programs.Run) -> None:
    recording = run(
        "shop", config={"builder": "seaway", "imageOverrides": '{"python:3.12-slim": "mirror.example.com/p:1"}'}
    )
    web = next(
        resource
        for resource in recording.resources
        if resource.type == "docker-build:index:Image" and resource.name == "web"
    )
    tag = web.inputs.pop("tags")[0]
    assert tag.startswith("registry.example.com/team/shop/web:ctx-")
    assert len(tag.rpartition("-")[2]) == 12
    assert web.inputs == {
        "context": {"location": ".seaway/context/web"},
        "dockerfile": {"location": ".seaway/context/web/Dockerfile"},
        "buildArgs": {"BASE_IMAGE": "mirror.example.com/p:1", "SOURCE_DATE_EPOCH": "0"},
        "platforms": ["linux/amd64"],
        "exports": [{"raw": "type=registry,rewrite-timestamp=true"}],
        "builder": {"name": "seaway"},
        "buildOnPreview": False,
        "network": "default",
        "push": False,
    }
    (container,) = next(one for one in recording.list_resources("Deployment") if one.name == "web").inputs["spec"][
        "template"
    ]["spec"]["containers"]
    assert container["image"] == f"registry.example.com/team/shop/web@{recorder.DIGEST}"


def test_an_image_can_be_built_with_a_docker_daemon(run: programs.Run) -> None:
    recording = run("shop", config={"engine": "docker"})
    assert not [resource for resource in recording.resources if resource.type.startswith("docker-build:")]
    web = next(
        resource
        for resource in recording.list_resources("Image")
        if resource.type.startswith("docker:") and resource.name == "web"
    )
    tag = web.inputs.pop("imageName")
    assert tag.startswith("registry.example.com/team/shop/web:ctx-")
    assert web.inputs == {
        "build": {
            "context": ".seaway/context/web",
            "dockerfile": ".seaway/context/web/Dockerfile",
            "args": {"SOURCE_DATE_EPOCH": "0"},
            "platform": "linux/amd64",
            "builderVersion": "BuilderBuildKit",
        },
        "buildOnPreview": False,
        "skipPush": False,
    }
    assert web.request.retainOnDelete
    (container,) = next(one for one in recording.list_resources("Deployment") if one.name == "web").inputs["spec"][
        "template"
    ]["spec"]["containers"]
    assert container["image"] == f"registry.example.com/x@{recorder.DIGEST}"


def test_a_message_explains_a_rebuild(run: programs.Run, tmp_path: Path) -> None:
    def list_messages(recording: recorder.Recording) -> list[str]:
        return [message for message in recording.messages if " checks: " not in message]

    assert list_messages(run("shop")) == []
    assert list_messages(run("shop")) == []
    server = tmp_path / "app" / "web" / "server.py"
    original = server.read_text()
    server.write_text(original + "\n# changed\n")
    assert list_messages(programs.run_program(tmp_path, preview=True)) == ["web: rebuild, server.py changed"]
    assert list_messages(programs.run_program(tmp_path)) == ["web: rebuild, server.py changed"]
    assert list_messages(programs.run_program(tmp_path)) == [], "an update saves the record, a preview does not"


def test_images_are_built_again_for_another_cluster(registered: programs.Run) -> None:
    """The registry may be lost with the old cluster; docker-build cannot see that over http."""
    for resource in registered("shop").resources:
        trigger = resource.request.replacement_trigger.string_value
        assert trigger == ("uid-1" if resource.type == "docker-build:index:Image" else ""), resource.title


def test_a_build_of_a_compose_file_has_contexts_secrets_and_caches(tmp_path: Path) -> None:
    """The value of a secret is secret, and not part of the tag."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "a.txt").write_text("a")
    (tmp_path / "docker-compose.yml").write_text(COMPOSE)

    def build_image(token: str) -> dict[str, Any]:
        config = {"app": "docker-compose.yml", "secrets": json.dumps({"token": token})}
        (image,) = [
            one for one in programs.run_program(tmp_path, config=config).list_resources("Image") if one.request.custom
        ]
        return image.inputs

    found, again = build_image("hunter2"), build_image("other")
    assert found["tags"] == again["tags"]
    assert found["secrets"] == values.Secret({"npm": "hunter2"})
    assert {key: found[key] for key in ("context", "dockerfile", "ssh", "cacheFrom", "cacheTo")} == {
        "context": {
            "location": ".seaway/context/web",
            "named": {
                "shared": {"location": ".seaway/context/web+shared"},
                "base": {"location": "docker-image://alpine:3.20"},
            },
        },
        "dockerfile": {"inline": "FROM alpine\nCOPY --from=shared a.txt /\n"},
        "ssh": [{"id": "default"}],
        "cacheFrom": [{"raw": "type=registry,ref=example.com/cache"}],
        "cacheTo": [{"raw": "type=inline"}],
    }
    (tmp_path / "shared" / "a.txt").write_text("b")
    assert build_image("other")["tags"] != again["tags"]


COMPOSE = """\
name: shop
services:
  web:
    user: "1000"
    ports: ["80:80"]
    build:
      dockerfile_inline: |
        FROM alpine
        COPY --from=shared a.txt /
      additional_contexts: {shared: ./shared, base: "docker-image://alpine:3.20"}
      secrets: [{source: token, target: npm}]
      ssh: [default]
      cache_from: ["type=registry,ref=example.com/cache"]
      cache_to: [type=inline]
secrets: {token: {file: ./token.txt}}
"""
