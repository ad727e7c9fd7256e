"""All checks, in the order of the output."""

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
    images.image_tag,
    images.image_digest,
    resources.cpu_request,
    resources.memory_request,
    resources.memory_limit,
    resources.ephemeral_storage,
    resources.memory_request_equals_limit,
    resources.quota_room,
    probes.readiness_probe,
    probes.liveness_probe,
    probes.startup_budget,
    probes.probe_port,
    probes.image_port,
    security.run_as_non_root,
    security.user_id,
    security.privilege_escalation,
    security.privileged,
    security.read_only_root,
    security.capabilities,
    security.seccomp_profile,
    security.host_namespaces,
    security.host_port,
    security.host_path,
    security.volume_types,
    security.kernel_settings,
    security.security_context,
    security.pod_security_labels,
    security.low_port,
    identity.service_account,
    identity.service_account_token,
    identity.deprecated_account_field,
    identity.wildcard_permissions,
    identity.cluster_role_binding,
    identity.escalating_permissions,
    config.secret_in_variable,
    config.secret_in_config_file,
    config.secret_as_variable,
    config.missing_references,
    network.policy_coverage,
    network.policy_targets,
    network.service_targets,
    network.node_port,
    network.ingress_backends,
    network.ingress_tls,
    network.target_ports,
    availability.replicas,
    availability.disruption_budget,
    availability.node_spread,
    availability.zone_spread,
    availability.rollout_strategy,
    availability.graceful_stop,
    availability.autoscaler_target,
    jobs.restart_policy,
    metadata.pod_selector,
    metadata.object_labels,
    metadata.own_namespace,
    metadata.api_version,
    jobs.schedule_policy,
    jobs.job_limits,
    jobs.headless_service,
)

IDS = (*(check_.id for check_ in CHECKS), *settings.POLICY_IDS)
"""The ids that a waiver may name."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """A requirement of public checkers that Seaway does not check. No other check ever gets its id."""

    id: str
    title: str
    public_ids: str
    reason: str


DECLINED: tuple[Declined, ...] = (
    Declined(
        id="IMG-03",
        title="Pull policy Always",
        public_ids="kube-score container-image-pull-policy, Polaris pullPolicyNotAlways, CKV_K8S_15",
        reason="built images are named by digest, so a pull returns the same image, and each restart of a pod would"
        " depend on the registry",
    ),
    Declined(
        id="IMG-04",
        title="Only scanned or signed images, from listed registries",
        public_ids="-",
        reason="the registry and an admission policy of the cluster enforce this for all applications;"
        " `seaway images outdated` reports old base images",
    ),
    Declined(
        id="RES-02",
        title="A CPU limit",
        public_ids="kube-score container-resources, Polaris cpuLimitsMissing, CKV_K8S_11",
        reason="it slows a program down while the node is idle, and requests already share a busy node fairly. To"
        " isolate neighbours, set `resources.cpuLimit`",
    ),
    Declined(
        id="AVL-07",
        title="A priority class for everything",
        public_ids="kube-linter priority-class-name, Polaris priorityClassNotSet",
        reason="it decides which pods stop first in a full cluster, and has no effect if all pods have it;"
        " `priorityClass` names one, and `seaway check --cluster` verifies that it exists",
    ),
    Declined(
        id="RES-07",
        title="A quota and a limit range in every namespace",
        public_ids="NSA 4.0, 4.1",
        reason="a dedicated cluster needs no quota; in a shared one set `seaway:quota: true`, and RES-08 verifies it",
    ),
    Declined(
        id="AVL-10",
        title="No number of pods beside an autoscaler",
        public_ids="kube-score deployment-targeted-by-hpa-does-not-have-replicas-configured",
        reason="without a number the first deployment starts with one pod; afterwards Seaway sends the number that the"
        " autoscaler has chosen",
    ),
    Declined(
        id="JOB-03",
        title="A time to live for jobs",
        public_ids="kube-linter job-ttl-seconds-after-finished",
        reason="a job that deletes itself would run again at the next refresh; each release removes the jobs of the"
        " previous one, and a schedule keeps its `historyLimit`",
    ),
)
