"""How the kubelet asks a container whether it is well.

https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
"""

from typing import Annotated, Any

from seaway.model import application
from seaway.syntax.field_help import Help, Rationale

STARTUP_PERIOD_SECONDS: Annotated[
    int,
    Help("seconds between two questions to a program that starts"),
    Rationale("a pod gets its first request a second after it can answer"),
] = 1


def build_probes(health: application.Health, port: application.Port | None) -> dict[str, Any]:
    """The start is asked the shallow question: a pod that waits for its database must not be restarted for it.

    ``port`` is the one that is asked; without a name its number is.
    """
    probes: dict[str, Any] = {}
    if live := _build_handler(health.liveness, port):
        probes["startupProbe"] = live | {
            "periodSeconds": STARTUP_PERIOD_SECONDS,
            "timeoutSeconds": 3,
            "failureThreshold": health.start_period,
        }
        probes["livenessProbe"] = live | {"periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3}
    if ready := _build_handler(health.readiness, port):
        probes["readinessProbe"] = ready | {
            "periodSeconds": health.interval,
            "timeoutSeconds": health.timeout,
            "failureThreshold": health.retries,
        }
    return probes


def _build_handler(action: str | tuple[str, ...] | None, port: application.Port | None) -> dict[str, Any] | None:
    if isinstance(action, tuple):
        return {"exec": {"command": list(action)}}
    if port is None or (action is None and port.protocol == "udp"):
        return None
    called = port.name or port.port
    match (action or "tcp").partition(":"):
        case "tcp", _, _:
            return {"tcpSocket": {"port": called}}
        case "grpc", "", _:
            return {"grpc": {"port": port.port}}
        case "grpc", _, service:
            return {"grpc": {"port": port.port, "service": service}}
        case _:
            return {"httpGet": {"path": action, "port": called}}
