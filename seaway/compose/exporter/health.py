"""Exports probes as Docker healthchecks.

A node probes a container from outside, by HTTP, TCP or gRPC. Docker runs a command in the container, so the image must
have a client: Python, curl or wget. /proc/net/tcp lists listening ports for every image with a shell and grep.
https://docs.docker.com/reference/compose-file/services/#healthcheck
"""

import urllib.parse
from collections.abc import Sequence
from typing import Any

from seaway.compose.importer import health, images
from seaway.model import application

MINIMAL_IMAGES = ("distroless", "scratch", "hashicorp/http-echo", "traefik/whoami", "registry.k8s.io/", "nats:")
"""Parts of the names of images without a shell."""

NO_PROBE_MESSAGE = "its image has no client for a probe: dependent services do not wait until it is healthy"
PROBE_HINT = "write `health: [program, argument]` with a program of the image"
RESTART_MESSAGE = "Docker restarts a container that exits, not one that fails its healthcheck"

Test = str | list[str] | None
"""The command of a healthcheck; None: there is no healthcheck."""


def build_test(
    probe: str | tuple[str, ...] | None, port: int | None, base_image: str, *, udp: bool = False
) -> tuple[Test, str]:
    """A probe as a command, and the difference to the probe. ``base_image``: the image, or the one it is built on."""
    if isinstance(probe, tuple):
        is_shell = probe[:2] == health.SHELL and len(probe) == 3
        return probe[2] if is_shell else ["CMD", *probe], ""
    if port is None or (udp and probe is None):
        return None, ""
    if any(name in base_image for name in MINIMAL_IMAGES) and "alpine" not in base_image:
        return None, NO_PROBE_MESSAGE
    # State 0A is LISTEN. https://www.kernel.org/doc/Documentation/networking/proc_net_tcp.txt
    port_command = ["grep", "-q", f":{port:04X} 0*:0000 0A", "/proc/net/tcp", "/proc/net/tcp6"]
    if probe is None or probe == "tcp":
        return ["CMD", *port_command], ""
    if not probe.startswith("/"):
        message = "tests whether the port listens: images have no client for gRPC health checks"
        return ["CMD", *port_command], message
    # The quoted path has no special character of the shell or of Python.
    url = f"http://127.0.0.1:{port}{urllib.parse.quote(probe, safe='/?&=%:,+')}"
    return _build_http_test(url, base_image, port_command)


def _build_http_test(url: str, base_image: str, port_command: Sequence[str]) -> tuple[Test, str]:
    code = f"from urllib.request import urlopen; urlopen('{url}')"
    if images.get_short_name(base_image).rpartition("/")[2] == "python":
        return ["CMD", "python3", "-c", code], ""
    if "alpine" in base_image.rpartition(":")[2]:
        return ["CMD", "wget", "-q", "-O", "/dev/null", url], ""
    lines = (
        f"if command -v curl; then curl -fs '{url}'",
        f"elif command -v wget; then wget -q -O - '{url}'",
        f'elif command -v python3; then python3 -c "{code}"',
        f"else grep -q '{port_command[2]}' {port_command[3]} {port_command[4]}; fi",
    )
    message = "tests with curl, wget or python3; without these, whether the port listens"
    return "".join(f"{line}\n" for line in lines), message


def build_healthcheck(probes: application.Health, test: Test) -> dict[str, Any] | None:
    if test is None:
        return None
    # Docker counts failures after start_period only, so the retries are part of the model's period.
    start = max(probes.start_period - probes.interval * probes.retries, 0)
    return {
        "test": test,
        "interval": f"{probes.interval}s",
        "timeout": f"{probes.timeout}s",
        "retries": probes.retries,
        "start_period": f"{start}s",
    }
