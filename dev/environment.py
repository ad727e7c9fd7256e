"""The checkout's own settings for Pulumi, Docker and kubectl, separate from the user's settings.

`python -m dev.environment` writes them to `.seaway/env`, and prints the next commands.
"""

import os
import shlex
from pathlib import Path

from dev.cluster import layout, node, toolchain
from seaway.files import private

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / private.FOLDER_NAME
KUBECONFIG = STATE / "kubeconfig"
PUBLIC_PASSPHRASE = "public-on-purpose"  # noqa: S105 - the dev stack has no valuable secret, see Pulumi.dev.yaml


def format_variables(*, state: Path = STATE, root: Path = ROOT) -> dict[str, str]:
    """Return the variables with which `pulumi`, `kubectl` and `docker buildx` use this checkout's cluster.

    ``state`` is the folder of Pulumi's home and backend. Tests use a separate folder for each stack.
    """
    registry_port = layout.REGISTRY.partition(":")[2]
    folders = [root / ".venv" / "bin", *toolchain.list_bin_folders()]
    return {
        "PATH": os.pathsep.join([*map(str, folders), os.environ["PATH"]]),
        "PULUMI_HOME": str(state / "pulumi"),
        "PULUMI_BACKEND_URL": (state / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": PUBLIC_PASSPHRASE,
        # Compiled plugins are linked. Other plugins cannot be downloaded, and a download attempt takes seconds.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "KUBECONFIG": str(KUBECONFIG),
        "DOCKER_CONFIG": str(STATE / "docker"),
        # Only the cluster resolves the name of its registry; `seaway` reads registries from the host.
        "SEAWAY_REGISTRY_ADDRESSES": f"{layout.REGISTRY}={node.find_layout(ROOT).address}:{registry_port}",
    }


def prepare_environment(*, state: Path = STATE, root: Path = ROOT) -> dict[str, str]:
    """Create the folders, link the plugins, and return the complete environment for a command."""
    for name in ("state", "pulumi", "docker"):
        private.make_folder(state / name)
    toolchain.link_plugins(state / "pulumi")
    return {**os.environ, **format_variables(state=state, root=root)}


def write_env_file() -> Path:
    """Write `.seaway/env` for a shell: `. .seaway/env`."""
    lines = ["# Lets pulumi, kubectl and docker buildx use this checkout's cluster: . .seaway/env"]
    for name, variable in format_variables().items():
        text = shlex.quote(variable)
        if name == "PATH":
            prefix = variable.removesuffix(os.environ["PATH"])
            text = f'{shlex.quote(prefix)}"$PATH"'
        lines.append(f"export {name}={text}")
    path = STATE / "env"
    private.write_file(path, "\n".join(lines) + "\n")
    return path


if __name__ == "__main__":
    prepare_environment()
    write_env_file()
    print("Use pulumi, seaway and kubectl directly: . .seaway/env    Images that the cluster runs: make images")
    print("Deploy the sample: make up    A project of your own: docs/dev-cluster.md")
