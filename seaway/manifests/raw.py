"""Merges the `raw` fields of an application, in Kubernetes' own words, into the finished manifests."""

from typing import Any

from seaway.kubernetes.api import schema
from seaway.model import application
from seaway.syntax import diagnosis


def merge_raw(workload: application.AnyWorkload, manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with the `raw` fields of its kind.

    Raises diagnosis.InvalidInput if a required field is missing then. The rules of the model have validated the raw
    fields alone, without the manifest.
    """
    kind = manifest["kind"]
    raw = workload.raw.get(kind)
    if not raw:
        return manifest
    merged = schema.merge_patch(manifest, raw)
    location = diagnosis.SourceLocation(workload.name)
    diagnostics = [
        diagnosis.Diagnostic(location, ".".join(("raw", kind, *error.path)), error.message, error.hint, error.code)
        for error in schema.check_object(kind, merged)
    ]
    if diagnostics:
        raise diagnosis.InvalidInput(diagnostics)
    return merged
