"""A revision of the project as files in a temporary folder. The checkout does not change."""

import contextlib
import os
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path

from seaway import programs
from seaway.syntax import diagnosis

_GIT_TIMEOUT = 300.0
"""In seconds: Git may have to fetch objects of a partial clone."""

_OPTIONS = ("-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=false")
"""A branch may have committed a folder that git takes for a bare repository, whose configuration names programs to run.
https://git-scm.com/docs/git-config#Documentation/git-config.txt-safebareRepository"""

_REVISION_HINT = "use a revision of git log; in CI fetch it too (actions/checkout: fetch-depth: 2 for HEAD^1)"
_SUBMODULE_HINT = "fetch the commit in the submodule: git fetch; in CI: actions/checkout with submodules: recursive"

SUBMODULE_MODE = "160000"
"""https://git-scm.com/docs/git-fast-import#Documentation/git-fast-import.txt-code160000code"""


@contextlib.contextmanager
def checkout(folder: Path, revision: str) -> Generator[Path]:
    """The project folder in a revision (``HEAD^1``, ``origin/main``), until the block ends.

    Submodules have the commits of the revision, as far as this checkout has them.
    """
    commit = _run_git(
        folder, revision, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    top = Path(_run_git(folder, revision, "rev-parse", "--show-toplevel"))
    prefix = _run_git(folder, revision, "rev-parse", "--show-prefix")
    # A compose file without `name:` is named after its folder, which the user may reach by a link.
    name = top.name if prefix else Path(os.path.abspath(folder)).name  # noqa: PTH100 - not the target of the link
    with tempfile.TemporaryDirectory(prefix="seaway-") as temporary:
        root = Path(temporary, "tree", name)
        _export_tree(_find_git_dir(top, revision), commit, root, revision, top)
        # Marks the top of the repository: with `seaway:root: git` nothing above it is read.
        (root / ".git").touch()
        tree = root / prefix
        tree.mkdir(parents=True, exist_ok=True)
        yield tree


def list_ignored(folder: Path, revision: str) -> Mapping[str, frozenset[str]]:
    """The files and folders that git ignores, by the real path of the folder above: no revision has them."""
    top = os.path.realpath(_run_git(folder, revision, "rev-parse", "--show-toplevel"))
    options = ("--others", "--ignored", "--exclude-standard", "--directory", "-z")
    names: dict[str, set[str]] = {}
    for path in filter(None, _run_git(Path(top), revision, "ls-files", *options).split("\0")):
        above, _, name = path.rstrip("/").rpartition("/")
        names.setdefault(os.path.join(top, above).rstrip("/"), set()).add(name)  # noqa: PTH118
    return {above: frozenset(inside) for above, inside in names.items()}


def _export_tree(git_dir: Path, commit: str, root: Path, revision: str, checkout_folder: Path) -> None:
    """Write the files of a commit, and those of its submodules. ``checkout_folder``: has the submodules' own files."""
    root.mkdir(parents=True, exist_ok=True)
    variables = {"GIT_DIR": str(git_dir), "GIT_WORK_TREE": str(root)}
    with tempfile.TemporaryDirectory(prefix="seaway-") as temporary:
        # A separate index: the checkout's index and its staged changes stay unchanged.
        own = {**variables, "GIT_INDEX_FILE": f"{temporary}/index"}
        hint = _SUBMODULE_HINT if ":" in revision else _REVISION_HINT
        _run_git(root, revision, "read-tree", commit, variables=own, hint=hint)
        _run_git(root, revision, "checkout-index", "--all", "--quiet", variables=own)
    for line in _run_git(root, revision, "ls-tree", "-r", "-z", "--full-tree", commit, variables=variables).split("\0"):
        description, _, path = line.partition("\t")
        mode, _, submodule_commit = description.partition(" commit ")
        if mode != SUBMODULE_MODE:
            continue
        folder, name = checkout_folder / path, f"{revision}:{path}"
        submodule = _find_git_dir(folder, name) if (folder / ".git").exists() else _find_kept(git_dir, root, path)
        if submodule is not None:
            _export_tree(submodule, submodule_commit, root / path, name, folder)


def _find_git_dir(folder: Path, revision: str) -> Path:
    return Path(_run_git(folder, revision, "rev-parse", "--absolute-git-dir"))


def _find_kept(git_dir: Path, root: Path, path: str) -> Path | None:
    """What Git keeps of a submodule that is not checked out any more. None: nothing.

    https://git-scm.com/docs/gitsubmodules
    """
    if not (root / ".gitmodules").is_file():
        return None
    words = ("config", "--file", ".gitmodules", "--get-regexp", r"^submodule\..*\.path$")
    for line in _run_git(root, path, *words).splitlines():
        key, _, own_path = line.partition(" ")
        name = key.removeprefix("submodule.").removesuffix(".path")
        kept = git_dir / "modules" / name
        # A name with `..` would let a branch choose a folder, whose configuration names programs; Git refuses it too.
        if own_path == path and ".." not in kept.parts and kept.is_relative_to(git_dir / "modules") and kept.is_dir():
            return kept
    return None


def _run_git(
    folder: Path,
    revision: str,
    *args: str,
    variables: Mapping[str, str] | None = None,
    hint: str = _REVISION_HINT,
) -> str:
    location, path = diagnosis.SourceLocation("--base"), diagnosis.quote(revision)
    try:
        env = {**os.environ, **(variables or {})}
        done = programs.run(["git", *_OPTIONS, *args], folder=folder, env=env, timeout=_GIT_TIMEOUT)
    except FileNotFoundError:
        raise diagnosis.reject(location, path, "program-not-found", "git is not installed", "install git") from None
    except OSError as error:
        raise diagnosis.reject(location, path, "unknown-revision", f"git {error.strerror}", hint) from None
    if done.returncode:
        reason = " ".join(done.stderr.decode(errors="replace").split()) or "the revision does not exist here"
        raise diagnosis.reject(location, path, "unknown-revision", f"cannot be read from git: {reason}", hint)
    return done.stdout.decode(errors="replace").strip()
