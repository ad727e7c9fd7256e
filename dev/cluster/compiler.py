"""Compiles one part into the content-addressed cache: whole or not at all, one at a time on the machine."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from dev.cluster import layout, parts

FORMAT = "1"  # of the cache's folders; a new number makes every key new
GO_FOLDERS = ("/usr/local/go/bin", "/usr/lib/go/bin")  # where Go is when PATH was cut short (sudo)
BUILDING = ".building-"
VIEW = "SEAWAY_TOOLCHAIN_VIEW"
"""Names a view of the cache (`toolchain.make_view`): a process that has this variable, and all that it starts, see the
parts in the view and no other ones."""
LOG_NOISE = re.compile(r"|\$ .*|[\w.~-]+(/[\w.~-]+)*")  # in a log: our command lines, and the packages that Go compiled


@dataclass(frozen=True, kw_only=True, slots=True)
class Go:
    """The machine's Go: its version as Go says it (`go1.26.8`) and what it builds for (`linux/amd64`)."""

    program: Path
    version: str
    platform: str


def cache_folder() -> Path:
    """The folder of compiled parts, in the user's cache folder; checkouts share it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seaway" / "toolchain"


def parts_folder() -> Path:
    """Where parts are looked for: in the cache, or in a view of it."""
    return Path(os.environ.get(VIEW) or cache_folder())


def log_file(part: parts.Part) -> Path:
    """The log of a part's last build."""
    return cache_folder() / "logs" / f"{part.name}.log"


def go_environment() -> dict[str, str]:
    """Go's environment: the user's proxy and caches, but none of the settings that would change what is built."""
    inherited = {name: value for name, value in os.environ.items() if name not in {"GOOS", "GOARCH", "GOEXPERIMENT"}}
    return {**inherited, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}


def parse_version(version: str) -> tuple[int, ...]:
    """`go1.26.8` -> (1, 26, 8)."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def find_required_version() -> str:
    """The newest Go that a part asks for, from the `go` lines of the modules."""
    found = [
        line.split()[1]
        for module in sorted(parts.MODULES.glob("*/go.mod"))
        for line in module.read_text().splitlines()
        if line.startswith("go ")
    ]
    return max(found, key=parse_version)


@functools.cache
def find_go() -> Go:
    """The machine's Go. Raises CannotRunError when there is none, or it is too old."""
    wanted = find_required_version()
    way_out = f"install Go {wanted} or newer (https://go.dev/dl) and put it on PATH"
    program = shutil.which("go", path=os.pathsep.join((os.environ.get("PATH", ""), *GO_FOLDERS)))
    if program is None:
        raise layout.CannotRunError(f"Go is missing, and the toolchain is compiled with it: {way_out}")
    asked = [program, "env", "-json", "GOVERSION", "GOOS", "GOARCH"]
    said = subprocess.run(asked, cwd="/", env=go_environment(), capture_output=True, text=True, check=False)
    if said.returncode != 0:
        raise layout.CannotRunError(f"{program} does not work ({said.stderr.strip()}): {way_out}")
    about = json.loads(said.stdout)
    if parse_version(about["GOVERSION"]) < parse_version(wanted):
        raise layout.CannotRunError(
            f"{program} is {about['GOVERSION']}, too old: {way_out}, "
            f"or let it fetch that one itself: export GOTOOLCHAIN=go{wanted}"
        )
    return Go(program=Path(program), version=about["GOVERSION"], platform=f"{about['GOOS']}/{about['GOARCH']}")


def list_sources(part: parts.Part) -> tuple[Path, ...]:
    """The part's committed files; what a build copies in is pinned by go.sum and does not count."""
    copied = {copy.target.removeprefix("src/") for copy in part.copies}
    files = (path for path in part.folder.rglob("*") if path.is_file())
    return tuple(sorted(path for path in files if str(path.relative_to(part.folder)) not in copied))


def compute_key(part: parts.Part, go: Go) -> str:
    """What names a build: every input that changes its bytes."""
    pins = tuple(parts.MODULES / copy.pinned_by / "go.mod" for copy in part.copies)
    digest = hashlib.sha256()
    for text in (FORMAT, go.version, go.platform, part.ldflags, repr(part.binaries), repr(part.copies)):
        digest.update(f"{len(text)} {text}".encode())
    for path in (*list_sources(part), *pins):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(parts.MODULES)} {len(content)} ".encode() + content)
    if part.beside:
        digest.update(compute_key(parts.find_part(part.beside), go).encode())
    return digest.hexdigest()[:16]


def build_folder(part: parts.Part) -> Path:
    """Where the part's build is, or will be; its programs are in `bin`. Raises CannotRunError without Go."""
    return parts_folder() / f"{part.name}-{compute_key(part, find_go())}"


def is_built(part: parts.Part) -> bool:
    """Whether every program of the part is in the cache."""
    return all((build_folder(part) / "bin" / name).is_file() for name in part.programs)


def build_part(part: parts.Part, *, tick: Callable[[], None], note: Callable[[str], None]) -> bool:
    """Compile a part into the cache. False when another checkout had done so while this one waited.

    `tick` is called about once a second, `note` with a sentence worth a line. Raises FailedError or CannotRunError.
    """
    if VIEW in os.environ:
        raise layout.CannotRunError(
            f"{part.name} cannot be compiled here: {VIEW} names {parts_folder()}, a read-only view of the cache "
            f"(tests see the required parts only); compile without {VIEW}"
        )
    if part.beside:
        build_part(parts.find_part(part.beside), tick=tick, note=note)
    final = build_folder(part)
    parts_folder().mkdir(parents=True, exist_ok=True)
    with lock_builds(part, note):
        if is_built(part):
            return False
        # Nobody else builds now, so what is half-made belongs to a build that was killed.
        for leftover in (*parts_folder().glob(f"{BUILDING}*"), final):
            shutil.rmtree(leftover, ignore_errors=True)
        temporary = Path(tempfile.mkdtemp(prefix=BUILDING, dir=parts_folder()))
        try:
            compile_into(temporary, part, tick)
            shutil.rmtree(temporary / "src")
            temporary.chmod(0o755)
            temporary.rename(final)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    return True


@contextlib.contextmanager
def lock_builds(part: parts.Part, note: Callable[[str], None]) -> Generator[None]:
    """One build at a time on the machine: two linkers together may want more memory than there is.

    The kernel gives the lock back when its holder ends, however it ends.
    """
    with (parts_folder() / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note(f"{part.name}: another checkout is compiling; waiting for it ({parts_folder() / 'lock'})")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def compile_into(target: Path, part: parts.Part, tick: Callable[[], None]) -> None:
    """Fill `target` with `src` (the module and what is copied in) and `bin`."""
    shutil.copytree(part.folder, target / "src")
    (target / "bin").mkdir()
    log_file(part).parent.mkdir(parents=True, exist_ok=True)
    with log_file(part).open("w") as file:
        for copy in part.copies:
            copy_from_module(copy, target, part, file)
        for name, package in part.binaries.items():
            command = ["build", "-trimpath", "-buildvcs=false", "-v", "-ldflags", f"-s -w {part.ldflags}"]
            run_go([*command, "-o", str(target / "bin" / name), package], target / "src", part, file, tick)
    if part.beside:
        shutil.copytree(build_folder(parts.find_part(part.beside)) / "bin", target / "bin", dirs_exist_ok=True)


def copy_from_module(copy: parts.Copy, target: Path, part: parts.Part, file: TextIO) -> None:
    """Copy one file out of a module, which Go downloads and verifies."""
    pins = target / "pins"
    pins.mkdir()
    for name in ("go.mod", "go.sum"):
        shutil.copyfile(parts.MODULES / copy.pinned_by / name, pins / name)
    command = [str(find_go().program), "mod", "download", "-json", copy.module]
    file.write(f"$ {' '.join(command)}\n")
    said = subprocess.run(command, cwd=pins, env=go_environment(), stdout=subprocess.PIPE, stderr=file, check=False)
    shutil.rmtree(pins)
    if said.returncode != 0:
        file.write(said.stdout.decode())
        file.flush()
        raise layout.FailedError(format_failure(part))
    destination = target / copy.target
    shutil.copyfile(Path(json.loads(said.stdout)["Dir"]) / copy.source, destination)
    destination.chmod(0o755)


def run_go(arguments: list[str], folder: Path, part: parts.Part, file: TextIO, tick: Callable[[], None]) -> None:
    """Run Go in a process group of its own, so that an interruption takes its compilers with it."""
    command = [str(find_go().program), *arguments]
    file.write(f"$ {' '.join(command)}\n")
    file.flush()
    process = subprocess.Popen(
        command, cwd=folder, env=go_environment(), stdout=file, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=1)
                break
            tick()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if process.returncode != 0:
        raise layout.FailedError(format_failure(part))


def format_failure(part: parts.Part) -> str:
    """Why a build failed, from its log."""
    text = log_file(part).read_text(errors="replace")
    lines = [line for line in text.splitlines() if not LOG_NOISE.fullmatch(line)]
    reason = "\n".join(f"  {line}" for line in lines[-6:])
    remedy = f"whole log: {log_file(part)}; what is finished stays, so repeat the command to go on"
    if "signal: killed" in text:
        remedy = (
            f"the linker ran out of memory (it wants about {parts.LINKER_MEMORY} GiB): give the machine more; {remedy}"
        )
    if "no space left" in text:
        remedy = f"the disk is full: make room, or set GOCACHE, GOMODCACHE and XDG_CACHE_HOME elsewhere; {remedy}"
    return f"{part.name} did not compile:\n{reason}\n{remedy}"
