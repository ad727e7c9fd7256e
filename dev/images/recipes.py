"""The recipes of the local base images, and the hash that changes with a recipe."""

import dataclasses
import hashlib
import json
import os
import pathlib
from collections.abc import Mapping

ENTRYPOINT = pathlib.Path(__file__).with_name("postgres-entrypoint.sh")
HOST_BUNDLE = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
"""Debian's path of the trusted authorities, on the machine and in the images."""

DEBIAN = "bookworm"
"""Debian 12: its Python is 3.11 and its PostgreSQL is 15."""


def find_architecture() -> str:
    """Return Debian's name of the processor architecture, which Go and OCI use too: `amd64`, `arm64`."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)


TRIM = (
    # Not used at run time. The licences in /usr/share/doc/*/copyright are kept.
    *("dev/*", "proc/*", "sys/*", "run/[!p]*", "tmp/*", "var/tmp/*", "var/log/*", "var/cache/*", "var/lib/apt/lists/*"),
    *("usr/share/man/*", "usr/share/info/*", "usr/share/locale/*", "usr/share/lintian/*", "usr/share/doc/*/[!c]*"),
    *("usr/share/doc/*/changelog*", "etc/*-", "var/lib/dpkg/*-old", "var/lib/dpkg/lock*", "etc/hostname"),
    *("etc/resolv.conf", "etc/machine-id", "usr/sbin/policy-rc.d", "etc/apt/sources.list.d/*"),
    # A private key must not be the same in every container.
    *("etc/ssl/private/*", "etc/ssl/certs/ssl-cert-snakeoil.pem"),
)

# Programs expect the folders of their packages in /run and /var/log.
TRIM_PACKAGES = (
    *(pattern for pattern in TRIM if pattern not in ("run/[!p]*", "var/log/*")),
    "var/log/apt",
    "var/log/*.log",
)

TRIM_POSTGRES = (
    # Just-in-time compilation requires 110 MB of LLVM. PostgreSQL works without the library.
    *("usr/lib/x86_64-linux-gnu/libLLVM*", "usr/lib/aarch64-linux-gnu/libLLVM*", "usr/lib/llvm*"),
    *("usr/lib/postgresql/*/lib/llvmjit*", "usr/lib/postgresql/*/lib/bitcode/*"),
    # Debian's tools for several database clusters on one machine, and their Perl.
    *("usr/share/perl/*", "usr/lib/*/perl/*", "usr/share/perl5/*", "usr/lib/locale/locale-archive", "usr/share/i18n/*"),
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A file system layer: `packages` on top of `below`. Two shell scripts run as root before and after."""

    name: str
    packages: tuple[str, ...]
    before: str = ""
    after: str = ""
    files: Mapping[str, tuple[pathlib.Path, int]] = dataclasses.field(
        default_factory=dict[str, tuple[pathlib.Path, int]]
    )
    """Path in the layer -> file on this machine, and its mode."""
    trim: tuple[str, ...] = TRIM
    below: "Layer | None" = None

    def compute_key(self) -> str:
        """Return 12 hex digits of a hash over all inputs of the layer, without Debian's updates."""
        files = {
            path: [hashlib.sha256(source.read_bytes()).hexdigest(), mode] for path, (source, mode) in self.files.items()
        }
        inputs = [self.name, self.packages, self.before, self.after, files, self.trim, DEBIAN, find_architecture()]
        below = self.below.compute_key() if self.below else ""
        return hashlib.sha256(json.dumps([inputs, below]).encode()).hexdigest()[:12]

    def list_stack(self) -> "list[Layer]":
        """Return the layer and the layers below it, lowest first."""
        return [*(self.below.list_stack() if self.below else []), self]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A layer with settings for the container runtime. `config` uses the keys of the OCI image specification."""

    repository: str
    tag: str
    layer: Layer
    config: dict[str, object]
    environment: dict[str, str]
    labels: dict[str, str]
    replaces: str = ""
    """The public image that the dev stack replaces by this image."""

    @property
    def name(self) -> str:
        return f"{self.repository}:{self.tag}"


SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TITLE, DESCRIPTION = "org.opencontainers.image.title", "org.opencontainers.image.description"
NOT_OFFICIAL = "Made on this machine from Debian 12 packages; not the official image."

BASE = Layer(
    name="debian",
    packages=("ca-certificates",),
    # The authorities of the machine, not only Debian's: a network may intercept TLS with its own authority.
    files={"etc/ssl/certs/ca-certificates.crt": (HOST_BUNDLE, 0o644)},
)

DEBIAN_IMAGE = Image(
    repository="base/debian",
    tag="12-bookworm",
    layer=BASE,
    config={"Cmd": ["bash"]},
    environment={"PATH": SYSTEM_PATH},
    labels={TITLE: "Debian 12, standing in for debian:bookworm-slim", DESCRIPTION: NOT_OFFICIAL},
    replaces="debian:bookworm-slim",
)

PYTHON = Image(
    repository="base/python",
    tag="3.11-bookworm",
    layer=Layer(
        name="python",
        packages=("python3", "python3-venv", "python3-pip-whl"),
        # As in the official image, pip and its packages are in /usr/local: Debian's own Python refuses `pip install`.
        # The layer has no file times, so bytecode must not check them. -f compiles all files.
        after="""ln -sf python3 /usr/bin/python
python3 -m venv --system-site-packages /usr/local
python3 -m compileall -q -f --invalidation-mode unchecked-hash /usr/lib/python3.11 /usr/lib/python3/dist-packages \\
  /usr/local/lib/python3.11""",
        below=BASE,
    ),
    config={"Cmd": ["python3"]},
    environment={"PATH": SYSTEM_PATH},
    labels={TITLE: "Debian's Python 3.11 with pip, standing in for python:3.12-slim", DESCRIPTION: NOT_OFFICIAL},
    replaces="python:3.12-slim",
)

POSTGRES = Image(
    repository="base/postgres",
    tag="15-bookworm",
    layer=Layer(
        name="postgres",
        packages=("postgresql-15",),
        # The ids of the official image, so that `user: 999` works. The package must not create a database.
        before="""groupadd --gid 999 postgres
useradd --uid 999 --gid 999 --home-dir /var/lib/postgresql --shell /bin/sh postgres
mkdir -p /etc/postgresql-common
echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf""",
        after="""echo "listen_addresses = '*'" >> /usr/share/postgresql/15/postgresql.conf.sample
mkdir -p /docker-entrypoint-initdb.d
rm -rf /run/* /var/lib/postgresql
install -d -o 999 -g 999 -m 3777 /run/postgresql
install -d -o 999 -g 999 -m 1777 /var/lib/postgresql/data
install -d -o 999 -g 999 /var/lib/postgresql""",
        files={"usr/local/bin/docker-entrypoint.sh": (ENTRYPOINT, 0o755)},
        trim=(*TRIM, *TRIM_POSTGRES),
        below=BASE,
    ),
    config={
        "Entrypoint": ["/usr/local/bin/docker-entrypoint.sh"],
        "Cmd": ["postgres"],
        "User": "999:999",
        # SIGTERM makes PostgreSQL wait for its last client. SIGINT stops it immediately and cleanly.
        "StopSignal": "SIGINT",
        "ExposedPorts": {"5432/tcp": {}},
    },
    environment={
        "PATH": "/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "PGDATA": "/var/lib/postgresql/data",
        "LANG": "C.UTF-8",
    },
    labels={TITLE: "Debian's PostgreSQL 15, standing in for postgres:17", DESCRIPTION: NOT_OFFICIAL},
    replaces="postgres:17",
)

IMAGES = (DEBIAN_IMAGE, PYTHON, POSTGRES)


def compose_image(name: str, packages: tuple[str, ...], command: tuple[str, ...]) -> Image:
    """Return the recipe of an image `repository:tag` of Debian packages. Without a command, the pod must have one."""
    repository, _, tag = name.partition(":")
    return Image(
        repository=repository,
        tag=tag or "latest",
        layer=Layer(name=repository.replace("/", "-"), packages=packages, below=BASE, trim=TRIM_PACKAGES),
        config={"Cmd": list(command)} if command else {},
        environment={"PATH": SYSTEM_PATH},
        labels={TITLE: f"Debian's {' '.join(packages)}", DESCRIPTION: NOT_OFFICIAL},
    )
