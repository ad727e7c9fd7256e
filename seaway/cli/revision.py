"""A revision of the project as files in a folder of their own; the checkout stays as it is."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path

from seaway.syntax import diagnosis


@contextlib.contextmanager
def checkout(folder: Path, revision: str) -> Generator[Path]:
    """The project's folder as it was in a revision (``HEAD^1``, ``origin/main``). It goes at the end.

    Raises:
        diagnosis.InvalidInput: this is no git repository, or it does not have the revision.
    """
    commit = _run_git(
        folder, revision, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    top = Path(_run_git(folder, revision, "rev-parse", "--show-toplevel"))
    below = _run_git(folder, revision, "rev-parse", "--show-prefix")
    with tempfile.TemporaryDirectory(prefix="seaway-") as made:
        # An index of its own: that of the checkout, and what is staged in it, stays as it is.
        own = {"GIT_INDEX_FILE": f"{made}/index"}
        _run_git(top, revision, "read-tree", commit, variables=own)
        _run_git(top, revision, "checkout-index", "--all", "--quiet", f"--prefix={made}/tree/", variables=own)
        # Where the repository begins: with `seaway:root: git` nothing above it is read.
        Path(made, "tree").mkdir(exist_ok=True)
        Path(made, "tree", ".git").touch()
        tree = Path(made, "tree", below)
        tree.mkdir(parents=True, exist_ok=True)
        yield tree


def _run_git(folder: Path, revision: str, *words: str, variables: Mapping[str, str] | None = None) -> str:
    try:
        done = subprocess.run(
            ["git", *words],
            cwd=folder,
            env={**os.environ, **(variables or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise _build_error(revision, "there is no program git", "install it") from None
    if done.returncode:
        said = " ".join(done.stderr.split()) or "there is no such revision here"
        remedy = "name one that git log shows; in CI fetch it too (actions/checkout: fetch-depth: 2 for HEAD^1)"
        raise _build_error(revision, f"cannot be read from git: {said}", remedy)
    return done.stdout.strip()


def _build_error(revision: str, message: str, hint: str) -> diagnosis.InvalidInput:
    return diagnosis.InvalidInput(
        [diagnosis.Diagnostic(diagnosis.SourceLocation("--base"), diagnosis.quote(revision), message, hint)]
    )
