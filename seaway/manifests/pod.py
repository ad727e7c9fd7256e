"""The pod template: one container, closed by default. https://kubernetes.io/docs/concepts/security/pod-security-standards/"""

import dataclasses
from typing import Annotated, Any

from seaway.manifests import availability, config, names, network
from seaway.model import application
from seaway.model.describe import Doc, Why

PULL: Annotated[
    str,
    Doc("when the image is pulled"),
    Why("what is built is referred to by digest: the node's copy is the same, and a restart needs no registry"),
] = "IfNotPresent"

LAST_WORDS: Annotated[
    str,
    Doc("where the reason of an end is taken from"),
    Why("the last words of a program that failed stand in the pod's status: a rollout tells them within a second"),
] = "FallbackToLogsOnError"

SERVICE_LINKS: Annotated[
    bool,
    Doc("variables for every Service of the namespace"),
    Why("they would collide with those of the links: API_PORT=tcp://10.0.0.7:80"),
] = False

GROUP_CHANGE: Annotated[
    str,
    Doc("when the files of a volume are given to the group"),
    Why("a large volume that is the group's already is not walked at each start"),
] = "OnRootMismatch"

AGAIN: Annotated[
    str,
    Doc("what comes after a failed try of a job"),
    Why("a new pod: the old one and its log stay readable"),
] = "Never"

SCRATCH: Annotated[
    str,
    Doc("most that a writable folder takes before the pod is evicted"),
    Why("a leak ends one pod, not the node's disk"),
] = "256Mi"

DISK_REQUEST = "64Mi"
DISK_LIMIT = "1Gi"
"""Logs and writable folders together."""

START: Annotated[
    int,
    Doc("seconds between two questions to a program that starts"),
    Why("a pod gets its first request a second after it can answer"),
] = 1

UNPRIVILEGED_PORTS = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
"""Lets a user that is not root listen below 1024, as Docker does; a safe sysctl, allowed under `restricted`."""

VOLUME = "data"
"""Name of a store's volume and of its claim."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a pod takes from outside its own description."""

    image: Any
    env: dict[str, str]
    config_map: str | None
    secret: str | None


def template(scope: names.Scope, each: application.Container, name: str, parts: Parts) -> dict[str, Any]:
    """The pods of a service, a store or a job."""
    container: dict[str, Any] = {
        "name": name,
        "image": parts.image,
        "imagePullPolicy": PULL,
        "terminationMessagePolicy": LAST_WORDS,
    }
    if each.command:
        container["command"] = list(each.command)
    if each.args:
        container["args"] = list(each.args)
    if env := _env(each, parts):
        container["env"] = env
    if isinstance(each, application.Service | application.Store) and each.port is not None:
        container["ports"] = [{"name": network.PORT_NAME, "containerPort": each.port, "protocol": "TCP"}]
    container["resources"] = _resources(each.resources)
    container |= _probes(each)
    if _drains(each):
        container["lifecycle"] = availability.farewell()
    volumes, mounts = _volumes(each, parts.config_map)
    container["securityContext"] = _container_security(each)
    container["volumeMounts"] = mounts
    spec: dict[str, Any] = {
        "serviceAccountName": name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": SERVICE_LINKS,
        "securityContext": _pod_security(each),
        "terminationGracePeriodSeconds": _grace(each),
    }
    if isinstance(each, application.Service):
        spec["topologySpreadConstraints"] = availability.spread(scope, name)
    if isinstance(each, application.Job):
        spec["restartPolicy"] = AGAIN
    spec |= {"containers": [container], "volumes": volumes}
    return {"metadata": {"labels": names.labels(scope, name)}, "spec": spec}


def _env(each: application.Container, parts: Parts) -> list[dict[str, Any]]:
    """Secrets first: a later value may then use one, as in ``postgres://user:$(PASSWORD)@db``.

    https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
    """
    secrets = [
        {"name": key, "valueFrom": {"secretKeyRef": {"name": parts.secret, "key": key}}}
        for key in sorted({secret.name for secret in each.secrets})
    ]
    return secrets + [{"name": key, "value": parts.env[key]} for key in sorted(parts.env)]


def _resources(asked: application.Resources) -> dict[str, Any]:
    return {
        "requests": {"cpu": asked.cpu, "memory": asked.memory, "ephemeral-storage": DISK_REQUEST},
        "limits": {"memory": asked.memory, "ephemeral-storage": DISK_LIMIT},
    }


def _probes(each: application.Container) -> dict[str, Any]:
    """The start is asked the shallow question: a pod that waits for its database must not be restarted for it."""
    if not isinstance(each, application.Service | application.Store):
        return {}
    probes: dict[str, Any] = {}
    if live := _question(each.health.live, each.port):
        probes["startupProbe"] = live | {
            "periodSeconds": START,
            "timeoutSeconds": 3,
            "failureThreshold": each.health.startup,
        }
        probes["livenessProbe"] = live | {"periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3}
    if ready := _question(each.health.ready, each.port):
        probes["readinessProbe"] = ready | {"periodSeconds": 2, "timeoutSeconds": 3, "failureThreshold": 3}
    return probes


def _question(ask: str | tuple[str, ...] | None, port: int | None) -> dict[str, Any] | None:
    match ask:
        case str():
            return {"httpGet": {"path": ask, "port": network.PORT_NAME}}
        case tuple():
            return {"exec": {"command": list(ask)}}
        case None:
            return None if port is None else {"tcpSocket": {"port": network.PORT_NAME}}


def _drains(each: application.Container) -> bool:
    return isinstance(each, application.Service) and each.port is not None


def _grace(each: application.Container) -> int:
    if isinstance(each, application.Store):
        return availability.STORE_GRACE
    return availability.GRACE + (availability.DRAIN if _drains(each) else 0)


def _pod_security(each: application.Container) -> dict[str, Any]:
    context: dict[str, Any] = {
        "runAsUser": each.user,
        "runAsGroup": each.user,
        "fsGroup": each.user,
        "fsGroupChangePolicy": GROUP_CHANGE,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if each.security == "restricted":
        context["runAsNonRoot"] = True
    if _needs_low_port(each):
        context["sysctls"] = [dict(UNPRIVILEGED_PORTS)]
    return context


def _needs_low_port(each: application.Container) -> bool:
    return isinstance(each, application.Service | application.Store) and each.port is not None and each.port < 1024


def _container_security(each: application.Container) -> dict[str, Any]:
    context: dict[str, Any] = {"readOnlyRootFilesystem": True}
    if each.security == "restricted":
        context |= {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return context


def _volumes(each: application.Container, config_map: str | None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Volumes and mounts. A store's own volume comes from its claim template, so only its mount is here."""
    volumes: list[dict[str, Any]] = []
    mounts: list[dict[str, Any]] = []
    for path in sorted({"/tmp", *each.writable}):  # noqa: S108 - a path in the container, empty at each start
        name = names.cut(f"writable-{names.slug(path)}")
        volumes.append({"name": name, "emptyDir": {"sizeLimit": SCRATCH}})
        mounts.append({"name": name, "mountPath": path})
    if config_map is not None:
        volumes.append({"name": "config", "configMap": {"name": config_map}})
        # Single files (subPath) leave the rest of the folder as the image has it. They are never updated in place,
        # and need not be: a changed file is another ConfigMap.
        mounts += [
            {"name": "config", "mountPath": file.path, "subPath": config.file_key(file.path), "readOnly": True}
            for file in sorted(each.files, key=lambda each: each.path)
        ]
    if isinstance(each, application.Store):
        mounts.append({"name": VOLUME, "mountPath": each.volume.path})
    return volumes, mounts
