"""An application that is described in Python: a program of the user's own that ends with `application = ...`.

It becomes the same nodes as a file in YAML, so that overlays, rules and messages are the same. A place is the file:
objects have no lines, and the path says the rest.
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
    """What the program describes; ``shown`` is what messages call it. It may import what stands beside it.

    Raises diagnosis.InvalidInput: it fails, or it has no application.
    """
    place = diagnosis.SourceLocation(display_path)
    try:
        with _import_from(path.parent), contextlib.redirect_stdout(sys.stderr):
            made: Any = runpy.run_path(str(path), run_name=VARIABLE_NAME).get(VARIABLE_NAME)
    except diagnosis.InvalidInput:
        raise
    except (Exception, SystemExit) as error:
        wrong = f"the program ends with {type(error).__name__}: {' '.join(str(error).split()) or 'no reason'}"
        raise _make_error(
            _find_location(error, path, display_path), wrong, f"correct it; `python {display_path}` runs it alone"
        ) from error
    if not isinstance(made, application.Application):
        what = "has no" if made is None else f"has a {type(made).__name__} as"
        remedy = f'end it with {VARIABLE_NAME} = Application("shop", services=(...))'
        raise _make_error(place, f"{what} `{VARIABLE_NAME}`", remedy)
    return encode.to_node(encode.to_plain(made), place)


@contextlib.contextmanager
def _import_from(folder: Path) -> Generator[None]:
    """Modules of that folder may be imported, and are forgotten afterwards: the next one may be another revision's."""
    before, written = dict(sys.modules), sys.dont_write_bytecode
    sys.path.insert(0, str(folder.resolve()))
    # A cache beside the source would be part of a build context.
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.dont_write_bytecode = written
        sys.path.remove(str(folder.resolve()))
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if name not in before and file and Path(file).is_relative_to(folder.resolve()):
                del sys.modules[name]


def _find_location(error: BaseException, path: Path, display_path: str) -> diagnosis.SourceLocation:
    """The line of the program itself that was last, whatever it called."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return diagnosis.SourceLocation(display_path, error.lineno, error.offset)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return diagnosis.SourceLocation(display_path, lines[-1]) if lines else diagnosis.SourceLocation(display_path)


def _make_error(location: diagnosis.SourceLocation, message: str, hint: str) -> diagnosis.InvalidInput:
    return diagnosis.InvalidInput([diagnosis.Diagnostic(location, "", message, hint)])
