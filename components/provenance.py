"""The provenance of the deployed release. It informs people, and is no reason for an update."""

from collections.abc import Sequence

from seaway import programs
from seaway.checks import engine
from seaway.project import environments, release


def collect_provenance(environment: environments.Environment, results: Sequence[engine.Result]) -> release.Provenance:
    """The provenance of the pinned release; or the commit of the working tree, and the results of its checks."""
    if environment.release:
        return environment.release.provenance
    revision = _run_git(environment, "rev-parse", "HEAD")
    dirty = revision is not None and bool(_run_git(environment, "status", "--porcelain"))
    return release.Provenance(revision=revision, dirty=dirty, checks=engine.summarize_for_record(results))


def _run_git(environment: environments.Environment, *arguments: str) -> str | None:
    """The output of git; None if git is missing, or the folder is not a checkout."""
    command = ["git", "-C", str(environment.folder), *arguments]
    try:
        result = programs.run(command, timeout=10)
    except OSError:
        return None
    return result.stdout.decode(errors="replace").strip() if result.returncode == 0 else None
