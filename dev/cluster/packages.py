"""Installs Debian packages for the cluster: announces them first, removes no package and starts no service."""

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
# invoke-rc.d runs this script before it starts a service; 101 means "forbidden by policy".
DENY_ALL = "#!/bin/sh\n# From Seaway, during one run of apt-get: an installation must not start services.\nexit 101\n"
DEBIAN_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
DOCKER_PACKAGES = frozenset({"containerd.io", "docker-ce", "docker-ce-cli", "docker-buildx-plugin", "moby-engine"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """A Debian package, installed only if its program is missing: Docker's packages may already contain it."""

    name: str
    program: str
    purpose: str
    service: str | None = None


# Without conntrack, ipset and nftables: kube-proxy in iptables mode (1.34) does not use these programs.
PACKAGES = (
    Package(name="containerd", program="containerd", purpose="runs the pods", service="containerd"),
    Package(name="runc", program="runc", purpose="starts containers, for containerd and buildkitd"),
    Package(name="containernetworking-plugins", program="/usr/lib/cni/bridge", purpose="connects pods to the network"),
    Package(name="docker-registry", program="docker-registry", purpose="stores images", service="docker-registry"),
    Package(name="iptables", program="iptables", purpose="routes Services (kube-proxy)"),
    Package(name="skopeo", program="skopeo", purpose="pushes the local base images"),
    Package(name="debootstrap", program="debootstrap", purpose="builds the local base images"),
    Package(name="debian-archive-keyring", program=DEBIAN_KEYRING, purpose="checks the signatures of their packages"),
    Package(name="iproute2", program="ip", purpose="sets up the network namespace of the cluster"),
    Package(name="util-linux", program="nsenter", purpose="runs commands in the namespaces of the cluster"),
)

Result = subprocess.CompletedProcess[str]
Run = Callable[[list[str]], Result]


def run(command: list[str]) -> Result:
    """Run a program in English and without prompts. The result has its output, with stderr merged in."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    return subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def read_recorded(log: Path) -> list[str]:
    """Return the packages that the runs in a log have installed, with their dependencies."""
    text = log.read_text() if log.exists() else ""
    return sorted(set(re.findall(r"^Setting up ([^\s:]+)", text, re.MULTILINE)))


def find_program(name: str) -> Path | None:
    """Find a program by a name on PATH or in the system folders, or a file by its absolute path."""
    if name.startswith("/"):
        return Path(name) if Path(name).exists() else None
    path = shutil.which(name, path=":".join(SEARCH_FOLDERS))
    return Path(path) if path else None


def list_missing() -> tuple[Package, ...]:
    """List the packages whose program is missing on this machine."""
    return tuple(package for package in PACKAGES if find_program(package.program) is None)


def format_install_command(packages: tuple[Package, ...]) -> str:
    """Return the command that installs these packages."""
    names = " ".join(package.name for package in packages)
    return f"apt-get install --no-remove --no-install-recommends {names}"


def check_installable(packages: tuple[Package, ...], run: Run = run) -> None:
    """Check whether apt can install these packages. Changes only the package lists.

    Raises CannotRunError: not Debian, not root, or apt would remove a package.
    """
    if not packages:
        return
    if find_program("apt-get") is None:
        programs = ", ".join(f"{package.program} ({package.purpose})" for package in packages)
        raise layout.CannotRunError(f"this machine has no apt-get; install these programs on PATH yourself: {programs}")
    if os.geteuid() != 0:
        raise layout.CannotRunError(
            f"packages are missing, and only root can install them; run: sudo {format_install_command(packages)}"
        )
    simulated = simulate_install(packages, run)
    if "Unable to locate package" in simulated.stdout or "has no installation candidate" in simulated.stdout:
        update_lists(run)
        simulated = simulate_install(packages, run)
    removed = tuple(re.findall(r"^(?:Remv|Purg) (\S+)", simulated.stdout, re.MULTILINE))
    if removed:
        raise layout.CannotRunError(format_refusal(packages, removed))
    if simulated.returncode != 0:
        errors = extract_errors(simulated.stdout)
        raise layout.CannotRunError(
            f"apt cannot install the missing packages; `{format_install_command(packages)}` reports:\n{errors}"
        )


def simulate_install(packages: tuple[Package, ...], run: Run) -> Result:
    """Simulate the installation. Without --no-remove, so that apt lists the packages that it would remove."""
    return run(
        [
            "apt-get",
            "-s",
            *format_install_command(packages).removeprefix("apt-get ").replace("--no-remove ", "").split(),
        ]
    )


def format_refusal(packages: tuple[Package, ...], removed: tuple[str, ...]) -> str:
    """Return the reason why no package was installed, and a hint."""
    names = " ".join(package.name for package in packages)
    text = f"installing {names} would remove {', '.join(removed)}, so no package was changed. "
    if DOCKER_PACKAGES.intersection(removed):
        text += (
            "Docker's packages conflict with Debian's, and contain containerd and runc: "
            "run `apt-get install --reinstall containerd.io` and try again. "
        )
    return (
        f"{text}Or install them yourself (`{format_install_command(packages)}`), "
        "or use another cluster (README, 'Any other cluster')."
    )


def extract_errors(text: str) -> str:
    """Return the errors and unmet dependencies in the output of apt, or else its last lines."""
    errors = [line for line in text.splitlines() if re.match(r"E:|W:|Err:| .*(Depends|Conflicts|Breaks)", line)]
    return "\n".join(errors or text.splitlines()[-5:])


def update_lists(run: Run) -> None:
    """Update the package lists. Raises CannotRunError: the update failed."""
    updated = run(["apt-get", "update"])
    if updated.returncode != 0:
        raise layout.CannotRunError(
            f"`apt-get update` failed, so the packages are not available:\n{extract_errors(updated.stdout)}"
        )


def install_packages(packages: tuple[Package, ...], log: Path, run: Run = run) -> None:
    """Install packages, and write apt's output to `log`. Raises CannotRunError, as `check_installable` does."""
    if not packages:
        return
    check_installable(packages, run)
    command = [*shlex.split(format_install_command(packages)), "--yes", "-o", "DPkg::Lock::Timeout=300"]
    with prevent_service_start():
        result = run(command)
        if result.returncode != 0 and "Failed to fetch" in result.stdout:
            # The lists are older than the files on the mirror.
            update_lists(run)
            result = run(command)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file:  # `make clean` lists the packages of all runs
        file.write(result.stdout)
    if result.returncode != 0:
        raise layout.CannotRunError(
            f"the installation of packages failed (full log: {log}):\n{extract_errors(result.stdout)}"
        )
    for package in packages:
        # Debian enables a service on installation. The cluster starts these itself, never at boot.
        if package.service and shutil.which("systemctl"):
            run(["systemctl", "disable", package.service])


@contextlib.contextmanager
def prevent_service_start() -> Generator[None]:
    """Prevent the services of packages from starting. Keeps a policy that forbids it, and restores any other policy."""
    if SAVED_POLICY.exists():
        SAVED_POLICY.replace(POLICY)  # an earlier run was killed
    if POLICY.exists():
        if POLICY.read_text() == DENY_ALL:
            POLICY.unlink()  # an earlier run was killed
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
