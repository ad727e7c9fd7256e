"""The sizes of the claims of a StatefulSet: declared, requested, and what the volume has.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims
"""

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from seaway.kubernetes.api import quantity, unstructured

Object = unstructured.Object


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim, and the size that its claim template declares."""

    manifest: Object
    template: str
    declared: str

    @property
    def name(self) -> str:
        return unstructured.get_name(self.manifest)

    @property
    def storage_class(self) -> str | None:
        return unstructured.get_mapping(self.manifest, "spec").get("storageClassName")

    @property
    def requested(self) -> str:
        return _read_request(self.manifest)

    @property
    def capacity(self) -> str | None:
        """The size of the volume; None: the claim is not bound."""
        return unstructured.get_mapping(self.manifest, "status", "capacity").get("storage")

    @property
    def size(self) -> str:
        """The capacity, or without a volume the requested size."""
        return self.capacity or self.requested

    @property
    def is_smaller(self) -> bool:
        """Whether it has less than is declared. Some storage gives more than is requested."""
        return quantity.parse(self.size) < quantity.parse(self.declared)

    @property
    def is_larger(self) -> bool:
        """Whether more is requested than is declared."""
        return quantity.parse(self.requested) > quantity.parse(self.declared)


def read_sizes(templates: Iterable[Object]) -> dict[str, str]:
    """The sizes in claim templates, by name."""
    return {unstructured.get_name(template): _read_request(template) for template in templates}


def set_sizes(templates: Iterable[Mapping[str, Any]], sizes: Mapping[str, str]) -> list[dict[str, Any]]:
    """Claim templates with other sizes, without what the API server adds. One that ``sizes`` lacks keeps its own."""
    result: list[dict[str, Any]] = []
    for template in templates:
        size = sizes.get(unstructured.get_name(template), _read_request(template))
        spec = {**template["spec"], "resources": {"requests": {"storage": size}}}
        result.append({"metadata": template["metadata"], "spec": spec})
    return result


def match_claims(name: str, sizes: Mapping[str, str], replicas: int, claims: Iterable[Object]) -> Iterator[Claim]:
    """The claims that the pods of the StatefulSet ``name`` use. ``sizes``: see ``read_sizes``."""
    for manifest in claims:
        match = re.fullmatch(rf"(.+)-{re.escape(name)}-(\d+)", unstructured.get_name(manifest))
        if match and match[1] in sizes and int(match[2]) < replicas:
            yield Claim(manifest=manifest, template=match[1], declared=sizes[match[1]])


def list_expandable_classes(classes: Iterable[Object]) -> set[str]:
    """The names of the storage classes that expand volumes."""
    return {unstructured.get_name(storage) for storage in classes if storage.get("allowVolumeExpansion")}


def _read_request(claim: Object) -> str:
    return str(unstructured.get_mapping(claim, "spec", "resources", "requests").get("storage") or "0")
