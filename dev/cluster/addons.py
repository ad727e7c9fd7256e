"""Add-ons run in the cluster as pods. Each has a manifest with the name of the toolchain part that it runs.

An optional add-on is available if its part is compiled. The next `up` adds it to the cluster, or removes it if the
toolchain no longer has the part.
"""

from pathlib import Path

from dev.cluster import parts, toolchain

MANIFESTS = Path(__file__).parent / "manifests"

GATEWAY_CLASS = Path(__file__).parent / "config" / "gateway-class.yaml"

NFQUEUE_RULE = "-m conntrack --ctstate NEW -j NFQUEUE --queue-num 100 --queue-bypass"
"""Sends the first packet of each pod connection to kube-network-policies. Without a listener, the packet passes.

The program can install such rules itself, but not every kernel supports them (nftables' queue expression).
"""


def list_addons() -> list[str]:
    """List the names of the available add-ons."""
    return [path.stem for path in list_manifests()]


def list_manifests() -> list[Path]:
    """List the manifests of the available add-ons."""
    return [path for path in _manifest_files() if _is_available(parts.find_part(path.stem))]


def list_definitions() -> list[Path]:
    """List the files of the Gateway API. They are applied before the manifests: objects of its kinds need them."""
    part = parts.find_part("gateway-api")
    if "traefik" not in list_addons() or not toolchain.is_available(part):
        return []
    return [toolchain.find_program(name) for name in part.programs]


def list_missing_manifests() -> list[Path]:
    """List the manifests of the add-ons that are not available."""
    return [path for path in _manifest_files() if not _is_available(parts.find_part(path.stem))]


def list_network_commands() -> list[list[str]]:
    """List idempotent commands to run in the cluster's network before the add-ons start."""
    if "kube-network-policies" not in list_addons():
        return []
    rules = [f"FORWARD {direction} cni0 {NFQUEUE_RULE}" for direction in ("-i", "-o")]
    table = "iptables -w -t mangle"
    return [["sh", "-c", f"{table} -C {rule} 2>/dev/null || {table} -A {rule}"] for rule in rules]


def list_late_manifests() -> list[Path]:
    """List the manifests with objects of the kinds in `list_definitions`."""
    return [GATEWAY_CLASS] if list_definitions() else []


def _manifest_files() -> list[Path]:
    return sorted(MANIFESTS.glob("*.yaml"))


def _is_available(part: parts.Part) -> bool:
    return not part.optional or toolchain.is_available(part)
