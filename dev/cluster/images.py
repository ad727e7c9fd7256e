"""The images that the cluster itself needs. They are made of files on this machine: no registry is asked."""

import dataclasses
import hashlib
import io
import json
import platform
import shutil
import subprocess
import tarfile
from pathlib import Path

from dev.cluster import addons, network, toolchain
from dev.cluster import layout as layouts

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
PREFIX = "seaway.local"  # no host: what is missing is an error at once, not a look-up
SHELL_PROGRAMS = ("sh", "mkdir", "rm")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """An image of one layer. `files` is path inside -> path here; the name's tag is the hash of what is inside."""

    name: str
    files: dict[str, Path]
    entrypoint: str

    @property
    def reference(self) -> str:
        """The full name. Same content, same name: an image that the cluster has is never sent again."""
        digest = hashlib.sha256(self.entrypoint.encode())
        for inside, path in sorted(self.files.items()):
            digest.update(inside.encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return f"{PREFIX}/{self.name}:{digest.hexdigest()[:12]}"


def list_images() -> dict[str, Image]:
    """By name: the sandbox's, those of the add-ons, and a shell for the volume provisioner's helper pods."""
    single = {
        name: Image(name=name, files={f"/{name}": toolchain.find_program(name)}, entrypoint=f"/{name}")
        for name in ("pause", *addons.list_addons())
    }
    return {**single, "shell": Image(name="shell", files=_list_shell_files(), entrypoint="/bin/sh")}


def load(layout: layouts.Layout, image: Image) -> None:
    """Put an image into containerd, unless it is there."""
    ctr = ("ctr", "--address", str(layout.containerd), "--namespace", "k8s.io", "images")
    if image.reference in network.run(*ctr, "list", "--quiet", f"name=={image.reference}").split():
        return
    archive = layout.run / f"{image.name}.tar"
    try:
        _write_archive(image, archive)
        network.run(*ctr, "import", str(archive))
    finally:
        archive.unlink(missing_ok=True)


def _write_archive(image: Image, archive: Path) -> None:
    """Write the archive that `docker save` would write."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for inside, path in sorted(image.files.items()):
            entry = tarfile.TarInfo(inside.lstrip("/"))
            entry.size, entry.mode = path.stat().st_size, 0o755
            with path.open("rb") as file:
                tar.addfile(entry, file)
    content = layer.getvalue()
    config = {
        "architecture": ARCHITECTURES[platform.machine()],
        "os": "linux",
        "config": {"Entrypoint": [image.entrypoint], "Env": ["PATH=/bin:/"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(content).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [image.reference], "Layers": ["layer.tar"]}]
    with tarfile.open(archive, mode="w") as tar:
        for name, data in {
            "manifest.json": json.dumps(manifest).encode(),
            "config.json": json.dumps(config).encode(),
            "layer.tar": content,
        }.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


def _list_shell_files() -> dict[str, Path]:
    """A shell and its programs with the libraries that they load, as they are on this machine."""
    files: dict[str, Path] = {}
    for program in SHELL_PROGRAMS:
        found = shutil.which(program, path="/usr/bin:/bin")
        if found is None:
            raise layouts.CannotRunError(f"{program}: not found in /usr/bin; install coreutils and dash")
        files[f"/bin/{program}"] = Path(found)
        listed = subprocess.run(["ldd", found], capture_output=True, text=True, check=False).stdout
        for word in listed.split():
            if word.startswith("/"):
                files[word] = Path(word)
    return files
