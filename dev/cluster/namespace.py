"""What the supervisor does first in its new namespaces: mounts, network and kernel settings of the cluster's own."""

import os
import shutil
from pathlib import Path

from dev.cluster import layout as layouts
from dev.cluster import network

# The kubelet sets these for the whole machine. It finds what it wants in files of ours instead.
KUBELET_SETTINGS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
# These belong to the network namespace, so writing them touches nobody else.
NETWORK_SETTINGS = {
    "net/ipv4/ip_forward": "1",
    "net/bridge/bridge-nf-call-iptables": "1",
    "net/ipv4/conf/all/route_localnet": "1",
}


def prepare(layout: layouts.Layout) -> None:
    """Make this process's namespaces a machine of the cluster's own."""
    config = layout.data / "config"
    hosts = config / "hosts"
    name = layouts.REGISTRY.partition(":")[0]
    hosts.write_text(Path("/etc/hosts").read_text() + f"\n127.0.0.1 {name}\n{layout.address} {layouts.NODE}\n")
    (config / "resolv.conf").write_text(format_resolv_conf())
    _mount_own_run(layout)
    for program_data in ("/var/lib/cni", "/var/log"):
        # libcni and the kubelet write there, whatever they are told. The empty folder stays when we go.
        Path(program_data).mkdir(parents=True, exist_ok=True)
        network.run("mount", "-t", "tmpfs", "-o", "mode=755", "seaway", program_data)
    _mount_over(Path("/etc/hosts"), hosts)
    _mount_over(Path("/etc/resolv.conf"), config / "resolv.conf")
    for key, value in KUBELET_SETTINGS.items():
        if not (Path("/proc/sys") / key).exists():
            continue
        cover = layout.run / "kernel" / key
        cover.parent.mkdir(parents=True, exist_ok=True)
        cover.write_text(value)
        _mount_over(Path("/proc/sys") / key, cover)
    kubelet = layout.run / "kubelet"
    kubelet.mkdir(exist_ok=True)
    (layout.data / "kubelet").mkdir(exist_ok=True)
    network.run("mount", "--bind", str(layout.data / "kubelet"), str(kubelet))
    # Containers see mounts that the kubelet makes later only where propagation is shared.
    network.run("mount", "--make-rshared", "/")
    network.run("ip", "link", "set", "lo", "up")
    network.run("ip", "address", "add", f"{layout.address}/30", "dev", "eth0")
    network.run("ip", "link", "set", "eth0", "up")
    network.run("ip", "route", "add", "default", "via", layout.host_address)
    for key, value in NETWORK_SETTINGS.items():
        (Path("/proc/sys") / key).write_text(value)


def format_resolv_conf() -> str:
    """The host's resolv.conf without the servers on its loopback, which nobody in here can reach."""
    # systemd-resolved keeps the real ones beside its stub.
    real = Path("/run/systemd/resolve/resolv.conf")
    source = real if real.exists() else Path("/etc/resolv.conf")
    lines = source.read_text().splitlines() if source.exists() else []
    return "".join(
        f"{line}\n" for line in lines if not line.startswith(("nameserver 127.", "nameserver ::1", "nameserver fe80"))
    )


def _mount_own_run(layout: layouts.Layout) -> None:
    """An empty /run but for our folder: container runtimes leave sockets and namespaces there, at fixed paths."""
    aside = layout.run / "host-run"
    aside.mkdir(exist_ok=True)
    network.run("mount", "-t", "tmpfs", "-o", "mode=755", "seaway", str(aside))
    inside = aside / layout.name
    inside.mkdir()
    network.run("mount", "--bind", str(layout.run), str(inside))
    network.run("mount", "--no-mtab", "--move", str(aside), "/run")
    (Path("/run") / "lock").mkdir()


def _mount_over(target: Path, source: Path) -> None:
    """Show our file at this path. A link into /run has nothing behind it any more: the file is made there."""
    real = Path(os.path.realpath(target))
    if real.is_relative_to("/run"):
        real.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, real)
    else:
        network.run("mount", "--bind", str(source), str(real))
