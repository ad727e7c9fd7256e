"""Finds permission errors in the last lines of a program that failed.

A public image may expect to run as root, and to write to any of its folders. Kubernetes does not report this, but the
program does, in one of few forms: the error as libc spells it, in any language.
"""

import posixpath
import re

from seaway.rollout import message_parsers

MAX_LINES = 20
"""How far from the end the error may be: some languages add lines below it, such as Node the error's properties."""

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
"""Such as the info lines of the nginx entrypoint when it leaves its configuration unchanged."""
_PATH = re.compile(r"(?<![\w./:-])(/(?:[\w.@+~-]+/)*[\w.@+~-]+)")
_CREATES_FOLDER = re.compile(r"mkdir|makedirs|creat\w* director", re.I)


def find_permission_error(message: str) -> message_parsers.ParsedMessage | None:
    """The last permission error in the output of a program; None if there is none."""
    lines = [line.strip() for line in message.splitlines() if line.strip()][-MAX_LINES:]
    parsed = (_parse_line(line, message) for line in reversed(lines) if not _IGNORED_LINE.search(line))
    return next(filter(None, parsed), None)


def _parse_line(line: str, message: str) -> message_parsers.ParsedMessage | None:
    low_port = any(int(port) < 1024 for port in _PORT.findall(line))
    if low_port and _DENIED.search(line) and _LISTEN.search(line):
        return message_parsers.ParsedMessage(cause="low-port", message=line)
    if folder := _find_folder(line, _READ_ONLY.search(line), message):
        return message_parsers.ParsedMessage(cause="not-writable", message=line, folder=folder)
    if _ROOT_REQUIRED.search(line):
        return message_parsers.ParsedMessage(cause="needs-rights", message=line)
    if folder := _find_folder(line, _DENIED.search(line), message):
        return message_parsers.ParsedMessage(cause="not-writable", message=line, folder=folder)
    return None


def _find_folder(line: str, match: re.Match[str] | None, message: str) -> str:
    """The folder of the path in a line with an error; of a folder that is to be created, itself: it hides no files.

    Python and Node put the path after the error, most others before it, where the path of a failing script may precede.
    """
    if match is None:
        return ""
    after, before = _PATH.findall(line[match.end() :]), _PATH.findall(line[: match.start()])
    path = next(iter(after or before[::-1]), None)
    if path is None:
        return ""
    creates = _CREATES_FOLDER.search(message) and "." not in posixpath.basename(path)
    folder = path if creates else posixpath.dirname(path)
    return path if folder == "/" else folder
