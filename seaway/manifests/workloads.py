"""What runs the pods, from Deployment to CronJob; and how long each may take to become healthy."""

from collections.abc import Mapping
from typing import Annotated, Any

from seaway.manifests import ingress, names, scaling, volumes
from seaway.model import application, settings
from seaway.syntax.field_help import Help, Rationale

REVISION_HISTORY_LIMIT: Annotated[
    int,
    Help("old versions that `kubectl rollout undo` finds"),
    Rationale("for one hasty hand; a rollback proper deploys an earlier release"),
] = 3

SCHEDULING_SECONDS = 60
"""Seconds for what comes before a container's own time: a node is found, the image is pulled."""

MIN_READY_SECONDS: Annotated[
    int,
    Help("seconds that a pod without a readiness question must run before it counts"),
    Rationale("it is ready from its first moment, and a program that ends at once would pass for a healthy one"),
] = 5

POD_REPLACEMENT_POLICY: Annotated[
    str,
    Help("when a job's next try begins: when the pod of the one before has ended"),
    Rationale("a migration that is still ending must not meet a second one"),
] = "Failed"

EVICTION_ACTION: Annotated[
    str,
    Help("a pod that a node's drain has ended counts as no try"),
    Rationale("the program did not fail"),
] = "Ignore"
"""https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy"""

NEVER_SCHEDULE = "0 0 31 2 *"
"""For a CronJob that only people start: February has no 31st, and it is suspended besides."""

CRON_JOB_NAME_LIMIT = 52
"""Its jobs have its name and 11 characters more.
https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#writing-a-cronjob-spec"""

RUN_ANNOTATION, AFTER_ROLLOUT = "seaway/run", "after-rollout"
"""An annotation of a job that runs after the services: whoever reads the object alone cannot tell otherwise."""

WAIT_UNTIL_RECORDED = {"pulumi.com/waitFor": "jsonpath={.metadata.uid}"}
"""Pulumi goes on as soon as the object is recorded: its health is the Rollout's business. Not `skipAwait`, which would
also not wait for a deletion, and a replaced Deployment would then be patched while it goes away.
https://github.com/pulumi/pulumi-kubernetes/issues/3154"""


def compute_deadline(
    workload: application.Service | application.Store | application.Job, stack_settings: settings.Settings
) -> int:
    """Seconds that a rollout of it may take; then what could still heal has failed too."""
    if isinstance(workload, application.Job):
        return workload.timeout + SCHEDULING_SECONDS
    return max(stack_settings.rollout_timeout, workload.health.start_period + SCHEDULING_SECONDS)


def hash_spec(manifest: dict[str, Any], contents: Mapping[str, str]) -> str:
    """What stands for the whole spec: another version is another rollout. Known in a preview, as a Job's name is."""
    spec = manifest["spec"]
    template = spec["template"]
    return names.hash_content(spec | {"template": template | {"spec": _replace_images(template["spec"], contents)}})


def _replace_images(pod_spec: dict[str, Any], contents: Mapping[str, str]) -> dict[str, Any]:
    """A pod's spec with what stands for the images in their place, by container: digests are known after the build."""
    kinds = ("initContainers", "containers")
    return pod_spec | {
        kind: [one | ({"image": contents[one["name"]]} if one["name"] in contents else {}) for one in pod_spec[kind]]
        for kind in kinds
        if kind in pod_spec
    }


def build_deployment(
    scope: names.Scope, service: application.Service, template: dict[str, Any], stack_settings: settings.Settings
) -> dict[str, Any]:
    """A service: old pods go only as new ones are ready, so the capacity never falls below the scale."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": names.build_metadata(
            scope,
            service.name,
            annotations=WAIT_UNTIL_RECORDED
            | scaling.build_scale_annotation(service)
            | ingress.build_url_annotation(service, stack_settings),
        ),
        "spec": {
            "replicas": service.scale.min,
            **_build_min_ready_seconds(template),
            "revisionHistoryLimit": REVISION_HISTORY_LIMIT,
            "progressDeadlineSeconds": compute_deadline(service, stack_settings),
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
            "selector": {"matchLabels": names.build_selector(scope, service.name)},
            "template": template,
        },
    }


def build_daemon_set(
    scope: names.Scope, service: application.Service, template: dict[str, Any], stack_settings: settings.Settings
) -> dict[str, Any]:
    """A service with one pod on every node: the new one runs beside the old one until it is ready, node by node.

    https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/
    """
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": names.build_metadata(
            scope, service.name, annotations=WAIT_UNTIL_RECORDED | ingress.build_url_annotation(service, stack_settings)
        ),
        "spec": {
            **_build_min_ready_seconds(template),
            "revisionHistoryLimit": REVISION_HISTORY_LIMIT,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "selector": {"matchLabels": names.build_selector(scope, service.name)},
            "template": template,
        },
    }


def _build_min_ready_seconds(template: dict[str, Any]) -> dict[str, int]:
    asked = all("readinessProbe" in container for container in template["spec"]["containers"])
    return {} if asked else {"minReadySeconds": MIN_READY_SECONDS}


def build_stateful_set(
    scope: names.Scope, store: application.Store, template: dict[str, Any], stack_settings: settings.Settings
) -> dict[str, Any]:
    """A store: one pod with a stable name, and a disk that stays whatever happens to the pod or to the set.

    Its policy, history, service name and claims cannot be changed later without deleting the set:
    they are written once, here.
    """
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": names.build_metadata(
            scope,
            names.shorten_name(store.name, names.STATEFUL_SET_NAME_LIMIT),
            owner=store.name,
            annotations=WAIT_UNTIL_RECORDED | ingress.build_url_annotation(store, stack_settings),
        ),
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": REVISION_HISTORY_LIMIT,
            "podManagementPolicy": "Parallel",
            "serviceName": store.name,
            "persistentVolumeClaimRetentionPolicy": {
                "whenDeleted": "Retain" if store.retain else "Delete",
                "whenScaled": "Retain",
            },
            "selector": {"matchLabels": names.build_selector(scope, store.name)},
            "template": template,
            "volumeClaimTemplates": [
                _build_claim_template(name, volume, volume.storage_class or stack_settings.storage_class)
                for name, volume in volumes.list_claims(store).items()
            ],
        },
    }


def _build_claim_template(name: str, volume: application.Volume, storage_class: str | None) -> dict[str, Any]:
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": volume.size}}}
    if storage_class is not None:
        spec["storageClassName"] = storage_class
    return {"metadata": {"name": name}, "spec": spec}


def build_job(
    scope: names.Scope, job: application.Job, template: dict[str, Any], contents: Mapping[str, str]
) -> dict[str, Any]:
    """A job of a release. Kubernetes never changes a Job's pod template, so another template is another Job.

    The name is a hash of it with ``contents`` in place of the images: digests are not known in a preview, and a
    rebuild of the same source must not run a migration again. Without a time to live: a Job that deleted itself
    would run once more with the next refresh. What `raw` says is in it too: it may be of the template.
    """
    known = _replace_images(template["spec"], contents)
    suffix = names.hash_content([known, job.raw["Job"]] if job.raw.get("Job") else known)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": names.build_metadata(
            scope,
            f"{names.shorten_name(job.name, names.LABEL_LIMIT - len(suffix) - 1)}-{suffix}",
            owner=job.name,
            annotations=WAIT_UNTIL_RECORDED | ({RUN_ANNOTATION: AFTER_ROLLOUT} if job.run == AFTER_ROLLOUT else {}),
        ),
        "spec": _build_job_spec(job, template),
    }


def build_cron_job(scope: names.Scope, job: application.Job, template: dict[str, Any]) -> dict[str, Any]:
    """A job on a schedule; or, without one, a template for whoever starts it by hand.

    https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
    """
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": names.build_metadata(
            scope, names.shorten_name(job.name, CRON_JOB_NAME_LIMIT), owner=job.name, annotations=WAIT_UNTIL_RECORDED
        ),
        "spec": {
            "schedule": job.schedule or NEVER_SCHEDULE,
            "timeZone": job.time_zone,
            "suspend": job.schedule is None,
            "startingDeadlineSeconds": job.starting_deadline,
            "concurrencyPolicy": job.concurrency_policy.capitalize(),
            "successfulJobsHistoryLimit": job.history_limit,
            "failedJobsHistoryLimit": job.history_limit,
            "jobTemplate": {
                "metadata": {"labels": names.build_labels(scope, job.name)},
                "spec": _build_job_spec(job, template),
            },
        },
    }


def _build_job_spec(job: application.Job, template: dict[str, Any]) -> dict[str, Any]:
    evicted = {"action": EVICTION_ACTION, "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    return {
        "backoffLimit": job.backoff_limit,
        "activeDeadlineSeconds": job.timeout,
        "podReplacementPolicy": POD_REPLACEMENT_POLICY,
        "podFailurePolicy": {"rules": [evicted]},
        "template": template,
    }
