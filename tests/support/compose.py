"""Loads compose files that a test writes."""

from pathlib import Path
from typing import Any

from seaway.compose.loader import loader
from seaway.files import roots
from seaway.syntax import diagnosis, nodes
from tests.support import diagnostics

PAGE = "services:\n  web:\n    image: page\n"
"""The start of a file; keys of the service follow."""


def format_service(keys: str, rest: str = "") -> str:
    """A file with one service `web`: its keys, one per line, and the rest of the file."""
    return PAGE + "".join(f"    {line}\n" for line in keys.splitlines()) + rest


def write_files(folder: Path, **texts: str) -> None:
    """Files by name without `.yml`; `__` separates folders."""
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def load(folder: Path, *names: str, **options: Any) -> loader.LoadedProject:
    files = [folder / f"{name}.yml" for name in names or ("main",)]
    return loader.load(files, **{"within": roots.Root(folder), **options})


def load_plain(folder: Path, *names: str, **options: Any) -> dict[str, Any]:
    return nodes.to_plain(load(folder, *names, **options).root)


def load_service(folder: Path, keys: str, rest: str = "", **options: Any) -> dict[str, Any]:
    """The service of a file that has one."""
    write_files(folder, main=f"name: shop\n{format_service(keys, rest)}")
    return load_plain(folder, **options)["services"]["web"]


def load_errors(folder: Path, *names: str, **options: Any) -> tuple[diagnosis.Diagnostic, ...]:
    return diagnostics.catch(lambda: load(folder, *names, **options))
