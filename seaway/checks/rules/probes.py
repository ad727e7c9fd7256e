"""Startup, liveness and readiness probes."""

from typing import Any

from seaway.checks import check, check_context
from seaway.model.defaults import image_profiles

_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


@check.for_containers("PRB-01", "A container with a port has a readiness probe", check.STRICT_FOR_RELEASES)
def readiness_probe(container: check_context.Container) -> check_context.Findings:
    """Without it, a pod that is still starting receives requests and fails them, at each rollout."""
    has_port = container.spec_key == "containers" and container.manifest.get("ports")
    if has_port and "readinessProbe" not in container.manifest:
        yield container.make_finding("readinessProbe", "is not set", _suggest_probe(container, "readiness", "/readyz"))


@check.for_containers(
    "PRB-02",
    "A container with a port has a liveness probe that differs from its readiness probe",
    check.warn_everywhere("one probe is enough for a program that needs no other service to answer"),
)
def liveness_probe(container: check_context.Container) -> check_context.Findings:
    """Readiness covers the dependencies of a program, liveness the process alone: when a database is down for a minute,
    pods must not receive requests, but must not be restarted either."""
    liveness = container.manifest.get("livenessProbe")
    readiness = container.manifest.get("readinessProbe", {})
    if liveness is None:
        if container.spec_key == "containers" and container.manifest.get("ports"):
            yield container.make_finding(
                "livenessProbe", "is not set", _suggest_probe(container, "liveness", "/healthz")
            )
        return
    # A TCP connection involves no dependency, so both probes may use it.
    for key in ("httpGet", "exec"):
        if key in liveness and liveness[key] == readiness.get(key):
            action = liveness[key]["path"] if key == "httpGet" else " ".join(liveness[key]["command"])
            message = f"equals the readiness probe ({action}): a long outage of a dependency restarts every pod"
            health = container.get_model_path("health")
            hint = f"write {health} as {{readiness: ..., liveness: ...}}; liveness checks the process alone"
            yield container.make_finding("livenessProbe", message, hint)


@check.for_containers("PRB-03", "A slow start is not treated as a failure", check.CANNOT_WORK)
def startup_budget(container: check_context.Container) -> check_context.Findings:
    """A liveness probe that begins before the program is up restarts it again and again."""
    health = getattr(container.container_spec, "health", None)
    if health is None or "livenessProbe" not in container.manifest:
        return
    probe = next(key for key in _PROBES if key in container.manifest)
    seconds = _compute_startup_seconds(container.manifest[probe])
    if seconds < health.start_period:
        start_period = container.get_model_path("health.startPeriod")
        message = f"fails a start after {seconds} s, but {start_period} is {health.start_period} s"
        yield container.make_finding(probe, message, "raise startupProbe.failureThreshold to cover it")


@check.for_containers("PRB-04", "Probes use a port of the container", check.CANNOT_WORK)
def probe_port(container: check_context.Container) -> check_context.Findings:
    """A probe of another port never succeeds, and the pod is restarted forever."""
    ports = [key for port in container.manifest.get("ports", []) for key in (port.get("name"), port["containerPort"])]
    for probe in _PROBES:
        for key in ("httpGet", "tcpSocket", "grpc"):
            port = container.manifest.get(probe, {}).get(key, {}).get("port")
            if port is not None and port not in ports:
                hint = f"use the port of {container.get_model_path('port')}"
                yield container.make_finding(f"{probe}.{key}.port", f"the container has no port {port}", hint)


@check.for_containers(
    "PRB-05",
    "A known image has the port that it listens on",
    check.warn_everywhere("the port may be configured in a way that Seaway cannot see"),
)
def image_port(container: check_context.Container) -> check_context.Findings:
    """Another port never answers: the pod never becomes ready, and the rollout fails at its deadline."""
    known_ports = image_profiles.get_ports(container.container_spec) if container.container_spec else ()
    ports = [port["containerPort"] for port in container.manifest.get("ports", [])]
    if known_ports and ports and not set(known_ports) & set(ports):
        message = f"is {ports[0]}, but the image listens on {known_ports[0]}"
        hint = f"set {container.get_model_path('port')} to {known_ports[0]}"
        yield container.make_finding("ports[0].containerPort", message, hint)


def _suggest_probe(container: check_context.Container, probe: str, path: str) -> str:
    """A hint with a path, or with a command if the container has no main TCP port."""
    spec = container.container_spec
    has_tcp_port = getattr(spec, "port", None) is not None and getattr(spec, "protocol", "tcp") != "udp"
    example = path if has_tcp_port else "[program, argument]"
    return f"set {container.get_model_path(f'health.{probe}')}, for example to {example}"


def _compute_startup_seconds(probe: dict[str, Any]) -> int:
    """Seconds after which a start has failed.

    https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/#probe-v1-core
    """
    return probe.get("initialDelaySeconds", 0) + probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3)
