"""All checks, in the order in which they are shown."""

from collections.abc import Mapping

from seaway.checks import availability, check, config, identity, images, network, probes, resources, security
from seaway.model import settings

CHECKS: tuple[check.Check, ...] = (
    images.version,
    images.digest,
    resources.cpu,
    resources.memory,
    resources.memory_limit,
    resources.disk,
    probes.ready,
    probes.alive,
    probes.slow,
    probes.port,
    security.non_root,
    security.user,
    security.escalation,
    security.privileged,
    security.read_only,
    security.capabilities,
    security.seccomp,
    security.host,
    security.host_port,
    security.host_path,
    security.namespace,
    security.low_port,
    identity.account,
    identity.token,
    config.variables,
    config.files,
    config.named,
    network.policies,
    network.services,
    network.node_port,
    availability.replicas,
    availability.budget,
    availability.nodes,
    availability.zones,
    availability.strategy,
    availability.farewell,
)

IDS = (*(each.id for each in CHECKS), *settings.POLICIES)
"""What a waiver may name."""

DECLINED: Mapping[str, str] = {
    "a CPU limit (CKV_K8S_11, cpuLimitsMissing)": "it slows a program down while the node idles; requests already "
    "share a busy node fairly",
    "pull policy Always (CKV_K8S_15, container-image-pull-policy)": "what is built is named by its digest, so a pull "
    "brings the same; each restart of a pod would depend on the registry",
    "a time to live for Jobs (job-ttl-seconds-after-finished)": "a Job that deleted itself would run once more with "
    "the next refresh; each release removes that of the one before",
    "secrets as files (CKV_K8S_35, read-secret-from-env-var)": "the model gives them as environment variables only",
}
"""What public checkers ask for and we do not, and why."""
