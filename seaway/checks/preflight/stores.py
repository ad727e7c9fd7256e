"""Whether the server of each store reads the data that is on its volume."""

import functools
from collections.abc import Iterator

from seaway.checks import check_context
from seaway.checks.preflight import requirement
from seaway.kubernetes.api import kinds, unstructured
from seaway.model.defaults import data_versions


def list_requirements(context: check_context.CheckContext) -> Iterator[requirement.Requirement]:
    for store in context.list_objects("StatefulSet"):
        if unstructured.get_list(store.manifest, "spec", "volumeClaimTemplates"):
            yield requirement.Requirement(
                code="store-data",
                name=store.name,
                workloads=(store.owner or "",),
                paths=(kinds.build_path("StatefulSet", context.environment.namespace, store.name),),
                evaluator=functools.partial(_evaluate, store.manifest),
            )


def _evaluate(declared: unstructured.Object, live: unstructured.Object | None) -> requirement.Outcome:
    if live is None:
        return requirement.present("no store of this name runs")
    before, after = (
        unstructured.find_container(
            kinds.find_pod_template(manifest, "StatefulSet") or {}, declared["metadata"]["name"]
        )
        for manifest in (live, declared)
    )
    if risk := data_versions.find_risk(str(before.get("image")), str(after.get("image"))):
        return requirement.warning(risk, data_versions.HINT)
    return requirement.present("written by the same major version, or the server reads it")
