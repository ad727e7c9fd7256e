"""Files of environment variables: assignments with quotes, comments and escapes, as Docker Compose reads them.

https://docs.docker.com/reference/compose-file/services/#env_file-format
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from seaway.syntax import diagnosis

Quote = Literal["", "'", '"']

_SPACE = re.compile(r"(?:\s+|#[^\n]*)+")
_START = re.compile(r"(?:export[ \t]+)?(?P<name>[^\n=:]*)(?P<sign>[=:\n]|\Z)")
_NAME = re.compile(r"[\w.\-\[\]]+")
_LINE = re.compile(r"[ \t]*(?P<text>[^\n]*)(?:\n|\Z)")
_COMMENT = re.compile(r"(?:^|\s)#")
_QUOTED = re.compile(r"""[ \t]*(?:"(?P<double>(?:[^\\"]|\\.)*)"|'(?P<single>(?:[^\\']|\\.)*)')""", re.DOTALL)
_REST_OF_LINE = re.compile(r"[ \t\r]*(?:#[^\n]*)?(?:\n|\Z)")
_ESCAPE = re.compile(r'\\(?:([abfnrtv$"\\])|0([0-7]{0,3}))')
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", '"': '"', "\\": "\\"}
_MAX_DIAGNOSTICS = 50
"""A file with more errors is not a file of variables."""


class Assignment(NamedTuple):
    """A variable. ``text`` is its value as it is written, without quotes; None: the line has only a name."""

    line: int
    name: str
    """With the blanks before the sign: not every reader accepts them."""
    sign: str
    """``=`` or ``:``; empty: the line has only a name."""
    text: str | None
    quote: Quote


def parse(text: str, file: str, path: str, diagnostics: list[diagnosis.Diagnostic]) -> Iterator[Assignment]:
    """The assignments of a text in their order; ``path`` is the key that names the file.

    A quoted value may span several lines. Messages never show a line: it may be the end of a secret.
    """
    position, line = 0, 1
    limit = len(diagnostics) + _MAX_DIAGNOSTICS

    def report(message: str, hint: str) -> None:
        location = diagnosis.SourceLocation(file, line, 1)
        diagnostics.append(diagnosis.Diagnostic(location, path, message, hint, "invalid-assignment"))

    while len(diagnostics) < limit:
        if space := _SPACE.match(text, position):
            line, position = line + text.count("\n", position, space.end()), space.end()
        start = _START.match(text, position)
        if position >= len(text) or start is None:
            return
        name, sign = start["name"].rstrip(), start["sign"].strip()
        end = start.end()
        if not _NAME.fullmatch(name):
            report("is not NAME=value", "write NAME=value; a comment begins with #, and several lines need quotes")
            end = _find_line_end(text, position)
        elif not sign:
            yield Assignment(line, name, "", None, "")
        else:
            quoted, plain = _QUOTED.match(text, end), _LINE.match(text, end)
            rest = plain["text"] if plain else ""
            after = _REST_OF_LINE.match(text, quoted.end()) if quoted else plain
            if quoted is None and rest[:1] in ('"', "'"):
                report(f"the value of {name} has no closing quote", "end it with the quote that it begins with")
                return
            if quoted and after is None:
                report(f"the value of {name} continues after its quote", "put the quotes around all of it")
                end = _find_line_end(text, quoted.end())
            else:
                yield _read_assignment(line, start["name"], sign, quoted, rest)
                end = after.end() if after else len(text)
        line, position = line + text.count("\n", position, end), end


def _read_assignment(line: int, name: str, sign: str, quoted: re.Match[str] | None, rest: str) -> Assignment:
    if quoted is None:
        return Assignment(line, name, sign, _COMMENT.split(rest, maxsplit=1)[0].strip(), "")
    if quoted["single"] is not None:
        return Assignment(line, name, sign, quoted["single"].replace("\\'", "'"), "'")
    return Assignment(line, name, sign, quoted["double"], '"')


def _find_line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def unescape(text: str, *, dollar: str = "$") -> str:
    """The text of a value in double quotes. ``dollar`` replaces an escaped `$`."""

    def replace(match: re.Match[str]) -> str:
        if match[1] is None:
            return chr(int(match[2] or "0", 8))
        return dollar if match[1] == "$" else _ESCAPES[match[1]]

    return _ESCAPE.sub(replace, text)
