"""What the cluster takes from Debian: told first, nothing removed, no service started."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from dev.cluster import layout

SEARCH_FOLDERS = (*os.environ.get("PATH", "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin")
POLICY = Path("/usr/sbin/policy-rc.d")
SAVED_POLICY = POLICY.with_name("policy-rc.d.kept-by-seaway")
# invoke-rc.d asks this script before it starts a service; 101 is "forbidden by policy".
DENY_ALL = "#!/bin/sh\n# Seaway's, for the length of one apt-get run: installing must not start services.\nexit 101\n"
DOCKER_PACKAGES = frozenset({"containerd.io", "docker-ce", "docker-ce-cli", "docker-buildx-plugin", "moby-engine"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """A Debian package, wanted only where its program is not there already (from Docker's packages, say)."""

    name: str
    program: str
    purpose: str
    service: str | None = None


# conntrack, ipset and nftables are not here: kube-proxy in iptables mode (1.34) needs none of these programs.
PACKAGES = (
    Package(name="containerd", program="containerd", purpose="runs the pods", service="containerd"),
    Package(name="runc", program="runc", purpose="starts containers, for containerd and buildkitd"),
    Package(name="containernetworking-plugins", program="/usr/lib/cni/bridge", purpose="the pods' network"),
    Package(name="docker-registry", program="docker-registry", purpose="keeps images", service="docker-registry"),
    Package(name="iptables", program="iptables", purpose="Services (kube-proxy)"),
    Package(name="skopeo", program="skopeo", purpose="pushes the local base images"),
    Package(name="debootstrap", program="debootstrap", purpose="makes the local base images"),
    Package(name="iproute2", program="ip", purpose="the cluster's own network namespace"),
    Package(name="util-linux", program="nsenter", purpose="the cluster's own namespaces"),
)

Result = subprocess.CompletedProcess[str]
Run = Callable[[list[str]], Result]


def run(command: list[str]) -> Result:
    """Run a program in English, without questions, and return what it printed (stderr mixed in)."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    return subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def find_program(name: str) -> Path | None:
    """Where a program is: a name on PATH or in the system folders, or an absolute path."""
    found = shutil.which(name, path=":".join(SEARCH_FOLDERS))
    return Path(found) if found else None


def list_missing() -> tuple[Package, ...]:
    """The packages whose program this machine lacks."""
    return tuple(package for package in PACKAGES if find_program(package.program) is None)


def format_install_command(packages: tuple[Package, ...]) -> str:
    """The line to type by hand."""
    names = " ".join(package.name for package in packages)
    return f"apt-get install --no-remove --no-install-recommends {names}"


def check_installable(packages: tuple[Package, ...], run: Run = run) -> None:
    """Say before anything is changed whether apt can install these. Changes nothing but the package lists.

    Raises CannotRunError: not Debian, not root, or something of the user's would have to go.
    """
    if not packages:
        return
    if find_program("apt-get") is None:
        programs = ", ".join(f"{package.program} ({package.purpose})" for package in packages)
        raise layout.CannotRunError(
            f"no apt-get here, so these programs must be installed by hand, on PATH: {programs}"
        )
    if os.geteuid() != 0:
        raise layout.CannotRunError(
            f"packages are missing and only root can install them; type: sudo {format_install_command(packages)}"
        )
    simulated = simulate_install(packages, run)
    if "Unable to locate package" in simulated.stdout or "has no installation candidate" in simulated.stdout:
        update_lists(run)
        simulated = simulate_install(packages, run)
    removed = tuple(re.findall(r"^(?:Remv|Purg) (\S+)", simulated.stdout, re.MULTILINE))
    if removed:
        raise layout.CannotRunError(format_refusal(packages, removed))
    if simulated.returncode != 0:
        raise layout.CannotRunError(
            f"apt cannot install what is missing; `{format_install_command(packages)}` says:\n{extract_errors(simulated.stdout)}"
        )


def simulate_install(packages: tuple[Package, ...], run: Run) -> Result:
    """What apt would do. Without --no-remove, so that it names what it would take away."""
    return run(
        [
            "apt-get",
            "-s",
            *format_install_command(packages).removeprefix("apt-get ").replace("--no-remove ", "").split(),
        ]
    )


def format_refusal(packages: tuple[Package, ...], removed: tuple[str, ...]) -> str:
    """Why nothing was installed, and the way out."""
    names = " ".join(package.name for package in packages)
    text = f"installing {names} would remove {', '.join(removed)}: nothing was changed. "
    if DOCKER_PACKAGES.intersection(removed):
        text += (
            "Docker's own packages conflict with Debian's, and bring containerd and runc themselves: "
            "type `apt-get install --reinstall containerd.io` and try again. "
        )
    return (
        text
        + f"Or install them yourself (`{format_install_command(packages)}`), or use any other cluster (README, 'Any other cluster')."
    )


def extract_errors(text: str) -> str:
    """The lines of apt's output that say what is wrong: its errors and unmet dependencies."""
    wanted = [row for row in text.splitlines() if re.match(r"E:|W:|Err:| .*(Depends|Conflicts|Breaks)", row)]
    return "\n".join(wanted or text.splitlines()[-5:])


def update_lists(run: Run) -> None:
    """Refresh the package lists. Raises CannotRunError when no list could be had."""
    updated = run(["apt-get", "update"])
    if updated.returncode != 0:
        raise layout.CannotRunError(
            f"`apt-get update` failed, so the packages cannot be had:\n{extract_errors(updated.stdout)}"
        )


def install_packages(packages: tuple[Package, ...], log: Path, run: Run = run) -> None:
    """Install what is missing; apt's whole output goes to `log`. Raises CannotRunError as `check` does."""
    if not packages:
        return
    check_installable(packages, run)
    command = [*shlex.split(format_install_command(packages)), "--yes", "-o", "DPkg::Lock::Timeout=300"]
    with prevent_service_start():
        done = run(command)
        if done.returncode != 0 and "Failed to fetch" in done.stdout:
            # The lists are older than the mirror's files.
            update_lists(run)
            done = run(command)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(done.stdout)
    if done.returncode != 0:
        raise layout.CannotRunError(f"installing packages failed (whole log: {log}):\n{extract_errors(done.stdout)}")
    for package in packages:
        # Debian enables a service on installation; ours are started by the cluster only, never at boot.
        if package.service and shutil.which("systemctl"):
            run(["systemctl", "disable", package.service])


@contextlib.contextmanager
def prevent_service_start() -> Generator[None]:
    """Keep the packages' services from starting. A policy that forbids it already stays; another is put back."""
    if SAVED_POLICY.exists():
        SAVED_POLICY.replace(POLICY)  # a run before us was killed
    if POLICY.exists():
        if POLICY.read_text() == DENY_ALL:
            POLICY.unlink()  # likewise
        elif subprocess.run([POLICY, "containerd", "start"], check=False, capture_output=True).returncode == 101:
            yield
            return
        else:
            POLICY.rename(SAVED_POLICY)
    POLICY.write_text(DENY_ALL)
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
        if SAVED_POLICY.exists():
            SAVED_POLICY.replace(POLICY)
