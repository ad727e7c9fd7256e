"""One container of a pod, closed by default. https://kubernetes.io/docs/concepts/security/pod-security-standards/"""

import dataclasses
from typing import Annotated, Any

from seaway.manifests import availability, network, probes, resources
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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a pod takes from outside its own description."""

    image: Any
    env: dict[str, str]
    config_map: str | None
    secret: str | None


def container(each: application.Container, name: str, parts: Parts, mounts: list[dict[str, Any]]) -> dict[str, Any]:
    """The main container of a service, a store or a job."""
    made: dict[str, Any] = {
        "name": name,
        "image": parts.image,
        "imagePullPolicy": PULL,
        "terminationMessagePolicy": LAST_WORDS,
    }
    if each.command:
        made["command"] = list(each.command)
    if each.args:
        made["args"] = list(each.args)
    if env := _env(each, parts):
        made["env"] = env
    if isinstance(each, application.Service | application.Store) and each.port is not None:
        made["ports"] = [{"name": network.PORT_NAME, "containerPort": each.port, "protocol": "TCP"}]
    made["resources"] = resources.resources(each.resources)
    made |= probes.probes(each)
    if drains(each):
        made["lifecycle"] = availability.farewell()
    return made | {"securityContext": security(each), "volumeMounts": mounts}


def _env(each: application.Container, parts: Parts) -> list[dict[str, Any]]:
    """Secrets first: a later value may then use one, as in ``postgres://user:$(PASSWORD)@db``.

    https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
    """
    secrets = [
        {"name": key, "valueFrom": {"secretKeyRef": {"name": parts.secret, "key": key}}}
        for key in sorted({secret.name for secret in each.secrets})
    ]
    return secrets + [{"name": key, "value": parts.env[key]} for key in sorted(parts.env)]


def drains(each: application.Container) -> bool:
    """Does it wait before its end, until nobody sends it requests?"""
    return isinstance(each, application.Service) and each.port is not None


def security(each: application.Container) -> dict[str, Any]:
    """What the process may do."""
    context: dict[str, Any] = {"readOnlyRootFilesystem": True}
    if each.security == "restricted":
        context |= {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return context
