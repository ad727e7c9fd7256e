"""Builds the wheel of a checkout."""

import fcntl
import subprocess
import sys
from pathlib import Path

UV = (sys.executable, "-m", "uv")


def build(checkout: Path, folder: Path) -> Path:
    """Build the wheel, from the source distribution; both are written to ``folder``."""
    options = ["--quiet", "--no-build-isolation", "--python", sys.executable, "--out-dir", str(folder)]
    # Setuptools writes seaway.egg-info into the checkout: one worker at a time.
    with (checkout / "setup.py").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        subprocess.run([*UV, "build", *options], cwd=checkout, check=True)
    return next(folder.glob("*.whl"))
