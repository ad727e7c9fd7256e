"""How a container is asked whether it is well.

Docker asks one question and restarts nothing for its answer; depends_on waits for it. That is readiness.
"""

from seaway.compose import amounts, draft, labels, part

SHELL = ("/bin/sh", "-c")
DEFAULT_STARTUP = 60
OFTEN = "asked every 2 s, with 3 s for an answer; 3 wrong ones in a row take it out of its links"


def convert(one: part.Part, made: draft.Draft, names: labels.Names, *, job: bool) -> None:
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
    if command:
        words = [names.rewritten(word) for word in command]
        made.put(("health", "ready"), words, said.place("test"))
        if words != list(command):
            said.approximated("test", "with the names and paths that things have here", into="health.ready")
        said.kept("test", "health.ready", into="health.ready")
    else:
        said.dropped("test", "is no question", 'write ["CMD", program, argument] or ["CMD-SHELL", text]')
    said.kept("disable")
    for key in ("interval", "timeout", "retries", "start_interval"):
        said.approximated(key, OFTEN, "`raw` may say periodSeconds, timeoutSeconds and failureThreshold")
    start = amounts.seconds(said.text("start_period"))
    if start and start > DEFAULT_STARTUP:
        made.put(("health", "startup"), start, said.place("start_period"))
        said.kept("start_period", "health.startup", into="health.startup")
    else:
        said.approximated("start_period", f"a start may take {DEFAULT_STARTUP} s")


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
