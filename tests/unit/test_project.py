"""The project's own files are consistent."""

import dataclasses
import json
import re
from pathlib import Path

from dev import environment
from seaway.model import settings
from seaway.project import passphrase
from seaway.syntax import decode

ROOT = Path(__file__).resolve().parents[2]


def test_every_setting_is_documented_in_the_project_file() -> None:
    documented = set(re.findall(r"^#   (\w+) ", (ROOT / "Pulumi.yaml").read_text(), re.M))
    fields = {decode.to_camel_case(field.name) for field in dataclasses.fields(settings.Settings)} - {"stack"}
    assert documented == fields | {"secrets", "fingerprintKey", "applications"}


def test_documented_defaults_are_the_real_ones() -> None:
    text = (ROOT / "Pulumi.yaml").read_text()
    documented = dict(re.findall(r"^#   (\w+) .* \[(\S+)\]$", text, re.M))
    real = {
        decode.to_camel_case(field.name): json.dumps(field.default).strip('"')
        for field in dataclasses.fields(settings.Settings)
        if isinstance(field.default, str | int)
    }
    assert documented == real


def test_public_passphrase_of_dev_is_refused_for_other_stacks() -> None:
    """It is in two places, because `dev` must not import `components`."""
    assert environment.PUBLIC_PASSPHRASE == passphrase.PUBLIC_PASSPHRASE
