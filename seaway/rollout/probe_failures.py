"""Explains a failed probe: the port that refuses a connection, the path that is not found."""

import re
import shlex

from seaway.kubernetes.api import unstructured
from seaway.kubernetes.cluster import snapshot
from seaway.rollout import crash_output, message_parsers

MAX_LINES = 20
"""Lines of the log in which the reason of an answer is looked for."""

_REFUSED = re.compile(r"connect(?:ion)?:? (?:connection )?refused")
_TIMEOUT = re.compile(r"deadline exceeded|Client\.Timeout|i/o timeout")
_STATUS = re.compile(r"statuscode: (\d+)")
_LISTENS = re.compile(r"\b(?:listen|running|serving|server|started|bound|ready|local|network|launched|live\b)\w*", re.I)
_ADDRESS = re.compile(r"(?:(?P<host>(?:\d+\.){3}\d+|localhost|\[::1?\]|\*)|(?<=[\s=])):(?P<port>\d{2,5})\b", re.I)
"""Such as ``Running on http://127.0.0.1:5000``, ``Listening at: http://0.0.0.0:8000 (7)``, ``addr=:8080``."""
_PORT = re.compile(r"\bport(?:\(s\))?['\"]?[:= ]{1,3}(?P<port>\d{2,5})\b", re.I)
"""Such as ``listening on port 80``, ``{ address: '127.0.0.1', port: 3000 }``."""
_CONNECTS = re.compile(
    r"\bconnect|fail|refus|error|\bwait(?:ing|s)?\b|could not|cannot"
    r"|\b(?:database|db|postgres\w*|mysql|redis|mongo\w*|amqp|kafka|broker|upstream)\b",
    re.I,
)
"""Such as ``connection to server at "db", port 5432 failed``."""
_LOOPBACK = re.compile(r"\b127\.0\.0\.1\b|\blocalhost\b|\[::1\]|['\"]::1['\"]", re.I)

REFUSED_HINT = (
    "let the program listen on port {port} of 0.0.0.0 (on 127.0.0.1 only the container itself reaches it), or set"
    " the port in <port> to the one that it listens on; its log may say which: {logs}. A program that is still starting"
    " needs only time, up to <health.startPeriod>"
)
LOOPBACK_HINT = (
    "let the program listen on 0.0.0.0, port {port}, instead of {address}, which only the container itself reaches"
)
PORT_HINT = "set the port in <port> to {actual_port}, or let the program listen on port {port}"
TIMEOUT_HINT = "let the program answer sooner, or raise <health.timeout>; its log: {logs}"
STARTUP_HINT = (
    "read its log: {logs}; raise <health.startPeriod> if the program needs longer to start, or correct"
    " <health.liveness>, which is also the startup probe"
)
_NO_LOGIN_HINT = "the probe sends no credentials: set <health> to a path that needs none, or to tcp"
STARTING_HINT = (
    "a program that is still starting needs only time, up to <health.startPeriod>; if it does not start: {logs}"
)
STATUS_HINTS = {
    "400": "the probe's Host header is the pod's address: let the program accept every Host for this path, or set"
    " <health> to tcp",
    "401": _NO_LOGIN_HINT,
    "403": _NO_LOGIN_HINT,
    "404": "set <health> to a path that the program answers with 200 to 399, or to tcp",
}
OTHER_STATUS_HINT = (
    "read its log: {logs}; or set <health> to a path that the program answers with 200 to 399, or to tcp"
)
LOG_HINT = "read its log: {logs}"
UNPROVEN_HINTS = frozenset({None, REFUSED_HINT, TIMEOUT_HINT, STARTUP_HINT, STARTING_HINT, OTHER_STATUS_HINT})
"""Hints that name what is usual. An error in the log of the program explains more."""


def parse_probe_failure(text: str, container: snapshot.Object, log: str) -> message_parsers.ParsedMessage | None:
    """Why a probe failed; None: the text is all that is known.

    Args:
        text: of the kubelet: ``Readiness probe failed: ...``.
        container: in the pod's spec.
        log: the last lines of the program, if they are known.
    """
    kind = text.partition(" ")[0].lower()
    probe = unstructured.get_mapping(container, f"{kind}Probe")
    http, port = unstructured.get_mapping(probe, "httpGet"), _find_port(probe, container)
    request = f"GET :{port}{http.get('path') or '/'}" if http else "the connection"
    if port and _REFUSED.search(text):
        hint, values, evidence = _explain_refusal(port, log)
        message = f"nothing answers on port {port}: {request} was refused{evidence}"
        return message_parsers.ParsedMessage(cause="connection-refused", message=message, hint=hint, values=values)
    if http and (status := _STATUS.search(text)):
        has_same = _get_handler(container, "readiness") == _get_handler(container, "liveness")
        key = "health" if has_same else "health.readiness" if kind == "readiness" else "health.liveness"
        hint = STATUS_HINTS.get(status[1], OTHER_STATUS_HINT).replace("<health>", f"<{key}>")
        message = f"{request} ({kind} probe) returned {status[1]}"
        refused = [line for line in log.splitlines()[-MAX_LINES:] if crash_output.LOGIN.search(line)]
        if refused and status[1].startswith("5"):
            hint, message = crash_output.LOGIN_HINT, f"{message}{quote_log(refused[-1])}"
        return message_parsers.ParsedMessage(cause="probe-status", message=message, hint=hint)
    if command := unstructured.get_mapping(probe, "exec").get("command"):
        output = message_parsers.truncate_line(text.partition(": ")[2])
        message = f"is not ready: its {kind} probe fails: {shlex.join(command)}" + (f": {output}" if output else "")
        hint = STARTUP_HINT if kind == "startup" else None
        return message_parsers.ParsedMessage(cause="not-ready", message=message, hint=hint)
    # The timeout of the other probes is fixed.
    if port and kind == "readiness" and _TIMEOUT.search(text):
        message = f"is not ready: {request} got no answer within {probe.get('timeoutSeconds', 1)} s"
        return message_parsers.ParsedMessage(cause="not-ready", message=message, hint=TIMEOUT_HINT)
    if kind == "startup":
        # A program that accepts the connection, and does not answer yet, may only need time.
        state, hint = ("is still starting", STARTING_HINT) if _TIMEOUT.search(text) else ("is not ready", STARTUP_HINT)
        message = f"{state}: {message_parsers.format_probe_failure(text)}"
        return message_parsers.ParsedMessage(cause="not-ready", message=message, hint=hint)
    return None


def _explain_refusal(port: str, log: str) -> tuple[str, dict[str, str], str]:
    """The hint, its values, and the line of the log that proves it. A program may listen on several ports."""
    lines: dict[str, list[str]] = {}
    for line in log.splitlines():
        if actual_port := _find_listening_port(line):
            lines.setdefault(actual_port, []).append(line)
    ports = [port] if port in lines else list(lines)
    if len(ports) == 1:
        actual_port = ports[0]
        line = lines[actual_port][-1]
        evidence = quote_log(line)
        if all(_LOOPBACK.search(line) and "0.0.0.0" not in line for line in lines[actual_port]):  # noqa: S104 - a log
            host = _LOOPBACK.findall(line)[-1].strip("'\"")
            return LOOPBACK_HINT, {"port": port, "address": f"{host}:{actual_port}"}, evidence
        if actual_port != port:
            return PORT_HINT, {"port": port, "actual_port": actual_port}, evidence
    return REFUSED_HINT, {"port": port}, ""


def quote_log(line: str) -> str:
    """The end of a message that a line of the program's log proves."""
    return f"; its log says: {message_parsers.truncate_line(line, 120)}"


def _find_listening_port(line: str) -> str | None:
    word = _LISTENS.search(line)
    if word is None or _CONNECTS.search(line):
        return None
    match = _ADDRESS.search(line, word.start()) or _PORT.search(line, word.start()) or _PORT.search(line)
    return match and match["port"]


def _get_handler(container: snapshot.Object, kind: str) -> snapshot.Object:
    probe = unstructured.get_mapping(container, f"{kind}Probe")
    return {key: probe[key] for key in ("httpGet", "tcpSocket", "grpc", "exec") if key in probe}


def _find_port(probe: snapshot.Object, container: snapshot.Object) -> str:
    """The number of the probed port, which the probe may have by name; empty for a probe with a command."""
    ports = {str(port.get("name")): str(port["containerPort"]) for port in unstructured.get_list(container, "ports")}
    port = next((probe[key]["port"] for key in ("httpGet", "tcpSocket", "grpc") if key in probe), "")
    return ports.get(str(port), str(port))
