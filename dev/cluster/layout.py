"""Folders, names and addresses of a checkout's cluster. Names contain a hash of its path, so checkouts do not clash."""

import dataclasses
import hashlib
import re
from pathlib import Path

from seaway.files import private

HOST_PREFIX = "10.200"
NODE = "seaway"
CONTEXT = "seaway-dev"
REGISTRY = "registry.localhost:5000"
POD_RANGE = "10.244.0.0/16"
SERVICE_RANGE = "10.96.0.0/16"
SERVICE_ADDRESS = "10.96.0.1"
DNS_ADDRESS = "10.96.0.10"
API_PORT = 6443


class CannotRunError(Exception):
    """This machine, or its current state, cannot run the cluster. The message has a hint; the exit code is 2."""


class FailedError(Exception):
    """The machine can run the cluster, but a part of the cluster failed. The exit code is 1."""


def find_path_problems(root: Path) -> list[str]:
    """List the reasons why a checkout in this folder cannot have a cluster."""
    if re.fullmatch(r"[A-Za-z0-9._/@+=-]+", str(root)) is None:
        return [f"{root}: configuration files cannot contain this path; use a path of letters and digits"]
    if root.is_relative_to("/run") or root.is_relative_to("/var/log"):
        return [f"{root}: not visible in the cluster, which has its own /run and /var/log; move the checkout"]
    return []


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Folders, names and addresses of a checkout's cluster.

    `number` selects the address pair 10.200.<number>.0/30: .1 is the host's end, .2 the cluster's.
    """

    root: Path
    number: int = 0

    @property
    def digest(self) -> str:
        """Eight hex digits for this checkout: an interface name has at most 15 characters."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:8]

    @property
    def name(self) -> str:
        """The name of everything outside the checkout's folder: cgroups and firewall rules."""
        return f"seaway-{self.digest}"

    @property
    def interface(self) -> str:
        """The host's end of the veth pair."""
        return f"sw{self.digest}"

    @property
    def run(self) -> Path:
        """Sockets, process ids, mounts. A socket's path has at most 108 characters. A reboot deletes the folder."""
        return Path("/run") / self.name

    @property
    def seaway(self) -> Path:
        """Files of this checkout that git ignores."""
        return self.root / private.FOLDER_NAME

    @property
    def data(self) -> Path:
        """Files that survive `down`: etcd, images, volumes, certificates, logs."""
        return self.seaway / "cluster"

    @property
    def pki(self) -> Path:
        """Keys, certificates and the components' kubeconfigs."""
        return self.data / "pki"

    @property
    def logs(self) -> Path:
        """One log file for each component."""
        return self.data / "logs"

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig for clients of the cluster."""
        return self.seaway / "kubeconfig"

    @property
    def host_address(self) -> str:
        """The host's end of the address pair."""
        return f"{HOST_PREFIX}.{self.number}.1"

    @property
    def address(self) -> str:
        """The cluster's end: API server, registry and node ports answer here."""
        return f"{HOST_PREFIX}.{self.number}.2"

    @property
    def network(self) -> str:
        """The address pair, as a network."""
        return f"{HOST_PREFIX}.{self.number}.0/30"

    @property
    def server(self) -> str:
        """The API server's address for clients on the host."""
        return f"https://{self.address}:{API_PORT}"

    @property
    def containerd(self) -> Path:
        """containerd's socket."""
        return self.run / "containerd" / "containerd.sock"

    @property
    def buildkitd(self) -> Path:
        """buildkitd's socket. As a path, clients on the host reach it too."""
        return self.run / "buildkitd.sock"

    @property
    def control(self) -> Path:
        """The supervisor's socket."""
        return self.run / "control.sock"

    @property
    def forwarder(self) -> Path:
        """The forwarder's socket."""
        return self.run / "forward.sock"

    @property
    def record(self) -> Path:
        """The process ids that this checkout's cluster started."""
        return self.run / "record.json"
