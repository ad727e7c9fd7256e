"""Runs the programs of the examples, and renders their objects."""

import contextlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pulumi

from components import application, stack_config
from plugin import values
from seaway.manifests import inputs, objects
from seaway.project import release_lock
from seaway.release import hold, record
from seaway.syntax import diagnosis, encode
from tests.component import recorder

ROOT = Path(__file__).parents[2]
EXAMPLES = ("smallest", "shop", "everything")
CONFIG = {
    "context": "work",
    "registry": "registry.example.com/team",
    "publish": "nodePort",
    "fingerprintKey": "0123456789abcdef" * 4,
}

Run = Callable[..., recorder.Recording]
Rendered = Callable[[str], tuple[recorder.Recording, list[objects.ReleaseObject]]]


def copy_example(example: str, folder: Path) -> None:
    """Copy the example into a project folder."""
    shutil.copytree(ROOT / "examples" / example, folder / "app", dirs_exist_ok=True)


def deploy(folder: Path) -> application.Application:
    """Register the application of a project folder."""
    with contextlib.chdir(folder):
        return application.Application.from_stack()


def run_program(folder: Path, *, config: dict[str, str] | None = None, **how: Any) -> recorder.Recording:
    """Run the program of a project folder."""

    def build() -> None:
        for name, value in deploy(folder).outputs.items():
            pulumi.export(name, value)

    return recorder.record(build, config={**CONFIG, **(config or {})}, **how)


def build_expected_objects(recording: recorder.Recording, folder: Path) -> list[objects.ReleaseObject]:
    """The result of objects() for the images and secrets that the program of a folder registered."""
    rendered: list[objects.ReleaseObject] = []

    def build() -> None:
        stack_inputs = stack_config.read_inputs(folder)
        images = {
            resource.inputs["tags"][0].partition(":")[0].rpartition("/")[2]: inputs.Image(
                reference=f"{resource.inputs['tags'][0].partition(':')[0]}@{recorder.DIGEST}",
                content=resource.inputs["tags"][0].partition(":")[2],
            )
            for resource in recording.list_resources("Image")
            if resource.request.custom
        }
        secrets = {
            resource.name: inputs.SecretValue(
                fingerprint=f"generated-{resource.inputs['length']}",
                value=values.Secret(stack_config.encode_base64("generated")),
            )
            for resource in recording.list_resources("GeneratedSecret")
        }
        rendered.extend(objects.objects(stack_inputs.environment, images, secrets))
        pulumi.ComponentResource("test:index:Something", "something")

    recorder.record(build, config=CONFIG)
    return rendered


def get_release_id(recording: recorder.Recording) -> str:
    """The id of the release that a program registered."""
    (release,) = recording.list_resources("Release")
    return release.inputs["release"]


def decode_record(recording: recorder.Recording) -> record.ReleaseRecord:
    """The record of the release that a program registered."""
    (release,) = recording.list_resources("Release")
    return record.ReleaseRecord.decode(encode.to_node(release.inputs["record"], diagnosis.SourceLocation("recorded")))


def get_image(recording: recorder.Recording, name: str) -> Any:
    """The image of the main container of a service."""
    (deployment,) = (one for one in recording.list_resources("Deployment") if one.name == name)
    return deployment.inputs["spec"]["template"]["spec"]["containers"][0]["image"]


def edit_app(folder: Path, old: str, new: str) -> None:
    """Replace a text in app.yaml."""
    file = folder / "app" / "app.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def hold_release(
    folder: Path,
    held: str,
    good: record.ReleaseRecord,
    release_objects: Sequence[objects.ReleaseObject] | None = None,
    stack: str = "dev",
) -> None:
    """Hold a failed release back, as `seaway up --rollback-on-failure` does: another one is deployed instead."""
    fallback = release_lock.Fallback(
        release=good.id, held=held, because="web: image not found", since="2026-01-01T00:00:00Z"
    )
    hold.write_fallback(folder, stack, fallback, good, release_objects or good.render_objects())
