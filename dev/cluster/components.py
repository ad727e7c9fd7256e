"""The components of the cluster: reads config/components.yaml and writes their configuration files."""

import dataclasses
import shutil
import string
import sys
from pathlib import Path
from typing import Any

import yaml

from dev.cluster import layout as layouts
from dev.cluster import toolchain

CONFIG = Path(__file__).parent / "config"
# The folders of root's programs: a plain `su` may leave a shorter PATH.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEBIAN_PROGRAMS = ("containerd", "docker-registry")
HAS_IPV6 = Path("/proc/sys/net/ipv6").exists()
CONFIG_FILES = {
    "containerd.toml": "containerd.toml",
    "cni.json": "cni/10-seaway.conflist",
    "build-network.json": "build-network.conflist",
    "hosts.toml": f"registries/{layouts.REGISTRY}/hosts.toml",
    "buildkitd.toml": "buildkitd.toml",
    "registry.yaml": "registry.yaml",
    "authentication.yaml": "authentication.yaml",
    "kubelet.yaml": "kubelet.yaml",
    "kube-proxy.yaml": "kube-proxy.yaml",
}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Component:
    """A process that the supervisor keeps running. config/components.yaml explains the fields."""

    name: str
    command: tuple[str, ...]
    ready_check: str
    address: str
    depends_on: tuple[str, ...] = ()
    on_host: bool = False


def list_components(layout: layouts.Layout) -> tuple[Component, ...]:
    """List the components of this checkout's cluster. Raises CannotRunError: a program is missing."""
    text = string.Template((CONFIG / "components.yaml").read_text()).substitute(_template_variables(layout))
    table: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return tuple(
        Component(
            name=name,
            command=(_find_program(row["command"][0]), *row["command"][1:]),
            ready_check=row["readyCheck"],
            address=row["address"],
            depends_on=tuple(row.get("dependsOn", ())),
            on_host=row.get("onHost", False),
        )
        for name, row in table.items()
    )


def write_config(layout: layouts.Layout, *, pause: str, mtu: int) -> None:
    """Write the configuration files. `pause` is the sandbox image, `mtu` the host's largest packet in bytes."""
    # Network policies and the rules for the registry see IPv4 only, and each interface would have a link-local address.
    own_network = '{"type": "tuning", "sysctl": {"net.ipv6.conf.eth0.disable_ipv6": "1"}},' if HAS_IPV6 else ""
    values = {**_template_variables(layout), "pause": pause, "mtu": str(mtu), "own_network": own_network}
    for source, target in CONFIG_FILES.items():
        path = layout.data / "config" / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(string.Template((CONFIG / source).read_text()).substitute(values))


def _template_variables(layout: layouts.Layout) -> dict[str, str]:
    return {
        "root": str(layout.root),
        "number": str(layout.number),
        "name": layout.name,
        "data": str(layout.data),
        "run": str(layout.run),
        "config": str(layout.data / "config"),
        "pki": str(layout.pki),
        "address": layout.address,
        "server": layout.server,
        "node": layouts.NODE,
        "dns": layouts.DNS_ADDRESS,
        "registry": layouts.REGISTRY,
        "pod_range": layouts.POD_RANGE,
        "service_range": layouts.SERVICE_RANGE,
    }


def _find_program(name: str) -> str:
    if name == "python":
        return sys.executable
    if name not in DEBIAN_PROGRAMS:
        return str(toolchain.find_program(name))
    program = shutil.which(name, path=PATH)
    if program is None:
        raise layouts.CannotRunError(
            f"{name}: not installed; `make up` installs it, or install the package of that name"
        )
    return program
