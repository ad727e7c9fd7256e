"""How a container is asked whether it is well.

Docker asks one question and restarts nothing for its answer; depends_on waits for it. That is readiness.
"""

import math

from seaway.compose.importer import amounts, key_reader, naming, service_builder

SHELL = ("/bin/sh", "-c")
DEFAULT_START_SECONDS, SLOW_START_SECONDS = 60, 300
DOCKER_INTERVAL, DOCKER_TIMEOUT, DOCKER_RETRIES = 30, 30, 3
"""What Docker takes where nothing is said. https://docs.docker.com/reference/dockerfile/#healthcheck"""

MAX_INTERVAL = 5
"""Seconds between two questions at most: what is well is then seen soon, and what waits for it starts."""


def convert(
    keys: key_reader.KeyReader, builder: service_builder.ServiceBuilder, renames: naming.Renames, *, job: bool
) -> None:
    """The healthcheck of a service."""
    if not keys.has("healthcheck"):
        return
    said = keys.enter("healthcheck")
    if job:
        keys.drop("healthcheck", "a job is well when it ends well")
        return
    test = said.get_texts("test") or []
    if said.is_true("disable") or test[:1] == ["NONE"]:
        for key in said.mapping.pairs:
            said.approximate(key, "switches the image's own question off; the port is asked whether it accepts")
        return
    command = _get_command(test)
    if not command:
        said.drop("test", "is no question", 'write ["CMD", program, argument] or ["CMD-SHELL", text]')
        for key in said.mapping.pairs:
            said.drop(key, "there is no `test`, and what the image asks is not known here", "write `test:`")
        return
    words = [renames.rewrite(word) for word in command]
    builder.set(("health", "readiness"), words, said.locate("test"))
    if words != list(command):
        said.approximate("test", "with the names and paths that things have here", into="health.readiness")
    said.keep("test", "health.readiness", into="health.readiness")
    said.keep("disable")
    _convert_timing(said, builder)


def _convert_timing(healthcheck: key_reader.KeyReader, builder: service_builder.ServiceBuilder) -> None:
    interval = amounts.to_seconds(healthcheck.get_text("interval")) or DOCKER_INTERVAL
    retries = healthcheck.get_text("retries") or ""
    number = (int(retries) if retries.isdecimal() else 0) or DOCKER_RETRIES
    every = min(interval, MAX_INTERVAL)
    enough = math.ceil(number * interval / every)
    timeout = amounts.to_seconds(healthcheck.get_text("timeout")) or DOCKER_TIMEOUT
    for key, value, of in (
        ("interval", every, "interval"),
        ("timeout", timeout, "timeout"),
        ("retries", enough, "retries"),
    ):
        builder.set(("health", key), value, healthcheck.locate(of))
    how = f"every {every} s" if every == interval else f"every {every} s, and so no later"
    healthcheck.keep("interval", how, into="health.interval")
    healthcheck.keep("timeout", f"timeout: {timeout}", into="health.timeout")
    how = f"{enough} times {every} s" if enough != number else f"retries: {number}"
    healthcheck.keep("retries", how, into="health.retries")
    if (amounts.to_seconds(healthcheck.get_text("start_interval")) or every) >= every:
        healthcheck.keep("start_interval", f"every {every} s from the start on")
    healthcheck.approximate("start_interval", f"every {every} s from the start on")
    # Docker counts wrong answers when this time is over, and restarts nothing even then.
    startup = (amounts.to_seconds(healthcheck.get_text("start_period")) or 0) + number * interval
    if startup > DEFAULT_START_SECONDS:
        builder.set(("health", "startPeriod"), startup, healthcheck.locate("start_period"))
    healthcheck.keep(
        "start_period", f"a start may take {max(startup, DEFAULT_START_SECONDS)} s", into="health.startPeriod"
    )


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
