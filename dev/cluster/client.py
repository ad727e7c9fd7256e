"""Clients for the readiness checks of components, for the API server and for the supervisor."""

import http.client
import json
import socket
import ssl
import urllib.parse
from typing import Any

from dev.cluster import layout as layouts


def is_answering(layout: layouts.Layout, ready_check: str, *, seconds: float = 1.0) -> bool:
    """Return whether a component's ready check (see `components.Component`) succeeds in time."""
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
    """Return an object of the API server, or None if the server does not answer or the object does not exist."""
    try:
        status, body = _get(layout, layout.server + path, seconds)
        return json.loads(body) if status == http.HTTPStatus.OK else None
    except (OSError, http.client.HTTPException, ValueError):
        return None


def send_command(
    layout: layouts.Layout, command: str, name: str | None = None, *, seconds: float = 30.0
) -> dict[str, Any]:
    """Send `status`, or `start`, `stop` or `kill` and a component, to the supervisor. Raises OSError: no connection."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        connection.connect(str(layout.control))
        connection.sendall(json.dumps({"verb": command, "name": name}).encode() + b"\n")
        with connection.makefile("rb") as response:
            line = response.readline()
    if not line:
        raise OSError("the supervisor ended before it answered")
    return json.loads(line)


def _get(layout: layouts.Layout, url: str, seconds: float) -> tuple[int, bytes]:
    parts = urllib.parse.urlsplit(url)
    assert parts.hostname  # noqa: S101 - the addresses in components.yaml have one
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=str(layout.pki / "ca.crt"))
        context.load_cert_chain(layout.pki / "admin.crt", layout.pki / "admin.key")
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=seconds, context=context)
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=seconds)
    try:
        connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
