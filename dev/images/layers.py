"""Builds layers from the Debian mirror of the machine's apt, once and atomically, into the user's cache."""

import dataclasses
import fcntl
import gzip
import hashlib
import os
import pathlib
import re
import shutil
import stat
import subprocess
import tarfile
import tempfile
import time
import typing
from collections.abc import Callable, Sequence

from dev.cluster import packages
from dev.images import recipes

STATUS_FILE = "./var/lib/dpkg/status"
Print = Callable[[str], None]


class CannotMakeError(Exception):
    """The images cannot be built or pushed on this machine. The message has the reason and a hint."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BuiltLayer:
    """A finished layer: a gzipped tar, with the digests (`sha256:...`) of the file and of the tar."""

    file: pathlib.Path
    digest: str
    diff_id: str


def cache_folder() -> pathlib.Path:
    """Return the folder of finished layers."""
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache", "seaway", "images")


def find_mirrors() -> tuple[str, str | None]:
    """Find the main and the security mirror in apt's sources, so that a company's mirror is used."""
    form = "$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)"
    command = ["apt-get", "indextargets", "--format", form, "Created-By: Packages"]
    try:
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotMakeError("cannot find the mirror of apt; local base images require a Debian machine") from error
    targets = [line.split("|") for line in output.splitlines()]
    mirrors = {label: uri for origin, label, part, uri in targets if origin == "Debian" and part == "main"}
    if "Debian" not in mirrors:
        raise CannotMakeError("apt has no Debian mirror; run `apt-get update` and check its sources")
    return mirrors["Debian"], mirrors.get("Debian-Security")


def ensure_layer(layer: recipes.Layer, print_line: Print) -> BuiltLayer:
    """Return a layer from the cache, and build it first if necessary. Raises CannotMakeError."""
    folder = cache_folder() / f"{layer.name}-{layer.compute_key()}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two checkouts share the cache
        if not folder.is_dir():
            build_layer(layer, folder, print_line)
    file = folder / "layer.tar.gz"
    with file.open("rb") as packed:
        digest = hashlib.file_digest(packed, "sha256").hexdigest()
    plain = hashlib.sha256()
    with gzip.open(file) as unpacked:
        while block := unpacked.read(1 << 20):
            plain.update(block)
    return BuiltLayer(file=file, digest=f"sha256:{digest}", diff_id=f"sha256:{plain.hexdigest()}")


def read_versions(layer: BuiltLayer, packages: Sequence[str]) -> dict[str, str]:
    """Return the versions of Debian packages in a layer."""
    with tarfile.open(layer.file) as tar:
        file = tar.extractfile(STATUS_FILE)
        text = file.read().decode() if file else ""
    stanzas = re.findall(r"^Package: (\S+)$.*?^Version: (\S+)$", text, re.M | re.S)
    return {name: version for name, version in stanzas if name in packages}


def build_layer(layer: recipes.Layer, folder: pathlib.Path, print_line: Print) -> None:
    """Build a layer in a temporary folder, and rename the folder when the layer is complete."""
    if os.geteuid() != 0:
        raise CannotMakeError("building base images requires root; use sudo, or a registry that has the images")
    if missing := [program for program in ("debootstrap", "skopeo", "unshare") if not shutil.which(program)]:
        raise CannotMakeError(f"{', '.join(missing)}: not found; run `apt-get install debootstrap skopeo util-linux`")
    if not pathlib.Path(packages.DEBIAN_KEYRING).exists():
        hint = "run `apt-get install debian-archive-keyring`"
        raise CannotMakeError(f"{packages.DEBIAN_KEYRING}: not found, so signatures cannot be checked; {hint}")
    below = ensure_layer(layer.below, print_line) if layer.below else None
    for leftover in folder.parent.glob(f".{folder.name}-*"):
        shutil.rmtree(leftover)  # of a killed run: this process holds the lock, and the kernel removed the mounts
    main, security = find_mirrors()
    started, log = time.monotonic(), folder.with_suffix(".log")
    print_line(f"layer {layer.name}: {'apt' if below else 'debootstrap'} from {main} (log {log})")
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        root, result = pathlib.Path(scratch, "root"), pathlib.Path(scratch, "result")
        result.mkdir()
        bookworm = f"deb {main} {recipes.DEBIAN}"
        sources = [
            f"{bookworm} main",
            f"{bookworm}-updates main",
            *([f"deb {security} {recipes.DEBIAN}-security main"] * bool(security)),
        ]
        with log.open("wb") as output:
            try:
                if below:
                    root.mkdir()
                    run_isolated(["tar", "-xzf", str(below.file), "-C", str(root)], output)
                    # Layers contain no devices: the runtime adds them. apt needs these during the build.
                    for name, minor in (("null", 3), ("zero", 5), ("random", 8), ("urandom", 9)):
                        os.mknod(root / "dev" / name, stat.S_IFCHR | 0o666, os.makedev(1, minor))
                        (root / "dev" / name).chmod(0o666)
                else:
                    # Without its keyring, debootstrap would only warn, and install what any mirror sends.
                    signed = ["--force-check-gpg", f"--keyring={packages.DEBIAN_KEYRING}"]
                    line = ["debootstrap", *signed, "--variant=minbase", recipes.DEBIAN, str(root), main]
                    run_isolated(line, output)
                marker = result / "layer.tar.gz"
                marker.touch()
                (root / "etc/apt/sources.list").write_text("\n".join(sources) + "\n")
                shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
                # Packages run this script before they start a service.
                (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
                (root / "usr/sbin/policy-rc.d").chmod(0o755)
                install = f"apt-get -y --no-install-recommends install {' '.join(layer.packages)}"
                steps = [
                    "set -e",
                    layer.before,
                    "apt-get -o Acquire::Languages=none update",
                    "apt-get -y upgrade",
                    install,
                    layer.after,
                ]
                run_isolated(["chroot", str(root), "sh", "-c", "\n".join(steps)], output, proc=str(root / "proc"))
                for target, (source, mode) in layer.files.items():
                    (root / target).write_bytes(source.read_bytes())
                    (root / target).chmod(mode)
                pack_layer(root, marker, layer, output, whole=below is None)
            except (subprocess.CalledProcessError, OSError) as error:
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-12:])
                raise CannotMakeError(f"layer {layer.name}: {error}\n{tail}\nfull log: {log}") from error
        result.rename(folder)
    size = (folder / "layer.tar.gz").stat().st_size / 1e6
    print_line(f"layer {layer.name}: {size:.1f} MB compressed, {time.monotonic() - started:.0f} s")


def run_isolated(command: Sequence[str], output: typing.BinaryIO, *, proc: str = "/proc") -> None:
    """Run a command in its own mount and process namespaces, so that the kernel cleans up if it is killed.

    `proc` is the folder for its /proc. Raises subprocess.CalledProcessError.
    """
    proxies = {name: os.environ[name] for name in ("http_proxy", "https_proxy", "no_proxy") if name in os.environ}
    # /etc/shadow contains the day on which an account was created; SOURCE_DATE_EPOCH sets that day.
    fixed = {
        "PATH": recipes.SYSTEM_PATH,
        "LC_ALL": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
        "SOURCE_DATE_EPOCH": "0",
    }
    output.write(f"$ {' '.join(command)}\n".encode())
    output.flush()
    unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={proc}"]
    subprocess.run(
        [*unshare, *command], env=fixed | proxies, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=True
    )


def pack_layer(
    root: pathlib.Path, target: pathlib.Path, layer: recipes.Layer, output: typing.BinaryIO, *, whole: bool
) -> None:
    """Write the tree as a layer, or only files that changed after `target` was touched.

    The layer is sorted and has no times, so that equal files give an equal layer. Deletions are not recorded.
    """
    script = f"""set -eo pipefail; shopt -s dotglob nullglob; cd "$1"
rm -rf -- {" ".join(layer.trim)}
find . -mindepth 1 {"" if whole else '-cnewer "$2"'} -print0 | LC_ALL=C sort -z |
tar -c --null --no-recursion --files-from=- --mtime=@0 --numeric-owner | gzip -5 -n > "$2.new"
mv "$2.new" "$2" """
    run_isolated(["bash", "-c", script, "pack", str(root), str(target)], output)
