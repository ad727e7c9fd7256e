"""The questions that we ask the components: are you there, and what does the API server say."""

import http.client
import json
import socket
import ssl
import urllib.parse
from typing import Any

from dev.cluster import layout as layouts


def is_answering(layout: layouts.Layout, ready_check: str, *, seconds: float = 1.0) -> bool:
    """Whether a component's check (see `components.Component`) succeeds within this time."""
    try:
        if ready_check.startswith("unix:"):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(seconds)
                connection.connect(ready_check.removeprefix("unix:"))
            return True
        return _get(layout, ready_check, seconds)[0] == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False


def get_object(layout: layouts.Layout, path: str, *, seconds: float = 2.0) -> dict[str, Any] | None:
    """An object of the API server, or None where it does not answer or has no such thing."""
    try:
        status, body = _get(layout, layout.server + path, seconds)
        return json.loads(body) if status == http.HTTPStatus.OK else None
    except (OSError, http.client.HTTPException, ValueError):
        return None


def send_command(
    layout: layouts.Layout, command: str, name: str | None = None, *, seconds: float = 30.0
) -> dict[str, Any]:
    """Ask the supervisor: `status`, or `start`, `stop`, `kill` of one component. OSError where it does not run."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        connection.connect(str(layout.control))
        connection.sendall(json.dumps({"verb": command, "name": name}).encode() + b"\n")
        with connection.makefile("rb") as answer:
            line = answer.readline()
    if not line:
        raise OSError("the supervisor ended before it answered")
    return json.loads(line)


def _get(layout: layouts.Layout, url: str, seconds: float) -> tuple[int, bytes]:
    parts = urllib.parse.urlsplit(url)
    assert parts.hostname  # noqa: S101 - the table's addresses have one
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=str(layout.pki / "ca.crt"))
        context.load_cert_chain(layout.pki / "admin.crt", layout.pki / "admin.key")
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=seconds, context=context)
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=seconds)
    try:
        connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
