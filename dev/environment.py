"""The checkout's own settings for Pulumi, Docker and kubectl, so that nothing of the user's is touched."""

import os
import shlex
from pathlib import Path

from dev.cluster import layout, node, toolchain
from seaway.files import private

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / private.FOLDER_NAME
KUBECONFIG = STATE / "kubeconfig"
PUBLIC_PASSPHRASE = "public-on-purpose"  # noqa: S105 - dev keeps no secret worth keeping, see Pulumi.dev.yaml


def format_variables(*, state: Path = STATE, root: Path = ROOT) -> dict[str, str]:
    """The variables that make plain `pulumi`, `kubectl` and `docker buildx` work on this checkout's parts.

    ``state`` holds Pulumi's home and backend; tests give each of their stacks one of its own.
    """
    registry_port = layout.REGISTRY.partition(":")[2]
    folders = [root / ".venv" / "bin", *toolchain.list_bin_folders()]
    return {
        "PATH": os.pathsep.join([*map(str, folders), os.environ["PATH"]]),
        "PULUMI_HOME": str(state / "pulumi"),
        "PULUMI_BACKEND_URL": (state / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": PUBLIC_PASSPHRASE,
        # Compiled plugins are linked in; what is not there cannot be downloaded, and trying costs seconds.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "KUBECONFIG": str(KUBECONFIG),
        "DOCKER_CONFIG": str(STATE / "docker"),
        # Only the cluster knows its registry's name; `seaway` asks registries from here.
        "SEAWAY_REGISTRY_ADDRESSES": f"{layout.REGISTRY}={node.find_layout(ROOT).address}:{registry_port}",
    }


def prepare_environment(*, state: Path = STATE, root: Path = ROOT) -> dict[str, str]:
    """Make the folders, link the plugins, and return the whole environment for a command."""
    for name in ("state", "pulumi", "docker"):
        private.make_folder(state / name)
    toolchain.link_plugins(state / "pulumi")
    return {**os.environ, **format_variables(state=state, root=root)}


def write_env_file() -> Path:
    """Write `.seaway/env`, to be read by a shell: `. .seaway/env`."""
    lines = ["# Makes plain pulumi, kubectl and docker buildx work on this checkout's own cluster: . .seaway/env"]
    for name, value in format_variables().items():
        text = shlex.quote(value)
        if name == "PATH":
            ours = value.removesuffix(os.environ["PATH"])
            text = f'{shlex.quote(ours)}"$PATH"'
        lines.append(f"export {name}={text}")
    path = STATE / "env"
    private.write_file(path, "\n".join(lines) + "\n")
    return path
