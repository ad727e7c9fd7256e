"""The images of the cluster's own pods, built from files on this machine without a registry."""

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
PREFIX = "seaway.local"  # not a host: a missing image fails at once, without a look-up
SHELL_PROGRAMS = ("sh", "mkdir", "rm")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """An image with one layer. `files` maps paths in the image to paths on this machine."""

    name: str
    files: dict[str, Path]
    entrypoint: str

    @property
    def reference(self) -> str:
        """The full name. Its tag is a hash of the content, so the cluster never receives the same image twice."""
        digest = hashlib.sha256(self.entrypoint.encode())
        for name, path in sorted(self.files.items()):
            digest.update(name.encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return f"{PREFIX}/{self.name}:{digest.hexdigest()[:12]}"


def list_images() -> dict[str, Image]:
    """Return the images of the sandbox, the add-ons and the shell of the volume provisioner's helper pods, by name."""
    single = {
        name: Image(name=name, files={f"/{name}": toolchain.find_program(name)}, entrypoint=f"/{name}")
        for name in ("pause", *addons.list_addons())
    }
    return {**single, "shell": Image(name="shell", files=_list_shell_files(), entrypoint="/bin/sh")}


def load(layout: layouts.Layout, image: Image) -> None:
    """Load an image into containerd, unless it is already there."""
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
    """Write an archive in the format of `docker save`."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for name, path in sorted(image.files.items()):
            member = tarfile.TarInfo(name.lstrip("/"))
            member.size, member.mode = path.stat().st_size, 0o755
            with path.open("rb") as file:
                tar.addfile(member, file)
    content = layer.getvalue()
    config = {
        "architecture": ARCHITECTURES[platform.machine()],
        "os": "linux",
        "config": {"Entrypoint": [image.entrypoint], "Env": ["PATH=/bin:/"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(content).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [image.reference], "Layers": ["layer.tar"]}]
    with tarfile.open(archive, mode="w") as tar:
        for name, file_content in {
            "manifest.json": json.dumps(manifest).encode(),
            "config.json": json.dumps(config).encode(),
            "layer.tar": content,
        }.items():
            member = tarfile.TarInfo(name)
            member.size = len(file_content)
            tar.addfile(member, io.BytesIO(file_content))


def _list_shell_files() -> dict[str, Path]:
    """List a shell and a few programs of this machine, with the libraries that they load."""
    files: dict[str, Path] = {}
    for program in SHELL_PROGRAMS:
        path = shutil.which(program, path="/usr/bin:/bin")
        if path is None:
            raise layouts.CannotRunError(f"{program}: not found in /usr/bin; install coreutils and dash")
        files[f"/bin/{program}"] = Path(path)
        libraries = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
        for word in libraries.split():
            if word.startswith("/"):
                files[word] = Path(word)
    return files
