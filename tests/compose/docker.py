"""`docker compose config`, run without a Docker daemon: the judge of what a compose file means."""

import dataclasses
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from dev.cluster import parts, toolchain

PART = parts.find_part("docker-compose")
HOME = "/home/of-nobody"
"""What it puts in place of ~."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What it printed, as YAML, which has more than its JSON; or why it refused the project."""

    printed: str | None
    refused: str = ""
    warnings: str = ""


def config(
    files: Sequence[Path], *, profiles: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> Said:
    """What Docker Compose makes of these files, with nothing of this machine's environment.

    Raises layout.CannotRunError: it is not compiled.
    """
    options = [word for file in files for word in ("--file", str(file.absolute()))]
    options += [word for profile in profiles for word in ("--profile", profile)]
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [str(toolchain.find_program("docker-compose")), *options, "config"],
            cwd=files[0].parent,
            env={"HOME": HOME, "DOCKER_CONFIG": home, "PATH": "/usr/bin:/bin", **(environment or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    if done.returncode:
        return Said(printed=None, refused=done.stderr.strip())
    return Said(printed=done.stdout, warnings=done.stderr.strip())
