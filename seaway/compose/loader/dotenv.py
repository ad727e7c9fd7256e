"""Files of environment variables as Docker Compose reads them: `.env`, and those of `env_file` and `label_file`.

https://docs.docker.com/reference/compose-file/services/#env_file-format. Other than the files of an application's own
`envFile` they have variables, values of several lines, and names without a value, which take that of the project.
"""

import collections
import dataclasses
import re
from collections.abc import Mapping

from seaway.compose.loader import interpolation
from seaway.syntax import diagnosis, nodes

_SPACE = re.compile(r"(?:\s+|#[^\n]*)+")
_ASSIGNMENT = re.compile(r"(?:export[ \t]+)?(?P<name>[^\n=:]*)(?P<sign>[=:\n]|\Z)")
_NAME = re.compile(r"[\w.\-\[\]]+")
_PLAIN = re.compile(r"[ \t]*(?P<value>[^\n]*)(?:\n|\Z)")
_COMMENT = re.compile(r"(?:^|\s)#")
_QUOTED = re.compile(r"""[ \t]*(?:"(?P<double>(?:[^\\"]|\\.)*)"|'(?P<single>(?:[^\\']|\\.)*)')""", re.DOTALL)
_REST_OF_LINE = re.compile(r"[ \t\r]*(?:#[^\n]*)?(?:\n|\Z)")
_ESCAPE = re.compile(r'\\(?:([abfnrtv$"\\])|0([0-7]{0,3}))')
_ESCAPES = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "$": "$$",
    '"': '"',
    "\\": "\\",
}


MAX_BYTES = 1_000_000
_MAX_DIAGNOSTICS = 50
"""Problems after which a file is no file of variables at all."""


def decode_text(data: bytes, location: diagnosis.SourceLocation, path: str) -> str:
    """The text of a file. Raises diagnosis.InvalidInput."""
    if len(data) > MAX_BYTES:
        remedy = f"keep it under {MAX_BYTES}; long texts belong in files of their own"
        raise diagnosis.InvalidInput([diagnosis.Diagnostic(location, path, f"has {len(data)} bytes", remedy)])
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        wrong = f"is no UTF-8 text (byte {error.start})"
        raise diagnosis.InvalidInput([diagnosis.Diagnostic(location, path, wrong, "save it as UTF-8")]) from None


def parse(text: str, file: str, path: str, variables: interpolation.Variables) -> Mapping[str, nodes.ScalarNode]:
    """Names and values, each at its line. A later line wins, and sees what stands above it; the project's variables
    win over both. Raises diagnosis.InvalidInput."""
    reader = _Reader(text, file, path, variables, dict(variables.values))
    while len(reader.diagnostics) < _MAX_DIAGNOSTICS and reader.read_statement():
        pass
    if reader.diagnostics:
        raise diagnosis.InvalidInput(reader.diagnostics)
    return reader.values


@dataclasses.dataclass(slots=True)
class _Reader:
    text: str
    file: str
    path: str
    variables: interpolation.Variables
    project_values: dict[str, str]
    values: dict[str, nodes.ScalarNode] = dataclasses.field(default_factory=dict[str, nodes.ScalarNode])
    texts: dict[str, str] = dataclasses.field(default_factory=dict[str, str])
    diagnostics: list[diagnosis.Diagnostic] = dataclasses.field(default_factory=list[diagnosis.Diagnostic])
    position: int = 0
    line: int = 1

    def read_statement(self) -> bool:
        """Reads one; False: the text is at its end."""
        if space := _SPACE.match(self.text, self.position):
            self._advance(space.end())
        start = _ASSIGNMENT.match(self.text, self.position)
        if self.position >= len(self.text) or start is None:
            return False
        place = diagnosis.SourceLocation(self.file, self.line, 1)
        name = start["name"].rstrip()
        if not _NAME.fullmatch(name):
            # Not the line itself: it may be the end of a secret that has several.
            self._report("is no NAME=value", "write NAME=value; a comment begins with #, several lines need quotes")
            self._skip_line()
        elif start["sign"] in ("=", ":"):
            self._advance(start.end())
            self._read_value(name, place)
        else:
            if name in self.variables.values:
                self._set(name, place, self.variables.values[name])
            elif name in self.variables.host_names:
                wrong = f"the variable {name} is one of this machine, and none of the project"
                self._report(wrong, f"write {name}=... with its value, or remove the line")
            self._advance(start.end())
        return True

    def _read_value(self, name: str, location: diagnosis.SourceLocation) -> None:
        quoted = _QUOTED.match(self.text, self.position)
        plain = _PLAIN.match(self.text, self.position)
        said = plain["value"] if plain else ""
        if quoted is None and said[:1] in ('"', "'"):
            self._report(f"the value of {name} has no end", "end it with the quote that it begins with")
            self._advance(len(self.text))
            return
        end = plain.end() if plain else len(self.text)
        if quoted:
            after = _REST_OF_LINE.match(self.text, quoted.end())
            if after is None:
                self._report(f"the value of {name} goes on after its quote", "put the quotes round all of it")
                self._skip_line()
                return
            end = after.end()
        if quoted and quoted["single"] is not None:
            self._set(name, location, quoted["single"].replace("\\'", "'"))
        else:
            raw = _ESCAPE.sub(_unescape, quoted["double"]) if quoted else _COMMENT.split(said, maxsplit=1)[0].strip()
            try:
                self._set(name, location, self._interpolate(raw))
            except interpolation.InterpolationError as error:
                self._report(f"{name}: {error.message}", error.hint)
        self._advance(end)

    def _interpolate(self, raw: str) -> str:
        if "$" not in raw:
            return raw
        seen: Mapping[str, str] = collections.ChainMap(self.project_values, self.texts)
        return dataclasses.replace(self.variables, values=seen).interpolate(raw)

    def _set(self, name: str, location: diagnosis.SourceLocation, text: str) -> None:
        self.values[name], self.texts[name] = nodes.ScalarNode(location, text), text
        self.variables.usage.record_use(location)

    def _report(self, message: str, hint: str) -> None:
        self.diagnostics.append(
            diagnosis.Diagnostic(diagnosis.SourceLocation(self.file, self.line, 1), self.path, message, hint)
        )

    def _advance(self, end: int) -> None:
        self.line += self.text.count("\n", self.position, end)
        self.position = end

    def _skip_line(self) -> None:
        end = self.text.find("\n", self.position)
        self._advance(len(self.text) if end < 0 else end)


def _unescape(match: re.Match[str]) -> str:
    return _ESCAPES[match[1]] if match[1] else chr(int(match[2] or "0", 8))


def parse_raw(text: str, file: str, path: str, variables: interpolation.Variables) -> Mapping[str, nodes.ScalarNode]:
    """The same for `format: raw`: what stands behind the first `=` is the value, to the end of the line."""
    values: dict[str, nodes.ScalarNode] = {}
    found: list[diagnosis.Diagnostic] = []
    for number, line in enumerate(text.split("\n"), 1):
        place = diagnosis.SourceLocation(file, number, 1)
        name, sign, value = line.lstrip().partition("=")
        if not name.strip() or name.startswith("#"):
            if sign and not name.strip():
                found.append(diagnosis.Diagnostic(place, path, "is no NAME=value", "write a name before the ="))
        elif any(letter.isspace() for letter in name):
            found.append(diagnosis.Diagnostic(place, path, "is no NAME=value", "write the name without blanks"))
        elif sign:
            values[name] = nodes.ScalarNode(place, value)
        elif name in variables.values:
            values[name] = nodes.ScalarNode(place, variables.values[name])
    if found:
        raise diagnosis.InvalidInput(found)
    return values
