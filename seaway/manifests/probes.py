"""How the kubelet asks a container whether it is well.

https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
"""

from typing import Annotated, Any

from seaway.model import application
from seaway.syntax.field_help import Doc, Why

START: Annotated[
    int,
    Doc("seconds between two questions to a program that starts"),
    Why("a pod gets its first request a second after it can answer"),
] = 1


def probes(health: application.Health, port: application.Port | None) -> dict[str, Any]:
    """The start is asked the shallow question: a pod that waits for its database must not be restarted for it.

    ``port`` is the one that is asked; without a name its number is.
    """
    probes: dict[str, Any] = {}
    if live := _question(health.live, port):
        probes["startupProbe"] = live | {
            "periodSeconds": START,
            "timeoutSeconds": 3,
            "failureThreshold": health.startup,
        }
        probes["livenessProbe"] = live | {"periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3}
    if ready := _question(health.ready, port):
        probes["readinessProbe"] = ready | {
            "periodSeconds": health.every,
            "timeoutSeconds": health.timeout,
            "failureThreshold": health.retries,
        }
    return probes


def _question(ask: str | tuple[str, ...] | None, port: application.Port | None) -> dict[str, Any] | None:
    if isinstance(ask, tuple):
        return {"exec": {"command": list(ask)}}
    if port is None or (ask is None and port.protocol == "udp"):
        return None
    called = port.name or port.port
    match (ask or "tcp").partition(":"):
        case "tcp", _, _:
            return {"tcpSocket": {"port": called}}
        case "grpc", "", _:
            return {"grpc": {"port": port.port}}
        case "grpc", _, service:
            return {"grpc": {"port": port.port, "service": service}}
        case _:
            return {"httpGet": {"path": ask, "port": called}}
