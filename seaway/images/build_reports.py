"""The explanations and the logs of the builds that failed in the last run, in ``.seaway/builds``.

A command that runs Pulumi repeats the explanations below Pulumi's output, which the summary of the run ends.
"""

import sys
from pathlib import Path

from seaway.files import private, writer


def get_log_path(project_folder: Path, name: str) -> Path:
    """The whole log of the last failed build of an image."""
    return project_folder / private.FOLDER_NAME / "builds" / f"{name}.log"


def get_path(project_folder: Path) -> Path:
    """The explanations of the last run; the file exists only if a build failed."""
    return project_folder / private.FOLDER_NAME / "builds" / "failed.txt"


def clear(project_folder: Path) -> None:
    """Forget the failures of the last run."""
    writer.remove_file(project_folder, get_path(project_folder))


def add(project_folder: Path, explanation: str) -> None:
    """Add the explanation of a failed build."""
    private.write_file(get_path(project_folder), "\n\n".join(filter(None, (read(project_folder), explanation))))


def read(project_folder: Path) -> str:
    """The explanations of all failed builds of the last run; empty if none failed."""
    return (private.read_file(get_path(project_folder)) or b"").decode(errors="replace")


def print_failures(project_folder: Path) -> None:
    """Print the explanations to stderr."""
    if explanations := read(project_folder):
        print(f"\n{explanations}", file=sys.stderr, flush=True)
