"""How a container is asked whether it is well.

Docker asks one question and restarts nothing for its answer; depends_on waits for it. That is readiness.
"""

import math

from seaway.compose.importer import amounts, key_reader, naming, service_builder

SHELL = ("/bin/sh", "-c")
DEFAULT_STARTUP, SLOW = 60, 300
EVERY, TIMEOUT, RETRIES = 30, 30, 3
"""What Docker takes where nothing is said. https://docs.docker.com/reference/dockerfile/#healthcheck"""

OFTEN = 5
"""Seconds between two questions at most: what is well is then seen soon, and what waits for it starts."""


def convert(one: key_reader.Part, made: service_builder.Draft, names: naming.Names, *, job: bool) -> None:
    """The healthcheck of a service."""
    if not one.has("healthcheck"):
        return
    said = one.inner("healthcheck")
    if job:
        one.dropped("healthcheck", "a job is well when it ends well")
        return
    test = said.texts("test") or []
    if said.true("disable") or test[:1] == ["NONE"]:
        for key in said.table.entries:
            said.approximated(key, "switches the image's own question off; the port is asked whether it accepts")
        return
    command = _command(test)
    if not command:
        said.dropped("test", "is no question", 'write ["CMD", program, argument] or ["CMD-SHELL", text]')
        for key in said.table.entries:
            said.dropped(key, "there is no `test`, and what the image asks is not known here", "write `test:`")
        return
    words = [names.rewritten(word) for word in command]
    made.put(("health", "ready"), words, said.place("test"))
    if words != list(command):
        said.approximated("test", "with the names and paths that things have here", into="health.ready")
    said.kept("test", "health.ready", into="health.ready")
    said.kept("disable")
    _times(said, made)


def _times(said: key_reader.Part, made: service_builder.Draft) -> None:
    interval = amounts.seconds(said.text("interval")) or EVERY
    retries = said.text("retries") or ""
    number = (int(retries) if retries.isdecimal() else 0) or RETRIES
    every = min(interval, OFTEN)
    enough = math.ceil(number * interval / every)
    timeout = amounts.seconds(said.text("timeout")) or TIMEOUT
    for key, value, of in (
        ("every", every, "interval"),
        ("timeout", timeout, "timeout"),
        ("retries", enough, "retries"),
    ):
        made.put(("health", key), value, said.place(of))
    how = f"every {every} s" if every == interval else f"every {every} s, and so no later"
    said.kept("interval", how, into="health.every")
    said.kept("timeout", f"timeout: {timeout}", into="health.timeout")
    how = f"{enough} times {every} s" if enough != number else f"retries: {number}"
    said.kept("retries", how, into="health.retries")
    if (amounts.seconds(said.text("start_interval")) or every) >= every:
        said.kept("start_interval", f"every {every} s from the start on")
    said.approximated("start_interval", f"every {every} s from the start on")
    # Docker counts wrong answers when this time is over, and restarts nothing even then.
    startup = (amounts.seconds(said.text("start_period")) or 0) + number * interval
    if startup > DEFAULT_STARTUP:
        made.put(("health", "startup"), startup, said.place("start_period"))
    said.kept("start_period", f"a start may take {max(startup, DEFAULT_STARTUP)} s", into="health.startup")


def _command(test: list[str]) -> tuple[str, ...]:
    match test:
        case ["CMD", *words] if words:
            return tuple(words)
        case ["CMD-SHELL", text]:
            return (*SHELL, text)
        case [text] if text not in ("CMD", "CMD-SHELL", "NONE"):
            return (*SHELL, text)
        case _:
            return ()
