"""Finds the reason in the last lines of a program that crashed: the exception, not what its wrapper prints after it."""

import re

from seaway.rollout import message_parsers

MAX_LINES_AFTER = 12
"""Lines that a wrapper may print after an exception. An exception before more lines was handled."""

_FRAME = re.compile(
    r"\s+\S|\s*$|#\d+ |note: run with |Stack trace:|goroutine \d+|[\w/.]+\(.*\)$|Require stack:|- /|[}\]]"
)
"""A line of a traceback: an indented line, and what PHP, Rust, Go and Node have without indentation."""

_TRACEBACK = re.compile(r"Traceback \(most recent call last\):\s*$")
_EXCEPTION = re.compile(
    r"(?:Exception in thread \S+ |Caused by: |Unhandled exception[.:] |(?:(?:PHP )?Fatal error:\s+)?(?:Uncaught )?)"
    # Python, Node, Java, .NET, PHP: a name that ends like an exception, and its text
    r"(?P<name>(?:[A-Za-z_$][\w$]*[.\\])*[A-Za-z_]*(?:Error|Exception))(?: \[\w+\])?(?:: .+|$)"
    r"|panic: .+|fatal error: .+"  # Go
    r"|\S+:\d+:in .+ \(\w+(?:::\w+)*\)$"  # Ruby
)
_RUST = re.compile(r"thread '.*' panicked at ")

_MODULE = re.compile(
    r"No module named '([\w.]+)'|Cannot find (?:module|package) '([^']+)'|cannot load such file -- (\S+)"
)
_FILE = re.compile(r"can't open file '([^']+)'|Cannot find module '([./][^']*)'")
_VARIABLE = re.compile(
    r"environment variable:? ['\"`]?([A-Za-z_]\w*)|\b([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b['\"`]? (?:environment variable )?"
    r"(?:is not set|must be set|is required|is missing|is not defined)"
)
_KEY_ERROR = re.compile(r"KeyError: '([A-Z][A-Z0-9_]*)'")
_CONNECT_TIMEOUT = re.compile(
    r"urlopen error timed out|ConnectTimeout|[Cc]onnect(?:ion)? (?:attempt )?timed? ?out"
    r"|[Cc]onnection timed out|timeout expired|ETIMEDOUT|dial tcp .+: i/o timeout"
    r"|^TimeoutError: (?:timed out|\[Errno 110\])|Timeout connecting to server"
)
"""A connection that nothing answered: network policies drop the packets of undeclared links, and refuse nothing."""

_ENVIRONMENT = re.compile(r"\bos\.environ\b|<frozen os>|/os\.py\"|\benviron\[")

MODULE_HINT = (
    "install {module} in the image: add it to the packages that the Dockerfile installs (requirements.txt,"
    " package.json, Gemfile); if it is a file of your own, let the Dockerfile copy it"
)
FILE_HINT = "let the Dockerfile copy {file}, or correct <command>"
CONNECT_TIMEOUT_HINT = (
    "if it connects to a service or store of this application, add that name to <calls>; a private address outside"
    " belongs in <egress>; otherwise the other side does not answer: see {previous_logs}"
)
VARIABLE_HINT = "set {variable} in <env>; a password or a key belongs in <secrets>"


def parse_crash(output: str, cause: str) -> message_parsers.ParsedMessage:
    """The last exception in the output of a program, otherwise its last line; empty if there is no output.

    ``cause``: id of the crash of a service, or of a job.
    """
    lines = output.strip().splitlines()
    exceptions = (
        exception
        for position in range(len(lines) - 1, -1, -1)
        if (exception := _match_exception(lines, position)) and _count_other(lines[position + 1 :]) <= MAX_LINES_AFTER
    )
    headline = message_parsers.truncate_line(next(exceptions, lines[-1] if lines else ""))
    hint, values = None, dict[str, str]()
    if file := _FILE.search(headline):
        hint, values = FILE_HINT, {"file": next(filter(None, file.groups()))}
    elif module := _MODULE.search(headline):
        hint, values = MODULE_HINT, {"module": next(filter(None, module.groups()))}
    elif variable := _VARIABLE.search(headline) or (_ENVIRONMENT.search(output) and _KEY_ERROR.search(headline)):
        hint, values = VARIABLE_HINT, {"variable": next(filter(None, variable.groups()))}
    elif _CONNECT_TIMEOUT.search(headline):
        hint = CONNECT_TIMEOUT_HINT
    return message_parsers.ParsedMessage(cause=cause, message=headline, hint=hint, values=values)


def _match_exception(lines: list[str], position: int) -> str | None:
    line, after = lines[position], lines[position + 1 :]
    match = _EXCEPTION.match(line)
    # Command lines begin their messages with "Error:" too, without a stack.
    if match and (match["name"] != "Error" or (after and _FRAME.match(after[0]))):
        return match[0]
    if _RUST.match(line):
        return next(iter(after), None)
    if _TRACEBACK.search(line):
        # The first line without indentation ends the traceback. The exception may have any name.
        return next((text for text in after if text[:1].strip()), None)
    return None


def _count_other(lines: list[str]) -> int:
    return sum(not _FRAME.match(line) for line in lines)
