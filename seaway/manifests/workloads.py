"""Deployments, DaemonSets, StatefulSets, Jobs and CronJobs, and the deadlines of their rollouts."""

from collections.abc import Mapping
from typing import Annotated, Any

from seaway.manifests import ingress, names, scaling
from seaway.model import application, volumes
from seaway.project import environments
from seaway.syntax import hashing
from seaway.syntax.field_help import Help, Rationale

REVISION_HISTORY_LIMIT: Annotated[
    int,
    Help("old versions that `kubectl rollout undo` can restore"),
    Rationale("for an emergency by hand; a proper rollback deploys an earlier release"),
] = 3

SCHEDULING_SECONDS = 60
"""Seconds before a container starts: the pod is scheduled, and its image is pulled."""

MIN_READY_SECONDS: Annotated[
    int,
    Help("seconds that a pod without a readiness probe must run before it counts as available"),
    Rationale("it is ready at once, so a program that exits immediately would count as healthy"),
] = 5

POD_REPLACEMENT_POLICY: Annotated[
    str,
    Help("when a retry of a job starts: when the failed pod has ended"),
    Rationale("a migration must not run beside the previous one that is still ending"),
] = "Failed"

EVICTION_ACTION: Annotated[
    str,
    Help("a pod that a node drain evicted does not count as a failed attempt"),
    Rationale("the program did not fail"),
] = "Ignore"
"""https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy"""

NEVER_SCHEDULE = "0 0 31 2 *"
"""For a CronJob that is only started by hand: February has no 31st, and the CronJob is suspended too."""

CRON_JOB_NAME_LIMIT = 52
"""The names of its jobs have 11 more characters.
https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#writing-a-cronjob-spec"""

RUN_ANNOTATION, AFTER_ROLLOUT = "seaway/run", "after-rollout"
"""An annotation of a job that runs after the services: the object alone does not show it otherwise."""

WAIT_UNTIL_RECORDED = {"pulumi.com/waitFor": "jsonpath={.metadata.uid}"}
"""Pulumi waits until the object is recorded; the Rollout waits for its health. Not `skipAwait`: it would also skip the
wait for a deletion, and a replaced Deployment would then be patched while it is being deleted.
https://github.com/pulumi/pulumi-kubernetes/issues/3154"""


def compute_deadline(environment: environments.Environment, workload: application.AnyWorkload) -> int:
    """Seconds that its rollout may take."""
    if isinstance(workload, application.Job):
        return workload.timeout + SCHEDULING_SECONDS
    return max(environment.settings.rollout_timeout, workload.health.start_period + SCHEDULING_SECONDS)


def hash_spec(manifest: dict[str, Any], contents: Mapping[str, str]) -> str:
    """The hash of the whole spec: another version is another rollout. A preview knows it, as the name of a Job."""
    spec = manifest["spec"]
    pod_spec = _replace_images(spec["template"], contents)
    return hashing.hash_content(spec | {"template": spec["template"] | {"spec": pod_spec}})


def _replace_images(template: dict[str, Any], contents: Mapping[str, str]) -> dict[str, Any]:
    """The pod spec with ``contents`` in place of the images, by container: digests are unknown before the build."""
    pod_spec = template["spec"]
    return pod_spec | {
        key: [
            container | ({"image": contents[container["name"]]} if container["name"] in contents else {})
            for container in pod_spec[key]
        ]
        for key in ("initContainers", "containers")
        if key in pod_spec
    }


def build_deployment(
    environment: environments.Environment, workload: application.Service, template: dict[str, Any]
) -> dict[str, Any]:
    """A service: old pods stop only as new ones become ready, so the capacity never falls below the scale."""
    annotations = (
        WAIT_UNTIL_RECORDED
        | scaling.build_scale_annotation(workload)
        | ingress.build_url_annotation(environment, workload)
    )
    return names.build_object(environment, "Deployment", workload.name, annotations=annotations) | {
        "spec": {
            "replicas": workload.scale.min,
            **_build_min_ready_seconds(template),
            "revisionHistoryLimit": REVISION_HISTORY_LIMIT,
            "progressDeadlineSeconds": compute_deadline(environment, workload),
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
            "selector": names.build_selector(environment, workload.name),
            "template": template,
        }
    }


def build_daemon_set(
    environment: environments.Environment, workload: application.Service, template: dict[str, Any]
) -> dict[str, Any]:
    """A service with one pod on every node: on each node the old pod stops when the new one is ready.

    https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/
    """
    annotations = WAIT_UNTIL_RECORDED | ingress.build_url_annotation(environment, workload)
    return names.build_object(environment, "DaemonSet", workload.name, annotations=annotations) | {
        "spec": {
            **_build_min_ready_seconds(template),
            "revisionHistoryLimit": REVISION_HISTORY_LIMIT,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "selector": names.build_selector(environment, workload.name),
            "template": template,
        }
    }


def _build_min_ready_seconds(template: dict[str, Any]) -> dict[str, int]:
    has_probe = all("readinessProbe" in container for container in template["spec"]["containers"])
    return {} if has_probe else {"minReadySeconds": MIN_READY_SECONDS}


def build_stateful_set(
    environment: environments.Environment, workload: application.Store, template: dict[str, Any]
) -> dict[str, Any]:
    """A store has one pod with a stable name, and a volume that outlives the pod and the StatefulSet.

    Its pod management policy, history limit, service name and claims are immutable: to change them, the StatefulSet
    must be deleted.
    """
    name = names.shorten_name(workload.name, names.STATEFUL_SET_NAME_LIMIT)
    annotations = WAIT_UNTIL_RECORDED | ingress.build_url_annotation(environment, workload)
    return names.build_object(environment, "StatefulSet", name, owner=workload.name, annotations=annotations) | {
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": REVISION_HISTORY_LIMIT,
            "podManagementPolicy": "Parallel",
            "serviceName": workload.name,
            "persistentVolumeClaimRetentionPolicy": {
                "whenDeleted": "Retain" if workload.retain else "Delete",
                "whenScaled": "Retain",
            },
            "selector": names.build_selector(environment, workload.name),
            "template": template,
            "volumeClaimTemplates": [
                _build_claim_template(environment, name, volume)
                for name, volume in volumes.list_claims(workload).items()
            ],
        }
    }


def _build_claim_template(
    environment: environments.Environment, name: str, volume: application.Volume
) -> dict[str, Any]:
    storage_class = volume.storage_class or environment.settings.storage_class
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": volume.size}}}
    if storage_class is not None:
        spec["storageClassName"] = storage_class
    return {"metadata": {"name": name}, "spec": spec}


def build_job(
    environment: environments.Environment,
    workload: application.Job,
    template: dict[str, Any],
    contents: Mapping[str, str],
) -> dict[str, Any]:
    """A job of a release. The pod template of a Job is immutable, so another template is another Job.

    Its name has a hash of the template with ``contents`` in place of the images: a preview does not know digests, and a
    rebuild of the same source must not run a migration again. The hash includes `raw`, which may change the template.
    It has no time to live: a Job that deletes itself would run again at the next refresh.
    """
    pod_spec = _replace_images(template, contents)
    suffix = hashing.hash_content([pod_spec, workload.raw["Job"]] if workload.raw.get("Job") else pod_spec)
    name = f"{names.shorten_name(workload.name, names.LABEL_LIMIT - len(suffix) - 1)}-{suffix}"
    annotations = WAIT_UNTIL_RECORDED | ({RUN_ANNOTATION: AFTER_ROLLOUT} if workload.run == AFTER_ROLLOUT else {})
    return names.build_object(environment, "Job", name, owner=workload.name, annotations=annotations) | {
        "spec": _build_job_spec(workload, template)
    }


def build_cron_job(
    environment: environments.Environment, workload: application.Job, template: dict[str, Any]
) -> dict[str, Any]:
    """A job on a schedule; without one, a template to start by hand.

    https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
    """
    name = names.shorten_name(workload.name, CRON_JOB_NAME_LIMIT)
    return names.build_object(environment, "CronJob", name, owner=workload.name, annotations=WAIT_UNTIL_RECORDED) | {
        "spec": {
            "schedule": workload.schedule or NEVER_SCHEDULE,
            "timeZone": workload.time_zone,
            "suspend": workload.schedule is None,
            "startingDeadlineSeconds": workload.starting_deadline,
            "concurrencyPolicy": workload.concurrency_policy.capitalize(),
            "successfulJobsHistoryLimit": workload.history_limit,
            "failedJobsHistoryLimit": workload.history_limit,
            "jobTemplate": {
                "metadata": {"labels": names.build_labels(environment, workload.name)},
                "spec": _build_job_spec(workload, template),
            },
        }
    }


def _build_job_spec(workload: application.Job, template: dict[str, Any]) -> dict[str, Any]:
    on_eviction = {"action": EVICTION_ACTION, "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    return {
        "backoffLimit": workload.backoff_limit,
        "activeDeadlineSeconds": workload.timeout,
        "podReplacementPolicy": POD_REPLACEMENT_POLICY,
        "podFailurePolicy": {"rules": [on_eviction]},
        "template": template,
    }
