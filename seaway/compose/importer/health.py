"""Converts the healthcheck. Docker restarts nothing for its result, and depends_on waits for it: that is readiness."""

import math
import re

from seaway.compose.importer import amounts, key_reader, naming, plan, secrets
from seaway.compose.loader import tree
from seaway.kubernetes.api import references
from seaway.syntax import nodes

SHELL = ("/bin/sh", "-c")
DEFAULT_START_SECONDS = 60
DOCKER_INTERVAL, DOCKER_TIMEOUT, DOCKER_RETRIES = 30, 30, 3
"""Docker's defaults. https://docs.docker.com/reference/dockerfile/#healthcheck"""

MAX_INTERVAL = 5
"""Seconds between two probes, so that dependent services start soon."""


def convert(service: plan.ServicePlan) -> None:
    healthcheck = service.keys.enter("healthcheck")
    test = healthcheck.get_texts("test") or []
    command = _list_command(tree.list_scalars(healthcheck.mapping, "test"))
    if service.kind == "jobs":
        service.keys.drop("healthcheck", "a job is healthy if it completes")
    elif not service.keys.has("healthcheck"):
        _set_server_probe(service)
    elif healthcheck.is_true("disable") or test[:1] == ["NONE"]:
        for key in healthcheck.mapping.pairs:
            healthcheck.approximate((key,), "disables the image's healthcheck; readiness checks the port")
    elif not command:
        hint = 'write ["CMD", program, argument] or ["CMD-SHELL", text]'
        healthcheck.drop("test", "is not a valid test", hint)
        for key in healthcheck.mapping.pairs:
            if key != "test":
                healthcheck.drop((key,), "there is no `test`, and the image's test is unknown", "write `test:`")
    else:
        words = format_words(service, command)
        is_renamed = any(service.renames.rewrite(node.text) != node.text for node in command)
        service.builder.set(("health", "readiness"), words, healthcheck.locate("test"))
        kind, message = ("approximated", naming.RENAMED) if is_renamed else ("kept", "health.readiness")
        healthcheck.record("test", kind, message, into="health.readiness")
        healthcheck.keep("disable")
        _convert_timing(service, healthcheck)


def _set_server_probe(service: plan.ServicePlan) -> None:
    """The command that knows whether a database is ready. While it is set up, it may listen already."""
    server, main = service.server, service.main_port
    is_guess = server is not service.profile
    if server is None or main is None or not server.readiness or (is_guess and "pg_isready" not in server.readiness):
        return
    env = {name: node.text for name, node in service.keys.get_scalars("environment").items()}
    user = env.get("POSTGRES_USER", "postgres")
    names = {"port": main.number, "user": user, "database": env.get("POSTGRES_DB", user)}
    words = [references.escape(word.format(**names)) for word in server.readiness]
    if re.search(r"mariadb:(5|10\.[0-4])\b", service.base_image or ""):
        words[0] = "mysqladmin"
    service.builder.set(("health", "readiness"), words)
    message = f"is ready if {words[0]} succeeds: it runs a database"
    service.keys.note("approximated" if is_guess else "added", message, "set healthcheck", into="health.readiness")


def _convert_timing(service: plan.ServicePlan, healthcheck: key_reader.KeyReader) -> None:
    interval, retries = _parse_attempts(healthcheck)
    period = min(interval, MAX_INTERVAL)
    fields = {
        "interval": period,
        "timeout": amounts.to_seconds(healthcheck.get_text("timeout")) or DOCKER_TIMEOUT,
        "retries": math.ceil(retries * interval / period),
    }
    messages = {field: f"{field}: {number}" for field, number in fields.items()}
    if period != interval:
        messages["interval"] += ", with more retries"
    if fields["retries"] != retries:
        messages["retries"] += f", at intervals of {period} s"
    for field, number in fields.items():
        service.builder.set(("health", field), number, healthcheck.locate(field))
        healthcheck.keep(field, messages[field], into=f"health.{field}")
    start_interval = amounts.to_seconds(healthcheck.get_text("start_interval")) or period
    kind = "kept" if start_interval >= period else "approximated"
    healthcheck.record("start_interval", kind, f"an interval of {period} s from the start")
    start = find_start_seconds(service)
    if start > DEFAULT_START_SECONDS:
        service.builder.set(("health", "startPeriod"), start, healthcheck.locate("start_period"))
    message = f"startPeriod: {max(start, DEFAULT_START_SECONDS)}"
    healthcheck.keep("start_period", message, into="health.startPeriod")


def find_start_seconds(service: plan.ServicePlan) -> int:
    """The time after which Docker calls a start unhealthy; it does not restart the container."""
    healthcheck = service.keys.enter("healthcheck")
    interval, retries = _parse_attempts(healthcheck)
    return (amounts.to_seconds(healthcheck.get_text("start_period")) or 0) + retries * interval


def _parse_attempts(healthcheck: key_reader.KeyReader) -> tuple[int, int]:
    """The seconds between two checks, and the failures that make a container unhealthy."""
    interval = amounts.to_seconds(healthcheck.get_text("interval")) or DOCKER_INTERVAL
    text = healthcheck.get_text("retries") or ""
    return interval, (int(text) if text.isdecimal() else 0) or DOCKER_RETRIES


def _list_command(test: list[nodes.ScalarNode]) -> list[nodes.ScalarNode]:
    """The words of a command, or the script of a shell after ``SHELL``; empty: the test is not valid."""
    match [node.text for node in test]:
        case ["CMD", _, *_]:
            return test[1:]
        case ["CMD-SHELL", _]:
            return [*(nodes.ScalarNode(test[0].location, word) for word in SHELL), test[1]]
        case _:
            return []


def format_words(service: plan.ServicePlan, command: list[nodes.ScalarNode]) -> list[str]:
    """The command of a probe or a hook. A secret is a variable of a shell, since the kubelet expands none here."""
    plain = [service.renames.rewrite(references.escape(node.text)) for node in command]
    if tuple(plain[:-1]) == SHELL:
        return [*SHELL, secrets.format_shell_text(service, command[-1])]
    if all(len(service.split_secrets(node)) == 1 for node in command):
        return plain
    return [*SHELL, "exec " + " ".join(secrets.format_shell_word(service, node) for node in command)]
