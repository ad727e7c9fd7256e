"""The record of a release: what its id covers, and that it is decoded as it was encoded."""

import dataclasses
import json
from typing import Any

import pytest

from seaway.manifests import inputs
from seaway.model import application, settings
from seaway.project import environments
from seaway.release import record
from seaway.syntax import decode, diagnosis, encode, yaml_parser, yaml_writer
from tests import golden

LOCATION = diagnosis.SourceLocation("release-1")
STACK = settings.Settings(stack="test", context="work", registry="registry.example.com", image_overrides={"a": "b"})


def load_example(example: str = "shop") -> application.Application:
    return golden.load_example(example)


def create(
    app: application.Application | None = None, stack_settings: settings.Settings = STACK, **fingerprints: str
) -> record.ReleaseRecord:
    app = app or load_example()
    images, secrets = golden.make_inputs(app)
    more = {name: inputs.SecretValue(fingerprint=text, value="") for name, text in fingerprints.items()}
    return record.ReleaseRecord.create(environments.Environment.create(app, stack_settings), images, secrets | more)


@pytest.mark.parametrize("example", golden.EXAMPLES)
def test_a_record_is_decoded_as_it_was_encoded(example: str) -> None:
    original = create(load_example(example))
    plain = original.to_plain()
    for node in (encode.to_node(plain, LOCATION), yaml_parser.parse(yaml_writer.format_yaml(plain), "release.yaml")):
        decoded = record.ReleaseRecord.decode(node)
        assert decoded.to_plain() == plain
        assert decoded.id == original.id
        assert decoded.render_objects() == original.render_objects()


def test_the_id_is_known_before_the_images_are_built() -> None:
    original = create()

    def replace(**fields: str) -> record.ReleaseRecord:
        image = dataclasses.replace(original.images["web"], **fields)
        return dataclasses.replace(original, images={**original.images, "web": image})

    assert replace(reference="registry.example.com/other@sha256:2").id == original.id
    assert replace(content="ctx-2").id != original.id
    assert original.id == f"{original.release_id}-{original.id[-record.ENVIRONMENT_DIGITS :]}"


def test_the_id_covers_what_shapes_objects() -> None:
    original = create()
    slower = dataclasses.replace(original.environment.app.services[0], health=application.Health(start_period=99))
    changed = dataclasses.replace(original.environment.app, services=(slower, *original.environment.app.services[1:]))
    for other in (
        create(changed),
        create(POSTGRES_PASSWORD="another"),
        create(stack_settings=dataclasses.replace(STACK, rollout_timeout=7)),
        create(stack_settings=dataclasses.replace(STACK, publish="nodePort")),
    ):
        assert other.id != original.id
    target = {"context": "x", "registry": "y", "builder": "z", "platform": "p", "app": "a", "engine": "docker"}
    assert create(stack_settings=dataclasses.replace(STACK, **target)).id == original.id


def test_the_id_covers_the_content_of_a_file_and_not_its_path() -> None:
    def compute_id(**file: Any) -> str:
        service = application.Service("web", image="nginx", files=(application.File("/etc/a", **file),))
        return create(application.Application("shop", services=(service,))).id

    assert compute_id(source="./a", content="1") == compute_id(source="./b", content="1")
    assert compute_id(source="./a", content="1") != compute_id(source="./a", content="2")


def test_recorded_settings_override_those_of_the_stack() -> None:
    current = settings.Settings(stack="test", context="here", publish="loadBalancer", rollout_timeout=9, builder="b")
    applied = create().apply_settings(current)
    assert (applied.publish, applied.rollout_timeout, applied.image_overrides) == ("none", 300, {"a": "b"})
    assert (applied.context, applied.builder) == ("here", "b")


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"colour": "red"}, "colour", "unknown-key"),
        ({"settings": {"publish": "nodePort"}}, "settings.stack", "missing-value"),
        ({"images": {"web": {"content": "c"}}}, "images.web.reference", "missing-value"),
    ],
)
def test_an_invalid_record_is_reported(change: dict[str, Any], path: str, code: str) -> None:
    with pytest.raises(diagnosis.InvalidInput) as raised:
        record.ReleaseRecord.decode(yaml_parser.parse(json.dumps(create().to_plain() | change), "r.yaml"))
    assert [(error.path, error.code) for error in raised.value.diagnostics] == [(path, code)]


def test_every_setting_is_recorded_or_excluded() -> None:
    fields = {field.name for field in dataclasses.fields(settings.Settings)}
    plain = create()
    older = "ids of records that are older than it stay"
    assert not {"programSecrets", "gateway", "test"} & plain.to_plain()["settings"].keys(), older
    newer = {"gateway": settings.Gateway(name="a"), "test": settings.Test(disturb=False)}
    given = dataclasses.replace(plain.environment.settings, program_secrets=("A",), **newer)
    environment = dataclasses.replace(plain.environment, settings=given)
    recorded = dataclasses.replace(plain, environment=environment).to_plain()["settings"].keys()
    unrecorded = {name for name in fields if decode.to_camel_case(name) not in recorded}
    assert unrecorded == record._UNRECORDED_SETTINGS  # pyright: ignore[reportPrivateUsage]
