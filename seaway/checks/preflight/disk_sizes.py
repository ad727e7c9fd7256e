"""Whether the disks that stores have already can get the declared sizes."""

import functools
from collections.abc import Iterator

from seaway.checks import check_context
from seaway.checks.preflight import cluster_facts, requirement
from seaway.kubernetes.api import kinds
from seaway.manifests import objects
from seaway.rollout import claims


def list_requirements(context: check_context.CheckContext) -> Iterator[requirement.Requirement]:
    paths = (kinds.build_path("PersistentVolumeClaim", context.environment.namespace), kinds.build_path("StorageClass"))
    for stateful_set in context.list_objects("StatefulSet"):
        yield requirement.Requirement(
            code="disk-size",
            workloads=(stateful_set.owner or "",),
            paths=paths,
            evaluator=functools.partial(_evaluate, stateful_set),
        )


def _evaluate(
    stateful_set: objects.ReleaseObject, live_claims: cluster_facts.Answer, classes: cluster_facts.Answer
) -> requirement.Outcome:
    """Whether the claims that exist have the declared sizes, or can get them."""
    spec = stateful_set.manifest["spec"]
    sizes = claims.read_sizes(spec.get("volumeClaimTemplates", ()))
    own = claims.match_claims(
        stateful_set.name, sizes, spec.get("replicas", 1), cluster_facts.list_objects(live_claims)
    )
    expandable = claims.list_expandable_classes(cluster_facts.list_objects(classes))
    for claim in own:
        message = f"{claim.name} has {claim.size}, declared {claim.declared}"
        if claim.is_larger:
            return requirement.warning(f"{message}: a disk cannot shrink", f"declare {claim.requested}")
        if claim.is_smaller and claim.storage_class not in expandable:
            hint = f"declare {claim.size}, or a new store"
            return requirement.missing(f"{message}: its storage class {claim.storage_class} cannot expand it", hint)
    return requirement.present(", ".join(f"{name} {size}" for name, size in sizes.items()))
