"""`seaway up --recover` after a Pulumi that was killed: what stands for Pulumi says what it would say."""

import datetime
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from seaway import errors
from seaway.cli import command, main, recovery, stack
from seaway.release import hold
from tests.unit.cli import conftest, program

URN = "urn:pulumi:dev::seaway::seaway:index:Application$seaway:index:Workload$kubernetes:apps/v1:Deployment::web"
LONG_AGO = "2026-01-02T03:04:05Z"
DONE = "print('Import complete.')"


@pytest.fixture
def where(checkout: Path) -> stack.TargetStack:
    return stack.TargetStack(
        name="dev", context="work", app="shop", namespace="shop-dev", folder=checkout, app_file="app/app.yaml"
    )


def exports(*urns: str) -> str:
    """A step that exports a state with open operations of these."""
    pending = [{"type": "creating", "resource": {"urn": urn}} for urn in urns]
    state = json.dumps({"version": 3, "deployment": {"pending_operations": pending}})
    return f"pathlib.Path(sys.argv[sys.argv.index('--file') + 1]).write_text({state!r})"


def locked(*who: str) -> str:
    """A step that fails as Pulumi does where others hold the lock, at a terminal."""
    lines = [
        f"  file:///state/.pulumi/locks/organization/seaway/dev/{n}.json: created by {holder}\x1b[0m"
        for n, holder in enumerate(who)
    ]
    message = (
        "warning: removing pending operation 'creating' on 'urn' from snapshot\n"
        "\x1b[31merror: could not import deployment: "
        f"the stack is currently locked by {len(who)} lock(s). Either wait for the other process(es) to end or delete"
        " the lock file with `pulumi cancel`.\n" + "\n".join(lines)
    )
    return f"print({message!r}, file=sys.stderr); sys.exit(255)"


def ended() -> int:
    """The number of a process that is no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


def here(pid: int, since: str = LONG_AGO) -> str:
    return f"me@{socket.gethostname()} (pid {pid}) at {since}"


def now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def find_failure(where: stack.TargetStack, *, force_unlock: bool) -> str | None:
    """Why the recovery failed."""
    try:
        recovery.recover(where, force_unlock=force_unlock)
    except errors.Unavailable as error:
        return str(error)
    return None


def hide_process(message: str | None) -> list[str]:
    """The lines of a message without the host, process numbers and times of this run."""
    hidden = (message or "").replace(socket.gethostname(), "HOST")
    hidden = re.sub(r"(pid |kill )\d{2,}", r"\1PID", hidden)
    return re.sub(r"since (?!2026-01-02)\S+ \S+", "since NOW", hidden).splitlines()


def test_the_lock_of_an_ended_process_is_removed(
    where: stack.TargetStack, pulumi: program.FakePulumi, capsys: pytest.CaptureFixture[str], wording: list[str]
) -> None:
    pulumi.set_steps(exports(URN), locked(here(ended())), "print('canceled')", exports(URN), DONE)
    assert find_failure(where, force_unlock=False) is None
    assert [call[:2] for call in pulumi.calls] == [
        ["stack", "export"],
        ["stack", "import"],
        ["cancel", "--yes"],
        ["stack", "export"],
        ["stack", "import"],
    ]
    assert all(call[-3:] == ["--stack", "dev", "--non-interactive"] for call in pulumi.calls)
    assert hide_process(capsys.readouterr().err) == wording


def test_where_nothing_is_locked_the_open_operations_are_forgotten(
    where: stack.TargetStack, pulumi: program.FakePulumi, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.set_steps(exports(), DONE)
    assert find_failure(where, force_unlock=False) is None
    assert capsys.readouterr().err == ""


def test_the_lock_of_a_running_process_is_kept(
    where: stack.TargetStack, pulumi: program.FakePulumi, wording: list[str]
) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        pulumi.set_steps(exports(URN), locked(here(ended()), here(process.pid, now())))
        assert hide_process(find_failure(where, force_unlock=False)) == wording
        process.communicate(b"\n")
    assert len(pulumi.calls) == 2


def test_the_lock_of_another_machine_requires_confirmation(
    where: stack.TargetStack, pulumi: program.FakePulumi, wording: list[str]
) -> None:
    pulumi.set_steps(exports(URN), locked(here(ended()), f"ci@runner-7 (pid 1) at {LONG_AGO}"))
    assert hide_process(find_failure(where, force_unlock=False)) == wording
    assert len(pulumi.calls) == 2


def test_force_unlock_removes_the_lock(
    where: stack.TargetStack, pulumi: program.FakePulumi, capsys: pytest.CaptureFixture[str], wording: list[str]
) -> None:
    pulumi.set_steps(exports(), locked(f"ci@runner-7 (pid 1) at {LONG_AGO}"), "", exports(), DONE)
    assert find_failure(where, force_unlock=True) is None
    assert capsys.readouterr().err.splitlines() == wording


CONFLICT = "print('error: [409] Conflict: Another update is currently in progress.', file=sys.stderr); sys.exit(255)"


def test_pulumi_cloud_does_not_name_the_holder(
    where: stack.TargetStack, pulumi: program.FakePulumi, capsys: pytest.CaptureFixture[str], wording: list[str]
) -> None:
    pulumi.set_steps(exports(), CONFLICT, exports(), CONFLICT, "", exports(), DONE)
    assert hide_process(find_failure(where, force_unlock=False)) == wording
    assert find_failure(where, force_unlock=True) is None
    assert capsys.readouterr().err.splitlines() == wording


@pytest.mark.parametrize("holder", ["running", "ended", "elsewhere", "cloud"])
def test_a_second_update_names_the_first(
    pulumi: program.FakePulumi, seaway: conftest.Seaway, wording: list[str], holder: str
) -> None:
    """Pulumi's own advice, to delete the lock, is not printed, and the result of the first run is kept."""
    other = {
        "running": locked(here(os.getpid(), now())),
        "ended": locked(here(ended())),
        "elsewhere": locked(f"ci@runner-7 (pid 1) at {LONG_AGO}"),
        "cloud": CONFLICT,
    }[holder]
    first = hold.RunResult(described="a", deployed="a")
    hold.write_run_result(pulumi.folder, "dev", first)
    pulumi.set_steps(f"print('warning: w', file=sys.stderr); {other}")
    assert hide_process(seaway("up", code=command.LOCKED).err) == wording
    assert hold.read_run_result(pulumi.folder, "dev") == first


FAILS = "print('warning: w\\nerror: no\\n  such thing', file=sys.stderr); sys.exit(255)"


@pytest.mark.parametrize(
    "steps", [[FAILS], [exports(), FAILS], [exports(), locked(f"a@b (pid 1) at {LONG_AGO}"), FAILS]]
)
def test_errors_of_pulumi(
    where: stack.TargetStack, pulumi: program.FakePulumi, steps: list[str], wording: list[str]
) -> None:
    pulumi.set_steps(*steps)
    assert [find_failure(where, force_unlock=True)] == wording


def test_a_new_lock_of_another_process_is_kept(where: stack.TargetStack, pulumi: program.FakePulumi) -> None:
    mine = locked(here(ended()))
    pulumi.set_steps(exports(), mine, "", exports(), locked(f"ci@runner-7 (pid 1) at {LONG_AGO}"))
    why = find_failure(where, force_unlock=True)
    assert why is not None
    assert why.startswith("the state cannot be repaired: could not import deployment: the stack is currently locked")
    assert len(pulumi.calls) == 5


def test_a_later_process_with_the_same_number_is_not_the_holder() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        (before, since) = recovery.parse_holders(
            f"created by {here(process.pid, LONG_AGO)}\n created by {here(process.pid, now())}"
        )
        assert recovery.is_running(before) is False
        assert recovery.is_running(since) is True
        process.communicate(b"\n")
    assert recovery.is_running(since) is False


def test_another_pulumi_with_its_number_is_not_disturbed(tmp_path: Path) -> None:
    """A clock that was set makes times lie; then the name counts."""
    called = tmp_path / "pulumi"
    called.symlink_to("/bin/sleep")
    with subprocess.Popen([called, "60"]) as process:
        (holder,) = recovery.parse_holders(f"created by {here(process.pid)}")
        assert recovery.is_running(holder) is True
        process.kill()


def test_a_zombie_is_not_running() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.read()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    (holder,) = recovery.parse_holders(f"created by {here(process.pid, now())}")
    assert recovery.is_running(holder) is False
    process.communicate()


def test_a_refusal_ends_the_command(pulumi: program.FakePulumi, seaway: conftest.Seaway, wording: list[str]) -> None:
    pulumi.set_steps(FAILS)
    assert seaway("up", "--recover", code=1).err.splitlines() == wording


def test_then_it_is_an_ordinary_up(pulumi: program.FakePulumi) -> None:
    pulumi.set_steps(exports(URN), DONE, "sys.exit(255)")
    assert main.main(["up", "--recover", "--", "--refresh"]) == 1
    assert pulumi.calls[-1] == ["up", "--yes", "--skip-preview", "--stack", "dev", "--refresh"]


def test_without_the_option_nothing_of_it_is_done(pulumi: program.FakePulumi) -> None:
    pulumi.set_steps("sys.exit(255)")
    assert main.main(["up"]) == 1
    assert len(pulumi.calls) == 1


def test_force_unlock_requires_recover(pulumi: program.FakePulumi, seaway: conftest.Seaway, wording: list[str]) -> None:
    assert seaway("up", "--force-unlock", code=2).err.splitlines() == wording
