"""kubectl on the one-node cluster, for what is no project's."""

import json
import os
import subprocess
from typing import Any

from dev import environment


def run(*words: str, given: Any = None, timeout: float = 120) -> str:
    """What it prints. ``given``: its standard input, an object as JSON; what it says when it fails is the failure."""
    done = subprocess.run(
        ["kubectl", "--context", "seaway-dev", *words],
        env={**os.environ, **environment.format_variables()},
        input=given if given is None or isinstance(given, str) else json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
