"""How the kubelet asks a container whether it is well.

https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
"""

from typing import Annotated, Any

from seaway.manifests import network
from seaway.model import application
from seaway.model.describe import Doc, Why

START: Annotated[
    int,
    Doc("seconds between two questions to a program that starts"),
    Why("a pod gets its first request a second after it can answer"),
] = 1


def probes(each: application.Container) -> dict[str, Any]:
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
