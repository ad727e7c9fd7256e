"""Where the cluster of one checkout keeps its things. Names carry a hash of the checkout's path: two never meet."""

import dataclasses
import hashlib
import re
from pathlib import Path

from seaway.model import private

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
    """This machine, or its present state, cannot run the cluster. The text names the way out; the exit code is 2."""


class FailedError(Exception):
    """The cluster could run here, but something in it does not. The exit code is 1."""


def find_path_problems(root: Path) -> list[str]:
    """Why a checkout in this folder cannot have a cluster; empty where it can."""
    if re.fullmatch(r"[A-Za-z0-9._/@+=-]+", str(root)) is None:
        return [f"{root}: configuration files cannot hold this path; move the checkout to one of letters and digits"]
    if root.is_relative_to("/run") or root.is_relative_to("/var/log"):
        return [f"{root}: hidden inside the cluster, which has a /run and a /var/log of its own; move the checkout"]
    return []


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Folders, names and addresses of one checkout's cluster.

    `number` picks the address pair 10.200.<number>.0/30: .1 is the host's end, .2 the cluster's.
    """

    root: Path
    number: int = 0

    @property
    def digest(self) -> str:
        """Eight hex digits for this checkout: short, since an interface's name ends at 15 characters."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:8]

    @property
    def name(self) -> str:
        """The mark on everything that is not a file of ours: cgroups and firewall rules."""
        return f"seaway-{self.digest}"

    @property
    def interface(self) -> str:
        """The host's end of the veth pair."""
        return f"sw{self.digest}"

    @property
    def run(self) -> Path:
        """Sockets, process ids, mounts. Short, since a socket's path ends at 108 characters; gone after a reboot."""
        return Path("/run") / self.name

    @property
    def seaway(self) -> Path:
        """All that belongs to this checkout and not to git."""
        return self.root / private.NAME

    @property
    def data(self) -> Path:
        """What outlives `down`: etcd, images, volumes, certificates, logs."""
        return self.seaway / "cluster"

    @property
    def pki(self) -> Path:
        """Keys, certificates and the components' kubeconfigs."""
        return self.data / "pki"

    @property
    def logs(self) -> Path:
        """One log file a component."""
        return self.data / "logs"

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig for people and programs."""
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
        """buildkitd's socket: a path, so the host's clients reach it too."""
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
