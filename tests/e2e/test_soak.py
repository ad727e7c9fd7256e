"""`make soak`, with a few rollouts: it changes, deletes and evicts, and no request fails."""

import subprocess
from pathlib import Path

import pytest

from dev import project, soak

pytestmark = pytest.mark.cluster


def test_no_request_fails(tmp_path: Path) -> None:
    page = tmp_path / "reliability.md"
    command = ["make", "soak", f"ARGS=--rollouts 4 --out {page}"]
    result = subprocess.run(command, cwd=project.ROOT, capture_output=True, text=True, timeout=420, check=False)
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    rows = [*(f"rollout: {kind}" for kind in soak.CHANGES), "pod evicted"]
    assert [row for row in rows if f"| {row} |" not in page.read_text()] == []
