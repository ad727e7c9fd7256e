"""Public checkers: the ids of their equivalent checks, and their requirements that Seaway does not check."""

import dataclasses
from collections.abc import Mapping, Sequence

CHECKERS = ("kube-score", "kube-linter", "Polaris", "Checkov")

_TABLE = """\
IMG-01 | container-image-tag | latest-tag | tagNotSpecified | CKV_K8S_14
IMG-02 | | image-not-pinned-by-digest image-sha | | CKV_K8S_43
RES-01 | container-resources | unset-cpu-requirements | cpuRequestsMissing | CKV_K8S_10
RES-03 | container-resources | unset-memory-requirements | memoryRequestsMissing | CKV_K8S_12
RES-04 | container-resources | unset-memory-requirements | memoryLimitsMissing | CKV_K8S_13
RES-05 | container-ephemeral-storage-request-and-limit | unset-ephemeral-storage-requirements | |
RES-06 | container-resource-requests-equal-limits | | |
PRB-01 | pod-probes | no-readiness-probe | readinessProbeMissing | CKV_K8S_9
PRB-02 | pod-probes pod-probes-identical | no-liveness-probe | livenessProbeMissing | CKV_K8S_8
PRB-03 | | no-startup-probe | |
PRB-04 | | liveness-port readiness-port startup-port | |
SEC-01 | container-security-context | run-as-non-root | runAsRootAllowed | CKV_K8S_23
SEC-02 | container-security-context-user-group-id | | | CKV_K8S_40
SEC-03 | container-security-context | privilege-escalation-container | privilegeEscalationAllowed | CKV_K8S_20
SEC-04 | container-security-context-privileged | privileged-container | runAsPrivileged | CKV_K8S_16
SEC-05 | container-security-context-readonlyrootfilesystem | no-read-only-root-fs | notReadOnlyRootFilesystem \
       | CKV_K8S_22
SEC-06 | | drop-net-raw-capability | insecureCapabilities dangerousCapabilities \
       | CKV_K8S_37 CKV_K8S_25 CKV_K8S_28 CKV_K8S_39
SEC-07 | container-seccomp-profile | | linuxHardening | CKV_K8S_31
SEC-08 | | host-pid host-ipc host-network | hostPIDSet hostIPCSet hostNetworkSet | CKV_K8S_17 CKV_K8S_18 CKV_K8S_19
SEC-09 | | | hostPortSet | CKV_K8S_26
SEC-10 | | docker-sock container-runtime-sock sensitive-host-mounts writable-host-mount | | CKV_K8S_27
SEC-12 | | unsafe-sysctls unsafe-proc-mount | linuxHardening |
SEC-13 | container-security-context | | | CKV_K8S_29 CKV_K8S_30
SEC-15 | | ssh-port privileged-ports | |
SA-01 | | default-service-account non-existent-service-account | | CKV_K8S_41 CKV_K8S_42
SA-02 | | automount-service-account-token | automountServiceAccountToken | CKV_K8S_38
SA-03 | | deprecated-service-account-field | |
RBAC-01 | | wildcard-in-rules | | CKV_K8S_49
RBAC-02 | | cluster-admin-role-binding | clusterrolebindingClusterAdmin rolebindingClusterAdminRole |
RBAC-03 | | access-to-secrets access-to-create-pods | rolePodExecAttach \
       | CKV_K8S_155 CKV_K8S_156 CKV_K8S_157 CKV_K8S_158
CFG-01 | | env-var-secret | sensitiveContainerEnvVar |
CFG-02 | | configmap-with-credentials | sensitiveConfigmapContent |
CFG-03 | | read-secret-from-env-var | | CKV_K8S_35
CFG-04 | | duplicate-env-var env-var-value-from | |
NET-01 | pod-networkpolicy | non-isolated-pod | missingNetworkPolicy | CKV2_K8S_6
NET-02 | networkpolicy-targets-pod | dangling-networkpolicy dangling-networkpolicypeer-podselector | |
NET-03 | service-targets-pod | dangling-service | |
NET-04 | service-type | exposed-services | |
NET-05 | ingress-targets-service | dangling-ingress | |
NET-06 | | | tlsSettingsMissing | CKV_K8S_152 CKV_K8S_153 CKV_K8S_154
NET-07 | | invalid-target-ports | |
AVL-01 | deployment-replicas | minimum-three-replicas | deploymentMissingReplicas |
AVL-02 | deployment-has-poddisruptionbudget \
       | pdb-max-unavailable pdb-min-available pdb-unhealthy-pod-eviction-policy | missingPodDisruptionBudget |
AVL-03 | deployment-has-host-podantiaffinity | no-anti-affinity | |
AVL-04 | pod-topology-spread-constraints | | topologySpreadConstraint |
AVL-05 | deployment-strategy | no-rolling-update-strategy | |
AVL-08 | horizontalpodautoscaler-has-target | dangling-horizontalpodautoscaler hpa-minimum-replicas | |
AVL-09 | | restart-policy | |
META-01 | deployment-pod-selector-labels-match-template-metadata-labels | mismatching-selector | |
META-02 | label-values | required-label-owner | metadataAndNameMismatched |
META-03 | | use-namespace | | CKV_K8S_21
META-04 | stable-version | no-extensions-v1beta | |
JOB-01 | cronjob-has-deadline | | |
STS-01 | statefulset-has-servicename | | |
"""
"""Id of our check, and the ids in the order of ``CHECKERS``; several ids of one checker are separated by spaces."""

_IDS: Mapping[str, Sequence[str]] = {
    cells[0].strip(): cells[1:] for cells in (line.split("|") for line in _TABLE.splitlines())
}


def find_public_ids(check: str) -> dict[str, tuple[str, ...]]:
    """The ids of one of our checks in public checkers, by checker."""
    cells = _IDS.get(check, ())
    return {checker: tuple(ids.split()) for checker, ids in zip(CHECKERS, cells, strict=False) if ids.strip()}


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
