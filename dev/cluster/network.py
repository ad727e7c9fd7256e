"""The cluster's connection to the outside: an address pair, a veth pair and five firewall rules per checkout."""

import fcntl
import ipaddress
import json
import shlex
import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dev.cluster import layout as layouts

FORWARDING_SETTING = Path("/proc/sys/net/ipv4/ip_forward")
# Exists if forwarding was off before the first cluster started. The last cluster then switches it off again.
FORWARDING_WAS_OFF_FILE = Path("/run/seaway-forwarding-was-off")
LOCK = Path("/run/seaway-network.lock")
REFUSE = ("-j", "REJECT", "--reject-with", "tcp-reset")


def run(*command: str) -> str:
    """Run a program and return its output. Raises CannotRunError with its stderr."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError as error:
        raise layouts.CannotRunError(f"{command[0]}: not found; install iproute2, iptables and util-linux") from error
    except subprocess.CalledProcessError as error:
        raise layouts.CannotRunError(
            f"`{shlex.join(command)}` failed: {error.stderr.strip() or error.returncode}; "
            "`python3 -m dev.cluster check` reports missing requirements"
        ) from error


@contextmanager
def lock_network() -> Generator[None]:
    """Lock out other checkouts while this one chooses and uses a free address."""
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def choose_number(layout: layouts.Layout) -> int:
    """Choose a free address pair. The search starts from the checkout's hash, so the number rarely changes."""
    used = [
        ipaddress.ip_network(route["dst"], strict=False)
        for route in _run_ip("-4", "route", "show", "table", "all")
        if route["dst"] != "default" and route.get("dev") != layout.interface
    ]
    start = int(layout.digest, 16)
    for step in range(256):
        number = (start + step) % 256
        pair = ipaddress.ip_network(f"{layouts.HOST_PREFIX}.{number}.0/30")
        if not any(pair.overlaps(network) for network in used):
            return number
    raise layouts.CannotRunError(
        f"{layouts.HOST_PREFIX}.0.0/16: every address pair is in use on this machine; "
        "stop the cluster of another checkout (`make cluster-down`) or the VPN that routes this range"
    )


def connect(layout: layouts.Layout, pid: int) -> None:
    """Link the host with the network namespace of process `pid`, and route its traffic to the outside."""
    mtu = str(find_mtu())
    run(
        "ip",
        "link",
        "add",
        layout.interface,
        "mtu",
        mtu,
        "type",
        "veth",
        "peer",
        "name",
        "eth0",
        "mtu",
        mtu,
        "netns",
        str(pid),
    )
    run("ip", "address", "add", f"{layout.host_address}/30", "dev", layout.interface)
    run("ip", "link", "set", layout.interface, "up")
    if FORWARDING_SETTING.read_text().strip() == "0":
        FORWARDING_WAS_OFF_FILE.touch()
        FORWARDING_SETTING.write_text("1")
    mark = ("-m", "comment", "--comment", layout.name)
    outside = ("!", "-o", layout.interface)
    run("iptables", "-w", "-t", "nat", "-A", "POSTROUTING", "-s", layout.network, *outside, *mark, "-j", "MASQUERADE")
    # First in the chain, whatever its policy, which Docker sets to DROP. Only responses are allowed in, and nothing
    # passes from the cluster of one checkout to that of another.
    run("iptables", "-w", "-I", "FORWARD", "-o", layout.interface, *mark, "-j", "DROP")
    run("iptables", "-w", "-I", "FORWARD", "-i", layout.interface, "!", "-o", "sw+", *mark, "-j", "ACCEPT")
    state = ("-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED")
    run("iptables", "-w", "-I", "FORWARD", "-o", layout.interface, *state, *mark, "-j", "ACCEPT")
    # The registry has no password (ADR 0042): of the host's users, only root may push and pull.
    registry = ("-p", "tcp", "-d", layout.address, "--dport", layouts.REGISTRY.partition(":")[2])
    other_users = ("-m", "owner", "!", "--uid-owner", "0")
    run("iptables", "-w", "-I", "OUTPUT", *registry, *other_users, *mark, *REFUSE)


def refuse_pods() -> None:
    """Refuse connections of pods to the registry, in the network namespace of this process. The node's own pass."""
    port = layouts.REGISTRY.partition(":")[2]
    run("iptables", "-w", "-I", "INPUT", "-i", "cni0", "-p", "tcp", "--dport", port, *REFUSE)


def disconnect(layout: layouts.Layout) -> None:
    """Remove the remaining interfaces and rules of `connect`."""
    if any(link["ifname"] == layout.interface for link in _run_ip("link", "show")):
        # The kernel may remove the link at the same time, with the namespace at its other end.
        with suppress(layouts.CannotRunError):
            run("ip", "link", "delete", layout.interface)
    for tables, chain in (("nat", "POSTROUTING"), ("filter", "FORWARD"), ("filter", "OUTPUT")):
        for line in run("iptables", "-w", "-t", tables, "-S", chain).splitlines():
            words = shlex.split(line)
            if words[0] == "-A" and layout.name in words:
                run("iptables", "-w", "-t", tables, "-D", *words[1:])
    others = [link for link in _run_ip("link", "show", "type", "veth") if _is_cluster_interface(link["ifname"])]
    if FORWARDING_WAS_OFF_FILE.exists() and not others:
        FORWARDING_SETTING.write_text("0")
        FORWARDING_WAS_OFF_FILE.unlink()


def find_mtu() -> int:
    """Return the largest packet of the default route in bytes. Larger packets may be dropped without a report."""
    routes = _run_ip("-4", "route", "show", "default")
    devices = _run_ip("link", "show", "dev", routes[0]["dev"]) if routes else []
    return min(devices[0]["mtu"], 1500) if devices else 1500


def _run_ip(*words: str) -> list[dict[str, Any]]:
    return json.loads(run("ip", "-json", *words) or "[]")


def _is_cluster_interface(interface: str) -> bool:
    return len(interface) == 10 and interface.startswith("sw") and set(interface[2:]) <= set("0123456789abcdef")
