"""A failed build ends with its step, its output, the cause and a hint, which helps. `make faults` has all faults."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dev import kubectl, project
from dev.faults import build_catalogue, build_runs, watched_run

pytestmark = pytest.mark.cluster

STACK = "build-errors"
CAUSES = ("build-program-missing", "build-file-ignored", "build-base-missing")
FAULTS = {fault.cause: fault for fault in build_catalogue.BUILD_FAULTS}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[project.Project]:
    smallest = project.ROOT / "examples" / "smallest"
    yield project.Project.create(tmp_path_factory.mktemp("builds"), application=smallest, stack=STACK)
    kubectl.delete_namespaces(f"smallest-{STACK}")


@pytest.mark.parametrize("cause", CAUSES)
def test_the_last_error_explains_the_build_and_its_hint_helps(checkout: project.Project, cause: str) -> None:
    settings = yaml.safe_load(checkout.stack_file.read_text())["config"]
    row = build_runs.run_fault(checkout, settings, FAULTS[cause])
    print(" | ".join(row.cells))
    assert row.problems == ()


def test_pulumi_up_on_a_terminal_shows_the_end_of_a_long_output(checkout: project.Project) -> None:
    """The display has no room for the output, and the provider drops the end of it."""
    fault = FAULTS["build-step-failed"]
    settings = yaml.safe_load(checkout.stack_file.read_text())["config"]
    fault.broken.write(checkout, settings)
    result = watched_run.run_on_terminal(checkout, "pulumi", "up", "--yes", "--skip-preview", "--stack", STACK)
    assert result.exit_code != 0
    lines = [watched_run.Line(0.0, line) for line in result.stdout.splitlines()]
    message, problems = build_runs.check_message(fault, lines)
    assert problems == []
    shown = [f"line {number} of the output" for number in range(2981, 3001)]
    assert message[3:23] == shown
    log = (checkout.folder / ".seaway" / "builds" / "web.log").read_text()
    assert all(f" line {number} of the output\n" in log for number in range(1, 3001))


def test_a_stack_with_error_hooks_is_destroyed_without_its_program(checkout: project.Project) -> None:
    """Pulumi records the names of the hooks in the state."""
    checkout.destroy()
    assert Path(checkout.folder / ".seaway").is_dir()
