"""An application in Python: a program of the user that ends with `application = ...`.

It becomes the same nodes as a file in YAML, so overlays, rules and messages are the same. The location is the file:
objects have no lines, and the path identifies the field.
"""

import contextlib
import importlib
import runpy
import sys
import traceback
from collections.abc import Generator
from pathlib import Path
from typing import Any

from seaway.model import application
from seaway.syntax import diagnosis, encode, nodes

SUFFIX = ".py"
VARIABLE_NAME = "application"


def run_program(path: Path, display_path: str) -> nodes.Node:
    """The application of a program, called ``display_path`` in messages. It may import the modules beside it.

    Raises diagnosis.InvalidInput: it fails, or it has no application.
    """
    location = diagnosis.SourceLocation(display_path)
    try:
        with _import_from(path.parent), contextlib.redirect_stdout(sys.stderr):
            variable: Any = runpy.run_path(str(path), run_name=VARIABLE_NAME).get(VARIABLE_NAME)
    except diagnosis.InvalidInput:
        raise
    except (Exception, SystemExit) as error:
        message = f"the program ends with {type(error).__name__}: {' '.join(str(error).split()) or 'no reason'}"
        hint = f"correct it; `python {display_path}` runs it alone"
        raise diagnosis.reject(
            _find_location(error, path, display_path), "", "program-failed", message, hint
        ) from error
    if not isinstance(variable, application.Application):
        message = f"{'has no' if variable is None else f'has a {type(variable).__name__} as'} `{VARIABLE_NAME}`"
        hint = f'end it with {VARIABLE_NAME} = Application("shop", services=(...))'
        raise diagnosis.reject(location, "", "missing-application", message, hint)
    return encode.to_node(encode.to_plain(variable), location)


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
