"""Converts the healthcheck. Docker restarts nothing for its result, and depends_on waits for it: that is readiness."""

import math

from seaway.compose.importer import amounts, context, key_reader

SHELL = ("/bin/sh", "-c")
DEFAULT_START_SECONDS = 60
SLOW_START_SECONDS = 300
DOCKER_INTERVAL, DOCKER_TIMEOUT, DOCKER_RETRIES = 30, 30, 3
"""Docker's defaults. https://docs.docker.com/reference/dockerfile/#healthcheck"""

MAX_INTERVAL = 5
"""Seconds between two probes, so that dependent services start soon."""


def convert(service: context.ServiceContext) -> None:
    keys = service.keys
    healthcheck = keys.enter("healthcheck")
    test = healthcheck.get_texts("test") or []
    command = _get_command(test)
    if service.service.kind == "jobs":
        keys.drop("healthcheck", "a job is healthy if it completes")
    elif healthcheck.is_true("disable") or test[:1] == ["NONE"]:
        for key in healthcheck.mapping.pairs:
            healthcheck.approximate(key, "disables the image's healthcheck; readiness checks the port")
    elif not command:
        for key in healthcheck.mapping.pairs:
            if key == "test":
                hint = 'write ["CMD", program, argument] or ["CMD-SHELL", text]'
                healthcheck.drop(key, "is not a valid test", hint)
            else:
                healthcheck.drop(key, "there is no `test`, and the image's test is unknown", "write `test:`")
    else:
        words = [service.renames.rewrite(word) for word in command]
        service.builder.set(("health", "readiness"), words, healthcheck.locate("test"))
        if words == list(command):
            healthcheck.keep("test", "health.readiness", into="health.readiness")
        else:
            healthcheck.approximate("test", "with the new names and paths", into="health.readiness")
        healthcheck.keep("disable")
        _convert_timing(service, healthcheck)


def _convert_timing(service: context.ServiceContext, healthcheck: key_reader.KeyReader) -> None:
    interval = amounts.to_seconds(healthcheck.get_text("interval")) or DOCKER_INTERVAL
    text = healthcheck.get_text("retries") or ""
    retries = (int(text) if text.isdecimal() else 0) or DOCKER_RETRIES
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
    message = f"an interval of {period} s from the start"
    if (amounts.to_seconds(healthcheck.get_text("start_interval")) or period) >= period:
        healthcheck.keep("start_interval", message)
    else:
        healthcheck.approximate("start_interval", message)
    # Docker counts failures only after this period, and does not restart the container.
    start = (amounts.to_seconds(healthcheck.get_text("start_period")) or 0) + retries * interval
    if start > DEFAULT_START_SECONDS:
        service.builder.set(("health", "startPeriod"), start, healthcheck.locate("start_period"))
    message = f"startPeriod: {max(start, DEFAULT_START_SECONDS)}"
    healthcheck.keep("start_period", message, into="health.startPeriod")


def _get_command(test: list[str]) -> tuple[str, ...]:
    match test:
        case ["CMD", *words] if words:
            return tuple(words)
        case ["CMD-SHELL", text]:
            return (*SHELL, text)
        case [text] if text not in ("CMD", "CMD-SHELL", "NONE"):
            return (*SHELL, text)
        case _:
            return ()
