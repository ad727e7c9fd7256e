"""The fields of objects that are worth a line, each with its reason.

A reason is written once, where the thing is done: in the docstring of the check that asks for it, of the function that
makes it, or beside its constant. This table only says which one it is. A field that says what ``app.yaml`` says has
the path there instead: its reason is the user's, or that of the model's default.
"""

import dataclasses
import inspect
import typing
from collections.abc import Callable
from types import ModuleType
from typing import Any, cast

from seaway.checks import check
from seaway.checks.rules import availability as avl
from seaway.checks.rules import identity, probes, resources, security
from seaway.manifests import availability, config, container, namespace, pod, policies, scaling, volumes, workloads
from seaway.manifests import identity as accounts
from seaway.manifests import network as services
from seaway.manifests import probes as asked
from seaway.syntax import field_help

PODS = ("Deployment", "DaemonSet", "StatefulSet", "Job", "CronJob")
"""The kinds that have a pod template."""

TEMPLATE = "spec.template.spec"
CONTAINER = f"{TEMPLATE}.containers.0"
_SECURITY = "pod-security.kubernetes.io"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of an object, or of several kinds of objects."""

    kinds: tuple[str, ...]
    path: tuple[str, ...]
    means: str = ""
    """What it is, where there is more to say than its name."""
    why: str = ""
    """The reason; empty: it is what the model says."""
    check: str | None = None
    """The id of the check that the reason is of."""
    said: str | None = None
    """Where the model says it, below `services.web`: ``scale.min``."""

    @property
    def of(self) -> str:
        """Whose it is, as people read it."""
        return "all pods" if self.kinds == PODS else ", ".join(self.kinds)

    @property
    def shown(self) -> str:
        """The path as people read it: a pod's, a container's, without what leads to them."""
        words = ".".join(self.path)
        for above, short in ((CONTAINER, "container"), (TEMPLATE, "pod"), ("spec", ""), ("metadata.labels", "")):
            if words.startswith(f"{above}."):
                return f"{short}.{words.removeprefix(f'{above}.')}".removeprefix(".")
        return words


def value(manifest: Any, path: tuple[str, ...]) -> Any:
    """What a manifest has there; None: it has nothing. What a Job has, a CronJob has in its template of one."""
    match manifest:
        case {"spec": {"jobTemplate": dict(), **spec}} if path[0] == "spec" and path[1] not in spec:
            path = ("spec", "jobTemplate", *path)
        case _:
            pass
    found = manifest
    for key in path:
        match found:
            case dict():
                found = cast(dict[str, Any], found).get(key)
            case list():
                found = next(iter(cast(list[Any], found)[int(key) :]), None)
            case _:
                return None
    return found


def _path(above: str, below: str) -> tuple[str, ...]:
    return (*filter(None, above.split(".")), *below.split("."))


def _checked(kinds: tuple[str, ...], above: str, below: str, by: check.Check) -> Field:
    """What a check asks for."""
    return Field(kinds=kinds, path=_path(above, below), means=by.title, why=by.why, check=by.id)


def _told(kinds: tuple[str, ...], above: str, below: str, by: Callable[..., Any]) -> Field:
    """What the function says that makes it, first."""
    text = inspect.getdoc(by) or ""
    return Field(kinds=kinds, path=_path(above, below), why=" ".join(text.partition("\n\n")[0].split()))


def _beside(kinds: tuple[str, ...], above: str, below: str, module: ModuleType, name: str) -> Field:
    """What a constant is, and why."""
    means, why = notes(typing.get_type_hints(module, include_extras=True)[name])
    return Field(kinds=kinds, path=_path(above, below), means=means, why=why)


def notes(hint: Any) -> tuple[str, str]:
    """What an annotation says that something means, and why it is so; empty where it says nothing."""
    said = typing.get_args(hint)[1:]
    means = next((note.text for note in said if isinstance(note, field_help.Doc)), "")
    return means, next((note.text for note in said if isinstance(note, field_help.Why)), "")


def _model(kinds: tuple[str, ...], above: str, below: str, said: str) -> Field:
    """What the model says."""
    return Field(kinds=kinds, path=_path(above, below), said=said)


def _labelled(name: str, means: str, why: str, by: str | None = None) -> Field:
    """What a label of the namespace says."""
    return Field(kinds=("Namespace",), path=("metadata", "labels", name), means=means, why=why, check=by)


_POD_SECURITY = notes(typing.get_type_hints(namespace, include_extras=True)["POD_SECURITY"])
_SERVED = ("Deployment", "DaemonSet", "StatefulSet")
_JOBS = ("Job", "CronJob")

FIELDS: tuple[Field, ...] = (
    _model(("Deployment",), "spec", "replicas", "scale.min"),
    _checked(("Deployment",), "spec", "strategy.rollingUpdate.maxUnavailable", avl.strategy),
    _beside(("Deployment", "DaemonSet"), "spec", "minReadySeconds", workloads, "UNASKED"),
    _beside(_SERVED, "spec", "revisionHistoryLimit", workloads, "HISTORY"),
    _told(("StatefulSet",), "spec", "persistentVolumeClaimRetentionPolicy", workloads.stateful_set),
    _model(("StatefulSet",), "spec.volumeClaimTemplates.0", "spec.resources.requests.storage", "volume.size"),
    _model(_JOBS, "spec", "backoffLimit", "tries"),
    _model(_JOBS, "spec", "activeDeadlineSeconds", "timeout"),
    _beside(_JOBS, "spec", "podReplacementPolicy", workloads, "ONE_AT_A_TIME"),
    _beside(_JOBS, "spec", "podFailurePolicy.rules.0.action", workloads, "EVICTED"),
    _model(("CronJob",), "spec", "schedule", "schedule"),
    _model(("CronJob",), "spec", "timeZone", "timeZone"),
    _model(("CronJob",), "spec", "startingDeadlineSeconds", "startWithin"),
    _model(("CronJob",), "spec", "concurrencyPolicy", "overlap"),
    _model(("CronJob",), "spec", "successfulJobsHistoryLimit", "history"),
    _model(("CronJob",), "spec", "suspend", "run"),
    _checked(PODS, TEMPLATE, "automountServiceAccountToken", identity.token),
    _beside(PODS, TEMPLATE, "enableServiceLinks", pod, "SERVICE_LINKS"),
    _model(PODS, TEMPLATE, "securityContext.runAsUser", "user"),
    _checked(PODS, TEMPLATE, "securityContext.runAsNonRoot", security.non_root),
    _checked(PODS, TEMPLATE, "securityContext.seccompProfile.type", security.seccomp),
    _beside(PODS, TEMPLATE, "securityContext.fsGroupChangePolicy", pod, "GROUP_CHANGE"),
    _model(_SERVED, TEMPLATE, "terminationGracePeriodSeconds", "grace"),
    _beside(_JOBS, TEMPLATE, "terminationGracePeriodSeconds", availability, "JOB_GRACE"),
    _model(PODS, TEMPLATE, "priorityClassName", "priority"),
    _model(PODS, TEMPLATE, "nodeSelector", "nodes"),
    _model(PODS, TEMPLATE, "tolerations", "tolerates"),
    _checked(("Deployment",), TEMPLATE, "topologySpreadConstraints.0.topologyKey", avl.zones),
    _checked(("Deployment",), TEMPLATE, "topologySpreadConstraints.1.topologyKey", avl.nodes),
    _model(("Deployment",), TEMPLATE, "topologySpreadConstraints.1.whenUnsatisfiable", "spread"),
    _beside(_JOBS, TEMPLATE, "restartPolicy", pod, "AGAIN"),
    _beside(PODS, CONTAINER, "imagePullPolicy", container, "PULL"),
    _beside(PODS, CONTAINER, "terminationMessagePolicy", container, "LAST_WORDS"),
    _model(PODS, CONTAINER, "ports.0.containerPort", "port"),
    _model(PODS, CONTAINER, "resources.requests.cpu", "resources.cpu"),
    _model(PODS, CONTAINER, "resources.limits.memory", "resources.memory"),
    _checked(PODS, CONTAINER, "resources.requests.ephemeral-storage", resources.disk),
    _model(PODS, CONTAINER, "resources.limits.ephemeral-storage", "resources.disk"),
    _model(PODS, CONTAINER, "resources.limits.cpu", "resources.cpuLimit"),
    _beside(_SERVED, CONTAINER, "startupProbe.periodSeconds", asked, "START"),
    _model(_SERVED, CONTAINER, "startupProbe.failureThreshold", "health.startup"),
    _checked(_SERVED, CONTAINER, "livenessProbe.periodSeconds", probes.alive),
    _checked(_SERVED, CONTAINER, "readinessProbe.periodSeconds", probes.ready),
    _model(("Deployment", "DaemonSet"), CONTAINER, "lifecycle.preStop.sleep.seconds", "drain"),
    _checked(PODS, CONTAINER, "securityContext.readOnlyRootFilesystem", security.read_only),
    _checked(PODS, CONTAINER, "securityContext.allowPrivilegeEscalation", security.escalation),
    _checked(PODS, CONTAINER, "securityContext.capabilities.drop", security.capabilities),
    _beside(PODS, TEMPLATE, "volumes.0.emptyDir.sizeLimit", volumes, "SCRATCH"),
    _checked(("PodDisruptionBudget",), "spec", "maxUnavailable", avl.budget),
    _model(("HorizontalPodAutoscaler",), "spec", "minReplicas", "scale.min"),
    _model(("HorizontalPodAutoscaler",), "spec", "maxReplicas", "scale.max"),
    _beside(("HorizontalPodAutoscaler",), "spec", "behavior.scaleUp.policies", scaling, "UP"),
    _beside(("HorizontalPodAutoscaler",), "spec", "behavior.scaleDown.stabilizationWindowSeconds", scaling, "QUIET"),
    _beside(("HorizontalPodAutoscaler",), "spec", "behavior.scaleDown.policies", scaling, "DOWN"),
    _told(("PodDisruptionBudget",), "spec", "unhealthyPodEvictionPolicy", availability.disruption_budget),
    _beside(("ServiceAccount",), "", "automountServiceAccountToken", accounts, "TOKEN"),
    _model(("Role",), "", "rules", "kubernetesApi"),
    _model(("Service",), "spec", "type", "expose"),
    _told(("Service",), "spec", "clusterIP", services.headless),
    _model(("Ingress",), "spec", "rules", "expose"),
    _beside(("NetworkPolicy",), "spec", "policyTypes", policies, "BOTH"),
    _model(("NetworkPolicy",), "spec", "egress", "egress"),
    _beside(("ConfigMap", "Secret"), "", "immutable", config, "IMMUTABLE"),
    _labelled(f"{_SECURITY}/enforce", security.namespace.title, security.namespace.why, security.namespace.id),
    _labelled(f"{_SECURITY}/enforce-version", *_POD_SECURITY),
)
