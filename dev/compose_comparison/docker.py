"""Runs `docker compose config` without a Docker daemon: it defines the meaning of a compose file."""

import dataclasses
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from dev.cluster import parts, toolchain

PART = parts.find_part("docker-compose")
HOME = "/home/of-nobody"
"""The home folder that replaces ~."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The printed YAML, which is more complete than the JSON, or the error."""

    printed: str | None
    error: str = ""
    warnings: str = ""


def run_config(
    files: Sequence[Path], *, profiles: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> Result:
    """Run `docker compose config` on these files, without this machine's environment.

    Raises layout.CannotRunError: it is not compiled.
    """
    options = [word for file in files for word in ("--file", str(file.absolute()))]
    options += [word for profile in profiles for word in ("--profile", profile)]
    with tempfile.TemporaryDirectory() as home:
        result = subprocess.run(
            [str(toolchain.find_program("docker-compose")), *options, "config"],
            cwd=files[0].parent,
            env={"HOME": HOME, "DOCKER_CONFIG": home, "PATH": "/usr/bin:/bin", **(environment or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    if result.returncode:
        return Result(printed=None, error=result.stderr.strip())
    return Result(printed=result.stdout, warnings=result.stderr.strip())
