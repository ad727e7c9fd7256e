"""How Docker asks a container whether it is well: by a program in its own image.

A cluster's node asks from outside, by HTTP, TCP or gRPC. Docker runs a command in the container, so what an image has
counts: Python in one of Python's, wget in one of Alpine's. Whether a port listens stands in /proc/net/tcp, and every
image with a shell has a grep for it. https://docs.docker.com/reference/compose-file/services/#healthcheck
"""

import dataclasses
import urllib.parse
from collections.abc import Sequence
from typing import Any

from seaway.compose.importer import health as read
from seaway.compose.importer import images
from seaway.model import application

MINIMAL_IMAGES = ("distroless", "scratch", "hashicorp/http-echo", "traefik/whoami", "registry.k8s.io/", "nats:")
"""Parts of the names of images with a program and nothing beside it."""

NO_PROBE_MESSAGE = "nothing in its image can ask: nobody waits until it is healthy"
PROBE_HINT = "write `health: [program, argument]` with a program that the image has"
RESTART_MESSAGE = "Docker starts again what ends, and not what answers wrongly"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HealthTest:
    """``test``: None where there is no way, or nothing to ask."""

    test: str | list[str] | None
    message: str = ""
    """What is not as it was; empty: nothing."""


def build_test(
    probe: str | tuple[str, ...] | None, port: int | None, base_image: str, *, udp: bool = False
) -> HealthTest:
    """A question of `health` as a command. ``base``: the image, or the one that it is built on."""
    if isinstance(probe, tuple):
        shell = probe[:2] == read.SHELL and len(probe) == 3
        return HealthTest(test=probe[2] if shell else ["CMD", *probe])
    if port is None or (udp and probe is None):
        return HealthTest(test=None)
    if any(name in base_image for name in MINIMAL_IMAGES) and "alpine" not in base_image:
        return HealthTest(test=None, message=NO_PROBE_MESSAGE)
    listens = ["grep", "-q", f":{port:04X} 0*:0000 0A", "/proc/net/tcp", "/proc/net/tcp6"]
    if probe is None or probe == "tcp":
        return HealthTest(test=["CMD", *listens])
    if not probe.startswith("/"):
        return HealthTest(
            test=["CMD", *listens], message="asked whether the port listens: no image has a client for gRPC's health"
        )
    # Nothing of it is a sign of the shell or of Python.
    return _build_http_test(f"http://127.0.0.1:{port}{urllib.parse.quote(probe, safe='/?&=%:,+')}", base_image, listens)


def _build_http_test(url: str, base_image: str, port_command: Sequence[str]) -> HealthTest:
    python = ["python3", "-c", f"from urllib.request import urlopen; urlopen('{url}')"]
    if images.short_name(base_image).rpartition("/")[2] == "python":
        return HealthTest(test=["CMD", *python])
    if "alpine" in base_image.rpartition(":")[2]:
        return HealthTest(test=["CMD", "wget", "-q", "-O", "/dev/null", url])
    program, option, code = python
    lines = (
        f"if command -v curl; then curl -fs '{url}'",
        f"elif command -v wget; then wget -q -O - '{url}'",
        f'elif command -v {program}; then {program} {option} "{code}"',
        f"else grep -q '{port_command[2]}' {port_command[3]} {port_command[4]}; fi",
    )
    how = "asked with curl, wget or python3, whichever the image has; without any, whether the port listens"
    return HealthTest(test="".join(f"{line}\n" for line in lines), message=how)


def build_healthcheck(health: application.Health, health_test: HealthTest) -> dict[str, Any] | None:
    """The key of a service; None: nothing is asked."""
    if health_test.test is None:
        return None
    # What is wrong when that is over must be wrong so many times more before it counts.
    start = max(health.start_period - health.interval * health.retries, 0)
    return {
        "test": health_test.test,
        "interval": f"{health.interval}s",
        "timeout": f"{health.timeout}s",
        "retries": health.retries,
        "start_period": f"{start}s",
    }
