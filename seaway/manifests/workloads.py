"""What runs the pods: Deployment, StatefulSet, Job."""

import copy
from typing import Any

from seaway.manifests import names, pod
from seaway.model import application, settings

HISTORY = 3
"""Old versions that `kubectl rollout undo` finds. A rollback proper deploys an earlier release."""


def deployment(
    scope: names.Scope, each: application.Service, template: dict[str, Any], stack: settings.Settings
) -> dict[str, Any]:
    """A service: old pods go only as new ones are ready, so the capacity never falls below the scale."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": names.metadata(scope, each.name),
        "spec": {
            "replicas": each.scale.min,
            "revisionHistoryLimit": HISTORY,
            "progressDeadlineSeconds": stack.rollout_timeout,
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
        "metadata": {"name": pod.VOLUME},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": store.volume.size}}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": names.metadata(scope, names.cut(store.name, names.STATEFUL_SET_LIMIT), of=store.name),
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


def job(
    scope: names.Scope, each: application.Job, template: dict[str, Any], content: str, stack: settings.Settings
) -> dict[str, Any]:
    """A job before the rollout. Kubernetes never changes a Job's pod template, so another template is another Job.

    The name is a hash of it with ``content`` in place of the image: the digest is not known in a preview, and a
    rebuild of the same source must not run a migration again. Without a time to live: a Job that deleted itself
    would run once more with the next refresh.
    """
    hashed = copy.copy(template["spec"])
    hashed["containers"] = [container | {"image": content} for container in hashed["containers"]]
    suffix = names.digest(hashed)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": names.metadata(
            scope,
            f"{names.cut(each.name, names.LABEL_LIMIT - len(suffix) - 1)}-{suffix}",
            of=each.name,
            # A failed Job cannot be tried again in place: the next run replaces it.
            annotations={"pulumi.com/replaceUnready": "true"},
        ),
        "spec": {
            "backoffLimit": 1,
            "activeDeadlineSeconds": stack.rollout_timeout,
            "template": template,
        },
    }
