"""The fields of objects that ``seaway explain`` lists, each with its reason.

A reason is written once, where the field is set: in the docstring of the check that requires it, of the function that
builds it, or beside its constant. This table only refers to it. A field that app.yaml sets has its path there instead:
the reason is the user's, or that of the model's default.
"""

import dataclasses
import inspect
import typing
from collections.abc import Callable
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


def _split_path(prefix: str, suffix: str) -> tuple[str, ...]:
    return (*filter(None, prefix.split(".")), *suffix.split("."))


def _from_check(kinds: tuple[str, ...], prefix: str, suffix: str, source: check.Check) -> Field:
    """A field that a check requires."""
    return Field(
        kinds=kinds,
        path=_split_path(prefix, suffix),
        help_text=source.title,
        rationale=source.rationale,
        check=source.id,
    )


def _from_docstring(kinds: tuple[str, ...], prefix: str, suffix: str, source: Callable[..., Any]) -> Field:
    """A field whose reason is the first paragraph of the function that builds it."""
    text = inspect.getdoc(source) or ""
    return Field(kinds=kinds, path=_split_path(prefix, suffix), rationale=" ".join(text.partition("\n\n")[0].split()))


def _from_constant(kinds: tuple[str, ...], prefix: str, suffix: str, module: ModuleType, name: str) -> Field:
    """A field that a constant sets."""
    help_text, rationale = read_notes(typing.get_type_hints(module, include_extras=True)[name])
    return Field(kinds=kinds, path=_split_path(prefix, suffix), help_text=help_text, rationale=rationale)


def read_notes(hint: Any) -> tuple[str, str]:
    """The help and the rationale of an annotation; empty if it has none."""
    notes = typing.get_args(hint)[1:]
    help_text = next((note.text for note in notes if isinstance(note, field_help.Help)), "")
    return help_text, next((note.text for note in notes if isinstance(note, field_help.Rationale)), "")


def _from_model(kinds: tuple[str, ...], prefix: str, suffix: str, model_path: str) -> Field:
    """A field that app.yaml sets."""
    return Field(kinds=kinds, path=_split_path(prefix, suffix), model_path=model_path)


def _from_namespace_label(name: str, help_text: str, rationale: str, check_id: str | None = None) -> Field:
    """A label of the namespace."""
    return Field(
        kinds=("Namespace",),
        path=("metadata", "labels", name),
        help_text=help_text,
        rationale=rationale,
        check=check_id,
    )


_POD_SECURITY = read_notes(typing.get_type_hints(namespace, include_extras=True)["POD_SECURITY_VERSION"])
_SERVERS = ("Deployment", "DaemonSet", "StatefulSet")
_JOBS = ("Job", "CronJob")

FIELDS: tuple[Field, ...] = (
    _from_model(("Deployment",), "spec", "replicas", "scale.min"),
    _from_check(("Deployment",), "spec", "strategy.rollingUpdate.maxUnavailable", avail.rollout_strategy),
    _from_constant(("Deployment", "DaemonSet"), "spec", "minReadySeconds", workloads, "MIN_READY_SECONDS"),
    _from_constant(_SERVERS, "spec", "revisionHistoryLimit", workloads, "REVISION_HISTORY_LIMIT"),
    _from_docstring(("StatefulSet",), "spec", "persistentVolumeClaimRetentionPolicy", workloads.build_stateful_set),
    _from_model(("StatefulSet",), "spec.volumeClaimTemplates.0", "spec.resources.requests.storage", "volume.size"),
    _from_model(_JOBS, "spec", "backoffLimit", "backoffLimit"),
    _from_model(_JOBS, "spec", "activeDeadlineSeconds", "timeout"),
    _from_constant(_JOBS, "spec", "podReplacementPolicy", workloads, "POD_REPLACEMENT_POLICY"),
    _from_constant(_JOBS, "spec", "podFailurePolicy.rules.0.action", workloads, "EVICTION_ACTION"),
    _from_model(("CronJob",), "spec", "schedule", "schedule"),
    _from_model(("CronJob",), "spec", "timeZone", "timeZone"),
    _from_model(("CronJob",), "spec", "startingDeadlineSeconds", "startingDeadline"),
    _from_model(("CronJob",), "spec", "concurrencyPolicy", "concurrencyPolicy"),
    _from_model(("CronJob",), "spec", "successfulJobsHistoryLimit", "historyLimit"),
    _from_model(("CronJob",), "spec", "suspend", "run"),
    _from_check(PODS, POD, "automountServiceAccountToken", identity.service_account_token),
    _from_constant(PODS, POD, "enableServiceLinks", pod, "ENABLE_SERVICE_LINKS"),
    _from_model(PODS, POD, "securityContext.runAsUser", "user"),
    _from_check(PODS, POD, "securityContext.runAsNonRoot", security.run_as_non_root),
    _from_check(PODS, POD, "securityContext.seccompProfile.type", security.seccomp_profile),
    _from_constant(PODS, POD, "securityContext.fsGroupChangePolicy", pod, "FS_GROUP_CHANGE_POLICY"),
    _from_model(_SERVERS, POD, "terminationGracePeriodSeconds", "stopGracePeriod"),
    _from_constant(_JOBS, POD, "terminationGracePeriodSeconds", availability, "JOB_GRACE_SECONDS"),
    _from_model(PODS, POD, "priorityClassName", "priorityClass"),
    _from_model(PODS, POD, "nodeSelector", "nodeSelector"),
    _from_model(PODS, POD, "tolerations", "tolerations"),
    _from_check(("Deployment",), POD, "topologySpreadConstraints.0.topologyKey", avail.zone_spread),
    _from_check(("Deployment",), POD, "topologySpreadConstraints.1.topologyKey", avail.node_spread),
    _from_model(("Deployment",), POD, "topologySpreadConstraints.1.whenUnsatisfiable", "spread"),
    _from_constant(_JOBS, POD, "restartPolicy", pod, "JOB_RESTART_POLICY"),
    _from_constant(PODS, CONTAINER, "imagePullPolicy", container, "PULL_POLICY"),
    _from_constant(PODS, CONTAINER, "terminationMessagePolicy", container, "TERMINATION_MESSAGE_POLICY"),
    _from_model(PODS, CONTAINER, "ports.0.containerPort", "port"),
    _from_model(PODS, CONTAINER, "resources.requests.cpu", "resources.cpu"),
    _from_model(PODS, CONTAINER, "resources.limits.memory", "resources.memory"),
    _from_check(PODS, CONTAINER, "resources.requests.ephemeral-storage", resources.ephemeral_storage),
    _from_model(PODS, CONTAINER, "resources.limits.ephemeral-storage", "resources.disk"),
    _from_model(PODS, CONTAINER, "resources.limits.cpu", "resources.cpuLimit"),
    _from_constant(_SERVERS, CONTAINER, "startupProbe.periodSeconds", probe_manifests, "STARTUP_PERIOD_SECONDS"),
    _from_model(_SERVERS, CONTAINER, "startupProbe.failureThreshold", "health.startPeriod"),
    _from_check(_SERVERS, CONTAINER, "livenessProbe.periodSeconds", probes.liveness_probe),
    _from_check(_SERVERS, CONTAINER, "readinessProbe.periodSeconds", probes.readiness_probe),
    _from_model(("Deployment", "DaemonSet"), CONTAINER, "lifecycle.preStop.sleep.seconds", "preStopDelay"),
    _from_check(PODS, CONTAINER, "securityContext.readOnlyRootFilesystem", security.read_only_root),
    _from_check(PODS, CONTAINER, "securityContext.allowPrivilegeEscalation", security.privilege_escalation),
    _from_check(PODS, CONTAINER, "securityContext.capabilities.drop", security.capabilities),
    _from_constant(PODS, POD, "volumes.0.emptyDir.sizeLimit", volumes, "WRITABLE_SIZE_LIMIT"),
    _from_check(("PodDisruptionBudget",), "spec", "maxUnavailable", avail.disruption_budget),
    _from_model(("HorizontalPodAutoscaler",), "spec", "minReplicas", "scale.min"),
    _from_model(("HorizontalPodAutoscaler",), "spec", "maxReplicas", "scale.max"),
    _from_constant(("HorizontalPodAutoscaler",), "spec", "behavior.scaleUp.policies", scaling, "SCALE_UP_POLICIES"),
    _from_constant(
        ("HorizontalPodAutoscaler",),
        "spec",
        "behavior.scaleDown.stabilizationWindowSeconds",
        scaling,
        "SCALE_DOWN_STABILIZATION_SECONDS",
    ),
    _from_constant(("HorizontalPodAutoscaler",), "spec", "behavior.scaleDown.policies", scaling, "SCALE_DOWN_POLICIES"),
    _from_docstring(
        ("PodDisruptionBudget",), "spec", "unhealthyPodEvictionPolicy", availability.build_disruption_budget
    ),
    _from_constant(("ServiceAccount",), "", "automountServiceAccountToken", accounts, "AUTOMOUNT_TOKEN"),
    _from_model(("Role",), "", "rules", "kubernetesApi"),
    _from_model(("Service",), "spec", "type", "publish"),
    _from_docstring(("Service",), "spec", "clusterIP", services.build_headless_service),
    _from_model(("Ingress",), "spec", "rules", "publish"),
    _from_constant(("NetworkPolicy",), "spec", "policyTypes", policies, "POLICY_TYPES"),
    _from_model(("NetworkPolicy",), "spec", "egress", "egress"),
    _from_constant(("ConfigMap", "Secret"), "", "immutable", config, "IMMUTABLE"),
    _from_namespace_label(
        f"{_POD_SECURITY_PREFIX}/enforce",
        security.pod_security_labels.title,
        security.pod_security_labels.rationale,
        security.pod_security_labels.id,
    ),
    _from_namespace_label(f"{_POD_SECURITY_PREFIX}/enforce-version", *_POD_SECURITY),
)
