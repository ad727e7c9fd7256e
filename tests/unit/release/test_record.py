"""The record of a release: what counts for its id, and that it comes back as it was."""

import dataclasses
import json
from typing import Any

import pytest

from seaway.files import roots
from seaway.manifests import objects
from seaway.model import application, settings
from seaway.project import load
from seaway.release import record
from seaway.syntax import diagnosis, encode, nodes, yaml_writer
from tests import golden

PLACE = diagnosis.SourceLocation("release-1")
STACK = settings.Settings(stack="test", context="work", registry="registry.example.com", image_overrides={"a": "b"})


def made(
    app: application.Application | None = None, chosen: settings.Settings = STACK, **secrets: str
) -> record.ReleaseRecord:
    app = app or load.load_application(golden.ROOT / "examples" / "shop" / "app.yaml", root=roots.Root(golden.ROOT))
    images, given = golden.make_inputs(app)
    fingerprints = {name: objects.SecretValue(fingerprint=one, value="") for name, one in secrets.items()}
    return record.ReleaseRecord.create(app, chosen, images, given | fingerprints)


def changed(image: objects.Image) -> record.ReleaseRecord:
    return dataclasses.replace(made(), images={**made().images, "web": image})


@pytest.mark.parametrize("example", golden.EXAMPLES)
def test_it_comes_back_from_values_and_from_text(example: str) -> None:
    one = made(load.load_application(golden.ROOT / "examples" / example / "app.yaml", root=roots.Root(golden.ROOT)))
    for node in (
        encode.to_node(one.to_plain(), PLACE),
        nodes.parse(yaml_writer.format_yaml(one.to_plain()), "release.yaml"),
    ):
        again = record.ReleaseRecord.decode(node)
        assert again.to_plain() == one.to_plain()
        assert again.id == one.id
        assert [each.manifest for each in again.render_objects()] == [each.manifest for each in one.render_objects()]


def test_the_id_is_known_before_the_images_are_built() -> None:
    image = made().images["web"]
    assert changed(dataclasses.replace(image, reference="registry.example.com/other@sha256:2")).id == made().id
    assert changed(dataclasses.replace(image, content="ctx-2")).id != made().id
    assert made().id == f"{made().release_id}-{made().id[-record.ENVIRONMENT_DIGITS :]}"


def test_what_counts_for_the_id() -> None:
    app = made().app
    slower = dataclasses.replace(app.services[0], health=application.Health(start_period=99))
    assert made(dataclasses.replace(app, services=(slower, *app.services[1:]))).id != made().id
    assert made(POSTGRES_PASSWORD="another").id != made().id
    assert made(chosen=dataclasses.replace(STACK, rollout_timeout=7)).id != made().id
    assert made(chosen=dataclasses.replace(STACK, publish="nodePort")).id != made().id
    elsewhere = {"context": "x", "registry": "y", "builder": "z", "platform": "p", "app": "a", "engine": "docker"}
    assert made(chosen=dataclasses.replace(STACK, **elsewhere)).id == made().id


def test_a_changed_file_is_another_release_and_its_place_is_not() -> None:
    def with_file(**file: Any) -> str:
        service = application.Service("web", image="nginx", files=(application.File("/etc/a", **file),))
        return made(application.Application("shop", services=(service,))).id

    assert with_file(source="./a", content="1") == with_file(source="./b", content="1")
    assert with_file(source="./a", content="1") != with_file(source="./a", content="2")


def test_the_settings_of_the_record_win() -> None:
    today = settings.Settings(stack="test", context="here", publish="loadBalancer", rollout_timeout=9, builder="b")
    applied = made().apply_settings(today)
    assert (applied.publish, applied.rollout_timeout, applied.image_overrides) == ("clusterIP", 300, {"a": "b"})
    assert (applied.context, applied.builder) == ("here", "b")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"colour": "red"},
            ": colour: is no key of a release; there are: application, base, settings, images, secrets",
        ),
        ({"settings": {"publish": "nodePort"}}, "r.yaml:1:1: settings.stack: is missing"),
        ({"images": {"web": {"content": "c"}}}, "images.web.reference: is missing"),
    ],
)
def test_what_is_wrong_with_a_record_is_told(change: dict[str, Any], told: str) -> None:
    with pytest.raises(diagnosis.InvalidInput) as caught:
        record.ReleaseRecord.decode(nodes.parse(json.dumps(made().to_plain() | change), "r.yaml"))
    assert told in str(caught.value)
    assert "context" not in str(caught.value)


def test_every_setting_is_in_the_record_or_elsewhere() -> None:
    fields = {field.name for field in dataclasses.fields(settings.Settings)}
    assert fields - made().settings.keys() == record._UNRECORDED_SETTINGS  # pyright: ignore[reportPrivateUsage]
