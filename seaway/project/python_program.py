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
NAME = "application"


def read(path: Path, shown: str) -> nodes.Node:
    """What the program describes; ``shown`` is what messages call it. It may import what stands beside it.

    Raises problems.Invalid: it fails, or it has no application.
    """
    place = diagnosis.Place(shown)
    try:
        with _beside(path.parent), contextlib.redirect_stdout(sys.stderr):
            made: Any = runpy.run_path(str(path), run_name=NAME).get(NAME)
    except diagnosis.Invalid:
        raise
    except (Exception, SystemExit) as error:
        wrong = f"the program ends with {type(error).__name__}: {' '.join(str(error).split()) or 'no reason'}"
        raise _invalid(_line(error, path, shown), wrong, f"correct it; `python {shown}` runs it alone") from error
    if not isinstance(made, application.Application):
        what = "has no" if made is None else f"has a {type(made).__name__} as"
        remedy = f'end it with {NAME} = Application("shop", services=(...))'
        raise _invalid(place, f"{what} `{NAME}`", remedy)
    return encode.node(encode.plain(made), place)


@contextlib.contextmanager
def _beside(folder: Path) -> Generator[None]:
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


def _line(error: BaseException, path: Path, shown: str) -> diagnosis.Place:
    """The line of the program itself that was last, whatever it called."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return diagnosis.Place(shown, error.lineno, error.offset)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return diagnosis.Place(shown, lines[-1]) if lines else diagnosis.Place(shown)


def _invalid(place: diagnosis.Place, wrong: str, remedy: str) -> diagnosis.Invalid:
    return diagnosis.Invalid([diagnosis.Problem(place, "", wrong, remedy)])
