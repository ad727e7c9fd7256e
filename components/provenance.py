"""Where the release that is deployed comes from: told with it, and no reason for a change."""

import subprocess
from collections.abc import Sequence

from components import settings
from seaway.checks import engine
from seaway.release import release


def of(given: settings.Given, checked: Sequence[engine.Result]) -> release.Provenance:
    """That of the pinned release; or the commit of the working tree that is built, and what the checks said of it."""
    if given.release:
        return given.release.provenance
    revision = _git(given, "rev-parse", "HEAD")
    dirty = revision is not None and bool(_git(given, "status", "--porcelain"))
    return release.Provenance(revision=revision, dirty=dirty, checks=engine.recorded(checked))


def _git(given: settings.Given, *words: str) -> str | None:
    """What git prints; None where it is not there, or this is no checkout."""
    try:
        done = subprocess.run(
            ["git", "-C", str(given.folder), *words], capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
