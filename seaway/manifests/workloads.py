"""What runs the pods, from Deployment to CronJob; and how long each may take to become healthy."""

from collections.abc import Mapping
from typing import Annotated, Any

from seaway.manifests import ingress, names, scaling, volumes
from seaway.model import application, settings
from seaway.syntax.field_help import Doc, Why

HISTORY: Annotated[
    int,
    Doc("old versions that `kubectl rollout undo` finds"),
    Why("for one hasty hand; a rollback proper deploys an earlier release"),
] = 3

SLACK = 60
"""Seconds for what comes before a container's own time: a node is found, the image is pulled."""

UNASKED: Annotated[
    int,
    Doc("seconds that a pod without a readiness question must run before it counts"),
    Why("it is ready from its first moment, and a program that ends at once would pass for a healthy one"),
] = 5

ONE_AT_A_TIME: Annotated[
    str,
    Doc("when a job's next try begins: when the pod of the one before has ended"),
    Why("a migration that is still ending must not meet a second one"),
] = "Failed"

EVICTED: Annotated[
    str,
    Doc("a pod that a node's drain has ended counts as no try"),
    Why("the program did not fail"),
] = "Ignore"
"""https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy"""

NEVER = "0 0 31 2 *"
"""For a CronJob that only people start: February has no 31st, and it is suspended besides."""

CRON_JOB_LIMIT = 52
"""Its jobs have its name and 11 characters more.
https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#writing-a-cronjob-spec"""

RUN, AFTER = "seaway/run", "after-rollout"
"""An annotation of a job that runs after the services: whoever reads the object alone cannot tell otherwise."""

RECORDED = {"pulumi.com/waitFor": "jsonpath={.metadata.uid}"}
"""Pulumi goes on as soon as the object is recorded: its health is the Rollout's business. Not `skipAwait`, which would
also not wait for a deletion, and a replaced Deployment would then be patched while it goes away.
https://github.com/pulumi/pulumi-kubernetes/issues/3154"""


def deadline(each: application.Service | application.Store | application.Job, stack: settings.Settings) -> int:
    """Seconds that a rollout of it may take; then what could still heal has failed too."""
    if isinstance(each, application.Job):
        return each.timeout + SLACK
    return max(stack.rollout_timeout, each.health.startup + SLACK)


def version(manifest: dict[str, Any], contents: Mapping[str, str]) -> str:
    """What stands for the whole spec: another version is another rollout. Known in a preview, as a Job's name is."""
    spec = manifest["spec"]
    template = spec["template"]
    return names.digest(spec | {"template": template | {"spec": _known(template["spec"], contents)}})


def template(manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """The pod template of a workload; None: it is none."""
    spec: dict[str, Any] = manifest.get("spec") or {}
    above: dict[str, Any] = spec["jobTemplate"]["spec"] if "jobTemplate" in spec else spec
    return above.get("template")


def _known(pods: dict[str, Any], contents: Mapping[str, str]) -> dict[str, Any]:
    """A pod's spec with what stands for the images in their place, by container: digests are known after the build."""
    kinds = ("initContainers", "containers")
    return pods | {
        kind: [one | ({"image": contents[one["name"]]} if one["name"] in contents else {}) for one in pods[kind]]
        for kind in kinds
        if kind in pods
    }


def deployment(
    scope: names.Scope, each: application.Service, template: dict[str, Any], stack: settings.Settings
) -> dict[str, Any]:
    """A service: old pods go only as new ones are ready, so the capacity never falls below the scale."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": names.metadata(
            scope, each.name, annotations=RECORDED | scaling.annotation(each) | ingress.found_at(each, stack)
        ),
        "spec": {
            "replicas": each.scale.min,
            **_unasked(template),
            "revisionHistoryLimit": HISTORY,
            "progressDeadlineSeconds": deadline(each, stack),
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
            "selector": {"matchLabels": names.selector(scope, each.name)},
            "template": template,
        },
    }


def daemon_set(
    scope: names.Scope, each: application.Service, template: dict[str, Any], stack: settings.Settings
) -> dict[str, Any]:
    """A service with one pod on every node: the new one runs beside the old one until it is ready, node by node.

    https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/
    """
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": names.metadata(scope, each.name, annotations=RECORDED | ingress.found_at(each, stack)),
        "spec": {
            **_unasked(template),
            "revisionHistoryLimit": HISTORY,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "selector": {"matchLabels": names.selector(scope, each.name)},
            "template": template,
        },
    }


def _unasked(template: dict[str, Any]) -> dict[str, int]:
    asked = all("readinessProbe" in container for container in template["spec"]["containers"])
    return {} if asked else {"minReadySeconds": UNASKED}


def stateful_set(
    scope: names.Scope, store: application.Store, template: dict[str, Any], stack: settings.Settings
) -> dict[str, Any]:
    """A store: one pod with a stable name, and a disk that stays whatever happens to the pod or to the set.

    Its policy, history, service name and claims cannot be changed later without deleting the set:
    they are written once, here.
    """
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": names.metadata(
            scope,
            names.cut(store.name, names.STATEFUL_SET_LIMIT),
            of=store.name,
            annotations=RECORDED | ingress.found_at(store, stack),
        ),
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": HISTORY,
            "podManagementPolicy": "Parallel",
            "serviceName": store.name,
            "persistentVolumeClaimRetentionPolicy": {
                "whenDeleted": "Retain" if store.keep else "Delete",
                "whenScaled": "Retain",
            },
            "selector": {"matchLabels": names.selector(scope, store.name)},
            "template": template,
            "volumeClaimTemplates": [
                _claim(name, volume, volume.storage_class or stack.storage_class)
                for name, volume in volumes.claims(store).items()
            ],
        },
    }


def _claim(name: str, volume: application.Volume, storage_class: str | None) -> dict[str, Any]:
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": volume.size}}}
    if storage_class is not None:
        spec["storageClassName"] = storage_class
    return {"metadata": {"name": name}, "spec": spec}


def job(
    scope: names.Scope, each: application.Job, template: dict[str, Any], contents: Mapping[str, str]
) -> dict[str, Any]:
    """A job of a release. Kubernetes never changes a Job's pod template, so another template is another Job.

    The name is a hash of it with ``contents`` in place of the images: digests are not known in a preview, and a
    rebuild of the same source must not run a migration again. Without a time to live: a Job that deleted itself
    would run once more with the next refresh. What `raw` says is in it too: it may be of the template.
    """
    known = _known(template["spec"], contents)
    suffix = names.digest([known, each.raw["Job"]] if each.raw.get("Job") else known)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": names.metadata(
            scope,
            f"{names.cut(each.name, names.LABEL_LIMIT - len(suffix) - 1)}-{suffix}",
            of=each.name,
            annotations=RECORDED | ({RUN: AFTER} if each.run == AFTER else {}),
        ),
        "spec": _tried(each, template),
    }


def cron_job(scope: names.Scope, each: application.Job, template: dict[str, Any]) -> dict[str, Any]:
    """A job on a schedule; or, without one, a template for whoever starts it by hand.

    https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
    """
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": names.metadata(scope, names.cut(each.name, CRON_JOB_LIMIT), of=each.name, annotations=RECORDED),
        "spec": {
            "schedule": each.schedule or NEVER,
            "timeZone": each.time_zone,
            "suspend": each.schedule is None,
            "startingDeadlineSeconds": each.start_within,
            "concurrencyPolicy": each.overlap.capitalize(),
            "successfulJobsHistoryLimit": each.history,
            "failedJobsHistoryLimit": each.history,
            "jobTemplate": {"metadata": {"labels": names.labels(scope, each.name)}, "spec": _tried(each, template)},
        },
    }


def _tried(each: application.Job, template: dict[str, Any]) -> dict[str, Any]:
    evicted = {"action": EVICTED, "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    return {
        "backoffLimit": each.tries - 1,
        "activeDeadlineSeconds": each.timeout,
        "podReplacementPolicy": ONE_AT_A_TIME,
        "podFailurePolicy": {"rules": [evicted]},
        "template": template,
    }
