"""Where the release that is deployed comes from: told with it, and no reason for a change."""

import subprocess
from collections.abc import Sequence

from components import settings
from seaway.checks import engine
from seaway.project import release


def collect_provenance(stack_inputs: settings.StackInputs, results: Sequence[engine.Result]) -> release.Provenance:
    """That of the pinned release; or the commit of the working tree that is built, and what the checks said of it."""
    if stack_inputs.release:
        return stack_inputs.release.provenance
    revision = _run_git(stack_inputs, "rev-parse", "HEAD")
    dirty = revision is not None and bool(_run_git(stack_inputs, "status", "--porcelain"))
    return release.Provenance(revision=revision, dirty=dirty, checks=engine.summarize_for_record(results))


def _run_git(stack_inputs: settings.StackInputs, *words: str) -> str | None:
    """What git prints; None where it is not there, or this is no checkout."""
    try:
        done = subprocess.run(
            ["git", "-C", str(stack_inputs.folder), *words], capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
