"""`make clean`: removes what make has created, in the checkout and outside, and prints the size of each part.

`ALL=1` (`--all`) also removes the caches in ~/.cache/seaway, which all checkouts of a user share. Requires only the
system's Python, because it removes the virtual environment. Exit codes: 0 success, 1 failure, 2 refused.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dev.cluster import compiler, layout, packages, parts, remains, toolchain
from seaway.files import private

ROOT = Path(__file__).resolve().parent.parent
ACCEPT_VARIABLE = "SEAWAY_ACCEPT_DATA_LOSS"
"""As in seaway.review.disks, which requires the virtual environment."""
VOLUME = re.compile(r"pvc-[0-9a-f-]{36}_([^_]+)_(.+)")
"""A folder of local-path-provisioner: the UID of the volume, the namespace and the claim."""
MEGABYTE = 1_000_000
WORK_FOLDERS = (".pytest_cache", ".ruff_cache", ".hypothesis", "*.egg-info", "build", "dist")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Files of one purpose, and how the next `make up` creates them again."""

    name: str
    paths: tuple[Path, ...]
    renewal: str

    def measure(self) -> int:
        """Return its bytes on the disk. A hard link counts once, the target of a link does not count."""
        seen: dict[tuple[int, int], int] = {}
        for path in self.paths:
            for status in _walk(path):
                seen[status.st_dev, status.st_ino] = status.st_blocks * 512
        return sum(seen.values())

    def remove(self) -> None:
        """Remove its files. Of a link, only the link is removed."""
        for path in self.paths:
            if path.is_symlink() or path.is_file():
                path.unlink()
            else:
                shutil.rmtree(path)


def list_parts(root: Path, *, with_caches: bool) -> list[Part]:
    """List the existing parts."""
    state, cluster = root / private.FOLDER_NAME, root / private.FOLDER_NAME / "cluster"
    others = [path for path in state.iterdir() if path != cluster] if state.is_dir() else []
    work = [*(path for pattern in WORK_FOLDERS for path in root.glob(pattern)), *_find_bytecode(root)]
    compiled = sum(toolchain.estimate_minutes(part) for part in parts.REQUIRED if toolchain.is_available(part))
    candidates = [
        Part(
            name="the cluster: images, volumes, objects, keys, logs",
            paths=(cluster,),
            renewal="an empty cluster in 15 s, its base images in 10 s, and your images with the stack dev",
        ),
        Part(
            name="the state of stacks, generated secrets, settings",
            paths=tuple(others),
            renewal="the stack dev, with new generated secrets",
        ),
        Part(name="the Python environment", paths=(root / ".venv",), renewal="about 1 min, from PyPI"),
        Part(name="caches of tests and linters", paths=tuple(work), renewal="with the next run"),
        Part(name="temporary kubeconfigs of Pulumi", paths=tuple(_find_temporary_files(root)), renewal="none"),
    ]
    if with_caches:
        minutes = toolchain.format_minutes(compiled) if compiled else "several minutes"
        candidates += [
            Part(
                name="the toolchain (Pulumi, Kubernetes, BuildKit)",
                paths=(compiler.cache_folder(),),
                renewal=f"at most {minutes} of compiling, less while Go's build cache exists",
            ),
            Part(
                name="layers of base images",
                paths=(compiler.cache_folder().with_name("images"),),
                renewal="about 2 min, from the Debian mirror",
            ),
        ]
    existing = (
        dataclasses.replace(part, paths=tuple(path for path in part.paths if os.path.lexists(path)))
        for part in candidates
    )
    return [part for part in existing if part.paths]


def find_refusals(root: Path, *, with_caches: bool) -> list[str]:
    """List the reasons not to remove anything, each with a hint."""
    refusals: list[str] = []
    if os.geteuid() != 0 and (layout.Layout(root=root).run.exists() or (root / ".seaway/cluster/etcd").exists()):
        refusals.append("the cluster was started by root; run this command with sudo")
    lost = sorted(list_volumes(root))
    accepted = {name.strip() for name in os.environ.get(ACCEPT_VARIABLE, "").split(",")}
    if not accepted.issuperset(lost):
        refusals.append(
            f"these volumes would be deleted with their data: {', '.join(lost)}\n"
            f"  to accept exactly this loss: make clean {ACCEPT_VARIABLE}={','.join(lost)}\n"
            "  to keep data, dump it first, for example: kubectl exec -n NAMESPACE POD -- pg_dumpall -U USER > dump.sql"
        )
    for stack, context in list_remote_stacks(root):
        refusals.append(
            f"the state of stack {stack} is in .seaway, and its resources are in another cluster (context {context})\n"
            f"  to keep it: pulumi stack export --stack {stack} --file {stack}.json, and docs/backends.md\n"
            f"  to delete the resources: pulumi destroy --stack {stack}"
        )
    if with_caches and (users := list_cache_users()):
        refusals.append(
            f"these processes run programs of {compiler.cache_folder()}: {', '.join(users)}\n"
            "  stop the cluster of the other checkout first: make cluster-down"
        )
    return refusals


def list_volumes(root: Path) -> Iterator[str]:
    """List the claims (`namespace/name`) whose volumes have files, also of a stopped cluster."""
    for folder in (root / ".seaway" / "cluster" / "volumes").glob("pvc-*"):
        match = VOLUME.fullmatch(folder.name)
        if match and any(folder.iterdir()):
            yield f"{match[1]}/{match[2]}"


def list_remote_stacks(root: Path) -> Iterator[tuple[str, str]]:
    """List the stacks whose state is in .seaway and whose resources are in another cluster, with the context."""
    for file in sorted((root / ".seaway" / "state" / ".pulumi" / "stacks").glob("**/*.json")):
        state: Any = json.loads(file.read_text())
        deployment: dict[str, Any] = state["checkpoint"].get("latest") or {}
        for resource in deployment.get("resources") or ():
            context = resource.get("inputs", {}).get("context")
            if resource["type"] == "pulumi:providers:kubernetes" and context not in (None, layout.CONTEXT):
                yield file.stem, context
                break


def list_cache_users() -> list[str]:
    """List the processes of other checkouts that run a program of the cache: `etcd (4711)`."""
    cache, users = compiler.cache_folder().resolve(), list[str]()
    own = remains.list_process_ids(layout.Layout(root=ROOT))
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            program = (process / "exe").readlink()
            if program.is_relative_to(cache) and int(process.name) not in own:
                users.append(f"{program.name} ({process.name})")
    return users


def clean(root: Path, *, with_caches: bool) -> None:
    """Stop the cluster of a checkout and remove all that was created for it. Prints each part with its size."""
    existing = list_parts(root, with_caches=with_caches)
    kept = [] if with_caches else [part for part in list_parts(root, with_caches=True) if part not in existing]
    installed = packages.read_recorded(compiler.cache_folder() / "logs" / "packages.log")
    own = layout.Layout(root=root)
    if own.run.exists():
        print("stopping the cluster: processes, mounts, cgroups, its network and firewall rules", flush=True)
        remains.remove(own)
    remains.remove_shared()
    sizes = [part.measure() for part in existing]
    for part, size in zip(existing, sizes, strict=True):
        part.remove()
        print(f"removed {size / MEGABYTE:7,.0f} MB  {part.name}: {_format_paths(part, root)}", flush=True)
    with contextlib.suppress(OSError):
        (root / private.FOLDER_NAME).rmdir()
    print(f"in all  {sum(sizes) / MEGABYTE:7,.0f} MB")
    if existing:
        print("The next `make up` creates these parts again:")
    for part in existing:
        print(f"  {part.name}: {part.renewal}")
    print("Not removed:")
    for part in kept:
        size = part.measure()
        print(f"  {size / MEGABYTE:7,.0f} MB  {part.name}: {_format_paths(part, root)}")
    if kept:
        print("    All your checkouts share these. To remove them too: make clean ALL=1")
    print("  the caches of Go and pip, which other projects use: go clean -cache -modcache; pip cache purge")
    if installed:
        print(f"  Debian packages that make up installed: apt-get purge {' '.join(installed)}")


def _format_paths(part: Part, root: Path) -> str:
    names = [str(path.relative_to(root)) if path.is_relative_to(root) else str(path) for path in part.paths]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _walk(path: Path) -> Iterator[os.stat_result]:
    yield path.lstat()
    if path.is_dir() and not path.is_symlink():
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                with contextlib.suppress(FileNotFoundError):
                    yield Path(folder, name).lstat()


def _find_bytecode(root: Path) -> Iterator[Path]:
    for name in ("app", "components", "dev", "examples", "plugin", "seaway", "tests"):
        yield from (root / name).rglob("__pycache__")
    yield from root.glob("__pycache__")


def _find_temporary_files(root: Path) -> Iterable[Path]:
    """Pulumi's Kubernetes plugin leaves a file in each run. Those of this checkout name its keys."""
    for file in Path(tempfile.gettempdir()).glob("kubeconfig[0-9]*"):
        with contextlib.suppress(OSError):
            # Another user may have put a link or a FIFO there.
            if file.is_file() and not file.is_symlink() and f" {root}/.seaway/" in file.read_text(errors="replace"):
                yield file


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python3 -m dev.clean", description=__doc__)
    parser.add_argument("--all", action="store_true", help="also remove the caches that all checkouts share")
    options = parser.parse_args()
    if refusals := find_refusals(ROOT, with_caches=options.all):
        print("\n".join(("nothing was removed:", *refusals)), file=sys.stderr)
        return 2
    try:
        clean(ROOT, with_caches=options.all)
    except (layout.CannotRunError, layout.FailedError, OSError) as error:
        print(f"clean: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
