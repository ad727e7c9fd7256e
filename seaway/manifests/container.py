"""One container of a pod, closed by default. https://kubernetes.io/docs/concepts/security/pod-security-standards/"""

import dataclasses
from typing import Annotated, Any

from seaway.manifests import availability, network, probes, resources, secrets, volumes
from seaway.model import application
from seaway.syntax.field_help import Doc, Why

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
    """What a container takes from outside its own description."""

    image: Any
    env: dict[str, str]
    config_map: str | None
    secret: str | None
    """That of the whole pod."""


def container(each: application.Container, name: str, parts: Parts, mounts: list[dict[str, Any]]) -> dict[str, Any]:
    """The main container of a service, a store or a job."""
    made = _process(each, name, parts)
    if ports := network.listening(each):
        made["ports"] = ports
    made["resources"] = resources.resources(each.resources)
    if isinstance(each, application.Service | application.Store):
        main = next((one for one in network.ports(each) if one.name == network.PORT_NAME), None)
        made |= probes.probes(each.health, main)
    if isinstance(each, application.Service) and drains(each) and each.drain:
        made["lifecycle"] = availability.farewell(each.drain)
    return made | {"securityContext": security(each), "volumeMounts": mounts}


def sidecar(
    each: application.Container, one: application.Companion, parts: Parts, mounts: list[dict[str, Any]]
) -> dict[str, Any]:
    """A container that starts before the main one, and is ended after it.

    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
    """
    made = _process(one, one.name, parts) | {"restartPolicy": "Always"}
    if one.port is not None:
        made["ports"] = [{"containerPort": one.port, "protocol": "TCP"}]
    made["resources"] = resources.resources(one.resources)
    if one.health is not None or one.port is not None:
        # By number: names of ports are those of the main container, which the Service asks for.
        port = None if one.port is None else application.Port("", port=one.port)
        made |= probes.probes(one.health or application.Health(), port)
    return made | {"securityContext": _of_companion(each, one), "volumeMounts": mounts}


def init(
    each: application.Container, one: application.Companion, parts: Parts, mounts: list[dict[str, Any]]
) -> dict[str, Any]:
    """A container that must end well before the main one starts."""
    made = _process(one, one.name, parts) | {"resources": resources.resources(one.resources)}
    return made | {"securityContext": _of_companion(each, one), "volumeMounts": mounts}


def _process(one: application.Process, name: str, parts: Parts) -> dict[str, Any]:
    """What every container begins with."""
    made: dict[str, Any] = {
        "name": name,
        "image": parts.image,
        "imagePullPolicy": PULL,
        "terminationMessagePolicy": LAST_WORDS,
    }
    if one.command:
        made["command"] = list(one.command)
    if one.args:
        made["args"] = list(one.args)
    if one.working_dir is not None:
        made["workingDir"] = one.working_dir
    if env := _env(one, parts):
        made["env"] = env
    return made


def _of_companion(each: application.Container, one: application.Companion) -> dict[str, Any]:
    """As closed as the main container; another image may have another user."""
    own = {} if one.user in (each.user, None) else {"runAsUser": one.user, "runAsGroup": one.user}
    return own | security(each, one)


def _env(one: application.Process, parts: Parts) -> list[dict[str, Any]]:
    """Secrets first: a later value may then use one, as in ``postgres://user:$(PASSWORD)@db``.

    https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
    """
    return secrets.variables(one.secrets, parts.secret) + [
        {"name": key, "value": parts.env[key]} for key in sorted(parts.env)
    ]


def drains(each: application.Container) -> bool:
    """Does it wait before its end, until nobody sends it requests?"""
    return isinstance(each, application.Service) and bool(network.ports(each))


def security(each: application.Container, one: application.Process | None = None) -> dict[str, Any]:
    """What the process may do; ``one``: that of a companion."""
    context: dict[str, Any] = {"readOnlyRootFilesystem": volumes.ROOT not in (one or each).writable}
    if each.security == "restricted":
        context |= {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return context
