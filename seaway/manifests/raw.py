"""The escape hatch: what an application says in Kubernetes' own words, merged into the finished objects."""

from typing import Any

from seaway.kubernetes.api import schema
from seaway.model.validate import structure
from seaway.syntax import diagnosis


def merged(each: structure.Workload, manifest: dict[str, Any]) -> dict[str, Any]:
    """The object with what `raw` says of its kind.

    Raises problems.Invalid where something is missing after that. The rules of the model have seen the part alone, and
    could not know what it meets.
    """
    kind = manifest["kind"]
    said = each.raw.get(kind)
    if not said:
        return manifest
    made = schema.merged(kind, manifest, said)
    place = diagnosis.Place(each.name)
    wrong = [
        diagnosis.Problem(place, ".".join(("raw", kind, *one.path)), one.wrong, one.remedy)
        for one in schema.check(kind, made)
    ]
    if wrong:
        raise diagnosis.Invalid(wrong)
    return made
