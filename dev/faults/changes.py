"""Faults of the application: each function changes it in place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

Application = dict[str, Any]
Change = Callable[[Application, Path], None]


def change_web(**fields: Any) -> Change:
    """Change fields of the service web."""

    def change(app: Application, folder: Path) -> None:
        app["services"]["web"] |= fields

    return change


def change_image(reference: str) -> Change:
    """Change the image of web."""

    def change(app: Application, folder: Path) -> None:
        del app["services"]["web"]["build"]
        app["services"]["web"]["image"] = reference

    return change


def change_program(program: str) -> Change:
    """Change the program of web to a Python script."""
    return change_web(command=["python3", "-c", program])


def use_foreign_binary(app: Application, folder: Path) -> None:
    """Build an image with a program for another processor."""
    context = folder / "foreign"
    context.mkdir(exist_ok=True)
    # Only the header of an ELF file for 64-bit ARM: the kernel reads no further.
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00\x01\x00\x00\x00" + bytes(40)
    program = context / "program"
    program.write_bytes(header)
    program.chmod(0o755)
    base = "ARG BASE_IMAGE=python:3.12-slim\nFROM ${BASE_IMAGE}\n"
    (context / "Dockerfile").write_text(base + 'COPY program /program\nCMD ["/program"]\n')
    app["services"]["web"] |= {"build": "./foreign"}


def fail_migration(app: Application, folder: Path) -> None:
    app["jobs"]["migrate"]["command"] = ["python3", "-c", "raise SystemExit('the schema is newer than this release')"]


def slow_migration(app: Application, folder: Path) -> None:
    program = "import runpy, time; time.sleep(10); runpy.run_path('migrate.py', run_name='__main__')"
    app["jobs"]["migrate"] |= {"command": ["python3", "-c", program], "timeout": 5}


def add_store(app: Application, folder: Path) -> None:
    """Add a second store with a volume."""
    app["stores"]["cache"] = {
        "image": "postgres:17",
        "port": 5433,
        "user": 999,
        "command": ["sleep", "infinity"],
        "health": {"readiness": ["true"], "liveness": ["true"], "startPeriod": 10},
        "volume": {"path": "/data", "size": "1Gi"},
    }


def change_source(program: str, **fields: Any) -> Change:
    """Change the program of web to a file of its image."""

    def change(app: Application, folder: Path) -> None:
        (folder / "web" / "fault.py").write_text(program)
        app["services"]["web"] |= {"command": ["python3", "fault.py"], **fields}

    return change


def import_helper(app: Application, folder: Path) -> None:
    """Import a module of a folder that the Dockerfile does not copy."""
    (folder / "web" / "lib").mkdir(exist_ok=True)
    (folder / "web" / "lib" / "helper.py").write_text("")
    change_source(build_server("('', 8000)", "", "import helper"))(app, folder)


def build_server(address: str, text: str, before: str = "") -> str:
    """The text of a program that serves at an address after some statements, and logs a text."""
    return f"""
import os, runpy, sys
{before}
import server, web
print({text!r}, flush=True)
with server.Server({address}, web.Web) as running:
    running.serve_forever()
"""
