"""How the cluster asks a container whether it is well."""

from typing import Any

from seaway.checks import check, check_context
from seaway.model.defaults import image_profiles

_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


@check.containers("PRB-01", "What takes requests is asked whether it is ready", check.RELEASED)
def ready(each: check_context.Container) -> check_context.Found:
    """A pod that is still starting would get requests and fail them, at each rollout."""
    if each.key == "containers" and each.manifest.get("ports") and "readinessProbe" not in each.manifest:
        yield each.says("readinessProbe", "is not set", _say(each, "ready", "/readyz"))


@check.containers(
    "PRB-02",
    "What takes requests is asked whether it lives, and not the same as whether it is ready",
    check.advice("one question will do for a program that asks nobody else before it answers"),
)
def alive(each: check_context.Container) -> check_context.Found:
    """Ready asks what stands behind the program, live asks it alone: a database that is away for a minute must take the
    pods out of service, and must not restart every one of them."""
    live, also = each.manifest.get("livenessProbe"), each.manifest.get("readinessProbe", {})
    remedy = _say(each, "live", "/healthz")
    if live is None:
        if each.key == "containers" and each.manifest.get("ports"):
            yield each.says("livenessProbe", "is not set", remedy)
        return
    # A connection to the port asks nobody else.
    asked = {key: live[key] for key in ("httpGet", "exec") if key in live and live[key] == also.get(key)}
    for key, ask in asked.items():
        shown = ask["path"] if key == "httpGet" else " ".join(ask["command"])
        wrong = f"asks the same as the readiness probe ({shown}): where that says no for long, every pod is restarted"
        remedy = f"write {each.field('health')} as {{ready: ..., live: ...}}; live asks the process and nothing else"
        yield each.says("livenessProbe", wrong, remedy)


@check.containers("PRB-03", "A slow start is not taken for a failure", check.BROKEN)
def slow(each: check_context.Container) -> check_context.Found:
    """A liveness probe that begins before the program is up restarts it again and again."""
    health = getattr(each.process, "health", None)
    if health is None or "livenessProbe" not in each.manifest:
        return
    probe = next(key for key in _PROBES if key in each.manifest)
    seconds = _budget(each.manifest[probe])
    if seconds < health.startup:
        wrong = f"gives a start {seconds} s, and {each.field('health.startup')} {health.startup} s"
        yield each.says(probe, wrong, "set startupProbe.failureThreshold so that it is as long")


@check.containers("PRB-04", "Probes ask a port that the container has", check.BROKEN)
def port(each: check_context.Container) -> check_context.Found:
    """A probe of another port never succeeds, and the pod is restarted for ever."""
    there = [value for one in each.manifest.get("ports", []) for value in (one.get("name"), one["containerPort"])]
    for probe in _PROBES:
        for key in ("httpGet", "tcpSocket", "grpc"):
            asked = each.manifest.get(probe, {}).get(key, {}).get("port")
            if asked is not None and asked not in there:
                remedy = f"write the port of {each.field('port')}"
                yield each.says(f"{probe}.{key}.port", f"the container has no port {asked}", remedy)


@check.containers(
    "PRB-05",
    "A known image has the port that it listens on",
    check.advice("it may have been told another one in a way that is not seen here"),
)
def known_port(each: check_context.Container) -> check_context.Found:
    """Nobody answers on another one: the pod is never ready, and the rollout fails at its deadline."""
    ports = image_profiles.ports(each.process) if each.process else ()
    there = [one["containerPort"] for one in each.manifest.get("ports", [])]
    if ports and there and not set(ports) & set(there):
        wrong = f"{there[0]} is not where the image listens, which is {ports[0]}"
        yield each.says("ports[0].containerPort", wrong, f"write {each.field('port')}: {ports[0]}")


def _say(each: check_context.Container, question: str, path: str) -> str:
    """Where no connection is made to a main port, only a command can ask."""
    one = each.process
    over = getattr(one, "port", None) is not None and getattr(one, "protocol", "tcp") != "udp"
    return f"say it in {each.field(f'health.{question}')}, as {path if over else '[program, argument]'}"


def _budget(probe: dict[str, Any]) -> int:
    """Seconds after which a start has failed.

    https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/#probe-v1-core
    """
    return probe.get("initialDelaySeconds", 0) + probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3)
