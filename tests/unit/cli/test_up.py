"""`seaway up` with a Pulumi that does what the test says, and a cluster that is a stand-in."""

import json
import os
import pty
import re
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


class Shop:
    """The deployed release, the cluster, and a Pulumi that follows steps."""

    def __init__(
        self,
        pulumi: program.FakePulumi,
        good: record.ReleaseRecord,
        api: apiserver.ApiServer,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        self.pulumi, self.good, self.api, self._captured = pulumi, good, api, capfd
        self.service = f"{api.url}/api/v1/namespaces/shop-dev/services/web"
        self.breaks = f"note('{FAILED}', '{FAILED}'); delete('{self.service}'); sys.exit(255)"
        """A step that changes something in the cluster, and fails."""
        self.restores = f"note('{FAILED}', '{good.id}')"

    def up(self, *steps: str, words: tuple[str, ...] = ("--rollback-on-failure",)) -> tuple[int, str, str]:
        """Run `seaway up`; the exit code, stdout and stderr. Without steps, those of before go on."""
        if steps:
            self.pulumi.set_steps(*steps)
        code = main.main(["up", *words])
        return code, *self._captured.readouterr()

    @property
    def fallback(self) -> release_lock.Fallback | None:
        return release_lock.read(self.pulumi.folder, "dev").fallback

    def read_fallback_release(self) -> object:
        assert self.fallback is not None
        return hold.read_fallback_release(self.pulumi.folder, self.fallback, app_name="shop", stack="dev")[0].to_plain()


@pytest.fixture
def shop(
    pulumi: program.FakePulumi, good: record.ReleaseRecord, api: apiserver.ApiServer, capfd: pytest.CaptureFixture[str]
) -> Shop:
    return Shop(pulumi, good, api, capfd)


def test_success_prints_the_status(shop: Shop) -> None:
    step = f"print('Updating', flush=True); note('{shop.good.id}', '{shop.good.id}')"
    code, out, _ = shop.up(step, words=("--stack", "dev", "--", "--refresh", "-c", "a=b"))
    assert code == 0
    assert shop.pulumi.calls == [[*UP, "--refresh", "-c", "a=b"]]
    assert out.startswith("Updating\n")
    assert f"shop · stack dev · context work · release {shop.good.id}" in out
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
def test_exactly_the_listed_deletions_are_accepted(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, listed: list[tuple[str, str]], name: str, message: str
) -> None:
    monkeypatch.setitem(os.environ, "SEAWAY_ACCEPT_DATA_LOSS", "shop-dev/more")
    code, _, err = shop.up(preview(*listed), accepts(name), words=("--accept-data-loss", "--stack", "dev"))
    assert code == 0
    assert shop.pulumi.calls == [["preview", "--json", "--stack", "dev", "--non-interactive"], UP]
    assert f"seaway: accepted: {message}\n" in err


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (preview(("error", "no namespace")), "seaway: no namespace\n"),
        ("print('error: no'); sys.exit(255)", "error: no\n"),
    ],
)
def test_a_preview_that_fails_accepts_nothing(shop: Shop, step: str, expected: str) -> None:
    code, _, err = shop.up(step, words=("--accept-data-loss",))
    assert (code, len(shop.pulumi.calls), expected in err) == (1, 1, True)


def test_a_rollback_deletes_the_volumes_of_the_failed_release(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "SEAWAY_ACCEPT_DATA_LOSS", "")
    shop.api.put("v1", "PersistentVolumeClaim", "shop-dev", "data-db-0")
    path = f"{shop.api.url}/api/v1/namespaces/shop-dev/persistentvolumeclaims/data-cache-0"
    creation = (
        "import urllib.request; urllib.request.urlopen(urllib.request.Request("
        f'{path!r}, method=\'PATCH\', data=b\'{{"apiVersion": "v1", "kind": "PersistentVolumeClaim"}}\'))'
    )
    rollback = f"{shop.restores}; {accepts('', 'shop-dev/data-cache-0')}"
    assert shop.up(f"{creation}; {shop.breaks}", rollback, "print('1 unchanged')")[0] == 3


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


def test_flags_of_pulumi_are_passed_on(shop: Shop) -> None:
    flags = ["--yes", "--target", "urn:x", "--refresh", "--diff", "-p4", "--parallel=4", "-c", "a=b"]
    words = (*flags[:2], "--stack", "dev", *flags[2:], "--", "--hidden")
    assert shop.up(f"print({HELP!r})", f"note('{shop.good.id}', '{shop.good.id}')", words=words)[0] == 0
    assert shop.pulumi.calls == [["up", "--help", "--non-interactive"], [*UP, *flags, "--hidden"]]


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
    pulumi: program.FakePulumi, words: list[str], seaway: conftest.Seaway, wording: list[str]
) -> None:
    pulumi.set_steps(f"print({HELP!r})")
    assert seaway("up", *words, code=2).err.splitlines() == wording


def test_a_failure_ends_with_what_is_not_done(
    pulumi: program.FakePulumi, api: apiserver.ApiServer, seaway: conftest.Seaway, wording: list[str]
) -> None:
    invalid = "print('error: no', file=sys.stderr); sys.exit(255)"
    pulumi.set_steps(invalid, *[f"note('{FAILED}', '{FAILED}'); {invalid}"] * 3)
    assert main.main(["up"]) == 1
    assert main.main(["up"]) == 1
    conftest.put_all(api, test_status.broken())
    assert main.main(["up"]) == 1
    api.stop()
    message = seaway("up", code=1).err.replace(str(api.port), "PORT")
    assert message.splitlines() == wording


def test_the_last_healthy_release_is_restored(shop: Shop, wording: list[str]) -> None:
    words = ("--rollback-on-failure", "--", "--suppress-progress")
    code, out, err = shop.up(shop.breaks, shop.restores, "print('1 unchanged')", words=words)
    assert code == 3
    preview = ["preview", "--expect-no-changes", "--stack", "dev", "--non-interactive"]
    assert shop.pulumi.calls == [[*UP, "--suppress-progress"], [*UP, "--suppress-progress"], preview]
    held = shop.fallback
    assert held is not None
    assert (held.release, held.held) == (shop.good.id, FAILED)
    assert shop.read_fallback_release() == shop.good.to_plain()
    message = re.sub(r"failed( \(|: )(api: .*more)(\)?)", r"failed\1REASON\3", err.replace(FAILED, "FAILED"))
    assert environments.hide_ids(message) == wording
    assert "rollback 0." in out
    assert "1 unchanged" not in out


@pytest.mark.parametrize("name", ["environments", "releases", ".seaway"])
@pytest.mark.parametrize("target", ["../out", "/nothing"])
def test_a_linked_folder_stops_it_before_anything_is_changed(shop: Shop, name: str, target: str) -> None:
    """Otherwise it is found only after the failure, and the rollback is not done."""
    (shop.pulumi.folder / name).symlink_to(target)
    code, _, err = shop.up("sys.exit(255)")
    assert (code, err.endswith("[not-a-directory]\n")) == (2, True)
    assert not (shop.pulumi.folder / "calls.json").exists()


def test_the_cause_is_in_the_lock_file(shop: Shop) -> None:
    """A pod of web that cannot be, as its Deployment says it: the file that is committed has the id of the cause."""
    (web,) = (
        release_object.manifest
        for release_object in shop.good.render_objects()
        if (release_object.kind, release_object.name) == ("Deployment", "web")
    )
    message = 'admission webhook "a" denied the request: cannot connect to postgresql://shop:S3cr3t@db:5432/shop'
    refused = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    refused |= {"lastTransitionTime": "2099-01-01T00:00:00Z", "lastUpdateTime": "2099-01-01T00:00:00Z"}
    status = {"observedGeneration": 1, "replicas": 0, "conditions": [refused]}
    shop.api.put("apps/v1", "Deployment", "shop-dev", "web", spec=web["spec"], status=status)
    code, _, err = shop.up(shop.breaks, shop.restores, "")
    held = shop.fallback
    assert held is not None
    assert (code, "S3cr3t" in err) == (3, False)
    assert held.because == "api: not-created; web: refused; worker: not-created and 2 more"
    assert "postgresql://shop:***@db" in err


@pytest.mark.parametrize("reason", ["no change", "no program", "first release", "healthy", "unreadable"])
def test_a_failure_that_is_not_rolled_back(shop: Shop, reason: str, wording: list[str]) -> None:
    step, state = f"note('{FAILED}', '{FAILED}'); sys.exit(255)", shop.pulumi.folder / "state.dev.json"
    match reason:
        case "no program":
            hold.write_run_result(shop.pulumi.folder, "dev", hold.RunResult(described="of a run", deployed="before"))
            step = "sys.exit(255)"
        case "first release":
            state.unlink()
        case "healthy":
            step = f"note('{shop.good.id}', '{shop.good.id}'); delete('{shop.service}'); sys.exit(255)"
        case "unreadable":
            state.write_text(state.read_text().replace('"settings"', '"stettings"'))
            step = shop.breaks
        case _:
            pass
    code, _, err = shop.up(step)
    assert (code, len(shop.pulumi.calls), shop.fallback) == (1, 1, None)
    assert environments.hide_ids(err) == wording


@pytest.mark.parametrize("forged", ["changed", "deleted", "another format"])
def test_a_forged_record_is_not_restored(shop: Shop, forged: str) -> None:
    """Whoever may write ConfigMaps in one namespace deploys nothing with the rights of whoever deploys."""
    name, good = f"release-{shop.good.id}", shop.good
    evil = golden.change_record(good, stack="prod", publish="loadBalancer")
    saved = stored_record.StoredRecord.create(evil, release.Provenance())
    shop.api.remove("v1", "ConfigMap", "shop-dev", name)
    if forged != "deleted":
        (config_map,) = record_store.build_config_maps(evil, good.id, saved)
        data = {**config_map["data"], **({"format": "7"} if forged == "another format" else {})}
        shop.api.put("v1", "ConfigMap", "shop-dev", name, data=data, binaryData=config_map["binaryData"])
    code, _, err = shop.up(shop.breaks, shop.restores, "print('1 unchanged')")
    assert code == 3
    assert shop.read_fallback_release() == good.to_plain()
    file = release.get_path(shop.pulumi.folder, good.id)
    assert f"\n{hold.OBJECTS_KEY}:" not in file.read_text(), "the cluster's objects are not vouched for"
    assert "the release is restored from the stack's state" in err
    if forged == "changed":
        assert f"the record of release {good.id} in namespace shop-dev was changed: its SHA-256" in err


def test_a_rollback_that_fails_says_so_and_stays_held(shop: Shop) -> None:
    code, _, err = shop.up(shop.breaks, f"{shop.restores}; sys.exit(255)", f"{shop.restores}; sys.exit(9)")
    message = f"seaway: release {shop.good.id} could not be restored; for the errors run: seaway status\n"
    assert (code, err.endswith(message), shop.fallback is None) == (1, True, False)
    code, _, err = shop.up()
    assert (code, err) == (1, message), "typed again it tries the good release again, and no other"


@pytest.mark.parametrize(("seconds", "code"), [(5.0, 3), (0.0, 1)])
def test_services_may_need_a_moment_after_a_rollback(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, seconds: float, code: int
) -> None:
    monkeypatch.setattr(deployment, "SETTLE_SECONDS", seconds)
    result, _, err = shop.up(shop.breaks, shop.restores, "print('~ web'); sys.exit(255)", "")
    assert result == code
    assert [call[0] for call in shop.pulumi.calls] == ["up", "up", "preview", "preview"][: 2 + code // 3 + 1]
    changed = f"~ web\n\nseaway: release {shop.good.id} is restored, but a preview still has changes (above)\n"
    assert err.endswith(changed) is (code == 1)


def hold_release(shop: Shop) -> release_lock.Fallback | None:
    new_hold = release_lock.Fallback(
        release=shop.good.id, held=FAILED, because="web: no such image", since="2026-01-02T03:04:05Z"
    )
    hold.write_fallback(shop.pulumi.folder, "dev", new_hold, shop.good, shop.good.render_objects())
    assert shop.fallback is not None
    return shop.fallback


def test_a_release_that_is_held_back_stays_so(shop: Shop) -> None:
    new_hold = hold_release(shop)
    code, out, _ = shop.up(shop.restores, words=())
    assert (code, shop.fallback) == (3, new_hold)
    assert out.splitlines()[-1] == (
        f"release {FAILED} is held since it failed at 2026-01-02T03:04:05Z (web: no such image); release"
        f" {shop.good.id} is deployed. Change the source, or try again: seaway up --retry"
    )


def test_a_changed_source_ends_the_hold(shop: Shop) -> None:
    hold_release(shop)
    code, out, _ = shop.up("note('mended', 'mended')", words=())
    assert (code, shop.fallback, list(shop.pulumi.folder.glob("releases/*"))) == (0, None, [])
    assert f"release {FAILED} is no longer held: environments/dev.lock.yaml is updated" in out.splitlines()


def test_retry_ends_the_hold_first(shop: Shop) -> None:
    hold_release(shop)
    step = "sys.exit(255 if pathlib.Path('environments/dev.lock.yaml').exists() else 0)"
    assert shop.up(step, words=("--retry",))[0] == 0


def test_pulumi_must_be_installed(checkout: Path, seaway: conftest.Seaway, wording: list[str]) -> None:
    assert environments.hide_ids(seaway("up", code=2).err) == wording


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


def test_an_interrupted_rollback_says_how_to_go_on(shop: Shop) -> None:
    shop.pulumi.set_steps(shop.breaks, waits(signal.SIGINT))
    process = start_up()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130
    message = f"seaway: interrupted while restoring release {shop.good.id}; continue with: seaway up"
    assert err.splitlines()[-1] == message
    assert shop.fallback


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
