"""Files of environment variables: `NAME=value`, a line each, as `docker compose` reads them, but for `${...}`.

https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax

A value is what stands there: nothing of the machine that reads it comes in. So a name without `=` is refused, and a
`$` means a `$`. A quoted value ends on its line.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seaway.model import application, containers
from seaway.model.validate import mounts
from seaway.syntax import diagnosis

_LINE = re.compile(r"(?:export[ \t]+)?(?P<name>[^\s=#]+)=(?P<value>.*)")
_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_QUOTED = re.compile(r"""("(?:[^"\\]|\\.)*"|'[^']*')[ \t]*(?:#.*)?""")
_ESCAPE = re.compile(r'\\([nrt"\\$])')
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


def read(
    app: application.Application, places: diagnosis.Places, tree: mounts.Tree | None
) -> tuple[application.Application, list[diagnosis.Problem]]:
    """The application with what its files say in ``env``, where its own words win, and what is wrong with the files.

    They are files of ``tree``. Without one it is a release, which has all values and reads no files.
    """
    found: list[diagnosis.Problem] = []

    def merged(path: str, one: application.Process) -> Mapping[str, Any]:
        values: dict[str, str] = {}
        for number, source in enumerate(one.env_files):
            values |= _file(source, f"{path}.envFiles.{number}", places, tree, found)
        return {"env": {**values, **one.env}, "env_files": ()} if one.env_files else {}

    return containers.changed(app, merged), found


def _file(
    source: str, at: str, places: diagnosis.Places, tree: mounts.Tree | None, found: list[diagnosis.Problem]
) -> Mapping[str, str]:
    place = places.of(at)
    if tree is None:
        wrong = f"{diagnosis.quoted(source)} is a file of the working tree, and this stack deploys a release"
        found.append(diagnosis.Problem(place, at, wrong, "write its values here, below `env`"))
        return {}
    try:
        path, subject = tree.folder / source, diagnosis.quoted(source)
        text = tree.root.read(path, subject, place, at, hint=mounts.RELATIVE).decode("utf-8-sig")
    except UnicodeDecodeError:
        found.append(diagnosis.Problem(place, at, f"{source} is no UTF-8 text", "save it as UTF-8"))
        return {}
    except diagnosis.Invalid as error:
        found.extend(error.problems)
        return {}
    shown = str(Path(places.origin.file).parent / source)
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    for number, name, value in _lines(text, shown, at, found):
        if name in values:
            wrong = f"{name} is in line {lines[name]} too"
            found.append(diagnosis.Problem(diagnosis.Place(shown, number, 1), at, wrong, "remove one of the two"))
        values[name], lines[name] = value, number
    return values


def _lines(text: str, shown: str, at: str, found: list[diagnosis.Problem]) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(re.split(r"\r?\n", text), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        place = diagnosis.Place(shown, number, 1)
        said = _LINE.fullmatch(stripped)
        if said is None:
            # Not the line itself: it may be the end of a secret that has several.
            remedy = "write NAME=value, without blanks around the =; a comment begins with #"
            found.append(diagnosis.Problem(place, at, "is no NAME=value", remedy))
            continue
        name, value = said["name"], _value(said["value"])
        if not _NAME.fullmatch(name):
            wrong = f"{diagnosis.quoted(name)} is no name of an environment variable"
            remedy = "use letters, digits, _, - and ., and no digit first"
            found.append(diagnosis.Problem(place, at, wrong, remedy))
        elif value is None:
            remedy = "end it with the quote that it begins with; a text of several lines is one of `files`"
            found.append(diagnosis.Problem(place, at, f"the value of {name} has no end", remedy))
        else:
            yield number, name, value


def _value(text: str) -> str | None:
    """None: a quote without its end."""
    text = text.strip()
    if text[:1] not in ('"', "'"):
        return re.split(r"(?:^|\s+)#", text, maxsplit=1)[0].rstrip()
    quoted = _QUOTED.fullmatch(text)
    if quoted is None:
        return None
    inner = quoted[1][1:-1]
    return inner if text[0] == "'" else _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), inner)
