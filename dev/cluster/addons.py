"""What runs in the cluster as pods: a manifest each, called as the part of the toolchain whose program it runs.

An optional one is there where its part is compiled; the next `up` adds it to a cluster that runs, and removes it from a
cluster that has it from before, where the toolchain no longer has the part.
"""

from pathlib import Path

from dev.cluster import parts, toolchain

MANIFESTS = Path(__file__).parent / "manifests"

NFQUEUE_RULE = "-m conntrack --ctstate NEW -j NFQUEUE --queue-num 100 --queue-bypass"
"""The first packet of each connection to or from a pod, for kube-network-policies to judge; while nobody listens, it
passes. The program has rules of its own for that, which not every kernel understands (nftables' queue expression)."""


def list_addons() -> list[str]:
    """The names of those that this machine has."""
    return [path.stem for path in list_manifests()]


def list_manifests() -> list[Path]:
    """Their manifests."""
    return [path for path in _manifest_files() if _is_available(parts.find_part(path.stem))]


def list_missing_manifests() -> list[Path]:
    """The manifests of those that this machine does not have."""
    return [path for path in _manifest_files() if not _is_available(parts.find_part(path.stem))]


def list_network_commands() -> list[list[str]]:
    """What must be done in the cluster's network before they start, each command as often as one likes."""
    if "kube-network-policies" not in list_addons():
        return []
    rules = [f"FORWARD {way} cni0 {NFQUEUE_RULE}" for way in ("-i", "-o")]
    table = "iptables -w -t mangle"
    return [["sh", "-c", f"{table} -C {rule} 2>/dev/null || {table} -A {rule}"] for rule in rules]


def _manifest_files() -> list[Path]:
    return sorted(MANIFESTS.glob("*.yaml"))


def _is_available(part: parts.Part) -> bool:
    return not part.optional or toolchain.is_available(part)
