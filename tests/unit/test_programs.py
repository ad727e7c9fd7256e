"""Other programs end in time, with all that they started, and print a bounded text."""

import re
import sys
import time
from pathlib import Path

import pytest

import seaway
from seaway import programs

ENDLESS = "import os\nwhile True: os.write({}, b'x' * 65536)"


def test_the_result_has_the_exit_code_and_the_outputs() -> None:
    script = "import sys; print(sys.stdin.read()[::-1]); print('no', file=sys.stderr); sys.exit(3)"
    done = programs.run([sys.executable, "-c", script], timeout=60, content=b"abc" * 100_000)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (3, b"cba" * 100_000, b"no\n")


def test_a_program_that_reads_nothing_gets_no_error() -> None:
    assert programs.run(["true"], timeout=60, content=b"x" * 1_000_000).returncode == 0


@pytest.mark.parametrize("descriptor", [1, 2])
def test_a_program_that_prints_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch, descriptor: int) -> None:
    monkeypatch.setattr(programs, "MAX_OUTPUT", 1_000_000)
    with pytest.raises(OSError, match="printed more than 1 MB"):
        programs.run([sys.executable, "-c", ENDLESS.format(descriptor)], timeout=60)


@pytest.mark.parametrize(
    ("script", "message"),
    [("sleep 600 & echo $! > child; wait", "did not end within 1 s"), ("sleep 600 & echo $! > child", "")],
)
def test_what_a_program_started_ends_with_it(tmp_path: Path, script: str, message: str) -> None:
    if message:
        with pytest.raises(TimeoutError, match=message):
            programs.run(["sh", "-c", script], timeout=1, folder=tmp_path)
    else:
        programs.run(["sh", "-c", script], timeout=60, folder=tmp_path)
    stat = Path("/proc", (tmp_path / "child").read_text().strip(), "stat")
    end = time.monotonic() + 30
    while stat.exists() and " Z " not in stat.read_text() and time.monotonic() < end:
        time.sleep(0.05)
    assert not stat.exists() or " Z " in stat.read_text()


def test_no_other_module_starts_programs() -> None:
    """Pulumi, and a credential program that asks the user, run as long as the user wants; a proxy has no end; a
    load is a program of our own that is told to stop."""
    root = Path(seaway.__file__).parent.parent
    files = [file for folder in ("seaway", "components", "plugin") for file in (root / folder).rglob("*.py")]
    names = {
        str(file.relative_to(root))
        for file in files
        if re.search(
            r"subprocess\.(run|Popen|check_|call)|create_subprocess|os\.(system|popen|spawn|exec)", file.read_text()
        )
    }
    assert names == {
        "components/buildkit.py",
        "seaway/acceptance/measurement.py",
        "seaway/cli/pulumi_cli.py",
        "seaway/kubernetes/cluster/credentials.py",
        "seaway/programs.py",
        "seaway/template/tests/test_manifests.py",
    }
