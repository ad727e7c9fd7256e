"""The resources that an application uses, in the keys of a quota."""

import math
from fractions import Fraction

from seaway.checks import check_context
from seaway.kubernetes.api import quantity
from seaway.manifests import amounts, quota


def compute_maximum(context: check_context.CheckContext) -> amounts.Amounts:
    """The usage with autoscalers at their maximum, every job running, and all Deployments in a rollout."""
    return quota.compute_demand(release_object.manifest for release_object in context.objects).get_usage()


def compute_minimum(context: check_context.CheckContext) -> amounts.Amounts:
    """The usage of the declared number of pods, with every job running."""
    return quota.compute_demand(
        (release_object.manifest for release_object in context.objects), in_rollout=False
    ).get_usage()


def format_amount(name: str, amount: Fraction) -> str:
    """An amount of a resource in the usual unit."""
    resource = name.rpartition(".")[2]
    if resource == "cpu":
        return quantity.format_cpu(amount)
    if resource in ("memory", "ephemeral-storage", "storage"):
        return quantity.format_size(amount)
    return str(math.ceil(amount))
