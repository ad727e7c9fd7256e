"""Files of environment variables: `NAME=value`, a line each, as `docker compose` reads them, but for `${...}`.

https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax

A value is what stands there: nothing of the machine that reads it comes in. So a name without `=` is refused, and a
`$` means a `$`. A quoted value ends on its line.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seaway.files import working_tree
from seaway.model import application
from seaway.model.validate import mounts
from seaway.syntax import diagnosis

_LINE = re.compile(r"(?:export[ \t]+)?(?P<name>[^\s=#]+)=(?P<value>.*)")
_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_QUOTED_TEXT = re.compile(r"""("(?:[^"\\]|\\.)*"|'[^']*')[ \t]*(?:#.*)?""")
_ESCAPE = re.compile(r'\\([nrt"\\$])')
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def read_env_files(
    app: application.Application, locations: diagnosis.SourceLocations, tree: working_tree.WorkingTree | None
) -> tuple[application.Application, list[diagnosis.Diagnostic]]:
    """The application with what its files say in ``env``, where its own words win, and what is wrong with the files.

    They are files of ``tree``. Without one it is a release, which has all values and reads no files.
    """
    found: list[diagnosis.Diagnostic] = []

    def merged(path: str, one: application.ContainerSpec) -> Mapping[str, Any]:
        values: dict[str, str] = {}
        for number, source in enumerate(one.env_file):
            values |= _read_env_file(source, f"{path}.envFile.{number}", locations, tree, found)
        return {"env": {**values, **one.env}, "env_file": ()} if one.env_file else {}

    return app.replace_containers(merged), found


def _read_env_file(
    source: str,
    key_path: str,
    locations: diagnosis.SourceLocations,
    tree: working_tree.WorkingTree | None,
    diagnostics: list[diagnosis.Diagnostic],
) -> Mapping[str, str]:
    place = locations.find(key_path)
    if tree is None:
        wrong = f"{diagnosis.quote(source)} is a file of the working tree, and this stack deploys a release"
        diagnostics.append(diagnosis.Diagnostic(place, key_path, wrong, "write its values here, below `env`"))
        return {}
    try:
        path, subject = tree.folder / source, diagnosis.quote(source)
        text = tree.root.read(path, subject, place, key_path, hint=mounts.RELATIVE_PATH_HINT).decode("utf-8-sig")
    except UnicodeDecodeError:
        diagnostics.append(diagnosis.Diagnostic(place, key_path, f"{source} is no UTF-8 text", "save it as UTF-8"))
        return {}
    except diagnosis.InvalidInput as error:
        diagnostics.extend(error.diagnostics)
        return {}
    shown = str(Path(locations.origin.file).parent / source)
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    for number, name, value in _parse_lines(text, shown, key_path, diagnostics):
        if name in values:
            wrong = f"{name} is in line {lines[name]} too"
            diagnostics.append(
                diagnosis.Diagnostic(
                    diagnosis.SourceLocation(shown, number, 1), key_path, wrong, "remove one of the two"
                )
            )
        values[name], lines[name] = value, number
    return values


def _parse_lines(
    text: str, display_path: str, key_path: str, diagnostics: list[diagnosis.Diagnostic]
) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(re.split(r"\r?\n", text), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        place = diagnosis.SourceLocation(display_path, number, 1)
        said = _LINE.fullmatch(stripped)
        if said is None:
            # Not the line itself: it may be the end of a secret that has several.
            remedy = "write NAME=value, without blanks around the =; a comment begins with #"
            diagnostics.append(diagnosis.Diagnostic(place, key_path, "is no NAME=value", remedy))
            continue
        name, value = said["name"], _parse_value(said["value"])
        if not _NAME.fullmatch(name):
            wrong = f"{diagnosis.quote(name)} is no name of an environment variable"
            remedy = "use letters, digits, _, - and ., and no digit first"
            diagnostics.append(diagnosis.Diagnostic(place, key_path, wrong, remedy))
        elif value is None:
            remedy = "end it with the quote that it begins with; a text of several lines is one of `files`"
            diagnostics.append(diagnosis.Diagnostic(place, key_path, f"the value of {name} has no end", remedy))
        else:
            yield number, name, value


def _parse_value(text: str) -> str | None:
    """None: a quote without its end."""
    text = text.strip()
    if text[:1] not in ('"', "'"):
        return re.split(r"(?:^|\s+)#", text, maxsplit=1)[0].rstrip()
    quoted = _QUOTED_TEXT.fullmatch(text)
    if quoted is None:
        return None
    inner = quoted[1][1:-1]
    return inner if text[0] == "'" else _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[1]), inner)
