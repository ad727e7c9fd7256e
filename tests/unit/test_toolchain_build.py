"""The cache of compiled parts: keys, atomic builds, one build at a time. A script replaces Go."""

import dataclasses
import fcntl
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from dev.cluster import compiler, layout, parts

GO = """\
#!/bin/sh
# A fake Go: responds to `env`, "downloads" a module, and builds by running $FAKE_BUILD with the output in $4.
case "$1" in
env) echo '{"GOVERSION": "go'"$FAKE_VERSION"'", "GOOS": "linux", "GOARCH": "amd64"}' ;;
mod) echo '{"Dir": "'"$FAKE_MODULES"'"}' ;;
build)
  while [ "$1" != -o ]; do shift; done
  echo "some/package"; out=$2; eval "$FAKE_BUILD" ;;
esac
"""
PART = parts.Part(name="tiny", version="1", minutes=1, binaries={"one": ".", "two": "./two"}, ldflags="-X a=b")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with Go, the module of one part and an empty cache."""
    module = tmp_path / "modules" / "tiny"
    module.mkdir(parents=True)
    for name, text in {"go.mod": "module tiny\n\ngo 1.25.0\n", "go.sum": "", "main.go": "package main\n"}.items():
        (module / name).write_text(text)
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(GO)
    go.chmod(0o755)
    monkeypatch.setattr(parts, "MODULES", tmp_path / "modules")
    monkeypatch.delenv(compiler.VIEW, raising=False)
    for name, value in {
        "PATH": f"{go.parent}:/usr/bin:/bin",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "FAKE_VERSION": "1.99.0",
        "FAKE_BUILD": "echo program > $out",
        "FAKE_MODULES": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    compiler.find_go.cache_clear()
    yield tmp_path
    compiler.find_go.cache_clear()


def build(part: parts.Part = PART, notes: list[str] | None = None) -> bool:
    return compiler.build_part(part, tick=lambda: None, note=(notes if notes is not None else []).append)


def list_cache() -> list[str]:
    return sorted(path.name for path in compiler.parts_folder().iterdir() if path.name not in {"logs", "lock"})


def test_build_fills_the_cache_once(machine: Path) -> None:
    assert build() is True
    assert list_cache() == [f"tiny-{compiler.compute_key(PART, compiler.find_go())}"]
    assert sorted(path.name for path in (compiler.build_folder(PART) / "bin").iterdir()) == ["one", "two"]
    assert not (compiler.build_folder(PART) / "src").exists()
    assert build() is False


@pytest.mark.parametrize("name", ["go.mod", "go.sum", "main.go", "new.go"])
def test_key_depends_on_the_content_of_every_file(machine: Path, name: str) -> None:
    before = compiler.compute_key(PART, compiler.find_go())
    path = machine / "modules" / "tiny" / name
    path.write_text((path.read_text() if path.exists() else "") + "\n// changed\n")
    assert compiler.compute_key(PART, compiler.find_go()) != before


def test_key_depends_on_flags_packages_go_and_platform_and_not_on_path_or_time(machine: Path) -> None:
    go = compiler.find_go()
    keys = {
        compiler.compute_key(PART, go),
        compiler.compute_key(dataclasses.replace(PART, ldflags="-X a=c"), go),
        compiler.compute_key(dataclasses.replace(PART, binaries={"one": "."}), go),
        compiler.compute_key(PART, dataclasses.replace(go, version="go1.99.1")),
        compiler.compute_key(PART, dataclasses.replace(go, platform="linux/arm64")),
    }
    assert len(keys) == 5
    os.utime(machine / "modules" / "tiny" / "go.mod", (0, 0))
    (machine / "modules" / "tiny" / "main.go").chmod(0o600)
    assert compiler.compute_key(PART, compiler.find_go()) in keys


def test_copied_files_are_available_and_not_in_the_key(machine: Path) -> None:
    (machine / "data.json").write_text("{}")
    copies = (
        parts.Copy(module="example.com/m", pinned_by="tiny", source="data.json", target="src/data.json"),
        parts.Copy(module="example.com/m", pinned_by="tiny", source="data.json", target="bin/script"),
    )
    part = dataclasses.replace(PART, copies=copies)
    before = compiler.compute_key(part, compiler.find_go())
    (machine / "modules" / "tiny" / "data.json").write_text("left by hand")
    assert compiler.compute_key(part, compiler.find_go()) == before
    os.environ["FAKE_BUILD"] = "cp data.json $out"
    build(part)
    assert (compiler.build_folder(part) / "bin" / "one").read_text() == "{}"
    assert os.access(compiler.build_folder(part) / "bin" / "script", os.X_OK)
    assert part.programs == ("one", "two", "script")


def test_part_beside_another_is_built_first_and_copied(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = dataclasses.replace(PART, name="host", binaries={"helper": "."})
    (machine / "modules" / "host").mkdir()
    (machine / "modules" / "host" / "go.mod").write_text("module host\n\ngo 1.25.0\n")
    monkeypatch.setattr(parts, "PARTS", (host,))
    part = dataclasses.replace(PART, beside="host")
    before = compiler.compute_key(part, compiler.find_go())
    build(part)
    assert sorted(path.name for path in (compiler.build_folder(part) / "bin").iterdir()) == ["helper", "one", "two"]
    assert compiler.is_built(host)
    (machine / "modules" / "host" / "go.mod").write_text("module host\n\ngo 1.25.1\n")
    assert compiler.compute_key(part, compiler.find_go()) != before


def test_failed_build_leaves_no_folder_and_reports_the_reason(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_BUILD", "echo half > $out; echo './main.go:3:1: undefined: x'; exit 1")
    with pytest.raises(layout.FailedError) as caught:
        build()
    assert str(caught.value) == (
        "tiny did not compile:\n  ./main.go:3:1: undefined: x\n"
        f"full log: {compiler.log_file(PART)}; finished parts are kept, so repeat the command to continue"
    )
    assert list_cache() == []
    monkeypatch.setenv("FAKE_BUILD", "echo 'link: signal: killed'; exit 1")
    with pytest.raises(layout.FailedError, match=r"ran out of memory \(it needs about 4.5 GiB\)"):
        build()


def test_interrupted_build_leaves_no_folder_and_no_process(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_BUILD", f"echo half > $out; echo $$ > {machine}/pid; sleep 60")

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compiler.build_part(PART, tick=interrupt, note=lambda _: None)
    assert list_cache() == []
    with pytest.raises(ProcessLookupError):
        os.kill(int((machine / "pid").read_text()), 0)


def start_waiting_build(machine: Path) -> subprocess.Popen[bytes]:
    """Start a build in a new process, and return it in the middle of the build."""
    os.environ["FAKE_BUILD"] = f"echo half > $out; touch {machine}/started; sleep 60"
    code = f"""
    from pathlib import Path
    from dev.cluster import compiler, parts
    parts.MODULES = Path({str(machine / "modules")!r})
    part = parts.Part(name="tiny", version="1", minutes=1, binaries={{"one": ".", "two": "./two"}}, ldflags="-X a=b")
    compiler.build_part(part, tick=lambda: None, note=print)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], cwd=Path(__file__).parents[2])
    deadline = time.monotonic() + 300
    while not (machine / "started").exists():
        assert time.monotonic() < deadline, "the build did not start"
        time.sleep(0.02)
    return process


def test_next_build_removes_the_folder_of_a_killed_build(machine: Path) -> None:
    process = start_waiting_build(machine)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [name[:10] for name in list_cache()] == [".building-"]
    os.environ["FAKE_BUILD"] = "echo program > $out"
    assert build() is True
    assert list_cache() == [f"tiny-{compiler.compute_key(PART, compiler.find_go())}"]


def test_second_checkout_waits_and_reports_it(machine: Path) -> None:
    compiler.parts_folder().mkdir(parents=True)
    notes: list[str] = []
    results: list[bool] = []
    with (compiler.parts_folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        thread = threading.Thread(target=lambda: results.append(build(PART, notes)))
        thread.start()
        deadline = time.monotonic() + 300
        while not notes and time.monotonic() < deadline:
            time.sleep(0.02)
        lock_file = compiler.parts_folder() / "lock"
        assert notes == [f"tiny: waiting for another checkout to finish compiling ({lock_file})"]
        assert thread.is_alive()
        # The first checkout finishes the part, then releases the lock.
        for name in PART.programs:
            (compiler.build_folder(PART) / "bin").mkdir(parents=True, exist_ok=True)
            (compiler.build_folder(PART) / "bin" / name).write_text("first")
    thread.join(timeout=300)
    assert results == [False]
    assert (compiler.build_folder(PART) / "bin" / "one").read_text() == "first"


def test_program_deleted_from_the_cache_is_built_again(machine: Path) -> None:
    build()
    (compiler.build_folder(PART) / "bin" / "two").unlink()
    assert not compiler.is_built(PART)
    assert build() is True
    assert compiler.is_built(PART)


def test_missing_or_old_go_has_a_hint(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_VERSION", "1.24.3")
    with pytest.raises(layout.CannotRunError, match=r"is go1.24.3, which is too old.*export GOTOOLCHAIN=go1.25.0"):
        compiler.find_go()
    monkeypatch.setenv("PATH", str(machine))
    monkeypatch.setattr(compiler, "GO_FOLDERS", ())
    compiler.find_go.cache_clear()
    with pytest.raises(layout.CannotRunError, match=r"Go is not installed.*install Go 1.25.0 or later"):
        compiler.find_go()


def test_go_settings_of_the_user_do_not_change_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, setting in {"GOFLAGS": "-race", "GOOS": "windows", "CGO_ENABLED": "1", "GOPROXY": "mine"}.items():
        monkeypatch.setenv(name, setting)
    environment = compiler.go_environment()
    assert (environment["GOFLAGS"], environment["CGO_ENABLED"], environment["GOPROXY"]) == (
        "-mod=readonly",
        "0",
        "mine",
    )
    assert "GOOS" not in environment
