"""What the cluster needs of the machine, and the machine-wide traces that it leaves: cgroups."""

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
# The kernel loads these on demand in most places, but not from inside a namespace.
KERNEL_MODULES = ("overlay", "br_netfilter", "veth", "nf_conntrack")
MINIMUM_MEMORY = 3 * 2**30  # bytes; the components take about 1.5 GiB, a build and a few pods the rest


def find_problems() -> list[str]:
    """Why this machine cannot run the cluster: what is missing and what to do. Empty where it can."""
    if platform.system() != "Linux":
        return [f"{platform.system()}: the one-node cluster needs Linux; use any other cluster (README)"]
    if os.geteuid() != 0:
        return ["not root: namespaces and mounts need it; run with sudo, or use any other cluster (README)"]
    if shutil.which("modprobe"):
        subprocess.run(["modprobe", "--quiet", "--all", *KERNEL_MODULES], check=False, capture_output=True)
    problems: list[str] = []
    if platform.machine() not in images.ARCHITECTURES:
        known = ", ".join(images.ARCHITECTURES)
        problems.append(f"{platform.machine()}: only tried on {known}; use any other cluster (README)")
    if "\toverlay\n" not in Path("/proc/filesystems").read_text():
        problems.append("no overlay file system in the kernel; `modprobe overlay`, or use another kernel")
    if not Path("/proc/sys/net/bridge/bridge-nf-call-iptables").exists():
        problems.append("no br_netfilter in the kernel; `modprobe br_netfilter`, or use another kernel")
    missing = {"cpu", "memory", "pids"} - _list_controllers()
    if missing:
        problems.append(f"cgroup controllers are not mounted: {', '.join(sorted(missing))}; mount them at {CGROUPS}")
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if total < MINIMUM_MEMORY:
        problems.append(f"{total / 2**30:.1f} GiB of memory; the cluster needs {MINIMUM_MEMORY / 2**30:.0f} GiB")
    try:
        tried = subprocess.run(
            ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "mount", "-t", "tmpfs", "x", "/mnt"],
            capture_output=True,
            text=True,
            check=False,
        )
        if tried.returncode:
            problems.append(f"no new namespaces ({tried.stderr.strip()}); in a container it must be privileged")
    except FileNotFoundError:
        problems.append("unshare: not found; install util-linux")
    return problems


def make_cgroups(layout: layouts.Layout) -> None:
    """The folder under which kubelet and buildkitd put their cgroups, in every hierarchy."""
    for top in _list_hierarchies():
        (top / layout.name).mkdir(exist_ok=True)
        offered = top / "cgroup.controllers"
        if offered.exists():
            for controller in offered.read_text().split():
                # One that cannot be had is the kubelet's to complain about: it says which, and why.
                with contextlib.suppress(OSError):
                    (top / "cgroup.subtree_control").write_text(f"+{controller}")


def remove_cgroups(layout: layouts.Layout) -> None:
    """Remove what is left of it. Processes that were just killed hold their folders a moment longer."""
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
                        raise layouts.FailedError(f"{folder}: {error.strerror}; a process is left in it") from error
                    time.sleep(0.05)


def _list_hierarchies() -> list[Path]:
    """The top folders: one with cgroup v2, one a controller with v1. A v2 beside v1 controllers carries none."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS]
    return [path for path in sorted(CGROUPS.iterdir()) if (path / "cgroup.procs").exists() and path.name != "unified"]


def _list_controllers() -> set[str]:
    unified = CGROUPS / "cgroup.controllers"
    if unified.exists():
        return set(unified.read_text().split())
    return {path.name for path in _list_hierarchies()}
