"""Requirements of the cluster on the machine, and its cgroups."""

import contextlib
import os
import platform
import shutil
import subprocess
import time
from pathlib import Path

from dev.cluster import images
from dev.cluster import layout as layouts

CGROUPS = Path("/sys/fs/cgroup")
# The kernel loads these on demand, but not from inside a namespace.
KERNEL_MODULES = ("overlay", "br_netfilter", "veth", "nf_conntrack")
MINIMUM_MEMORY = 3 * 2**30  # bytes; the components use about 1.5 GiB, a build and a few pods use the rest


def find_problems() -> list[str]:
    """List the reasons why this machine cannot run the cluster, each with a hint."""
    if platform.system() != "Linux":
        return [f"{platform.system()}: the one-node cluster requires Linux; use another cluster (README)"]
    if os.geteuid() != 0:
        return ["not root: namespaces and mounts require root; run with sudo, or use another cluster (README)"]
    if shutil.which("modprobe"):
        subprocess.run(["modprobe", "--quiet", "--all", *KERNEL_MODULES], check=False, capture_output=True)
    problems: list[str] = []
    if platform.machine() not in images.ARCHITECTURES:
        known = ", ".join(images.ARCHITECTURES)
        problems.append(f"{platform.machine()}: not tested; use {known}, or another cluster (README)")
    if "\toverlay\n" not in Path("/proc/filesystems").read_text():
        problems.append("the kernel has no overlay file system; run `modprobe overlay`, or use another kernel")
    if not Path("/proc/sys/net/bridge/bridge-nf-call-iptables").exists():
        problems.append("the kernel has no br_netfilter; run `modprobe br_netfilter`, or use another kernel")
    missing = {"cpu", "memory", "pids"} - _list_controllers()
    if missing:
        problems.append(f"cgroup controllers are not mounted: {', '.join(sorted(missing))}; mount them at {CGROUPS}")
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if total < MINIMUM_MEMORY:
        problems.append(f"{total / 2**30:.1f} GiB of memory; the cluster requires {MINIMUM_MEMORY / 2**30:.0f} GiB")
    try:
        result = subprocess.run(
            ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "mount", "-t", "tmpfs", "x", "/mnt"],
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            problems.append(f"cannot create namespaces ({result.stderr.strip()}); a container must be privileged")
    except FileNotFoundError:
        problems.append("unshare: not found; install util-linux")
    return problems


def make_cgroups(layout: layouts.Layout) -> None:
    """Create the parent folder for the cgroups of kubelet and buildkitd in each hierarchy."""
    for top in _list_hierarchies():
        (top / layout.name).mkdir(exist_ok=True)
        controllers = top / "cgroup.controllers"
        if controllers.exists():
            for controller in controllers.read_text().split():
                # The kubelet reports a controller that cannot be enabled, with the reason.
                with contextlib.suppress(OSError):
                    (top / "cgroup.subtree_control").write_text(f"+{controller}")


def remove_cgroups(layout: layouts.Layout) -> None:
    """Remove the cgroups. Killed processes keep their folders for a moment."""
    for top in (CGROUPS, *CGROUPS.iterdir()):
        for folder, _, _ in os.walk(top / layout.name, topdown=False):
            end = time.monotonic() + 5
            while True:
                try:
                    Path(folder).rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError as error:
                    if time.monotonic() > end:
                        raise layouts.FailedError(
                            f"{folder}: {error.strerror}; a process is still in this cgroup"
                        ) from error
                    time.sleep(0.05)


def _list_hierarchies() -> list[Path]:
    """List the top folders: one for cgroup v2, one for each v1 controller. A v2 beside v1 has no controllers."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS]
    return [path for path in sorted(CGROUPS.iterdir()) if (path / "cgroup.procs").exists() and path.name != "unified"]


def _list_controllers() -> set[str]:
    unified = CGROUPS / "cgroup.controllers"
    if unified.exists():
        return set(unified.read_text().split())
    return {path.name for path in _list_hierarchies()}
