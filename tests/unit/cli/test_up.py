"""`seaway up` with a Pulumi that does what the test says, and a cluster that is a stand-in."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seaway.cli import deployment, main
from seaway.model import settings
from seaway.project import release, release_lock
from seaway.release import hold, record, record_store, stored_record
from tests import golden
from tests.support import apiserver
from tests.unit.cli import conftest, environments, program, test_status

FAILED = "f" * 12
STACK = settings.Settings(stack="dev", context="work")


UP = ["up", "--yes", "--skip-preview", "--stack", "dev"]


@pytest.fixture
def good(api: apiserver.ApiServer, checkout: Path) -> record.ReleaseRecord:
    """The last good release, in the cluster with all of its objects, and in the stack's state."""
    app = golden.load_example("shop")
    release_record = golden.create_record(app, STACK)
    pointer = record_store.build_current(
        release_record, record_store.CurrentRelease(id=release_record.id, previous=None, since="2026-01-01T00:00:00Z")
    )
    saved = stored_record.StoredRecord.create(release_record, release.Provenance())
    history = [record.RecordSummary(id=release_record.id, sha256=saved.sha256, recorded="2026-01-01T00:00:00Z")]
    program.write_state(checkout, release_record, history=history)
    for manifest in [
        *(release_object.manifest for release_object in release_record.render_objects()),
        *record_store.build_config_maps(release_record, release_record.id, saved),
        pointer,
    ]:
        api.put_manifest(manifest)
    return release_record


def breaks(api: apiserver.ApiServer) -> str:
    """A step that changes something in the cluster, and fails."""
    path = f"{api.url}/api/v1/namespaces/shop-dev/services/web"
    return f"note('{FAILED}', '{FAILED}'); delete('{path}'); sys.exit(255)"


def test_success_prints_the_status(
    pulumi: program.FakePulumi, good: record.ReleaseRecord, capfd: pytest.CaptureFixture[str]
) -> None:
    pulumi.set_steps(f"print('Updating', flush=True); note('{good.id}', '{good.id}')")
    assert main.main(["up", "--stack", "dev", "--", "--refresh", "-c", "a=b"]) == 0
    assert pulumi.calls == [[*UP, "--refresh", "-c", "a=b"]]
    out = capfd.readouterr().out
    assert out.startswith("Updating\n")
    assert f"shop · stack dev · context work · release {good.id}" in out
    assert "SERVICE" in out
    assert out.splitlines()[-1].startswith("pulumi up 0.")
    assert " s · total " in out.splitlines()[-1]


LISTED = "deletes the disk shop-dev/data-db-0 (1Gi, store db): StatefulSet db is deleted"


def preview(*diagnostics: tuple[str, str]) -> str:
    """A step that prints what `pulumi preview --json` does."""
    lines = [{"severity": severity, "message": f"{severity}: {text}\n"} for severity, text in diagnostics]
    document = json.dumps({"steps": [], "diagnostics": lines})
    return f"import os; assert os.environ['SEAWAY_LIST_DATA_LOSS'] == 'true'; print({document!r})"


def accepts(*names: str) -> str:
    """A step of an update to which just this is accepted, and which lists nothing."""
    wanted = f"os.environ['SEAWAY_ACCEPT_DATA_LOSS'] == {','.join(names)!r}"
    return f"import os; sys.exit(0 if {wanted} and 'SEAWAY_LIST_DATA_LOSS' not in os.environ else 255)"


@pytest.mark.parametrize(
    ("listed", "name", "message"),
    [
        ([("warning", LISTED), ("warning", "something else")], "shop-dev/data-db-0", LISTED),
        ([], "", "deletes no volume"),
    ],
    ids=["a disk", "nothing"],
)
def test_exactly_the_listed_deletions_are_accepted(  # noqa: PLR0917 - fixtures
    pulumi: program.FakePulumi,
    good: record.ReleaseRecord,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    listed: list[tuple[str, str]],
    name: str,
    message: str,
) -> None:
    monkeypatch.setitem(os.environ, "SEAWAY_ACCEPT_DATA_LOSS", "shop-dev/more")
    pulumi.set_steps(preview(*listed), accepts(name))
    assert main.main(["up", "--accept-data-loss", "--stack", "dev"]) == 0
    assert pulumi.calls == [["preview", "--json", "--stack", "dev", "--non-interactive"], UP]
    assert f"seaway: accepted: {message}\n" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (preview(("error", "no namespace")), "seaway: no namespace\n"),
        ("print('error: no'); sys.exit(255)", "error: no\n"),
    ],
)
def test_a_preview_that_fails_accepts_nothing(
    pulumi: program.FakePulumi, capfd: pytest.CaptureFixture[str], step: str, expected: str
) -> None:
    pulumi.set_steps(step)
    assert main.main(["up", "--accept-data-loss"]) == 1
    assert len(pulumi.calls) == 1
    assert expected in capfd.readouterr().err


def test_a_rollback_deletes_the_volumes_of_the_failed_release(
    pulumi: program.FakePulumi, good: record.ReleaseRecord, api: apiserver.ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "SEAWAY_ACCEPT_DATA_LOSS", "")
    api.put("v1", "PersistentVolumeClaim", "shop-dev", "data-db-0")
    path = f"{api.url}/api/v1/namespaces/shop-dev/persistentvolumeclaims/data-cache-0"
    creation = (
        "import urllib.request; urllib.request.urlopen(urllib.request.Request("
        f'{path!r}, method=\'PATCH\', data=b\'{{"apiVersion": "v1", "kind": "PersistentVolumeClaim"}}\'))'
    )
    rollback = f"note('{FAILED}', '{good.id}'); {accepts('', 'shop-dev/data-cache-0')}"
    pulumi.set_steps(f"{creation}; {breaks(api)}", rollback, "print('1 unchanged')")
    assert main.main(["up", "--rollback-on-failure"]) == 3


HELP = """
Flags:
  -c, --config stringArray          Config to use
      --diff                        Display operation as a rich diff
  -p, --parallel int32              Allow P resource operations (default 8)
  -r, --refresh string[="true"]     Refresh the state
  -t, --target stringArray          Specify a single resource URN
  -y, --yes                         Automatically approve

Global Flags:
  -C, --cwd string                  Run pulumi in another directory
"""


def test_flags_of_pulumi_are_passed_on(pulumi: program.FakePulumi, good: record.ReleaseRecord) -> None:
    pulumi.set_steps(f"print({HELP!r})", f"note('{good.id}', '{good.id}')")
    flags = ["--yes", "--target", "urn:x", "--refresh", "--diff", "-p4", "--parallel=4", "-c", "a=b"]
    assert main.main(["up", *flags[:2], "--stack", "dev", *flags[2:], "--", "--hidden"]) == 0
    assert pulumi.calls == [["up", "--help", "--non-interactive"], [*UP, *flags, "--hidden"]]


@pytest.mark.parametrize(
    "words",
    [
        ["--retri"],
        ["--paralel", "4", "--dif"],
        ["prod"],
        ["-y", "--cwd", "x"],
        ["--xyzzy=1"],
        ["--rollback-on-failure", "-t", "urn:x"],
    ],
    ids=" ".join,
)
def test_words_that_neither_has(
    pulumi: program.FakePulumi, words: list[str], capfd: pytest.CaptureFixture[str], wording: list[str]
) -> None:
    pulumi.set_steps(f"print({HELP!r})")
    assert main.main(["up", *words]) == 2
    assert capfd.readouterr().err.splitlines() == wording


def test_a_failure_ends_with_what_is_not_done(
    pulumi: program.FakePulumi, api: apiserver.ApiServer, capfd: pytest.CaptureFixture[str], wording: list[str]
) -> None:
    pulumi.set_steps(*["print('error: no', file=sys.stderr); sys.exit(255)"] * 3)
    assert main.main(["up"]) == 1
    conftest.put_all(api, test_status.broken())
    assert main.main(["up"]) == 1
    api.stop()
    assert main.main(["up"]) == 1
    message = capfd.readouterr().err.replace(str(api.port), "PORT")
    assert message.splitlines() == wording


def test_the_last_healthy_release_is_restored(
    pulumi: program.FakePulumi,
    good: record.ReleaseRecord,
    api: apiserver.ApiServer,
    capfd: pytest.CaptureFixture[str],
    wording: list[str],
) -> None:
    pulumi.set_steps(breaks(api), f"note('{FAILED}', '{good.id}')", "print('1 unchanged')")
    assert main.main(["up", "--rollback-on-failure", "--", "--suppress-progress"]) == 3
    preview = ["preview", "--expect-no-changes", "--stack", "dev", "--non-interactive"]
    assert pulumi.calls == [[*UP, "--suppress-progress"], [*UP, "--suppress-progress"], preview]
    held = release_lock.read(pulumi.folder, "dev").fallback
    assert held is not None
    assert (held.release, held.held) == (good.id, FAILED)
    assert (
        hold.read_fallback_release(pulumi.folder, held, app_name="shop", stack="dev")[0].to_plain() == good.to_plain()
    )
    output = capfd.readouterr()
    message = output.err.replace(FAILED, "FAILED").replace(held.because, "REASON")
    assert environments.hide_ids(message) == wording
    assert "rollback 0." in output.out
    assert "1 unchanged" not in output.out


@pytest.mark.parametrize("name", ["environments", "releases", ".seaway"])
@pytest.mark.parametrize("target", ["../out", "/nothing"])
def test_a_linked_folder_stops_it_before_anything_is_changed(
    pulumi: program.FakePulumi, good: record.ReleaseRecord, name: str, target: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Otherwise it is found only after the failure, and the rollback is not done."""
    (pulumi.folder / name).symlink_to(target)
    pulumi.set_steps("sys.exit(255)")
    assert main.main(["up", "--rollback-on-failure"]) == 2
    assert capfd.readouterr().err.endswith("[not-a-directory]\n")
    assert not (pulumi.folder / "calls.json").exists()


def test_the_cause_is_in_the_lock_file(
    pulumi: program.FakePulumi, good: record.ReleaseRecord, api: apiserver.ApiServer, capfd: pytest.CaptureFixture[str]
) -> None:
    # A pod of web that cannot be, as its Deployment says it.
    (web,) = (
        release_record.manifest
        for release_record in good.render_objects()
        if (release_record.kind, release_record.name) == ("Deployment", "web")
    )
    message = 'pods "web-1-" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1'
    refused = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    refused |= {"lastTransitionTime": "2099-01-01T00:00:00Z", "lastUpdateTime": "2099-01-01T00:00:00Z"}
    status = {"observedGeneration": 1, "replicas": 0, "conditions": [refused]}
    api.put("apps/v1", "Deployment", "shop-dev", "web", spec=web["spec"], status=status)
    pulumi.set_steps(breaks(api), f"note('{FAILED}', '{good.id}')", "")
    assert main.main(["up", "--rollback-on-failure"]) == 3
    held = release_lock.read(pulumi.folder, "dev").fallback
    assert held is not None
    assert "web: " in held.because
    assert "quota" in held.because
    assert held.because in capfd.readouterr().err


def test_nothing_changed_is_nothing_to_roll_back(
    pulumi: program.FakePulumi, good: record.ReleaseRecord, capfd: pytest.CaptureFixture[str], wording: list[str]
) -> None:
    pulumi.set_steps(f"note('{FAILED}', '{FAILED}'); sys.exit(255)")
    assert main.main(["up", "--rollback-on-failure"]) == 1
    assert environments.hide_ids(capfd.readouterr().err) == wording
    assert release_lock.read(pulumi.folder, "dev").fallback is None
    assert len(pulumi.calls) == 1


def test_a_program_that_never_ran_changed_nothing(
    pulumi: program.FakePulumi, good: record.ReleaseRecord, capfd: pytest.CaptureFixture[str], wording: list[str]
) -> None:
    hold.write_run_result(pulumi.folder, "dev", hold.RunResult(described="of a run", deployed="before"))
    pulumi.set_steps("sys.exit(255)")
    assert main.main(["up", "--rollback-on-failure"]) == 1
    assert environments.hide_ids(capfd.readouterr().err) == wording


def test_the_first_release_cannot_be_rolled_back(
    pulumi: program.FakePulumi, capfd: pytest.CaptureFixture[str], wording: list[str]
) -> None:
    pulumi.set_steps(f"note('{FAILED}', '{FAILED}'); sys.exit(255)")
    assert main.main(["up", "--rollback-on-failure"]) == 1
    assert environments.hide_ids(capfd.readouterr().err) == wording


def test_a_healthy_release_is_not_rolled_back(
    pulumi: program.FakePulumi,
    good: record.ReleaseRecord,
    api: apiserver.ApiServer,
    capfd: pytest.CaptureFixture[str],
    wording: list[str],
) -> None:
    path = f"{api.url}/api/v1/namespaces/shop-dev/services/web"
    pulumi.set_steps(f"note('{good.id}', '{good.id}'); delete('{path}'); sys.exit(255)")
    assert main.main(["up", "--rollback-on-failure"]) == 1
    assert environments.hide_ids(capfd.readouterr().err) == wording


def test_an_unreadable_record_is_reported(
    pulumi: program.FakePulumi, good: record.ReleaseRecord, api: apiserver.ApiServer, capfd: pytest.CaptureFixture[str]
) -> None:
    file = pulumi.folder / "state.dev.json"
    file.write_text(file.read_text().replace('"settings"', '"stettings"'))
    pulumi.set_steps(breaks(api))
    assert main.main(["up", "--rollback-on-failure"]) == 1
    message = "seaway: the last healthy release cannot be restored: the stack's state: settings: is missing"
    assert message in capfd.readouterr().err


@pytest.mark.parametrize("forged", ["changed", "deleted", "another format"])
def test_a_forged_record_is_not_restored(
    pulumi: program.FakePulumi,
    good: record.ReleaseRecord,
    api: apiserver.ApiServer,
    capfd: pytest.CaptureFixture[str],
    forged: str,
) -> None:
    """Whoever may write ConfigMaps in one namespace deploys nothing with the rights of whoever deploys."""
    evil = golden.change_record(good, stack="prod", publish="loadBalancer")
    saved = stored_record.StoredRecord.create(evil, release.Provenance())
    api.remove("v1", "ConfigMap", "shop-dev", f"release-{good.id}")
    if forged != "deleted":
        (config_map,) = record_store.build_config_maps(evil, good.id, saved)
        data = {**config_map["data"], **({"format": "7"} if forged == "another format" else {})}
        api.put("v1", "ConfigMap", "shop-dev", f"release-{good.id}", data=data, binaryData=config_map["binaryData"])
    pulumi.set_steps(breaks(api), f"note('{FAILED}', '{good.id}')", "print('1 unchanged')")
    assert main.main(["up", "--rollback-on-failure"]) == 3
    held = release_lock.read(pulumi.folder, "dev").fallback
    assert held is not None
    pinned, _ = hold.read_fallback_release(pulumi.folder, held, app_name="shop", stack="dev")
    assert pinned.to_plain() == good.to_plain()
    file = release.get_path(pulumi.folder, held.release)
    assert f"\n{hold.OBJECTS_KEY}:" not in file.read_text(), "the cluster's objects are not vouched for"
    output = capfd.readouterr().err
    assert "the release is restored from the stack's state" in output
    if forged == "changed":
        expected = f"the record of release {good.id} in namespace shop-dev was changed: its SHA-256"
        assert expected in output


def test_a_rollback_that_fails_says_so_and_stays_held(
    pulumi: program.FakePulumi, good: record.ReleaseRecord, api: apiserver.ApiServer, capfd: pytest.CaptureFixture[str]
) -> None:
    pulumi.set_steps(
        breaks(api), f"note('{FAILED}', '{good.id}'); sys.exit(255)", f"note('{FAILED}', '{good.id}'); sys.exit(9)"
    )
    assert main.main(["up", "--rollback-on-failure"]) == 1
    message = f"seaway: release {good.id} could not be restored; for the errors run: seaway status\n"
    assert capfd.readouterr().err.endswith(message)
    assert release_lock.read(pulumi.folder, "dev").fallback
    # Typed again it tries the good release again, and no other.
    assert main.main(["up", "--rollback-on-failure"]) == 1
    assert capfd.readouterr().err == message


def test_services_may_need_a_moment_after_a_rollback(
    pulumi: program.FakePulumi, good: record.ReleaseRecord, api: apiserver.ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment, "SETTLE_SECONDS", 5.0)
    pulumi.set_steps(breaks(api), f"note('{FAILED}', '{good.id}')", "sys.exit(255)", "")
    assert main.main(["up", "--rollback-on-failure"]) == 3
    assert [call[0] for call in pulumi.calls] == ["up", "up", "preview", "preview"]


def test_a_preview_that_still_finds_something_is_a_failure(
    pulumi: program.FakePulumi,
    good: record.ReleaseRecord,
    api: apiserver.ApiServer,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deployment, "SETTLE_SECONDS", 0.0)
    pulumi.set_steps(breaks(api), f"note('{FAILED}', '{good.id}')", "print('~ web'); sys.exit(255)")
    assert main.main(["up", "--rollback-on-failure"]) == 1
    assert capfd.readouterr().err.endswith(
        f"~ web\n\nseaway: release {good.id} is restored, but a preview still has changes (above)\n"
    )


def held(pulumi: program.FakePulumi, good: record.ReleaseRecord) -> release_lock.Fallback:
    new_hold = release_lock.Fallback(
        release=good.id, held=FAILED, because="web: no such image", since="2026-01-02T03:04:05Z"
    )
    hold.write_fallback(pulumi.folder, "dev", new_hold, good, good.render_objects())
    stored = release_lock.read(pulumi.folder, "dev").fallback
    assert stored is not None
    return stored


def test_a_release_that_is_held_back_stays_so(
    pulumi: program.FakePulumi, good: record.ReleaseRecord, capfd: pytest.CaptureFixture[str]
) -> None:
    new_hold = held(pulumi, good)
    pulumi.set_steps(f"note('{FAILED}', '{good.id}')")
    assert main.main(["up"]) == 3
    assert release_lock.read(pulumi.folder, "dev").fallback == new_hold
    assert capfd.readouterr().out.splitlines()[-1] == (
        f"release {FAILED} is held since it failed at 2026-01-02T03:04:05Z (web: no such image); release {good.id} is"
        " deployed. Change the source, or try again: seaway up --retry"
    )


def test_a_changed_source_ends_the_hold(
    pulumi: program.FakePulumi, good: record.ReleaseRecord, capfd: pytest.CaptureFixture[str]
) -> None:
    held(pulumi, good)
    pulumi.set_steps("note('mended', 'mended')")
    assert main.main(["up"]) == 0
    assert release_lock.read(pulumi.folder, "dev").fallback is None
    assert not list(pulumi.folder.glob("releases/*"))
    message = f"release {FAILED} is no longer held: environments/dev.lock.yaml is updated"
    assert message in capfd.readouterr().out.splitlines()


def test_retry_ends_the_hold_first(pulumi: program.FakePulumi, good: record.ReleaseRecord) -> None:
    held(pulumi, good)
    pulumi.set_steps("sys.exit(255 if pathlib.Path('environments/dev.lock.yaml').exists() else 0)")
    assert main.main(["up", "--retry"]) == 0


def test_pulumi_must_be_installed(checkout: Path, capfd: pytest.CaptureFixture[str], wording: list[str]) -> None:
    assert main.main(["up"]) == 2
    assert environments.hide_ids(capfd.readouterr().err) == wording


def waits(number: int, times: int = 1) -> str:
    """A step that ends some time after so many signals, longer than `subprocess.run` waits, and counts them."""
    return (
        "got = []\n"
        f"signal.signal({int(number)}, lambda *_: got.append(1))\n"
        "print('ready', flush=True)\n"
        f"while len(got) < {times}: time.sleep(0.05)\n"
        "time.sleep(0.8)\n"
        "print('got', len(got), flush=True)\n"
        "sys.exit(255)"
    )


# Standard input becomes /dev/tty. Not in a `preexec_fn`: that is a fork with all that gRPC, tested beside, hangs on it.
AT_A_TERMINAL = (
    "import fcntl, os, sys, termios\nfcntl.ioctl(0, termios.TIOCSCTTY, 0)\nos.execv(sys.argv[1], sys.argv[1:])\n"
)


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_at_a_terminal_reaches_pulumi_as_often_as_it_is_pressed(
    pulumi: program.FakePulumi, good: record.ReleaseRecord, times: int
) -> None:
    """The second one makes Pulumi stop at once. Nobody kills it, nobody stops waiting for it."""
    pulumi.set_steps(waits(signal.SIGINT, times))
    command = [sys.executable, "-m", "seaway.cli", "up", "--rollback-on-failure"]
    code, out = at_a_terminal(command, presses=times)
    assert (code, out) == (130, f"got {times}\n")
    assert len(pulumi.calls) == 1


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_does_not_kill_the_pulumi_of_make_up(pulumi: program.FakePulumi, times: int) -> None:
    pulumi.set_steps(waits(signal.SIGINT, times))
    text = (
        "import sys; from dev import stack; sys.argv[1:] = ['up'];"
        " stack.up = lambda: stack.run_command(['pulumi', 'up'])"
    )
    code, out = at_a_terminal([sys.executable, "-c", f"{text}; sys.exit(stack.main())"], presses=times)
    assert (code, out) == (130, f"got {times}\n")


def test_ctrl_c_does_not_kill_a_pulumi_whose_output_is_read(pulumi: program.FakePulumi) -> None:
    """`pulumi stack import`, for one: killed in the middle, it would leave half a state."""
    pulumi.set_steps(
        "open('ready', 'w').close()\n"
        + waits(signal.SIGINT).replace("sys.exit", "open('ended', 'w').close(); sys.exit")
    )
    text = (
        "import pathlib; from seaway.cli import pulumi_cli\n"
        "try: pulumi_cli.capture_output(pathlib.Path(), ['stack', 'import'])\n"
        "except KeyboardInterrupt: print('interrupted', pathlib.Path('ended').exists())\n"
    )
    code, out = at_a_terminal([sys.executable, "-c", text], ready=pulumi.folder / "ready")
    assert (code, out) == (0, "interrupted True\n")


def at_a_terminal(command: list[str], *, presses: int = 1, ready: Path | None = None) -> tuple[int, str]:
    """Run a command at a terminal of its own, and press Ctrl-C there, once it has printed `ready` or made that file."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", AT_A_TERMINAL, *command],
        env={**os.environ, "PYTHONPATH": str(golden.ROOT)},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    try:
        if ready is None:
            assert process.stdout.readline() == "ready\n"
        while ready is not None and not ready.exists():
            time.sleep(0.05)
            assert process.poll() is None
        for press in range(presses):
            time.sleep(0.4 if press else 0.1)
            os.write(ours, b"\x03")
        out, _ = process.communicate(timeout=300)
    finally:
        os.close(ours)
        os.close(theirs)
        process.kill()
    return process.returncode, out


def start_up() -> subprocess.Popen[str]:
    """Start `seaway up --rollback-on-failure` without a terminal, and return it when Pulumi waits."""
    process = subprocess.Popen(
        [sys.executable, "-m", "seaway.cli", "up", "--rollback-on-failure"],
        env={**os.environ, "PYTHONPATH": str(golden.ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def test_an_interrupted_rollback_says_how_to_go_on(
    pulumi: program.FakePulumi, good: record.ReleaseRecord, api: apiserver.ApiServer
) -> None:
    pulumi.set_steps(breaks(api), waits(signal.SIGINT))
    process = start_up()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert err.splitlines()[-1] == (f"seaway: interrupted while restoring release {good.id}; continue with: seaway up")
    assert release_lock.read(pulumi.folder, "dev").fallback


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("to_group", [False, True])
def test_an_interrupted_up_is_waited_for_and_not_rolled_back(
    pulumi: program.FakePulumi, good: record.ReleaseRecord, number: signal.Signals, code: int, to_group: bool
) -> None:
    """Without a terminal: Pulumi gets the signal once, whether it goes to us or to our group."""
    pulumi.set_steps(waits(number))
    process = start_up()
    time.sleep(0.1)
    (os.killpg if to_group else os.kill)(process.pid, number)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out, err) == (code, "got 1\n", "")
    assert len(pulumi.calls) == 1
