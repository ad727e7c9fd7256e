"""Finds permission errors in the last lines of a program that failed.

A public image may expect to run as root, and to write to any of its folders. Kubernetes does not report this, but the
program does, in one of few forms: the error as libc spells it, in any language.
"""

import posixpath
import re
from collections.abc import Sequence

from seaway.rollout import message_parsers

MAX_LINES = 20
"""How far from the end the error may be: some languages add lines below it, such as Node the error's properties."""

_READ_ONLY = re.compile(r"read-only file ?system|readonly database|unable to open database file", re.I)
_DENIED = re.compile(r"permission denied|access is denied|AccessDeniedException", re.I)
_LISTEN = re.compile(r"\b(bind|listen)|^.*\bconnection to \(", re.I)  # the last: gunicorn
_PORT = re.compile(r"(?::|', )(\d{1,5})\b")
_PYTHON_BIND = re.compile(r"\.bind\(.*\)\s+PermissionError: \[Errno 13\] Permission denied$", re.M)
"""Python names no port."""
_ROOT_REQUIRED = re.compile(
    r"operation not permitted|must be (run|started|executed) (as|by|with) (user )?['\"]?root|must be root"
    r"|are you root\?|(needs?|requires?) (to be )?(run as )?root\b|superuser privileges",
    re.I,
)
_IGNORED_LINE = re.compile(r"\b(debug|info|notice|warn|warning)\b|\?\)", re.I)
"""Such as the info lines of the nginx entrypoint when it leaves its configuration unchanged."""
_PATH = re.compile(r"(?<![\w./:-])(/(?:[\w.@+~-]+/)*[\w.@+~-]+)")
_RELATIVE_PATH = re.compile(
    r"""['"]((?:\./)?[\w@+~-][\w.@+~/-]*)['"]|\b(?:open|mkdir|create) (\.?[\w@+~][\w.@+~/-]*)"""
)
_CODE_PATH = re.compile(r"/(?:[\w.@+~-]+/)*[\w@+~-]+\.(?:py|[cm]?[jt]s|rb|php|sh|jar|pl|exs?)\b")
"""A program's file in a traceback or a command."""
_INSTALLED = re.compile(r"/(?:usr/(?:local/)?)?lib(?:64)?/|/site-packages/|/node_modules/|/gems/")
_IMAGE_FOLDER = re.compile(
    r"/(?:(?:usr|bin|sbin|lib\w*|etc)(?:/.*)?|app|code|src|workspace|opt|var|home(?:/[^/]+)?|root)?"
)
"""Folders with files of the image: an empty folder there would hide them."""
_HOME_FILE = re.compile(r"/(?:root/|home/[^/]+/|nonexistent/)?\.\w")

CODE_HINT = (
    "let the program write to another folder, such as /tmp: {folder} has files of the image, which an empty folder"
    " would hide. Or keep the folder: add / to <writable>, and RUN chown {user} {folder} to the Dockerfile (of another"
    " image, set <user> to its own user)"
)
HOME_HINT = "set HOME to /tmp in <env>: the program writes to its home directory"
RELATIVE_HINT = (
    "{folder} is relative to the working directory, WORKDIR in the Dockerfile: add WORKDIR/{folder} to <writable> (it"
    " is empty at each start), or let the program write to /tmp"
)
UNKNOWN_HINT = (
    "let the program write to /tmp, or to another folder that you add to <writable> (it is empty at each start)"
)

_CREATES_FOLDER = re.compile(r"mkdir|makedirs|creat\w* director", re.I)


def find_permission_error(
    message: str, *, working_dir: str = "", command: Sequence[str] = ()
) -> message_parsers.ParsedMessage | None:
    """The last permission error in the output of a program; None if there is none.

    ``working_dir``: of the container; empty: it is that of the image, which Kubernetes does not report.
    """
    lines = [line.strip() for line in message.splitlines() if line.strip()][-MAX_LINES:]
    code_paths = [path for path in _CODE_PATH.findall("\n".join((message, *command))) if not _INSTALLED.search(path)]
    # A program usually starts in the folder of its code.
    working_dir = working_dir or next(map(posixpath.dirname, code_paths), "")
    parsed = (
        _parse_line(line, message, working_dir, code_paths)
        for line in reversed(lines)
        if not _IGNORED_LINE.search(line)
    )
    return next(filter(None, parsed), None)


def _parse_line(
    line: str, message: str, working_dir: str, code_paths: Sequence[str]
) -> message_parsers.ParsedMessage | None:
    low_port = any(int(port) < 1024 for port in _PORT.findall(line)) and _LISTEN.search(line)
    if _DENIED.search(line) and (low_port or any(match[0].endswith(line) for match in _PYTHON_BIND.finditer(message))):
        return message_parsers.ParsedMessage(cause="low-port", message=line)
    read_only = _READ_ONLY.search(line)
    if read_only is None and _ROOT_REQUIRED.search(line):
        return message_parsers.ParsedMessage(cause="needs-rights", message=line)
    match = read_only or _DENIED.search(line)
    if match is None:
        return None
    path = _find_path(line, match) or (read_only and _find_relative_path(line))
    if not path:
        return (
            message_parsers.ParsedMessage(cause="not-writable", message=line, hint=UNKNOWN_HINT) if read_only else None
        )
    creates = _CREATES_FOLDER.search(message) and "." not in posixpath.basename(path)
    absolute = posixpath.normpath(posixpath.join(working_dir, path))
    folder = absolute if creates else posixpath.dirname(absolute)
    hint = None
    if _HOME_FILE.match(path):
        hint = HOME_HINT
    elif not absolute.startswith("/"):
        hint = RELATIVE_HINT if folder else UNKNOWN_HINT
    elif not creates and _has_image_files(folder, code_paths):
        hint = CODE_HINT
    return message_parsers.ParsedMessage(cause="not-writable", message=line, hint=hint, values={"folder": folder})


def _find_path(line: str, match: re.Match[str]) -> str | None:
    """The absolute path in a line with an error.

    Python and Node put the path after the error, most others before it, where the path of a failing script may precede.
    """
    after, before = _PATH.findall(line[match.end() :]), _PATH.findall(line[: match.start()])
    return next(iter(after or before[::-1]), None)


def _find_relative_path(line: str) -> str | None:
    match = _RELATIVE_PATH.search(line)
    return match and (match[1] or match[2])


def _has_image_files(folder: str, code_paths: Sequence[str]) -> bool:
    return bool(_IMAGE_FOLDER.fullmatch(folder)) or any(path.startswith(f"{folder}/") for path in code_paths)
