"""The fields of objects that ``seaway explain`` lists, each with its reason.

A reason is written once, where the field is set: in the docstring of the check that requires it, of the function that
builds it, or beside its constant. This table only refers to it. A field that app.yaml sets has its path there instead:
the reason is the user's, or that of the model's default.
"""

import dataclasses
import inspect
import typing
from types import ModuleType
from typing import Any, cast

from seaway.checks import check
from seaway.checks.rules import availability as avail
from seaway.checks.rules import identity, probes, resources, security
from seaway.kubernetes.api import kinds
from seaway.manifests import availability, config, container, namespace, pod, policies, scaling, volumes, workloads
from seaway.manifests import identity as accounts
from seaway.manifests import network as services
from seaway.manifests import probes as probe_manifests
from seaway.syntax import field_help

PODS = kinds.WORKLOAD_KINDS
"""The kinds with a pod template."""

POD = "spec.template.spec"
CONTAINER = f"{POD}.containers.0"
_POD_SECURITY_PREFIX = "pod-security.kubernetes.io"
_SHORT_PREFIXES = {CONTAINER: "container", POD: "pod", "spec": "", "metadata.labels": ""}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of one or several kinds of objects."""

    kinds: tuple[str, ...]
    path: tuple[str, ...]
    help_text: str = ""
    """The meaning, if the name does not say it."""
    rationale: str = ""
    """The reason; empty: app.yaml sets it."""
    check: str | None = None
    """The id of the check that requires it."""
    model_path: str | None = None
    """The path in app.yaml below `services.web`: ``scale.min``."""

    @property
    def owner(self) -> str:
        """The kinds, for a reader."""
        return "all pods" if self.kinds == PODS else ", ".join(self.kinds)

    @property
    def short_path(self) -> str:
        """The path for a reader, from the pod or the container on."""
        path = ".".join(self.path)
        for prefix, short in _SHORT_PREFIXES.items():
            if path.startswith(f"{prefix}."):
                return f"{short}.{path.removeprefix(f'{prefix}.')}".removeprefix(".")
        return path


def find_value(manifest: Any, path: tuple[str, ...]) -> Any:
    """The value at a path of a manifest, if there is one. For a CronJob a path may be that of its Job template."""
    match manifest:
        case {"spec": {"jobTemplate": dict(), **spec}} if path[0] == "spec" and path[1] not in spec:
            path = ("spec", "jobTemplate", *path)
        case _:
            pass
    node = manifest
    for key in path:
        match node:
            case dict():
                node = cast(dict[str, Any], node).get(key)
            case list():
                node = next(iter(cast(list[Any], node)[int(key) :]), None)
            case _:
                return None
    return node


def read_notes(hint: Any) -> tuple[str, str]:
    """The help and the rationale of an annotation; empty if it has none."""
    notes = typing.get_args(hint)[1:]
    help_text = next((note.text for note in notes if isinstance(note, field_help.Help)), "")
    return help_text, next((note.text for note in notes if isinstance(note, field_help.Rationale)), "")


def _declare(kinds: tuple[str, ...], prefix: str, suffix: str, source: Any, constant: str = "") -> Field:
    """A field with its source: a path in app.yaml, the check that requires it, or the module and constant or the
    function that sets it. The reason of a function is the first paragraph of its docstring."""
    help_text, rationale, check_id, model_path = "", "", None, None
    match source:
        case str():
            model_path = source
        case check.Check():
            help_text, rationale, check_id = source.title, source.rationale, source.id
        case ModuleType():
            help_text, rationale = read_notes(typing.get_type_hints(source, include_extras=True)[constant])
        case _:
            rationale = " ".join((inspect.getdoc(source) or "").partition("\n\n")[0].split())
    path = (*filter(None, prefix.split(".")), *suffix.split("."))
    return Field(
        kinds=kinds, path=path, help_text=help_text, rationale=rationale, check=check_id, model_path=model_path
    )


_POD_SECURITY = read_notes(typing.get_type_hints(namespace, include_extras=True)["POD_SECURITY_VERSION"])
_SERVERS = ("Deployment", "DaemonSet", "StatefulSet")
_JOBS = ("Job", "CronJob")

FIELDS: tuple[Field, ...] = (
    _declare(("Deployment",), "spec", "replicas", "scale.min"),
    _declare(("Deployment",), "spec", "strategy.rollingUpdate.maxUnavailable", avail.rollout_strategy),
    _declare(("Deployment", "DaemonSet"), "spec", "minReadySeconds", workloads, "MIN_READY_SECONDS"),
    _declare(_SERVERS, "spec", "revisionHistoryLimit", workloads, "REVISION_HISTORY_LIMIT"),
    _declare(("StatefulSet",), "spec", "persistentVolumeClaimRetentionPolicy", workloads.build_stateful_set),
    _declare(("StatefulSet",), "spec.volumeClaimTemplates.0", "spec.resources.requests.storage", "volume.size"),
    _declare(_JOBS, "spec", "backoffLimit", "backoffLimit"),
    _declare(_JOBS, "spec", "activeDeadlineSeconds", "timeout"),
    _declare(_JOBS, "spec", "podReplacementPolicy", workloads, "POD_REPLACEMENT_POLICY"),
    _declare(_JOBS, "spec", "podFailurePolicy.rules.0.action", workloads, "EVICTION_ACTION"),
    _declare(("CronJob",), "spec", "schedule", "schedule"),
    _declare(("CronJob",), "spec", "timeZone", "timeZone"),
    _declare(("CronJob",), "spec", "startingDeadlineSeconds", "startingDeadline"),
    _declare(("CronJob",), "spec", "concurrencyPolicy", "concurrencyPolicy"),
    _declare(("CronJob",), "spec", "successfulJobsHistoryLimit", "historyLimit"),
    _declare(("CronJob",), "spec", "suspend", "run"),
    _declare(PODS, POD, "automountServiceAccountToken", identity.service_account_token),
    _declare(PODS, POD, "enableServiceLinks", pod, "ENABLE_SERVICE_LINKS"),
    _declare(PODS, POD, "securityContext.runAsUser", "user"),
    _declare(PODS, POD, "securityContext.runAsNonRoot", security.run_as_non_root),
    _declare(PODS, POD, "securityContext.seccompProfile.type", security.seccomp_profile),
    _declare(PODS, POD, "securityContext.fsGroupChangePolicy", pod, "FS_GROUP_CHANGE_POLICY"),
    _declare(_SERVERS, POD, "terminationGracePeriodSeconds", "stopGracePeriod"),
    _declare(_JOBS, POD, "terminationGracePeriodSeconds", availability, "JOB_GRACE_SECONDS"),
    _declare(PODS, POD, "priorityClassName", "priorityClass"),
    _declare(PODS, POD, "nodeSelector", "nodeSelector"),
    _declare(PODS, POD, "tolerations", "tolerations"),
    _declare(("Deployment",), POD, "topologySpreadConstraints.0.topologyKey", avail.zone_spread),
    _declare(("Deployment",), POD, "topologySpreadConstraints.1.topologyKey", avail.node_spread),
    _declare(("Deployment",), POD, "topologySpreadConstraints.1.whenUnsatisfiable", "spread"),
    _declare(_JOBS, POD, "restartPolicy", pod, "JOB_RESTART_POLICY"),
    _declare(PODS, CONTAINER, "imagePullPolicy", container, "PULL_POLICY"),
    _declare(PODS, CONTAINER, "terminationMessagePolicy", container, "TERMINATION_MESSAGE_POLICY"),
    _declare(PODS, CONTAINER, "ports.0.containerPort", "port"),
    _declare(PODS, CONTAINER, "resources.requests.cpu", "resources.cpu"),
    _declare(PODS, CONTAINER, "resources.limits.memory", "resources.memory"),
    _declare(PODS, CONTAINER, "resources.requests.ephemeral-storage", resources.ephemeral_storage),
    _declare(PODS, CONTAINER, "resources.limits.ephemeral-storage", "resources.disk"),
    _declare(PODS, CONTAINER, "resources.limits.cpu", "resources.cpuLimit"),
    _declare(_SERVERS, CONTAINER, "startupProbe.periodSeconds", probe_manifests, "STARTUP_PERIOD_SECONDS"),
    _declare(_SERVERS, CONTAINER, "startupProbe.failureThreshold", "health.startPeriod"),
    _declare(_SERVERS, CONTAINER, "livenessProbe.periodSeconds", probes.liveness_probe),
    _declare(_SERVERS, CONTAINER, "readinessProbe.periodSeconds", probes.readiness_probe),
    _declare(("Deployment", "DaemonSet"), CONTAINER, "lifecycle.preStop.sleep.seconds", "preStopDelay"),
    _declare(PODS, CONTAINER, "securityContext.readOnlyRootFilesystem", security.read_only_root),
    _declare(PODS, CONTAINER, "securityContext.allowPrivilegeEscalation", security.privilege_escalation),
    _declare(PODS, CONTAINER, "securityContext.capabilities.drop", security.capabilities),
    _declare(PODS, POD, "volumes.0.emptyDir.sizeLimit", volumes, "WRITABLE_SIZE_LIMIT"),
    _declare(("PodDisruptionBudget",), "spec", "maxUnavailable", avail.disruption_budget),
    _declare(("HorizontalPodAutoscaler",), "spec", "minReplicas", "scale.min"),
    _declare(("HorizontalPodAutoscaler",), "spec", "maxReplicas", "scale.max"),
    _declare(("HorizontalPodAutoscaler",), "spec", "behavior.scaleUp.policies", scaling, "SCALE_UP_POLICIES"),
    _declare(
        ("HorizontalPodAutoscaler",),
        "spec",
        "behavior.scaleDown.stabilizationWindowSeconds",
        scaling,
        "SCALE_DOWN_STABILIZATION_SECONDS",
    ),
    _declare(("HorizontalPodAutoscaler",), "spec", "behavior.scaleDown.policies", scaling, "SCALE_DOWN_POLICIES"),
    _declare(("PodDisruptionBudget",), "spec", "unhealthyPodEvictionPolicy", availability.build_disruption_budget),
    _declare(("ServiceAccount",), "", "automountServiceAccountToken", accounts, "AUTOMOUNT_TOKEN"),
    _declare(("Role",), "", "rules", "kubernetesApi"),
    _declare(("Service",), "spec", "type", "publish"),
    _declare(("Service",), "spec", "clusterIP", services.build_headless_service),
    _declare(("Ingress",), "spec", "rules", "publish"),
    _declare(kinds.ROUTE_KINDS, "spec", "rules", "publish"),
    _declare(("NetworkPolicy",), "spec", "policyTypes", policies, "POLICY_TYPES"),
    _declare(("NetworkPolicy",), "spec", "egress", "egress"),
    _declare(("ConfigMap", "Secret"), "", "immutable", config, "IMMUTABLE"),
    Field(
        kinds=("Namespace",),
        path=("metadata", "labels", f"{_POD_SECURITY_PREFIX}/enforce"),
        help_text=security.pod_security_labels.title,
        rationale=security.pod_security_labels.rationale,
        check=security.pod_security_labels.id,
    ),
    Field(
        kinds=("Namespace",),
        path=("metadata", "labels", f"{_POD_SECURITY_PREFIX}/enforce-version"),
        help_text=_POD_SECURITY[0],
        rationale=_POD_SECURITY[1],
    ),
)
