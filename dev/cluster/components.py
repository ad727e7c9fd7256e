"""What runs in the cluster: reads the table in config/components.yaml and writes the configuration files beside it."""

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
# Where root's programs are, whatever PATH a plain `su` leaves.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEBIAN = ("containerd", "docker-registry")
FILES = {
    "containerd.toml": "containerd.toml",
    "cni.json": "cni/10-seaway.conflist",
    "hosts.toml": f"registries/{layouts.REGISTRY}/hosts.toml",
    "buildkitd.toml": "buildkitd.toml",
    "registry.yaml": "registry.yaml",
    "authentication.yaml": "authentication.yaml",
    "kubelet.yaml": "kubelet.yaml",
    "kube-proxy.yaml": "kube-proxy.yaml",
}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Component:
    """A process that the supervisor keeps running. The fields are explained in the table."""

    name: str
    command: tuple[str, ...]
    check: str
    address: str
    after: tuple[str, ...] = ()
    on_host: bool = False


def table(layout: layouts.Layout) -> tuple[Component, ...]:
    """Every component of this checkout's cluster; CannotRunError where a program is missing."""
    text = string.Template((CONFIG / "components.yaml").read_text()).substitute(_values(layout))
    entries: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return tuple(
        Component(
            name=name,
            command=(_program(entry["command"][0]), *entry["command"][1:]),
            check=entry["check"],
            address=entry["address"],
            after=tuple(entry.get("after", ())),
            on_host=entry.get("onHost", False),
        )
        for name, entry in entries.items()
    )


def configure(layout: layouts.Layout, *, pause: str, mtu: int) -> None:
    """Write the configuration files. `pause` is the sandbox image, `mtu` that of the host's way out, in bytes."""
    values = {**_values(layout), "pause": pause, "mtu": str(mtu)}
    for source, target in FILES.items():
        path = layout.data / "config" / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(string.Template((CONFIG / source).read_text()).substitute(values))


def _values(layout: layouts.Layout) -> dict[str, str]:
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


def _program(name: str) -> str:
    if name == "python":
        return sys.executable
    if name not in DEBIAN:
        return str(toolchain.binary(name))
    found = shutil.which(name, path=PATH)
    if found is None:
        raise layouts.CannotRunError(
            f"{name}: not installed; `make up` installs it, or install the package of that name"
        )
    return found
