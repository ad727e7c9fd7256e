"""Pulumi's current language host ends the program with SIGINT: no traceback, and the error comes last.

A fake host does the same here (tests/support/language_host.py). The tests share a stack and run in order.
"""

import contextlib
import dataclasses
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from dev import environment, kubectl, project
from dev.faults import watched_run
from tests.support import language_host

pytestmark = pytest.mark.cluster

STACK = "host"
NAMESPACE = f"smallest-{STACK}"
CHECKS = "all findings: seaway check"
TODAYS, PINNED = "today's host", "the toolchain's host"
TRACES = ("Traceback", "KeyboardInterrupt", "panic:", "non-zero exit code")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[project.Project]:
    """A stack with the current host."""
    folder = tmp_path_factory.mktemp("small")
    checkout = project.Project.create(folder, application=project.ROOT / "examples" / "smallest", stack=STACK)
    app = checkout.folder / "app" / "app.yaml"
    app.write_text(app.read_text() + "    security: baseline\n")  # three warnings of the checks
    pulumi = shutil.which("pulumi", path=checkout.env["PATH"])
    assert pulumi
    yield list_descendants(checkout, language_host.install(folder / ".seaway" / "host", Path(pulumi)))
    kubectl.delete_namespaces(NAMESPACE)


def list_descendants(small: project.Project, host: Path) -> project.Project:
    return dataclasses.replace(small, env=small.env | {"PATH": f"{host}{os.pathsep}{small.env['PATH']}"})


def pin_release(small: project.Project) -> project.Project:
    """The same stack with the toolchain's host."""
    return dataclasses.replace(small, env=small.env | {"PATH": small.env["PATH"].partition(os.pathsep)[2]})


def list_lines(result: project.CommandResult) -> list[str]:
    """List the lines of Pulumi's output without colours."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", result.output).replace("\r", "").splitlines()


def diagnostics(result: project.CommandResult) -> list[str]:
    """List the lines of a section at the end of Pulumi's output."""
    lines = list_lines(result)
    start = lines.index("Diagnostics:") + 1
    ends = [number for number, line in enumerate(lines) if number > start and re.match(r"\w+:", line)]
    return [line for line in lines[start : min(ends, default=None)] if line.strip()]


def assert_clean_failure(result: project.CommandResult, error: str) -> None:
    """Assert that the run failed without a traceback, and that its diagnostics end with its error."""
    assert result.exit_code != 0, result.output
    for trace in TRACES:
        assert trace not in result.output, result.output
    messages = diagnostics(result)
    assert any("error: " in line and error in line for line in messages), result.output
    # Resources are in any order, the messages of a resource in order. Indented lines belong to a message.
    last = ""
    for line in [*messages, "  the end"]:
        if line.startswith("    ") and not line.startswith("     "):
            last = line.strip()
        elif not line.startswith("    "):
            assert not last or last.startswith("error: "), result.output
    assert CHECKS not in "\n".join(messages), result.output


@contextlib.contextmanager
def edit_file(file: Path, old: str, new: str) -> Iterator[None]:
    """Replace a text in a file until the block ends."""
    source = file.read_text()
    assert source.count(old) == 1, old
    file.write_text(source.replace(old, new))
    try:
        yield
    finally:
        file.write_text(source)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Phase:
    """A part of a run that Ctrl-C interrupts.

    Args:
        command: of Pulumi.
        reached: a line with this text marks the start of the part.
        edit: a change that prolongs the part: file, old, new.
    """

    command: Sequence[str]
    reached: str
    edit: tuple[str, str, str]


UP = ("up", "--yes", "--skip-preview")
PHASES = {
    "preview": Phase(
        command=["preview"], reached="pulumi:pulumi:Stack", edit=("app/app.yaml", "port: 8000", "port: 8000")
    ),
    "build": Phase(
        command=UP, reached="docker-build:index:Image", edit=("app/web/Dockerfile", "COPY", "RUN sleep 120\nCOPY")
    ),
    "rollout": Phase(
        command=UP,
        reached="Rollout services",
        edit=("app/app.yaml", "port: 8000", "port: 8000\n    command: [sleep, inf]"),
    ),
}


def list_locks(small: project.Project) -> list[str]:
    return [file.name for file in (small.folder / ".seaway/state/.pulumi/locks").rglob("*.json")]


def processes(small: project.Project) -> list[str]:
    """List the command lines of processes with the stack's folder in their environment."""
    pids = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            home = f"PULUMI_HOME={small.env['PULUMI_HOME']}".encode()
            if home in (folder / "environ").read_bytes().split(b"\0"):
                pids.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return pids


def test_up_succeeds_and_shows_the_warnings_of_the_checks(small: project.Project) -> None:
    result = small.up()
    assert [line for line in diagnostics(result) if CHECKS in line], result.output
    preview = small.preview("--expect-no-changes")
    assert [line for line in diagnostics(preview) if CHECKS in line], preview.output
    for trace in TRACES:
        assert trace not in result.output + preview.output


@pytest.fixture
def dead(small: project.Project, tmp_path: Path) -> project.Project:
    """The same stack with an unreachable cluster."""
    closed = tmp_path / "kubeconfig"
    closed.write_text(re.sub(r"server: .*", "server: https://127.0.0.1:1", environment.KUBECONFIG.read_text()))
    return dataclasses.replace(small, env=small.env | {"KUBECONFIG": str(closed)})


@pytest.mark.parametrize("verb", ["preview", "up"])
def test_unreachable_cluster_is_one_error(dead: project.Project, verb: str) -> None:
    result = (dead.preview if verb == "preview" else dead.up)(check=False)
    assert_clean_failure(result, "cannot reach the cluster of context")


# Otherwise it may end before it is interrupted.
WORKS_ON = "import asyncio, time\nasyncio.get_running_loop().run_in_executor(None, time.sleep, 60)\nprogram.run()"


def test_interrupted_program_prints_no_traceback(dead: project.Project) -> None:
    with edit_file(dead.folder / "__main__.py", "program.run()", WORKS_ON):
        result = dead.preview(check=False)
    assert_clean_failure(result, "cannot reach the cluster of context")


NOTES_SIGNAL = """\
import pathlib, signal
program.exit_on_interrupt = lambda: None
signal.signal(signal.SIGINT, lambda *_: pathlib.Path("interrupted").touch())
"""


def test_the_fake_host_interrupts_the_program(dead: project.Project) -> None:
    with edit_file(dead.folder / "__main__.py", "program.run()", f"{NOTES_SIGNAL}{WORKS_ON}"):
        dead.preview(check=False)
    assert (dead.folder / "interrupted").is_file()


def test_invalid_input_is_one_error(small: project.Project) -> None:
    with edit_file(small.folder / "app" / "app.yaml", "port: 8000", "port: 80000"):
        assert_clean_failure(small.preview(check=False), "services.web.port")


def test_program_error_has_a_traceback(small: project.Project) -> None:
    with edit_file(small.folder / "__main__.py", "program.run()", "program.run()\nprint(1 / 0)"):
        result = small.preview(check=False)
    assert result.exit_code != 0
    assert "ZeroDivisionError" in result.output
    assert "__main__.py" in result.output
    assert "KeyboardInterrupt" not in result.output


BROKEN = ("build: ./web", "image: registry.localhost:5000/nobody/nothing:2")
PULUMI_UP = ["pulumi", *UP, "--stack", STACK]


@pytest.mark.parametrize(
    ("command", "terminal"),
    [(PULUMI_UP, True), (PULUMI_UP, False), ([sys.executable, "-m", "seaway.cli", "up", "--stack", STACK], False)],
    ids=["pulumi up at a terminal", "pulumi up", "seaway up"],
)
def test_error_of_a_failed_rollout_comes_last(small: project.Project, command: list[str], terminal: bool) -> None:
    with edit_file(small.folder / "app" / "app.yaml", *BROKEN):
        result = (
            watched_run.run_on_terminal(small, *command, columns=200)
            if terminal
            else project.run_command(*command, cwd=small.folder, env=small.env)
        )
    assert_clean_failure(result, "web failed: ")
    assert ("@ updating" in result.output) is not terminal, "what a terminal shows"


def test_failed_seaway_preview_ends_with_the_error(dead: project.Project) -> None:
    command = [sys.executable, "-m", "seaway.cli", "preview", "--stack", STACK, "--local-backend"]
    result = project.run_command(*command, cwd=dead.folder, env=dead.env)
    assert result.exit_code == 1
    assert "cannot reach the cluster of context" in result.output.strip().splitlines()[-1], result.output
    for trace in TRACES:
        assert trace not in result.output, result.output


@pytest.mark.parametrize(
    ("host", "phase", "times"),
    [
        *((TODAYS, phase, times) for phase in PHASES for times in (1, 2)),
        *((PINNED, phase, 2) for phase in ("build", "rollout")),
    ],
)
def test_ctrl_c_leaves_no_lock_and_the_next_up_converges(
    small: project.Project, host: str, phase: str, times: int
) -> None:
    where = pin_release(small) if host == PINNED else small
    what = PHASES[phase]
    # The second time as soon as Pulumi has responded.
    presses = (what.reached, "^C received; cancelling")[:times]
    with edit_file(small.folder / what.edit[0], *what.edit[1:]):
        result = watched_run.run_pulumi(where, *what.command, stop_at=presses)
    assert result.exit_code != 0, result.output
    for trace in TRACES:
        assert trace not in result.output, result.output
    assert CHECKS not in result.output.partition("Diagnostics:")[2], result.output
    assert list_locks(small) == []
    assert json.loads(where.pulumi("stack", "export", "--stack", STACK, check=True).stdout)["deployment"]["resources"]
    where.up()
    where.preview("--expect-no-changes")
    assert processes(small) == []
