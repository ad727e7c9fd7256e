"""All checks, in the order of the output."""

from seaway.checks import check
from seaway.checks.rules import (
    availability,
    config,
    identity,
    images,
    isolation,
    jobs,
    metadata,
    network,
    openings,
    probes,
    resources,
    security,
)
from seaway.model import settings

_GROUPS = (
    images,
    resources,
    probes,
    security,
    isolation,
    identity,
    config,
    network,
    openings,
    availability,
    metadata,
    jobs,
)

CHECKS = tuple(rule for group in _GROUPS for rule in vars(group).values() if isinstance(rule, check.Check))

IDS = (*(check_.id for check_ in CHECKS), *settings.POLICY_IDS)
"""The ids that a waiver may name."""
