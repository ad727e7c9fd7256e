"""Finds the reason in the last lines of a program that crashed: the exception, not what its wrapper prints after it."""

import posixpath
import re

from seaway.rollout import message_parsers

MAX_LINES_AFTER = 12
"""Lines that a wrapper may print after an exception. An exception before more lines was handled."""

_FRAME = re.compile(
    r"\s+\S|\s*$|#\d+ |note: run with |Stack trace:|goroutine \d+|created by |\[signal |[\w/.]+\(.*\)$"
    r"|Require stack:|- /|[}\]]"
)
"""A line of a traceback: an indented line, and what PHP, Rust, Go and Node have without indentation."""

_TRACEBACK = re.compile(r"Traceback \(most recent call last\):\s*$")
_EXCEPTION = re.compile(
    r"(?:Exception in thread \S+ |Caused by: |Unhandled exception[.:] |(?:(?:PHP )?Fatal error:\s+)?(?:Uncaught )?)"
    # Python, Node, Java, .NET, PHP: a name that ends like an exception, and its text
    r"(?P<name>(?:[A-Za-z_$][\w$]*[.\\])*(?:[A-Za-z_]*(?:Error|Exception)|error))(?: \[\w+\])?(?:: .+|$)"
    r"|panic: .+|fatal error: .+"  # Go
    r"|\S+:\d+:in .+ \(\w+(?:::\w+)*\)$"  # Ruby
)
_RUST = re.compile(r"thread '.*' panicked at ")

_PLACE = re.compile(r'File "(/[^"]+)", line (\d+)|(/(?!/)[\w./@+-]+\.\w+):(?:line )?(\d+)')
"""A file and a line in a traceback."""

_INSTALLED = re.compile(
    r"/(?:usr/(?:local/)?)?lib(?:64)?/|/(?:site|dist)-packages/|/node_modules/|/gems/|/go/(?:src|pkg)/"
)
"""Code that the user did not write."""

_MEMORY = re.compile(
    r"OutOfMemory(?:Error(?!: unable to create)|Exception)|heap out of memory|\b(?:No)?MemoryError\b|: out of memory"
    r"|memory allocation of \d+ bytes failed|std::bad_alloc"
)
LOGIN = re.compile(r"password authentication failed for user|Access denied for user '|AuthenticationFailed")
_MODULE = re.compile(
    r"No module named '([\w.]+)'|Cannot find (?:module|package) '([^']+)'|cannot load such file -- (\S+)"
)
_FILE = re.compile(r"can't open file '([^']+)'|Cannot find module '([./][^']*)'")
_VARIABLE = re.compile(
    r"\benv(?:ironment)? var(?:iable)?:? ['\"`]?([A-Z][A-Z0-9_]*)\b|\b([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b['\"`]?"
    r" (?:env(?:ironment)? var(?:iable)? )?(?:must be set|(?:is )?(?:not set|required|missing|not defined|empty)\b)"
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
MEMORY_HINT = (
    "raise <resources.memory>, and the program's own limit if it has one (-Xmx, --max-old-space-size), or reduce its"
    " memory usage"
)
LOGIN_HINT = (
    "a database keeps the password with which its volume was created: set that one in <secrets>, or change it in the"
    " database, such as with ALTER USER"
)
VARIABLE_HINT = "set {variable} in <env>; a password or a key belongs in <secrets>"
LINK_HINT = "add {link} to <calls>: that sets {variable}, and opens the network"
"""The program expects the variable of a link to a workload of the application."""


def parse_crash(output: str, cause: str) -> message_parsers.ParsedMessage:
    """The last exception in the output of a program, otherwise its last line; empty if there is no output.

    ``cause``: id of the crash of a service, or of a job.
    """
    lines = output.strip().splitlines()
    exception = _find_exception(lines)
    position = len(lines) - 1 if exception is None else exception
    line = lines[position] if lines else ""
    headline = message_parsers.truncate_line(_match_exception(lines, position) or line if lines else "")
    hint, values = None, dict[str, str]()
    if _MEMORY.search(headline):
        cause, hint = "out-of-memory", MEMORY_HINT
    elif LOGIN.search(headline):
        hint = LOGIN_HINT
    elif file := _FILE.search(headline):
        hint, values = FILE_HINT, {"file": next(filter(None, file.groups()))}
    elif module := _MODULE.search(headline):
        hint, values = MODULE_HINT, {"module": next(filter(None, module.groups()))}
    elif variable := _VARIABLE.search(headline) or (_ENVIRONMENT.search(output) and _KEY_ERROR.search(headline)):
        hint, values = VARIABLE_HINT, {"variable": next(filter(None, variable.groups()))}
    elif _CONNECT_TIMEOUT.search(headline):
        hint = CONNECT_TIMEOUT_HINT
    place = None if exception is None else _find_place(lines, position)
    message = f"{headline} ({place})" if place and place not in headline else headline
    return message_parsers.ParsedMessage(cause=cause, message=message, hint=hint, values=values)


def has_exception(output: str) -> bool:
    """Whether there is an exception near the end of the output of a program."""
    return _find_exception(output.strip().splitlines()) is not None


def _find_exception(lines: list[str]) -> int | None:
    """The number of the line with the last exception."""
    positions = (
        position
        for position in reversed(range(len(lines)))
        if (_MEMORY.search(lines[position]) or _match_exception(lines, position))
        and _count_other(lines[position + 1 :]) <= MAX_LINES_AFTER
    )
    return next(positions, None)


def _find_place(lines: list[str], position: int) -> str | None:
    """The user's line that raised the exception: in Python above it, in most other languages below it."""
    if below := _list_places(lines[position + 1 :]):
        return below[0]
    start = max((number for number in range(position) if _TRACEBACK.search(lines[number])), default=0)
    above = _list_places(lines[start:position])
    # Packages may be anywhere (pip --target), but the outermost frame is the user's.
    own = [place for place in above if place.startswith(posixpath.dirname(above[0]))]
    return own[-1] if own else None


def _list_places(lines: list[str]) -> list[str]:
    matches = (_PLACE.search(line) for line in lines if not _INSTALLED.search(line))
    return [f"{match[1] or match[3]}:{match[2] or match[4]}" for match in matches if match]


def _match_exception(lines: list[str], position: int) -> str | None:
    line, after = lines[position], lines[position + 1 :]
    match = _EXCEPTION.match(line)
    # Command lines begin their messages with "Error:" too, without a stack.
    if match and (match["name"] not in {"Error", "error"} or (after and _FRAME.match(after[0]))):
        return match[0]
    if _RUST.match(line):
        return next(iter(after), None)
    if _TRACEBACK.search(line):
        # The first line without indentation ends the traceback. The exception may have any name.
        return next((text for text in after if text[:1].strip()), None)
    return None


def _count_other(lines: list[str]) -> int:
    return sum(not _FRAME.match(line) for line in lines)
