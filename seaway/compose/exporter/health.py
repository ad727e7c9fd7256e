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

BARE = ("distroless", "scratch", "hashicorp/http-echo", "traefik/whoami", "registry.k8s.io/", "nats:")
"""Parts of the names of images with a program and nothing beside it."""

NO_WAY = "nothing in its image can ask: nobody waits until it is healthy"
BY_HAND = "write `health: [program, argument]` with a program that the image has"
RESTARTS = "Docker starts again what ends, and not what answers wrongly"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """``test``: None where there is no way, or nothing to ask."""

    test: str | list[str] | None
    how: str = ""
    """What is not as it was; empty: nothing."""


def of(ask: str | tuple[str, ...] | None, port: int | None, base: str, *, udp: bool = False) -> Check:
    """A question of `health` as a command. ``base``: the image, or the one that it is built on."""
    if isinstance(ask, tuple):
        shell = ask[:2] == read.SHELL and len(ask) == 3
        return Check(test=ask[2] if shell else ["CMD", *ask])
    if port is None or (udp and ask is None):
        return Check(test=None)
    if any(name in base for name in BARE) and "alpine" not in base:
        return Check(test=None, how=NO_WAY)
    listens = ["grep", "-q", f":{port:04X} 0*:0000 0A", "/proc/net/tcp", "/proc/net/tcp6"]
    if ask is None or ask == "tcp":
        return Check(test=["CMD", *listens])
    if not ask.startswith("/"):
        return Check(
            test=["CMD", *listens], how="asked whether the port listens: no image has a client for gRPC's health"
        )
    # Nothing of it is a sign of the shell or of Python.
    return _http(f"http://127.0.0.1:{port}{urllib.parse.quote(ask, safe='/?&=%:,+')}", base, listens)


def _http(url: str, base: str, listens: Sequence[str]) -> Check:
    python = ["python3", "-c", f"from urllib.request import urlopen; urlopen('{url}')"]
    if images.name(base).rpartition("/")[2] == "python":
        return Check(test=["CMD", *python])
    if "alpine" in base.rpartition(":")[2]:
        return Check(test=["CMD", "wget", "-q", "-O", "/dev/null", url])
    program, option, code = python
    lines = (
        f"if command -v curl; then curl -fs '{url}'",
        f"elif command -v wget; then wget -q -O - '{url}'",
        f'elif command -v {program}; then {program} {option} "{code}"',
        f"else grep -q '{listens[2]}' {listens[3]} {listens[4]}; fi",
    )
    how = "asked with curl, wget or python3, whichever the image has; without any, whether the port listens"
    return Check(test="".join(f"{line}\n" for line in lines), how=how)


def healthcheck(health: application.Health, check: Check) -> dict[str, Any] | None:
    """The key of a service; None: nothing is asked."""
    if check.test is None:
        return None
    # What is wrong when that is over must be wrong so many times more before it counts.
    start = max(health.startup - health.every * health.retries, 0)
    return {
        "test": check.test,
        "interval": f"{health.every}s",
        "timeout": f"{health.timeout}s",
        "retries": health.retries,
        "start_period": f"{start}s",
    }
