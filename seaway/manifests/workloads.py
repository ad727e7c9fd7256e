"""What runs the pods: Deployment, StatefulSet, Job; and how long each may take to become healthy."""

from typing import Annotated, Any

from seaway.manifests import names, volumes
from seaway.model import application, settings
from seaway.model.describe import Doc, Why

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

TRIES: Annotated[
    int,
    Doc("tries of a job after the first one"),
    Why("what failed by chance passes the second time; what fails twice is broken"),
] = 1

RECORDED = {"pulumi.com/waitFor": "jsonpath={.metadata.uid}"}
"""Pulumi goes on as soon as the object is recorded: its health is the Rollout's business. Not `skipAwait`, which would
also not wait for a deletion, and a replaced Deployment would then be patched while it goes away.
https://github.com/pulumi/pulumi-kubernetes/issues/3154"""


def deadline(each: application.Service | application.Store | application.Job, stack: settings.Settings) -> int:
    """Seconds that a rollout of it may take; then what could still heal has failed too."""
    if isinstance(each, application.Job):
        return each.timeout + SLACK
    return max(stack.rollout_timeout, each.health.startup + SLACK)


def version(manifest: dict[str, Any], content: str) -> str:
    """What stands for the whole spec: another version is another rollout. Known in a preview, as a Job's name is."""
    spec = manifest["spec"]
    template = spec["template"]
    return names.digest(spec | {"template": template | {"spec": _known(template["spec"], content)}})


def _known(pods: dict[str, Any], content: str) -> dict[str, Any]:
    """A pod's spec with ``content`` in place of the image: the digest is known after the build only."""
    return pods | {"containers": [container | {"image": content} for container in pods["containers"]]}


def deployment(
    scope: names.Scope, each: application.Service, template: dict[str, Any], stack: settings.Settings
) -> dict[str, Any]:
    """A service: old pods go only as new ones are ready, so the capacity never falls below the scale."""
    asked = all("readinessProbe" in container for container in template["spec"]["containers"])
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": names.metadata(scope, each.name, annotations=RECORDED),
        "spec": {
            "replicas": each.scale.min,
            **({} if asked else {"minReadySeconds": UNASKED}),
            "revisionHistoryLimit": HISTORY,
            "progressDeadlineSeconds": deadline(each, stack),
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
            "selector": {"matchLabels": names.selector(scope, each.name)},
            "template": template,
        },
    }


def stateful_set(scope: names.Scope, store: application.Store, template: dict[str, Any]) -> dict[str, Any]:
    """A store: one pod with a stable name, and a disk that stays whatever happens to the pod or to the set.

    Its policy, history, service name and claims cannot be changed later without deleting the set:
    they are written once, here.
    """
    claim = {
        "metadata": {"name": volumes.VOLUME},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": store.volume.size}}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": names.metadata(
            scope, names.cut(store.name, names.STATEFUL_SET_LIMIT), of=store.name, annotations=RECORDED
        ),
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": HISTORY,
            "podManagementPolicy": "Parallel",
            "serviceName": store.name,
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
            "selector": {"matchLabels": names.selector(scope, store.name)},
            "template": template,
            "volumeClaimTemplates": [claim],
        },
    }


def job(scope: names.Scope, each: application.Job, template: dict[str, Any], content: str) -> dict[str, Any]:
    """A job before the rollout. Kubernetes never changes a Job's pod template, so another template is another Job.

    The name is a hash of it with ``content`` in place of the image: the digest is not known in a preview, and a
    rebuild of the same source must not run a migration again. Without a time to live: a Job that deleted itself
    would run once more with the next refresh.
    """
    suffix = names.digest(_known(template["spec"], content))
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": names.metadata(
            scope,
            f"{names.cut(each.name, names.LABEL_LIMIT - len(suffix) - 1)}-{suffix}",
            of=each.name,
            annotations=RECORDED,
        ),
        "spec": {
            "backoffLimit": TRIES,
            "activeDeadlineSeconds": each.timeout,
            "template": template,
        },
    }
