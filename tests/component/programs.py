"""The examples, and what objects() says of them."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi

from components import application, settings
from plugin import values
from seaway.manifests import inputs, objects
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
Made = Callable[[str], tuple[recorder.Recording, list[objects.ReleaseObject]]]


def copy_example(example: str, folder: Path) -> None:
    """Copy the example into a project folder."""
    shutil.copytree(ROOT / "examples" / example, folder / "app", dirs_exist_ok=True)


def run_program(folder: Path, *, config: dict[str, str] | None = None, **how: Any) -> recorder.Recording:
    """Run the program of a project folder."""

    def build() -> None:
        for name, value in application.Application(settings.read_inputs(folder)).outputs.items():
            pulumi.export(name, value)

    return recorder.record(build, config={**CONFIG, **(config or {})}, **how)


def build_expected_objects(recording: recorder.Recording, folder: Path) -> list[objects.ReleaseObject]:
    """What objects() returns for the images and secrets that the program of a folder registered."""
    expected: list[objects.ReleaseObject] = []

    def build() -> None:
        given = settings.read_inputs(folder)
        images = {
            each.inputs["tags"][0].partition(":")[0].rpartition("/")[2]: inputs.Image(
                reference=f"{each.inputs['tags'][0].partition(':')[0]}@{recorder.DIGEST}",
                content=each.inputs["tags"][0].partition(":")[2],
            )
            for each in recording.list_resources("Image")
            if each.request.custom
        }
        secrets = {
            each.name: inputs.SecretValue(
                fingerprint=f"generated-{each.inputs['length']}",
                value=values.Secret(settings.encode_base64("generated")),
            )
            for each in recording.list_resources("GeneratedSecret")
        }
        expected.extend(objects.objects(given.environment, images, secrets))
        pulumi.ComponentResource("test:index:Something", "something")

    recorder.record(build, config=CONFIG)
    return expected
