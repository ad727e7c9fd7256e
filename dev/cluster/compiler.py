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
GO_PLACES = ("/usr/local/go/bin", "/usr/lib/go/bin")  # where Go is when PATH was cut short (sudo)
BUILDING = ".building-"
VIEW = "SEAWAY_TOOLCHAIN_VIEW"
"""Names a view of the cache (`toolchain.make_view`): a process that has this variable, and all that it starts, see the
parts in the view and no other ones."""
NOISE = re.compile(r"|\$ .*|[\w.~-]+(/[\w.~-]+)*")  # in a log: our command lines, and the packages that Go compiled


@dataclass(frozen=True, kw_only=True, slots=True)
class Go:
    """The machine's Go: its version as Go says it (`go1.26.8`) and what it builds for (`linux/amd64`)."""

    program: Path
    version: str
    platform: str


def cache() -> Path:
    """The folder of compiled parts, in the user's cache folder; checkouts share it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seaway" / "toolchain"


def root() -> Path:
    """Where parts are looked for: in the cache, or in a view of it."""
    return Path(os.environ.get(VIEW) or cache())


def log(part: parts.Part) -> Path:
    """The log of a part's last build."""
    return cache() / "logs" / f"{part.name}.log"


def environment() -> dict[str, str]:
    """Go's environment: the user's proxy and caches, but none of the settings that would change what is built."""
    inherited = {name: value for name, value in os.environ.items() if name not in {"GOOS", "GOARCH", "GOEXPERIMENT"}}
    return {**inherited, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}


def numbers(version: str) -> tuple[int, ...]:
    """`go1.26.8` -> (1, 26, 8)."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def wanted_go() -> str:
    """The newest Go that a part asks for, from the `go` lines of the modules."""
    found = [
        line.split()[1]
        for module in sorted(parts.MODULES.glob("*/go.mod"))
        for line in module.read_text().splitlines()
        if line.startswith("go ")
    ]
    return max(found, key=numbers)


@functools.cache
def go() -> Go:
    """The machine's Go. Raises CannotRunError when there is none, or it is too old."""
    wanted = wanted_go()
    way_out = f"install Go {wanted} or newer (https://go.dev/dl) and put it on PATH"
    program = shutil.which("go", path=os.pathsep.join((os.environ.get("PATH", ""), *GO_PLACES)))
    if program is None:
        raise layout.CannotRunError(f"Go is missing, and the toolchain is compiled with it: {way_out}")
    asked = [program, "env", "-json", "GOVERSION", "GOOS", "GOARCH"]
    said = subprocess.run(asked, cwd="/", env=environment(), capture_output=True, text=True, check=False)
    if said.returncode != 0:
        raise layout.CannotRunError(f"{program} does not work ({said.stderr.strip()}): {way_out}")
    about = json.loads(said.stdout)
    if numbers(about["GOVERSION"]) < numbers(wanted):
        raise layout.CannotRunError(
            f"{program} is {about['GOVERSION']}, too old: {way_out}, "
            f"or let it fetch that one itself: export GOTOOLCHAIN=go{wanted}"
        )
    return Go(program=Path(program), version=about["GOVERSION"], platform=f"{about['GOOS']}/{about['GOARCH']}")


def sources(part: parts.Part) -> tuple[Path, ...]:
    """The part's committed files; what a build copies in is pinned by go.sum and does not count."""
    copied = {copy.target.removeprefix("src/") for copy in part.copies}
    files = (path for path in part.folder.rglob("*") if path.is_file())
    return tuple(sorted(path for path in files if str(path.relative_to(part.folder)) not in copied))


def key(part: parts.Part, using: Go) -> str:
    """What names a build: every input that changes its bytes."""
    pins = tuple(parts.MODULES / copy.pinned_by / "go.mod" for copy in part.copies)
    digest = hashlib.sha256()
    for text in (FORMAT, using.version, using.platform, part.ldflags, repr(part.binaries), repr(part.copies)):
        digest.update(f"{len(text)} {text}".encode())
    for path in (*sources(part), *pins):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(parts.MODULES)} {len(content)} ".encode() + content)
    if part.beside:
        digest.update(key(parts.named(part.beside), using).encode())
    return digest.hexdigest()[:16]


def folder(part: parts.Part) -> Path:
    """Where the part's build is, or will be; its programs are in `bin`. Raises CannotRunError without Go."""
    return root() / f"{part.name}-{key(part, go())}"


def built(part: parts.Part) -> bool:
    """Whether every program of the part is in the cache."""
    return all((folder(part) / "bin" / name).is_file() for name in part.programs)


def build(part: parts.Part, *, tick: Callable[[], None], note: Callable[[str], None]) -> bool:
    """Compile a part into the cache. False when another checkout had done so while this one waited.

    `tick` is called about once a second, `note` with a sentence worth a line. Raises FailedError or CannotRunError.
    """
    if VIEW in os.environ:
        raise layout.CannotRunError(
            f"{part.name} cannot be compiled here: {VIEW} names {root()}, a read-only view of the cache "
            f"(tests see the required parts only); compile without {VIEW}"
        )
    if part.beside:
        build(parts.named(part.beside), tick=tick, note=note)
    final = folder(part)
    root().mkdir(parents=True, exist_ok=True)
    with lock(part, note):
        if built(part):
            return False
        # Nobody else builds now, so what is half-made belongs to a build that was killed.
        for leftover in (*root().glob(f"{BUILDING}*"), final):
            shutil.rmtree(leftover, ignore_errors=True)
        temporary = Path(tempfile.mkdtemp(prefix=BUILDING, dir=root()))
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
def lock(part: parts.Part, note: Callable[[str], None]) -> Generator[None]:
    """One build at a time on the machine: two linkers together may want more memory than there is.

    The kernel gives the lock back when its holder ends, however it ends.
    """
    with (root() / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note(f"{part.name}: another checkout is compiling; waiting for it ({root() / 'lock'})")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def compile_into(target: Path, part: parts.Part, tick: Callable[[], None]) -> None:
    """Fill `target` with `src` (the module and what is copied in) and `bin`."""
    shutil.copytree(part.folder, target / "src")
    (target / "bin").mkdir()
    log(part).parent.mkdir(parents=True, exist_ok=True)
    with log(part).open("w") as file:
        for copy in part.copies:
            take(copy, target, part, file)
        for name, package in part.binaries.items():
            command = ["build", "-trimpath", "-buildvcs=false", "-v", "-ldflags", f"-s -w {part.ldflags}"]
            run([*command, "-o", str(target / "bin" / name), package], target / "src", part, file, tick)
    if part.beside:
        shutil.copytree(folder(parts.named(part.beside)) / "bin", target / "bin", dirs_exist_ok=True)


def take(copy: parts.Copy, target: Path, part: parts.Part, file: TextIO) -> None:
    """Copy one file out of a module, which Go downloads and verifies."""
    pins = target / "pins"
    pins.mkdir()
    for name in ("go.mod", "go.sum"):
        shutil.copyfile(parts.MODULES / copy.pinned_by / name, pins / name)
    command = [str(go().program), "mod", "download", "-json", copy.module]
    file.write(f"$ {' '.join(command)}\n")
    said = subprocess.run(command, cwd=pins, env=environment(), stdout=subprocess.PIPE, stderr=file, check=False)
    shutil.rmtree(pins)
    if said.returncode != 0:
        file.write(said.stdout.decode())
        file.flush()
        raise layout.FailedError(failure(part))
    destination = target / copy.target
    shutil.copyfile(Path(json.loads(said.stdout)["Dir"]) / copy.source, destination)
    destination.chmod(0o755)


def run(arguments: list[str], place: Path, part: parts.Part, file: TextIO, tick: Callable[[], None]) -> None:
    """Run Go in a process group of its own, so that an interruption takes its compilers with it."""
    command = [str(go().program), *arguments]
    file.write(f"$ {' '.join(command)}\n")
    file.flush()
    process = subprocess.Popen(
        command, cwd=place, env=environment(), stdout=file, stderr=subprocess.STDOUT, start_new_session=True
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
        raise layout.FailedError(failure(part))


def failure(part: parts.Part) -> str:
    """Why a build failed, from its log."""
    text = log(part).read_text(errors="replace")
    lines = [line for line in text.splitlines() if not NOISE.fullmatch(line)]
    reason = "\n".join(f"  {line}" for line in lines[-6:])
    remedy = f"whole log: {log(part)}; what is finished stays, so repeat the command to go on"
    if "signal: killed" in text:
        remedy = (
            f"the linker ran out of memory (it wants about {parts.LINKER_MEMORY} GiB): give the machine more; {remedy}"
        )
    if "no space left" in text:
        remedy = f"the disk is full: make room, or set GOCACHE, GOMODCACHE and XDG_CACHE_HOME elsewhere; {remedy}"
    return f"{part.name} did not compile:\n{reason}\n{remedy}"
