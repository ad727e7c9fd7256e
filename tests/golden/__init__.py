"""Golden manifests: what the examples become, kept as text, so that a change of them is read in review.

``python -m tests.golden`` writes them anew.
"""

import hashlib
from pathlib import Path
from typing import Any

from seaway.manifests import objects, yamlout
from seaway.model import application, load, secrets, settings

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ("smallest", "shop")


def file(example: str) -> Path:
    """Where the text of an example is kept."""
    return Path(__file__).with_name(f"{example}.yaml")


def given(app: application.Application) -> tuple[dict[str, objects.Image], dict[str, objects.SecretValue]]:
    """Images and secrets that never change: the golden files speak of manifests, not of the examples' source."""
    images = {
        each.name: objects.Image(
            reference=f"registry.example.com/{app.name}/{each.name}@sha256:{hashlib.sha256(each.name.encode()).hexdigest()}",
            content="ctx-000000000000",
        )
        for each in (*app.services, *app.stores)
        if each.build is not None
    }
    values = {
        name: objects.SecretValue(fingerprint=f"fingerprint of {name}", value="c2VjcmV0")
        for name in secrets.valued(app)
    }
    return images, values


def loaded(example: str) -> application.Application:
    """An example, resolved."""
    return load.load(ROOT / "examples" / example / "app.yaml")


def made(example: str, **stated: Any) -> list[objects.Object]:
    """The objects of an example in an environment that states nothing, or some settings."""
    app = loaded(example)
    stack = settings.Settings(stack="test", context="test", registry="registry.example.com", **stated)
    return objects.objects(app, stack, *given(app))


def text(example: str) -> str:
    """What the golden file should hold."""
    return yamlout.dump(made(example))
