"""Where the release that is deployed comes from: told with it, and no reason for a change."""

import subprocess
from collections.abc import Sequence

from seaway.checks import engine
from seaway.project import environments, release


def collect_provenance(environment: environments.Environment, results: Sequence[engine.Result]) -> release.Provenance:
    """That of the pinned release; or the commit of the working tree that is built, and what the checks said of it."""
    if environment.release:
        return environment.release.provenance
    revision = _run_git(environment, "rev-parse", "HEAD")
    dirty = revision is not None and bool(_run_git(environment, "status", "--porcelain"))
    return release.Provenance(revision=revision, dirty=dirty, checks=engine.summarize_for_record(results))


def _run_git(environment: environments.Environment, *words: str) -> str | None:
    """What git prints; None where it is not there, or this is no checkout."""
    try:
        done = subprocess.run(
            ["git", "-C", str(environment.folder), *words], capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
