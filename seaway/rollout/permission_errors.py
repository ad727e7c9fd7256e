"""What a program's last lines tell of a field that it needs: it was closed in, and says where.

A public image may expect to be root, and to write to any of its folders. Nothing in Kubernetes says so, but the program
does, in one of few ways: as libc spells the error, whatever the language around it.
"""

import dataclasses
import posixpath
import re

MAX_LINES = 20
"""So far back an error may be: below it stands what the language adds, as Node's properties of the error."""

_READ_ONLY = re.compile(r"read-only file ?system", re.I)
_DENIED = re.compile(r"permission denied|access is denied|AccessDeniedException", re.I)
_LISTEN = re.compile(r"\b(bind|listen)", re.I)
_PORT = re.compile(r":(\d{1,5})\b")
_ROOT_REQUIRED = re.compile(
    r"operation not permitted|must be (run|started|executed) (as|by|with) (user )?['\"]?root|must be root"
    r"|are you root\?|(needs?|requires?) (to be )?(run as )?root\b|superuser privileges",
    re.I,
)
_IGNORED_LINE = re.compile(r"\b(debug|info|notice|warn|warning)\b|\?\)", re.I)
"""What the entrypoint of nginx writes, for one, when it leaves its own configuration alone."""
_PATH = re.compile(r"(?<![\w./:-])(/(?:[\w.@+~-]+/)*[\w.@+~-]+)")
_CREATES_FOLDER = re.compile(r"mkdir|makedirs|creat\w* director", re.I)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DeniedOperation:
    """What the program was not allowed."""

    cause: str
    """Id in causes.py."""
    line: str
    """The program's own."""
    folder: str = ""
    """Where it wanted to write; empty: nothing of that kind."""


def find_denied_operation(message: str) -> DeniedOperation | None:
    """What the last lines of a program that has failed tell; None: nothing of that kind."""
    lines = [line.strip() for line in message.splitlines() if line.strip()][-MAX_LINES:]
    for line in reversed(lines):
        if _IGNORED_LINE.search(line):
            continue
        if found := _parse_line(line, message):
            return found
    return None


def _parse_line(line: str, message: str) -> DeniedOperation | None:
    low = any(int(port) < 1024 for port in _PORT.findall(line))
    if low and _DENIED.search(line) and _LISTEN.search(line):
        return DeniedOperation(cause="low-port", line=line)
    if (said := _READ_ONLY.search(line)) and (folder := _find_folder(line, said, message)):
        return DeniedOperation(cause="not-writable", line=line, folder=folder)
    if _ROOT_REQUIRED.search(line):
        return DeniedOperation(cause="needs-rights", line=line)
    if (said := _DENIED.search(line)) and (folder := _find_folder(line, said, message)):
        return DeniedOperation(cause="not-writable", line=line, folder=folder)
    return None


def _find_folder(line: str, match: re.Match[str], message: str) -> str:
    """The folder that the path in a line is in; of a folder that is to be made, that one: it hides nothing.

    Python and Node name it behind the error, most others before it, where the script that fails may stand first.
    """
    behind, before = _PATH.findall(line[match.end() :]), _PATH.findall(line[: match.start()])
    path = next(iter(behind or before[::-1]), None)
    if path is None:
        return ""
    makes = _CREATES_FOLDER.search(message) and "." not in posixpath.basename(path)
    folder = path if makes else posixpath.dirname(path)
    return path if folder == "/" else folder
