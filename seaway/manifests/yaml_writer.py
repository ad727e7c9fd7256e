"""Objects as YAML text that kubectl reads: for the golden files and for people. Values of secrets are left out."""

from collections.abc import Iterable
from typing import Any

from seaway.manifests import objects
from seaway.syntax import yaml_writer

REDACTED = "(secret)"


def dump_objects(release_objects: Iterable[objects.ReleaseObject]) -> str:
    """All objects, in their order, with the values of secrets left out."""
    return yaml_writer.format_documents(redact_secret(release_object.manifest) for release_object in release_objects)


def redact_secret(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest; of a Secret one with its keys but not its values, where an empty value stays empty."""
    if manifest["kind"] != "Secret":
        return manifest
    return manifest | {"data": {key: REDACTED if value else "" for key, value in manifest["data"].items()}}
