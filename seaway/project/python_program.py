"""An application in Python: a program of the user that ends with `application = ...`.

It becomes the nodes of a file in YAML, with the lines of the program, so overlays, rules and messages are the same.
"""

import contextlib
import contextvars
import dataclasses
import functools
import importlib
import re
import runpy
import sys
import traceback
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

from seaway.model import application, declarations
from seaway.project import python_nodes
from seaway.syntax import decode, diagnosis, encode, nodes, yaml_parser

SUFFIX = ".py"
VARIABLE_NAME = "application"


_is_refused = contextvars.ContextVar("is_refused", default=False)


@contextlib.contextmanager
def refuse_programs() -> Generator[None]:
    """Inside the block, ``run_program`` runs nothing: the program may be that of a stranger."""
    token = _is_refused.set(True)
    try:
        yield
    finally:
        _is_refused.reset(token)


def run_program(path: Path, display_path: str) -> nodes.Node:
    """The application of a program, called ``display_path`` in messages. It may import the modules beside it.

    Raises diagnosis.InvalidInput: it fails, it has no application, or the application has values that YAML cannot have.
    """
    location = diagnosis.SourceLocation(display_path)
    if _is_refused.get():
        message, hint = "is a program, and --no-program runs none", "read it, then repeat without --no-program"
        raise diagnosis.reject(location, "", "program-refused", message, hint)
    try:
        with _import_from(path.parent), contextlib.redirect_stdout(sys.stderr):
            variable: Any = runpy.run_path(str(path), run_name=VARIABLE_NAME).get(VARIABLE_NAME)
            if isinstance(variable, declarations.Declaration) and variable.model_class is application.Application:
                return python_nodes.convert_application(variable, path, display_path)
    except diagnosis.InvalidInput:
        raise
    except (Exception, SystemExit) as error:
        message = f"the program ends with {type(error).__name__}: {' '.join(str(error).split()) or 'no reason'}"
        hint = f"correct it; `python {display_path}` runs it alone"
        raise diagnosis.reject(
            _find_location(error, path, display_path), "", "program-failed", message, hint
        ) from error
    if isinstance(variable, application.Application):  # the form before `import seaway as sw`
        return encode.to_node(encode.to_plain(variable), location)
    message = f"{'has no' if variable is None else f'has a {type(variable).__name__} as'} `{VARIABLE_NAME}`"
    hint = f'end it with {VARIABLE_NAME} = sw.Application("shop", services=[...])'
    raise diagnosis.reject(location, "", "missing-application", message, hint)


def to_snake_case(key: str) -> str:
    """The name of a key of app.yaml in Python."""
    return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", key)


def use_python_names(diagnostics: Iterable[diagnosis.Diagnostic]) -> list[diagnosis.Diagnostic]:
    """The diagnostics about a program with its names of keys, and others unchanged."""

    def translate(text: str) -> str:
        return _compile_keys().sub(_format_key, text)

    return [
        dataclasses.replace(error, message=translate(error.message), hint=translate(error.hint))
        if error.location.file.endswith(SUFFIX)
        else error
        for error in diagnostics
    ]


@functools.cache
def _compile_keys() -> re.Pattern[str]:
    """Matches `run: on-demand` in backticks, and keys of two words."""
    classes = declarations.list_model_classes().values()
    keys = {decode.to_camel_case(field.name) for cls in classes for field in dataclasses.fields(cls)}
    words = "|".join(key for key in keys if key != key.lower())
    return re.compile(rf"`(?P<key>{'|'.join(keys)}):(?P<value>[^`]*)`|(?<!:)\b(?P<word>{words})\b")


def _format_key(match: re.Match[str]) -> str:
    if match["word"]:
        return to_snake_case(match["word"])
    try:
        plain = nodes.to_plain(yaml_parser.parse(match["value"], ""))
    except diagnosis.InvalidInput:
        return match[0]  # a word of the user is in it
    return f"`{to_snake_case(match['key'])}={'' if plain is None else repr(plain)}`"


@contextlib.contextmanager
def _import_from(folder: Path) -> Generator[None]:
    """Makes the modules of a folder importable, and forgets them afterwards: the next may be of another revision."""
    path = folder.resolve()
    modules, writes_no_bytecode = dict(sys.modules), sys.dont_write_bytecode
    sys.path.insert(0, str(path))
    # A cache beside the source would be part of a build context.
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes_no_bytecode
        sys.path.remove(str(path))
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if name not in modules and file and Path(file).is_relative_to(path):
                del sys.modules[name]


def _find_location(error: BaseException, path: Path, display_path: str) -> diagnosis.SourceLocation:
    """The last line of the program itself in the traceback."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return diagnosis.SourceLocation(display_path, error.lineno, error.offset)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return diagnosis.SourceLocation(display_path, lines[-1] if lines else None)
