"""The parts of the toolchain. A part that is not installed on the machine is compiled.

Each part is a Go module in `modules/<name>`. Its go.mod and go.sum pin the sources and their versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

MODULES = Path(__file__).parent / "modules"


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """A file copied from a Go module: `source` in `module`, in the version that the part `pinned_by` pins."""

    module: str
    pinned_by: str
    source: str
    target: str
    """Target in the build folder: `src/...` is compiled, `bin/...` is a finished program."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)  # rows of the table are compared by identity
class Part:
    """Programs that are compiled together from one go.mod."""

    name: str
    minutes: float
    """Measured duration of a build without caches on 2 cores, with downloads."""
    binaries: Mapping[str, str]
    """Program name -> Go package."""
    version: str
    """Shown in the plan. For a plugin, the version that Pulumi requires."""
    ldflags: str = ""
    copies: tuple[Copy, ...] = field(default=())
    kind: Literal["pulumi", "host", "plugin", "cluster"] = "cluster"
    """Selects how an installed part is found. `cluster` parts are always compiled, so that all clusters are equal."""
    on_path: bool = False
    """Adds its programs to PATH. Plugins are not on PATH: Pulumi warns about these."""
    beside: str = ""
    """A part that is compiled first, and whose programs are copied beside this part's programs."""
    optional: bool = False
    """Compiled only by `build --all`, so that the first `up` is fast."""

    @property
    def folder(self) -> Path:
        """The part's Go module."""
        return MODULES / self.name

    @property
    def programs(self) -> tuple[str, ...]:
        """Every program of the part, compiled or copied."""
        copied = tuple(Path(copy.target).name for copy in self.copies if copy.target.startswith("bin/"))
        return (*self.binaries, *copied)


PULUMI_SDK = "github.com/pulumi/pulumi/sdk/v3"
GATEWAY_API = "sigs.k8s.io/gateway-api"
COSIGN = "github.com/sigstore/cosign/v2"
DOCKER_COMPOSE = "github.com/docker/compose/v2"
KUBERNETES_PLUGIN = "github.com/pulumi/pulumi-kubernetes/provider/v4"
DOCKER_BUILD_PLUGIN = "github.com/pulumi/pulumi-docker-build/provider"
KUBERNETES_VERSION = "k8s.io/component-base/version"
KUBERNETES_PROGRAMS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
)

# Compiled in this order: quick parts first, so that errors show early.
PARTS = (
    Part(name="pause", version="1", minutes=0.2, binaries={"pause": "."}),
    Part(
        name="pulumi-language-python",
        version="3.79.0",
        minutes=1,
        kind="host",
        binaries={"pulumi-language-python": f"{PULUMI_SDK}/python/cmd/pulumi-language-python"},
        copies=(
            # The host comes from the last SDK module that contains it, its two scripts from the version of the CLI.
            Copy(
                module=PULUMI_SDK,
                pinned_by="pulumi",
                source="python/cmd/pulumi-language-python-exec",
                target="bin/pulumi-language-python-exec",
            ),
            Copy(
                module=PULUMI_SDK,
                pinned_by="pulumi",
                source="python/dist/pulumi-resource-pulumi-python",
                target="bin/pulumi-resource-pulumi-python",
            ),
        ),
    ),
    Part(name="etcd", version="3.6.13", minutes=1, binaries={"etcd": "go.etcd.io/etcd/server/v3"}),
    Part(
        name="local-path-provisioner",
        version="0.0.30",
        minutes=1.5,
        binaries={"local-path-provisioner": "github.com/rancher/local-path-provisioner"},
    ),
    Part(name="coredns", version="1.12.4", minutes=3, binaries={"coredns": "github.com/coredns/coredns"}),
    Part(
        name="buildkit",
        version="0.34.2",
        minutes=3,
        on_path=True,
        binaries={name: f"github.com/moby/buildkit/cmd/{name}" for name in ("buildkitd", "buildctl")},
    ),
    Part(
        name="pulumi-resource-docker-build",
        version="0.0.22",
        minutes=3,
        kind="plugin",
        binaries={"pulumi-resource-docker-build": f"{DOCKER_BUILD_PLUGIN}/cmd/pulumi-resource-docker-build"},
        # Without it, the plugin reports version 0.0.1, and Pulumi warns in each run.
        ldflags=f"-X {DOCKER_BUILD_PLUGIN}.Version=0.0.22",
    ),
    Part(
        name="pulumi",
        version="3.259.0",
        minutes=4,
        kind="pulumi",
        on_path=True,
        # As in an official release: Pulumi warns in each run about a language host in another folder.
        beside="pulumi-language-python",
        binaries={"pulumi": "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"},
        ldflags=f"-X {PULUMI_SDK}/go/common/version.Version=3.259.0",
    ),
    Part(
        name="pulumi-resource-kubernetes",
        version="4.25.0",
        minutes=8,
        kind="plugin",
        binaries={"pulumi-resource-kubernetes": "."},
        ldflags=f"-X {KUBERNETES_PLUGIN}/pkg/version.Version=4.25.0",
        copies=(
            Copy(
                module=KUBERNETES_PLUGIN,
                pinned_by="pulumi-resource-kubernetes",
                source="cmd/pulumi-resource-kubernetes/schema.json",
                target="src/schema.json",
            ),
        ),
    ),
    Part(
        name="kubernetes",
        version="1.34.4",
        minutes=8,
        on_path=True,
        binaries={name: f"k8s.io/kubernetes/cmd/{name}" for name in KUBERNETES_PROGRAMS},
        # Without them, the API server reports v0.0.0, and clients compare versions.
        ldflags=f"-X {KUBERNETES_VERSION}.gitVersion=v1.34.4 -X {KUBERNETES_VERSION}.gitMajor=1 "
        f"-X {KUBERNETES_VERSION}.gitMinor=34 -X {KUBERNETES_VERSION}.gitTreeState=clean",
    ),
    Part(
        name="kube-network-policies",
        version="0.8.0",
        minutes=2,
        optional=True,
        binaries={"kube-network-policies": "sigs.k8s.io/kube-network-policies/cmd"},
    ),
    Part(
        name="metrics-server",
        version="0.9.0",
        minutes=2,
        optional=True,
        binaries={"metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server"},
    ),
    Part(
        name="traefik",
        version="3.6.2",
        minutes=6,
        optional=True,
        binaries={"traefik": "github.com/traefik/traefik/v3/cmd/traefik"},
    ),
    # Not a program: the definitions of the Gateway API, which Traefik serves too.
    Part(
        name="gateway-api",
        version="1.4.0",
        minutes=0.1,
        optional=True,
        binaries={},
        copies=tuple(
            Copy(
                module=GATEWAY_API,
                pinned_by="gateway-api",
                source=f"config/crd/standard/gateway.networking.k8s.io_{plural}.yaml",
                target=f"bin/{plural}.yaml",
            )
            for plural in (
                "backendtlspolicies",
                "gatewayclasses",
                "gateways",
                "grpcroutes",
                "httproutes",
                "referencegrants",
            )
        ),
    ),
    # Started by the tests of growing disks: a driver of our own, with the controllers of Kubernetes.
    Part(
        name="csi-driver",
        version="6.3.0",
        minutes=6,
        optional=True,
        binaries={
            "csi-driver": ".",
            "csi-provisioner": "github.com/kubernetes-csi/external-provisioner/v6/cmd/csi-provisioner",
            "csi-resizer": "github.com/kubernetes-csi/external-resizer/v2/cmd/csi-resizer",
        },
    ),
    # Not in the cluster: `make checkers` runs these.
    Part(
        name="kubeconform",
        version="0.8.0",
        minutes=0.5,
        optional=True,
        binaries={"kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform"},
    ),
    Part(
        name="kube-score",
        version="1.20.0",
        minutes=1,
        optional=True,
        binaries={"kube-score": "github.com/zegl/kube-score/cmd/kube-score"},
    ),
    # Not in the cluster: `make compose-config` and `make compose-table` compare with these.
    Part(
        name="docker-compose",
        version="2.40.3",
        minutes=2,
        optional=True,
        binaries={"docker-compose": f"{DOCKER_COMPOSE}/cmd"},
        ldflags=f"-X {DOCKER_COMPOSE}/internal.Version=v2.40.3",
    ),
    Part(
        name="kompose",
        version="1.38.0",
        minutes=2,
        optional=True,
        binaries={"kompose": "github.com/kubernetes/kompose"},
    ),
    # Not in the cluster: `seaway release sign` and the settings `seaway:trust` run these.
    Part(
        name="cosign",
        version="2.6.5",
        minutes=3,
        optional=True,
        on_path=True,
        binaries={"cosign": f"{COSIGN}/cmd/cosign"},
        ldflags="-X sigs.k8s.io/release-utils/version.gitVersion=v2.6.5",
    ),
    Part(
        name="syft",
        version="1.57.0",
        minutes=3,
        optional=True,
        on_path=True,
        binaries={"syft": "github.com/anchore/syft/cmd/syft"},
        ldflags="-X main.version=1.57.0",
    ),
)
REQUIRED = tuple(part for part in PARTS if not part.optional)
# In GiB. The linker of pulumi-resource-kubernetes holds its whole 300 MB program, and needs the most memory.
LINKER_MEMORY = 4.5


def find_part(name: str) -> Part:
    """Return the part with this name. Raises KeyError with the known names."""
    for part in PARTS:
        if part.name == name:
            return part
    raise KeyError(f"unknown part {name!r}; known parts: {', '.join(part.name for part in PARTS)}")


def find_part_of_program(program: str) -> Part:
    """Return the part that contains a program. Raises KeyError with the known programs."""
    for part in PARTS:
        if program in part.programs:
            return part
    known = ", ".join(name for part in PARTS for name in part.programs)
    raise KeyError(f"unknown program {program!r}; known programs: {known}")
