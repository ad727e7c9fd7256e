"""Compile a part into the content-addressed cache: atomically, and one part at a time on the machine."""

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

FORMAT = "1"  # of the folders in the cache; a new number changes every key
GO_FOLDERS = ("/usr/local/go/bin", "/usr/lib/go/bin")  # sudo may remove these from PATH
BUILDING = ".building-"
VIEW = "SEAWAY_TOOLCHAIN_VIEW"
"""Names a view of the cache (`toolchain.make_view`). A process with this variable, and its children, see only the parts
in the view."""
LOG_NOISE = re.compile(r"|\$ .*|[\w.~-]+(/[\w.~-]+)*")  # command lines, and names of compiled packages


@dataclass(frozen=True, kw_only=True, slots=True)
class Go:
    """The Go of this machine: its version (`go1.26.8`) and its target platform (`linux/amd64`)."""

    program: Path
    version: str
    platform: str


def cache_folder() -> Path:
    """Return the folder of compiled parts in the user's cache. All checkouts share it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seaway" / "toolchain"


def parts_folder() -> Path:
    """Return the folder to search for parts: the cache, or a view of it."""
    return Path(os.environ.get(VIEW) or cache_folder())


def log_file(part: parts.Part) -> Path:
    """Return the path of the log of a part's last build."""
    return cache_folder() / "logs" / f"{part.name}.log"


def go_environment() -> dict[str, str]:
    """Return the environment for Go: with the user's proxy and caches, without settings that change the output."""
    inherited = {name: value for name, value in os.environ.items() if name not in {"GOOS", "GOARCH", "GOEXPERIMENT"}}
    return {**inherited, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}


def parse_version(version: str) -> tuple[int, ...]:
    """Parse `go1.26.8` as (1, 26, 8)."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def find_required_version() -> str:
    """Return the newest Go version that a `go` line of the modules requires."""
    versions = [
        line.split()[1]
        for module in sorted(parts.MODULES.glob("*/go.mod"))
        for line in module.read_text().splitlines()
        if line.startswith("go ")
    ]
    return max(versions, key=parse_version)


@functools.cache
def find_go() -> Go:
    """Find Go on this machine. Raises CannotRunError: Go is missing or too old."""
    required = find_required_version()
    hint = f"install Go {required} or later (https://go.dev/dl) and put it on PATH"
    program = shutil.which("go", path=os.pathsep.join((os.environ.get("PATH", ""), *GO_FOLDERS)))
    if program is None:
        raise layout.CannotRunError(f"Go is not installed, and compiling the toolchain requires it: {hint}")
    command = [program, "env", "-json", "GOVERSION", "GOOS", "GOARCH"]
    result = subprocess.run(command, cwd="/", env=go_environment(), capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise layout.CannotRunError(f"{program} does not work ({result.stderr.strip()}): {hint}")
    settings = json.loads(result.stdout)
    if parse_version(settings["GOVERSION"]) < parse_version(required):
        raise layout.CannotRunError(
            f"{program} is {settings['GOVERSION']}, which is too old: {hint}, "
            f"or let it download that version: export GOTOOLCHAIN=go{required}"
        )
    return Go(program=Path(program), version=settings["GOVERSION"], platform=f"{settings['GOOS']}/{settings['GOARCH']}")


def list_sources(part: parts.Part) -> tuple[Path, ...]:
    """List the committed files of a part, without files that a build copies in: go.sum pins these."""
    copied = {copy.target.removeprefix("src/") for copy in part.copies}
    files = (path for path in part.folder.rglob("*") if path.is_file())
    return tuple(sorted(path for path in files if str(path.relative_to(part.folder)) not in copied))


def compute_key(part: parts.Part, go: Go) -> str:
    """Return the hash of every input that changes the compiled programs."""
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
    """Return the folder of a part's build; its programs are in `bin`. Raises CannotRunError without Go."""
    return parts_folder() / f"{part.name}-{compute_key(part, find_go())}"


def is_built(part: parts.Part) -> bool:
    """Return whether every program of the part is in the cache."""
    return all((build_folder(part) / "bin" / name).is_file() for name in part.programs)


def build_part(part: parts.Part, *, tick: Callable[[], None], note: Callable[[str], None]) -> bool:
    """Compile a part into the cache. Returns False if another checkout compiled it while this one waited.

    Calls `tick` about once a second, and `note` with a message to print. Raises FailedError or CannotRunError.
    """
    if VIEW in os.environ:
        raise layout.CannotRunError(
            f"{part.name} cannot be compiled here: {VIEW} names {parts_folder()}, a read-only view of the cache "
            f"(tests see only the required parts); compile without {VIEW}"
        )
    if part.beside:
        build_part(parts.find_part(part.beside), tick=tick, note=note)
    final = build_folder(part)
    parts_folder().mkdir(parents=True, exist_ok=True)
    with lock_builds(part, note):
        if is_built(part):
            return False
        # This process holds the lock, so an unfinished folder belongs to a build that was killed.
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
    """Allow one build at a time on the machine: two linkers may need more memory than the machine has.

    The kernel releases the lock when its holder ends.
    """
    with (parts_folder() / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note(f"{part.name}: waiting for another checkout to finish compiling ({parts_folder() / 'lock'})")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def compile_into(target: Path, part: parts.Part, tick: Callable[[], None]) -> None:
    """Create the folders `src` (the module and the copied files) and `bin` in `target`."""
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
    """Copy a file from a module that Go downloads and verifies."""
    pins = target / "pins"
    pins.mkdir()
    for name in ("go.mod", "go.sum"):
        shutil.copyfile(parts.MODULES / copy.pinned_by / name, pins / name)
    command = [str(find_go().program), "mod", "download", "-json", copy.module]
    file.write(f"$ {' '.join(command)}\n")
    result = subprocess.run(command, cwd=pins, env=go_environment(), stdout=subprocess.PIPE, stderr=file, check=False)
    shutil.rmtree(pins)
    if result.returncode != 0:
        file.write(result.stdout.decode())
        file.flush()
        raise layout.FailedError(format_failure(part))
    destination = target / copy.target
    shutil.copyfile(Path(json.loads(result.stdout)["Dir"]) / copy.source, destination)
    destination.chmod(0o755)


def run_go(arguments: list[str], folder: Path, part: parts.Part, file: TextIO, tick: Callable[[], None]) -> None:
    """Run Go in its own process group, so that an interruption ends its compilers too."""
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
    """Return the reason of a failed build from its log, and a hint."""
    text = log_file(part).read_text(errors="replace")
    lines = [line for line in text.splitlines() if not LOG_NOISE.fullmatch(line)]
    reason = "\n".join(f"  {line}" for line in lines[-6:])
    hint = f"full log: {log_file(part)}; finished parts are kept, so repeat the command to continue"
    if "signal: killed" in text:
        hint = f"the linker ran out of memory (it needs about {parts.LINKER_MEMORY} GiB): add memory; {hint}"
    if "no space left" in text:
        hint = f"the disk is full: free space, or move GOCACHE, GOMODCACHE and XDG_CACHE_HOME elsewhere; {hint}"
    return f"{part.name} did not compile:\n{reason}\n{hint}"
