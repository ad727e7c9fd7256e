"""Keys of Docker Compose and Kubernetes, and the keys that have their meaning here. The decoder suggests them.

A snake_case form of an own key (``stop_grace_period``) needs no row.
"""

from collections.abc import Collection, Mapping, Sequence

_MEANINGS: Mapping[str, Sequence[str]] = {
    # Docker Compose: https://docs.docker.com/reference/compose-file/services/
    "environment": ["env"],
    "depends_on": ["calls", "dependsOn"],
    "links": ["calls"],
    "healthcheck": ["health"],
    "test": ["readiness"],
    "entrypoint": ["command"],
    "cmd": ["command"],
    "working_dir": ["workingDir"],
    "configs": ["files"],
    "volumes": ["volume", "sharedVolumes"],
    "tmpfs": ["writable"],
    "deploy": ["scale", "resources"],
    "cpus": ["cpuLimit", "resources"],
    "mem_limit": ["memory", "resources"],
    "networks": ["calls", "egress"],
    "extends": ["uses"],
    "image_name": ["image"],
    # Kubernetes: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/
    "replicas": ["scale"],
    "autoscaling": ["scale"],
    "minReplicas": ["min"],
    "maxReplicas": ["max"],
    "containerPort": ["port"],
    "targetPort": ["port"],
    "livenessProbe": ["liveness", "health"],
    "readinessProbe": ["readiness", "health"],
    "startupProbe": ["startPeriod", "health"],
    "httpGet": ["readiness"],
    "path": ["readiness"],
    "periodSeconds": ["interval"],
    "timeoutSeconds": ["timeout"],
    "failureThreshold": ["retries"],
    "terminationGracePeriodSeconds": ["stopGracePeriod"],
    "priorityClassName": ["priorityClass"],
    "initContainers": ["init"],
    "containers": ["sidecars"],
    "configMap": ["files"],
    "volumeMounts": ["volume", "sharedVolumes"],
    "mountPath": ["path"],
    "storage": ["size", "volume"],
    "storageClassName": ["storageClass"],
    "requests": ["cpu", "memory", "resources"],
    "limits": ["cpuLimit", "memory", "resources"],
    "securityContext": ["security", "user"],
    "runAsUser": ["user"],
    "affinity": ["nodeSelector", "spread"],
    "ingress": ["publish"],
    "serviceAccountName": ["kubernetesApi"],
    "activeDeadlineSeconds": ["timeout"],
    "cron": ["schedule"],
    "deployments": ["services"],
    "databases": ["stores"],
    "cronjobs": ["jobs"],
}

NEEDLESS: Mapping[str, str] = {
    "restart": "Kubernetes restarts containers that end",
    "restartPolicy": "Kubernetes restarts containers that end",
    "container_name": "its name is the key above it",
    "hostname": "its name is the key above it",
    "version": "the file has no version",
    "apiVersion": "the file is not a manifest",
    "kind": "the file is not a manifest",
}
"""Keys that have no meaning here, each with the reason."""


def find_meanings(key: str, keys: Collection[str]) -> list[str]:
    """The keys with the meaning of ``key`` in a mapping that has ``keys``; empty: none is known."""
    first, *rest = key.split("_")
    camel_case = first + "".join(word.capitalize() for word in rest)
    meanings = _MEANINGS.get(key) or _MEANINGS.get(camel_case) or [camel_case]
    return [meaning for meaning in meanings if meaning in keys]
