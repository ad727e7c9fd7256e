"""All checks, in the order in which they are shown."""

import dataclasses

from seaway.checks import check
from seaway.checks.rules import (
    availability,
    config,
    identity,
    images,
    jobs,
    metadata,
    network,
    probes,
    resources,
    security,
)
from seaway.model import settings

CHECKS: tuple[check.Check, ...] = (
    images.version,
    images.digest,
    resources.cpu,
    resources.memory,
    resources.memory_limit,
    resources.disk,
    resources.memory_set_aside,
    resources.quota,
    probes.ready,
    probes.alive,
    probes.slow,
    probes.port,
    probes.known_port,
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
    security.volumes,
    security.kernel,
    security.context,
    security.namespace,
    security.low_port,
    identity.account,
    identity.token,
    identity.deprecated,
    identity.wildcards,
    identity.cluster_roles,
    identity.escalation,
    config.variables,
    config.files,
    config.in_files,
    config.named,
    network.policies,
    network.targets,
    network.services,
    network.node_port,
    network.backends,
    network.encrypted,
    network.target_ports,
    availability.replicas,
    availability.budget,
    availability.nodes,
    availability.zones,
    availability.strategy,
    availability.farewell,
    availability.autoscaler,
    jobs.restarts,
    metadata.selector,
    metadata.labels,
    metadata.namespace,
    metadata.version,
    jobs.late,
    jobs.ends,
    jobs.headless,
)

IDS = (*(each.id for each in CHECKS), *settings.POLICIES)
"""What a waiver may name."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """What public checkers ask for and we do not. The id is kept, and is never another check's."""

    id: str
    title: str
    public: str
    """Their ids."""
    because: str


DECLINED: tuple[Declined, ...] = (
    Declined(
        id="IMG-03",
        title="Pull policy Always",
        public="kube-score container-image-pull-policy, Polaris pullPolicyNotAlways, CKV_K8S_15",
        because="what is built is named by its digest, so a pull brings the same; and each restart of a pod would"
        " depend on the registry",
    ),
    Declined(
        id="IMG-04",
        title="Only scanned or signed images, of listed registries",
        public="-",
        because="that is decided where images are kept and where they are let in: by the registry and by an admission"
        " policy of the cluster, for everybody; `seaway release outdated` tells of old bases",
    ),
    Declined(
        id="RES-02",
        title="A CPU limit",
        public="kube-score container-resources, Polaris cpuLimitsMissing, CKV_K8S_11",
        because="it slows a program down while the node idles; requests share a busy node fairly already. Where"
        " neighbours must be kept apart: `resources.cpuLimit`",
    ),
    Declined(
        id="AVL-07",
        title="A priority class for everything",
        public="kube-linter priority-class-name, Polaris priorityClassNotSet",
        because="it says who goes first when a cluster is full, and where all have one nobody does; `priority` names"
        " one, and `seaway check --cluster` looks for it",
    ),
    Declined(
        id="RES-07",
        title="A quota and a limit range in every namespace",
        public="NSA 4.0, 4.1",
        because="a cluster of one's own needs no fence; a shared one has it with `seaway:quota: true`, and RES-08 then"
        " does the sums",
    ),
    Declined(
        id="AVL-10",
        title="No number of pods beside an autoscaler",
        public="kube-score deployment-targeted-by-hpa-does-not-have-replicas-configured",
        because="without a number the first deployment begins with one pod; what the autoscaler has chosen since is"
        " what is sent",
    ),
    Declined(
        id="JOB-03",
        title="A time to live for jobs",
        public="kube-linter job-ttl-seconds-after-finished",
        because="a job that deleted itself would run once more with the next refresh; each release removes that of the"
        " one before, and a schedule keeps its `history`",
    ),
)
