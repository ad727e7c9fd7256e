"""Files of environment variables as Docker Compose reads them: `.env`, and those of `env_file` and `label_file`.

https://docs.docker.com/reference/compose-file/services/#env_file-format. Other than the files of an application's own
`envFiles` they have variables, values of several lines, and names without a value, which take that of the project.
"""

import collections
import dataclasses
import re
from collections.abc import Mapping

from seaway.compose.loader import interpolation
from seaway.syntax import diagnosis, nodes

_SPACE = re.compile(r"(?:\s+|#[^\n]*)+")
_START = re.compile(r"(?:export[ \t]+)?(?P<name>[^\n=:]*)(?P<sign>[=:\n]|\Z)")
_NAME = re.compile(r"[\w.\-\[\]]+")
_PLAIN = re.compile(r"[ \t]*(?P<value>[^\n]*)(?:\n|\Z)")
_COMMENT = re.compile(r"(?:^|\s)#")
_QUOTED = re.compile(r"""[ \t]*(?:"(?P<double>(?:[^\\"]|\\.)*)"|'(?P<single>(?:[^\\']|\\.)*)')""", re.DOTALL)
_AFTER = re.compile(r"[ \t\r]*(?:#[^\n]*)?(?:\n|\Z)")
_ESCAPE = re.compile(r'\\(?:([abfnrtv$"\\])|0([0-7]{0,3}))')
_ESCAPED = {
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
_MANY = 50
"""Problems after which a file is no file of variables at all."""


def decoded(data: bytes, place: diagnosis.Place, at: str) -> str:
    """The text of a file. Raises problems.Invalid."""
    if len(data) > MAX_BYTES:
        remedy = f"keep it under {MAX_BYTES}; long texts belong in files of their own"
        raise diagnosis.Invalid([diagnosis.Problem(place, at, f"has {len(data)} bytes", remedy)])
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        wrong = f"is no UTF-8 text (byte {error.start})"
        raise diagnosis.Invalid([diagnosis.Problem(place, at, wrong, "save it as UTF-8")]) from None


def read(text: str, file: str, at: str, variables: interpolation.Variables) -> Mapping[str, nodes.Scalar]:
    """Names and values, each at its line. A later line wins, and sees what stands above it; the project's variables
    win over both. Raises problems.Invalid."""
    reader = _Reader(text, file, at, variables, dict(variables.values))
    while len(reader.found) < _MANY and reader.statement():
        pass
    if reader.found:
        raise diagnosis.Invalid(reader.found)
    return reader.values


@dataclasses.dataclass(slots=True)
class _Reader:
    text: str
    file: str
    at: str
    variables: interpolation.Variables
    outer: dict[str, str]
    values: dict[str, nodes.Scalar] = dataclasses.field(default_factory=dict[str, nodes.Scalar])
    texts: dict[str, str] = dataclasses.field(default_factory=dict[str, str])
    found: list[diagnosis.Problem] = dataclasses.field(default_factory=list[diagnosis.Problem])
    position: int = 0
    line: int = 1

    def statement(self) -> bool:
        """Reads one; False: the text is at its end."""
        if space := _SPACE.match(self.text, self.position):
            self._go(space.end())
        start = _START.match(self.text, self.position)
        if self.position >= len(self.text) or start is None:
            return False
        place = diagnosis.Place(self.file, self.line, 1)
        name = start["name"].rstrip()
        if not _NAME.fullmatch(name):
            # Not the line itself: it may be the end of a secret that has several.
            self._wrong("is no NAME=value", "write NAME=value; a comment begins with #, several lines need quotes")
            self._next_line()
        elif start["sign"] in ("=", ":"):
            self._go(start.end())
            self._value(name, place)
        else:
            if name in self.variables.values:
                self._set(name, place, self.variables.values[name])
            elif name in self.variables.host:
                wrong = f"the variable {name} is one of this machine, and none of the project"
                self._wrong(wrong, f"write {name}=... with its value, or remove the line")
            self._go(start.end())
        return True

    def _value(self, name: str, place: diagnosis.Place) -> None:
        quoted = _QUOTED.match(self.text, self.position)
        plain = _PLAIN.match(self.text, self.position)
        said = plain["value"] if plain else ""
        if quoted is None and said[:1] in ('"', "'"):
            self._wrong(f"the value of {name} has no end", "end it with the quote that it begins with")
            self._go(len(self.text))
            return
        end = plain.end() if plain else len(self.text)
        if quoted:
            after = _AFTER.match(self.text, quoted.end())
            if after is None:
                self._wrong(f"the value of {name} goes on after its quote", "put the quotes round all of it")
                self._next_line()
                return
            end = after.end()
        if quoted and quoted["single"] is not None:
            self._set(name, place, quoted["single"].replace("\\'", "'"))
        else:
            raw = _ESCAPE.sub(_escaped, quoted["double"]) if quoted else _COMMENT.split(said, maxsplit=1)[0].strip()
            try:
                self._set(name, place, self._substituted(raw))
            except interpolation.WrongError as error:
                self._wrong(f"{name}: {error.wrong}", error.remedy)
        self._go(end)

    def _substituted(self, raw: str) -> str:
        if "$" not in raw:
            return raw
        seen: Mapping[str, str] = collections.ChainMap(self.outer, self.texts)
        return dataclasses.replace(self.variables, values=seen).substituted(raw)

    def _set(self, name: str, place: diagnosis.Place, text: str) -> None:
        self.values[name], self.texts[name] = nodes.Scalar(place, text), text
        self.variables.spent.met(place)

    def _wrong(self, wrong: str, remedy: str) -> None:
        self.found.append(diagnosis.Problem(diagnosis.Place(self.file, self.line, 1), self.at, wrong, remedy))

    def _go(self, end: int) -> None:
        self.line += self.text.count("\n", self.position, end)
        self.position = end

    def _next_line(self) -> None:
        end = self.text.find("\n", self.position)
        self._go(len(self.text) if end < 0 else end)


def _escaped(found: re.Match[str]) -> str:
    return _ESCAPED[found[1]] if found[1] else chr(int(found[2] or "0", 8))


def raw(text: str, file: str, at: str, variables: interpolation.Variables) -> Mapping[str, nodes.Scalar]:
    """The same for `format: raw`: what stands behind the first `=` is the value, to the end of the line."""
    values: dict[str, nodes.Scalar] = {}
    found: list[diagnosis.Problem] = []
    for number, line in enumerate(text.split("\n"), 1):
        place = diagnosis.Place(file, number, 1)
        name, sign, value = line.lstrip().partition("=")
        if not name.strip() or name.startswith("#"):
            if sign and not name.strip():
                found.append(diagnosis.Problem(place, at, "is no NAME=value", "write a name before the ="))
        elif any(letter.isspace() for letter in name):
            found.append(diagnosis.Problem(place, at, "is no NAME=value", "write the name without blanks"))
        elif sign:
            values[name] = nodes.Scalar(place, value)
        elif name in variables.values:
            values[name] = nodes.Scalar(place, variables.values[name])
    if found:
        raise diagnosis.Invalid(found)
    return values
