"""An application in Python: a program of the user that ends with `application = ...`.

It becomes the same nodes as a file in YAML, so overlays, rules and messages are the same. Objects have no lines: those
of the arguments of `Service("web", port=80)`, `Store` and `Job` are found in the program's text. Other locations are
the file, and the path identifies the field.
"""

import ast
import contextlib
import dataclasses
import importlib
import re
import runpy
import sys
import traceback
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

from seaway.model import application
from seaway.syntax import decode, diagnosis, encode, nodes

SUFFIX = ".py"
VARIABLE_NAME = "application"

_SECTIONS = {"Service": "services", "Store": "stores", "Job": "jobs"}


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
    lines = dict(_find_lines(ast.parse(path.read_bytes()), display_path))
    return _add_lines(encode.to_node(encode.to_plain(variable), location), "", location, lines)


def to_snake_case(key: str) -> str:
    """The name of a key of app.yaml in Python."""
    return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", key)


def _find_lines(tree: ast.AST, file: str) -> Iterator[tuple[str, diagnosis.SourceLocation]]:
    """The paths of workloads and of their arguments, with the lines where the program writes them."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or (section := _SECTIONS.get(_get_name(call.func))) is None:
            continue
        by_keyword = (keyword.value for keyword in call.keywords if keyword.arg == "name")
        name = next(iter(call.args), None) or next(by_keyword, None)
        if isinstance(name, ast.Constant):
            path = f"{section}.{name.value}"
            yield path, diagnosis.SourceLocation(file, call.lineno)
            yield from _find_arguments(call, path, file)


def _find_arguments(call: ast.Call, path: str, file: str) -> Iterator[tuple[str, diagnosis.SourceLocation]]:
    for keyword in call.keywords:
        inner_path = f"{path}.{decode.to_camel_case(keyword.arg or '')}"
        yield inner_path, diagnosis.SourceLocation(file, keyword.lineno)
        if isinstance(keyword.value, ast.Call):
            yield from _find_arguments(keyword.value, inner_path, file)


def _get_name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _add_lines(
    node: nodes.Node, path: str, location: diagnosis.SourceLocation, lines: Mapping[str, diagnosis.SourceLocation]
) -> nodes.Node:
    """The node at a path with the lines of its keys. A path without a line has that of its parent."""
    location = lines.get(path, location)
    if not isinstance(node, nodes.MappingNode):
        return dataclasses.replace(node, location=location)
    pairs: dict[str, nodes.Pair] = {}
    for key, pair in node.pairs.items():
        child = _add_lines(pair.node, f"{path}.{key}".lstrip("."), location, lines)
        pairs[key] = nodes.Pair(child.location, child)
    return nodes.MappingNode(location, pairs)


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
