"""The probes of a container.

https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
"""

from typing import Annotated, Any

from seaway.manifests import network
from seaway.model import application
from seaway.syntax.field_help import Help, Rationale

STARTUP_PERIOD_SECONDS: Annotated[
    int,
    Help("seconds between two startup probes"),
    Rationale("a pod receives requests within a second after its start"),
] = 1


def build_probes(container_spec: application.ContainerSpec) -> dict[str, Any]:
    """The probes of a container. The startup probe is the liveness probe: a pod that waits for its database must not be
    restarted.
    """
    if not isinstance(container_spec, application.ServiceOrStore | application.ExtraContainer):
        return {}
    health = container_spec.health or application.Health()
    port = network.get_main_port(container_spec)
    probes: dict[str, Any] = {}
    if liveness := _build_handler(health.liveness, port):
        probes["startupProbe"] = liveness | {
            "periodSeconds": STARTUP_PERIOD_SECONDS,
            "timeoutSeconds": 3,
            "failureThreshold": health.start_period,
        }
        probes["livenessProbe"] = liveness | {"periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3}
    if readiness := _build_handler(health.readiness, port):
        probes["readinessProbe"] = readiness | {
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
    port_key = port.name or port.port
    match (action or "tcp").partition(":"):
        case "tcp", _, _:
            return {"tcpSocket": {"port": port_key}}
        case "grpc", "", _:
            return {"grpc": {"port": port.port}}
        case "grpc", _, service:
            return {"grpc": {"port": port.port, "service": service}}
        case _:
            return {"httpGet": {"path": action, "port": port_key}}
