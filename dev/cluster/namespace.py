"""Prepares the supervisor's new namespaces: mounts, network and kernel settings of the cluster."""

import os
import shutil
from pathlib import Path

from dev.cluster import layout as layouts
from dev.cluster import network

# The kubelet would set these for the whole machine. It finds its settings in mounted files instead.
KUBELET_SETTINGS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
# These belong to the network namespace, so they do not affect the host.
NETWORK_SETTINGS = {
    "net/ipv4/ip_forward": "1",
    "net/bridge/bridge-nf-call-iptables": "1",
    "net/ipv4/conf/all/route_localnet": "1",
    "net/ipv6/conf/all/disable_ipv6": "1",
}


def prepare(layout: layouts.Layout) -> None:
    """Set up mounts, network and kernel settings in the namespaces of this process."""
    config = layout.data / "config"
    hosts = config / "hosts"
    name = layouts.REGISTRY.partition(":")[0]
    hosts.write_text(Path("/etc/hosts").read_text() + f"\n127.0.0.1 {name}\n{layout.address} {layouts.NODE}\n")
    (config / "resolv.conf").write_text(format_resolv_conf())
    _mount_own_run(layout)
    for program_data in ("/var/lib/cni", "/var/log"):
        # libcni and the kubelet always write there. The empty folder remains on the host.
        Path(program_data).mkdir(parents=True, exist_ok=True)
        network.run("mount", "-t", "tmpfs", "-o", "mode=755", "seaway", program_data)
    _mount_over(Path("/etc/hosts"), hosts)
    _mount_over(Path("/etc/resolv.conf"), config / "resolv.conf")
    for key, setting in KUBELET_SETTINGS.items():
        if not (Path("/proc/sys") / key).exists():
            continue
        file = layout.run / "kernel" / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(setting)
        _mount_over(Path("/proc/sys") / key, file)
    kubelet = layout.run / "kubelet"
    kubelet.mkdir(exist_ok=True)
    (layout.data / "kubelet").mkdir(exist_ok=True)
    network.run("mount", "--bind", str(layout.data / "kubelet"), str(kubelet))
    # Containers see later mounts of the kubelet only with shared propagation.
    network.run("mount", "--make-rshared", "/")
    network.run("ip", "link", "set", "lo", "up")
    network.run("ip", "address", "add", f"{layout.address}/30", "dev", "eth0")
    network.run("ip", "link", "set", "eth0", "up")
    network.run("ip", "route", "add", "default", "via", layout.host_address)
    network.refuse_pods()
    for key, setting in NETWORK_SETTINGS.items():
        if (Path("/proc/sys") / key).exists() or "ipv6" not in key:
            (Path("/proc/sys") / key).write_text(setting)


def format_resolv_conf() -> str:
    """Return the host's resolv.conf without servers on its loopback: the cluster cannot reach them."""
    # systemd-resolved keeps the real servers beside its stub.
    real = Path("/run/systemd/resolve/resolv.conf")
    source = real if real.exists() else Path("/etc/resolv.conf")
    lines = source.read_text().splitlines() if source.exists() else []
    return "".join(
        f"{line}\n" for line in lines if not line.startswith(("nameserver 127.", "nameserver ::1", "nameserver fe80"))
    )


def _mount_own_run(layout: layouts.Layout) -> None:
    """Mount a /run that contains only the cluster's folder: container runtimes use fixed paths in /run."""
    new_run = layout.run / "host-run"
    new_run.mkdir(exist_ok=True)
    network.run("mount", "-t", "tmpfs", "-o", "mode=755", "seaway", str(new_run))
    folder = new_run / layout.name
    folder.mkdir()
    network.run("mount", "--bind", str(layout.run), str(folder))
    network.run("mount", "--no-mtab", "--move", str(new_run), "/run")
    (Path("/run") / "lock").mkdir()


def _mount_over(target: Path, source: Path) -> None:
    """Mount a file over a path. If the path links into the new, empty /run, create the file there."""
    real = Path(os.path.realpath(target))
    if real.is_relative_to("/run"):
        real.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, real)
    else:
        network.run("mount", "--bind", str(source), str(real))
