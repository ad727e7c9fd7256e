"""The escape hatch: what an application says in Kubernetes' own words, merged into the finished objects."""

from typing import Any

from seaway.kubernetes.api import schema
from seaway.model import application
from seaway.syntax import diagnosis


def merge_raw(workload: application.AnyWorkload, manifest: dict[str, Any]) -> dict[str, Any]:
    """The object with what `raw` says of its kind.

    Raises diagnosis.InvalidInput where something is missing after that. The rules of the model have seen the part alone, and
    could not know what it meets.
    """
    kind = manifest["kind"]
    said = workload.raw.get(kind)
    if not said:
        return manifest
    made = schema.merge_patch(kind, manifest, said)
    place = diagnosis.SourceLocation(workload.name)
    wrong = [
        diagnosis.Diagnostic(place, ".".join(("raw", kind, *one.path)), one.message, one.hint)
        for one in schema.check_object(kind, made)
    ]
    if wrong:
        raise diagnosis.InvalidInput(wrong)
    return made
