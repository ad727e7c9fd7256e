"""A revision of the project as files in a temporary folder. The checkout does not change."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path

from seaway.syntax import diagnosis

_OPTIONS = ("-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=false")
"""A branch may have committed a folder that git takes for a bare repository, whose configuration names programs to run.
https://git-scm.com/docs/git-config#Documentation/git-config.txt-safebareRepository"""


@contextlib.contextmanager
def checkout(folder: Path, revision: str) -> Generator[Path]:
    """The project folder in a revision (``HEAD^1``, ``origin/main``), until the block ends."""
    commit = _run_git(
        folder, revision, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    top = Path(_run_git(folder, revision, "rev-parse", "--show-toplevel"))
    prefix = _run_git(folder, revision, "rev-parse", "--show-prefix")
    # A compose file without `name:` is named after its folder, which the user may reach by a link.
    name = top.name if prefix else Path(os.path.abspath(folder)).name  # noqa: PTH100 - not the target of the link
    with tempfile.TemporaryDirectory(prefix="seaway-") as temporary:
        # A separate index: the checkout's index and its staged changes stay unchanged.
        variables = {"GIT_INDEX_FILE": f"{temporary}/index"}
        _run_git(top, revision, "read-tree", commit, variables=variables)
        root = Path(temporary, "tree", name)
        _run_git(top, revision, "checkout-index", "--all", "--quiet", f"--prefix={root}/", variables=variables)
        # Marks the top of the repository: with `seaway:root: git` nothing above it is read.
        root.mkdir(parents=True, exist_ok=True)
        (root / ".git").touch()
        tree = root / prefix
        tree.mkdir(parents=True, exist_ok=True)
        yield tree


def _run_git(folder: Path, revision: str, *args: str, variables: Mapping[str, str] | None = None) -> str:
    location, path = diagnosis.SourceLocation("--base"), diagnosis.quote(revision)
    try:
        done = subprocess.run(
            ["git", *_OPTIONS, *args],
            cwd=folder,
            env={**os.environ, **(variables or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise diagnosis.reject(location, path, "program-not-found", "git is not installed", "install git") from None
    if done.returncode:
        reason = " ".join(done.stderr.split()) or "the revision does not exist here"
        hint = "use a revision of git log; in CI fetch it too (actions/checkout: fetch-depth: 2 for HEAD^1)"
        raise diagnosis.reject(location, path, "unknown-revision", f"cannot be read from git: {reason}", hint)
    return done.stdout.strip()
