"""The fields below `raw` that change a secure default.

A reviewer sees each of them, whether or not a check judges it.
"""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

from seaway.checks.rules import identity
from seaway.manifests import objects, preview
from seaway.project import environments
from seaway.review import change, offline

_HARMLESS_FIELDS = """
activeDeadlineSeconds backoffLimit behavior completions env failedJobsHistoryLimit hostname imagePullPolicy lifecycle
metrics minReadySeconds parallelism podManagementPolicy ports progressDeadlineSeconds publishNotReadyAddresses
readinessGates resources revisionHistoryLimit sessionAffinity sessionAffinityConfig startingDeadlineSeconds stdin
stdinOnce strategy subdomain successfulJobsHistoryLimit terminationGracePeriodSeconds terminationMessagePath
terminationMessagePolicy topologySpreadConstraints ttlSecondsAfterFinished tty updateStrategy volumeMounts workingDir
"""
_HARMLESS = frozenset(_HARMLESS_FIELDS.split())
"""Fields without an effect on the protection of a pod. Any other field counts, those of later versions too."""

_HARMFUL_PARTS = re.compile(r"\b(valueFrom|hostPort|hostIP|httpGet|tcpSocket|mountPropagation)\b")
"""Parts of harmless fields that are not harmless."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RawField:
    """A field that `raw` sets, changes or removes."""

    object: str
    """``Deployment/web``."""
    path: str
    default: Any
    """The value without `raw`; None: none."""
    value: Any
    """The value that is deployed; None: the field is removed."""


def list_raw_fields(tree: offline.RenderedTree) -> Sequence[RawField]:
    """Compare the objects of a tree with those that it would have without `raw`."""
    app = tree.environment.app
    if not any(workload.raw for workload in app.get_workloads().values()):
        return ()
    parts = {
        section: tuple(dataclasses.replace(workload, raw={}) for workload in getattr(app, section))
        for section in ("services", "stores", "jobs")
    }
    environment = dataclasses.replace(tree.environment, app=dataclasses.replace(app, **parts))
    return tuple(_compare(tree, environment))


def _compare(tree: offline.RenderedTree, environment: environments.Environment) -> Iterator[RawField]:
    defaults = preview.render_objects(environment, tree.images, tree.fingerprints)
    raw_kinds = {workload.name: workload.raw for workload in tree.environment.app.get_workloads().values()}
    # A hash in a name may cover `raw`: objects of one kind and owner are compared in their order.
    for old, new in zip(_sort(defaults), _sort(tree.objects), strict=True):
        if new.kind not in raw_kinds.get(new.owner or "", {}):
            continue
        object_diff = change.ObjectDiff(kind=new.kind, name=new.name, old=old.manifest, new=new.manifest)
        for field in change.compare_fields(object_diff, ()):
            if not _is_harmless(new.kind, field):
                yield RawField(object=new.key, path=field.path, default=field.old, value=field.new)


def _sort(release_objects: Sequence[objects.ReleaseObject]) -> Sequence[objects.ReleaseObject]:
    return sorted(release_objects, key=lambda one: (one.kind, one.owner or "", one.name))


def _is_harmless(kind: str, field: change.FieldDiff) -> bool:
    steps = [key or name for key, name in re.findall(r"\[([^\]]+)\]|([^.\[\]]+)", field.path)]
    new = field.new
    keys = list(cast("dict[str, Any]", new)) if isinstance(new, dict) else []
    for mapping in ("labels", "annotations"):
        if mapping in steps:
            # The annotations of a load balancer or an ingress controller decide who reaches it.
            keys += steps[steps.index(mapping) + 1 :]
            return kind not in ("Service", "Ingress") and not any(map(identity.weakens_protection, keys))
    if _HARMFUL_PARTS.search(f"{field.path} {field.new}"):
        return False
    is_new_memory = field.old is None and {"name", "emptyDir"} == {*keys}
    return is_new_memory or not _HARMLESS.isdisjoint(steps)
