"""How the cluster asks a container whether it is well."""

from typing import Any

from seaway.checks import check, check_context
from seaway.model.defaults import image_profiles

_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


@check.for_containers("PRB-01", "What takes requests is asked whether it is ready", check.STRICT_FOR_RELEASES)
def readiness_probe(container: check_context.Container) -> check_context.Findings:
    """A pod that is still starting would get requests and fail them, at each rollout."""
    if (
        container.spec_key == "containers"
        and container.manifest.get("ports")
        and "readinessProbe" not in container.manifest
    ):
        yield container.make_finding("readinessProbe", "is not set", _suggest_probe(container, "readiness", "/readyz"))


@check.for_containers(
    "PRB-02",
    "What takes requests is asked whether it lives, and not the same as whether it is ready",
    check.warn_everywhere("one question will do for a program that asks nobody else before it answers"),
)
def liveness_probe(container: check_context.Container) -> check_context.Findings:
    """Ready asks what stands behind the program, live asks it alone: a database that is away for a minute must take the
    pods out of service, and must not restart every one of them."""
    live, also = container.manifest.get("livenessProbe"), container.manifest.get("readinessProbe", {})
    remedy = _suggest_probe(container, "liveness", "/healthz")
    if live is None:
        if container.spec_key == "containers" and container.manifest.get("ports"):
            yield container.make_finding("livenessProbe", "is not set", remedy)
        return
    # A connection to the port asks nobody else.
    asked = {key: live[key] for key in ("httpGet", "exec") if key in live and live[key] == also.get(key)}
    for key, ask in asked.items():
        shown = ask["path"] if key == "httpGet" else " ".join(ask["command"])
        wrong = f"asks the same as the readiness probe ({shown}): where that says no for long, every pod is restarted"
        remedy = f"write {container.get_model_path('health')} as {{ready: ..., live: ...}}; live asks the process and nothing else"
        yield container.make_finding("livenessProbe", wrong, remedy)


@check.for_containers("PRB-03", "A slow start is not taken for a failure", check.CANNOT_WORK)
def startup_budget(container: check_context.Container) -> check_context.Findings:
    """A liveness probe that begins before the program is up restarts it again and again."""
    health = getattr(container.container_spec, "health", None)
    if health is None or "livenessProbe" not in container.manifest:
        return
    probe = next(key for key in _PROBES if key in container.manifest)
    seconds = _compute_startup_seconds(container.manifest[probe])
    if seconds < health.start_period:
        wrong = (
            f"gives a start {seconds} s, and {container.get_model_path('health.startPeriod')} {health.start_period} s"
        )
        yield container.make_finding(probe, wrong, "set startupProbe.failureThreshold so that it is as long")


@check.for_containers("PRB-04", "Probes ask a port that the container has", check.CANNOT_WORK)
def probe_port(container: check_context.Container) -> check_context.Findings:
    """A probe of another port never succeeds, and the pod is restarted for ever."""
    there = [value for one in container.manifest.get("ports", []) for value in (one.get("name"), one["containerPort"])]
    for probe in _PROBES:
        for key in ("httpGet", "tcpSocket", "grpc"):
            asked = container.manifest.get(probe, {}).get(key, {}).get("port")
            if asked is not None and asked not in there:
                remedy = f"write the port of {container.get_model_path('port')}"
                yield container.make_finding(f"{probe}.{key}.port", f"the container has no port {asked}", remedy)


@check.for_containers(
    "PRB-05",
    "A known image has the port that it listens on",
    check.warn_everywhere("it may have been told another one in a way that is not seen here"),
)
def image_port(container: check_context.Container) -> check_context.Findings:
    """Nobody answers on another one: the pod is never ready, and the rollout fails at its deadline."""
    ports = image_profiles.get_ports(container.container_spec) if container.container_spec else ()
    there = [one["containerPort"] for one in container.manifest.get("ports", [])]
    if ports and there and not set(ports) & set(there):
        wrong = f"{there[0]} is not where the image listens, which is {ports[0]}"
        yield container.make_finding(
            "ports[0].containerPort", wrong, f"write {container.get_model_path('port')}: {ports[0]}"
        )


def _suggest_probe(container: check_context.Container, question: str, path: str) -> str:
    """Where no connection is made to a main port, only a command can ask."""
    one = container.container_spec
    over = getattr(one, "port", None) is not None and getattr(one, "protocol", "tcp") != "udp"
    return f"say it in {container.get_model_path(f'health.{question}')}, as {path if over else '[program, argument]'}"


def _compute_startup_seconds(probe: dict[str, Any]) -> int:
    """Seconds after which a start has failed.

    https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/#probe-v1-core
    """
    return probe.get("initialDelaySeconds", 0) + probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3)
