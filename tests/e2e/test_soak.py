"""`make soak`, with a few rollouts: it changes, deletes and evicts, and no request fails."""

from pathlib import Path

import pytest

from dev import soak

pytestmark = pytest.mark.cluster


def test_no_request_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "reliability.md"
    assert soak.main(["--rollouts", "4", "--out", str(page)]) == 0, capsys.readouterr().out
    text = page.read_text()
    rows = dict.fromkeys(f"rollout: {kind}" for kind in soak.CHANGES) | {"pod evicted": None}
    assert [row for row in rows if f"| {row} |" not in text] == []
