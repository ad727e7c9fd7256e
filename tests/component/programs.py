"""The examples, and what objects() says of them."""

from collections.abc import Callable
from pathlib import Path

import pulumi

from components import settings
from plugin import values
from seaway.manifests import objects
from tests.component import recorder

ROOT = Path(__file__).parents[2]
EXAMPLES = ("smallest", "shop", "everything")
CONFIG = {"context": "work", "registry": "registry.example.com/team", "exposure": "nodePort"}

Run = Callable[..., recorder.Recording]


def made(run: Run, example: str, folder: Path) -> tuple[recorder.Recording, list[objects.Object]]:
    """What the program registers for an example, and what objects() returns for the same images and secrets."""
    recording = run(example)
    expected: list[objects.Object] = []

    def build() -> None:
        given = settings.read(folder)
        images = {
            each.inputs["tags"][0].partition(":")[0].rpartition("/")[2]: objects.Image(
                reference=f"{each.inputs['tags'][0].partition(':')[0]}@{recorder.DIGEST}",
                content=each.inputs["tags"][0].partition(":")[2],
            )
            for each in recording.of("Image")
            if each.request.custom
        }
        secrets = {
            each.name: objects.SecretValue(
                fingerprint=f"generated-{each.inputs['length']}", value=values.Secret(settings.encoded("generated"))
            )
            for each in recording.of("GeneratedSecret")
        }
        expected.extend(objects.objects(given.app, given.settings, images, secrets))
        pulumi.ComponentResource("test:index:Something", "something")

    recorder.record(build, config=CONFIG)
    return recording, expected
